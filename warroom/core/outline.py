"""A playbook as a tree that reads in the order of execution: what only one branch leads to stands below that branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warroom.core.playbook import ALWAYS, DEFAULT, ERROR, Playbook, Task

Dominators = Mapping[str, str]
_LAST = {DEFAULT: 1, ERROR: 2}


@dataclass(frozen=True)
class Step:
    """One task, and its ways on when it has several. With one way on, what follows is the next step of the list,
    unless that stands elsewhere: then `join` is its id."""

    task: Task
    arms: tuple[Arm, ...] = ()
    join: str = ""


@dataclass(frozen=True)
class Arm:
    """One of several ways on: the steps that only it leads to, and ids of tasks elsewhere that it goes on to."""

    label: str
    at_once: bool
    steps: tuple[Step, ...] = ()
    joins: tuple[str, ...] = ()


def outline(playbook: Playbook) -> tuple[Step, ...]:
    """The steps of a playbook, each task that can be reached exactly once. A circle is cut where it closes."""
    order = _order(playbook)
    parents = _dominators(playbook, order)
    return _Outliner(playbook, order, parents).below(playbook.start)


@dataclass(frozen=True)
class _Outliner:
    playbook: Playbook
    order: Sequence[str]
    parents: Dominators

    def below(self, task_id: str) -> tuple[Step, ...]:
        """The step of a task, and the steps of all that it alone leads to, in order."""
        steps: list[Step] = []
        pending = [task_id]
        while pending:
            step, following = self._step(pending.pop(0))
            steps.append(step)
            pending[:0] = following
        return tuple(steps)

    def _step(self, task_id: str) -> tuple[Step, list[str]]:
        """The step of one task, and the tasks below it that stand beside it in the list."""
        task = self.playbook.tasks[task_id]
        ways = [(label, target) for label, targets in task.next.items() for target in targets]
        ways = sorted((way for way in ways if way[1] in self.playbook.tasks), key=lambda way: _LAST.get(way[0], 0))
        children = [item for item in self.order if self.parents.get(item) == task_id]
        if len(ways) <= 1:
            join = next((target for _, target in ways if target not in children), "")
            return Step(task, join=join), children
        homes = {child: self._ways_to(child, task_id, [target for _, target in ways]) for child in children}
        arms = tuple(self._arm(ways, index, homes) for index in range(len(ways)))
        joined = [child for child in children if len(homes[child]) != 1]
        return Step(task, arms), joined

    def _arm(self, ways: Sequence[tuple[str, str]], index: int, homes: Mapping[str, frozenset[int]]) -> Arm:
        label, target = ways[index]
        own = [child for child, found in homes.items() if found == {index}]
        steps = tuple(step for child in own for step in self.below(child))
        several = sum(other == label for other, _ in ways) > 1
        return Arm(label, several and label == ALWAYS, steps, () if target in own else (target,))

    def _ways_to(self, child: str, above: str, targets: Sequence[str]) -> frozenset[int]:
        """Which of the ways out of `above` can lead to `child`."""
        return frozenset(index for index, target in enumerate(targets) if self._leads(target, child, above))

    def _leads(self, start: str, goal: str, above: str) -> bool:
        seen, fresh = {above}, [start]
        while fresh:
            task_id = fresh.pop()
            if task_id == goal:
                return True
            if task_id not in seen:
                seen.add(task_id)
                fresh.extend(_targets(self.playbook, task_id))
        return False


def _targets(playbook: Playbook, task_id: str) -> list[str]:
    targets = (target for found in playbook.tasks[task_id].next.values() for target in found)
    return [target for target in targets if target in playbook.tasks]


def _order(playbook: Playbook) -> list[str]:
    """The tasks that can be reached, each after all that lead to it (but for circles), branches in their order."""
    order: list[str] = []
    seen = {playbook.start}
    walk = [(playbook.start, iter(reversed(_targets(playbook, playbook.start))))]
    while walk:
        task_id, targets = walk[-1]
        target = next((item for item in targets if item not in seen), None)
        if target is None:
            order.append(task_id)
            walk.pop()
        else:
            seen.add(target)
            walk.append((target, iter(reversed(_targets(playbook, target)))))
    return order[::-1]


def _dominators(playbook: Playbook, order: Sequence[str]) -> Dominators:
    """The task that every walk to a task passes last, by task; the start has none."""
    place = {task_id: index for index, task_id in enumerate(order)}
    leading: dict[str, list[str]] = {task_id: [] for task_id in order}
    for task_id in order:
        for target in _targets(playbook, task_id):
            leading[target].append(task_id)
    parents: dict[str, str] = {playbook.start: playbook.start}
    changed = True
    while changed:
        changed = False
        for task_id in order[1:]:
            above = [item for item in leading[task_id] if item in parents]
            best = above[0]
            for other in above[1:]:
                best = _meet(best, other, parents, place)
            if parents.get(task_id) != best:
                parents[task_id], changed = best, True
    return {task_id: parent for task_id, parent in parents.items() if task_id != playbook.start}


def _meet(first: str, second: str, parents: Mapping[str, str], place: Mapping[str, int]) -> str:
    while first != second:
        if place[first] > place[second]:
            first = parents[first]
        else:
            second = parents[second]
    return first
