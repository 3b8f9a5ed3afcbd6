"""Merging of objects into a list of items by a selector such as `val.ID && val.ID == obj.ID`.

Outputs of thousands of objects are common, and most selectors compare keys, so those are looked up in an index. Where
JavaScript would compare other things than texts or whole numbers, or the selector has another form, items are tried
one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from warroom.core.dt import holds

_Key = tuple[Any, ...]
_EQUAL = re.compile(r"\s*(?:val\.([\w.]+)\s*===?\s*obj\.\1|obj\.([\w.]+)\s*===?\s*val\.\2)\s*")
_PRESENT = re.compile(r"\s*(?:val|obj)\.([\w.]+)\s*")


def merged_items(old: list[Any], value: Any, selector: str, where: str) -> Any:
    """What stands at a path after `value`, an object or a list of them, was merged into the items there.

    One item that was alone and got the only object stays alone (no list). Raises ExpressionError, naming `where`.
    """
    target = _Target(old, selector, where)
    for item in value if isinstance(value, list) else [value]:
        target.put(item)
    alone = len(target.items) == 1 and not isinstance(value, list)
    return target.items[0] if alone else target.items


class _Target:
    def __init__(self, items: list[Any], selector: str, where: str) -> None:
        self.items = list(items)
        self._selector = selector
        self._where = where
        self._keys = _keys(selector)
        self._index: dict[_Key, int] = {}
        self._by_kinds: dict[tuple[type, ...] | None, list[int]] = {}
        for position in range(len(self.items)):
            self._remember(position)

    def put(self, new: Any) -> None:
        position = self._position(new)
        if position is None:
            self.items.append(new)
            self._remember(len(self.items) - 1)
        else:
            self.items[position] = _united(self.items[position], new)

    def _remember(self, position: int) -> None:
        key = self._key(self.items[position])
        self._by_kinds.setdefault(_kinds(key), []).append(position)
        if key is not None:
            self._index.setdefault(key, position)

    def _position(self, new: Any) -> int | None:
        key = self._key(new)
        if key is None:
            return self._first(range(len(self.items)), new)
        found = [self._index.get(key)]
        for kinds, positions in self._by_kinds.items():
            if kinds != _kinds(key):  # 1 == "1", and what has no key at all
                found.append(self._first(positions, new))
        return min((position for position in found if position is not None), default=None)

    def _first(self, positions: Iterable[int], new: Any) -> int | None:
        for position in positions:
            if holds(self._selector, self.items[position], new, where=self._where):
                return position
        return None

    def _key(self, item: Any) -> _Key | None:
        """The values that decide, None when the selector or the item needs JavaScript."""
        values = tuple(_at(item, path) for path in self._keys)
        return values if values and all(type(value) in (str, int) and value for value in values) else None


def _kinds(key: _Key | None) -> tuple[type, ...] | None:
    return None if key is None else tuple(type(value) for value in key)


def _at(item: Any, path: str) -> Any:
    for name in path.split("."):
        item = item.get(name) if isinstance(item, Mapping) else None
    return item


def _keys(selector: str) -> list[str]:
    """The keys that a selector compares, when it does nothing but compare keys of `val` and `obj`."""
    keys: list[str] = []
    present: list[str] = []
    for part in selector.split("&&"):
        equal, exists = _EQUAL.fullmatch(part), _PRESENT.fullmatch(part)
        if equal:
            keys.append(equal.group(1) or equal.group(2))
        elif exists:
            present.append(exists.group(1))
        else:
            return []
    return keys if set(present) <= set(keys) and not any("length" in key for key in keys) else []


def _united(old: Any, new: Any) -> Any:
    return {**old, **new} if isinstance(old, Mapping) and isinstance(new, Mapping) else new
