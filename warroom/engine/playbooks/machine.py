"""Walks a run on, task by task, until it is done, waits for somebody, or cannot go on.

Each task is one step in the journal: what it changed in the store, in the context and in the walk is written together.
Only a task that works outside of the store is noted before it begins as well.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from warroom.core import progress
from warroom.core.dates import from_micros
from warroom.core.expression_errors import Unsupported
from warroom.core.expressions import resolve
from warroom.core.playbook import Task
from warroom.engine.builtins.incidents import changed
from warroom.engine.playbooks import commands, nested, people, tasks
from warroom.engine.playbooks.answers import Answers, Asked
from warroom.engine.playbooks.events import Event, EventStatus, RunStatus, changes, shortened
from warroom.engine.playbooks.house import House
from warroom.engine.playbooks.state import Begun, Failure, FailureKind, Frame, Later, State
from warroom.engine.playbooks.work import Outcome, Work
from warroom.engine.results import ERROR, text_entry

OnEvent = Callable[[Event], None]


class Machine:
    """One run in this process; the only one that writes its journal."""

    def __init__(self, house: House, run_id: str, state: State, answers: Answers, on_event: OnEvent) -> None:
        self.house = house
        self.run_id = run_id
        self.state = state
        self._answers = answers
        self._on_event = on_event
        self._asked: set[int] = set()
        self._untold: list[Event] = []

    def go(self) -> None:
        """Walks on as far as it gets."""
        while self.state.failure is None and "" in self.state.frames and self._step():
            pass
        self.save()

    @property
    def status(self) -> RunStatus:
        """How the run stands."""
        if self.state.failure is not None:
            return "error" if self.state.failure.kind == "failed" else "stopped"
        root = self.state.root()
        if self._over(root):
            return "done"
        busy = any(self._ready(frame) or self._at_work(frame) for frame in self._frames())
        return "running" if busy else "waiting"

    def save(self) -> None:
        """Writes the state and what happened since the last time, all or none."""
        data = {event.number: event.to_json() for event in self._untold}
        self.house.store.playbook_runs.save(self.run_id, self.status, self.state.to_json(), data)

    def _tell(self) -> None:
        told, self._untold = self._untold, []
        for event in told:
            self._on_event(event)

    def again(self, failure: Failure) -> None:
        """Makes the task that failed run again."""
        frame = self.state.frames[failure.path]
        frame.progress = replace(frame.progress, begun=frame.progress.begun - {failure.task_id})
        frame.begun.pop(failure.task_id, None)
        self.state.failure = None

    def end(self, failure: Failure, outcome: Outcome) -> None:
        """Ends the task that failed as a person decided."""
        frame = self.state.frames[failure.path]
        self.state.failure = None
        work = self._work(frame, failure.task_id)
        begun = frame.begun.setdefault(failure.task_id, self._begin(frame, failure.task_id))
        self._write(work, begun, outcome)

    # --- steps, the most urgent first ---

    def _step(self) -> bool:
        return self._leave_frame() or self._start_task() or self._ask() or self._go_on()

    def _leave_frame(self) -> bool:
        for frame in self._frames():
            outer = self.state.around(frame)
            if outer is None or not self._over(frame):
                continue
            task_id = frame.path.rpartition("/")[2]
            if task_id in outer.later:
                continue
            work = self._work(outer, task_id)
            self._done(work, outer.begun[task_id], partial(self._after_round, work, frame))
            return True
        return False

    def _start_task(self) -> bool:
        for frame in self._frames():
            for task_id in self._ready(frame)[:1]:
                self._start(frame, task_id)
                return True
        return False

    def _ask(self) -> bool:
        for frame in self._frames():
            for task_id, data in frame.waiting.items():
                number = frame.begun[task_id].number
                if number in self._asked:
                    continue
                self._asked.add(number)
                reply = self._answers(Asked.from_json(data))
                if reply is not None:
                    del frame.waiting[task_id]
                    work = self._work(frame, task_id)
                    self._done(work, frame.begun[task_id], partial(people.answered, work, reply))
                    return True
        return False

    def _go_on(self) -> bool:
        waiting = [(later.due, frame, task_id) for frame, task_id, later in self._laters()]
        if not waiting:
            return False
        due, frame, task_id = min(waiting, key=lambda one: one[0])
        seconds = due - self.house.clock()
        if seconds > 0:
            self.house.sleep(seconds)
        later = frame.later[task_id]
        work = self._work(frame, task_id)
        if later.kind == "round":
            self._done(work, frame.begun[task_id], lambda: self._begin_round(work))
        else:
            self._done(work, frame.begun[task_id], lambda: tasks.ended(work, commands.go_on(work, later)), lasting=True)
        return True

    # --- one task ---

    def _start(self, frame: Frame, task_id: str) -> None:
        work = self._work(frame, task_id)
        frame.progress = progress.start(frame.progress, task_id)
        begun = frame.begun[task_id] = self._begin(frame, task_id)
        try:
            ready = tasks.prepare(work)
        except Unsupported as missing:
            self._stop(work, begun, missing)
            self._tell()
            return
        except ValueError as error:
            self._write(work, begun, Outcome(error=str(error)))
            return
        begun.got = dict(shortened_values(ready.got))
        self._untold.append(self._event(work, begun, "begun", Outcome()))
        if ready.external:
            self.save()
        self._tell()
        self._done(work, begun, ready.do, lasting=ready.external)

    def _done(self, work: Work, begun: Begun, do: Callable[[], Outcome], *, lasting: bool = False) -> None:
        """Does something and writes what came of it; both together unless it takes time outside of the store."""
        if lasting:
            outcome = self._tried(work, begun, do)
            if outcome is not None:
                self._write(work, begun, outcome)
            self._tell()
            return
        with self.house.store.atomic():
            outcome = self._tried(work, begun, do)
            if outcome is not None:
                self._settle(work, begun, outcome)
        self._tell()

    def _tried(self, work: Work, begun: Begun, do: Callable[[], Outcome]) -> Outcome | None:
        try:
            return do()
        except Unsupported as missing:
            self._stop(work, begun, missing)
            return None
        except ValueError as error:
            return Outcome(error=str(error))

    def _write(self, work: Work, begun: Begun, outcome: Outcome) -> None:
        with self.house.store.atomic():
            self._settle(work, begun, outcome)
        self._tell()

    def _settle(self, work: Work, begun: Begun, outcome: Outcome) -> None:
        """Takes over what came of a task, and writes it."""
        task, frame = work.task, work.frame
        outcome = _with_error_entry(outcome)
        if outcome.error and task.on_error != "stop":
            outcome = tasks.handled(work, outcome)
        elif outcome.over and not outcome.error and outcome.ending == "done":
            outcome = self._map_fields(work, outcome)
        gave = self._keep_context(work, outcome)
        frame.later.pop(task.id, None)
        unhandled = outcome.error and task.on_error == "stop"
        if not unhandled:
            self._place(work, outcome)
        self._untold.append(self._event(work, begun, _status(outcome), outcome, gave))
        if outcome.over:
            frame.begun.pop(task.id, None)
        if unhandled:
            self._fail(frame, task.id, outcome.error)
        self.save()

    def _place(self, work: Work, outcome: Outcome) -> None:
        frame, task_id = work.frame, work.task.id
        if outcome.later is not None:
            frame.later[task_id] = outcome.later
        elif outcome.asked is not None:
            frame.waiting[task_id] = outcome.asked.to_json()
        elif outcome.frame is not None:
            self.state.frames[outcome.frame.path] = outcome.frame
        else:
            self.state.drop(frame.child_path(task_id))
            frame.progress = progress.finished(work.book, frame.progress, task_id, outcome.labels, outcome.ending)

    def _keep_context(self, work: Work, outcome: Outcome) -> dict[str, Any]:
        """Takes over the context that the task leaves; returns what is new in it."""
        holder, root, after = self.state.holder(work.frame), self.state.root(), work.investigation
        gave = changes(holder.context or {}, after.context)
        holder.context = dict(after.context)
        if after.outer is not None:
            gave |= {f"(incident) {path}": value for path, value in changes(root.context or {}, after.outer).items()}
            root.context = dict(after.outer)
        if outcome.entries:
            kept = {str(entry["ID"]): _kept(entry) for entry in outcome.entries if entry.get("ID")}
            self.state.entries = kept
            work.frame.last_entries = list(kept)
        for name, label in after.completions.items():
            self._complete(work.frame, name, label)
        return gave

    def _complete(self, frame: Frame, name: str, label: str) -> None:
        """Completes the waiting tasks of this id, name or tag; those of the same playbook find it noted later."""
        found = False
        for one in [frame, *(other for other in self._frames() if other is not frame)]:
            for task_id in list(one.waiting):
                work = self._work(one, task_id)
                if name in (task_id, work.task.name, *work.task.tags):
                    found = True
                    del one.waiting[task_id]
                    outcome = people.complete(work, label)
                    one.progress = progress.finished(work.book, one.progress, task_id, outcome.labels)
                    self._untold.append(self._event(work, one.begun.pop(task_id), "done", outcome))
        if not found:
            frame.completions[name] = label

    def _map_fields(self, work: Work, outcome: Outcome) -> Outcome:
        """Writes the mapped fields of the incident."""
        if not work.task.field_mapping:
            return outcome
        try:
            scope = work.scope()
            values = {name: resolve(value, scope) for name, value in work.task.field_mapping.items()}
            fields = {name: value for name, value in values.items() if value is not None}
            doc = self.house.store.incidents.update(self.state.incident, changed(work.investigation.incident, fields))
        except Unsupported:
            raise
        except ValueError as error:
            return replace(outcome, error=f"field mapping: {error}")
        work.investigation.incident = doc
        return replace(outcome, notes=(*outcome.notes, *(f"incident field {name} was set" for name in fields)))

    # --- errors ---

    def _fail(self, frame: Frame, task_id: str, error: str) -> None:
        """Hands an error to the sub-playbook task around it that handles errors; without one the run stops here."""
        place, outer = frame, self.state.around(frame)
        while outer is not None:
            work = self._work(outer, place.path.rpartition("/")[2])
            if work.task.on_error != "stop":
                told = f"task {task_id} of {self.house.playbook(frame.playbook).name}: {error}"
                outcome = tasks.handled(work, Outcome(error=told))
                gave = self._keep_context(work, outcome)
                self._place(work, outcome)
                begun = outer.begun.pop(work.task.id)
                self._untold.append(self._event(work, begun, "error", outcome, gave))
                return
            place, outer = outer, self.state.around(outer)
        self.state.failure = Failure(frame.path, task_id, f"{self._work(frame, task_id).where}: {error}")

    def _stop(self, work: Work, begun: Begun, missing: Unsupported, kind: FailureKind = "unsupported") -> None:
        where = "" if work.where in str(missing) else f"{work.where}: "
        told = f"{where}{missing}"
        self.state.failure = Failure(work.frame.path, work.task.id, told, kind)
        self._untold.append(self._event(work, begun, "error", Outcome(error=told)))
        self.save()

    # --- sub-playbooks ---

    def _after_round(self, work: Work, inner: Frame) -> Outcome:
        more, why = nested.another_round(work, inner)
        if not more:
            outcome = nested.leave(work, inner)
            return replace(outcome, why="; ".join(filter(None, (outcome.why, why))))
        wait = work.task.loop.wait_seconds if work.task.loop else 0.0
        return Outcome(later=Later("round", self.house.clock() + wait), why=why)

    def _begin_round(self, work: Work) -> Outcome:
        inner = self.state.frames[work.frame.child_path(work.task.id)]
        return Outcome(frame=nested.next_round(self.house.playbook(inner.playbook), inner))

    # --- looking around ---

    def _frames(self) -> list[Frame]:
        """The frames, the innermost first."""
        return sorted(self.state.frames.values(), key=lambda frame: -frame.path.count("/") - bool(frame.path))

    def _ready(self, frame: Frame) -> list[str]:
        return progress.ready(self.house.playbook(frame.playbook), frame.progress)

    def _over(self, frame: Frame) -> bool:
        return progress.is_over(self.house.playbook(frame.playbook), frame.progress)

    def _at_work(self, frame: Frame) -> bool:
        """Whether a task was begun that waits neither for a person nor for a sub-playbook."""
        return any(
            task_id not in frame.waiting and frame.child_path(task_id) not in self.state.frames
            for task_id in frame.progress.begun
        )

    def _laters(self) -> Iterator[tuple[Frame, str, Later]]:
        for frame in self._frames():
            for task_id, later in frame.later.items():
                yield frame, task_id, later

    def _work(self, frame: Frame, task_id: str) -> Work:
        return Work.of(self.house, self.state, frame, self._task(frame, task_id))

    def _task(self, frame: Frame, task_id: str) -> Task:
        return self.house.playbook(frame.playbook).tasks[task_id]

    def _begin(self, frame: Frame, task_id: str) -> Begun:
        number = self.state.next_number
        self.state.next_number += 1
        return Begun(number, self.house.clock())

    def _event(
        self, work: Work, begun: Begun, status: EventStatus, outcome: Outcome, gave: dict[str, Any] | None = None
    ) -> Event:
        task = work.task
        if outcome.got:
            begun.got = dict(shortened_values(outcome.got))
        return Event(
            number=begun.number, path=work.frame.path, playbook=work.book.name, task_id=task.id, name=task.name,
            kind=task.kind, status=status, when=from_micros(round(begun.since * 1_000_000)),
            runs=task.playbook or task.script, round=work.frame.round, got=begun.got, gave=gave or {},
            labels=tuple(label for label in outcome.labels if label in task.next) if outcome.over else (),
            why=outcome.why, seconds=round(max(0.0, self.house.clock() - begun.since), 3), error=outcome.error,
            notes=outcome.notes,
        )  # fmt: skip


def shortened_values(values: Any) -> dict[str, Any]:
    """Arguments by name, long ones shortened."""
    return {name: shortened(value) for name, value in values.items()}


def _status(outcome: Outcome) -> EventStatus:
    if outcome.error:
        return "error"
    if outcome.asked is not None:
        return "waiting"
    if outcome.later is not None or outcome.frame is not None:
        return "later"
    return "skipped" if outcome.ending == "skipped" else "done"


def _kept(entry: dict[str, Any]) -> dict[str, Any]:
    """What later tasks may ask of an entry."""
    kept = {key: entry.get(key) for key in ("ID", "Type", "ContentsFormat", "Brand", "ModuleName", "File")}
    return {**kept, "Contents": shortened(entry.get("Contents"), 10_000)}


def _with_error_entry(outcome: Outcome) -> Outcome:
    """The outcome of a failed task with an entry that says why, also where nothing got as far as giving one.

    Playbooks read the reason from the entries of the last task.
    """
    if not outcome.error or any(entry.get("Type") == ERROR for entry in outcome.entries):
        return outcome
    told = {"ID": uuid.uuid4().hex, **text_entry(ERROR, outcome.error)}
    return replace(outcome, entries=[*outcome.entries, told])
