"""How far the walk through one playbook has come, and which tasks come next. Pure: nothing is run here.

A branch is taken, dead, or open. It is dead when its task ended along other branches, or can never start. A task starts
once none of its incoming branches is open and at least one of them was taken: a join waits for everything that can
still reach it, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from warroom.core.playbook import Playbook

Ending = Literal["done", "skipped", "error"]


@dataclass(frozen=True)
class Progress:
    """The tasks that were begun and have not ended, and how each of the others ended.

    `labels` are the branches that an ended task took; none of them for a task that ends the walk, or was left out
    together with what follows it.
    """

    begun: frozenset[str] = frozenset()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    endings: Mapping[str, Ending] = field(default_factory=dict)


class Cycle(ValueError):
    """Branches lead back to a task that they started from; `tasks` are the ids on the way, the first one twice."""

    def __init__(self, tasks: Iterable[str]) -> None:
        self.tasks = tuple(tasks)
        super().__init__(f"the branches go round in a circle: {' -> '.join(self.tasks)}")


def begin(playbook: Playbook) -> Progress:
    """The state before the first task. Raises Cycle when tasks that can be reached form one."""
    circle = find_cycle(playbook)
    if circle:
        raise Cycle(circle)
    return Progress()


def start(progress: Progress, task_id: str) -> Progress:
    """The state once the task was begun. Raises ValueError when it was begun before."""
    if task_id in progress.begun or task_id in progress.endings:
        raise ValueError(f"task {task_id} was begun before")
    return replace(progress, begun=progress.begun | {task_id})


def finished(
    playbook: Playbook, progress: Progress, task_id: str, labels: Iterable[str], ending: Ending = "done"
) -> Progress:
    """The state once the task ended and its branches `labels` were taken.

    Of labels that the task has no branch for nothing comes. Raises ValueError when the task had not begun.
    """
    if task_id not in progress.begun:
        raise ValueError(f"task {task_id} has not begun, so it cannot end")
    taken = tuple(label for label in labels if label in playbook.tasks[task_id].next)
    return Progress(
        progress.begun - {task_id}, {**progress.labels, task_id: taken}, {**progress.endings, task_id: ending}
    )


def ready(playbook: Playbook, progress: Progress) -> list[str]:
    """Ids of the tasks that can start now, in the order of the playbook."""
    incoming = _incoming(playbook)
    open_tasks = _open(playbook, progress)
    return [
        task_id
        for task_id in playbook.tasks
        if task_id in open_tasks
        and task_id not in progress.begun
        and not open_tasks & incoming.get(task_id, frozenset())
    ]


def is_over(playbook: Playbook, progress: Progress) -> bool:
    """Whether nothing runs and nothing can start any more."""
    return not progress.begun and not ready(playbook, progress)


def left_out(playbook: Playbook, progress: Progress) -> list[str]:
    """Ids of the tasks that were reached by no branch and cannot be any more, in the order of the playbook."""
    open_tasks = _open(playbook, progress)
    return [task_id for task_id in playbook.tasks if task_id not in open_tasks and task_id not in progress.endings]


def find_cycle(playbook: Playbook) -> tuple[str, ...]:
    """The ids along one circle of tasks that can be reached, the first one again at the end; () without one."""
    path: list[str] = []
    settled: set[str] = set()
    walk: list[Iterator[str]] = [iter((playbook.start,))]
    while walk:
        task_id = next(walk[-1], None)
        if task_id is None:
            walk.pop()
            settled.update(path[-1:])
            del path[-1:]
        elif task_id in path:
            return (*path[path.index(task_id) :], task_id)
        elif task_id not in settled and task_id in playbook.tasks:
            path.append(task_id)
            walk.append(_targets(playbook, task_id))
    return ()


def to_json(progress: Progress) -> dict[str, Any]:
    """The state as JSON."""
    return {
        "begun": sorted(progress.begun),
        "labels": {task_id: list(labels) for task_id, labels in progress.labels.items()},
        "endings": dict(progress.endings),
    }


def from_json(data: Mapping[str, Any]) -> Progress:
    """The state that `to_json` gave."""
    labels = {task_id: tuple(labels) for task_id, labels in data["labels"].items()}
    return Progress(frozenset(data["begun"]), labels, cast(Mapping[str, Ending], dict(data["endings"])))


def _targets(playbook: Playbook, task_id: str) -> Iterator[str]:
    return (target for targets in playbook.tasks[task_id].next.values() for target in targets)


def _incoming(playbook: Playbook) -> dict[str, set[str]]:
    """The tasks with a branch to a task, by that task."""
    found: dict[str, set[str]] = {}
    for task_id in playbook.tasks:
        for target in _targets(playbook, task_id):
            found.setdefault(target, set()).add(task_id)
    return found


def _open(playbook: Playbook, progress: Progress) -> set[str]:
    """The tasks that have not ended and can still be reached."""
    fresh = [playbook.start] if playbook.start not in progress.endings else []
    fresh += progress.begun
    for task_id, labels in progress.labels.items():
        branches = playbook.tasks[task_id].next
        fresh += [target for label in labels for target in branches.get(label, ())]
    reached: set[str] = set()
    while fresh:
        task_id = fresh.pop()
        if task_id in reached or task_id in progress.endings or task_id not in playbook.tasks:
            continue
        reached.add(task_id)
        fresh += _targets(playbook, task_id)
    return reached
