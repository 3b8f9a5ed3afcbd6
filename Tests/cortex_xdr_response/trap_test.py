"""The agent leaves between the order to isolate and the decision to release, which no call of the API can undo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from Tests.cortex_xdr_response.world import ID, NAME, World, world

FREE, HELD = "AGENT_UNISOLATED", "AGENT_ISOLATED"


@pytest.fixture
def trap() -> Iterator[World]:
    """Isolation ordered, agent gone, release wanted."""
    with world() as here:
        here.seed()
        here.block()
        here.edit(status="DISCONNECTED")
        here.unblock()
        yield here


def test_trap_says_at_once_and_at_each_reconcile_what_to_cancel(trap: World) -> None:
    for row in (trap.unblock(), *trap.reconcile(), *trap.reconcile()):
        assert (row["status"], row["contained"], row["reference"]) == ("pending", True, "isolate 1")
        for text in (f"endpoint {NAME}", f"endpoint id {ID}", "action 1", "Action Center", "cancel it", "DISCONNECTED"):
            assert text in row["reason"]
    assert trap.orders == (1, 0)


def test_trap_words_do_without_an_action_id_that_never_arrived() -> None:
    with world() as here:
        here.seed()
        here.fault("isolate", kind="reset", when="after")
        here.block()
        here.edit(status="LOST")
        row = here.unblock()
        assert "find the pending isolation of endpoint WS-1" in row["reason"]


def test_trap_cancelled_by_an_operator_is_done(trap: World) -> None:
    trap.edit(action_id=1, status="CANCELED")
    assert [(row["status"], row["contained"]) for row in trap.reconcile()] == [("applied", False)]
    assert (trap.records, trap.orders, trap.truth()) == ({}, (1, 0), FREE)


def test_trap_agent_comes_back_is_isolated_and_released_by_the_reconcile(trap: World) -> None:
    trap.edit(check_in=True)
    assert trap.truth() == HELD
    assert trap.reconcile()[0]["reference"] == "unisolate 2"
    trap.wait(20)
    assert [(row["status"], row["contained"]) for row in trap.reconcile()] == [("applied", False)]
    assert (trap.records, trap.orders, trap.truth()) == ({}, (1, 1), FREE)


def test_trap_agent_comes_and_goes_again_is_released_when_it_stays(trap: World) -> None:
    trap.edit(check_in=True, status="LOST")
    assert trap.reconcile()[0]["reference"] == "unisolate 2"
    assert trap.reconcile()[0]["status"] == "pending"
    trap.edit(status="CONNECTED")
    trap.wait(20)
    trap.reconcile()
    assert (trap.records, trap.truth()) == ({}, FREE)


def test_trap_selected_again_while_pending_makes_it_the_wanted_isolation(trap: World) -> None:
    assert trap.block()["status"] == "pending"
    trap.edit(check_in=True)
    assert trap.reconcile()[0]["status"] == "applied"
    assert (trap.truth(), trap.orders) == (HELD, (1, 0))


def test_trap_selected_again_after_it_was_cancelled_isolates_anew(trap: World) -> None:
    trap.edit(action_id=1, status="CANCELED")
    trap.reconcile()
    trap.edit(status="CONNECTED")
    assert trap.block()["reference"] == "isolate 2"
    trap.wait(20)
    trap.reconcile()
    assert trap.truth() == HELD


def test_trap_selected_again_after_it_was_released_isolates_anew(trap: World) -> None:
    trap.edit(check_in=True)
    trap.reconcile()
    assert trap.block()["status"] == "pending"
    for _ in range(3):
        trap.wait(20)
        trap.reconcile()
    assert (trap.truth(), trap.records[ID]["phase"]) == (HELD, "blocked")


def test_two_brains_hold_an_endpoint_until_the_last_lets_go() -> None:
    with world({"poll": "30"}) as here:
        here.seed()
        here.block()
        assert here.block(brain="brain-2", host_id="7")["status"] == "already"
        row = here.unblock()
        assert (row["status"], row["contained"], here.truth()) == ("applied", False, HELD)
        assert here.one("vectra-unblock-host", brain="brain-2", host_id="7")["status"] == "applied"
        assert (here.truth(), here.records, here.orders) == (FREE, {}, (1, 1))


def test_waiting_of_a_command_is_bounded_over_all_endpoints() -> None:
    with world(check_in_seconds=1000) as here:
        for number in range(4):
            here.seed(endpoint_id=f"{number:032x}", endpoint_name=f"ws-{number}", ip=[f"10.0.0.{number}"])
            here.block(ip=f"10.0.0.{number}", host_name=f"ws-{number}", mac="", host_id=str(number))
            here.unblock(host_id=str(number))
            here.edit(endpoint_id=f"{number:032x}", check_in=True)
        here.params["poll"] = "5"
        before = here.clock.seconds
        assert [row["reference"] for row in here.reconcile()] == [f"unisolate {number}" for number in range(5, 9)]
        assert 5 <= here.clock.seconds - before < 8
