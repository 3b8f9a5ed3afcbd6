"""The text form of insert_csv: header line, then one indicator per line. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from emulators.kit import Refused

_PLAIN = ("indicator", "type", "severity", "expiration_date", "comment", "reputation", "reliability", "class")
_VENDOR = {"vendor.name": "vendor_name", "vendor.reputation": "reputation", "vendor.reliability": "reliability"}
_COLUMNS = frozenset({*_PLAIN, *_VENDOR})
_REQUIRED = frozenset({"indicator", "type", "severity"})


def csv_records(text: str) -> Iterator[dict[str, Any]]:
    """Records in the form of insert_jsons; an empty cell is an absent key.

    Raises Refused(400): header with unknown, repeated or missing columns, a line with another number of cells.
    """
    lines = csv.reader(io.StringIO(text), strict=True)
    try:
        header = next(lines, [])
        _check_header(header)
        for cells in lines:
            if cells:
                yield _record(header, cells, lines.line_num)
    except csv.Error as error:
        raise Refused(400, f"request_data, line {lines.line_num}: not CSV ({error})") from None


def _check_header(header: list[str]) -> None:
    if not (_REQUIRED <= set(header) <= _COLUMNS) or len(set(header)) != len(header):
        known = ", ".join((*_PLAIN, *_VENDOR))
        raise Refused(400, f"request_data: the header line must have indicator, type and severity, out of: {known}")


def _record(header: list[str], cells: list[str], line: int) -> dict[str, Any]:
    if len(cells) != len(header):
        raise Refused(400, f"request_data, line {line}: {len(cells)} cells, but the header has {len(header)}")
    filled = {name: cell for name, cell in zip(header, cells, strict=True) if cell or name in _REQUIRED}
    record: dict[str, Any] = {name: cell for name, cell in filled.items() if name in _PLAIN}
    vendor = {_VENDOR[name]: cell for name, cell in filled.items() if name in _VENDOR}
    if vendor:
        record["vendors"] = [vendor]
    if _is_number(record.get("expiration_date", "")):
        record["expiration_date"] = int(record["expiration_date"])
    return record


def _is_number(cell: str) -> bool:
    return cell.removeprefix("-").isdecimal()
