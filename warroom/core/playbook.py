"""A playbook as data: tasks, the branches between them, inputs and outputs. Read from its yml by `warroom.content`.

Values of arguments, inputs and conditions stay as the yml has them (`{"simple": text}` or `{"complex": {...}}`); what
they mean is the matter of `warroom.core.expressions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TaskKind = Literal["start", "title", "regular", "condition", "playbook", "collection", "section"]
OnError = Literal["stop", "continue", "path"]

# Labels of branches that have a meaning of their own.
ALWAYS, DEFAULT, ERROR = "#none#", "#default#", "#error#"

Expression = Mapping[str, Any]
Clauses = Sequence[Sequence[Mapping[str, Any]]]  # all of (any of (one comparison))


@dataclass(frozen=True)
class Branch:
    """One way out of a condition task: `label`, taken when `clauses` hold."""

    label: str
    clauses: Clauses


@dataclass(frozen=True)
class Loop:
    """How often a sub-playbook runs. Exactly one of `for_each`, `exit_clauses` and `exit_script` is set.

    `wait_seconds` lie between two rounds; `maximum` rounds at most.
    """

    for_each: bool = False
    exit_clauses: Clauses = ()
    exit_script: str = ""
    exit_arguments: Mapping[str, Expression] = field(default_factory=dict)
    wait_seconds: float = 0.0
    maximum: int = 100


@dataclass(frozen=True)
class Question:
    """One question of a data collection form. `kind` is shortText, longText, number, date, singleSelect, ..."""

    id: str
    label: str
    kind: str
    required: bool = False
    options: tuple[str, ...] = ()
    options_from: Expression | None = None
    placeholder: str = ""
    label_from: Expression | None = None  # set, with an empty `label`, when the question is computed


@dataclass(frozen=True)
class Message:
    """What a person is asked, by a data collection or a condition that waits for a reply."""

    subject: Expression | None = None
    body: Expression | None = None
    replies: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Task:
    """One task.

    `script` is a command or script name, without brand; empty when nothing runs (`brand` then is empty, too). `next`
    maps a branch label to task ids. `retry` (count, seconds) and other modifiers stand among `arguments` as in the yml.
    """

    id: str
    kind: TaskKind
    name: str
    description: str = ""
    script: str = ""
    brand: str = ""
    is_command: bool = False
    playbook: str = ""
    next: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arguments: Mapping[str, Expression] = field(default_factory=dict)
    branches: tuple[Branch, ...] = ()
    results: tuple[str, ...] = ()
    loop: Loop | None = None
    separate_context: bool = False
    on_error: OnError = "stop"
    skip_unavailable: bool = False
    quiet: bool | None = None
    message: Message | None = None
    field_mapping: Mapping[str, Expression] = field(default_factory=dict)
    timers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    x: float = 0.0
    y: float = 0.0

    @property
    def manual(self) -> bool:
        """A task that only a person can complete."""
        if self.kind == "collection":
            return True
        if self.kind == "regular":
            return not self.script
        return self.kind == "condition" and not self.script and not self.branches

    @property
    def answers_key(self) -> str:
        """The context key that the answers to its form lie under: the title of the form, which need not be its name."""
        return (self.message.title if self.message else "") or self.name


@dataclass(frozen=True)
class Input:
    """A declared input. `query` is the query of the unnamed input of an indicator playbook, else empty.

    `entity` is what the query finds (indicators); `since_last_run`: only what changed since the job's last run.
    """

    key: str
    value: Expression = field(default_factory=dict)
    required: bool = False
    description: str = ""
    query: str = ""
    entity: str = ""
    since_last_run: bool = False


@dataclass(frozen=True)
class Output:
    """A declared output: a context path that a sub-playbook with a context of its own gives to its parent."""

    path: str
    description: str = ""
    kind: str = "unknown"


@dataclass(frozen=True)
class Playbook:
    """One playbook. `tasks` by id, in the order of the yml; `unknown` names keys of the yml that nothing here reads."""

    id: str
    name: str
    description: str
    start: str
    tasks: Mapping[str, Task]
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    quiet: bool = False
    deprecated: bool = False
    pack: str = ""
    file: Path = Path()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """When a playbook runs by itself: at `cron` (5 fields), every `period_seconds`, or once at `start` (ISO 8601).

    Nothing comes due before `start` or after `end`. `timezone` is that of the cron line, "" for the host's.
    A feed-triggered job runs after a fetch with changes, of any feed or of one of `feeds`. While its last run is open a
    job does not start again; `run_both` starts it all the same, `close_previous` ends the open one first.
    `incident` are the fields of the incident that each run gets.
    """

    name: str
    playbook: str
    cron: str = ""
    period_seconds: float = 0.0
    by_feed: bool = False
    all_feeds: bool = False
    feeds: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    run_both: bool = False
    close_previous: bool = False
    file: Path = Path()
    id: str = ""
    pack: str = ""
    details: str = ""
    start: str = ""
    end: str = ""
    timezone: str = ""
    enabled: bool = True
    incident: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
