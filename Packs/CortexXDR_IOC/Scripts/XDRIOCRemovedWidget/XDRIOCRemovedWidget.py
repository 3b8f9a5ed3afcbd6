"""What was removed from Cortex XDR, when and why, as a table of a dashboard."""

from collections.abc import Iterable
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from IOCWidgetApiModule import *

SHOWN_AT_MOST = "100"


def rows(answers: Iterable[InstanceAnswer]) -> list[dict[str, Any]]:
    """One for each removal on record, the newest first; an instance that does not answer has one too, before all
    others.
    """
    told = list(answers)
    silent = [
        {"Instance": one.instance, "Indicator": "", "Why": f"no answer: {one.error}"} for one in told if one.error
    ]
    found = [(entry, one.instance) for one in told if not one.error for entry in one.outputs or ()]
    found.sort(key=lambda pair: str(pair[0]["when"]), reverse=True)
    return silent + [
        {
            "Instance": instance,
            "When": widget_moment(entry["when"]),
            "Indicator": entry["indicator"],
            "Type": entry["type"],
            "Policy": entry["policy"],
            "Why": entry["reason"],
            "State": entry["phase"],
        }
        for entry, instance in found
    ]


def main() -> None:
    """Ask every instance and give back a table."""
    try:
        answers = instance_answers(demisto.executeCommand, "xdr-iocs-removed", {"limit": SHOWN_AT_MOST})
        return_results(widget_table(rows(answers)))
    except Exception as error:
        return_error(f"XDRIOCRemovedWidget: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
