"""`warroom indicator export`."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click
import orjson

from warroom.cli.app import App, pass_app
from warroom.cli.output import plain_text
from warroom.cli.progress import progress_bar
from warroom.core.verdicts import NAMES
from warroom.engine import Progress, UsageError

Document = dict[str, Any]
COLUMNS = ("value", "type", "verdict", "tags", "expiration", "comment", "modified", "sourceBrands")
STEP = 1000


@click.command("export")
@click.argument("file", metavar="FILE|-")
@click.option("--query", default="", metavar="QUERY", help="Which indicators. Default: all.")
@click.option(
    "--format", "wish", type=click.Choice(["csv", "json", "jsonl", "txt"]), help="Default: by the name of FILE."
)
@click.option("--fields", default="", metavar="A,B", help="Further columns of a csv: custom fields by name.")
@pass_app
def export_command(app: App, file: str, query: str, wish: str | None, fields: str) -> None:
    """Writes indicators to FILE (- is standard output) as csv, json, jsonl or txt.

    FILE appears, or is replaced, when all is written.

    A csv can be imported again. json and jsonl hold the whole documents, txt the values alone.

    Example: warroom indicator export bad.csv --query 'reputation:Bad' --fields malwarefamily
    """
    chosen = wish or Path(file).suffix.lower().lstrip(".")
    if chosen not in WRITERS:
        raise UsageError(f"the format of {file} cannot be told: name it .csv, .json, .jsonl or .txt, or give --format")
    extra = tuple(name.strip() for name in fields.split(",") if name.strip())
    if extra and chosen != "csv":
        raise UsageError("--fields is for csv; json and jsonl hold all fields")
    with app.open() as host, progress_bar(app.terminal, "export") as show:
        total = host.store.indicators.count(query)
        with _target(file) as stream:
            documents = _counted(host.store.indicators.iterate(query), total, show)
            written = WRITERS[chosen](stream, documents, extra)
    if file != "-":
        click.echo(f"{written:,} indicators written to {file}")


def write_csv(stream: TextIO, documents: Iterable[Document], extra: tuple[str, ...] = ()) -> int:
    """A heading and one row per indicator; returns how many."""
    writer = csv.writer(stream)
    writer.writerow([*COLUMNS, *extra])
    return _each(documents, lambda document: writer.writerow([*_row(document), *_custom(document, extra)]))


def write_json(stream: TextIO, documents: Iterable[Document], extra: tuple[str, ...] = ()) -> int:
    """One JSON list, one document per line; returns how many."""
    stream.write("[")
    count = 0
    for count, document in enumerate(documents, 1):
        stream.write(("\n" if count == 1 else ",\n") + orjson.dumps(document).decode())
    stream.write("\n]\n")
    return count


def write_json_lines(stream: TextIO, documents: Iterable[Document], extra: tuple[str, ...] = ()) -> int:
    """One document per line; returns how many."""
    return _each(documents, lambda document: stream.write(orjson.dumps(document).decode() + "\n"))


def write_values(stream: TextIO, documents: Iterable[Document], extra: tuple[str, ...] = ()) -> int:
    """One value per line; returns how many."""
    return _each(documents, lambda document: stream.write(document["value"] + "\n"))


WRITERS: Mapping[str, Callable[[TextIO, Iterable[Document], tuple[str, ...]], int]] = {
    "csv": write_csv, "json": write_json, "jsonl": write_json_lines, "txt": write_values,
}  # fmt: skip


def _each(documents: Iterable[Document], write: Callable[[Document], object]) -> int:
    count = 0
    for document in documents:
        write(document)
        count += 1
    return count


def _row(document: Document) -> list[str]:
    custom = document.get("CustomFields") or {}
    remarks = [
        str(one.get("content", ""))
        for one in document.get("comments") or ()
        if one.get("type") == "IndicatorCommentRegular"
    ]
    expiration = str(document.get("expiration") or "")
    return [
        document["value"], document["indicator_type"], NAMES[document.get("score") or 0],
        ",".join(map(str, custom.get("tags") or ())), "" if expiration.startswith("0001-") else expiration,
        "; ".join(remarks), str(document.get("modified")), plain_text(document.get("sourceBrands")),
    ]  # fmt: skip


def _custom(document: Document, names: tuple[str, ...]) -> list[str]:
    custom = document.get("CustomFields") or {}
    return [plain_text(custom.get(name)) for name in names]


def _counted(documents: Iterator[Document], total: int, show: Callable[[Progress], None] | None) -> Iterator[Document]:
    for count, document in enumerate(documents, 1):
        yield document
        if show is not None and count % STEP == 0:
            show(Progress("export", count, total, "indicators"))


@contextmanager
def _target(file: str) -> Iterator[TextIO]:
    if file == "-":
        yield sys.stdout
        return
    path = Path(file)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        stream = part.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    try:
        with stream:
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
