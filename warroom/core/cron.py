"""When a cron line comes due. Five fields: minute, hour, day of month, month, weekday (0 and 7 are Sunday)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_WEEKDAYS = "sun mon tue wed thu fri sat".split()
_NAMES = {
    "month": {name: number for number, name in enumerate(_MONTHS, 1)},
    "weekday": {name: number for number, name in enumerate(_WEEKDAYS)},
}
# A day such as 29 February comes again within eight years, whatever its weekday was asked for comes within forty.
_YEARS_AHEAD = 41


class CronError(ValueError):
    """A cron line that cannot be read, or that never comes due."""


@dataclass(frozen=True)
class Cron:
    """A parsed line. `any_day` and `any_weekday` say which of the two fields for days were left open."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def on(self, when: datetime) -> bool:
        """Whether the line comes due on the day of `when`. With both fields for days given either is enough."""
        if when.month not in self.months:
            return False
        by_day = when.day in self.days
        by_weekday = (when.weekday() + 1) % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def parse(line: str) -> Cron:
    """The parsed line. Raises CronError naming the field that is wrong."""
    fields = line.split()
    if len(fields) != len(_FIELDS):
        raise CronError(f"{line!r} must have 5 fields: minute hour day month weekday")
    minutes, hours, days, months, weekdays = (
        _numbers(text, *limits) for text, limits in zip(fields, _FIELDS, strict=True)
    )
    sundays_as_0 = frozenset(number % 7 for number in weekdays)
    return Cron(minutes, hours, days, months, sundays_as_0, fields[2][0] in "*?", fields[4][0] in "*?")


def next_time(cron: Cron, after: datetime) -> datetime:
    """The first time after `after` that comes due, on the wall clock of its time zone, to the minute.

    Raises CronError for a day that no calendar has.
    """
    first = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for day in _days(first):
        if not cron.on(day):
            continue
        for hour in sorted(cron.hours):
            for minute in sorted(cron.minutes):
                when = day.replace(hour=hour, minute=minute)
                if when >= first:
                    return when
    raise CronError("there is no such day")


def _days(first: datetime) -> Iterator[datetime]:
    day = first.replace(hour=0, minute=0)
    for _ in range(366 * _YEARS_AHEAD):
        yield day
        day += timedelta(days=1)


def _numbers(text: str, name: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for piece in text.split(","):
        span, slash, step = piece.partition("/")
        first, last = _span(span, name, low, high, stepped=bool(slash))
        width = _number(step, name, 1, high) if slash else 1
        found.update(range(first, last + 1, width))
    return frozenset(found)


def _span(text: str, name: str, low: int, high: int, *, stepped: bool) -> tuple[int, int]:
    if text in ("*", "?"):
        # As a weekday 7 is only another name of 0.
        return low, 6 if name == "weekday" else high
    first, dash, last = text.partition("-")
    start = _number(first, name, low, high)
    end = _number(last, name, low, high) if dash else (high if stepped else start)
    if end < start:
        raise CronError(f"{name}: {text!r} runs backwards")
    return start, end


def _number(text: str, name: str, low: int, high: int) -> int:
    known = _NAMES.get(name, {})
    if text.lower() in known:
        return known[text.lower()]
    if not text.isdecimal() or not low <= int(text) <= high:
        raise CronError(f"{name}: must be between {low} and {high}, not {text!r}")
    return int(text)
