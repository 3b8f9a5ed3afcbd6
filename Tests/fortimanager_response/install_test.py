"""The installation: once, with the lock until its end, followed, and told as it is."""

from __future__ import annotations

import pytest

from Tests.fortimanager_response.world import ELEMENT, IN, IP, LONG, OUT, PACKAGE, pack, world

INSTALL = "install/package"


def test_installation_is_one_per_reconcile_for_any_number_of_elements() -> None:
    with world() as here:
        here.block()
        here.destinations("203.0.113.0/24,198.51.100.1-198.51.100.9,2001:db8::7")
        rows = here.reconcile()
        assert [row["status"] for row in rows] == ["applied"] * 4 and here.asked(INSTALL) == 1
        assert here.truth("destination") == {"203.0.113.0/24", "198.51.100.1-198.51.100.9", "2001:db8::7/128"}
        assert here.reconcile() == [] and here.asked(INSTALL) == 1


def test_installation_that_fails_fails_every_element_and_succeeds_later() -> None:
    with world() as here:
        here.edit(device={"name": "fgt-2", "reachable": False})
        here.block()
        here.destinations("203.0.113.5")
        rows = here.reconcile()
        assert {row["status"] for row in rows} == {"failed"} and len(rows) == 2
        assert all("fgt-2" in row["reason"] and row["contained"] for row in rows)
        assert here.left_behind == (0, 0)
        # Half is in force, which counts as not done.
        assert here.truth(device="fgt-1") == {f"{IP}/32"} and here.truth(device="fgt-2") == frozenset()
        here.edit(device={"name": "fgt-2", "reachable": True})
        here.clock.seconds += LONG
        assert {row["status"] for row in here.reconcile()} == {"applied"}
        assert here.truth(device="fgt-2") == {f"{IP}/32"}


def test_installation_that_takes_longer_with_a_key_keeps_the_lock_and_is_followed_not_repeated() -> None:
    with world({"task_timeout": "5"}, key=True, task_seconds=100) as here:
        here.block()
        [row] = here.reconcile()
        assert row["status"] == "pending" and "task 1 is still running" in row["reason"]
        assert here.left_behind == (0, 1)
        here.clock.seconds += 60
        assert here.reconcile()[0]["status"] == "pending" and here.asked(INSTALL) == 1
        here.clock.seconds += 60
        assert here.reconcile()[0]["status"] == "applied" and here.asked(INSTALL) == 1
        assert here.truth() == {f"{IP}/32"} and here.left_behind == (0, 0)


def test_installation_that_takes_longer_with_a_password_gives_the_lock_up_and_says_what_that_risks() -> None:
    with world({"task_timeout": "5"}, task_seconds=100) as here:
        here.block()
        [row] = here.reconcile()
        assert row["status"] == "pending" and "an API key would keep it" in row["reason"]
        assert here.left_behind == (0, 0)
        here.clock.seconds += 200
        # The lock ended too early, so this one failed; the next one is ordered, and nothing is called done.
        assert here.reconcile()[0]["status"] == "pending" and here.truth() == frozenset()
        here.params["task_timeout"] = "180"
        here.clock.seconds += 200
        assert here.reconcile()[0]["status"] == "applied" and here.truth() == {f"{IP}/32"}


def test_installation_of_a_person_that_is_under_way_is_waited_for() -> None:
    with world(key=True, task_seconds=30) as here:
        here.block()
        person = pack.FortiManagerClient(pack.settings_from_params(here.params), here.clock.timing())
        person.take_lock()
        person.install()
        assert here.reconcile()[0]["status"] == "applied"
        assert here.asked(INSTALL) == 1 and here.truth() == {f"{IP}/32"}


def test_installation_of_another_adom_is_none_of_this() -> None:
    with world(workspace_mode="disabled", task_seconds=50) as here:
        here.emulator.state.seed(
            {
                "adoms": [{"name": "branch"}],
                "devices": [{"adom": "branch", "name": "b"}],
                "packages": [
                    {"adom": "branch", "name": PACKAGE, "scope": [{"name": "b", "vdom": "root"}], "policies": []}
                ],
            }
        )
        other = {**here.params, "adom": "branch"}
        pack.FortiManagerClient(pack.settings_from_params(other), here.clock.timing()).install()
        here.block()
        assert here.reconcile()[0]["status"] == "applied" and here.asked(INSTALL) == 2


def test_installation_switched_off_is_never_ordered_and_blocked_only_when_somebody_installs() -> None:
    with world({"install_policy": "false"}) as here:
        row = here.block()
        assert row["status"] == "pending" and "not in force until somebody installs" in row["reason"]
        [row] = here.reconcile()
        assert row["status"] == "pending" and "saved, not installed on fgt-1/root (modified)" in row["reason"]
        assert here.truth() == frozenset() and here.asked(INSTALL) == 0
        here.edit(install={"adom": "root", "pkg": PACKAGE})
        assert [row["status"] for row in here.reconcile()] == ["applied"]
        here.unblock()
        assert [row["status"] for row in here.reconcile()] == ["pending"]
        here.edit(install={"adom": "root", "pkg": PACKAGE})
        assert [row["status"] for row in here.reconcile()] == ["applied"] and here.records == {}


def test_device_on_which_the_package_never_was_installed_is_waited_for() -> None:
    with world() as here:
        here.emulator.state.seed({"devices": [{"adom": "root", "name": "fgt-3"}]})
        package = here.emulator.state.packages.get("root", PACKAGE)
        scope = [*package["scope"], {"name": "fgt-3", "vdom": "root"}]
        here.emulator.state.packages.put("root", PACKAGE, {**package, "scope": scope})
        here.params["install_policy"] = "false"
        here.block()
        here.edit(device={"name": "fgt-1", "status": "installed"})
        here.edit(device={"name": "fgt-2", "status": "installed"})
        assert "fgt-3/root (never installed)" in here.reconcile()[0]["reason"]


@pytest.mark.parametrize("status", ["unknown", "outofsync", "conflict", "modified"])
def test_status_that_is_not_in_step_is_not_in_force_and_is_installed_over(status: str) -> None:
    with world() as here:
        here.block()
        here.settle()
        here.block(host_id="42", ip="10.1.2.4")
        here.edit(install={"adom": "root", "pkg": PACKAGE})
        here.edit(device={"name": "fgt-1", "status": status})
        assert [row["status"] for row in here.reconcile()] == ["applied"] and here.asked(INSTALL) == 2


@pytest.mark.parametrize("status", ["imported", "installed"])
def test_status_that_is_in_step_needs_no_installation(status: str) -> None:
    with world() as here:
        here.block()
        here.edit(install={"adom": "root", "pkg": PACKAGE})
        here.edit(device={"name": "fgt-1", "status": status})
        assert [row["status"] for row in here.reconcile()] == ["applied"] and here.asked(INSTALL) == 0


def test_rule_that_is_missing_is_told_by_the_test_and_keeps_a_block_from_counting() -> None:
    with world() as here:
        package = here.emulator.state.packages.get("root", PACKAGE)
        policies = [{**policy, "status": "disable"} for policy in package["policies"]]
        here.emulator.state.packages.put("root", PACKAGE, {**package, "policies": policies})
        assert here.test() == f"No enabled deny rule of the package {PACKAGE} has the group {IN} as source."
        here.block()
        [row] = here.settle()[-1:]
        assert row["status"] == "pending" and "No enabled deny rule" in row["reason"] and here.truth() == frozenset()


def test_rule_that_allows_does_not_count() -> None:
    with world() as here:
        package = here.emulator.state.packages.get("root", PACKAGE)
        policies = [{**policy, "action": "accept"} for policy in package["policies"]]
        here.emulator.state.packages.put("root", PACKAGE, {**package, "policies": policies})
        assert here.test().startswith("No enabled deny rule")


@pytest.mark.parametrize(("placeholder", "last"), [("none", ["none"]), ("", [])])
def test_group_that_would_become_empty_gets_the_placeholder(placeholder: str, last: list[str]) -> None:
    with world({"placeholder": placeholder}) as here:
        here.block()
        here.edit(members={"adom": "root", "table": "addrgrp", "group": IN, "remove": ["none"]})
        here.settle()
        here.unblock()
        assert here.members() == last
        [row] = here.reconcile()
        if placeholder:
            assert row["status"] == "applied"
        else:
            # One of the two FortiGates has a release that takes no empty group.
            assert row["status"] == "failed" and "member cannot be empty" in row["reason"]


def test_placeholder_that_does_not_exist_keeps_the_release_from_emptying_the_group() -> None:
    with world({"placeholder": "nobody"}) as here:
        here.block()
        here.edit(members={"adom": "root", "table": "addrgrp", "group": IN, "remove": ["none"]})
        here.settle()
        row = here.unblock()
        assert row["status"] == "failed" and "-10131" in row["reason"] and here.members() == [f"vectra_{IP}"]


def test_answer_to_the_order_to_install_that_is_lost_is_followed_not_repeated() -> None:
    spared = requests_before_the_order()
    with world(key=True, task_seconds=100) as here:
        here.block()
        here.fault(kind="reset", when="after", after=spared, count=1)
        [row] = here.reconcile()
        assert row["status"] == "failed" and here.asked(INSTALL) == 1
        here.params["task_timeout"] = "0"
        here.clock.seconds += 61
        assert here.reconcile()[0]["status"] == "pending" and here.asked(INSTALL) == 1


def requests_before_the_order() -> int:
    """How many requests a reconcile sends before it orders the installation."""
    with world(key=True) as here:
        here.block()
        before = len(here.emulator.requests.latest())
        here.reconcile()
        notes = [entry.note for entry in here.emulator.requests.latest()[before:]]
    return next(number for number, note in enumerate(notes) if INSTALL in note)


def test_verification_puts_back_what_was_removed_and_installs_it_in_the_same_run() -> None:
    with world() as here:
        here.block()
        here.destinations("203.0.113.5")
        here.settle()
        here.edit(members={"adom": "root", "table": "addrgrp", "group": OUT, "remove": ["vectra_203.0.113.5"]})
        here.edit(install={"adom": "root", "pkg": PACKAGE})
        assert here.reconcile() == []
        rows = here.reconcile(verify="true")
        assert [row["status"] for row in rows] == ["pending", "applied"] and here.truth("destination")
        assert set(here.records) == {ELEMENT, "external:203.0.113.5"}
