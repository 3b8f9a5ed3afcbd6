"""The emulator as a process of its own, its side door, and its state file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
import requests

from emulators.panos.conftest import Start, message, show

COMMAND = [sys.executable, "-m", "emulators.panos"]
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


def test_process_killed_keeps_registrations_and_key(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "device.db"))
    with process(*state) as first:
        assert set(vars(first)) == {"process", "url", "api_key", "user", "password", "admin"}
        form = {"type": "user-id", "cmd": message("register", ("10.0.0.1", ["t"]))}
        requests.post(f"{first.url}/api/", data=form, headers={"X-PAN-KEY": first.api_key}, timeout=5)
    with process(*state, "--version", "11.0.0") as second:
        assert second.api_key == first.api_key
        shown = requests.post(
            f"{second.url}/api/",
            data={"type": "op", "cmd": show("<all/>")},
            headers={"X-PAN-KEY": second.api_key},
            timeout=5,
        )
        assert '<entry ip="10.0.0.1"' in shown.text
        second.process.terminate()
        assert second.process.communicate(timeout=5) == ("", "")
        assert second.process.returncode == 0


def test_process_bad_option_is_one_line_and_status_2() -> None:
    command = [*COMMAND, "--version", "x"]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "--version x" in ended.stderr


def test_side_door_seeds_edits_and_dumps(panos: Start) -> None:
    client = panos(vsys="vsys1,vsys2")
    rows = [{"ip": "10.0.0.1", "tag": "a"}, {"ip": "10.0.0.0/24", "tag": "b", "vsys": "vsys2", "timeout": 60}]
    url = client.emulator.admin
    assert client.http.post(f"{url}/seed", json={"registered": rows}, timeout=5).json()["registered"] == 2
    client.edit(unregister={"ip": "10.0.0.1", "tag": "a"}, register={"ip": "10.0.0.2", "tag": "c"})
    lines = [orjson.loads(line) for line in client.http.get(f"{url}/dump", timeout=5).content.splitlines()]
    found = {(row["vsys"], row["ip"]): list(row["tags"]) for row in lines if row["kind"] == "registered"}
    assert found == {("vsys1", "10.0.0.2"): ["c"], ("vsys2", "10.0.0.0/24"): ["b"]}
    client.http.post(f"{url}/reset", timeout=5)
    assert client.tags() == {}


@pytest.mark.parametrize(
    "change",
    [
        {"reboot": "1"},
        {"role": "king"},
        {"register": {"ip": "bad", "tag": "a"}},
        {"register": {"ip": "10.0.0.1", "tag": "a", "vsys": "vsys7"}},
        {"device": "007951000000001", "colour": "red"},
        {"unknown": 1},
        {},
    ],
)
def test_side_door_edit_that_is_wrong_is_400_and_changes_nothing(panos: Start, change: dict[str, object]) -> None:
    client = panos()
    assert client.edit(**change).status_code == 400
    assert client.tags() == {}
