"""The quarantine list, also called banned users: source addresses that are cut off, for a time or for ever."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

from emulators.fortigate.errors import bad_value
from emulators.kit import Database

BY_ADMINISTRATOR = "Administrative"


class Quarantine:
    """Bans by VDOM and address; times are whole seconds since the epoch, on the clock of the device."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def ban(self, vdom: str, address: str, expiry: int, source: str = BY_ADMINISTRATOR) -> None:
        """Ban for `expiry` seconds, for ever with 0. A new ban takes the place of an old one. Raises Refused(424)."""
        created = int(self._now())
        ends = {"expires": created + expiry} if expiry else {}
        row = {"ip_address": _canonical(address), "created": created, "source": source, **ends}
        self._list(vdom).put(row["ip_address"], row)

    def release(self, vdom: str, address: str) -> None:
        """End a ban; there need not be one. Raises Refused(424)."""
        self._list(vdom).remove(_canonical(address))

    def clear(self, vdom: str) -> None:
        """End all bans."""
        for row in self.rows(vdom):
            self.release(vdom, row["ip_address"])

    def rows(self, vdom: str) -> list[dict[str, Any]]:
        """The bans that are in force now, in order of address text."""
        return [row for _, row in self._list(vdom).items() if row.get("expires", self._now() + 1) > self._now()]

    def reboot(self, vdom: str, persistency: str) -> None:
        """What a power cycle leaves of the list."""
        for row in self.rows(vdom):
            if persistency == "disabled" or (persistency == "permanent-only" and "expires" in row):
                self.release(vdom, row["ip_address"])

    def dump(self, vdom: str) -> Iterator[dict[str, Any]]:
        """All bans for the side door."""
        yield from ({"kind": "ban", "vdom": vdom, **row} for row in self.rows(vdom))

    def _list(self, vdom: str) -> Any:
        return self._database.collection(f"{vdom} banned")


def _canonical(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise bad_value("ip_addresses", address) from None
