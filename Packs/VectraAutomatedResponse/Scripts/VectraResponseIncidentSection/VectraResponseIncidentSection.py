"""What Vectra knows now about the entity of an incident, as a section of its layout."""

from collections.abc import Mapping
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ResponseHouseApiModule import *

NOTHING = "This incident names no entity of Vectra."


def review_args(incident: Mapping[str, Any]) -> dict[str, str]:
    """The arguments of VectraResponseReview, from the fields of the incident; empty when it names no entity."""
    fields = incident.get("CustomFields") or {}
    key = str(fields.get("vectraresponseentity") or "")
    kind = key.partition(":")[0]
    if kind not in ("host", "account", "detection"):
        return {}
    return {"type": kind, "id": key, "brain": str(fields.get("vectraresponsebrain") or "")}


def section(house: House, incident: Mapping[str, Any]) -> str:
    """Markdown for the layout. What cannot be looked at is told in it."""
    args = review_args(incident)
    if not args:
        return NOTHING
    try:
        entries = run(house, "VectraResponseReview", args)
    except CommandFailed as error:
        return f"It could not be looked at: {error}"
    failed = errors_of(entries)
    if failed:
        return f"It could not be looked at: {failed[0][2]}"
    return "\n".join(str(entry.get("HumanReadable") or "") for entry in entries).strip() or NOTHING


def main() -> None:
    """Answer with one entry of markdown."""
    try:
        text = section(house_of(), demisto.incident())
        return_results({"Type": EntryType.NOTE, "ContentsFormat": EntryFormat.MARKDOWN, "Contents": text})
    except Exception as error:
        return_error(f"VectraResponseIncidentSection: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
