"""The brain of the response against the emulated Vectra, in every version and form of its API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from emulators.kit.faults import Fault
from Tests.vectra_response.world import EVERY_FORM, World, pack, world

HOST_TAG, ACCOUNT_TAG, DETECTION_TAG = "vectra_host_block", "vectra_account_block", "block"
EXTERNAL = {"dst_ips": ["8.8.8.8", "10.0.0.1"], "target_domains": ["c2.example"]}
FORMS = pytest.mark.parametrize("form", EVERY_FORM, ids=lambda form: "-".join(map(str, form.values())))


def seed(**more: Any) -> dict[str, Any]:
    """Two hosts and two accounts, one of each protected by a group; a detection of the first host."""
    detection = {"id": 9001, "detection_type": "Hidden HTTPS Tunnel", "detection_category": "command", "src_host": 41}
    return {
        "hosts": [
            {"id": 41, "name": "fin-lap-07", "last_source": "10.20.3.7", "tags": ["finance"]},
            {"id": 42, "name": "safe", "last_source": "10.20.3.8"},
        ],
        "accounts": [{"id": 7, "name": "O365:jane@corp.test"}, {"id": 8, "name": "O365:admin@corp.test"}],
        "groups": [
            {"type": "host", "name": "NoBlock", "members": [42]},
            {"type": "host", "name": "NoBlock-old", "members": [41]},
            {"type": "account", "name": "NoBlock", "members": ["admin@corp.test"]},
        ],
        "detections": [{**detection, "summary": EXTERNAL}],
        **more,
    }


def ids(plan: Mapping[str, Any]) -> list[str]:
    return [decision["id"] for decision in plan["decisions"]]


def tag_everything(here: World) -> None:
    here.edit(
        {"host": 41, "add_tags": [HOST_TAG]},
        {"host": 42, "add_tags": [HOST_TAG]},
        {"account": 7, "add_tags": [ACCOUNT_TAG]},
        {"account": 8, "add_tags": [ACCOUNT_TAG]},
        {"detection": 9001, "add_tags": [DETECTION_TAG]},
    )


@FORMS
def test_test_button_is_ok(form: dict[str, Any]) -> None:
    with world(form, seed()) as here:
        assert here.run("test-module") == "ok"


@FORMS
def test_block_and_release_of_every_kind_leaves_only_notes(form: dict[str, Any]) -> None:
    with world(form, seed()) as here:
        tag_everything(here)
        plan = here.cycle()
        assert ids(plan) == ["block host:41", "block account:7", "block detection:9001"]
        assert {held["key"] for held in plan["held_back"]} == {"host:42", "account:8"} and not plan["errors"]
        assert plan["decisions"][0]["args"]["ip"] == "10.20.3.7"
        assert plan["decisions"][2]["args"]["dst_ips"] == ["8.8.8.8"]
        for kind, number in (("host", 41), ("account", 7), ("detection", 9001)):
            assert pack.MARKER[kind] in here.tags(kind, number)
            assert pack.elements_in_tags(here.tags(kind, number)) == {"edr_1": [f"{kind}:{number}/a@b"]}
        here.clock.seconds += 300
        assert ids(here.cycle()) == []
        here.edit({"host": 41, "remove_tags": [HOST_TAG]}, {"detection": 9001, "remove_tags": [DETECTION_TAG]})
        here.edit({"account": 7, "add_tags": ["vectra_account_unblock"]})
        here.clock.seconds += 300
        assert ids(here.cycle()) == ["unblock host:41", "unblock account:7", "unblock detection:9001"]
        assert here.tags("host", 41) == ["finance"] and here.tags("detection", 9001) == []
        assert here.tags("account", 7) == [ACCOUNT_TAG, "vectra_account_unblock"]
        assert [note.partition(" on ")[0] for note in here.notes("host", 41)] == ["VAR: Blocked", "VAR: Unblocked"]
        here.clock.seconds += 300
        assert ids(here.cycle()) == []


@FORMS
def test_scores_groups_and_types_decide(form: dict[str, Any]) -> None:
    rules = {
        "host_score": "80 and 70",
        "account_score": "80 and 70",
        "host_detection_types": "Smash and Grab",
        "account_block_group": "Block",
    }
    more = [
        {"id": 43, "name": "typed", "threat": 20, "certainty": 20},
        {"id": 44, "name": "bad", "threat": 80, "certainty": 70},
        {"id": 45, "name": "nearly", "threat": 79, "certainty": 99},
    ]
    whole = seed()
    whole["hosts"] += more
    whole["accounts"] += [{"id": 9, "name": "O365:bad@corp.test", "threat": 99, "certainty": 99}]
    whole["groups"] += [{"type": "account", "name": "Block", "members": ["jane@corp.test"]}]
    whole["detections"] += [
        {"id": 9002, "detection_type": "Smash and Grab", "detection_category": "exfiltration", "src_host": 43}
    ]
    with world(form, whole, **rules) as here:
        plan = here.plan()
        assert sorted(ids(plan)) == ["block account:7", "block account:9", "block host:43", "block host:44"]
        assert not plan["errors"] and plan["reads"] <= 16
        here.cycle()
        here.clock.seconds += 300
        again = here.plan()
        assert again["decisions"] == [] and again["reads"] <= 12


def test_urgency_decides_on_the_cloud_and_details_come_from_the_host() -> None:
    whole = seed()
    whole["hosts"][0] |= {"urgency_score": 90, "host_artifact_set": [{"type": "mac", "value": "02:00:5E:10:00:07"}]}
    with world(EVERY_FORM[3], whole, host_urgency="90") as here:
        (decision,) = here.plan()["decisions"]
        assert decision["args"]["mac"] == ["02:00:5e:10:00:07"] and "urgency 90" in decision["reasons"][0]
        here.cycle()
        here.edit({"host": 41, "urgency_score": 85})
        here.clock.seconds += 2 * 3600
        assert ids(here.plan()) == []
        here.edit({"host": 41, "urgency_score": 79})
        assert ids(here.plan()) == ["unblock host:41"]


def test_no_block_group_emptied_by_mistake_stops_blocks_and_not_releases() -> None:
    with world(EVERY_FORM[1], seed()) as here:
        here.edit({"host": 41, "add_tags": [HOST_TAG]})
        here.cycle()
        group = next(item["id"] for item in here.run("vectra-group-list") if item["name"] == "NoBlock")
        here.edit({"group": group, "members": []}, {"host": 41, "remove_tags": [HOST_TAG]})
        here.edit({"host": 42, "add_tags": [HOST_TAG]})
        here.clock.seconds += 300
        plan = here.cycle()
        assert ids(plan) == ["unblock host:41"] and "has no members" in plan["errors"][0]


@pytest.mark.slow
@pytest.mark.parametrize("form", [EVERY_FORM[0], EVERY_FORM[3]], ids=["2.5", "3.4"])
def test_defect_24_quiet_cycle_costs_at_most_twelve_reads_whatever_the_groups(form: dict[str, Any]) -> None:
    counts = {"hosts": 3000, "accounts": 2000, "detections": 3000, "groups": 10, "group_members": 500}
    members = list(range(1, 2001))
    groups = [
        {"type": "host", "name": "NoBlock", "members": members},
        {"type": "account", "name": "NoBlock", "members": [f"user{number}@corp.test" for number in members]},
        {"type": "account", "name": "Block", "members": [f"nobody{number}@corp.test" for number in members]},
    ]
    rules = {
        "host_score": "99 and 99",
        "account_score": "99 and 99",
        "score_hysteresis": "0",
        "host_block_group": "",
        "host_detection_types": "None such\nNeither this",
        "account_block_group": "Block",
        "detection_host_score": "99 and 99",
    }
    with world(form, {"generate": counts}, **rules) as here:
        here.vectra.state.seed({"groups": groups})
        here.plan()
        mark = here.vectra.cost()["last"]
        plan = here.plan()
        cost = here.vectra.cost(mark)
        assert plan["decisions"] == [] and not plan["errors"]
        assert cost["reads"] == plan["reads"] <= 12 and cost["writes"] == cost["tokens"] == 0


def test_busy_brain_is_waited_for_and_a_dead_list_is_named() -> None:
    with world(EVERY_FORM[1], seed()) as here:
        tag_everything(here)
        here.vectra.faults.add(Fault("status", path="*/accounts*", status=429, retry_after=3, count=1))
        assert len(here.plan()["decisions"]) == 3 and max(here.clock.slept) >= 3
        here.vectra.faults.add(Fault("status", path="*/accounts*", status=500))
        plan = here.plan()
        assert ids(plan) == ["block host:41", "block detection:9001"]
        assert any("accounts could not be read" in error for error in plan["errors"])


@pytest.mark.parametrize("form", EVERY_FORM[1:4], ids=lambda form: str(form["api_version"]))
def test_defect_4_expired_tokens_are_renewed(form: dict[str, Any]) -> None:
    with world(form, seed()) as here:
        here.plan()
        mark = here.vectra.cost()["last"]
        here.plan()
        assert here.vectra.cost(mark)["tokens"] == 0
        here.edit({"tokens": "all"})
        assert not here.plan()["errors"]
        here.clock.seconds += 30 * 86_400
        assert not here.plan()["errors"]


def test_commands_for_people_work_in_every_form() -> None:
    for form in EVERY_FORM:
        with world(form, seed()) as here:
            place = {"type": "account", "id": "7"}
            assert here.run("vectra-tag-add", **place, tags="vip")["tags"] == ["vip"]
            assert here.run("vectra-account-list", tags="vip")[0]["id"] == 7
            assert here.run("vectra-note-add", **place, note="a & b")["notes"][0]["note"] == "a & b"
            assert here.run("vectra-host-list", id="41")[0]["ip"] == "10.20.3.7"
            assert here.run("vectra-detection-list", host_id="41")[0]["src_host"] == "host:41"
            assert here.run("vectra-tag-remove", **place, tags="vip")["tags"] == []


def test_analysts_tag_set_during_the_cycle_survives() -> None:
    with world(EVERY_FORM[2], seed()) as here:
        here.edit({"host": 41, "add_tags": [HOST_TAG]})
        plan = here.plan()
        here.record("intent", plan["decisions"], [])
        here.edit({"host": 41, "add_tags": ["looking into it"]})
        here.record("outcome", plan["decisions"], [here.row(plan["decisions"][0])])
        assert here.tags("host", 41)[:3] == ["finance", HOST_TAG, "looking into it"]


@FORMS
def test_plan_as_if_tagged_tells_what_would_be_done_and_changes_nothing(form: dict[str, Any]) -> None:
    with world(form, seed()) as here:
        plan = here.run("vectra-response-plan", tagged="host:41,host:42,account:7,detection:9001,host:99")
        assert ids(plan) == ["block host:41", "block account:7", "block detection:9001"]
        assert plan["mode"] == "dry_run" and plan["decisions"][0]["args"]["ip"] == "10.20.3.7"
        assert [(held["key"], held["why"]) for held in plan["held_back"]] == [
            ("host:42", "member of no-block group 'NoBlock'")
        ]
        assert plan["errors"] == ["host:99 is not known to Vectra."]
        assert here.tags("host", 41) == ["finance"] and here.plan()["decisions"] == []


def test_plan_as_if_tagged_without_a_block_tag_says_so() -> None:
    with world(EVERY_FORM[0], seed(), host_block_tag="") as here:
        plan = here.run("vectra-response-plan", tagged="host:41")
        assert ids(plan) == [] and "'host_block_tag' is empty" in plan["errors"][0]
        assert plan["tags"]["host"] == {"block": "", "unblock": "vectra_host_unblock"}


def test_plan_as_if_tagged_wrong_key_is_named() -> None:
    with world(EVERY_FORM[0], seed()) as here, pytest.raises(ValueError, match="'tagged': 'hots:41' is no key"):
        here.run("vectra-response-plan", tagged="hots:41")
