from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from warroom.engine.process import Ending, Limits, Stopper, _drain, child_environment, run_child


def is_gone(pid: int) -> bool:
    """Waits up to two seconds for the kernel to end a killed process; one that nobody reaps counts as ended."""
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def run(
    code: str, folder: Path, *, seconds: float = 20, answers: dict[bytes, bytes] | None = None
) -> tuple[Ending, list[bytes]]:
    lines: list[bytes] = []

    def handle(line: bytes, pid: int) -> bytes | None:
        lines.append(line.strip())
        return (answers or {}).get(line.strip())

    ending = run_child(
        b"hello\n", handle, limits=Limits(timeout_seconds=seconds), folder=folder,
        environ=child_environment({"PATH": os.environ["PATH"]}, folder), argv=("-c", textwrap.dedent(code)),
    )  # fmt: skip
    return ending, lines


def test_run_child_exchanges_lines_and_ends(tmp_path: Path) -> None:
    code = """
        import sys
        print(sys.stdin.readline().strip(), flush=True)
        print("got", sys.stdin.readline().strip(), flush=True)
        print("aside", file=sys.stderr)
    """
    ending, lines = run(code, tmp_path, answers={b"hello": b"answer\n"})
    assert lines == [b"hello", b"got answer"]
    assert (ending.exit_code, ending.signal, ending.timed_out, ending.stderr) == (0, None, False, ["aside"])
    assert ending.max_rss_bytes > 1_000_000


def test_run_child_over_time_is_killed_with_its_group(tmp_path: Path) -> None:
    code = """
        import subprocess, sys, time
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(other.pid, flush=True)
        time.sleep(60)
    """
    ending, lines = run(code, tmp_path, seconds=0.6)
    assert ending.timed_out and ending.signal == signal.SIGKILL
    assert ending.duration_seconds < 10
    assert is_gone(int(lines[0]))


def test_run_child_left_over_processes_are_killed(tmp_path: Path) -> None:
    code = """
        import subprocess, sys
        quiet = subprocess.DEVNULL
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=quiet, stderr=quiet)
        print(other.pid, flush=True)
    """
    ending, lines = run(code, tmp_path)
    assert ending.exit_code == 0
    assert is_gone(int(lines[0]))


def test_run_child_failing_handler_kills_the_child(tmp_path: Path) -> None:
    seen: list[int] = []

    def handle(line: bytes, pid: int) -> bytes | None:
        seen.append(pid)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        run_child(b"\n", handle, limits=Limits(), folder=tmp_path, environ={},
                  argv=("-c", "import time; print(1, flush=True); time.sleep(60)"))  # fmt: skip
    assert not psutil.pid_exists(seen[0])


def test_stopper_ends_running_and_later_children(tmp_path: Path) -> None:
    stopper = Stopper()

    def stop(line: bytes, pid: int) -> None:
        stopper.stop()

    for _ in range(2):
        ending = run_child(b"\n", stop, limits=Limits(), folder=tmp_path, environ={}, stopper=stopper,
                           argv=("-c", "import time; print(1, flush=True); time.sleep(60)"))  # fmt: skip
        assert ending.signal == signal.SIGKILL and not ending.timed_out


def test_drain_pipe_that_somebody_still_holds_is_closed_when_they_let_go() -> None:
    reading, writing = os.pipe()
    stream = os.fdopen(reading, "rb")
    with os.fdopen(writing, "wb") as held:
        with _drain(stream, patience=0.01) as kept:
            held.write(b"one\n")
        assert not stream.closed
    deadline = time.monotonic() + 10
    while not stream.closed:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert list(kept) == ["one"]


def test_child_environment_holds_no_secret(tmp_path: Path) -> None:
    given = {"PATH": "/bin", "WARROOM_SECRET__A__B": "x", "AWS_SECRET": "y", "HTTPS_PROXY": "http://proxy"}
    environment = child_environment(given, tmp_path)
    assert set(environment) == {"PATH", "HTTPS_PROXY", "HOME", "TMPDIR", "PYTHONPATH", "PYTHONUNBUFFERED"}
    assert environment["HOME"] == str(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a running process")
def test_run_child_peak_memory_is_that_of_the_child(tmp_path: Path) -> None:
    ballast = bytearray(os.urandom(1)) * 120_000_000
    small, _ = run("print(1, flush=True); input()", tmp_path, answers={b"1": b"x\n"})
    assert small.max_rss_bytes < len(ballast)
