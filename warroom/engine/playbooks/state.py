"""All that a run needs to go on, and its form in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from warroom.core import progress
from warroom.core.progress import Progress

LaterKind = Literal["command", "generic", "sleep", "round"]
FailureKind = Literal["failed", "interrupted", "unsupported", "ended"]


@dataclass
class Later:
    """A task that goes on at `due`; times are seconds since 1970. After `deadline` it is over, 0 = never."""

    kind: LaterKind
    due: float
    deadline: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Begun:
    """A task that was begun and has not ended: the number of its event, and when it began (seconds since 1970)."""

    number: int
    since: float
    got: dict[str, Any] = field(default_factory=dict)


@dataclass
class Frame:
    """One playbook at work: the outermost one, or that of a sub-playbook task.

    `context` is its own one, None when it shares that of the frame around it. `rounds` are the inputs of the rounds of
    a loop over inputs; `round` counts from 1 in a loop, 0 without one. `waiting` holds what people are asked, by task;
    `completions` the branch to take for a task or tag that was completed before it came to wait.
    """

    path: str
    playbook: str
    progress: Progress
    inputs: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] | None = None
    rounds: list[dict[str, Any]] = field(default_factory=list)
    round: int = 0
    begun: dict[str, Begun] = field(default_factory=dict)
    later: dict[str, Later] = field(default_factory=dict)
    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)
    completions: dict[str, str] = field(default_factory=dict)
    last_entries: list[str] = field(default_factory=list)
    query: str = ""

    def child_path(self, task_id: str) -> str:
        """The path of the frame of one of its sub-playbook tasks."""
        return f"{self.path}/{task_id}" if self.path else task_id


@dataclass
class Failure:
    """Why a run does not go on, and at which task."""

    path: str
    task_id: str
    error: str
    kind: FailureKind = "failed"


@dataclass
class State:
    """A run. `frames` by path; `entries` are those of the last tasks, by id."""

    incident: str
    frames: dict[str, Frame] = field(default_factory=dict)
    failure: Failure | None = None
    next_number: int = 0
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def root(self) -> Frame:
        """The frame of the outermost playbook."""
        return self.frames[""]

    def around(self, frame: Frame) -> Frame | None:
        """The frame that a frame's task stands in, None for the outermost one."""
        return self.frames[frame.path.rpartition("/")[0]] if frame.path else None

    def holder(self, frame: Frame) -> Frame:
        """The frame whose context a frame works on."""
        while frame.context is None and (outer := self.around(frame)) is not None:
            frame = outer
        return frame

    def drop(self, path: str) -> None:
        """Forgets a frame and those inside it."""
        for inner in [one for one in self.frames if one == path or one.startswith(f"{path}/")]:
            del self.frames[inner]

    def to_json(self) -> dict[str, Any]:
        """The state as JSON."""
        frames = {
            path: {
                **{name: value for name, value in vars(frame).items() if name not in {"progress", "begun", "later"}},
                "progress": progress.to_json(frame.progress),
                "begun": {task_id: asdict(one) for task_id, one in frame.begun.items()},
                "later": {task_id: asdict(one) for task_id, one in frame.later.items()},
            }
            for path, frame in self.frames.items()
        }
        failure = asdict(self.failure) if self.failure else None
        return {**vars(self), "frames": frames, "failure": failure}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """The state that `to_json` gave."""
        frames = {
            path: Frame(**{
                **frame,
                "progress": progress.from_json(frame["progress"]),
                "begun": {task_id: Begun(**one) for task_id, one in frame["begun"].items()},
                "later": {task_id: Later(**one) for task_id, one in frame["later"].items()},
            })
            for path, frame in data["frames"].items()
        }  # fmt: skip
        failure = Failure(**data["failure"]) if data["failure"] else None
        return cls(**{**data, "frames": frames, "failure": failure})
