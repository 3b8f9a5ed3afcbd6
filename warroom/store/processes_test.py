"""Several real processes on one store, and processes that die in the middle."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from warroom.store import Store

_HEAD = """
import sys
from pathlib import Path
from warroom.store import Source, StaleVersion, Store
path, number = Path(sys.argv[1]), int(sys.argv[2])
source = Source("CSV", f"csv-{number}", f"id-{number}", "C - Fairly reliable")
def batch(start, count):
    return [{"value": f"host{n}.example.com", "type": "Domain", "score": 3} for n in range(start, start + count)]
"""
_COUNT_UP = """
with Store.open(path) as store:
    for _ in range(50):
        while True:
            seen = store.contexts.read("shared")
            try:
                store.contexts.write("shared", {"n": seen.context.get("n", 0) + 1}, seen.version)
                break
            except StaleVersion:
                pass
"""
_TAKE_IN = """
with Store.open(path) as store:
    for start in range(0, 1000, 100):
        store.indicators.apply(batch(start, 100) + batch(10_000 * number + start, 100), source)
"""
_FOR_EVER = """
with Store.open(path) as store:
    for start in range(0, 10**9, 500):
        store.indicators.apply(batch(start, 500), source)
        store.contexts.write("shared", {"done": start + 500})
        print(start + 500, flush=True)
"""


def start(script: str, path: Path, number: int = 0) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", _HEAD + script, str(path), str(number)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")


def test_contexts_of_many_processes_lose_no_write(path: Path) -> None:
    path.parent.mkdir()
    finish([start(_COUNT_UP, path) for _ in range(3)])
    with Store.open(path) as store:
        seen = store.contexts.read("shared")
    assert (seen.context, seen.version) == ({"n": 150}, 150)


def test_indicators_of_many_processes_are_merged(path: Path) -> None:
    path.parent.mkdir()
    finish([start(_TAKE_IN, path, number) for number in (1, 2, 3)])
    with Store.open(path) as store:
        assert store.indicators.count() == 4_000
        stamps = [doc["modified"] for doc in store.indicators.iterate()]
        shared = store.indicators.get("host500.example.com")
    assert stamps == sorted(set(stamps))
    assert shared is not None and set(shared["sourceInstances"]) == {"csv-1", "csv-2", "csv-3"}


@pytest.mark.parametrize("lines", [1, 4, 9])
def test_kill_in_the_middle_leaves_a_good_store(path: Path, lines: int) -> None:
    path.parent.mkdir()
    process = start(_FOR_EVER, path)
    assert process.stdout is not None and process.stderr is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(lines)][-1]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    with Store.open(path) as store:
        total, done = store.indicators.count(), store.contexts.read("shared").context["done"]
        # The batch is there whole or not at all, and the cursor never runs ahead of the data.
        assert total % 500 == 0 and total - done in (0, 500) and done >= acknowledged
        assert len(list(store.indicators.iterate("verdict:Bad"))) == total
        store.contexts.write("shared", {"done": total})
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()
