"""Keys, rights and budgets."""

from __future__ import annotations

import pytest

from emulators.meraki.conftest import Client, Start


def test_key_as_bearer_or_in_the_older_header_is_taken(meraki: Start) -> None:
    client = meraki(api_key="made-up-key")
    assert client.call("GET", "organizations").status_code == 200
    client.http.headers.pop("Authorization")
    client.http.headers["X-Cisco-Meraki-API-Key"] = "made-up-key"
    assert client.call("GET", "organizations").status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer", "Basic made-up-key", "made-up-key"])
def test_key_wrong_or_missing_is_401(meraki: Start, header: str) -> None:
    client = meraki(api_key="made-up-key")
    client.http.headers["Authorization"] = header
    assert client.refused("GET", "organizations") == (401, "Invalid API key")


@pytest.mark.parametrize(
    "path",
    ["organizations/3/networks", "networks/N_8/clients", "organizations/77/networks", "networks/N_77/groupPolicies"],
)
def test_organization_without_api_looks_like_one_that_is_not_there(meraki: Start, path: str) -> None:
    assert meraki().refused("GET", path) == (404, "Not found")


def test_organizations_tell_whose_api_is_off(meraki: Start) -> None:
    shown = {one["id"]: one["api"]["enabled"] for one in meraki().get("organizations")}
    assert shown == {"1": True, "2": True, "3": False}


def test_rights_hide_organizations_networks_devices_and_clients(meraki: Start) -> None:
    client = meraki()
    client.admin("edit", {"key": {"organizations": ["1"], "networks": ["N_2"]}})
    assert client.ids("organizations") == ["1"] and client.ids("organizations/1/networks") == ["N_2"]
    for path in (
        "networks/N_1",
        "networks/N_1/clients",
        "devices/Q2SW-0001",
        "devices/Q2SW-0001/switch/ports/7",
        "networks/N_1/clients/k1/policy",
        "organizations/1/clients/search?mac=00:11:22:33:44:01",
    ):
        assert client.refused("GET", path)[0] == 404, path


def test_read_only_key_reads_and_is_403_for_writes(meraki: Start) -> None:
    client = meraki()
    client.admin("edit", {"key": {"access": "read-only"}})
    assert client.get("networks/N_1/clients/k1/policy")["devicePolicy"] == "Normal"
    orders = {
        "networks/N_1/clients/k1/policy": {"devicePolicy": "Blocked"},
        "devices/Q2SW-0001/switch/ports/7": {"enabled": False},
    }
    for path, body in orders.items():
        assert client.refused("PUT", path, body)[0] == 403
    assert client.get("networks/N_1/clients/k1/policy")["devicePolicy"] == "Normal"
    assert client.get("devices/Q2SW-0001/switch/ports/7")["enabled"] is True


def statuses(client: Client, path: str, count: int) -> list[int]:
    return [client.call("GET", path).status_code for _ in range(count)]


def test_budget_is_per_organization_with_a_burst_and_says_when_to_come_back(meraki: Start) -> None:
    moment = [0.0]
    client = meraki(monotonic=lambda: moment[0], organization_rate=10, organization_burst=10)
    assert statuses(client, "networks/N_1/clients", 11) == [200] * 10 + [429]
    assert statuses(client, "devices/Q2SW-0001/switch/ports/7", 1) == [429]
    assert statuses(client, "networks/N_9/clients", 1) == statuses(client, "organizations", 1) == [200]
    refused = client.call("GET", "organizations/1/networks")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.json() == {"errors": ["API rate limit exceeded for organization"]}
    moment[0] = 0.5
    assert statuses(client, "organizations/1/networks", 6) == [200] * 5 + [429]


def test_budget_of_thirty_requests_in_two_seconds(meraki: Start) -> None:
    moment = [0.0]
    client = meraki(monotonic=lambda: moment[0], organization_rate=10, organization_burst=10)
    answered = []
    for _ in range(200):
        answered += statuses(client, "networks/N_1", 1)
        moment[0] += 0.01
    assert answered.count(200) == 29 and answered.count(429) == 171


def test_reset_keeps_the_key_and_fills_the_budget(meraki: Start) -> None:
    client = meraki(monotonic=lambda: 0.0, organization_rate=10, organization_burst=1)
    assert statuses(client, "networks/N_1", 2) == [200, 429]
    client.admin("reset", {})
    assert client.get("organizations") == [] and client.admin("count")["client"] == 0
