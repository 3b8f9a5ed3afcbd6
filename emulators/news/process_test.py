"""The emulator as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import requests

COMMAND = [sys.executable, "-m", "emulators.news"]
ROOT = Path(__file__).parents[2]


def test_process_serves_what_was_seeded_through_the_side_door() -> None:
    child = subprocess.Popen([*COMMAND], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        ready = json.loads(child.stdout.readline())
        assert set(ready) == {"url", "admin"}
        seed = {"sources": {"blog": {"items": [{"title": "Hello"}]}}}
        counted = requests.post(f"{ready['admin']}/seed", json=seed, timeout=5).json()
        assert counted == {"sources": 1, "items": 1}
        assert "Hello" in requests.get(f"{ready['url']}/sources/blog", timeout=5).text
        child.terminate()
        assert child.communicate(timeout=5) == ("", "")
        assert child.returncode == 0
    finally:
        child.kill()
        child.communicate()


def test_process_bad_option_is_one_line_and_status_2() -> None:
    command = [*COMMAND, "--window", "-1"]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=10)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "--window -1" in ended.stderr
