"""Runs one job in a child process, and makes the war room entry of it."""

from __future__ import annotations

import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from warroom.content import Catalog
from warroom.engine.arguments import masked, secret_values
from warroom.engine.errors import EngineError
from warroom.engine.files import FileKeeper
from warroom.engine.house import HouseCalls, urls
from warroom.engine.instances import Instances, RunSettings
from warroom.engine.investigation import PLAYGROUND, Investigation
from warroom.engine.job import Hooks, Job
from warroom.engine.masking import Masker
from warroom.engine.process import Ending, Stopper, child_environment, run_child
from warroom.engine.results import (
    ERROR,
    LOG,
    NOTE,
    WARNING,
    LogLine,
    RunResult,
    Status,
    error_text,
    shape,
    text_entry,
)
from warroom.engine.services import (
    ContextCalls,
    Group,
    IndicatorCalls,
    InvestigationCalls,
    ProgressFilter,
    Services,
)
from warroom.engine.session import Session
from warroom.engine.sources import is_full_listing, source_of
from warroom.engine.wire import encode
from warroom.store import Entry, Store

VERSION = {"version": "8.8.0", "buildNumber": "1", "platform": "xsoar"}
NESTING_LIMIT = 10
WarRoom = Callable[[str, Mapping[str, Any], float, int, Investigation | None], list[dict[str, Any]]]


@dataclass(frozen=True)
class Runner:
    """Runs jobs for one home. `war_room(name, args, seconds, depth, investigation)` runs what a script asks for."""

    store: Store
    catalog: Callable[[], Catalog]
    instances: Instances
    files: FileKeeper
    environ: Mapping[str, str]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    war_room: WarRoom
    stopper: Stopper

    def run(self, job: Job, hooks: Hooks, depth: int = 0, investigation: Investigation | None = None) -> RunResult:
        """Runs the job, again while it fails and has retries left; one entry per run. Content cannot make it raise.

        A script may change the context of `investigation`.
        """
        if depth > NESTING_LIMIT:
            raise EngineError(f"scripts call each other more than {NESTING_LIMIT} levels deep")
        result = self._once(job, hooks, depth, investigation)
        for _ in range(job.modifiers.retry_count):
            if result.status == "ok":
                break
            self.sleep(job.modifiers.retry_interval_seconds)
            result = self._once(job, hooks, depth, investigation)
        return result

    def _once(self, job: Job, hooks: Hooks, depth: int, investigation: Investigation | None) -> RunResult:
        started = self.clock()
        try:
            settings = self._settings(job)
        except EngineError as error:
            return self._record(
                job, Masker.of(secret_values(job.command, job.args)), started, _failed(job, "error", str(error))
            )
        masker = Masker.of([*settings.secrets, *secret_values(job.command, job.args)])
        with tempfile.TemporaryDirectory(prefix="warroom-", ignore_cleanup_errors=True) as folder:
            try:
                attempt = _Attempt(self, job, settings, masker, hooks, depth, Path(folder), started, investigation)
                result = attempt.run()
            except BaseException:
                # What ran becomes an entry, also when the host itself is told to end.
                self._record(job, masker, started, _failed(job, "killed", "the host was interrupted"))
                raise
        return self._record(job, masker, started, result)

    def _settings(self, job: Job) -> RunSettings:
        if job.instance is None or job.integration is None:
            return RunSettings({}, ())
        return self.instances.run_settings(job.instance, job.integration)

    def _record(self, job: Job, masker: Masker, started: float, result: RunResult) -> RunResult:
        log = "\n".join(f"{line.level}: {line.message}" for line in result.logs)
        when = datetime.fromtimestamp(started, tz=timezone.utc).isoformat().replace("+00:00", "Z")
        self.store.entries.add(
            Entry(
                id=uuid.uuid4().hex,
                when=when,
                instance=result.instance,
                brand=result.brand,
                command=result.command,
                args=masker.value(masked(job.command, job.args)),
                status=result.status,
                duration_seconds=result.duration_seconds,
                contents=[*result.entries, *([text_entry(LOG, log)] if log else [])],
            )
        )
        return result


@dataclass
class _Attempt:
    runner: Runner
    job: Job
    settings: RunSettings
    masker: Masker
    hooks: Hooks
    depth: int
    folder: Path
    started: float
    investigation: Investigation | None

    def run(self) -> RunResult:
        job, runner = self.job, self.runner
        services = self._services()
        session = Session(services, self.hooks.on_call)
        ending = run_child(
            self._first_line(), session.handle, limits=job.limits, folder=self.folder,
            environ=child_environment(runner.environ, self.folder), stopper=runner.stopper,
        )  # fmt: skip
        status, reason = judge(job, session, ending)
        if status == "ok" and job.purpose == "fetch":
            status, reason = self._finish_fetch(session)
        entries = self._entries(session, status, reason)
        logs = [*session.logs, *(LogLine("stderr", line) for line in ending.stderr)]
        return RunResult(
            instance=job.instance_name,
            brand=job.brand,
            command=job.command.name,
            status=status,
            entries=entries,
            logs=[LogLine(line.level, self.masker.text(line.message)) for line in logs],
            error=None if status == "ok" else self.masker.text(reason),
            duration_seconds=ending.duration_seconds,
            max_rss_bytes=ending.max_rss_bytes,
            indicators_created=self.indicators.created,
            indicators_changed=self.indicators.changed,
            incidents=self.masker.value([*self.house.created_incidents, *self.fetched]),
        )

    def _services(self) -> Services:
        job, runner, store = self.job, self.runner, self.runner.store
        progress = ProgressFilter(self.hooks.on_progress) if self.hooks.on_progress else None
        self.fetched: list[dict[str, Any]] = []
        self.state = ContextCalls(
            store, job.instance_id, fetching=job.purpose == "fetch", testing=job.purpose == "test",
            on_progress=progress.from_content if progress else None,
        )  # fmt: skip
        self.indicators = IndicatorCalls(
            store, source_of(job.brand, job.instance_name, job.instance_id, self.settings.params),
            on_progress=progress.from_calls if progress else None,
        )  # fmt: skip
        self.health: list[str] = []
        self.house = HouseCalls(
            store, runner.catalog(), runner.files, job.instance_id, job.instance_name, self.health.append
        )
        deadline = time.monotonic() + job.limits.timeout_seconds

        def war_room(name: str, args: Mapping[str, Any]) -> list[dict[str, Any]]:
            left = max(deadline - time.monotonic(), 0.1)
            return runner.war_room(name, args, left, self.depth + 1, self.investigation)

        if job.server is not None:
            # Nothing of this house answers beside it: the script must not mix two servers.
            return Services.of(job.server, war_room=job.server.run)
        groups: list[Group] = [self.indicators, self.house, *([self.state] if job.instance else [])]
        if self.investigation is not None:
            groups.append(InvestigationCalls(self.investigation))
        return Services.of(*groups, war_room=war_room if job.purpose == "script" else None)

    def _first_line(self) -> bytes:
        job = self.job
        context = {
            **_seen(self.investigation),
            "ParentEntry": None,
            "IntegrationBrand": job.brand if job.integration else "",
            "IntegrationInstance": job.instance.name if job.instance else "",
            "ScriptName": job.script.name if job.script else "",
            "ExecutedCommands": [{"moduleBrand": job.brand, "name": job.command.name}],
            "IsDebug": False,
            "runDuration": max(1, round(job.limits.timeout_seconds / 60)),
            "TimeoutDuration": int(job.limits.timeout_seconds * 1e9),
        }
        code = {
            "path": str(job.code.path) if job.code.path else None,
            "source": job.code.source,
            "module": job.code.module,
            "python_path": [str(path) for path in job.code.python_path],
        }
        return (
            encode(
                {
                    "integration": job.integration is not None,
                    "command": job.command.name,
                    "args": job.args,
                    "params": self.settings.params,
                    "context": context,
                    "code": code,
                    "server": VERSION,
                    "urls": urls(self.runner.store),
                    "limits": {"memory_bytes": job.limits.memory_bytes, "cpus": job.limits.cpus},
                },
            )
            + b"\n"
        )

    def _finish_fetch(self, session: Session) -> tuple[Status, str]:
        job, store = self.job, self.runner.store
        try:
            # Incidents before the last run: a crash between the two repeats some, and loses none.
            self.fetched = store.incidents.create(session.incidents, job.instance_name) if session.incidents else []
            if is_full_listing(self.settings.params) and self.indicators.taken:
                store.indicators.end_listing(self.indicators.source, self.started)
            for kind, value in self.state.pending_last_runs.items():
                store.last_runs.write(job.instance_id, value, kind=kind)
        except ValueError as error:
            return "error", f"what the fetch delivered could not be stored: {error}"
        return "ok", ""

    def _entries(self, session: Session, status: Status, reason: str) -> list[dict[str, Any]]:
        entries = [shape(_complete(entry), self.job.modifiers) for entry in (*session.entries, *self.house.added)]
        if status != "ok" and error_text(entries) != reason:
            entries.append(text_entry(ERROR, reason))
        if (warning := self.indicators.warning()) is not None:
            entries.append(text_entry(WARNING, warning))
        if self.job.purpose == "fetch" and status == "ok":
            entries.append(text_entry(NOTE, self._summary()))
        for entry in entries:
            entry.update(ID=uuid.uuid4().hex, Brand=self.job.brand, ModuleName=self.job.instance_name)
        place = self.investigation.id if self.investigation else PLAYGROUND
        lost = [text for entry in entries if (text := self.runner.files.keep(entry, self.folder, place))]
        entries = self.masker.value([*entries, *(text_entry(WARNING, text) for text in lost)])
        told = (line for entry in entries for line in entry.get("IndicatorTimeline") or ())
        if lines := [line for line in told if isinstance(line, Mapping)]:
            self.runner.store.indicators.tell(lines, self.job.brand or self.job.command.name)
        return entries

    def _summary(self) -> str:
        calls = self.indicators
        counts = [f"{calls.taken} indicators received, {calls.created} of them new"] if calls.taken else []
        counts += [f"{calls.excluded} on the exclusion list"] if calls.excluded else []
        counts += [f"{len(self.fetched)} incidents created"] if self.fetched else []
        if (moved := self.state.moved) is not None:
            total = f" of {moved.total:,}" if moved.total else ""
            counts.append(f"{moved.label}: {moved.done:,}{total} {moved.unit}")
        return "; ".join(counts) or "nothing received"


def judge(job: Job, session: Session, ending: Ending) -> tuple[Status, str]:
    """How the run ended, and one text that says why when it is not ok."""
    if ending.timed_out:
        seconds = f"{job.limits.timeout_seconds:g}"
        return "timeout", f"{job.command.name} was stopped: it reached the time limit of {seconds} seconds"
    if session.crash is not None and "MemoryError" in session.crash:
        limit = job.limits.memory_bytes >> 20
        return "killed", f"{job.command.name} was stopped: it reached the memory limit of {limit} MB"
    if ending.signal is not None:
        return "killed", f"{job.command.name} was ended by {signal.Signals(ending.signal).name}"
    if session.crash is not None:
        return "error", session.crash
    if (text := error_text(session.entries)) is not None:
        return "error", text
    if ending.exit_code:
        last = ending.stderr[-1] if ending.stderr else "it said nothing"
        return "error", f"{job.command.name} ended with exit code {ending.exit_code}: {last}"
    return _judge_test(session) if job.purpose == "test" else ("ok", "")


def _judge_test(session: Session) -> tuple[Status, str]:
    answers = [str(entry.get("Contents", "")) for entry in session.entries]
    if "ok" in answers:
        return "ok", ""
    return "error", "\n".join(answers) or "the test gave no answer"


def _seen(investigation: Investigation | None) -> dict[str, Any]:
    """What content sees of the incident at work when it starts."""
    if investigation is None:
        return {"Inv": {"id": PLAYGROUND, "name": "Playground", "type": 9}, "Incidents": [], "ExecutionContext": {}}
    incident = investigation.incident
    return {
        "Inv": {"id": investigation.id, "name": str(incident.get("name") or ""), "type": 0},
        "Incidents": [incident],
        "ExecutionContext": investigation.context,
    }


def _complete(entry: Any) -> dict[str, Any]:
    if isinstance(entry, Mapping) and "Contents" in entry:
        return {"Type": NOTE, "ContentsFormat": "text", **entry}
    return text_entry(NOTE, entry if isinstance(entry, str) else encode(entry).decode())


def _failed(job: Job, status: Status, reason: str) -> RunResult:
    entry = {**text_entry(ERROR, reason), "Brand": job.brand, "ModuleName": job.instance_name}
    entry["ID"] = uuid.uuid4().hex
    return RunResult(job.instance_name, job.brand, job.command.name, status, [entry], error=reason)
