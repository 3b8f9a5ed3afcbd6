"""Address objects and groups: what is there already, what others change meanwhile, what a crash and what VAR left."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.kit import Fault
from Tests.fortigate_response.world import HOST, IN_GROUP, OBJECT, Start, World

VAR_OBJECT = {"name": "10.1.2.3", "type": "iprange", "start-ip": "10.1.2.3", "end-ip": "10.1.2.3"}


def test_object_of_the_name_for_something_else_is_a_failure(world: World) -> None:
    world.seed(address=[{"name": OBJECT, "subnet": "10.9.9.9/32"}])
    row = world.side().one("block-host", **HOST)
    assert (row["status"], row["contained"]) == ("failed", False)
    assert "does not stand for 10.1.2.3" in row["reason"] and world.members("Internal-Block") == []


def test_object_changed_by_somebody_after_the_block_is_left_to_them(world: World) -> None:
    for look_first in (False, True):
        side = world.side()
        side.one("block-host", **HOST)
        world.edit(table="address", name=OBJECT, set={"subnet": "10.9.9.9/32"})
        [row] = side.later(verify="true")
        assert (row["status"], row["contained"], "does not stand for" in row["reason"]) == ("failed", True, True)
        if look_first:
            world.gate.faults.add(Fault("status", status=503, count=1))
        row = side.one("unblock-host", **HOST)
        assert row["status"] == ("failed" if look_first else "already"), row
        assert look_first or "made or changed it" in row["reason"]
        side.later()
        assert world.object(OBJECT) is not None and world.members("Internal-Block") == [OBJECT] and not side.elements
        world.edit(table="addrgrp", name="Internal-Block", set={"member": []})
        world.edit(table="address", name=OBJECT, delete=True)


def test_member_that_somebody_took_out_is_put_back_and_its_object_reused(world: World) -> None:
    side = world.side()
    side.one("block-host", **HOST)
    world.edit(table="addrgrp", name="Internal-Block", remove_members=[OBJECT])
    assert side.later() == []
    assert [row["status"] for row in side.later(verify="true")] == ["applied"]
    assert world.members("Internal-Block") == [OBJECT]


def test_member_of_others_is_already_and_one_that_they_add_later_stays(world: World) -> None:
    world.seed(address=[VAR_OBJECT])
    side = world.side()
    side.one("block-host", **HOST)
    world.edit(table="addrgrp", name="Internal-Block", add_members=["10.1.2.3"])
    side.one("unblock-host", **HOST)
    assert world.members("Internal-Block") == ["10.1.2.3"]
    row = side.one("block-host", **HOST)
    assert (row["status"], row["contained"]) == ("already", False) and "'10.1.2.3' is a member" in row["reason"]


def test_member_of_the_name_for_something_else_is_not_taken_for_a_block(world: World) -> None:
    world.seed(address=[{"name": "10.1.2.3", "subnet": "10.9.9.9/32"}])
    world.edit(table="addrgrp", name="Internal-Block", add_members=["10.1.2.3"])
    assert world.side().one("block-host", **HOST)["status"] == "applied"
    assert world.members("Internal-Block") == ["10.1.2.3", OBJECT]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("method", "path"), [("POST", "*/address"), ("POST", "*/member"), ("DELETE", "*")])
def test_order_cut_off_anywhere_is_finished_by_reconcile(world: World, method: str, path: str, when: str) -> None:
    side = world.side()
    for number in range(2):
        fault = Fault("reset", when=when, method=method, path=path, after=number if method == "DELETE" else 0, count=1)
        world.gate.faults.clear()
        world.gate.faults.add(fault)
        first = [side.one("block-host", **HOST), *side.later()]
        assert world.members("Internal-Block") == [OBJECT] and side.elements == {IN_GROUP}, first
        last = [side.one("unblock-host", **HOST), *side.later()]
        assert world.members("Internal-Block") == [] and not side.elements, last
        assert world.objects() == set() and "pending" in {row["status"] for row in first + last}


def test_order_refused_by_a_full_group_leaves_no_object(start: Start) -> None:
    world = start(max_members=1)
    side = world.side()
    side.one("block-host", **HOST)
    row = side.one("block-host", ip="10.1.2.4", host_id="42")
    assert (row["status"], row["contained"]) == ("failed", False) and "maximum number of entries" in row["reason"]
    assert world.objects() == {OBJECT} and side.elements == {IN_GROUP}


def test_members_that_cannot_be_changed_alone_are_replaced_with_the_others_kept(start: Start) -> None:
    world = start(member_calls="refuse", placeholder=True)
    side = world.side()
    assert side.one("block-host", **HOST)["status"] == "applied"
    assert world.members("Internal-Block") == ["placeholder", OBJECT]
    assert side.one("unblock-host", **HOST)["status"] == "applied"
    assert world.members("Internal-Block") == ["placeholder"] and world.objects() == {"placeholder"}


def test_group_of_release_7_0_keeps_its_last_member_until_a_placeholder_is_there(start: Start) -> None:
    world = start(fortios="7.0", placeholder=True)
    side = world.side()
    side.one("block-host", **HOST)
    world.edit(table="addrgrp", name="Internal-Block", remove_members=["placeholder"])
    row = side.one("unblock-host", **HOST)
    assert (row["status"], row["contained"]) == ("failed", True) and "Put a placeholder into it" in row["reason"]
    world.edit(table="addrgrp", name="Internal-Block", add_members=["placeholder"])
    assert [row["status"] for row in side.later()] == ["applied"]
    assert world.members("Internal-Block") == ["placeholder"] and world.objects() == {"placeholder"}


@pytest.mark.parametrize("fortios", ["7.0", "7.2", "7.4"])
def test_releases_all_block_and_release(start: Start, fortios: str) -> None:
    world = start(fortios=fortios, placeholder=True)
    side = world.side()
    for command in ("block", "unblock"):
        assert side.one(f"{command}-host", **HOST)["status"] == "applied"
    assert world.members("Internal-Block") == ["placeholder"] and world.objects() == {"placeholder"}


def test_group_deleted_by_somebody_is_told_while_wanted_and_no_hindrance_after(world: World) -> None:
    side = world.side()
    side.one("block-host", **HOST)
    world.edit(table="addrgrp", name="Internal-Block", delete=True)
    [row] = side.later(verify="true")
    assert (row["status"], row["contained"], "no IPv4 address group" in row["reason"]) == ("failed", True, True)
    assert world.objects() == set()
    world.seed(addrgrp=[{"name": "Internal-Block", "member": []}])
    assert [row["status"] for row in side.later()] == ["applied"]
    world.edit(table="addrgrp", name="Internal-Block", delete=True)
    side.one("unblock-host", **HOST)
    assert world.objects() == set() and not side.elements


def test_names_of_groups_and_objects_are_encoded_as_a_whole(world: World) -> None:
    group = "Block/list & more? 100%"
    world.seed(addrgrp=[{"name": group, "member": []}])
    side = world.side(external_group=group, object_prefix="Vectra 100%/")
    row = side.one("block-detection", dst_ips="198.51.100.7", detection_id="9001")
    assert (row["status"], row["element"]) == ("applied", f"198.51.100.7 in {group}"), row["reason"]
    assert world.members(group) == ["Vectra 100%/198.51.100.7"]
    assert side.one("unblock-detection", detection_id="9001")["status"] == "applied" and world.members(group) == []


def test_prefix_changed_after_the_block_releases_the_old_object(world: World) -> None:
    side = world.side()
    side.one("block-host", **HOST)
    side.params["object_prefix"] = "soc-"
    assert side.later(verify="true") == []
    assert side.one("unblock-host", **HOST)["status"] == "applied"
    assert world.members("Internal-Block") == [] and world.objects() == set()


def test_static_list_has_a_group_of_its_own_or_shares_with_claims(world: World) -> None:
    world.seed(addrgrp=[{"name": "Static", "member": []}])
    asked: dict[str, Any] = {"dst_ips": "198.51.100.7", "detection_id": "9001"}
    listed = {"destinations": "198.51.100.7", "list": "static"}
    side = world.side(static_group="Static")
    side.one("block-detection", **asked)
    assert side.one("block-destinations", **listed)["element"] == "198.51.100.7 in Static"
    assert "it is used elsewhere" in side.one("unblock-detection", **asked)["reason"]
    assert (world.members("External-Block"), world.members("Static")) == ([], ["vectra-198.51.100.7"])
    assert side.one("unblock-destinations", **listed)["status"] == "applied" and world.objects() == set()
    shared = world.side()
    shared.one("block-detection", **asked)
    shared.one("block-destinations", **listed)
    assert "still contained for" in shared.one("unblock-detection", **asked)["reason"]
    assert world.members("External-Block") == ["vectra-198.51.100.7"]


def test_domains_are_objects_in_the_groups_of_both_families_when_the_option_is_on(world: World) -> None:
    side = world.side(block_domains="true")
    rows = side.run("block-detection", dst_domains="Bad.Example.", detection_id="9001")
    assert {(row["status"], row["element"]) for row in rows} == {
        ("applied", "bad.example in External-Block"),
        ("applied", "bad.example in External6"),
    }
    for table in ("address", "address6"):
        made = world.object("vectra-bad.example", table=table)
        assert made is not None and (made["type"], made["fqdn"]) == ("fqdn", "bad.example")
    assert {row["status"] for row in side.run("unblock-detection", detection_id="9001")} == {"applied"}


def test_domains_are_unsupported_one_by_one_when_the_option_is_off(world: World) -> None:
    rows = world.side().run("block-detection", dst_ips="198.51.100.7", dst_domains="bad.example", detection_id="9001")
    assert {(row["status"], row["element"]) for row in rows} == {
        ("applied", "198.51.100.7 in External-Block"),
        ("unsupported", "bad.example"),
    }
    assert "'Block domains' is off" in rows[1]["reason"] + rows[0]["reason"]


@pytest.mark.parametrize("own", ["10.1.2.3", "2001:db8::77"])
def test_address_of_the_firewall_is_not_blocked(world: World, own: str) -> None:
    world.seed(interfaces=[{"name": "lan", "ip": "10.1.2.3 255.255.255.0", "ip6": "2001:db8::77/64"}])
    row = world.side().one("block-host", ip=own, host_id="41")
    assert (row["status"], row["contained"]) == ("unsupported", False) and f"{own} is the address of" in row["reason"]
    assert world.objects() == set() and world.asked("POST") == []


def test_address_of_the_firewall_is_not_asked_for_without_the_right(start: Start) -> None:
    assert start(network="none").side().one("block-host", **HOST)["status"] == "applied"


def test_var_block_is_released_by_its_bare_address_and_its_object_stays(world: World) -> None:
    world.seed(address=[VAR_OBJECT, {"name": "printer", "subnet": "10.1.2.3/32"}])
    for group in ("Internal-Block", "External-Block"):
        world.edit(table="addrgrp", name=group, add_members=["10.1.2.3", "printer"])
    side = world.side()
    row = side.one("unblock-host", host_id="41", elements="10.1.2.3", adopt="true")
    assert row["status"] == "applied" and "'10.1.2.3' stays" in row["reason"]
    assert world.members("Internal-Block") == ["printer"]
    assert world.members("External-Block") == ["10.1.2.3", "printer"]
    row = side.one("unblock-detection", detection_id="9001", elements="10.1.2.3", adopt="true")
    assert row["status"] == "applied" and world.members("External-Block") == ["printer"]
    assert world.objects() == {"10.1.2.3", "printer"} and not side.elements


def test_var_release_does_not_take_out_what_this_instance_blocked(world: World) -> None:
    side = world.side()
    side.one("block-host", **HOST)
    world.seed(address=[VAR_OBJECT])
    world.edit(table="addrgrp", name="Internal-Block", add_members=["10.1.2.3"])
    side.one("unblock-host", host_id="43", elements="10.1.2.3", adopt="true")
    assert world.members("Internal-Block") == [OBJECT] and side.elements == {IN_GROUP}


@pytest.mark.parametrize("element", ["10.1.2.3", "nobody at all", "10.1.2.3 on the moon", "x in y", "2001:db8::1"])
def test_var_element_that_is_not_there_changes_nothing(world: World, element: str) -> None:
    side = world.side(internal_group_ipv6="")
    row = side.one("unblock-host", host_id="41", elements=element, adopt="true")
    assert (row["status"], row["contained"]) == ("already", False)
    assert world.asked("DELETE") == [] == world.asked("POST") and not side.elements


def test_module_test_names_each_group_that_is_missing_and_writes_nothing(world: World) -> None:
    assert world.side().driver().test() == "ok"
    told = world.side(external_group="Nope", static_group_ipv6="Nope6").driver().test()
    assert (
        "IPv4 address group 'Nope'" in told and "IPv6 address group 'Nope6'" in told and "'Internal-Block'" not in told
    )
    assert {request.method for request in world.gate.requests.latest()} == {"GET"}


def test_verification_of_what_is_in_order_only_reads_and_reads_the_group_once(world: World) -> None:
    side, ips = world.side(), ",".join(f"198.51.100.{number}" for number in range(10))
    side.run("block-detection", dst_ips=ips, detection_id="9001")
    before = len(world.gate.requests)
    assert side.later(verify="true") == []
    assert [request.method for request in world.gate.requests.latest()[before:]] == ["GET"] * 11
