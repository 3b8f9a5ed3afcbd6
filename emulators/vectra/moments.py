"""Moments as Vectra writes them. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?Z?)?")


def moment(seconds: float) -> str:
    """`2025-02-03T08:01:22Z` from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_moment(text: str) -> str | None:
    """A moment in UTC, from the date alone up to microseconds, in a form that compares as text; None if it is none."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        read = datetime.fromisoformat(_padded(text)).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return read.strftime("%Y-%m-%dT%H:%M:%SZ" if not read.microsecond else "%Y-%m-%dT%H:%M:%S.%fZ")


def _padded(text: str) -> str:
    """Python 3.10 reads fractions of three or six digits only, and no Z."""
    whole, dot, fraction = text.removesuffix("Z").partition(".")
    return whole + dot + fraction.ljust(6, "0") if dot else whole
