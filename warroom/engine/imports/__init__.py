"""Indicators out of files: any of five formats, read piece by piece, stored in batches."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from warroom.core.indicators import Source
from warroom.engine.imports.formats import FORMATS, READERS, Format, detect_format, encoding_of
from warroom.engine.imports.items import Defaults, Item, NotTaken, to_item
from warroom.engine.imports.records import Record
from warroom.store import Store

BATCH = 4000
PEEK = 1 << 16
IMPORT_RELIABILITY = "A - Completely reliable"
OnRefusal = Callable[[int, str, str], None]

__all__ = ["FORMATS", "Defaults", "Format", "Summary", "import_indicators", "import_source", "open_records"]


@dataclass
class Summary:
    """Counts of an import."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    excluded: int = 0
    refused: int = 0

    @property
    def read(self) -> int:
        """All records that were looked at."""
        return self.created + self.updated + self.unchanged + self.excluded + self.refused


def import_source(brand: str = "Import") -> Source:
    """The source that imported indicators are stored under; importing under one brand again updates what it said."""
    return Source(brand, brand, f"import:{brand.casefold()}", IMPORT_RELIABILITY)


def open_records(stream: BinaryIO, name: str, wish: Format | None = None) -> Iterator[Record]:
    """The records of a file or pipe, format and encoding recognised. Raises UsageError for a broken file."""
    buffered = io.BufferedReader(stream, PEEK) if isinstance(stream, io.RawIOBase) else stream
    start = buffered.peek(PEEK) if isinstance(buffered, io.BufferedReader) else b""
    text = io.TextIOWrapper(buffered, encoding=encoding_of(start), errors="surrogateescape", newline="")
    try:
        yield from READERS[wish or detect_format(name, start)](text)
    finally:
        text.detach()


def import_indicators(
    store: Store,
    records: Iterable[Record],
    source: Source,
    *,
    defaults: Defaults,
    on_refusal: OnRefusal,
    on_batch: Callable[[Summary], None] = lambda summary: None,
) -> Summary:
    """Stores every record that is an indicator; the others go to `on_refusal(line, value, reason)`.

    Each batch is stored as one transaction, so an import that is cut off keeps what it had stored.
    """
    summary = Summary()
    rest = iter(records)
    while chunk := list(islice(rest, BATCH)):
        items, lines = _items(chunk, defaults, summary, on_refusal)
        result = store.indicators.apply(items, source)
        summary.created += result.created
        summary.updated += result.updated
        summary.unchanged += result.unchanged
        summary.excluded += result.excluded
        for refusal in result.refused:
            summary.refused += 1
            on_refusal(lines[refusal.index], str(refusal.value), refusal.reason)
        on_batch(summary)
    return summary


def _items(
    chunk: list[Record], defaults: Defaults, summary: Summary, on_refusal: OnRefusal
) -> tuple[list[Item], list[int]]:
    items: list[Item] = []
    lines: list[int] = []
    for record in chunk:
        try:
            items.append(to_item(record, defaults))
            lines.append(record.line)
        except NotTaken as refused:
            summary.refused += 1
            on_refusal(record.line, record.shown, str(refused))
    return items, lines
