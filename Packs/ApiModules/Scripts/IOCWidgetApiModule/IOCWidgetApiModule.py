"""The answers of every instance of the IOC sync, for the widgets of a dashboard."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import demistomock as demisto  # noqa: F401
from CommonServerPython import *

WIDGET_TEXT_LENGTH = 300


class InstanceAnswer(NamedTuple):
    """The outputs that one instance gave, or why it gave none."""

    instance: str
    outputs: Any
    error: str


def instance_answers(execute: Callable[..., Any], command: str, args: Mapping[str, Any]) -> list[InstanceAnswer]:
    """Run a command on every instance; `execute` is `demisto.executeCommand`. One that fails is not left out."""
    try:
        entries = execute(command, dict(args))
    except ValueError as error:
        return [InstanceAnswer("-", None, f"no instance answers: {error}"[:WIDGET_TEXT_LENGTH])]
    return [answer for entry in entries if (answer := _answer(entry)) is not None]


def _answer(entry: Mapping[str, Any]) -> InstanceAnswer | None:
    name = str(entry.get("ModuleName") or "(unnamed)")
    if is_error(entry):
        return InstanceAnswer(name, None, str(entry.get("Contents") or "no reason given")[:WIDGET_TEXT_LENGTH])
    return InstanceAnswer(name, entry.get("Contents"), "") if entry.get("EntryContext") else None


def widget_moment(text: Any) -> str:
    """A time of the state as a dashboard shows it, in UTC; empty for none."""
    return f"{str(text)[:10]} {str(text)[11:16]}" if text else ""


def widget_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """What a table widget takes."""
    data = [dict(row) for row in rows]
    return json.dumps({"total": len(data), "data": data})
