"""What `xdr-iocs-status` says of worlds in which something happened."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from CortexXDRIOC import DemistoException, XDRPausedError, instant_ns, run_command

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import World, busy


def run(world: World, command: str, budget: float = 1000, **args: Any) -> Any:
    return run_command(command, world.sync(budget), args, lambda: pytest.fail("no file was wanted"))


def status(world: World, **args: Any) -> dict[str, Any]:
    return dict(run(world, "xdr-iocs-status", **args).outputs)


def failing(world: World) -> None:
    with pytest.raises(DemistoException):
        run(world, "fetch-indicators")


def synced(count: int = 5, **params: Any) -> World:
    world = World(**params)
    world.add_many(count)
    run(world, "fetch-indicators")
    world.clock.advance(300)
    return world


def test_in_sync_says_yes_and_up_to_when() -> None:
    world = synced()
    world.xsoar.add("::1", "IPv6")
    run(world, "fetch-indicators")
    result = run(world, "xdr-iocs-status")
    assert result.outputs["in_sync"] is True
    first, why, aside, *_ = result.readable_output.splitlines()
    assert first == "### In sync: yes, except 1 record set aside"
    assert why.startswith("Everything changed in XSOAR up to 2026-01-01 00:05:05 UTC (0 seconds ago) is in Cortex XDR.")
    assert aside.startswith("1 record is set aside")
    assert "Cortex XDR has no IOC type for IPv6" in result.readable_output


def test_failing_tenant_since_when_and_what_and_then_good_again() -> None:
    world = synced()
    world.xdr.changes_fail = [busy("Cortex XDR answered 500 a"), busy("Cortex XDR answered 500 b")]
    failing(world)
    world.clock.advance(1200)
    failing(world)
    world.clock.advance(60)
    found = status(world)
    assert (found["in_sync"], found["reason"]) == (False, "failing")
    assert found["not_in_sync_since"] == found["failing_since"] == "2026-01-01T00:05:05Z"
    assert "500 b" in found["why"] and [("500 b" in one["error"]) for one in found["errors"]] == [True, False]
    assert found["last_in_sync"] == "2026-01-01T00:00:05Z"
    # While XDR's changes cannot be read, XSOAR's wait.
    assert found["in_xdr_up_to"] == found["in_xsoar_up_to"]
    run(world, "fetch-indicators")
    found = status(world)
    assert (found["in_sync"], found["failing_since"], len(found["errors"])) == (True, None, 2)


def test_first_sync_that_is_open_tells_how_far_and_when_done() -> None:
    world = World(max_requests_in_flight="1")
    world.add_many(20)
    insert, taken = world.xdr.insert, []

    def two_only(records: Any) -> Any:
        taken.append(records)
        if len(taken) > 2:
            raise XDRPausedError("Too many requests", 429)
        return insert(records)

    world.xdr.insert = two_only  # type: ignore[method-assign]
    run(world, "fetch-indicators")
    found = status(world)
    assert (found["in_sync"], found["reason"], found["phase"]) == (False, "first sync", "first sync")
    assert "8 of about 20 indicators (40 %) are delivered" in found["why"]
    # 12 are left: 8 in 20 minutes, 4 in 40.
    assert (
        found["first_sync_eta"] == "2026-01-01T00:40:20Z" and "2026-01-01 00:40:20 UTC (in 40 minutes)" in found["why"]
    )
    assert found["runs"][0]["note"] and found["not_in_sync_since"] == "2026-01-01T00:00:20Z"


def test_run_that_ended_early_is_behind_and_says_why() -> None:
    world = synced()
    world.xsoar.add("10.9.9.1")
    world.xdr.insert_fails = [XDRPausedError("Too many requests", 429)]
    world.xdr.operate("10.0.0.1", comment="got on")
    failing(world)
    world.xsoar.add("10.9.9.2")
    run(world, "fetch-indicators", budget=0)
    found = status(world)
    assert (found["in_sync"], found["reason"]) == (False, "behind") and found["waiting"] >= 2
    run(world, "fetch-indicators")
    assert status(world)["in_sync"] is True


def test_no_run_for_two_intervals_is_overdue() -> None:
    world = synced()
    world.clock.advance(3 * 1200)
    found = status(world, details="false")
    assert (found["reason"], found["not_in_sync_since"]) == ("overdue", "2026-01-01T00:00:05Z")


def test_changed_sync_query_is_told_before_the_next_run() -> None:
    world = synced()
    world.settings = World(query="reputation:Bad and type:IP").settings
    assert status(world)["reason"] == "query changed"


@pytest.mark.parametrize("more", [1, 7, 1500])
def test_waiting_counts_the_indicators_behind_the_position(more: int) -> None:
    world = synced(auto_sync="true")
    assert (status(world)["waiting"], status(world)["lag_seconds"]) == (0, 0)
    for number in range(more):
        world.xsoar.add(f"10.7.{number // 250}.{number % 250}", tick=0.01)
    world.clock.advance(100)
    found = status(world)
    assert found["waiting"] == more and found["in_sync"] is True
    assert found["lag_seconds"] == round(100 + 0.01 * (more - 1))
    run(world, "fetch-indicators")
    assert status(world)["waiting"] == 0


def test_waiting_without_positions_of_the_server_is_right_too() -> None:
    world = World()
    world.xsoar.gives_position = False
    world.add_many(3)
    run(world, "fetch-indicators")
    assert status(world)["waiting"] == 0
    world.xsoar.add("10.7.0.1")
    assert status(world)["waiting"] == 1


def test_indicators_are_counted_by_type_and_verdict() -> None:
    world = World()
    world.xsoar.matches = lambda doc: True
    world.xsoar.add("10.0.0.1")
    world.xsoar.add("10.0.0.2", score=2)
    world.xsoar.add("a.example", "Domain", score=0)
    world.xsoar.add("http://a.example", "URL")
    found = status(world)
    assert found["indicators"] == 4
    assert {row["type"]: row["indicators"] for row in found["by_type"]} == {"Domain": 1, "IP": 2, "other": 1}
    assert {row["verdict"]: row["indicators"] for row in found["by_verdict"]} == {
        "Bad": 2,
        "Suspicious": 1,
        "Unknown": 1,
    }


def test_without_details_nothing_is_searched_and_the_answer_is_the_same() -> None:
    world = synced()
    searches = len(world.xsoar.searches)
    cheap = status(world, details="false")
    assert len(world.xsoar.searches) == searches
    assert "indicators" not in cheap and cheap["waiting"] is None
    whole = status(world)
    assert [cheap[name] for name in ("in_sync", "reason", "why")] == [
        whole[name] for name in ("in_sync", "reason", "why")
    ]


def test_runs_tell_what_each_did_and_what_it_cost() -> None:
    world = synced(8)
    world.xsoar.add("::1", "IPv6")
    world.xdr.operate("10.0.0.3", comment="x")
    run(world, "fetch-indicators")
    world.xsoar.add("10.7.0.1")
    run(world, "xdr-iocs-push")
    pushed, second, first = status(world)["runs"]
    # One request for the changes, two of four records each; the last page of a listing may be empty.
    assert [first[name] for name in ("by", "pushed", "taken", "first_sync")] == ["fetch-indicators", 8, 0, 8]
    assert first["requests"] == 3
    assert [second[name] for name in ("pushed", "taken", "set_aside", "requests")] == [0, 1, 1, 1]
    assert [pushed[name] for name in ("by", "pushed", "requests")] == ["xdr-iocs-push", 1, 1]
    world.xdr.insert_fails = [busy()]
    world.xsoar.add("10.7.0.2")
    with pytest.raises(DemistoException):
        run(world, "xdr-iocs-push")
    found = status(world)
    assert "500" in found["runs"][0]["error"] and found["last_error"] == "" and found["failing_since"] is None


def test_push_decides_where_no_fetch_runs() -> None:
    world = World(feed="false")
    world.add_many(3)
    assert status(world)["reason"] == "not started"
    world.xdr.insert_fails = [busy()]
    with pytest.raises(DemistoException):
        run(world, "xdr-iocs-push")
    assert status(world)["reason"] == "failing"
    run(world, "xdr-iocs-push")
    assert status(world)["in_sync"] is True
    world.clock.advance(86_400)
    world.xsoar.add("10.7.0.1")
    found = status(world)
    assert found["reason"] == "waiting" and "'Fetch indicators' is off" in found["why"]


def test_auto_sync_off_waits_for_a_push_and_says_so() -> None:
    world = World(autoSync="false")
    run(world, "fetch-indicators")
    assert status(world)["in_sync"] is True
    world.add_many(3)
    run(world, "xdr-iocs-push")
    assert status(world)["in_sync"] is True
    world.xsoar.add("10.7.0.1")
    found = status(world)
    assert found["reason"] == "waiting" and "'Auto Sync' is off" in found["why"]
    assert instant_ns(found["not_in_sync_since"]) == instant_ns(world.xsoar.by_value("10.7.0.1")["modified"])


def test_full_upload_alone_is_not_in_sync_until_a_fetch_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.add_many(3)
    monkeypatch.setattr(world.xdr, "upload", lambda path, write: write(io.BytesIO()))
    run(world, "xdr-iocs-sync")
    assert status(world)["reason"] == "not started"
    run(world, "fetch-indicators")
    assert status(world)["in_sync"] is True


# ---- removal


def stripped(count: int = 20, gone: int = 3, **params: Any) -> World:
    """After a run that removed what is not wanted any more: a few judged anew."""
    world = synced(count, **{"removal_policy": "disable", "removal_cap_percent": "100", **params})
    run(world, "fetch-indicators")
    world.clock.advance(600)
    for number in range(1, gone + 1):
        world.xsoar.edit(f"10.0.0.{number}", score=1)
    run(world, "fetch-indicators")
    return world


def test_what_was_removed_is_told_by_reason_with_the_policy_and_the_record() -> None:
    world = stripped()
    result = run(world, "xdr-iocs-status")
    removal = result.outputs["removal"]
    assert (removal["policy"], removal["held"]) == ("disable", "")
    assert removal["by_reason"] == [{"reason": "judged anew", "candidates": 3, "removed": 3, "held_back": 0}]
    assert removal["on_record"] == [{"phase": "done", "iocs": 3}]
    assert result.outputs["runs"][0]["removed"] == 3
    assert "3 IOCs are removed (policy 'disable'), the last run removed 3" in result.readable_output
    assert "judged anew: 3 of 3" in result.readable_output
    assert result.outputs["in_sync"] is True
    manifest = yaml.safe_load((Path(__file__).parent / "CortexXDRIOC.yml").read_text(encoding="utf-8"))
    (command,) = [one for one in manifest["script"]["commands"] if one["name"] == "xdr-iocs-status"]
    declared = {output["contextPath"] for output in command["outputs"]}
    for name in ("by_reason", "by_source", "on_record"):
        for row in removal[name]:
            assert {f"CortexXDRIOC.SyncStatus.removal.{name}.{key}" for key in row} <= declared


def test_held_removal_says_since_when_and_why() -> None:
    result = run(stripped(gone=11, removal_cap_percent="5"), "xdr-iocs-status")
    removal = result.outputs["removal"]
    assert "finds 9 indicators, 20 at the last look" in removal["held"]
    assert removal["held_since"] == "2026-01-01T00:15:20Z"
    assert "Removal is held since 2026-01-01 00:15:20 UTC (0 seconds ago): the Sync Query" in result.readable_output


def test_policy_leave_says_that_nothing_is_removed() -> None:
    assert "Nothing is removed from Cortex XDR by itself" in run(synced(), "xdr-iocs-status").readable_output


def test_whole_output_fits_a_page_of_a_terminal_and_names_no_python() -> None:
    world = synced()
    text = run(world, "xdr-iocs-status").readable_output
    assert not any(word in text for word in ("None", "True", "False", "{", "["))
