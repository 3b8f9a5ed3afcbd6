"""Everything one emulated Vectra brain remembers: its objects, its credentials, the tokens it gave out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulators.kit import Database
from emulators.vectra import operator
from emulators.vectra.access import Access
from emulators.vectra.brain import Brain
from emulators.vectra.options import VectraOptions


class VectraState:
    """The brain and the access to it; the same whatever the API version."""

    def __init__(self, options: VectraOptions, now: Callable[[], float], *, fresh: bool) -> None:
        """Opens `options.state`, or memory. Raises BadOption when the file cannot be used."""
        self._database = Database(options.state, "vectra", fresh=fresh)
        self._now = now
        self.brain = Brain(self._database, now)
        self.access = Access(self._database, options, now)

    def dump(self) -> Iterator[bytes]:
        """See `operator.dump`."""
        return map(orjson.dumps, operator.dump(self.brain))

    def count(self) -> dict[str, Any]:
        """Objects of each kind, tags, notes, scoring events, lockdowns."""
        return self.brain.count()

    def seed(self, payload: Any) -> dict[str, Any]:
        """See `operator.seed`."""
        with self._database.transaction():
            return operator.seed(self.brain, payload, self._now())

    def edit(self, payload: Any) -> dict[str, Any]:
        """See `operator.edit`."""
        with self._database.transaction():
            return operator.edit(self.brain, payload, self._now(), self.access.expire)

    def close(self) -> None:
        """Close the database."""
        self._database.close()
