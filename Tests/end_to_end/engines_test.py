"""Two engines and more that run the same instance at once: real processes on one home, and one tenant."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from emulators.cortex_xdr import CortexXdr
from Tests.crash.conftest import edit_in_xdr
from Tests.world import (
    INSTANCE,
    ROOT,
    Row,
    add_instance,
    deliver,
    expected_rows,
    in_xdr,
    inserts,
    open_home,
    rejects,
    sample,
    samples,
    sync_state,
    tenant,
)

COUNT, SIZE, NEW = 1_000, 50, 100
FETCHES = ["fetch"] * 3
THEIRS = range(0, 40, 2)
PUSHED = ",".join(sample(number).value for number in range(101, 120))
DISABLED = sample(103).value


def at_once(home: Path, *engines: Sequence[str]) -> list[dict[str, Any]]:
    """Lets engines do their actions side by side, each in a process of its own; what they tell."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "Tests.end_to_end.engine", str(home)]
    running = [
        subprocess.Popen(
            [*argv, *actions], cwd=ROOT, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for actions in engines
    ]
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    found = [json.loads(process.communicate(timeout=300)[0]) for process in running]
    assert not any(process.returncode for process in running)
    return found


def words(numbers: range, word: str) -> list[dict[str, Any]]:
    """An operator's edits."""
    return [{"indicator": sample(number).value, "comment": f"{word} {number}"} for number in numbers]


def operators_edit(emulator: CortexXdr, numbers: range, word: str) -> None:
    with emulator.lock:
        emulator.state.edit(words(numbers, word))


def good(engines: list[dict[str, Any]]) -> int:
    """Everything went well, and the versions of the context tell one story; gives the number of conflicts."""
    ended = [result for engine in engines for result in engine["results"]]
    assert all(status == "ok" for _, status, _ in ended), ended
    written = sorted((one for engine in engines for one in engine["written"]), key=lambda one: int(one["version"]))
    versions = [one["version"] for one in written]
    assert versions == list(range(versions[0], versions[0] + len(versions))), "no write was lost on another"
    for before, after in pairwise(written):
        for cursor in ("epoch", "done", "edge", "ts"):
            assert before[cursor] <= after[cursor], (cursor, before, after)
        assert before["open"] or not after["open"], "a lane that was through is open again"
    assert written[-1]["epoch"] == 1, "there was one new start"
    return sum(engine["conflicts"] for engine in engines)


def comments(rows: dict[str, Row], numbers: range) -> set[str]:
    return {rows[sample(number).value]["RULE_COMMENT"].rpartition(" ")[0] for number in numbers}


@pytest.mark.slow
@pytest.mark.parametrize("own_writes", ["hide", "show"])
def test_engines_at_once_lose_nothing_and_start_once(tmp_path: Path, own_writes: str) -> None:
    home = tmp_path / "home"
    with tenant(own_writes=own_writes) as emulator:
        with open_home(home) as host:
            deliver(host, samples(COUNT))
            add_instance(host, emulator.url, request_size=str(SIZE))
        edit_in_xdr(emulator, words(THEIRS, "by hand"))
        # The first sync: three engines with all of it, a fourth with what people type meanwhile.
        commands = ["!xdr-iocs-status", f"!xdr-iocs-push indicator={PUSHED}", "!xdr-iocs-rejects", "fetch"]
        conflicts = good(at_once(home, FETCHES, FETCHES, FETCHES, commands))
        rows = in_xdr(emulator)
        wanted = {**expected_rows(samples(COUNT))}
        theirs = {sample(number).value for number in THEIRS}
        assert {value: row for value, row in rows.items() if value not in theirs} == {
            value: row for value, row in wanted.items() if value not in theirs
        }
        assert comments(rows, THEIRS) == {"by hand"}
        # Both sides at work, all engines at once again.
        with open_home(home) as host:
            deliver(host, [sample(number) for number in range(COUNT, COUNT + NEW)])
            for number in range(201, 400, 2):
                host.store.indicators.edit(sample(number).value, {"comments": f"typed {number}"})
        operators_edit(emulator, range(400, 460), "operator")
        commands = [f"!xdr-iocs-disable indicator={DISABLED}", "!xdr-iocs-status", "fetch"]
        conflicts += good(at_once(home, FETCHES, FETCHES, FETCHES, commands))
        assert conflicts > 1, "nothing was written at once, so this shows nothing"
        rows = in_xdr(emulator)
        assert len(rows) == COUNT + NEW and rows.keys() >= {sample(n).value for n in range(COUNT, COUNT + NEW)}
        assert comments(rows, range(201, 400, 2)) == {"typed"}
        assert comments(rows, range(400, 460)) == {"operator"}
        assert rows[DISABLED]["RULE_STATUS"] == "DISABLED"
        with open_home(home) as host:
            assert len(rejects(host)) == 4
            held = (host.store.indicators.get(sample(number).value) for number in range(400, 460))
            assert all(doc and doc["CustomFields"]["xdrioccomment"].startswith("operator") for doc in held)
            assert sync_state(host)["bulk"]["open"] is False
            # Alone again, nothing is left to do.
            assert host.fetch(INSTANCE).status == "ok"
            settled = inserts(emulator)
            assert host.fetch(INSTANCE).status == "ok"
            assert inserts(emulator) == settled and in_xdr(emulator) == rows
