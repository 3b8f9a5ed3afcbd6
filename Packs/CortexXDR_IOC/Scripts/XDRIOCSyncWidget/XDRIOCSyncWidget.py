"""Data of the dashboard: the state of the sync, one row for each instance."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import demistomock as demisto
from CommonServerPython import *

COMMAND = "xdr-iocs-status"
PREFIX = "CortexXDRIOC"


def status_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of one answer of the command, whatever selector its context key has."""
    for key, value in (entry.get("EntryContext") or {}).items():
        if key.startswith(PREFIX) and isinstance(value, dict):
            found = value.get("SyncStatus", value)
            return dict(found) if isinstance(found, dict) else {}
    return {}


def in_sync(status: Mapping[str, Any]) -> str:
    """The phase in words that answer: is it in sync?"""
    if status.get("last_error"):
        return "failing"
    if status.get("phase") == "first sync":
        total = status.get("first_sync_total") or 0
        return f"first sync, {100 * (status.get('first_sync_done') or 0) // max(total, 1)} %"
    return "in sync" if status.get("phase") == "following changes" else "not started"


def row(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One instance; an answer that is an error is a row too, so that no instance is missing in silence."""
    name = str(entry.get("ModuleName") or "(unnamed)")
    if is_error(entry):
        return {"Instance": name, "State": "no answer", "Last error": str(entry.get("Contents") or "")[:300]}
    status = status_of(entry)
    return {
        "Instance": name,
        "State": in_sync(status),
        "To XDR": status.get("last_outbound") or "",
        "From XDR": status.get("last_inbound") or "",
        "Pushed": status.get("pushed") or 0,
        "Set aside": status.get("set_aside_now") or 0,
        "Changed on both sides": status.get("changed_on_both_sides") or 0,
        "Last error": str(status.get("last_error") or "")[:300],
    }


def table(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a table widget takes."""
    rows = [row(entry) for entry in entries if entry.get("EntryContext") or is_error(entry)]
    return {"total": len(rows), "data": rows}


def main() -> None:
    """Ask every instance and give back a table."""
    try:
        entries = demisto.executeCommand(COMMAND, {})
    except ValueError as error:
        entries = [{"Type": EntryType.ERROR, "Contents": f"no instance answers: {error}", "ModuleName": "-"}]
    demisto.results(json.dumps(table(entries)))


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
