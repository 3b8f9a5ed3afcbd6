"""What the branches of a playbook alone can tell: tasks that never run, branches that lead nowhere, empty choices."""

from __future__ import annotations

from collections.abc import Iterator, Set

from warroom.core.findings import Finding, error, warning
from warroom.core.playbook import ALWAYS, DEFAULT, ERROR, Playbook, Task
from warroom.core.progress import find_cycle

_LABELS_OF_MANY = frozenset({DEFAULT, ERROR})


def check_graph(playbook: Playbook) -> Iterator[Finding]:
    """The findings of one playbook, by task in its order. Looks at tasks and branches only."""
    reached = reachable(playbook)
    yield from _circle(playbook)
    for key, task in playbook.tasks.items():
        if key != task.id:
            yield error(
                playbook, task, "task-id", f"the task under {key!r} calls itself {task.id!r}", f"set its id to {key!r}"
            )
        yield from _reach(playbook, task, reached)
        yield from _targets(playbook, task)
        yield from _labels(playbook, task)
        yield from _error_path(playbook, task)
        yield from _loop(playbook, task)


def reachable(playbook: Playbook) -> Set[str]:
    """Ids of the tasks that some walk from the start comes to."""
    found: set[str] = set()
    fresh = [playbook.start]
    while fresh:
        task_id = fresh.pop()
        if task_id in found or task_id not in playbook.tasks:
            continue
        found.add(task_id)
        fresh.extend(target for targets in playbook.tasks[task_id].next.values() for target in targets)
    return found


def _circle(playbook: Playbook) -> Iterator[Finding]:
    circle = find_cycle(playbook)
    if circle:
        yield error(
            playbook, playbook.tasks[circle[0]], "circle",
            f"it waits for itself: {' -> '.join(circle)}, so the playbook never starts",
            "take one of these branches away; repeat by a sub-playbook with a loop",
        )  # fmt: skip


def _reach(playbook: Playbook, task: Task, reached: Set[str]) -> Iterator[Finding]:
    if task.id not in reached and task.id in playbook.tasks:
        yield error(
            playbook, task, "unreachable", "no branch from the start leads here",
            "lead a branch here, or remove the task",
        )  # fmt: skip
    if task.kind == "start" and task.id != playbook.start:
        yield error(playbook, task, "second-start", "is a second start task", "remove it, or make it a title")


def _targets(playbook: Playbook, task: Task) -> Iterator[Finding]:
    for label, targets in task.next.items():
        if not targets:
            yield error(
                playbook, task, "branch-nowhere", f"the branch {_shown(label)} leads nowhere",
                "lead it to a task, or remove it",
            )  # fmt: skip
        for target in targets:
            if target not in playbook.tasks:
                yield error(
                    playbook, task, "branch-nowhere",
                    f"the branch {_shown(label)} leads to task {target}, which is not there",
                    "lead it to a task that exists",
                )  # fmt: skip


def _labels(playbook: Playbook, task: Task) -> Iterator[Finding]:
    if task.kind == "condition":
        yield from _condition(playbook, task)
        return
    for label in task.next:
        if label not in (ALWAYS, ERROR) and not (task.kind == "collection" and label == DEFAULT):
            yield error(
                playbook, task, "branch-never", f"the branch {_shown(label)} is never taken: this is no condition",
                f"label it {ALWAYS}, or make the task a condition",
            )  # fmt: skip


def _condition(playbook: Playbook, task: Task) -> Iterator[Finding]:
    if ALWAYS in task.next:
        yield error(
            playbook, task, "branch-never", f"the branch {ALWAYS} of a condition is never taken",
            f"label it {DEFAULT}, or make the task a regular one",
        )  # fmt: skip
    yield from _known_answers(playbook, task)
    chosen = [label for label in task.next if label not in _LABELS_OF_MANY]
    if not chosen:
        yield warning(
            playbook, task, "no-choice", "the condition has no branch but the default one, so it decides nothing",
            "add the branch for the other answer, or remove the condition",
        )  # fmt: skip
    elif DEFAULT not in task.next and not task.manual:
        yield warning(
            playbook, task, "no-default", "when no branch fits, this path ends here without a word",
            f"add a branch {DEFAULT}",
        )  # fmt: skip


def _known_answers(playbook: Playbook, task: Task) -> Iterator[Finding]:
    """Both ways, where the labels are written down: built-in conditions, and questions with fixed replies."""
    replies = task.message.replies if task.message and not task.script else ()
    labels = tuple(branch.label for branch in task.branches) or replies
    if not labels:
        return
    for label in labels:
        if label not in task.next and not (replies and DEFAULT in task.next):
            yield error(
                playbook, task, "branch-nowhere", f"the answer {_shown(label)} leads nowhere",
                f"add {_shown(label)} to its next tasks, or remove it",
            )  # fmt: skip
    for label in task.next:
        if label not in labels and label not in _LABELS_OF_MANY and label != ALWAYS:
            yield error(
                playbook, task, "branch-never", f"the branch {_shown(label)} has no condition and is never taken",
                f"give it one, or label it {DEFAULT}",
            )  # fmt: skip


def _error_path(playbook: Playbook, task: Task) -> Iterator[Finding]:
    if ERROR in task.next and task.on_error != "path":
        yield error(
            playbook, task, "branch-never", f"the branch {ERROR} is never taken: the task does not use the error path",
            "set continueonerror: true and continueonerrortype: errorPath",
        )  # fmt: skip
    if task.on_error == "path" and ERROR not in task.next:
        yield error(
            playbook, task, "branch-nowhere", "an error goes along the error path, and there is none",
            f"add a branch {ERROR}, or clear continueonerrortype",
        )  # fmt: skip


def _loop(playbook: Playbook, task: Task) -> Iterator[Finding]:
    if task.loop is None:
        return
    if task.kind != "playbook":
        yield error(
            playbook, task, "loop", "only a sub-playbook can loop", "put the task into a sub-playbook, and loop that"
        )
    elif not task.separate_context:
        yield error(
            playbook, task, "loop", "a loop needs a context of its own for each round", "set separatecontext: true"
        )


def _shown(label: str) -> str:
    return label if label.startswith("#") else repr(label)
