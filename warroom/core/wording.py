"""Tasks and their values in few words, for lists and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from warroom.core.playbook import ALWAYS, DEFAULT, ERROR, Clauses, Expression, Loop, Task

_LABELS = {ALWAYS: "", DEFAULT: "otherwise", ERROR: "on error"}


def shortened(text: str, width: int) -> str:
    """One line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: max(0, width - 1)].rstrip() + "…"


def label_text(label: str) -> str:
    """A branch label as a person reads it; "" for the branch that is always taken."""
    return _LABELS.get(label, label)


def expression_text(expression: Expression | None) -> str:
    """`text`, or `root.accessor [filters] | transformer | ...`; "" for nothing."""
    if not expression:
        return ""
    if "complex" not in expression:
        return str(expression.get("simple", ""))
    data = expression["complex"]
    path = ".".join(str(data[key]) for key in ("root", "accessor") if data.get(key))
    filters = clauses_text(data.get("filters") or ())
    steps = "".join(f" | {_step(step)}" for step in data.get("transformers") or ())
    return f"${{{path}}}" + (f" [{filters}]" if filters else "") + steps


def clauses_text(clauses: Clauses) -> str:
    """Comparisons in their order, joined by `and` and `or`."""
    rows = [" or ".join(_comparison(item) for item in row) for row in clauses]
    return " and ".join(f"({row})" if len(rows) > 1 and " or " in row else row for row in rows if row)


def call_text(task: Task) -> str:
    """What the task runs or waits for, in a few words; "" for start, titles and built-in conditions."""
    if task.playbook:
        loop = f", {loop_text(task.loop)}" if task.loop else ""
        return f"playbook {task.playbook}{loop}"
    if task.kind == "collection":
        return "asks questions"
    if task.script:
        brand = f"{task.brand} " if task.brand and task.brand != "Builtin" else ""
        return f"!{brand}{task.script}" if task.is_command else task.script
    return "waits for a person" if task.manual else ""


def loop_text(loop: Loop) -> str:
    """How often, in a few words."""
    if loop.for_each:
        return "for each item"
    until = clauses_text(loop.exit_clauses) or f"{loop.exit_script} says yes"
    return f"until {until}, at most {loop.maximum} times"


def arguments_text(task: Task, width: int = 60) -> list[str]:
    """`name=value` for each argument that has a value, each shortened to `width`."""
    pairs = ((name, expression_text(value)) for name, value in task.arguments.items())
    return [shortened(f"{name}={text}", width) for name, text in pairs if text]


def notes(task: Task) -> list[str]:
    """What is unusual about how the task runs."""
    found = [
        (task.on_error == "continue", "goes on after an error"),
        (task.skip_unavailable, "skipped when unavailable"),
        (task.kind == "playbook" and task.separate_context, "own context"),
        (bool(task.timers), f"timers: {', '.join(task.timers)}"),
        (bool(task.field_mapping), f"sets fields {', '.join(task.field_mapping)}"),
    ]
    return [text for holds, text in found if holds]


def _comparison(item: Mapping[str, Any]) -> str:
    right = _side(item.get("right"))
    return f"{_side(item.get('left'))} {item.get('operator', '')}" + (f" {right}" if right else "")


def _side(side: object) -> str:
    if not isinstance(side, Mapping):
        return ""
    text = expression_text(side.get("value") or {})
    if "complex" in (side.get("value") or {}):
        return text[2:-1] if text.endswith("}") else text
    return text if side.get("iscontext") or not text else f'"{text}"'


def _step(step: Mapping[str, Any]) -> str:
    arguments: Sequence[str] = [_side(value) for value in (step.get("args") or {}).values()]
    given = ", ".join(text for text in arguments if text)
    return f"{step.get('operator', '')}({given})" if given else str(step.get("operator", ""))
