"""Markdown tables."""
# ruff: noqa: N802, N803 (the names are the server's)

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from warroom.runtime.common.text import stringEscapeMD

__all__ = ["JsonTransformer", "formatCell", "tableToMarkdown", "tblToMd", "url_to_clickable_markdown"]

NO_ENTRIES = "**No entries.**\n"


class JsonTransformer:
    """How a cell that holds a dict or list is shown: chosen `keys` only, or by an own function.

    `is_nested` looks for the keys at any depth. Without keys and function the cell is shown as any other.
    """

    def __init__(
        self, keys: Sequence[str] | None = None, is_nested: bool = False, func: Callable[[Any], str] | None = None
    ) -> None:
        self.keys = tuple(keys or ())
        self.is_nested = is_nested
        self.func = func

    def json_to_str(self, json_input: Any, is_pretty: bool = True) -> str:
        """The text of the cell."""
        if self.func is not None:
            return self.func(json_input)
        if not self.keys or not isinstance(json_input, (dict, list)):
            return formatCell(json_input, is_pretty)
        if isinstance(json_input, list):
            return ",\n".join(self.json_to_str(item, is_pretty) for item in json_input)
        found = {key: value for key, value in self._pairs(json_input) if key in self.keys}
        return formatCell(found, is_pretty)

    def _pairs(self, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, list):
            for item in value:
                yield from self._pairs(item)
        elif isinstance(value, dict):
            for key, item in value.items():
                yield key, item
                if self.is_nested and key not in self.keys:
                    yield from self._pairs(item)


def formatCell(data: Any, is_pretty: bool = True, json_transform: JsonTransformer | None = None) -> str:
    """The text of one cell: dicts as lines `key: value`, lists with their items separated by commas and line ends."""
    if json_transform is not None:
        return json_transform.json_to_str(data, is_pretty)
    if data is None:
        return ""
    if isinstance(data, dict):
        return "\n".join(f"{key}: {_nested(value)}" for key, value in data.items())
    if isinstance(data, (list, tuple, set)):
        return ",\n".join(formatCell(item, is_pretty) for item in data)
    return str(data)


def _nested(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list)) else str(value)


def url_to_clickable_markdown(data: Any, url_keys: Sequence[str]) -> Any:
    """The same data with each text below one of `url_keys`, at any depth, as a Markdown link."""
    if isinstance(data, list):
        return [url_to_clickable_markdown(item, url_keys) for item in data]
    if isinstance(data, dict):
        return {k: _link(v) if k in url_keys else url_to_clickable_markdown(v, url_keys) for k, v in data.items()}
    return data


def _link(value: Any) -> Any:
    if isinstance(value, list):
        return [_link(item) for item in value]
    return f"[{value}]({value})" if value and isinstance(value, str) else value


def tableToMarkdown(
    name: str,
    t: Any,
    headers: str | Sequence[str] | None = None,
    headerTransform: Callable[[Any], str] | None = None,
    removeNull: bool = False,
    metadata: str | None = None,
    url_keys: Sequence[str] | None = None,
    date_fields: Sequence[str] | None = None,
    json_transform_mapping: Mapping[str, JsonTransformer] | None = None,
    is_auto_json_transform: bool = False,
    sort_headers: bool = True,
) -> str:
    """A Markdown table under a third-level heading.

    `t` is a dict (one row), a list of dicts, or a list of plain values below the first header. Without `headers` the
    columns are the keys of the first row only, sorted unless `sort_headers` is False. A dict of one key that holds a
    list gives one row for each item. `removeNull` leaves out columns without any value; `date_fields` hold the epoch
    in milliseconds and are shown in local time. Raises ValueError for plain values without a header.
    """
    title = (f"### {name}\n" if name else "") + (f"{metadata}\n" if metadata else "")
    rows, columns = _rows(url_to_clickable_markdown(t, url_keys) if url_keys else t, headers, sort_headers)
    if removeNull:
        columns = [column for column in columns if any(_has_value(row.get(column)) for row in rows)]
    if not rows or not columns:
        return title + NO_ENTRIES
    transforms = _transforms(columns, json_transform_mapping, is_auto_json_transform)
    lines = ["|" + "|".join(str(headerTransform(c) if headerTransform else c) for c in columns) + "|"]
    lines.append("|" + "|".join(["---"] * len(columns)) + "|")
    dated = [_with_dates(row, date_fields) for row in rows] if date_fields else rows
    lines += ["| " + " | ".join(_cell(row.get(c), transforms.get(c)) for c in columns) + " |" for row in dated]
    return title + "\n".join(lines) + "\n"


tblToMd = tableToMarkdown  # noqa: N816


def _rows(t: Any, headers: str | Sequence[str] | None, sort: bool) -> tuple[list[dict[str, Any]], list[str]]:
    columns = [headers] if isinstance(headers, str) else list(headers or ())
    if not t:
        return [], columns
    if isinstance(t, dict) and len(t) == 1:
        key, value = next(iter(t.items()))
        if isinstance(value, list) and value and not isinstance(value[0], dict):
            t, columns = value, columns or [key]
    items = t if isinstance(t, list) else [t]
    if isinstance(items[0], dict):
        return items, columns or (sorted(items[0]) if sort else list(items[0]))
    if not columns:
        raise ValueError("tableToMarkdown: plain values need a header, for example headers=['Value']")
    return [{columns[0]: item} for item in items], columns[:1]


def _has_value(value: Any) -> bool:
    return value not in (None, "", [], {})


def _transforms(
    columns: Sequence[str], mapping: Mapping[str, JsonTransformer] | None, automatic: bool
) -> dict[str, JsonTransformer]:
    found = {column: JsonTransformer(is_nested=True) for column in columns} if automatic else {}
    return {**found, **(mapping or {})}


def _with_dates(row: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    return {**row, **{field: _local_time(row[field]) for field in fields if row.get(field)}}


def _local_time(milliseconds: Any) -> Any:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ006 (shown as such)
    except (TypeError, ValueError, OverflowError, OSError):
        return milliseconds


def _cell(value: Any, transform: JsonTransformer | None) -> str:
    return stringEscapeMD(formatCell(value, False, transform), minimal_escaping=True, escape_multiline=True)
