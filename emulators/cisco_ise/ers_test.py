"""ERS: orders, their refusals, lists, policies."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.cisco_ise.conftest import IP, MAC, OTHER_MAC, Start, additional


def test_apply_and_clear_change_the_live_session(ise: Start) -> None:
    client = ise()
    applied = client.order("apply")
    assert (applied.status_code, applied.content) == (204, b"")
    assert client.enforced() == "Quarantine"
    assert client.order("clear").status_code == 204
    assert client.enforced() == ""


@pytest.mark.parametrize("status", [400, 500])
def test_refusals_have_the_known_titles(ise: Start, status: int) -> None:
    client = ise(refusal_status=status)
    client.order("apply")
    for reply, title in (
        (client.order("apply"), "mac address is already associated with this policy"),
        (client.order("clear", OTHER_MAC), "mac address is not associated with a policy"),
        (client.order("apply", OTHER_MAC, "Nope"), "Policy is not configured"),
        (client.order("apply", "aabb.ccdd.ee01"), "Invalid MAC Address"),
        (
            client.ers("PUT", "ancendpoint/apply", additional(ipAddress="10.9.9.9", policyName="Quarantine")),
            "Session lookup failure",
        ),
    ):
        assert (reply.status_code, client.title(reply)) == (status, title)


def test_apply_by_address_finds_the_session(ise: Start) -> None:
    client = ise()
    order = additional(ipAddress=IP, policyName="Quarantine")
    assert client.ers("PUT", "ancendpoint/apply", order).status_code == 204
    assert client.enforced() == "Quarantine"


def test_change_of_authorisation_fails_the_policy_is_stored(ise: Start) -> None:
    client = ise()
    client.edit(device="10.255.0.1", answers=False)
    reply = client.order("apply")
    assert (reply.status_code, client.title(reply)) == (500, "Radius Failure")
    assert client.enforced() == "" and client.emulator.ise.anc.policy_of(MAC) == "Quarantine"
    client.edit(mac=MAC, connect={"ip": IP})
    assert client.enforced() == "Quarantine"


def test_no_session_the_policy_waits_for_the_next_authentication(ise: Start) -> None:
    client = ise()
    assert client.order("apply", OTHER_MAC).status_code == 204 and client.enforced(OTHER_MAC) is None
    client.edit(mac=OTHER_MAC, connect={"ip": "10.1.2.9"})
    assert client.enforced(OTHER_MAC) == "Quarantine"


@pytest.mark.parametrize(("how", "status", "left"), [("replace", 204, "Watch"), ("refuse", 500, "Quarantine")])
def test_second_policy_replaces_or_is_refused(ise: Start, how: str, status: int, left: str) -> None:
    client = ise(second_policy=how)
    client.emulator.state.seed({"policies": [{"name": "Watch", "actions": ["RE_AUTHENTICATE"]}]})
    client.order("apply")
    assert client.order("apply", policy="Watch").status_code == status
    assert client.emulator.ise.anc.policy_of(MAC) == left


@pytest.mark.parametrize(("how", "status"), [("ignored", 204), ("checked", 500)])
def test_clear_with_another_policy(ise: Start, how: str, status: int) -> None:
    client = ise(clear_policy=how)
    client.order("apply")
    assert client.order("clear", policy="Watch").status_code == status


def test_clear_without_a_policy_is_taken(ise: Start) -> None:
    client = ise(clear_policy="checked")
    client.order("apply")
    assert client.ers("PUT", "ancendpoint/clear", additional(macAddress=MAC)).status_code == 204


def test_shutdown_ends_the_session(ise: Start) -> None:
    client = ise()
    client.emulator.state.seed({"policies": [{"name": "Off", "actions": ["SHUTDOWN"]}]})
    client.order("apply", policy="Off")
    assert client.enforced() is None


def test_list_is_filtered_paged_and_without_names(ise: Start) -> None:
    client = ise()
    client.emulator.state.seed(
        {"endpoints": [{"mac": f"00:00:00:00:00:{n:02X}", "policy": "Quarantine"} for n in range(25)]}
    )
    first = client.ers("GET", "ancendpoint").json()["SearchResult"]
    assert (first["total"], len(first["resources"]), set(first["resources"][0])) == (25, 20, {"id", "link"})
    assert "page=2" in first["nextPage"]["href"] and "previousPage" not in first
    second = client.ers("GET", "ancendpoint", page=2, size=20).json()["SearchResult"]
    assert len(second["resources"]) == 5 and "nextPage" not in second
    one = client.ers("GET", "ancendpoint", filter="name.CONTAINS.00:00:00:00:00:0A").json()["SearchResult"]
    found = client.ers("GET", f"ancendpoint/{one['resources'][0]['id']}").json()["ErsAncEndpoint"]
    assert (one["total"], found["macAddress"], found["policyName"]) == (1, "00:00:00:00:00:0A", "Quarantine")


@pytest.mark.parametrize(
    "query",
    [
        {"filter": f"macAddress.EQ.{MAC}"},
        {"filter": f"name.LIKE.{MAC}"},
        {"filter": "name"},
        {"size": 101},
        {"page": 0},
        {"limit": 5},
    ],
)
def test_list_wrong_query_is_refused(ise: Start, query: dict[str, Any]) -> None:
    assert ise().ers("GET", "ancendpoint", **query).status_code == 400


def test_list_without_filters_by_option(ise: Start) -> None:
    client = ise(name_filter="off", list_names="show")
    client.order("apply")
    assert client.ers("GET", "ancendpoint", filter=f"name.EQ.{MAC}").status_code == 400
    assert client.ers("GET", "ancendpoint").json()["SearchResult"]["resources"][0]["name"] == MAC
    client = ise(name_filter="nothing")
    client.order("apply")
    assert client.ers("GET", "ancendpoint", filter=f"name.EQ.{MAC}").json()["SearchResult"]["total"] == 0
    assert client.ers("GET", "ancendpoint").json()["SearchResult"]["total"] == 1


def test_endpoint_unknown_is_404(ise: Start) -> None:
    assert ise().ers("GET", "ancendpoint/no-such-id").status_code == 404


def test_policies_by_name_and_id(ise: Start) -> None:
    client = ise()
    policy = client.ers("GET", "ancpolicy/name/Quarantine").json()["ErsAncPolicy"]
    assert (policy["name"], policy["actions"]) == ("Quarantine", ["QUARANTINE"])
    assert client.ers("GET", f"ancpolicy/{policy['id']}").json()["ErsAncPolicy"] == policy
    assert client.ers("GET", "ancpolicy").json()["SearchResult"]["resources"][0]["name"] == "Quarantine"
    assert client.ers("GET", "ancpolicy/name/Nope").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"ErsAncEndpoint": {"macAddress": MAC, "policyName": "Quarantine"}},
        {"OperationAdditionalData": {"additionalData": [{"name": "macAddress"}]}},
        {"OperationAdditionalData": {"additionalData": [{"name": "mac", "value": MAC}]}},
        additional(policyName="Quarantine"),
        additional(macAddress=MAC),
    ],
)
def test_apply_wrong_form_is_400(ise: Start, body: dict[str, Any]) -> None:
    client = ise()
    assert client.ers("PUT", "ancendpoint/apply", body).status_code == 400
    assert not client.emulator.ise.anc.policy_of(MAC)
