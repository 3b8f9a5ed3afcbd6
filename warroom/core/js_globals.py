"""Global names of JavaScript: JSON, Math, Object, Array, Date, Number, String, Boolean, RegExp, parseInt and kin."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.js_methods import argument, integer, largest, pattern, smallest
from warroom.core.js_values import UNDEFINED, Moment, moment_of, nothing, to_json, to_number, to_text, truthy, whole

Arguments = Sequence[Any]
_LEADING_FLOAT = re.compile(r"\s*([+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?))")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def is_global(name: str) -> bool:
    """Whether a name is one of the global ones that exist here."""
    return name in _OWNERS


def call_global(owner: str, name: str, arguments: Arguments, now: float | None) -> Any:
    """What `owner.name(...)` gives, or `owner(...)` for an empty name. Raises Unsupported for others."""
    if (owner, name) in (("Date", "now"), ("Date", "")):
        return _now(now) if name else _refused("Date() without new")
    known = _FUNCTIONS.get(f"{owner}.{name}" if name else owner)
    return known(arguments) if known else _refused(f"{owner}.{name}" if name else f"{owner}()")


def construct(name: str, arguments: Arguments, now: float | None) -> Any:
    """What `new name(...)` gives. Raises Unsupported for others than Date and RegExp."""
    if name == "RegExp":
        return _FUNCTIONS["RegExp"](arguments)
    if name != "Date":
        return _refused(f"new {name}")
    if len(arguments) > 1:
        return _refused("new Date with several numbers, which count in a time zone that nobody names")
    return moment_of(arguments[0]) if arguments else Moment(_now(now))


def _now(now: float | None) -> float:
    if now is None:
        raise Unsupported("the current time at this place")
    return int(now * 1000)


def _refused(what: str) -> Any:
    raise Unsupported(f"JavaScript {what}")


def _parse_int(arguments: Arguments) -> float:
    text, base = to_text(argument(arguments, 0)).strip().lower(), integer(arguments, 1, 0)
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-") if text[:1] in "+-" else text
    if base in (0, 16) and text.startswith("0x"):
        text, base = text[2:], 16
    digits = re.match(f"[{_DIGITS[: base or 10]}]+", text)
    return sign * int(digits.group(0), base or 10) if digits else math.nan


def _parse_float(arguments: Arguments) -> float:
    found = _LEADING_FLOAT.match(to_text(argument(arguments, 0)))
    return whole(float(found.group(1))) if found else math.nan


def _parse_json(arguments: Arguments) -> Any:
    try:
        return json.loads(to_text(argument(arguments, 0)))
    except ValueError as error:
        raise ExpressionError(f"JSON.parse: {error}") from None


def _stringify(arguments: Arguments) -> Any:
    value = argument(arguments, 0)
    if value is UNDEFINED:
        return value
    if nothing(argument(arguments, 1)) and argument(arguments, 2) is UNDEFINED:
        return to_json(value)
    return _refused("JSON.stringify with a replacer or indentation")


def _object(arguments: Arguments) -> Mapping[str, Any]:
    value = argument(arguments, 0)
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, Mapping):
        raise ExpressionError(f"no object: {to_text(value)[:40]!r}")
    return value


def _quoted(arguments: Arguments, also: str = "") -> str:
    try:
        return quote(to_text(argument(arguments, 0)), safe="-_.!~*'()" + also)
    except UnicodeEncodeError:
        raise ExpressionError("encodeURI of half a character") from None


def _rounded(number: float, how: Callable[[float], int]) -> float:
    return how(number) if math.isfinite(number) else number


def _math(how: Callable[[float], int]) -> Callable[[Arguments], float]:
    return lambda arguments: _rounded(to_number(argument(arguments, 0)), how)


_FUNCTIONS: Mapping[str, Callable[[Arguments], Any]] = {
    "parseInt": _parse_int,
    "parseFloat": _parse_float,
    "Number.parseInt": _parse_int,
    "Number.parseFloat": _parse_float,
    "isNaN": lambda given: math.isnan(to_number(argument(given, 0))),
    "Number": lambda given: to_number(given[0]) if given else 0,
    "String": lambda given: to_text(given[0]) if given else "",
    "Boolean": lambda given: truthy(argument(given, 0)),
    "RegExp": lambda given: pattern(to_text(argument(given, 0, "")), to_text(argument(given, 1, ""))),
    "JSON.parse": _parse_json,
    "JSON.stringify": _stringify,
    "Object.keys": lambda given: list(_object(given)),
    "Object.values": lambda given: list(_object(given).values()),
    "Object.entries": lambda given: [[key, value] for key, value in _object(given).items()],
    "Array.isArray": lambda given: isinstance(argument(given, 0), list),
    "Date.parse": lambda given: moment_of(to_text(argument(given, 0))).millis,
    "Math.abs": lambda given: abs(to_number(argument(given, 0))),
    "Math.ceil": _math(math.ceil),
    "Math.floor": _math(math.floor),
    "Math.max": largest,
    "Math.min": smallest,
    "Math.round": _math(lambda number: math.floor(number + 0.5)),
    "encodeURIComponent": _quoted,
    "encodeURI": lambda given: _quoted(given, ";,/?:@&=+$#"),
    "decodeURIComponent": lambda given: unquote(to_text(argument(given, 0))),
}
_OWNERS = frozenset(name.partition(".")[0] for name in _FUNCTIONS) | {"Date"}
