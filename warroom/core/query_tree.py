"""The tree of a parsed query: frozen, hashable, equal for equal meaning. Leaves name canonical fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class All:
    """Everything."""


@dataclass(frozen=True)
class And:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    item: Node


@dataclass(frozen=True)
class AnyOf:
    """The field, or one of its elements, is one of the texts; case does not count."""

    field: str
    texts: frozenset[str]


@dataclass(frozen=True)
class Glob:
    """The field, or one of its elements, fits a pattern of `*`, `?` and `\\`-escaped characters, case ignored."""

    field: str
    pattern: str


@dataclass(frozen=True)
class Regex:
    """The regular expression matches the whole field, or a whole element of it, case ignored."""

    field: str
    pattern: str


@dataclass(frozen=True)
class Exists:
    """The field is there and not empty."""

    field: str


@dataclass(frozen=True)
class Active:
    """The indicator is not past its expiration."""


@dataclass(frozen=True)
class Dates:
    """The date field is in `[low, high)` microseconds; None = open. A missing date is in no range."""

    field: str
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Scores:
    """The verdict lies in `[low, high]`."""

    low: int
    high: int


@dataclass(frozen=True)
class Bound:
    """An end of a range over a custom field: as number, and as span of time, where the text can be read so."""

    text: str
    number: float | None
    span: tuple[int, int] | None
    inclusive: bool


@dataclass(frozen=True)
class Range:
    """A custom field, or one of its elements, lies between the bounds; None = open."""

    field: str
    low: Bound | None
    high: Bound | None


Leaf = All | AnyOf | Glob | Regex | Exists | Active | Dates | Scores | Range
Node = And | Or | Not | Leaf


def both(items: Iterable[Node]) -> Node:
    """All of the items; one alone stands for itself."""
    parts = tuple(items)
    return parts[0] if len(parts) == 1 else And(parts)


def either(items: Iterable[Node]) -> Node:
    """Any of the items. Equality tests of one field become one test, so long value lists stay cheap."""
    texts: dict[str, set[str]] = {}
    rest: list[Node] = []
    for item in items:
        if isinstance(item, AnyOf):
            texts.setdefault(item.field, set()).update(item.texts)
        else:
            rest.append(item)
    parts = (*(AnyOf(field, frozenset(some)) for field, some in texts.items()), *rest)
    return parts[0] if len(parts) == 1 else Or(parts)


def negation(item: Node) -> Node:
    """Not the item; twice not is the item itself."""
    return item.item if isinstance(item, Not) else Not(item)


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of a node, empty for a leaf."""
    if isinstance(node, (And, Or)):
        return node.items
    return (node.item,) if isinstance(node, Not) else ()


def extent(node: Node) -> tuple[int, int]:
    """How deep the tree is and how many leaves it has, without recursion: no query may exhaust the stack."""
    depth, leaves, level = 0, 0, [node]
    while level:
        depth += 1
        leaves += sum(1 for one in level if not children(one))
        level = [child for one in level for child in children(one)]
    return depth, leaves


def glob_parts(pattern: str) -> Iterator[tuple[bool, str]]:
    """The pattern piece by piece: (True, "*" or "?") for a wildcard, (False, character) for itself."""
    escaped = False
    for character in pattern:
        if escaped or character not in "\\*?":
            yield False, character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            yield True, character


@lru_cache(maxsize=512)
def glob_regex(pattern: str) -> re.Pattern[str]:
    """Matches the lower-case text of a field. Only ASCII letters are folded further, as the database does."""
    wild = {"*": ".*", "?": "."}
    text = "".join(wild[part] if is_wild else re.escape(part) for is_wild, part in glob_parts(pattern.lower()))
    return re.compile(text, re.DOTALL | re.IGNORECASE | re.ASCII)
