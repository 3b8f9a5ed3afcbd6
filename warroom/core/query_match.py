"""Whether one indicator document fits a query. Pure; the database must agree with it, leaf by leaf."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from warroom.core.dates import NO_DATE, to_micros
from warroom.core.indicators import Document, identity
from warroom.core.query_fields import kind_of
from warroom.core.query_tree import (
    Active,
    All,
    And,
    AnyOf,
    Bound,
    Dates,
    Exists,
    Glob,
    Node,
    Not,
    Or,
    Range,
    Regex,
    Scores,
    glob_regex,
)
from warroom.core.verdicts import reliability_letter, score_of


def matches(node: Node, doc: Document, now: int) -> bool:
    """True when the document fits. `now`: microseconds since 1970 UTC, for the expiration status."""
    if isinstance(node, And):
        return all(matches(item, doc, now) for item in node.items)
    if isinstance(node, Or):
        return any(matches(item, doc, now) for item in node.items)
    if isinstance(node, Not):
        return not matches(node.item, doc, now)
    return _leaf(node, doc, now)


def _leaf(node: Node, doc: Document, now: int) -> bool:
    if isinstance(node, All):
        return True
    if isinstance(node, Active):
        return date_of(doc, "expiration") > now
    if isinstance(node, Scores):
        return node.low <= score(doc) <= node.high
    if isinstance(node, Dates):
        return _in_dates(node, date_of(doc, node.field))
    if isinstance(node, Exists):
        return _exists(node.field, doc)
    if isinstance(node, Range):
        return any(_in_range(node, one) for one in elements(_content(node.field, doc)))
    return _fits(node, doc)


def date_of(doc: Document, field: str) -> int:
    """Microseconds of a built-in date field, `NO_DATE` when it has none."""
    micros = to_micros(doc.get(field))
    return NO_DATE if micros is None else micros


def score(doc: Document) -> int:
    """The verdict 0..3; 0 when the document has none."""
    return score_of(doc.get("score")) or 0


def _in_dates(node: Dates, micros: int) -> bool:
    if micros == NO_DATE:
        return False
    return (node.low is None or micros >= node.low) and (node.high is None or micros < node.high)


def _exists(field: str, doc: Document) -> bool:
    kind = kind_of(field)
    if kind == "date":
        return date_of(doc, field) != NO_DATE
    if kind in ("score", "status", "value"):
        return True
    return any(one not in (None, "") for one in elements(_content(field, doc)))


def _content(field: str, doc: Document) -> Any:
    if field == "type":
        return doc.get("indicator_type")
    if kind_of(field) != "custom":
        return doc.get(field)
    return (doc.get("CustomFields") or {}).get(field)


def elements(content: Any) -> Iterable[Any]:
    """The single values in a field: of a list its elements, of an object its values, at any depth."""
    if isinstance(content, dict):
        content = list(content.values())
    if not isinstance(content, list):
        return (content,)
    return (single for one in content for single in elements(one))


def _fits(node: Node, doc: Document) -> bool:
    assert isinstance(node, (AnyOf, Glob, Regex))
    texts = _texts(node.field, doc)
    if isinstance(node, AnyOf):
        wanted = wanted_texts(node)
        return any(text in wanted for text in texts)
    pattern = glob_regex(node.pattern) if isinstance(node, Glob) else _compiled(node.pattern)
    return any(pattern.fullmatch(text) is not None for text in texts)


def _texts(field: str, doc: Document) -> Iterable[str]:
    kind = kind_of(field)
    if kind == "value":
        return (identity(str(doc.get("value") or "")),)
    if kind == "reliability":
        full = str(doc.get(field) or "")
        return (full.lower(), reliability_letter(full).lower())
    if kind == "contains":
        return [str(one.get("content") or "").lower() for one in doc.get(field) or ()]
    return [_plain(one).lower() for one in elements(_content(field, doc)) if one is not None]


def _plain(single: Any) -> str:
    if isinstance(single, bool):
        return "true" if single else "false"
    return str(single)


@lru_cache(maxsize=64)
def wanted_texts(node: AnyOf) -> frozenset[str]:
    """The texts of the node in the form in which documents are compared."""
    if kind_of(node.field) == "value":
        return frozenset(identity(text) for text in node.texts)
    return frozenset(text.lower() for text in node.texts)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _in_range(node: Range, single: Any) -> bool:
    return _above(node.low, single) and _below(node.high, single)


def _number(single: Any) -> float | None:
    if isinstance(single, bool) or single is None:
        return None
    try:
        return float(single)
    except (TypeError, ValueError):
        return None


def _above(bound: Bound | None, single: Any) -> bool:
    if bound is None:
        return single not in (None, "")
    number, moment = _number(single), to_micros(single)
    if bound.number is not None and number is not None:
        return number >= bound.number if bound.inclusive else number > bound.number
    if bound.span is not None and moment is not None:
        return moment >= bound.span[0 if bound.inclusive else 1]
    return False


def _below(bound: Bound | None, single: Any) -> bool:
    if bound is None:
        return single not in (None, "")
    number, moment = _number(single), to_micros(single)
    if bound.number is not None and number is not None:
        return number <= bound.number if bound.inclusive else number < bound.number
    if bound.span is not None and moment is not None:
        return moment < bound.span[1 if bound.inclusive else 0]
    return False
