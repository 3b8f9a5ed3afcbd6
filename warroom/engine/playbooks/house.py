"""What a run needs of the host, and the playbooks that the host brings itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from warroom.content import Catalog
from warroom.core.expressions import references
from warroom.core.playbook import ALWAYS, Input, Playbook, Task
from warroom.engine.arguments import Modifiers
from warroom.engine.builtins.times import POLL, SCHEDULE
from warroom.engine.dispatch import Dispatcher
from warroom.engine.errors import UsageError
from warroom.engine.investigation import Investigation
from warroom.engine.masking import MASK
from warroom.engine.results import RunResult
from warroom.store import Store

GENERIC_POLLING = "GenericPolling"
DEEPEST = 10


class Caller(Protocol):
    """Runs a command, one result for each instance."""

    def __call__(
        self, name: str, args: Mapping[str, Any], overrides: Modifiers, investigation: Investigation
    ) -> list[RunResult]: ...


@dataclass(frozen=True)
class House:
    """The host, as far as playbooks need it. Times are seconds since 1970; `found` keeps indicators by query."""

    store: Store
    catalog: Callable[[], Catalog]
    dispatcher: Dispatcher
    call: Caller
    modules: Callable[[], Mapping[str, Mapping[str, str]]]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    found: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def playbook(self, name: str) -> Playbook:
        """The playbook of this name or id. Raises UsageError with near names."""
        try:
            return self.catalog().playbook(name)
        except LookupError as error:
            if name == GENERIC_POLLING:
                return generic_polling()
            raise UsageError(str(error.args[0])) from None

    def family(self, book: Playbook) -> Iterator[Playbook]:
        """The playbook and every known one below it, each once."""
        seen: set[str] = set()
        fresh = [book]
        while fresh:
            one = fresh.pop()
            if one.id in seen:
                continue
            seen.add(one.id)
            yield one
            for name in {task.playbook for task in one.tasks.values() if task.playbook}:
                try:
                    fresh.append(self.playbook(name))
                except UsageError:  # told when the run comes to it
                    continue


def secret_inputs(house: House, book: Playbook, depth: int = 0) -> frozenset[str]:
    """The inputs that a playbook hands to secret arguments, itself or through a sub-playbook."""
    found: set[str] = set()
    for task in book.tasks.values() if depth <= DEEPEST else ():
        secret = _secret_arguments(house, task, depth)
        for name, expression in task.arguments.items():
            if name in secret:
                found |= {path.split(".")[1] for path in references(expression) if path.startswith("inputs.")}
    return frozenset(found)


def _secret_arguments(house: House, task: Task, depth: int) -> frozenset[str]:
    try:
        if task.playbook:
            return secret_inputs(house, house.playbook(task.playbook), depth + 1)
        command = house.dispatcher.command(task.script, task.brand) if task.script else None
    except UsageError:  # told when the run comes to it
        return frozenset()
    return frozenset(argument.name for argument in command.arguments if argument.secret) if command else frozenset()


def hidden(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The values with those of these names masked."""
    return {name: MASK if name in names else value for name, value in values.items()}


def generic_polling() -> Playbook:
    """The sub-playbook that runs a command again and again until a query finds none of the ids any more."""
    polled = {
        "ids": "Ids", "pollingCommand": "PollingCommandName", "pollingCommandArgName": "PollingCommandArgName",
        "additionalPollingCommandArgNames": "AdditionalPollingCommandArgNames",
        "additionalPollingCommandArgValues": "AdditionalPollingCommandArgValues",
    }  # fmt: skip
    tasks = (
        _task("0", "start", "", ["1"]),
        _task("1", "regular", "Run the polling command", ["2"], POLL, polled),
        _task(
            "2", "regular", "Wait until nothing is left to poll", ["3"], SCHEDULE,
            {**polled, "dt": "dt", "interval": "Interval", "timeout": "Timeout"},
        ),
        _task("3", "title", "Done", []),
    )  # fmt: skip
    inputs = (
        Input("Ids", required=True), Input("PollingCommandName", required=True),
        Input("PollingCommandArgName", {"simple": "ids"}, required=True), Input("Interval", {"simple": "1"}),
        Input("Timeout", {"simple": "10"}), Input("dt", required=True), Input("AdditionalPollingCommandArgNames"),
        Input("AdditionalPollingCommandArgValues"), Input("ExtractMode"),
    )  # fmt: skip
    description = "Runs a command until a query finds none of the ids any more, or the time is used up."
    return Playbook(
        GENERIC_POLLING, GENERIC_POLLING, description, "0", {task.id: task for task in tasks}, inputs, pack="warroom"
    )


def _task(
    task_id: str, kind: Any, name: str, then: Sequence[str], script: str = "", inputs: Mapping[str, str] | None = None
) -> Task:
    arguments = {argument: {"simple": f"${{inputs.{key}}}"} for argument, key in (inputs or {}).items()}
    following = {ALWAYS: tuple(then)} if then else {}
    return Task(task_id, kind, name, script=script, next=following, arguments=arguments)
