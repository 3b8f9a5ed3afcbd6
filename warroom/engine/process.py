"""One child process: started apart from everything else, served while it runs, and ended for certain.

POSIX only: it relies on process groups and on wait4.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import warroom

MEMORY_BYTES = 1 << 30
COMMAND_SECONDS = 180.0
STDERR_LINES = 1000
_KEPT_VARIABLES = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "COMMON_SERVER_PYTHON",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "ALL_PROXY", "all_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
# The kernel counts pages per thread and adds them up now and then.
_RSS_SLACK = 2 << 20


@dataclass(frozen=True)
class Limits:
    """What one run may use."""

    timeout_seconds: float = COMMAND_SECONDS
    memory_bytes: int = MEMORY_BYTES
    cpus: int = 1


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Ending:
    """How a child ended. `signal` is None unless one ended it; `timed_out` tells that the time limit was the reason."""

    exit_code: int
    signal: int | None
    timed_out: bool
    stderr: list[str]
    duration_seconds: float
    max_rss_bytes: int


class Stopper:
    """Kills the children that are running, all at once; for a host that is told to end while several run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[int] = set()
        self._stopped = False

    @contextlib.contextmanager
    def watching(self, pid: int) -> Iterator[None]:
        """Counts the child in while the block runs; a child that starts after `stop` is killed at once."""
        with self._lock:
            self._running.add(pid)
            if self._stopped:
                _kill(pid)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(pid)

    def stop(self) -> None:
        """Kills every child and its group. Idempotent."""
        with self._lock:
            self._stopped = True
            for pid in self._running:
                _kill(pid)


def child_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The few variables a child gets: search path, language, proxies, certificates; its home is `folder`."""
    kept = {name: environ[name] for name in _KEPT_VARIABLES if name in environ}
    house = str(Path(warroom.__file__).resolve().parent.parent)
    private = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": house, "PYTHONUNBUFFERED": "1"}
    return {**kept, **private}


def run_child(
    first_line: bytes,
    handle: Callable[[bytes, int], bytes | None],
    *,
    limits: Limits,
    folder: Path,
    environ: Mapping[str, str],
    stopper: Stopper | None = None,
    argv: tuple[str, ...] = ("-m", "warroom.runtime.child"),
) -> Ending:
    """Runs one child until it ends or its time is up, and leaves nothing of it behind.

    `first_line` goes to its stdin; each line it writes is given to `handle(line, pid)`, whose answer, if any, is
    written back. An exception of `handle` kills the child and is raised. The whole process group is killed at the end.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *argv],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1 << 20,
        cwd=folder, env=dict(environ), start_new_session=True,
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr
    # Asked after the fork, when the child has taken over what it is going to take over.
    host_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT + _RSS_SLACK
    sampled = 0
    with (
        (stopper or Stopper()).watching(process.pid),
        _watch(process.pid, limits.timeout_seconds) as timed_out,
        _drain(process.stderr) as stderr,
    ):
        try:
            _write(process.stdin, first_line)
            for line in process.stdout:
                answer = handle(line, process.pid)
                sampled = _high_water(process.pid) or sampled
                if answer is not None:
                    _write(process.stdin, answer)
        except BaseException:
            _kill(process.pid)
            raise
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()
            _, status, usage = os.wait4(process.pid, 0)
            # Popen must not wait for a process that is already reaped.
            process.returncode = os.waitstatus_to_exitcode(status)
            _kill(process.pid)
            process.stdout.close()
    code = process.returncode
    peak = _peak(usage.ru_maxrss * _RSS_UNIT, host_peak, sampled)
    by_signal = -code if code < 0 else None
    return Ending(code, by_signal, timed_out.is_set(), list(stderr), time.monotonic() - started, peak)


def _peak(reported: int, host_peak: int, sampled: int) -> int:
    # Linux counts the memory of the process that forked into the child's peak, so a figure below the host's
    # own peak says nothing about the child.
    return reported if reported > host_peak or not sampled else min(reported, sampled)


def _high_water(pid: int) -> int:
    try:
        with Path(f"/proc/{pid}/status").open("rb") as status:
            for line in status:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def _write(stream: IO[bytes], line: bytes) -> None:
    # A child that has died is noticed by the end of its output, not here.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(line)
        stream.flush()


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


@contextlib.contextmanager
def _watch(pid: int, seconds: float) -> Iterator[threading.Event]:
    fired = threading.Event()

    def expire() -> None:
        fired.set()
        _kill(pid)

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield fired
    finally:
        timer.cancel()


@contextlib.contextmanager
def _drain(stream: IO[bytes], patience: float = 1.0) -> Iterator[deque[str]]:
    # A full pipe would stop the child, so its stderr is read all the time; only the last lines are kept.
    kept: deque[str] = deque(maxlen=STDERR_LINES)

    def read() -> None:
        with stream:
            for line in stream:
                kept.append(line.decode("utf-8", "replace").rstrip("\n"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield kept
    finally:
        # A process that left the group may hold the pipe open for ever; the run does not wait for it.
        reader.join(patience)
