"""Everything that one emulated FortiGate remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import orjson

from emulators.fortigate import operator
from emulators.fortigate.access import Access
from emulators.fortigate.options import FortiGateOptions
from emulators.fortigate.quarantine import Quarantine
from emulators.fortigate.vdoms import TABLES, Vdoms
from emulators.kit import Database


class FortiGateState:
    """The configuration of the VDOMs, the quarantine list, and the administrator."""

    def __init__(self, options: FortiGateOptions, now: Callable[[], float], *, fresh: bool) -> None:
        """Opens `options.state`, or memory. Raises BadOption when the file cannot be used."""
        self._database = Database(options.state, "fortigate", fresh=fresh)
        self.options = options
        self.vdoms = Vdoms(self._database, options)
        self.quarantine = Quarantine(self._database, now)
        self.access = Access(self._database, options)

    def transaction(self) -> AbstractContextManager[Any]:
        """All or nothing."""
        return self._database.transaction()

    def dump(self) -> Iterator[bytes]:
        """Objects of all tables and bans, each with its VDOM."""
        for vdom in self.options.vdom_names:
            for table in (*TABLES, "policy", "interface"):
                yield from (orjson.dumps({"kind": table, "vdom": vdom, **row}) for row in self.vdoms.all(vdom, table))
            yield from map(orjson.dumps, self.quarantine.dump(vdom))

    def count(self) -> dict[str, Any]:
        """Objects by VDOM and table, and bans."""
        counted = self.vdoms.count()
        return {vdom: {**tables, "bans": len(self.quarantine.rows(vdom))} for vdom, tables in counted.items()}

    def seed(self, payload: Any) -> dict[str, Any]:
        """See `operator.seed`."""
        with self.transaction():
            operator.seed(self.vdoms, self.quarantine, self.options, payload)
        return self.count()

    def edit(self, payload: Any) -> dict[str, Any]:
        """See `operator.edit`."""
        with self.transaction():
            operator.edit(self.vdoms, self.quarantine, self.options, payload)
        return self.count()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
