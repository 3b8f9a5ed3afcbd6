from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.engine.vectra.cycle import CycleOptions, DestinationList, cycle_args, cycle_output, next_start, read_list
from warroom.engine.vectra.lock import LOCK_FILE, AnotherRun, single_run


@given(
    first=st.floats(0, 1e9), period=st.floats(0.5, 86_400), passed=st.floats(0, 1e6, exclude_max=True)
)  # fmt: skip
def test_next_start_is_the_next_point_of_the_grid(first: float, period: float, passed: float) -> None:
    now = first + passed
    start = next_start(first, period, now)
    points = (start - first) / period
    assert now - 1e-6 <= start <= now + period + 1e-3
    assert points == pytest.approx(round(points), abs=1e-3)


def test_next_start_long_cycle_leaves_points_out_and_does_not_shift() -> None:
    assert [next_start(100, 60, now) for now in (100, 159.9, 160, 275)] == [160, 160, 220, 280]


def test_read_list_missing_file_is_an_error_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\xff")
    assert read_list(tmp_path / "empty.txt") == DestinationList("empty", "")
    assert "No such file" in read_list(tmp_path / "gone.txt").error
    assert "it is not UTF-8 text" in read_list(tmp_path / "bad.txt").error


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, {}),
        (DestinationList("l", ""), {"list_name": "l", "destinations": ""}),
        (DestinationList("l", error="gone"), {"list_name": "l", "destinations_error": "gone"}),
    ],
)
def test_cycle_args_list_that_cannot_be_read_is_never_empty(
    found: DestinationList | None, expected: dict[str, str]
) -> None:
    args = cycle_args(CycleOptions("me", dry_run=True, destinations=found))
    assert args == {"owner": "me", "dry_run": "true", "groom": "false", **expected}


@pytest.mark.parametrize("value", [{"status": "ok"}, [{"status": "ok"}]])
def test_cycle_output_is_found_under_its_key(value: object) -> None:
    entries: list[dict[str, Any]] = [
        {"EntryContext": None},
        {"EntryContext": {"VectraResponse.Cycle(val.at == obj.at)": value}},
    ]
    assert cycle_output(entries) == {"status": "ok"}
    assert cycle_output([{"EntryContext": {"Other": value}}]) == {}


def test_single_run_second_one_is_refused_and_the_lock_ends_with_the_first(tmp_path: Path) -> None:
    with (
        single_run(tmp_path),
        pytest.raises(AnotherRun, match="another run of the Vectra response is going on"),
        single_run(tmp_path),
    ):
        pass
    with single_run(tmp_path):
        assert (tmp_path / LOCK_FILE).stat().st_mode & 0o777 == 0o600


def test_single_run_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from warroom.engine.vectra.lock import single_run\n"
        "with single_run(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(AnotherRun), single_run(tmp_path):
            pass
        holder.kill()
    with single_run(tmp_path):
        pass
