"""Choosing the requests that a fault hits."""

from __future__ import annotations

import pytest

from emulators.kit.errors import Refused
from emulators.kit.faults import Fault, FaultPlan, parse_faults


def hits(fault: Fault, requests: int, path: str = "/a") -> list[int]:
    plan = FaultPlan()
    plan.add(fault)
    return [number for number in range(requests) if plan.pick("POST", path)]


def test_fault_after_and_count_hit_just_these() -> None:
    assert hits(Fault("reset", after=2, count=3), 10) == [2, 3, 4]


def test_fault_probability_is_the_same_for_the_same_seed() -> None:
    first = hits(Fault("reset", probability=0.3, seed=4), 1_000)
    assert first == hits(Fault("reset", probability=0.3, seed=4), 1_000)
    assert first != hits(Fault("reset", probability=0.3, seed=5), 1_000)
    assert 200 < len(first) < 400


@pytest.mark.parametrize(("path", "hit"), [("/a/insert", True), ("/a/insert/", True), ("/a/get", False)])
def test_fault_path_is_a_pattern(path: str, hit: bool) -> None:
    assert bool(hits(Fault("reset", path="*/insert*"), 1, path)) is hit


def test_fault_method_must_match() -> None:
    assert hits(Fault("reset", method="GET"), 3) == []


def test_plan_several_faults_hit_one_request_in_order() -> None:
    plan = FaultPlan()
    plan.add(Fault("delay"), Fault("torn", after=1))
    assert [fault.kind for fault in plan.pick("GET", "/")] == ["delay"]
    assert [fault.kind for fault in plan.pick("GET", "/")] == ["delay", "torn"]
    assert [(line["seen"], line["fired"]) for line in plan.report()] == [(2, 2), (2, 1)]


@pytest.mark.parametrize(
    "payload",
    [
        {"kind": "explode"},
        {"when": "before"},
        {"kind": "reset", "when": "now"},
        {"kind": "reset", "probability": 2},
        {"kind": "status", "status": 42},
        {"kind": "delay", "seconds": -1},
        {"kind": "reset", "count": "3"},
        {"clear": 1},
        "reset",
    ],
)
def test_payload_wrong_is_refused(payload: object) -> None:
    with pytest.raises(Refused):
        parse_faults(payload)


def test_payload_one_list_or_object_are_all_taken() -> None:
    one = {"kind": "reset"}
    wanted = Fault("reset")
    assert parse_faults(one) == (False, (wanted,))
    assert parse_faults([one, one]) == (False, (wanted, wanted))
    assert parse_faults({"clear": True, "faults": [one]}) == (True, (wanted,))
