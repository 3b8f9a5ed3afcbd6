"""The context of a run as a value: every function gives a new one and leaves the old one as it was.

Only what changes is copied, so contexts share the rest and must not be changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from warroom.core import dt
from warroom.core.dt_path import Name, Selector, steps
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.merging import merged_items

Context = Mapping[str, Any]
Change = Callable[[Any], Any]
_NOTHING = object()


def merged(context: Context, entry_context: Mapping[str, Any]) -> dict[str, Any]:
    """The context after the outputs of an entry (`EntryContext`) were written to it, key by key.

    A key `Path(selector)` merges each object of its value into the first item at the path for which the selector holds
    (`val` is the item, `obj` the object): keys of the object replace those of the item, others stay; without such an
    item it is appended. So `Path(true)` writes into what is there. A key without selector appends: the second write
    makes a list. None, {} and [] write nothing. Raises ExpressionError for keys that are no path, Unsupported for
    selectors before the end of a path and for paths below a list.
    """
    result = dict(context)
    for key, value in entry_context.items():
        names, selector = _target(key)
        if value is not None and value not in ({}, []):
            result = _changed(result, names, lambda old: _written(old, value, selector, key), key)  # noqa: B023 - used at once
    return result


def appended(context: Context, path: str, value: Any) -> dict[str, Any]:
    """The context with one more value at a dotted path: the second write there makes a list, a list adds its items."""
    return _changed(dict(context), _names(path), lambda old: _added(old, value), path)


def replaced(context: Context, path: str, value: Any) -> dict[str, Any]:
    """The context with `value` at a dotted path, whatever was there."""
    return _changed(dict(context), _names(path), lambda _: value, path)


def removed(context: Context, path: str) -> dict[str, Any]:
    """The context without what a dotted path names; unchanged when it names nothing. Goes through lists.

    An object or a list that holds nothing afterwards stays.
    """
    return dict(_without(context, _names(path)))


def read(context: Context, path: str) -> Any:
    """What a path (`warroom.core.dt`) names; None for nothing."""
    return dt.evaluate(context, path)


def _target(key: str) -> tuple[list[str], str | None]:
    parts = steps(key)
    selector = parts[-1].source if parts and isinstance(parts[-1], Selector) else None
    return _only_names(parts[:-1] if selector is not None else parts, key), selector


def _names(path: str) -> list[str]:
    return _only_names(steps(path), path)


def _only_names(parts: Iterable[Any], path: str) -> list[str]:
    names = [part.key for part in parts if isinstance(part, Name)]
    if len(names) != len(list(parts)):
        raise Unsupported("writing to a path with an index, a mutator or a selector before its end", path)
    if not names:
        raise ExpressionError("a path that names nothing cannot be written", repr(path))
    return names


def _changed(context: dict[str, Any], names: list[str], change: Change, where: str) -> dict[str, Any]:
    """A copy of the objects along `names`, with the value at the end changed. A missing value is `_NOTHING`."""
    first, rest = names[0], names[1:]
    old = context.get(first, _NOTHING)
    if not rest:
        return {**context, first: change(old)}
    if isinstance(old, list):
        raise Unsupported(f"writing below the list {first}", where)
    below = dict(old) if isinstance(old, Mapping) else {}
    return {**context, first: _changed(below, rest, change, where)}


def _written(old: Any, value: Any, selector: str | None, key: str) -> Any:
    if selector is None:
        return _added(old, value)
    return value if old is _NOTHING and not isinstance(value, list) else merged_items(_list(old), value, selector, key)


def _added(old: Any, value: Any) -> Any:
    if old is _NOTHING or old is None:
        return value
    return [*_list(old), *_list(value)]


def _list(value: Any) -> list[Any]:
    if value is _NOTHING or value is None:
        return []
    return value if isinstance(value, list) else [value]


def _without(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    if not isinstance(value, Mapping) or names[0] not in value:
        return value
    if len(names) == 1:
        return {key: item for key, item in value.items() if key != names[0]}
    return {**value, names[0]: _without(value[names[0]], names[1:])}
