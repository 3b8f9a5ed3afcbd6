"""What the home remembers of its jobs, beside the journal of their runs: when they were due, and what was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from warroom.core.playbook import Job
from warroom.store import Store

MOST_NOTES = 200
NoteKind = Literal["started", "ended", "waiting", "failed", "missed", "skipped", "stopped", "refused"]


@dataclass(frozen=True)
class Note:
    """One line of a job's journal. `when` is seconds since 1970; `run` the id of the run it is about, or empty."""

    when: float
    job: str
    kind: NoteKind
    text: str
    run: str = ""


@dataclass(frozen=True)
class JobRecord:
    """The state of a job. Times are seconds since 1970, 0 = never.

    `enabled` and `inputs` are the home's own settings: None leaves it to the job's file; `feeds` holds the last change
    of each feed that was answered by a run; `notes` are the last MOST_NOTES, oldest first.
    """

    known_since: float = 0.0
    last_due: float = 0.0
    enabled: bool | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    feeds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


class Board:
    """The records of all jobs of a home. Any number of processes may use it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, job: Job) -> JobRecord:
        """The record of a job, an empty one for a job that the home has not met."""
        data: dict[str, Any] = self._store.settings.get(_setting(job)) or {}
        return JobRecord(**{**data, "notes": tuple(Note(**note) for note in data.get("notes", ()))})

    def change(self, job: Job, change: Callable[[JobRecord], JobRecord]) -> JobRecord:
        """Reads, changes and writes a record in one transaction, and gives it back."""
        with self._store.atomic():
            record = change(self.read(job))
            self._store.settings.set(_setting(job), asdict(record))
        return record

    def note(self, job: Job, note: Note) -> None:
        """Adds a line to the journal of a job."""
        self.change(job, lambda record: replace(record, notes=(*record.notes, note)[-MOST_NOTES:]))


def is_enabled(job: Job, record: JobRecord) -> bool:
    """Whether it runs by itself: as the home says, else as its file says."""
    return job.enabled if record.enabled is None else record.enabled


def _setting(job: Job) -> str:
    return f"job.{job.id or job.name}"
