"""Locks of the ADOM: waited for, never broken, never left behind; modes with and without them."""

from __future__ import annotations

import pytest

from emulators.kit import Call
from Tests.fortimanager_response.world import HOST, IP, LONG, pack, world

ALICE = {"adom": "root", "user": "alice"}
NOBODY = {"adom": "root", "user": None}


@pytest.mark.parametrize("code", [-20055, -20036])
def test_lock_of_somebody_else_is_waited_for_then_told_and_never_broken(code: int) -> None:
    with world({"lock_wait": "30"}, locked_code=code) as here:
        here.edit(lock=ALICE)
        row = here.block()
        assert (row["status"], row["contained"], here.records) == ("failed", False, {})
        assert "locked by alice since 2027-01-15" in row["reason"] and "not broken" in row["reason"]
        assert len(here.clock.slept) >= 3 and sum(here.clock.slept) <= 30
        assert here.clock.slept == sorted(here.clock.slept)
        assert here.left_behind == (0, 1) and here.asked("workspace/unlock") == 0


def test_lock_that_is_given_up_meanwhile_is_taken() -> None:
    with world({"lock_wait": "30"}) as here:
        here.edit(lock=ALICE)
        here.clock.meanwhile = lambda: here.edit(lock=NOBODY)
        assert here.block()["status"] == "pending"
        assert len(here.clock.slept) == 1 and here.left_behind == (0, 0)


def test_lock_of_a_parallel_run_of_another_instance_is_waited_for() -> None:
    with world({"lock_wait": "30"}) as here:
        settings = pack.settings_from_params(here.second().params)
        other = pack.FortiManagerClient(settings, here.clock.timing())
        other.take_lock()
        here.clock.meanwhile = other.give_up_lock
        assert here.block()["status"] == "pending"
        assert f"vectra_{IP}" in here.members()


def test_lock_failure_of_a_release_is_tried_again_until_it_is_free() -> None:
    with world() as here:
        here.block()
        here.settle()
        here.edit(lock=ALICE)
        row = here.unblock()
        assert (row["status"], row["contained"]) == ("failed", True) and "alice" in row["reason"]
        here.edit(lock=NOBODY)
        here.settle()
        assert (here.truth(), here.records) == (frozenset(), {})


def test_order_that_fails_half_way_leaves_no_draft_and_no_lock() -> None:
    # The object is made, the member is refused.
    with world(max_members=1) as here:
        assert here.block()["status"] == "failed" and here.asked("add /pm") == 2
        assert f"vectra_{IP}" not in here.objects() and here.left_behind == (0, 0)


@pytest.mark.parametrize("key", [False, True])
def test_run_that_was_killed_with_the_lock_is_finished_after_the_session_ended(key: bool) -> None:
    with world(key=key) as here:
        effects = 0
        while here.left_behind[1] == 0:
            assert here.killed(effects, "vectra-block-host", **HOST)
            effects += 1
        row = here.block()
        if key:
            # All runs with one key are one holder.
            assert row["status"] == "pending"
        else:
            assert row["status"] == "failed" and "locked by warroom since" in row["reason"]
        here.clock.seconds += LONG
        here.block()
        here.settle()
        assert here.truth() == {f"{IP}/32"} and here.left_behind == (0, 0)


def test_workflow_mode_is_refused_with_what_to_do() -> None:
    with world(workspace_mode="workflow") as here:
        with pytest.raises(pack.ProductError, match=r"in workflow mode.*use workspace mode normal or disabled"):
            here.test()
        row = here.block()
        assert row["status"] == "failed" and "workflow mode" in row["reason"] and here.asked("workspace/lock") == 0


@pytest.mark.parametrize(
    ("mode", "own", "params", "locked"),
    [
        ("disabled", 0, {}, False),
        ("normal", 0, {}, True),
        ("per-adom", 0, {}, False),
        ("per-adom", 1, {}, True),
        ("disabled", 0, {"use_workspace": "never"}, False),
        ("normal", 0, {"use_workspace": "always"}, True),
    ],
)
def test_adom_is_locked_where_its_mode_or_the_parameter_says_so(
    mode: str, own: int, params: dict[str, str], locked: bool
) -> None:
    with world(params, workspace_mode=mode) as here:
        here.emulator.state.adoms.adoms.put("root", {"oid": 3, "workspace_mode": own})
        assert here.block()["status"] == "pending"
        assert [row["status"] for row in here.reconcile()] == ["applied"]
        assert bool(here.asked("workspace/lock")) is locked
        assert bool(here.asked("workspace-mode")) is False


def test_parameter_that_says_never_where_locks_are_needed_fails_with_the_reason() -> None:
    with world({"use_workspace": "never"}) as here:
        row = here.block()
        assert row["status"] == "failed" and "-10147" in row["reason"] and "lock of the ADOM" in row["reason"]


def test_parameter_that_says_always_where_there_are_no_locks_fails_with_the_reason() -> None:
    with world({"use_workspace": "always"}, workspace_mode="disabled") as here:
        row = here.block()
        assert row["status"] == "failed" and "-9" in row["reason"]


def test_lock_is_lost_in_the_middle_and_nothing_is_called_done() -> None:
    def take_it_away(phase: str, call: Call) -> None:
        if phase == "after" and call.note.endswith("workspace/lock"):
            here.emulator.state.edit({"lock": ALICE})

    with world(observer=take_it_away) as here:
        row = here.block()
        assert row["status"] == "failed" and "-10147" in row["reason"] and here.members() == ["none"]
        assert here.records == {}
