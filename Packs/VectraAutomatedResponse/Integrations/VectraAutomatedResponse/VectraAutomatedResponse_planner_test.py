"""The planner as a table of rows, one test per row of the decision table, and as properties over random worlds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from VectraAutomatedResponse import (
    Detection,
    DriverInstance,
    Entity,
    Facts,
    Group,
    Plan,
    Settings,
    StaticList,
    external_ips,
    group_from_item,
    new_state,
    parse_static,
    plan_cycle,
    with_absences,
    with_intents,
    with_outcomes,
    with_release,
)
from VectraAutomatedResponse_fakes_test import (
    CLOUD,
    NOW,
    PROTECTED,
    account,
    carried_out,
    detection,
    facts,
    host,
    host_item,
    row,
    settings,
)

BLOCK, UNBLOCK = "vectra_host_block", "vectra_host_unblock"
EDR = DriverInstance("edr_1", "TestResponse", frozenset({"vectra-block-host", "vectra-unblock-host"}))
HOUR = 3600


def planned(plan: Plan) -> list[str]:
    return [decision["id"] for decision in plan.decisions]


def held(plan: Plan) -> dict[str, str]:
    return {item.key: item.why for item in plan.held_back}


def plan(world: Facts, state: dict[str, Any] | None = None, now: float = NOW, **params: Any) -> Plan:
    return plan_cycle(world, state or new_state(), settings(**params), now)


def blocked(*subjects: Entity | Detection, now: float = NOW, **params: Any) -> dict[str, Any]:
    """The state after these were planned and blocked."""
    made = plan(facts(*subjects), now=now, **params)
    assert made.decisions, held(made)
    return carried_out(new_state(), made.decisions, now)


# ---- the decision table, row by row


def test_row_1_contained_member_of_the_no_block_group_is_released_in_every_mode() -> None:
    state = blocked(host(41, tags=[BLOCK]))
    groups = (Group("host", "NoBlock", frozenset({"41"})), PROTECTED[1])
    every: list[dict[str, Any]] = [
        {"explicit_unblock": "true"},
        {"emergency_stop": "true"},
        {"block_days": "sunday"},
        {},
    ]
    for params in every:
        made = plan(facts(host(41, tags=[BLOCK]), groups=groups), state, **params)
        assert planned(made) == ["unblock host:41"]
        assert "no-block group 'NoBlock'" in made.decisions[0]["reasons"][0]


def test_row_1_protection_also_reaches_what_vectra_does_not_return() -> None:
    state = blocked(host(41, tags=[BLOCK]))
    groups = (Group("host", "NoBlock", frozenset({"41"})), PROTECTED[1])
    assert planned(plan(facts(groups=groups), state)) == ["unblock host:41"]


@pytest.mark.parametrize("entry", ["PC-41", "10.0.0.42", "10.0.0.0/24"])
def test_row_2_critical_asset_by_name_address_or_network_is_never_blocked(entry: str) -> None:
    made = plan(facts(host(41, tags=[BLOCK])), critical_assets=entry)
    assert not made.decisions and "critical" in held(made)["host:41"]


@pytest.mark.parametrize("explicit", ["true", "false"])
def test_row_3_unblock_tag_releases_in_every_mode(explicit: str) -> None:
    state = blocked(host(41, tags=[BLOCK]))
    made = plan(facts(host(41, tags=[BLOCK, UNBLOCK])), state, explicit_unblock=explicit)
    assert planned(made) == ["unblock host:41"]
    assert made.decisions[0]["elements"] == {"edr_1": ["host:41@edr_1"]}


def test_row_4_defect_17_unblock_tag_holds_against_every_rule_until_the_tags_change() -> None:
    both = facts(host(41, tags=[BLOCK, UNBLOCK], threat=99, certainty=99))
    made = plan(both, host_score="1 and 1")
    assert not made.decisions and UNBLOCK in held(made)["host:41"]
    assert planned(plan(facts(host(41, tags=[BLOCK])))) == ["block host:41"]


def test_row_5_defect_17_unblock_tag_without_anything_to_do_is_silent() -> None:
    made = plan(facts(host(41, tags=[UNBLOCK])))
    assert made == Plan("act")


def test_row_6_release_by_command_holds_until_its_time_is_over() -> None:
    world, state = facts(host(41, tags=[BLOCK])), blocked(host(41, tags=[BLOCK]))
    state = with_release(state, ["host:41"], "checked", int(NOW + HOUR), NOW)
    first = plan(world, state)
    assert planned(first) == ["unblock host:41"]
    state = carried_out(state, first.decisions)
    assert not plan(world, state).decisions
    assert planned(plan(world, state, NOW + HOUR)) == ["block host:41"]


def test_row_7_entity_that_vectra_does_not_know_is_released_after_the_cycles() -> None:
    state, gone = blocked(host(41, tags=[BLOCK])), facts(absent=frozenset({"host:41"}))
    for cycle in range(2):
        for second in range(3):
            state = with_absences(state, ["host:41"], [], NOW + 300 * cycle + second)
        assert not plan(gone, state).decisions
    state = with_absences(state, ["host:41"], [], NOW + 900)
    made = plan(gone, state)
    assert planned(made) == ["unblock host:41"] and "3 cycles" in made.decisions[0]["reasons"][0]


def test_row_7_entity_that_comes_back_starts_the_count_anew() -> None:
    state = with_absences(blocked(host(41, tags=[BLOCK])), ["host:41"], [], NOW)
    assert with_absences(state, [], ["host:41"], NOW)["absent"] == {}


def test_row_8_contained_and_matching_is_kept() -> None:
    state = blocked(host(41, tags=[BLOCK]))
    assert plan(facts(host(41, tags=[BLOCK])), state) == Plan("act")


def test_row_8_defect_21_driver_added_later_gets_what_is_contained() -> None:
    state = blocked(host(41, tags=[BLOCK]))
    added = replace(EDR, instance="fw_1")
    made = plan(facts(host(41, tags=[BLOCK]), drivers=(EDR, added)), state)
    assert planned(made) == ["block host:41 at fw_1"] and made.decisions[0]["instances"] == ["fw_1"]


def test_row_8_defect_21_driver_that_failed_is_asked_again_after_its_pause() -> None:
    world, first = facts(host(41, tags=[BLOCK])), plan(facts(host(41, tags=[BLOCK])))
    state = carried_out(
        new_state(),
        first.decisions,
        answer=lambda one: [row(one, "edr_1"), row(one, "fw_1", status="failed", contained=False)],
    )
    assert not plan(world, state, NOW + 299).decisions
    assert planned(plan(world, state, NOW + 300)) == ["block host:41 at fw_1"]


@pytest.mark.parametrize(("threat", "kept"), [(80, True), (79, True), (70, True), (69, False)])
def test_row_9_hysteresis_keeps_what_only_just_went_down(threat: int, kept: bool) -> None:
    state = blocked(host(41, threat=85, certainty=85), host_score="80 and 80")
    later = plan(facts(host(41, threat=threat, certainty=85)), state, NOW + 2 * HOUR, host_score="80 and 80")
    assert planned(later) == ([] if kept else ["unblock host:41"])


def test_row_9_hysteresis_does_not_keep_what_another_rule_brought_in() -> None:
    state = blocked(host(41, tags=[BLOCK], threat=75, certainty=85), host_score="80 and 80")
    later = plan(facts(host(41, threat=75, certainty=85)), state, host_score="80 and 80")
    assert planned(later) == ["unblock host:41"]


def test_row_10_release_only_by_tag_keeps_without_a_rule() -> None:
    state = blocked(host(41, tags=[BLOCK]))
    assert not plan(facts(host(41)), state, explicit_unblock="true").decisions


def test_row_11_minimum_block_time_holds_for_automatic_rules_only() -> None:
    scored = blocked(host(41, threat=90, certainty=90), host_score="80 and 80")
    assert not plan(facts(host(41)), scored, NOW + 59 * 60, host_score="80 and 80").decisions
    assert planned(plan(facts(host(41)), scored, NOW + 60 * 60, host_score="80 and 80")) == ["unblock host:41"]
    tagged = blocked(host(41, tags=[BLOCK]))
    assert planned(plan(facts(host(41)), tagged, NOW + 60)) == ["unblock host:41"]


def test_row_12_defect_22_release_goes_to_the_drivers_that_hold_something() -> None:
    first = plan(facts(host(41, tags=[BLOCK])))
    state = carried_out(
        new_state(),
        first.decisions,
        answer=lambda one: [row(one, "edr_1", element="a"), row(one, "fw_1", status="not_found", contained=False)],
    )
    made = plan(facts(host(41)), state)
    assert made.decisions[0]["instances"] == ["edr_1"] and made.decisions[0]["elements"] == {"edr_1": ["a"]}
    assert "was: carries the tag 'vectra_host_block'" in made.decisions[0]["reasons"]


@pytest.mark.parametrize("area", ["groups", "hosts"])
def test_row_13_nothing_is_released_or_blocked_on_what_could_not_be_read(area: str) -> None:
    state = blocked(host(41, tags=[BLOCK]))
    made = plan(facts(host(41), host(42, tags=[BLOCK]), unread={area: "Vectra answered 500"}), state)
    assert not made.decisions and "could not be read" in held(made)["host:42"]
    assert any("Vectra answered 500" in error for error in made.errors)


def test_row_13_unread_lists_do_not_stop_a_person() -> None:
    state = blocked(host(41, tags=[BLOCK]))
    made = plan(facts(host(41, tags=[UNBLOCK]), unread={"hosts": "500"}), state)
    assert planned(made) == ["unblock host:41"]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (PROTECTED[1:], "no group of hosts named 'NoBlock'"),
        ((Group("host", "noblock", frozenset({"1"})), PROTECTED[1]), "did you mean 'noblock'"),
        ((Group("host", "NoBlock-old", frozenset({"1"})), PROTECTED[1]), "no group of hosts named 'NoBlock'"),
        ((Group("account", "NoBlock", frozenset({"1"})), PROTECTED[1]), "no group of hosts"),
        ((Group("host", "NoBlock", frozenset()), PROTECTED[1]), "has no members"),
        ((Group("host", "NoBlock", None, "still working"), PROTECTED[1]), "still working"),
    ],
)
def test_row_14_defect_20_no_block_group_that_cannot_be_relied_on_stops_new_blocks_only(
    groups: tuple[Group, ...], said: str
) -> None:
    state = blocked(host(40, tags=[BLOCK]))
    made = plan(
        facts(host(40), host(41, tags=[BLOCK]), account(7, tags=["vectra_account_block"]), groups=groups), state
    )
    assert planned(made) == ["unblock host:40", "block account:7"]
    assert said in held(made)["host:41"] and any("host_no_block_group" in error for error in made.errors)


def test_row_14_cleared_parameter_does_without_the_group() -> None:
    made = plan(facts(host(41, tags=[BLOCK]), groups=PROTECTED[1:]), host_no_block_group="")
    assert planned(made) == ["block host:41"] and not made.errors


def test_row_14_defect_20_both_groups_protect_detections() -> None:
    source = host_item(41)
    one = detection(9001, host=source, tags=["block"])
    by_host = plan(facts(one, groups=(Group("host", "NoBlock", frozenset({"41"})), PROTECTED[1])))
    assert "its host pc-41 is member of no-block group" in held(by_host)["detection:9001"]
    of_account = detection(9001, tags=["block"], src_account={"id": 7, "name": "O365:Admin@corp.test"})
    assert "its account" in held(plan(facts(of_account)))["detection:9001"]


def test_row_15_key_asset_waits_for_a_person() -> None:
    scored = host(41, threat=90, certainty=90, is_key_asset=True)
    assert "key asset" in held(plan(facts(scored), host_score="80 and 80"))["host:41"]
    assert planned(plan(facts(scored), host_score="80 and 80", block_key_assets="true")) == ["block host:41"]
    assert planned(plan(facts(host(41, key_asset=True, tags=[BLOCK])))) == ["block host:41"]


def test_row_16_stop_and_window_hold_new_blocks_back() -> None:
    world = facts(host(41, tags=[BLOCK]))
    assert "emergency stop" in held(plan(world, emergency_stop="true"))["host:41"]
    assert "emergency stop" in held(plan(world, {**new_state(), "stopped": True}))["host:41"]
    outside = plan(world, block_days="sunday")
    assert outside.mode == "outside_window" and "window" in held(outside)["host:41"]


def test_row_17_defect_46_cap_takes_what_people_asked_for_and_then_the_worst() -> None:
    many = [host(number, threat=number, certainty=number) for number in range(81, 86)]
    made = plan(facts(*many, host(7, tags=[BLOCK])), host_score="80 and 80", max_new_blocks="3")
    assert planned(made) == ["block host:7", "block host:85", "block host:84"]
    assert set(held(made)) == {"host:81", "host:82", "host:83"} and "limit of 3" in held(made)["host:81"]


def test_row_18_defect_41_entity_that_no_driver_can_block_waits() -> None:
    world, first = facts(host(41, tags=[BLOCK])), plan(facts(host(41, tags=[BLOCK])))
    state = carried_out(
        new_state(),
        first.decisions,
        answer=lambda one: [row(one, "edr_1", element="", status="not_found", contained=False, reason="unknown host")],
    )
    waiting = plan(world, state, NOW + 60)
    assert not waiting.decisions and "unknown host" in held(waiting)["host:41"]
    again = plan(world, state, NOW + 300)
    assert again.decisions[0]["instances"] == ["edr_1"]


def test_row_19_decision_has_ready_arguments() -> None:
    item = host(41, tags=[BLOCK], host_artifact_set=[{"type": "mac", "value": "02:AA:00:00:00:07"}])
    (decision,) = plan(facts(item)).decisions
    assert decision["args"] == {
        "ip": "10.0.0.42",
        "host_name": "pc-41",
        "host_id": "41",
        "mac": ["02:aa:00:00:00:07"],
        "brain": "brain_1",
        "reason": "Vectra: carries the tag 'vectra_host_block'",
    }
    assert decision["instances"] is None and decision["elements"] == {}


# ---- rules


def test_defect_18_tags_are_compared_whole() -> None:
    assert not plan(facts(host(41, tags=["not_vectra_host_block", "vectra_host_blocked"]))).decisions


@pytest.mark.parametrize(
    ("score", "threat", "certainty", "met"),
    [
        ("80 and 70", 80, 70, True),
        ("80 and 70", 79, 99, False),
        ("80 AND 70", 99, 69, False),
        ("80 or 70", 79, 70, True),
        ("80 OR 70", 79, 69, False),
    ],
)
def test_defect_7_and_27_scores_compare_equal_or_higher_in_any_spelling(
    score: str, threat: int, certainty: int, met: bool
) -> None:
    world = facts(account(7, threat=threat, certainty=certainty))
    assert bool(plan(world, account_score=score).decisions) == met


def test_urgency_takes_the_place_of_the_score_on_the_cloud() -> None:
    urgent = replace(host(41), urgency=90.0)
    scored = host(42, threat=99, certainty=99)
    chosen = settings(**CLOUD, token_creds=None, host_urgency="90", host_score="1 and 1")
    made = plan_cycle(facts(urgent, scored), new_state(), chosen, NOW)
    assert planned(made) == ["block host:41"]


def test_defect_11_score_is_used_on_the_cloud_when_urgency_is_off() -> None:
    chosen = settings(**CLOUD, token_creds=None, account_score="50 and 50")
    made = plan_cycle(facts(account(7, threat=50, certainty=50)), new_state(), chosen, NOW)
    assert planned(made) == ["block account:7"]


def test_block_group_matches_by_id_and_by_uid() -> None:
    groups = (
        *PROTECTED,
        Group("host", "Block", frozenset({"41"})),
        Group("account", "Block", frozenset({"user7@corp.test"})),
    )
    world = facts(host(41), account(7), groups=groups)
    assert planned(plan(world, host_block_group="Block", account_block_group="Block")) == [
        "block host:41",
        "block account:7",
    ]


@pytest.mark.parametrize(
    ("more", "met"),
    [
        ({}, True),
        ({"detection_type": "hidden https tunnel"}, True),
        ({"detection_type": "Hidden HTTPS Tunnel CnC"}, False),
        ({"state": "inactive"}, False),
        ({"is_triaged": True}, False),
    ],
)
def test_detection_type_rule_counts_active_detections_that_nobody_explained(more: dict[str, Any], met: bool) -> None:
    item = host_item(41, threat=50, certainty=50)
    world = facts(host(41), detection(9001, host=item, **more))
    params: dict[str, Any] = {"host_detection_types": "Hidden HTTPS Tunnel", "host_detection_score": "50 and 50"}
    assert planned(plan(world, **params)) == (["block host:41"] if met else [])


def test_defect_28_detection_of_an_account_does_not_disturb_the_host_rule() -> None:
    source = {"id": 7, "name": "O365:user7@corp.test", "threat": 60, "certainty": 60}
    world = facts(account(7), detection(9001, src_account=source))
    types = "Hidden HTTPS Tunnel"
    made = plan(world, host_detection_types=types, account_detection_types=types)
    assert planned(made) == ["block account:7"]


@pytest.mark.parametrize(
    ("more", "met"),
    [
        ({}, True),
        ({"detection_category": None, "category": "INFO"}, False),
        ({"is_triaged": True}, False),
        ({"state": "closed"}, False),
    ],
)
def test_host_score_rule_takes_detections_of_bad_hosts(more: dict[str, Any], met: bool) -> None:
    one = detection(9001, host=host_item(41, threat=80, certainty=80), **more)
    assert planned(plan(facts(one), detection_host_score="80 and 80")) == (["block detection:9001"] if met else [])


def test_defect_12_detection_of_every_api_version_is_read() -> None:
    old = detection(1, detection_category=None, category="Command", threat=None, t_score=60)
    assert old.category == "command"
    assert detection(2).category == "command"


def test_defect_40_only_external_destinations_are_blocked() -> None:
    ips = ["8.8.8.8", "224.0.0.9", "100.64.1.1", "10.1.2.3", "192.0.2.1", "169.254.0.1", "9.9.9.9", "ff02::1", "x"]
    own = settings(own_networks="9.9.9.0/24").safety.own_networks
    assert external_ips(ips, own) == ["8.8.8.8"]
    one = detection(9001, tags=["block"], summary={"dst_ips": ips})
    made = plan(facts(one), own_networks="9.9.9.0/24")
    assert made.decisions[0]["args"]["dst_ips"] == ["8.8.8.8"]


def test_defect_1_detections_are_blocked_and_released() -> None:
    one = detection(9001, tags=["block"])
    state = blocked(one)
    assert planned(plan(facts(detection(9001)), state)) == ["unblock detection:9001"]


def test_detection_without_destination_is_held_only_when_a_person_tagged_it() -> None:
    empty = {"summary": {"dst_ips": ["10.0.0.1"]}}
    made = plan(
        facts(detection(1, tags=["block"], **empty), detection(2, **empty)), detection_types="Hidden HTTPS Tunnel"
    )
    assert list(held(made)) == ["detection:1"] and not made.decisions


# ---- drivers


def test_defect_18_client_tags_choose_instances_or_brands_and_other_tags_do_not() -> None:
    drivers = (EDR, DriverInstance("fw_1", "Firewall", EDR.commands), DriverInstance("mail", "Mail", frozenset()))
    for tags, wanted in (
        (["client:EDR_1"], ["edr_1"]),
        (["CLIENT: firewall"], ["fw_1"]),
        (["client:fw_1", "client:edr_1"], ["edr_1", "fw_1"]),
        (["Client VPN", "client"], None),
    ):
        (decision,) = plan(facts(host(41, tags=[BLOCK, *tags]), drivers=drivers)).decisions
        assert decision["instances"] == wanted
    nobody = plan(facts(host(41, tags=[BLOCK, "client:pulse"]), drivers=drivers))
    assert "called pulse" in held(nobody)["host:41"]


def test_no_driver_at_all_is_said_instead_of_tried() -> None:
    made = plan(facts(host(41, tags=[BLOCK]), drivers=()))
    assert "no enabled driver instance blocks hosts" in held(made)["host:41"]


def test_element_of_a_driver_that_is_not_enabled_is_a_warning() -> None:
    state = blocked(host(41, tags=[BLOCK]))
    made = plan(facts(host(41, tags=[BLOCK]), drivers=(replace(EDR, instance="fw_1"),)), state)
    assert any("contained by edr_1, which is not enabled" in warning for warning in made.warnings)


def test_selected_again_while_its_release_is_pending_is_blocked_again() -> None:
    state = blocked(host(41, tags=[BLOCK]))
    release = plan(facts(host(41)), state)
    state = carried_out(
        state,
        release.decisions,
        answer=lambda one: [row(one, "edr_1", element="host:41@edr_1", status="pending", contained=True)],
    )
    assert not plan(facts(host(41)), state, NOW + 60).decisions
    again = plan(facts(host(41, tags=[BLOCK])), state, NOW + 60)
    assert planned(again) == ["block host:41 at edr_1"]


def test_groom_goes_to_holders_and_defect_13_never_to_what_is_released() -> None:
    able = replace(EDR, commands=EDR.commands | {"vectra-groom-host"})
    state = blocked(host(41, tags=[BLOCK]), host(42, tags=[BLOCK]))
    world = facts(host(41, tags=[BLOCK]), host(42), groom=True, drivers=(able,))
    assert planned(plan(world, state)) == ["unblock host:42", "groom host:41 at edr_1"]
    unable = replace(world, drivers=(EDR,))
    assert planned(plan(unable, state)) == ["unblock host:42"]


def test_interrupted_block_that_nobody_wants_any_more_is_released_everywhere() -> None:
    first = plan(facts(host(41, tags=[BLOCK])))
    state = with_intents(new_state(), first.decisions, "brain_1", NOW)
    (decision,) = plan(facts(host(41)), state).decisions
    assert (decision["id"], decision["instances"], decision["elements"]) == ("unblock host:41", None, {})
    assert "elements" not in decision["args"]


def test_interrupted_block_is_ordered_again() -> None:
    world = facts(host(41, tags=[BLOCK]))
    state = with_intents(new_state(), plan(world).decisions, "brain_1", NOW)
    assert planned(plan(world, state)) == ["block host:41"]


def test_driver_that_never_answered_is_asked_to_release_too() -> None:
    world = facts(host(41, tags=[BLOCK]), drivers=(EDR,))
    state = carried_out(new_state(), plan(world).decisions, answer=lambda one: [])
    (decision,) = plan(facts(host(41), drivers=(EDR,)), state).decisions
    assert decision["instances"] == ["edr_1"] and decision["elements"] == {"edr_1": []}


def test_details_are_asked_for_only_for_what_is_taken() -> None:
    seen = [replace(host(number, tags=[BLOCK]), partial=True) for number in range(1, 6)]
    made = plan(facts(*seen), max_new_blocks="2")
    assert len(made.details) == 2
    missing = plan(facts(*seen[:1], looked_up=frozenset({"host:1"})))
    assert held(missing) == {"host:1": "its details could not be read"}


def test_dry_run_names_everything() -> None:
    made = plan(facts(host(41, tags=[BLOCK]), dry_run=True))
    assert made.mode == "dry_run" and made.decisions[0]["name"] == "pc-41"
    assert plan(facts(), dry_run="true").mode == "dry_run"


def test_defect_18_tag_without_an_element_is_a_warning() -> None:
    made = plan(facts(host(41, tags=["VAR ID:foo"])))
    assert "'VAR ID:foo' has no element" in made.warnings[0]


# ---- windows


@pytest.mark.parametrize(
    ("params", "weekday_hour", "inside"),
    [
        # 2025-10-06 is a Monday.
        ({"block_days": "weekday", "block_start": "8", "block_end": "17"}, (6, 9), True),
        ({"block_days": "weekday", "block_start": "8", "block_end": "17"}, (6, 17), False),
        ({"block_days": "Weekday"}, (11, 9), False),
        ({"block_days": "weekend", "block_start": "8", "block_end": "17"}, (6, 20), False),
        ({"block_start": "22", "block_end": "6"}, (6, 23), True),
        ({"block_start": "22", "block_end": "6"}, (6, 12), False),
        ({"block_days": "friday", "block_start": "22", "block_end": "6"}, (11, 5), True),
        ({"block_days": "friday", "block_start": "22", "block_end": "6"}, (10, 5), False),
        ({"block_start": "0", "block_end": "0"}, (6, 12), True),
        ({"block_start": "12:30", "block_end": "24"}, (6, 23), True),
        ({"block_start": "12:30"}, (6, 12), False),
    ],
)
def test_defect_8_windows_are_right(params: dict[str, str], weekday_hour: tuple[int, int], inside: bool) -> None:
    day, hour = weekday_hour
    at = 1_759_708_800 + (day - 6) * 24 * HOUR + hour * HOUR  # 2025-10-06 00:00 UTC is 1759708800
    assert settings(**params).window.open_at(at) == inside


def test_window_follows_the_time_zone() -> None:
    at = 1_759_708_800 + 7 * HOUR  # 07:00 UTC is 09:00 in Zurich
    params = {"block_start": "9", "block_end": "10"}
    assert settings(**params, time_zone="Europe/Zurich").window.open_at(at)
    assert not settings(**params).window.open_at(at)


# ---- static destinations


def static(text: str, **more: Any) -> Facts:
    return facts(static=StaticList("lst", text), **more)


def test_static_list_new_entries_go_to_everybody_and_gone_ones_to_their_holders() -> None:
    first = plan(static("8.8.8.8\n1.1.1.0/24 # test"))
    assert first.decisions[0]["args"]["destinations"] == ["1.1.1.0/24", "8.8.8.8"]
    state = carried_out(new_state(), first.decisions)
    assert not plan(static("8.8.8.8\n1.1.1.0/24"), state).decisions
    (gone,) = plan(static("8.8.8.8"), state).decisions
    assert gone["elements"] == {"edr_1": ["1.1.1.0/24"]} and gone["key"] == "destinations:lst"


def test_defect_9_static_entry_that_failed_is_tried_again() -> None:
    first = plan(static("8.8.8.8"))
    state = carried_out(
        new_state(),
        first.decisions,
        answer=lambda one: [row(one, "fw_1", element="8.8.8.8", status="failed", contained=False)],
    )
    assert not plan(static("8.8.8.8"), state, NOW + 60).decisions
    (again,) = plan(static("8.8.8.8"), state, NOW + 300).decisions
    assert again["instances"] == ["fw_1"] and again["args"]["destinations"] == ["8.8.8.8"]


@pytest.mark.parametrize(
    ("world", "said"),
    [
        (facts(static=StaticList("lst", error="no such list")), "could not be read"),
        (static(""), "stay blocked"),
        (static("# all gone"), "stay blocked"),
        (facts(), ""),
    ],
)
def test_defect_9_and_10_list_that_is_missing_or_empty_releases_nothing(world: Facts, said: str) -> None:
    state = carried_out(new_state(), plan(static("8.8.8.8")).decisions)
    made = plan(world, state)
    assert not made.decisions and (said in " ".join(made.errors) if said else not made.errors)


def test_static_list_with_too_many_changes_is_left_alone() -> None:
    made = plan(static("8.8.8.8\n1.1.1.1\n9.9.9.9"), static_max_changes="2")
    assert not made.decisions and "3 changes" in made.errors[0]


def test_static_list_released_by_command_is_released() -> None:
    state = carried_out(new_state(), plan(static("8.8.8.8")).decisions)
    state = with_release(state, ["destinations:lst"], "asked", 0, NOW)
    assert planned(plan(static("8.8.8.8"), state)) == ["unblock destinations:lst"]


def test_static_entry_that_comes_back_is_blocked_again() -> None:
    state = carried_out(new_state(), plan(static("8.8.8.8\n1.1.1.1")).decisions)
    state = carried_out(state, plan(static("1.1.1.1"), state).decisions)
    state = carried_out(state, plan(static("8.8.8.8\n1.1.1.1"), state).decisions)
    assert set(state["entities"]["destinations:lst"]["elements"]["edr_1"]) == {"1.1.1.1", "8.8.8.8"}


def test_static_entry_of_an_interrupted_order_is_released_everywhere_when_it_left_the_list() -> None:
    first = plan(static("8.8.8.8\n1.1.1.1")).decisions
    state = with_intents(new_state(), first, "brain_1", NOW)
    release, block = plan(static("1.1.1.1"), state).decisions
    assert (release["action"], release["instances"], release["args"]["destinations"]) == ("unblock", None, ["8.8.8.8"])
    assert block["args"]["destinations"] == ["1.1.1.1"]


def test_static_driver_that_never_answered_is_asked_to_release_too() -> None:
    driver = DriverInstance("fw_1", "Firewall", frozenset({"vectra-block-destinations"}))
    world = static("8.8.8.8\n1.1.1.1", drivers=(driver,))
    state = carried_out(new_state(), plan(world).decisions, answer=lambda one: [])
    (release,) = plan(static("1.1.1.1", drivers=(driver,)), state, NOW + 60).decisions
    assert release["elements"] == {"fw_1": ["8.8.8.8"]}


def test_static_list_released_by_command_comes_back_when_the_time_is_over() -> None:
    state = carried_out(new_state(), plan(static("8.8.8.8")).decisions)
    state = with_release(state, ["destinations:lst"], "asked", int(NOW + HOUR), NOW)
    state = carried_out(state, plan(static("8.8.8.8"), state).decisions)
    assert not plan(static("8.8.8.8"), state, NOW + 60).decisions
    assert planned(plan(static("8.8.8.8"), state, NOW + HOUR)) == ["block destinations:lst"]


def with_group(decision: Mapping[str, Any], **changes: Any) -> list[dict[str, Any]]:
    """The outcomes of a firewall that names elements by their group, and needs two for an entry."""
    return [
        row(decision, "fw_1", element=f"{entry} in {group}", entry=entry, **changes)
        for entry in decision["args"]["destinations"]
        for group in ("V4", "V6")
    ]


def test_static_elements_that_are_named_by_the_product_stand_for_their_entries() -> None:
    first = plan(static("8.8.8.8\n1.1.1.1"))
    state = carried_out(new_state(), first.decisions, answer=with_group)
    assert not plan(static("8.8.8.8\n1.1.1.1"), state).decisions
    (gone,) = plan(static("1.1.1.1"), state).decisions
    assert (gone["action"], gone["elements"]) == ("unblock", {"fw_1": ["8.8.8.8"]})
    state = carried_out(state, [gone], answer=with_group)
    assert not plan(static("1.1.1.1"), state, NOW + 300).decisions
    assert sorted(state["entities"]["destinations:lst"]["elements"]["fw_1"]) == ["1.1.1.1 in V4", "1.1.1.1 in V6"]


def test_static_entry_of_which_a_part_is_missing_is_asked_for_again_and_released_whole() -> None:
    def half(decision: Mapping[str, Any]) -> list[dict[str, Any]]:
        whole, failed = with_group(decision)
        return [whole, {**failed, "status": "failed", "contained": False, "reason": "busy"}]

    state = carried_out(new_state(), plan(static("8.8.8.8")).decisions, answer=half)
    (again,) = plan(static("8.8.8.8"), state, NOW + 300).decisions
    assert (again["action"], again["instances"], again["args"]["destinations"]) == ("block", ["fw_1"], ["8.8.8.8"])
    (release,) = plan(static("1.1.1.1"), state).decisions[:1]
    assert (release["action"], release["elements"]) == ("unblock", {"fw_1": ["8.8.8.8"]})


def test_static_driver_added_later_gets_the_whole_list() -> None:
    state = carried_out(new_state(), plan(static("8.8.8.8")).decisions)
    drivers = tuple(
        DriverInstance(name, "Firewall", frozenset({"vectra-block-destinations"})) for name in ("edr_1", "fw_2")
    )
    (decision,) = plan(static("8.8.8.8", drivers=drivers), state).decisions
    assert decision["instances"] == ["fw_2"] and decision["args"]["destinations"] == ["8.8.8.8"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0.0.0.0/0", "whole Internet"),
        ("::/0", "whole Internet"),
        ("127.0.0.1", "loopback"),
        ("169.254.1.1", "link-local"),
        ("224.0.0.5", "multicast"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "private"),
        ("8.0.0.0/8", "larger than a /16"),
        ("8.0.0.0-8.255.255.255", "larger than a /16"),
        ("9.9.9.9", "own network 9.9.9.0/24"),
        ("9.0.0.0/16", "own network"),
        ("not an address", "no address"),
        ("8.8.8.8-::1", "no address"),
        ("8.8.8.9-8.8.8.8", "no address"),
    ],
)
def test_static_line_that_must_not_be_blocked_is_named(line: str, said: str) -> None:
    own = "9.9.9.0/24\n9.0.0.0/16" if line == "9.0.0.0/16" else "9.9.9.0/24"
    entries, problems = parse_static(f"8.8.8.8\n{line}", settings(own_networks=own).safety)
    assert entries == ["8.8.8.8"] and problems[0].startswith("line 2: ") and said in problems[0]


def test_defect_9_static_lines_are_cleaned_and_host_bits_accepted() -> None:
    text = "  8.8.8.8\n1.1.1.7/24\r\n8.8.4.1-8.8.4.9\nC2.Example.\n1.1.1.5\n8.8.8.8 # again\n2001:4860:4860::8888"
    entries, problems = parse_static(text, settings().safety)
    assert entries == ["1.1.1.0/24", "2001:4860:4860::8888", "8.8.4.1-8.8.4.9", "8.8.8.8", "c2.example"]
    assert problems == []


def test_static_list_of_many_entries_is_parsed_in_no_time() -> None:
    text = "\n".join(f"8.{number >> 8}.{number & 255}.1" for number in range(5000)) + "\n8.0.0.0/16"
    entries, _ = parse_static(text, settings().safety)
    assert len(entries) == 5000 - 256 + 1 and "8.0.0.0/16" in entries


def test_static_private_ranges_only_when_allowed() -> None:
    assert parse_static("10.1.2.3", settings(static_allow_private="true").safety)[0] == ["10.1.2.3"]


# ---- groups


@pytest.mark.parametrize(
    ("more", "readable"),
    [
        ({"members": [{"id": 41}]}, True),
        ({}, False),
        ({"members": [{"name": "x"}]}, False),
        ({"members": [{"id": 41}], "is_membership_evaluation_ongoing": True}, False),
    ],
)
def test_group_whose_members_are_not_told_is_not_readable(more: dict[str, Any], readable: bool) -> None:
    group = group_from_item({"id": 1, "type": "host", "name": "NoBlock", **more})
    assert group is not None and (group.members is not None) == readable


# ---- properties

RANDOM = settings(
    host_score="80 and 70",
    account_score="90 or 90",
    host_detection_types="Hidden HTTPS Tunnel",
    detection_host_score="85 and 85",
    host_block_group="Block",
    max_new_blocks="4",
)
TAGS = st.lists(
    st.sampled_from(
        [BLOCK, UNBLOCK, "vectra_account_block", "vectra_account_unblock", "block", "unblock", "finance", "client:fw_1"]
    ),
    max_size=3,
    unique=True,
)
SCORE = st.integers(0, 99)


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    """Random hosts, accounts, detections and groups; some hosts are protected, some are wanted."""
    numbers = st.lists(st.integers(1, 12), unique=True, max_size=8)
    hosts = [
        host(number, tags=draw(TAGS), threat=draw(SCORE), certainty=draw(SCORE), is_key_asset=draw(st.booleans()))
        for number in draw(numbers)
    ]
    accounts = [account(number, tags=draw(TAGS), threat=draw(SCORE), certainty=draw(SCORE)) for number in draw(numbers)]
    found = [
        detection(
            9000 + number,
            host=host_item(draw(st.integers(1, 12)), threat=draw(SCORE), certainty=draw(SCORE)),
            tags=draw(TAGS),
            state=draw(st.sampled_from(["active", "inactive"])),
        )
        for number in draw(numbers)
    ]
    protected = frozenset(map(str, draw(st.lists(st.integers(1, 12), min_size=1))))
    wanted = frozenset(map(str, draw(st.lists(st.integers(1, 12)))))
    uids = frozenset(f"user{number}@corp.test" for number in draw(st.lists(st.integers(1, 12), min_size=1)))
    groups = (Group("host", "NoBlock", protected), Group("account", "NoBlock", uids), Group("host", "Block", wanted))
    return facts(*hosts, *accounts, *found, groups=groups)


def members(world: Facts, name: str, kind: str) -> frozenset[str]:
    return next(group.members or frozenset() for group in world.groups if (group.kind, group.name) == (kind, name))


def is_protected(world: Facts, key: str) -> bool:
    subject = world.entities.get(key) or world.detections[key]
    source = subject.host if isinstance(subject, Detection) else subject
    assert source is not None
    own = {source.number} if source.kind == "host" else source.aliases
    return bool(own & members(world, "NoBlock", source.kind))


@given(worlds())
def test_property_no_block_member_is_never_blocked_and_always_released(world: Facts) -> None:
    made = plan_cycle(world, new_state(), RANDOM, NOW)
    assert not [d for d in made.decisions if d["action"] == "block" and is_protected(world, d["key"])]
    open_world = replace(world, groups=tuple(group for group in PROTECTED))
    state = carried_out(new_state(), plan_cycle(open_world, new_state(), RANDOM, NOW).decisions)
    released = {d["key"] for d in plan_cycle(world, state, RANDOM, NOW).decisions if d["action"] == "unblock"}
    assert {key for key in state["entities"] if is_protected(world, key)} <= released


@given(worlds())
def test_property_plan_is_idempotent_on_its_own_result(world: Facts) -> None:
    state = new_state()
    for _ in range(12):
        made = plan_cycle(world, state, RANDOM, NOW)
        if not made.decisions:
            break
        state = carried_out(state, made.decisions)
    assert plan_cycle(world, state, RANDOM, NOW).decisions == ()
    assert not any("limit" in item.why for item in plan_cycle(world, state, RANDOM, NOW).held_back)


@given(worlds(), st.randoms(use_true_random=False))
def test_property_order_of_inputs_is_irrelevant(world: Facts, random: Any) -> None:
    def shuffled(mapping: Any) -> dict[str, Any]:
        items = list(mapping.items())
        random.shuffle(items)
        return dict(items)

    groups = list(world.groups)
    random.shuffle(groups)
    other = replace(
        world, entities=shuffled(world.entities), detections=shuffled(world.detections), groups=tuple(groups)
    )
    state = carried_out(new_state(), plan_cycle(world, new_state(), RANDOM, NOW).decisions[:2])
    mixed = {**state, "entities": shuffled(state["entities"])}
    assert plan_cycle(world, state, RANDOM, NOW) == plan_cycle(other, mixed, RANDOM, NOW)


@given(worlds())
def test_property_explicit_unblock_wins(world: Facts) -> None:
    made = plan_cycle(world, new_state(), RANDOM, NOW)
    tags = {"host": UNBLOCK, "account": "vectra_account_unblock", "detection": "unblock"}
    for decision in made.decisions:
        subject = world.entities.get(decision["key"]) or world.detections[decision["key"]]
        assert decision["action"] != "block" or tags[decision["type"]] not in subject.tags


@given(worlds(), st.integers(0, 6))
def test_property_cap_holds_and_everything_over_it_is_named(world: Facts, cap: int) -> None:
    free = plan_cycle(world, new_state(), limited(1000), NOW)
    made = plan_cycle(world, new_state(), limited(cap), NOW)
    wanted = [decision["id"] for decision in free.decisions]
    assert [decision["id"] for decision in made.decisions] == wanted[:cap]
    over = [item.key for item in made.held_back if "limit" in item.why]
    assert sorted(over) == sorted(decision["key"] for decision in free.decisions[cap:])


def limited(cap: int) -> Settings:
    return replace(RANDOM, safety=replace(RANDOM.safety, max_new_blocks=cap))


@given(worlds(), st.sampled_from(["groups", "hosts", "accounts", "detections"]))
@given_settings(max_examples=50)
def test_property_unreadable_lists_never_block_and_never_release(world: Facts, area: str) -> None:
    state = carried_out(new_state(), plan_cycle(world, new_state(), RANDOM, NOW).decisions)
    lost = Facts(
        groups=() if area == "groups" else world.groups, unread=dict.fromkeys(["groups", area], "500"), brain="brain_1"
    )
    assert plan_cycle(lost, state, RANDOM, NOW + 10 * HOUR).decisions == ()


@given(worlds())
@given_settings(max_examples=50)
def test_property_same_outcomes_twice_change_nothing(world: Facts) -> None:
    decisions = plan_cycle(world, new_state(), RANDOM, NOW).decisions
    state = with_intents(new_state(), decisions, "brain_1", NOW)
    rows = [
        row(decision, name, status=status, contained=status == "applied")
        for decision in decisions
        for name, status in (("edr_1", "applied"), ("fw_1", "failed"), ("nac_1", "not_found"))
    ]
    once = with_outcomes(state, decisions, rows, "brain_1", NOW)
    assert with_outcomes(once, decisions, rows, "brain_1", NOW + 5) == once
