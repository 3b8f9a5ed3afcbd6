"""Who may call: the API administrator's token, its trusted hosts, its access profile and its VDOMs."""

from __future__ import annotations

import hmac
import ipaddress
import secrets

from emulators.fortigate.errors import no_right
from emulators.fortigate.options import FortiGateOptions
from emulators.kit import Call, Database, Refused

URL_TOKEN = "access_token"  # noqa: S105 - the name of a parameter
READS = ("GET", "HEAD")


class Access:
    """The one API administrator of the device; the token is kept in the state."""

    def __init__(self, database: Database, options: FortiGateOptions) -> None:
        self._options = options
        self._settings = database.collection("settings")

    def token(self, given: str | None) -> str:
        """The token: the one given, else the one kept, else a new one; kept from then on."""
        token = given or self._settings.get("token") or secrets.token_urlsafe(22)
        self._settings.put("token", token)
        return str(token)

    def check(self, call: Call) -> None:
        """Raises Refused: 401 without the token in its header, 403 from a place that is not trusted."""
        if URL_TOKEN in call.request.args:
            raise Refused(401, note="the token is in the address: rest-api-key-url-query is disabled")
        scheme, _, given = call.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(given.encode(), str(self._settings.get("token")).encode()):
            raise Refused(401, note="the token is wrong")
        networks = self._options.trusted_networks
        caller = ipaddress.ip_address(call.request.remote_addr or "127.0.0.1")
        if networks and not any(caller in network for network in networks):
            raise Refused(403, note=f"{caller} is not a trusted host")

    def vdom(self, call: Call) -> str:
        """The VDOM that the call is about. Raises Refused(403) for one that is not there or not the administrator's."""
        name = call.request.args.get("vdom") or self._options.vdom_names[0]
        if name not in self._options.allowed_vdoms:
            raise Refused(403, note=f"VDOM {name} is not there or not the administrator's")
        return name

    def check_right(self, right: str, call: Call) -> None:
        """Raises Refused(403) unless the profile's right allows to read, or to write."""
        if right == "none" or (right == "read" and call.method not in READS):
            raise no_right(f"{call.method} {call.path}")
