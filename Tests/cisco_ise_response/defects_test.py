"""What went wrong in an older client for Cisco ISE that people may come from, each as a test that it does not here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulators.kit import Call
from Tests.cisco_ise_response.world import DOCK, FORMER, IP, MAC, OTHER, POLICY, world


def test_defect_address_as_part_of_another_one_hits_nobody() -> None:
    with world(by_ip="lost") as here:
        here.edit(disconnect=True)
        here.edit(mac=OTHER, connect={"ip": f"{IP}2"})
        row = here.block()
        assert (row["status"], here.policy(OTHER)) == ("not_found", "")


@pytest.mark.parametrize("others", [0, 1, 2])
def test_defect_list_with_one_session_or_none_is_read(others: int) -> None:
    with world(by_ip="lost") as here:
        here.edit(disconnect=True)
        for number in range(others):
            here.edit(mac=f"00:50:56:00:00:{number:02X}", connect={"ip": f"10.9.0.{number}"})
        assert here.block()["status"] == "not_found"
        here.edit(connect={"ip": IP})
        assert (here.block()["status"], here.policy()) == ("applied", POLICY)


def test_defect_csrf_token_is_fetched_once_for_all_orders_of_a_command() -> None:
    with world({"use_csrf": "true", "block_all_macs": "true"}, csrf="on") as here:
        rows = here.command("vectra-block-host", host_id="41", ip=IP, mac=f"{MAC},{OTHER},{DOCK}")
        assert [row["status"] for row in rows] == ["applied"] * 3
        assert (here.calls("versioninfo"), here.calls("/apply")) == (1, 3)


def test_defect_csrf_token_missing_ends_nothing() -> None:
    with world({"use_csrf": "true"}) as here:
        assert here.block()["status"] == "applied"
        assert "gives no CSRF token" in here.test()


def test_csrf_token_past_its_end_is_fetched_anew() -> None:
    ends: list[Callable[[], None]] = []

    def watch(phase: str, call: Call) -> None:
        if phase == "after" and call.path.endswith("/apply") and ends:
            ends.pop()()

    with world({"use_csrf": "true", "block_all_macs": "true"}, csrf="on", observer=watch) as here:
        ends.append(here.emulator.state.access.forget_tokens)
        rows = here.command("vectra-block-host", host_id="41", ip=IP, mac=f"{MAC},{OTHER}")
        assert [row["status"] for row in rows] == ["applied", "applied"]
        assert here.calls("versioninfo") == 2


def test_csrf_check_without_the_setting_is_told() -> None:
    with world(csrf="on") as here:
        row = here.block()
        assert (row["status"], here.policy()) == ("failed", "") and "use_csrf" in row["reason"]
        assert not here.records


@pytest.mark.parametrize("groups", ["ERS Operator,MnT Admin", "System Admin"])
def test_defect_html_error_pages_are_told_in_words(groups: str) -> None:
    with world(groups=groups) as here:
        row = here.block()
        assert row["status"] == "failed" and "ERS Admin" in row["reason"] and "<" not in row["reason"]


def test_defect_wrong_password_is_told_and_never_shown() -> None:
    with world({"credentials": {"identifier": "vectra-response", "password": "made-up-wrong"}}) as here:
        row = here.block(mac=MAC)
        assert row["status"] == "failed" and "Check name and password" in row["reason"]
        assert "made-up-wrong" not in str(row)


@pytest.mark.parametrize("status", [400, 500])
def test_defect_already_associated_counts_as_blocked_by_somebody(status: int) -> None:
    with world(refusal_status=status) as here:
        here.has(POLICY)
        assert (here.block()["status"], here.records) == ("already", {})
        assert (here.unblock()["contained"], here.policy()) == (False, POLICY)


@pytest.mark.parametrize("status", [400, 500])
def test_defect_not_associated_counts_as_released(status: int) -> None:
    with world(refusal_status=status) as here:
        here.block()
        here.edit(policy=None)
        assert here.unblock()["status"] == "already"
        assert not here.records


def test_defect_one_policy_and_no_pause_for_each_mac() -> None:
    with world({"block_all_macs": "true"}) as here:
        before = here.clock.seconds
        here.command("vectra-block-host", host_id="41", ip=IP, mac=f"{MAC},{OTHER}")
        assert here.calls("/apply") == 2 and here.clock.seconds - before < 0.5


def test_defect_historic_macs_are_not_blocked_unless_asked_for() -> None:
    with world() as here:
        here.block(mac=f"{MAC.lower()},{DOCK}")
        assert (here.policy(), here.policy(DOCK), list(here.records)) == (POLICY, "", [MAC])


def test_defect_ports_come_from_the_settings() -> None:
    with world(gateway="on") as here:
        here.params["mnt_url"] = here.emulator.url
        assert (here.test(), here.block()["status"]) == ("ok", "applied")


def test_defect_whole_list_is_not_fetched_for_one_address() -> None:
    with world() as here:
        here.block()
        assert (here.calls("EndPointIPAddress"), here.calls("ActiveList")) == (1, 0)


def test_defect_policy_of_another_name_is_not_cleared() -> None:
    with world(clear_policy="checked") as here:
        here.has(FORMER)
        here.block()
        assert (here.unblock()["status"], here.policy()) == ("applied", FORMER)


def test_defect_request_without_an_answer_ends_in_time() -> None:
    orders: list[str] = []

    def watch(phase: str, call: Call) -> None:
        if phase == "before" and call.method == "PUT":
            orders.append(call.path)

    with world({"timeout": "0.1"}, observer=watch) as here:
        here.fault("*/ancendpoint/apply", kind="delay", seconds=0.2, when="after")
        assert here.block()["status"] == "pending"
        here.params["timeout"] = "5"
        assert [row["status"] for row in here.reconcile()] == ["applied"]
        assert (here.policy(), len(orders)) == (POLICY, 1)
