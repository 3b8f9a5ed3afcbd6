from __future__ import annotations

import pytest

from warroom.core.graph_check import check_graph, reachable
from warroom.core.playbook import Branch, Loop, Message, Playbook, Task
from warroom.core.testing import book, comparison, task


def decision(*labels: str, then: dict[str, list[str]], **more: object) -> Task:
    clauses = [[comparison("a", "isTrue")]]
    return task("1", "condition", then, branches=tuple(Branch(label, clauses) for label in labels), **more)


def found(playbook: Playbook) -> list[tuple[str, str, str]]:
    return [(item.level, item.code, item.task) for item in check_graph(playbook)]


def test_check_graph_sound_playbook_has_no_findings() -> None:
    playbook = book(
        decision("yes", then={"yes": ["2"], "#default#": ["3"]}), task("2", then=["3"]),
        task("3", "regular", {"#none#": ["4"], "#error#": ["4"]}, script="Print", on_error="path"),
        task("4", "playbook", playbook="Other", separate_context=True, loop=Loop(for_each=True)),
    )  # fmt: skip
    assert found(playbook) == []


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([task("1"), task("2", then=["1"])], ("error", "unreachable", "2")),
        ([task("1", then=["2"]), task("2", then=["3"]), task("3", then=["2"])], ("error", "circle", "2")),
        ([task("1", then=["7"])], ("error", "branch-nowhere", "1")),
        ([task("1", "regular", {"yes": ["2"]}), task("2")], ("error", "branch-never", "1")),
        ([task("1", then={"#none#": []})], ("error", "branch-nowhere", "1")),
        ([task("1", "start")], ("error", "second-start", "1")),
        ([task("1", "regular", {"#error#": ["2"]}, script="x"), task("2")], ("error", "branch-never", "1")),
        ([task("1", "regular", ["2"], script="x", on_error="path"), task("2")], ("error", "branch-nowhere", "1")),
        ([task("1", "playbook", playbook="x", loop=Loop(for_each=True))], ("error", "loop", "1")),
        ([task("1", "regular", script="x", loop=Loop(for_each=True))], ("error", "loop", "1")),
        ([decision("yes", then={"#default#": ["2"]}), task("2")], ("error", "branch-nowhere", "1")),
        ([decision("yes", then={"yes": ["2"], "no": ["2"], "#default#": ["2"]}), task("2")],
         ("error", "branch-never", "1")),
        ([decision("yes", then={"yes": ["2"]}), task("2")], ("warning", "no-default", "1")),
        ([task("1", "condition", {"#default#": ["2"]}, script="x"), task("2")], ("warning", "no-choice", "1")),
        ([task("1", "condition", {"#none#": ["2"], "yes": ["2"], "#default#": ["2"]}, script="x"), task("2")],
         ("error", "branch-never", "1")),
        ([task("1", "condition", {"Yes": ["2"]}, message=Message(replies=("Yes", "No"))), task("2")],
         ("error", "branch-nowhere", "1")),
    ],
)  # fmt: skip
def test_check_graph_defect_is_found_at_its_task(tasks: list[Task], expected: tuple[str, str, str]) -> None:
    assert expected in found(book(*tasks))


def test_check_graph_question_with_a_default_branch_needs_no_branch_for_each_reply() -> None:
    asked = task("1", "condition", {"Yes": ["2"], "#default#": ["2"]}, message=Message(replies=("Yes", "No")))
    assert found(book(asked, task("2"))) == []


def test_check_graph_task_with_another_id_than_its_key_is_told() -> None:
    playbook = book(task("1"))
    playbook = Playbook("Test", "Test", "", "0", {"0": playbook.tasks["0"], "1": task("2")})
    assert ("error", "task-id", "2") in found(playbook)


def test_reachable_walks_every_branch() -> None:
    playbook = book(task("1", then={"a": ["2"], "b": ["3", "9"]}), task("2"), task("3"), task("4"))
    assert reachable(playbook) == {"0", "1", "2", "3"}
