"""Which format a file has, by its name and its first bytes. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Literal, TextIO, get_args

from warroom.engine.imports.jsontext import read_json, read_json_lines
from warroom.engine.imports.records import Record, read_lines
from warroom.engine.imports.stix import read_stix
from warroom.engine.imports.table import read_table

Format = Literal["csv", "json", "jsonl", "txt", "stix"]
FORMATS: tuple[Format, ...] = get_args(Format)
READERS: Mapping[Format, Callable[[TextIO], Iterator[Record]]] = {
    "csv": read_table, "json": read_json, "jsonl": read_json_lines, "txt": read_lines, "stix": read_stix,
}  # fmt: skip
_BY_NAME: Mapping[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "txt", ".stix": "stix",
    ".stix2": "stix",
}  # fmt: skip
_BUNDLE = re.compile(rb'"type"\s*:\s*"bundle"')
_HEADING = re.compile(rb"(?:^|[,;\t|])\s*\"?(?:value|indicator|ioc)\"?\s*(?:[,;\t|]|$)", re.IGNORECASE)


def detect_format(name: str, start: bytes) -> Format:
    """The format of a file called `name` that begins with `start`. The name decides, but for JSON the content does."""
    by_name = _BY_NAME.get(PurePath(name).suffix.lower())
    if by_name is not None:
        return by_name
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"{":
        return _of_objects(text)
    if text[:1] == b"[" and re.match(rb'\[\s*[\[{"\]]', text):
        return "json"
    first = text.split(b"\n", 1)[0].strip()
    return "csv" if _HEADING.search(first) else "txt"


def encoding_of(start: bytes) -> str:
    """UTF-8 with or without mark, or UTF-16 with one, as spreadsheets write it."""
    return "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _of_objects(text: bytes) -> Format:
    if _BUNDLE.search(text[:4096]):
        return "stix"
    # A complete object on the first line is the mark of JSON lines; a list spread over lines is plain JSON.
    first = text.split(b"\n", 1)[0].strip()
    return "jsonl" if first.endswith(b"}") and not re.match(rb'\{\s*"(?:indicators|iocs|data)"', first) else "json"
