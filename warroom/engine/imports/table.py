"""CSV: a heading names the columns, one of them `value`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from warroom.engine.errors import UsageError
from warroom.engine.imports.records import Record

_VALUE_NAMES = ("value", "indicator", "ioc")
_DELIMITERS = ",;\t|"
FIELD_LIMIT = 1 << 20


def read_table(stream: TextIO) -> Iterator[Record]:
    """Records by column name in lower case. The delimiter (comma, semicolon, tab, bar) is the one of the heading.

    A file of one column needs no heading. Raises UsageError when there are several columns and none is called value.
    """
    csv.field_size_limit(FIELD_LIMIT)
    heading = stream.readline()
    delimiter = max(_DELIMITERS, key=heading.count)
    columns = [name.strip().lower() for name in next(csv.reader([heading], delimiter=delimiter), [])]
    first: list[list[str]] = []
    if not set(columns) & set(_VALUE_NAMES):
        if len(columns) > 1:
            raise UsageError(f"the heading has no column value; its columns are: {', '.join(columns)}")
        first, columns = [[heading.strip()]], ["value"]
    columns = ["value" if name in _VALUE_NAMES else name for name in columns]
    for values in first:
        if values[0]:
            yield Record(1, {"value": values[0]})
    yield from _rows(stream, columns, delimiter)


def _rows(stream: TextIO, columns: list[str], delimiter: str) -> Iterator[Record]:
    reader = csv.reader(stream, delimiter=delimiter)
    width = len(columns)
    while True:
        line = reader.line_num + 2
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(line, reason=f"is not CSV: {error}")
            continue
        if not row or row == [""]:
            continue
        data: dict[str, Any] = dict(zip(columns, row, strict=False))
        if len(row) > width:
            yield Record(line, data, f"has {len(row)} cells, the heading {width}")
        else:
            yield Record(line, data)
