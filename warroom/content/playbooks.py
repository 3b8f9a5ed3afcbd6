"""One playbook yml as a `Playbook`. Keys that nothing reads are named in it, never dropped in silence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from warroom.content.node import Node
from warroom.content.reader import pack_of
from warroom.core.playbook import (
    Branch,
    Clauses,
    Expression,
    Input,
    Loop,
    Message,
    OnError,
    Output,
    Playbook,
    Question,
    Task,
    TaskKind,
)

# Keys that are read, and keys that only matter to the editor, the search or the documentation of a server.
_PLAYBOOK_KEYS = frozenset(
    """
    id name description starttaskid tasks inputs outputs quiet deprecated hidden version view fromversion toversion
    tests tags marketplaces system inputSections outputSections contentitemexportablefields contentitemfields
    sourceplaybookid comment supportedModules supportedFeatures adopted dirtyInputs issilent internal source beta
    rolename elasticcommonfields
    """.split()
)
_TASK_KEYS = frozenset(
    """
    id taskid type task nexttasks scriptarguments conditions results loop separatecontext continueonerror
    continueonerrortype skipunavailable quietmode quiet message form fieldMapping timertriggers view note evidencedata
    timelineRecord ignoreworker isoversize isautoswitchedtoquietmode reputationcalc defaultassigneecomplex sla
    slareminder restrictedcompletion
    """.split()
)
_INNER_KEYS = frozenset(
    """
    id version name description type iscommand brand script scriptName playbookName playbookId elasticcommonfields tags
    issystemtask clonedfrom displayLabel isSubSection
    """.split()
)
_LOOP_KEYS = frozenset("iscommand exitCondition wait max forEach builtincondition scriptId scriptArguments".split())
_NO_DATE = "0001-01-01"


def read_playbook(root: Node) -> Playbook:
    """The playbook of a parsed yml. Raises ContentError naming file and key."""
    tasks = {str(key): _task(node) for key, node in _entries(root, "tasks")}
    start = root.text("starttaskid")
    if start not in tasks:
        raise root.error("starttaskid", f"names task {start!r}, which is not among the tasks")
    inputs = tuple(_input(node) for node in root.children("inputs"))
    return Playbook(
        id=root.text("id", root.text("name")),
        name=root.text("name"),
        description=root.text("description", ""),
        start=start,
        tasks=tasks,
        inputs=inputs,
        outputs=tuple(_output(node) for node in root.children("outputs")),
        quiet=root.flag("quiet"),
        deprecated=root.flag("deprecated"),
        pack=pack_of(root.file),
        file=root.file,
        unknown=tuple(_unknown(root)),
    )


def is_playbook(data: Mapping[str, Any]) -> bool:
    """Whether a parsed yml is a playbook."""
    return "tasks" in data and "starttaskid" in data


def _entries(node: Node, name: str) -> Iterable[tuple[Any, Node]]:
    child = node.child(name)
    for key in child.data:
        yield key, child.child(key)


def _task(node: Node) -> Task:
    inner = node.child("task")
    kind = _kind(node)
    script, brand = _script(inner)
    x, y = _position(node)
    return Task(
        id=node.text("id"),
        kind=kind,
        name=inner.text("name", ""),
        description=inner.text("description", ""),
        script=script,
        brand=brand,
        is_command=inner.flag("iscommand"),
        playbook=inner.text("playbookName", "") or inner.text("playbookId", ""),
        next={_label(key): _ids(node, key) for key in node.child("nexttasks").data},
        arguments=_expressions(node, "scriptarguments"),
        branches=tuple(
            Branch(_label(child.data.get("label")), _clauses(child, "condition"))
            for child in node.children("conditions")
        ),
        results=node.texts("results"),
        loop=_loop(node.child("loop")),
        separate_context=node.flag("separatecontext"),
        on_error=_on_error(node),
        skip_unavailable=node.flag("skipunavailable"),
        quiet=_quiet(node),
        message=_message(node),
        field_mapping={
            child.text("incidentfield"): _expression(child, "output") for child in node.children("fieldMapping")
        },
        timers=tuple(_timer(child) for child in node.children("timertriggers")),
        tags=inner.texts("tags"),
        x=x,
        y=y,
    )


def _kind(node: Node) -> TaskKind:
    text = node.text("type")
    if text == "standard":  # the old name of a task that a person does
        return "regular"
    if text not in get_args(TaskKind):
        raise node.error("type", f"must be one of {', '.join(get_args(TaskKind))}, not {text!r}")
    return cast(TaskKind, text)


def _script(inner: Node) -> tuple[str, str]:
    """Name and brand of what a task runs. `Brand|||name` restricts to a brand, `|||name` does not."""
    text = inner.text("script", "") or inner.text("scriptName", "")
    brand, bars, name = text.partition("|||")
    if bars:
        return name, brand
    return text, inner.text("brand", "") if text else ""


def _label(key: object) -> str:
    """A branch label as text: an unquoted yes or no has become a boolean on its way through YAML."""
    if isinstance(key, bool):
        return "yes" if key else "no"
    return "" if key is None else str(key)


def _ids(node: Node, label: str) -> tuple[str, ...]:
    return node.child("nexttasks").texts(label)


def _expressions(node: Node, name: str) -> dict[str, Expression]:
    child = node.child(name)
    return {str(key): _expression(child, key) for key in child.data}


def _expression(node: Node, name: str) -> Expression:
    """`{"simple": text}`, `{"complex": {...}}` or `{}`. A bare scalar is taken as simple text."""
    value = node.data.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return {"simple": node.text(name)}
    child = node.child(name)
    if "complex" in child.data:
        return {"complex": dict(child.child("complex").data)}
    return {"simple": child.text("simple", "")} if "simple" in child.data else {}


def _clauses(node: Node, name: str) -> Clauses:
    value = node.data.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise node.error(name, "must be a list of lists of comparisons")
    clauses = []
    for index, row in enumerate(value):
        if not all(isinstance(item, Mapping) and item.get("operator") for item in row):
            raise node.error(f"{name}[{index}]", "must hold comparisons, each with an operator")
        clauses.append(tuple(dict(item) for item in row))
    return tuple(clauses)


def _loop(node: Node) -> Loop | None:
    """None for the empty block that the editor leaves at every sub-playbook."""
    for_each, clauses = node.flag("forEach"), _clauses(node, "builtincondition")
    script = node.text("scriptId", "") or node.text("scriptName", "")
    if not for_each and not clauses and not script:
        if node.text("exitCondition", "").strip():
            raise node.error("exitCondition", "is not understood; loop by forEach, a condition or a script")
        return None
    return Loop(
        for_each=for_each,
        exit_clauses=() if for_each else clauses,
        exit_script="" if for_each or clauses else script.rpartition("|||")[2],
        exit_arguments=_expressions(node, "scriptArguments"),
        wait_seconds=float(_whole(node, "wait")),
        maximum=_whole(node, "max") or 100,
    )


def _whole(node: Node, name: str) -> int:
    return node.number(name) if node.data.get(name) not in (None, "") else 0


def _on_error(node: Node) -> OnError:
    if not node.flag("continueonerror"):
        return "stop"
    kind = node.text("continueonerrortype", "")
    if kind not in {"", "errorPath"}:
        raise node.error("continueonerrortype", f"must be empty or errorPath, not {kind!r}")
    return "path" if kind else "continue"


def _quiet(node: Node) -> bool | None:
    return {0: None, 1: True, 2: False}.get(_whole(node, "quietmode"))


def _timer(node: Node) -> str:
    return f"{node.text('action', '')} {node.text('fieldname', '')}".strip()


def _position(node: Node) -> tuple[float, float]:
    """Where the editor drew the task; (0, 0) where the yml does not say."""
    view = node.data.get("view")
    try:
        place = (json.loads(view) if isinstance(view, str) else view or {}).get("position", {})
        return float(place.get("x", 0)), float(place.get("y", 0))
    except (ValueError, TypeError, AttributeError):
        return 0.0, 0.0


def _message(node: Node) -> Message | None:
    if not node.data.get("message") and not node.data.get("form"):
        return None
    message, form = node.child("message"), node.child("form")
    return Message(
        subject=_expression(message, "subject") or None,
        body=_expression(message, "body") or None,
        replies=tuple(_label(item) for item in message.data.get("replyOptions") or ()),
        questions=tuple(_question(child) for child in form.children("questions")),
        title=form.text("title", ""),
    )


def _question(node: Node) -> Question:
    label = _expression(node, "labelarg")
    given = [_option(child) for child in node.children("optionsarg")]
    computed = [item for item in given if "complex" in item or "${" in str(item.get("simple", ""))]
    if len(computed) > 1:
        raise node.error("optionsarg", "holds several computed options; this host takes one")
    literal = tuple(str(item["simple"]) for item in given if item not in computed and item.get("simple"))
    return Question(
        id=node.text("id", ""),
        label=str(label.get("simple", "")) or node.text("label", ""),
        kind=node.text("type", "shortText"),
        required=node.flag("required"),
        options=literal or tuple(_label(_first(item)) for item in node.data.get("options") or ()),
        options_from=computed[0] if computed else None,
        placeholder=node.text("placeholder", ""),
        label_from=label if "complex" in label else None,
    )


def _option(node: Node) -> Expression:
    return (
        {"complex": dict(node.child("complex").data)} if "complex" in node.data else {"simple": node.text("simple", "")}
    )


def _first(item: object) -> object:
    return item[0] if isinstance(item, list) and item else item


def _input(node: Node) -> Input:
    query = node.child("playbookInputQuery")
    return Input(
        key=node.text("key", ""),
        value=_expression(node, "value"),
        required=node.flag("required"),
        description=node.text("description", ""),
        query=query.text("query", ""),
        entity=query.text("queryEntity", ""),
        since_last_run=query.flag("runFromLastJobTime"),
    )


def _output(node: Node) -> Output:
    return Output(node.text("contextPath"), node.text("description", ""), node.text("type", "unknown"))


def _unknown(root: Node) -> Iterable[str]:
    yield from (str(key) for key in root.data if key not in _PLAYBOOK_KEYS)
    for key, node in _entries(root, "tasks"):
        for known, child, where in (
            (_TASK_KEYS, node, ""),
            (_INNER_KEYS, node.child("task"), "task."),
            (_LOOP_KEYS, node.child("loop"), "loop."),
        ):
            yield from (f"tasks.{key}.{where}{name}" for name in child.data if name not in known)
    for index, node in enumerate(root.children("inputs")):
        if _has_date_range(node.child("playbookInputQuery")):
            yield f"inputs[{index}].playbookInputQuery.daterange"


def _has_date_range(query: Node) -> bool:
    dates = query.child("daterange")
    period = dates.child("period")
    limits = [dates.text("fromdate", ""), dates.text("todate", "")]
    return any(text and not text.startswith(_NO_DATE) for text in limits) or any(
        value not in (None, "", 0) for key, value in period.data.items() if key in {"fromvalue", "tovalue"}
    )
