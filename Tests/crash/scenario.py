"""A run of the sync that is killed at one step and begun again, and what must be true afterwards.

A scenario is a closed home and the state file of a tenant, prepared once; each kill works on copies of both.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.cortex_xdr import CortexXdr
from emulators.kit import Refused
from Tests.world import INSTANCE, Recorder, Row, copy_home, in_xdr, in_xsoar, inserts, open_home, rejects, tenant
from warroom.engine import Host, RunResult

WORKERS = 6
Run = Callable[..., RunResult]


@dataclass(frozen=True)
class Step:
    """One step of a run: the `number`-th (from 0) call of the child to its host, or request to the tenant.

    moment: `before` or `after` it was carried out; for requests also `instead`, then it never is.
    """

    side: str
    number: int
    moment: str
    name: str

    def __str__(self) -> str:
        return f"{self.moment} {self.side} {self.number} ({self.name})"


@dataclass(frozen=True)
class Outcome:
    """What both sides hold when all is over, and how much was sent for it."""

    xdr: dict[str, Row]
    xsoar: dict[str, Row]
    rejects: dict[str, tuple[str, str, str]]
    records: int
    records_once_more: int


@dataclass(frozen=True)
class Scenario:
    """A prepared home and tenant in `folder` (`home/`, `tenant.db`), and the command that is killed.

    `allowance`: how many records may be sent twice because of one kill. `runs_to_settle`: how many runs it takes
    afterwards until the notes on the indicators say what XDR holds. `notes`: whether what an indicator remembers of
    XDR's side is compared, too; where XDR returns what the integration wrote itself it depends on when it was read.
    """

    folder: Path
    command: str = "fetch"
    allowance: int = 400
    runs_to_settle: int = 1
    notes: bool = True
    options: tuple[tuple[str, Any], ...] = ()

    def begin(self, host: Host, **hooks: Any) -> RunResult:
        """Runs the command once."""
        if self.command == "fetch":
            return host.fetch(INSTANCE, **hooks)
        return host.run_command(self.command, **hooks)[0]

    @contextmanager
    def place(
        self, work: Path, observer: Callable[[str, Any], None] | None = None, *, keep: bool = False
    ) -> Iterator[tuple[Host, CortexXdr]]:
        """Copies of home and tenant in the folder `work`, both open; `work` is removed at the end unless `keep`."""
        work.mkdir(parents=True)
        shutil.copy(self.folder / "tenant.db", work / "tenant.db")
        try:
            with (
                tenant(observer, state=work / "tenant.db", **dict(self.options)) as emulator,
                open_home(copy_home(self.folder / "home", work / "home", emulator.url)) as host,
            ):
                yield host, emulator
        finally:
            if not keep:
                shutil.rmtree(work)

    def undisturbed(self, work: Path) -> tuple[list[Step], Outcome]:
        """The steps of a run that nobody kills, and what it leads to."""
        server, http = Recorder(), Recorder()
        with self.place(work, http.http) as (host, emulator):
            result = self.begin(host, on_call=server.server)
            assert result.status == "ok", result.error
            steps = [*_steps("call", server), *_steps("request", http)]
            return steps, self.outcome(host, emulator)

    def killed(self, work: Path, step: Step) -> Outcome:
        """What a run that is killed at `step` and begun again leads to. Raises AssertionError when it does not run."""
        killer = Killer(step)
        with self.place(work, killer.http) as (host, emulator):
            result = self.begin(host, on_call=killer.server)
            assert killer.done, f"the step was not reached: {result.status}, {result.error}"
            assert result.status == "killed", f"{result.status}: {result.error}"
            again = self.begin(host)
            assert again.status == "ok", again.error
            return self.outcome(host, emulator)

    def outcome(self, host: Host, emulator: CortexXdr) -> Outcome:
        """What both sides hold after some more runs."""
        sent = inserts(emulator)[1]
        for _ in range(self.runs_to_settle):
            more = host.fetch(INSTANCE)
            assert more.status == "ok", more.error
        once_more = inserts(emulator)[1] - sent
        xsoar = in_xsoar(host)
        for document in xsoar.values() if not self.notes else ():
            for name in ("xdriocstate", "xdrioccomment"):
                document["CustomFields"].pop(name, None)
        return Outcome(in_xdr(emulator), xsoar, rejects(host), sent, once_more)

    def faults(self, work: Path, steps: Sequence[Step], wanted: Outcome) -> list[str]:
        """One line per step after which something is not as it would be without the kill."""

        def attempt(numbered: tuple[int, Step]) -> list[str]:
            number, step = numbered
            try:
                got = self.killed(work / f"kill-{number}", step)
            except AssertionError as error:
                return [f"{step}: {error}"]
            return [f"{step}: {fault}" for fault in differences(wanted, got, self.allowance)]

        with ThreadPoolExecutor(WORKERS) as pool:
            return [fault for found in pool.map(attempt, enumerate(steps)) for fault in found]


@dataclass
class Killer:
    """Sends SIGKILL to the child when it comes to its step; as `on_call` and as observer."""

    step: Step
    done: bool = False
    pid: int = 0
    calls: int = 0
    requests: int = 0

    def server(self, phase: str, name: str, pid: int) -> None:
        """Counts a call of the child to its host."""
        self.pid = pid
        if self.step.side == "call" and phase == self.step.moment and self.calls == self.step.number:
            self._kill()
        self.calls += phase == "after"

    def http(self, phase: str, call: Any) -> None:
        """Counts a request that the tenant is about to carry out."""
        due = not self.done and self.step.side == "request" and self.requests == self.step.number
        self.requests += phase == "before" and not due
        if due and phase == "before" and self.step.moment == "instead":
            self._kill()
            raise Refused(503)
        if due and phase == self.step.moment:
            self._kill()

    def _kill(self) -> None:
        # Process 0 would be this very process and its group.
        assert self.pid > 0, "the child has not called its host yet"
        self.done = True
        os.kill(self.pid, signal.SIGKILL)


def _steps(side: str, recorder: Recorder) -> list[Step]:
    names = [name for phase, name in recorder.calls if phase == "before"]
    moments = ("before", "after") if side == "call" else ("instead", "before", "after")
    return [Step(side, number, moment, name) for number, name in enumerate(names) for moment in moments]


def differences(wanted: Outcome, got: Outcome, allowance: int) -> list[str]:
    """What is not as it should be, one line each; of many wrong records the first few."""
    found = []
    if got.records_once_more > wanted.records_once_more:
        found.append(f"{got.records_once_more} records were sent by one more run")
    if got.records > wanted.records + allowance:
        found.append(f"{got.records} records were sent, {wanted.records} without the kill")
    for name in ("xdr", "xsoar", "rejects"):
        found += [f"{name}: {fault}" for fault in _unequal(getattr(wanted, name), getattr(got, name))]
    return found


def _unequal(wanted: dict[str, Any], got: dict[str, Any]) -> list[str]:
    wrong = [value for value in sorted(wanted.keys() | got.keys()) if wanted.get(value) != got.get(value)]
    lines = [f"{value} {_first_difference(wanted.get(value), got.get(value))}" for value in wrong[:2]]
    return [*lines, f"{len(wrong)} differ"] if wrong else []


def _first_difference(wanted: Any, got: Any, path: str = "") -> str:
    if isinstance(wanted, dict) and isinstance(got, dict):
        name = next(name for name in sorted(wanted.keys() | got.keys()) if wanted.get(name) != got.get(name))
        return _first_difference(wanted.get(name), got.get(name), f"{path}.{name}")
    return f"{path or 'itself'} is {got!r}, not {wanted!r}"
