"""What is wrong with a content item, in words for the person who can mend it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from warroom.core.playbook import Playbook, Task

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One defect. `code` is a stable short name of its kind; `what` is wrong, `mend` says what to do about it."""

    level: Level
    code: str
    item: str
    file: Path
    what: str
    mend: str
    task: str = ""
    task_name: str = ""

    @property
    def where(self) -> str:
        """Item and task as a person names them."""
        if not self.task:
            return self.item
        return f"{self.item}, task {self.task}" + (f" ({self.task_name})" if self.task_name else "")


def error(playbook: Playbook, task: Task | None, code: str, what: str, mend: str) -> Finding:
    """A finding that makes the playbook wrong."""
    return _finding("error", playbook, task, code, what, mend)


def warning(playbook: Playbook, task: Task | None, code: str, what: str, mend: str) -> Finding:
    """A finding that may be meant."""
    return _finding("warning", playbook, task, code, what, mend)


def _finding(level: Level, playbook: Playbook, task: Task | None, code: str, what: str, mend: str) -> Finding:
    where = (task.id, task.name) if task else ("", "")
    return Finding(level, code, playbook.name, playbook.file, what, mend, *where)
