"""What is set aside and why, by reason, as a table of a dashboard."""

from collections.abc import Iterable
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from IOCWidgetApiModule import *


def rows(answers: Iterable[InstanceAnswer]) -> list[dict[str, Any]]:
    """One for each reason of each instance, the most frequent first; an instance that does not answer has one too."""
    found: list[dict[str, Any]] = []
    for instance, status, error in answers:
        if error:
            found.append({"Instance": instance, "Records": "", "Reason": f"no answer: {error}"})
            continue
        for reason in status.get("set_aside_by_reason") or ():
            found.append(
                {
                    "Instance": instance,
                    "Records": reason["records"],
                    "Reason": reason["reason"],
                    "Way": reason["direction"],
                    "Newest": widget_moment(reason["newest"]),
                    "For example": reason["example"],
                }
            )
    return sorted(found, key=lambda row: -(row["Records"] or 0))


def main() -> None:
    """Ask every instance and give back a table."""
    try:
        answers = instance_answers(demisto.executeCommand, "xdr-iocs-status", {"details": "false"})
        return_results(widget_table(rows(answers)))
    except Exception as error:
        return_error(f"XDRIOCRejectsWidget: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
