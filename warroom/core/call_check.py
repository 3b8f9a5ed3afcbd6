"""Whether what a playbook calls is there, and takes what it is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from warroom.core.findings import Finding, error, warning
from warroom.core.known import BUILTIN, Callee, Known, Slot
from warroom.core.names import near
from warroom.core.playbook import Expression, Playbook, Task
from warroom.core.task_values import Use, input_values, loop_values, task_values, uses

_PREFIXES = ("general.", "string.", "number.", "date.")


def check_calls(playbook: Playbook, known: Known) -> Iterator[Finding]:
    """The findings about commands, scripts, sub-playbooks, filters and transformers of one playbook."""
    for key in playbook.unknown:
        yield warning(
            playbook, None, "unknown-key", f"{key} is read by nothing here", "remove it, or do not rely on it here"
        )
    for task in playbook.tasks.values():
        if task.script:
            yield from _call(playbook, task, known)
        if task.playbook:
            yield from _sub_playbook(playbook, task, known)
        if task.loop and task.loop.exit_script and not _is_script(task.loop.exit_script, known):
            yield _unknown(playbook, task, "script", task.loop.exit_script, [*known.scripts, *known.builtins])
        for place, value in (*task_values(task), *loop_values(task)):
            yield from _operators(playbook, task, list(uses(place, value)), known)
    for place, value in input_values(playbook):
        yield from _operators(playbook, None, list(uses(place, value)), known)


def _is_script(name: str, known: Known) -> bool:
    return name in known.scripts or name in known.builtins


def _call(playbook: Playbook, task: Task, known: Known) -> Iterator[Finding]:
    callees = known.callees(task)
    if not callees:
        yield _missing_callee(playbook, task, known)
        return
    if all(callee.deprecated for callee in callees):
        yield warning(playbook, task, "deprecated", f"{callees[0].title} is deprecated", "call what took its place")
    yield from _arguments(playbook, task, callees, known)


def _missing_callee(playbook: Playbook, task: Task, known: Known) -> Finding:
    if task.brand and task.brand != BUILTIN:
        ids = set(known.brands.values())
        if known.brands.get(task.brand.casefold()) is None:
            return _unknown(playbook, task, "integration", task.brand, ids)
        names = [name for name, owners in known.commands.items() if any(task.brand == item.brand for item in owners)]
        return _unknown(playbook, task, f"command of {task.brand}:", task.script, names)
    if task.is_command:
        return _unknown(playbook, task, "command", task.script, [*known.commands, *known.builtins])
    return _unknown(playbook, task, "script", task.script, [*known.scripts, *known.builtins])


def _unknown(playbook: Playbook, task: Task, kind: str, name: str, names: Sequence[str] | set[str]) -> Finding:
    code = "unknown-" + kind.split()[0]
    what = f"unknown {kind} {name}{near(name, names)}"
    if task.skip_unavailable:
        return warning(playbook, task, code, what + " (the task is skipped)", "add the pack that brings it")
    return error(playbook, task, code, what, "correct the name, or add the pack that brings it")


def _arguments(playbook: Playbook, task: Task, callees: Sequence[Callee], known: Known) -> Iterator[Finding]:
    taken = {name for callee in callees for name in callee.slots}
    anything = any(callee.anything for callee in callees)
    for name, value in task.arguments.items():
        if name in taken:
            yield from _value(playbook, task, value, callees, name)
        elif name in known.refused:
            yield error(playbook, task, "unsupported", f"{name} is not supported by this host", f"remove {name}")
        elif name not in known.modifiers and not anything:
            yield error(
                playbook, task, "unknown-argument",
                f"{callees[0].title} has no argument {name}{near(name, taken)}", "correct the name, or remove it",
            )  # fmt: skip
    for name in _needed(callees):
        if not task.arguments.get(name):
            yield error(
                playbook, task, "missing-argument", f"{callees[0].title} needs the argument {name}", f"give {name}"
            )


def _needed(callees: Sequence[Callee]) -> list[str]:
    """The arguments that every one of the callees needs."""
    return [
        name
        for name, slot in callees[0].slots.items()
        if slot.needed and all(name in other.slots and other.slots[name].needed for other in callees)
    ]


def _value(
    playbook: Playbook, task: Task, value: Expression, callees: Sequence[Callee], name: str
) -> Iterator[Finding]:
    text = value.get("simple")
    slots = [callee.slots[name] for callee in callees if name in callee.slots]
    if not text or "${" in str(text) or any(not slot.options for slot in slots):
        return
    if not any(_allowed(str(text), slot) for slot in slots):
        options = ", ".join(option for option in slots[0].options if option)
        yield error(
            playbook, task, "bad-value", f"argument {name} cannot be {text!r}; allowed: {options}",
            "give one of these values",
        )  # fmt: skip


def _allowed(text: str, slot: Slot) -> bool:
    items = [item.strip() for item in text.split(",")] if slot.many else [text]
    return all(item in slot.options for item in items)


def _sub_playbook(playbook: Playbook, task: Task, known: Known) -> Iterator[Finding]:
    called = known.playbook(task.playbook)
    if called is None:
        names = [item.name for item in known.playbooks]
        yield _unknown(playbook, task, "playbook", task.playbook, names)
        return
    if called.deprecated:
        yield warning(playbook, task, "deprecated", f"playbook {called.name} is deprecated", "call what took its place")
    if called.id == playbook.id:
        yield warning(playbook, task, "calls-itself", "the playbook calls itself", "loop over a sub-playbook")
    yield from _inputs(playbook, task, called)


def _inputs(playbook: Playbook, task: Task, called: Playbook) -> Iterator[Finding]:
    declared = {item.key: item for item in called.inputs if item.key}
    for name in task.arguments:
        if name not in declared:
            yield error(
                playbook, task, "unknown-argument",
                f"playbook {called.name} has no input {name}{near(name, declared)}", "correct the name, or remove it",
            )  # fmt: skip
    for name, item in declared.items():
        if item.required and not item.value and not task.arguments.get(name):
            yield error(
                playbook, task, "missing-argument", f"playbook {called.name} needs the input {name}", f"give {name}"
            )


def _operators(playbook: Playbook, task: Task | None, found: Sequence[Use], known: Known) -> Iterator[Finding]:
    for use in found:
        if use.transforms:
            yield from _transformer(playbook, task, use, known)
        elif _bare(use.operator) not in known.filters and not _is_script(use.operator, known):
            hint = near(use.operator, [*known.filters, *known.scripts])
            yield error(
                playbook, task, "unknown-filter", f"{use.place}: unknown filter {use.operator}{hint}",
                "correct the name, or add the pack that brings it",
            )  # fmt: skip


def _bare(operator: str) -> str:
    return next((operator[len(prefix) :] for prefix in _PREFIXES if operator.startswith(prefix)), operator)


def _transformer(playbook: Playbook, task: Task | None, use: Use, known: Known) -> Iterator[Finding]:
    if use.operator in known.transformers:
        taken = set(known.transformers[use.operator])
    elif use.operator in known.scripts:
        taken = set(known.scripts[use.operator].slots)
    else:
        names = [*known.transformers, *known.scripts]
        yield error(
            playbook, task, "unknown-transformer",
            f"{use.place}: unknown transformer {use.operator}{near(use.operator, names)}",
            "correct the name, or add the pack that brings it",
        )  # fmt: skip
        return
    for name in use.arguments:
        if name not in taken:
            yield error(
                playbook, task, "unknown-argument",
                f"{use.place}: transformer {use.operator} has no argument {name}{near(name, taken)}",
                "correct the name, or remove it",
            )  # fmt: skip
