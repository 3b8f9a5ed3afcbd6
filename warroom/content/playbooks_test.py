from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from warroom.content import Catalog, ContentError
from warroom.content.node import load_yml
from warroom.content.playbooks import read_playbook
from warroom.core.playbook import Input, Loop, Message, Output, Playbook, Question, Task

Raw = dict[str, Any]


def raw_task(task_id: str, kind: str = "regular", inner: Raw | None = None, **more: Any) -> Raw:
    return {
        "id": task_id,
        "taskid": "x",
        "type": kind,
        "task": {"id": "x", "name": "Some Task", **(inner or {})},
        **more,
    }


def raw_playbook(*tasks: Raw, **more: Any) -> Raw:
    first = raw_task("0", "start", {"name": ""}, nexttasks={"#none#": ["1"]})
    every = {item["id"]: item for item in (first, *tasks)}
    return {"id": "pb-1", "name": "Some Playbook", "starttaskid": "0", "tasks": every, **more}


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read_raw(data: Raw) -> Playbook:
        file = tmp_path / "playbook-Some.yml"
        file.write_text(yaml.safe_dump(data))
        return read_playbook(load_yml(file))

    return read_raw


@pytest.fixture
def first(read: Any) -> Any:
    def read_first(**more: Any) -> Task:
        task: Task = read(raw_playbook(raw_task("1", **more))).tasks["1"]
        return task

    return read_first


def test_read_playbook_head_inputs_and_outputs(read: Any) -> None:
    playbook = read(raw_playbook(
        raw_task("1", "title"), description="What it does.", quiet=True, deprecated=True,
        inputs=[
            {"key": "who", "value": {"simple": "world"}, "required": True, "description": "Who.",
             "playbookInputQuery": None},
            {"key": "what", "value": {}, "required": False},
            {"key": "", "value": {}, "playbookInputQuery": {
                "query": "type:IP", "queryEntity": "indicators", "runFromLastJobTime": True}},
        ],
        outputs=[{"contextPath": "A.B", "description": "B.", "type": "string"}, {"contextPath": "C"}],
    ))  # fmt: skip
    assert (playbook.id, playbook.name, playbook.description) == ("pb-1", "Some Playbook", "What it does.")
    assert (playbook.quiet, playbook.deprecated, playbook.start) == (True, True, "0")
    assert playbook.inputs == (
        Input("who", {"simple": "world"}, required=True, description="Who."),
        Input("what"),
        Input("", {}, query="type:IP", entity="indicators", since_last_run=True),
    )
    assert playbook.outputs == (Output("A.B", "B.", "string"), Output("C"))
    assert playbook.unknown == ()


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ({"script": "Builtin|||setIncident", "iscommand": True, "brand": "Builtin"}, ("setIncident", "Builtin", True)),
        ({"script": "|||ip", "iscommand": True, "brand": ""}, ("ip", "", True)),
        ({"script": "ip", "iscommand": True, "brand": "Vendor"}, ("ip", "Vendor", True)),
        ({"scriptName": "Set", "iscommand": False, "brand": ""}, ("Set", "", False)),
        ({"brand": "Builtin"}, ("", "", False)),
    ],
)
def test_read_task_what_it_runs(first: Any, inner: Raw, expected: tuple[str, str, bool]) -> None:
    task = first(inner=inner)
    assert (task.script, task.brand, task.is_command) == expected
    assert task.manual == (not expected[0])


def test_read_task_modifiers(first: Any) -> None:
    task = first(
        continueonerror=True, continueonerrortype="errorPath", skipunavailable=True, quietmode=2, results=["Key"],
        separatecontext=True, timertriggers=[{"fieldname": "timetoassignment", "action": "stop"}],
        fieldMapping=[{"incidentfield": "Details", "output": {"complex": {"root": "A"}}}],
        view='{"position": {"x": 12, "y": 34.5}}',
    )  # fmt: skip
    assert (task.on_error, task.skip_unavailable, task.quiet, task.results) == ("path", True, False, ("Key",))
    assert (task.separate_context, task.timers) == (True, ("stop timetoassignment",))
    assert task.field_mapping == {"Details": {"complex": {"root": "A"}}}
    assert (task.x, task.y) == (12.0, 34.5)


def test_read_task_arguments_keep_their_expressions(first: Any) -> None:
    task = first(scriptarguments={
        "a": {"simple": "${x}"}, "b": {"complex": {"root": "A", "transformers": [{"operator": "uniq"}]}}, "c": {},
        "d": None, "e": {"simple": 5}, "f": "bare",
    })  # fmt: skip
    assert task.arguments == {
        "a": {"simple": "${x}"}, "b": {"complex": {"root": "A", "transformers": [{"operator": "uniq"}]}}, "c": {},
        "d": {}, "e": {"simple": "5"}, "f": {"simple": "bare"},
    }  # fmt: skip


def test_read_task_unquoted_yes_and_no_are_branch_labels(tmp_path: Path) -> None:
    file = tmp_path / "playbook.yml"
    data = yaml.safe_dump(raw_playbook(raw_task("1", "condition", nexttasks={"LEFT": ["2"], "RIGHT": ["2"]},
                                                conditions=[{"label": "LEFT", "condition": []}]),
                                       raw_task("2")))  # fmt: skip
    file.write_text(data.replace("LEFT", "yes").replace("RIGHT", "no"))
    task = read_playbook(load_yml(file)).tasks["1"]
    assert dict(task.next) == {"yes": ("2",), "no": ("2",)}
    assert task.branches[0].label == "yes"


def test_read_task_condition_clauses(first: Any) -> None:
    comparison = {"operator": "isExists", "left": {"value": {"simple": "A"}, "iscontext": True}}
    task = first(kind="condition", conditions=[{"label": "ok", "condition": [[comparison]]}])
    assert [(branch.label, branch.clauses) for branch in task.branches] == [("ok", ((comparison,),))]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"forEach": True, "wait": 2, "max": 7}, Loop(for_each=True, wait_seconds=2.0, maximum=7)),
        ({"builtincondition": [[{"operator": "isTrue"}]], "max": 0},
         Loop(exit_clauses=(({"operator": "isTrue"},),), maximum=100)),
        ({"scriptId": "Brand|||Done", "scriptArguments": {"a": {"simple": "x"}}},
         Loop(exit_script="Done", exit_arguments={"a": {"simple": "x"}})),
        ({"exitCondition": "", "wait": 1, "max": 100, "iscommand": False}, None),
    ],
)  # fmt: skip
def test_read_task_loop(first: Any, raw: Raw, expected: Loop | None) -> None:
    assert first(kind="playbook", inner={"playbookName": "Sub"}, loop=raw).loop == expected


def test_read_task_form_with_questions(first: Any) -> None:
    task = first(kind="collection", message={"subject": {"simple": "S"}, "body": None}, form={
        "title": "The Form", "questions": [
            {"id": "0", "labelarg": {"simple": "Which?"}, "type": "singleSelect", "required": True,
             "optionsarg": [{"simple": "a"}, {"simple": "b"}, {}]},
            {"id": "1", "label": "Why?", "type": "shortText", "options": [["no", "No"], "yes"], "placeholder": "p"},
            {"id": "2", "labelarg": {"complex": {"root": "A"}}, "type": "multiSelect",
             "optionsarg": [{"complex": {"root": "B"}}]},
        ],
    })  # fmt: skip
    assert task.message == Message(
        subject={"simple": "S"}, title="The Form",
        questions=(
            Question("0", "Which?", "singleSelect", required=True, options=("a", "b")),
            Question("1", "Why?", "shortText", options=("no", "yes"), placeholder="p"),
            Question("2", "", "multiSelect", options_from={"complex": {"root": "B"}},
                     label_from={"complex": {"root": "A"}}),
        ),
    )  # fmt: skip
    assert task.manual and task.answers_key == "The Form"


def test_read_task_question_with_replies(first: Any) -> None:
    task = first(kind="condition", message={"body": {"simple": "Really?"}, "replyOptions": ["Yes", "No"]})
    assert task.message == Message(body={"simple": "Really?"}, replies=("Yes", "No"))
    assert task.manual


def test_read_task_old_name_of_a_manual_task(first: Any) -> None:
    assert first(kind="standard").kind == "regular"


def test_read_playbook_keys_that_nothing_reads_are_named(read: Any) -> None:
    query = {"query": "type:IP", "daterange": {"fromdate": "2024-01-01T00:00:00Z"}}
    playbook = read(raw_playbook(
        raw_task("1", inner={"odd": 1}, strange=True, loop={"forEach": True, "spin": 1}), colour="red",
        inputs=[{"key": "", "value": {}, "playbookInputQuery": query}],
    ))  # fmt: skip
    assert set(playbook.unknown) == {
        "colour", "tasks.1.strange", "tasks.1.task.odd", "tasks.1.loop.spin", "inputs[0].playbookInputQuery.daterange",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (raw_playbook(raw_task("1"), starttaskid="7"), "starttaskid: names task '7'"),
        (raw_playbook(raw_task("1", "aiTask")), "tasks.1.type: must be one of start, title"),
        (raw_playbook(raw_task("1", continueonerrortype="odd", continueonerror=True)), "tasks.1.continueonerrortype"),
        (raw_playbook(raw_task("1", loop={"exitCondition": "x"})), "tasks.1.loop.exitCondition: is not understood"),
        (raw_playbook(raw_task("1", conditions=[{"label": "a", "condition": [{"operator": "x"}]}])),
         "tasks.1.conditions[0].condition: must be a list of lists"),
        (raw_playbook(raw_task("1", conditions=[{"label": "a", "condition": [[{"left": {}}]]}])),
         "tasks.1.conditions[0].condition[0]: must hold comparisons"),
        (raw_playbook(raw_task("1", nexttasks={"#none#": "2"})), "tasks.1.nexttasks.#none#: must be a list"),
        (raw_playbook(raw_task("1", form={"questions": [
            {"id": "0", "optionsarg": [{"simple": "${a}"}, {"simple": "${b}"}]}]})), "holds several computed options"),
    ],
)  # fmt: skip
def test_read_playbook_wrong_key_is_named(read: Any, data: Raw, complaint: str) -> None:
    with pytest.raises(ContentError) as caught:
        read(data)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("below", ["", "Packs", "Packs/Pack", "Packs/Pack/Playbooks/playbook-Some.yml"])
def test_catalog_playbook_is_found_by_name_id_and_any_case(tmp_path: Path, below: str) -> None:
    folder = tmp_path / "Packs" / "Pack" / "Playbooks"
    folder.mkdir(parents=True)
    (folder / "playbook-Some.yml").write_text(yaml.safe_dump(raw_playbook(raw_task("1"))))
    catalog = Catalog.read([tmp_path / below])
    assert catalog.problems == ()
    for name in ("Some Playbook", "pb-1", "some playbook"):
        assert catalog.playbook(name).pack == "Pack"
    with pytest.raises(LookupError, match=r"unknown playbook 'Some Playbok'; did you mean Some Playbook\?"):
        catalog.playbook("Some Playbok")


def test_catalog_unified_folder_holds_playbooks_and_jobs(tmp_path: Path) -> None:
    (tmp_path / "playbook-Some.yml").write_text(yaml.safe_dump(raw_playbook(raw_task("1"))))
    (tmp_path / "job-Some.json").write_text(
        '{"id": "j", "name": "J", "playbookId": "pb-1", "isFeed": true, "isAllFeeds": true, "details": ""}'
    )
    (tmp_path / "other.json").write_text("[]")
    catalog = Catalog.read([tmp_path])
    assert [item.name for item in catalog.playbooks] == ["Some Playbook"]
    assert [item.name for item in catalog.jobs] == ["J"]
    assert catalog.problems == ()
