"""Forms, filters, pages and replies of the endpoint calls, over real HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from emulators.cortex_xdr.conftest import NOW, NOW_MS
from emulators.cortex_xdr.endpoints.conftest import ID, Agents, Tenant
from emulators.cortex_xdr.endpoints.routes import BASE
from emulators.kit import BadOption

CALLS = [
    "endpoints/get_endpoint",
    "endpoints/get_endpoints",
    "endpoints/isolate",
    "endpoints/unisolate",
    "actions/get_action_status",
]
FIELDS: list[tuple[str, str, Any, list[str]]] = [
    ("endpoint_id_list", "in", [ID, "x"], ["WS-1"]),
    ("endpoint_id_list", "in", [ID.upper()], []),
    ("endpoint_status", "in", ["connected", "uninstalled"], ["WS-1", "DB-1"]),
    ("endpoint_status", "eq", "lost", ["MAC-1"]),
    ("dist_name", "in", ["servers"], ["DB-1"]),
    ("first_seen", "gte", 2_000, ["DB-1", "MAC-1"]),
    ("first_seen", "lte", 2_000, ["WS-1", "DB-1"]),
    ("last_seen", "gte", NOW_MS, ["WS-1"]),
    ("ip_list", "in", ["10.1.2.3"], ["WS-1", "MAC-1"]),
    ("ip_list", "in", ["10.1.2.3", "10.9.9.9"], ["WS-1", "DB-1", "MAC-1"]),
    ("ip_list", "in", ["10.1.2"], []),
    ("public_ip_list", "in", ["192.0.2.1"], ["DB-1"]),
    ("group_name", "in", ["finance"], ["WS-1"]),
    ("username", "in", ["ann"], ["WS-1", "MAC-1"]),
    ("platform", "in", ["macos", "linux"], ["DB-1", "MAC-1"]),
    ("alias", "in", ["the mac"], ["MAC-1"]),
    ("isolate", "in", ["isolated"], ["DB-1"]),
    ("isolate", "in", ["unisolated"], ["WS-1"]),
    ("hostname", "in", ["ws-1"], ["WS-1"]),
    ("hostname", "in", ["WS"], []),
    ("scan_status", "in", ["success"], ["DB-1"]),
]
WRONG_FILTERS = [
    {"field": "mac_address", "operator": "in", "value": ["02:00"]},
    {"field": "hostname", "operator": "contains", "value": ["WS"]},
    {"field": "hostname", "operator": "IN", "value": ["WS"]},
    {"field": "hostname", "operator": "in", "value": "WS-1"},
    {"field": "hostname", "operator": "eq", "value": "WS-1"},
    {"field": "hostname", "operator": "in", "value": [1]},
    {"field": "hostname", "operator": "in", "value": []},
    {"field": "hostname", "operator": "in"},
    {"field": "hostname", "operator": "in", "value": ["WS-1"], "negate": True},
    {"field": "endpoint_status", "operator": "in", "value": ["CONNECTED"]},
    {"field": "isolate", "operator": "in", "value": ["AGENT_ISOLATED"]},
    {"field": "platform", "operator": "in", "value": ["AGENT_OS_WINDOWS"]},
    {"field": "last_seen", "operator": "in", "value": [1]},
    {"field": "last_seen", "operator": "gte", "value": "2027-01-01"},
]
WRONG_FORMS: list[tuple[str, Any]] = [
    ("endpoints/get_endpoint", {}),
    ("endpoints/get_endpoint", {"request_data": []}),
    ("endpoints/get_endpoint", {"request_data": {"limit": 5}}),
    ("endpoints/get_endpoint", {"request_data": {"search_from": 0, "search_to": 101}}),
    ("endpoints/get_endpoint", {"request_data": {"search_from": 5, "search_to": 4}}),
    ("endpoints/get_endpoint", {"request_data": {"search_from": -1}}),
    ("endpoints/get_endpoint", {"request_data": {"search_from": "0"}}),
    ("endpoints/get_endpoint", {"request_data": {"sort": {"field": "last_seen", "keyword": "desc"}}}),
    ("endpoints/get_endpoint", {"request_data": {"sort": {"field": "hostname", "keyword": "ASC"}}}),
    ("endpoints/get_endpoint", {"request_data": {"sort": {"field": "last_seen"}}}),
    ("endpoints/get_endpoints", {"request_data": {"filters": []}}),
    ("endpoints/isolate", {"endpoint_id": ID}),
    ("endpoints/isolate", {"request_data": {}}),
    ("endpoints/isolate", {"request_data": {"filters": []}}),
    ("endpoints/isolate", {"request_data": {"endpoint_id": [ID]}}),
    ("endpoints/isolate", {"request_data": {"endpoint_id": ID, "comment": "x"}}),
    ("endpoints/isolate", {"request_data": {"filters": [{"field": "hostname", "operator": "IN", "value": ["a"]}]}}),
    ("actions/get_action_status", {"request_data": {"action_id": 1}}),
    ("actions/get_action_status", {"request_data": {"group_action_id": "1"}}),
]


def by_ids(*ids: str, operator: str = "in") -> list[dict[str, Any]]:
    return [{"field": "endpoint_id_list", "operator": operator, "value": list(ids)}]


def three(agents: Agents) -> None:
    agents.seed(group_name=["finance", "all"], users=["ann", "bob"], first_seen=1_000)
    agents.seed(endpoint_id="b" * 32, endpoint_name="DB-1", ip="10.9.9.9", os_type="AGENT_OS_LINUX", first_seen=2_000,
                installation_package="servers", public_ip="192.0.2.1", is_isolated="AGENT_ISOLATED",
                endpoint_status="UNINSTALLED", scan_status="SCAN_STATUS_SUCCESS", mac_address=None)  # fmt: skip
    agents.seed(endpoint_id="c" * 32, endpoint_name="MAC-1", ip=["10.2.2.2", "10.1.2.3"], os_type="AGENT_OS_MAC",
                users=["ann"], alias="the mac", endpoint_status="LOST", first_seen=3_000,
                is_isolated="AGENT_PENDING_ISOLATION")  # fmt: skip


def test_call_is_known_with_and_without_slash_and_only_by_post(tenant: Tenant) -> None:
    agents = tenant()
    for call in CALLS:
        for slash in ("", "/"):
            assert agents.post(call + slash, {"wrong": 1}).status_code == 400, call + slash
            url = f"{agents.client.emulator.url}{BASE}{call}{slash}"
            assert requests.get(url, headers=agents.client.keys(), timeout=5).status_code == 405, call + slash


@pytest.mark.parametrize("slash", ["", "/"])
def test_health_check_needs_a_key_and_no_role(tenant: Tenant, slash: str) -> None:
    agents = tenant(endpoint_role="none")
    url = f"{agents.client.emulator.url}{BASE}healthcheck{slash}"
    assert requests.get(url, headers=agents.client.keys(), timeout=5).json() == {"status": "available"}
    assert requests.get(url, timeout=5).status_code == 401


@pytest.mark.parametrize("kind", ["standard", "advanced"])
def test_call_is_signed_in_either_way(tenant: Tenant, kind: str) -> None:
    agents = tenant(api_key_type=kind)
    assert agents.search()["total_count"] == 0
    url = f"{agents.client.emulator.url}{BASE}endpoints/get_endpoint"
    assert requests.post(url, json={"request_data": {}}, timeout=5).status_code == 401


def test_call_with_wrong_form_is_400_and_does_nothing(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    wrong = WRONG_FORMS + [("endpoints/get_endpoint", {"request_data": {"filters": [one]}}) for one in WRONG_FILTERS]
    for call, body in wrong:
        reply = agents.post(call, body)
        assert (reply.status_code, reply.json()["reply"]["err_code"]) == (400, 400), (call, body)
    assert agents.client.lines("action") == []


def test_filters_each_find_what_they_name_and_are_anded(tenant: Tenant) -> None:
    agents = tenant()
    three(agents)
    assert {(f, o, str(v)): agents.names((f, o, v)) for f, o, v, _ in FIELDS} == {
        (field, operator, str(value)): found for field, operator, value, found in FIELDS
    }
    both = (("ip_list", "in", ["10.1.2.3"]), ("platform", "in", ["windows"]))
    assert agents.names(*both) == ["WS-1"]
    assert agents.names(*both, ("endpoint_status", "in", ["lost"])) == []


def test_filters_absent_or_empty_give_everything(tenant: Tenant) -> None:
    agents = tenant()
    three(agents)
    whole: list[dict[str, Any]] = [{}, {"filters": []}]
    replies = [agents.ask("endpoints/get_endpoint", **data).json()["reply"] for data in whole]
    assert [reply["total_count"] for reply in replies] == [3, 3]


def test_hostname_can_be_matched_by_case(tenant: Tenant) -> None:
    agents = tenant(hostname_match="exact")
    agents.seed()
    assert (agents.names(("hostname", "in", ["ws-1"])), agents.names(("hostname", "in", ["WS-1"]))) == ([], ["WS-1"])


def test_record_has_the_documented_fields_and_odd_addresses_as_seeded(tenant: Tenant) -> None:
    agents = tenant()
    three(agents)
    assert agents.one() == {
        "endpoint_id": ID, "endpoint_name": "WS-1", "endpoint_type": "AGENT_TYPE_WORKSTATION",
        "endpoint_status": "CONNECTED", "is_isolated": "AGENT_UNISOLATED", "isolated_date": None,
        "os_type": "AGENT_OS_WINDOWS", "os_version": "10.0.19045", "endpoint_version": "8.5.0", "ip": ["10.1.2.3"],
        "ipv6": [], "public_ip": None, "mac_address": [], "domain": "", "alias": "", "users": ["ann", "bob"],
        "group_name": ["finance", "all"], "first_seen": 1_000, "last_seen": NOW_MS, "install_date": 1_000,
        "installation_package": "default", "operational_status": "PROTECTED", "scan_status": "SCAN_STATUS_NONE",
        "tags": {},
    }  # fmt: skip
    odd = agents.one("b" * 32)
    assert (odd["ip"], odd["mac_address"]) == ("10.9.9.9", None)


def test_short_list_has_other_names(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    bodies: list[dict[str, Any]] = [{}, {"request_data": {}}]
    for body in bodies:
        assert agents.post("endpoints/get_endpoints", body).json() == {
            "reply": [
                {
                    "agent_id": ID,
                    "agent_status": "CONNECTED",
                    "host_name": "WS-1",
                    "agent_type": "Workstation",
                    "ip": ["10.1.2.3"],
                }
            ]
        }


def test_pages_cover_everything_once_in_each_order(tenant: Tenant) -> None:
    agents = tenant()
    agents.client.admin("seed", {"generate_endpoints": {"count": 230}})
    sorts = [{"field": f, "keyword": k} for f in ("endpoint_id", "last_seen", "scan_status") for k in ("ASC", "DESC")]
    for more in ({}, *({"sort": sort} for sort in sorts)):
        pages = [agents.search(search_from=at, search_to=at + 100, **more) for at in (0, 100, 200)]
        assert [(page["total_count"], page["result_count"]) for page in pages] == [(230, 100), (230, 100), (230, 30)]
        ids = [row["endpoint_id"] for page in pages for row in page["endpoints"]]
        assert len(set(ids)) == 230
        if more.get("sort", {}).get("field") == "endpoint_id":
            assert ids == sorted(ids, reverse=more["sort"]["keyword"] == "DESC")
    assert agents.search()["result_count"] == 100
    assert agents.search(search_from=230, search_to=330)["endpoints"] == []


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, {"action_id": "1", "status": "1", "endpoints_count": "1"}),
        ({"numbers": "number"}, {"action_id": 1, "status": 1, "endpoints_count": 1}),
        ({"order_reply": "group_action_id"}, {"group_action_id": "1", "status": "1", "endpoints_count": "1"}),
        ({"order_reply": "bare", "numbers": "number"}, 1),
    ],
)
def test_order_reply_in_each_spelling(tenant: Tenant, options: dict[str, str], wanted: object) -> None:
    agents = tenant(**options)
    agents.seed()
    reply = agents.ask("endpoints/isolate", endpoint_id=ID, incident_id="7")
    assert reply.json() == {"reply": wanted}
    assert agents.client.lines("action")[0]["incident_id"] == "7"


def test_order_with_id_and_filters_is_400(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    assert agents.ask("endpoints/isolate", endpoint_id=ID, filters=by_ids(ID)).status_code == 400
    assert agents.state() == "AGENT_UNISOLATED"


def test_order_by_filters_takes_those_in_the_right_state_and_counts_them(tenant: Tenant) -> None:
    agents = tenant()
    three(agents)
    agents.seed(endpoint_id="d" * 32)
    every = by_ids(ID, "b" * 32, "c" * 32, "d" * 32, "e" * 32)
    reply = agents.ask("endpoints/isolate", filters=every).json()["reply"]
    assert reply["endpoints_count"] == "2"
    agents.wait(12)
    status = agents.ask("actions/get_action_status", group_action_id=int(reply["action_id"])).json()["reply"]["data"]
    assert status == {ID: "COMPLETED_SUCCESSFULLY", "d" * 32: "COMPLETED_SUCCESSFULLY"}
    assert agents.ask("endpoints/unisolate", filters=by_ids(ID, operator="IN")).status_code == 200
    assert agents.ask("endpoints/isolate", filters=every).status_code == 500


def test_order_by_filters_can_be_refused_as_a_whole(tenant: Tenant) -> None:
    agents = tenant(bulk="refuse")
    agents.seed()
    agents.seed(endpoint_id="d" * 32, is_isolated="AGENT_ISOLATED")
    assert agents.ask("endpoints/isolate", filters=by_ids(ID, "d" * 32)).status_code == 500
    assert agents.ask("endpoints/isolate", filters=by_ids(ID)).status_code == 200


def test_order_for_more_than_1000_is_400_and_for_1000_is_taken(tenant: Tenant) -> None:
    agents = tenant()
    agents.client.admin("seed", {"generate_endpoints": {"count": 1001}})
    windows = [{"field": "platform", "operator": "in", "value": ["windows"]}]
    assert agents.ask("endpoints/isolate", filters=windows).status_code == 400
    agents.edit(endpoint_id=agents.search()["endpoints"][0]["endpoint_id"], os_type="AGENT_OS_LINUX")
    assert agents.ask("endpoints/isolate", filters=windows).json()["reply"]["endpoints_count"] == "1000"


def test_action_status_of_unknown_action_is_500_and_reasons_can_be_null(tenant: Tenant) -> None:
    agents = tenant(error_reasons="null")
    agents.seed()
    assert agents.ask("actions/get_action_status", group_action_id=9).status_code == 500
    action = agents.order("isolate")
    reply = agents.ask("actions/get_action_status", group_action_id=action).json()
    assert reply == {"reply": {"data": {ID: "PENDING"}, "errorReasons": None}}


def test_error_fields_can_stand_at_the_top(tenant: Tenant) -> None:
    reply = tenant(error_replies="bare").ask("endpoints/isolate", endpoint_id=ID).json()
    assert (set(reply), reply["err_code"]) == ({"err_code", "err_msg", "err_extra"}, 500)


@pytest.mark.parametrize(("role", "look", "order"), [("isolate", 200, 200), ("view", 200, 403), ("none", 403, 403)])
def test_role_of_the_key_decides(tenant: Tenant, role: str, look: int, order: int) -> None:
    agents = tenant(endpoint_role=role)
    agents.seed()
    agents.seed(endpoint_id="d" * 32, is_isolated="AGENT_ISOLATED")
    looks = [agents.ask("endpoints/get_endpoint"), agents.post("endpoints/get_endpoints", {})]
    orders = [
        agents.ask("endpoints/isolate", endpoint_id=ID),
        agents.ask("endpoints/unisolate", endpoint_id="d" * 32),
    ]
    assert [reply.status_code for reply in looks] == [look] * 2
    assert [reply.status_code for reply in orders] == [order] * 2
    assert (len(agents.client.lines("action")) == 2) == (order == 200)


def test_licence_missing_by_fault_is_402(tenant: Tenant) -> None:
    agents = tenant()
    agents.client.admin("faults", {"kind": "status", "status": 402, "path": "*/endpoints/*"})
    reply = agents.ask("endpoints/get_endpoint")
    assert (reply.status_code, "license" in reply.json()["reply"]["err_msg"]) == (402, True)


def test_reply_lost_after_the_order_was_taken(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    agents.client.admin("faults", {"kind": "status", "status": 504, "when": "after", "count": 1})
    assert agents.ask("endpoints/isolate", endpoint_id=ID).status_code == 504
    assert agents.state() == "AGENT_PENDING_ISOLATION"
    agents.edit(is_isolated="AGENT_UNISOLATED")
    agents.client.admin("faults", {"clear": True, "faults": [{"kind": "duplicate", "count": 1}]})
    assert agents.ask("endpoints/isolate", endpoint_id=ID).status_code == 500
    assert agents.state() == "AGENT_PENDING_ISOLATION"


def test_rate_is_shared_with_the_indicators(tenant: Tenant) -> None:
    agents = tenant(rate=3.0)
    assert [agents.ask("endpoints/get_endpoint").status_code for _ in range(3)] == [200] * 3
    assert agents.client.send("get_changes", {"request_data": {"last_update_ts": 0}}).status_code == 429


def test_orders_at_once_for_one_endpoint_are_taken_once(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: agents.ask("endpoints/isolate", endpoint_id=ID).status_code, range(8)))
    assert sorted(replies) == [200] + [500] * 7


def test_generated_endpoints_are_found_by_address_and_name(tenant: Tenant) -> None:
    agents = tenant()
    agents.client.admin("seed", {"generate_endpoints": {"count": 10_000, "name_prefix": "H", "first_ip": "10.0.0.1"}})
    assert agents.names(("ip_list", "in", ["10.0.31.65"])) == ["H8000"]
    assert agents.names(("hostname", "in", ["h8000"])) == ["H8000"]


@pytest.mark.parametrize(
    "option",
    [
        {"check_in_seconds": -1.0},
        {"work_seconds": float("nan")},
        {"endpoint_role": "admin"},
        {"numbers": "roman"},
        {"order_reply": "id"},
        {"bulk": "some"},
    ],
)
def test_option_that_is_wrong_is_named(tenant: Tenant, option: dict[str, Any]) -> None:
    with pytest.raises(BadOption, match="--" + next(iter(option)).replace("_", "-")):
        tenant(**option)


def test_state_file_keeps_orders_and_time_goes_on(tenant: Tenant, tmp_path: Path) -> None:
    first = tenant(state=tmp_path / "xdr.db")
    first.seed()
    action = first.order("isolate")
    first.client.emulator.stop()
    second = tenant(state=tmp_path / "xdr.db", clock=lambda: NOW + 11)
    assert (second.action(action), second.state()) == ("IN_PROGRESS", "AGENT_PENDING_ISOLATION")
    second.wait(1)
    assert (second.action(action), second.state()) == ("COMPLETED_SUCCESSFULLY", "AGENT_ISOLATED")
