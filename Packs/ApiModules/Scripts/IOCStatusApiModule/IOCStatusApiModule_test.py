"""The answer to "is it in sync" from states that were written by hand."""

from dataclasses import asdict
from typing import Any

import pytest
from IOCStatusApiModule import (
    ERRORS_KEPT,
    RUNS_KEPT,
    RunLine,
    SyncFacts,
    WaitingChanges,
    epoch_seconds,
    first_sync_eta,
    in_words,
    moment_in_words,
    reason_kind,
    rejects_by_reason,
    removal_in_words,
    run_figures,
    sync_verdict,
    with_run,
)

NOW = epoch_seconds("2026-11-20T12:00:00Z")


def run(when: str = "2026-11-20T11:58:00Z", **more: Any) -> RunLine:
    figures = dict.fromkeys(("pushed", "taken", "removed", "set_aside", "first_sync", "requests", "throttled"), 0)
    words = {"by": "fetch-indicators", "error": "", "note": ""}
    return RunLine(**{"when": when, "seconds": 10.0, **figures, **words, **more})


def facts(**more: Any) -> SyncFacts:
    known = {"interval_seconds": 1200, "run_seconds": 150, "rate": 8, "sends": True, "fetches": True}
    return SyncFacts(**{"now": NOW, "query_mark": "q", **known, **more})


DAY = "2026-11-19T00:00:00Z"
TEN, ELEVEN = "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"


def fresh_state(**more: Any) -> dict[str, Any]:
    return {
        "query": "q",
        "bulk": {"open": False, "done": 10, "total": 10, "started": DAY, "finished": DAY},
        "fresh": {"edge": None},
        "last": {"run": "2026-11-20T11:58:10Z"},
        **more,
    }


def good(state: dict[str, Any], when: str) -> dict[str, Any]:
    state = {**state, "last": {**state["last"], "run": when}}
    return with_run(state, run(when), {"inbound": when, "outbound": when}, whole=True, decides=True)


def failed(state: dict[str, Any], when: str, error: str = "Cortex XDR answered 500") -> dict[str, Any]:
    state = {**state, "last": {**state["last"], "run": when}}
    return with_run(state, run(when, error=error), {}, whole=False, decides=True)


def early(state: dict[str, Any], when: str, note: str = "429 until the end") -> dict[str, Any]:
    state = {**state, "last": {**state["last"], "run": when}}
    return with_run(state, run(when, note=note), {"inbound": when}, whole=False, decides=True)


# ---- after a run


def test_run_lists_are_bounded_and_failing_since_is_the_first_of_the_latest_failures() -> None:
    state = good(fresh_state(), "2026-11-20T00:00:00Z")
    for minute in range(30):
        state = failed(state, f"2026-11-20T01:{minute:02}:00Z")
    assert (len(state["runs"]), len(state["errors"])) == (RUNS_KEPT, ERRORS_KEPT)
    assert state["runs"][-1]["when"] == state["errors"][-1]["when"] == "2026-11-20T01:29:00Z"
    assert state["failing_since"] == state["behind_since"] == "2026-11-20T01:00:00Z"
    assert state["whole"] == "2026-11-20T00:00:00Z"
    state = early(state, "2026-11-20T02:00:00Z")
    assert (state["failing_since"], state["behind_since"]) == (None, "2026-11-20T01:00:00Z")
    state = good(state, "2026-11-20T03:00:00Z")
    assert (state["failing_since"], state["behind_since"], state["whole"]) == (None, None, "2026-11-20T03:00:00Z")


def test_run_that_does_not_decide_leaves_the_verdict_alone_and_moves_what_is_through() -> None:
    state = failed(good(fresh_state(), "2026-11-20T10:00:00Z"), "2026-11-20T11:00:00Z")
    after = with_run(state, run(by="push"), {"outbound": "2026-11-20T11:58:00Z"}, whole=True, decides=False)
    kept = ("failing_since", "behind_since", "whole", "errors")
    assert {name: after[name] for name in kept} == {name: state[name] for name in kept}
    assert after["through"] == {"inbound": "2026-11-20T10:00:00Z", "outbound": "2026-11-20T11:58:00Z"}
    assert after["runs"][-1] == asdict(run(by="push"))


# ---- the answer


def test_in_sync_tells_up_to_when_the_changes_of_each_side_have_arrived() -> None:
    found = sync_verdict(
        good(fresh_state(), "2026-11-20T11:58:00Z"), facts(), WaitingChanges(3, "2026-11-20T11:59:00Z")
    )
    assert (found.in_sync, found.reason, found.since) == (True, "in sync", None)
    assert "in XSOAR up to 2026-11-20 11:58:00 UTC (2 minutes ago) is in Cortex XDR." in found.why
    assert "in Cortex XDR up to 2026-11-20 11:58:00 UTC (2 minutes ago) is in XSOAR." in found.why


def test_state_of_an_older_version_without_runs_is_in_sync_too() -> None:
    found = sync_verdict(fresh_state(), facts())
    assert found.in_sync and "The last run ended 2026-11-20 11:58:10 UTC (1 minute ago) without an error." in found.why


def test_never_run_says_so_and_names_the_parameter_that_keeps_it_from_running() -> None:
    state: dict[str, Any] = {"query": "", "bulk": None, "fresh": None, "last": {}}
    assert sync_verdict(state, facts())[:3] == (False, "not started", None)
    assert "Fetch indicators" not in sync_verdict(state, facts()).why
    assert "'Fetch indicators' is off" in sync_verdict(state, facts(fetches=False)).why


def test_failing_tells_since_when_how_often_and_the_last_error() -> None:
    state = good(fresh_state(), "2026-11-20T10:00:00Z")
    state = failed(early(state, "2026-11-20T10:20:00Z"), "2026-11-20T10:40:00Z", "first")
    found = sync_verdict(state, facts())
    assert (found.in_sync, found.reason, found.since) == (False, "failing", "2026-11-20T10:20:00Z")
    assert found.why.startswith("The last run failed: first.")
    found = sync_verdict(failed(state, "2026-11-20T11:00:00Z", "second"), facts())
    assert found.why.startswith("Every run since then failed, 2 of them, the last with: second.")
    assert "went through began 2026-11-20 10:00:00 UTC (2 hours ago)" in found.why


def test_first_run_that_fails_says_that_none_went_through() -> None:
    state: dict[str, Any] = {"query": "", "bulk": None, "fresh": None, "last": {}}
    state = failed(state, "2026-11-20T11:59:00Z", "401")
    found = sync_verdict(state, facts())
    assert found.reason == "failing" and "401" in found.why and "No run has gone through yet." in found.why


BULK = {"open": True, "done": 40_000, "total": 100_000, "started": "2026-11-20T11:58:00Z", "finished": None}


def test_first_sync_tells_how_far_when_done_and_that_what_is_new_is_ahead() -> None:
    state = fresh_state(bulk=BULK, last={"run": "2026-11-20T11:59:00Z"})
    state = with_run(state, run(first_sync=40_000), {"outbound": "2026-11-20T11:59:00Z"}, whole=True, decides=True)
    found = sync_verdict(state, facts())
    assert (found.in_sync, found.reason, found.since) == (False, "first sync", "2026-11-20T11:58:00Z")
    assert "40,000 of about 100,000 indicators (40 %) are delivered." in found.why
    assert "does not wait for it: of that, everything changed in XSOAR up to 2026-11-20 11:59:00 UTC" in found.why
    # 60,000 are left: a run of 40,000 at 12:18, the rest of 20,000 at 12:38, in 5 of 10 seconds.
    assert first_sync_eta(state, facts()) == "2026-11-20T12:38:05Z"


def test_first_sync_eta_of_the_first_run_goes_by_the_time_since_it_began() -> None:
    assert first_sync_eta(fresh_state(bulk=BULK), facts()) == "2026-11-20T12:03:00Z"
    assert first_sync_eta(fresh_state(bulk={**BULK, "done": 0}), facts()) is None
    assert first_sync_eta(fresh_state(bulk={**BULK, "open": False}), facts()) is None


def test_query_changed_is_not_in_sync_until_the_next_run() -> None:
    state = good(fresh_state(), "2026-11-20T11:58:00Z")
    assert sync_verdict(state, facts(query_mark="other")).reason == "query changed"
    assert sync_verdict(state, facts(query_mark="other", sends=False)).in_sync


@pytest.mark.parametrize(("now", "reason"), [("2026-11-20T12:42:00Z", "in sync"), ("2026-11-20T12:43:00Z", "overdue")])
def test_overdue_when_no_run_ended_for_two_intervals_and_a_run(now: str, reason: str) -> None:
    state = good(fresh_state(), "2026-11-20T12:00:00Z")
    found = sync_verdict(state, facts(now=epoch_seconds(now)))
    assert found.reason == reason
    if reason == "overdue":
        assert found.since == "2026-11-20T12:00:00Z" and "one is due every 20 minutes" in found.why
        assert sync_verdict(state, facts(now=epoch_seconds(now), fetches=False)).in_sync


def test_overdue_comes_before_a_first_sync_that_nobody_goes_on_with() -> None:
    bulk = {"open": True, "done": 40_000, "total": 100_000, "started": "2026-11-20T09:00:00Z", "finished": None}
    state = fresh_state(bulk=bulk, last={"outbound": "2026-11-20T09:10:00Z"})
    found = sync_verdict(state, facts())
    assert (found.reason, found.since) == ("overdue", "2026-11-20T09:00:00Z")
    assert "No run has ended for 2 hours" in found.why and "40,000 of about 100,000" in found.why
    state = fresh_state(bulk=bulk, last={"outbound": "2026-11-20T11:58:00Z"})
    assert sync_verdict(state, facts()).reason == "first sync"


def test_failing_tells_that_no_run_came_after_the_failure() -> None:
    state = failed(good(fresh_state(), TEN), "2026-11-20T10:20:00Z")
    assert "No run has ended for 1 hour." in sync_verdict(state, facts()).why
    assert "No run has ended" not in sync_verdict(failed(state, "2026-11-20T11:58:00Z"), facts()).why


def test_behind_tells_why_the_run_ended_early() -> None:
    found = sync_verdict(early(good(fresh_state(), "2026-11-20T11:00:00Z"), "2026-11-20T11:50:00Z"), facts())
    assert (found.reason, found.since) == ("behind", "2026-11-20T11:50:00Z") and "429 until the end" in found.why


@pytest.mark.parametrize(
    ("more", "oldest", "reason"),
    [
        ({}, "2026-11-20T11:59:00Z", "in sync"),
        ({}, "2026-11-20T11:57:00Z", "in sync"),
        ({}, "2026-11-20T11:50:00Z", "waiting"),
        ({"sends": False}, "2026-11-20T11:59:00Z", "waiting"),
        ({"fetches": False}, "2026-11-20T11:59:00Z", "waiting"),
    ],
)
def test_waiting_changes_count_when_nothing_sends_them_or_a_run_missed_them(
    more: dict[str, Any], oldest: str, reason: str
) -> None:
    state = good(fresh_state(), "2026-11-20T11:58:00Z")
    found = sync_verdict(state, facts(**more), WaitingChanges(2, oldest))
    assert found.reason == reason
    assert found.since == (None if found.in_sync else oldest)
    assert sync_verdict(state, facts(**more), WaitingChanges(0, None)).in_sync


# ---- figures and words


def test_run_figures_are_those_of_the_last_run_and_the_speed_that_of_the_largest() -> None:
    state = with_run(fresh_state(), run(pushed=500, seconds=4.0, requests=20), {}, whole=True, decides=True)
    state = with_run(state, run(pushed=1, requests=3, throttled=2, seconds=2.0), {}, whole=True, decides=True)
    assert run_figures(state, 8) == {
        "throughput": 125.0,
        "requests": 3,
        "requests_per_second": 1.0,
        "requests_per_second_allowed": 8,
        "requests_per_second_of_tenant": 10,
        "requests_throttled": 2,
    }
    assert run_figures(fresh_state(), 8)["throughput"] is None


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Cortex XDR takes MD5 and SHA-256, not SHA-1", "Cortex XDR takes MD5 and SHA-256, not SHA-1"),
        ("expired at 2026-01-01T00:00:00.123Z", "expired at ..."),
        ("severity 'nonsense' is not one of low, high", "severity ... is not one of low, high"),
        ("Expiration time 1696150302000 is invalid", "Expiration time ... is invalid"),
        ("Got type: IP, Indicator: bad.example mismatch", "Got type: IP, Indicator: ... mismatch"),
    ],
)
def test_reason_kind_has_nothing_of_the_record(reason: str, kind: str) -> None:
    assert reason_kind(reason, "bad.example") == kind


def test_rejects_are_counted_by_reason_and_way_with_the_newest_as_example() -> None:
    rejects = {
        "a": {"reason": "expired at 2026-01-01", "direction": "to XDR", "when": TEN},
        "b": {"reason": "no type", "direction": "from XDR", "when": TEN},
        "c": {"reason": "expired at 2026-01-02", "direction": "to XDR", "when": ELEVEN},
    }
    assert rejects_by_reason(rejects) == [
        {"reason": "expired at ...", "direction": "to XDR", "records": 2, "example": "c", "newest": ELEVEN},
        {"reason": "no type", "direction": "from XDR", "records": 1, "example": "b", "newest": TEN},
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (59.9, "59 seconds"), (60, "1 minute"), (7300, "2 hours"), (200_000, "2 days")],
)
def test_in_words_is_the_largest_whole_unit(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_moment_in_words_past_future_and_never() -> None:
    assert moment_in_words("2026-11-20T11:58:00.123Z", NOW) == "2026-11-20 11:58:00 UTC (2 minutes ago)"
    assert moment_in_words("2026-11-20T14:00:00Z", NOW) == "2026-11-20 14:00:00 UTC (in 2 hours)"
    assert moment_in_words(None, NOW) == "never"


REMOVAL: dict[str, Any] = {
    "policy": "delete",
    "held": "",
    "held_since": None,
    "cap": 2_000,
    "on_record": [{"phase": "done", "iocs": 1}, {"phase": "restored", "iocs": 9}],
    "by_reason": [{"reason": "expired", "candidates": 1_501, "removed": 1, "held_back": 1_500}],
}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "1 IOC is removed (policy 'delete'), the last run removed 1; "),
        ({"policy": "leave"}, "Nothing is removed from Cortex XDR by itself: the removal policy is 'leave'."),
        (
            {"held": "the query finds less.", "held_since": TEN},
            "Removal is held since 2026-11-20 10:00:00 UTC (2 hours ago): the",
        ),
        ({"held": "no total"}, "Removal is held: no total. `!xdr-iocs-remove` shows what it is about."),
        ({"held": "run `!xdr-iocs-remove`"}, "Removal is held: run `!xdr-iocs-remove`."),
    ],
)
def test_removal_in_words_tells_what_was_removed_or_why_nothing(more: dict[str, Any], words: str) -> None:
    told = removal_in_words({**REMOVAL, **more}, NOW)
    assert told.startswith(words) and (more or told.endswith("more wait for the cap of 2,000 per run."))
