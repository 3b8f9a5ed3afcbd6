"""Order of tasks, joins, branches, conditions and values, each case after a sentence of the vendor's documentation."""

from __future__ import annotations

import pytest

from Tests.playbooks.builder import (
    World,
    ask,
    book,
    command,
    compare,
    decide,
    path_taken,
    put,
    script,
    start,
    sub,
    task,
    title,
)


def test_flow_tasks_run_one_after_the_other(there: World) -> None:
    run = there.run(book("B", start(), put("1", "a", "1", "2"), put("2", "b", "${a}", "3"), title("3")))
    assert (run.status, path_taken(run)) == ("done", ["0", "1", "2", "3"])
    assert run.context == {"a": 1, "b": 1}


def test_flow_start_with_two_branches_runs_both(there: World) -> None:
    run = there.run(book("B", start(["1", "2"]), put("1", "a", "1"), put("2", "b", "2")))
    assert run.context == {"a": 1, "b": 2}


def test_flow_join_runs_once_after_all_its_branches(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(["1", "2"]),
            put("1", "n", "x", "3", append=True),
            put("2", "n", "y", "3", append=True),
            put("3", "seen", "${n}"),
        )
    )
    assert run.context["seen"] == ["x", "y"]
    assert path_taken(run).count("3") == 1


def test_flow_join_behind_a_branch_not_taken_does_not_wait(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            decide("1", {"yes": "2", "#default#": "3"}, yes=[[compare("x", "isExists")]]),
            title("2", "4"),
            title("3", "4"),
            title("4"),
        )
    )
    assert path_taken(run) == ["0", "1", "3", "4"]


def test_flow_join_of_long_and_short_branch_waits_for_the_long_one(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(["1", "9"]),
            put("1", "a", "1", "2"),
            put("2", "b", "1", "3"),
            put("3", "c", "1", "9"),
            put("9", "seen", "${c}"),
        )
    )
    assert run.context["seen"] == 1


def test_flow_title_and_section_do_nothing(there: World) -> None:
    run = there.run(book("B", start(), title("1", "2"), task("2", "section", "3"), title("3")))
    assert run.status == "done" and run.context == {}


def test_flow_circle_of_branches_is_not_supported_and_named(there: World) -> None:
    with pytest.raises(ValueError, match=r"playbook B: not supported: .*circle: 1 -> 2 -> 1"):
        there.run(book("B", start(), title("1", "2"), title("2", "1")))
    assert there.host.playbook_runs.list() == []


@pytest.mark.parametrize(("value", "taken"), [("5", ["0", "1", "2"]), ("15", ["0", "1", "3"]), ("50", ["0", "1", "4"])])
def test_condition_first_branch_that_holds_wins_else_the_default(there: World, value: str, taken: list[str]) -> None:
    run = there.run(
        book(
            "B",
            start(),
            decide(
                "1",
                {"low": "2", "mid": "3", "#default#": "4"},
                low=[[compare("inputs.n", "lessThan", "10")]],
                mid=[[compare("inputs.n", "lessThan", "20")]],
            ),
            title("2"),
            title("3"),
            title("4"),
            inputs={"n": "0"},
        ),
        n=value,
    )
    assert path_taken(run) == taken


def test_condition_outer_list_is_and_inner_list_is_or(there: World) -> None:
    clauses = [[compare("a", "isEqualString", "1"), compare("a", "isEqualString", "2")], [compare("b", "isExists")]]
    first = there.run(
        book(
            "B",
            start(),
            put("1", "a", "2", "2"),
            put("2", "b", "x", "3"),
            decide("3", {"yes": "4", "#default#": "5"}, yes=clauses),
            title("4"),
            title("5"),
        )
    )
    second = there.run(
        book(
            "C",
            start(),
            put("1", "a", "2", "3"),
            decide("3", {"yes": "4", "#default#": "5"}, yes=clauses),
            title("4"),
            title("5"),
        )
    )
    assert (path_taken(first)[-1], path_taken(second)[-1]) == ("4", "5")


def test_condition_without_a_branch_that_holds_ends_there(there: World) -> None:
    run = there.run(book("B", start(), decide("1", {"yes": "2"}, yes=[[compare("a", "isExists")]]), title("2")))
    assert (run.status, path_taken(run)) == ("done", ["0", "1"])


def test_condition_tells_why_with_the_values_seen(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            put("1", "colour", "red", "2"),
            decide("2", {"yes": "3"}, yes=[[compare("colour", "isEqualString", "blue")]]),
            title("3"),
        )
    )
    why = run.events[-1].why
    assert "yes" in why and "red" in why and "blue" in why and "default" in why


def test_condition_value_that_cannot_be_cast_fails_the_task(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            put("1", "a", "word", "2"),
            decide("2", {"yes": "3"}, yes=[[compare("a", "greaterThan", "3")]]),
            title("3"),
        )
    )
    assert run.status == "error" and "task 2 (Task 2) of B" in run.error


def test_condition_unknown_operator_stops_the_run_naming_feature_and_task(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            decide("1", {"yes": "2"}, yes=[[compare("a", "isSomehow", "3")]]),
            title("2"),
        )
    )
    assert run.status == "stopped"
    assert "not supported" in run.error and "isSomehow" in run.error and "task 1" in run.error


def test_condition_by_script_answer_names_the_branch(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            put("1", "left", "x", "2"),
            script("2", "AreValuesEqual", {"left": "${left}", "right": "x"}, {"yes": "3", "no": "4"}, kind="condition"),
            title("3"),
            title("4"),
        )
    )
    assert path_taken(run) == ["0", "1", "2", "3"]
    assert run.events[2].why == "AreValuesEqual answered 'yes'"


def test_condition_by_script_other_answer_takes_the_default(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            script("1", "Print", {"value": "maybe"}, {"yes": "2", "#default#": "3"}, kind="condition"),
            title("2"),
            title("3"),
        )
    )
    assert path_taken(run)[-1] == "3"


def test_condition_label_written_as_yaml_boolean_is_yes(there: World) -> None:
    one = book(
        "B",
        start(),
        script("1", "Exists", {"value": "x"}, {"yes": "2", "no": "3"}, kind="condition"),
        title("2"),
        title("3"),
    )
    there.add(one)
    file = there.pack / "Playbooks" / "playbook-B.yml"
    file.write_text(file.read_text().replace("'yes':", "yes:").replace("'no':", "no:"))
    assert path_taken(there.host.run_playbook("B"))[-1] == "2"


@pytest.mark.parametrize(
    ("argument", "seen"),
    [
        ("${a}", {"k": [1, 2]}),
        ("x ${a} y", "x 1,2 y"),
        ("${a.k}", [1, 2]),
        ("${incident.name}", "B"),
        ("${inputs.text}", "given"),
        ("${lists.known}", "one,two"),
        ("text", "text"),
    ],
)
def test_argument_value_comes_from_where_it_says(there: World, argument: str, seen: object) -> None:
    there.host.store.lists.set("known", "one,two")
    run = there.run(
        book("B", start(), put("1", "a", {"k": [1, 2]}, "2"), put("2", "seen", argument), inputs={"text": "given"})
    )
    if argument == "x ${a} y":
        assert isinstance(run.context["seen"], str)
    else:
        assert run.context["seen"] == seen


def test_argument_of_nothing_is_not_given_so_its_default_counts(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            script("1", "SetAndHandleEmpty", {"key": "k", "value": "${nothing}"}, "2"),
            put("2", "end", "1"),
        )
    )
    assert run.context == {"end": 1}


def test_argument_required_and_missing_fails_the_task(there: World) -> None:
    run = there.run(book("B", start(), script("1", "Set", {"key": "k", "value": "${nothing}"})))
    assert run.status == "error" and "argument value is required" in run.error


def test_argument_list_for_a_single_value_runs_the_command_for_each_item(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            put("1", "names", ["a", "b"], "2"),
            command("2", "Builtin|||setList", {"listName": "${names}", "listData": "x"}),
        )
    )
    assert run.status == "done"
    assert [there.host.store.lists.get(name) for name in ("a", "b")] == ["x", "x"]


def test_input_default_counts_when_it_is_not_given(there: World) -> None:
    one = book("B", start(), put("1", "seen", "${inputs.x}"), inputs={"x": "default"})
    assert there.run(one).context == {"seen": "default"}
    assert there.run(one, x="given").context == {"seen": "given"}


def test_input_unknown_or_missing_is_refused_before_anything_runs(there: World) -> None:
    one = book("B", start(), title("1"), inputs={"needed": None})
    with pytest.raises(ValueError, match="no input 'neded'; did you mean needed"):
        there.run(one, neded="x")
    with pytest.raises(ValueError, match="these inputs need a value: needed"):
        there.run(one)
    assert there.host.playbook_runs.list() == [] and there.host.store.incidents.list() == []


def test_outputs_are_those_that_the_playbook_declares(there: World) -> None:
    run = there.run(book("B", start(), put("1", "A.x", "1", "2"), put("2", "hidden", "2"), outputs=["A.x", "never"]))
    assert run.outputs == {"A.x": 1}


def test_quiet_task_and_timers_and_tags_do_no_harm(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            script(
                "1",
                "Print",
                {"value": "x", "auto-extract": "none"},
                quietmode=1,
                timertriggers=[{"fieldname": "sla", "action": "start"}],
            ),
        )
    )
    assert run.status == "done"
    notes = " ".join(run.events[-1].notes)
    assert "auto-extract has no effect" in notes and "timer start sla" in notes


def test_unknown_playbook_command_and_builtin_are_named(there: World) -> None:
    with pytest.raises(ValueError, match="unknown playbook 'Nope'"):
        there.host.run_playbook("Nope")
    run = there.run(book("B", start(), command("1", "|||tiny-ecko", {"text": "x"})))
    assert run.status == "error" and "did you mean tiny-echo" in run.error
    run = there.run(book("C", start(), command("1", "Builtin|||summonDragon")))
    assert run.status == "stopped" and "built-in command summonDragon" in run.error
    run = there.run(book("D", start(), sub("1", "Missing")))
    assert run.status == "error" and "unknown playbook 'Missing'" in run.error


def test_waiting_branch_does_not_hold_up_the_other(there: World) -> None:
    run = there.run(book("B", start(["1", "2"]), ask("1", {"yes": "3"}), put("2", "a", "1"), title("3")))
    assert run.status == "waiting" and run.context == {"a": 1}
