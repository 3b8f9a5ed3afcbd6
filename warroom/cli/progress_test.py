from __future__ import annotations

from warroom.cli.app import Terminal
from warroom.cli.progress import Pace, progress_bar
from warroom.engine import Progress


def test_pace_counts_from_the_first_report_on() -> None:
    times = iter([100.0, 110.0, 120.0, 121.0])
    pace = Pace(lambda: next(times))
    told = [
        pace.text(Progress("sync", done, total, "indicators"))
        for done, total in ((50_000, 80_000), (60_000, 80_000), (62_000, None), (0, 80_000))
    ]
    assert told == ["indicators", "1,000 indicators/s, 0:00:20 left", "600 indicators/s", "indicators"]


def test_progress_bar_without_a_terminal_gives_nothing_to_feed() -> None:
    with progress_bar(Terminal(False, False, False), "sync") as show:
        assert show is None
