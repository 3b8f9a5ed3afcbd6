"""Is it in sync, since when not and why: one row for each instance, as a table of a dashboard."""

from collections.abc import Iterable
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from IOCWidgetApiModule import *


def rows(answers: Iterable[InstanceAnswer]) -> list[dict[str, Any]]:
    """One for each instance; one that does not answer has a row too, so that none is missing in silence."""
    return [row(answer) for answer in answers]


def row(answer: InstanceAnswer) -> dict[str, Any]:
    if answer.error:
        return {"Instance": answer.instance, "In sync": "no answer", "Why": answer.error}
    status = answer.outputs
    used, allowed = status.get("requests_per_second") or 0, status.get("requests_per_second_allowed") or 0
    return {
        "Instance": answer.instance,
        "In sync": in_sync(status),
        "Not since": widget_moment(status.get("not_in_sync_since")),
        "Why": str(status.get("why") or ""),
        "Waiting": status.get("waiting") or 0,
        "Set aside": status.get("set_aside_now") or 0,
        "Records per second": status.get("throughput") or "",
        "Requests per second": f"{used:g} of {allowed:g}",
        "429s": status.get("requests_throttled") or 0,
    }


def in_sync(status: dict[str, Any]) -> str:
    """The answer in a word, with how far a first sync is."""
    if status.get("in_sync"):
        return "yes"
    if status.get("reason") == "first sync":
        total = max(status.get("first_sync_total") or 0, 1)
        return f"no: first sync, {100 * (status.get('first_sync_done') or 0) // total} %"
    return f"no: {status.get('reason') or 'unknown'}"


def main() -> None:
    """Ask every instance and give back a table."""
    try:
        answers = instance_answers(demisto.executeCommand, "xdr-iocs-status", {})
        return_results(widget_table(rows(answers)))
    except Exception as error:
        return_error(f"XDRIOCSyncWidget: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
