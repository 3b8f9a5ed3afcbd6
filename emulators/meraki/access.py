"""Who may call and see what: the API key, its rights, and the budget of each organisation."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any

from emulators.kit import Call, Database, Refused

FULL, READ_ONLY = "full", "read-only"
NOT_FOUND = "Not found"


class Access:
    """The one API key, kept in the state, and what it may see.

    `rights`: `access` (full or read-only), `organizations` and `networks` (ids; null means all of them).
    """

    def __init__(self, database: Database) -> None:
        self._settings = database.collection("settings")

    def key(self, given: str | None) -> str:
        """The key: the one given, else the one kept, else a new one; kept from then on."""
        key = given or self._settings.get("api_key") or secrets.token_hex(20)
        self._settings.put("api_key", key)
        return str(key)

    def check(self, call: Call) -> None:
        """Raises Refused(401) unless the request carries the key, as a bearer or in the older header."""
        scheme, _, bearer = call.headers.get("Authorization", "").partition(" ")
        given = bearer if scheme == "Bearer" else call.headers.get("X-Cisco-Meraki-API-Key", "")
        if not given or not hmac.compare_digest(given.encode(), str(self._settings.get("api_key")).encode()):
            raise Refused(401, "Invalid API key")

    def rights(self) -> dict[str, Any]:
        """What the key may do."""
        return {"access": FULL, "organizations": None, "networks": None, **(self._settings.get("rights") or {})}

    def set_rights(self, change: dict[str, Any]) -> None:
        """What an administrator changed for the owner of the key."""
        self._settings.put("rights", {**self.rights(), **change})

    def sees(self, kind: str, key: str) -> bool:
        """May the key see this one of `organizations` or `networks`?"""
        allowed = self.rights()[kind]
        return allowed is None or key in allowed

    def check_write(self) -> None:
        """Raises Refused(403) for a key that may only read."""
        if self.rights()["access"] != FULL:
            raise Refused(403, "You don't have permission to do that")


class Budgets:
    """A bucket of requests for each organisation: `burst` at once, filled again with `rate` in a second."""

    def __init__(self, rate: float, burst: int, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._size = float(max(1, burst))
        self._monotonic = monotonic
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, organization: str, retry_after: float | None) -> None:
        """Count one request. Raises Refused(429) when the bucket is empty; that request costs nothing."""
        if not self._rate:
            return
        now = self._monotonic()
        left, since = self._left.get(organization, (self._size, now))
        left = min(self._size, left + (now - since) * self._rate)
        self._left[organization] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
            raise Refused(429, "API rate limit exceeded for organization", headers=headers)
