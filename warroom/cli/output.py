"""Results on the terminal: tables where a person reads, plain lines or JSON elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
import orjson

from warroom.cli.app import Terminal


def print_json(value: Any) -> None:
    """One JSON document on one line."""
    click.echo(orjson.dumps(value, default=str))


def print_rows(terminal: Terminal, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with headings on a terminal; else one line per row, cells between tabs, without headings."""
    texts = ([plain_text(cell) for cell in row] for row in rows)
    if not terminal.shows:
        for row in texts:
            click.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in texts:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def print_pairs(terminal: Terminal, pairs: Mapping[str, Any]) -> None:
    """Names and values, one pair per line."""
    print_rows(terminal, ("Name", "Value"), pairs.items())


def print_markdown(terminal: Terminal, text: str) -> None:
    """Human-readable output of a command: laid out on a terminal, as it is elsewhere."""
    if not terminal.shows:
        click.echo(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))


def plain_text(value: Any) -> str:
    """Any JSON value as text for a person: lists with commas, objects as JSON, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain_text(item) for item in value)
    if isinstance(value, Mapping):
        return orjson.dumps(value, default=str).decode()
    return str(value)
