"""What a reader of any format gives: one record per indicator, still as the file has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

CHUNK = 1 << 16


@dataclass(frozen=True)
class Record:
    """One indicator of a file. `line` counts from 1 and is the line where it begins. `reason` says why it is refused,
    None when it is not."""

    line: int
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None

    @property
    def shown(self) -> str:
        """The value for a message, as far as there is one."""
        return str(self.data.get("value") or self.data.get("id") or "")


def read_lines(stream: TextIO) -> Iterator[Record]:
    """One value per line; blank lines and lines that begin with # say nothing."""
    for number, line in enumerate(stream, 1):
        value = line.strip()
        if value and not value.startswith("#"):
            yield Record(number, {"value": value})
