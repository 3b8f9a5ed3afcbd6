"""Transformers: what an expression makes of a value before it is used.

Most work on each item of a list, some on the whole list; `STOCK_TRANSFORMERS` says which, and the names of the
arguments. Nothing (None) stays nothing, except where a transformer says otherwise. A value that cannot be cast raises
ExpressionError, as it fails the task on the server.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from warroom.core.casts import (
    as_boolean,
    as_integer,
    as_micros,
    as_number,
    as_text,
    go_pattern,
    json_text,
    key_of,
    listed,
    plain_number,
    text_of,
)
from warroom.core.dt import evaluate
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.transformer_scripts import SCRIPTS

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Transformer:
    """How one works: its arguments by name, whether it takes the whole list, whether it makes sense of None."""

    work: Callable[[Any, Arguments], Any]
    arguments: tuple[str, ...] = ()
    whole: bool = False
    takes_nothing: bool = False


def transform(name: str, value: Any, arguments: Arguments) -> Any:
    """The value after one transformer, a stock one or one of `SCRIPT_TRANSFORMERS`.

    Arguments that are None count as not given. Raises Unsupported for an unknown transformer, ExpressionError for an
    unknown argument and for a value that cannot be cast.
    """
    transformer = STOCK_TRANSFORMERS.get(name) or SCRIPT_TRANSFORMERS.get(name)
    if transformer is None:
        raise Unsupported(f"the transformer {name}")
    given = {key: argument for key, argument in arguments.items() if argument is not None}
    unknown = sorted(set(given) - set(transformer.arguments))
    if unknown:
        known = ", ".join(transformer.arguments) or "no argument"
        raise ExpressionError(f"{name}: unknown argument {', '.join(unknown)}; it has {known}")
    try:
        return _applied(transformer, value, given)
    except Unsupported:
        raise
    except ExpressionError as error:
        raise ExpressionError(f"{name}: {error.problem}") from None


def _applied(transformer: Transformer, value: Any, arguments: Arguments) -> Any:
    if value is None and not transformer.takes_nothing:
        return None
    if transformer.whole or not isinstance(value, list):
        return transformer.work(value, arguments)
    results: list[Any] = []
    for item in value:
        made = None if item is None and not transformer.takes_nothing else transformer.work(item, arguments)
        results.extend(listed(made))
    return results


def _argument(arguments: Arguments, name: str, default: Any = None) -> Any:
    if name not in arguments and default is None:
        raise ExpressionError(f"the argument {name} is missing")
    return arguments.get(name, default)


def _unique(value: Any, _: Arguments) -> Any:
    if not isinstance(value, list):
        return value
    seen: dict[str, Any] = {}
    for item in value:
        seen.setdefault(key_of(item), item)
    return list(seen.values())


def _at_index(value: Any, arguments: Arguments) -> Any:
    items, index = listed(value), as_integer(_argument(arguments, "index"))
    if index < 0:
        raise Unsupported(f"atIndex with the index {index}")
    return items[index] if index < len(items) else None


def _slice(value: Any, arguments: Arguments) -> list[Any]:
    items = listed(value)
    first = as_integer(_argument(arguments, "from", 0))
    last = as_integer(_argument(arguments, "to", len(items)))
    if first < 0 or last < 0:
        raise Unsupported("slice with a negative index")
    return items[first:last]


def _sort(value: Any, arguments: Arguments) -> Any:
    if not isinstance(value, list):
        return value
    down = as_boolean(_argument(arguments, "descending", False) or False)
    numbers = all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value)
    return sorted(value, key=(lambda item: item) if numbers else as_text, reverse=down)


def _join(value: Any, arguments: Arguments) -> str:
    return as_text(_argument(arguments, "separator", ",")).join(text_of(item) for item in listed(value))


def _append(value: Any, arguments: Arguments) -> list[Any]:
    return [*listed(value), *listed(arguments.get("item"))]


def _get_field(value: Any, arguments: Arguments) -> Any:
    return evaluate(value, as_text(_argument(arguments, "field")))


def _split(value: Any, arguments: Arguments) -> list[str]:
    delimiter = as_text(_argument(arguments, "delimiter", ","))
    return as_text(value).split(delimiter) if delimiter else list(as_text(value))


def _concat(value: Any, arguments: Arguments) -> str:
    return as_text(arguments.get("prefix")) + as_text(value) + as_text(arguments.get("suffix"))


def _replace(value: Any, arguments: Arguments) -> str:
    limit = as_integer(_argument(arguments, "limit", -1))
    old = as_text(_argument(arguments, "toReplace"))
    return as_text(value).replace(old, as_text(arguments.get("replaceWith")), limit)


def _replace_match(value: Any, arguments: Arguments) -> str:
    pattern = go_pattern(as_text(_argument(arguments, "regex")))
    template = as_text(arguments.get("replaceWith"))
    return pattern.sub(lambda found: _expanded(found, template), as_text(value))


# As Go expands a template: $1, ${1}, $name and ${name}; what names no group is empty; $$ is a dollar sign.
_TEMPLATE = go_pattern(r"\$(?:\$|\{(\w+)\}|(\w+))")


def _expanded(found: Any, template: str) -> str:
    def piece(mark: Any) -> str:
        name = mark.group(1) or mark.group(2)
        if name is None:
            return "$"
        groups = found.groupdict() | {str(index): text for index, text in enumerate((found.group(0), *found.groups()))}
        return groups.get(name) or ""

    return _TEMPLATE.sub(piece, template)


def _substring(value: Any, arguments: Arguments) -> str:
    text = as_text(value)
    first = as_integer(_argument(arguments, "from", 0))
    last = as_integer(_argument(arguments, "to", len(text)))
    if first < 0 or last < 0:
        raise Unsupported("substring with a negative position")
    return text[first:last]


def _cut_at(value: Any, arguments: Arguments, name: str) -> tuple[str, str]:
    mark = as_text(_argument(arguments, name))
    if not mark:
        raise ExpressionError(f"the argument {name} is empty")
    before, found, after = as_text(value).partition(mark)
    if not found:
        raise Unsupported("a part of a text from or to what does not occur in it")
    return before, after


def _stringify(value: Any, _: Arguments) -> str:
    return value if isinstance(value, str) else json_text(value)


def _arithmetic(work: Callable[[float, float], float]) -> Callable[[Any, Arguments], float]:
    def compute(value: Any, arguments: Arguments) -> float:
        result = work(as_number(value), as_number(_argument(arguments, "by")))
        if not math.isfinite(result):
            raise ExpressionError("the result is too large")
        return plain_number(result)

    return compute


def _divided(first: float, second: float) -> float:
    if second == 0:
        raise ExpressionError("a division by 0")
    return first / second


def _rounded(value: Any, _: Arguments) -> int:
    number = as_number(value)
    # Halves go away from zero, as in Go; Python would take the even neighbour.
    return int(math.copysign(math.floor(abs(number) + 0.5), number))


def _unix(value: Any, _: Arguments) -> int:
    return as_micros(value) // 1_000_000


STOCK_TRANSFORMERS: Mapping[str, Transformer] = {
    "abs": Transformer(lambda value, _: plain_number(abs(as_number(value)))),
    "addition": Transformer(_arithmetic(lambda first, second: first + second), ("by",)),
    "append": Transformer(_append, ("item",), whole=True, takes_nothing=True),
    "atIndex": Transformer(_at_index, ("index",), whole=True),
    "ceil": Transformer(lambda value, _: math.ceil(as_number(value))),
    "concat": Transformer(_concat, ("prefix", "suffix")),
    "count": Transformer(lambda value, _: len(listed(value)), whole=True, takes_nothing=True),
    "division": Transformer(_arithmetic(_divided), ("by",)),
    "floor": Transformer(lambda value, _: math.floor(as_number(value))),
    "getField": Transformer(_get_field, ("field",)),
    "join": Transformer(_join, ("separator",), whole=True),
    "multiply": Transformer(_arithmetic(lambda first, second: first * second), ("by",)),
    "replace": Transformer(_replace, ("limit", "toReplace", "replaceWith")),
    "replaceMatch": Transformer(_replace_match, ("regex", "replaceWith")),
    "round": Transformer(_rounded),
    "slice": Transformer(_slice, ("from", "to"), whole=True),
    "sort": Transformer(_sort, ("descending",), whole=True),
    "split": Transformer(_split, ("delimiter",)),
    "splitAndTrim": Transformer(lambda value, given: [part.strip() for part in _split(value, given)], ("delimiter",)),
    "Stringify": Transformer(_stringify, whole=True),
    "substring": Transformer(_substring, ("from", "to")),
    "substringFrom": Transformer(lambda value, given: _cut_at(value, given, "from")[1], ("from",)),
    "substringTo": Transformer(lambda value, given: _cut_at(value, given, "to")[0], ("to",)),
    "subtraction": Transformer(_arithmetic(lambda first, second: first - second), ("by",)),
    "toLowerCase": Transformer(lambda value, _: as_text(value).lower()),
    "toUnix": Transformer(_unix),
    "toUpperCase": Transformer(lambda value, _: as_text(value).upper()),
    "trim": Transformer(lambda value, _: as_text(value).strip()),
    "uniq": Transformer(_unique, whole=True),
}
SCRIPT_TRANSFORMERS: Mapping[str, Transformer] = {
    script.name: Transformer(script.work, script.arguments, script.whole, script.takes_nothing) for script in SCRIPTS
}
