"""What the last runs did and what they cost, as a table of a dashboard."""

from collections.abc import Iterable, Mapping
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from IOCWidgetApiModule import *


def rows(answers: Iterable[InstanceAnswer]) -> list[dict[str, Any]]:
    """One for each run, the newest first; an instance that does not answer has one too, before all others."""
    told = list(answers)
    silent = [{"Instance": one.instance, "Began": "", "Ended": f"no answer: {one.error}"} for one in told if one.error]
    runs = [(run, one.instance) for one in told if not one.error for run in one.outputs.get("runs") or ()]
    runs.sort(key=lambda pair: str(pair[0]["when"]), reverse=True)
    return silent + [row(run, instance) for run, instance in runs]


def row(run: Mapping[str, Any], instance: str) -> dict[str, Any]:
    ended = f"failed: {run['error']}" if run["error"] else f"early: {run['note']}" if run["note"] else "ok"
    return {
        "Instance": instance,
        "Began": widget_moment(run["when"]),
        "Seconds": run["seconds"],
        "To XDR": run["pushed"],
        "From XDR": run["taken"],
        "Removed": run["removed"],
        "Set aside": run["set_aside"],
        "Requests": run["requests"],
        "429s": run["throttled"],
        "Ended": ended[:WIDGET_TEXT_LENGTH],
    }


def main() -> None:
    """Ask every instance and give back a table."""
    try:
        answers = instance_answers(demisto.executeCommand, "xdr-iocs-status", {"details": "false"})
        return_results(widget_table(rows(answers)))
    except Exception as error:
        return_error(f"XDRIOCRunsWidget: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
