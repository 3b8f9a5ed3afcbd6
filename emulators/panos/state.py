"""Everything the emulated devices remember: registered addresses, devices, keys, and settings that an edit changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulators.kit import Database
from emulators.panos.access import Access
from emulators.panos.console import Console
from emulators.panos.devices import Devices
from emulators.panos.options import PanosOptions
from emulators.panos.registry import Registry
from emulators.panos.userid import Rules


class PanosState:
    """`registry` holds the registered addresses, `devices` who there is, `access` the keys."""

    def __init__(self, options: PanosOptions, now: Callable[[], float], *, fresh: bool) -> None:
        """Opens `options.state`, or memory. Raises BadOption when the file cannot be used."""
        self._database = Database(options.state, "panos", fresh=fresh)
        self._options = options
        self._settings = self._database.collection("settings")
        self.registry = Registry(self._database, now)
        self.devices = Devices(self._database, options)
        self.access = Access(self._database, options, now)
        self._console = Console(self.registry, self.devices, self.access, self._settings.put)

    def rules(self) -> Rules:
        """What holds for messages now: the options, and what an edit changed."""
        options = self._options
        capacity, delay = self._settings.get("capacity"), self._settings.get("register_delay")
        return Rules(
            options.batch == "whole",
            options.networks6 == "take",
            options.capacity if capacity is None else int(capacity),
            options.register_delay if delay is None else float(delay),
        )

    def transaction(self) -> Any:
        """All or nothing."""
        return self._database.transaction()

    def dump(self) -> Iterator[bytes]:
        """One line for each device, then for each registered address."""
        self.registry.settle()
        for device in self.devices.all():
            yield orjson.dumps({"kind": "device", **vars(device)})
        for place, row in self.registry.all():
            told = {"kind": "registered", **place._asdict(), "ip": row.address, "tags": row.tags}
            yield orjson.dumps(told)

    def count(self) -> dict[str, Any]:
        """Registered addresses, and devices."""
        self.registry.settle()
        return {"registered": self.registry.count(), "devices": sum(1 for _ in self.devices.all())}

    def seed(self, payload: Any) -> dict[str, Any]:
        """See `Console.seed`."""
        with self._database.transaction():
            self._console.seed(payload)
        return self.count()

    def edit(self, payload: Any) -> dict[str, Any]:
        """See `Console.edit`: `{"edited": n}`."""
        with self._database.transaction():
            self.registry.settle()
            return {"edited": self._console.edit(payload)}

    def close(self) -> None:
        """Close the database."""
        self._database.close()
