"""A fault at each request, a kill at each effect: nothing is called done that is not, and the end is right."""

from __future__ import annotations

from typing import Any

import pytest

from Tests.fortimanager_response.world import ELEMENT, HOST, IP, LONG, World, world

BLOCKED = frozenset({f"{IP}/32"})
FREE: frozenset[str] = frozenset()
UNBLOCK = {"host_id": "41", "brain": "brain-1"}
# What a reconcile, the longest of the three, sends.
REQUESTS = 14
KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "reset"},
    {"kind": "torn"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 503, "when": "before"},
    {"kind": "status", "status": 429, "when": "before"},
    {"kind": "expired_key"},
)


def finish(here: World, want: frozenset[str]) -> None:
    """Everything ends as it should, and no session or lock is left for longer than its idle time."""
    here.settle()
    assert here.truth() == want and here.truth(device="fgt-2") == want
    assert set(here.records) == ({ELEMENT} if want else set())
    assert here.left_behind == (0, 0)


def check(here: World, rows: list[dict[str, Any]], blocking: bool) -> None:
    for row in rows:
        assert row["status"] in ("applied", "pending", "failed"), row
        assert row["status"] != "failed" or row["reason"]
        if row["status"] == "applied":
            assert (here.truth() == BLOCKED) is blocking


@pytest.mark.parametrize("fault", KINDS, ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}")
@pytest.mark.parametrize("key", [False, True], ids=["password", "key"])
def test_fault_at_each_request_is_told_and_made_up_for(fault: dict[str, Any], key: bool) -> None:
    with world(key=key) as here:
        for number in range(REQUESTS):
            for blocking, want in ((True, BLOCKED), (False, FREE)):
                here.fault(**fault, after=number, count=1)
                first = here.block() if blocking else here.unblock()
                check(here, [first, *here.reconcile()], blocking)
                here.emulator.faults.clear()
                here.clock.seconds += LONG
                if blocking and not first["contained"]:
                    here.block()
                finish(here, want)


@pytest.mark.parametrize("key", [False, True], ids=["password", "key"])
def test_kill_at_each_effect_is_made_up_for(key: bool) -> None:
    with world(key=key) as here:
        for command, args, want in (("vectra-block-host", HOST, BLOCKED), ("vectra-unblock-host", UNBLOCK, FREE)):
            effects = 0
            while here.killed(effects, command, **args):
                here.clock.seconds += LONG
                here.command(command, **args)
                finish(here, want)
                here.unblock() if want else here.block()
                here.settle()
                effects += 1
            assert effects > 15
            finish(here, want)


def test_kill_at_each_effect_of_a_reconcile_is_made_up_for() -> None:
    with world() as here:
        here.block()
        effects = 0
        while here.killed(effects, "vectra-response-reconcile"):
            here.clock.seconds += LONG
            finish(here, BLOCKED)
            here.unblock()
            finish(here, FREE)
            here.block()
            effects += 3
        finish(here, BLOCKED)


def test_refusal_of_the_transport_and_foreign_answers_are_told() -> None:
    with world() as here:
        for status, words in ((401, "HTTP 401"), (404, "HTTP 404"), (302, "HTTP 302")):
            here.emulator.faults.clear()
            here.fault(kind="status", status=status)
            row = here.block()
            assert (row["status"], row["contained"]) == ("failed", False) and words in row["reason"]


@pytest.mark.parametrize("part", ["user", "password", "key"])
def test_wrong_login_is_told_without_showing_it(part: str) -> None:
    with world(key=part == "key") as here:
        if part == "key":
            here.params["api_key"] = {"password": "made-up-wrong-key"}
        else:
            known = here.params["credentials"]
            here.params["credentials"] = {**known, "identifier" if part == "user" else "password": "made-up-wrong"}
        row = here.block()
        assert row["status"] == "failed" and ("-11" if part == "key" else "-22") in row["reason"]
        assert "made-up-wrong" not in row["reason"]
