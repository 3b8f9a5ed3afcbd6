"""Small playbooks for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from warroom.core.playbook import ALWAYS, Playbook, Task

FILE = Path("playbook-Test.yml")


def task(
    task_id: str, kind: Any = "title", then: Mapping[str, Sequence[str]] | Sequence[str] = (), **more: Any
) -> Task:
    """A task; `then` are ids of the following ones, by label where the label matters."""
    ways = then if isinstance(then, Mapping) else {ALWAYS: then} if then else {}
    following = {label: tuple(targets) for label, targets in ways.items()}
    return Task(task_id, kind, more.pop("name", f"Task {task_id}"), next=following, **more)


def book(*tasks: Task, name: str = "Test", **more: Any) -> Playbook:
    """A playbook that starts with a start task before the first of `tasks`."""
    first = replace(task("0", "start", [tasks[0].id] if tasks else []), name="")
    return Playbook(name, name, "", "0", {item.id: item for item in (first, *tasks)}, file=FILE, **more)


def text(value: str) -> dict[str, Any]:
    """A simple expression."""
    return {"simple": value}


def comparison(left: str, operator: str, right: str | None = None) -> dict[str, Any]:
    """A comparison of a path with a text."""
    side = {} if right is None else {"right": {"value": text(right)}}
    return {"operator": operator, "left": {"value": text(left), "iscontext": True}, **side}
