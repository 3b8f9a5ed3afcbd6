"""The log of a run for a person: each task, what it got and gave, and why a branch was taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from warroom.cli.app import Terminal
from warroom.cli.output import plain_text
from warroom.core.playbook import ALWAYS
from warroom.engine import Progress
from warroom.engine.playbooks import Asked, Event, PlaybookRun

_WIDTH = 300
_WORDS = {
    "done": "",
    "skipped": "left out",
    "error": "FAILED",
    "waiting": "waits",
    "later": "goes on",
    "begun": "begins",
}
_COLOURS = {"done": "green", "skipped": "yellow", "error": "red", "waiting": "magenta", "later": "cyan", "begun": None}


@dataclass
class RunLog:
    """Prints events as they come. On a terminal the progress of the task at work stands below them."""

    terminal: Terminal
    to_stderr: bool = False
    _open_line: bool = False
    _entered: set[tuple[str, str]] = field(default_factory=set)

    def event(self, event: Event) -> None:
        """One event; what says nothing new is left out."""
        if event.status == "begun" or (event.status == "later" and event.kind == "playbook" and self._known(event)):
            return
        self._clear()
        heading, *details = lines(event)
        click.echo(click.style(heading, fg=_COLOURS[event.status]) if self._coloured else heading, err=self.to_stderr)
        for line in details:
            click.echo(line, err=self.to_stderr)

    def progress(self, progress: Progress) -> None:
        """How far the task at work is; nothing where no person looks."""
        if not self.terminal.shows_errors:
            return
        total = f" of {progress.total:,}" if progress.total else ""
        click.echo(f"\r\x1b[K    {progress.label}: {progress.done:,}{total} {progress.unit}", nl=False, err=True)
        self._open_line = True

    @property
    def _coloured(self) -> bool:
        return self.terminal.shows_errors if self.to_stderr else self.terminal.shows

    def _known(self, event: Event) -> bool:
        key = (event.path, event.task_id)
        known = key in self._entered
        self._entered.add(key)
        return known and not event.why

    def _clear(self) -> None:
        if self._open_line:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._open_line = False


def lines(event: Event) -> Iterator[str]:
    """The lines of one event: heading, then what the task got and gave, why, and what went wrong."""
    indent = "  " * (event.path.count("/") + bool(event.path))
    yield indent + " ".join(filter(None, (event.task_id, event.name or event.kind, _runs(event), _end(event))))
    inner = indent + "    "
    if event.status != "later" or event.kind == "playbook":
        yield from (f"{inner}got  {name} = {_short(value)}" for name, value in event.got.items())
    if event.why:
        yield f"{inner}why  {_short(event.why)}"
    for path, value in event.gave.items():
        yield f"{inner}gave {path} " + ("is gone" if value is None else f"= {_short(value)}")
    if event.error:
        yield f"{inner}error {_short(event.error)}"
    yield from (f"{inner}note {note}" for note in event.notes)


def _runs(event: Event) -> str:
    if event.kind == "playbook":
        return f"[playbook {event.runs}{f', round {event.round}' if event.round else ''}]"
    return f"[{event.runs}]" if event.runs else ""


def _end(event: Event) -> str:
    taken = ", ".join(label for label in event.labels if label != ALWAYS)
    seconds = f"({event.seconds:.1f} s)" if event.seconds >= 0.1 and event.status != "waiting" else ""
    return " ".join(filter(None, (_WORDS[event.status], f"-> {taken}" if taken else "", seconds)))


def _short(value: Any) -> str:
    text = " ".join(plain_text(value).split())
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}..."


def asked_lines(asked: Asked) -> Iterator[str]:
    """What a task asks, for a person who has to answer."""
    yield f"{asked.playbook}, task {asked.task_id}: {asked.task}"
    for text in (asked.description, asked.text):
        yield from (f"  {line}" for line in text.splitlines() if line.strip() not in ("", "-"))
    if asked.labels:
        yield f"  one of: {', '.join(asked.labels)}"
    for question in asked.questions:
        allowed = f" (one of: {', '.join(question.options)})" if question.options else ""
        yield f"  {question.id}: {question.label or question.kind}{allowed}{' *' if question.required else ''}"


def summary(run: PlaybookRun) -> Iterator[str]:
    """How a run stands, and what a person can do about it."""
    yield f"run {run.id} of {run.playbook}: {run.status} (incident {run.incident})"
    if run.error:
        yield f"  {run.error}"
    if run.status in ("error", "stopped"):
        yield f"  to go on: warroom playbook resume {run.id} --again, --skip or --as-done"
    for asked in run.asked:
        yield from (f"  {line}" for line in asked_lines(asked))
    if run.asked:
        yield f"  to answer: warroom playbook resume {run.id}, at a terminal or with --answers FILE"
    yield from (f"  {path} = {_short(value)}" for path, value in run.outputs.items())


def as_json(run: PlaybookRun) -> Mapping[str, Any]:
    """The run as one JSON object."""
    return {
        **vars(run), "events": [event.to_json() for event in run.events],
        "asked": [asked.to_json() for asked in run.asked],
    }  # fmt: skip
