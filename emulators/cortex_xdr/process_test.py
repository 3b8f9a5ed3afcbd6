"""The emulator as a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from emulators.cortex_xdr.conftest import advanced_headers
from emulators.cortex_xdr.indicators.routes import BASE
from emulators.kit.xdrkeys import LIFE_MS

COMMAND = [sys.executable, "-m", "emulators.cortex_xdr"]
ROOT = Path(__file__).parents[2]


@contextmanager
def process(*options: str) -> Iterator[SimpleNamespace]:
    """A started emulator: what it printed, and `process`."""
    child = subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield SimpleNamespace(process=child, **json.loads(child.stdout.readline()))
    finally:
        child.kill()
        child.communicate()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """An emulator that is expected to end by itself."""
    return subprocess.run([*COMMAND, *options], check=False, cwd=ROOT, capture_output=True, text=True, timeout=10)


def insert(emulator: SimpleNamespace, now_ms: int, *values: str) -> int:
    records = [{"indicator": value, "type": "DOMAIN_NAME", "severity": "LOW"} for value in values]
    headers = advanced_headers(emulator.api_key_id, emulator.api_key, now_ms)
    url = f"{emulator.url}{BASE}tim_insert_jsons/"
    return requests.post(url, json={"request_data": records}, headers=headers, timeout=5).status_code


def insert_until_it_dies(emulator: SimpleNamespace, now_ms: int) -> int:
    """How many requests, of two values each, were acknowledged."""
    for number in itertools.count():
        try:
            assert insert(emulator, now_ms, f"a{number}.example", f"b{number}.example") == 200
        except requests.RequestException:
            return number
    raise AssertionError("it counts for ever")


def count(emulator: SimpleNamespace) -> int:
    return int(requests.get(f"{emulator.admin}/count", timeout=5).json()["rules"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_prints_one_line_and_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    with process() as emulator:
        assert set(vars(emulator)) == {"process", "url", "api_key_id", "api_key", "api_key_type", "admin"}
        assert (emulator.api_key_type, emulator.admin.startswith(emulator.url)) == ("advanced", True)
        assert requests.get(f"{emulator.admin}/count", timeout=5).ok
        emulator.process.send_signal(number)
        assert emulator.process.communicate(timeout=5) == ("", "")
        assert emulator.process.returncode == 0


def test_process_killed_keeps_key_and_all_that_was_acknowledged(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "xdr.db"), "--rate", "0")
    now_ms = 1_900_000_000_000
    with process(*state) as first:
        requests.post(f"{first.admin}/clock", json={"set": now_ms / 1000}, timeout=5)
        threading.Timer(0.15, os.kill, (first.process.pid, signal.SIGKILL)).start()
        acknowledged = insert_until_it_dies(first, now_ms)
    with process(*state) as second:
        # The last request may have been applied without its acknowledgement, but whole: it has two values.
        assert second.api_key == first.api_key
        assert acknowledged > 1 and count(second) in (2 * acknowledged, 2 * acknowledged + 2)
        before = count(second)
        requests.post(f"{second.admin}/clock", json={"set": now_ms / 1000}, timeout=5)
        assert insert(second, now_ms, "c.example") == 200
        assert insert(second, now_ms - LIFE_MS - 1, "d.example") == 401
        assert count(second) == before + 1


def test_process_second_one_on_a_state_file_is_told(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "xdr.db"))
    with process(*state):
        ended = run(*state)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "locked" in ended.stderr


def test_process_key_from_file_is_used(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("my key\n")
    with process("--api-key", str(tmp_path / "key"), "--api-key-id", "77", "--api-key-type", "standard") as emulator:
        assert (emulator.api_key, emulator.api_key_id, emulator.api_key_type) == ("my key", "77", "standard")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--api-key-type", "secret"], "--api-key-type"),
        (["--api-key", "/no/such/file"], "/no/such/file"),
        (["--own-writes", "maybe"], "--own-writes"),
        (["--tenant-limit", "-1"], "--tenant-limit -1"),
        (["--unknown"], "--unknown"),
    ],
)
def test_process_bad_option_is_one_line_and_status_2(options: list[str], words: str) -> None:
    ended = run(*options)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert words in ended.stderr


def test_process_port_in_use_is_one_line_and_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("--port", port)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert f"--port {port}" in ended.stderr
