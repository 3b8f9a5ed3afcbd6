from __future__ import annotations

import pytest

from warroom.engine.results import RunResult, Status
from warroom.engine.schedule import delay_seconds, fetch_forever


@pytest.mark.parametrize(
    ("interval", "failures", "expected"),
    [(1200, 0, 1200), (1200, 1, 30), (1200, 2, 60), (1200, 6, 960), (1200, 7, 1200), (1200, 10_000, 1200), (10, 1, 10)],
)
def test_delay_seconds_doubles_after_failures_up_to_the_interval(
    interval: float, failures: int, expected: float
) -> None:
    assert delay_seconds(interval, failures) == expected


def test_fetch_forever_success_resets_the_back_off_and_wait_ends_it() -> None:
    statuses: list[Status] = ["error", "timeout", "ok", "error"]
    pending = iter(statuses)
    told: list[tuple[str, float]] = []

    fetch_forever(
        lambda: RunResult("a", "A", "fetch-indicators", next(pending)),
        lambda: 600.0,
        lambda seconds: len(told) == len(statuses),
        lambda result, delay: told.append((result.status, delay)),
    )
    assert told == [("error", 30), ("timeout", 60), ("ok", 600), ("error", 30)]
