"""Sub-playbooks and their loops."""

from __future__ import annotations

from typing import Any

import pytest

from Tests.playbooks.builder import World, book, compare, path_taken, put, script, start, sub, title, write_script

INNER = book(
    "S", start(), put("1", "A.x", "${inputs.x}", "2"), put("2", "hidden", "1"), inputs={"x": "none"}, outputs=["A.x"]
)


def each(**more: Any) -> dict[str, Any]:
    return {"loop": {"iscommand": False, "exitCondition": "", "wait": 0, "max": 100, "forEach": True, **more}}


def until(clauses: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "loop": {"iscommand": False, "exitCondition": "yes", "wait": 0, "max": 10, "builtincondition": clauses, **more}
    }


def noting(name: str = "S") -> dict[str, Any]:
    """A playbook that notes its inputs, round by round."""
    return book(
        name,
        start(),
        put("1", "Seen", "${inputs.x}-${inputs.y}", append=True),
        inputs={"x": "", "y": ""},
        outputs=["Seen"],
    )


def test_sub_playbook_gives_only_its_declared_outputs(there: World) -> None:
    run = there.run(book("B", start(), sub("1", "S", {"x": "5"}, "2"), put("2", "seen", "${A.x}")), INNER)
    assert run.status == "done" and run.context == {"A": {"x": 5}, "seen": 5}
    assert path_taken(run) == ["0", "1", "1/0", "1/1", "1/2", "2"]


def test_sub_playbook_does_not_see_the_context_around_it(there: World) -> None:
    run = there.run(
        book("B", start(), put("1", "a", "1", "2"), sub("2", "S")),
        book("S", start(), put("1", "Seen", "a is ${a}"), outputs=["Seen"]),
    )
    assert run.context["Seen"] == "a is "


def test_sub_playbook_with_shared_context_sees_and_changes_it(there: World) -> None:
    run = there.run(
        book("B", start(), put("1", "a", "1", "2"), sub("2", "S", separatecontext=False)),
        book("S", start(), put("1", "b", "${a}"), put("2", "c", "3")),
    )
    assert run.context == {"a": 1, "b": 1}


def test_sub_playbook_missing_input_takes_its_default(there: World) -> None:
    assert there.run(book("B", start(), sub("1", "S")), INNER).context == {"A": {"x": "none"}}


def test_sub_playbook_required_input_without_value_fails_its_task(there: World) -> None:
    run = there.run(
        book("B", start(), sub("1", "S", {"x": "${nothing}"})), book("S", start(), title("1"), inputs={"x": None})
    )
    assert run.status == "error" and "these inputs need a value: x" in run.error


def test_sub_playbook_input_keeps_its_shape(there: World) -> None:
    run = there.run(book("B", start(), put("1", "a", {"k": [1, {"l": 2}]}, "2"), sub("2", "S", {"x": "${a}"})), INNER)
    assert run.context["A"] == {"x": {"k": [1, {"l": 2}]}}


def test_sub_playbook_twice_adds_to_what_is_there(there: World) -> None:
    run = there.run(book("B", start(), sub("1", "S", {"x": "1"}, "2"), sub("2", "S", {"x": "2"})), INNER)
    assert run.context["A"] == [{"x": 1}, {"x": 2}]


def test_sub_playbooks_side_by_side_do_not_mix(there: World) -> None:
    run = there.run(
        book("B", start(["1", "2"]), sub("1", "S", {"x": "1"}), sub("2", "T", {"x": "2"})),
        INNER,
        book("T", start(), put("1", "Z", "${inputs.x}"), outputs=["Z"], inputs={"x": ""}),
    )
    assert run.context == {"A": {"x": 1}, "Z": 2}


def test_sub_playbook_within_itself_is_not_supported(there: World) -> None:
    run = there.run(book("B", start(), sub("1", "B")))
    assert run.status == "stopped" and "playbook B inside itself" in run.error


def test_sub_playbook_three_levels_deep(there: World) -> None:
    run = there.run(
        book("B", start(), sub("1", "S", {"x": "${inputs.x}"}), inputs={"x": "7"}),
        book("S", start(), sub("1", "T", {"x": "${inputs.x}"}), inputs={"x": ""}, outputs=["Deep"]),
        book("T", start(), put("1", "Deep", "${inputs.x}"), inputs={"x": ""}, outputs=["Deep"]),
    )
    assert run.context == {"Deep": 7} and path_taken(run)[-2:] == ["1/1/0", "1/1/1"]


def test_loop_for_each_runs_once_for_each_item(there: World) -> None:
    run = there.run(
        book("B", start(), put("1", "l", ["a", "b", "c"], "2"), sub("2", "S", {"x": "${l}"}, **each())), noting()
    )
    assert run.context["Seen"] == ["a-", "b-", "c-"]
    assert [event.round for event in run.events if event.path == "2" and event.task_id == "1"] == [1, 2, 3]


def test_loop_for_each_lists_of_different_length_end_with_the_longest(there: World) -> None:
    # The documentation's own example: x=1,2,3,4; y=a,b; single values fill the first round only.
    args = {"x": "1,2,3,4", "y": "a,b"}
    run = there.run(book("B", start(), sub("1", "S", args, **each())), noting())
    assert run.context["Seen"] == ["1-a", "2-b", "3-", "4-"]


def test_loop_for_each_single_value_runs_once(there: World) -> None:
    run = there.run(book("B", start(), sub("1", "S", {"x": "one"}, **each())), noting())
    assert run.context["Seen"] in ("one-", ["one-"])


def test_loop_for_each_of_nothing_does_not_run(there: World) -> None:
    run = there.run(
        book("B", start(), put("1", "l", [], "2"), sub("2", "S", {"x": "${l}"}, "3", **each()), put("3", "end", "1")),
        noting(),
    )
    assert run.status == "done" and "Seen" not in run.context and run.context["end"] == 1


def test_loop_for_each_stops_at_its_maximum(there: World) -> None:
    run = there.run(book("B", start(), sub("1", "S", {"x": "1,2,3"}, **each(max=2))), noting())
    assert run.context["Seen"] == ["1-", "2-"]
    assert "the maximum of 2 rounds; 1 inputs are left" in next(
        e.why for e in run.events if e.task_id == "1" and not e.path
    )


def test_loop_until_checks_after_each_round_in_the_inner_context(there: World) -> None:
    grow = book("S", start(), put("1", "Seen", "x", append=True), outputs=["Seen"])
    clauses = [[{"operator": "isEqualString", "left": {"value": {"simple": "Seen.[2]"}, "iscontext": True},
                 "right": {"value": {"simple": "x"}}}]]  # fmt: skip
    run = there.run(book("B", start(), sub("1", "S", **until(clauses))), grow)
    assert run.context["Seen"] == ["x", "x", "x"]


def test_loop_until_runs_at_least_once(there: World) -> None:
    run = there.run(book("B", start(), sub("1", "S", {"x": "q"}, **until([[compare("Seen", "isExists")]]))), noting())
    assert run.context["Seen"] in ("q-", ["q-"])


def test_loop_until_takes_its_inputs_as_a_whole(there: World) -> None:
    keep = book("S", start(), put("1", "Seen", "${inputs.x}"), outputs=["Seen"], inputs={"x": ""})
    run = there.run(
        book(
            "B",
            start(),
            put("1", "l", [1, 2], "2"),
            sub("2", "S", {"x": "${l}"}, **until([[compare("Seen", "isExists")]])),
        ),
        keep,
    )
    assert run.context["Seen"] == [1, 2]


def test_loop_until_waits_between_rounds_and_ends_at_the_maximum(there: World) -> None:
    run = there.run(
        book("B", start(), sub("1", "S", **until([[compare("never", "isExists")]], wait=30, max=3))), noting()
    )
    assert run.status == "done" and len(run.context["Seen"]) == 3
    assert there.clock.slept == [30, 30]


def test_loop_by_script_ends_when_it_says_yes(there: World) -> None:
    write_script(
        there.pack, "Enough", "demisto.results('yes' if len(demisto.context().get('Seen') or []) > 1 else 'no')"
    )
    loop = {"loop": {"iscommand": False, "exitCondition": "yes", "wait": 0, "max": 10, "scriptId": "Enough"}}
    run = there.run(book("B", start(), sub("1", "S", **loop)), noting())
    assert len(run.context["Seen"]) == 2


def test_loop_over_a_shared_context_is_not_supported(there: World) -> None:
    run = there.run(book("B", start(), sub("1", "S", {"x": "1,2"}, separatecontext=False, **each())), noting())
    assert run.status == "stopped" and "loop over a sub-playbook that shares" in run.error


def test_loop_block_that_the_editor_leaves_is_no_loop(there: World) -> None:
    empty = {"loop": {"iscommand": False, "exitCondition": "", "wait": 1, "max": 100}}
    run = there.run(book("B", start(), sub("1", "S", {"x": "1,2"}, **empty)), noting())
    assert run.context["Seen"] in ("1,2-", ["1,2-"])


@pytest.mark.parametrize("subplaybook", ["yes", "auto"])
def test_delete_context_in_a_sub_playbook_with_own_context(there: World, subplaybook: str) -> None:
    inner = book(
        "S",
        start(),
        put("1", "a", "2", "2"),
        script("2", "DeleteContext", {"key": "a", "subplaybook": subplaybook}, "3"),
        put("3", "Left", "without a${a}"),
        outputs=["Left"],
    )
    run = there.run(book("B", start(), put("1", "a", "1", "2"), sub("2", "S")), inner)
    assert run.context == {"a": 1, "Left": "without a"}


def test_delete_context_without_subplaybook_deletes_from_the_incident(there: World) -> None:
    inner = book(
        "S",
        start(),
        put("1", "a", "2", "2"),
        script("2", "DeleteContext", {"key": "a"}, "3"),
        put("3", "Left", "${a}"),
        outputs=["Left"],
    )
    run = there.run(book("B", start(), put("1", "a", "1", "2"), sub("2", "S")), inner)
    assert run.context == {"Left": 2}
