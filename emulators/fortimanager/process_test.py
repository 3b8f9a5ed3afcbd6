"""The emulator as a process of its own, and its side door."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from emulators.fortimanager import main, running
from emulators.fortimanager.conftest import ADDRESS, SEED, Client, Start

COMMAND = [sys.executable, "-m", "emulators.fortimanager"]
CHECKOUT = Path(__file__).parents[2]


def test_process_killed_keeps_its_state(tmp_path: Path) -> None:
    options = ["--state", str(tmp_path / "fmg.db"), "--workspace-mode", "disabled"]
    child = subprocess.Popen([*COMMAND, *options], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        ready = json.loads(child.stdout.readline())
        assert set(ready) == {"url", "user", "password", "api_key", "admin"}
        headers = {"Authorization": f"Bearer {ready['api_key']}"}
        part = {"url": ADDRESS, "data": {"name": "h", "subnet": "10.0.0.1/32"}}
        body = {"id": 1, "method": "add", "params": [part]}
        answer = requests.post(f"{ready['url']}/jsonrpc", json=body, headers=headers, timeout=5).json()
        assert answer["result"][0]["status"]["code"] == 0
    finally:
        child.kill()
        child.communicate()
    with running(state=tmp_path / "fmg.db", workspace_mode="disabled") as emulator:
        client = Client(emulator)
        assert client.login() == 0 and client.call("get", f"{ADDRESS}/h")[0] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--idle-seconds", "0"], "--idle-seconds 0"),
        (["--task-seconds", "-1"], "--task-seconds -1"),
        (["--locked-code", "-1"], "--locked-code -1"),
        (["--used-code", "-1"], "--used-code -1"),
        (["--user", ""], "--user"),
    ],
)
def test_process_bad_option_is_one_line_and_status_2(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # those of the test run stay
    assert main(options) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1) and words in shown.err


def test_side_door_counts_dumps_and_refuses_what_it_does_not_know(start: Start) -> None:
    client = start()
    admin = client.emulator.admin
    count = requests.get(f"{admin}/count", timeout=5).json()
    assert count == {"adoms": 1, "addresses": 2, "devices": 2, "locks": 0, "sessions": 1, "tasks": 0}
    kinds = {json.loads(line)["kind"] for line in requests.get(f"{admin}/dump", timeout=5).text.splitlines()}
    assert kinds == {"adom", "object", "device", "package"}
    unknown: list[dict[str, Any]] = [{"moon": {}}, {"lock": {"adom": "root"}}, {"device": {"name": "fgt-9"}}]
    for payload in unknown:
        assert requests.post(f"{admin}/edit", json=payload, timeout=5).status_code == 400
    bad = {"objects": [{"adom": "root", "table": "address", "data": {"name": "x", "subnet": "nothing"}}]}
    assert requests.post(f"{admin}/seed", json=bad, timeout=5).status_code == 400
    requests.post(f"{admin}/reset", timeout=5)
    assert requests.get(f"{admin}/count", timeout=5).json()["devices"] == 0
    client.emulator.state.seed(SEED)
    assert client.login() == 0


def test_transport_faults_are_pages_and_other_paths_are_404(start: Start) -> None:
    client = start()
    for path, method in (("/jsonrpc", "GET"), ("/other", "POST")):
        assert requests.request(method, client.emulator.url + path, timeout=5).status_code in (404, 405)
