"""Commands that ask to be run again: scheduled ones, and those that a polling sub-playbook repeats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from warroom.core.context import read
from warroom.engine.builtins.desk import texts
from warroom.engine.builtins.times import polled_command
from warroom.engine.errors import ServerError
from warroom.engine.playbooks.state import Later
from warroom.engine.playbooks.work import Outcome, Work
from warroom.engine.results import RunResult

SHORTEST_SECONDS = 10.0
DONE_LABEL = "YES"


def scheduled(work: Work, results: Sequence[RunResult]) -> Later | None:
    """The next round that the entries of a command ask for; None when none of them does."""
    calls, waits, limits = [], [SHORTEST_SECONDS], [0.0]
    for result in results:
        for entry in result.entries:
            if not entry.get("PollingCommand"):
                continue
            using = [] if result.brand in ("Scripts", "Builtin") else [result.instance]
            args = {name: value for name, value in (entry.get("PollingArgs") or {}).items() if value is not None}
            calls.append({"command": entry["PollingCommand"], "args": args, "using": using})
            waits.append(_seconds(entry.get("NextRun")))
            limits.append(_seconds(entry.get("Timeout")))
    if not calls:
        return None
    now = work.house.clock()
    return Later("command", now + max(waits), now + max(limits) if max(limits) else 0.0, {"calls": calls})


def too_late(work: Work, later: Later) -> bool:
    """Whether the time of a polling is used up."""
    return bool(later.deadline) and work.house.clock() > later.deadline


def schedule(work: Work, args: Mapping[str, Any]) -> Outcome:
    """Begins a polling by query. Raises ServerError for times that make no sense and a query that finds no ids."""
    interval, timeout = (60.0 * _positive(args, name) for name in ("interval", "timeout"))
    query = str(args["dt"])
    without_selector = re.sub(r"\(.*\)", "", query)
    if read(work.investigation.context, query) is None and read(work.investigation.context, without_selector) is None:
        raise ServerError(f"dt {query!r} finds no ids in the context")
    now = work.house.clock()
    data = {"args": dict(args), "interval": interval}
    # The first look comes at once: when nothing is left to do, nobody has to wait.
    return Outcome(later=Later("generic", now, now + timeout, data))


def due(work: Work, later: Later) -> Outcome | tuple[str, dict[str, str]]:
    """The end of a polling by query, or the command that has to run once more."""
    args = later.data["args"]
    wanted = texts(args["ids"])
    found = read(work.investigation.context, str(args["dt"]))
    pending = [one for one in wanted if one in texts(found if isinstance(found, list) else [found])] if found else []
    if not pending:
        return _done(work, args, "nothing is left to poll")
    if too_late(work, later):
        return _done(work, args, f"the time is used up; still pending: {', '.join(pending)}")
    if later.data.get("first", True):
        later.data["first"] = False
        return Outcome(later=again(work, later), why=f"pending: {', '.join(pending)}")
    return polled_command({"pollingCommandArgName": "ids", **args, "ids": pending})


def again(work: Work, later: Later) -> Later:
    """The next look of a polling by query."""
    return Later("generic", work.house.clock() + float(later.data["interval"]), later.deadline, later.data)


def _done(work: Work, args: Mapping[str, Any], why: str) -> Outcome:
    work.investigation.completions[str(args.get("tag") or "polling")] = DONE_LABEL
    return Outcome(why=why)


def _seconds(value: Any) -> float:
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return 0.0


def _positive(args: Mapping[str, Any], name: str) -> float:
    value = _seconds(args.get(name))
    if value <= 0:
        raise ServerError(f"{name} must be a number of minutes above 0, not {args.get(name)!r}")
    return value
