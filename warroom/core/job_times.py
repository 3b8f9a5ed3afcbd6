"""When a job comes due. Times are seconds since 1970; cron lines are read on the wall clock of the job's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from math import ceil
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from warroom.core.cron import CronError, next_time, parse
from warroom.core.playbook import Job

# More missed runs than this are told as "so many or more"; they are counted to be told, not to be run.
MOST_MISSED = 1000


@dataclass(frozen=True)
class Overdue:
    """The due times that have passed: how many (at most MOST_MISSED), the first one and the last one."""

    count: int
    first: float
    last: float


def seconds_of(text: str) -> float | None:
    """An ISO 8601 time; without a zone it is UTC. None for anything else."""
    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()


def zone_of(job: Job) -> tzinfo | None:
    """The time zone of the job's cron line, None for that of the host. Raises CronError for an unknown name."""
    if not job.timezone:
        return None
    try:
        return ZoneInfo(job.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise CronError(f"timezone: {job.timezone!r} is not known here") from error


def next_due(job: Job, after: float, known_since: float) -> float | None:
    """The first due time after `after`, None when there is none any more, and for feed jobs.

    A periodic job is due when the home first knows it (`known_since`), or on the grid of its start, then every
    period; a job with a start alone is due once. Raises CronError for a cron line that cannot be read.
    """
    begins, ends = seconds_of(job.start), seconds_of(job.end)
    if job.by_feed:
        due = None
    elif job.cron:
        due = _by_cron(job, after if begins is None else max(after, begins - 1))
    elif job.period_seconds > 0:
        due = _by_period(known_since if begins is None else begins, job.period_seconds, after)
    else:
        due = begins if begins is not None and begins > after else None
    return None if due is not None and ends is not None and due > ends else due


def overdue(job: Job, after: float, now: float, known_since: float) -> Overdue | None:
    """The due times after `after` up to `now`, None when there are none. Raises CronError as `next_due` does."""
    first = due = next_due(job, after, known_since)
    if first is None or first > now:
        return None
    if not job.cron and job.period_seconds > 0:
        return _periods(job, first, now)
    count, last = 0, first
    while due is not None and due <= now and count < MOST_MISSED:
        count, last = count + 1, due
        due = next_due(job, due, known_since)
    return Overdue(count, first, last)


def when_text(job: Job) -> str:
    """When it runs, in a few words."""
    if job.by_feed:
        return "after any feed changes" if job.all_feeds else f"after {', '.join(job.feeds)} changes"
    if job.cron:
        return f"cron {job.cron}" + (f" ({job.timezone})" if job.timezone else "")
    if job.period_seconds > 0:
        return f"every {period_text(job.period_seconds)}"
    return f"once at {job.start}" if job.start else "never"


def period_text(seconds: float) -> str:
    """5 minutes, 1 hour, 2 days, 90 seconds: the largest unit that leaves no rest."""
    for unit, size in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            many = int(seconds // size)
            return f"{many} {unit}" + ("s" if many > 1 else "")
    return f"{seconds:g} seconds"


def _by_cron(job: Job, after: float) -> float:
    # A naive time reads the wall clock of this machine, summer time included.
    return next_time(parse(job.cron), datetime.fromtimestamp(after, zone_of(job))).timestamp()


def _by_period(anchor: float, period: float, after: float) -> float:
    if after < anchor:
        return anchor
    steps = ceil((after - anchor) / period)
    due = anchor + steps * period
    return due if due > after else due + period


def _periods(job: Job, first: float, now: float) -> Overdue:
    ends = seconds_of(job.end)
    until = now if ends is None else min(now, ends)
    steps = int((until - first) // job.period_seconds)
    return Overdue(min(steps + 1, MOST_MISSED), first, first + steps * job.period_seconds)
