"""Ports, and what an administrator does by the side door."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.meraki.conftest import DAY, Start

PORT = "devices/Q2SW-0001/switch/ports/7"
STATUSES = "devices/Q2SW-0001/switch/ports/statuses"


def status(rows: list[dict[str, Any]], port: str = "7") -> dict[str, Any]:
    [found] = [row for row in rows if row["portId"] == port]
    return found


def test_port_is_shut_down_and_who_hangs_on_it_is_offline(meraki: Start) -> None:
    client = meraki()
    client.admin("edit", {"client": {"network": "N_1", "id": "k7", "status": "Online"}})
    assert status(client.get(STATUSES))["status"] == "Connected" and client.get(PORT)["enabled"] is True
    assert client.call("PUT", PORT, {"enabled": False}).json()["enabled"] is False
    assert (status(client.get(STATUSES))["status"], client.get(PORT)["enabled"]) == ("Disabled", False)
    assert client.get("networks/N_1/clients/k7")["status"] == "Offline"
    assert client.call("PUT", PORT, {"enabled": True}).json()["enabled"] is True
    assert client.get("networks/N_1/clients/k7")["status"] == "Online"


def test_port_that_is_switched_on_brings_nobody_online_who_was_not_cut_off_by_it(meraki: Start) -> None:
    client = meraki()
    for enabled in (False, True):
        client.call("PUT", PORT, {"enabled": enabled})
        assert client.get("networks/N_1/clients/k7")["status"] == "Offline"


def test_port_statuses_tell_uplinks_and_clients_of_the_time_span(meraki: Start) -> None:
    client = meraki()
    rows = client.get(STATUSES)
    assert [(row["portId"], row["isUplink"], row["clientCount"]) for row in rows] == [
        ("1", True, 0),
        ("1_C9300-NM-8X_1", False, 0),
        ("7", False, 1),
    ]
    client.admin("edit", {"client": {"network": "N_1", "id": "k7", "seen_ago": 2 * DAY}})
    assert status(client.get(STATUSES))["clientCount"] == 0
    assert status(client.get(STATUSES, timespan=str(3 * DAY)))["clientCount"] == 1
    assert client.refused("GET", STATUSES, timespan=str(32 * DAY))[0] == 400


@pytest.mark.parametrize(("option", "shown"), [("omit", {}), ("null", {"clientCount": None})])
def test_port_statuses_without_a_count(meraki: Start, option: str, shown: dict[str, None]) -> None:
    row = status(meraki(client_count=option).get(STATUSES))
    assert {name: value for name, value in row.items() if name == "clientCount"} == shown


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("devices/Q2SW-0001/switch/ports/99", 404),
        ("devices/Q2SW-9999/switch/ports/7", 404),
        ("devices/Q2AP-0001/switch/ports/7", 400),
    ],
)
def test_port_that_is_not_there_is_refused(meraki: Start, path: str, expected: int) -> None:
    client = meraki()
    assert client.refused("GET", path)[0] == client.refused("PUT", path, {"enabled": False})[0] == expected


@pytest.mark.parametrize("body", [{}, {"enabled": "false"}, {"enabled": False, "shutdown": True}])
def test_port_setting_that_the_vendor_would_not_take_is_400(meraki: Start, body: dict[str, Any]) -> None:
    assert meraki().refused("PUT", PORT, body)[0] == 400


def test_device_is_told_with_its_network(meraki: Start) -> None:
    device = meraki().get("devices/Q2SW-0001")
    assert (device["networkId"], device["productType"]) == ("N_1", "switch")


def test_edit_forget_clears_policies_and_enables_ports_of_one_network(meraki: Start) -> None:
    client = meraki()
    client.call("PUT", "networks/N_1/clients/k1/policy", {"devicePolicy": "Blocked"})
    client.call("PUT", PORT, {"enabled": False})
    client.admin("edit", {"forget": "N_2"})
    assert len(client.dump("policy")) == 1
    client.admin("edit", {"forget": "N_1"})
    assert client.dump("policy") == {} and client.get(PORT)["enabled"] is True


def test_edit_client_that_roams_and_client_that_is_removed(meraki: Start) -> None:
    client = meraki()
    client.admin("edit", {"client": {"network": "N_1", "id": "k7", "switchport": "1_C9300-NM-8X_1"}})
    assert status(client.get(STATUSES), "1_C9300-NM-8X_1")["clientCount"] == 1
    client.admin("edit", {"client": {"network": "N_1", "id": "k7", "remove": True}})
    assert client.refused("GET", "networks/N_1/clients/k7")[0] == 404


def test_edit_removes_groups_and_devices(meraki: Start) -> None:
    client = meraki()
    client.admin("edit", {"remove": {"kind": "group_policy", "key": "N_1/101"}})
    client.admin("edit", {"remove": {"kind": "device", "key": "Q2SW-0001"}})
    assert client.get("networks/N_1/groupPolicies") == [] and client.refused("GET", PORT)[0] == 404


@pytest.mark.parametrize(
    ("door", "payload"),
    [
        ("seed", {"clients": [{"network": "N_77", "id": "k", "mac": "00:00:00:00:00:01"}]}),
        ("seed", {"networks": [{"id": "N_5", "organization": "1", "products": ["toaster"]}]}),
        ("seed", {"hosts": []}),
        ("edit", {"policy": {"network": "N_1", "client": "k1", "devicePolicy": "Group policy"}}),
        ("edit", {"port": {"serial": "Q2SW-0001", "id": "99", "enabled": False}}),
        ("edit", {"key": {"access": "root"}}),
    ],
)
def test_side_door_refuses_what_makes_no_sense_and_changes_nothing(meraki: Start, door: str, payload: object) -> None:
    client = meraki()
    before = client.admin("count")
    reply = client.http.post(f"{client.emulator.admin}/{door}", json=payload)
    assert reply.status_code in (400, 404) and client.admin("count") == before
