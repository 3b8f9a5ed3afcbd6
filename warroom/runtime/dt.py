"""The part of the context query language that needs no script engine: dotted paths."""

from __future__ import annotations

import re
from typing import Any

_PATH = re.compile(r"(?!.*---)[\w\- ]+(\.[\w\- ]+)*")


def evaluate(obj: Any, expression: str) -> Any:
    """The value at a dotted path. A list on the way gives the list of what its items hold, None when none holds it.

    Raises ValueError for selectors, ranges, mutators and bindings; its text names the expression.
    """
    if not _PATH.fullmatch(expression):
        raise ValueError(f"dt({expression!r}): only dotted paths such as 'a.b.c' can be evaluated here")
    value = obj
    for step in expression.split("."):
        value = _step(value, step)
    return value


def _step(value: Any, key: str) -> Any:
    if isinstance(value, list):
        found = [_step(item, key) for item in value]
        return [item for item in found if item is not None] or None
    return value.get(key) if isinstance(value, dict) else None
