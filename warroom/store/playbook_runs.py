"""The journal of playbook runs: what each needs to go on, and what happened in it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warroom.core.dates import from_micros
from warroom.core.indicators import now_micros
from warroom.store.database import Database
from warroom.store.errors import StoreError
from warroom.store.records import dumps

_COLUMNS = "id, playbook, job, status, began, moved, state"


@dataclass(frozen=True)
class StoredRun:
    """One run. `status` and `state` are the engine's; `began` and `moved` (the last write) are ISO UTC."""

    id: str
    playbook: str
    job: str
    status: str
    began: str
    moved: str
    state: dict[str, Any]


class PlaybookRuns:
    """Runs of playbooks with their events. An event has a number, counted from 0 in its run; writing it again
    replaces it."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def add(self, run_id: str, playbook: str, job: str, status: str, state: Mapping[str, Any]) -> StoredRun:
        """Begins a run. Raises StoreError when the id is taken or the state is not JSON."""
        now = from_micros(now_micros(self._clock()))
        row = (run_id, playbook, job, status, now, now, dumps("the state of a run", dict(state)))
        try:
            self._database.run("insert into playbook_runs values (null, ?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            raise StoreError(f"there is already a run {run_id!r}") from None
        return _run(row)

    def save(self, run_id: str, status: str, state: Mapping[str, Any], events: Mapping[int, Mapping[str, Any]]) -> None:
        """Writes a step of a run: its status, its state and the events of the step, all or none.

        Raises StoreError when there is no such run or something is not JSON.
        """
        moved = from_micros(now_micros(self._clock()))
        rows = [(run_id, number, dumps("an event", dict(event))) for number, event in events.items()]
        with self._database.atomic():
            statement = "update playbook_runs set status = ?, moved = ?, state = ? where id = ?"
            text = dumps("the state of a run", dict(state))
            if not self._database.run(statement, (status, moved, text, run_id)):
                raise StoreError(f"there is no run {run_id!r}")
            self._database.run_many("insert or replace into playbook_events values (?, ?, ?)", rows)

    def get(self, run_id: str) -> StoredRun | None:
        """The run, None when there is none."""
        found = self._database.row(f"select {_COLUMNS} from playbook_runs where id = ?", (run_id,))  # noqa: S608
        return _run(found) if found else None

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """The events of a run in order."""
        statement = "select doc from playbook_events where run_id = ? order by number"
        return [json.loads(doc) for (doc,) in self._database.rows(statement, (run_id,))]

    def list(self, *, size: int = 100, job: str | None = None) -> list[StoredRun]:
        """The newest runs first; only those of `job` when it is given ("" for those of no job)."""
        condition = "" if job is None else "where job = :job"
        statement = f"select {_COLUMNS} from playbook_runs {condition} order by seq desc limit :size"  # noqa: S608
        return [_run(row) for row in self._database.rows(statement, {"job": job, "size": max(0, size)})]


def _run(row: Sequence[Any]) -> StoredRun:
    run_id, playbook, job, status, began, moved, state = row
    return StoredRun(run_id, playbook, job, status, began, moved, json.loads(state))
