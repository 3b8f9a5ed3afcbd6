"""Policies: what is set, what is put back, and what others set meanwhile."""

from __future__ import annotations

import pytest

from emulators.kit import Fault
from Tests.meraki_response.conftest import Make
from Tests.meraki_response.world import (
    AIR,
    AIR_CLIENT,
    AIR_MAC,
    BLOCKED,
    CABLE_CLIENT,
    CABLE_MAC,
    GUESTS,
    NORMAL,
    QUARANTINE,
    statuses,
)

WHITELISTED = {"devicePolicy": "Whitelisted"}


@pytest.mark.parametrize("former", [NORMAL, WHITELISTED, GUESTS])
@pytest.mark.parametrize("word", ["Whitelisted", "Allowed"])
def test_defect_former_policy_comes_back_with_its_group(make: Make, former: dict[str, str], word: str) -> None:
    world = make(allowed_word=word)
    world.set_policy(former)
    assert statuses(world.block(mac=AIR_MAC)) == [(AIR, "applied")]
    assert world.policy() == BLOCKED
    assert statuses(world.block(mac=AIR_MAC)) == [(AIR, "already")]
    assert statuses(world.unblock()) == [(AIR, "applied")]
    assert world.policy() == former and not world.elements


def test_defect_blocked_again_after_a_lost_answer_keeps_the_former_policy(make: Make) -> None:
    world = make()
    world.set_policy(GUESTS)
    world.emulator.faults.add(Fault("reset", when="after", method="PUT", count=1))
    assert statuses(world.block(mac=AIR_MAC)) == [(AIR, "pending")]
    assert world.policy() == BLOCKED
    assert statuses(world.block(mac=AIR_MAC)) == [(AIR, "applied")]
    world.unblock()
    assert world.policy() == GUESTS


def test_order_that_was_lost_on_its_way_is_looked_at_and_repeated(make: Make) -> None:
    world = make()
    world.emulator.faults.add(Fault("status", status=503, method="PUT", count=1))
    assert statuses(world.block(mac=AIR_MAC)) == [(AIR, "pending")]
    assert world.asked("PUT") == ["/networks/N_1/clients/k1/policy"]
    assert statuses(world.reconcile()) == [(AIR, "applied")]
    assert world.policy() == BLOCKED


def test_defect_group_policy_is_resolved_by_name_in_each_network(make: Make) -> None:
    world = make({"block_group_policy": "Quarantine"})
    second = {**AIR_CLIENT, "network": "N_2", "id": "k2", "mac": "00:11:22:33:44:02"}
    world.seed(clients=[second])
    world.set_policy(GUESTS)
    assert {row["status"] for row in world.block(mac=f"{AIR_MAC},{second['mac']}")} == {"applied"}
    assert world.policy() == QUARANTINE
    assert world.policy("k2", "N_2") == {"devicePolicy": "Group policy", "groupPolicyId": "100"}
    world.unblock()
    assert (world.policy(), world.policy("k2", "N_2")) == (GUESTS, NORMAL)


def test_network_without_the_group_policy_blocks_nothing_and_says_so(make: Make) -> None:
    world = make({"block_group_policy": "quarantine"})
    [row] = world.block(mac=AIR_MAC)
    assert row["status"] == "failed" and "N_1 has not just one group policy with the name 'quarantine'" in row["reason"]
    assert world.asked("PUT") == [] and not world.elements


def test_setting_that_changes_while_a_client_is_blocked_changes_nothing_for_it(make: Make) -> None:
    world = make({"block_group_policy": "Quarantine"})
    world.block(mac=AIR_MAC)
    world.params["block_group_policy"] = ""
    assert world.groom(mac=AIR_MAC) == [] == world.reconcile(verify=True)
    world.unblock()
    assert world.policy() == NORMAL


@pytest.mark.parametrize("theirs", [WHITELISTED, GUESTS])
def test_policy_that_a_person_set_after_the_block_stays(make: Make, theirs: dict[str, str]) -> None:
    world = make()
    world.block(mac=AIR_MAC)
    world.set_policy(theirs)
    [row] = world.unblock()
    assert row["status"] == "already" and "not ours and stays" in row["reason"]
    world.reconcile()
    assert world.policy() == theirs and not world.elements


def test_blocked_that_a_person_set_over_our_group_policy_stays(make: Make) -> None:
    world = make({"block_group_policy": "Quarantine"})
    world.block(mac=AIR_MAC)
    world.set_policy(BLOCKED)
    assert world.reconcile(verify=True) == []
    world.unblock()
    world.reconcile()
    assert world.policy() == BLOCKED and not world.elements


@pytest.mark.parametrize("theirs", [BLOCKED, QUARANTINE])
def test_client_that_somebody_blocked_before_is_never_released(make: Make, theirs: dict[str, str]) -> None:
    world = make({"block_group_policy": "Quarantine"})
    world.set_policy(theirs)
    [row] = world.block(mac=AIR_MAC)
    assert (row["status"], row["contained"]) == ("already", False)
    world.unblock()
    assert world.policy() == theirs and not world.elements


def test_cleared_policy_is_put_back_and_the_first_former_one_restored(make: Make) -> None:
    world = make()
    world.set_policy(GUESTS)
    world.block(mac=AIR_MAC)
    world.edit(forget="N_1")
    assert statuses(world.groom(mac=AIR_MAC)) == [(AIR, "applied")]
    assert world.policy() == BLOCKED
    world.unblock()
    assert world.policy() == GUESTS


def test_policy_of_a_person_that_was_blocked_over_again_is_the_one_restored(make: Make) -> None:
    world = make()
    world.set_policy(GUESTS)
    world.block(mac=AIR_MAC)
    world.set_policy(WHITELISTED)
    assert statuses(world.reconcile(verify=True)) == [(AIR, "applied")]
    assert world.policy() == BLOCKED
    world.unblock()
    assert world.policy() == WHITELISTED


def test_former_group_policy_that_was_deleted_becomes_normal_and_is_told(make: Make) -> None:
    world = make()
    world.set_policy(GUESTS)
    world.block(mac=AIR_MAC)
    world.edit(remove={"kind": "group_policy", "key": "N_1/102"})
    [row] = world.unblock()
    assert row["status"] == "applied" and "group policy 102" in row["reason"] and "Normal" in row["reason"]
    assert world.policy() == NORMAL


def test_blocking_group_policy_that_was_made_anew_is_looked_up_again(make: Make) -> None:
    world = make({"block_group_policy": "Quarantine"})
    world.set_policy(GUESTS)
    world.block(mac=AIR_MAC)
    world.edit(forget="N_1", remove={"kind": "group_policy", "key": "N_1/101"})
    [row] = world.reconcile(verify=True)
    assert row["status"] == "failed" and "'Quarantine'" in row["reason"] and row["contained"]
    world.seed(groups=[{"network": "N_1", "id": "105", "name": "Quarantine"}])
    world.emulator.faults.add(Fault("reset", when="after", method="PUT", count=1))
    assert statuses(world.reconcile()) == [(AIR, "pending")]
    assert statuses(world.reconcile()) == [(AIR, "applied")]
    assert world.policy() == {"devicePolicy": "Group policy", "groupPolicyId": "105"}
    assert statuses(world.unblock()) == [(AIR, "applied")]
    assert world.policy() == GUESTS


def test_policy_by_ssid_cannot_be_put_back_so_it_is_not_replaced(make: Make) -> None:
    world = make()
    world.set_policy({"devicePolicy": "Different policies by SSID"})
    [row] = world.block(mac=AIR_MAC)
    assert row["status"] == "unsupported" and "'Different policies by SSID' is not replaced" in row["reason"]
    assert world.asked("PUT") == []


def test_policy_by_ssid_set_while_blocked_is_not_replaced_either(make: Make) -> None:
    world = make()
    world.block(mac=AIR_MAC)
    world.set_policy({"devicePolicy": "Different policies by SSID"})
    [row] = world.reconcile(verify=True)
    assert row["status"] == "failed" and "Different policies by SSID" in row["reason"]
    world.unblock()
    world.reconcile()
    assert world.policy() == {"devicePolicy": "Different policies by SSID"} and not world.elements


def test_wired_client_behind_an_mx_gets_a_policy(make: Make) -> None:
    world = make()
    world.move(CABLE_CLIENT, switchport=None, serial=None)
    assert statuses(world.block(mac=CABLE_MAC)) == [("WLAN:k7:N_1", "applied")]
    assert world.policy("k7") == BLOCKED


def test_limit_of_a_network_is_told_in_the_words_of_the_vendor(make: Make) -> None:
    world = make(policy_limit=1)
    world.seed(clients=[{**AIR_CLIENT, "id": "k2", "mac": "00:11:22:33:44:02"}])
    world.set_policy(WHITELISTED, "k2")
    [row] = world.block(mac=AIR_MAC)
    assert row["status"] == "failed" and "maximum of 1 clients" in row["reason"] and not row["contained"]


def test_defect_failed_release_is_not_done_and_is_followed_until_it_is(make: Make) -> None:
    world = make()
    world.block(mac=AIR_MAC)
    world.edit(key={"access": "read-only"})
    [row] = world.unblock()
    assert (row["status"], row["contained"]) == ("failed", True) and "403" in row["reason"]
    world.edit(key={"access": "full"})
    assert statuses(world.reconcile()) == [(AIR, "applied")]
    assert world.policy() == NORMAL and not world.elements


@pytest.mark.parametrize(
    ("policy", "end"),
    [("Normal", NORMAL), ("Whitelisted", WHITELISTED)],
)
def test_element_of_var_is_released_to_what_it_names(make: Make, policy: str, end: dict[str, str]) -> None:
    world = make()
    world.set_policy(BLOCKED)
    [row] = world.unblock(elements=f"WLAN:k1:N_1:{policy}", adopt="true")
    assert row["status"] == "applied" and world.policy() == end and not world.elements


def test_element_of_var_with_a_group_policy_asks_for_a_hand_and_is_forgotten_after_it(make: Make) -> None:
    world = make()
    world.set_policy(BLOCKED)
    [row] = world.unblock(elements="WLAN:k1:N_1:Group policy", adopt="true")
    assert row["status"] == "failed" and "by hand" in row["reason"] and world.policy() == BLOCKED
    world.set_policy(GUESTS)
    world.reconcile()
    assert world.policy() == GUESTS and not world.elements


def test_element_of_var_that_was_blocked_before_var_stays_blocked(make: Make) -> None:
    world = make()
    world.set_policy(BLOCKED)
    world.unblock(elements="WLAN:k1:N_1:Blocked", adopt="true")
    world.reconcile()
    assert world.policy() == BLOCKED and not world.elements


def test_element_of_var_that_is_free_is_forgotten_without_an_order(make: Make) -> None:
    world = make({"block_group_policy": "No such policy"})
    world.set_policy(GUESTS)
    [row] = world.unblock(elements="WLAN:k1:N_1:Group policy", adopt="true")
    assert row["status"] == "already" and world.asked("PUT") == [] and not world.elements


def test_defect_policy_that_cannot_be_read_blocks_nothing(make: Make) -> None:
    world = make()
    world.emulator.faults.add(Fault("status", status=500, path="*/policy", method="GET"))
    [row] = world.block(mac=AIR_MAC)
    assert row["status"] == "failed" and world.asked("PUT") == [] and not world.elements


def test_client_that_is_gone_is_forgotten_and_a_network_out_of_sight_is_not(make: Make) -> None:
    world = make()
    world.block(mac=AIR_MAC)
    world.edit(key={"networks": ["N_2"]})
    [row] = world.unblock()
    assert row["status"] == "failed" and "may not see it any more" in row["reason"] and row["contained"]
    assert world.reconcile()[0]["status"] == "pending" and world.elements == {AIR}
    world.edit(key={"networks": None})
    world.move(AIR_CLIENT, remove=True)
    [row] = world.reconcile()
    assert row["status"] == "applied" and not row["contained"] and not world.elements


def test_defect_look_ups_are_kept_within_one_run_only(make: Make) -> None:
    world = make({"block_group_policy": "Quarantine"})
    second = {**AIR_CLIENT, "id": "k2", "mac": "00:11:22:33:44:02"}
    world.seed(clients=[second])
    world.block(mac=f"{AIR_MAC},{second['mac']}")
    asked = world.asked()
    assert asked.count("/organizations") == asked.count("/networks/N_1/groupPolicies") == 1
    world.edit(remove={"kind": "group_policy", "key": "N_1/101"})
    world.seed(groups=[{"network": "N_1", "id": "105", "name": "Quarantine"}])
    third = {**AIR_CLIENT, "id": "k3", "mac": "00:11:22:33:44:03"}
    world.seed(clients=[third])
    world.block(mac=third["mac"], host_id="43")
    assert world.policy("k3") == {"devicePolicy": "Group policy", "groupPolicyId": "105"}
