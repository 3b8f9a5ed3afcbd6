"""The emulator as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from emulators.meraki.conftest import WORLD

COMMAND = [sys.executable, "-m", "emulators.meraki"]
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


def test_process_killed_keeps_state_and_key(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "dashboard.db"))
    with process(*state) as first:
        assert set(vars(first)) == {"process", "url", "api_key", "admin"}
        requests.post(f"{first.admin}/seed", json=WORLD, timeout=5)
        bearer = {"Authorization": f"Bearer {first.api_key}"}
        policy = "/api/v1/networks/N_1/clients/k1/policy"
        blocked = requests.put(first.url + policy, json={"devicePolicy": "Blocked"}, headers=bearer, timeout=5)
        assert blocked.status_code == 200
    with process(*state) as second:
        assert second.api_key == first.api_key
        shown = requests.get(second.url + policy, headers=bearer, timeout=5).json()
        assert shown["devicePolicy"] == "Blocked"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--unknown-mac", "500"], "--unknown-mac"),
        (["--policy-limit", "-1"], "--policy-limit -1"),
        (["--api-key", "/no/such/file"], "/no/such/file"),
    ],
)
def test_process_bad_option_is_one_line_and_status_2(options: list[str], words: str) -> None:
    ended = subprocess.run([*COMMAND, *options], check=False, cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert words in ended.stderr
