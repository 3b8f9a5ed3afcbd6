"""The sync as a whole between two fakes: killed anywhere, edited on both sides, run twice at once, read late."""

import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from CortexXDRIOC import (
    MARKS_KEPT,
    DemistoException,
    RejectedRecordError,
    SupersededError,
    Sync,
    fetch_indicators_command,
    iso_from_ms,
    xdr_record,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import Killed, World, busy, expires_ms

FIELD = "sourceoriginalseverity"


def wanted(world: World) -> dict[str, dict[str, Any]]:
    """What XDR should hold: the record of everything that the Sync Query finds and XDR can take."""
    found = {}
    for doc in world.xsoar.docs.values():
        if world.xsoar.matches(doc) and doc["value"] not in world.xdr.refuses:
            try:
                found[doc["value"]] = xdr_record(doc, world.settings, world.sync().now_ms())
            except RejectedRecordError:
                continue
    return found


def assert_complete(world: World) -> None:
    """XDR holds exactly what the Sync Query finds, with XSOAR's severity and comment."""
    records = wanted(world)
    assert world.xdr.rules.keys() >= records.keys()
    for value, record in records.items():
        rule = world.xdr.rules[value]
        assert (rule["type"], rule["severity"]) == (record["type"], record["severity"]), value
        assert rule["comment"] == ", ".join(record.get("comment") or [rule["comment"]]), value


def fetch(world: World, **more: Any) -> None:
    fetch_indicators_command(world.sync(**more))


def fetch_often(world: World) -> None:
    for _ in range(4):
        fetch(world)


# ---- killed anywhere


def prepared(in_flight: int) -> World:
    """40 indicators before the first sync, some that cannot go, one that XDR refuses, and an operator at work."""
    world = World(max_requests_in_flight=str(in_flight), override_severity="false", xsoar_comments_field="notes")
    values = world.add_many(40)
    world.xsoar.add("::1", "IPv6")
    world.xsoar.add("10.9.9.9", score=1)
    world.xsoar.add("10.9.9.8", CustomFields={FIELD: "nonsense"})
    world.xdr.refuses[values[7]] = "no"
    world.xdr.operate("203.0.113.1", severity="LOW")
    return world


def edited(world: World) -> None:
    """What happens between two runs, on both sides."""
    world.clock.advance(1200)
    world.xsoar.feed("10.0.0.1", **{FIELD: "low"})
    world.xsoar.add("10.8.8.8")
    world.xdr.operate("10.0.0.2", comment="from XDR")
    world.xdr.operate("10.0.0.3", severity="INFO")
    world.xsoar.feed("10.0.0.3", notes="from XSOAR")
    world.xdr.operate("203.0.113.2", severity="MEDIUM")


def story(world: World) -> None:
    fetch(world)
    edited(world)
    fetch(world)
    world.clock.advance(1200)
    world.xsoar.feed("10.0.0.3", **{FIELD: "critical"})
    fetch(world)


def calls_of_story(in_flight: int) -> int:
    world = prepared(in_flight)
    story(world)
    return world.wire.calls


def run_killed_at(world: World, call: int) -> None:
    """The story, with the process ending at a call; the scheduler then starts the next run."""
    steps = [
        lambda: fetch(world),
        lambda: edited(world),
        lambda: fetch(world),
        lambda: world.clock.advance(1200),
        lambda: world.xsoar.feed("10.0.0.3", **{FIELD: "critical"}),
        lambda: fetch(world),
    ]
    world.wire.kill_at = call
    for step in steps:
        try:
            step()
        except Killed:
            world.wire.kill_at = None
            step()


@pytest.mark.parametrize("in_flight", [1, 3])
def test_kill_at_any_call_loses_nothing_and_repeats_unacknowledged_requests_only(in_flight: int) -> None:
    calm = prepared(in_flight)
    story(calm)
    usual = calm.xdr.sent()
    for call in range(calm.wire.calls):
        world = prepared(in_flight)
        run_killed_at(world, call)
        assert_complete(world)
        assert world.xdr.rules.keys() == calm.xdr.rules.keys(), f"killed at call {call}, {world.wire.names[-1]}"
        assert world.xsoar.state()["rejects"].keys() == calm.xsoar.state()["rejects"].keys()
        assert len(world.xsoar.docs) == len(calm.xsoar.docs)
        assert world.xsoar.by_value("10.0.0.2")["CustomFields"]["notes"] == "from XDR"
        assert world.xsoar.by_value("10.0.0.3")["CustomFields"]["notes"] == "from XSOAR"
        again = sum((world.xdr.sent() - usual).values())
        assert again <= in_flight * world.settings.request_size, f"killed at call {call}: {again} sent again"


def test_kill_before_anything_was_stored_starts_from_the_beginning() -> None:
    world = World()
    world.add_many(3)
    world.wire.kill_at = 0
    with pytest.raises(Killed):
        fetch(world)
    world.wire.kill_at = None
    fetch(world)
    assert_complete(world)


@pytest.mark.parametrize("failing", range(6))
def test_request_that_fails_leaves_the_cursor_before_it(failing: int) -> None:
    world = World(max_requests_in_flight="2")
    world.add_many(23)
    inserts = iter(range(100))
    insert = world.xdr.insert

    def flaky(records: Any) -> Any:
        if next(inserts) == failing:
            raise busy()
        return insert(records)

    world.xdr.insert = flaky  # type: ignore[method-assign]
    with pytest.raises(DemistoException, match="500"):
        fetch(world)
    fetch(world)
    assert_complete(world)
    assert sum(count - 1 for count in world.xdr.sent().values()) <= 4
    assert world.xsoar.state()["bulk"]["open"] is False


def test_time_that_runs_out_is_continued_by_the_next_run_without_repeating() -> None:
    world = World(max_requests_in_flight="1")
    world.add_many(50)
    insert = world.xdr.insert

    def slow(records: Any) -> Any:
        world.clock.advance(3)
        return insert(records)

    world.xdr.insert = slow  # type: ignore[method-assign]
    runs = 0
    while not world.xsoar.context or world.xsoar.state()["bulk"]["open"]:
        fetch(world, budget=10)
        runs += 1
        assert runs < 20
    assert runs > 2
    assert_complete(world)
    assert set(world.xdr.sent().values()) == {1}


# ---- edits on both sides


VALUES = ["10.0.0.0", "10.0.0.1", "10.0.0.2"]
SEVERITIES = ["low", "medium", "critical"]
TEXTS = ["one", "two", "a, b"]
MOMENTS = [1_900_000_000_000, 1_950_000_000_000]


@st.composite
def edits(draw: st.DrawFn) -> tuple[Any, ...]:
    """One thing that happens: ("fetch",), or (side, value, field, content)."""
    side = draw(st.sampled_from(["fetch", "xsoar", "xdr", "xsoar", "xdr"]))
    if side == "fetch":
        return (side,)
    value = draw(st.sampled_from(VALUES))
    name = draw(st.sampled_from(["severity", "comment", "status", "expiration", "sighting", "deleted"]))
    contents: dict[str, list[Any]] = {
        "severity": SEVERITIES,
        "comment": TEXTS,
        "status": ["enabled", "disabled"],
        "expiration": MOMENTS,
        "sighting": [1, 2, 3],
        "deleted": [True],
    }
    return side, value, name, draw(st.sampled_from(contents[name]))


def happen(world: World, event: tuple[Any, ...], by_hand: bool) -> None:
    world.clock.advance(30)
    if event[0] == "fetch":
        world.clock.advance(600)
        fetch(world)
        return
    side, value, name, content = event
    # No moment comes twice: going back to the very moment that XDR has just replaced is not told from keeping it.
    content = content + int(world.clock.seconds) * 1000 if name == "expiration" else content
    if side == "xsoar":
        in_xsoar(world, value, name, content, by_hand)
    elif value in world.xdr.rules and not world.xdr.rules[value].get("deleted"):
        in_xdr(world, value, name, content)


def in_xsoar(world: World, value: str, name: str, content: Any, by_hand: bool) -> None:
    change = world.xsoar.edit if by_hand else world.xsoar.feed
    names = {"severity": FIELD, "comment": "notes", "status": "xdriocstatus", "sighting": "sightings"}
    if name == "expiration":
        change(value, expiration=iso_from_ms(content))
    elif name in names:
        change(value, **{names[name]: content})


def in_xdr(world: World, value: str, name: str, content: Any) -> None:
    changes: dict[str, Any] = {
        "severity": {"severity": str(content).upper()},
        "comment": {"comment": content},
        "status": {"status": str(content).upper()},
        "expiration": {"expiration_date": content},
        "sighting": {"hits": content},
        "deleted": {"deleted": True},
    }
    world.xdr.operate(value, **changes[name])


def both_sides(shows_own: bool, override: bool) -> World:
    world = World(shows_own, override_severity=str(override).lower(), xsoar_comments_field="notes")
    world.xsoar.matches = lambda doc: True
    for value in VALUES:
        world.xsoar.add(value)
    return world


def settle(world: World) -> None:
    """Two more runs, after which nothing may move any more."""
    for _ in range(2):
        world.clock.advance(600)
        fetch(world)
    writes, created, docs = world.xdr.writes(), len(world.xsoar.created), str(world.xsoar.docs)
    for _ in range(2):
        world.clock.advance(600)
        fetch(world)
    assert world.xdr.writes() == writes, world.xdr.requests[-1]
    assert (len(world.xsoar.created), str(world.xsoar.docs)) == (created, docs)


def assert_agree(world: World, override: bool) -> None:
    for value in VALUES:
        doc, rule = world.xsoar.by_value(value), world.xdr.rules[value]
        fields = doc["CustomFields"]
        if rule.get("deleted"):
            assert fields["xdriocstatus"] == "deleted"
            continue
        assert (fields.get("xdriocstatus") or "enabled") == rule["status"].lower()
        assert fields.get("notes", "") == rule["comment"]
        assert expires_ms(doc) == rule["expiration_date"]
        if not override:
            assert (fields.get(FIELD) or "high").upper() == rule["severity"]


@pytest.mark.parametrize("shows_own", [False, True])
@pytest.mark.parametrize("override", [False, True])
@hypothesis_settings(max_examples=60, deadline=None)
@given(events=st.lists(edits(), max_size=14))
def test_edits_on_both_sides_settle_and_agree(shows_own: bool, override: bool, events: list[tuple[Any, ...]]) -> None:
    world = both_sides(shows_own, override)
    for event in events:
        happen(world, event, by_hand=False)
    settle(world)
    assert_agree(world, override)


@pytest.mark.parametrize("shows_own", [False, True])
@hypothesis_settings(max_examples=60, deadline=None)
@given(events=st.lists(edits(), max_size=14))
def test_edits_by_hand_that_feeds_cannot_undo_settle_too(shows_own: bool, events: list[tuple[Any, ...]]) -> None:
    world = both_sides(shows_own, override=False)
    for event in events:
        happen(world, event, by_hand=True)
    settle(world)


@pytest.mark.parametrize("shows_own", [False, True])
def test_change_that_is_sent_and_taken_back_reaches_xdr_both_times(shows_own: bool) -> None:
    world = both_sides(shows_own, override=False)
    events: list[tuple[Any, ...]] = [("fetch",), ("xdr", VALUES[0], "comment", "x"), ("fetch",)]
    for content in ("low", "medium", "low"):
        events += [("xsoar", VALUES[0], "severity", content), ("fetch",)]
    for event in events:
        happen(world, event, by_hand=False)
        if event[0] == "fetch" and world.xsoar.docs["00001"]["CustomFields"].get(FIELD):
            assert (
                world.xdr.rules[VALUES[0]]["severity"].lower()
                == world.xsoar.docs["00001"]["CustomFields"][FIELD].lower()
            )


def test_different_fields_changed_on_both_sides_are_both_kept() -> None:
    world = both_sides(shows_own=False, override=False)
    fetch(world)
    happen(world, ("xdr", VALUES[0], "status", "disabled"), by_hand=False)
    fetch(world)
    happen(world, ("xdr", VALUES[0], "severity", "critical"), by_hand=False)
    happen(world, ("xsoar", VALUES[0], "comment", "ours"), by_hand=False)
    fetch(world)
    rule, fields = world.xdr.rules[VALUES[0]], world.xsoar.by_value(VALUES[0])["CustomFields"]
    assert (rule["severity"], rule["comment"], rule["status"]) == ("CRITICAL", "ours", "DISABLED")
    assert (fields[FIELD], fields["notes"], fields["xdriocstatus"]) == ("CRITICAL", "ours", "disabled")


@pytest.mark.parametrize("shows_own", [False, True])
def test_what_only_xdr_changed_causes_no_request(shows_own: bool) -> None:
    world = both_sides(shows_own, override=True)
    fetch(world)
    for name, content in (("severity", "low"), ("comment", "x"), ("status", "disabled"), ("expiration", MOMENTS[0])):
        happen(world, ("xdr", VALUES[0], name, content), by_hand=False)
    writes = world.xdr.writes()
    settle(world)
    assert world.xdr.writes() == writes
    assert world.xdr.rules[VALUES[0]]["severity"] == "LOW"


def test_ioc_deleted_in_xdr_stays_deleted_until_someone_asks_for_it() -> None:
    world = both_sides(shows_own=False, override=True)
    fetch(world)
    happen(world, ("xdr", VALUES[0], "deleted", True), by_hand=False)
    happen(world, ("fetch",), by_hand=False)
    happen(world, ("xsoar", VALUES[0], "sighting", 1), by_hand=False)
    happen(world, ("fetch",), by_hand=False)
    assert world.xdr.rules[VALUES[0]]["deleted"]
    happen(world, ("xsoar", VALUES[0], "status", "enabled"), by_hand=False)
    happen(world, ("fetch",), by_hand=False)
    assert not world.xdr.rules[VALUES[0]].get("deleted")
    settle(world)


# ---- two runs at once


def test_two_runs_that_overlap_do_no_harm() -> None:
    world = World(max_requests_in_flight="1")
    world.add_many(60)
    problems: list[BaseException] = []

    def run(sync: Sync) -> None:
        try:
            fetch_indicators_command(sync)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run, args=(world.sync(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert_complete(world)
    assert max(world.xdr.sent().values()) <= 2
    before = world.xdr.writes()
    fetch(world)
    assert world.xdr.writes() == before


@pytest.mark.parametrize("steps", range(1, 40, 3))
def test_run_that_stalls_while_another_finishes_moves_no_cursor_back(steps: int) -> None:
    world = World(max_requests_in_flight="1")
    world.add_many(30)
    slow = world.sync()
    step, left = world.wire.step, [steps]

    def interrupted(name: str) -> None:
        step(name)
        left[0] -= 1
        if left[0] == 0:
            fetch(world)
            world.clock.advance(100)
            world.xsoar.add("10.7.7.7")
            fetch(world)

    world.wire.step = interrupted  # type: ignore[method-assign]
    fetch_indicators_command(slow)
    world.wire.step = step  # type: ignore[method-assign]
    fetch(world)
    assert_complete(world)
    writes = world.xdr.writes()
    fetch(world)
    assert world.xdr.writes() == writes
    assert world.xsoar.state()["fresh"]["edge"] == max(doc["modified"] for doc in world.xsoar.docs.values())


def test_run_from_before_a_new_start_stops_and_leaves_the_new_cursors() -> None:
    world = World()
    world.add_many(10)
    old = world.sync()
    old.begin()
    world.sync().begin(anew=True)
    with pytest.raises(SupersededError):
        old.push_batch({**world.xsoar.state(), "epoch": 1})
    world.xsoar.add("10.4.4.4")
    with pytest.raises(SupersededError):
        old.push_fresh(1)
    assert world.xsoar.state()["bulk"]["done"] == 0


def test_changed_sync_query_starts_the_lanes_anew() -> None:
    world = World()
    world.add_many(6)
    world.xsoar.add("10.5.5.5", score=2)
    fetch(world)
    assert "10.5.5.5" not in world.xdr.rules
    changed = World(query="reputation:Suspicious")
    changed.xsoar, changed.xdr, changed.clock = world.xsoar, world.xdr, world.clock
    world.xsoar.matches = lambda doc: doc["score"] >= 2
    fetch(changed)
    assert "10.5.5.5" in world.xdr.rules
    assert world.xsoar.state()["epoch"] == 2


# ---- the fresh lane


def synced(count: int = 10, **params: Any) -> World:
    world = World(**params)
    world.add_many(count)
    fetch(world)
    world.clock.advance(600)
    return world


@pytest.mark.parametrize("late", [0.5, 10, 59])
def test_record_that_becomes_visible_late_is_sent(late: float) -> None:
    world = synced()
    hidden = world.xsoar.add("10.4.4.4")
    world.xsoar.hidden.add(hidden["id"])
    world.xsoar.add("10.4.4.5", tick=late)
    fetch(world)
    assert "10.4.4.4" not in world.xdr.rules and "10.4.4.5" in world.xdr.rules
    world.xsoar.hidden.clear()
    fetch(world)
    assert "10.4.4.4" in world.xdr.rules
    assert set(world.xdr.sent().values()) == {1}


@pytest.mark.parametrize("late", [0.001, 1, 30])
def test_record_hidden_when_the_first_sync_began_is_sent(late: float) -> None:
    world = World()
    world.add_many(10)
    hidden = world.xsoar.add("10.4.4.4")
    world.xsoar.hidden.add(hidden["id"])
    world.xsoar.add("10.4.4.5", tick=late)
    fetch(world)
    world.xsoar.hidden.clear()
    world.clock.advance(600)
    fetch(world)
    assert "10.4.4.4" in world.xdr.rules
    assert set(world.xdr.sent().values()) == {1}


def test_what_changed_during_the_first_sync_is_sent_before_its_end() -> None:
    world = World(max_requests_in_flight="1")
    world.add_many(40)
    insert = world.xdr.insert

    def slow(records: Any) -> Any:
        world.clock.advance(5)
        return insert(records)

    world.xdr.insert = slow  # type: ignore[method-assign]
    fetch(world, budget=12)
    world.xsoar.add("10.4.4.4")
    fetch(world, budget=12)
    assert "10.4.4.4" in world.xdr.rules and world.xsoar.state()["bulk"]["open"]
    later = world.xdr.inserted()
    assert later.index(next(r for r in later if r["indicator"] == "10.4.4.4")) < len(later) - 4


def test_newest_go_first_in_the_first_sync() -> None:
    world = World(max_requests_in_flight="1")
    values = world.add_many(12)
    fetch(world)
    assert [record["indicator"] for record in world.xdr.inserted()] == values[::-1]


def test_records_changed_in_the_same_instant_are_all_sent_once() -> None:
    world = synced()
    world.clock.advance(1)
    for number in range(11):
        world.xsoar.add(f"10.4.4.{number}", tick=0)
    fetch(world)
    for number in range(11, 15):
        world.xsoar.add(f"10.4.4.{number}", tick=0)
    fetch(world)
    fetch(world)
    assert_complete(world)
    assert set(world.xdr.sent().values()) == {1}


def test_more_records_in_one_instant_than_marks_are_kept_are_all_sent() -> None:
    world = synced(request_size="500")
    world.clock.advance(1)
    for number in range(MARKS_KEPT + 300):
        world.xsoar.add(f"10.{number // 250}.4.{number % 250}", tick=0)
    for _ in range(3):
        fetch(world)
    assert_complete(world)
    assert set(world.xdr.sent().values()) == {1}
    assert len(world.xsoar.state()["fresh"]["marks"]) <= MARKS_KEPT


def test_idle_runs_send_nothing() -> None:
    world = synced()
    writes = world.xdr.writes()
    for _ in range(3):
        world.clock.advance(1200)
        fetch(world)
    assert world.xdr.writes() == writes


def test_searches_that_give_no_position_still_reach_everything() -> None:
    world = World()
    world.xsoar.gives_position = False
    world.add_many(30)
    for _ in range(3):
        fetch(world)
    for number in range(9):
        world.xsoar.add(f"10.4.4.{number}", tick=1)
    for _ in range(6):
        fetch(world)
    assert_complete(world)


@pytest.mark.parametrize("when", ["bulk", "fresh"])
def test_searches_without_position_inside_one_second_are_an_error_and_no_endless_loop(when: str) -> None:
    world = World()
    if when == "fresh":
        world.add_many(2)
        fetch(world)
    world.xsoar.gives_position = False
    world.clock.advance(100)
    for number in range(12):
        world.xsoar.add(f"10.4.4.{number}", tick=0)
    with pytest.raises(DemistoException, match="searchAfter"):
        fetch_often(world)


def test_records_without_a_readable_time_are_sent_and_do_not_become_the_position() -> None:
    world = synced(request_size="100")
    world.xsoar.add("10.4.4.4")["modified"] = "soon"
    world.xsoar.add("10.4.4.5").pop("modified")
    for _ in range(2):
        fetch(world)
    world.xsoar.add("10.4.4.6")
    fetch(world)
    assert {"10.4.4.4", "10.4.4.5", "10.4.4.6"} <= world.xdr.rules.keys()


def test_counts_and_progress_tell_the_truth() -> None:
    world = prepared(1)
    fetch(world)
    state = world.xsoar.state()
    assert state["counts"]["pushed"] == len(world.xdr.rules) - 1
    assert state["bulk"]["done"] == state["bulk"]["total"] == 43
    assert Counter(entry["direction"] for entry in state["rejects"].values()) == {"to XDR": 3}
    assert '"done": 43' in world.xsoar.context["progress"]


@pytest.mark.parametrize("label", ["", "east"])
def test_indicator_deleted_in_xsoar_does_not_come_back_by_a_change_that_was_taken_before(label: str) -> None:
    world = World(source_label=label)
    world.xdr.operate("203.0.113.1", comment="x")
    world.xdr.operate("203.0.113.2", comment="x")
    assert world.sync().pull() and len(world.xsoar.docs) == 2
    world.xsoar.docs.clear()
    assert world.sync().pull() and not world.xsoar.docs
    world.xdr.operate("203.0.113.2", comment="y")
    assert world.sync().pull() and [doc["value"] for doc in world.xsoar.docs.values()] == ["203.0.113.2"]


@pytest.mark.parametrize("theirs", [1_893_456_000_000, -1])
def test_expiration_that_a_person_sets_on_an_indicator_from_xdr_goes_out(theirs: int) -> None:
    world = World()
    world.xdr.operate("203.0.113.1", expiration_date=theirs)
    fetch_indicators_command(world.sync())
    fetch_indicators_command(world.sync())
    world.xsoar.edit("203.0.113.1", expiration="2031-01-01T00:00:00Z")
    fetch_indicators_command(world.sync())
    assert world.xdr.rules["203.0.113.1"]["expiration_date"] == expires_ms({"expiration": "2031-01-01T00:00:00Z"})


def test_expiration_that_is_set_back_to_what_it_was_before_xdr_changed_it_goes_out() -> None:
    world = World()
    world.xsoar.add("10.0.0.1", expiration="2030-01-01T00:00:00Z")
    fetch_indicators_command(world.sync())
    world.xdr.operate("10.0.0.1", expiration_date=1_924_992_000_000)
    fetch_indicators_command(world.sync())
    assert world.xsoar.by_value("10.0.0.1")["expiration"] == "2031-01-01T00:00:00Z"
    world.xsoar.feed("10.0.0.1", expiration="2030-01-01T00:00:00Z")
    fetch_indicators_command(world.sync())
    assert world.xdr.rules["10.0.0.1"]["expiration_date"] == expires_ms({"expiration": "2030-01-01T00:00:00Z"})
    requests, created = len(world.xdr.inserted()), len(world.xsoar.created)
    for _ in range(2):
        fetch_indicators_command(world.sync())
    assert (len(world.xdr.inserted()), len(world.xsoar.created)) == (requests, created)


def test_change_that_is_taken_back_after_a_lost_acknowledgement_is_taken_back_in_xdr() -> None:
    world = World(override_severity="false")
    world.xsoar.add("10.0.0.1", CustomFields={FIELD: "low"})
    fetch_indicators_command(world.sync())
    world.xdr.operate("10.0.0.1", comment="known")
    fetch_indicators_command(world.sync())
    world.xsoar.feed("10.0.0.1", **{FIELD: "critical"})
    names = world.wire.names
    world.wire.kill_at = world.wire.calls + 10_000
    before = len(names)
    with pytest.raises(Killed):
        kill_after(world, "inserted")
    assert world.xdr.rules["10.0.0.1"]["severity"] == "CRITICAL" and names[before:].count("inserted") == 1
    world.wire.kill_at = None
    world.xsoar.feed("10.0.0.1", **{FIELD: "LOW"})
    for _ in range(2):
        fetch_indicators_command(world.sync())
    assert world.xdr.rules["10.0.0.1"]["severity"] == "LOW"
    sent = len(world.xdr.inserted())
    fetch_indicators_command(world.sync())
    assert len(world.xdr.inserted()) == sent


def kill_after(world: World, last: str) -> None:
    """A run that is killed right after its first step of this name."""
    step = world.wire.step

    def watched(name: str) -> None:
        step(name)
        if name == last:
            world.wire.kill_at = 0

    world.wire.step = watched  # type: ignore[method-assign]
    try:
        fetch_indicators_command(world.sync())
    finally:
        world.wire.step = step  # type: ignore[method-assign]


def test_expired_indicator_keeps_what_xsoar_said_when_xdr_changes_something_else() -> None:
    world = World(override_severity="false", xsoar_comments_field="note")
    world.xsoar.add("10.0.0.1", CustomFields={FIELD: "LOW", "note": "first"})
    fetch_indicators_command(world.sync())
    world.xdr.operate("10.0.0.1", comment="theirs")
    fetch_indicators_command(world.sync())
    world.xsoar.feed("10.0.0.1", note="ours", expiration="2020-01-01T00:00:00Z")
    world.xsoar.matches = lambda doc: expires_ms(doc) == -1
    fetch_indicators_command(world.sync())
    world.xdr.operate("10.0.0.1", severity="HIGH", expiration_date=1_924_992_000_000)
    fetch_indicators_command(world.sync())
    held = world.xsoar.by_value("10.0.0.1")
    assert (held["CustomFields"]["note"], held["CustomFields"][FIELD]) == ("ours", "HIGH")
    assert held["expiration"] == "2020-01-01T00:00:00Z"
    world.xsoar.feed("10.0.0.1", expiration="0001-01-01T00:00:00Z")
    fetch_indicators_command(world.sync())
    rule = world.xdr.rules["10.0.0.1"]
    assert (rule["comment"], rule["severity"], rule["expiration_date"]) == ("ours", "HIGH", -1)


def test_change_in_xsoar_to_what_xdr_had_wins_over_a_change_of_xdr_in_the_same_time() -> None:
    world = World()
    world.xsoar.add("10.0.0.1")
    fetch_indicators_command(world.sync())
    world.xsoar.edit("10.0.0.1", xdriocstatus="disabled")
    world.xdr.operate("10.0.0.1", comment="known")
    fetch_indicators_command(world.sync())
    world.xdr.operate("10.0.0.1", status="ENABLED")
    fetch_indicators_command(world.sync())
    # A person set the field, so it stays; XDR keeps what its operator did.
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdriocstatus"] == "disabled"
    world.xsoar.edit("10.0.0.1", xdriocstatus="enabled")
    world.xdr.operate("10.0.0.1", status="DISABLED")
    fetch_indicators_command(world.sync())
    assert world.xdr.rules["10.0.0.1"]["status"] == "ENABLED"


def test_what_both_sides_came_to_say_alike_is_no_change_of_xsoar_later() -> None:
    world = World(override_severity="false")
    world.xsoar.add("10.0.0.1", CustomFields={FIELD: "LOW"})
    fetch_indicators_command(world.sync())
    world.xdr.operate("10.0.0.1", comment="known")
    fetch_indicators_command(world.sync())
    # Both change it while the indicator is out of the Sync Query, then XSOAR comes round to what XDR says.
    world.xsoar.matches = lambda doc: False
    world.xsoar.feed("10.0.0.1", **{FIELD: "CRITICAL"})
    world.xdr.operate("10.0.0.1", severity="HIGH")
    fetch_indicators_command(world.sync())
    world.xsoar.feed("10.0.0.1", **{FIELD: "HIGH"})
    world.xsoar.matches = lambda doc: True
    fetch_indicators_command(world.sync())
    world.xdr.operate("10.0.0.1", severity="INFO")
    fetch_indicators_command(world.sync())
    assert world.xdr.rules["10.0.0.1"]["severity"] == "INFO"
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"][FIELD] == "INFO"
    created = len(world.xsoar.created)
    fetch_indicators_command(world.sync())
    assert len(world.xsoar.created) == created
