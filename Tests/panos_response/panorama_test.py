"""Several firewalls behind Panorama: what counts as blocked, whose registration is whose, and who is out of reach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulators.kit import Fault
from Tests.panos_response.world import FIRST, HOST, SECOND, World, pack, two_firewalls, world

TAGGED = {"10.1.2.3": {"Block_Host"}}


@pytest.fixture
def pair() -> Iterator[World]:
    with two_firewalls() as made:
        yield made


def by_another(serial: str) -> dict[str, object]:
    return {"register": {"ip": "10.1.2.3", "tag": "Block_Host", "serial": serial}}


def test_block_reaches_every_firewall_and_release_too(pair: World) -> None:
    assert pair.block()["status"] == "applied"
    assert pair.registered(FIRST) == pair.registered(SECOND) == TAGGED
    assert pair.unblock()["status"] == "applied"
    assert pair.registered(FIRST) == pair.registered(SECOND) == {}


def test_firewall_out_of_reach_is_named_and_gets_it_later(pair: World) -> None:
    pair.edit({"device": SECOND, "connected": False})
    row = pair.block()
    assert (row["status"], row["contained"]) == ("pending", True)
    assert f"blocked at firewall {FIRST}; not registered at firewall {SECOND}: " in row["reason"]
    assert f"{SECOND} not connected" in row["reason"]
    assert [(row["status"], SECOND in row["reason"]) for row in pair.reconcile()] == [("pending", True)]
    pair.edit({"device": SECOND, "connected": True})
    assert [row["status"] for row in pair.reconcile()] == ["applied"]
    assert pair.registered(SECOND) == TAGGED
    assert pair.unblock()["status"] == "applied" and pair.registered(SECOND) == {}


def test_firewall_that_lost_it_is_named_and_gets_it_back(pair: World) -> None:
    pair.block()
    pair.edit({"clear": SECOND})
    state = pair.driver().state("10.1.2.3@Block_Host", pair.records["10.1.2.3@Block_Host"])
    assert state.state == "free" and f"not registered by this instance at firewall {SECOND}" in state.reason
    assert [row["status"] for row in pair.reconcile(verify=True)] == ["applied"]
    assert pair.registered(SECOND) == TAGGED


def test_firewall_out_of_reach_does_not_undo_what_is_settled(pair: World) -> None:
    pair.block()
    pair.edit({"device": SECOND, "connected": False})
    assert pair.reconcile(verify=True) == []
    pair.edit({"clear": FIRST})
    assert {row["status"] for row in pair.reconcile(verify=True)} == {"pending"}
    assert pair.registered(FIRST) == TAGGED


def test_no_firewall_in_reach_leaves_no_record(pair: World) -> None:
    pair.edit(*({"device": serial, "connected": False} for serial in (FIRST, SECOND)))
    row = pair.block()
    assert row["status"] == "failed" and FIRST in row["reason"] and SECOND in row["reason"]
    assert pair.records == {}


def test_registration_by_another_at_every_firewall_is_never_undone(pair: World) -> None:
    pair.edit(by_another(FIRST), by_another(SECOND))
    assert pair.block()["status"] == "already" and pair.records == {}
    pair.unblock()
    assert pair.registered(FIRST) == pair.registered(SECOND) == TAGGED


def test_registration_by_another_at_one_firewall_stays_when_the_rest_is_released(pair: World) -> None:
    pair.edit(by_another(FIRST))
    assert pair.block()["status"] == "applied" and pair.registered(SECOND) == TAGGED
    assert pair.unblock()["status"] == "applied"
    assert (pair.registered(FIRST), pair.registered(SECOND)) == (TAGGED, {})


def test_registration_by_another_at_a_firewall_that_could_not_be_asked_stays(pair: World) -> None:
    pair.edit(by_another(SECOND), {"device": SECOND, "connected": False})
    assert pair.block()["status"] == "pending"
    pair.edit({"device": SECOND, "connected": True})
    # Registering it once more finds out that it was there.
    assert [row["status"] for row in pair.reconcile()] == ["applied"]
    assert pair.unblock()["status"] == "applied"
    assert (pair.registered(FIRST), pair.registered(SECOND)) == ({}, TAGGED)


def test_firewall_that_could_not_be_asked_at_first_is_released_when_it_is_ours(pair: World) -> None:
    pair.edit({"device": SECOND, "connected": False})
    pair.block()
    pair.edit({"device": SECOND, "connected": True})
    pair.reconcile()
    assert pair.registered(SECOND) == TAGGED
    assert pair.reconcile(verify=True) == []
    pair.unblock()
    assert pair.registered(SECOND) == {}


def test_order_without_an_answer_at_a_firewall_that_could_not_be_asked_counts_as_ours(pair: World) -> None:
    pair.edit({"device": SECOND, "connected": False})
    pair.block()
    pair.edit({"device": SECOND, "connected": True})
    # The look at both, the system information and the order at both: the last one is cut.
    pair.emulator.faults.add(Fault("torn", after=5, count=1))
    assert [row["status"] for row in pair.reconcile()] == ["pending"]
    assert pair.orders("register")[-1]["target"] == SECOND and pair.registered(SECOND) == TAGGED
    assert [row["status"] for row in pair.reconcile()] == ["applied"]
    pair.unblock()
    assert pair.registered(FIRST) == pair.registered(SECOND) == {}


def test_release_waits_for_a_firewall_out_of_reach(pair: World) -> None:
    pair.block()
    pair.edit({"device": SECOND, "connected": False})
    row = pair.unblock()
    assert (row["status"], row["contained"]) == ("failed", True) and SECOND in row["reason"]
    assert pair.registered(FIRST) == {}
    pair.edit({"device": SECOND, "connected": True})
    assert [row["status"] for row in pair.reconcile()] == ["applied"]
    assert pair.registered(SECOND) == {} and pair.records == {}


def test_firewall_taken_out_of_the_settings_is_released_too(pair: World) -> None:
    pair.block()
    pair.params["target_serials"] = FIRST
    assert pair.unblock()["status"] == "applied" and pair.registered(SECOND) == {}


def test_firewall_taken_out_of_the_settings_and_gone_is_not_waited_for(pair: World) -> None:
    pair.block()
    pair.params["target_serials"] = FIRST
    pair.edit({"device": SECOND, "connected": False})
    row = pair.unblock()
    assert (row["status"], row["contained"]) == ("applied", False)
    assert "check by hand" in row["reason"] and SECOND in row["reason"] and pair.records == {}


def test_firewall_added_to_the_settings_gets_what_is_blocked(pair: World) -> None:
    pair.params["target_serials"] = FIRST
    pair.block()
    pair.params["target_serials"] = f"{FIRST},{SECOND}"
    assert [row["status"] for row in pair.reconcile(verify=True)] == ["applied"]
    assert pair.registered(SECOND) == TAGGED
    pair.unblock()
    assert pair.registered(SECOND) == {}


def test_one_old_firewall_makes_networks_unsupported_and_nothing_is_registered(pair: World) -> None:
    pair.edit({"device": SECOND, "version": "9.1.2"})
    row = pair.one("vectra-block-destinations", destinations="203.0.113.0/24", list="l", brain="b")
    assert row["status"] == "unsupported" and f"firewall {SECOND} has PAN-OS 9.1.2" in row["reason"]
    assert pair.registered(FIRST) == {}


def test_grooming_moves_a_host_at_every_firewall(pair: World) -> None:
    pair.block()
    pair.command("vectra-groom-host", **{**HOST, "ip": "10.1.2.4"})
    assert pair.registered(FIRST) == pair.registered(SECOND) == {"10.1.2.4": {"Block_Host"}}


def test_test_asks_each_firewall() -> None:
    with two_firewalls() as made:
        assert made.driver().test() == "ok"
        made.edit({"device": SECOND, "connected": False})
        with pytest.raises(pack.ProductError, match=f"{SECOND} not connected"):
            made.driver().test()
        made.params["target_serials"] = ""
        assert "Name the firewalls in 'target_serials'" in made.driver().test()
    with world({"target_serials": FIRST}) as made, pytest.raises(pack.ProductError, match="target is for Panorama"):
        made.driver().test()
