"""`python -m Tests.chaos [--cycles N] [--indicators N] [--seed N] [--json]`: edits on both sides, faults, kills."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from Tests.chaos.story import Size, made

NAMES = tuple(one.name for one in fields(Size))


@contextmanager
def shown() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr when that is a terminal, nothing otherwise."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


@click.command()
@click.option("--cycles", type=click.IntRange(1), default=Size.cycles, show_default=True, help="Cycles with faults.")
@click.option(
    "--indicators",
    type=click.IntRange(100),
    default=Size.indicators,
    show_default=True,
    help="Indicators at the start.",
)
@click.option(
    "--xsoar", type=click.IntRange(0), default=Size.xsoar, show_default=True, help="Edits in XSOAR per cycle."
)
@click.option("--xdr", type=click.IntRange(0), default=Size.xdr, show_default=True, help="Edits in XDR per cycle.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed draws the same edits and faults.")
@click.option("--speed", type=click.FloatRange(1, 50), default=Size.speed, show_default=True, help="Of waiting.")
@click.option("--removal", type=click.Choice(("leave", "disable")), default=Size.removal, show_default=True)
@click.option("--stop-at-first", is_flag=True, help="End the cycles at the first indicator that is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def main(
    cycles: int,
    indicators: int,
    xsoar: int,
    xdr: int,
    seed: int,
    speed: float,
    removal: str,
    stop_at_first: bool,
    as_json: bool,
) -> None:
    """Lets people work on both sides while things go wrong; both sides must be equal in the end.

    Exit status 1 when a record is lost or differs, or something is still sent when nothing is new.
    """
    size = replace(Size(), cycles=cycles, indicators=indicators, xsoar=xsoar, xdr=xdr, speed=speed, removal=removal)
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        shown() as tell,
        made(Path(folder), size, seed, tell) as chaos,
    ):
        figures = chaos.play(stop_at_first=stop_at_first)
    click.echo(json.dumps(figures.as_json(), indent=2) if as_json else figures.table())
    sys.exit(0 if figures.good else 1)


if __name__ == "__main__":
    main()
