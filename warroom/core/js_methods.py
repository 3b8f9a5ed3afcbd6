"""Properties and methods of JavaScript values: those that selectors and mutators in public content use.

Texts: length charAt charCodeAt concat endsWith includes indexOf lastIndexOf match padEnd padStart repeat replace
search slice split startsWith substr substring toLowerCase toString toUpperCase trim trimEnd trimStart. Lists: length
concat every filter find findIndex flat includes indexOf join lastIndexOf map reduce reverse slice some sort toString.
Numbers: toFixed toString. Dates: getTime toISOString toJSON valueOf. Regular expressions: test exec. Objects:
hasOwnProperty toString.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.js_values import (
    UNDEFINED,
    Function,
    Moment,
    Pattern,
    is_number,
    kind,
    less,
    moment_text,
    nothing,
    same,
    to_number,
    to_text,
    truthy,
    whole,
)

Arguments = Sequence[Any]
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
_MAX_TEXT = 1_000_000


def pattern(source: str, flags: str) -> Pattern:
    """A regular expression as Python has it. Raises ExpressionError when it is none."""
    if "y" in flags:
        raise Unsupported("the flag y of a regular expression")
    changed = re.sub(r"\(\?<(?![=!])", "(?P<", source).replace(r"\/", "/")
    options = 0
    for flag in flags:
        options |= _FLAGS.get(flag, 0)
    try:
        return Pattern(source, re.compile(changed, options), "g" in flags)
    except re.error as error:
        raise ExpressionError(f"/{source}/ is no regular expression: {error}") from None


def member(owner: Any, name: str) -> Any:
    """The property `name` of a value; UNDEFINED when it has none. Raises ExpressionError on null and undefined."""
    if nothing(owner):
        raise ExpressionError(f"cannot read {name!r} of {to_text(owner)}")
    if isinstance(owner, Mapping):
        return owner.get(name, UNDEFINED)
    if isinstance(owner, (str, list)):
        return _element(owner, name)
    if _methods(owner).get(name):
        raise Unsupported(f"the method {name} without a call")
    return UNDEFINED


def _element(owner: str | list[Any], name: str) -> Any:
    if name == "length":
        return len(owner)
    if name.isdecimal():
        return owner[int(name)] if int(name) < len(owner) else UNDEFINED
    if name in _methods(owner):
        raise Unsupported(f"the method {name} without a call")
    return UNDEFINED


def has(key: Any, owner: Any) -> bool:
    """`key in owner`."""
    if isinstance(owner, Mapping):
        return to_text(key) in owner
    if isinstance(owner, list):
        return to_text(key) == "length" or (to_text(key).isdecimal() and int(to_text(key)) < len(owner))
    raise ExpressionError(f"'in' needs an object or a list, not a {kind(owner)}")


def call(owner: Any, name: str, arguments: Arguments) -> Any:
    """What the method `name` of a value gives. Raises ExpressionError on null and undefined, Unsupported for others."""
    if nothing(owner):
        raise ExpressionError(f"cannot read {name!r} of {to_text(owner)}")
    if isinstance(owner, Mapping) and isinstance(owner.get(name), Function):
        return owner[name].call(arguments)
    method = _methods(owner).get(name)
    if method is None:
        raise Unsupported(f"the JavaScript method {name} of a {'list' if isinstance(owner, list) else kind(owner)}")
    return method(owner, arguments)


def divided(first: float, second: float, operator: str) -> float:
    """`/` and `%`, which know no error: a division by 0 gives Infinity or NaN."""
    if operator == "/" and second == 0:
        return math.nan if first == 0 or math.isnan(first) else math.copysign(math.inf, first)
    if operator == "/":
        return whole(first / second)
    if second == 0 or math.isinf(first) or math.isnan(first):
        return math.nan
    return whole(math.fmod(first, second))


def argument(arguments: Arguments, index: int, default: Any = UNDEFINED) -> Any:
    """The argument at a position, `default` when it was not given."""
    return arguments[index] if index < len(arguments) and arguments[index] is not UNDEFINED else default


def integer(arguments: Arguments, index: int, default: int) -> int:
    """The argument at a position as whole number."""
    number = to_number(argument(arguments, index, default))
    if math.isinf(number):
        return 2**53 if number > 0 else -(2**53)
    return 0 if math.isnan(number) else int(number)


def function(arguments: Arguments, name: str) -> Callable[..., Any]:
    """The first argument as function of values. Raises ExpressionError when it is none."""
    given = argument(arguments, 0)
    if not isinstance(given, Function):
        raise ExpressionError(f"{name} needs a function")
    return lambda *values: given.call(values)


def _text(arguments: Arguments, index: int = 0) -> str:
    return to_text(argument(arguments, index))


def _as_pattern(value: Any) -> Pattern:
    return value if isinstance(value, Pattern) else pattern(to_text(value), "")


def _match(owner: str, arguments: Arguments) -> Any:
    wanted = _as_pattern(argument(arguments, 0, ""))
    if wanted.everywhere:
        return [found.group(0) for found in wanted.compiled.finditer(owner)] or None
    return _groups(wanted.compiled.search(owner))


def _groups(found: re.Match[str] | None) -> Any:
    if found is None:
        return None
    return [found.group(0), *(UNDEFINED if group is None else group for group in found.groups())]


def _replace(owner: str, arguments: Arguments) -> str:
    wanted, given = argument(arguments, 0), argument(arguments, 1)
    compiled = wanted.compiled if isinstance(wanted, Pattern) else re.compile(re.escape(to_text(wanted)))
    count = 0 if isinstance(wanted, Pattern) and wanted.everywhere else 1
    if isinstance(given, Function):
        return compiled.sub(lambda found: to_text(given.call(_groups(found))), owner, count=count)
    return compiled.sub(lambda found: _expanded(found, to_text(given)), owner, count=count)


def _expanded(found: re.Match[str], template: str) -> str:
    def piece(mark: re.Match[str]) -> str:
        name = mark.group(1)
        if name == "$":
            return "$"
        if name != "&" and int(name) > len(found.groups()):
            return mark.group(0)
        return found.group(0 if name == "&" else int(name)) or ""

    return re.sub(r"\$(\$|&|[1-9]\d?)", piece, template)


def _split(owner: str, arguments: Arguments) -> list[Any]:
    separator = argument(arguments, 0)
    if separator is UNDEFINED:
        return [owner]
    if isinstance(separator, Pattern):
        pieces = separator.compiled.split(owner)
    else:
        pieces = owner.split(to_text(separator)) if to_text(separator) else list(owner)
    return pieces[: integer(arguments, 1, len(pieces))]


def _slice(owner: Any, arguments: Arguments) -> Any:
    return owner[integer(arguments, 0, 0) : integer(arguments, 1, len(owner))]


def _substring(owner: str, arguments: Arguments) -> str:
    ends = (integer(arguments, 0, 0), integer(arguments, 1, len(owner)))
    first, last = sorted(min(max(end, 0), len(owner)) for end in ends)
    return owner[first:last]


def _substr(owner: str, arguments: Arguments) -> str:
    start = integer(arguments, 0, 0)
    start = max(start + len(owner), 0) if start < 0 else start
    return owner[start : start + max(integer(arguments, 1, len(owner)), 0)]


def _padded(owner: str, arguments: Arguments) -> str:
    missing = integer(arguments, 0, 0) - len(owner)
    filling = to_text(argument(arguments, 1, " "))
    if missing <= 0 or not filling:
        return ""
    if missing > _MAX_TEXT:
        raise ExpressionError(f"a text of more than {_MAX_TEXT} characters")
    return (filling * (missing // len(filling) + 1))[:missing]


def _repeat(owner: str, arguments: Arguments) -> str:
    count = integer(arguments, 0, 0)
    if count < 0 or count * len(owner) > _MAX_TEXT:
        raise ExpressionError(f"a text of fewer than 0 or more than {_MAX_TEXT} characters")
    return owner * count


def _char(owner: str, arguments: Arguments) -> str:
    index = integer(arguments, 0, 0)
    return owner[index : index + 1] if index >= 0 else ""


def _code(owner: str, arguments: Arguments) -> float:
    found = _char(owner, arguments)
    return ord(found) if found else math.nan


def _search(owner: str, arguments: Arguments) -> int:
    found = _as_pattern(argument(arguments, 0, "")).compiled.search(owner)
    return found.start() if found else -1


def _position(owner: list[Any], arguments: Arguments) -> int:
    wanted = argument(arguments, 0)
    start = integer(arguments, 1, 0)
    return next((index for index, item in enumerate(owner) if index >= start and same(item, wanted)), -1)


def _last_position(owner: list[Any], arguments: Arguments) -> int:
    wanted = argument(arguments, 0)
    return next((index for index in range(len(owner) - 1, -1, -1) if same(owner[index], wanted)), -1)


def _listed(name: str, work: Callable[[list[Any], Callable[..., Any]], Any]) -> Callable[[list[Any], Arguments], Any]:
    return lambda owner, arguments: work(owner, function(arguments, name))


def _passing(owner: list[Any], test: Callable[..., Any]) -> list[int]:
    return [index for index, item in enumerate(owner) if truthy(test(item, index, owner))]


def _found(owner: list[Any], test: Callable[..., Any]) -> Any:
    passing = _passing(owner, test)
    return owner[passing[0]] if passing else UNDEFINED


def _reduce(owner: list[Any], arguments: Arguments) -> Any:
    step = function(arguments, "reduce")
    items = list(owner) if len(arguments) < 2 else [arguments[1], *owner]
    if not items:
        raise ExpressionError("reduce of an empty list without a start value")
    total = items[0]
    for item in items[1:]:
        total = step(total, item)
    return total


def _sort(owner: list[Any], arguments: Arguments) -> list[Any]:
    if not arguments:
        return sorted(owner, key=to_text)
    compare = function(arguments, "sort")
    return sorted(owner, key=cmp_to_key(lambda a, b: _sign(to_number(compare(a, b)))))


def _sign(number: float) -> int:
    return int(number > 0) - int(number < 0)


def _concat(owner: list[Any], arguments: Arguments) -> list[Any]:
    result = list(owner)
    for item in arguments:
        result.extend(item if isinstance(item, list) else [item])
    return result


def _join(owner: list[Any], arguments: Arguments) -> str:
    separator = to_text(argument(arguments, 0, ","))
    return separator.join("" if nothing(item) else to_text(item) for item in owner)


def _flat(owner: list[Any], arguments: Arguments) -> list[Any]:
    depth = integer(arguments, 0, 1)
    result: list[Any] = []
    for item in owner:
        result.extend(_flat(item, [depth - 1]) if isinstance(item, list) and depth > 0 else [item])
    return result


def _methods(owner: Any) -> Mapping[str, Callable[[Any, Arguments], Any]]:
    if isinstance(owner, str):
        return _TEXT
    if isinstance(owner, list):
        return _LIST
    if is_number(owner):
        return _NUMBER
    if isinstance(owner, Moment):
        return _DATE
    return _PATTERN if isinstance(owner, Pattern) else _ANY


_ANY: Mapping[str, Callable[[Any, Arguments], Any]] = {
    "toString": lambda owner, _: to_text(owner),
    "hasOwnProperty": lambda owner, given: has(argument(given, 0), owner),
}
_TEXT: Mapping[str, Callable[[Any, Arguments], Any]] = {
    "charAt": _char,
    "charCodeAt": _code,
    "concat": lambda owner, given: owner + "".join(to_text(item) for item in given),
    "endsWith": lambda owner, given: owner.endswith(_text(given)),
    "includes": lambda owner, given: _text(given) in owner,
    "indexOf": lambda owner, given: owner.find(_text(given), max(integer(given, 1, 0), 0)),
    "lastIndexOf": lambda owner, given: owner.rfind(_text(given)),
    "match": _match,
    "padEnd": lambda owner, given: owner + _padded(owner, given),
    "padStart": lambda owner, given: _padded(owner, given) + owner,
    "repeat": _repeat,
    "replace": _replace,
    "search": _search,
    "slice": _slice,
    "split": _split,
    "startsWith": lambda owner, given: owner.startswith(_text(given), max(integer(given, 1, 0), 0)),
    "substr": _substr,
    "substring": _substring,
    "toLowerCase": lambda owner, _: owner.lower(),
    "toString": lambda owner, _: owner,
    "toUpperCase": lambda owner, _: owner.upper(),
    "trim": lambda owner, _: owner.strip(),
    "trimEnd": lambda owner, _: owner.rstrip(),
    "trimStart": lambda owner, _: owner.lstrip(),
}
_LIST: Mapping[str, Callable[[Any, Arguments], Any]] = {
    "concat": _concat,
    "every": _listed("every", lambda owner, test: len(_passing(owner, test)) == len(owner)),
    "filter": _listed("filter", lambda owner, test: [owner[index] for index in _passing(owner, test)]),
    "find": _listed("find", _found),
    "findIndex": _listed("findIndex", lambda owner, test: next(iter(_passing(owner, test)), -1)),
    "flat": _flat,
    "includes": lambda owner, given: _position(owner, given) >= 0,
    "indexOf": _position,
    "join": _join,
    "lastIndexOf": _last_position,
    "map": _listed("map", lambda owner, change: [change(item, index, owner) for index, item in enumerate(owner)]),
    "reduce": _reduce,
    "reverse": lambda owner, _: owner[::-1],
    "slice": _slice,
    "some": _listed("some", lambda owner, test: bool(_passing(owner, test))),
    "sort": _sort,
    "toString": lambda owner, _: to_text(owner),
}
_NUMBER: Mapping[str, Callable[[Any, Arguments], Any]] = {
    "toFixed": lambda owner, given: f"{owner:.{min(max(integer(given, 0, 0), 0), 100)}f}",
    "toString": lambda owner, given: _based(owner, integer(given, 0, 10)),
}
_DATE: Mapping[str, Callable[[Any, Arguments], Any]] = {
    "getTime": lambda owner, _: owner.millis,
    "valueOf": lambda owner, _: owner.millis,
    "toISOString": lambda owner, _: moment_text(owner),
    "toJSON": lambda owner, _: moment_text(owner),
}
_PATTERN: Mapping[str, Callable[[Any, Arguments], Any]] = {
    "test": lambda owner, given: owner.compiled.search(_text(given)) is not None,
    "exec": lambda owner, given: _groups(owner.compiled.search(_text(given))),
}


def _based(number: float, base: int) -> str:
    if base != 10:
        raise Unsupported(f"a number as text of base {base}")
    return to_text(number)


def smallest(values: Sequence[Any]) -> float:
    """Math.min: NaN when one of the values is no number."""
    return _extreme(values, math.inf, lambda left, right: less(left, right) is True)


def largest(values: Sequence[Any]) -> float:
    """Math.max: NaN when one of the values is no number."""
    return _extreme(values, -math.inf, lambda left, right: less(right, left) is True)


def _extreme(values: Sequence[Any], start: float, better: Callable[[float, float], bool]) -> float:
    best: float = start
    for number in map(to_number, values):
        if math.isnan(number):
            return math.nan
        best = number if better(number, best) else best
    return best
