"""Ports: which may be shut down, and which are switched on again."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.kit import Fault
from Tests.meraki_response.conftest import Make
from Tests.meraki_response.world import AIR_CLIENT, AIR_MAC, CABLE, CABLE_CLIENT, CABLE_MAC, NORMAL, statuses

PORTS = {"allow_port_shutdown": "true"}
OTHER: dict[str, Any] = {**CABLE_CLIENT, "id": "k8", "mac": "00:11:22:33:44:08", "ip": "10.1.1.8"}


def test_port_is_shut_down_and_switched_on_again(make: Make) -> None:
    world = make(PORTS)
    assert statuses(world.block(mac=CABLE_MAC)) == [(CABLE, "applied")]
    assert not world.port_is_on() and world.policy("k7") == NORMAL
    assert statuses(world.block(mac=CABLE_MAC)) == [(CABLE, "already")]
    assert world.groom(mac=CABLE_MAC) == [] == world.reconcile(verify=True)
    assert statuses(world.unblock()) == [(CABLE, "applied")]
    assert world.port_is_on() and not world.elements


def test_defect_port_is_not_shut_down_unless_allowed(make: Make) -> None:
    world = make()
    [row] = world.block(mac=CABLE_MAC)
    assert row["status"] == "unsupported" and "'allow_port_shutdown' is off" in row["reason"]
    assert world.port_is_on() and world.asked("PUT") == []


def test_uplink_is_not_shut_down(make: Make) -> None:
    world = make(PORTS)
    world.move(CABLE_CLIENT, switchport="1")
    [row] = world.block(mac=CABLE_MAC)
    assert row["status"] == "unsupported" and "is an uplink" in row["reason"] and world.port_is_on("1")


def test_port_with_a_second_client_is_not_shut_down(make: Make) -> None:
    world = make(PORTS)
    world.seed(clients=[OTHER])
    [row] = world.block(mac=CABLE_MAC)
    assert row["status"] == "failed" and "has 2 clients, not one" in row["reason"] and world.port_is_on()
    world.edit(client={"network": "N_1", "id": "k8", "remove": True})
    assert statuses(world.block(mac=CABLE_MAC)) == [(CABLE, "applied")]


@pytest.mark.parametrize("client_count", ["omit", "null"])
def test_defect_port_whose_number_of_clients_is_not_told_is_not_shut_down(make: Make, client_count: str) -> None:
    world = make(PORTS, client_count=client_count)
    [row] = world.block(mac=CABLE_MAC)
    assert row["status"] == "failed" and "does not tell how many clients" in row["reason"] and world.port_is_on()


def test_port_of_an_offline_client_may_belong_to_another_and_is_not_shut_down(make: Make) -> None:
    world = make(PORTS)
    world.move(CABLE_CLIENT, status="Offline")
    [row] = world.block(mac=CABLE_MAC)
    assert row["status"] == "failed" and "not online" in row["reason"] and world.port_is_on()


@pytest.mark.parametrize("serial", ["Q2AP-0001", "Q2SW-9999", None])
def test_device_that_is_not_the_switch_of_the_port_shuts_nothing(make: Make, serial: str | None) -> None:
    world = make(PORTS)
    world.move(CABLE_CLIENT, serial=serial)
    [row] = world.block(mac=CABLE_MAC)
    assert row["status"] == "failed" and row["reason"] and world.asked("PUT") == []


def test_defect_port_that_was_off_before_is_not_switched_on(make: Make) -> None:
    world = make(PORTS)
    world.set_port(False)
    [row] = world.block(mac=CABLE_MAC)
    assert (row["status"], row["contained"]) == ("already", False)
    world.unblock()
    world.reconcile()
    assert not world.port_is_on() and not world.elements


def test_port_that_somebody_switched_on_is_shut_down_again_while_the_host_is_alone(make: Make) -> None:
    world = make(PORTS)
    world.block(mac=CABLE_MAC)
    world.set_port(True)
    assert statuses(world.reconcile(verify=True)) == [(CABLE, "applied")]
    assert not world.port_is_on()
    world.set_port(True)
    world.seed(clients=[OTHER])
    [row] = world.reconcile(verify=True)
    assert (row["status"], row["contained"]) == ("failed", True) and world.port_is_on()


def test_port_that_the_host_left_after_it_was_switched_on_is_not_shut_down_again(make: Make) -> None:
    world = make(PORTS)
    world.block(mac=CABLE_MAC)
    world.set_port(True)
    world.move(CABLE_CLIENT, switchport="1_C9300-NM-8X_1")
    [row] = world.reconcile(verify=True)
    assert row["status"] == "failed" and "is not on port 7 of Q2SW-0001 any more" in row["reason"]
    assert world.port_is_on()


def test_port_id_of_a_module_is_taken_as_it_is(make: Make) -> None:
    world = make(PORTS)
    world.move(CABLE_CLIENT, switchport="1_C9300-NM-8X_1")
    assert statuses(world.block(mac=CABLE_MAC)) == [("LAN:k7:Q2SW-0001:1_C9300-NM-8X_1", "applied")]
    assert not world.port_is_on("1_C9300-NM-8X_1")
    world.unblock()
    assert world.port_is_on("1_C9300-NM-8X_1")


def test_laptop_with_two_ways_of_which_one_cannot_be_blocked_says_so(make: Make) -> None:
    world = make()
    [row] = world.block(mac=f"{AIR_MAC},{CABLE_MAC}")
    assert row["status"] == "applied" and row["element"] == "WLAN:k1:N_1"
    assert "not blocked beside it: Port 7" in row["reason"] and world.port_is_on()


def test_element_of_var_switches_its_port_on_and_can_be_claimed_again(make: Make) -> None:
    world = make(PORTS)
    world.set_port(False)
    world.emulator.faults.add(Fault("status", status=500, method="PUT", count=1))
    [row] = world.unblock(elements=CABLE, adopt="true")
    assert row["status"] == "pending" and not world.port_is_on()
    world.block(mac=CABLE_MAC)
    world.reconcile()
    world.set_port(True)
    assert statuses(world.reconcile(verify=True)) == [(CABLE, "applied")]
    assert statuses(world.unblock()) == [(CABLE, "applied")] and world.port_is_on()


def test_switch_that_left_the_network_is_forgotten_and_one_out_of_sight_is_not(make: Make) -> None:
    world = make(PORTS)
    world.block(mac=CABLE_MAC)
    world.edit(key={"organizations": ["2"]})
    assert world.unblock()[0]["status"] == "failed" and world.elements == {CABLE}
    world.edit(key={"organizations": None})
    world.edit(remove={"kind": "device", "key": "Q2SW-0001"})
    [row] = world.reconcile()
    assert row["status"] == "applied" and not world.elements


def test_other_client_of_the_same_network_is_never_touched(make: Make) -> None:
    world = make(PORTS)
    world.block(mac=CABLE_MAC)
    assert world.asked("PUT") == ["/devices/Q2SW-0001/switch/ports/7"]
    assert world.policy(AIR_CLIENT["id"]) == NORMAL
