"""The calls of the MnT API: sessions as XML."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timezone
from typing import Any

from emulators.cisco_ise.anc import addresses
from emulators.cisco_ise.ers import Deployment
from emulators.cisco_ise.replies import MntFailure, tag, xml_reply
from emulators.kit import Call, Refused, Reply, Route

BASE = "/admin/API/mnt/Session"
_TYPED = 'xsi:type="xs:boolean" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
_SCHEMA = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


class MntCalls:
    """Handlers by path. What is not found is HTTP 500, as everything else that goes wrong."""

    def __init__(self, deployment: Deployment) -> None:
        self._at = deployment

    def routes(self) -> list[Route]:
        """All MnT calls."""
        return [
            Route("GET", f"{BASE}/ActiveCount", self._count, body="none"),
            Route("GET", f"{BASE}/ActiveList", self._list, body="none"),
            Route("GET", f"{BASE}/EndPointIPAddress/<address>", self._by_address, body="none"),
            Route("GET", f"{BASE}/MACAddress/<mac>", self._by_mac, body="none"),
        ]

    def _count(self, call: Call) -> Reply:
        return xml_reply("<sessionCount>", [tag("count", len(self._at.ise.anc.sessions))])

    def _list(self, call: Call) -> Reply:
        sessions = list(self._at.ise.anc.live())
        call.records = len(sessions)
        shown = self._at.ise.options.list_addresses == "show"
        return xml_reply(
            f'<activeList noOfActiveSession="{len(sessions)}">', (_row(one, addresses_shown=shown) for one in sessions)
        )

    def _by_address(self, call: Call) -> Reply:
        asked = call.arguments["address"]
        try:
            ipaddress.IPv4Address(asked)
        except ValueError:
            raise _failed("EndPointIPAddress", asked, f"Invalid IP address {asked}.") from None
        anc, how = self._at.ise.anc, self._at.ise.options.by_ip
        live = None if how == "lost" else anc.find_address(asked)
        stale = anc.ended.get(asked) if how == "stale" else None
        return _details("EndPointIPAddress", asked, stale or live, ended=stale is not None)

    def _by_mac(self, call: Call) -> Reply:
        asked = call.arguments["mac"]
        if asked != asked.upper():
            raise _failed("MACAddress", asked, "Error in generating XML output.")
        return _details("MACAddress", asked, self._at.ise.anc.session_of(asked), ended=False)


def _failed(kind: str, asked: str, why: str) -> Refused:
    return Refused(500, why, extra=MntFailure(kind, asked))


def _row(session: dict[str, Any], *, addresses_shown: bool) -> str:
    values = {
        "user_name": session["user"],
        "calling_station_id": session["mac"],
        "nas_ip_address": session["nas_ip_address"],
        "acct_session_id": session["id"],
        "audit_session_id": f"0A0A0A0A{session['id']}",
        "server": "ise",
        "framed_ip_address": session["ip"] if addresses_shown else None,
    }
    inside = "".join(tag(name, value) for name, value in values.items())
    return f"<activeSession>{inside}{_ipv6(session)}</activeSession>"


def _details(kind: str, asked: str, session: dict[str, Any] | None, *, ended: bool) -> Reply:
    if session is None:
        raise _failed(
            kind, asked, f"Error in generating XML output. Error message = Session data is not available for {asked}."
        )
    moment = datetime.fromtimestamp(session["started"], timezone.utc).isoformat(timespec="milliseconds")
    values = {
        "user_name": session["user"],
        "nas_ip_address": session["nas_ip_address"],
        "calling_station_id": session["mac"],
        "audit_session_id": f"0A0A0A0A{session['id']}",
        "acs_server": "ise",
        "framed_ip_address": addresses(session)[0] if addresses(session) else "",
        "auth_acs_timestamp": moment,
        "acct_session_id": session["id"],
        "acct_status_type": "Stop" if ended else "Start",
    }
    inside = [f"<passed {_TYPED} {_SCHEMA}>true</passed>", *(tag(name, value) for name, value in values.items())]
    stopped = f"<stopped {_TYPED} {_SCHEMA}>{str(ended).lower()}</stopped>"
    return xml_reply("<sessionParameters>", [*inside, _ipv6(session), stopped])


def _ipv6(session: dict[str, Any]) -> str:
    inside = "".join(tag("ipv6_address", text) for text in session["ipv6"])
    return f"<framed_ipv6_address>{inside}</framed_ipv6_address>"
