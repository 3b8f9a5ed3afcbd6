"""The pure steps of a cycle: decisions to calls, replies to outcomes, events to texts."""

from typing import Any

import pytest
import VectraResponseCycle
from VectraResponseCycle import (
    BrainReport,
    Call,
    Report,
    allowed,
    call_args,
    calls_of,
    cycle_output,
    mail_body,
    outcome_event,
    outcome_kind,
    outcome_rows,
    planned_text,
    sections,
    subject,
    timeline,
)

NOW = 1_760_000_000.0


HOST = {"id": "block host:41", "action": "block", "key": "host:41", "type": "host", "name": "fin-lap-07"}


def test_calls_of_block_without_instances_is_one_call_for_all() -> None:
    calls = calls_of({**HOST, "instances": None, "elements": {}, "args": {"ip": "10.0.0.1"}})
    assert [(call.command, call_args(call)) for call in calls] == [("vectra-block-host", {"ip": "10.0.0.1"})]


def test_calls_of_named_instances_is_one_call_each_with_its_elements() -> None:
    decision = {**HOST, "action": "unblock", "instances": ["b", "a"], "elements": {"a": ["x"], "b": ["y", "z"]}}
    assert [call_args(call) for call in calls_of({**decision, "args": {"ip": "10.0.0.1"}})] == [
        {"ip": "10.0.0.1", "elements": ["y", "z"], "using": "b"},
        {"ip": "10.0.0.1", "elements": ["x"], "using": "a"},
    ]


def test_calls_of_what_var_blocked_are_calls_of_their_own() -> None:
    decision = {**HOST, "action": "unblock", "instances": ["a", "b", "c"], "elements": {"b": ["own"], "c": []}}
    calls = calls_of({**decision, "adopt": {"a": ["x"], "b": ["y"]}, "args": {"elements": ["own"], "ip": "10.0.0.1"}})
    assert [call_args(call) for call in calls] == [
        {"ip": "10.0.0.1", "elements": ["own"], "using": "b"},
        {"ip": "10.0.0.1", "elements": ["own"], "using": "c"},
        {"ip": "10.0.0.1", "elements": ["x"], "adopt": "true", "using": "a"},
        {"ip": "10.0.0.1", "elements": ["y"], "adopt": "true", "using": "b"},
    ]
    only = {**decision, "instances": ["a"], "elements": {}, "adopt": {"a": ["x"]}}
    assert [(call.instance, call.args.get("adopt")) for call in calls_of({**only, "args": {}})] == [("a", "true")]
    anyone = {**only, "instances": None, "args": {}}
    assert [(call.instance, call.args.get("adopt")) for call in calls_of(anyone)] == [("", None), ("a", "true")]


def test_calls_of_static_destinations_releases_what_the_driver_holds() -> None:
    decision = {
        "action": "unblock",
        "key": "destinations:l",
        "type": "destinations",
        "elements": {"fw": ["192.0.2.0/24"]},
    }
    [call] = calls_of({**decision, "args": {"list": "l", "destinations": ["gone"]}})
    assert call_args(call) == {"list": "l", "destinations": ["192.0.2.0/24"], "using": "fw"}


@pytest.mark.parametrize(
    ("mode", "dry_run", "expected"),
    [
        ("act", False, ["block", "unblock"]),
        ("outside_window", False, ["block", "unblock"]),
        ("stopped", False, ["unblock"]),
        ("dry_run", False, []),
        ("act", True, []),
    ],
)
def test_allowed_mode_decides_what_is_carried_out(mode: str, dry_run: bool, expected: list[str]) -> None:
    plan = {"mode": mode, "decisions": [{"action": "block"}, {"action": "unblock"}]}
    assert [decision["action"] for decision in allowed(plan, dry_run=dry_run)] == expected


@pytest.mark.parametrize(
    ("action", "status", "contained", "kind"),
    [
        ("block", "applied", True, "contained"),
        ("block", "pending", True, "ordered"),
        ("block", "already", True, "already"),
        ("block", "already", False, "already"),
        ("block", "not_found", False, "missing"),
        ("block", "unsupported", False, "missing"),
        ("block", "failed", False, "failed"),
        ("unblock", "applied", False, "released"),
        ("unblock", "not_found", False, "released"),
        ("unblock", "pending", True, "ordered"),
        ("unblock", "failed", True, "failed"),
        ("reconcile", "pending", True, "waiting"),
        ("reconcile", "applied", False, "released"),
        ("reconcile", "not_found", False, "missing"),
    ],
)
def test_outcome_kind_accepted_is_not_done(action: str, status: str, contained: bool, kind: str) -> None:
    assert outcome_kind({"action": action, "status": status, "contained": contained}) == kind


def test_outcome_event_says_who_by_whom_as_what_and_why() -> None:
    row = {
        "action": "block", "entity": "host:41", "instance": "edr", "element": "ep-1", "reference": "77",
        "status": "failed", "reason": "agent\noffline", "time": NOW,
    }  # fmt: skip
    event = outcome_event(row, {**HOST, "reasons": ["score 80 and 70"]}, "a")
    assert event.text == "host fin-lap-07 (41) by edr (ep-1, 77): agent offline - score 80 and 70"
    assert outcome_event({**row, "instance": "", "brand": ""}, None, "a").text.startswith("host 41 by no driver")


def test_planned_text_static_list_has_no_number() -> None:
    decision = {"action": "block", "key": "destinations:l", "name": "", "reasons": ["on list l"], "instances": ["fw"]}
    assert planned_text(decision) == "block destinations l on fw: on list l"


def test_sections_are_grouped_in_a_fixed_order_and_empty_ones_left_out() -> None:
    events = [VectraResponseCycle.Event("failed", "a", "x", NOW), VectraResponseCycle.Event("contained", "a", "y", NOW)]
    assert [(group["title"], len(group["items"])) for group in sections(events)] == [("Contained", 1), ("Failed", 1)]
    assert subject(sections(events)) == "Vectra Automated Response: 1 contained, 1 failed"


def test_mail_body_long_group_is_cut_and_counted() -> None:
    body = mail_body(sections([VectraResponseCycle.Event("contained", "a", str(number), NOW) for number in range(203)]))
    assert body.startswith("Contained (203)\n- a: 0\n")
    assert body.endswith("- and 3 more")


def test_cycle_output_counts_and_states() -> None:
    report = Report(
        NOW, [BrainReport("a", "act", "ok", 2, 2, 0, 11)], [VectraResponseCycle.Event("contained", "a", "x", NOW)]
    )
    output = cycle_output(report, dry_run=False)
    assert (output["status"], output["counts"], output["brains"][0]["reads"]) == ("ok", {"contained": 1}, 11)
    assert output["timeline"] == ["08:53:20Z a: contained: x"]


@pytest.mark.parametrize("report", [Report(NOW), Report(NOW, [BrainReport("a", status="busy"), BrainReport("b")])])
def test_report_status_is_ok_unless_all_are_busy(report: Report) -> None:
    assert report.status == "ok"


@pytest.mark.parametrize("action", ["block", "unblock", "groom"])
def test_outcome_rows_error_of_an_instance_keeps_what_it_holds(action: str) -> None:
    decision = {**HOST, "action": action, "elements": {"edr": ["ep-1", "ep-2"]} if action == "unblock" else {}}
    entries = [{"Type": 4, "Contents": "login\nrefused", "ModuleName": "edr", "Brand": "Edr"}]
    rows = outcome_rows(entries, Call("x", {}, ""), decision, "a", NOW)
    assert {(row["instance"], row["status"], row["reason"]) for row in rows} == {("edr", "failed", "login refused")}
    assert [row["element"] for row in rows] == (["ep-1", "ep-2"] if action == "unblock" else [""])
    assert {row["contained"] for row in rows} == {action != "block"}


def test_outcome_rows_replies_without_outcomes_give_none() -> None:
    entries: list[dict[str, Any]] = [
        {"Type": 1, "Contents": "x"},
        {"EntryContext": None},
        {"EntryContext": {"VectraResponse.Outcome": None}},
    ]
    assert outcome_rows(entries, Call("x", {}, ""), HOST, "a", NOW) == []


def test_timeline_keeps_the_order_and_names_the_brain() -> None:
    events = [
        VectraResponseCycle.Event("problem", "", "x", NOW),
        VectraResponseCycle.Event("held_back", "a", "y", NOW + 1),
    ]
    assert timeline(Report(NOW, [], events)) == ["08:53:20Z -: problem: x", "08:53:21Z a: held back: y"]
