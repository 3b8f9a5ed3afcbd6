"""Hosts on the quarantine list: whose ban it is, how long it lasts, and what a reboot takes away."""

from __future__ import annotations

import pytest

from emulators.kit import Fault
from Tests.fortigate_response.world import HOST, IN_GROUP, OBJECT, Side, Start, World

ELEMENT = "10.1.2.3 on the quarantine list"


def quarantining(world: World, **params: str) -> Side:
    return world.side(block_mode="quarantine", **params)


def test_quarantine_host_is_banned_and_released(world: World) -> None:
    side = quarantining(world)
    row = side.one("block-host", **HOST)
    assert (row["status"], row["element"]) == ("applied", ELEMENT) and world.banned() == ["10.1.2.3"]
    assert side.one("block-host", **HOST)["status"] == "already" and world.objects() == set()
    assert side.one("unblock-host", **HOST)["status"] == "applied" and world.banned() == []


def test_quarantine_takes_ipv6_without_a_group(world: World) -> None:
    side = quarantining(world, internal_group_ipv6="")
    row = side.one("block-host", ip="2001:DB8::77", host_id="42")
    assert (row["status"], row["element"]) == ("applied", "2001:db8::77 on the quarantine list")


def test_quarantine_destinations_go_into_groups_all_the_same(world: World) -> None:
    row = quarantining(world).one("block-detection", dst_ips="198.51.100.7", detection_id="9001")
    assert row["element"] == "198.51.100.7 in External-Block" and world.banned() == []


def test_quarantine_anothers_ban_is_already_and_stays(world: World) -> None:
    world.edit(ban={"ip": "10.1.2.3", "source": "IPS"})
    side = quarantining(world)
    row = side.one("block-host", **HOST)
    assert (row["status"], row["contained"]) == ("already", False) and not side.elements
    assert side.one("unblock-host", **HOST)["status"] == "already" and world.banned() == ["10.1.2.3"]


def test_quarantine_that_ran_out_is_put_back_by_grooming(world: World) -> None:
    side = quarantining(world, quarantine_seconds="600")
    side.one("block-host", **HOST)
    world.pass_time(599)
    assert side.run("groom-host", **HOST) == []
    world.pass_time(1)
    assert world.banned() == []
    assert [row["status"] for row in side.run("groom-host", **HOST)] == ["applied"] and world.banned() == ["10.1.2.3"]


def test_quarantine_that_ran_out_is_put_back_by_verification_and_released_after(world: World) -> None:
    side = quarantining(world, quarantine_seconds="600")
    side.one("block-host", **HOST)
    assert side.later() == [] and world.banned() == []
    assert [row["status"] for row in side.later(verify="true")] == ["applied"] and world.banned() == ["10.1.2.3"]
    assert side.one("unblock-host", **HOST)["status"] == "applied" and world.banned() == []


@pytest.mark.parametrize(
    ("persistency", "seconds", "left"),
    [
        ("disabled", "0", []),
        ("permanent-only", "0", ["10.1.2.3"]),
        ("permanent-only", "7200", []),
        ("all", "7200", ["10.1.2.3"]),
    ],
)
def test_quarantine_reboot_takes_and_verification_puts_back(
    start: Start, persistency: str, seconds: str, left: list[str]
) -> None:
    world = start(banned_ip_persistency=persistency)
    side = quarantining(world, quarantine_seconds=seconds)
    side.one("block-host", **HOST)
    world.edit(reboot=True)
    assert world.banned() == left
    assert [row["status"] for row in side.later(verify="true")] == ([] if left else ["applied"])
    assert world.banned() == ["10.1.2.3"]


def test_quarantine_somebody_bans_anew_after_ours_ran_out_is_left_to_them(world: World) -> None:
    side = quarantining(world, quarantine_seconds="600")
    side.one("block-host", **HOST)
    world.pass_time(700)
    world.edit(ban={"ip": "10.1.2.3"})
    assert side.later(verify="true") == []
    row = side.one("unblock-host", **HOST)
    assert (row["status"], row["contained"]) == ("already", False) and "banned it anew" in row["reason"]
    assert world.banned() == ["10.1.2.3"] and not side.elements


def test_quarantine_release_that_got_lost_leaves_a_later_ban_of_others(world: World) -> None:
    side = quarantining(world)
    side.one("block-host", **HOST)
    world.gate.faults.add(Fault("status", status=500, when="after", path="*clear_users"))
    assert side.one("unblock-host", **HOST)["status"] == "pending"
    world.gate.faults.clear()
    world.pass_time(10)
    world.edit(ban={"ip": "10.1.2.3"})
    assert [row["status"] for row in side.later()] == ["applied"]
    assert world.banned() == ["10.1.2.3"] and not side.elements


def test_quarantine_right_that_is_missing_is_told_by_the_test(start: Start) -> None:
    world = start(users="none")
    with pytest.raises(Exception, match="access profile"):
        quarantining(world).driver().test()
    assert world.side().driver().test() == "ok"
    assert quarantining(start(users="read")).one("block-host", **HOST)["status"] == "failed"


def test_mode_changed_grooming_moves_the_host(world: World) -> None:
    side = world.side()
    side.one("block-host", **HOST)
    moved = Side(world, quarantining(world).params, side.ledger)
    rows = moved.run("groom-host", **HOST)
    assert [(row["status"], row["element"]) for row in rows] == [("applied", ELEMENT), ("applied", IN_GROUP)]
    assert world.banned() == ["10.1.2.3"] and world.members("Internal-Block") == [] and world.objects() == set()
    rows = side.run("groom-host", **HOST)
    assert world.banned() == [] and world.members("Internal-Block") == [OBJECT]


def test_quarantine_is_not_for_the_firewall_itself(world: World) -> None:
    world.seed(interfaces=[{"name": "lan", "ip": "10.1.2.3 255.255.255.0"}])
    row = quarantining(world).one("block-host", **HOST)
    assert (row["status"], world.banned()) == ("unsupported", []) and "itself" in row["reason"]


def test_quarantine_adopted_ban_is_released_when_the_caller_vouches(world: World) -> None:
    world.edit(ban={"ip": "10.1.2.3"})
    side = quarantining(world)
    row = side.one("unblock-host", host_id="41", elements=ELEMENT, adopt="true")
    assert row["status"] == "applied" and world.banned() == []
