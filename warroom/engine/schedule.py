"""Fetching again and again. Time comes in as a function."""

from __future__ import annotations

from collections.abc import Callable

from warroom.engine.results import RunResult

FIRST_RETRY_SECONDS = 30.0


def delay_seconds(interval_seconds: float, failures: int) -> float:
    """Seconds until the next run: the interval; after `failures` in a row 30, doubled each time, up to the interval."""
    if failures == 0:
        return interval_seconds
    return min(interval_seconds, FIRST_RETRY_SECONDS * float(2 ** min(failures - 1, 20)))


def fetch_forever(
    run: Callable[[], RunResult],
    interval_seconds: Callable[[], float],
    wait: Callable[[float], bool],
    report: Callable[[RunResult, float], None],
) -> None:
    """Runs, reports the result with the delay that follows, waits; until `wait(seconds)` says it is time to stop."""
    failures = 0
    while True:
        result = run()
        failures = 0 if result.status == "ok" else failures + 1
        delay = delay_seconds(interval_seconds(), failures)
        report(result, delay)
        if wait(delay):
            return
