"""`warroom indicator import`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, get_args

import click

from warroom.cli.app import App, pass_app
from warroom.cli.progress import progress_bar
from warroom.core.verdicts import score_of
from warroom.engine import Progress, UsageError
from warroom.engine.imports import Defaults, Format, Summary, import_indicators, import_source, open_records

_SHOWN = 200


@click.command("import")
@click.argument("file", metavar="FILE|-")
@click.option("--format", "wish", type=click.Choice(get_args(Format)), help="Default: recognised.")
@click.option("--type", "kind", metavar="T", help="Type of records that name none. Default: recognised.")
@click.option("--verdict", metavar="V", help="Verdict of records that have none: unknown, good, suspicious, bad.")
@click.option("--source", metavar="BRAND", default="Import", show_default=True, help="Brand they are stored under.")
@pass_app
def import_command(
    app: App, file: str, wish: Format | None, kind: str | None, verdict: str | None, source: str
) -> None:
    """Takes indicators out of FILE (- is standard input): csv, json, jsonl, txt or a STIX 2 bundle.

    CSV columns: value, type, verdict or score, tags, expiration, comment; any other column is a field of that name.
    What is refused is told line by line on stderr, the rest is taken, and the exit code is 1.

    Example: warroom indicator import iocs.csv --verdict bad
    """
    score = score_of(verdict) if verdict is not None else None
    if verdict is not None and score is None:
        raise UsageError(f"--verdict must be unknown, good, suspicious or bad, not {verdict!r}")
    started = time.monotonic()
    with app.open() as host, _open(file) as stream, progress_bar(app.terminal, "import") as show:

        def tell(summary: Summary) -> None:
            if show is not None:
                show(Progress("import", summary.read, _estimate(stream, summary.read), "indicators"))

        summary = import_indicators(
            host.store, open_records(stream, file, wish), import_source(source),
            defaults=Defaults(kind, score), on_refusal=_refuse, on_batch=tell,
        )  # fmt: skip
    _report(summary, time.monotonic() - started)
    if summary.refused:
        click.get_current_context().exit(1)


@contextmanager
def _open(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - closed below, after the error text is decided
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    with stream:
        yield stream


def _estimate(stream: BinaryIO, read: int) -> int | None:
    # How many records there are is known only at the end; the bytes left tell it well enough for a bar.
    try:
        size, place = os.fstat(stream.fileno()).st_size, os.lseek(stream.fileno(), 0, os.SEEK_CUR)
    except OSError:
        return None
    return read * size // place if place and size else None


def _refuse(line: int, value: str, reason: str) -> None:
    shown = value.encode("utf-8", "backslashreplace").decode()
    click.echo(f"line {line}: {shown[:_SHOWN]}: {reason}", err=True)


def _report(summary: Summary, seconds: float) -> None:
    counts = ("created", "updated", "unchanged", "excluded", "refused")
    told = ", ".join(f"{getattr(summary, name):,} {name}" for name in counts if getattr(summary, name))
    rate = summary.read / seconds if seconds else 0
    click.echo(f"{summary.read:,} read: {told or 'nothing'} ({seconds:.1f} s, {rate:,.0f} per second)")
