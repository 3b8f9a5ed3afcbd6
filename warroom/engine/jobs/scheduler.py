"""Starts jobs when they come due. Time, threads and runs come in from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial

from warroom.core.cron import CronError
from warroom.core.job_times import MOST_MISSED, Overdue, next_due, overdue
from warroom.core.playbook import Job
from warroom.engine.errors import EngineError, UsageError
from warroom.engine.jobs.board import Board, JobRecord, Note, NoteKind, is_enabled
from warroom.engine.playbooks import PlaybookRun
from warroom.store import StoredRun

# A run that starts this late was missed while nobody watched; sooner it is only the watch's own step.
LATE_SECONDS = 60.0
# How often the watch looks for changes of feeds and of the jobs' settings.
LOOK_SECONDS = 5.0
OPEN = frozenset({"running", "waiting"})


@dataclass(frozen=True)
class JobHouse:
    """What a scheduler works with.

    `run` runs a job's playbook with inputs until it ends or waits; `resume` goes on with a run by id; `stop` ends an
    open run; `runs` are the newest runs of a job first; `feeds` the time of the last change by feed.
    """

    board: Board
    run: Callable[[Job, Mapping[str, str]], PlaybookRun]
    resume: Callable[[str], PlaybookRun]
    stop: Callable[[str], None]
    runs: Callable[[Job], Sequence[StoredRun]]
    feeds: Callable[[], Mapping[str, float]]
    clock: Callable[[], float]


@dataclass
class Scheduler:
    """Watches jobs. `launch` starts the work of one run, in a thread or at once; `tell` gets each line of the journal.

    One job never runs twice at a time unless it says so: while a run is open, further ones are skipped and told.
    """

    house: JobHouse
    jobs: Sequence[Job]
    launch: Callable[[Callable[[], None]], None]
    tell: Callable[[Note], None]
    _busy: dict[str, int] = field(default_factory=dict)
    _held_back: set[tuple[str, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Takes note of new jobs, and goes on with runs that were under way when the last watch ended."""
        for job in self.jobs:
            self.house.board.change(job, self._met)
            for left in [run for run in self.house.runs(job) if run.status == "running"]:
                self._start(job, left.id, partial(self.house.resume, left.id), "goes on where it was cut off")

    def tick(self) -> None:
        """Starts whatever is due now."""
        for job in self.jobs:
            record = self.house.board.read(job)
            if not is_enabled(job, record):
                continue
            try:
                self._by_time(job, record)
                self._by_feed(job, record)
            except CronError as wrong:
                self._once(job, "refused", f"cannot be scheduled: {wrong}")

    def wait_seconds(self) -> float:
        """How long the watch may rest: to the next due time, at most LOOK_SECONDS."""
        now = self.house.clock()
        waits = [due - now for job in self.jobs if (due := self.next_due(job)) is not None]
        return max(0.0, min([LOOK_SECONDS, *waits]))

    def next_due(self, job: Job) -> float | None:
        """When the job comes due next; None when never by time, or when it is disabled or its times are wrong."""
        record = self.house.board.read(job)
        known = record.known_since or self.house.clock()
        try:
            due = next_due(job, self._after(job, record, known), known)
        except CronError:
            return None
        return due if is_enabled(job, record) else None

    def run_now(self, job: Job, inputs: Mapping[str, str]) -> PlaybookRun:
        """Runs a job at once, whatever its times. Raises UsageError while a run is open that it may not overlap.

        A run that was cut off, because its process was killed, goes on first, as it does when a watch begins.
        """
        self._mend(job)
        reason = self._hindrance(job)
        if reason:
            raise UsageError(f"job {job.name}: {reason}")
        run = self.house.run(job, {**self.house.board.read(job).inputs, **inputs})
        self._note(job, *_outcome(run), run.id)
        return run

    def _mend(self, job: Job) -> None:
        for left in [run for run in self.house.runs(job) if run.status == "running"]:
            try:
                self._note(job, *_outcome(self.house.resume(left.id)), left.id)
            except UsageError as error:
                # Still running: another process is at it. Else it was ended, because a person has to decide.
                if all(run.status != "running" for run in self.house.runs(job) if run.id == left.id):
                    self._note(job, "failed", str(error), left.id)

    def _met(self, record: JobRecord) -> JobRecord:
        return record if record.known_since else replace(record, known_since=self.house.clock())

    def _after(self, job: Job, record: JobRecord, known: float) -> float:
        return record.last_due or known - (0.0 if job.cron else 1e-3)

    def _by_time(self, job: Job, record: JobRecord) -> None:
        now = self.house.clock()
        known = record.known_since or now
        late = overdue(job, self._after(job, record, known), now, known)
        if late is None:
            return
        self.house.board.change(job, lambda record: replace(record, last_due=late.last))
        missed = _missed(late, now)
        if missed:
            self._note(job, "missed", missed)
        reason = self._hindrance(job)
        if reason:
            self._once(job, "skipped", f"does not start while this lasts: {reason}")
            return
        self._run(job, "one run makes up for those missed" if missed else "")

    def _by_feed(self, job: Job, record: JobRecord) -> None:
        fresh = dict(self._fresh(job, record)) if job.by_feed else {}
        if not fresh:
            return
        names = ", ".join(sorted(fresh))
        reason = self._hindrance(job)
        if reason:
            # The change is not answered yet, so the job starts as soon as it may.
            self._once(job, "skipped", f"{names} changed; it starts later: {reason}")
            return
        self.house.board.change(job, lambda record: replace(record, feeds={**record.feeds, **fresh}))
        self._run(job, f"{names} changed")

    def _fresh(self, job: Job, record: JobRecord) -> Iterator[tuple[str, float]]:
        wanted = {name.casefold() for name in job.feeds}
        for name, when in self.house.feeds().items():
            if (job.all_feeds or name.casefold() in wanted) and when > record.feeds.get(name, record.known_since):
                yield name, when

    def _hindrance(self, job: Job) -> str:
        """Why the job may not start now, "" when it may. Ends the open run when the job says so."""
        if job.run_both:
            return ""
        with self._lock:
            if self._busy.get(job.name):
                return "the last run is still going on"
        still_open = next((run for run in self.house.runs(job) if run.status in OPEN), None)
        if still_open is None:
            self._held_back = {item for item in self._held_back if item[0] != job.name}
            return ""
        if job.close_previous and still_open.status == "waiting":
            self.house.stop(still_open.id)
            self._note(job, "stopped", f"run {still_open.id} was still open and makes room", still_open.id)
            return ""
        if still_open.status == "waiting":
            return f"run {still_open.id} waits for a person; see `warroom playbook resume {still_open.id}`"
        return f"run {still_open.id} is still going on"

    def _run(self, job: Job, why: str) -> None:
        inputs = {**job.inputs, **self.house.board.read(job).inputs}
        self._start(job, "", lambda: self.house.run(job, inputs), why)

    def _start(self, job: Job, run_id: str, work: Callable[[], PlaybookRun], why: str) -> None:
        with self._lock:
            self._busy[job.name] = self._busy.get(job.name, 0) + 1
        self._note(job, "started", f"{job.playbook}" + (f" ({why})" if why else ""), run_id)
        self.launch(lambda: self._work(job, work))

    def _work(self, job: Job, work: Callable[[], PlaybookRun]) -> None:
        try:
            run = work()
            self._note(job, *_outcome(run), run.id)
        except EngineError as error:
            self._note(job, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - one job that breaks must not end the watch over the others
            self._note(job, "failed", f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._busy[job.name] -= 1

    def _once(self, job: Job, kind: NoteKind, text: str) -> None:
        """A line that is told once, until the hindrance is gone."""
        if (job.name, text) not in self._held_back:
            self._held_back.add((job.name, text))
            self._note(job, kind, text)

    def _note(self, job: Job, kind: NoteKind, text: str, run: str = "") -> None:
        note = Note(self.house.clock(), job.name, kind, text, run)
        self.house.board.note(job, note)
        self.tell(note)


def _missed(late: Overdue, now: float) -> str:
    """What is told about runs that did not start in time, "" when all is in time."""
    in_time = now - late.last <= LATE_SECONDS
    count = late.count - 1 if in_time else late.count
    if not count:
        return ""
    many = f"{count} or more runs" if late.count >= MOST_MISSED else f"{count} run{'s' if count > 1 else ''}"
    return f"{many} since {_clock_text(late.first)} did not start, as nothing watched"


def _outcome(run: PlaybookRun) -> tuple[NoteKind, str]:
    if run.status == "done":
        return "ended", "done"
    if run.status == "waiting":
        return "waiting", "waits for a person"
    return "failed", f"{run.status}: {run.error}"


def _clock_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
