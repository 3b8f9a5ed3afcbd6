from __future__ import annotations

from typing import Any

import pytest

from warroom.core.known import BUILTIN, Callee, Known
from warroom.core.path_check import check_paths, plain, sets
from warroom.core.playbook import Branch, Input, Loop, Message, Output, Playbook, Question, Task
from warroom.core.testing import book, comparison, task, text

BUILTINS = {name: Callee(name, BUILTIN) for name in ("Print", "Set", "SetAndHandleEmpty", "SetMultipleValues")} | {
    "findIndicators": Callee("findIndicators", BUILTIN, outputs=("foundIndicators",))
}
COMMANDS = {"tiny-get": [Callee("tiny-get", "Tiny", outputs=("Tiny.Thing.Id", "Tiny.Thing.Name"))]}
GET = task("1", "regular", ["2"], script="tiny-get", is_command=True)


def read(path: str, task_id: str = "2", **more: Any) -> Task:
    return task(task_id, "regular", script="Print", arguments={"value": text(f"${{{path}}}")}, **more)


def found(playbook: Playbook, *others: Playbook) -> list[tuple[str, str]]:
    known = Known(commands=COMMANDS, builtins=BUILTINS, playbooks=[playbook, *others])
    return [(item.level, item.code) for item in check_paths(playbook, known)]


@pytest.mark.parametrize("path", [
    "Tiny.Thing.Id", "Tiny.Thing", "Tiny", "Tiny.Thing(val.Id == 1).Name", "Tiny.Thing.[0].Name", "incident.name",
    "lists.mine", "investigation.id", "Tiny.Thing.Id.deeper",
])  # fmt: skip
def test_check_paths_what_a_command_declares_can_be_read(path: str) -> None:
    assert found(book(GET, read(path))) == []


def test_check_paths_path_that_nothing_sets_is_an_error_with_a_near_name() -> None:
    playbook = book(GET, read("Tiny.Thing.Nmae"))
    known = Known(commands=COMMANDS, builtins=BUILTINS, playbooks=[playbook])
    [finding] = check_paths(playbook, known)
    assert (finding.level, finding.code, finding.task) == ("error", "never-set", "2")
    assert "did you mean Tiny.Thing.Name" in finding.what


@pytest.mark.parametrize(
    ("setter", "path"),
    [
        (task("1", "regular", ["2"], script="Set", arguments={"key": text("Mine.Key")}), "Mine.Key"),
        (task("1", "regular", ["2"], script="SetMultipleValues",
              arguments={"parent": text("Mine"), "keys": text("A, B")}), "Mine.B"),
        (task("1", "regular", ["2"], script="Print", arguments={"extend-context": text("Mine=a.b::Other=")}), "Other"),
        (task("1", "regular", ["2"], script="findIndicators"), "foundIndicators.value"),
        (task("1", "collection", ["2"], message=Message(title="The Form")), "The Form.Answers.0"),
        (task("1", "collection", ["2"], name="Nameless", message=Message()), "Nameless.Answers.0"),
    ],
)  # fmt: skip
def test_check_paths_every_kind_of_setter_counts(setter: Task, path: str) -> None:
    assert found(book(setter, read(path))) == []
    assert found(book(setter, read("Nothing.Of.This"))) == [("error", "never-set")]


def test_check_paths_unknown_setter_leaves_one_warning_for_all_paths() -> None:
    computed = task("1", "regular", ["2"], script="Set", arguments={"key": text("${inputs.k}")})
    playbook = book(computed, read("A.B", then=["3"]), read("C", "3"), inputs=(Input("k"),))
    assert found(playbook) == [("warning", "not-checked")]
    assert found(book(task("1", "regular", ["2"], script="nowhere"), read("A"))) == [("warning", "not-checked")]


def test_check_paths_what_only_extraction_sets_is_a_warning() -> None:
    assert found(book(read("File.MD5"))) == [("warning", "never-set")]


def sub(separate: bool, **more: Any) -> Task:
    return task("1", "playbook", ["2"], playbook="Sub", separate_context=separate, **more)


SUB = book(GET, task("2"), name="Sub", outputs=(Output("Tiny.Thing.Id"),))


def test_check_paths_sub_playbook_with_its_own_context_gives_its_outputs_only() -> None:
    assert found(book(sub(True), read("Tiny.Thing.Id")), SUB) == []
    assert found(book(sub(True), read("Tiny.Thing.Name")), SUB) == [("error", "never-set")]
    assert found(book(sub(False), read("Tiny.Thing.Name")), SUB) == []


def test_check_paths_sub_playbook_sees_what_its_caller_shares() -> None:
    reader = book(read("Tiny.Thing.Name", "1"), name="Sub")
    assert found(reader, book(GET, sub(False, name="x"), name="Caller")) == [("error", "never-set")]
    caller = book(GET, task("2", "playbook", playbook="Sub"), name="Caller")
    assert found(reader, caller) == []
    apart = book(GET, task("2", "playbook", playbook="Sub", separate_context=True), name="Caller")
    assert found(reader, apart) == [("error", "never-set")]


def test_check_paths_exit_condition_reads_the_context_of_the_sub_playbook() -> None:
    until = Loop(exit_clauses=[[comparison("Tiny.Thing.Name", "isExists")]])
    assert found(book(sub(True, loop=until), task("2")), SUB) == []
    wrong = Loop(exit_clauses=[[comparison("Tiny.Other", "isExists")]])
    assert found(book(sub(True, loop=wrong), task("2")), SUB) == [("error", "never-set")]


def test_check_paths_two_playbooks_that_call_each_other_end() -> None:
    one = book(task("1", "playbook", playbook="Two"), name="One")
    two = book(task("1", "playbook", ["2"], playbook="One"), read("A"), name="Two")
    assert found(two, one) == [("error", "never-set")]


def test_check_paths_inputs_are_held_against_their_declarations() -> None:
    playbook = book(read("inputs.used.part", "1"), inputs=(Input("used"), Input("unused"), Input("")))
    assert found(playbook) == [("warning", "unused-input")]
    assert found(book(read("inputs.nowhere", "1"))) == [("error", "undeclared-input")]


def test_check_paths_input_used_by_a_branch_or_another_default_counts() -> None:
    clauses = [[comparison("inputs.a", "isExists")]]
    chosen = task("1", "condition", {"yes": ["2"]}, branches=(Branch("yes", clauses),))
    inputs = (Input("a"), Input("b", text("${inputs.c}")), Input("c"))
    assert found(book(chosen, read("inputs.b"), inputs=inputs)) == []


def test_check_paths_questions_are_read_too() -> None:
    question = Question("0", "Which of ${Nothing}?", "shortText", options_from=text("${Also.Nothing}"))
    asked = task("1", "collection", message=Message(body=text("${No.Body}"), questions=(question,)))
    assert found(book(asked)) == [("error", "never-set")] * 3


def test_check_paths_output_that_nothing_sets_is_an_error() -> None:
    assert found(book(GET, task("2"), outputs=(Output("Tiny.Thing"), Output("Tiny.Other")))) == [("error", "never-set")]


@pytest.mark.parametrize(
    ("path", "code"),
    [("Tiny(val.a ==", "expression"), ("Tiny..a", "expression"), ("Tiny(val.a ==).b", "unsupported"),
     ("Tiny(val---b)---c", "unsupported")],
)  # fmt: skip
def test_check_paths_expression_that_cannot_be_read_is_told(path: str, code: str) -> None:
    assert found(book(read(path, "1"))) == [("error", code)]
    inside = {"complex": {"root": "incident", "filters": [[comparison(path, "isExists")]]}}
    assert found(book(task("1", "regular", script="Print", arguments={"value": inside}))) == [("error", code)]


def test_sets_lists_what_the_tasks_declare() -> None:
    known = Known(commands=COMMANDS, builtins=BUILTINS)
    assert sets(book(GET, task("2")), known).paths == {"Tiny.Thing.Id", "Tiny.Thing.Name"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a.b(val.c && val.c == obj.c).d", "a.b.d"), ("a.[0].b", "a.b"), ("a[0:2]", "a"), ("a(val.f(1))", "a"),
     ("a(true)", "a")],
)  # fmt: skip
def test_plain_leaves_names_only(path: str, expected: str) -> None:
    assert plain(path) == expected
