"""Every row of the two state tables, and what time, agents and operators make of an order."""

from __future__ import annotations

import pytest

from emulators.cortex_xdr.conftest import NOW_MS
from emulators.cortex_xdr.endpoints.conftest import ID, Agents, Tenant
from emulators.cortex_xdr.endpoints.machine import (
    ENDS,
    ISOLATED,
    PENDING_ISOLATION,
    PENDING_RELEASE,
    STATUSES,
    UNISOLATED,
)

REACHABLE = STATUSES[:3]
STATES = (UNISOLATED, ISOLATED, PENDING_ISOLATION, PENDING_RELEASE, "AGENT_SOMETHING_NEW")
NEEDED = {"isolate": UNISOLATED, "unisolate": ISOLATED}
PENDING = {"isolate": PENDING_ISOLATION, "unisolate": PENDING_RELEASE}
TABLE = [(status, state) for status in STATUSES for state in STATES]
TAKEN = [(call, status) for call in NEEDED for status in REACHABLE]


def refused(agents: Agents, call: str, endpoint_id: str = ID) -> bool:
    """Whether the call is answered as one in a wrong state."""
    reply = agents.ask(f"endpoints/{call}", endpoint_id=endpoint_id)
    if reply.status_code == 200:
        return False
    assert reply.status_code == 500
    assert reply.json()["reply"] == {
        "err_code": 500,
        "err_msg": "An error occurred while processing XDR public API"
        " - No endpoint was found for creating the requested action",
        "err_extra": f"can't create group action id for {call.upper()}",
    }
    return True


@pytest.mark.parametrize("call", NEEDED)
def test_order_is_taken_in_the_right_state_only_and_a_refused_one_changes_nothing(tenant: Tenant, call: str) -> None:
    agents = tenant()
    records = [
        {"endpoint_id": f"{status} {state}", "endpoint_name": "x", "endpoint_status": status, "is_isolated": state}
        for status, state in TABLE
    ]
    agents.client.admin("seed", {"endpoints": records})
    before = agents.client.lines("action")
    taken = {(status, state): not refused(agents, call, f"{status} {state}") for status, state in TABLE}
    assert taken == {(status, state): status in REACHABLE and state == NEEDED[call] for status, state in TABLE}
    states = {(status, state): agents.state(f"{status} {state}") for status, state in TABLE}
    assert states == {row: PENDING[call] if taken[row] else row[1] for row in TABLE}
    assert agents.client.lines("action")[: len(before)] == before
    assert len(agents.client.lines("action")) == len(before) + len(REACHABLE)


@pytest.mark.parametrize("call", NEEDED)
def test_order_for_unknown_endpoint_or_unable_agent_is_500(tenant: Tenant, call: str) -> None:
    agents = tenant()
    agents.seed(can_isolate=False, is_isolated=NEEDED[call])
    agents.seed(endpoint_id="b" * 32, os_type="AGENT_OS_ANDROID", is_isolated=NEEDED[call])
    assert [refused(agents, call, one) for one in (ID, "b" * 32, "c" * 32)] == [True] * 3


@pytest.mark.parametrize(("call", "status"), TAKEN)
def test_order_in_right_state_is_queued_and_a_second_one_of_either_kind_is_500(
    tenant: Tenant, call: str, status: str
) -> None:
    agents = tenant()
    agents.seed(endpoint_status=status, is_isolated=NEEDED[call])
    action = agents.order(call)
    assert agents.state() == PENDING[call]
    assert agents.action(action) == "PENDING"
    assert refused(agents, "isolate") and refused(agents, "unisolate")


@pytest.mark.parametrize(("call", "reached"), [("isolate", ISOLATED), ("unisolate", UNISOLATED)])
def test_order_to_connected_agent_waits_for_the_check_in_and_then_for_the_work(
    tenant: Tenant, call: str, reached: str
) -> None:
    agents = tenant(check_in_seconds=60, work_seconds=5)
    agents.seed(is_isolated=NEEDED[call])
    action = agents.order(call)
    waiting = agents.state()
    seen = []
    for seconds in (59, 1, 4, 1):
        agents.wait(seconds)
        seen.append((agents.action(action), agents.state()))
    assert seen == [
        ("PENDING", waiting),
        ("IN_PROGRESS", waiting),
        ("IN_PROGRESS", waiting),
        ("COMPLETED_SUCCESSFULLY", reached),
    ]
    assert agents.one()["isolated_date"] == (NOW_MS + 65_000 if reached == ISOLATED else None)


def test_order_goes_out_at_the_agents_own_next_check_in(tenant: Tenant) -> None:
    agents = tenant(check_in_seconds=60)
    agents.seed()
    agents.wait(50)
    action = agents.order("isolate")
    agents.wait(10)
    assert agents.action(action) == "IN_PROGRESS"


def test_order_to_agent_that_is_always_in_touch_is_in_progress_at_once(tenant: Tenant) -> None:
    agents = tenant(check_in_seconds=0, work_seconds=0)
    agents.seed()
    agents.order("isolate")
    assert agents.state() == ISOLATED


def test_check_in_by_hand_finishes_the_order(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    for call, reached in (("isolate", ISOLATED), ("unisolate", UNISOLATED)):
        action = agents.order(call)
        agents.edit(check_in=True)
        assert (agents.action(action), agents.state()) == ("COMPLETED_SUCCESSFULLY", reached)


@pytest.mark.parametrize("status", ["DISCONNECTED", "LOST"])
@pytest.mark.parametrize(("call", "reached"), [("isolate", ISOLATED), ("unisolate", UNISOLATED)])
def test_order_to_absent_agent_stays_pending_for_ever_and_is_done_when_it_is_back(
    tenant: Tenant, call: str, reached: str, status: str
) -> None:
    agents = tenant()
    agents.seed(endpoint_status=status, is_isolated=NEEDED[call])
    action = agents.order(call)
    agents.wait(80 * 86_400)
    assert agents.action(action) == "PENDING"
    agents.edit(status="CONNECTED")
    assert agents.action(action) == "IN_PROGRESS"
    agents.wait(2)
    assert (agents.action(action), agents.state()) == ("COMPLETED_SUCCESSFULLY", reached)


def test_trap_agent_goes_offline_cannot_be_released_and_comes_back_isolated(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    agents.order("isolate")
    agents.edit(status="DISCONNECTED")
    assert refused(agents, "unisolate")
    agents.wait(3600)
    assert (agents.state(), refused(agents, "unisolate")) == (PENDING_ISOLATION, True)
    agents.edit(status="CONNECTED", check_in=True)
    assert agents.state() == ISOLATED
    agents.order("unisolate")
    agents.wait(12)
    assert agents.state() == UNISOLATED


def test_agent_that_leaves_at_work_ends_it_when_it_is_back(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    action = agents.order("isolate")
    agents.wait(11)
    agents.edit(status="LOST")
    agents.wait(100)
    assert (agents.action(action), agents.state()) == ("IN_PROGRESS", PENDING_ISOLATION)
    agents.edit(status="CONNECTED")
    assert (agents.action(action), agents.state()) == ("COMPLETED_SUCCESSFULLY", ISOLATED)


@pytest.mark.parametrize("call", NEEDED)
@pytest.mark.parametrize("end", sorted(ENDS))
def test_action_ended_by_hand_decides_the_state(tenant: Tenant, call: str, end: str) -> None:
    agents = tenant()
    agents.seed(is_isolated=NEEDED[call])
    action = agents.order(call)
    agents.edit(action_id=action, status=end, error="because")
    done = end.startswith("COMPLETED")
    other = {"isolate": "unisolate", "unisolate": "isolate"}[call]
    assert agents.action(action) == end
    assert agents.state() == NEEDED[other if done else call]
    reply = agents.ask("actions/get_action_status", group_action_id=action).json()["reply"]
    assert reply["errorReasons"] == {ID: {"errorDescription": "because"}}
    agents.wait(100)
    assert agents.state() == NEEDED[other if done else call]
    agents.order(other if done else call)


def test_action_cancelled_in_the_console_frees_an_absent_agent(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed(endpoint_status="LOST")
    action = agents.order("isolate")
    agents.edit(action_id=action, status="CANCELED")
    agents.edit(check_in=True)
    assert (agents.action(action), agents.state()) == ("CANCELED", UNISOLATED)


def test_action_that_is_being_aborted_ends_at_the_next_check_in(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    action = agents.order("isolate")
    agents.edit(action_id=action, status="PENDING_ABORT")
    assert (agents.action(action), agents.state()) == ("PENDING_ABORT", PENDING_ISOLATION)
    agents.wait(10)
    assert (agents.action(action), agents.state()) == ("ABORTED", UNISOLATED)


def test_action_with_unknown_status_is_no_end(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    action = agents.order("isolate")
    agents.edit(action_id=action, status="THINKING")
    assert (agents.action(action), agents.state()) == ("THINKING", PENDING_ISOLATION)
    agents.wait(10)
    assert agents.state() == ISOLATED


def test_action_in_progress_by_hand_is_done_after_the_work(tenant: Tenant) -> None:
    agents = tenant(check_in_seconds=300)
    agents.seed()
    action = agents.order("isolate")
    agents.edit(action_id=action, status="IN_PROGRESS")
    agents.wait(2)
    assert agents.action(action) == "COMPLETED_SUCCESSFULLY"


def test_agent_that_fails_orders_says_why_and_keeps_its_state(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed(order_result="FAILED", order_error="no network extension")
    action = agents.order("isolate")
    agents.wait(12)
    reply = agents.ask("actions/get_action_status", group_action_id=action).json()["reply"]
    assert reply == {"data": {ID: "FAILED"}, "errorReasons": {ID: {"errorDescription": "no network extension"}}}
    assert agents.state() == UNISOLATED
    agents.edit(order_result="COMPLETED_SUCCESSFULLY")
    agents.order("isolate")
    agents.edit(check_in=True)
    assert agents.state() == ISOLATED


def test_analyst_isolates_releases_and_orders_in_the_console(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    action = agents.order("isolate")
    agents.edit(is_isolated=ISOLATED)
    assert (agents.action(action), agents.state()) == ("CANCELED", ISOLATED)
    agents.edit(is_isolated=PENDING_RELEASE)
    agents.wait(12)
    assert agents.state() == UNISOLATED
    agents.edit(is_isolated="isolating, sort of")
    assert (refused(agents, "isolate"), refused(agents, "unisolate")) == (True, True)


@pytest.mark.parametrize(("pending", "reached"), [(PENDING_ISOLATION, ISOLATED), (PENDING_RELEASE, UNISOLATED)])
def test_seed_that_is_pending_has_an_order_from_the_console(tenant: Tenant, pending: str, reached: str) -> None:
    agents = tenant()
    agents.seed(is_isolated=pending)
    (line,) = agents.client.lines("action")
    assert (line["source"], line["status"], line["endpoint_id"]) == ("console", "PENDING", ID)
    agents.wait(12)
    assert agents.state() == reached


def test_deleted_endpoint_is_not_found_and_comes_back_isolated_within_90_days(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed(is_isolated=ISOLATED)
    agents.edit(delete=True)
    assert agents.search()["total_count"] == 0
    assert agents.post("endpoints/get_endpoints", {}).json() == {"reply": []}
    assert refused(agents, "unisolate")
    agents.wait(89 * 86_400)
    agents.edit(status="CONNECTED")
    assert (agents.one()["endpoint_status"], agents.state()) == ("CONNECTED", ISOLATED)
    agents.edit(delete=True)
    agents.wait(91 * 86_400)
    url = f"{agents.client.emulator.admin}/edit"
    assert agents.client.http.post(url, json={"endpoint_id": ID, "status": "CONNECTED"}).status_code == 404


def test_deleted_endpoint_does_its_order_when_it_is_back(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    action = agents.order("isolate")
    agents.edit(delete=True)
    agents.wait(1000)
    assert agents.action(action) == "PENDING"
    agents.edit(check_in=True)
    assert agents.state() == ISOLATED


def test_uninstalled_agent_never_does_its_order(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed()
    action = agents.order("isolate")
    agents.edit(status="UNINSTALLED")
    agents.wait(1000)
    assert (agents.action(action), refused(agents, "unisolate")) == ("PENDING", True)
    url = f"{agents.client.emulator.admin}/edit"
    assert agents.client.http.post(url, json={"endpoint_id": ID, "check_in": True}).status_code == 400


def test_reinstalled_agent_leaves_a_lost_record_with_the_same_name_and_address(tenant: Tenant) -> None:
    agents = tenant()
    agents.seed(is_isolated=ISOLATED)
    agents.wait(105)
    agents.edit(reinstalled_as="f" * 32)
    rows = agents.search(("ip_list", "in", ["10.1.2.3"]), sort={"field": "last_seen", "keyword": "DESC"})["endpoints"]
    found = [(row["endpoint_id"], row["endpoint_name"], row["endpoint_status"], row["is_isolated"]) for row in rows]
    assert found == [("f" * 32, "WS-1", "CONNECTED", UNISOLATED), (ID, "WS-1", "LOST", ISOLATED)]


def test_last_seen_moves_only_while_the_agent_calls_in(tenant: Tenant) -> None:
    agents = tenant(check_in_seconds=60)
    agents.seed()
    agents.wait(130)
    assert agents.one()["last_seen"] == NOW_MS + 120_000
    agents.edit(status="DISCONNECTED")
    agents.wait(600)
    assert agents.one()["last_seen"] == NOW_MS + 120_000
    agents.edit(status="CONNECTED")
    assert agents.one()["last_seen"] == NOW_MS + 730_000
