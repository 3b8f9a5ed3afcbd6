"""What a script put into the context. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Rows = list[dict[str, Any]]


def outputs(entries: Sequence[Mapping[str, Any]], prefix: str) -> Rows:
    """What entries put into the context under a prefix."""
    found: Rows = []
    for entry in entries:
        for key, value in (entry.get("EntryContext") or {}).items():
            if key.partition("(")[0] == prefix:
                found += [row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict)]
    return found
