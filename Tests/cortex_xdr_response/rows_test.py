"""Every row of the two state tables: what is called, what is told, what is remembered, and where it ends."""

from __future__ import annotations

from typing import Any

import pytest

from Tests.cortex_xdr_response.world import ID, World, world

REACHABLE = ("CONNECTED", "DISCONNECTED", "LOST", "SOMETHING_NEW")
AWAY = REACHABLE[1:]
FREE, HELD = "AGENT_UNISOLATED", "AGENT_ISOLATED"
GOING_IN, GOING_OUT = "AGENT_PENDING_ISOLATION", "AGENT_PENDING_ISOLATION_CANCELLATION"
STATES = (FREE, HELD, GOING_IN, GOING_OUT)
QUEUE = {"offline_isolate": "queue"}


def blocked(status: str, is_isolated: str, **params: Any) -> tuple[str, int, bool]:
    """(outcome, isolate calls, recorded) of a first block of an endpoint in this state."""
    with world(params) as here:
        here.seed(endpoint_status=status, is_isolated=is_isolated)
        row = here.block()
        assert here.calls("unisolate") == 0
        assert row["contained"] == bool(here.records)
        return row["status"], here.calls("isolate"), bool(here.records)


def ours(here: World, *, settled: bool) -> None:
    """Makes the endpoint one of this instance: its isolation seen, or still under way."""
    here.seed()
    assert here.block()["status"] == "pending"
    if settled:
        here.edit(check_in=True)
        assert [row["status"] for row in here.reconcile()] == ["applied"]


def released(status: str, is_isolated: str, **params: Any) -> tuple[str, int, bool]:
    """(outcome, unisolate calls, still recorded) of a release of an own endpoint in this state."""
    with world() as here:
        ours(here, settled=True)
        here.params.update(params)
        here.edit(is_isolated=is_isolated, status=status)
        row = here.unblock()
        assert here.calls("isolate") == 1
        assert row["contained"] == bool(here.records)
        return row["status"], here.calls("unisolate"), bool(here.records)


# ---- requested: isolate


def test_isolate_connected_and_free_is_called_and_pending_until_seen() -> None:
    assert blocked("CONNECTED", FREE) == ("pending", 1, True)


def test_isolate_connected_and_free_is_applied_when_seen_within_poll_seconds() -> None:
    assert blocked("CONNECTED", FREE, poll="30") == ("applied", 1, True)


@pytest.mark.parametrize("status", REACHABLE)
@pytest.mark.parametrize("is_isolated", [HELD, GOING_IN])
def test_isolate_what_somebody_else_isolates_is_left_alone(status: str, is_isolated: str) -> None:
    assert blocked(status, is_isolated) == ("already", 0, False)


@pytest.mark.parametrize("status", REACHABLE)
@pytest.mark.parametrize(("is_isolated", "wanted"), [(HELD, "applied"), (GOING_IN, "pending")])
def test_isolate_adopts_what_is_there_when_asked_to(status: str, is_isolated: str, wanted: str) -> None:
    assert blocked(status, is_isolated, adopt_existing_isolation="true") == (wanted, 0, True)


@pytest.mark.parametrize("status", REACHABLE)
@pytest.mark.parametrize(("is_isolated", "wanted"), [(HELD, "applied"), (GOING_IN, "pending")])
def test_isolate_keeps_the_own_record_of_what_is_isolated_or_pending(
    status: str, is_isolated: str, wanted: str
) -> None:
    with world() as here:
        ours(here, settled=False)
        here.edit(is_isolated=is_isolated, status=status)
        row = here.block()
        assert (row["status"], row["contained"], here.calls("isolate")) == (wanted, True, 1)
        assert here.records[ID]["claims"] == ["brain-1/host:41"]


def test_isolate_while_release_is_pending_waits_for_it_and_then_isolates() -> None:
    assert blocked("CONNECTED", GOING_OUT, poll="60") == ("applied", 1, True)


def test_isolate_while_somebody_elses_release_is_pending_is_a_failure_that_is_tried_again() -> None:
    assert blocked("CONNECTED", GOING_OUT) == ("failed", 0, False)


def test_isolate_while_own_release_is_pending_stays_on_record_and_is_followed() -> None:
    with world() as here:
        ours(here, settled=True)
        here.unblock()
        row = here.block()
        assert (row["status"], here.truth(), here.orders) == ("pending", GOING_OUT, (1, 1))
        here.wait(20)
        here.reconcile()
        here.wait(20)
        assert [row["status"] for row in here.reconcile()] == ["applied"]
        assert (here.truth(), here.orders) == (HELD, (2, 1))


@pytest.mark.parametrize("status", AWAY)
def test_isolate_agent_out_of_touch_is_skipped_by_default(status: str) -> None:
    assert blocked(status, FREE) == ("failed", 0, False)


@pytest.mark.parametrize("status", ["DISCONNECTED", "LOST"])
def test_isolate_agent_out_of_touch_is_queued_when_asked_to_and_done_when_it_is_back(status: str) -> None:
    with world(QUEUE) as here:
        here.seed(endpoint_status=status)
        row = here.block()
        assert (row["status"], row["reference"], here.truth()) == ("pending", "isolate 1", GOING_IN)
        assert status in row["reason"]
        here.wait(86_400)
        assert here.reconcile()[0]["status"] == "pending"
        here.edit(check_in=True)
        assert here.reconcile()[0]["status"] == "applied"


@pytest.mark.parametrize("params", [{}, QUEUE])
@pytest.mark.parametrize("status", AWAY)
def test_isolate_agent_out_of_touch_with_release_pending_is_not_called(status: str, params: dict[str, str]) -> None:
    assert blocked(status, GOING_OUT, **params) == ("failed", 0, False)


@pytest.mark.parametrize("is_isolated", [*STATES, "AGENT_NEW"])
def test_isolate_uninstalled_agent_is_never_called(is_isolated: str) -> None:
    assert blocked("UNINSTALLED", is_isolated, **QUEUE) == ("failed", 0, False)


@pytest.mark.parametrize("status", REACHABLE)
@pytest.mark.parametrize("is_isolated", ["AGENT_NEW", ""])
def test_isolate_unknown_state_is_not_called(status: str, is_isolated: str) -> None:
    assert blocked(status, is_isolated, **QUEUE) == ("failed", 0, False)


def test_isolate_host_without_an_agent_is_not_found() -> None:
    with world() as here:
        row = here.block()
        assert (row["status"], row["element"], here.orders, here.records) == ("not_found", "", (0, 0), {})


@pytest.mark.parametrize("end", ["FAILED", "TIMEOUT", "EXPIRED", "ABORTED", "CANCELED", "CANCELLED"])
def test_isolate_action_that_fails_while_waited_for_is_reported_and_not_recorded(end: str) -> None:
    with world({"poll": "60"}) as here:
        here.seed(order_result=end, order_error="no network extension")
        row = here.block()
        assert row["status"] == "failed"
        assert "no network extension" in row["reason"]
        assert end in row["reason"]
        assert here.records == {}


@pytest.mark.parametrize("end", ["FAILED", "CANCELED"])
def test_isolate_action_that_fails_later_is_told_once_and_then_ordered_again(end: str) -> None:
    with world() as here:
        ours(here, settled=False)
        here.edit(action_id=1, status=end, error="because")
        (row,) = here.reconcile()
        assert (row["status"], row["contained"], here.orders) == ("failed", True, (1, 0))
        assert "action 1" in row["reason"] and "because" in row["reason"]
        assert ("operator" in row["reason"]) == (end == "CANCELED")
        assert here.reconcile() == []
        here.wait(61)
        assert here.reconcile()[0]["reference"] == "isolate 2"
        here.edit(check_in=True)
        assert here.reconcile()[0]["status"] == "applied"


@pytest.mark.parametrize("status", ["PENDING_ABORT", "COMPLETED_PARTIAL", "SOMETHING_NEW", "IN_PROGRESS"])
def test_isolate_action_status_that_is_no_failure_leaves_the_word_to_is_isolated(status: str) -> None:
    with world() as here:
        ours(here, settled=False)
        here.edit(action_id=1, status=status)
        (row,) = here.reconcile()
        assert row["status"] == ("applied" if status == "COMPLETED_PARTIAL" else "pending")


# ---- requested: unisolate


@pytest.mark.parametrize("status", REACHABLE)
def test_release_of_what_is_free_is_done_and_forgotten(status: str) -> None:
    assert released(status, FREE) == ("already", 0, False)


def test_release_of_connected_and_isolated_is_called_and_kept_until_seen() -> None:
    assert released("CONNECTED", HELD) == ("pending", 1, True)


def test_release_of_connected_and_isolated_is_applied_when_seen_within_poll_seconds() -> None:
    assert released("CONNECTED", HELD, poll="30") == ("applied", 1, False)


@pytest.mark.parametrize("status", REACHABLE)
def test_release_that_is_pending_already_is_not_called_and_kept(status: str) -> None:
    assert released(status, GOING_OUT) == ("pending", 0, True)


def test_release_while_isolation_is_pending_waits_for_it_and_then_releases() -> None:
    assert released("CONNECTED", GOING_IN, poll="60") == ("applied", 1, False)


def test_release_while_isolation_is_pending_is_kept_when_time_is_over() -> None:
    assert released("CONNECTED", GOING_IN) == ("pending", 0, True)


@pytest.mark.parametrize(("params", "calls"), [({}, 1), ({"offline_release": "wait"}, 0)])
@pytest.mark.parametrize("status", AWAY)
def test_release_of_agent_out_of_touch_is_queued_or_waits(status: str, params: dict[str, str], calls: int) -> None:
    assert released(status, HELD, **params) == ("pending", calls, True)


@pytest.mark.parametrize("params", [{}, {"offline_release": "wait"}])
def test_release_of_agent_out_of_touch_ends_free_once_it_is_back(params: dict[str, str]) -> None:
    with world(params) as here:
        ours(here, settled=True)
        here.edit(status="LOST")
        here.unblock()
        here.reconcile()
        here.edit(check_in=True)
        here.reconcile()
        here.wait(20)
        here.reconcile()
        assert (here.truth(), here.records, here.orders) == (FREE, {}, (1, 1))


@pytest.mark.parametrize("status", AWAY)
def test_release_of_agent_out_of_touch_with_isolation_pending_is_not_called_and_kept(status: str) -> None:
    assert released(status, GOING_IN) == ("pending", 0, True)


@pytest.mark.parametrize("is_isolated", [*STATES, "AGENT_NEW"])
def test_release_of_uninstalled_agent_forgets_with_a_warning(is_isolated: str) -> None:
    assert released("UNINSTALLED", is_isolated) == ("not_found", 0, False)


@pytest.mark.parametrize("unseen", [{"delete": True}, {"status": "UNINSTALLED"}])
@pytest.mark.parametrize("settled", [True, False])
def test_release_of_what_is_gone_warns_and_names_the_endpoint(unseen: dict[str, Any], settled: bool) -> None:
    with world() as here:
        ours(here, settled=settled)
        here.edit(**unseen)
        row = here.unblock()
        assert (row["status"], row["contained"], here.calls("unisolate")) == ("not_found", False, 0)
        assert row["reason"].startswith("warning: ") and "WS-1" in row["reason"]


@pytest.mark.parametrize("status", REACHABLE)
def test_release_in_unknown_state_is_not_called_and_kept(status: str) -> None:
    assert released(status, "AGENT_NEW") == ("failed", 0, True)


def test_release_that_fails_is_told_and_ordered_again() -> None:
    with world() as here:
        ours(here, settled=True)
        here.unblock()
        here.edit(action_id=2, status="FAILED", error="agent busy")
        (row,) = here.reconcile()
        assert (row["status"], row["contained"]) == ("failed", True)
        assert "agent busy" in row["reason"]
        here.wait(61)
        assert here.reconcile()[0]["reference"] == "unisolate 3"
        here.edit(check_in=True)
        assert (here.reconcile()[0]["status"], here.truth(), here.records) == ("applied", FREE, {})


# ---- spellings


@pytest.mark.parametrize(
    ("spelled", "wanted"),
    [
        ("isolated", "already"),
        ("unisolated", "failed"),
        ("agent_isolated", "already"),
        ("Pending_Isolation", "already"),
    ],
)
def test_states_are_read_without_case_and_prefix(spelled: str, wanted: str) -> None:
    assert blocked("DISCONNECTED", spelled)[0] == wanted


def test_pending_unisolation_is_a_pending_release() -> None:
    with world() as here:
        ours(here, settled=True)
        here.edit(is_isolated="AGENT_PENDING_UNISOLATION")
        row = here.unblock()
        assert (row["status"], here.calls("unisolate")) == ("pending", 0)
        assert "release" in row["reason"]


@pytest.mark.parametrize("numbers", ["text", "number"])
@pytest.mark.parametrize("order_reply", ["action_id", "group_action_id", "bare"])
def test_action_id_is_read_from_each_form_of_reply(numbers: str, order_reply: str) -> None:
    with world(numbers=numbers, order_reply=order_reply) as here:
        here.seed()
        assert here.block()["reference"] == "isolate 1"
