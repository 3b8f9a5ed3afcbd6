"""Which work a task stands for: everything that can be checked is, before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from warroom.core.expressions import check
from warroom.core.playbook import ALWAYS, DEFAULT, ERROR
from warroom.engine.errors import Unavailable
from warroom.engine.playbooks import commands, nested, people
from warroom.engine.playbooks.work import Outcome, Work


@dataclass(frozen=True)
class Ready:
    """A task that can be done: `do` does it. `external`: outside of the store, so that the intent is noted before."""

    do: Callable[[], Outcome]
    runs: str = ""
    external: bool = False
    got: Mapping[str, Any] = field(default_factory=dict)


def prepare(work: Work) -> Ready:
    """The task with its arguments resolved. Raises ValueError for what cannot be, Unsupported among it."""
    task = work.task
    if task.manual:
        return Ready(lambda: people.ask(work))
    if task.kind == "playbook":
        return Ready(lambda: nested.enter(work), task.playbook)
    if task.kind == "condition" and task.branches:
        return Ready(lambda: decide(work))
    if task.script:
        return _command(work)
    return Ready(lambda: Outcome(notes=_timers(work)))


def _command(work: Work) -> Ready:
    try:
        call = commands.prepare(work)
    except Unavailable as error:
        outcome = commands.unavailable(work, error)
        return Ready(lambda: outcome, work.task.script)

    def do() -> Outcome:
        try:
            outcome = commands.start(work, call)
        except Unavailable as error:
            return commands.unavailable(work, error)
        return ended(work, replace(outcome, notes=(*outcome.notes, *_timers(work))))

    return Ready(do, call.name, not call.in_house, call.got)


def ended(work: Work, outcome: Outcome) -> Outcome:
    """The outcome of a command, which for a condition names the branch as well."""
    if work.task.kind == "condition" and outcome.over and not outcome.error:
        return commands.branch(work, outcome, work.task.script)
    return outcome


def decide(work: Work) -> Outcome:
    """The branch of a condition: the first one whose comparisons hold, else the default one."""
    told = []
    for branch in work.task.branches:
        checked = check(branch.clauses, work.scope())
        told.append(f"{branch.label}: {checked.why}")
        if checked.holds:
            return Outcome((branch.label,), why="; ".join(told))
    return Outcome(work.label_for(DEFAULT), why="; ".join([*told, "so the default branch"]))


def handled(work: Work, outcome: Outcome) -> Outcome:
    """The outcome of a task that failed, when the task itself says how to go on. Its error goes to the context."""
    task = work.task
    work.investigation.set(f"task.{task.id}.error", outcome.error)
    if task.on_error == "path":
        return replace(outcome, labels=(ERROR,), ending="error", why="it failed, so the error path")
    labels = (ALWAYS,) if ALWAYS in task.next else work.label_for(DEFAULT)
    return replace(outcome, labels=labels, ending="error", why="it failed, and the playbook goes on")


def _timers(work: Work) -> tuple[str, ...]:
    return tuple(f"timer {timer}: there are no timers on this host" for timer in work.task.timers)
