"""Seeds, edits, counts and dumps of endpoints by the side door."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.cortex_xdr.conftest import NOW_MS, domain
from emulators.cortex_xdr.endpoints.conftest import ID, Agents, Tenant
from emulators.cortex_xdr.endpoints.records import DAY_MS, made_up_id

GENERATE = {"count": 3, "first": 7, "name_prefix": "ws", "first_ip": "10.0.0.250"}


def status(agents: Agents, door: str, body: object) -> tuple[int, str]:
    """Status and error of a side door call that is expected to fail."""
    reply = agents.client.http.post(f"{agents.client.emulator.admin}/{door}", json=body, timeout=5)
    return reply.status_code, str(reply.json().get("error", ""))


def test_seed_fills_in_id_and_times_that_fit_the_status(tenant: Tenant) -> None:
    agents = tenant()
    records = [{"endpoint_name": "A"}, {"endpoint_name": "B", "endpoint_status": "LOST"}]
    assert agents.client.admin("seed", {"endpoints": records}) == {"rules": 0, "endpoints": 2}
    first, second = agents.search()["endpoints"]
    assert (first["endpoint_id"], first["last_seen"]) == (made_up_id("A"), NOW_MS)
    assert second["last_seen"] == NOW_MS - 45 * DAY_MS and second["first_seen"] < second["last_seen"]


def test_seed_generates_the_same_each_time_and_in_any_state(tenant: Tenant) -> None:
    seeds = [{**GENERATE, "endpoint_status": "DISCONNECTED", "is_isolated": "AGENT_PENDING_ISOLATION"}] * 2
    rows = []
    for seed in seeds:
        agents = tenant()
        agents.client.admin("seed", {"generate_endpoints": seed})
        rows.append(agents.search()["endpoints"])
    assert rows[0] == rows[1]
    assert [(row["endpoint_name"], row["ip"]) for row in rows[0]] == [
        ("ws7", ["10.0.1.1"]),
        ("ws8", ["10.0.1.2"]),
        ("ws9", ["10.0.1.3"]),
    ]
    assert {(row["endpoint_status"], row["is_isolated"]) for row in rows[0]} == {
        ("DISCONNECTED", "AGENT_PENDING_ISOLATION")
    }
    assert len(agents.client.lines("action")) == 3


@pytest.mark.parametrize(
    "payload",
    [
        {"endpoints": [{}]},
        {"endpoints": [{"endpoint_name": ""}]},
        {"endpoints": [{"endpoint_name": "A", "endpoint_id": ""}]},
        {"endpoints": [{"endpoint_name": "A", "colour": "red"}]},
        {"endpoints": [{"endpoint_name": "A", "ip": 5}]},
        {"endpoints": [{"endpoint_name": "A", "mac_address": [5]}]},
        {"endpoints": [{"endpoint_name": "A", "users": [None]}]},
        {"endpoints": [{"endpoint_name": "A", "os_type": "windows"}]},
        {"endpoints": [{"endpoint_name": "A"}, {"endpoint_name": "A"}]},
        {"endpoints": {"endpoint_name": "A"}},
        {"endpoints": [{"endpoint_name": "A"}], "indicators": [{}]},
        {"endpoint": []},
        {"generate_endpoints": {}},
        {"generate_endpoints": {"count": -1}},
        {"generate_endpoints": {"count": 2, "first_ip": "255.255.255.255"}},
        {"generate_endpoints": {"count": 2, "first_ip": "here"}},
    ],
)
def test_seed_that_is_wrong_is_400_and_writes_nothing(tenant: Tenant, payload: dict[str, Any]) -> None:
    agents = tenant()
    assert status(agents, "seed", payload)[0] == 400
    count = agents.client.admin("count")
    assert (count["endpoints"], count["rules"]) == (0, 0)


def test_seed_of_an_id_that_is_there_is_400(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    assert status(agents, "seed", {"endpoints": [{"endpoint_id": ID, "endpoint_name": "other"}]})[0] == 400
    assert agents.names() == ["WS-1"]


def test_edit_changes_fields_and_what_filters_find(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    agents.seed(endpoint_id="b" * 32, endpoint_name="last")
    agents.edit(ip="10.7.7.7", mac_address=None, endpoint_name="WS-2", status="QUARANTINED", tags={"a": ["b"]})
    assert agents.names(("ip_list", "in", ["10.7.7.7"])) == ["WS-2"]
    assert agents.names(("ip_list", "in", ["10.1.2.3"])) == ["last"]
    assert agents.names() == ["WS-2", "last"]
    row = agents.one()
    assert (row["ip"], row["mac_address"], row["endpoint_status"]) == ("10.7.7.7", None, "QUARANTINED")


def test_edit_list_over_all_kinds_is_all_or_none(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    agents.client.admin("seed", {"indicators": [domain()]})
    action = agents.order("isolate")
    edits = [
        {"endpoint_id": ID, "alias": "mine"},
        {"action_id": action, "status": "CANCELED"},
        {"indicator": "bad.example", "comment": "noisy"},
    ]
    assert status(agents, "edit", [*edits, {"endpoint_id": "nobody", "alias": "x"}])[0] == 404
    assert (agents.one()["alias"], agents.action(action)) == ("", "PENDING")
    assert agents.client.dump()["bad.example"]["RULE_COMMENT"] == ""
    assert agents.client.admin("edit", edits) == {"edited": 3}
    assert (agents.one()["alias"], agents.action(action)) == ("mine", "CANCELED")
    assert agents.client.dump()["bad.example"]["RULE_COMMENT"] == "noisy"


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        ({"endpoint_id": "nobody", "status": "LOST"}, 404),
        ({"endpoint_id": "nobody"}, 404),
        ({"endpoint_id": ID, "endpoint_status": "LOST"}, 400),
        ({"endpoint_id": ID, "check_in": "yes"}, 400),
        ({"endpoint_id": ID, "ip": [1]}, 400),
        ({"endpoint_id": ID, "order_result": "PENDING"}, 400),
        ({"endpoint_id": ID, "reinstalled_as": ID}, 400),
        ({"action_id": 99, "status": "FAILED"}, 404),
        ({"action_id": 1, "status": "FAILED", "endpoint_id": "nobody"}, 404),
        ({"action_id": 1}, 400),
        ({"action_id": "1", "status": "FAILED"}, 400),
    ],
)
def test_edit_that_is_wrong_is_refused_and_changes_nothing(tenant: Tenant, edit: dict[str, Any], wanted: int) -> None:
    agents = tenant()
    agents.seed()
    agents.order("isolate")
    before = agents.client.lines("endpoint") + agents.client.lines("action")
    assert status(agents, "edit", edit)[0] == wanted
    assert agents.client.lines("endpoint") + agents.client.lines("action") == before


def test_edit_of_an_action_that_has_ended_is_400(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    action = agents.order("isolate")
    agents.edit(check_in=True)
    error = status(agents, "edit", {"action_id": action, "status": "FAILED"})
    assert error == (400, f"Action {action} has ended: COMPLETED_SUCCESSFULLY")


def test_edit_of_a_bulk_action_can_name_one_endpoint(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    agents.seed(endpoint_id="b" * 32)
    names = [{"field": "hostname", "operator": "in", "value": ["WS-1"]}]
    action = int(agents.ask("endpoints/isolate", filters=names).json()["reply"]["action_id"])
    agents.edit(action_id=action, status="EXPIRED", endpoint_id="b" * 32)
    assert (agents.action(action), agents.action(action, "b" * 32)) == ("PENDING", "EXPIRED")
    agents.edit(action_id=action, status="ABORTED")
    assert (agents.action(action), agents.action(action, "b" * 32)) == ("ABORTED", "EXPIRED")


def test_count_and_dump_show_endpoints_and_orders_as_they_are_now(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    agents.seed(endpoint_id="b" * 32, endpoint_status="LOST")
    agents.edit(endpoint_id="b" * 32, delete=True)
    action = agents.order("isolate")
    agents.wait(12)
    count = agents.client.admin("count")
    assert {name: value for name, value in count.items() if name.startswith(("endpoints", "actions", "orders"))} == {
        "endpoints": 1,
        "endpoints_deleted": 1,
        "endpoints_by_status": {"CONNECTED": 1},
        "endpoints_by_isolation": {"AGENT_ISOLATED": 1},
        "actions": 1,
        "orders_by_status": {"COMPLETED_SUCCESSFULLY": 1},
    }
    first, second = agents.client.lines("endpoint")
    assert (first["is_isolated"], first["deleted_date"], first["isolated_date"]) == (
        "AGENT_ISOLATED", None, NOW_MS + 12_000,
    )  # fmt: skip
    assert (second["endpoint_id"], second["deleted_date"]) == ("b" * 32, NOW_MS)
    assert agents.client.lines("action") == [
        {
            "kind": "action", "action_id": action, "order": "ISOLATE", "endpoint_id": ID,
            "status": "COMPLETED_SUCCESSFULLY", "error": None, "created": NOW_MS, "changed": NOW_MS + 12_000,
            "due": None, "incident_id": None, "source": "public API",
        }
    ]  # fmt: skip


def test_reset_forgets_endpoints_and_orders(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    agents.order("isolate")
    agents.client.admin("reset", {})
    assert (agents.search()["total_count"], agents.client.lines("action")) == (0, [])
    agents.seed()
    assert agents.order("isolate") == 1
