"""The commands that a person gives, over real HTTP and in real child processes: pushes by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators.cortex_xdr import CortexXdr
from emulators.kit import Fault
from Tests.world import (
    INSTANCE,
    Recorder,
    add_instance,
    deliver,
    in_xdr,
    in_xsoar,
    inserts,
    open_home,
    samples,
    sync_state,
    tenant,
)
from warroom.engine import Host

COUNT = 120
Place = tuple[Host, CortexXdr]


@pytest.fixture(params=["hide", "show"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with tenant(own_writes=request.param) as emulator, open_home(tmp_path / "home") as host:
        deliver(host, samples(COUNT))
        add_instance(host, emulator.url, request_size="20")
        assert host.fetch(INSTANCE).status == "ok"
        yield host, emulator


def ask(host: Host, line: str, **hooks: Any) -> tuple[Any, str]:
    """The context and the text of one command that went well."""
    (result,) = host.run_command(line, **hooks)
    assert result.status == "ok", result.error
    entry = result.entries[-1]
    ((path, content),) = entry["EntryContext"].items()
    # What replaces the former result lies one level deeper.
    return (next(iter(content.values())) if path.endswith("(true)") else content), entry["HumanReadable"]


def refused(host: Host, line: str) -> str:
    """Why a command failed."""
    (result,) = host.run_command(line)
    assert result.status == "error"
    return str(result.error)


# ---- push


def test_push_with_overrides_holds_until_xsoar_changes_the_field(place: Place) -> None:
    host, emulator = place
    line = '!xdr-iocs-push indicator=host-1.example.com severity=low expiration=never comment="case 7, kit"'
    rows, text = ask(host, line)
    assert rows == [{"indicator": "host-1.example.com", "status": "pushed", "reason": ""}]
    assert "severity=LOW; expiration=never; comment=case 7, kit" in text
    sent = inserts(emulator)[1]
    for _ in range(2):
        assert host.fetch(INSTANCE).status == "ok"
    held = in_xdr(emulator)["host-1.example.com"]
    assert (held["RULE_SEVERITY"], held["RULE_EXPIRATION_TIME"], held["RULE_COMMENT"]) == (
        "SEV_020_LOW",
        -1,
        "case 7, kit",
    )
    assert inserts(emulator)[1] == sent
    ((row,), _) = ask(host, "!xdr-iocs-compare indicator=host-1.example.com")
    assert row["finding"] == "equal"
    host.store.indicators.edit("host-1.example.com", {"comments": "a person's word"})
    assert host.fetch(INSTANCE).status == "ok"
    held = in_xdr(emulator)["host-1.example.com"]
    assert (held["RULE_SEVERITY"], held["RULE_COMMENT"]) == ("SEV_020_LOW", "a person's word")


def test_push_by_query_stops_at_a_refused_page_and_goes_on_with_its_next(place: Place) -> None:
    host, emulator = place
    before = sync_state(host)
    asked = '!xdr-iocs-push query="type:Domain or value:192.0.2.200" severity=critical'
    dry, text = ask(host, f"{asked} dry_run=true")
    assert "nothing was sent" in text and dry["would_push"] == 32
    fault = {"path": "*tim_insert_jsons*", "kind": "status", "status": 403, "after": 1, "count": 1}
    emulator.faults.add(Fault.parse(fault))
    told = refused(host, f"{asked} dry_run=false")
    after = told.rpartition("after=")[2].split()[0]
    assert "of 32 indicators" in told
    outputs, text = ask(host, f"{asked} after={after}")
    assert (outputs["complete"], outputs["looked_at"], outputs["pushed"]) == (True, 32, 12)
    held = in_xdr(emulator)
    critical = {value for value, row in held.items() if row["RULE_SEVERITY"] == "SEV_050_CRITICAL"}
    assert len(critical) == 31 and "192.0.2.200" in critical
    state = sync_state(host)
    assert all(state[name] == before[name] for name in ("fresh", "bulk", "inbound", "counts"))
    assert set(state["rejects"]) == set(before["rejects"])


def test_dry_runs_ask_nothing_of_the_tenant_and_write_nothing(place: Place) -> None:
    host, emulator = place
    host.store.indicators.edit("host-1.example.com", {"comments": "news"})
    before, calls = (in_xdr(emulator), in_xsoar(host), sync_state(host)), len(emulator.requests.latest())
    recorder = Recorder()
    for more, count in (("", 1), ("indicator=host-1.example.com,none.example", 1), ("query=type:Domain", 31)):
        line = f"!xdr-iocs-push {more} dry_run=true" + (" severity=low" if more else "")
        outputs, _ = ask(host, line, on_call=recorder.server)
        assert (outputs["would_push"], outputs["not_found"]) == (count, int("none" in more))
    assert (in_xdr(emulator), in_xsoar(host), sync_state(host)) == before
    assert len(emulator.requests.latest()) == calls
    assert {name for _, name in recorder.calls} <= {"searchIndicators", "getIntegrationContextVersioned"}
