"""Reading and reshaping of nested dicts and lists, and addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["batch", "dict_safe_get", "merge_lists", "remove_empty_elements", "urljoin"]


def batch(iterable: Any, batch_size: int = 1) -> Iterator[Any]:
    """Slices of at most `batch_size` items, in order. Raises TypeError for what has no length, such as a generator."""
    for start in range(0, len(iterable), batch_size):
        yield iterable[start : start + batch_size]


def urljoin(url: str, suffix: str = "") -> str:
    """Both with exactly one slash between; without a suffix the result ends in a slash."""
    base = url if url.endswith("/") else f"{url}/"
    return base + suffix.removeprefix("/")


def dict_safe_get(
    dict_object: Any,
    keys: Sequence[Any],
    default_return_value: Any = None,
    return_type: type | tuple[type, ...] | None = None,
    raise_return_type: bool = True,
) -> Any:
    """The value below `keys`, a path of keys and list positions, or the default when a step is missing.

    A value that is not of `return_type` raises TypeError, or gives the default when `raise_return_type` is False.
    """
    value = dict_object
    for key in keys:
        try:
            value = value[key]
        except (AttributeError, TypeError, KeyError, IndexError):
            return default_return_value
    if return_type and not isinstance(value, return_type):
        if raise_return_type:
            raise TypeError(f"the value at {list(keys)!r} is of type {type(value).__name__}, not {return_type!r}")
        return default_return_value
    return value


def remove_empty_elements(d: Any) -> Any:
    """The same value without None, {} and [] at any depth; "", 0 and False stay."""
    if isinstance(d, dict):
        cleaned = {key: remove_empty_elements(value) for key, value in d.items()}
        return {key: value for key, value in cleaned.items() if not _is_empty(value)}
    if isinstance(d, list):
        return [item for item in map(remove_empty_elements, d) if not _is_empty(item)]
    return d


def _is_empty(value: Any) -> bool:
    return value is None or value == {} or value == []


def merge_lists(
    original_list: Sequence[Mapping[str, Any]], updated_list: Sequence[Mapping[str, Any]], key: str
) -> list[Mapping[str, Any]]:
    """Items of both lists, one for each value of `key`: updated ones in place of original ones, new ones at the end.

    An item whose `remove` is True is left out. Raises KeyError when an item lacks `key`.
    """
    merged = {item[key]: item for item in [*original_list, *updated_list]}
    return [item for item in merged.values() if item.get("remove") is not True]
