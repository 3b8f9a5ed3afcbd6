"""Step 3: the first sync, killed half way and resumed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from demo.stage import DemoFailed, EmulatorProcess, Narrator, Warroom

BATCH = 40_000
LOOK_SECONDS = 0.05
SILENCE_SECONDS = 0.3
TELL_SECONDS = 1.0
SHOW_CURSOR = "\x1b[?25h"
_PEAK = re.compile(r"peak (\d+) MB")


@dataclass(frozen=True)
class Run:
    """One `warroom fetch` that was watched. `seconds` is its wall time, `peak_mb` 0 when it was killed."""

    killed: bool
    seconds: float
    peak_mb: int
    sent: int


@dataclass
class Watch:
    """Follows the first sync from the emulator's side and tells about it where no progress bar does."""

    tell: Narrator
    emulator: EmulatorProcess
    total: int

    def follow(self, process: subprocess.Popen[bytes]) -> Iterator[int]:
        """Records sent so far, again and again until the process has ended."""
        started = told = time.monotonic()
        first = self.emulator.sent()
        while process.poll() is None:
            sent, now = self.emulator.sent(), time.monotonic()
            if now - told >= TELL_SECONDS and not self.tell.on_terminal:
                told = now
                self.tell.say(progress_line(sent, self.total, (sent - first) / (now - started)))
            yield sent
            time.sleep(LOOK_SECONDS)


def progress_line(sent: int, total: int, rate: float) -> str:
    """What a progress bar shows, as a line: share, rate in records per second, batch, time left."""
    batches = max(1, -(-total // BATCH))
    batch = min(batches, sent // BATCH + 1)
    waiting = f"{(total - sent) / rate:.0f} s left" if rate else "starting"
    left = waiting if total > sent else "finishing"
    share = min(100, round(100 * sent / total)) if total else 100
    return f"  {sent:,} of {total:,} ({share} %), {rate:,.0f}/s, batch {batch} of {batches}, {left}"


def killed_run(warroom: Warroom, watch: Watch, instance: str) -> Run:
    """Fetches and kills the run with SIGKILL once half of the records went out; waits until nothing moves any more.

    A list that goes out in fewer requests than that ends unharmed; the result then says killed=False.
    """
    started = time.monotonic()
    process = warroom.start("fetch", instance)
    try:
        for sent in watch.follow(process):
            if sent >= watch.total / 2:
                process.send_signal(signal.SIGKILL)
                break
        output = _output(process)
    finally:
        process.kill()
    seconds = time.monotonic() - started
    killed = process.returncode == -signal.SIGKILL
    if killed:
        if warroom.tell.on_terminal:
            # The progress bar had no chance to bring the cursor back.
            print(SHOW_CURSOR, end="", file=sys.stderr, flush=True)
        warroom.tell.say(f"\n$ kill -9 {process.pid}")
        _wait_for_silence(watch.emulator)
    else:
        _report(warroom, process, output)
    return Run(killed, seconds, 0 if killed else peak_of(output), watch.emulator.sent())


def whole_run(warroom: Warroom, watch: Watch, instance: str) -> Run:
    """Fetches to the end. Raises DemoFailed when the run fails."""
    started = time.monotonic()
    process = warroom.start("fetch", instance)
    try:
        for _ in watch.follow(process):
            pass
        output = _output(process)
    finally:
        process.kill()
    _report(warroom, process, output)
    return Run(False, time.monotonic() - started, peak_of(output), watch.emulator.sent())


def peak_of(output: str) -> int:
    """Peak memory in MB as the fetch itself reports it. Raises DemoFailed when it does not."""
    found = _PEAK.search(output)
    if not found:
        raise DemoFailed(f"the fetch did not report its memory: {output!r}")
    return int(found[1])


def _output(process: subprocess.Popen[bytes]) -> str:
    out, _ = process.communicate()
    return out.decode("utf-8", "replace")


def _report(warroom: Warroom, process: subprocess.Popen[bytes], output: str) -> None:
    warroom.tell.say(output.rstrip())
    if process.returncode:
        raise DemoFailed(f"the fetch ended with exit code {process.returncode}")


def _wait_for_silence(emulator: EmulatorProcess) -> None:
    # A request that was on its way is still carried out by the other side.
    before = -1
    while (now := emulator.sent()) != before:
        before = now
        time.sleep(SILENCE_SECONDS)
