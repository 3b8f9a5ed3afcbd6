"""A host that roams, a host that cannot be found, and a look-up that fails."""

from __future__ import annotations

import pytest

from emulators.kit import Fault
from Tests.meraki_response.conftest import Make
from Tests.meraki_response.world import (
    AIR,
    AIR_CLIENT,
    AIR_MAC,
    BLOCKED,
    CABLE,
    CABLE_CLIENT,
    CABLE_MAC,
    GUESTS,
    NORMAL,
    statuses,
)

PORTS = {"allow_port_shutdown": "true"}
IN_ROME = {**AIR_CLIENT, "network": "N_2", "seen_ago": -60}


def test_defect_host_that_did_not_move_is_neither_released_nor_blocked_again(make: Make) -> None:
    world = make()
    world.block(mac=AIR_MAC)
    world.asked()
    for _ in range(3):
        assert world.groom(mac=AIR_MAC) == []
    assert world.asked("PUT") == [] and world.policy() == BLOCKED


def test_host_in_another_network_is_blocked_there_and_restored_where_it_was(make: Make) -> None:
    world = make()
    world.set_policy(GUESTS)
    world.block(mac=AIR_MAC)
    world.seed(clients=[IN_ROME])
    assert statuses(world.groom(mac=AIR_MAC)) == [("WLAN:k1:N_2", "applied"), (AIR, "applied")]
    assert (world.policy(), world.policy("k1", "N_2")) == (GUESTS, BLOCKED)
    assert statuses(world.unblock()) == [("WLAN:k1:N_2", "applied")]
    assert world.policy("k1", "N_2") == NORMAL and not world.elements


def test_host_on_another_port_is_blocked_there_and_the_old_port_is_on(make: Make) -> None:
    world = make(PORTS)
    world.block(mac=CABLE_MAC)
    world.move(CABLE_CLIENT, switchport="1_C9300-NM-8X_1", status="Online")
    assert [row["status"] for row in world.groom(mac=CABLE_MAC)] == ["applied", "applied"]
    assert (world.port_is_on("7"), world.port_is_on("1_C9300-NM-8X_1")) == (True, False)


def test_host_from_air_to_cable_is_followed(make: Make) -> None:
    world = make(PORTS)
    world.block(mac=AIR_MAC)
    change = {"connection": "Wired", "ssid": None, "switchport": "1_C9300-NM-8X_1", "serial": "Q2SW-0001"}
    world.move(AIR_CLIENT, **change)
    assert statuses(world.groom(mac=AIR_MAC)) == [("LAN:k1:Q2SW-0001:1_C9300-NM-8X_1", "applied"), (AIR, "applied")]
    assert world.policy() == NORMAL and not world.port_is_on("1_C9300-NM-8X_1")


@pytest.mark.parametrize("params", [{}, PORTS])
def test_host_that_cannot_be_blocked_where_it_is_now_stays_blocked_where_it_was(
    make: Make, params: dict[str, str]
) -> None:
    world = make(params)
    world.block(mac=AIR_MAC)
    world.move(AIR_CLIENT, connection="Wired", ssid=None, switchport="1", serial="Q2SW-0001")
    [row] = world.groom(mac=AIR_MAC)
    assert (row["status"], row["contained"]) == ("unsupported", True)
    assert world.policy() == BLOCKED and world.elements == {AIR}


@pytest.mark.parametrize("path", ["*/organizations", "*/clients/search", "*/clients/k1"])
@pytest.mark.parametrize("status", [500, 401, 403, 429])
def test_defect_look_up_that_fails_is_not_a_host_that_is_gone(make: Make, path: str, status: int) -> None:
    world = make()
    world.block(mac=AIR_MAC)
    world.asked()
    world.emulator.faults.add(Fault("status", status=status, path=path))
    [row] = world.groom(mac=AIR_MAC)
    assert (row["status"], row["contained"]) == ("failed", True)
    assert world.asked("PUT") == [] and world.policy() == BLOCKED and world.elements == {AIR}


def test_host_that_is_not_found_any_more_stays_blocked(make: Make) -> None:
    world = make()
    world.block(mac=AIR_MAC)
    world.seconds += 40 * 86_400
    [row] = world.groom(mac=AIR_MAC)
    assert (row["status"], row["contained"]) == ("not_found", True) and world.policy() == BLOCKED


def test_host_that_an_own_block_took_offline_is_not_lost_by_the_setting_for_offline_clients(make: Make) -> None:
    world = make({**PORTS, "block_inactive": "false"})
    world.block(mac=CABLE_MAC)
    [row] = world.groom(mac=CABLE_MAC)
    assert (row["status"], row["contained"]) == ("not_found", True)
    assert world.elements == {CABLE} and not world.port_is_on()


def test_claims_of_two_brains_are_groomed_apart(make: Make) -> None:
    world = make()
    world.block(mac=AIR_MAC, brain="one")
    world.block(mac=AIR_MAC, brain="two")
    world.seed(clients=[IN_ROME])
    world.groom(mac=AIR_MAC, brain="one")
    assert world.policy() == world.policy("k1", "N_2") == BLOCKED
    world.groom(mac=AIR_MAC, brain="two")
    assert (world.policy(), world.policy("k1", "N_2")) == (NORMAL, BLOCKED)
    world.unblock(brain="one")
    assert world.policy("k1", "N_2") == BLOCKED
    world.unblock(brain="two")
    assert world.policy("k1", "N_2") == NORMAL and not world.elements
