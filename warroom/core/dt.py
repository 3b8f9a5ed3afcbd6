"""The context query language (DT)."""

from __future__ import annotations

from typing import Any


def evaluate(root: Any, expression: str, *, now: float | None = None) -> Any:
    """What an expression finds in `root`: None for nothing. `now` (seconds since 1970) is for those that ask for it.

    Raises ExpressionError for text that is no expression, Unsupported for what the house has not.
    """
    raise NotImplementedError
