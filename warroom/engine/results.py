"""What a run gives back, and the shaping of its entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from warroom.core.dt import evaluate
from warroom.engine.arguments import Modifiers

Status = Literal["ok", "error", "timeout", "killed"]
NOTE, FILE, ERROR, IMAGE, INFO_FILE, WARNING, LOG = 1, 3, 4, 7, 9, 11, 16
FILE_TYPES = frozenset({FILE, IMAGE, INFO_FILE})


@dataclass(frozen=True)
class LogLine:
    """One line that content logged or printed. `level` is debug, info, error, or stderr for stray prints."""

    level: str
    message: str


@dataclass(frozen=True)
class Progress:
    """How far a run is. `total` is None while it is not known."""

    label: str
    done: int
    total: int | None
    unit: str


@dataclass(frozen=True)
class RunResult:
    """One run of one command on one instance.

    `entries` are war room entries in server form, secrets replaced. `error` is one text for a person, None when
    `status` is ok. `max_rss_bytes` is the peak resident memory of the child process, 0 when no process was needed.
    `indicators_changed` counts those that it made or changed, `indicators_created` only the new ones.
    """

    instance: str
    brand: str
    command: str
    status: Status
    entries: list[dict[str, Any]] = field(default_factory=list)
    logs: list[LogLine] = field(default_factory=list)
    error: str | None = None
    duration_seconds: float = 0.0
    max_rss_bytes: int = 0
    indicators_created: int = 0
    indicators_changed: int = 0
    incidents: list[dict[str, Any]] = field(default_factory=list)


def text_entry(kind: int, text: str) -> dict[str, Any]:
    """A plain text entry of type `kind`."""
    return {"Type": kind, "ContentsFormat": "text", "Contents": text}


def error_text(entries: Sequence[Mapping[str, Any]]) -> str | None:
    """The texts of all error entries joined, None when there are none."""
    texts = [str(entry.get("Contents", "")) for entry in entries if entry.get("Type") == ERROR]
    return "\n".join(texts) if texts else None


def shape(entry: Mapping[str, Any], modifiers: Modifiers) -> dict[str, Any]:
    """The entry after raw-response, extend-context and ignore-outputs; errors stay as they are.

    With ignore-outputs only what extend-context names is left of the outputs.
    """
    shaped = dict(entry)
    if entry.get("Type") == ERROR:
        return shaped
    if modifiers.raw_response:
        shaped.pop("HumanReadable", None)
    known = entry.get("EntryContext")
    outputs = dict(known) if isinstance(known, Mapping) and not modifiers.ignore_outputs else {}
    for key, path in modifiers.extend_context:
        found = evaluate(entry.get("Contents"), path) if path else entry.get("Contents")
        if found is not None:
            outputs[key] = found
    if modifiers.extend_context or modifiers.ignore_outputs:
        shaped["EntryContext"] = outputs
        if not outputs:
            del shaped["EntryContext"]
    return shaped
