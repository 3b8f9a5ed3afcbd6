"""The whole demo on a list of its own: the exit code is the truth."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.__main__ import main
from demo.first_sync import peak_of, progress_line
from demo.stage import ROOT, DemoFailed, EmulatorProcess
from demo.story import request_size_for, spread


def own_list(folder: Path, count: int) -> Path:
    path = folder / "mine.txt"
    path.write_text("".join(f"host{number}.example.com\n" for number in range(count)), encoding="utf-8")
    return path


@pytest.mark.slow
def test_demo_own_list_ends_with_zero_and_leaves_nothing_behind(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "demo", "--only", "ioc", "--iocs", str(own_list(tmp_path, 2_000)), "--json"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, timeout=120, check=False)
    story = done.stderr.decode()
    assert done.returncode == 0, story
    told = json.loads(done.stdout)
    assert told["ok"] and told["problems"] == []
    numbers = told["numbers"]["ioc"]
    assert numbers["both sides equal"] == "yes"
    assert (numbers["indicators compared"], numbers["lost"], numbers["echoed to XDR"]) == (1_999, 0, 0)
    assert isinstance(numbers["records sent twice after the kill"], int)
    assert "$ kill -9 " in story and "$ warroom run '!xdr-iocs-push indicator=" in story
    # Other demos may be running beside this one, each in a folder of its own.
    [folder] = re.findall(r"^\$ export WARROOM_HOME=(\.demo/run-[^/]+)/", story, re.MULTILINE)
    assert not (ROOT / folder).exists()


@pytest.mark.slow
def test_demo_rule_dropped_behind_its_back_ends_with_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    dropped = "host7.example.com"

    def drop(emulator: EmulatorProcess) -> None:
        emulator.edit([{"indicator": dropped, "delete": True}])

    assert main(["--only", "ioc", "--iocs", str(own_list(tmp_path, 300)), "--json"], meddle=drop) == 1
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert told["ok"] is False
    assert told["numbers"]["ioc"]["lost"] == 1
    assert any(dropped in problem for problem in told["problems"])


def test_demo_list_that_is_not_there_is_bad_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--iocs", str(tmp_path / "absent.csv")]) == 2
    assert "absent.csv" in capsys.readouterr().err


def test_progress_line_half_way_tells_rate_batch_and_time_left() -> None:
    line = progress_line(60_000, 120_000, 6_000.0)
    assert line.strip() == "60,000 of 120,000 (50 %), 6,000/s, batch 2 of 3, 10 s left"


def test_progress_line_nothing_sent_yet_is_starting() -> None:
    assert progress_line(0, 100, 0.0).strip() == "0 of 100 (0 %), 0/s, batch 1 of 1, starting"


def test_progress_line_all_sent_is_finishing() -> None:
    assert progress_line(130, 120, 10.0).strip() == "130 of 120 (100 %), 10/s, batch 1 of 1, finishing"


def test_peak_of_output_without_memory_fails() -> None:
    assert peak_of("xdr: fetch-indicators ok in 1.0 s, peak 85 MB") == 85
    with pytest.raises(DemoFailed, match="memory"):
        peak_of("nothing")


def test_request_size_for_short_list_gives_many_requests(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"x" * 40_000)
    assert request_size_for(path) == 100
    path.write_bytes(b"x" * 10_000_000)
    assert request_size_for(path) == 4_000
    assert request_size_for(None) == 4_000


def test_spread_types_take_turns_and_deleted_rules_stay_out() -> None:
    rows = [{"IOC_TYPE": kind, "RULE_INDICATOR": value, "MARKED_DELETED": gone} for kind, value, gone in (
        ("IP", "i1", 0), ("IP", "i2", 1), ("IP", "i3", 0), ("HASH", "h1", 0),
    )]  # fmt: skip
    assert spread(iter(rows), 3) == ["i1", "h1", "i3"]
    assert spread(iter(rows), 9) == ["i1", "h1", "i3"]
