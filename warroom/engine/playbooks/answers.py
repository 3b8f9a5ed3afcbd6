"""What people are asked while a playbook runs, and where the answers come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from warroom.content.catalog import near
from warroom.core.playbook import Playbook
from warroom.engine.errors import UsageError


@dataclass(frozen=True)
class AskedQuestion:
    """One question of a form; `options` are empty when any answer will do."""

    id: str
    label: str
    kind: str
    required: bool = False
    options: tuple[str, ...] = ()
    placeholder: str = ""

    @property
    def several(self) -> bool:
        """Whether the answer is a list."""
        return self.kind == "multiSelect"


@dataclass(frozen=True)
class Asked:
    """What a task waits for: one of `labels`, answers to `questions`, or, without either, that somebody did it."""

    path: str
    playbook: str
    task_id: str
    task: str
    description: str = ""
    text: str = ""
    labels: tuple[str, ...] = ()
    questions: tuple[AskedQuestion, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Asked:
        """What `to_json` gave."""
        questions = tuple(AskedQuestion(**{**item, "options": tuple(item["options"])}) for item in data["questions"])
        return cls(**{**data, "labels": tuple(data["labels"]), "questions": questions})


@dataclass(frozen=True)
class Reply:
    """A person's answer: the `label` of a branch, answers by the id of a question, and a comment."""

    label: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""


# None: nobody answers now, so the run waits.
Answers = Callable[[Asked], Reply | None]


def nobody(asked: Asked) -> Reply | None:
    """Nobody answers."""
    return None


def read_answers(file: Path) -> dict[str, Any]:
    """The answers of a yml or JSON file, by name or id of the task. Raises UsageError naming the file."""
    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{file}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(data, Mapping):
        raise UsageError(f"{file}: must map the names of tasks to answers")
    return {_plain(key): value for key, value in data.items()}


def from_mapping(given: Mapping[str, Any], playbooks: Iterable[Playbook]) -> Answers:
    """Answers by name or id of a task, `PLAYBOOK/TASK` where several playbooks have one of that name.

    An answer is the label of a branch, a mapping of question ids or labels to answers, or anything true for a task
    that only has to be done. Raises UsageError for a name that no task of the playbooks has.
    """
    known = {
        name
        for book in playbooks
        for task in book.tasks.values()
        if task.manual
        for name in (task.id, task.name, f"{book.name}/{task.name}", f"{book.name}/{task.id}")
    }
    for name in given:
        if name not in known:
            raise UsageError(f"answers: no task that a person answers is called {name!r}{near(name, known)}")

    def answer(asked: Asked) -> Reply | None:
        names = (
            f"{asked.playbook}/{asked.task}", f"{asked.playbook}/{asked.task_id}", asked.task,
            *([asked.task_id] if not asked.path else []),
        )  # fmt: skip
        found = next((name for name in names if name in given), None)
        return None if found is None else read_reply(asked, given[found])

    return answer


def read_reply(asked: Asked, value: Any) -> Reply:
    """A given answer, checked. Raises UsageError naming task, question and what is allowed."""
    where = f"answer to {asked.task or asked.task_id!r}"
    if asked.questions:
        return Reply(answers=_form(asked, value, where))
    if not asked.labels:
        return Reply(comment="" if value is None or value is True else str(value))
    label = _plain(value)
    # An unquoted Yes has lost its capital in YAML, and nobody means another branch by other capitals.
    near_by = [one for one in asked.labels if one.casefold() == label.casefold()]
    if label not in asked.labels and len(near_by) != 1:
        raise UsageError(f"{where}: {label!r} is no branch; allowed: {', '.join(asked.labels)}")
    return Reply(label if label in asked.labels else near_by[0])


def _form(asked: Asked, value: Any, where: str) -> dict[str, Any]:
    given = (
        value if isinstance(value, Mapping) else {asked.questions[0].id: value} if len(asked.questions) == 1 else None
    )
    if given is None:
        questions = ", ".join(question.label or question.id for question in asked.questions)
        raise UsageError(f"{where}: give an answer for each question, as 'question: answer': {questions}")
    by_name = {name: question.id for question in asked.questions for name in (question.label, question.id)}
    answers: dict[str, Any] = {}
    for name, answer in given.items():
        if str(name) not in by_name:
            raise UsageError(f"{where}: there is no question {name!r}{near(str(name), by_name)}")
        answers[by_name[str(name)]] = answer
    for question in asked.questions:
        _check(question, answers, where)
    return answers


def _check(question: AskedQuestion, answers: dict[str, Any], where: str) -> None:
    told = f"{where}: {question.label or question.id!r}"
    answer = answers.get(question.id)
    if answer is None or answer in ("", []):
        if question.required:
            raise UsageError(f"{told} needs an answer")
        return
    if question.several and not isinstance(answer, list):
        answer = answers[question.id] = [item.strip() for item in str(answer).split(",")]
    if question.kind == "number" and not _number(answer):
        raise UsageError(f"{told} needs a number, not {answer!r}")
    chosen = answer if isinstance(answer, list) else [answer]
    wrong = [str(item) for item in chosen if question.options and _plain(item) not in question.options]
    if wrong:
        raise UsageError(f"{told} cannot be {', '.join(wrong)}; allowed: {', '.join(question.options)}")
    if question.options:
        plain = [_plain(item) for item in chosen]
        answers[question.id] = plain if isinstance(answer, list) else plain[0]


def _number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _plain(value: Any) -> str:
    """Text of a scalar; an unquoted yes or no has become a boolean on its way through YAML."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
