"""The integration as written and as the SDK unified it: the same in Cortex XDR, in the context and in the entries."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from Tests.terminal import Shell
from Tests.world import (
    INSTANCE,
    PACKS,
    ROOT,
    Row,
    expected_rows,
    in_xdr,
    in_xsoar,
    sample,
    samples,
    sync_state,
    synced,
)
from warroom.engine import RunResult

COUNT = 60
UNIFIED = ROOT / "build" / "unified" / "CortexXDRIOC" / "integration-CortexXDRIOC.yml"
SOURCES = (PACKS / "CortexXDR_IOC" / "Integrations", PACKS / "ApiModules" / "Scripts")
COMMANDS = (
    f"!xdr-iocs-push indicator={sample(1).value},192.0.2.99",
    f"!xdr-iocs-disable indicator={sample(2).value}",
    f"!xdr-iocs-enable indicator={sample(2).value}",
    "!xdr-iocs-push",
    "!xdr-iocs-rejects page=1 page_size=2",
    "!xdr-iocs-sync",
    "!xdr-iocs-sync firstTime=true",
    "!xdr-iocs-set-sync-time time=2024-01-01",
    "!xdr-iocs-create-sync-file zip=false set_time=false",
    "!xdr-iocs-to-keep-file",
    "!xdr-iocs-status",
    "!xdr-iocs-hits",
)
# Instants, fingerprints, and how long something took.
VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z| [\d:]+ UTC \([^)]*\))|\b[0-9a-f]{12}\b|\b[0-9a-f]{32}\b(?=\"|$)|\b\d{13,19}\b"
    r"|(?<=\"seconds\": )[\d.]+|(?<=\"throughput\": )[\d.]+|(?<=_per_second\": )[\d.]+|(?<=_seconds\": )[\d.]+"
    r"|[\d.]+ s(?:, [\d.]+ per second)?(?=;)|[\d,.]+ records per second|(?<=the oldest for )[^|]+"
    r"|(?<=fetch-indicators \| )[\d.]+|(?<=xdr-iocs-push \| )[\d.]+"
)


@dataclass(frozen=True)
class Result:
    """What a whole round left behind, without times, durations and fingerprints of records."""

    xdr: dict[str, Row]
    xsoar: dict[str, Row]
    state: str
    entries: list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def unified() -> Path:
    """The unified yml of today's source."""
    if not UNIFIED.is_file():
        pytest.skip("build/unified is made by `make test` (tox -e sdk)")
    written = max(
        path.stat().st_mtime for folder in SOURCES for path in folder.rglob("*.py") if "_test" not in path.name
    )
    if written > UNIFIED.stat().st_mtime:
        pytest.skip("build/unified is older than the source; `make test` (tox -e sdk) makes it anew")
    return UNIFIED


def round_of(folder: Path, content: Path) -> Result:
    """A test, a first sync, edits on both sides, every command, one more fetch."""
    with synced(folder, COUNT, content) as (host, emulator):
        results = [host.test_instance(INSTANCE), host.fetch(INSTANCE)]
        assert results[-1].error is None
        assert in_xdr(emulator) == expected_rows(samples(COUNT))
        with emulator.lock:
            emulator.state.edit([{"indicator": sample(n).value, "comment": f"by hand {n}"} for n in range(5, 9)])
        host.store.indicators.edit(sample(5).value, {"comments": "both"})
        results.append(host.fetch(INSTANCE))
        for command in COMMANDS:
            results += host.run_command(command)
        results.append(host.fetch(INSTANCE))
        assert [result.status for result in results] == ["ok"] * len(results), [result.error for result in results]
        return Result(
            in_xdr(emulator),
            in_xsoar(host),
            VOLATILE.sub("*", json.dumps(sync_state(host), sort_keys=True)),
            [shown for result in results for shown in shown_entries(result)],
        )


def shown_entries(result: RunResult) -> list[tuple[str, str, str]]:
    """(command, entry, debug lines) of a result, without ids and times."""

    def plain(value: Any) -> str:
        return VOLATILE.sub("*", json.dumps(value, sort_keys=True))

    kept = [{key: item for key, item in entry.items() if key not in ("ID", "FileID")} for entry in result.entries]
    return [(result.command, plain(entry), "") for entry in kept]


@pytest.mark.slow
def test_unified_form_does_exactly_what_the_source_does(unified: Path, tmp_path: Path) -> None:
    source, built = round_of(tmp_path / "source", PACKS), round_of(tmp_path / "unified", unified)
    assert len(source.entries) >= len(COMMANDS) + 4
    assert built.xdr == source.xdr
    assert built.xsoar == source.xsoar
    assert built.state == source.state
    assert built.entries == source.entries


def test_unified_form_is_found_by_content_add(unified: Path, tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home")
    shell.good("init")
    for path in (unified, unified.parent):
        shell.good("content", "add", str(path))
        items = shell.json("content", "list")["items"]
        assert [item["id"] for item in items if item["kind"] == "integration"] == ["CortexXDRIOC"]
        shell.good("content", "remove", str(path))
