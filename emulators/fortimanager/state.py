"""Everything that one FortiManager and its FortiGates remember."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulators.fortimanager.adoms import Adoms
from emulators.fortimanager.calls import Calls
from emulators.fortimanager.console import Console
from emulators.fortimanager.options import FortiManagerOptions
from emulators.fortimanager.packages import Packages
from emulators.fortimanager.sessions import Sessions
from emulators.fortimanager.tasks import Tasks
from emulators.kit import Database

FIRST_SEED = {"adoms": [{"name": "root"}], "objects": [
    {"adom": "root", "table": "address", "data": {"name": "none", "subnet": "0.0.0.0 255.255.255.255"}},
    {"adom": "root", "table": "address6", "data": {"name": "none", "ip6": "::/128"}},
]}  # fmt: skip


class FortiManagerState:
    """Put together; begins with the ADOM `root` and its object `none`."""

    def __init__(self, options: FortiManagerOptions, now: Callable[[], float], *, fresh: bool) -> None:
        self.database = Database(options.state, "fortimanager", fresh=fresh)
        self.sessions = Sessions(self.database, options, now)
        self.adoms = Adoms(self.database, options, self.sessions, now)
        self.packages = Packages(self.database, self.adoms)
        self.tasks = Tasks(self.database, self.adoms, self.packages, options, now)
        self.calls = Calls(self.adoms, self.packages, self.tasks, options)
        self._console = Console(self.adoms, self.packages, self.tasks, self.sessions)
        if not len(self.adoms.adoms):
            self.seed(FIRST_SEED)

    def enforced(self) -> dict[str, dict[str, frozenset[str]]]:
        """What each FortiGate blocks now, after all that is due is done; see `Packages.enforced`."""
        self.tasks.advance()
        return self.packages.enforced()

    def dump(self) -> Iterator[bytes]:
        """All objects."""
        for row in self.adoms.dump():
            yield orjson.dumps(row)
        for name, device in self.packages.devices.items():
            yield orjson.dumps({"kind": "device", "name": name, **device})
        for adom, _ in list(self.adoms.adoms.items()):
            for path, package in self.packages.of(adom).items():
                yield orjson.dumps({"kind": "package", "adom": adom, "name": path, **package})
        for task in self.tasks.all():
            yield orjson.dumps({"kind": "task", **task})

    def count(self) -> dict[str, Any]:
        """How many of each."""
        adoms = [name for name, _ in self.adoms.adoms.items()]
        return {
            "adoms": len(adoms),
            "addresses": sum(len(self.adoms.rows(adom, table)) for adom in adoms for table in ("address", "address6")),
            "devices": len(self.packages.devices),
            "locks": len(self.adoms.locks),
            "sessions": len(self.sessions.open_ones()),
            "tasks": len(self.tasks.all()),
        }

    def seed(self, payload: Any) -> dict[str, Any]:
        """See `Console.seed`."""
        with self.database.transaction():
            self._console.seed(payload)
        return self.count()

    def edit(self, payload: Any) -> dict[str, Any]:
        """See `Console.edit`."""
        with self.database.transaction():
            self._console.edit(payload)
        return self.count()

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()
