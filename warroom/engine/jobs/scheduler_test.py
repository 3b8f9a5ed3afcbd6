from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from warroom.core.playbook import Job
from warroom.engine import UsageError
from warroom.engine.jobs import Board, Note, Scheduler
from warroom.engine.jobs.scheduler import LOOK_SECONDS, JobHouse
from warroom.engine.playbooks import PlaybookRun
from warroom.engine.playbooks.events import RunStatus
from warroom.store import Store, StoredRun

EVERY_5 = Job("five", "Cycle", period_seconds=300, id="five")
FEED = Job("feed", "Push", by_feed=True, feeds=("Feed_1",), id="feed")


@dataclass
class Bench:
    """A scheduler on a clock that stands still, with runs that only count themselves."""

    store: Store
    job: Job = EVERY_5
    now: float = 1_000_000.0
    outcome: RunStatus = "done"
    feeds: dict[str, float] = field(default_factory=dict)
    begun: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    stored: list[StoredRun] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    told: list[Note] = field(default_factory=list)
    waiting_work: list[Callable[[], None]] = field(default_factory=list)
    at_once: bool = True

    def scheduler(self) -> Scheduler:
        """A new watch, as after a restart."""
        house = JobHouse(
            Board(self.store), self.run, self.resume, self.stop, lambda job: self.stored, lambda: self.feeds,
            lambda: self.now,
        )  # fmt: skip
        return Scheduler(house, [self.job], self.launch, self.told.append)

    def launch(self, work: Callable[[], None]) -> None:
        """Does the work now or keeps it."""
        work() if self.at_once else self.waiting_work.append(work)

    def run(self, job: Job, inputs: Mapping[str, str]) -> PlaybookRun:
        """Counts a run, and leaves it in the journal."""
        run_id = f"run{len(self.begun) + 1}"
        self.begun.append((job.playbook, inputs))
        self.leave(run_id, self.outcome)
        return PlaybookRun(run_id, job.playbook, self.outcome, job.name, error="it broke" * (self.outcome == "error"))

    def leave(self, run_id: str, status: str) -> None:
        """A run in the journal."""
        self.stored = [StoredRun(run_id, "Cycle", "five", status, "", "", {}), *self.stored]

    def resume(self, run_id: str) -> PlaybookRun:
        """Notes that a run goes on."""
        self.resumed.append(run_id)
        self.stored = []
        return PlaybookRun(run_id, "Cycle", "done")

    def stop(self, run_id: str) -> None:
        """Ends an open run."""
        self.stopped.append(run_id)
        self.stored = [replace(run, status="stopped") for run in self.stored]

    def kinds(self) -> list[str]:
        """What was told, by kind."""
        return [note.kind for note in self.told]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Store.open(tmp_path / "warroom.db") as store:
        yield Bench(store)


def test_tick_periodic_job_runs_at_once_then_each_period(bench: Bench) -> None:
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    watch.tick()
    assert len(bench.begun) == 1
    bench.now += 300
    watch.tick()
    assert len(bench.begun) == 2
    assert bench.kinds() == ["started", "ended"] * 2


def test_tick_after_an_absence_tells_the_missed_runs_and_makes_up_for_one(bench: Bench) -> None:
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    bench.now += 3 * 300 + 100
    again = bench.scheduler()
    again.begin()
    again.tick()
    again.tick()
    assert len(bench.begun) == 2
    assert bench.kinds()[2:] == ["missed", "started", "ended"]
    assert bench.told[2].text.startswith("3 runs since ")


def test_tick_cron_job_never_seen_waits_for_its_time(bench: Bench) -> None:
    bench.job = replace(EVERY_5, cron="0 6 * * *", timezone="UTC", period_seconds=0)
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    assert bench.begun == []
    due = watch.next_due(bench.job)
    assert due is not None and due % 86400 == 6 * 3600


def test_tick_run_still_going_on_is_not_overlapped(bench: Bench) -> None:
    bench.at_once = False
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    bench.now += 300
    watch.tick()
    bench.now += 300
    watch.tick()
    assert bench.kinds() == ["started", "skipped"]
    bench.waiting_work.pop()()
    bench.now += 300
    watch.tick()
    assert bench.kinds() == ["started", "skipped", "ended", "started"]


def test_tick_run_that_waits_holds_the_job_back_until_it_is_over(bench: Bench) -> None:
    bench.outcome = "waiting"
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    bench.now += 300
    watch.tick()
    assert bench.kinds() == ["started", "waiting", "skipped"]
    assert "run1 waits for a person" in bench.told[-1].text
    bench.stop("run1")
    bench.now += 300
    watch.tick()
    assert len(bench.begun) == 2


def test_tick_job_that_closes_its_last_run_stops_it_first(bench: Bench) -> None:
    bench.outcome, bench.job = "waiting", replace(EVERY_5, close_previous=True)
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    bench.now += 300
    watch.tick()
    assert bench.stopped == ["run1"]
    assert len(bench.begun) == 2


def test_tick_job_that_may_overlap_runs_beside_an_open_run(bench: Bench) -> None:
    bench.outcome, bench.job = "waiting", replace(EVERY_5, run_both=True)
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    bench.now += 300
    watch.tick()
    assert len(bench.begun) == 2


def test_tick_failed_run_is_told_and_does_not_hold_the_job_back(bench: Bench) -> None:
    bench.outcome = "error"
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    bench.now += 300
    watch.tick()
    assert bench.kinds() == ["started", "failed"] * 2
    assert bench.told[1].text == "error: it broke"


def test_tick_run_that_raises_is_told_and_the_watch_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(job: Job, inputs: Mapping[str, str]) -> PlaybookRun:
        raise UsageError("unknown playbook 'Cycle'")

    monkeypatch.setattr(bench, "run", broken)
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    assert bench.told[-1].kind == "failed"
    assert bench.told[-1].text == "unknown playbook 'Cycle'"


def test_tick_wrong_cron_line_is_told_once(bench: Bench) -> None:
    bench.job = replace(EVERY_5, cron="61 * * * *", period_seconds=0)
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    watch.tick()
    assert bench.kinds() == ["refused"]
    assert watch.wait_seconds() == LOOK_SECONDS


def test_tick_disabled_job_does_not_run(bench: Bench) -> None:
    bench.job = replace(EVERY_5, enabled=False)
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    assert bench.begun == [] and watch.next_due(bench.job) is None


def test_begin_run_that_was_cut_off_goes_on(bench: Bench) -> None:
    bench.leave("run7", "running")
    watch = bench.scheduler()
    watch.begin()
    assert bench.resumed == ["run7"]
    assert bench.kinds() == ["started", "ended"]


def test_tick_feed_job_runs_once_for_each_change_of_its_feeds(bench: Bench) -> None:
    bench.job = FEED
    watch = bench.scheduler()
    watch.begin()
    bench.feeds["Other"] = bench.now + 1
    watch.tick()
    assert bench.begun == []
    bench.feeds["feed_1"] = bench.now + 1
    watch.tick()
    watch.tick()
    assert len(bench.begun) == 1
    assert "feed_1 changed" in bench.told[0].text


def test_tick_feed_change_during_a_run_is_answered_after_it(bench: Bench) -> None:
    bench.job, bench.at_once = FEED, False
    watch = bench.scheduler()
    watch.begin()
    bench.feeds["Feed_1"] = bench.now + 1
    watch.tick()
    bench.feeds["Feed_1"] = bench.now + 2
    watch.tick()
    watch.tick()
    assert bench.kinds() == ["started", "skipped"]
    bench.waiting_work.pop()()
    watch.tick()
    assert bench.kinds() == ["started", "skipped", "ended", "started"]


def test_run_now_gives_the_home_s_inputs_and_those_of_the_call(bench: Bench) -> None:
    watch = bench.scheduler()
    watch.house.board.change(EVERY_5, lambda record: replace(record, inputs={"a": "home", "b": "home"}))
    run = watch.run_now(EVERY_5, {"b": "call"})
    assert run.status == "done"
    assert bench.begun == [("Cycle", {"a": "home", "b": "call"})]


def test_run_now_open_run_is_refused(bench: Bench) -> None:
    bench.leave("run7", "waiting")
    with pytest.raises(UsageError, match="job five: run run7 waits for a person"):
        bench.scheduler().run_now(EVERY_5, {})


def test_run_now_run_that_was_cut_off_goes_on_first(bench: Bench) -> None:
    bench.leave("run7", "running")
    assert bench.scheduler().run_now(EVERY_5, {}).status == "done"
    assert bench.resumed == ["run7"] and len(bench.begun) == 1
    assert [(note.kind, note.run) for note in bench.told] == [("ended", "run7"), ("ended", "run1")]


def test_run_now_run_that_was_cut_off_and_needs_a_person_makes_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def undecided(run_id: str) -> PlaybookRun:
        bench.stop(run_id)
        raise UsageError("task 1 was begun, and nobody knows whether it was done")

    monkeypatch.setattr(bench, "resume", undecided)
    bench.leave("run7", "running")
    assert bench.scheduler().run_now(EVERY_5, {}).status == "done"
    assert [(note.kind, note.run) for note in bench.told] == [("failed", "run7"), ("ended", "run1")]


def test_run_now_run_of_another_process_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(run_id: str) -> PlaybookRun:
        raise UsageError(f"another process is at run {run_id}")

    monkeypatch.setattr(bench, "resume", busy)
    bench.leave("run7", "running")
    with pytest.raises(UsageError, match="job five: run run7 is still going on"):
        bench.scheduler().run_now(EVERY_5, {})
    assert bench.begun == [] and bench.told == []


def test_wait_seconds_is_the_time_to_the_next_due_job(bench: Bench) -> None:
    watch = bench.scheduler()
    watch.begin()
    watch.tick()
    bench.now += 298
    assert watch.wait_seconds() == pytest.approx(2)


def test_board_note_keeps_the_last_ones(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warroom.engine.jobs.board.MOST_NOTES", 3)
    board = Board(bench.store)
    for number in range(5):
        board.note(EVERY_5, Note(float(number), "five", "ended", str(number)))
    assert [note.text for note in board.read(EVERY_5).notes] == ["2", "3", "4"]
