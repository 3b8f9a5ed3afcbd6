"""The search language: text -> tree (`warroom.core.query_tree`).

`field:value`, quotes, `\\` escapes, and/or/not in any case, a leading `-`, parentheses, lists
`type:[URL,File]`, groups `type:(File or Domain)`, `*` and `?`, `/regular expressions/`, `>`, `>=`, `<`, `<=`,
`[a TO b]`, `{a TO b}`. Terms side by side are joined by AND. A bare word is looked for anywhere in the value.
Quoted text has no wildcards. `field:*` means "has any content", `field:""` "is empty". Dates count with their
precision: `<=2024-01-31` takes the whole day in, `>2024-01-31` begins on the next one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError
from lark.visitors import Transformer_NonRecursive

from warroom.core.dates import ALLOWED, span
from warroom.core.query_fields import advice, canonical, kind_of
from warroom.core.query_tree import (
    Active,
    All,
    AnyOf,
    Bound,
    Dates,
    Exists,
    Glob,
    Node,
    Range,
    Regex,
    Scores,
    both,
    either,
    extent,
    negation,
)
from warroom.core.verdicts import SCORES, score_of

MAX_LENGTH = 1_000_000
MAX_DEPTH = 100
MAX_TERMS = 10_000
_TERMINALS = {
    "FIELD": "field:", "TEXT": "a word", "STRING": "a quoted text", "REGEX": "/regexp/", "ITEM": "a word",
    "_AND": "and", "_OR": "or", "_NOT": "not", "_MINUS": "-", "_TO": "TO", "LPAR": "(", "RPAR": ")",
    "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}", "COMMA": ",", "OPERATOR": "> >= < <=", "$END": "the end",
}  # fmt: skip


class QueryError(ValueError):
    """A query that means nothing here. `position` counts characters from 0; `text` is the piece that is wrong."""

    def __init__(self, position: int, text: str, problem: str) -> None:
        super().__init__(f"query, position {position}: {text!r}: {problem}")
        self.position = position
        self.text = text
        self.problem = problem


def parse(text: str, *, now: int, known_fields: Iterable[str] = ()) -> Node:
    """The tree of a query; an empty one is `All`. `now` (microseconds since 1970 UTC) resolves relative dates,
    `known_fields` are names of custom fields. Raises QueryError."""
    _check_text(text)
    try:
        tree = _parser().parse(text)
        node: Node = _Builder(now, frozenset(known_fields)).transform(tree)
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, QueryError):
            raise error.orig_exc from None
        raise
    _check_extent(text, node)
    return node


# The parser is immutable and costs some 50 ms to build, hence one for the process.
@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark.open("query.lark", rel_to=__file__, parser="lalr", propagate_positions=False)


def _check_text(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise QueryError(MAX_LENGTH, text[:40], f"longer than {MAX_LENGTH} characters")
    bad = re.search("[\x00\ud800-\udfff]", text)
    if bad:
        raise QueryError(bad.start(), bad.group(), "not a character that an indicator can hold")


def _check_extent(text: str, node: Node) -> None:
    depth, terms = extent(node)
    if depth > MAX_DEPTH:
        raise QueryError(0, text[:40], f"nested deeper than {MAX_DEPTH} levels")
    if terms > MAX_TERMS:
        raise QueryError(
            0, text[:40], f"more than {MAX_TERMS} terms (equal tests of one field joined by or count once)"
        )


def _syntax_error(text: str, error: UnexpectedInput) -> QueryError:
    position = len(text)
    names: Iterable[str] = getattr(error, "allowed", None) or ()
    if isinstance(error, UnexpectedCharacters):
        position = error.pos_in_stream or 0
    elif isinstance(error, UnexpectedToken):
        position = len(text) if error.token.type == "$END" else error.token.start_pos or 0
        names = error.accepts or error.expected
    allowed = ", ".join(sorted({_TERMINALS.get(name, name) for name in names}))
    found = text[position : position + 40] or "end of query"
    return QueryError(position, found, f"not expected here; possible are {allowed}")


@dataclass(frozen=True)
class _Plain:
    token: Token


@dataclass(frozen=True)
class _Compared:
    operator: str
    token: Token


@dataclass(frozen=True)
class _Ranged:
    low: Token
    high: Token
    includes_low: bool
    includes_high: bool


@dataclass(frozen=True)
class _Joined:
    join: Callable[[Iterable[Node]], Node]
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class _Negated:
    part: Any


class _Builder(Transformer_NonRecursive[Token, Any]):
    """Turns the syntax tree into nodes, bottom up. Conditions stay pieces until their field is known."""

    def __init__(self, now: int, custom: frozenset[str]) -> None:
        super().__init__()
        self._now = now
        self._custom = custom

    def start(self, parts: list[Node]) -> Node:
        return parts[0] if parts else All()

    def expression(self, parts: list[Node]) -> Node:
        return either(parts) if len(parts) > 1 else parts[0]

    def conjunction(self, parts: list[Node]) -> Node:
        return both(parts)

    def negated(self, parts: list[Any]) -> Any:
        part = parts[0]
        return _Negated(part) if isinstance(part, _PIECES) else negation(part)

    def plain(self, parts: list[Token]) -> _Plain:
        return _Plain(parts[0])

    def element(self, parts: list[Token]) -> Token:
        return parts[0]

    def listed(self, parts: list[Token]) -> _Joined:
        return _Joined(either, tuple(_Plain(part) for part in parts[1:-1]))

    def compared(self, parts: list[Token]) -> _Compared:
        return _Compared(str(parts[0]), parts[1])

    def ranged(self, parts: list[Token]) -> _Ranged:
        opening, low, high, closing = parts
        return _Ranged(low, high, opening == "[", closing == "]")

    def both(self, parts: list[Any]) -> Any:
        return parts[0] if len(parts) == 1 else _Joined(both, tuple(parts))

    def choice(self, parts: list[Any]) -> Any:
        return parts[0] if len(parts) == 1 else _Joined(either, tuple(parts))

    def bare(self, parts: list[Token]) -> Node:
        word = parts[0]
        if word.type == "TEXT" and word.lower() in ("and", "or", "not"):
            raise _bad(word, "joins two terms, and one of them is missing; quote it to search for the word")
        if word.type == "REGEX":
            return _regex("value", word)
        if word.type == "TEXT" and _wild(word):
            return All() if word == "*" else Glob("value", str(word))
        return Glob("value", f"*{_escape(_text(word))}*")

    def field_term(self, parts: list[Any]) -> Node:
        token, piece = parts
        name = str(token)[:-1].rstrip()
        field = canonical(name, self._custom)
        if field is None:
            raise QueryError(token.start_pos or 0, name, f"unknown field; {advice(name, self._custom)}")
        return self._condition(field, piece)

    def _condition(self, field: str, piece: Any) -> Node:
        if isinstance(piece, _Joined):
            return piece.join([self._condition(field, part) for part in piece.parts])
        if isinstance(piece, _Negated):
            return negation(self._condition(field, piece.part))
        if isinstance(piece, _Plain):
            return _equal(field, piece.token, self._now)
        if isinstance(piece, _Compared):
            return _compare(field, piece, self._now)
        return _between(field, piece, self._now)


_PIECES = (_Plain, _Compared, _Ranged, _Joined, _Negated)


def _text(token: Token) -> str:
    raw = str(token)[1:-1] if token.type == "STRING" else str(token)
    return re.sub(r"\\(.)", r"\1", raw, flags=re.DOTALL)


def _escape(text: str) -> str:
    return re.sub(r"([\\*?])", r"\\\1", text)


def _wild(token: Token) -> bool:
    return token.type != "STRING" and re.search(r"[*?]", re.sub(r"\\.", "", str(token), flags=re.DOTALL)) is not None


def _regex(field: str, token: Token) -> Node:
    pattern = str(token)[1:-1]
    try:
        re.compile(pattern)
    except re.error as error:
        raise QueryError(token.start_pos or 0, str(token), f"not a regular expression: {error}") from None
    return Regex(field, pattern)


def _bad(token: Token, problem: str) -> QueryError:
    return QueryError(token.start_pos or 0, str(token), problem)


def _equal(field: str, word: Token, now: int) -> Node:
    kind = kind_of(field)
    if word == "*":
        return Exists(field)
    if word == '""':
        return negation(Exists(field))
    if kind == "date":
        low, high = _span(field, word, now)
        return Dates(field, low, high)
    if kind == "score":
        score = _score(field, word)
        return Scores(score, score)
    if kind == "status":
        return _status(word)
    if kind == "boolean" and _text(word).lower() not in ("true", "false"):
        raise _bad(word, f"{field} is true or false")
    return _textual(field, word, contains=kind == "contains")


def _textual(field: str, token: Token, *, contains: bool) -> Node:
    if token.type == "REGEX":
        return _regex(field, token)
    if _wild(token):
        return Glob(field, str(token))
    text = _text(token)
    return Glob(field, f"*{_escape(text)}*") if contains else AnyOf(field, frozenset({text}))


def _status(token: Token) -> Node:
    word = _text(token).lower()
    if word not in ("active", "expired"):
        raise _bad(token, "expirationStatus is active or expired")
    return Active() if word == "active" else negation(Active())


def _score(field: str, token: Token) -> int:
    score = score_of(_text(token))
    if score is None:
        raise _bad(token, f"{field} is 0 to 3 or one of {', '.join(word.capitalize() for word in SCORES)}")
    return score


def _span(field: str, token: Token, now: int) -> tuple[int, int]:
    found = span(_text(token), now)
    if found is None:
        raise _bad(token, f"{field} needs a date such as {ALLOWED} (in quotes when it holds a blank)")
    return found


def _compare(field: str, piece: _Compared, now: int) -> Node:
    upward, inclusive = piece.operator[0] == ">", piece.operator.endswith("=")
    low, high = (piece.token, None) if upward else (None, piece.token)
    return _limits(field, low, high, inclusive, inclusive, now)


def _between(field: str, piece: _Ranged, now: int) -> Node:
    low = None if piece.low == "*" else piece.low
    high = None if piece.high == "*" else piece.high
    if low is None and high is None:
        return Exists(field)
    return _limits(field, low, high, piece.includes_low, piece.includes_high, now)


def _limits(
    field: str, low: Token | None, high: Token | None, includes_low: bool, includes_high: bool, now: int
) -> Node:
    kind = kind_of(field)
    if kind == "date":
        return Dates(
            field,
            None if low is None else _span(field, low, now)[0 if includes_low else 1],
            None if high is None else _span(field, high, now)[1 if includes_high else 0],
        )
    if kind == "score":
        return Scores(
            0 if low is None else _score(field, low) + (not includes_low),
            3 if high is None else _score(field, high) - (not includes_high),
        )
    if kind != "custom":
        token = low if low is not None else high
        assert token is not None
        raise _bad(token, f"{field} holds text and has no order; ranges are for dates, scores and custom fields")
    return Range(field, _bound(low, includes_low, now), _bound(high, includes_high, now))


def _bound(token: Token | None, inclusive: bool, now: int) -> Bound | None:
    if token is None:
        return None
    text = _text(token)
    number = float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None
    when = span(text, now)
    if number is None and when is None:
        raise _bad(token, f"neither a number nor a date such as {ALLOWED}")
    return Bound(text, number, when, inclusive)
