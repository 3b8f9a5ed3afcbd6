"""The side door, and the emulator as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from emulators.cisco_ise.conftest import IP, MAC, OTHER_MAC, Start

COMMAND = [sys.executable, "-m", "emulators.cisco_ise"]
ROOT = Path(__file__).parents[2]


def test_clean_up_takes_all_policies_off(ise: Start) -> None:
    client = ise()
    client.order("apply")
    client.order("apply", OTHER_MAC)
    client.edit(clean_up=True)
    assert (client.emulator.state.count()["endpoints"], client.enforced()) == (0, "")


def test_person_changes_a_policy(ise: Start) -> None:
    client = ise()
    client.emulator.state.seed({"policies": [{"name": "Watch", "actions": ["RE_AUTHENTICATE"]}]})
    client.edit(mac=MAC, policy="Watch")
    assert client.enforced() == "Watch"
    client.edit(mac=MAC, policy=None)
    assert client.enforced() == ""


def test_session_that_connects_again_replaces_the_older_one(ise: Start) -> None:
    client = ise()
    client.edit(mac=MAC, connect={"ip": "10.1.2.77"})
    assert client.emulator.state.count()["sessions"] == 1
    assert client.mnt(f"EndPointIPAddress/{IP}").status_code == 500


def test_dump_has_everything_but_passwords(ise: Start) -> None:
    client = ise()
    client.order("apply")
    lines = requests.get(f"{client.emulator.admin}/dump", timeout=5).text
    assert {json.loads(line)["kind"] for line in lines.splitlines()} == {"policy", "endpoint", "session", "account"}
    assert client.emulator.password not in lines


def test_reset_keeps_the_login(ise: Start) -> None:
    client = ise()
    client.order("apply")
    requests.post(f"{client.emulator.admin}/reset", timeout=5)
    assert client.ers("GET", "ancendpoint").json()["SearchResult"]["total"] == 0


@pytest.mark.parametrize(
    "payload",
    [
        {"endpoints": [{"mac": MAC, "policy": "Nope"}]},
        {"endpoints": [{"mac": "aabb", "policy": "Quarantine"}]},
        {"policies": [{"name": "P", "actions": ["NUKE"]}]},
        {"sessions": [{"mac": MAC, "ip": "10.1.2"}]},
        {"accounts": [{"name": "x", "password": "y", "groups": ["Kings"]}]},
        {"hosts": []},
    ],
)
def test_seed_wrong_payload_changes_nothing(ise: Start, payload: dict[str, Any]) -> None:
    client = ise()
    before = client.emulator.state.count()
    reply = requests.post(f"{client.emulator.admin}/seed", json=payload, timeout=5)
    assert (reply.status_code, client.emulator.state.count()) == (400, before)


@contextmanager
def process(*options: str) -> Iterator[SimpleNamespace]:
    child = subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield SimpleNamespace(process=child, **json.loads(child.stdout.readline()))
    finally:
        child.kill()
        child.communicate()


def test_process_killed_keeps_login_and_policies(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "ise.db"))
    with process(*state) as first:
        body = {"endpoints": [{"mac": MAC, "policy": "Quarantine"}]}
        assert requests.post(f"{first.admin}/seed", json=body, timeout=5).ok
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(timeout=5)
    with process(*state) as second:
        assert second.password == first.password and second.mnt_url != second.url
        asked = requests.get(
            f"{second.url}/ers/config/ancendpoint",
            auth=(second.username, second.password),
            headers={"Accept": "application/json"},
            timeout=5,
        )
        assert asked.json()["SearchResult"]["total"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--refusal-status", "404"], "--refusal-status 404"),
        (["--password", "/no/such/file"], "/no/such/file"),
        (["--username", "a:b"], "--username"),
        (["--groups", "Kings"], "Kings"),
    ],
)
def test_process_bad_option_is_one_line_and_status_2(options: list[str], words: str) -> None:
    ended = subprocess.run([*COMMAND, *options], check=False, cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert words in ended.stderr
