"""The context of a run as a value: every function gives a new one and leaves the old one as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Context = Mapping[str, Any]


def merged(context: Context, entry_context: Mapping[str, Any]) -> dict[str, Any]:
    """The context after the outputs of an entry (`EntryContext`) were written to it."""
    raise NotImplementedError


def appended(context: Context, path: str, value: Any) -> dict[str, Any]:
    """The context with one more value at a dotted path: the second write there makes a list."""
    raise NotImplementedError


def replaced(context: Context, path: str, value: Any) -> dict[str, Any]:
    """The context with `value` at a dotted path, whatever was there."""
    raise NotImplementedError


def removed(context: Context, path: str) -> dict[str, Any]:
    """The context without what a dotted path names; unchanged when it names nothing."""
    raise NotImplementedError


def read(context: Context, path: str) -> Any:
    """What a path (`warroom.core.dt`) names; None for nothing."""
    raise NotImplementedError
