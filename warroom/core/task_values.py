"""Every value of a playbook, with the place it stands at: what the checks walk over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warroom.core.placeholders import bare, pieces
from warroom.core.playbook import Clauses, Expression, Playbook, Task


@dataclass(frozen=True)
class Use:
    """One filter, comparison or transformer: its operator and, for a transformer, the names of its arguments."""

    place: str
    operator: str
    transforms: bool
    arguments: tuple[str, ...] = ()


def task_values(task: Task) -> Iterator[tuple[str, Expression | Clauses]]:
    """The values that a task reads in the context of its own playbook, each with the name of its place."""
    yield from ((f"argument {name}", value) for name, value in task.arguments.items() if value)
    yield from ((f"branch {branch.label}", branch.clauses) for branch in task.branches)
    yield from ((f"field {name}", value) for name, value in task.field_mapping.items() if value)
    if task.message:
        yield from _asked(task)


def loop_values(task: Task) -> Iterator[tuple[str, Expression | Clauses]]:
    """The values that a loop reads in the context of the sub-playbook."""
    if task.loop:
        yield "exit condition", task.loop.exit_clauses
        yield from ((f"exit argument {name}", value) for name, value in task.loop.exit_arguments.items())


def input_values(playbook: Playbook) -> Iterator[tuple[str, Expression | Clauses]]:
    """The default values of the inputs."""
    yield from ((f"input {item.key}", item.value) for item in playbook.inputs if item.value)


def uses(place: str, value: Expression | Clauses) -> Iterator[Use]:
    """The operators inside a value, however deep."""
    if isinstance(value, Mapping):
        yield from _in_complex(place, value.get("complex") or {})
    else:
        yield from _in_clauses(place, value)


def path_texts(value: Expression | Clauses) -> Iterator[str]:
    """Every path inside a value, with its selectors; and each text that begins a path and ends none."""
    if not isinstance(value, Mapping):
        sides = (comparison.get(side) for row in value for comparison in row for side in ("left", "right"))
        yield from (path for side in sides for path in _side_texts(side))
        return
    if isinstance(value.get("simple"), str):
        yield from _in_text(value["simple"])
    data = value.get("complex") or {}
    yield from (bare(str(data[key])) for key in ("root", "accessor") if data.get(key))
    yield from path_texts(data.get("filters") or ())
    for step in data.get("transformers") or ():
        for argument in (step.get("args") or {}).values():
            yield from _side_texts(argument)


def _in_text(text: str) -> Iterator[str]:
    for is_path, piece in pieces(text):
        if is_path:
            yield piece
        elif "${" in piece:
            yield piece[piece.index("${") :]


def _side_texts(side: object) -> Iterator[str]:
    value = side.get("value") if isinstance(side, Mapping) else None
    if not isinstance(side, Mapping) or not isinstance(value, Mapping):
        return
    if "complex" in value:
        yield from path_texts(value)
    elif side.get("iscontext") and value.get("simple"):
        yield bare(str(value["simple"]))


def _asked(task: Task) -> Iterator[tuple[str, Expression | Clauses]]:
    assert task.message is not None
    yield from (
        (name, value) for name, value in (("subject", task.message.subject), ("body", task.message.body)) if value
    )
    for question in task.message.questions:
        if question.options_from:
            yield f"options of question {question.id}", question.options_from
        yield f"question {question.id}", question.label_from or {"simple": question.label}


def _in_complex(place: str, data: Mapping[str, Any]) -> Iterator[Use]:
    yield from _in_clauses(place, data.get("filters") or ())
    for step in data.get("transformers") or ():
        arguments = step.get("args") or {}
        yield Use(place, str(step.get("operator", "")), True, tuple(arguments))
        for argument in arguments.values():
            yield from _in_side(place, argument)


def _in_clauses(place: str, clauses: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[Use]:
    for row in clauses:
        for comparison in row:
            yield Use(place, str(comparison.get("operator", "")), False)
            for side in ("left", "right"):
                yield from _in_side(place, comparison.get(side))


def _in_side(place: str, side: object) -> Iterator[Use]:
    value = side.get("value") if isinstance(side, Mapping) else None
    if isinstance(value, Mapping):
        yield from uses(place, value)
