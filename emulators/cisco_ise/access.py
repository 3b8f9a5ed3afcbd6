"""Who may do what: accounts with admin groups, Basic login, and the tokens of the CSRF check."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any

from emulators.cisco_ise.options import ERS_READ, ERS_WRITE, GROUPS, MNT_READ, IseOptions
from emulators.kit import Call, Database, Refused

TOKEN_SECONDS = 1800
COOKIE = "JSESSIONIDSSO"
LOGIN = {"WWW-Authenticate": 'Basic realm="Cisco ISE"'}


class Access:
    """The accounts of one deployment. CSRF tokens are gone after a restart, as sessions are."""

    def __init__(self, database: Database, options: IseOptions, now: Callable[[], float]) -> None:
        self.accounts = database.collection("accounts")
        self._now = now
        self._tokens: dict[str, tuple[str, float]] = {}
        if self.accounts.get(options.username) is None or options.password:
            self.put_first(options, options.password or secrets.token_urlsafe(18))

    def put_first(self, options: IseOptions, password: str) -> None:
        """Make the account that is there from the start."""
        self.put(options.username, password, options.group_names)

    def put(self, name: str, password: str, groups: list[str], external: bool = False) -> None:
        """Make or replace an account. Raises Refused(400) for a group that does not exist."""
        unknown = sorted(set(groups) - GROUPS)
        if unknown:
            raise Refused(
                400, f"unknown admin groups: {', '.join(unknown)}", extra=f"known: {', '.join(sorted(GROUPS))}"
            )
        self.accounts.put(name, {"password": password, "groups": groups, "external": external})

    def password(self, name: str) -> str:
        """The password of an account that exists."""
        account = self.accounts.get(name)
        assert account is not None
        return str(account["password"])

    def sign_in(self, call: Call) -> dict[str, Any]:
        """The account of a request. Raises Refused(401) without saying to the client which part was wrong."""
        login = call.request.authorization
        if login is None or login.type != "basic":
            raise Refused(401, headers=LOGIN, note="no Basic login")
        account: dict[str, Any] | None = self.accounts.get(login.username or "")
        if account is None:
            raise Refused(401, headers=LOGIN, note="no such account")
        if not hmac.compare_digest((login.password or "").encode(), str(account["password"]).encode()):
            raise Refused(401, headers=LOGIN, note="the password is wrong")
        return account

    def check_ers(self, account: dict[str, Any], *, write: bool) -> None:
        """Raises Refused(403) unless the groups of the account allow it."""
        if not set(account["groups"]) & (ERS_WRITE if write else ERS_READ):
            raise Refused(403, note="not in a group that may do this")

    def check_mnt(self, account: dict[str, Any]) -> None:
        """Raises Refused: an external account cannot sign in here (401), others need a group (403)."""
        if account["external"]:
            raise Refused(401, headers=LOGIN, note="MnT takes internal accounts only")
        if not set(account["groups"]) & MNT_READ:
            raise Refused(403, note="not in a group that may read sessions")

    def new_token(self) -> tuple[str, str]:
        """(cookie, CSRF token) of a new session."""
        cookie, token = secrets.token_hex(16), secrets.token_hex(16).upper()
        self._tokens[cookie] = (token, self._now() + TOKEN_SECONDS)
        return cookie, token

    def check_token(self, call: Call) -> None:
        """Raises Refused(403) unless the request has a token that is still good, and the cookie of its session."""
        token, ends = self._tokens.get(call.request.cookies.get(COOKIE, ""), ("", 0.0))
        if not token or call.headers.get("X-CSRF-TOKEN") != token or ends <= self._now():
            raise Refused(403, "CSRF nonce validation failed", note="no good CSRF token")

    def forget_tokens(self) -> None:
        """End all sessions."""
        self._tokens.clear()
