"""The response story of the demo, whole: the exit code is the truth."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from demo.__main__ import main
from demo.response_estate import DEV, FREE, HELD, Moment, Seen, disagreements, timeline_lines
from demo.stage import ROOT, EmulatorProcess


@pytest.mark.slow
def test_response_story_ends_with_zero_and_both_products_agree() -> None:
    argv = [sys.executable, "-m", "demo", "--only", "response", "--json"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, timeout=180, check=False)
    story = done.stderr.decode()
    assert done.returncode == 0, story
    told = json.loads(done.stdout)
    assert told["ok"] and told["problems"] == [] and set(told["numbers"]) == {"response"}
    numbers = told["numbers"]["response"]
    assert (numbers["record, Vectra and Cortex XDR agree"], numbers["orders still open"]) == ("yes", 0)
    assert numbers["isolated at the end"] == DEV.name
    assert numbers["moments checked against both products"] > 20
    for words in (
        "would do: block host fin-lap-07 (41) on every driver",
        "note  VAR: Blocked on ",
        "Action Center, find action 3",
        "No new blocks of hosts and of detections that came from them: group 'NoBlock' of hosts has no members.",
        "$ warroom run '!vectra-block-host ip=10.20.3.10",
    ):
        assert words in story


@pytest.mark.slow
def test_response_story_endpoint_released_behind_its_back_ends_with_one(capfd: pytest.CaptureFixture[str]) -> None:
    def release(xdr: EmulatorProcess) -> None:
        xdr.edit([{"endpoint_id": DEV.endpoint, "is_isolated": "AGENT_UNISOLATED"}])

    assert main(["--only", "response", "--json"], meddle=release) == 1
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert told["ok"] is False
    assert told["numbers"]["response"]["record, Vectra and Cortex XDR agree"] == "NO"
    assert told["problems"] == [
        f"{DEV.name}: must be {HELD}, Cortex XDR says {FREE}",
        f"isolated at the end: nobody; wanted: {DEV.name}",
    ]


def element(name: str, instance: str, contained: bool = True) -> dict[str, Any]:
    return {"name": name, "instance": instance, "contained": contained}


def test_disagreements_all_three_say_the_same_is_empty() -> None:
    record = [element("a", "edr"), element("a", "second"), element("b", "edr", contained=False)]
    found = {"a": Seen("CONNECTED", HELD, ("edr", "second")), "b": Seen("LOST", FREE, ())}
    assert disagreements(record, found) == []


def test_disagreements_each_side_that_differs_is_named() -> None:
    assert disagreements([], {"a": Seen("CONNECTED", HELD, ())}) == ["a: must be UNISOLATED, Cortex XDR says ISOLATED"]
    assert disagreements([], {"a": Seen("CONNECTED", FREE, ("edr",))}) == [
        "a: on record nobody, Vectra's tags name edr"
    ]
    assert disagreements([element("gone", "second")], {}) == ["gone is on record, but is no machine of Vectra"]
    pending = {"a": Seen("CONNECTED", "PENDING_ISOLATION", ("edr",))}
    assert disagreements([element("a", "edr")], pending) == ["a: must be ISOLATED, Cortex XDR says PENDING_ISOLATION"]


def test_timeline_lines_are_aligned_and_say_who_holds() -> None:
    moment = Moment("11:22:33", "agent", "goes offline", "ws-1", Seen("LOST", "PENDING_ISOLATION", ("edr", "second")))
    head, line = timeline_lines([moment])
    assert line == "  11:22:33  agent  goes offline  ws-1     lost   pending isolation  edr, second"
    assert head.index("in Cortex XDR") == line.index("pending isolation")
