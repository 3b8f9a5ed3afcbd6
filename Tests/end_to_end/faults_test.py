"""What goes wrong between the integration and Cortex XDR, over real HTTP: nothing is lost and the user is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators.cortex_xdr import CortexXdr
from emulators.kit import Fault
from Tests.world import (
    INSTANCE,
    add_instance,
    deliver,
    expected_rows,
    in_xdr,
    inserts,
    open_home,
    rejects,
    samples,
    sync_state,
    synced,
    tenant,
)
from warroom.engine import Host

COUNT, SIZE = 400, 100
INSERT = "*tim_insert_jsons*"
Place = tuple[Host, CortexXdr]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with synced(tmp_path / "home", COUNT, request_size=str(SIZE)) as both:
        yield both


def complete(place: Place) -> bool:
    """Whether XDR holds what the Sync Query finds, value by value and field by field."""
    host, emulator = place
    return in_xdr(emulator) == expected_rows(samples(COUNT)) and len(rejects(host)) == 4


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "retry_after": 0.2, "count": 3},
        {"kind": "status", "status": 429, "count": 2},
        {"kind": "status", "status": 500, "count": 2},
        {"kind": "status", "status": 599, "count": 1, "after": 1},
        {"kind": "status", "status": 503, "when": "after", "count": 2},
        {"kind": "torn", "count": 2},
        {"kind": "reset", "count": 2},
        {"kind": "reset", "when": "after", "count": 2},
        {"kind": "duplicate"},
        {"kind": "torn", "path": "*get_changes*", "count": 1},
        {"kind": "reset", "path": "*get_changes*", "count": 1},
        {"kind": "status", "status": 500, "when": "before", "probability": 0.2, "seed": 3, "path": "*"},
    ],
    ids=lambda fault: " ".join(str(item) for item in fault.values()),
)
def test_fetch_through_passing_faults_delivers_everything_in_one_run(place: Place, fault: dict[str, Any]) -> None:
    host, emulator = place
    emulator.faults.add(Fault.parse({"path": INSERT, **fault}))
    result = host.fetch(INSTANCE)
    assert (result.status, result.error) == ("ok", None)
    assert complete(place)
    sent = inserts(emulator)[1]
    assert host.fetch(INSTANCE).status == "ok"
    assert inserts(emulator)[1] == sent


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 429, "retry_after": 600}, ["429", "the next run tries again"]),
        ({"kind": "expired_key"}, ["401", "API key", "expired"]),
        ({"kind": "status", "status": 403}, ["403", "role of the API key"]),
        ({"kind": "status", "status": 402}, ["402", "licence"]),
    ],
    ids=["endless 429", "expired key", "role", "licence"],
)
@pytest.mark.parametrize("good", [0, 2])
def test_fetch_through_lasting_fault_says_so_and_goes_on_where_it_was(
    place: Place, fault: dict[str, Any], words: list[str], good: int
) -> None:
    host, emulator = place
    emulator.faults.add(Fault.parse({"path": INSERT, "after": good, **fault}))
    result = host.fetch(INSTANCE)
    last = sync_state(host)["last"]
    if good and "429" in words:
        # A tenant at its limit is no failure of a run that got somewhere.
        assert (result.status, last["error"]) == ("ok", "")
        assert all(word in last["note"] for word in words), last
    else:
        assert result.status == "error" and result.error is not None
        assert all(word in result.error for word in words), result.error
        assert last["error"]
    assert not complete(place)
    emulator.faults.clear()
    result = host.fetch(INSTANCE)
    assert (result.status, result.error) == ("ok", None)
    assert complete(place)
    assert sync_state(host)["last"]["error"] == sync_state(host)["last"]["note"] == ""
    taken = [entry for entry in emulator.requests.latest() if "tim_insert" in entry.path and entry.status == 200]
    assert sum(entry.records for entry in taken) <= COUNT + 1 + 2 * SIZE


def test_fetch_with_expired_key_brings_both_directions_back_later(place: Place) -> None:
    host, emulator = place
    emulator.faults.add(Fault("expired_key"))
    assert host.fetch(INSTANCE).status == "error"
    value = samples(1)[0].value
    with emulator.lock:
        emulator.state.seed({"indicators": [{"indicator": value, "type": "IP", "severity": "HIGH"}], "own": False})
        emulator.state.edit({"indicator": value, "comment": "meanwhile", "status": "DISABLED"})
    emulator.faults.clear()
    assert host.fetch(INSTANCE).status == "ok"
    found = host.store.indicators.get(value)
    assert found is not None and found["CustomFields"]["xdriocstatus"] == "disabled"
    assert in_xdr(emulator)[value]["RULE_STATUS"] == "DISABLED"


@pytest.mark.parametrize("options", [{"max_body": 9_000}, {"max_records": 30}], ids=["bytes", "records"])
def test_fetch_of_too_large_requests_splits_them(tmp_path: Path, options: dict[str, Any]) -> None:
    with tenant(**options) as emulator, open_home(tmp_path / "home") as host:
        deliver(host, samples(COUNT))
        add_instance(host, emulator.url, request_size=str(SIZE))
        result = host.fetch(INSTANCE)
        assert (result.status, result.error) == ("ok", None)
        assert complete((host, emulator))
        statuses = {entry.status for entry in emulator.requests.latest()}
        assert statuses == {200, 413}


def test_fetch_beyond_its_time_is_killed_and_goes_on(place: Place) -> None:
    host, emulator = place
    emulator.faults.add(Fault("delay", path=INSERT, after=2, count=1, seconds=1.5, when="after"))
    result = host.fetch(INSTANCE, timeout_seconds=1.2)
    assert result.status == "timeout"
    assert result.error is not None and "time limit of 1.2 seconds" in result.error
    last = host.store.entries.last(1)[0]
    assert last.status == "timeout" and "time limit" in str(last.contents)
    assert host.fetch(INSTANCE).status == "ok"
    assert complete(place)


def test_fetch_of_a_tenant_that_is_gone_says_where_it_looked(tmp_path: Path) -> None:
    with tenant() as emulator:
        url = emulator.url
    with open_home(tmp_path / "home") as host:
        deliver(host, samples(4))
        add_instance(host, url, fetch_time_budget_seconds="10")
        result = host.run_command("!xdr-iocs-status")[0]
        assert result.status == "ok", "the state is readable without a tenant"
        result = host.run_command("!xdr-iocs-disable indicator=198.51.100.1", timeout_seconds=25)[0]
        assert result.status == "error" and result.error is not None
        assert "Traceback" not in result.error and url.partition("//")[2].partition(":")[0] in result.error
