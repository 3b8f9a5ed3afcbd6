"""Progress bars on a terminal; silence elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from warroom.cli.app import Terminal
from warroom.engine import Progress


@contextmanager
def progress_bar(terminal: Terminal, label: str) -> Iterator[Callable[[Progress], None] | None]:
    """A bar with count, rate and time left on stderr; gives the function to feed, None where there is no terminal."""
    if not terminal.shows_errors:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    speed = TextColumn("{task.fields[rate]}")
    columns: tuple[Any, ...] = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), speed,
        TimeRemainingColumn(),
    )  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, rate="")

        def show(progress: Progress) -> None:
            current = bar.tasks[0]
            rate = f"{current.speed:,.0f} {progress.unit}/s" if current.speed else progress.unit
            bar.update(
                task, description=progress.label or label, completed=progress.done, total=progress.total, rate=rate
            )

        yield show
