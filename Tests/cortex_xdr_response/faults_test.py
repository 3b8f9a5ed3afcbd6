"""Lost replies, refusals, wrong keys and kills: what is told then, and that nothing is ordered twice or forgotten."""

from __future__ import annotations

import time
from typing import Any

import pytest

from Tests.cortex_xdr_response.world import HOST, ID, World, pack, world

FREE, HELD, GOING_IN = "AGENT_UNISOLATED", "AGENT_ISOLATED", "AGENT_PENDING_ISOLATION"
LOST: tuple[dict[str, Any], ...] = (
    {"kind": "reset"},
    {"kind": "torn"},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 504},
)


def finish(here: World) -> None:
    """The agent does what it was ordered, and reconcile follows."""
    for _ in range(3):
        here.wait(70)
        here.reconcile()


# ---- lost replies


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: str(fault.get("status", fault["kind"])))
@pytest.mark.parametrize("when", ["before", "after"])
def test_lost_reply_of_isolate_is_pending_never_repeated_blindly_and_ours(fault: dict[str, Any], when: str) -> None:
    with world() as here:
        here.seed()
        here.fault("isolate", when=when, **fault)
        row = here.block()
        assert (row["status"], row["contained"], here.calls("isolate")) == ("pending", True, 1)
        taken = here.truth() != FREE
        finish(here)
        assert (here.truth(), here.records[ID]["phase"]) == (HELD, "blocked")
        assert here.calls("isolate") == (1 if taken else 2)
        here.unblock()
        finish(here)
        assert (here.truth(), here.records) == (FREE, {})


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: str(fault.get("status", fault["kind"])))
@pytest.mark.parametrize("when", ["before", "after"])
def test_lost_reply_of_unisolate_is_pending_and_ends_free(fault: dict[str, Any], when: str) -> None:
    with world() as here:
        here.seed()
        here.block()
        finish(here)
        here.fault("unisolate", when=when, **fault)
        row = here.unblock()
        assert (row["status"], row["contained"], here.calls("unisolate")) == ("pending", True, 1)
        taken = here.truth() != HELD
        finish(here)
        assert (here.truth(), here.records, here.calls("unisolate")) == (FREE, {}, 1 if taken else 2)


@pytest.mark.parametrize("when", ["before", "after"])
def test_order_that_takes_longer_than_the_timeout_is_pending_and_followed(when: str) -> None:
    with world({"timeout": "0.1"}) as here:
        here.seed()
        here.fault("isolate", kind="delay", when=when, seconds=0.15)
        assert here.block()["status"] == "pending"
        while not here.calls("isolate"):
            time.sleep(0.01)
        finish(here)
        assert (here.truth(), here.records[ID]["phase"], here.calls("isolate")) == (HELD, "blocked", 1)


@pytest.mark.parametrize("killed", [True, False])
def test_order_that_never_arrived_is_made_up_for_soon_after_the_agent_is_back(killed: bool) -> None:
    with world() as here:
        here.seed()
        if killed:
            # After the first write of the ledger, which is the intent.
            assert here.killed(6, "vectra-block-host", **HOST) and here.calls("isolate") == 0
        else:
            here.fault("isolate", kind="reset")
            here.block()
        here.edit(status="LOST")
        for _ in range(60):
            here.wait(60)
            here.reconcile()
        here.edit(status="CONNECTED")
        here.wait(60)
        here.reconcile()
        assert here.truth() == GOING_IN


def test_look_that_fails_after_the_order_does_not_forget_the_order() -> None:
    with world() as here:
        here.seed()
        # Lookup, first look and the look at the order get through.
        here.fault("get_endpoint", kind="status", status=500, after=3, count=3)
        row = here.block()
        assert (row["status"], row["reference"], row["contained"]) == ("pending", "isolate 1", True)
        finish(here)
        assert here.records[ID]["phase"] == "blocked"


# ---- the 500 of a wrong state, and others


def race(here: World, is_isolated: str) -> None:
    """Somebody else is faster: the state changes between the look and the order."""
    send = pack.XDRClient.send

    def overtaken(client: Any, path: str, *args: Any) -> Any:
        if path == "endpoints/isolate":
            here.edit(is_isolated=is_isolated)
        return send(client, path, *args)

    pack.XDRClient.send = overtaken  # world() puts back what was there


@pytest.mark.parametrize("is_isolated", [HELD, GOING_IN])
def test_wrong_state_because_somebody_else_was_faster_is_looked_at_again_and_left_alone(is_isolated: str) -> None:
    with world({"poll": "30"}) as here:
        here.seed()
        race(here, is_isolated)
        row = here.block()
        assert (row["status"], row["contained"], here.records) == ("already", False, {})
        assert (here.calls("isolate"), here.calls("get_endpoint")) == (1, 4)
        assert here.clock.slept == [pause for pause in here.clock.slept if pause < 1]


def test_wrong_state_while_the_table_would_order_again_is_reported_as_it_is() -> None:
    with world({"poll": "30"}) as here:
        here.seed(can_isolate=False)
        row = here.block()
        assert (row["status"], row["contained"], here.calls("isolate")) == ("failed", False, 1)
        assert "No endpoint was found for creating the requested action" in row["reason"]
        assert "can't create group action id for ISOLATE" in row["reason"]


def test_wrong_state_and_no_look_after_it_is_uncertain_and_followed() -> None:
    with world() as here:
        here.seed(can_isolate=False)
        here.fault("get_endpoint", kind="status", status=500, after=3, count=3)
        row = here.block()
        assert (row["status"], row["contained"]) == ("pending", True)
        here.reconcile()
        assert here.records[ID]["reason"].startswith("Cortex XDR answered 500")


@pytest.mark.parametrize("bare", ["wrapped", "bare"])
def test_reasons_are_read_from_both_forms_of_error(bare: str) -> None:
    with world(error_replies=bare) as here:
        here.seed(can_isolate=False)
        assert "can't create group action id" in here.block()["reason"]


def test_other_500_after_the_order_was_taken_is_seen_and_ours() -> None:
    with world() as here:
        here.seed()
        here.fault("isolate", kind="status", status=500, when="after")
        row = here.block()
        assert (row["status"], row["contained"], here.calls("isolate")) == ("pending", True, 1)
        finish(here)
        here.unblock()
        finish(here)
        assert (here.truth(), here.records) == (FREE, {})


def test_other_500_before_the_order_was_taken_is_a_failure_with_its_words() -> None:
    with world() as here:
        here.seed()
        here.fault("isolate", kind="status", status=500, message="the database is full")
        row = here.block()
        assert (row["status"], row["contained"], here.records) == ("failed", False, {})
        assert "the database is full" in row["reason"]


# ---- keys, roles, licence, limits


@pytest.mark.parametrize(("role", "wanted"), [("view", "isolate"), ("none", "get_endpoint")])
def test_role_that_is_too_small_is_named_with_the_call(role: str, wanted: str) -> None:
    with world(endpoint_role=role) as here:
        here.seed()
        row = here.block()
        assert (row["status"], row["contained"], here.calls(wanted)) == ("failed", False, 1)
        assert "role" in row["reason"] and wanted in row["reason"]


def test_module_test_tells_what_is_missing() -> None:
    with world() as here:
        assert here.test() == "ok"
        here.fault(kind="status", status=402)
        assert "licence" in here.test()
        here.fault(kind="expired_key", count=2)
        assert "expired" in here.test() and "clock" in here.test()
        assert here.orders == (0, 0)
    with world(endpoint_role="none") as here:
        assert "role" in here.test()


@pytest.mark.parametrize("key_type", ["standard", "advanced"])
def test_kind_of_key_is_found_and_remembered(key_type: str) -> None:
    with world({"api_key_type": "auto"}, api_key_type=key_type) as here:
        here.seed()
        here.block()
        unauthorised = [entry for entry in here.emulator.requests.latest() if entry.status == 401]
        assert len(unauthorised) == (key_type == "standard")
        assert here.context.stored["key_type"] == key_type
        here.unblock()
        assert [entry for entry in here.emulator.requests.latest() if entry.status == 401] == unauthorised
        assert here.test() == "ok"


def test_kind_of_key_that_was_set_is_used_whatever_was_remembered() -> None:
    with world(api_key_type="advanced") as here:
        here.context.stored["key_type"] = "standard"
        here.seed()
        assert here.block()["status"] == "pending"
        assert here.context.stored["key_type"] == "standard"


@pytest.mark.parametrize("call", ["get_endpoint", "isolate"])
def test_too_many_requests_are_waited_for(call: str) -> None:
    with world() as here:
        here.seed()
        here.fault(call, kind="status", status=429, retry_after=7)
        assert here.block()["status"] == "pending"
        assert any(pause >= 7 for pause in here.clock.slept)


def test_too_many_requests_for_long_is_a_failure_without_a_record() -> None:
    with world() as here:
        here.seed()
        here.fault("isolate", kind="status", status=429, count=3)
        row = here.block()
        assert (row["status"], row["contained"], here.records) == ("failed", False, {})


def test_incident_id_goes_with_both_orders() -> None:
    with world({"incident_id": "INC-7", "poll": "30"}) as here:
        here.seed()
        here.block()
        here.unblock()
        assert [order.incident_id for order in here.emulator.actions.all()] == ["INC-7", "INC-7"]


# ---- kills


@pytest.mark.parametrize("poll", ["0", "30"])
def test_block_killed_anywhere_ends_isolated_and_on_record_by_the_next_cycle(poll: str) -> None:
    effects, killed = 0, True
    while killed:
        with world({"poll": poll}) as here:
            here.seed()
            killed = here.killed(effects, "vectra-block-host", **HOST)
            here.wait(20)
            here.block()
            finish(here)
            assert (here.truth(), here.records[ID]["phase"], here.calls("isolate")) == (HELD, "blocked", 1), effects
        effects += 1
    # Two writes of the ledger and five requests at least, before and after each.
    assert effects > 14


def test_block_killed_anywhere_after_its_intent_is_finished_by_reconcile_alone() -> None:
    effects, killed = 0, True
    while killed:
        with world() as here:
            here.seed()
            killed = here.killed(effects, "vectra-block-host", **HOST)
            intent = bool(here.records)
            finish(here)
            wanted = (HELD, ["blocked"], 1) if intent else (FREE, [], 0)
            phases = [record["phase"] for record in here.records.values()]
            assert (here.truth(), phases, here.calls("isolate")) == wanted, effects
        effects += 1


def test_release_killed_anywhere_after_its_intent_is_finished_by_reconcile_alone() -> None:
    effects, killed = 0, True
    while killed:
        with world() as here:
            here.seed()
            here.block()
            finish(here)
            killed = here.killed(effects, "vectra-unblock-host", host_id="41", brain="brain-1")
            intent = here.records[ID]["phase"] == "releasing"
            finish(here)
            wanted = (FREE, {}, 1) if intent else (HELD, here.records, 0)
            assert (here.truth(), here.records, here.calls("unisolate")) == wanted, effects
        effects += 1
    assert effects > 10


@pytest.mark.parametrize("is_isolated", [HELD, GOING_IN])
def test_block_killed_anywhere_never_makes_somebody_elses_isolation_ours(is_isolated: str) -> None:
    effects, killed = 0, True
    while killed:
        with world() as here:
            here.seed(is_isolated=is_isolated)
            killed = here.killed(effects, "vectra-block-host", **HOST)
            here.block()
            here.unblock()
            finish(here)
            assert (here.truth(), here.records, here.orders) == (HELD, {}, (0, 0)), effects
        effects += 1
