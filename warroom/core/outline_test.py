from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from warroom.core.graph_check import reachable
from warroom.core.outline import Step, outline
from warroom.core.playbook import ALWAYS, Playbook, Task
from warroom.core.testing import book, task


def shape(steps: Sequence[Step]) -> list[object]:
    """Ids; after a task with several ways a list for each: its label, then what it holds, then where it goes on."""
    found: list[object] = []
    for step in steps:
        found.append(step.task.id)
        found += [[arm.label, *shape(arm.steps), *(f"->{item}" for item in arm.joins)] for arm in step.arms]
        found += [f"->{step.join}"] if step.join else []
    return found


def ids(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        yield step.task.id
        for arm in step.arms:
            yield from ids(arm.steps)


def test_outline_chain_is_flat() -> None:
    assert shape(outline(book(task("1", then=["2"]), task("2")))) == ["0", "1", "2"]


def test_outline_what_one_branch_leads_to_stands_below_it_and_the_join_after() -> None:
    playbook = book(
        task("1", then={"#default#": ["4"], "yes": ["2"]}), task("2", then=["3"]), task("3", then=["4"]),
        task("4", then=["5"]), task("5"),
    )  # fmt: skip
    assert shape(outline(playbook)) == ["0", "1", ["yes", "2", "3", "->4"], ["#default#", "->4"], "4", "5"]


def test_outline_branches_at_once_are_marked() -> None:
    steps = outline(book(task("1", then=["2", "3"]), task("2", then=["4"]), task("3", then=["4"]), task("4")))
    assert shape(steps) == ["0", "1", [ALWAYS, "2", "->4"], [ALWAYS, "3", "->4"], "4"]
    assert all(arm.at_once for arm in steps[1].arms)


def test_outline_join_of_two_of_three_branches_stands_after_all() -> None:
    ways = {"a": ["2"], "b": ["3"], "c": ["4"]}
    playbook = book(task("1", then=ways), task("2", then=["5"]), task("3", then=["5"]), task("4"), task("5"))
    assert shape(outline(playbook)) == ["0", "1", ["a", "2", "->5"], ["b", "3", "->5"], ["c", "4"], "5"]


def test_outline_circle_is_cut_where_it_closes() -> None:
    assert shape(outline(book(task("1", then=["2"]), task("2", then=["1"])))) == ["0", "1", "2", "->1"]


@st.composite
def graphs(draw: st.DrawFn) -> Playbook:
    size = draw(st.integers(1, 9))
    tasks: list[Task] = []
    for index in range(1, size + 1):
        targets = draw(st.lists(st.integers(1, size), max_size=3, unique=True))
        labels = ["yes", "no", "#default#"]
        tasks.append(
            task(str(index), then={label: [str(target)] for label, target in zip(labels, targets, strict=False)})
        )
    return book(*tasks)


@given(graphs())
def test_outline_every_task_that_can_be_reached_is_there_once(playbook: Playbook) -> None:
    assert Counter(ids(outline(playbook))) == Counter(reachable(playbook))


def test_outline_long_chain_is_no_trouble() -> None:
    chain = [task(str(index), then=[str(index + 1)] if index < 3000 else ()) for index in range(1, 3001)]
    assert len(outline(book(*chain))) == 3001
