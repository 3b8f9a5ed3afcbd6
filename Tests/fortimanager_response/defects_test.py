"""What went wrong in an older client for FortiManager that people may come from, each as a test that it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulators.kit import Call
from Tests.fortimanager_response.world import ELEMENT, IN, IP, OUT, PACKAGE, pack, world


def test_defect_client_could_not_be_constructed() -> None:
    with world() as here:
        assert here.test() == "ok"


def test_defect_update_replaced_the_members_so_that_each_block_undid_the_one_before() -> None:
    with world() as here:
        here.put("theirs", "10.9.9.9/32")
        here.block()
        here.block(host_id="42", ip="10.1.2.4")
        assert here.members() == ["none", "theirs", f"vectra_{IP}", "vectra_10.1.2.4"]
        here.settle()
        assert here.truth() == {"10.9.9.9/32", f"{IP}/32", "10.1.2.4/32"}


def test_defect_unblock_deleted_an_object_that_was_a_member_still_and_left_the_group_alone() -> None:
    with world() as here:
        here.block()
        here.settle()
        assert here.unblock()["status"] == "pending"
        assert here.members() == ["none"] and f"vectra_{IP}" not in here.objects()
        here.settle()
        assert (here.truth(), here.records) == (frozenset(), {})


@pytest.mark.parametrize(
    ("scope", "sent"),
    [("", None), ("fgt-2/root", [{"name": "fgt-2", "vdom": "root"}]), ("fgt-2", [{"name": "fgt-2", "vdom": "root"}])],
)
def test_defect_install_scope_was_the_text_of_a_placeholder(scope: str, sent: Any) -> None:
    bodies: list[Any] = []

    def watch(phase: str, call: Call) -> None:
        if phase == "before":
            bodies.append(call.json())

    with world({"install_scope": scope}, observer=watch) as here:
        here.block()
        assert [row["status"] for row in here.reconcile()] == ["applied"]
        assert here.truth(device="fgt-2") == {f"{IP}/32"}
        assert here.truth(device="fgt-1") == (frozenset() if scope else {f"{IP}/32"})
    [order] = [part["data"] for body in bodies for part in body["params"] if "install" in part["url"]]
    assert (order.get("scope"), order["pkg"], order["flags"]) == (sent, PACKAGE, ["none"])


@pytest.mark.parametrize("options", [{"rpc_permit": "read"}, {"max_addresses": 1}, {"max_members": 1}])
def test_defect_answers_were_not_looked_at_so_that_everything_counted_as_blocked(options: dict[str, Any]) -> None:
    with world(**options) as here:
        row = here.block()
        assert (row["status"], row["contained"], here.records) == ("failed", False, {})
        assert row["reason"] and here.members() == ["none"] and here.left_behind == (0, 0)


def test_defect_nothing_was_locked_and_nothing_committed() -> None:
    with world(workspace_mode="normal") as here:
        here.block()
        assert [here.asked(f"workspace/{step}") for step in ("lock", "commit", "unlock")] == [1, 1, 1]
        assert IN in here.objects("addrgrp") and f"vectra_{IP}" in here.members()


def test_defect_installation_was_ordered_and_never_followed() -> None:
    with world(task_seconds=20) as here:
        here.block()
        assert [row["status"] for row in here.reconcile()] == ["applied"]
        assert here.truth() == {f"{IP}/32"} and sum(here.clock.slept) >= 20


def test_defect_installation_that_fails_in_its_task_counted_as_done() -> None:
    with world() as here:
        here.edit(device={"name": "fgt-2", "reachable": False})
        here.block()
        [row] = here.reconcile()
        assert row["status"] == "failed" and row["contained"]
        assert "task 1: fgt-2: install failed: the connection to the device is down" in row["reason"]


def test_defect_no_session_was_ever_ended() -> None:
    with world(max_sessions=1) as here:
        for _ in range(3):
            assert here.test() == "ok"
            here.block()
            here.reconcile()
            here.unblock()
            assert here.left_behind == (0, 0)


def test_defect_session_that_ended_was_not_renewed() -> None:
    seen: list[str] = []

    def end_after_the_look(phase: str, call: Call) -> None:
        seen.append(call.note)
        if phase == "after" and seen.count(call.note) == 1 and "_package/status" in call.note:
            here.emulator.state.edit({"restart": {}})

    with world(observer=end_after_the_look) as here:
        assert here.block()["status"] == "pending"
        assert here.asked("login") == 2 and f"vectra_{IP}" in here.members()


def test_defect_missing_right_looks_like_an_ended_session_and_is_tried_once_more_only() -> None:
    with world(allowed_adoms="branch") as here:
        row = here.block()
        assert row["status"] == "failed" and "-11" in row["reason"] and "lacks the right" in row["reason"]
        assert here.asked("login") == 2 and here.left_behind == (0, 0)


@pytest.mark.parametrize(
    ("given", "name", "subnet"),
    [
        ("203.0.113.77/24", "vectra_203.0.113.0_24", ["203.0.113.0", "255.255.255.0"]),
        ("198.51.100.7/32", "vectra_198.51.100.7", ["198.51.100.7", "255.255.255.255"]),
    ],
)
def test_defect_network_had_the_mask_of_one_address_and_a_slash_in_its_name(
    given: str, name: str, subnet: list[str]
) -> None:
    with world() as here:
        here.destinations(given)
        assert here.objects()[name]["subnet"] == subnet and name in here.members(OUT)


def test_defect_object_had_an_attribute_that_the_table_does_not_know() -> None:
    # The emulator takes no attribute that it does not know.
    with world() as here:
        here.block()
        assert here.objects()[f"vectra_{IP}"]["comment"] == "Vectra response: brain-1/host:41"


def test_defect_no_time_limit_and_no_check_of_certificates() -> None:
    with world() as here:
        plain = pack.settings_from_params(here.params)
        assert (plain.http.verify, plain.http.timeout) == (True, 30)
        assert pack.settings_from_params({**here.params, "insecure": "true", "timeout": "5"}).http.timeout == 5


def test_defect_grooming_had_an_answer_that_the_framework_could_not_read() -> None:
    with world() as here:
        here.block()
        here.settle()
        rows = here.command("vectra-groom-host", host_id="41", ip="10.1.2.9", brain="brain-1")
        assert {(row["action"], row["element"], row["status"]) for row in rows} == {
            ("block", "internal:10.1.2.9", "pending"),
            ("unblock", ELEMENT, "pending"),
        }
        here.settle()
        assert here.truth() == {"10.1.2.9/32"} and set(here.records) == {"internal:10.1.2.9"}


def test_defect_one_group_for_both_directions_released_the_one_with_the_other() -> None:
    with world() as here:
        here.block()
        here.destinations(IP)
        here.settle()
        assert here.truth("source") == here.truth("destination") == {f"{IP}/32"}
        here.unblock()
        here.settle()
        assert not here.truth("source") and here.truth("destination") == {f"{IP}/32"}
        assert f"vectra_{IP}" in here.objects()
        here.destinations(IP, "unblock")
        here.settle()
        assert here.truth("destination") == frozenset() and f"vectra_{IP}" not in here.objects()


def test_defect_detection_and_static_list_shared_an_address_and_the_first_release_ended_it() -> None:
    with world() as here:
        here.command("vectra-block-detection", dst_ips="203.0.113.5", detection_id="7", brain="brain-1")
        here.destinations("203.0.113.5")
        here.settle()
        here.command("vectra-unblock-detection", detection_id="7", brain="brain-1")
        here.settle()
        assert here.truth("destination") == {"203.0.113.5/32"}
        here.destinations("203.0.113.5", "unblock")
        here.settle()
        assert here.truth("destination") == frozenset()


def test_defect_password_session_and_key_stood_in_logs_and_messages() -> None:
    for key in (False, True):
        with world(key=key) as here:
            secrets = [*here.emulator.credentials().values()][1:]
            shown = [here.block(), *here.reconcile(), here.context.stored]
            here.fault(kind="status", status=500)
            shown += [here.unblock()]
            assert not any(secret in json.dumps(shown, default=str) for secret in secrets)
            assert "made-up-session" not in json.dumps(shown, default=str)
