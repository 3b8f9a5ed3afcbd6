"""Tasks that a person completes: questions, answers from a file, waiting and going on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from Tests.playbooks.builder import (
    World,
    ask,
    book,
    collect,
    path_taken,
    put,
    question,
    script,
    start,
    sub,
    task,
    title,
)
from warroom.engine import UsageError
from warroom.engine.playbooks import Answers, Asked, Reply, read_answers
from warroom.engine.playbooks.answers import AskedQuestion, from_mapping, read_reply

APPROVE = ask(
    "1", {"yes": "2", "no": "3"}, name="Approve?", message={"to": None, "body": {"simple": "Block ${inputs.ip}?"}}
)
BOOK = book("B", start(), APPROVE, put("2", "blocked", "1"), title("3"), inputs={"ip": "192.0.2.1"})


def given(there: World, **answers: Any) -> Answers:
    return from_mapping(answers, there.host.playbook_runs.house.family(there.host.catalog.playbook("B")))


def test_manual_condition_waits_and_tells_what_it_asks(there: World) -> None:
    run = there.run(BOOK)
    assert run.status == "waiting" and path_taken(run) == ["0"]
    assert run.asked == (Asked("", "B", "1", "Approve?", "", "Block 192.0.2.1?", ("yes", "no")),)


def test_manual_condition_goes_on_with_the_answer(there: World) -> None:
    run_id = there.run(BOOK).id
    run = there.host.resume_playbook(run_id, answers=given(there, **{"Approve?": True}))
    assert run.status == "done" and run.context["blocked"] == 1
    assert run.events[1].why == "answered 'yes'" and run.events[1].labels == ("yes",)
    with pytest.raises(UsageError, match=f"run {run_id} is done"):
        there.host.resume_playbook(run_id)


def test_manual_condition_answered_at_once_does_not_wait(there: World) -> None:
    there.add(BOOK)
    run = there.run(BOOK, answers=given(there, **{"1": "no"}))
    assert run.status == "done" and path_taken(run) == ["0", "1", "3"]


def test_manual_task_waits_until_somebody_did_it(there: World) -> None:
    one = book("B", start(), task("1", "regular", "2", name="Call the owner"), put("2", "a", "1"))
    run = there.run(one)
    assert run.status == "waiting" and run.asked[0].labels == ()
    run = there.host.resume_playbook(run.id, answers=lambda asked: Reply(comment="was on leave"))
    assert run.status == "done" and run.events[1].why == "somebody did it: was on leave"


def test_resume_without_an_answer_waits_on(there: World) -> None:
    run = there.run(BOOK)
    assert there.host.resume_playbook(run.id).status == "waiting"


def test_collection_puts_answers_below_the_title_of_its_form(there: World) -> None:
    form = [
        question("0", "Which host?"),
        question("1", "How long?", "singleSelect", options=[], optionsarg=[{"simple": "1h"}, {"simple": "1d"}]),
    ]
    one = book(
        "B",
        start(),
        collect("1", form, "2", name="Details"),
        put("2", "seen", "${Details.Answers.0} ${Details.Answers.1}"),
    )
    there.add(one)
    run = there.run(one, answers=given(there, Details={"Which host?": "pc-7", "1": "1d"}))
    assert run.status == "done" and run.context["seen"] == "pc-7 1d"


def test_collection_options_come_from_the_context(there: World) -> None:
    form = [question("0", "Which?", "multiSelect", optionsarg=[{"complex": {"root": "hosts"}}])]
    one = book("B", start(), put("1", "hosts", ["a", "b"], "2"), collect("2", form, name="Pick"))
    assert there.run(one).asked[0].questions[0].options == ("a", "b")


def test_question_in_a_sub_playbook_is_answered_by_its_playbook_and_task(there: World) -> None:
    inner = book("S", start(), ask("1", {"yes": "2", "no": "2"}, name="Sure?"), title("2"))
    there.add(book("B", start(), sub("1", "S")), inner)
    answers = given(there, **{"S/Sure?": "no"})
    run = there.host.run_playbook("B", answers=answers)
    assert run.status == "done"
    assert [event.labels for event in run.events if event.path == "1" and event.task_id == "1"] == [("no",)]


def test_two_questions_wait_side_by_side(there: World) -> None:
    one = book("B", start(["1", "2"]), ask("1", {"yes": "3"}), ask("2", {"yes": "3"}), title("3"))
    run = there.run(one)
    assert [asked.task_id for asked in run.asked] == ["1", "2"]
    run = there.host.resume_playbook(run.id, answers=lambda asked: Reply("yes") if asked.task_id == "2" else None)
    assert [asked.task_id for asked in run.asked] == ["1"] and "3" not in path_taken(run)
    assert there.host.resume_playbook(run.id, answers=lambda asked: Reply("yes")).status == "done"


def test_task_complete_completes_a_waiting_task_by_its_tag(there: World) -> None:
    waiting = task("1", "condition", {"YES": "3", "#default#": "4"}, name="Wait", inner={"tags": ["wait"]})
    one = book(
        "B",
        start(["1", "2"]),
        waiting,
        script("2", "taskComplete", {"id": "wait", "input": "YES"}),
        put("3", "a", "1"),
        title("4"),
    )
    run = there.run(one)
    assert run.status == "done" and run.context == {"a": 1}


def test_task_complete_before_the_task_waits_counts_too(there: World) -> None:
    one = book(
        "B",
        start(),
        script("1", "taskComplete", {"id": "2", "input": "no"}, "2"),
        ask("2", {"yes": "3", "no": "4"}),
        title("3"),
        title("4"),
    )
    assert path_taken(there.run(one))[-1] == "4"


def test_question_in_a_loop_is_asked_in_each_round(there: World) -> None:
    inner = book("S", start(), ask("1", {"yes": "2", "no": "2"}), title("2"))
    loop = {"loop": {"iscommand": False, "exitCondition": "", "wait": 0, "max": 100, "forEach": True}}
    there.add(book("B", start(), sub("1", "S", {"x": "1,2,3"}, **loop)), inner)
    run = there.host.run_playbook("B", answers=lambda asked: Reply("yes"))
    assert run.status == "done"
    assert [event.labels for event in run.events if event.path and event.task_id == "1"] == [("yes",)] * 3


def test_task_complete_from_a_sub_playbook_reaches_the_one_around_it(there: World) -> None:
    waiting = task("1", "regular", "3", name="Wait", inner={"tags": ["wait"]})
    inner = book("S", start(), script("1", "taskComplete", {"id": "wait"}))
    run = there.run(book("B", start(["1", "2"]), waiting, sub("2", "S"), put("3", "a", "1")), inner)
    assert run.status == "done" and run.context == {"a": 1}


FORM = Asked(
    "",
    "B",
    "1",
    "Form",
    questions=(
        AskedQuestion("0", "Name", "shortText", required=True),
        AskedQuestion("1", "Count", "number"),
        AskedQuestion("2", "Pick", "multiSelect", options=("a", "b")),
    ),
)


@pytest.mark.parametrize(
    ("value", "answers"),
    [
        ({"Name": "x"}, {"0": "x"}),
        ({"0": "x", "1": 3, "2": "a, b"}, {"0": "x", "1": 3, "2": ["a", "b"]}),
        ({"0": "x", "2": ["b"]}, {"0": "x", "2": ["b"]}),
    ],
)
def test_read_reply_form_is_read_by_label_and_id(value: Any, answers: dict[str, Any]) -> None:
    assert read_reply(FORM, value).answers == answers


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, "'Name' needs an answer"),
        ({"Name": "x", "Cuont": 1}, "no question 'Cuont'; did you mean Count"),
        ({"Name": "x", "Count": "many"}, "'Count' needs a number"),
        ({"Name": "x", "Pick": "c"}, "'Pick' cannot be c; allowed: a, b"),
        ("x", "give an answer for each question"),
    ],
)
def test_read_reply_wrong_form_is_refused_with_the_question(value: Any, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read_reply(FORM, value)


def test_read_reply_unknown_branch_is_refused_with_those_that_are_allowed() -> None:
    with pytest.raises(UsageError, match="'maybe' is no branch; allowed: yes, no"):
        read_reply(Asked("", "B", "1", "Approve?", labels=("yes", "no")), "maybe")


@pytest.mark.parametrize("given", [True, "Yes", "yes", "YES"])
def test_read_reply_branch_is_meant_in_any_capitals(given: Any) -> None:
    assert read_reply(Asked("", "B", "1", "Go on?", labels=("Yes", "No")), given).label == "Yes"
    assert read_reply(Asked("", "B", "1", "Go on?", labels=("YES", "Yes", "No")), "Yes").label == "Yes"


def test_answers_for_a_task_that_nobody_has_are_refused(there: World) -> None:
    there.add(BOOK)
    with pytest.raises(UsageError, match=r"called 'Aprove\?'; did you mean"):
        given(there, **{"Aprove?": "yes"})


@pytest.mark.parametrize(
    ("name", "text"), [("a.yml", "1: yes\nForm: {'0': x}\n"), ("a.json", '{"1": true, "Form": {"0": "x"}}')]
)
def test_read_answers_yml_and_json_are_alike(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_answers(tmp_path / name) == {"1": True, "Form": {"0": "x"}}


@pytest.mark.parametrize(("text", "reason"), [("- a", "must map"), ("a: [", "cannot be read"), (None, "No such file")])
def test_read_answers_wrong_file_is_refused_by_name(tmp_path: Path, text: str | None, reason: str) -> None:
    file = tmp_path / "a.yml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=f"a.yml.*{reason}"):
        read_answers(file)
