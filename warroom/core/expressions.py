"""Values of arguments, inputs and conditions.

An expression is `{"simple": text}` or `{"complex": {root, accessor, filters, transformers}}`. A complex one is
evaluated in that order: the value at `root`, those of its items for which all of (any of (one filter)) hold, the value
at the path `accessor` of each, what the transformers make of it one after the other. In filters the left side is read
from the item, whether its path repeats the root or not; everything else is read from the roots.

Roots are the keys of the context, and `inputs`, `incident` (custom fields as well, labels by their type), `lists`
(their text), `modules` (a list of instances), `playbookQuery` and those in `Scope.others`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from warroom.core import filters
from warroom.core.casts import listed, shown, text_of
from warroom.core.dt import evaluate
from warroom.core.dt_path import Name, below, steps
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.filter_scripts import SCRIPT_FILTERS
from warroom.core.placeholders import bare, bound, dotted, pieces
from warroom.core.playbook import Clauses, Expression
from warroom.core.transformers import SCRIPT_TRANSFORMERS, STOCK_TRANSFORMERS, transform

_YES, _NO = ("true", "yes", "1"), ("false", "no", "0", "")


def no_list(name: str) -> str | None:
    """There is no list of any name."""
    return None


def no_script(name: str, arguments: Mapping[str, Any]) -> Any:
    """There is no script of any name. Raises Unsupported."""
    raise Unsupported(f"the filter or transformer {name}")


def item_by_item(name: str) -> bool:
    """No script takes the whole list."""
    return False


@dataclass(frozen=True)
class Scope:
    """What an expression can see. Nothing in it is changed.

    `context` is the run's context; `inputs` the resolved inputs of the playbook by key; `incident` its fields in the
    server's shape (custom ones below `CustomFields`, `labels` as list of {type, value}); `lists` gives the text of a
    list, None when there is none; `modules` the instances by name, each {brand, state}; `indicators` what the query of
    an indicator playbook found (root `playbookQuery`); `scripts` runs a filter or transformer script of a pack with
    its arguments (`value`, or `left` and `right`, and its own) and gives what it returned, or raises Unsupported when
    there is none; `takes_list` says of a transformer script whether it has the tag `entirelist`, else it runs once for
    each item; `others` holds further roots (`investigation`, ...); `clock` gives seconds since 1970.
    """

    context: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    incident: Mapping[str, Any] = field(default_factory=dict)
    lists: Callable[[str], str | None] = no_list
    modules: Mapping[str, Any] = field(default_factory=dict)
    indicators: Sequence[Mapping[str, Any]] = ()
    scripts: Callable[[str, Mapping[str, Any]], Any] = no_script
    takes_list: Callable[[str], bool] = item_by_item
    others: Mapping[str, Any] = field(default_factory=dict)
    clock: Callable[[], float] = time.time


@dataclass(frozen=True)
class Checked:
    """Whether clauses hold; `why` tells a person each comparison that decided, with the values seen, shortened."""

    holds: bool
    why: str


def resolve(expression: Expression | None, scope: Scope) -> Any:
    """The value of an expression; None for none and for a path that leads nowhere.

    A lone `${path}` keeps its JSON type; mixed text becomes text, lists joined by commas, nothing as an empty text.
    Raises ExpressionError, Unsupported among them.
    """
    if not expression:
        return None
    if "complex" in expression:
        return _complex(expression["complex"] or {}, scope)
    simple = expression.get("simple")
    return _text(simple, scope) if isinstance(simple, str) else _literal(simple)


def check(clauses: Clauses, scope: Scope) -> Checked:
    """Whether all of (any of (one comparison)) hold. Left and right are read once, as whole values. No clauses hold.

    Raises ExpressionError when a value cannot be cast, Unsupported for an operator that neither stock nor a script is.
    """
    told: list[str] = []
    for alternatives in clauses:
        results = list(_until_true(_compared(clause, scope) for clause in alternatives))
        passed = any(result.holds for result in results)
        told.extend(result.why for result in results if result.holds or not passed)
        if not passed:
            return Checked(False, "; ".join(told) or "no comparison")
    return Checked(True, "; ".join(told) or "no condition")


def references(expression: Expression | Clauses | None) -> list[str]:
    """The paths that an expression (or clauses) reads, with their root, each once, in order; no selectors in them."""
    if not expression:
        return []
    if isinstance(expression, Mapping):
        found = _paths(expression)
    else:
        sides = (clause.get(side) for group in expression for clause in group for side in ("left", "right"))
        found = (path for side in sides for path in _operand_paths(side))
    return list(dict.fromkeys(path for path in found if path))


def read_path(path: str, scope: Scope) -> Any:
    """The value at a path from the roots; None for nothing. Raises ExpressionError, Unsupported among them."""
    names = [step for step in steps(path) if isinstance(step, Name)]
    if names and names[0].key == "lists" and len(names) > 2:
        raise Unsupported("a path into a list; its text has no parts before ParseJSON", path)
    return evaluate(_roots(scope), path, now=scope.clock())


def _literal(value: Any) -> Any:
    # Yml without quotes gives numbers and booleans, which the server takes for texts.
    return value if value is None or isinstance(value, (list, dict)) else text_of(value)


def _text(text: str, scope: Scope) -> Any:
    parts = pieces(text)
    if len(parts) == 1 and parts[0][0]:
        return read_path(parts[0][1], scope)
    return "".join(text_of(read_path(part, scope)) if is_path else part for is_path, part in parts)


class _Lists(dict[str, Any]):
    """The lists, each read when it is asked for; as a whole they are an empty object."""

    def __init__(self, read: Callable[[str], str | None]) -> None:
        super().__init__()
        self._read = read

    def get(self, name: str, default: Any = None) -> Any:
        text = self._read(name)
        return default if text is None else text


def _roots(scope: Scope) -> dict[str, Any]:
    return {
        **scope.context,
        **scope.others,
        "inputs": scope.inputs,
        "incident": _incident(scope.incident),
        "lists": _Lists(scope.lists),
        "modules": [{"name": name, **module} for name, module in scope.modules.items()],
        "playbookQuery": list(scope.indicators),
    }


def _incident(incident: Mapping[str, Any]) -> dict[str, Any]:
    labels: dict[str, Any] = {}
    for label in incident.get("labels") or () if isinstance(incident.get("labels"), list) else ():
        kind, value = label.get("type"), label.get("value")
        labels[kind] = [*listed(labels[kind]), value] if kind in labels else value
    custom = incident.get("CustomFields") or {}
    return {**custom, **incident, **({"labels": labels} if labels else {})}


def _complex(parts: Mapping[str, Any], scope: Scope) -> Any:
    root = bare(text_of(parts.get("root")))
    value = read_path(root, scope) if root else None
    return _worked(value, parts, scope, root)


def _worked(value: Any, parts: Mapping[str, Any], scope: Scope, root: str) -> Any:
    """What filters, accessor and transformers make of the value at the root."""
    if parts.get("filters"):
        value = _filtered(value, parts["filters"], root, scope)
    if parts.get("accessor") and value is not None:
        value = evaluate(value, bare(text_of(parts["accessor"])), now=scope.clock())
    for transformer in parts.get("transformers") or ():
        value = _transformed(value, transformer, scope)
    return value


def _filtered(value: Any, clauses: Clauses, root: str, scope: Scope) -> Any:
    # The right sides are the same for all items.
    prepared = [[(clause, _operand(clause.get("right"), scope)) for clause in group] for group in clauses]
    kept = [item for item in listed(value) if _keeps(item, prepared, root, scope)]
    return None if not kept else kept[0] if len(kept) == 1 else kept


def _keeps(item: Any, prepared: list[list[tuple[Mapping[str, Any], Any]]], root: str, scope: Scope) -> bool:
    return all(
        any(_holds(clause, _of_item(clause.get("left"), item, root, scope), right, scope) for clause, right in group)
        for group in prepared
    )


def _value(side: Mapping[str, Any] | None) -> Mapping[str, Any]:
    value = (side or {}).get("value") or {}
    if not isinstance(value, Mapping):
        raise ExpressionError(f"a value is {{simple: ...}} or {{complex: ...}}, not {shown(value)}")
    return value


def _of_item(side: Mapping[str, Any] | None, item: Any, root: str, scope: Scope) -> Any:
    value = _value(side)
    if "complex" in value:
        parts = value["complex"] or {}
        path = bare(text_of(parts.get("root")))
        return _worked(_item_path(item, path, root, scope), parts, scope, path)
    if not (side or {}).get("iscontext"):
        return _operand(side, scope)
    return _item_path(item, bare(text_of(value.get("simple"))), root, scope)


def _item_path(item: Any, path: str, root: str, scope: Scope) -> Any:
    rest = below(path, root)
    if rest is not None:
        return evaluate(item, rest or ".", now=scope.clock())
    if path.partition(".")[0] in ("inputs", "incident", "lists"):
        return read_path(path, scope)
    return evaluate(item, path, now=scope.clock())


def _operand(side: Mapping[str, Any] | None, scope: Scope) -> Any:
    """The value of a side of a comparison, or of an argument of a transformer: a path only where it says so."""
    value = _value(side)
    if "complex" in value:
        return _complex(value["complex"] or {}, scope)
    simple = value.get("simple")
    if (side or {}).get("iscontext") and simple is not None:
        return read_path(bare(text_of(simple)), scope)
    return _literal(simple)


def _compared(clause: Mapping[str, Any], scope: Scope) -> Checked:
    left, right = _operand(clause.get("left"), scope), _operand(clause.get("right"), scope)
    passed = _holds(clause, left, right, scope)
    operator = text_of(clause.get("operator"))
    name = _label(clause.get("left"))
    seen = f"{name} = {shown(left)}" if name else shown(left)
    against = "" if filters.plain_name(operator) in filters.ONE_SIDED else f" {_against(clause.get('right'), right)}"
    return Checked(passed, f"{seen} {operator}{against}: {'yes' if passed else 'no'}")


def _against(side: Mapping[str, Any] | None, value: Any) -> str:
    name = _label(side)
    return f"{name} = {shown(value)}" if name else shown(value)


def _label(side: Mapping[str, Any] | None) -> str:
    """How a person knows a side: its path and transformers; empty for a literal."""
    value = _value(side)
    if "complex" not in value:
        return bare(text_of(value.get("simple"))) if (side or {}).get("iscontext") else ""
    parts = value["complex"] or {}
    path = ".".join(text_of(parts[key]) for key in ("root", "accessor") if parts.get(key))
    work = [text_of(transformer.get("operator")) for transformer in parts.get("transformers") or ()]
    return " | ".join([path + (" (filtered)" if parts.get("filters") else ""), *work])


def _holds(clause: Mapping[str, Any], left: Any, right: Any, scope: Scope) -> bool:
    operator = text_of(clause.get("operator"))
    where = f"{_label(clause.get('left'))} {operator}".strip()
    try:
        if filters.plain_name(operator) in filters.STOCK_FILTERS or operator in SCRIPT_FILTERS:
            return filters.holds(operator, left, right, bool(clause.get("ignorecase")))
        return _verdict(scope.scripts(operator, {"left": left, "right": right}), operator)
    except Unsupported as error:
        raise error if error.where else Unsupported(error.feature, where) from None
    except ExpressionError as error:
        raise error if error.where else ExpressionError(error.problem, where) from None


def _verdict(result: Any, operator: str) -> bool:
    text = text_of(result).strip().lower()
    if text not in (*_YES, *_NO):
        raise ExpressionError(f"the filter script {operator} gave {shown(result)}, not true or false")
    return text in _YES


def _transformed(value: Any, transformer: Mapping[str, Any], scope: Scope) -> Any:
    name = text_of(transformer.get("operator"))
    given = {key: _operand(side, scope) for key, side in (transformer.get("args") or {}).items()}
    if name in STOCK_TRANSFORMERS or name in SCRIPT_TRANSFORMERS:
        return transform(name, value, given)
    given = {key: argument for key, argument in given.items() if argument is not None}
    if not isinstance(value, list) or scope.takes_list(name):
        return scope.scripts(name, {"value": value, **given})
    made = [scope.scripts(name, {"value": item, **given}) for item in value]
    return [part for item in made for part in listed(item)]


def _until_true(results: Iterator[Checked]) -> Iterator[Checked]:
    for result in results:
        yield result
        if result.holds:
            return


def _paths(expression: Expression) -> Iterator[str]:
    if "complex" in expression:
        yield from _complex_paths(expression["complex"] or {})
    elif isinstance(expression.get("simple"), str):
        for is_path, path in pieces(expression["simple"]):
            yield from _path_and_bound(path) if is_path else ()


def _path_and_bound(path: str) -> Iterator[str]:
    yield dotted(path)
    yield from (dotted(inner) for inner in bound(path))


def _complex_paths(parts: Mapping[str, Any]) -> Iterator[str]:
    root, accessor = bare(text_of(parts.get("root"))), bare(text_of(parts.get("accessor")))
    if not root:
        return
    first, *others = _path_and_bound(root)
    yield f"{first}.{dotted(accessor)}" if accessor else first
    yield from others
    for clause in (clause for group in parts.get("filters") or () for clause in group):
        yield from _left_paths(clause.get("left"), first)
        yield from _operand_paths(clause.get("right"))
    for transformer in parts.get("transformers") or ():
        for side in (transformer.get("args") or {}).values():
            yield from _operand_paths(side)


def _left_paths(side: Mapping[str, Any] | None, root: str) -> Iterator[str]:
    for path in _operand_paths(side):
        absolute = below(path, root) is not None or path.partition(".")[0] in ("inputs", "incident", "lists")
        yield path if absolute else f"{root}.{path}"


def _operand_paths(side: Mapping[str, Any] | None) -> Iterator[str]:
    value = _value(side)
    if "complex" in value:
        yield from _complex_paths(value["complex"] or {})
    elif (side or {}).get("iscontext") and value.get("simple"):
        yield from _path_and_bound(bare(text_of(value["simple"])))
