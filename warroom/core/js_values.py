"""Values as JavaScript sees them. JSON values stand for themselves, None for null; numbers are int or float."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from dateutil.parser import isoparse

from warroom.core.expression_errors import ExpressionError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|Infinity)")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BASES = {"0x": 16, "0o": 8, "0b": 2}


class Undefined:
    """The value of what is not there. There is one: `UNDEFINED`."""

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED = Undefined()


@dataclass(frozen=True)
class Function:
    """Something that can be called. `call` takes the arguments, too many or too few of them."""

    name: str
    call: Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Pattern:
    """A regular expression; `everywhere` is its flag g."""

    source: str
    compiled: re.Pattern[str]
    everywhere: bool


@dataclass(frozen=True)
class Moment:
    """A Date: milliseconds since 1970 UTC, NaN when it is no date."""

    millis: float


def truthy(value: Any) -> bool:
    """Whether a value counts as true: empty lists and objects do, 0, NaN, "", null and undefined do not."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return True if isinstance(value, (list, dict)) else bool(value)


def nothing(value: Any) -> bool:
    """Whether a value is null or undefined."""
    return value is None or value is UNDEFINED


def is_number(value: Any) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def kind(value: Any) -> str:
    """What `typeof` says."""
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if is_number(value):
        return "number"
    return "function" if isinstance(value, Function) else "object"


def to_number(value: Any) -> float:
    """The number that a value is in arithmetic; NaN when it is none."""
    if is_number(value) or isinstance(value, bool):
        return value if isinstance(value, float) else int(value)
    if value is None:
        return 0
    if isinstance(value, Moment):
        return value.millis
    if value is UNDEFINED or isinstance(value, (dict, Function, Pattern)):
        return math.nan
    return _number_of_text(to_text(value).strip())


def _number_of_text(text: str) -> float:
    if not text:
        return 0
    if text[:2].lower() in _BASES:
        try:
            return int(text[2:], _BASES[text[:2].lower()])
        except ValueError:
            return math.nan
    if not _NUMBER.fullmatch(text):
        return math.nan
    return whole(float(text))


def whole(number: float) -> float:
    """The number as int where it has no fraction and floats still count every integer."""
    return int(number) if math.isfinite(number) and number == int(number) and abs(number) < 2**53 else number


def to_text(value: Any) -> str:
    """The text that a value is in a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if nothing(value):
        return "null" if value is None else "undefined"
    if is_number(value):
        return number_text(value)
    if isinstance(value, list):
        return ",".join("" if nothing(item) else to_text(item) for item in value)
    return _object_text(value)


def _object_text(value: Any) -> str:
    if isinstance(value, Moment):
        return moment_text(value)
    if isinstance(value, Pattern):
        return f"/{value.source}/"
    if isinstance(value, Function):
        raise ExpressionError(f"the function {value.name} is used as a text; call it with ()")
    return "[object Object]"


def number_text(number: float) -> str:
    """A number as JavaScript writes it: no fraction where there is none."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return str(whole(number)) if abs(number) < 1e21 else repr(float(number))


def moment_text(moment: Moment) -> str:
    """A date in ISO 8601, UTC, with milliseconds. Raises ExpressionError for a date that is none."""
    if math.isnan(moment.millis):
        raise ExpressionError("invalid date")
    try:
        found = _EPOCH + timedelta(milliseconds=int(moment.millis))
    except OverflowError:
        raise ExpressionError("a date outside of the years 1 to 9999") from None
    return f"{found.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def moment_of(value: Any) -> Moment:
    """The Date made of a number of milliseconds, another Date or an ISO 8601 text; without zone it is in UTC."""
    if isinstance(value, Moment) or is_number(value):
        return Moment(to_number(value))
    try:
        found = isoparse(to_text(value).strip())
    except ValueError:
        return Moment(math.nan)
    return Moment(whole(round((found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp() * 1000)))


def to_json(value: Any) -> str:
    """What JSON.stringify gives, without blanks."""
    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)


def plain(value: Any) -> Any:
    """The value as JSON: undefined becomes null (in an object: left out), NaN null, a date its text."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items() if item is not UNDEFINED}
    if isinstance(value, Moment):
        return moment_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (Function, Pattern)):
        raise ExpressionError(f"a {kind(value)} is no value that a context can hold")
    return None if value is UNDEFINED else value


def same(left: Any, right: Any) -> bool:
    """`===`: equal kinds and values; lists and objects are equal to themselves only."""
    if kind(left) != kind(right) or (left is None) != (right is None):
        return False
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return left is right
    return bool(left == right)


def equal(left: Any, right: Any) -> bool:
    """`==`: null is undefined, and texts, numbers, booleans and lists are made alike before they are compared."""
    if nothing(left) or nothing(right):
        return nothing(left) and nothing(right)
    if kind(left) == kind(right):
        return same(left, right)
    if kind(left) == "object" or kind(right) == "object":
        return _equal_to_object(left, right)
    return to_number(left) == to_number(right)


def _equal_to_object(left: Any, right: Any) -> bool:
    left = to_text(left) if kind(left) == "object" else left
    right = to_text(right) if kind(right) == "object" else right
    return equal(left, right)


def less(left: Any, right: Any) -> bool | None:
    """`<`: texts by their characters, everything else as numbers; None when one of them is no number."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    first, second = to_number(left), to_number(right)
    return None if math.isnan(first) or math.isnan(second) else first < second


def added(left: Any, right: Any) -> Any:
    """`+`: joins when one of both is a text, adds otherwise."""
    left = to_text(left) if isinstance(left, Moment) else _primitive(left)
    right = to_text(right) if isinstance(right, Moment) else _primitive(right)
    if isinstance(left, str) or isinstance(right, str):
        return to_text(left) + to_text(right)
    return whole(to_number(left) + to_number(right))


def _primitive(value: Any) -> Any:
    if isinstance(value, Moment):
        return value.millis
    return to_text(value) if kind(value) == "object" and value is not None else value
