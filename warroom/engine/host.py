"""The local host: one home folder, and everything that can be run in it."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from warroom.content import Catalog, Integration
from warroom.content.catalog import indicator_fields
from warroom.core.expression_errors import Unsupported
from warroom.engine.arguments import NO_MODIFIERS, Modifiers, masked, name_pairs
from warroom.engine.builtins import BUILTINS, Desk
from warroom.engine.commandline import parse_command_line
from warroom.engine.dispatch import FETCH_INCIDENTS, FETCH_INDICATORS, TEST, BuiltinCall, Dispatcher
from warroom.engine.errors import HomeMissing, UsageError
from warroom.engine.feed_changes import note_feed_change
from warroom.engine.files import FileKeeper
from warroom.engine.house import modules
from warroom.engine.instances import Instances, SecretInput
from warroom.engine.investigation import Investigation
from warroom.engine.job import NO_HOOKS, Hooks, Job, OtherServer
from warroom.engine.playbooks.answers import Answers
from warroom.engine.playbooks.events import Event, PlaybookRun
from warroom.engine.playbooks.house import House
from warroom.engine.playbooks.runs import Decision, Playbooks
from warroom.engine.process import COMMAND_SECONDS, Stopper
from warroom.engine.results import ERROR, Progress, RunResult, error_text, shape, text_entry
from warroom.engine.runner import Runner
from warroom.engine.secrets import Backend, Vault
from warroom.engine.session import OnCall
from warroom.engine.sources import fetch_interval_seconds
from warroom.store import Entry, Instance, Store

DATABASE = "warroom.db"
CONTENT_SETTING = "content.paths"
FIELDS_SETTING = "content.fields"
FAN_OUT_WORKERS = 4
OnProgress = Callable[[Progress], None]


class Host:
    """One home folder in use. Any number of processes may use the same home at once.

    Playbooks call `run_call` for a task, and merge the `EntryContext` of the entries into the context of their
    incident; commands alone keep it in their entries.
    """

    def __init__(
        self,
        home: Path,
        store: Store,
        paths: Sequence[Path],
        vault: Vault,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.home = home
        self.store = store
        self.paths = tuple(paths)
        self._catalog: Catalog | None = None
        self._clock = clock
        self._sleep = sleep
        files = FileKeeper(home / "files")
        self.instances = Instances(store, lambda: self.catalog, vault, clock)
        self._dispatcher = Dispatcher(store, lambda: self.catalog)
        self._runner = Runner(
            store,
            lambda: self.catalog,
            self.instances,
            files,
            vault.environ,
            clock,
            sleep,
            self._from_script,
            Stopper(),
        )

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        content: Sequence[Path] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        environ: Mapping[str, str] | None = None,
        ask: Callable[[str], str] | None = None,
        create: bool = True,
    ) -> Host:
        """Opens a home, making it when `create`. Raises HomeMissing when it is not there otherwise.

        `content` defaults to the paths kept by `add_content`, else ./Packs; `ask(question)` gets a secret.
        """
        home = Path(home).absolute()
        if not create and not (home / DATABASE).is_file():
            raise HomeMissing(f"there is no warroom home in {home}: run `warroom --home {home} init`")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The store may hold what only its owner should read, also in a folder that was there before.
        (home / DATABASE).touch(mode=0o600)
        store = Store.open(home / DATABASE, clock=clock)
        vault = Vault(home / "secrets", os.environ if environ is None else environ, ask)
        stored = [Path(path) for path in store.settings.get(CONTENT_SETTING) or []]
        paths = content if content is not None else stored or [Path("Packs").absolute()]
        host = cls(home, store, [Path(path).absolute() for path in paths], vault, clock, sleep)
        host._register_fields()
        return host

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the store; idempotent."""
        self.store.close()

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since 1970."""
        return self._clock

    @property
    def catalog(self) -> Catalog:
        """The content of this home, read at first use."""
        if self._catalog is None:
            self._catalog = Catalog.read(self.paths)
        return self._catalog

    def add_content(self, path: Path) -> Catalog:
        """Adds a path to the stored ones and returns what lies there. Raises UsageError when there is no content."""
        path = path.absolute()
        found = Catalog.read([path])
        if not path.exists() or not (found.integrations or found.scripts or found.playbooks or found.jobs):
            why = f": {found.problems[0].reason}" if found.problems else ""
            raise UsageError(f"there is no integration, script, playbook or job in {path}{why}")
        stored = self._stored_paths()
        if str(path) not in stored:
            self.store.settings.set(CONTENT_SETTING, [*stored, str(path)])
        return found

    def remove_content(self, path: Path) -> None:
        """Takes a path off the stored ones. Raises UsageError when it is not among them."""
        stored = self._stored_paths()
        if str(path.absolute()) not in stored:
            raise UsageError(f"{path.absolute()} is not among the content paths: {', '.join(stored) or 'none'}")
        self.store.settings.set(CONTENT_SETTING, [item for item in stored if item != str(path.absolute())])

    def add_instance(
        self,
        brand: str,
        name: str | None = None,
        params: Mapping[str, object] | None = None,
        secrets: Mapping[str, str | SecretInput] | None = None,
        store_secrets: Backend = "auto",
    ) -> Instance:
        """Checks and stores an instance. `params` by name (`name.identifier` for the user part of credentials),
        `secrets` for types 4, 9 (password part) and 14. Raises UsageError or SecretError, and then changes nothing."""
        texts = {key: _text(value) for key, value in (params or {}).items()}
        inputs = {
            key: value if isinstance(value, SecretInput) else SecretInput(value)
            for key, value in (secrets or {}).items()
        }
        return self.instances.add(brand, name, texts, inputs, store_secrets)

    def run_command(
        self,
        line: str,
        *,
        using: str | None = None,
        using_brand: str | None = None,
        timeout_seconds: float | None = None,
        on_call: OnCall | None = None,
        on_progress: OnProgress | None = None,
    ) -> list[RunResult]:
        """Runs a command as typed in the war room, on every instance that has it; one result each, by instance name.

        A failure of one does not stop the others. Raises UsageError before anything runs.
        """
        parsed = parse_command_line(line)
        args = name_pairs(self._dispatcher.command(parsed.name), parsed.pairs)
        overrides = Modifiers(
            using=tuple(item.strip() for item in (using or "").split(",") if item.strip()),
            using_brand=using_brand or "",
        )
        return self.run_call(parsed.name, args, overrides, timeout_seconds, Hooks(on_call, on_progress))

    def run_call(
        self,
        name: str,
        args: Mapping[str, Any],
        overrides: Modifiers = NO_MODIFIERS,
        timeout_seconds: float | None = None,
        hooks: Hooks = NO_HOOKS,
        depth: int = 0,
        investigation: Investigation | None = None,
    ) -> list[RunResult]:
        """Runs a command whose arguments are already apart, as scripts and playbooks do.

        Built-in commands and scripts see and change `investigation`.
        """
        plan = self._dispatcher.plan(name, args, overrides, timeout_seconds)
        # Only commands of instances run side by side: built-ins and scripts change the store and the context.
        if len(plan) == 1 or not all(isinstance(job, Job) and job.instance for job in plan):
            return [self._one(job, hooks, depth, investigation) for job in plan]
        with ThreadPoolExecutor(FAN_OUT_WORKERS) as pool:
            try:
                return list(pool.map(lambda job: self._one(job, hooks, depth, investigation), plan))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._runner.stopper.stop()
                raise

    def run_script(
        self,
        name: str,
        args: Mapping[str, Any] | None = None,
        *,
        timeout_seconds: float | None = None,
        on_call: OnCall | None = None,
        on_progress: OnProgress | None = None,
        server: OtherServer | None = None,
    ) -> RunResult:
        """Runs one script, with what it asks of its server answered by `server` if given.

        Raises UsageError for an unknown one and for wrong arguments.
        """
        if self.catalog.script(name) is None:
            raise UsageError(f"unknown script {name!r}")
        hooks = Hooks(on_call, on_progress)
        if server is None:
            return self.run_call(name, args or {}, timeout_seconds=timeout_seconds, hooks=hooks)[0]
        (job,) = self._dispatcher.plan(name, args or {}, NO_MODIFIERS, timeout_seconds)
        if not isinstance(job, Job):
            raise UsageError(f"{name} is a command of this host and cannot be run against another server")
        return self._runner.run(replace(job, server=server), hooks)

    @property
    def playbook_runs(self) -> Playbooks:
        """The runs of playbooks in this home: `get`, `list` and `stop` them."""
        return self._playbooks(NO_HOOKS)

    def run_playbook(
        self,
        name_or_id: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        incident: Mapping[str, Any] | None = None,
        answers: Answers | None = None,
        on_event: Callable[[Event], None] | None = None,
        job: str = "",
        on_start: Callable[[str], None] | None = None,
        on_progress: OnProgress | None = None,
    ) -> PlaybookRun:
        """Runs a playbook as far as it gets: to its end, to a question that nobody answers, or to an error.

        `inputs` by key; the key "" replaces the query of an indicator playbook. `incident` are the fields of the
        incident to work on: the stored one with its `id`, else a new one. `on_start` gets the id of the run, under
        which `resume_playbook` finds it. Raises UsageError before anything runs, for a playbook or an input that is
        unknown.
        """
        return self._playbooks(Hooks(on_progress=on_progress)).begin(
            name_or_id, inputs or {}, incident=incident, answers=answers, on_event=on_event, job=job, on_start=on_start
        )

    def resume_playbook(
        self,
        run_id: str,
        *,
        decision: Decision | None = None,
        answers: Answers | None = None,
        on_event: Callable[[Event], None] | None = None,
        on_progress: OnProgress | None = None,
    ) -> PlaybookRun:
        """Goes on with a run that waits, failed, or was killed. See `Playbooks.resume`."""
        return self._playbooks(Hooks(on_progress=on_progress)).resume(
            run_id, decision=decision, answers=answers, on_event=on_event
        )

    def _playbooks(self, hooks: Hooks) -> Playbooks:
        def call(
            name: str, args: Mapping[str, Any], overrides: Modifiers, investigation: Investigation
        ) -> list[RunResult]:
            return self.run_call(name, args, overrides, hooks=hooks, investigation=investigation)

        house = House(
            self.store, lambda: self.catalog, self._dispatcher, call, lambda: modules(self.store, self.catalog),
            self._clock, self._sleep,
        )  # fmt: skip
        return Playbooks(house, self.home / "runs")

    def fetch(
        self,
        instance_name: str,
        *,
        timeout_seconds: float | None = None,
        on_call: OnCall | None = None,
        on_progress: OnProgress | None = None,
    ) -> RunResult:
        """One fetch-indicators or fetch-incidents run. The last run is stored only when it ends well.

        Raises UsageError for an unknown or disabled instance and for one that does not fetch.
        """
        instance, integration = self._enabled(instance_name)
        name = FETCH_INDICATORS if _fetches_indicators(integration, instance) else FETCH_INCIDENTS
        job = self._dispatcher.special(instance, integration, name, timeout_seconds)
        result = self._runner.run(job, Hooks(on_call, on_progress))
        if result.status == "ok" and result.indicators_changed:
            note_feed_change(self.store, instance.name, self._clock())
        return result

    def fetch_interval_seconds(self, instance_name: str) -> float:
        """Seconds between two fetches of this instance. Raises UsageError as `fetch` does."""
        instance, integration = self._enabled(instance_name)
        return fetch_interval_seconds(instance.params, feed=_fetches_indicators(integration, instance))

    def test_instance(self, name: str, *, timeout_seconds: float | None = None) -> RunResult:
        """Runs test-module; status ok only when it answered ok. Works on disabled instances too."""
        instance = self.instances.get(name)
        integration = self.instances.find_integration(instance.brand)
        return self._runner.run(self._dispatcher.special(instance, integration, TEST, timeout_seconds), NO_HOOKS)

    def _enabled(self, name: str) -> tuple[Instance, Integration]:
        instance = self.instances.get(name)
        if not instance.enabled:
            raise UsageError(f"instance {name} is disabled; run `warroom instance enable {name}`")
        return instance, self.instances.find_integration(instance.brand)

    def _one(self, job: Job | BuiltinCall, hooks: Hooks, depth: int, investigation: Investigation | None) -> RunResult:
        if isinstance(job, Job):
            return self._runner.run(job, hooks, depth, investigation)
        return self._builtin(job, depth, investigation)

    def _builtin(self, call: BuiltinCall, depth: int, investigation: Investigation | None) -> RunResult:
        started = self._clock()
        desk = Desk(
            self.store, self._clock, self._sleep, lambda: modules(self.store, self.catalog),
            lambda name, args: self._from_script(name, args, COMMAND_SECONDS, depth + 1, investigation), investigation,
        )  # fmt: skip
        try:
            entries = BUILTINS[call.command.name].run(desk, call.args)
            error = error_text(entries)
        except Unsupported:
            raise
        except ValueError as refused:
            entries, error = [text_entry(ERROR, str(refused))], str(refused)
        marks = {"Brand": "Builtin", "ModuleName": "Builtin"}
        entries = [{**shape(entry, call.modifiers), "ID": uuid.uuid4().hex, **marks} for entry in entries]
        status = "error" if error else "ok"
        result = RunResult(
            "Builtin", "Builtin", call.command.name, "error" if error else "ok", entries, error=error,
            duration_seconds=max(0.0, self._clock() - started),
        )  # fmt: skip
        when = datetime.fromtimestamp(started, tz=timezone.utc).isoformat().replace("+00:00", "Z")
        self.store.entries.add(Entry(
            uuid.uuid4().hex, when, "Builtin", "Builtin", call.command.name, masked(call.command, call.args), status,
            result.duration_seconds, entries,
        ))  # fmt: skip
        return result

    def _from_script(
        self, name: str, args: Mapping[str, Any], seconds: float, depth: int, investigation: Investigation | None
    ) -> list[dict[str, Any]]:
        # The script's own limit ends whatever it started.
        plan = self._dispatcher.plan(name, args, NO_MODIFIERS, None)
        capped = [
            replace(job, limits=replace(job.limits, timeout_seconds=min(job.limits.timeout_seconds, seconds)))
            if isinstance(job, Job)
            else job
            for job in plan
        ]
        return [entry for job in capped for entry in self._one(job, NO_HOOKS, depth, investigation).entries]

    def _stored_paths(self) -> list[str]:
        return [str(path) for path in self.store.settings.get(CONTENT_SETTING) or []]

    def _register_fields(self) -> None:
        # A query may name a field of a pack before the first indicator has it.
        names = sorted(set(indicator_fields(self.paths, [])))
        if names != (self.store.settings.get(FIELDS_SETTING) or []):
            self.store.indicators.register_fields(names)
            self.store.settings.set(FIELDS_SETTING, names)


def _fetches_indicators(integration: Integration, instance: Instance) -> bool:
    for offered, switch in ((integration.feed, "feed"), (integration.is_fetch, "isFetch")):
        if offered and instance.params.get(switch) is not False:
            return switch == "feed"
    if integration.feed or integration.is_fetch:
        raise UsageError(f"instance {instance.name} does not fetch: its parameter feed or isFetch is false")
    raise UsageError(f"instance {instance.name} cannot fetch: {integration.id} is neither a feed nor fetches incidents")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)
