"""Points in time as numbers and texts.

The server gives naive times, in local time unless UTC is asked for, and so do these functions.
"""
# ruff: noqa: DTZ005, DTZ006, DTZ007, N802 (naive times and names are the server's)

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from warroom.runtime.common.entries import DemistoException

__all__ = [
    "FormatIso8601", "date_to_timestamp", "datetime_to_string",
    "parse_date_range", "parse_date_string", "timestamp_to_datestring", "timestamp_to_datetime",
]  # fmt: skip

DATE_FORMAT = "%Y-%m-%dT%H:%M:%S.000Z"
SECONDS_FORMAT = "%Y-%m-%dT%H:%M:%S"
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


def timestamp_to_datetime(timestamp: Any, is_utc: bool = False) -> datetime:
    """The naive time of an epoch in milliseconds, local or UTC."""
    seconds = float(timestamp) / 1000
    if is_utc:
        return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
    return datetime.fromtimestamp(seconds)


def timestamp_to_datestring(timestamp: Any, date_format: str = DATE_FORMAT, is_utc: bool = False) -> str:
    """The text of an epoch in milliseconds, in local time or UTC. A format that ends in Z is always in UTC."""
    return timestamp_to_datetime(timestamp, is_utc or date_format.endswith("Z")).strftime(date_format)


def date_to_timestamp(date_str_or_dt: str | datetime, date_format: str = SECONDS_FORMAT) -> int:
    """The epoch in milliseconds of a time or its text, which are taken as local time unless they carry a zone."""
    time = datetime.strptime(date_str_or_dt, date_format) if isinstance(date_str_or_dt, str) else date_str_or_dt
    return int(time.timestamp() * 1000)


def datetime_to_string(datetime_obj: datetime) -> str:
    """ISO text, with fractions when there are some."""
    return datetime_obj.isoformat()


def FormatIso8601(t: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS` without fraction and zone."""
    return t.strftime(SECONDS_FORMAT)


def parse_date_range(
    date_range: str,
    date_format: str | None = None,
    to_timestamp: bool = False,
    timezone: float = 0,
    utc: bool = True,
    now: datetime | None = None,
) -> tuple[Any, Any]:
    """(start, end) of `<number> <minutes|hours|days|months|years>` before now, moved by `timezone` hours.

    Naive times, or texts in `date_format`, or epochs in milliseconds. Raises DemistoException for any other range.
    """
    number, unit = _range_parts(date_range)
    end = (now or _now(utc)) + timedelta(hours=timezone)
    start = end - _span(number, unit)
    if to_timestamp:
        return date_to_timestamp(start), date_to_timestamp(end)
    return (start.strftime(date_format), end.strftime(date_format)) if date_format else (start, end)


def _now(utc: bool) -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None) if utc else datetime.now()


def _range_parts(text: str) -> tuple[int, str]:
    parts = text.strip().lower().split()
    unit = parts[1].removesuffix("s") if len(parts) == 2 else ""
    if not unit or not parts[0].isdigit() or unit not in (*_UNIT_SECONDS, "month", "year"):
        raise DemistoException(f"{text!r} is not a date range such as '2 hours', '4 minutes', '6 months' or '1 day'")
    return int(parts[0]), unit


def _span(number: int, unit: str) -> Any:
    if unit in _UNIT_SECONDS:
        return timedelta(seconds=number * _UNIT_SECONDS[unit])
    from dateutil.relativedelta import relativedelta

    return relativedelta(**{f"{unit}s": number})  # type: ignore[arg-type]


def parse_date_string(date_string: str, date_format: str = SECONDS_FORMAT) -> datetime:
    """The time of a text in `date_format`; fractions and a zone after it are understood too.

    Raises ValueError for what is not a date.
    """
    try:
        return datetime.strptime(date_string, date_format)
    except ValueError:
        from dateutil import parser

        return parser.isoparse(date_string)
