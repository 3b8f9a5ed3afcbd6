"""What may be removed, row by row of the table and for all combinations, and the record of it."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IOCRemovalApiModule import (
    DO_BRING_BACK,
    DO_NOTE_DONE,
    DO_NOTE_RESTORED,
    DO_NOTE_RETURNED,
    DO_NOTHING,
    DO_REMOVE,
    DO_WITHDRAW,
    DONE,
    GONE_DELETED,
    GONE_EXPIRED,
    GONE_JUDGED,
    GONE_OUTSIDE,
    INTENT,
    REMOVAL_ECHO_MS,
    REMOVAL_MOST_PER_RUN,
    REMOVAL_PHASES,
    REMOVAL_REASONS,
    REMOVAL_SOURCES_COUNTED,
    REMOVALS_KEPT,
    RESTORED,
    RETURNED,
    AwayIocs,
    HeldIoc,
    RemovalRules,
    RemovedIoc,
    Wish,
    added_sources,
    look_is_due,
    new_removal_record,
    pruned_record,
    removal_hold,
    removal_intent,
    removal_status,
    removal_step,
    removed_entry,
    rows_of_others,
    with_intents,
    with_phase,
    with_returned,
    without_intents,
)

NOW = 1_800_000_000_000
STALE = 210_000
HOUR = 3_600_000
RULES = RemovalRules(
    "disable", 5, 24 * HOUR, frozenset(REMOVAL_REASONS), frozenset({"XSOAR TIM"}), frozenset({"IP", "HASH"})
)
HELD = HeldIoc("1.2.3.4", "IP", "HIGH", "BAD", "A", -1, -1, "", "ENABLED", "XSOAR TIM", "", NOW - HOUR)
WANTED, KEPT = Wish(True, True, False, False, "BAD"), Wish(True, False, True, False, "BAD")
OUTSIDE_WISH, UNKNOWN = Wish(True, False, False, False, "BAD"), Wish(False, False)
OFF, FOREIGN = HELD._replace(status="DISABLED"), HELD._replace(source="Public API user (key #2)")
CHANGED = HELD._replace(modified=NOW - 60_000)
RUNNING_DOWN = HELD._replace(expiration=NOW + 60_000, expires=NOW + 60_000)


def entry(phase: str = DONE, when: int = NOW - HOUR, **more: Any) -> RemovedIoc:
    made = removal_intent(HELD, RULES, GONE_EXPIRED, when, None)
    return made._replace(phase=phase, **more)


ENDING = entry(DONE, policy="expire", changed_to=NOW + 60_500)


def step(
    wish: Wish, held: HeldIoc | None, found: RemovedIoc | None, rules: RemovalRules = RULES, now: int = NOW
) -> tuple[str, str]:
    return tuple(removal_step(wish, held, found, rules, now, STALE))  # type: ignore[return-value]


# ---- the table


@pytest.mark.parametrize(
    ("wish", "held", "found", "expected"),
    [
        (OUTSIDE_WISH, HELD, entry(INTENT, NOW - 1000), DO_NOTHING),
        (WANTED, OFF, entry(INTENT, NOW - 1000), DO_NOTHING),
        (WANTED, HELD, entry(INTENT), DO_WITHDRAW),
        (WANTED, HELD, entry(DONE), DO_NOTE_RETURNED),
        (WANTED, OFF, entry(INTENT), DO_BRING_BACK),
        (WANTED, OFF, entry(DONE), DO_BRING_BACK),
        (WANTED, None, entry(DONE, policy="delete"), DO_BRING_BACK),
        (WANTED, None, entry(INTENT, policy="delete"), DO_BRING_BACK),
        (WANTED, OFF, entry(RESTORED), DO_NOTHING),
        (WANTED, OFF, entry(RETURNED), DO_NOTHING),
        (WANTED, OFF, None, DO_NOTHING),
        (OUTSIDE_WISH, None, entry(INTENT, policy="delete"), DO_NOTE_DONE),
        (OUTSIDE_WISH, None, entry(INTENT), DO_WITHDRAW),
        (KEPT, None, entry(INTENT), DO_WITHDRAW),
        (OUTSIDE_WISH, OFF, entry(INTENT), DO_NOTE_DONE),
        (KEPT, OFF, entry(INTENT), DO_NOTE_DONE),
        (KEPT, HELD, entry(INTENT), DO_WITHDRAW),
        (KEPT, HELD, entry(DONE), DO_NOTHING),
        (KEPT, HELD, None, DO_NOTHING),
        (OUTSIDE_WISH, HELD, entry(RESTORED), DO_NOTHING),
        (OUTSIDE_WISH, FOREIGN, entry(INTENT), DO_WITHDRAW),
        (OUTSIDE_WISH, FOREIGN, None, DO_NOTHING),
        (OUTSIDE_WISH, None, None, DO_NOTHING),
        (OUTSIDE_WISH, OFF, None, DO_NOTHING),
        (OUTSIDE_WISH, OFF, entry(DONE), DO_NOTHING),
        (OUTSIDE_WISH, CHANGED, entry(DONE), DO_NOTE_RESTORED),
        (OUTSIDE_WISH, HELD._replace(modified=0), entry(DONE, modified=0), DO_NOTE_RESTORED),
        (OUTSIDE_WISH, HELD, entry(DONE), DO_REMOVE),
        (OUTSIDE_WISH, RUNNING_DOWN, ENDING, DO_NOTHING),
        (OUTSIDE_WISH, RUNNING_DOWN, ENDING._replace(phase=INTENT), DO_NOTE_DONE),
        (KEPT, RUNNING_DOWN, ENDING._replace(phase=INTENT), DO_NOTE_DONE),
        (WANTED, RUNNING_DOWN, ENDING, DO_BRING_BACK),
        (WANTED, RUNNING_DOWN, ENDING._replace(phase=INTENT), DO_BRING_BACK),
        (OUTSIDE_WISH, RUNNING_DOWN, ENDING._replace(phase=RETURNED), DO_REMOVE),
        (OUTSIDE_WISH, HELD, entry(INTENT), DO_REMOVE),
        (OUTSIDE_WISH, HELD, entry(RETURNED), DO_REMOVE),
        (OUTSIDE_WISH, HELD, None, DO_REMOVE),
        (UNKNOWN, HELD, None, DO_REMOVE),
    ],
)
def test_step_of_each_line_of_the_table(
    wish: Wish, held: HeldIoc | None, found: RemovedIoc | None, expected: str
) -> None:
    assert step(wish, held, found)[0] == expected


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (UNKNOWN, GONE_DELETED),
        (Wish(True, False, False, True, "GOOD"), GONE_EXPIRED),
        (Wish(True, False, False, False, "GOOD"), GONE_JUDGED),
        (OUTSIDE_WISH, GONE_OUTSIDE),
    ],
)
def test_step_tells_the_reason_and_does_nothing_for_one_that_is_not_chosen(wish: Wish, reason: str) -> None:
    assert step(wish, HELD, None) == (DO_REMOVE, reason)
    others = RemovalRules(**{**vars(RULES), "reasons": frozenset(REMOVAL_REASONS) - {reason}})
    assert step(wish, HELD, None, others)[0] == DO_NOTHING
    assert step(wish, HELD, entry(INTENT), others)[0] == DO_WITHDRAW


@pytest.mark.parametrize(
    "held",
    [
        HELD._replace(type="PATH"),
        HELD._replace(label="other team"),
        HELD._replace(source=""),
        HELD._replace(status=""),
        HELD._replace(status="PENDING"),
        HELD._replace(expiration=NOW, expires=NOW),
        HELD._replace(expiration=None, expires=NOW - 1),
    ],
)
def test_step_leaves_what_is_not_ours_or_not_in_force(held: HeldIoc) -> None:
    assert step(UNKNOWN, held, None)[0] == DO_NOTHING


def test_step_with_a_label_takes_only_its_own() -> None:
    labelled = RemovalRules(**{**vars(RULES), "label": "a"})
    assert step(UNKNOWN, HELD, None, labelled)[0] == DO_NOTHING
    assert step(UNKNOWN, HELD._replace(label="a"), None, labelled)[0] == DO_REMOVE


def test_step_clock_that_went_back_leaves_the_intent_alone() -> None:
    assert step(OUTSIDE_WISH, HELD, entry(INTENT, NOW + HOUR))[0] == DO_NOTHING
    assert step(OUTSIDE_WISH, HELD, entry(INTENT, NOW + 24 * HOUR))[0] == DO_REMOVE


WISHES = [
    Wish(known, wanted and known, kept and known, expired, verdict)
    for known, wanted, kept, expired in itertools.product((False, True), repeat=4)
    for verdict in ("BAD", "GOOD")
]
HOLDINGS = [
    None,
    *(
        HELD._replace(status=status, expires=expires, expiration=expires, source=source, label=label, modified=modified)
        for status in ("ENABLED", "DISABLED", "")
        for expires in (-1, NOW - 1, NOW + 60_000)
        for source in ("XSOAR TIM", "someone")
        for label in ("", "other")
        for modified in (0, NOW - HOUR, NOW)
    ),
]
ENTRIES = [
    None,
    *(
        entry(phase, when, policy=policy, changed_to=NOW + 60_000 if policy == "expire" else None)
        for phase in REMOVAL_PHASES
        for when in (NOW - HOUR, NOW - 1)
        for policy in ("disable", "delete", "expire")
    ),
]


def test_step_of_every_combination_keeps_the_promises() -> None:
    for wish, held, found in itertools.product(WISHES, HOLDINGS, ENTRIES):
        word, reason = step(wish, held, found)
        case = (wish, held, found)
        away = found is not None and found.phase in (INTENT, DONE)
        young = found is not None and found.young(NOW, STALE)
        if word == DO_REMOVE:
            assert held and held.in_force(NOW) and held.source == "XSOAR TIM" and held.label == "", case
            assert not wish.wanted and not wish.kept and not young and reason in REMOVAL_REASONS, case
            assert found is None or found.phase != RESTORED, case
        else:
            assert reason == "", case
        if word == DO_BRING_BACK:
            assert wish.wanted and away and not young, case
        if word in (DO_WITHDRAW, DO_NOTE_DONE):
            assert found is not None and found.phase == INTENT and not young, case
        if wish.wanted and away and not young:
            assert word in (DO_BRING_BACK, DO_WITHDRAW, DO_NOTE_RETURNED), case
        if found is not None and found.phase == INTENT and not young:
            assert word != DO_NOTHING, case


# ---- cap, hold, interval


@pytest.mark.parametrize(
    ("percent", "found", "cap"),
    [(5, 0, 0), (5, 1, 1), (5, 100, 5), (5, 119, 5), (0.1, 100, 1), (100, 40, 40), (5, 10**6, REMOVAL_MOST_PER_RUN)],
)
def test_cap_is_a_share_of_what_the_query_finds(percent: float, found: int, cap: int) -> None:
    assert RemovalRules(**{**vars(RULES), "percent": percent}).cap(found) == cap


@pytest.mark.parametrize(
    ("before", "found", "held"),
    [
        (1_000, 950, False),
        (1_000, 949, True),
        (0, 1, False),
        (0, 0, True),
        (1_000, 0, True),
        (1_000, 5_000, False),
        (20, 10, False),
        (20, 9, True),
    ],
)
def test_hold_when_the_query_finds_far_less_than_before(before: int, found: int, held: bool) -> None:
    assert bool(removal_hold({"query": "q", "found": before}, "q", found, RULES)) is held


def test_hold_of_another_query_has_no_before_but_nothing_is_still_nothing() -> None:
    assert not removal_hold({"query": "q", "found": 1000}, "other", 3, RULES)
    assert removal_hold({"query": "q", "found": 1000}, "other", 0, RULES)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        ({"epoch": 1, "started": NOW - 1}, True),
        ({"epoch": 2, "started": NOW - HOUR}, False),
        ({"epoch": 2, "started": NOW - 25 * HOUR}, True),
        ({"epoch": 2, "started": NOW + HOUR}, True),
    ],
)
def test_look_is_due_at_first_after_a_new_start_and_after_the_interval(last: Any, due: bool) -> None:
    assert look_is_due({"last": last}, 2, 24 * HOUR, NOW) is due


def test_sources_beyond_the_bound_are_counted_together() -> None:
    counts = added_sources({}, {f"source {number}": 2 for number in range(REMOVAL_SOURCES_COUNTED + 3)})
    assert len(counts) == REMOVAL_SOURCES_COUNTED + 1 and counts["(others)"] == 6


# ---- the record


def test_record_goes_from_intent_to_done_and_an_intent_can_be_withdrawn() -> None:
    record = with_intents(new_removal_record(), {"a": entry(INTENT), "b": entry(INTENT)})
    record = with_phase(record, ["a", "absent"], DONE, NOW, (INTENT,))
    record = without_intents(record, ["a", "b"])
    found = removed_entry(record, "a")
    assert found and (found.phase, found.when, found.severity) == (DONE, NOW, "HIGH")
    assert removed_entry(record, "b") is None
    assert with_phase(record, ["a"], RETURNED, NOW, (INTENT,)) == record


def test_record_is_bounded_and_drops_what_is_over_first_and_no_intent() -> None:
    phases = [RESTORED, INTENT, DONE, RETURNED, DONE, RETURNED]
    record = with_intents(new_removal_record(), {f"v{n}": entry(phase) for n, phase in enumerate(phases)})
    assert list(pruned_record(record, 4)["entries"]) == ["v0", "v1", "v2", "v4"]
    smallest = pruned_record(record, 1)
    assert (list(smallest["entries"]), smallest["dropped"]) == (["v1"], 5)
    many = with_intents(record, {f"m{n}": entry(DONE) for n in range(REMOVALS_KEPT)})
    assert len(many["entries"]) == REMOVALS_KEPT and many["dropped"] == 6
    assert "v0" in many["entries"] and "v3" not in many["entries"]


def test_record_remembers_dropped_values_that_are_removed_still() -> None:
    record = with_intents(new_removal_record(), {"Bad.Example": entry(DONE), "b": entry(DONE), "c": entry(RETURNED)})
    small = pruned_record(record, 0)
    away = AwayIocs(small, NOW, STALE)
    assert "bad.example" in away and "b" in away and "c" not in away and len(away) == 2
    back = with_returned(small, ["bad.example"], NOW, STALE)
    assert "Bad.Example" not in AwayIocs(back, NOW, STALE) and "b" in AwayIocs(back, NOW, STALE)


def test_record_of_fingerprints_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("IOCRemovalApiModule.REMOVALS_REMEMBERED", 3)
    record = with_intents(new_removal_record(), {f"v{n}": entry(DONE) for n in range(5)})
    small = pruned_record(record, 0)
    away = AwayIocs(small, NOW, STALE)
    assert [f"v{n}" in away for n in range(5)] == [False, False, True, True, True]
    assert small["lost"] == 2


def test_away_finds_a_value_in_any_spelling_and_gives_that_of_xdr() -> None:
    record = with_intents(new_removal_record(), {"bad.example": entry(DONE), "x": entry(RESTORED)})
    away = AwayIocs(record, NOW, STALE)
    assert "Bad.Example" in away and "x" not in away
    assert away.spellings("Bad.Example") == ["Bad.Example", "bad.example"]
    assert away.spellings("other") == ["other"]


def test_returned_leaves_the_intent_of_a_run_that_may_be_at_work() -> None:
    record = with_intents(
        new_removal_record(), {"a": entry(INTENT, NOW - 1), "b": entry(INTENT), "C": entry(DONE), "d": entry(RESTORED)}
    )
    after = with_returned(record, ["a", "b", "c", "d", "e"], NOW, STALE)
    assert [row[1] for row in after["entries"].values()] == [INTENT, RETURNED, RETURNED, RESTORED]


@given(
    st.lists(
        st.tuples(st.sampled_from(["intent", "done", "returned", "restored", "withdraw"]), st.integers(0, 9)),
        max_size=40,
    )
)
def test_record_whatever_happens_every_removed_value_is_known_as_removed(events: list[tuple[str, int]]) -> None:
    record: dict[str, Any] = new_removal_record()
    away: set[str] = set()
    for moment, (what, number) in enumerate(events):
        value = f"v{number}"
        if what == "intent":
            record = pruned_record(with_intents(record, {value: entry(INTENT, NOW + moment)}), 4)
            away.add(value)
        elif what == "done":
            record = pruned_record(with_phase(record, [value], DONE, NOW + moment, (INTENT,)), 4)
        elif what == "withdraw":
            before = removed_entry(record, value)
            record = without_intents(record, [value])
            if before and before.phase == INTENT and value not in AwayIocs(record, NOW, STALE):
                away.discard(value)
        else:
            record = with_returned(record, [value], NOW + 10 * STALE, STALE, what)
            away.discard(value)
        seen = AwayIocs(record, NOW, STALE)
        assert {v for v in map("v{}".format, range(10)) if v in seen} >= away


# ---- what comes back


def row(**more: Any) -> dict[str, Any]:
    base = {"RULE_INDICATOR": "1.2.3.4", "RULE_STATUS": "DISABLED", "RULE_MODIFY_TIME": NOW, "MARKED_DELETED": 0}
    same = {"RULE_SEVERITY": "SEV_040_HIGH", "REPUTATION": "BAD", "RELIABILITY": "A", "RULE_COMMENT": ""}
    return {**base, **same, "RULE_EXPIRATION_TIME": -1, **more}


def others(found: RemovedIoc, known: bool = True, **more: Any) -> list[dict[str, Any]]:
    record = with_intents(new_removal_record(), {"1.2.3.4": found})
    return rows_of_others([row(**more)], record, frozenset({"1.2.3.4"} if known else ()))


LATER = NOW + REMOVAL_ECHO_MS + 1


@pytest.mark.parametrize("phase", [INTENT, DONE])
def test_rows_of_our_own_disable_are_left_out_also_late_when_nothing_else_differs(phase: str) -> None:
    found = entry(phase, NOW)
    assert others(found) == others(found, RULE_COMMENT="theirs") == others(found, RULE_MODIFY_TIME=LATER) == []


def test_rows_of_an_operators_edit_keep_the_edit_and_not_our_status() -> None:
    (kept,) = others(entry(DONE, NOW), RULE_MODIFY_TIME=LATER, RULE_COMMENT="theirs")
    assert (kept["RULE_STATUS"], kept["RULE_COMMENT"]) == ("ENABLED", "theirs")
    (longer,) = others(entry(DONE, NOW), RULE_MODIFY_TIME=LATER, RULE_EXPIRATION_TIME=LATER)
    assert (longer["RULE_STATUS"], longer["RULE_EXPIRATION_TIME"]) == ("ENABLED", LATER)
    (unknown,) = others(entry(DONE, NOW), known=False, RULE_MODIFY_TIME=LATER, RULE_COMMENT="theirs")
    assert unknown["RULE_STATUS"] == "DISABLED"


@pytest.mark.parametrize("more", [{"RULE_STATUS": "ENABLED"}, {"MARKED_DELETED": 1}])
def test_rows_of_what_an_operator_did_after_our_disable_stay(more: dict[str, Any]) -> None:
    assert others(entry(DONE, NOW), **more) == [row(**more)]


def test_rows_of_our_own_delete_are_left_out_and_of_a_later_one_not() -> None:
    found = entry(DONE, NOW, policy="delete")
    assert others(found, MARKED_DELETED=1) == []
    assert len(others(found, MARKED_DELETED=1, RULE_MODIFY_TIME=LATER)) == 1
    assert len(others(found, RULE_STATUS="ENABLED")) == 1


def test_rows_of_our_own_expiration_are_left_out_and_an_edit_keeps_the_former_one() -> None:
    found = entry(DONE, NOW, policy="expire", changed_to=NOW + 600_000)
    ours: dict[str, Any] = {"RULE_STATUS": "ENABLED", "RULE_EXPIRATION_TIME": NOW + 600_999}
    assert others(found, **ours) == []
    (kept,) = others(found, **ours, RULE_MODIFY_TIME=LATER, RULE_COMMENT="theirs")
    assert kept["RULE_EXPIRATION_TIME"] == -1
    assert len(others(found, RULE_STATUS="ENABLED", RULE_EXPIRATION_TIME=NOW + HOUR)) == 1


def test_rows_of_our_own_restore_are_left_out() -> None:
    assert others(entry(RESTORED, NOW), RULE_STATUS="ENABLED") == []
    assert len(others(entry(RESTORED, NOW), RULE_STATUS="DISABLED")) == 1
    assert len(others(entry(RESTORED, NOW), RULE_STATUS="ENABLED", RULE_MODIFY_TIME=LATER)) == 1


@pytest.mark.parametrize("phase", [RETURNED, ""])
def test_rows_of_values_that_are_not_removed_stay(phase: str) -> None:
    assert others(entry(phase, NOW)) == [row()]
    assert rows_of_others([row()], new_removal_record(), frozenset()) == [row()]
    assert rows_of_others([{}], new_removal_record(), frozenset()) == [{}]


# ---- figures


def test_status_of_an_instance_that_never_removed_anything_says_so() -> None:
    status = removal_status({}, new_removal_record())
    assert (status["policy"], status["removed"], status["last_look"], status["held"]) == ("leave", {}, None, "")
    assert status["on_record"] == dict.fromkeys(REMOVAL_PHASES, 0)


def test_status_has_the_figures_of_run_look_and_record() -> None:
    run = {"when": NOW, "policy": "disable", "cap": 5, "removed": {GONE_EXPIRED: 2}, "refused": 1, "note": "why"}
    last = {"started": NOW, "finished": NOW, "in_xdr": 9, "by_source": {"XSOAR TIM": 9}, "doubts": ["moved"]}
    state = {"removal": {"run": run, "last": last, "held": {"why": "too few", "since": NOW}, "look": None}}
    status = removal_status(state, with_intents(new_removal_record(), {"a": entry(DONE)}), "delete")
    assert (status["policy"], status["held"], status["removed"]) == ("delete", "too few", {GONE_EXPIRED: 2})
    assert (status["in_xdr"], status["last_look_whole"], status["on_record"][DONE]) == (9, False, 1)
