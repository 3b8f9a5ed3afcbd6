"""Everything that outlasts a run, in one SQLite file that several processes may use at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from warroom.core.indicators import Source
from warroom.core.query import QueryError
from warroom.store.database import Database
from warroom.store.errors import StaleVersion, StoreError
from warroom.store.indicators import Exclusion, Indicators, Page
from warroom.store.intake import ApplyResult, Refusal
from warroom.store.playbook_runs import PlaybookRuns, StoredRun
from warroom.store.records import (
    Contexts,
    Entries,
    Entry,
    Incidents,
    Instance,
    Instances,
    LastRuns,
    Lists,
    Settings,
    VersionedContext,
)
from warroom.store.relationships import Relationships

__all__ = [
    "ApplyResult",
    "Entry",
    "Exclusion",
    "Instance",
    "Page",
    "QueryError",
    "Refusal",
    "Source",
    "StaleVersion",
    "Store",
    "StoreError",
    "StoredRun",
    "VersionedContext",
]


class Store:
    """The parts of one store. Threads may share it; every process opens its own."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self.indicators = Indicators(database, clock)
        self.contexts = Contexts(database)
        self.last_runs = LastRuns(database)
        self.instances = Instances(database, clock)
        self.entries = Entries(database)
        self.lists = Lists(database)
        self.incidents = Incidents(database, clock)
        self.settings = Settings(database)
        self.relationships = Relationships(database)
        self.playbook_runs = PlaybookRuns(database, clock)

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Store:
        """Opens the file, creating and migrating it as needed. `clock` gives seconds since 1970.

        Raises StoreError when the file is no store or was written by a newer version.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(Database(path), clock)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Makes several calls one transaction; nests."""
        with self._database.atomic():
            yield

    def close(self) -> None:
        """Closes the file; idempotent."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
