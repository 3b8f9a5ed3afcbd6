"""Points in time as integer microseconds since 1970 UTC, and as the ISO text of documents.

Text without a zone is UTC. `NEVER` is the text for "no date"; `NO_DATE` is its number, later than
every real date so that "not yet past" is one comparison.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from dateutil.parser import isoparse
from dateutil.relativedelta import relativedelta

NEVER = "0001-01-01T00:00:00Z"
NO_DATE = 2**62
SECOND = 1_000_000
MINUTE = 60 * SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST = datetime.max.replace(tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {
    "y": "years", "year": "years",
    "mo": "months", "month": "months", "M": "months",
    "w": "weeks", "week": "weeks",
    "d": "days", "day": "days",
    "h": "hours", "hour": "hours",
    "m": "minutes", "min": "minutes", "minute": "minutes",
    "s": "seconds", "sec": "seconds", "second": "seconds",
}  # fmt: skip
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_PLAIN = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d(:?\d\d(:?\d\d(?P<fraction>[.,]\d+)?)?)?(Z|z|[+-]\d\d(:?\d\d)?)?)?)?)?")
_RELATIVE = re.compile(
    r"(?P<ahead>in\s+)?(?P<count>\d+|an?)\s+(?P<unit>[a-z]+?)s?(?P<side>\s+ago|\s+from\s+now)?", re.I
)
_MATHS = re.compile(r"now(?P<steps>(?:[+-]\d+[yMwdhms])*)")
_STEP = re.compile(r"([+-]\d+)([yMwdhms])")
ALLOWED = (
    "2024-01-31, 2024-01-31T10:00:00, 2024-01-31T10:00:00.123456+02:00, now, now-7d, "
    '"7 days ago", "2 hours from now", today, yesterday, tomorrow'
)


def to_micros(text: object) -> int | None:
    """Microseconds since 1970 UTC of an ISO 8601 text; None for anything else and for "no date" (year 1)."""
    if not isinstance(text, str) or not text or text.startswith("0001-"):
        return None
    return _iso_micros(text)


# Documents of one batch share most of their dates.
@lru_cache(maxsize=4096)
def _iso_micros(text: str) -> int | None:
    # Python versions differ in what they read; all read this shape alike, and much faster than a pattern does.
    if text[4:5] == text[7:8] == "-":
        try:
            return as_micros(datetime.fromisoformat(text.replace("Z", "+00:00")))
        except (ValueError, OverflowError):
            pass
    return _lenient_micros(text)


def _lenient_micros(text: str) -> int | None:
    if not _PLAIN.fullmatch(text):
        return None
    try:
        return as_micros(isoparse(text.replace(",", ".")))
    except (ValueError, OverflowError):
        return None


def as_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC; a moment without zone is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> str:
    """ISO text in UTC with six digits of fraction and `Z`; `NO_DATE` gives `NEVER`."""
    if micros >= NO_DATE:
        return NEVER
    seconds, rest = divmod(micros, SECOND)
    return f"{_whole_second(seconds)}.{rest:06d}Z"


# Records of one batch share their second, so nearly every call is a hit.
@lru_cache(maxsize=256)
def _whole_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def span(text: str, now: int) -> tuple[int, int] | None:
    """First microsecond of the time that `text` names, and the first one after it; None if it names none.

    The width is the precision of the text: a date is a whole day, a time to the second a whole second,
    a relative time ("7 days ago", now-7d) one microsecond. `now` is microseconds since 1970 UTC.
    """
    cleaned = text.strip()
    try:
        return _iso_span(cleaned) or _relative_span(cleaned, _EPOCH + timedelta(microseconds=now))
    except (ValueError, OverflowError):
        return None


def _iso_span(text: str) -> tuple[int, int] | None:
    shape = _PLAIN.fullmatch(text)
    if not shape:
        return None
    start = isoparse(text.replace(",", ".").upper())
    try:
        return as_micros(start), as_micros(start + _precision(text, shape["fraction"]))
    except (OverflowError, ValueError):
        # The calendar ends with the year 9999, which people write to say "for ever".
        return as_micros(start), as_micros(_LAST) + 1


def _precision(text: str, fraction: str | None) -> relativedelta:
    if fraction:
        return relativedelta(microseconds=max(1, 10 ** (6 - len(fraction[1:7]))))
    by_length = {4: relativedelta(years=1), 7: relativedelta(months=1), 10: relativedelta(days=1)}
    if len(text) in by_length:
        return by_length[len(text)]
    colons = len(re.findall(r"\d+", re.split(r"[Zz+]|-\d\d:?\d\d$", text[11:])[0].replace(":", " ")))
    return (relativedelta(hours=1), relativedelta(minutes=1), relativedelta(seconds=1))[min(colons, 3) - 1]


def _relative_span(text: str, now: datetime) -> tuple[int, int] | None:
    lowered = text.lower()
    if lowered in _DAYS:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=_DAYS[lowered])
        return as_micros(day), as_micros(day + timedelta(days=1))
    moment = _date_maths(text, now) or _spoken(text, now)
    return None if moment is None else (as_micros(moment), as_micros(moment) + 1)


def _date_maths(text: str, now: datetime) -> datetime | None:
    found = _MATHS.fullmatch(text)
    if not found:
        return None
    for count, unit in _STEP.findall(found["steps"]):
        now += _delta(_UNITS[unit], int(count))
    return now


def _spoken(text: str, now: datetime) -> datetime | None:
    found = _RELATIVE.fullmatch(text)
    if not found or found["unit"].lower() not in _UNITS or bool(found["ahead"]) == bool(found["side"]):
        return None
    count = int(found["count"]) if found["count"].isdigit() else 1
    back = bool(found["side"]) and "ago" in found["side"].lower()
    return now + _delta(_UNITS[found["unit"].lower()], -count if back else count)


def _delta(unit: str, count: int) -> relativedelta:
    return relativedelta(**{unit: count})  # type: ignore[arg-type]
