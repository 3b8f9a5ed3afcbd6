"""Searching clients, and their policies."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.meraki.conftest import DAY, NOW, WORLD, Start

POLICY = "networks/N_1/clients/k1/policy"


def many(count: int) -> dict[str, Any]:
    clients = [
        {"network": "N_1", "id": f"c{number:03}", "mac": f"00:00:00:00:01:{number:02x}", "ip": f"10.1.1.{number}"}
        for number in range(1, count + 1)
    ]
    return {**WORLD, "clients": clients}


def test_clients_are_ten_a_page_unless_asked_and_the_link_leads_on(meraki: Start) -> None:
    client = meraki(world=many(25))
    first = client.call("GET", "networks/N_1/clients")
    assert len(first.json()) == 10 and set(first.links) == {"first", "next", "last"}
    assert 'rel="' not in first.headers["Link"]
    assert client.ids("networks/N_1/clients") == [f"c{number:03}" for number in range(1, 26)]
    assert len(client.ids("networks/N_1/clients", perPage=3)) == 25
    assert len(client.get("networks/N_1/clients", perPage=5000)) == 25
    middle = client.call("GET", "networks/N_1/clients", startingAfter="c010", perPage=5)
    assert [row["id"] for row in middle.json()] == ["c011", "c012", "c013", "c014", "c015"]
    before = client.http.get(middle.links["prev"]["url"])
    assert [row["id"] for row in before.json()] == ["c006", "c007", "c008", "c009", "c010"]
    last = client.http.get(middle.links["last"]["url"])
    assert [row["id"] for row in last.json()] == ["c021", "c022", "c023", "c024", "c025"]


@pytest.mark.parametrize("size", ["2", "5001", "many", "-5"])
def test_clients_page_size_out_of_range_is_400(meraki: Start, size: str) -> None:
    assert meraki().refused("GET", "networks/N_1/clients", perPage=size)[0] == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"ip": "10.1.1.1"}, ["k1", "k7"]),
        ({"ip": "10.1.1.17"}, ["k7"]),
        ({"mac": "33:44:0"}, ["k1", "k7"]),
        ({"description": "LAPTOP"}, ["k1"]),
        ({"statuses[]": "Offline"}, ["k7"]),
        ({"statuses[]": ["Offline", "Online"]}, ["k1", "k7"]),
        ({"recentDeviceConnections[]": "Wireless"}, ["k1"]),
        ({"ip": "10.9"}, []),
    ],
)
def test_clients_filters_match_partial_values(meraki: Start, query: dict[str, Any], found: list[str]) -> None:
    assert meraki().ids("networks/N_1/clients", **query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, []),
        ({"timespan": str(2 * DAY)}, ["k1"]),
        ({"timespan": str(31 * DAY)}, ["k1"]),
        ({"t0": str(int(NOW) - 31 * DAY)}, ["k1"]),
        ({"t0": "2027-01-13T00:00:00Z"}, ["k1"]),
    ],
)
def test_clients_time_span_is_a_day_unless_asked(meraki: Start, query: dict[str, str], found: list[str]) -> None:
    client = meraki()
    client.admin("edit", {"client": {"network": "N_1", "id": "k1", "seen_ago": 1.5 * DAY}})
    assert client.ids("networks/N_1/clients", mac="44:01", **query) == found


@pytest.mark.parametrize(
    "query",
    [
        {"timespan": str(31 * DAY + 1)},
        {"timespan": "0"},
        {"timespan": "long"},
        {"t0": str(int(NOW) - 32 * DAY)},
        {"t0": "yesterday"},
        {"t0": str(int(NOW) - 9), "timespan": "9"},
        {"statuses[]": "Asleep"},
        {"macs": "00"},
    ],
)
def test_clients_wrong_query_is_400(meraki: Start, query: dict[str, str]) -> None:
    assert meraki().refused("GET", "networks/N_1/clients", **query)[0] == 400


def test_client_times_are_texts_in_a_list_and_numbers_in_its_record(meraki: Start) -> None:
    client = meraki()
    [row] = client.get("networks/N_1/clients", mac="00:11:22:33:44:07")
    one = client.get("networks/N_1/clients/k7")
    assert row["lastSeen"] == "2027-01-15T07:00:00Z" and one["lastSeen"] == NOW - 3600
    for shown in (row, one):
        assert (shown["recentDeviceSerial"], shown["recentDeviceConnection"]) == ("Q2SW-0001", "Wired")
        assert (shown["switchport"], shown["ssid"], shown["status"]) == ("7", None, "Offline")


def test_search_by_mac_gives_a_record_for_each_network_in_small_pages(meraki: Start) -> None:
    client = meraki(world={**WORLD, "clients": []})
    networks = [{"id": f"N_5{number}", "organization": "1"} for number in range(7)]
    clients = [{"network": one["id"], "id": "k5", "mac": "00:AA:00:00:00:05"} for one in networks]
    client.admin("seed", {"networks": networks, "clients": clients})
    path = "organizations/1/clients/search"
    reply = client.call("GET", path, mac="00:aa:00:00:00:05")
    body = reply.json()
    assert (body["clientId"], body["mac"]) == ("k5", "00:aa:00:00:00:05")
    assert [record["network"]["id"] for record in body["records"]] == [f"N_5{number}" for number in range(5)]
    assert body["records"][0]["lastSeen"] == NOW and "recentDeviceSerial" not in body["records"][0]
    rest = client.http.get(reply.links["next"]["url"]).json()["records"]
    assert [record["network"]["id"] for record in rest] == ["N_55", "N_56"]
    assert client.refused("GET", path, mac="00:aa:00:00:00:05", perPage="6")[0] == 400
    assert client.refused("GET", path, mac="00:aa")[0] == client.refused("GET", path)[0] == 400


def test_search_by_unknown_mac_answers_in_one_of_three_ways(meraki: Start) -> None:
    path, mac = "organizations/1/clients/search", "00:00:00:00:00:99"
    assert meraki().refused("GET", path, mac=mac)[0] == 404
    assert meraki(unknown_mac="empty").get(path, mac=mac) == {}
    assert meraki(unknown_mac="204").call("GET", path, mac=mac).status_code == 204


def test_search_finds_nothing_of_another_organization(meraki: Start) -> None:
    assert meraki().refused("GET", "organizations/2/clients/search", mac="00:11:22:33:44:01")[0] == 404


def test_policy_is_set_read_and_cleared(meraki: Start) -> None:
    client = meraki()
    mac, group = "00:11:22:33:44:01", {"devicePolicy": "Group policy", "groupPolicyId": "101"}
    assert client.get(POLICY) == {"mac": mac, "devicePolicy": "Normal"}
    for body, shown in (
        ({"devicePolicy": "Blocked"}, {"devicePolicy": "Blocked"}),
        ({"devicePolicy": "whitelisted"}, {"devicePolicy": "Whitelisted"}),
        (group, group),
        ({"devicePolicy": "Normal"}, {"devicePolicy": "Normal"}),
    ):
        assert client.call("PUT", POLICY, body).json() == {"mac": mac, **shown}
        assert client.get(f"networks/N_1/clients/{mac}/policy") == {"mac": mac, **shown}
    assert client.dump("policy") == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"devicePolicy": "Quarantine"},
        {"devicePolicy": "Different policies by SSID"},
        {"devicePolicy": "Group policy"},
        {"devicePolicy": "Group policy", "groupPolicyId": "999"},
        {"devicePolicy": "Group policy", "groupPolicyId": 101},
        {"devicePolicy": "Blocked", "groupPolicyId": "101"},
        {"devicePolicy": "Blocked", "reason": "x"},
        ["Blocked"],
    ],
)
def test_policy_that_the_vendor_would_not_take_is_400(meraki: Start, body: object) -> None:
    client = meraki()
    assert client.refused("PUT", POLICY, body)[0] == 400
    assert client.get(POLICY)["devicePolicy"] == "Normal"


def test_policy_of_an_unknown_client_is_404(meraki: Start) -> None:
    client = meraki()
    assert client.refused("GET", "networks/N_1/clients/k77/policy")[0] == 404
    assert client.refused("PUT", "networks/N_2/clients/k1/policy", {"devicePolicy": "Blocked"})[0] == 404


def test_policy_limit_of_a_network_refuses_one_more_but_changes_of_those_that_have_one(meraki: Start) -> None:
    client = meraki(policy_limit=1)
    assert client.call("PUT", POLICY, {"devicePolicy": "Blocked"}).status_code == 200
    status, text = client.refused("PUT", "networks/N_1/clients/k7/policy", {"devicePolicy": "Blocked"})
    assert status == 400 and "maximum of 1" in text
    assert client.call("PUT", POLICY, {"devicePolicy": "Whitelisted"}).status_code == 200
    assert client.call("PUT", POLICY, {"devicePolicy": "Normal"}).status_code == 200
    assert client.call("PUT", "networks/N_1/clients/k7/policy", {"devicePolicy": "Blocked"}).status_code == 200


def test_policy_by_ssid_is_shown_and_cannot_be_put(meraki: Start) -> None:
    client = meraki()
    client.admin("edit", {"policy": {"network": "N_1", "client": "k1", "devicePolicy": "Different policies by SSID"}})
    assert client.get(POLICY)["devicePolicy"] == "Different policies by SSID"


def test_allowed_is_the_other_word_for_whitelisted(meraki: Start) -> None:
    client = meraki(allowed_word="Allowed")
    assert client.call("PUT", POLICY, {"devicePolicy": "Whitelisted"}).json()["devicePolicy"] == "Allowed"


def test_group_policies_are_those_of_the_network(meraki: Start) -> None:
    client = meraki()
    [policy] = client.get("networks/N_1/groupPolicies")
    assert (policy["groupPolicyId"], policy["name"]) == ("101", "Quarantine")
    assert client.get("networks/N_2/groupPolicies") == []
