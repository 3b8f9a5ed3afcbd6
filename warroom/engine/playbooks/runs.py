"""Beginning, continuing and looking at runs of playbooks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from warroom.content.catalog import near
from warroom.core import progress
from warroom.core.context import read
from warroom.core.playbook import DEFAULT, Playbook
from warroom.engine.builtins.incidents import ACTIVE, PLAYBOOK, changed
from warroom.engine.errors import UsageError
from warroom.engine.lock import Locked, exclusive
from warroom.engine.playbooks import commands, nested
from warroom.engine.playbooks.answers import Answers, Asked, nobody
from warroom.engine.playbooks.events import Event, PlaybookRun, RunStatus
from warroom.engine.playbooks.house import House, hidden, secret_inputs
from warroom.engine.playbooks.machine import Machine, OnEvent
from warroom.engine.playbooks.state import Failure, Frame, State
from warroom.engine.playbooks.work import Outcome, Work
from warroom.store import StoredRun

Decision = Literal["again", "skip", "as-done"]
OPEN = frozenset({"running", "waiting"})


def _silent(event: Event) -> None:
    return


@dataclass(frozen=True)
class Playbooks:
    """The runs of one home. `folder` holds their locks."""

    house: House
    folder: Path

    def begin(
        self,
        name: str,
        inputs: Mapping[str, Any],
        *,
        incident: Mapping[str, Any] | None = None,
        answers: Answers | None = None,
        on_event: OnEvent | None = None,
        job: str = "",
        on_start: Callable[[str], None] | None = None,
    ) -> PlaybookRun:
        """Runs a playbook as far as it gets. Raises UsageError, and then runs nothing."""
        book = self.house.playbook(name)
        _check_inputs(book, inputs)
        run_id = uuid.uuid4().hex[:12]
        with self._alone(run_id):
            with self.house.store.atomic():
                state = self._first_state(book, inputs, incident)
                self.house.store.playbook_runs.add(run_id, book.name, job, "running", state.to_json())
            if on_start is not None:
                on_start(run_id)
            Machine(self.house, run_id, state, answers or nobody, on_event or _silent).go()
        return self.get(run_id)

    def resume(
        self,
        run_id: str,
        *,
        decision: Decision | None = None,
        answers: Answers | None = None,
        on_event: OnEvent | None = None,
    ) -> PlaybookRun:
        """Walks a run on that waits, failed, stopped or was killed.

        A task that was begun and has no end in the journal runs again when that does no harm; else, and for a task
        that failed, `decision` says what to do: run it `again`, `skip` it with what follows, take it `as-done`.
        Raises UsageError when the run is over or unknown, another process is at it, a decision is missing, or the
        playbook has lost tasks meanwhile.
        """
        with self._alone(self._stored(run_id).id):
            stored = self._stored(run_id)
            if stored.status == "done":
                raise UsageError(f"run {run_id} is done")
            state = State.from_json(stored.state)
            self._check_playbooks(state)
            machine = Machine(self.house, stored.id, state, answers or nobody, on_event or _silent)
            self._mend(machine, decision)
            machine.go()
        return self.get(run_id)

    def stop(self, run_id: str, why: str) -> PlaybookRun:
        """Ends an open run: nothing more of it is done. Raises UsageError when another process is at it."""
        with self._alone(self._stored(run_id).id):
            stored = self._stored(run_id)
            state = State.from_json(stored.state)
            if stored.status in OPEN:
                state.failure = Failure("", state.root().playbook, why, "ended")
                self.house.store.playbook_runs.save(stored.id, "stopped", state.to_json(), {})
        return self.get(run_id)

    def get(self, run_id: str) -> PlaybookRun:
        """A run with all its events. Raises UsageError when it is unknown."""
        stored = self._stored(run_id)
        events = tuple(Event.from_json(data) for data in self.house.store.playbook_runs.events(stored.id))
        return self._run(stored, events)

    def list(self, *, size: int = 100, job: str | None = None) -> list[PlaybookRun]:
        """The newest runs first, without their events; only those of `job` when it is given."""
        return [self._run(stored, ()) for stored in self.house.store.playbook_runs.list(size=size, job=job)]

    def _run(self, stored: StoredRun, events: tuple[Event, ...]) -> PlaybookRun:
        state = State.from_json(stored.state)
        root = state.root()
        failure = state.failure
        outputs, secret = self._declared(root)
        asked = [Asked.from_json(data) for frame in state.frames.values() for data in frame.waiting.values()]
        return PlaybookRun(
            id=stored.id, playbook=stored.playbook, status=cast(RunStatus, stored.status), job=stored.job,
            began=stored.began, moved=stored.moved, incident=state.incident, inputs=hidden(root.inputs, secret),
            context=root.context or {}, outputs=outputs, events=events,
            asked=tuple(asked) if stored.status in OPEN else (), error=failure.error if failure else "",
        )  # fmt: skip

    def _declared(self, root: Frame) -> tuple[dict[str, Any], frozenset[str]]:
        """The outputs of a run by path, and the names of its secret inputs."""
        try:
            book = self.house.playbook(root.playbook)
        except UsageError:  # the pack is gone, the run stays readable
            return {}, frozenset(root.inputs)
        found = {item.path: read(root.context or {}, item.path) for item in book.outputs}
        return {path: value for path, value in found.items() if value is not None}, secret_inputs(self.house, book)

    def _first_state(self, book: Playbook, inputs: Mapping[str, Any], incident: Mapping[str, Any] | None) -> State:
        doc = self._incident(book, incident)
        query = str(inputs.get("") or next((item.query for item in book.inputs if item.query), ""))
        given = {key: value for key, value in inputs.items() if key}
        frame = Frame("", book.id, progress.Progress(), {}, {}, query=query)
        state = State(str(doc["id"]), {"": frame})
        scope = Work.of(self.house, state, frame, book.tasks[book.start]).scope({})
        frame.inputs = nested.with_defaults(book, given, scope)
        nested.require(book, frame.inputs)
        frame.progress = nested.first_progress(book)
        return state

    def _incident(self, book: Playbook, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """The incident of the run: the stored one of that id, else a new one."""
        incidents = self.house.store.incidents
        fields = dict(given or {})
        if "id" in fields:
            found = incidents.get(str(fields["id"]))
            if found is not None:
                return incidents.update(str(found["id"]), {**fields, "id": found["id"]}) if len(fields) > 1 else found
            raise UsageError(f"there is no incident {fields['id']!r}; leave id away to make a new one")
        doc = {"name": book.name, "status": ACTIVE, "playbookId": book.id}
        custom = fields.pop("CustomFields", None) or {}
        [created] = incidents.create([{**doc, **changed({}, {**custom, **fields})}], PLAYBOOK)
        return created

    def _stored(self, run_id: str) -> StoredRun:
        found = self.house.store.playbook_runs.get(run_id)
        if found is None:
            known = [run.id for run in self.house.store.playbook_runs.list(size=1000)]
            fitting = [one for one in known if run_id and one.startswith(run_id)]
            if len(fitting) == 1:
                return self._stored(fitting[0])
            raise UsageError(f"there is no run {run_id!r}{near(run_id, known)}")
        return found

    @contextmanager
    def _alone(self, run_id: str) -> Iterator[None]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with exclusive(self.folder / f"{run_id}.lock"):
                yield
        except Locked:
            raise UsageError(f"another process is at run {run_id}") from None

    # --- after an error or a restart ---

    def _mend(self, machine: Machine, decision: Decision | None) -> None:
        """Clears the way for a run that did not come to a good end. Raises UsageError when a decision is missing."""
        failure = machine.state.failure
        if failure is not None and failure.kind == "ended":
            raise UsageError(f"run {machine.run_id} was ended: {failure.error}")
        if failure is None:
            failure = next(self._interrupted(machine), None)
            if failure is not None and decision is None and self._repeatable(machine, failure):
                decision = "again"
        if failure is None:
            if decision is not None:
                raise UsageError(f"no task of run {machine.run_id} failed, so there is nothing to decide")
            return
        if decision is None:
            machine.state.failure = failure
            machine.save()
            raise UsageError(f"{failure.error}; decide with --again, --skip or --as-done")
        self._decide(machine, failure, decision)

    def _decide(self, machine: Machine, failure: Failure, decision: Decision) -> None:
        if decision == "skip":
            machine.end(failure, Outcome(labels=(), ending="skipped", why="left out, as a person decided"))
        elif decision == "as-done":
            frame = machine.state.frames[failure.path]
            task = self.house.playbook(frame.playbook).tasks[failure.task_id]
            if task.kind == "condition" and DEFAULT not in task.next:
                raise UsageError(f"task {task.id} ({task.name}) chooses a branch, so it cannot be taken as done")
            labels = (DEFAULT,) if task.kind == "condition" else Outcome().labels
            machine.end(failure, Outcome(labels=labels, why="taken as done, as a person decided"))
        else:
            machine.again(failure)

    def _check_playbooks(self, state: State) -> None:
        """Raises UsageError when a playbook has lost tasks since the run began."""
        for frame in state.frames.values():
            book = self.house.playbook(frame.playbook)
            gone = sorted({*frame.progress.begun, *frame.progress.endings} - set(book.tasks))
            if gone:
                raise UsageError(
                    f"playbook {book.name} has changed since the run began: no task {', '.join(gone)} any more"
                )

    def _interrupted(self, machine: Machine) -> Iterator[Failure]:
        """The tasks that were begun, and of which nobody knows whether they were done."""
        for frame in list(machine.state.frames.values()):
            for task_id in sorted(frame.progress.begun):
                child = frame.child_path(task_id) in machine.state.frames
                if not child and task_id not in frame.waiting and task_id not in frame.later:
                    book = self.house.playbook(frame.playbook)
                    place = f"task {task_id} ({book.tasks[task_id].name}) of {book.name}"
                    told = f"{place} was begun, and nobody knows whether it was done"
                    yield Failure(frame.path, task_id, told, "interrupted")

    def _repeatable(self, machine: Machine, failure: Failure) -> bool:
        frame = machine.state.frames[failure.path]
        task = self.house.playbook(frame.playbook).tasks[failure.task_id]
        if task.kind == "condition":
            return True
        try:
            return commands.prepare(Work.of(self.house, machine.state, frame, task)).repeatable
        except ValueError:
            return False


def _check_inputs(book: Playbook, inputs: Mapping[str, Any]) -> None:
    known = [item.key for item in book.inputs]
    for key in inputs:
        if key not in known:
            raise UsageError(f"playbook {book.name} has no input {key!r}{near(key, known)}")
