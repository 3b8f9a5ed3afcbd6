"""Times as the vendor writes and takes them."""

from __future__ import annotations

from datetime import datetime, timezone

from emulators.kit import Call, Refused

DAY_SECONDS = 86_400
LONGEST_SECONDS = 31 * DAY_SECONDS
# A client takes some time from reading its clock to the request.
_GRACE_SECONDS = 60
WINDOW_QUERY = frozenset({"t0", "timespan"})


def iso(seconds: float) -> str:
    """Seconds since the epoch as `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def window_start(call: Call, now: float) -> float:
    """The beginning of the asked time span, a day by default.

    Raises Refused(400) for both of `t0` and `timespan`, and for anything longer than 31 days.
    """
    given = call.request.args
    if "t0" in given and "timespan" in given:
        raise Refused(400, "Specify only one of 't0' and 'timespan'")
    if "t0" in given:
        return _start(given["t0"], now)
    seconds = _number(given.get("timespan", str(DAY_SECONDS)))
    if not 0 < seconds <= LONGEST_SECONDS:
        raise Refused(400, "'timespan' must be a number of seconds, and at most 31 days")
    return now - seconds


def _start(text: str, now: float) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        begin = _number(text)
    else:
        begin = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    if not now - LONGEST_SECONDS - _GRACE_SECONDS <= begin <= now + _GRACE_SECONDS:
        raise Refused(400, "'t0' must be a time within the last 31 days")
    return begin


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0
