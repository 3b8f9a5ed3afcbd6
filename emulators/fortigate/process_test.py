"""The emulator as a process of its own, and its side door."""

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

from emulators.fortigate.conftest import HOST, Start, cmdb
from emulators.kit import Refused

COMMAND = [sys.executable, "-m", "emulators.fortigate"]
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


def test_process_killed_keeps_objects_bans_and_token(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "gate.db"))
    with process(*state) as first:
        assert set(vars(first)) == {"process", "url", "token", "admin"}
        seed = {"address": [HOST], "bans": [{"ip": "10.1.2.3"}]}
        requests.post(f"{first.admin}/seed", json=seed, timeout=5).raise_for_status()
    with process(*state, "--fortios", "7.2") as second:
        assert second.token == first.token
        rows = requests.get(f"{second.admin}/dump", timeout=5).text.splitlines()
        assert {row["kind"] for row in map(json.loads, rows)} == {"address", "address6", "ban"}
        count = requests.get(f"{second.admin}/count", timeout=5).json()
        assert (count["root"]["address"], count["root"]["bans"]) == (2, 1)


def test_process_token_from_file_is_used_and_a_bad_option_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("made-up-token\n")
    with process("--token", str(tmp_path / "token")) as emulator:
        assert emulator.token == "made-up-token"
    ended = subprocess.run(
        [*COMMAND, "--token", "/no/such/file"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)


def test_edit_is_what_an_administrator_does(fortigate: Start) -> None:
    client = fortigate()
    client.seed(address=[HOST, {**HOST, "name": "ws-2"}], addrgrp=[{"name": "Block", "member": [{"name": "ws-2"}]}])
    client.edit(table="addrgrp", name="Block", add_members=["ws-1", "ws-2"])
    assert len(client.good("GET", cmdb("addrgrp", "Block"))["results"][0]["member"]) == 2
    client.edit(table="addrgrp", name="Block", remove_members=["ws-2"])
    client.edit(table="address", name="ws-2", delete=True)
    client.edit(table="address", name="ws-1", set={"subnet": "10.9.9.9/32"})
    assert client.good("GET", cmdb("address", "ws-1"))["results"][0]["subnet"].startswith("10.9.9.9")
    client.edit(ban={"ip": "10.1.2.3", "source": "IPS"})
    client.edit(unban="10.1.2.3")
    assert client.good("GET", "monitor/user/banned")["results"] == []


def test_edit_refused_leaves_nothing_behind(fortigate: Start) -> None:
    client = fortigate()
    client.seed(address=[HOST], addrgrp=[{"name": "Block", "member": [{"name": "ws-1"}]}])
    changes = [{"ban": {"ip": "10.1.2.3"}}, {"table": "address", "name": "ws-1", "delete": True}]
    for payload in (changes, [*changes[:1], {"vdom": "nobody"}], [*changes[:1], {"name": "x"}]):
        with pytest.raises(Refused):
            client.emulator.state.edit(payload)
    assert client.good("GET", "monitor/user/banned")["results"] == []
