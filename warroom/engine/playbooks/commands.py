"""Tasks that run a command or script: what is asked for, and what the results mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from warroom.content import Command
from warroom.core.expression_errors import Unsupported
from warroom.engine.arguments import NO_MODIFIERS, Modifiers, masked
from warroom.engine.builtins.times import POLL, SCHEDULE, SLEEP, polled_command, seconds_to_sleep
from warroom.engine.dispatch import BUILTIN, is_builtin
from warroom.engine.errors import Unavailable, UsageError
from warroom.engine.playbooks import polling
from warroom.engine.playbooks.state import Later
from warroom.engine.playbooks.work import Outcome, Work, as_answer
from warroom.engine.results import ERROR, LOG, RunResult

# They steer what a server shows or looks for in an entry, and change nothing in the run.
_WITHOUT_EFFECT = frozenset({"auto-extract", "tags", "mark-as-note", "reliability-threshold", "debug-mode"})
_FOR_PROCESSES = frozenset({"retry-count", "retry-interval", "execution-timeout"})
# Generic commands, and words by which vendors name commands that only look.
_READS = frozenset({"ip", "domain", "url", "file", "email", "cve", "endpoint"})
_LOOKING = frozenset({"get", "list", "search", "query", "lookup", "status", "describe", "count", "show"})
_ACTING = frozenset(
    {"set", "create", "add", "delete", "remove", "update", "block", "unblock", "isolate", "run", "push"}
)


@dataclass(frozen=True)
class Call:
    """A command with its arguments, modifiers of the war room among them. `in_house`: the host runs it by itself."""

    command: Command
    args: Mapping[str, Any]
    overrides: Modifiers
    in_house: bool
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the command."""
        return self.command.name

    @property
    def got(self) -> dict[str, Any]:
        """The arguments, secrets masked."""
        return masked(self.command, self.args)

    @property
    def repeatable(self) -> bool:
        """Whether it does no harm to run the command a second time when nobody knows whether it ran."""
        words = set(self.name.casefold().split("-"))
        looks = self.name in _READS or (len(words) > 1 and words & _LOOKING and not words & _ACTING)
        return self.in_house or (bool(looks) and not self.command.harmful)


def prepare(work: Work, script: str = "", arguments: Mapping[str, Any] | None = None) -> Call:
    """The call of a task, its expressions resolved; or that of another `script` in its place.

    Raises Unavailable when nothing here has the command, Unsupported for a built-in command that this host has not.
    """
    task = work.task
    name, brand = script or task.script, "" if script else task.brand
    args = work.resolved(task.arguments) if arguments is None else dict(arguments)
    if name == POLL and is_builtin(name, brand):
        name, args = polled_command(args)
        brand = ""
    return _call(work, name, brand, args)


def _call(work: Work, name: str, brand: str, args: Mapping[str, Any]) -> Call:
    if brand.casefold() == BUILTIN.casefold():
        if not is_builtin(name, BUILTIN):
            raise Unsupported(f"built-in command {name}", work.where)
        brand = ""
    command = work.house.dispatcher.command(name, brand)
    own = {argument.name for argument in command.arguments}
    idle = sorted(key for key in args if key in _WITHOUT_EFFECT and key not in own)
    rest = {key: value for key, value in args.items() if key not in idle}
    notes = tuple(f"{key} has no effect on this host" for key in idle)
    if is_builtin(name, brand):
        lost = sorted(key for key in rest if key in _FOR_PROCESSES)
        rest = {key: value for key, value in rest.items() if key not in lost}
        notes += tuple(f"{key} has no effect on the host's own commands" for key in lost)
    overrides = replace(NO_MODIFIERS, using_brand=brand)
    return Call(command, rest, overrides, is_builtin(name, brand) or name == SCHEDULE, notes)


def start(work: Work, call: Call) -> Outcome:
    """Runs the call of a task for the first time."""
    if call.in_house and call.name == SLEEP:
        seconds = seconds_to_sleep(call.args)
        later = Later("sleep", work.house.clock() + seconds) if seconds else None
        return Outcome(later=later, got=call.got, notes=call.notes)
    if call.in_house and call.name == SCHEDULE:
        return replace(polling.schedule(work, call.args), got=call.got)
    return replace(read_results(work, run(work, call), call.name), got=call.got, notes=call.notes)


def run(work: Work, call: Call) -> list[RunResult]:
    """Runs a call once."""
    return work.house.call(call.name, call.args, call.overrides, work.investigation)


def go_on(work: Work, later: Later) -> Outcome:
    """What comes of a task whose time has come."""
    if later.kind == "sleep":
        return Outcome(why="the time is over")
    if later.kind == "generic":
        due = polling.due(work, later)
        if isinstance(due, Outcome):
            return due
        name, args = due
        outcome = read_results(work, run(work, prepare(work, name, args)), name)
        return outcome if outcome.error or outcome.later else replace(outcome, later=polling.again(work, later))
    if polling.too_late(work, later):
        return Outcome(error=f"the polling reached its time limit; {later.data['calls'][0]['command']} was not done")
    results: list[RunResult] = []
    for given in later.data["calls"]:
        call = prepare(work, given["command"], given["args"])
        using = replace(call.overrides, using=tuple(given["using"]))
        results += run(work, replace(call, overrides=using))
    outcome = read_results(work, results, later.data["calls"][0]["command"])
    if outcome.later is not None:
        # The limit counts from the first time on.
        outcome.later.deadline = later.deadline or outcome.later.deadline
    return outcome


def read_results(work: Work, results: Sequence[RunResult], name: str) -> Outcome:
    """What the results of a command mean for its task. Outputs go to the context, also when some results are errors."""
    entries = [entry for result in results for entry in result.entries]
    for entry in entries:
        outputs = entry.get("EntryContext")
        if entry.get("Type") != ERROR and isinstance(outputs, Mapping):
            work.investigation.merge(outputs)
    failed = [result for result in results if result.status != "ok"]
    if failed:
        several = len(results) > 1
        told = [f"{result.instance}: {result.error}" if several else str(result.error) for result in failed]
        return Outcome(error="; ".join(told), entries=entries)
    later = polling.scheduled(work, results)
    if later is not None:
        return Outcome(later=later, entries=entries)
    return Outcome(entries=entries)


def branch(work: Work, outcome: Outcome, name: str) -> Outcome:
    """The outcome of a condition that a script decides: its first answer names the branch."""
    given = [entry.get("Contents") for entry in outcome.entries if entry.get("Type") not in (ERROR, LOG)]
    if not given:
        return replace(outcome, labels=work.label_for(""), why=f"{name} answered nothing")
    answers = [as_answer(value) for value in given]
    answer = next((text for text in answers if text in work.task.next), answers[0])
    return replace(outcome, labels=work.label_for(answer), why=f"{name} answered {answer!r}")


def unavailable(work: Work, error: Unavailable) -> Outcome:
    """The outcome of a task whose command is missing. Raises the error when the task does not allow for that."""
    if not work.task.skip_unavailable:
        raise UsageError(str(error)) from error
    return Outcome(labels=(), ending="skipped", why=f"left out with what follows: {error}")
