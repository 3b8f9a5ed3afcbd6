"""`xdr-iocs-reconcile`: what it finds, what it repairs, how it goes on, and what it never does."""

import csv
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from CortexXDRIOC import (
    DIFFERING,
    FINDINGS_KEPT,
    ONLY_XDR,
    ONLY_XSOAR,
    OUTSIDE,
    RULES_PAGE,
    EntryType,
    FileSpot,
    SupersededError,
    XDRConfigError,
    XDRPausedError,
    XDRRetryError,
    differences,
    run_command,
)

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import Api, FakeXdr, Killed, World, busy

NEVER = {"expiration_date": -1}


def compare(world: World, client: Any = None, budget: float = 1000, **args: Any) -> dict[str, Any]:
    """The outputs of one call."""
    sync = world.sync(budget, client)
    (result,) = run_command("xdr-iocs-reconcile", sync, args, lambda: pytest.fail("no file was wanted"))
    assert result.readable_output
    outputs: dict[str, Any] = result.outputs
    return outputs


def synced(count: int = 12, **params: Any) -> World:
    world = World(**params)
    world.add_many(count)
    fetch(world)
    world.clock.advance(600)
    return world


def fetch(world: World) -> None:
    run_command("fetch-indicators", world.sync(), {}, lambda: pytest.fail("no file was wanted"))


def findings(outputs: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """(finding, fields) by value."""
    return {row["indicator"]: (row["finding"], row["fields"]) for row in outputs["Finding"]}


# ---- what it finds


def test_reconcile_both_sides_the_same_finds_nothing() -> None:
    outputs = compare(synced())
    assert (outputs["status"], outputs["whole"], outputs["equal"], outputs["Finding"]) == ("done", True, 12, [])
    assert (outputs["compared_in_xsoar"], outputs["compared_in_xdr"], outputs["total_in_xsoar"]) == (12, 12, 12)


def test_reconcile_each_kind_of_difference_is_found() -> None:
    world = synced()
    del world.xdr.rules["10.0.0.3"]
    world.xdr.operate("10.0.0.4", severity="LOW", comment="theirs")
    world.xdr.operate("192.0.2.9")
    world.xdr.operate("/srv/bad", kind="PATH")
    world.xsoar.by_value("10.0.0.5")["score"] = 1
    outputs = compare(world)
    assert findings(outputs) == {
        "10.0.0.3": (ONLY_XSOAR, ""),
        "10.0.0.4": (DIFFERING, "severity"),
        "192.0.2.9": (ONLY_XDR, ""),
        "/srv/bad": (ONLY_XDR, ""),
        "10.0.0.5": (OUTSIDE, ""),
    }
    rows = {row["indicator"]: row for row in outputs["Finding"]}
    assert (rows["10.0.0.4"]["in_xsoar"], rows["10.0.0.4"]["in_xdr"]) == ("severity=HIGH", "severity=LOW")
    assert "no indicator type for PATH" in rows["/srv/bad"]["reason"]
    counted = ("only_in_xsoar", "differing", "only_in_xdr", "outside_query", "equal")
    assert [outputs[name] for name in counted] == [1, 1, 2, 1, 9]
    assert outputs["whole"]


def test_reconcile_without_repair_changes_nothing_on_either_side() -> None:
    world = synced()
    del world.xdr.rules["10.0.0.3"]
    world.xdr.operate("10.0.0.4", severity="LOW")
    writes, created = world.xdr.writes(), len(world.xsoar.created)
    lanes = {name: world.xsoar.state()[name] for name in ("bulk", "fresh", "inbound", "counts", "rejects")}
    compare(world)
    assert (world.xdr.writes(), len(world.xsoar.created)) == (writes, created)
    assert {name: world.xsoar.state()[name] for name in lanes} == lanes


def test_reconcile_disabled_iocs_outside_of_the_query_are_as_they_should_be() -> None:
    world = synced()
    world.xsoar.by_value("10.0.0.5")["score"] = 1
    world.xdr.operate("10.0.0.5", status="DISABLED")
    assert compare(world)["outside_query"] == 0


def test_reconcile_what_xdr_deleted_stays_deleted() -> None:
    world = synced()
    world.xdr.operate("10.0.0.5", deleted=True)
    fetch(world)
    for repair in ("false", "true"):
        outputs = compare(world, repair=repair)
        assert (outputs["stay_deleted"], outputs["only_in_xsoar"], outputs["repaired"]) == (1, 0, 0)


def test_reconcile_tells_why_something_is_missing() -> None:
    world = synced()
    world.xdr.refuses["10.9.9.9"] = "refused by XDR"
    world.xsoar.add("10.9.9.9")
    fetch(world)
    world.clock.advance(60)
    world.xsoar.add("10.9.9.8")
    world.xsoar.add("::1", "IPv6")
    outputs = compare(world)
    reasons = {row["indicator"]: row["reason"] for row in outputs["Finding"]}
    assert reasons == {"10.9.9.9": "set aside: refused by XDR", "10.9.9.8": "not sent yet"}
    assert outputs["not_sendable"] == 1


def test_reconcile_values_in_other_case_are_found() -> None:
    world = World()
    world.xsoar.add("Bad.Example", "Domain")
    fetch(world)
    world.xdr.rules["bad.example"] = {**world.xdr.rules.pop("Bad.Example"), "indicator": "bad.example"}
    outputs = compare(world)
    assert (outputs["equal"], outputs["Finding"]) == (1, [])


@pytest.mark.parametrize(
    ("ours", "theirs", "fields"),
    [
        ({}, {}, set()),
        ({"comment": ["a, b"]}, {"comment": "a,b"}, set()),
        ({"comment": []}, {"comment": "an operator's word"}, set()),
        ({"comment": ["a"]}, {"comment": ""}, {"comment"}),
        ({"expiration_date": 1_900_000_000_500}, {"expiration_date": 1_900_000_000_000}, set()),
        ({"expiration_date": 1_900_000_000_000}, NEVER, {"expiration_date"}),
        (NEVER, {"expiration_date": 1_900_000_000_000, "default_expiration_enabled": True}, set()),
        (NEVER, {"expiration_date": "Never"}, set()),
        ({"status": "DISABLED"}, {"status": "ENABLED"}, {"status"}),
        ({}, {"status": "DISABLED"}, {"status"}),
        ({}, {"type": "HASH"}, {"type"}),
        ({"reliability": "A"}, {"reliability": "B"}, {"reliability"}),
        ({}, {"reliability": "B"}, set()),
        ({"class": "C2"}, {}, set()),
    ],
)
def test_differences_of_one_field(ours: dict[str, Any], theirs: dict[str, Any], fields: set[str]) -> None:
    record = {"indicator": "1.2.3.4", "type": "IP", "severity": "HIGH", "reputation": "BAD", **NEVER, **ours}
    rule = {"indicator": "1.2.3.4", "type": "IP", "severity": "SEV_040_HIGH", "reputation": "BAD", **NEVER, **theirs}
    assert set(differences(record, rule)) == fields


def test_reconcile_code_that_nobody_knows_differs_and_stops_nothing() -> None:
    world = synced()

    class Odd(FakeXdr):
        @staticmethod
        def shown(rule: Any) -> dict[str, Any]:
            return (
                {**FakeXdr.shown(rule), "severity": "SEV_999"}
                if rule["indicator"] == "10.0.0.2"
                else FakeXdr.shown(rule)
            )

    world.xdr.__class__ = Odd
    outputs = compare(world)
    assert findings(outputs) == {"10.0.0.2": (DIFFERING, "unreadable")}
    assert outputs["equal"] == 11


# ---- repair


def test_reconcile_repair_pushes_what_is_missing_or_differs() -> None:
    world = synced()
    del world.xdr.rules["10.0.0.3"]
    world.xdr.rules["10.0.0.4"]["severity"] = "LOW"
    outputs = compare(world, repair="true")
    assert (outputs["repaired"], outputs["left_alone"]) == (2, 0)
    assert {row["repair"] for row in outputs["Finding"]} == {"pushed"}
    assert world.xdr.rules["10.0.0.4"]["severity"] == "HIGH"
    after = compare(world)
    assert (after["equal"], after["Finding"]) == (12, [])


def test_reconcile_repair_takes_the_news_of_xdr_first() -> None:
    world = synced(override_severity="false")
    world.xdr.operate("10.0.0.4", severity="LOW")
    outputs = compare(world, repair="true")
    assert (outputs["repaired"], outputs["equal"]) == (0, 12)
    assert world.xdr.rules["10.0.0.4"]["severity"] == "LOW"
    assert world.xsoar.by_value("10.0.0.4")["CustomFields"]["sourceoriginalseverity"] == "LOW"


def test_reconcile_repair_disables_and_deletes_nothing() -> None:
    world = synced()
    world.xsoar.edit("10.0.0.2", xdriocstatus="disabled")
    world.xdr.operate("192.0.2.9")
    world.xsoar.by_value("10.0.0.5")["score"] = 1
    outputs = compare(world, repair="true")
    assert outputs["left_alone"] == 1
    row = next(row for row in outputs["Finding"] if row["indicator"] == "10.0.0.2")
    assert row["repair"] == "left: enabled in XDR; a repair disables nothing"
    assert all(not rule.get("deleted") and rule["status"] == "ENABLED" for rule in world.xdr.rules.values())
    assert {"192.0.2.9", "10.0.0.5"} <= set(world.xdr.rules)


def test_reconcile_repair_of_another_field_leaves_the_status_alone() -> None:
    world = synced()
    world.xsoar.edit("10.0.0.2", xdriocstatus="disabled")
    world.xdr.rules["10.0.0.2"]["severity"] = "LOW"
    (row,) = compare(world, repair="true")["Finding"]
    assert row["repair"] == "pushed; enabled in XDR; a repair disables nothing"
    assert (world.xdr.rules["10.0.0.2"]["severity"], world.xdr.rules["10.0.0.2"]["status"]) == ("HIGH", "ENABLED")


def test_reconcile_repair_enables_only_where_xsoar_says_so() -> None:
    world = synced()
    for value in ("10.0.0.2", "10.0.0.3"):
        world.xdr.rules[value]["status"] = "DISABLED"
    world.xsoar.edit("10.0.0.3", xdriocstatus="enabled")
    outputs = compare(world, repair="true")
    assert (outputs["repaired"], outputs["left_alone"]) == (1, 1)
    assert [world.xdr.rules[value]["status"] for value in ("10.0.0.2", "10.0.0.3")] == ["DISABLED", "ENABLED"]


def test_reconcile_repair_that_xdr_refuses_is_told_and_set_aside() -> None:
    world = synced()
    del world.xdr.rules["10.0.0.3"], world.xdr.rules["10.0.0.4"]
    world.xdr.refuses["10.0.0.3"] = "no room"
    outputs = compare(world, repair="true")
    assert (outputs["repaired"], outputs["refused"]) == (1, 1)
    assert {row["repair"] for row in outputs["Finding"]} == {"pushed", "refused: no room"}
    assert set(world.xsoar.state()["rejects"]) == {"10.0.0.3"}


def test_reconcile_repair_stops_while_news_of_xdr_are_left() -> None:
    world = synced()
    del world.xdr.rules["10.0.0.3"]
    for number in range(8):
        world.xdr.operate(f"10.0.0.{number + 4}", comment=f"news {number}")
    sync = world.sync(100)
    taken = sync.take

    def slow(rows: list[dict[str, Any]], epoch: int) -> None:
        world.clock.advance(60)
        taken(rows, epoch)

    sync.take = slow  # type: ignore[method-assign]
    (result,) = run_command("xdr-iocs-reconcile", sync, {"repair": "true"}, lambda: pytest.fail("no file"))
    assert result.outputs["status"] == "running" and "more news" in result.outputs["note"]
    assert "10.0.0.3" not in world.xdr.rules
    assert compare(world, repair="true")["status"] == "done" and "10.0.0.3" in world.xdr.rules


# ---- in parts


def test_reconcile_late_run_stops_between_pages_and_the_next_goes_on() -> None:
    world = synced(request_size="4")
    del world.xdr.rules["10.0.0.1"], world.xdr.rules["10.0.0.11"]
    seen: list[dict[str, Any]] = []

    def slow(search: Any, **asked: Any) -> Any:
        world.clock.advance(30)
        return search(**asked)

    for _ in range(10):
        sync = world.sync(40)
        object.__setattr__(sync.server, "search", partial(slow, sync.server.search))
        (result,) = run_command("xdr-iocs-reconcile", sync, {}, lambda: pytest.fail("no file"))
        seen.append(result.outputs)
        if result.outputs["status"] == "done":
            break
        assert "run the command again" in result.outputs["extent"] and not result.outputs["whole"]
        assert "in part" in result.readable_output
    assert len(seen) > 2 and len({one["started"] for one in seen}) == 1
    assert seen[-1]["whole"] and set(findings(seen[-1])) == {"10.0.0.1", "10.0.0.11"}
    assert (seen[-1]["compared_in_xsoar"], seen[-1]["compared_in_xdr"]) == (12, 10)


def test_reconcile_killed_at_every_step_ends_as_if_nothing_had_happened() -> None:
    def prepared() -> World:
        world = synced(request_size="4")
        del world.xdr.rules["10.0.0.1"], world.xdr.rules["10.0.0.11"]
        world.xdr.rules["10.0.0.6"]["severity"] = "LOW"
        world.wire.calls = 0
        return world

    whole = prepared()
    expected = compare(whole, repair="true")
    for step in range(whole.wire.calls):
        world = prepared()
        world.wire.kill_at = step
        with pytest.raises(Killed):
            compare(world, repair="true")
        world.wire.kill_at = None
        outputs = compare(world, repair="true")
        assert outputs["status"] == "done" and outputs["whole"], step
        assert outputs["compared_in_xsoar"] == expected["compared_in_xsoar"], step
        assert set(world.xdr.rules) == set(whole.xdr.rules) and world.xdr.rules["10.0.0.6"]["severity"] == "HIGH", step
        assert compare(world)["equal"] == 12, step


def test_reconcile_next_call_after_the_end_begins_anew_as_do_restart_another_mode_and_another_query() -> None:
    world = synced(request_size="4")
    assert compare(world)["status"] == "done"
    world.clock.advance(60)
    started = set()
    for args in ({}, {"restart": "true"}, {"repair": "true"}):
        outputs = compare(world, budget=0, **args)
        assert outputs["status"] == "running" and outputs["compared_in_xsoar"] == 0
        started.add(outputs["started"])
        world.clock.advance(60)
    world.settings = World(query="reputation:Suspicious").settings
    started.add(compare(world, budget=0, repair="true")["started"])
    assert len(started) == 4


def test_reconcile_of_two_runs_at_once_one_carries_on() -> None:
    world = synced(request_size="4")
    sync = world.sync()
    page = sync.server.search

    def meanwhile(**asked: Any) -> Any:
        object.__setattr__(sync.server, "search", page)
        world.clock.advance(1)
        compare(world, restart="true")
        return page(**asked)

    compare(world, budget=0)
    object.__setattr__(sync.server, "search", meanwhile)
    with pytest.raises(SupersededError):
        run_command("xdr-iocs-reconcile", sync, {}, lambda: pytest.fail("no file"))
    assert world.xsoar.state()["compare"]["counts"]["compared_in_xsoar"] == 12


def test_reconcile_indicators_changed_meanwhile_are_counted_not_compared() -> None:
    world = synced(request_size="4")
    sync = world.sync()
    rules = sync.client.read_back

    def meanwhile(*args: Any) -> Any:
        if len(world.xsoar.docs) == 12:
            world.clock.advance(60)
            world.xsoar.edit("10.0.0.11", comments="changed")
            world.xsoar.add("10.8.8.8")
        return rules(*args)

    sync.client.read_back = meanwhile  # type: ignore[method-assign, assignment]
    (result,) = run_command("xdr-iocs-reconcile", sync, {}, lambda: pytest.fail("no file"))
    assert (result.outputs["compared_in_xsoar"], result.outputs["changed_meanwhile"]) == (11, 2)
    assert result.outputs["whole"] and "2 indicators were changed meanwhile" in result.outputs["extent"]


# ---- listings that are not whole


def test_reconcile_iocs_that_disappear_in_front_hide_none_behind() -> None:
    world = synced()
    for number in range(3 * RULES_PAGE):
        world.xdr.operate(f"192.0.2.{number}" if number < 250 else f"192.0.3.{number}")
    sync = world.sync()
    rules = sync.client.read_back
    listed: list[int] = []

    def shrinking(start: int = 0, values: Any = None) -> Any:
        page = rules(start, values)
        if values is None:
            listed.append(start)
            if len(listed) == 1:
                for value in sorted(world.xdr.rules)[20:60]:
                    world.xdr.rules[value]["deleted"] = True
        return page

    sync.client.read_back = shrinking  # type: ignore[method-assign]
    (result,) = run_command("xdr-iocs-reconcile", sync, {"limit": 200}, lambda: pytest.fail("no file"))
    assert result.outputs["whole"] and result.outputs["compared_in_xdr"] >= 272
    living = {value for value, rule in world.xdr.rules.items() if value.startswith("192") and not rule.get("deleted")}
    assert result.outputs["only_in_xdr"] >= len(living)


def test_reconcile_listing_that_jumps_about_is_not_called_whole() -> None:
    world = synced()
    for number in range(250):
        world.xdr.operate(f"192.0.2.{number}")
    sync = world.sync()
    rules, calls = sync.client.read_back, iter(range(10_000))

    def jumping(start: int = 0, values: Any = None) -> Any:
        page = rules(start, values)
        return page if values is not None else [{**rule, "rule_id": next(calls)} for rule in page]

    sync.client.read_back = jumping  # type: ignore[method-assign]
    (result,) = run_command("xdr-iocs-reconcile", sync, {}, lambda: pytest.fail("no file"))
    assert not result.outputs["whole"] and "moved while it was read" in result.outputs["extent"]


def test_reconcile_listing_shorter_than_what_was_found_by_value_is_not_whole() -> None:
    world = synced()
    rules = world.xdr.read_back
    world.xdr.read_back = lambda start=0, values=None: rules(start, values)[: 12 if values else 5]  # type: ignore[method-assign]
    outputs = compare(world)
    assert outputs["status"] == "done" and not outputs["whole"]
    assert "listed 5 IOCs, although 12 were found" in outputs["extent"]


def test_reconcile_xsoar_listing_that_ends_early_is_not_whole() -> None:
    world = synced()
    search = world.xsoar.search

    def cut(**asked: Any) -> dict[str, Any]:
        found = search(**asked)
        if "value:" not in asked["query"] and asked["size"] > 1:
            found["iocs"] = (found["iocs"] or [])[:3]
        return found

    world.xsoar.search = cut  # type: ignore[method-assign, assignment]
    outputs = compare(world)
    assert not outputs["whole"] and "XSOAR listed 3 of 12" in outputs["extent"]


# ---- trouble


def test_reconcile_tenant_at_its_limit_is_a_pause_and_an_error_keeps_the_place() -> None:
    world = synced(request_size="4")
    rules, calls = world.xdr.read_back, iter(range(10_000))
    trouble: list[Exception] = [XDRPausedError("at the limit"), busy()]

    def failing(start: int = 0, values: Any = None) -> Any:
        if trouble and next(calls) % 2:
            raise trouble.pop(0)
        return rules(start, values)

    world.xdr.read_back = failing  # type: ignore[method-assign]
    outputs = compare(world)
    assert (outputs["status"], outputs["note"], outputs["compared_in_xsoar"]) == ("running", "at the limit", 4)
    with pytest.raises(XDRRetryError):
        compare(world)
    outputs = compare(world)
    assert (outputs["status"], outputs["compared_in_xsoar"], outputs["equal"]) == ("done", 12, 12)


def test_reconcile_tenant_without_the_call_says_so() -> None:
    world = synced()
    api = Api(world.clock.timing())
    api.answers["get"] = [(404, {"reply": {"err_msg": "no such thing"}})]
    with pytest.raises(XDRConfigError, match="does not offer the call indicators/get"):
        compare(world, api)


def test_reconcile_reply_without_a_list_is_no_empty_listing() -> None:
    world = synced()
    api = Api(world.clock.timing())
    api.answers["get"] = [(200, {"objects_count": 0})]
    with pytest.raises(XDRRetryError, match="without a list"):
        compare(world, api)


# ---- what it gives


def test_reconcile_file_has_every_finding_of_its_call_and_the_context_the_first(tmp_path: Path) -> None:
    world = synced()
    for number in range(FINDINGS_KEPT + 50):
        world.xdr.operate(f"192.0.2.{number}")
    spot = FileSpot(str(tmp_path / "file"), lambda name: {"Type": EntryType.FILE, "File": name})
    entry, result = run_command("xdr-iocs-reconcile", world.sync(), {"file": "true", "limit": "5"}, lambda: spot)
    assert entry["File"] == "xdr-iocs-reconcile.csv"
    with Path(spot.path).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == result.outputs["only_in_xdr"] == FINDINGS_KEPT + 50
    assert len(result.outputs["Finding"]) == 5
    assert len(world.xsoar.state()["compare"]["rows"]) == FINDINGS_KEPT


@pytest.mark.parametrize("limit", ["0", "201"])
def test_reconcile_limit_outside_of_its_range_is_named(limit: str) -> None:
    with pytest.raises(ValueError, match="'limit'"):
        compare(synced(), limit=limit)


def test_reconcile_empty_sides_are_the_same() -> None:
    outputs = compare(World())
    assert (outputs["status"], outputs["whole"], outputs["compared_in_xdr"]) == ("done", True, 0)


# ---- both sides of single values


def test_compare_each_place_a_value_can_be_in_is_told() -> None:
    world = synced()
    del world.xdr.rules["10.0.0.1"]
    world.xdr.operate("10.0.0.2", severity="LOW", status="DISABLED")
    world.xdr.operate("192.0.2.9", comment="theirs")
    world.xsoar.add("::1", "IPv6", expiration="2026-06-01T00:00:00Z")
    values = ["10.0.0.0", "10.0.0.1", "10.0.0.2", "192.0.2.9", "::1", "unknown.example"]
    result = run_command("xdr-iocs-compare", world.sync(), {"indicator": values}, lambda: pytest.fail("no file"))
    rows = {row["indicator"]: row for row in result.outputs}
    assert [rows[value]["finding"] for value in values] == [
        "equal",
        ONLY_XSOAR,
        DIFFERING,
        ONLY_XDR,
        ONLY_XSOAR,
        "nowhere",
    ]
    assert (rows["10.0.0.2"]["status"], rows["10.0.0.2"]["fields"]) == ("DISABLED", "severity, status")
    assert rows["10.0.0.0"]["summary"] == "10.0.0.0 (IP): verdict Bad, expires never; enabled in XDR, HIGH"
    assert rows["::1"]["summary"].startswith(
        "::1 (IPv6): verdict Bad, expires 2026-06-01T00:00:00Z; not in XDR; cannot"
    )
    assert rows["192.0.2.9"]["comment"] == "theirs" and not rows["192.0.2.9"]["in_xsoar"]


def test_compare_without_a_value_says_so() -> None:
    with pytest.raises(ValueError, match="'indicator'"):
        run_command("xdr-iocs-compare", World().sync(), {"indicator": ""}, lambda: pytest.fail("no file"))
