"""The context query language (DT).

`a.b.c` walks objects, and through lists as if they were not there. `a.[0]` is one item, `a.[0:2]` three of them (the
upper bound is included). `a(val.k == 1 && val.x).d` takes the items for which JavaScript holds; a binding such as
`val1---Other.Path` inside stands for the value at another path of the root, `val1---.d` of the item. `a=val.length`
gives what JavaScript makes of each item. A leading dot, or a dot alone, is the root. What JavaScript there is says
`js`.

Steps through lists and selectors give all values that they find in one flat list; a single one stands for itself, and
nothing found is None. Null counts as nothing. A value that is no list counts as a list of itself, so `a.[0]` works.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.core import js
from warroom.core.dt_path import Mutator, Name, Part, Selector, Step, steps
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.js_values import UNDEFINED, truthy


def evaluate(root: Any, expression: str, *, now: float | None = None) -> Any:
    """What an expression finds in `root`: None for nothing. `now` (seconds since 1970) is for those that ask for it.

    Raises ExpressionError for text that is no expression, Unsupported for what the house has not.
    """
    query = _Query(root, expression, now)
    values, mapped = [root], False
    for step in steps(expression):
        values, mapped = query.step(step, values, mapped)
    return _result(values, mapped)


def holds(selector: str, val: Any, obj: Any = None, *, where: str = "") -> bool:
    """Whether the JavaScript of a selector holds for `val`, with `obj` beside it. Raises as `evaluate` does."""
    return truthy(_run(selector, {"val": val, "obj": obj}, None, None, where))


def _result(values: list[Any], mapped: bool) -> Any:
    if not mapped:
        return values[0] if values else None
    flat = [item for item in _flat(values) if item is not None]
    return None if not flat else flat[0] if len(flat) == 1 else flat


def _flat(values: list[Any]) -> list[Any]:
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


class _Query:
    def __init__(self, root: Any, expression: str, now: float | None) -> None:
        self._root = root
        self._expression = expression
        self._now = now

    def step(self, step: Step, values: list[Any], mapped: bool) -> tuple[list[Any], bool]:
        """The values after one more step, and whether any of the steps went through a list."""
        if isinstance(step, Part):
            return _part(step, values)
        mapped = mapped or any(isinstance(value, list) for value in values)
        if isinstance(step, Name):
            found = [_named(value, step.key) for value in _leaves(values)]
            return [value for value in found if value is not None], mapped
        if isinstance(step, Selector):
            return [value for value in _flat(values) if truthy(self._js(step.source, value))], True
        assert isinstance(step, Mutator)
        made = [self._js(step.source, value) for value in _flat(values) if value is not None]
        return [value for value in made if value is not UNDEFINED], mapped

    def _js(self, source: str, value: Any) -> Any:
        return _run(source, {"val": value}, lambda path: self._bound(path, value), self._now, self._expression)

    def _bound(self, path: str, value: Any) -> Any:
        found = evaluate(value if path.startswith(".") else self._root, path, now=self._now)
        return UNDEFINED if found is None else found


def _run(source: str, names: Mapping[str, Any], bind: Any, now: float | None, where: str) -> Any:
    try:
        return js.run(source, names, bind=bind, now=now)
    except Unsupported as error:
        raise error if error.where else Unsupported(error.feature, where) from None
    except ExpressionError as error:
        raise error if error.where else ExpressionError(error.problem, where) from None


def _leaves(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found.extend(_leaves(value) if isinstance(value, list) else [value])
    return found


def _named(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _part(step: Part, values: list[Any]) -> tuple[list[Any], bool]:
    items = _flat(values)
    found = items[step.first : step.last + 1]
    return found, step.many
