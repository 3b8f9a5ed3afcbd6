"""`xdr-iocs-reconcile` over real HTTP and in real child processes: differences, repair, limits, kills, faults."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators.cortex_xdr import CortexXdr
from emulators.kit import Fault
from Tests.world import INSTANCE, add_instance, deliver, expected_rows, in_xdr, open_home, samples, synced, tenant
from warroom.engine import Host

COUNT = 240
GET = "*indicators/get"
Place = tuple[Host, CortexXdr]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with synced(tmp_path / "home", COUNT, request_size="100") as (host, emulator):
        assert host.fetch(INSTANCE).status == "ok"
        yield host, emulator


def reconcile(host: Host, arguments: str = "", **hooks: Any) -> dict[str, Any]:
    """The outputs of one call that went well."""
    (result,) = host.run_command(f"!xdr-iocs-reconcile {arguments}", **hooks)
    assert result.status == "ok", result.error
    found: dict[str, Any] = result.entries[-1]["EntryContext"]["CortexXDRIOC(true)"]["Reconcile"]
    return found


def unsettle(emulator: CortexXdr) -> None:
    """Make one IOC missing in XDR, one different, and one XDR's own, as nobody tells XSOAR."""
    emulator.state.edit({"indicator": "host-1.example.com", "delete": True})
    emulator.state.edit({"indicator": "host-5.example.com", "severity": "LOW", "comment": "by hand"})
    emulator.state.seed({"generate": {"count": 3, "first": 1}, "source": "Public API user (key #2)"})


def test_reconcile_after_a_sync_finds_both_sides_the_same(place: Place) -> None:
    outputs = reconcile(place[0])
    assert (outputs["whole"], outputs["equal"], outputs["Finding"]) == (True, COUNT, outputs["Finding"])
    assert {row["indicator"] for row in outputs["Finding"]} == {"b\u00fccher.example"}
    assert (outputs["not_sendable"], outputs["compared_in_xdr"], outputs["only_in_xdr"]) == (3, COUNT, 0)


@pytest.mark.parametrize("replies", ["bare", "wrapped"])
def test_reconcile_finds_and_repairs_over_http(tmp_path: Path, replies: str) -> None:
    with tenant(object_replies=replies, deleted="hide") as emulator, open_home(tmp_path / "home") as host:
        deliver(host, samples(COUNT))
        add_instance(host, emulator.url)
        assert host.fetch(INSTANCE).status == "ok"
        unsettle(emulator)
        seen = reconcile(host)
        assert (seen["only_in_xsoar"], seen["differing"], seen["only_in_xdr"]) == (2, 1, 3)
        assert {row["in_xdr"].rpartition("=")[2] for row in seen["Finding"] if row["finding"] == "only in XDR"} == {
            "Public API user (key #2)"
        }
        repaired = reconcile(host, "repair=true")
        assert (repaired["repaired"], repaired["refused"]) == (1, 1)
        held = in_xdr(emulator, deleted=False)
        assert held["host-1.example.com"] == expected_rows(samples(COUNT))["host-1.example.com"]
        # The operator's edit is news, which a repair takes into XSOAR first, not a difference to be undone.
        assert held["host-5.example.com"]["RULE_SEVERITY"] == "SEV_020_LOW"
        assert "by hand" in str(host.store.indicators.get("host-5.example.com"))
        assert len(held) == COUNT + 3
        after = reconcile(host)
        assert (after["differing"], after["only_in_xsoar"], after["only_in_xdr"]) == (0, 1, 3)


def test_reconcile_slows_down_to_the_limit_of_the_tenant(tmp_path: Path) -> None:
    with tenant(rate=4) as emulator, open_home(tmp_path / "home") as host:
        deliver(host, samples(600))
        add_instance(host, emulator.url, request_size="4000")
        assert host.fetch(INSTANCE).status == "ok"
        outputs = reconcile(host)
        assert (outputs["whole"], outputs["equal"]) == (True, 600)
        told = [entry.status for entry in emulator.requests.latest() if entry.path.endswith("indicators/get")]
        assert 0 < told.count(429) < len(told) / 2


def test_reconcile_killed_again_and_again_gets_to_the_end(place: Place) -> None:
    host, emulator = place
    unsettle(emulator)
    ended = []
    for _ in range(2):
        calls = itertools.count()

        def kill(phase: str, name: str, pid: int, calls: Iterator[int] = calls) -> None:
            if phase == "after" and name == "setIntegrationContext" and next(calls) == 1:
                os.kill(pid, signal.SIGKILL)

        (result,) = host.run_command("!xdr-iocs-reconcile", on_call=kill)
        ended.append(result.status)
    outputs = reconcile(host)
    assert ended == ["killed", "killed"]
    assert (outputs["status"], outputs["whole"]) == ("done", True)
    assert (outputs["compared_in_xsoar"], outputs["only_in_xdr"], outputs["differing"]) == (COUNT + 4, 3, 1)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "count": 3},
        {"kind": "status", "status": 500, "count": 2},
        {"kind": "torn", "count": 2},
        {"kind": "reset", "count": 2},
    ],
    ids=lambda fault: " ".join(str(item) for item in fault.values()),
)
def test_reconcile_through_passing_faults_finds_the_same(place: Place, fault: dict[str, Any]) -> None:
    host, emulator = place
    emulator.faults.add(Fault.parse({"path": GET, **fault}))
    assert (reconcile(host)["whole"], reconcile(host)["equal"]) == (True, COUNT)


def test_reconcile_through_a_lasting_fault_keeps_its_place(place: Place) -> None:
    host, emulator = place
    emulator.faults.add(Fault.parse({"path": GET, "after": 2, "kind": "status", "status": 403}))
    (result,) = host.run_command("!xdr-iocs-reconcile")
    assert result.status == "error" and "role of the API key" in str(result.error)
    emulator.faults.clear()
    assert reconcile(host)["equal"] == COUNT


def test_reconcile_while_both_sides_change_tells_what_it_left_out(place: Place) -> None:
    host, emulator = place
    done: list[bool] = []

    def change(phase: str, name: str, pid: int) -> None:
        if phase == "after" and name == "setIntegrationContext" and len(done) < 2:
            done.append(True)
            if len(done) == 2:
                host.store.indicators.edit("host-9.example.com", {"comments": "new word"})
                emulator.state.edit({"indicator": "host-13.example.com", "delete": True})

    outputs = reconcile(host, on_call=change)
    assert outputs["status"] == "done" and len(done) == 2
    compared = outputs["compared_in_xsoar"] + outputs["changed_meanwhile"]
    assert compared in (COUNT + 4, COUNT + 5)
    assert host.fetch(INSTANCE).status == "ok"
    assert reconcile(host)["differing"] == 0
