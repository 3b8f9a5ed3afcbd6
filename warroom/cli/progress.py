"""Progress bars on a terminal; silence elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from warroom.cli.app import Terminal
from warroom.engine import Progress


@dataclass
class Pace:
    """Rate and time left, counted from the first report on: a resumed sync begins far from zero."""

    clock: Callable[[], float]
    _start: tuple[float, int] | None = None

    def text(self, progress: Progress) -> str:
        """For example `1,200 indicators/s, 0:02:10 left`; the unit alone while there is nothing to tell."""
        now = self.clock()
        if self._start is None or progress.done < self._start[1]:
            self._start = (now, progress.done)
        seconds, done = now - self._start[0], progress.done - self._start[1]
        if seconds <= 0 or done <= 0:
            return progress.unit
        rate = done / seconds
        told = f"{rate:,.0f} {progress.unit}/s"
        if progress.total is None:
            return told
        left = timedelta(seconds=round(max(progress.total - progress.done, 0) / rate))
        return f"{told}, {left} left"


@contextmanager
def progress_bar(terminal: Terminal, label: str) -> Iterator[Callable[[Progress], None] | None]:
    """A bar with count, rate and time left on stderr; gives the function to feed, None where there is no terminal."""
    if not terminal.shows_errors:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bar

    columns: tuple[Any, ...] = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    pace = Pace(time.monotonic)
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, pace="")

        def show(progress: Progress) -> None:
            text = progress.label or label
            bar.update(task, description=text, completed=progress.done, total=progress.total, pace=pace.text(progress))

        yield show
