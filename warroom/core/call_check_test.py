from __future__ import annotations

from typing import Any

import pytest

from warroom.core.call_check import check_calls
from warroom.core.known import BUILTIN, Callee, Known, Slot
from warroom.core.playbook import Input, Loop, Playbook, Task
from warroom.core.testing import book, comparison, task, text

SLOTS = {
    "what": Slot("what", needed=True), "mood": Slot("mood", options=("good", "bad")),
    "colours": Slot("colours", options=("red", "blue"), many=True),
}  # fmt: skip
CALLED = book(task("1"), name="Called", inputs=(Input("must", required=True), Input("may", text("x"), required=True)))
KNOWN = Known(
    commands={"tiny-do": [Callee("tiny-do", "Tiny", SLOTS), Callee("tiny-do", "Other", {"what": Slot("what")})]},
    scripts={"TinyScript": Callee("TinyScript", "", {"text": Slot("text", needed=True)}),
             "Old": Callee("Old", deprecated=True)},
    builtins={"setIncident": Callee("setIncident", BUILTIN, anything=True), "Print": Callee("Print", BUILTIN)},
    playbooks=[CALLED],
    brands={"tiny": "Tiny", "tiny feed": "Tiny", "other": "Other"},
    modifiers=frozenset({"using", "retry-count"}),
    refused=frozenset({"debug-mode"}),
    filters=frozenset({"isEqualString"}),
    transformers={"join": ("separator",), "uniq": ()},
)  # fmt: skip


def codes(*tasks: Task, **more: Any) -> list[tuple[str, str]]:
    return [(item.level, item.code) for item in check_calls(book(*tasks, **more), KNOWN)]


def command(brand: str = "", skip: bool = False, script: str = "tiny-do", **arguments: str) -> Task:
    values = {name.replace("_", "-"): text(value) for name, value in arguments.items()}
    return task("1", "regular", script=script, brand=brand, is_command=True, arguments=values, skip_unavailable=skip)


@pytest.mark.parametrize(
    "sound",
    [
        command(what="x"),
        command("Tiny", what="x", mood="good", colours="red, blue"),
        command("tiny feed", what="${inputs.x}", mood="${inputs.mood}", using="main", retry_count="3"),
        command("Builtin", script="setIncident", anything="x"),
        task("1", "condition", {"yes": ["1"]}, script="TinyScript", arguments={"text": text("x")}),
        task("1", "playbook", playbook="Called", arguments={"must": text("x")}),
    ],
)
def test_check_calls_sound_call_has_no_findings(sound: Task) -> None:
    assert codes(sound) == []


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (command(script="tiny-dp", what="x"), ("error", "unknown-command")),
        (command("Tinny", what="x"), ("error", "unknown-integration")),
        (command("Tiny", script="other-do"), ("error", "unknown-command")),
        (command(script="tiny-dp", skip=True), ("warning", "unknown-command")),
        (command("Tiny"), ("error", "missing-argument")),
        (command(what="x", wat="y"), ("error", "unknown-argument")),
        (command("Tiny", what="x", mood="angry"), ("error", "bad-value")),
        (command("Tiny", what="x", colours="red,green"), ("error", "bad-value")),
        (command("Tiny", what="x", debug_mode="true"), ("error", "unsupported")),
        (task("1", "regular", script="TinyScrip"), ("error", "unknown-script")),
        (task("1", "regular", script="Old"), ("warning", "deprecated")),
        (task("1", "playbook", playbook="Calle"), ("error", "unknown-playbook")),
        (task("1", "playbook", playbook="Called"), ("error", "missing-argument")),
        (task("1", "playbook", playbook="Called", arguments={"must": text("x"), "no": text("x")}),
         ("error", "unknown-argument")),
        (task("1", "playbook", playbook="Called", arguments={"must": text("x")}, separate_context=True,
              loop=Loop(exit_script="Nowhere")), ("error", "unknown-script")),
    ],
)  # fmt: skip
def test_check_calls_broken_call_is_found(broken: Task, expected: tuple[str, str]) -> None:
    assert codes(broken) == [expected]


def test_check_calls_argument_that_one_integration_does_not_need_is_not_missing() -> None:
    assert codes(command()) == []


def test_check_calls_near_name_is_offered() -> None:
    [finding] = check_calls(book(command(script="tiny-dp", what="x")), KNOWN)
    assert finding.what == "unknown command tiny-dp; did you mean tiny-do?"
    assert finding.where == "Test, task 1 (Task 1)"


def complex_value(**parts: Any) -> Task:
    return task("1", "regular", script="Print", arguments={"retry-count": {"complex": {"root": "a", **parts}}})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (complex_value(filters=[[comparison("a", "string.isEqualString", "x")]]), []),
        (complex_value(transformers=[{"operator": "uniq"}]), []),
        (complex_value(filters=[[comparison("a", "isEqualStrin", "x")]]), [("error", "unknown-filter")]),
        (complex_value(filters=[[comparison("a", "TinyScript", "x")]]), []),
        (complex_value(transformers=[{"operator": "jion"}]), [("error", "unknown-transformer")]),
        (complex_value(transformers=[{"operator": "join", "args": {"separator": {"value": text(",")}}}]), []),
        (complex_value(transformers=[{"operator": "join", "args": {"with": {"value": text(",")}}}]),
         [("error", "unknown-argument")]),
        (complex_value(transformers=[{"operator": "join", "args": {"separator": {"value": {"complex": {
            "root": "b", "transformers": [{"operator": "nope"}]}}}}}]), [("error", "unknown-transformer")]),
    ],
)  # fmt: skip
def test_check_calls_operators_are_checked_however_deep(value: Task, expected: list[tuple[str, str]]) -> None:
    assert codes(value) == expected


def test_check_calls_key_that_nothing_reads_is_told() -> None:
    assert codes(task("1"), unknown=("tasks.1.aitask",)) == [("warning", "unknown-key")]


def test_check_calls_playbook_that_calls_itself_is_told() -> None:
    itself = book(task("1", "playbook", playbook="Test"))
    known = Known(playbooks=[itself])
    assert [item.code for item in check_calls(itself, known)] == ["calls-itself"]


def test_callees_server_command_wins_over_a_pack_s_script() -> None:
    known = Known(scripts={"Print": Callee("Print")}, builtins={"Print": Callee("Print", BUILTIN)})
    [callee] = known.callees(task("1", "regular", script="Print"))
    assert callee.brand == BUILTIN


def test_playbook_is_known_by_name_and_id() -> None:
    one = Playbook("id-1", "Name", "", "0", {})
    assert Known(playbooks=[one]).playbook("id-1") is one and Known(playbooks=[one]).playbook("Name") is one
