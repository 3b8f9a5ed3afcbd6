"""Query trees as SQL conditions.

What a column holds becomes SQL. What stands only in the documents is left to a predicate that the database
calls with the document, one call for the largest piece of the tree that has no column.
"""

# ruff: noqa: S608 - only names of tables and columns are written into statements, every value is bound.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from warroom.core.dates import NO_DATE
from warroom.core.indicators import Document
from warroom.core.query_match import matches, wanted_texts
from warroom.core.query_tree import (
    Active,
    All,
    And,
    AnyOf,
    Dates,
    Exists,
    Glob,
    Node,
    Not,
    Or,
    Scores,
    children,
    glob_parts,
)

DATE_COLUMNS = {
    "modified": "modified",
    "timestamp": "created",
    "firstSeen": "first_seen",
    "lastSeen": "last_seen",
    "expiration": "expiration",
}
_TEXT_COLUMNS = {"value": "key", "type": "type"}
_INLINE = 50
Side = Literal["low", "high"]
Predicate = Callable[[Document], bool]


@dataclass(frozen=True)
class Condition:
    """`sql` with `?` for each of `values`; `document_match(i, doc)` in it means the i-th predicate.

    `by_key`: at most a few rows fit and the value index finds them.
    """

    sql: str
    values: tuple[Any, ...]
    predicates: tuple[Predicate, ...]
    by_key: bool


def condition(node: Node, now: int, overtaken: Side | None = None) -> Condition:
    """The SQL condition of a query; `now` in microseconds since 1970 UTC.

    `overtaken`: the end of the range of `modified` that the place of a walk has passed; the database shall
    filter by it but not look it up.
    """
    build = _Build(now, overtaken)
    sql = build.sql(node)
    return Condition(sql, tuple(build.values), tuple(build.predicates), _by_key(node))


def _by_key(node: Node) -> bool:
    if isinstance(node, And):
        return any(map(_by_key, node.items))
    return isinstance(node, AnyOf) and node.field in ("value", "id")


class _Build:
    """Collects the values and predicates of one condition while it is written, left to right."""

    def __init__(self, now: int, overtaken: Side | None) -> None:
        self._overtaken = overtaken
        self.values: list[Any] = []
        self.predicates: list[Predicate] = []
        self._now = now

    def sql(self, node: Node) -> str:
        if not _has_column(node):
            return self._by_document(node)
        if isinstance(node, And):
            return self._joined(node.items, " and ", And)
        if isinstance(node, Or):
            return self._joined(node.items, " or ", Or)
        if isinstance(node, Not):
            return f"not {self.sql(node.item)}"
        return self._leaf(node)

    def _joined(self, items: tuple[Node, ...], word: str, kind: type[And] | type[Or]) -> str:
        parts = [self.sql(item) for item in items if _has_column(item)]
        rest = tuple(item for item in items if not _has_column(item))
        if rest:
            parts.append(self._by_document(kind(rest)))
        return _balanced(parts, word)

    def _by_document(self, node: Node) -> str:
        now = self._now
        self.predicates.append(lambda doc: matches(node, doc, now))
        self.values.append(len(self.predicates) - 1)
        return "document_match(?, doc)"

    def _leaf(self, node: Node) -> str:
        if isinstance(node, Active):
            return self._with("expiration > ?", self._now)
        if isinstance(node, Scores):
            return self._scores(node)
        if isinstance(node, Dates):
            return self._dates(node)
        if isinstance(node, AnyOf):
            return self._any_of(node)
        if isinstance(node, Glob):
            return self._with(f"{_TEXT_COLUMNS[node.field]} like ? escape '\\'", _like(node.pattern))
        if isinstance(node, Exists) and node.field in DATE_COLUMNS:
            return self._with(f"{DATE_COLUMNS[node.field]} <> ?", NO_DATE)
        return "1"

    def _with(self, sql: str, *values: Any) -> str:
        self.values.extend(values)
        return sql

    def _scores(self, node: Scores) -> str:
        if node.low == node.high:
            return self._with("score = ?", node.low)
        return self._with("score between ? and ?", node.low, node.high)

    def _dates(self, node: Dates) -> str:
        column = DATE_COLUMNS[node.field]
        parts = [] if node.low is None else [self._with(f"{self._end(column, 'low')} >= ?", node.low)]
        # Every real date is below NO_DATE, so an open upper end still leaves the missing ones out.
        high = NO_DATE if node.high is None else min(node.high, NO_DATE)
        parts.append(self._with(f"{self._end(column, 'high')} < ?", high))
        return "(" + " and ".join(parts) + ")"

    def _end(self, column: str, side: Side) -> str:
        # Of two bounds on one side SQLite looks up either; a plus sign takes this one out of its choice.
        return f"+{column}" if column == "modified" and side == self._overtaken else column

    def _any_of(self, node: AnyOf) -> str:
        texts = sorted(wanted_texts(node))
        if node.field == "id":
            column, wanted = "seq", [int(text) for text in texts if _is_id(text)]
            return self._with(f"{column} in (select value from json_each(?))", _json(wanted))
        column = _TEXT_COLUMNS[node.field]
        if len(texts) == 1:
            return self._with(f"{column} = ?", texts[0])
        if node.field == "type" and len(texts) <= _INLINE:
            return self._with(f"{column} in ({', '.join('?' * len(texts))})", *texts)
        return self._with(f"{column} in (select value from json_each(?))", _json(texts))


def _balanced(parts: list[str], word: str) -> str:
    # SQLite reads `a or b or c` as a chain as deep as it is long, and allows a depth of 1,000.
    if len(parts) <= 2:
        return "(" + word.join(parts) + ")"
    middle = len(parts) // 2
    return f"({_balanced(parts[:middle], word)}{word}{_balanced(parts[middle:], word)})"


def _has_column(node: Node) -> bool:
    if isinstance(node, (And, Or, Not)):
        return any(map(_has_column, children(node)))
    if isinstance(node, AnyOf):
        return node.field in (*_TEXT_COLUMNS, "id")
    if isinstance(node, Glob):
        return node.field in _TEXT_COLUMNS
    if isinstance(node, Exists):
        return node.field in (*DATE_COLUMNS, "value", "score", "expirationStatus")
    return isinstance(node, (All, Active, Scores, Dates))


def _like(pattern: str) -> str:
    wild = {"*": "%", "?": "_"}
    escaped = {"%": "\\%", "_": "\\_", "\\": "\\\\"}
    return "".join(wild[part] if is_wild else escaped.get(part, part) for is_wild, part in glob_parts(pattern.lower()))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and str(int(text)) == text and len(text) < 19


def _json(wanted: list[Any]) -> str:
    return orjson.dumps(wanted).decode()
