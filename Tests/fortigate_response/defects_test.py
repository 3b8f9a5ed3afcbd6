"""What older clients of FortiGate did wrong, each told by its name."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from emulators.kit import Fault
from Tests.fortigate_response.world import HOST, IN_GROUP, OBJECT, Start, World, pack

MEMBER_CALLS = "*/addrgrp/*/member*"


def test_defect_certificate_is_checked_unless_the_user_says_otherwise() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def greet(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        params = {"url": f"https://localhost:{port}", "credentials": {"password": "made-up-token"}, "tries": "1"}
        settings = pack.settings_from_params(params)
        with pytest.raises(pack.ProductError, match="certificate of FortiGate could not be verified"):
            pack.FortiGateDriver(pack.FortiGateClient(settings), settings).test()
        thread.join()


def test_defect_group_that_is_missing_is_a_failure_and_leaves_nothing(world: World) -> None:
    row = world.side(internal_group="No-Such-Group").one("block-host", **HOST)
    assert (row["status"], row["contained"]) == ("failed", False)
    assert "'No-Such-Group'" in row["reason"] and "'root'" in row["reason"]
    assert world.objects() == set() and world.asked("POST") == []


def test_defect_right_that_is_missing_is_a_failure_of_block_and_unblock(start: Start) -> None:
    world = start(addresses="read")
    side = world.side()
    row = side.one("block-host", **HOST)
    assert (row["status"], row["contained"], "access profile" in row["reason"]) == ("failed", False, True)
    world = start()
    side = world.side()
    assert side.one("block-host", **HOST)["status"] == "applied"
    world.gate.faults.add(Fault("status", status=403, method="DELETE"))
    row = side.one("unblock-host", **HOST)
    assert (row["status"], row["contained"]) == ("failed", True) and world.members("Internal-Block") == [OBJECT]
    world.gate.faults.clear()
    assert {row["status"] for row in side.later()} == {"applied"} and world.members("Internal-Block") == []


def test_defect_wrong_token_is_told_and_not_taken_for_an_object_that_exists(world: World) -> None:
    world.gate.faults.add(Fault("expired_key"))
    row = world.side().one("block-host", **HOST)
    assert (row["status"], row["contained"]) == ("failed", False) and "refused the API token" in row["reason"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 424])
def test_defect_every_refusal_of_the_group_change_counts(world: World, status: int) -> None:
    world.gate.faults.add(Fault("status", status=status, method="POST", path=MEMBER_CALLS))
    row = world.side().one("block-host", **HOST)
    assert (row["status"], row["contained"]) == ("failed", False) and str(status) in row["reason"]
    assert world.members("Internal-Block") == []


def test_defect_answer_without_success_in_the_envelope_is_no_success() -> None:
    made = pack.requests.Response()
    made.status_code, made._content = 200, b'{"status": "error", "error": -1}'
    settings = pack.settings_from_params({"url": "https://fgt.example", "credentials": {"password": "made-up-token"}})
    with pytest.raises(pack.RefusedError, match="HTTP 200, error -1"):
        pack.FortiGateClient(settings).read(made)


def test_defect_members_that_others_add_meanwhile_are_not_lost(start: Start) -> None:
    added: list[str] = []

    def operator(phase: str, call: Any) -> None:
        if phase == "before" and call.method in ("POST", "DELETE") and "/member" in call.path:
            added.append(f"theirs-{len(added)}")
            world.seed(address=[{"name": added[-1], "subnet": f"192.0.2.{len(added)}/32"}])
            world.edit(table="addrgrp", name="Internal-Block", add_members=[added[-1]])

    world = start(observer=operator)
    side = world.side()
    side.one("block-host", **HOST)
    assert world.members("Internal-Block") == ["theirs-0", OBJECT]
    side.one("unblock-host", **HOST)
    assert world.members("Internal-Block") == ["theirs-0", "theirs-1"]


def test_defect_two_at_once_lose_no_member(world: World) -> None:
    sides = [(world.side(), {"ip": f"10.1.2.{number}", "host_id": str(number)}) for number in range(1, 7)]
    threads = [threading.Thread(target=side.one, args=("block-host",), kwargs=args) for side, args in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(world.members("Internal-Block")) == [f"vectra-10.1.2.{number}" for number in range(1, 7)]


def test_defect_member_is_never_added_twice(world: World) -> None:
    for brain in ("one", "two"):
        world.side().one("block-host", **{**HOST, "brain": brain})
    side = world.side()
    side.ledger.update(
        lambda ledger: pack.with_block_intent(ledger, "host", [pack.Target(IN_GROUP, {})], "one/host:41", 0)
    )
    assert [row["status"] for row in side.later()] == ["applied"]
    assert world.members("Internal-Block") == [OBJECT]


@pytest.mark.parametrize(
    ("entry", "element", "name", "fields"),
    [
        ("192.0.2.77/24", "192.0.2.0/24", "192.0.2.0_24", {"type": "ipmask", "subnet": "192.0.2.0 255.255.255.0"}),
        ("198.51.100.9/32", "198.51.100.9", "198.51.100.9", {"subnet": "198.51.100.9 255.255.255.255"}),
        (
            "198.51.100.9-198.51.100.12",
            "198.51.100.9-198.51.100.12",
            "198.51.100.9-198.51.100.12",
            {"type": "iprange", "start-ip": "198.51.100.9", "end-ip": "198.51.100.12"},
        ),
        ("198.51.100.8-198.51.100.11", "198.51.100.8/30", "198.51.100.8_30", {"type": "ipmask"}),
        ("2001:DB8:5::/48", "2001:db8:5::/48", "2001:db8:5::_48", {"type": "ipprefix", "ip6": "2001:db8:5::/48"}),
        ("2001:db8::1-2001:db8::4", "2001:db8::1-2001:db8::4", "2001:db8::1-2001:db8::4", {"end-ip": "2001:db8::4"}),
    ],
)
def test_defect_networks_and_ranges_of_a_static_list_are_blocked(
    world: World, entry: str, element: str, name: str, fields: dict[str, str]
) -> None:
    side, six = world.side(), ":" in entry
    group, table = ("External6", "address6") if six else ("External-Block", "address")
    row = side.one("block-destinations", destinations=entry, list="static")
    assert (row["status"], row["element"]) == ("applied", f"{element} in {group}"), row["reason"]
    made = world.object(f"vectra-{name}", table=table)
    assert made is not None and fields.items() <= made.items()
    assert side.one("unblock-destinations", destinations=entry, list="static")["status"] == "applied"
    assert world.objects(table=table) == set()


def test_defect_object_of_somebody_else_is_never_deleted(world: World) -> None:
    theirs = {"name": OBJECT, "subnet": "10.1.2.3/32", "comment": "the printer"}
    world.seed(address=[theirs, {"name": "10.1.2.3", "subnet": "10.1.2.3/32"}])
    side = world.side()
    assert side.one("block-host", **HOST)["status"] == "applied" and world.members("Internal-Block") == [OBJECT]
    row = side.one("unblock-host", **HOST)
    assert row["status"] == "applied" and "stays: somebody else made or changed it" in row["reason"]
    assert world.objects() == {OBJECT, "10.1.2.3"} and world.members("Internal-Block") == []


def test_defect_object_that_another_group_uses_stays(world: World) -> None:
    side = world.side()
    side.one("block-host", **HOST)
    world.seed(addrgrp=[{"name": "Theirs", "member": [{"name": OBJECT}]}])
    row = side.one("unblock-host", **HOST)
    assert (row["status"], row["contained"]) == ("applied", False) and "it is used elsewhere" in row["reason"]
    assert world.members("Theirs") == [OBJECT] and world.members("Internal-Block") == [] and not side.elements


def test_defect_lists_of_firewalls_that_must_be_of_one_length_are_gone() -> None:
    yml = yaml.safe_load(Path(pack.__file__).with_suffix(".yml").read_text("utf-8"))
    assert not [parameter["name"] for parameter in yml["configuration"] if parameter["type"] in (12, 16)]


def test_defect_all_of_several_addresses_are_released(world: World) -> None:
    side, ips = world.side(), ",".join(f"198.51.100.{number}" for number in range(5))
    rows = side.run("block-detection", dst_ips=ips, detection_id="9001")
    assert [row["status"] for row in rows] == ["applied"] * 5 and len(world.members("External-Block")) == 5
    assert [row["status"] for row in side.run("unblock-detection", detection_id="9001")] == ["applied"] * 5
    assert world.members("External-Block") == [] and world.objects() == set() and not side.elements


def test_defect_grooming_follows_the_host_to_its_new_address(world: World) -> None:
    side = world.side()
    side.one("block-host", **HOST)
    rows = side.run("groom-host", ip="10.1.2.99", host_id="41", brain="one")
    assert [(row["status"], row["element"]) for row in rows] == [
        ("applied", "10.1.2.99 in Internal-Block"),
        ("applied", IN_GROUP),
    ]
    assert world.members("Internal-Block") == ["vectra-10.1.2.99"] == sorted(world.objects())


def test_defect_ipv6_is_blocked_where_a_group_is_there_for_it(world: World) -> None:
    six = {"ip": "2001:DB8:0:0::77", "host_id": "42"}
    row = world.side().one("block-host", **six)
    assert (row["status"], row["element"]) == ("applied", "2001:db8::77 in Internal6")
    assert world.members("Internal6", table="addrgrp6") == ["vectra-2001:db8::77"]
    row = world.side(internal_group_ipv6="").one("block-host", **six)
    assert (row["status"], row["element"], row["contained"]) == ("unsupported", "2001:db8::77", False)
    assert "no IPv6 group" in row["reason"]


def test_defect_request_has_a_time_limit_and_its_end_is_looked_up(world: World) -> None:
    side = world.side(timeout="0.2")
    world.gate.faults.add(Fault("delay", when="after", seconds=0.5, method="POST", path=MEMBER_CALLS))
    row = side.one("block-host", **HOST)
    assert (row["status"], row["contained"]) == ("pending", True) and "ReadTimeout" in row["reason"]
    world.gate.faults.clear()
    assert [row["status"] for row in side.later()] == ["applied"] and side.elements == {IN_GROUP}


def test_defect_token_is_in_no_address(start: Start) -> None:
    seen: set[str] = set()
    world = start(observer=lambda phase, call: seen.update(call.request.args.keys()))
    side = world.side(block_mode="quarantine")
    side.one("block-host", **HOST)
    side.run("block-detection", dst_ips="198.51.100.7", detection_id="9001")
    assert seen == {"vdom", "format"}
