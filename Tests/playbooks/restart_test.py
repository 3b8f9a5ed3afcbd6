"""A run that is killed at any step and gone on with: everything happens once, or the run says what it does not know."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from Tests.playbooks.builder import (
    World,
    Yml,
    ask,
    book,
    compare,
    decide,
    path_taken,
    put,
    script,
    start,
    sub,
    title,
    world,
    write_script,
)
from Tests.terminal import Shell
from warroom.engine import Host, UsageError
from warroom.engine.lock import exclusive
from warroom.engine.playbooks import Event, PlaybookRun, Reply

# Appends to a file, so that a second run shows.
COUNT = """
with open(demisto.args()["place"], "a") as place:
    place.write("x")
demisto.results({"Type": 1, "ContentsFormat": "text", "Contents": "counted", "EntryContext": {"Counted": 1}})
"""
LOOK = """
with open(demisto.args()["place"], "a") as place:
    place.write("x")
"""
INNER = book("S", start(), put("1", "Seen", "${inputs.x}", "2", append=True),
             script("2", "addToList", {"listName": "log", "listData": "${inputs.x}"}, inner={"iscommand": True}),
             inputs={"x": ""}, outputs=["Seen"])  # fmt: skip
LOOP = {"loop": {"iscommand": False, "exitCondition": "", "wait": 5, "max": 100, "forEach": True}}


OF_THE_HOUSE = book(
    "B", start(), script("1", "createNewIncident", {"name": "found"}, "2"), put("2", "n", "a", "3", append=True),
    put("3", "n", "b", ["4", "8"], append=True),
    decide("4", {"yes": "5", "#default#": "9"}, yes=[[compare("n", "isExists")]]),
    sub("5", "S", {"x": "1,2"}, "6", **LOOP), script("6", "Sleep", {"seconds": "60"}, "7"),
    ask("7", {"yes": "8", "no": "9"}), put("8", "end", "1", "10"), title("9"),
    script("10", "setIncident", {"owner": "x"}, "11"),
    script("11", "addToList", {"listName": "log", "listData": "end"}),
)  # fmt: skip


def with_script(place: Path) -> Yml:
    """A playbook with a task whose end the journal cannot know."""
    return book("B", start(), put("1", "n", "a", "10", append=True), script("10", "Count", {"place": str(place)}, "11"),
                script("11", "addToList", {"listName": "log", "listData": "end"}))  # fmt: skip


class Killed(BaseException):
    """Stands for the end of the process."""


class Steps:
    """Counts the steps of a run and ends it at one: before and after each write of the journal, and each event."""

    def __init__(self, host: Host, end: int | None) -> None:
        self.count = 0
        self._end = end
        save = host.store.playbook_runs.save

        def saving(*args: Any) -> None:
            self.reached()
            save(*args)
            self.reached()

        host.store.playbook_runs.save = saving  # type: ignore[method-assign, assignment]

    def reached(self, event: Event | None = None) -> None:
        """One more step."""
        self.count += 1
        if self.count == self._end:
            raise Killed


@contextmanager
def prepared(folder: Path, kind: str) -> Iterator[tuple[World, Path]]:
    with world(folder) as one:
        one.host.store.lists.set("log", "")
        write_script(one.pack, "Count", COUNT, [{"name": "place"}])
        one.add(OF_THE_HOUSE if kind == "house" else with_script(folder / "count"), INNER)
        yield one, folder / "count"


def yes(asked: object) -> Reply:
    return Reply("yes")


def essence(host: Host, run: PlaybookRun, place: Path) -> dict[str, Any]:
    return {
        "status": run.status, "context": run.context, "taken": sorted(set(path_taken(run))),
        "incidents": sorted(item["name"] for item in host.store.incidents.list()),
        "owner": [item.get("owner") for item in host.store.incidents.list() if item["name"] == "B"],
        "log": host.store.lists.get("log"), "count": place.read_text() if place.exists() else "",
    }  # fmt: skip


def undisturbed(folder: Path, kind: str) -> tuple[int, dict[str, Any]]:
    """The number of steps of a run that nobody kills, and what it leads to."""
    with prepared(folder, kind) as (one, place):
        steps = Steps(one.host, None)
        run = one.host.run_playbook("B", answers=yes, on_event=steps.reached)
        return steps.count, essence(one.host, run, place)


def go_on(host: Host, decision: Any) -> tuple[PlaybookRun, str]:
    """Goes on with the only run; gives it, and what had to be decided."""
    [stored] = host.playbook_runs.list()
    if stored.status == "done":
        return host.playbook_runs.get(stored.id), ""
    try:
        return host.resume_playbook(stored.id, answers=yes), ""
    except UsageError as error:
        return host.resume_playbook(stored.id, answers=yes, decision=decision), str(error)


def killed_at(folder: Path, kind: str, step: int) -> tuple[dict[str, Any], str]:
    """What a run leads to that is killed at a step and gone on with, and what had to be decided."""
    with prepared(folder, kind) as (one, place):
        steps = Steps(one.host, step)
        with pytest.raises(Killed):
            one.host.run_playbook("B", answers=yes, on_event=steps.reached)
    with world_again(folder) as host:
        run, told = go_on(host, "as-done" if place.exists() else "again")
        return essence(host, run, place), told


@pytest.mark.slow
def test_run_of_the_house_killed_at_any_step_does_everything_once(tmp_path: Path) -> None:
    count, expected = undisturbed(tmp_path / "whole", "house")
    assert (expected["status"], expected["log"]) == ("done", "1,2,end")
    for step in range(1, count + 1):
        found, told = killed_at(tmp_path / str(step), "house", step)
        assert (found, told) == (expected, ""), f"killed at step {step} of {count}"


@pytest.mark.slow
def test_run_with_a_script_killed_at_any_step_asks_about_the_script_only(tmp_path: Path) -> None:
    count, expected = undisturbed(tmp_path / "whole", "script")
    assert (expected["status"], expected["count"]) == ("done", "x")
    asked = 0
    for step in range(1, count + 1):
        found, told = killed_at(tmp_path / str(step), "script", step)
        if told:
            asked += 1
            assert "task 10 (Task 10) of B was begun, and nobody knows whether it was done" in told
            # Taken as done, it gave nothing to the context.
            found["context"] = {**found["context"], "Counted": 1}
        assert found == expected, f"killed at step {step} of {count}"
    assert 0 < asked < count


@contextmanager
def world_again(folder: Path) -> Iterator[Host]:
    """The home of a process that was killed."""
    now = 1_700_000_500.0
    with Host.open(folder / "home", content=[folder / "Packs"], clock=lambda: now, sleep=lambda seconds: None) as host:
        yield host


def interrupted(one: World, name: str, args: Any, **more: Any) -> str:
    """The id of a run that was killed while its task 1 ran."""
    books = book("B", start(), script("1", name, args, "2", **more), put("2", "end", "1"))
    one.add(books)
    ids: list[str] = []
    steps = Steps(one.host, 8)
    with pytest.raises(Killed):
        one.host.run_playbook("B", on_start=ids.append, on_event=steps.reached)
    del one.host.store.playbook_runs.save
    return ids[0]


def test_resume_decides_about_a_script_of_unknown_end(there: World, tmp_path: Path) -> None:
    write_script(there.pack, "Count", COUNT, [{"name": "place"}])
    run_id = interrupted(there, "Count", {"place": str(tmp_path / "count")})
    assert there.host.playbook_runs.get(run_id).status == "running"
    with pytest.raises(UsageError, match=r"task 1 \(Task 1\) of B was begun.*--again, --skip or --as-done"):
        there.host.resume_playbook(run_id)
    assert there.host.playbook_runs.get(run_id).status == "stopped"
    run = there.host.resume_playbook(run_id, decision="again")
    assert run.status == "done" and run.context["end"] == 1


def test_resume_skip_leaves_out_what_follows(there: World, tmp_path: Path) -> None:
    write_script(there.pack, "Count", COUNT, [{"name": "place"}])
    run_id = interrupted(there, "Count", {"place": str(tmp_path / "count")})
    run = there.host.resume_playbook(run_id, decision="skip")
    assert run.status == "done" and "end" not in run.context


def test_resume_condition_and_reading_command_run_again_by_themselves(there: World, tmp_path: Path) -> None:
    write_script(there.pack, "vendor-get-things", LOOK, [{"name": "place"}])
    run_id = interrupted(there, "vendor-get-things", {"place": str(tmp_path / "count")})
    assert there.host.resume_playbook(run_id).status == "done"


def test_resume_failed_task_again_skip_and_as_done(there: World) -> None:
    one = book(
        "B",
        start(),
        script("1", "getList", {"listName": "later"}, "2", inner={"iscommand": True}),
        put("2", "end", "1"),
    )
    first, second, third = (there.run(one).id for _ in range(3))
    with pytest.raises(UsageError, match="there is no list 'later'; decide with --again, --skip or --as-done"):
        there.host.resume_playbook(first)
    assert there.host.resume_playbook(first, decision="again").status == "error"
    there.host.store.lists.set("later", "x")
    assert there.host.resume_playbook(first, decision="again").context == {"end": 1}
    assert there.host.resume_playbook(second, decision="skip").context == {}
    assert there.host.resume_playbook(third, decision="as-done").context == {"end": 1}


def test_resume_as_done_cannot_choose_a_branch(there: World) -> None:
    run = there.run(
        book("B", start(), script("1", "PrintErrorEntry", {"message": "x"}, {"yes": "2"}, kind="condition"), title("2"))
    )
    with pytest.raises(UsageError, match="chooses a branch, so it cannot be taken as done"):
        there.host.resume_playbook(run.id, decision="as-done")


def test_resume_of_a_run_that_another_process_is_at_is_refused(there: World) -> None:
    run = there.run(book("B", start(), ask("1", {"yes": "2"}), title("2")))
    with (
        exclusive(there.host.home / "runs" / f"{run.id}.lock"),
        pytest.raises(UsageError, match="another process is at run"),
    ):
        there.host.resume_playbook(run.id)


def test_stop_ends_a_waiting_run_for_good(there: World) -> None:
    run = there.run(book("B", start(), ask("1", {"yes": "2"}), title("2")))
    stopped = there.host.playbook_runs.stop(run.id, "its job began again")
    assert (stopped.status, stopped.error, stopped.asked) == ("stopped", "its job began again", ())
    with pytest.raises(UsageError, match="was ended: its job began again"):
        there.host.resume_playbook(run.id)


def test_resume_decision_without_a_failed_task_is_refused(there: World) -> None:
    run = there.run(book("B", start(), ask("1", {"yes": "2"}), title("2")))
    with pytest.raises(UsageError, match="nothing to decide"):
        there.host.resume_playbook(run.id, decision="skip")


def test_resume_of_a_playbook_that_lost_a_task_is_refused(there: World) -> None:
    run = there.run(book("B", start(), title("1", "2"), ask("2", {"yes": "3"}), title("3")))
    there.add(book("B", start("2"), ask("2", {"yes": "3"}), title("3")))
    with pytest.raises(UsageError, match="playbook B has changed since the run began: no task 1 any more"):
        there.host.resume_playbook(run.id)


def test_unknown_run_is_refused_and_the_beginning_of_an_id_is_enough(there: World) -> None:
    run = there.run(book("B", start(), title("1")))
    assert there.host.playbook_runs.get(run.id[:6]).id == run.id
    with pytest.raises(UsageError, match="there is no run 'nope'"):
        there.host.playbook_runs.get("nope")


KILL = """
import os, pathlib, signal
place = pathlib.Path(demisto.args()["place"])
if not place.exists():
    place.write_text("x")
    os.kill(os.getppid(), signal.SIGKILL)
demisto.results("it lives")
"""


@pytest.mark.slow
def test_process_killed_for_real_is_gone_on_with_from_the_terminal(tmp_path: Path) -> None:
    with world(tmp_path) as one:
        write_script(one.pack, "Kill", KILL, [{"name": "place"}])
        one.add(
            book(
                "B",
                start(),
                put("1", "a", "1", "2"),
                script("2", "Kill", {"place": str(tmp_path / "x")}, "3"),
                put("3", "end", "${a}"),
                outputs=["end"],
            )
        )
        one.host.add_content(one.pack.parent)
    shell = Shell(tmp_path / "home", {"PATH": os.environ["PATH"]})
    ended = shell.run("playbook", "run", "B")
    assert ended.returncode == -9
    run_id = ended.stderr.split()[1]
    refused = shell.run("playbook", "resume", run_id)
    assert refused.returncode == 2 and "task 2 (Task 2) of B was begun" in refused.stderr
    assert "end = 1" in shell.good("playbook", "resume", run_id, "--again")
    assert shell.json("playbook", "runs", run_id)["status"] == "done"
