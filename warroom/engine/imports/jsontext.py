"""JSON that is read piece by piece, so that the size of a file does not matter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

import orjson

from warroom.engine.errors import UsageError
from warroom.engine.imports.records import CHUNK, Record

_SPACE = " \t\r\n"
_LISTS = ("indicators", "iocs", "objects", "data")


class BrokenText(UsageError):
    """JSON that cannot be read on from a line (counted from 1)."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class Scanner:
    """Walks over a JSON text of any length with a small window of it in memory. `line` counts from 1."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._chunk = CHUNK
        self._ended = False
        self.line = 1

    def peek(self) -> str:
        """The next character that is not blank, "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self.line += self._text[self._at] == "\n"
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, expected: str) -> bool:
        """Steps over `expected` when it comes next."""
        found = self.peek() == expected
        self._at += found
        return found

    def value(self) -> Any:
        """The JSON value that comes next. Raises BrokenText when there is none."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # It may only be cut off by the window; growing steps keep that from being quadratic.
                if self._more():
                    continue
                raise BrokenText(self.line, f"is not valid JSON: {error.msg}") from None
            if end == len(self._text) and not self._ended and self._more():
                continue
            self.line += self._text.count("\n", self._at, end)
            self._at = end
            self._chunk = CHUNK
            return value

    def items(self) -> Iterator[tuple[int, Any]]:
        """The items of the list that comes next, each with its line. Raises BrokenText."""
        if not self.take("["):
            raise BrokenText(self.line, "a JSON list was expected")
        if self.take("]"):
            return
        while True:
            self.peek()
            line = self.line
            yield line, self.value()
            if self.take("]"):
                return
            if not self.take(","):
                raise BrokenText(self.line, "a comma or ] is missing in the JSON list")

    def _more(self) -> bool:
        read = "" if self._ended else self._stream.read(self._chunk)
        self._chunk *= 2
        self._ended = not read
        self._text = self._text[self._at :] + read
        self._at = 0
        return bool(read)


def list_items(stream: TextIO, names: tuple[str, ...] = _LISTS) -> Iterator[tuple[int, Any]]:
    """The items of a JSON list, or of the list under one of `names` in a JSON object, with lines. Raises BrokenText."""
    scanner = Scanner(stream)
    if scanner.peek() == "[":
        yield from scanner.items()
        return
    if not scanner.take("{"):
        raise BrokenText(scanner.line, "a JSON list or object was expected")
    while not scanner.take("}"):
        key = scanner.value()
        if not scanner.take(":"):
            raise BrokenText(scanner.line, "a colon is missing in the JSON object")
        if key in names and scanner.peek() == "[":
            yield from scanner.items()
        else:
            scanner.value()
        if not scanner.take(",") and scanner.peek() != "}":
            raise BrokenText(scanner.line, "a comma or } is missing in the JSON object")


def read_json(stream: TextIO) -> Iterator[Record]:
    """A list of objects or of values, plain or under indicators, iocs or data."""
    yield from guarded(stream, _LISTS, lambda line, item: [as_record(line, item)])


def guarded(
    stream: TextIO, names: tuple[str, ...], records: Callable[[int, Any], Iterable[Record]]
) -> Iterator[Record]:
    """The records of every item. A text that breaks after its first item ends with a refused record, so that what
    came before is taken; one that breaks before raises BrokenText."""
    begun = False
    try:
        for line, item in list_items(stream, names):
            begun = True
            yield from records(line, item)
    except BrokenText as broken:
        if not begun:
            raise
        yield Record(broken.line, reason=f"{broken.reason}; the rest of the file was not read")


def read_json_lines(stream: TextIO) -> Iterator[Record]:
    """One object or value per line."""
    for line, text in enumerate(stream, 1):
        if not text.strip():
            continue
        try:
            yield as_record(line, orjson.loads(text))
        except orjson.JSONDecodeError as error:
            yield Record(line, {"value": text.strip()[:100]}, f"is not valid JSON: {error}")


def as_record(line: int, item: Any) -> Record:
    """One JSON item as a record; anything but an object or a text is refused."""
    if isinstance(item, dict):
        return Record(line, {key.strip().lower() if key != "CustomFields" else key: item[key] for key in item})
    if isinstance(item, str):
        return Record(line, {"value": item})
    return Record(line, {"value": str(item)[:100]}, "is neither an object nor a text")
