"""What a run tells: events for a person and for the journal, and the run as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from warroom.engine.playbooks.answers import Asked

EventStatus = Literal["begun", "done", "skipped", "error", "waiting", "later"]
RunStatus = Literal["running", "done", "waiting", "error", "stopped"]
LONGEST_TEXT = 2_000


@dataclass(frozen=True)
class Event:
    """One task of a run, as far as it has come.

    `path` are the ids of the sub-playbook tasks that lead to the task's playbook, joined by /; empty in the outermost
    one. `round` counts from 1 in a loop, 0 elsewhere. `when` (ISO UTC) it began; `seconds` it took. `got` are the
    resolved arguments, secrets masked; `gave` what it changed in the context, by path, None for what it removed; long
    texts are shortened in both. `labels` are the branches it took, `why` tells the reason.
    """

    number: int
    path: str
    playbook: str
    task_id: str
    name: str
    kind: str
    status: EventStatus
    when: str
    runs: str = ""
    round: int = 0
    got: Mapping[str, Any] = field(default_factory=dict)
    gave: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    why: str = ""
    seconds: float = 0.0
    error: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Event:
        """The event that `to_json` gave."""
        return cls(**{**data, "labels": tuple(data["labels"]), "notes": tuple(data["notes"])})

    def to_json(self) -> dict[str, Any]:
        """The event as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class PlaybookRun:
    """A run of a playbook.

    status: `done`; `waiting` for an answer to one of `asked`; `error` when a task failed and nothing handled it;
    `stopped` when the host will not go on by itself; `running` while a process is at it, or was killed at it. `error`
    tells why, naming the task. `outputs` are the declared outputs by path; `events` the tasks in the order they began.
    """

    id: str
    playbook: str
    status: RunStatus
    job: str = ""
    began: str = ""
    moved: str = ""
    incident: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    asked: tuple[Asked, ...] = ()
    error: str = ""


def shortened(value: Any, longest: int = LONGEST_TEXT) -> Any:
    """The value when its JSON has at most `longest` characters, else the beginning of it as text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(text) <= longest:
        return value
    return f"{text[:longest]}... ({len(text):,} characters)"


def changes(before: Any, after: Any, path: str = "") -> dict[str, Any]:
    """What is new or different in `after`, by dotted path and shortened; None stands for what is gone."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return {} if before == after else {path: shortened(after)}
    found: dict[str, Any] = {}
    for key in [*after, *(key for key in before if key not in after)]:
        found |= changes(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    return found
