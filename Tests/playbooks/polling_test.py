"""Commands that ask to be run again, polling by query, and waiting."""

from __future__ import annotations

from typing import Any

import pytest

from Tests.playbooks.builder import World, book, path_taken, put, script, start, sub, task, title, write_script

# Gives the next round in its arguments, as a polling command does; the context shows how far it is.
POLL = """
args = demisto.args()
count = int(args.get("count") or 0) + 1
entry = {"Type": 1, "ContentsFormat": "text", "Contents": "round %d" % count, "EntryContext": {"Poll.Count": count}}
if count < int(args["rounds"]):
    entry.update(PollingCommand="Poll", NextRun=args.get("wait") or "30", Timeout=args.get("limit") or "600",
                 PollingArgs={"count": str(count), "rounds": args["rounds"], "limit": args.get("limit")})
elif args["rounds"] == "3" and args.get("end") == "bad":
    entry.update(Type=4)
demisto.results(entry)
"""
# Its jobs are done in order, one for each call.
STATUS = """
known = demisto.context().get("Job")
ids = argToList(demisto.args()["ids"])
demisto.results({"Type": 1, "ContentsFormat": "json", "Contents": ids, "EntryContext": {"Job(val.id == obj.id)": [
    {"id": one, "status": "done" if known and number == 0 else "pending"} for number, one in enumerate(ids)]}})
"""
ARGS = [{"name": name} for name in ("rounds", "count", "limit", "wait", "end")]
DT = "Job(val.status == 'pending').id"


def polling(there: World, **args: str) -> Any:
    write_script(there.pack, "Poll", POLL, ARGS)
    return there.run(book("B", start(), script("1", "Poll", args, "2"), put("2", "end", "${Poll.Count}")))


def test_scheduled_command_runs_again_until_it_asks_no_more(there: World) -> None:
    run = polling(there, rounds="3")
    assert run.status == "done" and there.clock.slept == [30, 30]
    assert "end" in run.context and path_taken(run) == ["0", "1", "2"]


def test_scheduled_command_waits_ten_seconds_at_least(there: World) -> None:
    polling(there, rounds="2", wait="1")
    assert there.clock.slept == [10]


def test_scheduled_command_over_its_time_is_an_error(there: World) -> None:
    run = polling(there, rounds="9", limit="45")
    assert run.status == "error" and "the polling reached its time limit" in run.error
    assert there.clock.slept == [30, 30]


def test_scheduled_command_does_not_hold_up_another_branch(there: World) -> None:
    write_script(there.pack, "Poll", POLL, ARGS)
    run = there.run(
        book("B", start(["1", "2"]), script("1", "Poll", {"rounds": "2"}, "3"), put("2", "a", "1"), title("3"))
    )
    assert run.status == "done"
    order = [event.task_id for event in there.events if event.status == "done"]
    assert order.index("2") < order.index("1")


def generic(**more: str) -> Any:
    inputs = {
        "Ids": "j1,j2",
        "PollingCommandName": "Status",
        "PollingCommandArgName": "ids",
        "dt": DT,
        "Interval": "2",
        "Timeout": "30",
    }
    return sub("1", "GenericPolling", {**inputs, **more}, "2")


def test_generic_polling_runs_the_command_with_the_ids_that_are_left(there: World) -> None:
    write_script(there.pack, "Status", STATUS, [{"name": "ids", "isArray": True}])
    run = there.run(book("B", start(), generic(), title("2")))
    assert run.status == "done" and path_taken(run)[-1] == "2"
    assert there.clock.slept == [120, 120, 120]
    commands = [entry.args["ids"] for entry in there.host.store.entries.last(50) if entry.command == "Status"]
    assert commands == ["j1,j2", "j1,j2", "j2"]


def test_generic_polling_ends_well_when_its_time_is_used_up(there: World) -> None:
    write_script(
        there.pack,
        "Status",
        STATUS.replace('"done" if known and number == 0 else "pending"', '"pending"'),
        [{"name": "ids", "isArray": True}],
    )
    run = there.run(book("B", start(), generic(Timeout="5"), title("2")))
    assert run.status == "done" and sum(there.clock.slept) == pytest.approx(360)
    assert any("the time is used up; still pending: j1, j2" in event.why for event in run.events)


def test_generic_polling_query_that_finds_nothing_is_an_error(there: World) -> None:
    write_script(there.pack, "Status", STATUS, [{"name": "ids", "isArray": True}])
    run = there.run(book("B", start(), generic(dt="Nope(val.x).id"), title("2")))
    assert run.status == "error" and "finds no ids in the context" in run.error


def test_generic_polling_of_a_pack_with_a_waiting_task_is_completed_by_its_tag(there: World) -> None:
    write_script(there.pack, "Status", STATUS, [{"name": "ids", "isArray": True}])
    polled = {"ids": "j1", "pollingCommand": "Status", "pollingCommandArgName": "ids"}
    own = book(
        "Mine",
        start(),
        script("1", "RunPollingCommand", polled, "2"),
        script(
            "2", "ScheduleGenericPolling", {**polled, "dt": DT, "interval": "1", "timeout": "9", "tag": "polling"}, "3"
        ),
        task("3", "condition", {"#default#": "5", "YES": "4"}, name="Wait", inner={"tags": ["polling"]}),
        title("4"),
        title("5"),
    )
    run = there.run(own)
    assert run.status == "done" and path_taken(run)[-1] == "4"


def test_sleep_waits_and_lets_other_branches_go_first(there: World) -> None:
    run = there.run(
        book("B", start(["1", "2"]), script("1", "Sleep", {"seconds": "90"}, "3"), put("2", "a", "1"), title("3"))
    )
    assert run.status == "done" and there.clock.slept == [90]
    assert [event.task_id for event in there.events if event.status == "done"] == ["0", "2", "1", "3"]


@pytest.mark.parametrize("seconds", ["soon", "-1", "inf"])
def test_sleep_for_no_number_is_an_error(there: World, seconds: str) -> None:
    run = there.run(book("B", start(), script("1", "Sleep", {"seconds": seconds})))
    assert run.status == "error" and "must be a number of at least 0" in run.error
