"""The incident that a playbook works on, as the commands of one task see and change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from warroom.core.context import merged, removed, replaced

PLAYGROUND = "playground"


@dataclass
class Investigation:
    """The incident, and the context of the playbook or sub-playbook that the task stands in.

    `outer` is the context of the incident itself while a sub-playbook with a context of its own runs, else None.
    `entries` are the war room entries that can be asked for, by id. `completions` collects what `taskComplete` asked
    for: the id or tag of a task and the branch to take.
    """

    incident: dict[str, Any]
    context: dict[str, Any] = field(default_factory=dict)
    outer: dict[str, Any] | None = None
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    last_entries: tuple[str, ...] = ()
    completions: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id of the incident."""
        return str(self.incident["id"])

    def set(self, path: str, value: Any) -> None:
        """Replaces the value at a path of the context."""
        self.context = replaced(self.context, path, value)

    def merge(self, entry_context: Mapping[str, Any]) -> None:
        """Writes the outputs of an entry to the context."""
        self.context = merged(self.context, entry_context)

    def remove(self, path: str, *, outer: bool = False) -> None:
        """Removes a path from the context; with `outer` from the context of the incident itself."""
        if outer and self.outer is not None:
            self.outer = removed(self.outer, path)
        else:
            self.context = removed(self.context, path)
