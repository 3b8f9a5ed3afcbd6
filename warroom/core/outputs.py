"""How the outputs of a sub-playbook with a context of its own get into the context around it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def declared(context: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The part of a context that the dotted `paths` name. Lists on the way keep the items that hold something."""
    tree: dict[str, Any] = {}
    for path in paths:
        branch = tree
        *steps, last = path.split(".")
        for step in steps:
            branch = branch.setdefault(step, {})
        branch.setdefault(last, {})[""] = True
    found = _cut(context, tree)
    return found if isinstance(found, dict) else {}


def adopted(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """The outer context with all of `inner`. Where both have a value the two make a list; equal ones count once."""
    result = dict(outer)
    for key, value in inner.items():
        result[key] = _joined(result[key], value) if result.get(key) is not None else value
    return result


def _cut(value: Any, tree: Mapping[str, Any]) -> Any:
    if "" in tree:
        return value
    if isinstance(value, list):
        return [part for item in value if (part := _cut(item, tree))] or None
    if not isinstance(value, Mapping):
        return None
    parts = {key: part for key, below in tree.items() if (part := _cut(value.get(key), below)) is not None}
    return parts or None


def _joined(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict) and not _clash(old, new):
        return adopted(old, new)
    if old == new:
        return old
    items = list(old) if isinstance(old, list) else [old]
    return [*items, *(item for item in (new if isinstance(new, list) else [new]) if item not in items)]


def _clash(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two objects say different things of one key, so that they must be two objects."""
    return any(
        key in old
        and old[key] != value
        and not (isinstance(old[key], dict) and isinstance(value, dict) and not _clash(old[key], value))
        for key, value in new.items()
    )
