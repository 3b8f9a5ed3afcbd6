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

COMMAND = [sys.executable, "-m", "emulators.vectra"]
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


def test_process_killed_keeps_state_secret_and_tokens_over_a_change_of_version(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "brain.db"))
    with process(*state) as first:
        assert set(vars(first)) == {"process", "url", "api_version", "auth", "client_id", "client_secret", "admin"}
        requests.post(f"{first.admin}/seed", json={"hosts": [{"name": "a", "tags": ["x"]}]}, timeout=5)
        sign_in = requests.post(
            f"{first.url}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(first.client_id, first.client_secret),
            timeout=5,
        )
        bearer = {"Authorization": "Bearer " + sign_in.json()["access_token"]}
    with process(*state, "--api-version", "3.5") as second:
        assert second.client_secret == first.client_secret
        hosts = requests.get(f"{second.url}/api/v3.5/hosts", headers=bearer, timeout=5).json()
        assert [(host["name"], host["tags"]) for host in hosts["results"]] == [("a", ["x"])]


def test_process_secret_from_file_is_used_and_ends_cleanly(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("my token\n")
    with process("--api-version", "2.5", "--auth", "token", "--token", str(tmp_path / "token")) as emulator:
        assert (emulator.api_version, emulator.auth, emulator.token) == ("2.5", "token", "my token")
        emulator.process.terminate()
        assert emulator.process.communicate(timeout=5) == ("", "")
        assert emulator.process.returncode == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--api-version", "1.0"], "--api-version"),
        (["--auth", "token"], "--auth token"),
        (["--token", "/no/such/file"], "/no/such/file"),
        (["--tag-refusal-status", "500"], "--tag-refusal-status 500"),
        (["--expires-in", "0"], "--expires-in 0"),
    ],
)
def test_process_bad_option_is_one_line_and_status_2(options: list[str], words: str) -> None:
    ended = run(*options)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert words in ended.stderr
