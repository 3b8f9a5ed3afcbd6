"""One instance works in one VDOM of one FortiGate and touches no other."""

from __future__ import annotations

from Tests.fortigate_response.world import HOST, IN_GROUP, OBJECT, Start


def test_vdoms_two_instances_do_not_touch_each_other(start: Start) -> None:
    world = start(vdoms="root,branch")
    root, branch = world.side(), world.side(vdom="branch")
    assert root.one("block-host", **HOST)["status"] == "applied"
    assert (world.members("Internal-Block", "branch"), world.objects("branch")) == ([], set())
    assert branch.one("block-host", **HOST)["status"] == "applied"
    assert root.one("unblock-host", **HOST)["status"] == "applied"
    assert (world.members("Internal-Block"), world.objects()) == ([], set())
    assert world.members("Internal-Block", "branch") == [OBJECT] and branch.later(verify="true") == []


def test_vdoms_quarantine_lists_are_apart(start: Start) -> None:
    world = start(vdoms="root,branch")
    root, branch = (world.side(block_mode="quarantine", vdom=name) for name in ("root", "branch"))
    for side in (root, branch):
        side.one("block-host", **HOST)
    branch.one("unblock-host", **HOST)
    assert (world.banned(), world.banned("branch")) == (["10.1.2.3"], [])


def test_vdoms_verification_puts_back_only_its_own(start: Start) -> None:
    world = start(vdoms="root,branch")
    root, branch = world.side(), world.side(vdom="branch")
    for side in (root, branch):
        side.one("block-host", **HOST)
        world.edit(vdom=side.params.get("vdom", "root"), table="addrgrp", name="Internal-Block", set={"member": []})
    assert [row["element"] for row in branch.later(verify="true")] == [IN_GROUP]
    assert (world.members("Internal-Block"), world.members("Internal-Block", "branch")) == ([], [OBJECT])


def test_vdoms_one_that_is_not_the_administrators_is_refused_with_its_name(start: Start) -> None:
    world = start(vdoms="root,branch", admin_vdoms="root")
    row = world.side(vdom="branch").one("block-host", **HOST)
    assert (row["status"], row["contained"]) == ("failed", False) and "the VDOM (branch)" in row["reason"]
    assert world.objects("branch") == set()


def test_vdoms_trusted_hosts_are_named(start: Start) -> None:
    row = start(trusted_hosts="192.0.2.0/24").side().one("block-host", **HOST)
    assert row["status"] == "failed" and "trusted hosts" in row["reason"]
