"""Takes an expression of the context query language apart: text -> steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from warroom.core.expression_errors import ExpressionError, Unsupported

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_RANGE = re.compile(r"(\d+)(?::(\d+))?")
# A slash begins a regular expression where no value can have ended.
_BEFORE_PATTERN = "(,=:[!&|?{};"


@dataclass(frozen=True)
class Name:
    """The key of an object."""

    key: str


@dataclass(frozen=True)
class Part:
    """The items of a list from `first` to `last`, both included; a single one when they are the same and not `many`."""

    first: int
    last: int
    many: bool = False


@dataclass(frozen=True)
class Selector:
    """The items for which JavaScript code holds."""

    source: str


@dataclass(frozen=True)
class Mutator:
    """What JavaScript code makes of each item. Always the last step."""

    source: str


Step = Name | Part | Selector | Mutator


# One process reads the same few expressions again and again.
@lru_cache(maxsize=1024)
def steps(expression: str) -> tuple[Step, ...]:
    """The steps of an expression. `.` alone is the root, so it has none.

    Raises ExpressionError for brackets that do not match and empty names, Unsupported for what is not taken apart here.
    """
    path, mutator = _without_mutator(expression)
    if "---" in re.sub(r"\(.*\)", "", path, flags=re.DOTALL):
        raise Unsupported("a binding outside of a selector", expression)
    found: list[Step] = []
    for segment in _segments(path.strip(), expression):
        found.extend(_segment(segment, expression))
    if mutator is not None:
        found.append(Mutator(mutator))
    return tuple(found)


def balanced(expression: str) -> bool:
    """Whether all brackets, quotes and regular expressions of a text are closed."""
    try:
        _outside(expression, expression)
    except ExpressionError:
        return False
    return True


def below(path: str, root: str) -> str | None:
    """What is left of `path` below `root`, selectors and indexes aside: "" when both are the same, else None."""
    names, inner = _plain_segments(root), _segments(_without_mutator(path)[0].strip(), path)
    keys = [segment.partition("(")[0].strip() for segment in inner]
    return ".".join(inner[len(names) :]) if keys[: len(names)] == names else None


def _plain_segments(path: str) -> list[str]:
    segments = _segments(_without_mutator(path)[0].strip(), path)
    return [segment.partition("(")[0].strip() for segment in segments if not segment.startswith("[")]


def _without_mutator(expression: str) -> tuple[str, str | None]:
    for at in _outside(expression, expression):
        if expression[at] == "=":
            return expression[:at], expression[at + 1 :]
    return expression, None


def _segments(path: str, expression: str) -> list[str]:
    if path in ("", "."):
        if not expression.strip():
            raise ExpressionError("an empty path", repr(expression))
        return []
    dots = [at for at in _outside(path, expression) if path[at] == "."]
    ends = [*dots, len(path)]
    starts = [0, *(dot + 1 for dot in dots)]
    pieces = [path[start:end] for start, end in zip(starts, ends, strict=True)]
    # A leading dot says that the path begins here and not at some other root.
    return pieces[1:] if not pieces[0] and len(pieces) > 1 else pieces


def _segment(segment: str, expression: str) -> list[Step]:
    if segment.startswith("["):
        return _part(segment, expression)
    if segment.startswith("{"):
        raise Unsupported("an object outside of a mutator", expression)
    opening = [at for at in _outside(segment, expression, brackets=True) if segment[at] in "([{"]
    name = segment[: opening[0]].strip() if opening else segment.strip()
    if opening and segment[opening[0]] != "(":
        raise ExpressionError(f"{segment[opening[0] :]!r} needs a dot before it", repr(expression))
    if not name and not opening:
        raise ExpressionError("an empty name between two dots", repr(expression))
    return [*([Name(name)] if name else []), *_selectors(segment, opening, expression)]


def _selectors(segment: str, opening: list[int], expression: str) -> list[Step]:
    if not opening:
        return []
    ends = [*opening[1:], len(segment)]
    found: list[Step] = []
    for start, end in zip(opening, ends, strict=True):
        piece = segment[start:end].strip()
        if not piece.endswith(")") or piece[0] != "(":
            raise ExpressionError(f"{piece!r} is no selector", repr(expression))
        found.append(Selector(piece[1:-1]))
    return found


def _part(segment: str, expression: str) -> list[Step]:
    closing = segment.find("]")
    found = _RANGE.fullmatch(segment[1:closing].replace(" ", ""))
    if not found:
        raise Unsupported(f"the index {segment[: closing + 1]}", expression)
    first, last = int(found.group(1)), int(found.group(2) or found.group(1))
    rest = segment[closing + 1 :]
    return [Part(first, last, found.group(2) is not None), *(_segment(rest, expression) if rest.strip() else [])]


def _outside(text: str, expression: str, *, brackets: bool = False) -> list[int]:
    """Positions outside of brackets, quotes and regular expressions; with `brackets` the opening ones, too.

    Quotes and regular expressions are only in JavaScript: in brackets and behind a `=`.
    """
    found: list[int] = []
    open_: list[str] = []
    at, before, mutates = 0, "(", False
    while at < len(text):
        char = text[at]
        if (open_ or mutates) and (char in "\"'" or (char == "/" and before in _BEFORE_PATTERN)):
            at = _after(text, at, char, expression)
            before = char
            continue
        if not open_ and (brackets or char not in _CLOSING):
            found.append(at)
        mutates = mutates or (char == "=" and not open_)
        _track(char, open_, expression)
        before = before if char.isspace() else char
        at += 1
    if open_:
        raise ExpressionError(f"{open_[-1]!r} is missing", repr(expression))
    return found


def _track(char: str, open_: list[str], expression: str) -> None:
    if char in _CLOSING:
        open_.append(_CLOSING[char])
    elif open_ and char == open_[-1]:
        open_.pop()
    elif char in ")]}" and open_:
        raise ExpressionError(f"{char!r} closes nothing", repr(expression))


def _after(text: str, start: int, quote: str, expression: str) -> int:
    at, in_class = start + 1, False
    while at < len(text) and (in_class or text[at] != quote):
        # A slash between the brackets of a regular expression does not end it.
        in_class = quote == "/" and text[at] != "]" and (in_class or text[at] == "[")
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        raise ExpressionError(f"{quote} is not closed", repr(expression))
    return at + 1
