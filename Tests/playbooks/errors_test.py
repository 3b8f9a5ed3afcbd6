"""What a failing task does to its playbook: stop, go on, error path, retries, what is not available."""

from __future__ import annotations

from typing import Any

import pytest

from Tests.playbooks.builder import (
    World,
    book,
    command,
    compare,
    decide,
    path_taken,
    put,
    script,
    start,
    sub,
    title,
    write_script,
)

ON: dict[str, Any] = {"continueonerror": True}
PATH: dict[str, Any] = {"continueonerror": True, "continueonerrortype": "errorPath"}
FLAKY = """
import pathlib
place = pathlib.Path(demisto.args()["place"])
count = len(place.read_text()) if place.exists() else 0
place.write_text("x" * (count + 1))
if count < 2:
    return_error("not yet, %d" % count)
demisto.results("after %d" % (count + 1))
"""


def failing(task_id: str, then: Any = None, **more: Any) -> tuple[str, dict[str, Any]]:
    return script(task_id, "PrintErrorEntry", {"message": "it went wrong"}, then, **more)


def test_error_stops_the_playbook_and_names_the_task(there: World) -> None:
    run = there.run(book("B", start(), failing("1", "2"), put("2", "a", "1")))
    assert (run.status, run.error, run.context) == ("error", "task 1 (Task 1) of B: it went wrong", {})
    assert run.events[-1].status == "error" and run.events[-1].error == "it went wrong"


def test_error_with_continue_goes_on_along_the_usual_branch(there: World) -> None:
    run = there.run(book("B", start(), failing("1", "2", **ON), put("2", "a", "1")))
    assert run.status == "done" and run.context["a"] == 1


def test_error_with_path_goes_along_the_error_path_only(there: World) -> None:
    run = there.run(book("B", start(), failing("1", {"#none#": "2", "#error#": "3"}, **PATH), title("2"), title("3")))
    assert (run.status, path_taken(run)) == ("done", ["0", "1", "3"])


def test_error_path_is_left_out_when_nothing_fails(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            put("1", "a", "1", {"#none#": "2", "#error#": "3"}, **PATH),
            title("2", "4"),
            title("3", "4"),
            title("4"),
        )
    )
    assert path_taken(run) == ["0", "1", "2", "4"]


def test_error_text_is_in_the_context_of_the_task(there: World) -> None:
    run = there.run(book("B", start(), failing("1", "2", **ON), put("2", "seen", "${task.1.error}")))
    assert run.context["seen"] == "it went wrong"


def test_error_of_the_last_task_is_found_by_its_entries(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            failing("1", {"#none#": "9", "#error#": "2"}, **PATH),
            script("2", "GetErrorsFromEntry", {"entry_id": "${lastCompletedTaskEntries}"}),
            title("9"),
        )
    )
    assert run.context["ErrorEntries"] in (["it went wrong"], "it went wrong")


def test_error_before_anything_ran_is_found_by_the_entries_too(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            command("1", "no-such-command", then={"#none#": "9", "#error#": "2"}, **PATH),
            script("2", "GetErrorsFromEntry", {"entry_id": "${lastCompletedTaskEntries}"}),
            title("9"),
        )
    )
    assert run.status == "done", run.error
    assert "no-such-command" in str(run.context["ErrorEntries"])


def test_error_of_a_condition_script_with_continue_takes_the_default_branch(there: World) -> None:
    run = there.run(
        book("B", start(), failing("1", {"yes": "2", "#default#": "3"}, kind="condition", **ON), title("2"), title("3"))
    )
    assert path_taken(run)[-1] == "3"


def test_error_in_a_branch_stops_the_other_branches(there: World) -> None:
    run = there.run(book("B", start(["1", "2"]), failing("1"), put("2", "a", "1", "3"), put("3", "b", "1")))
    assert run.status == "error" and "b" not in run.context


@pytest.mark.parametrize(
    ("more", "status", "path"), [({}, "error", ["0", "1", "1/0"]), (ON, "done", ["0", "1", "1/0", "1/1", "2"])]
)
def test_error_in_a_sub_playbook_fails_its_task(
    there: World, more: dict[str, Any], status: str, path: list[str]
) -> None:
    run = there.run(book("B", start(), sub("1", "S", then="2", **more), title("2")), book("S", start(), failing("1")))
    assert run.status == status
    assert set(path) <= {*path_taken(run), "1"}
    assert "it went wrong" in next(event.error for event in run.events if event.path == "1" and event.task_id == "1")
    if more:
        assert run.context["task"]["1"]["error"] == "task 1 of S: it went wrong"


def test_error_two_levels_down_is_handled_by_the_outermost_task(there: World) -> None:
    run = there.run(
        book("B", start(), sub("1", "S", then={"#none#": "2", "#error#": "3"}, **PATH), title("2"), title("3")),
        book("S", start(), sub("1", "T", then="2"), put("2", "never", "1")),
        book("T", start(), failing("1")),
    )
    assert run.status == "done" and path_taken(run)[-1] == "3"
    assert "1/2" not in path_taken(run)


def test_error_in_an_argument_is_an_error_of_the_task(there: World) -> None:
    one = {"root": "a", "transformers": [{"operator": "addition", "args": {"by": {"value": {"simple": "1"}}}}]}
    run = there.run(book("B", start(), put("1", "a", "word", "2"), put("2", "b", one, "3", **ON), put("3", "end", "1")))
    assert run.status == "done" and run.context["end"] == 1
    assert run.events[2].status == "error"


def test_unsupported_feature_is_never_skipped_by_continue(there: World) -> None:
    one = {"root": "a", "transformers": [{"operator": "NoSuchTransformer"}]}
    run = there.run(book("B", start(), put("1", "a", "word", "2"), put("2", "b", one, "3", **ON), put("3", "end", "1")))
    assert run.status == "stopped" and "NoSuchTransformer" in run.error and "task 2" in run.error


def test_retry_runs_the_task_again_until_it_works(there: World, tmp_path: Any) -> None:
    write_script(there.pack, "Flaky", FLAKY, [{"name": "place"}])
    args = {"place": str(tmp_path / "count"), "retry-count": "3", "retry-interval": "7"}
    run = there.run(book("B", start(), script("1", "Flaky", args)))
    assert run.status == "done" and there.clock.slept == [7, 7]


def test_retry_that_is_used_up_is_an_error(there: World, tmp_path: Any) -> None:
    write_script(there.pack, "Flaky", FLAKY, [{"name": "place"}])
    run = there.run(book("B", start(), script("1", "Flaky", {"place": str(tmp_path / "count"), "retry-count": "1"})))
    assert run.status == "error" and "not yet, 1" in run.error


def test_unavailable_command_with_skip_is_left_out_with_its_branch(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(["1", "3"]),
            command("1", "Tiny|||tiny-echo", {"text": "x"}, "2", skipunavailable=True),
            title("2", "4"),
            title("3", "4"),
            title("4"),
        )
    )
    assert run.status == "done"
    assert path_taken(run) == ["0", "1", "3", "4"]
    assert [event.status for event in run.events if event.task_id == "1"] == ["skipped"]


def test_unavailable_command_without_skip_is_an_error(there: World) -> None:
    run = there.run(book("B", start(), command("1", "Tiny|||tiny-echo", {"text": "x"})))
    assert run.status == "error" and "no enabled instance has !tiny-echo" in run.error


def test_unavailable_integration_can_be_asked_for(there: World) -> None:
    one = book(
        "B",
        start(),
        script("1", "IsIntegrationAvailable", {"brandname": "Tiny"}, {"yes": "2", "no": "3"}, kind="condition"),
        title("2"),
        title("3"),
    )
    assert path_taken(there.run(one))[-1] == "3"
    there.add_instance()
    run = there.run(one)
    assert path_taken(run)[-1] == "2" and run.context["brandInstances"] == ["main"]


def test_unavailable_integration_is_seen_in_the_list_of_instances(there: World) -> None:
    there.add_instance()
    where = {"complex": {"root": "modules", "filters": [[compare("modules.brand", "isEqualString", "Tiny")]],
                         "accessor": "state"}}  # fmt: skip
    clause = {
        "operator": "isEqualString",
        "left": {"value": where, "iscontext": True},
        "right": {"value": {"simple": "active"}},
    }
    run = there.run(
        book("B", start(), decide("1", {"yes": "2", "#default#": "3"}, yes=[[clause]]), title("2"), title("3"))
    )
    assert path_taken(run)[-1] == "2"
