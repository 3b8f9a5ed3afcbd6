"""Everything one emulated dashboard remembers: its objects, the API key and its rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import orjson

from emulators.kit import Database
from emulators.meraki.access import Access
from emulators.meraki.dashboard import KINDS, Dashboard
from emulators.meraki.operator import Operator
from emulators.meraki.options import MerakiOptions


class MerakiState:
    """The dashboard, the access to it, and the hands of its administrators."""

    def __init__(self, options: MerakiOptions, now: Callable[[], float], *, fresh: bool) -> None:
        """Opens `options.state`, or memory. Raises BadOption when the file cannot be used."""
        self._database = Database(options.state, "meraki", fresh=fresh)
        self.dashboard = Dashboard(self._database, now)
        self.access = Access(self._database)
        self._operator = Operator(self.dashboard, self.access)

    def dump(self) -> Iterator[bytes]:
        """All objects; a policy has `key`, which is `network/client`."""
        for kind in KINDS:
            for key, document in self.dashboard.table(kind).items():
                yield orjson.dumps({"kind": kind, "key": key, **document})

    def count(self) -> dict[str, Any]:
        """How many there are of each kind."""
        return {kind: len(self.dashboard.table(kind)) for kind in KINDS}

    def seed(self, payload: Any) -> dict[str, Any]:
        """See `Operator.seed`."""
        with self._database.transaction():
            self._operator.seed(payload)
        return self.count()

    def edit(self, payload: Any) -> dict[str, Any]:
        """See `Operator.edit`."""
        with self._database.transaction():
            self._operator.edit(payload)
        return self.count()

    def transaction(self) -> AbstractContextManager[object]:
        """All or nothing, for a call that writes more than once."""
        return self._database.transaction()

    def close(self) -> None:
        """Close the database."""
        self._database.close()
