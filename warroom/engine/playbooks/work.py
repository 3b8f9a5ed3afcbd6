"""One task at work: what it sees, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from warroom.core.expression_errors import Unsupported
from warroom.core.expressions import Scope, resolve
from warroom.core.playbook import ALWAYS, DEFAULT, Expression, Playbook, Task
from warroom.core.progress import Ending
from warroom.engine.arguments import NO_MODIFIERS
from warroom.engine.investigation import Investigation
from warroom.engine.playbooks.answers import Asked
from warroom.engine.playbooks.house import House
from warroom.engine.playbooks.state import Frame, Later, State
from warroom.engine.results import ERROR


@dataclass
class Outcome:
    """What came of a task: an ending with the branches it takes, or `later`, `asked` or the `frame` that it waits for.

    `error` is a text when it failed; then the task's own setting decides what follows.
    """

    labels: tuple[str, ...] = (ALWAYS,)
    ending: Ending = "done"
    why: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()
    got: Mapping[str, Any] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    later: Later | None = None
    asked: Asked | None = None
    frame: Frame | None = None

    @property
    def over(self) -> bool:
        """Whether the task has ended."""
        return self.later is None and self.asked is None and self.frame is None


class Found(Sequence[Mapping[str, Any]]):
    """The indicators of a query, looked up when first asked for; later changes do not show in the same process."""

    def __init__(self, house: House, query: str) -> None:
        self._house, self._query = house, query

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        return self._items()[index]

    def __len__(self) -> int:
        return len(self._items())

    def _items(self) -> list[dict[str, Any]]:
        if self._query not in self._house.found:
            self._house.found[self._query] = list(self._house.store.indicators.iterate(self._query))
        return self._house.found[self._query]


@dataclass
class Work:
    """One task of a frame. `investigation` is what its commands see and change."""

    house: House
    state: State
    frame: Frame
    book: Playbook
    task: Task
    investigation: Investigation

    @classmethod
    def of(cls, house: House, state: State, frame: Frame, task: Task) -> Work:
        """The task with the incident as it is now."""
        holder, root = state.holder(frame), state.root()
        incident = house.store.incidents.get(state.incident) or {"id": state.incident}
        investigation = Investigation(
            incident, dict(holder.context or {}), dict(root.context or {}) if holder is not root else None,
            state.entries, tuple(frame.last_entries),
        )  # fmt: skip
        return cls(house, state, frame, house.playbook(frame.playbook), task, investigation)

    @property
    def where(self) -> str:
        """The task, for a message."""
        name = f" ({self.task.name})" if self.task.name else ""
        return f"task {self.task.id}{name} of {self.book.name}"

    def scope(self, inputs: Mapping[str, Any] | None = None) -> Scope:
        """What the expressions of the task see, now."""
        others: dict[str, Any] = {"lastCompletedTaskEntries": list(self.frame.last_entries)}
        if self.frame.path:
            others["currentPlaybookID"] = self.frame.path
        return Scope(
            context=self.investigation.context,
            inputs=self.frame.inputs if inputs is None else inputs,
            incident=self.investigation.incident,
            lists=self.house.store.lists.get,
            modules=self.house.modules(),
            indicators=self._indicators(),
            scripts=self._script,
            others={**others, "investigation": {"id": self.investigation.id}},
            clock=self.house.clock,
        )

    def resolved(self, expressions: Mapping[str, Expression]) -> dict[str, Any]:
        """The values of arguments, without those that come to nothing. Raises ExpressionError naming the argument."""
        scope = self.scope()
        values = {name: resolve(expression, scope) for name, expression in expressions.items()}
        return {name: value for name, value in values.items() if value is not None and value != ""}

    def label_for(self, answer: str) -> tuple[str, ...]:
        """The branch that an answer leads along; none when there is neither its own nor a default one."""
        return (answer,) if answer in self.task.next else (DEFAULT,) if DEFAULT in self.task.next else ()

    def _indicators(self) -> Sequence[Mapping[str, Any]]:
        query = self.state.root().query
        return Found(self.house, query) if query else ()

    def _script(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """What a filter or transformer script gives back."""
        if self.house.catalog().script(name) is None:
            raise Unsupported(f"filter or transformer {name}", self.where)
        results = self.house.call(name, arguments, NO_MODIFIERS, self.investigation)
        for result in results:
            if result.status != "ok":
                raise ValueError(f"{name}: {result.error}")
        given = [entry.get("Contents") for entry in _notes(results)]
        return given[0] if len(given) == 1 else given


def _notes(results: Any) -> Iterator[Mapping[str, Any]]:
    return (entry for result in results for entry in result.entries if entry.get("Type") != ERROR)


def as_answer(value: Any) -> str:
    """What a condition script gave, as the label of a branch."""
    if isinstance(value, list) and value:
        value = value[0]
    return value.strip() if isinstance(value, str) else json.dumps(value)
