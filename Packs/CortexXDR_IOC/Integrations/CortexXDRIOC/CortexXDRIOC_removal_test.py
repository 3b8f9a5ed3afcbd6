"""Removal of IOCs that XSOAR does not want any more: what goes, what never does, what comes back, kills anywhere."""

import csv
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from CortexXDRIOC import (
    REMOVAL_COLUMNS,
    DemistoException,
    EntryType,
    FileSpot,
    Removal,
    fetch_indicators_command,
    removal_status,
    run_command,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import Killed, World, busy

POLICIES = ("disable", "delete", "expire")
DAY = 86_400
STALE = 1_000
PAST = "2025-06-01T00:00:00Z"


def fetch(world: World, **more: Any) -> None:
    fetch_indicators_command(world.sync(**more))


def run(world: World, command: str, **args: Any) -> Any:
    return run_command(command, world.sync(), args, lambda: pytest.fail("no file was wanted"))


def synced(count: int = 12, shows_own: bool = False, looked: bool = True, **params: Any) -> World:
    """After the first sync and, with `looked`, after the first look."""
    given = {"removal_policy": "disable", "removal_cap_percent": "50", **params}
    world = World(shows_own, **({**given} if looked else {**given, "removal_policy": "leave"}))
    world.add_many(count)
    fetch(world)
    world.clock.advance(600)
    fetch(world)
    world.settings = World(**given).settings
    world.clock.advance(600)
    return world


def record(world: World) -> dict[str, Any]:
    """(phase, policy, reason) by value."""
    stored = json.loads(world.xsoar.context.get("removals") or '{"entries": {}}')
    return {value: (row[1], row[2], row[3]) for value, row in stored["entries"].items()}


def figures(world: World) -> dict[str, Any]:
    return removal_status(world.xsoar.state(), world.sync().removals.load())


def in_force(world: World, value: str) -> bool:
    rule = world.xdr.rules.get(value)
    now = world.sync().now_ms()
    if rule is None or rule.get("deleted") or rule["status"] != "ENABLED":
        return False
    return bool(rule["expiration_date"] <= 0 or rule["expiration_date"] > now)


def away(world: World) -> set[str]:
    return {value for value in world.xdr.rules if not in_force(world, value)}


def drop(world: World, value: str) -> None:
    """A person deletes the indicator, or puts it on the exclusion list."""
    doc = world.xsoar.by_value(value)
    del world.xsoar.docs[doc["id"]]


def unwanted(world: World) -> None:
    """One for each reason: 10.0.0.1 to 10.0.0.4."""
    world.xsoar.matches = lambda doc: (
        doc["score"] == 3 and doc["expiration"] != PAST and "out" not in (doc["CustomFields"] or {}).get("tags", [])
    )
    world.xsoar.edit("10.0.0.1", score=1)
    drop(world, "10.0.0.2")
    world.xsoar.edit("10.0.0.3", expiration=PAST)
    world.xsoar.feed("10.0.0.4", tags=["out"])


GONE = {f"10.0.0.{number}" for number in (1, 2, 3, 4)}
REASONS = {
    "10.0.0.1": "judged anew",
    "10.0.0.2": "deleted or excluded",
    "10.0.0.3": "expired",
    "10.0.0.4": "outside of the Sync Query",
}


# ---- what goes


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("looked", [False, True])
def test_removal_takes_what_is_not_wanted_and_nothing_else(policy: str, looked: bool) -> None:
    world = synced(removal_policy=policy, looked=looked)
    unwanted(world)
    if looked:
        world.clock.advance(DAY)
    fetch(world)
    world.clock.advance(1200)
    assert away(world) == GONE
    assert record(world) == {value: ("done", policy, reason) for value, reason in REASONS.items()}
    if policy == "delete":
        assert all(world.xdr.rules[value].get("deleted") for value in GONE)
    if policy == "expire":
        assert all(world.xdr.rules[value]["status"] == "ENABLED" for value in GONE)
    told = figures(world)
    assert told["removed"] == dict.fromkeys(REASONS.values(), 1) and told["last_look_whole"]
    assert told["by_source"] == {"XSOAR TIM": told["in_xdr"]} and told["in_xdr"] >= 8


def test_removal_leave_reads_and_writes_nothing() -> None:
    world = synced(removal_policy="leave")
    unwanted(world)
    world.wire.names.clear()
    fetch(world)
    assert away(world) == set() and "get" not in world.wire.names
    assert "removals" not in world.xsoar.context and "removal" not in world.xsoar.state()


def test_removal_leaves_what_is_not_ours_what_is_off_and_what_is_kept() -> None:
    world = synced(keep_query="tags:keep", looked=False)
    world.xdr.operate("192.0.2.1")
    unwanted(world)
    world.xdr.operate("10.0.0.2", status="DISABLED", comment="an operator")
    world.xdr.rules["10.0.0.3"]["source"] = "Public API user (key #2)"
    world.xsoar.feed("10.0.0.4", tags=["out", "keep"])
    before = {value: dict(world.xdr.rules[value]) for value in ("192.0.2.1", "10.0.0.2", "10.0.0.3", "10.0.0.4")}
    fetch(world)
    assert record(world) == {"10.0.0.1": ("done", "disable", "judged anew")}
    assert {value: world.xdr.rules[value] for value in before} == before


def test_removal_reasons_that_are_not_chosen_stay() -> None:
    world = synced(removal_reasons="expired,judged anew", looked=False)
    unwanted(world)
    fetch(world)
    assert away(world) == {"10.0.0.1", "10.0.0.3"}


def test_removal_between_two_looks_quickly_takes_what_changed_in_xsoar() -> None:
    world = synced()
    unwanted(world)
    gets = world.wire.names.count("get")
    fetch(world)
    assert away(world) == {"10.0.0.1", "10.0.0.3", "10.0.0.4"}
    assert 0 < world.wire.names.count("get") - gets < 6
    world.clock.advance(DAY)
    fetch(world)
    assert away(world) == GONE


def test_removal_quick_asks_only_for_what_xdr_could_have() -> None:
    world = synced()
    for number in range(30):
        world.xsoar.add(f"http://bad.example/{number}", "URL", score=1)
    gets = world.wire.names.count("get")
    fetch(world)
    assert world.wire.names.count("get") == gets
    world.xsoar.feed("10.0.0.1", score=1)
    fetch(world)
    assert away(world) == {"10.0.0.1"}


def test_removal_of_one_value_in_two_spellings_takes_both() -> None:
    world = World(removal_policy="disable", removal_cap_percent="100")
    world.add_many(10)
    world.xsoar.add("Bad.Example", "Domain")
    fetch(world)
    world.xdr.rules["bad.example"] = {**world.xdr.rules["Bad.Example"], "indicator": "bad.example"}
    world.xsoar.feed("Bad.Example", score=1)
    world.clock.advance(DAY)
    fetch(world)
    assert away(world) == {"Bad.Example", "bad.example"}
    world.xsoar.feed("Bad.Example", score=3)
    world.clock.advance(600)
    fetch(world)
    assert in_force(world, "Bad.Example")


def test_removal_with_a_label_leaves_the_iocs_of_other_instances() -> None:
    world = synced(source_label="a", looked=False)
    unwanted(world)
    world.xdr.rules["10.0.0.2"]["comment"] = "xsoar:b"
    world.xdr.rules["10.0.0.3"]["comment"] = ""
    fetch(world)
    assert away(world) == {"10.0.0.1", "10.0.0.4"}
    assert set(told(run(world, "xdr-iocs-restore", all="true")).values()) == {("restored", "")}
    without = synced(looked=False)
    unwanted(without)
    without.xdr.rules["10.0.0.1"]["comment"] = "xsoar:a"
    fetch(without)
    assert away(without) == GONE - {"10.0.0.1"}


@pytest.mark.parametrize("policy", POLICIES)
def test_removal_of_a_file_under_another_hash_follows_its_indicator(policy: str) -> None:
    world = World(removal_policy=policy, removal_cap_percent="50")
    world.add_many(4)
    sha1, sha256 = "a1" * 20, "b2" * 32
    world.xsoar.add(sha1, "File", CustomFields={"sha256": sha256})
    fetch(world)
    world.clock.advance(DAY)
    fetch(world)
    assert in_force(world, sha256) and record(world) == {}
    world.xsoar.feed(sha1, score=1)
    fetch(world)
    world.clock.advance(1200)
    assert not in_force(world, sha256) and record(world) == {sha256: ("done", policy, "judged anew")}
    world.xsoar.feed(sha1, score=3)
    fetch(world)
    assert in_force(world, sha256) and record(world)[sha256][0] == "returned"


# ---- a changed Sync Query


@pytest.mark.parametrize("policy", POLICIES)
def test_removal_changed_query_lets_former_matches_go_and_brings_older_ones_in(policy: str) -> None:
    world = synced(removal_policy=policy)
    world.xsoar.add("10.2.2.2", score=2)
    fetch(world)
    world.xsoar.matches = lambda doc: doc["score"] == 2 or doc["value"] > "10.0.0.4"
    other = World(query="other", removal_policy=policy, removal_cap_percent="50")
    world.settings = other.settings
    for _ in range(4):
        fetch(world)
        world.clock.advance(1200)
    kept = {value for value in world.xdr.rules if in_force(world, value)}
    assert "10.2.2.2" in kept and len(kept) == 6
    assert kept == {doc["value"] for doc in world.xsoar.docs.values() if world.xsoar.matches(doc)}
    world.xsoar.matches = lambda doc: doc["score"] == 3
    world.settings = World(query="again", removal_policy=policy, removal_cap_percent="50").settings
    fetch(world)
    world.clock.advance(1200)
    assert {value for value in world.xdr.rules if in_force(world, value)} == {f"10.0.0.{n}" for n in range(12)}


def test_removal_waits_while_the_first_sync_with_the_new_query_is_open() -> None:
    world = synced(looked=False)
    unwanted(world)
    world.settings = World(query="other", removal_policy="disable").settings
    fetch(world, budget=0)
    assert away(world) == set() and world.xsoar.state()["bulk"]["open"]
    assert "first sync" in figures(world)["note"] or not figures(world)["note"]
    sync = world.sync()
    assert "first sync is open" in Removal(sync, sync.settings.removal).run()
    assert away(world) == set()
    fetch(world)
    assert away(world)


# ---- the cap


@pytest.mark.parametrize("policy", POLICIES)
def test_removal_goes_on_over_runs_within_its_cap(policy: str) -> None:
    world = synced(40, removal_policy=policy, removal_cap_percent="10", looked=False)
    world.xsoar.matches = lambda doc: doc["value"] > "10.0.0.2" or doc["value"] == "10.0.0.0"
    gone = {doc["value"] for doc in world.xsoar.docs.values() if not world.xsoar.matches(doc)}
    assert len(gone) == 12
    seen = []
    for _ in range(8):
        fetch(world)
        world.clock.advance(1200)
        seen.append(len(away(world)))
        assert away(world) <= gone
    assert seen[:6] == [2, 4, 6, 8, 10, 12] and away(world) == gone
    assert set(record(world)) == gone and {one[0] for one in record(world).values()} == {"done"}
    last = figures(world)
    assert sum(last["last_look_removed"].values()) == 12 == sum(last["last_look_candidates"].values())
    assert 28 <= last["in_xdr"] <= 40 and last["held_back"] == {}


def test_removal_tells_what_the_cap_held_back() -> None:
    world = synced(40, removal_cap_percent="10", looked=False)
    world.xsoar.matches = lambda doc: doc["value"] > "10.0.0.2" or doc["value"] == "10.0.0.0"
    fetch(world)
    told = figures(world)
    assert (told["cap"], sum(told["removed"].values()), sum(told["held_back"].values())) == (2, 2, 10)
    assert "at the cap of 2" in told["note"]


def test_removal_of_hundreds_over_several_pages_of_a_listing_that_shrinks() -> None:
    world = World(removal_policy="leave", request_size="1000")
    world.add_many(1200, tick=0.01)
    fetch(world)
    world.settings = World(removal_policy="delete", removal_cap_percent="60", request_size="1000").settings
    world.xsoar.matches = lambda doc: int(doc["id"]) % 2 == 0
    for _ in range(3):
        world.clock.advance(600)
        fetch(world)
    living = {value for value, rule in world.xdr.rules.items() if not rule.get("deleted")}
    assert living == {doc["value"] for doc in world.xsoar.docs.values() if world.xsoar.matches(doc)}
    assert figures(world)["last_look_whole"]


# ---- what holds it


def held(world: World, prepare: Callable[[], None]) -> dict[str, Any]:
    """The figures after a run in which nothing may go."""
    unwanted(world)
    prepare()
    world.clock.advance(DAY)
    with suppress(DemistoException):
        fetch(world)
    assert away(world) == set() and record(world) == {}
    return figures(world)


def test_removal_is_held_when_the_query_finds_nothing() -> None:
    world = synced()

    def prepare() -> None:
        world.xsoar.matches = lambda doc: False

    told = held(world, prepare)
    assert "finds nothing" in told["held"] and told["held_since"]
    assert "finds nothing" in remove(world, dry_run="false")["held"]
    assert away(world) == set()


def test_removal_is_held_when_the_query_finds_far_less_until_a_person_says_so() -> None:
    world = synced(40, removal_cap_percent="5")
    fewer = {f"10.0.0.{number}" for number in range(10)}

    def prepare() -> None:
        world.xsoar.matches = lambda doc: doc["value"] in fewer

    told = held(world, prepare)
    assert "finds 9 indicators, 40 at the last look" in told["held"]
    since = told["held_since"]
    world.clock.advance(DAY)
    fetch(world)
    assert figures(world)["held_since"] == since and away(world) == set()
    outputs = remove(world, dry_run="false")
    assert outputs["held"] == "" and outputs["removed_now"] == 1 == len(away(world))
    world.clock.advance(600)
    fetch(world)
    assert figures(world)["held"] == "" and len(away(world)) == 2


def test_removal_is_not_held_by_daily_change() -> None:
    world = synced(100, removal_cap_percent="5")
    for number in range(5):
        world.xsoar.feed(f"10.0.0.{number}", score=1)
    fetch(world)
    assert figures(world)["held"] == "" and len(away(world)) == 4 + 1 - 1


@pytest.mark.parametrize("what", ["no total", "raises", "fewer than its total", "forgets values", "keep forgets"])
@pytest.mark.parametrize("quick", [False, True])
def test_removal_concludes_nothing_from_a_search_that_is_not_whole(what: str, quick: bool) -> None:
    world = synced(keep_query="tags:keep", looked=quick)
    world.xsoar.add("10.3.3.3", CustomFields={"tags": ["keep"]})
    fetch(world) if quick else None
    search = world.xsoar.search

    def broken(**asked: Any) -> dict[str, Any]:
        found = search(**asked)
        if "value:" not in asked.get("query", "") or ("tags:keep" not in asked["query"] and what == "keep forgets"):
            return found
        if what == "raises":
            raise ValueError("the search failed")
        if what == "no total":
            return {**found, "total": None}
        if what == "fewer than its total":
            return {
                **found,
                "iocs": [doc for doc in found["iocs"] or [] if doc["value"] not in ("10.0.0.5", "10.0.0.1")],
            }
        return {"iocs": None, "total": 0, "searchAfter": None}

    def prepare() -> None:
        world.xsoar.search = broken  # type: ignore[method-assign, assignment]

    held(world, prepare)
    world.xsoar.search = search  # type: ignore[method-assign]
    fetch(world)
    assert away(world) == GONE


def test_removal_is_not_done_in_a_run_whose_push_or_pull_failed() -> None:
    for side in ("insert_fails", "changes_fail"):
        world = synced(looked=False)
        unwanted(world)
        world.xsoar.add("10.7.7.7")
        setattr(world.xdr, side, [busy()])
        with pytest.raises(DemistoException, match="Cortex XDR"):
            fetch(world)
        assert away(world) == set()
        fetch(world)
        assert away(world) == GONE


def test_removal_is_not_done_without_auto_sync() -> None:
    world = synced(looked=False)
    unwanted(world)
    world.settings = World(removal_policy="disable", autoSync="false").settings
    fetch(world)
    assert away(world) == set()


def test_removal_looks_a_second_time_right_before_it_acts() -> None:
    world = synced(looked=False)
    unwanted(world)
    lookups: list[str] = []
    search = world.xsoar.search

    def meanwhile(**asked: Any) -> dict[str, Any]:
        if "10.0.0.1" in asked.get("query", ""):
            lookups.append(asked["query"])
            if len(lookups) == 3:
                world.xsoar.edit("10.0.0.1", score=3)
                world.xdr.operate("10.0.0.4", status="DISABLED")
        return search(**asked)

    world.xsoar.search = meanwhile  # type: ignore[method-assign, assignment]
    fetch(world)
    assert set(record(world)) == {"10.0.0.2", "10.0.0.3"} and in_force(world, "10.0.0.1")


# ---- what becomes wanted meanwhile


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("pushed", [False, True])
def test_removal_of_what_becomes_wanted_at_the_last_moment_is_taken_back(policy: str, pushed: bool) -> None:
    world = synced(removal_policy=policy, looked=False)
    unwanted(world)
    sync, once = world.sync(), [True]
    update = world.xsoar.write

    def write(context: dict[str, Any], version: Any) -> None:
        update(context, version)
        if once and "intent" in context.get("removals", ""):
            once.clear()
            world.xsoar.edit("10.0.0.1", score=3)
            if pushed:
                fetch(world)

    world.xsoar.write = write  # type: ignore[method-assign]
    object.__setattr__(sync.state.port, "write", write)
    fetch_indicators_command(sync)
    if not pushed:
        assert in_force(world, "10.0.0.1") and record(world)["10.0.0.1"][0] == "returned"
    world.clock.advance(STALE)
    fetch(world)
    world.clock.advance(1200)
    assert not once and in_force(world, "10.0.0.1")
    assert record(world)["10.0.0.1"][0] == "returned"
    assert away(world) == GONE - {"10.0.0.1"}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("remembered", [False, True])
def test_removal_of_what_comes_back_is_undone(policy: str, remembered: bool) -> None:
    world = synced(removal_policy=policy)
    if remembered:
        world.xdr.operate("10.0.0.1", comment="an operator's word")
        fetch(world)
        assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdriocstate"]
    world.xsoar.feed("10.0.0.1", score=1)
    fetch(world)
    world.clock.advance(1200)
    assert not in_force(world, "10.0.0.1")
    world.xsoar.by_value("10.0.0.1")["score"] = 1
    world.xsoar.feed("10.0.0.1", score=3)
    fetch(world)
    assert in_force(world, "10.0.0.1") and record(world)["10.0.0.1"][0] == "returned"
    world.clock.advance(1200)
    fetch(world)
    assert in_force(world, "10.0.0.1")
    assert remembered is (world.xdr.rules["10.0.0.1"]["comment"] == "an operator's word") or policy == "delete"
    world.xsoar.feed("10.0.0.1", score=1)
    world.clock.advance(1200)
    fetch(world)
    world.clock.advance(1200)
    assert not in_force(world, "10.0.0.1") and record(world)["10.0.0.1"][0] == "done"


def test_removal_never_enables_what_an_operator_disabled() -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", status="DISABLED")
    fetch(world)
    for score in (1, 3):
        world.xsoar.feed("10.0.0.1", score=score)
        world.clock.advance(DAY)
        fetch(world)
    assert world.xdr.rules["10.0.0.1"]["status"] == "DISABLED" and record(world) == {}


def test_removal_that_is_disabled_here_comes_back_disabled() -> None:
    world = synced()
    world.xsoar.feed("10.0.0.1", score=1)
    fetch(world)
    world.xsoar.edit("10.0.0.1", xdriocstatus="disabled", score=3)
    world.clock.advance(600)
    fetch(world)
    assert world.xdr.rules["10.0.0.1"]["status"] == "DISABLED"


def test_removal_an_operator_who_enables_it_again_is_not_fought() -> None:
    world = synced()
    drop(world, "10.0.0.2")
    world.clock.advance(DAY)
    fetch(world)
    world.clock.advance(600)
    world.xdr.operate("10.0.0.2", status="ENABLED")
    world.xsoar.matches = lambda doc: doc["score"] == 3 and doc["value"] != "10.0.0.2"
    for _ in range(3):
        world.clock.advance(DAY)
        fetch(world)
        assert in_force(world, "10.0.0.2")
    assert record(world)["10.0.0.2"][0] == "restored"


def test_removal_that_xdr_did_not_carry_out_is_tried_again() -> None:
    world = synced()
    world.xsoar.feed("10.0.0.1", score=1)
    set_status = world.xdr.set_status
    world.xdr.set_status = lambda values, enabled: None  # type: ignore[method-assign]
    fetch(world)
    assert in_force(world, "10.0.0.1") and record(world)["10.0.0.1"][0] == "done"
    world.xdr.set_status = set_status  # type: ignore[method-assign]
    world.clock.advance(DAY)
    fetch(world)
    assert not in_force(world, "10.0.0.1")


@pytest.mark.parametrize("policy", POLICIES)
def test_removal_of_a_value_pushed_by_name_is_undone_and_not_done_again(policy: str) -> None:
    world = synced(removal_policy=policy)
    world.xsoar.feed("10.0.0.1", score=1)
    fetch(world)
    world.clock.advance(1200)
    run(world, "xdr-iocs-push", indicator="10.0.0.1")
    assert in_force(world, "10.0.0.1")
    for _ in range(2):
        world.clock.advance(DAY)
        fetch(world)
    assert in_force(world, "10.0.0.1") and record(world)["10.0.0.1"][0] == "restored"


# ---- what XDR reports of our own removal


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("shows_own", [False, True])
def test_removal_is_not_taken_for_an_operators_word(policy: str, shows_own: bool) -> None:
    world = synced(shows_own=shows_own, removal_policy=policy, looked=False)
    unwanted(world)
    before = {value: dict(doc) for value, doc in world.xsoar.docs.items()}
    for _ in range(4):
        fetch(world)
        world.clock.advance(1200)
    assert away(world) == GONE and {value: dict(doc) for value, doc in world.xsoar.docs.items()} == before
    assert world.xsoar.created == []


@pytest.mark.parametrize("policy", POLICIES)
def test_removal_and_an_operators_later_edit_are_told_apart(policy: str) -> None:
    world = synced(removal_policy=policy)
    world.xsoar.feed("10.0.0.1", score=1)
    fetch(world)
    world.clock.advance(1200)
    if policy == "delete":
        world.xdr.operate("10.0.0.1", deleted=False, comment="made anew", type="IP", severity="HIGH", reputation="BAD")
    else:
        world.xdr.operate("10.0.0.1", comment="noted")
    fetch(world)
    fields = world.xsoar.by_value("10.0.0.1")["CustomFields"]
    assert fields["xdriocstatus"] == "enabled" and fields["xdrioccomment"] in ("noted", "made anew")
    world.xsoar.edit("10.0.0.1", score=3)
    world.clock.advance(600)
    fetch(world)
    assert in_force(world, "10.0.0.1")


# ---- killed anywhere


def killed_story(policy: str, back: bool, shows_own: bool) -> tuple[World, list[Callable[[], None]]]:
    world = synced(12, shows_own=shows_own, removal_policy=policy, looked=False, max_requests_in_flight="1")

    def next_run(seconds: float) -> Callable[[], None]:
        def step() -> None:
            world.clock.advance(seconds)
            fetch(world)

        return step

    def returns() -> None:
        world.xsoar.edit("10.0.0.1", score=3)
        world.xsoar.add("10.0.0.2")

    steps = [lambda: unwanted(world), next_run(0), *([returns] if back else []), next_run(30), next_run(STALE)]
    return world, [*steps, next_run(STALE), next_run(1200)]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("back", "shows_own"), [(False, False), (True, True)])
def test_removal_killed_at_every_step_ends_as_it_should(policy: str, back: bool, shows_own: bool) -> None:
    world, steps = killed_story(policy, back, shows_own)
    first = world.wire.calls
    for step in steps:
        step()
    last = world.wire.calls
    assert last - first > 60
    for call in range(first, last):
        world, steps = killed_story(policy, back, shows_own)
        world.wire.kill_at = call
        for step in steps:
            try:
                step()
            except Killed:
                # The scheduler starts the next run; this one is not begun again at once.
                world.wire.kill_at = None
        fetch(world)
        world.clock.advance(1200)
        gone = GONE - {"10.0.0.1", "10.0.0.2"} if back else GONE
        assert away(world) == gone, call
        phases = {value: phase for value, (phase, _, _) in record(world).items()}
        assert {value for value, phase in phases.items() if phase == "done"} == gone, (call, phases)
        assert "intent" not in phases.values() and "restored" not in phases.values(), (call, phases)
        for value in gone & {"10.0.0.3", "10.0.0.4"}:
            assert (world.xsoar.by_value(value)["CustomFields"] or {}).get("xdriocstatus") is None, call


# ---- commands


def rows_of(outputs: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {row["indicator"]: (row["reason"], row["outcome"]) for row in outputs["Candidate"]}


def remove(world: World, budget: float = 1000, **args: Any) -> dict[str, Any]:
    (result,) = run_command("xdr-iocs-remove", world.sync(budget), args, lambda: pytest.fail("no file was wanted"))
    assert result.readable_output
    outputs: dict[str, Any] = result.outputs
    return outputs


@pytest.mark.parametrize("policy", ["leave", "disable"])
def test_remove_command_tells_what_would_go_and_changes_nothing(policy: str) -> None:
    world = synced(removal_policy=policy, looked=False)
    unwanted(world)
    writes, created = world.xdr.writes(), len(world.xsoar.created)
    assert "removal" not in world.xsoar.state()
    outputs = remove(world)
    assert rows_of(outputs) == {value: (reason, "would be removed") for value, reason in REASONS.items()}
    assert (outputs["status"], outputs["whole"], outputs["candidates"], outputs["looked_at"]) == ("done", True, 4, 12)
    assert (outputs["would_be_removed"], outputs["held_back"], outputs["cap"]) == (4, 0, 4)
    assert (world.xdr.writes(), len(world.xsoar.created)) == (writes, created) and "removals" not in world.xsoar.context
    assert world.xsoar.state()["removal"].keys() == {"rehearsal", "rehearsed"} and away(world) == set()


def test_remove_command_in_parts_ends_with_the_same_as_at_once() -> None:
    world = World(removal_policy="leave", request_size="1000")
    world.add_many(1200, tick=0.01)
    fetch(world)
    world.xsoar.matches = lambda doc: int(doc["id"]) % 4 > 0
    whole = remove(world, limit="200")
    assert (whole["status"], whole["candidates"], whole["by_source"]) == ("done", 300, {"XSOAR TIM": 1200})
    assert (whole["would_be_removed"], whole["held_back"]) == (45, 255)
    get = world.xdr.read_back

    def slow(start: int = 0, values: Any = None) -> Any:
        world.clock.advance(5)
        return get(start, values)

    world.xdr.read_back = slow  # type: ignore[method-assign]
    seen = []
    for _ in range(20):
        seen.append(remove(world, budget=40))
        if seen[-1]["status"] == "done":
            break
        assert not seen[-1]["whole"] and seen[-1]["note"]
    assert len(seen) > 1 and seen[-1]["candidates"] == 300 and seen[-1]["looked_at"] == 1200
    assert remove(world, budget=0, restart="true")["looked_at"] == 0


def test_remove_command_removes_with_its_own_policy_and_cap() -> None:
    world = synced(removal_policy="leave")
    unwanted(world)
    with pytest.raises(ValueError, match="parameter says 'leave'"):
        remove(world, dry_run="false")
    outputs = remove(world, dry_run="false", policy="delete", cap="25")
    assert (outputs["removed_now"], outputs["held_back"], outputs["policy"]) == (2, 2, "delete")
    assert "at the cap of 2" in outputs["note"] and outputs["status"] == "running"
    outputs = remove(world, dry_run="false", policy="delete", cap="25")
    assert outputs["removed_now"] == 2 and away(world) == GONE
    assert {one[1] for one in record(world).values()} == {"delete"}
    fetch(world)
    assert away(world) == GONE


def test_remove_command_takes_the_news_of_xdr_first() -> None:
    world = synced(removal_policy="leave")
    world.xsoar.feed("10.0.0.1", score=1)
    world.xdr.operate("10.0.0.1", status="DISABLED", comment="by hand")
    remove(world, dry_run="false", policy="disable")
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdriocstatus"] == "disabled"
    assert record(world) == {}


def test_remove_command_file_has_every_candidate(tmp_path: Path) -> None:
    world = synced(300)
    world.xsoar.matches = lambda doc: doc["value"] == "10.0.0.1"
    spot = FileSpot(str(tmp_path / "file"), lambda name: {"Type": EntryType.FILE, "File": name})
    entry, result = run_command("xdr-iocs-remove", world.sync(), {"file": "true", "limit": "5"}, lambda: spot)
    assert entry["File"] == "xdr-iocs-remove.csv"
    with Path(spot.path).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == result.outputs["candidates"] == 299 and tuple(rows[0]) == REMOVAL_COLUMNS
    assert len(result.outputs["Candidate"]) == 5


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"policy": "shred"}, "'policy': 'shred'"),
        ({"policy": "leave"}, "'policy': 'leave'"),
        ({"cap": "0"}, "'cap': '0'"),
        ({"cap": "all"}, "'cap': 'all'"),
        ({"limit": "0"}, "'limit': 0"),
    ],
)
def test_remove_command_names_what_is_wrong(args: dict[str, Any], named: str) -> None:
    world = synced()
    context = dict(world.xsoar.context)
    with pytest.raises(ValueError, match=named):
        remove(world, dry_run="false", **args)
    assert world.xsoar.context == context


def test_remove_command_before_the_first_sync_says_so() -> None:
    outputs = remove(World(removal_policy="disable"))
    assert "before the first sync" in outputs["note"] and outputs["status"] == "done" and not outputs["whole"]


def test_removed_command_shows_the_record_newest_first_by_value_and_reason() -> None:
    world = synced(looked=False)
    unwanted(world)
    fetch(world)
    rows = run(world, "xdr-iocs-removed").outputs
    assert [row["indicator"] for row in rows] == sorted(GONE, reverse=True)
    assert rows[0]["reason"] == "outside of the Sync Query" and rows[0]["expiration"] == "never"
    assert (rows[0]["severity"], rows[0]["reputation"], rows[0]["type"]) == ("HIGH", "BAD", "IP")
    (one,) = run(world, "xdr-iocs-removed", reason="expired").outputs
    assert one["indicator"] == "10.0.0.3"
    assert len(run(world, "xdr-iocs-removed", indicator="10.0.0.1,10.0.0.9").outputs) == 1
    assert [len(run(world, "xdr-iocs-removed", page=n, page_size=3).outputs) for n in (1, 2, 3)] == [3, 1, 0]
    assert len(run(world, "xdr-iocs-removed", limit=2).outputs) == 2
    for wrong in ({"reason": "noise"}, {"limit": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            run(world, "xdr-iocs-removed", **wrong)


def told(result: Any) -> dict[str, tuple[str, str]]:
    return {row["indicator"]: (row["status"], row["reason"]) for row in result.outputs}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("shows_own", [False, True])
def test_restore_command_puts_back_what_was_there_and_keeps_it(policy: str, shows_own: bool) -> None:
    world = synced(removal_policy=policy, shows_own=shows_own, looked=False)
    world.xdr.rules["10.0.0.2"] |= {"comment": "seen, twice", "severity": "LOW", "reliability": "B"}
    names = ("type", "severity", "reputation", "reliability", "comment", "status", "expiration_date")
    before = {value: {name: world.xdr.rules[value][name] for name in names} for value in GONE}
    fetch(world)
    world.clock.advance(DAY)
    unwanted(world)
    fetch(world)
    world.clock.advance(1200)
    assert away(world) == GONE
    docs = len(world.xsoar.docs)
    result = run(world, "xdr-iocs-restore", indicator="10.0.0.2,10.0.0.1,10.0.0.9")
    assert told(result)["10.0.0.9"] == ("left", "no removal of it is on record")
    assert told(result)["10.0.0.2"] == told(result)["10.0.0.1"] == ("restored", "")
    assert "2 of 3 removals undone" in result.readable_output
    assert set(told(run(world, "xdr-iocs-restore", all="true"))) == {"10.0.0.3", "10.0.0.4"}
    for _ in range(3):
        world.clock.advance(DAY)
        fetch(world)
    assert away(world) == set() and {one[0] for one in record(world).values()} == {"restored"}
    assert {value: {name: world.xdr.rules[value][name] for name in names} for value in GONE} == before
    assert len(world.xsoar.docs) == docs


def test_restore_command_leaves_what_changed_since_and_says_why() -> None:
    for policy, change, reason in (
        ("disable", {"deleted": True}, "Cortex XDR does not have it any more"),
        ("expire", {"expiration_date": 1}, "it was changed in Cortex XDR since"),
        ("disable", {"status": "ENABLED"}, ""),
    ):
        world = synced(removal_policy=policy)
        world.xsoar.feed("10.0.0.1", score=1)
        fetch(world)
        world.clock.advance(1200)
        world.xdr.operate("10.0.0.1", **change)
        (row,) = run(world, "xdr-iocs-restore", indicator="10.0.0.1").outputs
        assert row["reason"] == reason and row["status"] == ("left" if reason else "already in force")


def test_restore_command_of_what_would_have_expired_or_is_refused_says_so() -> None:
    world = synced(removal_policy="delete")
    world.xdr.rules["10.0.0.1"]["expiration_date"] = world.sync().now_ms() + 3_000_000
    for value in ("10.0.0.1", "10.0.0.2"):
        world.xsoar.feed(value, score=1)
    fetch(world)
    world.clock.advance(7200)
    world.xdr.refuses["10.0.0.2"] = "no room"
    rows = told(run(world, "xdr-iocs-restore", all="true"))
    assert rows["10.0.0.1"][1].startswith("it would have expired at 2026-01-01T0")
    assert rows["10.0.0.2"] == ("left", "Cortex XDR refuses it: no room")
    assert {one[0] for one in record(world).values()} == {"done"}


@pytest.mark.parametrize("args", [{}, {"indicator": "10.0.0.1", "all": "true"}])
def test_restore_command_wants_values_or_all(args: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either 'indicator'"):
        run(synced(), "xdr-iocs-restore", **args)


@pytest.mark.parametrize("policy", POLICIES)
def test_restore_command_killed_at_every_step_can_be_given_again(policy: str) -> None:
    def prepared() -> World:
        world = synced(removal_policy=policy, looked=False)
        unwanted(world)
        fetch(world)
        world.clock.advance(1200)
        return world

    world = prepared()
    first = world.wire.calls
    run(world, "xdr-iocs-restore", all="true")
    for call in range(first, world.wire.calls):
        world = prepared()
        world.wire.kill_at = call
        with pytest.raises(Killed):
            run(world, "xdr-iocs-restore", all="true")
        world.wire.kill_at = None
        world.clock.advance(DAY)
        fetch(world)
        run(world, "xdr-iocs-restore", all="true")
        fetch(world)
        assert away(world) == set() and {one[0] for one in record(world).values()} == {"restored"}, call


def test_enable_command_of_what_was_removed_is_a_persons_word() -> None:
    world = synced()
    world.xsoar.feed("10.0.0.1", score=1)
    fetch(world)
    run(world, "xdr-iocs-enable", indicator="10.0.0.1")
    for _ in range(2):
        world.clock.advance(DAY)
        fetch(world)
    assert in_force(world, "10.0.0.1") and record(world)["10.0.0.1"][0] == "restored"


def test_disable_command_of_what_was_removed_is_a_persons_word_too() -> None:
    world = synced()
    world.xsoar.feed("10.0.0.1", score=1)
    drop(world, "10.0.0.2")
    world.clock.advance(DAY)
    fetch(world)
    assert {entry[0] for entry in record(world).values()} == {"done"} and len(record(world)) == 2
    run(world, "xdr-iocs-disable", indicator="10.0.0.1,10.0.0.2")
    assert record(world) == {}
    run(world, "xdr-iocs-restore", all="true")
    world.xsoar.feed("10.0.0.1", score=3)
    for _ in range(2):
        world.clock.advance(DAY)
        fetch(world)
    assert not in_force(world, "10.0.0.1") and not in_force(world, "10.0.0.2")


def test_policy_that_goes_back_to_leave_takes_an_open_intent_back() -> None:
    world = synced()
    world.xsoar.feed("10.0.0.1", score=1)
    set_status = world.xdr.set_status
    fails = [busy()]

    def failing(values: Any, enabled: bool) -> None:
        if fails:
            raise fails.pop()
        set_status(values, enabled)

    world.xdr.set_status = failing  # type: ignore[method-assign]
    with pytest.raises(DemistoException, match="removal"):
        fetch(world)
    assert record(world)["10.0.0.1"][0] == "intent"
    world.settings = World(removal_policy="leave").settings
    world.clock.advance(STALE)
    fetch(world)
    assert record(world) == {} and in_force(world, "10.0.0.1")


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"removal_policy": "shred"}, "removal_policy"),
        ({"removal_cap_percent": "0"}, "removal_cap_percent"),
        ({"removal_cap_percent": "101"}, "removal_cap_percent"),
        ({"removal_interval_hours": "0"}, "removal_interval_hours"),
        ({"removal_reasons": "boredom"}, "removal_reasons"),
    ],
)
def test_parameters_of_removal_are_checked(params: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        World(**params)


def test_test_button_checks_what_removal_needs() -> None:
    world = World(removal_policy="disable", removal_reasons="")
    with pytest.raises(ValueError, match="removal_reasons"):
        run(world, "test-module")
    world = World(removal_policy="disable", keep_query="tags:keep")
    world.add_many(1)
    assert run(world, "test-module") == "ok"
    search = world.xsoar.search

    def refusing(**asked: Any) -> dict[str, Any]:
        if "tags:keep" in asked["query"]:
            raise ValueError("syntax error")
        return search(**asked)

    world.xsoar.search = refusing  # type: ignore[method-assign, assignment]
    with pytest.raises(ValueError, match=r"keep_query.*tags:keep.*syntax error"):
        run(world, "test-module")


# ---- whatever happens

VALUES = [f"10.0.0.{number}" for number in range(8)]
EVENTS = st.one_of(
    st.tuples(st.sampled_from(["good", "bad", "delete", "add", "keep", "run", "later", "restore"]), st.integers(0, 7)),
    st.tuples(st.just("kill"), st.integers(0, 60)),
)


def fetches(world: World, count: int) -> None:
    for _ in range(count):
        fetch(world)
        world.clock.advance(300)


def happen(world: World, event: str, number: int) -> None:
    value = VALUES[number % len(VALUES)]
    exists = any(doc["value"] == value for doc in world.xsoar.docs.values())
    if event in ("good", "bad") and exists:
        world.xsoar.feed(value, score=1 if event == "good" else 3)
    elif event == "keep" and exists:
        world.xsoar.feed(value, tags=["keep"])
    elif event == "delete" and exists:
        drop(world, value)
    elif event == "add" and not exists:
        world.xsoar.add(value)
    elif event == "run":
        fetch(world)
    elif event == "later":
        world.clock.advance(DAY)
    elif event == "restore" and value in record(world):
        run(world, "xdr-iocs-restore", indicator=value)
    elif event == "kill":
        world.wire.kill_at = world.wire.calls + number
        with pytest.raises(Killed):
            fetches(world, 20)
        world.wire.kill_at = None
    world.clock.advance(300)


@pytest.mark.parametrize("policy", POLICIES)
@given(st.lists(EVENTS, max_size=14), st.booleans())
@hypothesis_settings(max_examples=40, deadline=None)
def test_removal_whatever_happens_the_wanted_are_in_force_and_the_others_are_not(
    policy: str, events: list[tuple[str, int]], shows_own: bool
) -> None:
    world = World(shows_own, removal_policy=policy, removal_cap_percent="100", keep_query="tags:keep", request_size="4")
    for value in VALUES:
        world.xsoar.add(value)
    world.xsoar.add("10.9.9.9")
    fetch(world)
    for event, number in events:
        happen(world, event, number)
        for value, (phase, _, _) in record(world).items():
            assert phase in ("intent", "done", "restored", "returned"), value
    for _ in range(3):
        world.clock.advance(DAY + STALE)
        fetch(world)
    world.clock.advance(1200)
    phases = record(world)
    docs = {doc["value"]: doc for doc in world.xsoar.docs.values()}
    for value in VALUES:
        doc = docs.get(value)
        phase = phases.get(value, ("",))[0]
        kept = doc is not None and "keep" in doc["CustomFields"].get("tags", [])
        if doc is not None and doc["score"] == 3:
            assert in_force(world, value), value
        elif phase != "restored" and not kept:
            assert not in_force(world, value), value


# ---- what is told stays true


def test_removal_that_hits_its_cap_counts_each_candidate_once() -> None:
    world = synced(40, removal_cap_percent="10")
    for number in range(1, 9):
        world.xsoar.feed(f"10.0.0.{number}", score=1)
    world.clock.advance(DAY)
    fetch(world)
    numbers = figures(world)
    sums = {name: sum(numbers[name].values()) for name in ("candidates", "removed", "held_back")}
    assert sums["candidates"] == 8 and sums["removed"] + sums["held_back"] == 8, sums


def test_restore_command_of_one_value_in_two_spellings_leaves_none() -> None:
    world = synced()
    world.xsoar.feed("10.0.0.1", score=1)
    world.xsoar.add("evil.example", kind="Domain")
    fetch(world)
    world.xsoar.feed("evil.example", score=1)
    world.clock.advance(1200)
    fetch(world)
    result = run(world, "xdr-iocs-restore", indicator="evil.example,EVIL.example")
    assert told(result) == {"evil.example": ("restored", "")}
    assert "1 of 1 removals undone" in result.readable_output and "left" not in result.readable_output.split("\n")[0]


@pytest.mark.parametrize("policy", ["delete", "expire"])
def test_enable_command_of_what_is_not_merely_disabled_leaves_it_to_restore(policy: str) -> None:
    world = synced(removal_policy=policy)
    drop(world, "10.0.0.1")
    world.clock.advance(DAY)
    fetch(world)
    world.clock.advance(1200)
    run(world, "xdr-iocs-enable", indicator="10.0.0.1")
    assert not in_force(world, "10.0.0.1")
    assert told(run(world, "xdr-iocs-restore", indicator="10.0.0.1")) == {"10.0.0.1": ("restored", "")}
    assert in_force(world, "10.0.0.1")


def test_restore_command_of_a_disabled_ioc_that_expired_meanwhile_says_so() -> None:
    world = synced()
    world.xdr.rules["10.0.0.1"]["expiration_date"] = world.sync().now_ms() + 3_000_000
    world.xsoar.feed("10.0.0.1", score=1)
    fetch(world)
    assert record(world)["10.0.0.1"][0] == "done"
    world.clock.advance(7200)
    ((status, reason),) = told(run(world, "xdr-iocs-restore", all="true")).values()
    assert status == "left" and reason.startswith("it has expired")


def test_restore_command_after_a_clock_that_was_far_ahead() -> None:
    world = synced()
    world.xsoar.feed("10.0.0.1", score=1)
    world.clock.advance(30 * DAY)
    set_status = world.xdr.set_status

    def killed(values: Any, enabled: bool) -> None:
        set_status(values, enabled)
        raise busy()

    world.xdr.set_status = killed  # type: ignore[method-assign]
    with pytest.raises(DemistoException, match="removal"):
        fetch(world)
    world.xdr.set_status = set_status  # type: ignore[method-assign]
    world.clock.advance(-29 * DAY)
    assert record(world)["10.0.0.1"][0] == "intent"
    assert told(run(world, "xdr-iocs-restore", indicator="10.0.0.1")) == {"10.0.0.1": ("restored", "")}


def test_removal_does_not_call_back_what_an_operator_deleted_since() -> None:
    world = synced()
    world.xsoar.feed("10.0.0.1", score=1)
    fetch(world)
    world.clock.advance(1200)
    world.xdr.operate("10.0.0.1", deleted=True)
    fetch(world)
    world.clock.advance(DAY)
    world.xsoar.feed("10.0.0.1", score=3)
    fetch(world)
    assert not in_force(world, "10.0.0.1")
    assert figures(world)["brought_back"] == 0 and record(world)["10.0.0.1"][0] == "done"


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_remove_command_that_did_not_look_shows_no_figures_of_an_earlier_look(dry_run: str) -> None:
    world = synced()
    unwanted(world)
    assert remove(world, dry_run=dry_run)["candidates"] > 0
    world.xsoar.matches = lambda doc: False
    outputs = remove(world, dry_run=dry_run)
    assert "finds nothing" in outputs["note"]
    assert (outputs["candidates"], outputs["would_be_removed"], outputs["Candidate"]) == (0, 0, [])
    assert not outputs["whole"]


def test_restore_command_of_what_an_operator_disabled_since_does_not_call_it_restored() -> None:
    world = synced(removal_policy="expire")
    drop(world, "10.0.0.1")
    world.clock.advance(DAY)
    fetch(world)
    world.clock.advance(1200)
    world.xdr.operate("10.0.0.1", status="DISABLED")
    assert told(run(world, "xdr-iocs-restore", all="true"))["10.0.0.1"][1].startswith("it was disabled in Cortex XDR")
    run(world, "xdr-iocs-enable", indicator="10.0.0.1")
    assert told(run(world, "xdr-iocs-restore", all="true")) == {"10.0.0.1": ("restored", "")}
    assert in_force(world, "10.0.0.1")


@pytest.mark.parametrize("policy", ["leave", "disable"])
def test_push_with_an_expiration_of_its_own_says_that_removal_goes_by_xsoar(policy: str) -> None:
    result = run(synced(removal_policy=policy), "xdr-iocs-push", indicator="10.0.0.1", expiration="never")
    assert ("The removal policy goes by XSOAR alone" in result.readable_output) is (policy != "leave")
