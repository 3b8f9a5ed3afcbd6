"""Sub-playbooks: their inputs, the rounds of a loop, and what they give back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from warroom.core import progress
from warroom.core.expression_errors import Unsupported
from warroom.core.expressions import Scope, check, resolve
from warroom.core.outputs import adopted, declared
from warroom.core.playbook import Expression, Playbook, Task
from warroom.engine.errors import UsageError
from warroom.engine.playbooks import commands
from warroom.engine.playbooks.house import hidden, secret_inputs
from warroom.engine.playbooks.state import Frame
from warroom.engine.playbooks.work import Outcome, Work, as_answer


def enter(work: Work) -> Outcome:
    """Opens the sub-playbook of a task. Raises UsageError for an unknown one and a missing required input."""
    task, scope = work.task, work.scope()
    book = work.house.playbook(task.playbook)
    if _inside_itself(work, book):
        raise Unsupported(f"playbook {book.name} inside itself", work.where)
    if task.loop is not None and not task.separate_context:
        raise Unsupported("a loop over a sub-playbook that shares the context around it", work.where)
    given = {key: resolve(expression, scope) for key, expression in task.arguments.items() if expression}
    inputs = with_defaults(book, given, scope)
    require(book, inputs)
    rounds = _rounds(task, inputs) if task.loop is not None and task.loop.for_each else []
    if task.loop is not None and task.loop.for_each and not rounds:
        return Outcome(got=inputs, why="there is nothing to loop over")
    got = hidden(inputs, secret_inputs(work.house, book))
    frame = Frame(
        work.frame.child_path(task.id), book.id, first_progress(book), rounds[0] if rounds else inputs,
        {} if task.separate_context else None, rounds, 1 if task.loop else 0,
    )  # fmt: skip
    return Outcome(frame=frame, got=got, why=f"{len(rounds)} rounds" if rounds else "")


def first_progress(book: Playbook) -> progress.Progress:
    """The walk before the first task. Raises Unsupported when branches go round in a circle."""
    try:
        return progress.begin(book)
    except progress.Cycle as cycle:
        raise Unsupported(str(cycle), f"playbook {book.name}") from cycle


def with_defaults(book: Playbook, given: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The inputs, with the defaults of the playbook for those that are missing, as they are seen from outside."""
    found = dict(given)
    for item in book.inputs:
        if item.key and item.key not in found:
            found[item.key] = resolve(item.value, scope)
    return found


def require(book: Playbook, inputs: Mapping[str, Any]) -> None:
    """Raises UsageError naming every required input that has no value."""
    missing = [item.key for item in book.inputs if item.required and item.key and inputs.get(item.key) in (None, "")]
    if missing:
        raise UsageError(f"playbook {book.name}: these inputs need a value: {', '.join(missing)}")


def leave(work: Work, inner: Frame) -> Outcome:
    """The outcome of a sub-playbook task whose playbook has ended; its outputs go to the context around it."""
    if inner.context is not None:
        book = work.house.playbook(inner.playbook)
        outputs = declared(inner.context, [item.path for item in book.outputs])
        work.investigation.context = adopted(work.investigation.context, outputs)
    return Outcome(why=f"after {inner.round} rounds" if inner.round else "")


def another_round(work: Work, inner: Frame) -> tuple[bool, str]:
    """Whether a loop goes round once more, and why (not). `work` is the sub-playbook task."""
    loop = work.task.loop
    if loop is None:
        return False, ""
    if inner.round >= (len(inner.rounds) if loop.for_each else loop.maximum):
        return False, "every input had its round" if loop.for_each else f"the maximum of {loop.maximum} rounds"
    if loop.for_each:
        if inner.round >= loop.maximum:
            return False, f"the maximum of {loop.maximum} rounds; {len(inner.rounds) - inner.round} inputs are left"
        return True, ""
    inside = _inside(work, inner)
    if loop.exit_clauses:
        checked = check(loop.exit_clauses, inside.scope())
        return not checked.holds, checked.why
    arguments = inside.resolved(loop.exit_arguments)
    outcome = commands.read_results(
        inside, commands.run(inside, commands.prepare(inside, loop.exit_script, arguments)), loop.exit_script
    )
    inner.context = inside.investigation.context
    if outcome.error:
        raise UsageError(f"the script that ends the loop failed: {outcome.error}")
    answers = [as_answer(entry.get("Contents")) for entry in outcome.entries]
    return "yes" not in [text.casefold() for text in answers], f"{loop.exit_script} answered {', '.join(answers)}"


def next_round(book: Playbook, inner: Frame) -> Frame:
    """The frame of the next round: the same context, nothing begun."""
    inputs = inner.rounds[inner.round] if inner.rounds else inner.inputs
    return replace(
        inner, progress=progress.begin(book), inputs=inputs, round=inner.round + 1, begun={}, later={}, waiting={},
        completions={},
    )  # fmt: skip


def _inside(work: Work, inner: Frame) -> Work:
    """The sub-playbook task, seeing what its playbook sees."""
    return Work.of(work.house, work.state, inner, work.task)


def _inside_itself(work: Work, book: Playbook) -> bool:
    frame: Frame | None = work.frame
    while frame is not None:
        if frame.playbook == book.id:
            return True
        frame = work.state.around(frame)
    return False


def _rounds(task: Task, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One set of inputs for each round: lists side by side until the longest ends, single values in the first round."""
    lists = {key: _items(value, task.arguments.get(key)) for key, value in inputs.items()}
    if any(value == [] for value in inputs.values()) and not any(len(items) > 1 for items in lists.values()):
        return []
    absent = object()
    return [
        {key: item for key, item in zip(lists, row, strict=True) if item is not absent}
        for row in itertools.zip_longest(*lists.values(), fillvalue=absent)
    ] or [{}]


def _items(value: Any, expression: Expression | None) -> list[Any]:
    """A list, also one that is written with commas in the task itself; anything else is its only item."""
    if isinstance(value, list):
        return value
    typed = (expression or {}).get("simple")
    if isinstance(value, str) and isinstance(typed, str) and "${" not in typed and "," in value:
        return [item.strip() for item in value.split(",")]
    return [value]
