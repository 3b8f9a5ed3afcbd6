from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.playbook import ALWAYS, DEFAULT, Playbook, Task
from warroom.core.progress import (
    Cycle,
    Progress,
    begin,
    finished,
    from_json,
    is_over,
    left_out,
    ready,
    start,
    to_json,
)

Graph = Mapping[str, Mapping[str, Sequence[str]]]


def playbook(graph: Graph) -> Playbook:
    tasks = {
        task_id: Task(task_id, "regular", task_id, next={label: tuple(targets) for label, targets in branches.items()})
        for task_id, branches in graph.items()
    }
    return Playbook("p", "p", "", "0", tasks)


def chain(*pairs: tuple[str, str]) -> Playbook:
    """Unconditional branches between the tasks named."""
    graph: dict[str, dict[str, list[str]]] = {name: {} for pair in pairs for name in pair}
    for source, target in pairs:
        graph[source].setdefault(ALWAYS, []).append(target)
    return playbook(graph)


def run(book: Playbook, progress: Progress, task_id: str, *labels: str) -> Progress:
    return finished(book, start(progress, task_id), task_id, labels or (ALWAYS,))


def test_ready_first_is_the_start_task_alone() -> None:
    book = chain(("0", "1"), ("1", "2"))
    assert ready(book, begin(book)) == ["0"]


def test_ready_two_branches_start_together() -> None:
    book = chain(("0", "1"), ("0", "2"))
    assert ready(book, run(book, begin(book), "0")) == ["1", "2"]


def test_ready_join_waits_for_every_branch_taken() -> None:
    book = chain(("0", "1"), ("0", "2"), ("1", "3"), ("2", "3"))
    progress = run(book, run(book, begin(book), "0"), "1")
    assert ready(book, progress) == ["2"]
    assert ready(book, run(book, progress, "2")) == ["3"]


def test_ready_join_waits_for_a_task_that_runs() -> None:
    book = chain(("0", "1"), ("0", "2"), ("1", "3"), ("2", "3"))
    progress = start(run(book, run(book, begin(book), "0"), "1"), "2")
    assert ready(book, progress) == []
    assert not is_over(book, progress)


def test_ready_branch_not_taken_does_not_block_a_join() -> None:
    book = playbook({"0": {"yes": ["1"], DEFAULT: ["2"]}, "1": {ALWAYS: ["3"]}, "2": {ALWAYS: ["3"]}, "3": {}})
    progress = run(book, run(book, begin(book), "0", "yes"), "1")
    assert ready(book, progress) == ["3"]
    assert left_out(book, progress) == ["2"]


def test_ready_task_reached_twice_by_one_condition_starts_once() -> None:
    book = playbook({"0": {"yes": ["1"], "no": ["1"]}, "1": {}})
    progress = run(book, begin(book), "0", "no")
    assert ready(book, progress) == ["1"]
    assert is_over(book, run(book, progress, "1"))


def test_ready_join_far_behind_a_branch_not_taken_does_not_wait() -> None:
    book = playbook({
        "0": {ALWAYS: ["1", "5"]}, "1": {"yes": ["2"], DEFAULT: []}, "2": {ALWAYS: ["3"]}, "3": {ALWAYS: ["4"]},
        "5": {ALWAYS: ["4"]}, "4": {},
    })  # fmt: skip
    progress = run(book, run(book, run(book, begin(book), "0"), "1", DEFAULT), "5")
    assert ready(book, progress) == ["4"]
    assert left_out(book, progress) == ["2", "3"]


def test_finished_label_without_a_branch_ends_the_walk() -> None:
    book = playbook({"0": {"yes": ["1"]}, "1": {}})
    progress = run(book, begin(book), "0", "maybe")
    assert progress.labels == {"0": ()}
    assert is_over(book, progress)
    assert left_out(book, progress) == ["1"]


def test_finished_task_that_never_began_is_refused() -> None:
    book = chain(("0", "1"))
    with pytest.raises(ValueError, match="task 1 has not begun"):
        finished(book, begin(book), "1", [ALWAYS])


def test_start_twice_is_refused() -> None:
    progress = start(Progress(), "0")
    with pytest.raises(ValueError, match="begun before"):
        start(progress, "0")


def test_begin_circle_is_refused_with_its_tasks() -> None:
    book = chain(("0", "1"), ("1", "2"), ("2", "3"), ("3", "1"))
    with pytest.raises(Cycle, match="1 -> 2 -> 3 -> 1"):
        begin(book)


def test_begin_circle_that_nobody_reaches_is_no_matter() -> None:
    book = chain(("0", "1"), ("8", "9"), ("9", "8"))
    assert ready(book, begin(book)) == ["0"]


@st.composite
def walks(draw: st.DrawFn) -> tuple[Playbook, dict[str, list[str]]]:
    """A graph without circles, and the labels that each task takes when it ends."""
    size = draw(st.integers(1, 9))
    graph: dict[str, dict[str, list[str]]] = {}
    taken = {}
    for number in range(size):
        later = [str(other) for other in range(number + 1, size)]
        labels = draw(st.lists(st.sampled_from(["a", "b", ALWAYS]), max_size=3, unique=True))
        graph[str(number)] = {
            label: draw(st.lists(st.sampled_from(later), max_size=3)) if later else [] for label in labels
        }
        taken[str(number)] = draw(st.lists(st.sampled_from(["a", "b", ALWAYS, "x"]), max_size=2))
    order = draw(st.permutations(sorted(graph)))
    return playbook({name: graph[name] for name in order}), taken


def reached(book: Playbook, taken: Mapping[str, list[str]]) -> set[str]:
    """The tasks that taken branches lead to, found without the machine."""
    found, fresh = set(), ["0"]
    while fresh:
        task_id = fresh.pop()
        if task_id not in found:
            found.add(task_id)
            fresh += [t for label in taken[task_id] for t in book.tasks[task_id].next.get(label, ())]
    return found


@given(walks(), st.randoms(use_true_random=False))
def test_walk_any_order_runs_each_reached_task_once_and_ends(
    walk: tuple[Playbook, dict[str, list[str]]], rng: object
) -> None:
    book, taken = walk
    choose = rng.choice  # type: ignore[attr-defined]
    progress, ran, running = begin(book), [], list[str]()
    while not is_over(book, progress):
        fresh = ready(book, progress)
        if fresh and (not running or choose([True, False])):
            task_id = choose(fresh)
            progress = start(progress, task_id)
            running.append(task_id)
            ran.append(task_id)
        else:
            ended = choose(running)
            running.remove(ended)
            progress = finished(book, progress, ended, taken[ended])
        progress = from_json(json.loads(json.dumps(to_json(progress))))
    assert sorted(ran) == sorted(reached(book, taken))
    assert sorted([*ran, *left_out(book, progress)]) == sorted(book.tasks)


@given(walks())
def test_walk_task_starts_after_everything_that_leads_to_it(walk: tuple[Playbook, dict[str, list[str]]]) -> None:
    book, taken = walk
    progress, ran = begin(book), list[str]()
    while fresh := ready(book, progress):
        progress = finished(book, start(progress, fresh[-1]), fresh[-1], taken[fresh[-1]])
        ran.append(fresh[-1])
    for source in ran:
        for label in taken[source]:
            for target in book.tasks[source].next.get(label, ()):
                assert ran.index(source) < ran.index(target)
