"""Whether what a playbook reads is put there by anybody: inputs that are declared, context paths that are set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from warroom.core import js
from warroom.core.dt_path import Mutator, Selector, steps
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.expressions import references
from warroom.core.findings import Finding, error, warning
from warroom.core.known import Known
from warroom.core.names import near
from warroom.core.playbook import Clauses, Expression, Playbook, Task
from warroom.core.task_values import input_values, loop_values, path_texts, task_values
from warroom.core.wording import shortened

INPUTS = "inputs"
# Roots that the server fills, whatever the playbook does.
_SERVER_ROOTS = frozenset(
    "inputs incident alert issue lists modules playbookQuery investigation demisto currentPlaybookID currentTaskID "
    "lastCompletedTaskEntries parentEntry user".split()
)
# Roots that a server fills when it extracts indicators or takes in files; this host does neither.
_EXTRACTED_ROOTS = frozenset(
    "File InfoFile IP URL Domain Email Account Endpoint CVE Hostname DBotScore ExtractedIndicators".split()
)
# Scripts of the server that write under a key of their caller's choice: the arguments that name it.
_SETTERS = {
    "Set": ("key",),
    "SetAndHandleEmpty": ("key",),
    "SetMultipleValues": ("parent", "keys"),
    "SetByIncidentId": (),
}
_SELECTOR = re.compile(r"\([^()]*\)|\.?\[[^\]]*\]|=.*$", re.DOTALL)


@dataclass(frozen=True)
class Reach:
    """The context paths that can be set, and why others may be, too ("" when none can)."""

    paths: frozenset[str] = frozenset()
    open_because: str = ""

    def __or__(self, other: Reach) -> Reach:
        return Reach(self.paths | other.paths, self.open_because or other.open_because)

    def has(self, path: str) -> bool:
        """Whether the path, something in it, or something it lies in can be set."""
        return any(item == path or item.startswith(path + ".") or path.startswith(item + ".") for item in self.paths)


def check_paths(playbook: Playbook, known: Known) -> Iterator[Finding]:
    """The findings about inputs, context paths and outputs of one playbook."""
    used: set[str] = set()
    reach = _around(playbook, known, frozenset())
    unsure: list[str] = []
    for task in playbook.tasks.values():
        within = reach | _inside_loop(task, known)
        for values, seen in ((task_values, reach), (loop_values, within)):
            yield from _values(playbook, task, values(task), seen, used, unsure)
    for place, value in input_values(playbook):
        # A default is read in the context of whoever calls, which is not known here.
        paths, complaint = _read(playbook, None, place, value)
        used.update(path for path in paths if path.startswith(INPUTS + "."))
        yield from complaint
    yield from _inputs(playbook, used)
    yield from _outputs(playbook, known, unsure)
    if unsure:
        told = ", ".join(dict.fromkeys(unsure))
        yield warning(
            playbook, None, "not-checked", f"nothing here is known to set {shortened(told, 200)}: {reach.open_because}",
            "mend what is unknown, then check again",
        )  # fmt: skip


def sets(playbook: Playbook, known: Known, above: frozenset[str] = frozenset()) -> Reach:
    """What the tasks of a playbook can put into the context that it runs in. `above` are the ids on the way here."""
    result = Reach()
    if playbook.id in above:
        return result
    for task in playbook.tasks.values():
        result |= _task_sets(task, known, above | {playbook.id})
    return result


def _task_sets(task: Task, known: Known, above: frozenset[str]) -> Reach:
    if task.kind == "collection":
        return Reach(frozenset({task.answers_key}))
    if task.playbook:
        return _sub_sets(task, known, above)
    if not task.script:
        return Reach()
    callees = known.callees(task)
    if not callees:
        return Reach(open_because=f"{task.script} is not known")
    paths = {plain(path) for callee in callees for path in callee.outputs}
    return Reach(frozenset(paths)) | _keys(task) | _extended(task)


def _sub_sets(task: Task, known: Known, above: frozenset[str]) -> Reach:
    called = known.playbook(task.playbook)
    if called is None:
        return Reach(open_because=f"playbook {task.playbook} is not known")
    if task.separate_context:
        return Reach(frozenset(plain(item.path) for item in called.outputs))
    return sets(called, known, above)


def _keys(task: Task) -> Reach:
    result = Reach()
    parent = ""
    for name in _SETTERS.get(task.script, ()):
        text = str(task.arguments.get(name, {}).get("simple", ""))
        if "${" in text or "complex" in task.arguments.get(name, {}):
            return Reach(open_because=f"the {name} of {task.script} in task {task.id} is computed")
        if name == "parent":
            parent = plain(text)
            continue
        items = text.split(",") if name == "keys" else [text]
        joined = (f"{parent}.{plain(item.strip())}" if parent else plain(item.strip()) for item in items)
        result |= Reach(frozenset(path for path in joined if path))
    return result


def _extended(task: Task) -> Reach:
    text = str(task.arguments.get("extend-context", {}).get("simple", ""))
    return Reach(frozenset(plain(piece.partition("=")[0].strip()) for piece in text.split("::") if piece.strip()))


def _around(playbook: Playbook, known: Known, below: frozenset[str]) -> Reach:
    """What can be in the context of a playbook: its own, and that of callers which share theirs with it."""
    result = sets(playbook, known)
    if playbook.id in below:
        return result
    for other in known.playbooks:
        if other.id != playbook.id and any(_shares(task, playbook) for task in other.tasks.values()):
            result |= _around(other, known, below | {playbook.id})
    return result


def _shares(task: Task, playbook: Playbook) -> bool:
    return task.playbook in (playbook.name, playbook.id) and task.kind == "playbook" and not task.separate_context


def _inside_loop(task: Task, known: Known) -> Reach:
    called = known.playbook(task.playbook) if task.loop else None
    return sets(called, known) if called else Reach()


def _values(
    playbook: Playbook,
    task: Task,
    values: Iterable[tuple[str, Expression | Clauses]],
    reach: Reach,
    used: set[str],
    unsure: list[str],
) -> Iterator[Finding]:
    for place, value in values:
        paths, complaint = _read(playbook, task, place, value)
        yield from complaint
        for path in paths:
            root = path.partition(".")[0]
            if root == INPUTS:
                used.add(path)
            elif root and root not in _SERVER_ROOTS and not reach.has(plain(path)):
                yield from _never_set(playbook, task, f"{place} reads {path}", plain(path), reach, unsure)


def _read(
    playbook: Playbook, task: Task | None, place: str, value: Expression | Clauses
) -> tuple[list[str], list[Finding]]:
    try:
        for path in path_texts(value):
            if path.startswith("${"):
                raise ExpressionError("the path is not closed", repr(shortened(path, 60)))
            _parse(path)
        return references(value), []
    except Unsupported as gap:
        mend = "write it another way; this host stops there"
        return [], [error(playbook, task, "unsupported", f"{place}: {gap}", mend)]
    except ExpressionError as wrong:
        return [], [error(playbook, task, "expression", f"{place}: {wrong}", "correct the expression")]


def _parse(path: str) -> None:
    """Raises what a run would raise over the path's form, its JavaScript included, whatever the values are."""
    for step in steps(path):
        if isinstance(step, (Selector, Mutator)):
            js.parse(step.source)


def _never_set(
    playbook: Playbook, task: Task | None, what: str, path: str, reach: Reach, unsure: list[str]
) -> Iterator[Finding]:
    """A finding; nothing but a line in `unsure` when something unknown may set the path."""
    what += f", which nothing here sets{near(path, reach.paths)}"
    if path.partition(".")[0] in _EXTRACTED_ROOTS:
        yield warning(playbook, task, "never-set", what, "a server may, by extracting indicators; else set it first")
    elif reach.open_because:
        unsure.append(path)
    else:
        yield error(playbook, task, "never-set", what, "correct the path, or set it first")


def _inputs(playbook: Playbook, used: set[str]) -> Iterator[Finding]:
    declared = {item.key for item in playbook.inputs if item.key}
    reads = {path: _input_key(path[len(INPUTS) + 1 :], declared) for path in sorted(used)}
    for path, key in reads.items():
        if key is None:
            hint = near(path[len(INPUTS) + 1 :], declared)
            yield error(
                playbook, None, "undeclared-input", f"{path} is read, and no such input is declared{hint}",
                "declare the input, or correct the name",
            )  # fmt: skip
    for key in sorted(declared - set(reads.values())):
        yield warning(playbook, None, "unused-input", f"input {key} is declared and never read", "use it, or remove it")


def _input_key(path: str, declared: set[str]) -> str | None:
    """The declared input that a path below `inputs` reads: the longest name that fits."""
    fitting = [key for key in declared if path == key or path.startswith((key + ".", key + "[", key + "("))]
    return max(fitting, key=len, default=None)


def _outputs(playbook: Playbook, known: Known, unsure: list[str]) -> Iterator[Finding]:
    reach = sets(playbook, known)
    for item in playbook.outputs:
        if not reach.has(plain(item.path)):
            yield from _never_set(playbook, None, f"output {item.path} is declared", plain(item.path), reach, unsure)


def plain(path: str) -> str:
    """A context path without selectors, indexes and mutators."""
    before = None
    while before != path:
        before, path = path, _SELECTOR.sub("", path)
    return path.strip(". ")
