"""Tasks that a person completes."""

from __future__ import annotations

from typing import Any

from warroom.core.expressions import resolve
from warroom.core.playbook import ALWAYS, ERROR, Question
from warroom.engine.playbooks.answers import Asked, AskedQuestion, Reply
from warroom.engine.playbooks.work import Outcome, Work


def ask(work: Work) -> Outcome:
    """What the task asks, unless it was completed before it came to wait."""
    task = work.task
    for name in (task.id, task.name, *task.tags):
        if name and name in work.frame.completions:
            return complete(work, work.frame.completions.pop(name))
    message = task.message
    labels = tuple(label for label in task.next if label not in (ALWAYS, ERROR)) if task.kind == "condition" else ()
    body = "" if message is None or message.body is None else resolve(message.body, work.scope())
    return Outcome(
        asked=Asked(
            work.frame.path, work.book.name, task.id, task.name, task.description, _text(body), labels,
            tuple(_question(work, question) for question in message.questions) if message else (),
        )
    )  # fmt: skip


def complete(work: Work, label: str) -> Outcome:
    """The outcome of a task that a command completed with a branch."""
    if work.task.kind != "condition":
        return Outcome(why="completed by taskComplete")
    return Outcome(labels=work.label_for(label), why=f"completed by a command with {label!r}")


def answered(work: Work, reply: Reply) -> Outcome:
    """The outcome of a task that somebody answered. Answers of a form go to the context, below the form's title."""
    comment = f": {reply.comment}" if reply.comment else ""
    if reply.label:
        return Outcome(labels=(reply.label,), why=f"answered {reply.label!r}{comment}")
    if reply.answers:
        context = work.investigation.context
        work.investigation.context = {**context, work.task.answers_key: {"Answers": dict(reply.answers)}}
        return Outcome(why=f"answered{comment}", got=dict(reply.answers))
    return Outcome(why=f"somebody did it{comment}")


def _question(work: Work, question: Question) -> AskedQuestion:
    label = question.label
    if question.label_from is not None:
        label = _text(resolve(question.label_from, work.scope()))
    options = question.options
    if question.options_from is not None:
        found = resolve(question.options_from, work.scope())
        options = tuple(_text(item) for item in (found if isinstance(found, list) else [found]) if item is not None)
    return AskedQuestion(question.id, label, question.kind, question.required, options, question.placeholder)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
