"""The emulator as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import requests

COMMAND = [sys.executable, "-m", "emulators.xsoar"]
ROOT = Path(__file__).parents[2]


def test_process_keeps_records_and_key_in_its_file(tmp_path: Path) -> None:
    ready = [serve_once(tmp_path / "state.db", number) for number in range(2)]

    assert ready[0]["api_key"] == ready[1]["api_key"]
    assert set(ready[0]) == {"url", "api_key", "api_key_id", "api_key_type", "admin"}


def serve_once(state: Path, known: int) -> dict[str, str]:
    """Starts on the file, finds so many records, and leaves one more."""
    child = subprocess.Popen(
        [*COMMAND, "--state", str(state)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        ready: dict[str, str] = json.loads(child.stdout.readline())
        assert requests.get(f"{ready['admin']}/count", timeout=5).json()["indicators"] == known
        seed = {"indicators": [{"value": f"FIN{known}", "type": "Malware"}]}
        assert requests.post(f"{ready['admin']}/seed", json=seed, timeout=5).ok
        child.terminate()
        assert child.communicate(timeout=5) == ("", "")
        return ready
    finally:
        child.kill()
        child.communicate()


def test_process_bad_option_is_one_line_and_status_2() -> None:
    command = [*COMMAND, "--generation", "6", "--api-key-type", "advanced"]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "--api-key-type advanced" in ended.stderr
