"""The way that a run took through one of its playbooks, as a picture shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from warroom.core.picture import Path, Status
from warroom.core.playbook import Playbook
from warroom.engine.errors import UsageError
from warroom.engine.playbooks import Event, PlaybookRun

_STATUSES: Mapping[str, Status] = {
    "begun": "running", "done": "done", "skipped": "skipped", "error": "error", "waiting": "waiting",
    "later": "waiting",
}  # fmt: skip


def run_path(run: PlaybookRun, playbook: Playbook) -> Path:
    """How the run went in this playbook, the last time it came there when it is a sub-playbook or a loop.

    Raises UsageError when the run never came to the playbook.
    """
    mine = [event for event in run.events if event.playbook == playbook.name]
    if not mine:
        others = ", ".join(dict.fromkeys(event.playbook for event in run.events))
        raise UsageError(f"run {run.id} did not come to {playbook.name}; it ran {others or 'nothing'}")
    last = mine[-1]
    events = [event for event in mine if (event.path, event.round) == (last.path, last.round)]
    times = f", round {last.round}" if last.round else ""
    return Path(
        {event.task_id: _STATUSES[event.status] for event in events},
        frozenset(_taken(events)),
        f"{playbook.name} — run {run.id}{times}",
    )


def _taken(events: Iterable[Event]) -> Iterable[tuple[str, str]]:
    return ((event.task_id, label) for event in events for label in event.labels)
