"""Pushes by hand: by name or query, dry, with values of a person's own."""

import copy
import sys
from pathlib import Path
from typing import Any

import pytest
from CortexXDRIOC import (
    REASONS_KEPT,
    DemistoException,
    Overrides,
    PagePlan,
    Tally,
    WalkToken,
    XDRPausedError,
    command_line,
    epoch_ms,
    load_memory,
    moment_ms,
    overrides_from,
    run_command,
    walk_token,
)
from hypothesis import given
from hypothesis import settings as rounds
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import Killed, World, busy

NOW_MS = epoch_ms("2026-01-01T00:00:00Z")
DAY = 86_400_000
QUERY = "type:IP"


def run(world: World, command: str = "xdr-iocs-push", budget: float = 1000, **args: Any) -> Any:
    return run_command(command, world.sync(budget), args, lambda: pytest.fail("no file was wanted"))


def fetch(world: World, times: int = 1) -> None:
    for _ in range(times):
        world.clock.advance(600)
        run(world, "fetch-indicators")


def synced(count: int = 5, **params: Any) -> World:
    world = World(**params)
    world.add_many(count)
    world.xsoar.queries[QUERY] = lambda doc: doc["indicator_type"] == "IP"
    run(world, "fetch-indicators")
    world.clock.advance(600)
    return world


def slowly(world: World, seconds: float) -> None:
    """Each insert takes so long."""
    insert = world.xdr.insert

    def slow(records: Any) -> Any:
        world.clock.advance(seconds)
        return insert(records)

    world.xdr.insert = slow  # type: ignore[method-assign]


def everything(world: World) -> Any:
    """Both sides and the state of the sync."""
    return copy.deepcopy((world.xsoar.docs, world.xsoar.context, world.xsoar.version, world.xdr.rules))


# ---- arguments


@pytest.mark.parametrize(
    ("text", "ahead", "ms"),
    [
        ("2030-01-31T12:00:00Z", True, epoch_ms("2030-01-31T12:00:00Z")),
        ("2030-01-31T12:00:00+02:00", True, epoch_ms("2030-01-31T10:00:00Z")),
        (" 2030-01-31 ", True, epoch_ms("2030-01-31T00:00:00Z")),
        ("in 30 days", True, NOW_MS + 30 * DAY),
        ("In 1 Week", True, NOW_MS + 7 * DAY),
        ("3 days ago", False, NOW_MS - 3 * DAY),
        ("90 minutes", False, NOW_MS - 5_400_000),
    ],
)
def test_moment_is_read_exactly(text: str, ahead: bool, ms: int) -> None:
    assert moment_ms("to", text, NOW_MS, ahead) == ms


@pytest.mark.parametrize(
    ("text", "ahead"),
    [("30 days", True), ("3 days ago", True), ("in 3 days", False), ("maybe", True), ("1767225600", True),
     ("999999 weeks", False), ("2030-02-31", True), ("in 3 months", True), ("0x10", False)],
)  # fmt: skip
def test_moment_that_could_mean_another_is_refused_with_its_name_and_text(text: str, ahead: bool) -> None:
    with pytest.raises(ValueError, match=rf"'to': '{text}'"):
        moment_ms("to", text, NOW_MS, ahead)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"severity": "hi"}, "'severity': 'hi'"),
        ({"expiration": "soon"}, "'expiration': 'soon'"),
        ({"expiration": "2020-01-01"}, "'expiration': '2020-01-01' lies in the past"),
    ],
)
def test_bad_overrides_are_refused_with_their_name(args: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        overrides_from(args, NOW_MS)


def test_overrides_are_read_from_arguments() -> None:
    args = {"severity": "Low", "expiration": "never", "comment": " seen "}
    assert overrides_from(args, NOW_MS) == Overrides("LOW", -1, "seen")
    assert overrides_from({}, NOW_MS).names == ()


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"indicator": "10.0.0.1", "query": QUERY}, "give one of them"),
        ({"after": "x"}, "'after' goes on with a push by query"),
        ({"severity": "low"}, "named by 'indicator' or 'query'"),
        ({"query": QUERY, "after": "x"}, "'after': 'x' is not the 'next'"),
        ({"indicator": "10.0.0.1", "expiration": "x"}, "'expiration': 'x'"),
    ],
)
def test_push_with_arguments_that_contradict_changes_nothing(args: dict[str, Any], text: str) -> None:
    world = synced()
    before = everything(world)
    with pytest.raises(ValueError, match=text):
        run(world, **args)
    assert everything(world) == before


def test_token_of_another_query_is_refused() -> None:
    text = WalkToken("0" * 16, "2026-01-01T00:00:00Z", ["2026-01-01T00:00:00Z", "1"], 4, 8).text()
    with pytest.raises(ValueError, match="another query"):
        walk_token(text, QUERY)


def test_command_line_quotes_what_needs_it() -> None:
    line = command_line("xdr-iocs-push", query='value:"a b"', severity="", after="abc=")
    assert line == '!xdr-iocs-push query="value:\\"a b\\"" after=abc='


# ---- overrides


@pytest.mark.parametrize("shows_own", [False, True])
@pytest.mark.parametrize("override_severity", ["true", "false"])
def test_overrides_reach_xdr_and_are_neither_taken_back_nor_a_difference(
    shows_own: bool, override_severity: str
) -> None:
    world = synced(shows_own=shows_own, override_severity=override_severity)
    world.xsoar.feed("10.0.0.1", expiration="2027-05-05T00:00:00Z")
    fetch(world)
    result = run(world, indicator="10.0.0.1", severity="low", expiration="in 30 days", comment="case 7")
    due = world.xdr.rules["10.0.0.1"]["expiration_date"]
    assert due == int((world.clock.seconds) * 1000) // 1000 * 1000 + NOW_MS + 30 * DAY
    assert "severity=LOW" in result.readable_output and "comment=case 7" in result.readable_output
    sent = len(world.xdr.inserted())
    fetch(world, 3)
    rule = world.xdr.rules["10.0.0.1"]
    assert (rule["severity"], rule["expiration_date"], rule["comment"]) == ("LOW", due, "case 7")
    assert len(world.xdr.inserted()) == sent
    document = world.xsoar.by_value("10.0.0.1")
    assert document["expiration"] == "2027-05-05T00:00:00Z" and not document["comments"]
    assert "sourceoriginalseverity" not in document["CustomFields"]
    (row,) = run(world, "xdr-iocs-compare", indicator="10.0.0.1").outputs
    assert row["finding"] == "equal"


def test_field_changed_in_xsoar_ends_its_override_and_no_other() -> None:
    world = synced(override_severity="false")
    run(world, indicator="10.0.0.1", severity="low", expiration="never", comment="case 7")
    fetch(world)
    world.xsoar.feed("10.0.0.1", sourceoriginalseverity="critical")
    fetch(world)
    rule = world.xdr.rules["10.0.0.1"]
    assert (rule["severity"], rule["comment"], rule["expiration_date"]) == ("CRITICAL", "case 7", -1)
    world.xsoar.edit("10.0.0.1", comments="from XSOAR", score=2)
    world.xsoar.matches = lambda doc: True
    fetch(world, 2)
    rule = world.xdr.rules["10.0.0.1"]
    assert (rule["comment"], rule["reputation"], rule["severity"]) == ("from XSOAR", "SUSPICIOUS", "CRITICAL")


def test_edit_of_an_operator_ends_the_override_of_that_field() -> None:
    world = synced(override_severity="false")
    run(world, indicator="10.0.0.1", severity="low", comment="case 7")
    fetch(world)
    world.xdr.operate("10.0.0.1", severity="CRITICAL")
    fetch(world, 2)
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["sourceoriginalseverity"] == "CRITICAL"
    assert (world.xdr.rules["10.0.0.1"]["severity"], world.xdr.rules["10.0.0.1"]["comment"]) == ("CRITICAL", "case 7")


def test_push_without_overrides_takes_them_back() -> None:
    world = synced()
    run(world, indicator="10.0.0.1", severity="low")
    run(world, indicator="10.0.0.1")
    fetch(world)
    assert world.xdr.rules["10.0.0.1"]["severity"] == "HIGH"


def test_expired_indicator_goes_with_a_new_expiration_and_stays() -> None:
    world = synced()
    world.xsoar.feed("10.0.0.1", expiration="2025-12-01T00:00:00Z")
    fetch(world)
    assert "expired" in run(world, indicator="10.0.0.1").outputs[0]["reason"]
    assert run(world, indicator="10.0.0.1", expiration="in 7 days").outputs[0]["status"] == "pushed"
    due = world.xdr.rules["10.0.0.1"]["expiration_date"]
    fetch(world)
    assert world.xdr.rules["10.0.0.1"]["expiration_date"] == due
    world.xsoar.feed("10.0.0.1", expiration="2031-01-01T00:00:00Z")
    fetch(world)
    assert world.xdr.rules["10.0.0.1"]["expiration_date"] == epoch_ms("2031-01-01T00:00:00Z")


def test_comment_goes_out_through_the_chosen_field_with_the_link() -> None:
    world = synced(xsoar_comments_field="indicator_link,notes")
    run(world, indicator="10.0.0.1", comment="case 7")
    text = world.xdr.rules["10.0.0.1"]["comment"]
    assert text.startswith("case 7, https://xsoar.example/")
    fetch(world, 2)
    assert world.xdr.rules["10.0.0.1"]["comment"] == text
    assert "notes" not in world.xsoar.by_value("10.0.0.1")["CustomFields"]


def test_disabled_ioc_stays_disabled_with_overrides() -> None:
    world = synced(shows_own=True)
    world.xdr.operate("10.0.0.1", status="DISABLED")
    fetch(world)
    run(world, indicator="10.0.0.1", severity="low")
    fetch(world, 2)
    rule = world.xdr.rules["10.0.0.1"]
    assert (rule["status"], rule["severity"]) == ("DISABLED", "LOW")
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdriocstatus"] == "disabled"


@pytest.mark.parametrize("more", [{}, {"severity": "low"}])
def test_deleted_ioc_comes_back_by_name_and_is_shown_as_enabled(more: dict[str, Any]) -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", deleted=True)
    fetch(world)
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdriocstatus"] == "deleted"
    run(world, indicator="10.0.0.1", **more)
    fetch(world, 2)
    assert not world.xdr.rules["10.0.0.1"].get("deleted")
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdriocstatus"] == "enabled"


steps: Any = st.one_of(
    st.tuples(st.just("push"), st.fixed_dictionaries({}, optional={
        "severity": st.sampled_from(["low", "critical"]), "expiration": st.sampled_from(["never", "in 9 days"]),
        "comment": st.sampled_from(["one", "two"])})),
    st.tuples(st.just("feed"), st.sampled_from([{"sourceoriginalseverity": "low"}, {"sourceoriginalseverity": "high"},
        {"expiration": "2028-01-01T00:00:00Z"}, {"xdriocstatus": "disabled"}])),
    st.tuples(st.just("operate"), st.sampled_from([{"severity": "INFO"}, {"status": "DISABLED"}, {"comment": "op"},
        {"deleted": True}])),
    st.tuples(st.just("fetch"), st.just({})),
)  # fmt: skip


@given(st.booleans(), st.lists(steps, max_size=8))
@rounds(max_examples=60, deadline=None)
def test_after_any_story_both_sides_settle(shows_own: bool, story: list[tuple[str, dict[str, Any]]]) -> None:
    world = synced(1, shows_own=shows_own, override_severity="false")
    acts = {
        "push": lambda more: run(world, indicator="10.0.0.0", **more),
        "feed": lambda more: world.xsoar.feed("10.0.0.0", **more),
        "operate": lambda more: world.xdr.operate("10.0.0.0", **more),
        "fetch": lambda more: fetch(world),
    }
    for name, more in story:
        world.clock.advance(100)
        acts[name](more)
    fetch(world, 3)
    settled = (world.xdr.writes(), copy.deepcopy(world.xsoar.docs))
    fetch(world, 2)
    assert (world.xdr.writes(), world.xsoar.docs) == settled


# ---- by query


def test_query_is_pushed_newest_first_whatever_the_sync_query_says() -> None:
    world = synced()
    for number in range(9):
        world.xsoar.add(f"10.5.0.{number}", score=1)
    world.xsoar.add("only.example", "Domain")
    before, state = len(world.xdr.inserted()), world.xsoar.state()
    result = run(world, query=QUERY)
    sent = [record["indicator"] for record in world.xdr.inserted()[before:]]
    assert sent == [f"10.5.0.{n}" for n in range(8, -1, -1)] + [f"10.0.0.{n}" for n in range(4, -1, -1)]
    assert result.outputs == {
        "query": QUERY, "complete": True, "found": 14, "looked_at": 14, "pushed": 14, "rejected": 0,
        "stay_deleted": 0, "next": "", "note": "",
    }  # fmt: skip
    after = world.xsoar.state()
    assert all(after[name] == state[name] for name in ("fresh", "bulk", "inbound", "epoch", "counts"))


def test_query_goes_on_where_the_time_of_a_command_ended() -> None:
    world = synced(30, max_requests_in_flight="1")
    slowly(world, 10)
    before, after, looked_at = len(world.xdr.inserted()), "", []
    for _ in range(20):
        result = run(world, budget=25, query=QUERY, after=after, severity="low")
        looked_at.append(result.outputs["looked_at"])
        after = result.outputs["next"]
        if not after:
            break
        assert f"after={after}`" in result.readable_output and "severity=low" in result.readable_output
        assert not result.outputs["complete"] and "time" in result.outputs["note"]
    assert looked_at == [12, 24, 30]
    sent = [record["indicator"] for record in world.xdr.inserted()[before:]]
    assert len(sent) == len(set(sent)) == 30


def test_query_that_fails_tells_how_far_it_got_and_how_to_go_on() -> None:
    world = synced(12, max_requests_in_flight="1")
    insert, calls = world.xdr.insert, iter([False, True])

    def failing(records: Any) -> Any:
        if next(calls, False):
            raise busy("Cortex XDR answered 502")
        return insert(records)

    world.xdr.insert = failing  # type: ignore[method-assign]
    with pytest.raises(DemistoException, match=r"502.*4 of 12.*after=\S+$") as told:
        run(world, query=QUERY)
    after = str(told.value).rpartition("after=")[2]
    assert run(world, query=QUERY, after=after).outputs["pushed"] == 8
    assert set(world.xdr.sent().values()) == {2}


def test_query_at_the_limit_of_the_tenant_is_no_failure() -> None:
    world = synced(3)

    def limited(records: Any) -> Any:
        raise XDRPausedError("Cortex XDR answered 429", 429)

    world.xdr.insert = limited  # type: ignore[method-assign]
    outputs = run(world, query=QUERY).outputs
    assert (outputs["complete"], outputs["pushed"], outputs["note"]) == (False, 0, "Cortex XDR answered 429")


def test_query_leaves_deleted_what_xdr_deleted_until_it_is_changed() -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", deleted=True)
    fetch(world)
    result = run(world, query=QUERY)
    assert (result.outputs["pushed"], result.outputs["stay_deleted"]) == (4, 1)
    assert "by name" in result.readable_output
    assert world.xdr.rules["10.0.0.1"]["deleted"]
    world.xsoar.edit("10.0.0.1", comments="wanted again")
    assert run(world, query=QUERY).outputs["pushed"] == 5
    assert not world.xdr.rules["10.0.0.1"].get("deleted")


def test_query_tells_what_changed_while_it_went_on() -> None:
    world = synced(12, max_requests_in_flight="1")
    insert = world.xdr.insert

    def meddling(records: Any) -> Any:
        world.xsoar.feed("10.0.0.0", note=str(len(world.xdr.requests)))
        return insert(records)

    world.xdr.insert = meddling  # type: ignore[method-assign]
    result = run(world, query=QUERY)
    assert (result.outputs["found"], result.outputs["looked_at"]) == (12, 11)
    assert "1 were changed or went away" in result.readable_output


def test_query_that_finds_nothing_or_is_refused_says_so() -> None:
    world = synced()
    world.xsoar.queries["type:None"] = lambda doc: False
    assert "finds no indicator" in run(world, query="type:None").readable_output
    search = world.xsoar.search

    def refusing(query: str = "", **more: Any) -> dict[str, Any]:
        if "broken" in query:
            raise ValueError("syntax")
        return search(query=query, **more)

    world.xsoar.search = refusing  # type: ignore[method-assign,assignment]
    with pytest.raises(ValueError, match=r"'query': XSOAR refuses 'broken\(': syntax"):
        run(world, query="broken(")


def test_query_whose_listing_has_no_positions_is_not_cut_off_in_silence() -> None:
    world = synced(12)
    world.xsoar.gives_position = False
    with pytest.raises(DemistoException, match="searchAfter"):
        run(world, query=QUERY)


def test_killed_push_by_query_loses_nothing_when_it_is_run_again() -> None:
    kills = 0
    for step in range(200):
        world = synced(6)
        world.xdr.refuses["10.0.0.3"] = "no"
        world.wire.kill_at = world.wire.calls + step
        try:
            run(world, query=QUERY, severity="low")
        except Killed:
            kills += 1
        else:
            break
        world.wire.kill_at = None
        outputs = run(world, query=QUERY, severity="low").outputs
        assert (outputs["pushed"], outputs["rejected"]) == (5, 1)
        held = {value: rule["severity"] for value, rule in world.xdr.rules.items()}
        assert held == {f"10.0.0.{n}": "HIGH" if n == 3 else "LOW" for n in range(6)}
        fetch(world)
        assert {value: rule["severity"] for value, rule in world.xdr.rules.items()} == held
    assert kills > 10


# ---- ahead of the bulk


@pytest.mark.parametrize("args", [{"indicator": "10.0.0.0"}, {"query": "value:10.0.0.0"}])
def test_push_by_hand_during_an_open_first_sync_delivers_at_once_and_moves_no_cursor(args: dict[str, Any]) -> None:
    world = World(max_requests_in_flight="1")
    world.add_many(40)
    world.xsoar.queries["value:10.0.0.0"] = lambda doc: doc["value"] == "10.0.0.0"
    slowly(world, 100)
    run(world, "fetch-indicators", budget=150)
    state = world.xsoar.state()
    assert state["bulk"]["open"] and "10.0.0.0" not in world.xdr.rules
    run(world, **args)
    assert "10.0.0.0" in world.xdr.rules and len(world.xdr.rules) < 20
    after = world.xsoar.state()
    assert all(after[name] == state[name] for name in ("fresh", "bulk", "inbound", "epoch", "counts"))
    run(world, "fetch-indicators", budget=1e6)
    assert len(world.xdr.rules) == 40


# ---- dry


@pytest.mark.parametrize("args", [{}, {"indicator": "10.0.0.1,::1,nowhere.example"}, {"query": QUERY}])
@pytest.mark.parametrize("begun", [False, True])
def test_dry_run_changes_nothing_anywhere(args: dict[str, Any], begun: bool) -> None:
    world = synced() if begun else World()
    world.xsoar.queries[QUERY] = lambda doc: doc["indicator_type"] == "IP"
    world.add_many(8)
    world.xsoar.add("::1", "IPv6")
    before, calls = everything(world), len(world.xdr.requests)
    outputs = run(world, dry_run="true", severity="low" if args else "", **args).outputs
    assert everything(world) == before and len(world.xdr.requests) == calls
    assert outputs["complete"] and outputs["would_push"] > 0


def test_dry_run_tells_what_the_push_then_does() -> None:
    world = synced()
    for number in range(3):
        world.xsoar.add(f"d{number}.example", "Domain")
    world.xsoar.add("::1", "IPv6")
    world.xsoar.add("::2", "IPv6")
    dry = run(world, dry_run="true")
    assert (dry.outputs["would_push"], dry.outputs["would_set_aside"], dry.outputs["without_news"]) == (3, 2, 0)
    assert dry.outputs["Type"] == [{"type": "DOMAIN_NAME", "count": 3}]
    assert dry.outputs["Verdict"] == [{"verdict": "BAD", "count": 3}]
    (reason,) = dry.outputs["Reason"]
    assert (reason["count"], reason["example"]) == (2, "::1") and "IPv6" in reason["reason"]
    assert "nothing was sent" in dry.readable_output
    assert run(world).outputs == {"pushed": 3, "rejected": 2, "no_news": 0}
    assert run(world, dry_run="true").outputs["would_push"] == 0


def test_dry_run_during_an_open_first_sync_counts_fresh_and_bulk() -> None:
    world = World(max_requests_in_flight="1")
    world.add_many(12)
    slowly(world, 100)
    run(world, "fetch-indicators", budget=50)
    world.xsoar.add("10.7.7.7")
    left = 13 - len(world.xdr.rules)
    assert run(world, dry_run="true").outputs["would_push"] == left > 1


def test_dry_run_without_time_says_that_it_is_not_complete() -> None:
    world = synced()
    for args in ({}, {"query": QUERY}):
        result = run(world, budget=-1, dry_run="true", **args)
        assert not result.outputs["complete"] and "time was used up" in result.readable_output


def test_tally_keeps_a_bounded_number_of_reasons_and_records() -> None:
    tally = Tally()
    record = {"indicator": "10.0.0.1", "type": "IP", "severity": "LOW", "reputation": "BAD", "expiration_date": -1}
    for number in range(200):
        tally.add(2, PagePlan([record], [], [(f"::{number}", "IPv6", f"reason {number}")], {}, 0))
    assert (tally.looked_at, tally.would_push, tally.would_set_aside) == (400, 200, 200)
    assert len(tally.records) == 50 and len(tally.reasons) == REASONS_KEPT + 1
    assert sum(count for count, _ in tally.reasons.values()) == 200


# ---- time line


def test_push_by_name_leaves_a_line_on_what_was_pushed() -> None:
    world = synced()
    world.xdr.refuses["10.0.0.2"] = "no"
    result = run(world, indicator="10.0.0.1,10.0.0.2,nowhere.example", severity="low")
    assert result.to_context()["IndicatorTimeline"] == [
        {"Value": "10.0.0.1", "Category": "Integration Update",
         "Message": "Pushed to Cortex XDR by command with severity=LOW"}
    ]  # fmt: skip
    assert load_memory(world.xsoar.by_value("10.0.0.2")["CustomFields"], "") is None
