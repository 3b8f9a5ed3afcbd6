"""Which clients are the host: exact matches, the newest of several networks, the settings, and failed look-ups."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.kit import Fault
from Tests.meraki_response.conftest import Make
from Tests.meraki_response.world import AIR, AIR_CLIENT, AIR_MAC, CABLE_MAC, DAY, NORMAL, statuses

NEIGHBOUR: dict[str, Any] = {**AIR_CLIENT, "id": "k17", "mac": "00:11:22:33:44:17", "ip": "10.1.1.17"}


def test_defect_partial_matches_of_an_address_are_dropped(make: Make) -> None:
    world = make()
    world.seed(clients=[NEIGHBOUR, {**NEIGHBOUR, "network": "N_2", "id": "k10", "ip": "10.1.1.10"}])
    assert statuses(world.block(ip="10.1.1.1")) == [(AIR, "applied")]
    assert world.policy("k17") == world.policy("k10", "N_2") == NORMAL


def test_defect_partial_match_alone_is_not_the_host(make: Make) -> None:
    world = make()
    world.seed(clients=[{**NEIGHBOUR, "ip": "210.1.1.17"}])
    assert statuses(world.block(ip="210.1.1.17")) == [("WLAN:k17:N_1", "applied")]
    [row] = world.block(ip="10.1.1.17", host_id="43")
    assert row["status"] == "not_found" and world.elements == {"WLAN:k17:N_1"}


def test_defect_all_pages_of_clients_networks_and_records_are_read(make: Make) -> None:
    world = make()
    crowd = [
        {**AIR_CLIENT, "id": f"a{number:04}", "mac": f"02:00:00:00:{number // 256:02x}:{number % 256:02x}",
         "ip": f"10.1.1.1{number % 100:02}"}
        for number in range(1_200)
    ]  # fmt: skip
    world.seed(clients=[*crowd, {**AIR_CLIENT, "id": "z9", "mac": "02:00:00:00:ff:01", "ip": "10.1.1.1"}])
    world.move(AIR_CLIENT, ip="10.5.5.5")
    assert statuses(world.block(ip="10.1.1.1")) == [("WLAN:z9:N_1", "applied")]
    assert world.asked().count("/networks/N_1/clients") == 2


def test_defect_all_records_of_a_mac_are_read_and_the_newest_network_wins(make: Make) -> None:
    world = make()
    networks = [{"id": f"N_5{number}", "organization": "1"} for number in range(8)]
    world.seed(networks=networks)
    world.seed(clients=[{**AIR_CLIENT, "network": one["id"], "seen_ago": 900 - number * 100}
                        for number, one in enumerate(networks)])  # fmt: skip
    world.move(AIR_CLIENT, seen_ago=7200)
    assert statuses(world.block(mac=AIR_MAC)) == [("WLAN:k1:N_57", "applied")]
    assert world.policy() == NORMAL


def test_defect_two_networks_with_the_same_address_block_only_where_it_was_seen_last(make: Make) -> None:
    world = make()
    world.seed(clients=[{**AIR_CLIENT, "network": "N_2", "seen_ago": -60}])
    assert statuses(world.block(ip="10.1.1.1")) == [("WLAN:k1:N_2", "applied")]
    assert world.policy() == NORMAL


def test_defect_host_with_unknown_macs_is_searched_by_address(make: Make) -> None:
    world = make()
    assert statuses(world.block(mac="00:00:5e:00:53:01", ip="10.1.1.1")) == [(AIR, "applied")]


@pytest.mark.parametrize("unknown_mac", ["404", "empty", "204"])
def test_mac_that_nobody_has_seen_is_not_found_in_whatever_form(make: Make, unknown_mac: str) -> None:
    [row] = make(unknown_mac=unknown_mac).block(mac="00:00:5e:00:53:01")
    assert row["status"] == "not_found" and "00:00:5e:00:53:01" in row["reason"]


def test_defect_several_macs_go_by_their_setting(make: Make) -> None:
    world = make({"block_multiple_mac": "false", "block_multiple_ip": "true", "allow_port_shutdown": "true"})
    [row] = world.block(mac=f"{AIR_MAC},{CABLE_MAC}")
    assert row["status"] == "failed" and "'block_multiple_mac' is off" in row["reason"]
    assert AIR_MAC in row["reason"] and CABLE_MAC in row["reason"] and world.asked("PUT") == []
    world.params["block_multiple_mac"] = "true"
    assert {row["status"] for row in world.block(mac=f"{AIR_MAC},{CABLE_MAC}")} == {"applied"}


def test_defect_several_clients_of_an_address_go_by_their_setting(make: Make) -> None:
    world = make()
    twin = {**AIR_CLIENT, "network": "N_9", "id": "k2", "mac": "00:11:22:33:44:02"}
    world.seed(clients=[twin])
    [row] = world.block(ip="10.1.1.1")
    assert row["status"] == "failed" and "'block_multiple_ip' is off" in row["reason"] and world.asked("PUT") == []
    world.params["block_multiple_ip"] = "true"
    assert statuses(world.block(ip="10.1.1.1")) == [(AIR, "applied"), ("WLAN:k2:N_9", "applied")]


def test_defect_offline_clients_go_by_their_setting(make: Make) -> None:
    world = make({"block_inactive": "false"})
    world.move(AIR_CLIENT, status="Offline")
    [row] = world.block(mac=AIR_MAC)
    assert row["status"] == "not_found" and "'block_inactive' is off" in row["reason"]
    world.params["block_inactive"] = "true"
    assert statuses(world.block(mac=AIR_MAC)) == [(AIR, "applied")]


def test_offline_client_that_is_left_out_does_not_make_an_address_ambiguous(make: Make) -> None:
    world = make({"block_inactive": "false"})
    world.seed(clients=[{**AIR_CLIENT, "id": "k2", "mac": "00:11:22:33:44:02", "status": "Offline"}])
    assert statuses(world.block(ip="10.1.1.1")) == [(AIR, "applied")]


@pytest.mark.parametrize("search", [{"mac": AIR_MAC}, {"ip": "10.1.1.1"}])
def test_defect_time_span_is_that_of_the_setting_and_at_most_31_days(make: Make, search: dict[str, str]) -> None:
    world = make()
    world.move(AIR_CLIENT, seen_ago=20 * DAY)
    [row] = world.block(**search)
    assert row["status"] == "not_found"
    world.params["lookback_days"] = "31"
    assert statuses(world.block(**search)) == [(AIR, "applied")]


def test_ipv6_address_is_found_in_another_spelling(make: Make) -> None:
    world = make()
    world.move(AIR_CLIENT, ip6="2001:DB8:0:0:0:0:0:1")
    assert statuses(world.block(ip="2001:db8::1")) == [(AIR, "applied")]
    assert world.block(ip="2001:db8::11", host_id="43")[0]["status"] == "not_found"


def test_address_is_looked_for_once_in_each_network_that_can_have_clients(make: Make) -> None:
    world = make()
    world.block(ip="10.9.9.9")
    searched = [path for path in world.asked() if path.endswith("/clients")]
    assert searched == ["/networks/N_1/clients", "/networks/N_2/clients", "/networks/N_9/clients"]


def test_organizations_and_networks_of_the_settings_narrow_the_search(make: Make) -> None:
    world = make({"organization_ids": "2"})
    assert world.block(mac=AIR_MAC)[0]["status"] == "not_found"
    assert {path.split("/")[2] for path in world.asked() if path.startswith("/organizations/")} == {"2"}
    world.params.update(organization_ids="", network_ids="N_2, N_9")
    assert world.block(mac=AIR_MAC, ip="10.1.1.1")[0]["status"] == "not_found"
    assert [path for path in world.asked() if path.endswith("/clients")] == [
        "/networks/N_2/clients",
        "/networks/N_9/clients",
    ]
    world.params["network_ids"] = "N_1"
    assert statuses(world.block(mac=AIR_MAC)) == [(AIR, "applied")]


@pytest.mark.parametrize(
    ("organizations", "told"),
    [("1,77", "does not see the organisations 77"), ("1,3", "not enabled in the organisations 3")],
)
def test_organization_of_the_settings_that_is_not_there_fails_the_search(
    make: Make, organizations: str, told: str
) -> None:
    [row] = make({"organization_ids": organizations}).block(mac=AIR_MAC)
    assert row["status"] == "failed" and told in row["reason"]


def test_organizations_without_api_are_left_out_when_none_is_set(make: Make) -> None:
    world = make()
    assert statuses(world.block(mac=AIR_MAC)) == [(AIR, "applied")]
    assert not any(path.startswith("/organizations/3") for path in world.asked())


@pytest.mark.parametrize("path", ["*/organizations", "*/organizations/2/networks", "*/networks/N_2/clients"])
@pytest.mark.parametrize("status", [500, 404, 403, 429])
def test_defect_search_of_which_a_part_failed_is_failed_and_blocks_nothing(make: Make, path: str, status: int) -> None:
    world = make()
    world.emulator.faults.add(Fault("status", status=status, path=path))
    [row] = world.block(ip="10.1.1.1")
    assert row["status"] == "failed" and str(status) in row["reason"]
    assert world.policy() == NORMAL and not world.elements


def test_busy_dashboard_is_asked_again_after_the_time_it_names(make: Make) -> None:
    world = make({"tries": "3"})
    world.emulator.faults.add(Fault("status", status=429, retry_after=2, count=1, path="*/search"))
    assert statuses(world.block(mac=AIR_MAC)) == [(AIR, "applied")]
    assert sum(world.slept) >= 2


def test_budget_of_an_organization_is_kept_to_by_waiting(make: Make) -> None:
    world = make({"tries": "4"}, organization_rate=0.001, organization_burst=2)
    [row] = world.block(mac=AIR_MAC)
    assert row["status"] == "failed" and "answered HTTP 429" in row["reason"] and "tries failed" in row["reason"]


def test_test_button_tells_what_is_missing(make: Make) -> None:
    world = make({"network_ids": "N_1", "block_group_policy": "Quarantine"})
    assert world.driver().test() == "ok"
    for change, told in (
        ({"network_ids": "N_77"}, "does not see the network N_77"),
        ({"network_ids": "N_9"}, "N_9 has not just one group policy with the name 'Quarantine'"),
        ({"organization_ids": "77"}, "does not see the organisations 77"),
        ({"credentials": {"password": "made-up-wrong-key"}}, "HTTP 401"),
    ):
        params, world.params = world.params, {**world.params, **change}
        with pytest.raises(Exception, match=told):
            world.driver().test()
        world.params = params
    world.edit(key={"organizations": []})
    with pytest.raises(Exception, match="sees no organisation"):
        world.driver().test()
    assert world.asked("PUT") == []
