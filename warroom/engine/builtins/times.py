"""Commands about time and polling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone

from dateutil.relativedelta import relativedelta

from warroom.content import Argument
from warroom.core.dates import to_micros
from warroom.core.expression_errors import Unsupported
from warroom.engine.builtins.desk import Args, Desk, Entries, builtin, note, texts
from warroom.engine.errors import ServerError

SLEEP, POLL, SCHEDULE = "Sleep", "RunPollingCommand", "ScheduleGenericPolling"
_HTTP = "%a, %d %b %Y %H:%M:%S GMT"
_FORMATS: Mapping[str, Callable[[datetime], str]] = {
    "": lambda when: when.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (UTC)"),
    "iso": lambda when: when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z",
    "utc": lambda when: when.strftime(_HTTP),
    "gmt": lambda when: when.strftime(_HTTP),
    "year": lambda when: str(when.year),
    # As in JavaScript, months count from 0 and days of the week from Sunday.
    "month": lambda when: str(when.month - 1),
    "day": lambda when: str(when.day),
    "dayinweek": lambda when: str(when.isoweekday() % 7),
    "hours": lambda when: str(when.hour),
}


def seconds_to_sleep(args: Args) -> float:
    """The seconds that Sleep is asked for. Raises ServerError for anything but a number from 0 on."""
    try:
        seconds = float(str(args["seconds"]))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ServerError(f"seconds must be a number of at least 0, not {args['seconds']!r}")
    return seconds


def polled_command(args: Args) -> tuple[str, dict[str, str]]:
    """The command that a polling asks for, and its arguments. Raises ServerError when names and values do not pair."""
    names, values = (texts(args.get(f"additionalPollingCommandArg{kind}")) for kind in ("Names", "Values"))
    if len(names) != len(values):
        raise ServerError(f"the polling command has {len(names)} additional argument names and {len(values)} values")
    ids = ",".join(texts(args["ids"]))
    more = dict(zip(names, values, strict=True))
    return str(args["pollingCommand"]), {str(args["pollingCommandArgName"]): ids, **more}


def _sleep(desk: Desk, args: Args) -> str:
    desk.sleep(seconds_to_sleep(args))
    return f"Slept for {args['seconds']} seconds"


def _poll(desk: Desk, args: Args) -> Entries:
    return desk.run(*polled_command(args))


def _schedule(desk: Desk, args: Args) -> Entries:
    raise ServerError(f"!{SCHEDULE} can be run by a task of a playbook only")


def _time(desk: Desk, args: Args) -> Entries:
    if args.get("contextKey"):
        raise Unsupported("contextKey of GetTime")
    wanted = str(args.get("dateFormat") or "").casefold()
    if wanted not in _FORMATS:
        raise Unsupported(f"dateFormat {args['dateFormat']} of GetTime")
    when = _moment(desk, args)
    told = _FORMATS[wanted](when)
    return [note(told, {"TimeNowUnix": round(when.timestamp() * 1000), "TimeNow": told})]


def _moment(desk: Desk, args: Args) -> datetime:
    given = args.get("date")
    micros = to_micros(given) if given else round(desk.clock() * 1_000_000)
    if micros is None:
        raise ServerError(f"date {given!r} is not understood")
    base = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=micros)
    counts = {unit: _count(args, f"{unit}Ago") for unit in ("minutes", "hours", "days", "months", "years")}
    base -= relativedelta(months=counts["months"], years=counts["years"])
    return base - timedelta(minutes=counts["minutes"], hours=counts["hours"], days=counts["days"])


def _count(args: Args, name: str) -> int:
    text = str(args.get(name) or "0")
    if not text.isdecimal():
        raise ServerError(f"{name} must be a whole number, not {text!r}")
    return int(text)


_POLLING = (
    Argument("ids", required=True, is_array=True), Argument("pollingCommand", required=True),
    Argument("pollingCommandArgName", required=True, default_value="ids"),
    Argument("additionalPollingCommandArgNames", is_array=True),
    Argument("additionalPollingCommandArgValues", is_array=True), Argument("extractMode"),
)  # fmt: skip
COMMANDS = (
    builtin(SLEEP, "Waits.", _sleep, Argument("seconds", required=True, is_default=True), lasting=True),
    builtin("GetTime", "Gives the time, now or of a date, and minus what is asked for.", _time,
            Argument("date", is_default=True), Argument("dateFormat"), Argument("contextKey"),
            *(Argument(f"{unit}Ago") for unit in ("minutes", "hours", "days", "months", "years")),
            outputs=("TimeNow", "TimeNowUnix")),
    builtin(POLL, "Runs a polling command once.", _poll, *_POLLING, lasting=True),
    builtin(SCHEDULE, "Runs a polling command until dt finds none of the ids any more.", _schedule, *_POLLING,
            Argument("dt", required=True), Argument("interval", required=True), Argument("timeout", required=True),
            Argument("playbookId"), Argument("tag", default_value="polling")),
)  # fmt: skip
