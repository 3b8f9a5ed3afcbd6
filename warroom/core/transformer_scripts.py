"""Transformers that are scripts of the vendor's packs, as own code: they work without those packs and start no process.

Their options are those that playbooks use; an option that is not here is an unknown argument.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timezone
from typing import Any
from urllib.parse import quote, unquote

from dateutil import parser as dateparser

from warroom.core.casts import (
    alike,
    as_boolean,
    as_integer,
    as_number,
    as_text,
    commas,
    json_text,
    key_of,
    listed,
    plain_number,
    shown,
    text_of,
)
from warroom.core.dt import evaluate
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.js_values import Moment, equal, less, moment_text, same

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Script:
    """One script: its arguments beside `value`, whether it takes the whole list, whether it makes sense of None."""

    name: str
    work: Callable[[Any, Arguments], Any]
    arguments: tuple[str, ...] = ()
    whole: bool = False
    takes_nothing: bool = False


def _flag(arguments: Arguments, name: str, default: bool = False) -> bool:
    value = arguments.get(name)
    return default if value in (None, "") else as_boolean(value)


def _needed(arguments: Arguments, name: str) -> Any:
    if arguments.get(name) is None:
        raise ExpressionError(f"the argument {name} is missing")
    return arguments[name]


def _set_if_empty(value: Any, arguments: Arguments) -> Any:
    looks_empty = value in ("", [], {}, [""]) or (isinstance(value, str) and value.strip().lower() in ("none", "null"))
    if value is None or (_flag(arguments, "applyIfEmpty", True) and looks_empty):
        return arguments.get("defaultValue")
    return value


def _cut(value: Any, arguments: Arguments) -> str:
    given = as_text(_needed(arguments, "delimiter"))
    delimiter = "" if given == "''" else given
    pieces = as_text(value).split(delimiter) if delimiter else list(as_text(value))
    wanted = [as_integer(field) for field in commas(_needed(arguments, "fields"))]
    return delimiter.join(pieces[field - 1] for field in wanted if 0 < field <= len(pieces))


_OPERATORS = re.compile(r"(lhs|lhsB|value)\s*(===|!==|==|!=|>=|<=|>|<|=~|not in list|in list)\s*(rhs|rhsB)")


def _if_then_else(value: Any, arguments: Arguments) -> Any:
    passed = _passes(value, arguments, "condition", "options", second=False)
    between = as_text(arguments.get("conditionInBetween"))
    if between == "and":
        passed = passed and _passes(value, arguments, "conditionB", "optionsB", second=True)
    elif between == "or":
        passed = passed or _passes(value, arguments, "conditionB", "optionsB", second=True)
    return arguments.get("then" if passed else "else")


def _passes(value: Any, arguments: Arguments, name: str, options: str, *, second: bool) -> bool:
    text = as_text(arguments.get(name)).strip() or f"value==rhs{'B' if second else ''}"
    found = _OPERATORS.fullmatch(text)
    if not found:
        raise Unsupported(f"the {name} {text!r} of If-Then-Else")
    flags = [text_of(flag) for flag in commas(arguments.get(options))]
    if set(flags) - {"case_insensitive", "regex_dot_all", "regex_multiline", "regex_full_match"}:
        raise Unsupported(f"the {options} {', '.join(flags)} of If-Then-Else")
    left = value if found.group(1) == "value" else arguments.get(found.group(1))
    right = arguments.get(found.group(3), arguments.get("equals") if not second else None)
    return _compared(found.group(2), left, right, flags)


def _compared(operator: str, left: Any, right: Any, flags: list[str]) -> bool:
    if operator == "=~":
        return _matches(left, right, flags)
    if "case_insensitive" in flags:
        left, right = (item.lower() if isinstance(item, str) else item for item in (left, right))
    if operator.endswith("in list"):
        found = any(alike(left, item) for item in commas(right))
        return found == (operator == "in list")
    if operator in ("==", "!="):
        return equal(left, right) == (operator == "==")
    if operator in ("===", "!=="):
        return same(left, right) == (operator == "===")
    first, last = (left, right) if operator in ("<", ">=") else (right, left)
    smaller = less(first, last)
    return smaller is not None and smaller == (operator in ("<", ">"))


def _matches(left: Any, right: Any, flags: list[str]) -> bool:
    options = re.IGNORECASE if "case_insensitive" in flags else re.RegexFlag(0)
    options |= re.DOTALL if "regex_dot_all" in flags else re.RegexFlag(0)
    options |= re.MULTILINE if "regex_multiline" in flags else re.RegexFlag(0)
    pattern = _pattern(right, options)
    search = pattern.fullmatch if "regex_full_match" in flags else pattern.search
    return search(as_text(left)) is not None


def _where_field_equals(value: Any, arguments: Arguments) -> Any:
    field, wanted = as_text(_needed(arguments, "field")), arguments.get("equalTo")
    name = as_text(arguments.get("getField"))
    rows = [row for row in listed(value) if isinstance(row, Mapping) and alike(row.get(field), wanted)]
    found = [row.get(name) for row in rows] if name else list(rows)
    result = found[0] if len(found) == 1 else found
    return _as_json(result) if _flag(arguments, "stringify", True) else result


def _as_json(value: Any) -> Any:
    return json_text(value) if isinstance(value, (list, Mapping)) else value


def _pattern(value: Any, options: int) -> re.Pattern[str]:
    try:
        return re.compile(as_text(value), options)
    except re.error as error:
        raise ExpressionError(f"{shown(value)} is no regular expression: {error}") from None


def _options(arguments: Arguments) -> int:
    names = {"ignore_case": re.IGNORECASE, "multi_line": re.MULTILINE, "period_matches_newline": re.DOTALL}
    return sum(int(flag) for name, flag in names.items() if _flag(arguments, name))


def _regex_groups(value: Any, arguments: Arguments) -> Any:
    names = {"dotall": re.DOTALL, "s": re.DOTALL, "multiline": re.MULTILINE, "m": re.MULTILINE,
             "ignorecase": re.IGNORECASE, "i": re.IGNORECASE, "unicode": re.UNICODE, "u": re.UNICODE}  # fmt: skip
    given = [text_of(flag).lower() for flag in commas(arguments.get("flags"))]
    if set(given) - set(names):
        raise Unsupported(f"the flags {', '.join(given)} of RegexGroups")
    found = _pattern(_needed(arguments, "regex"), sum({int(names[flag]) for flag in given})).search(as_text(value))
    if found is None:
        return None
    wanted = [as_integer(group) for group in commas(arguments.get("groups"))] or range(1, len(found.groups()) + 1)
    if any(not 0 <= group <= len(found.groups()) for group in wanted):
        raise ExpressionError(f"there are no groups {', '.join(map(str, wanted))}")
    groups = [found.group(group) for group in wanted]
    keys = [text_of(key) for key in commas(arguments.get("keys"))]
    return dict(zip(keys, groups, strict=False)) if keys else groups


def _regex_extract_all(value: Any, arguments: Arguments) -> Any:
    found = _pattern(_needed(arguments, "regex"), _options(arguments)).findall(as_text(value))
    if not found and _flag(arguments, "error_if_no_match"):
        raise ExpressionError("the regular expression matches nothing")
    if _flag(arguments, "unpack_matches"):
        return [group for match in found for group in (match if isinstance(match, tuple) else (match,))]
    return [list(match) if isinstance(match, tuple) else match for match in found]


def _regex_replace(value: Any, arguments: Arguments) -> str:
    pattern = _pattern(_needed(arguments, "regex"), _options(arguments))
    template = as_text(arguments.get("output_format"))
    try:
        return pattern.sub(template, as_text(value))
    except (re.error, IndexError) as error:
        raise ExpressionError(f"the output_format {template!r}: {error}") from None


def _time_stamp_to_date(value: Any, _: Arguments) -> str:
    seconds = as_number(value)
    # What has more digits than seconds can have until the year 5138 counts milliseconds.
    return moment_text(Moment(seconds if abs(seconds) >= 100_000_000_000 else seconds * 1000))


def _date_to_iso(value: Any, arguments: Arguments) -> str:
    try:
        found = dateparser.parse(
            as_text(value),
            dayfirst=_flag(arguments, "dayfirst", True),
            yearfirst=_flag(arguments, "yearfirst"),
            fuzzy=_flag(arguments, "fuzzy", True),
        )
    except (ValueError, OverflowError):
        raise ExpressionError(f"a date is needed, not {shown(value)}") from None
    if found.tzinfo is None and _flag(arguments, "add_utc_timezone"):
        found = found.replace(tzinfo=timezone.utc)
    return found.isoformat()


def _product_join(value: Any, arguments: Arguments) -> list[str]:
    separator = as_text(arguments.get("join", "="))
    pairs = itertools.product(commas(value), commas(_needed(arguments, "list2")))
    return [f"{text_of(first)}{separator}{text_of(second)}" for first, second in pairs]


def _append_if_not_empty(value: Any, arguments: Arguments) -> list[Any]:
    item = arguments.get("item")
    items = listed(item) if _flag(arguments, "raw", True) else commas(item)
    return [part for part in [*listed(value), *items] if part not in (None, "", [], {})]


def _get_range(value: Any, arguments: Arguments) -> list[Any]:
    items = commas(value)
    found: list[Any] = []
    for part in commas(_needed(arguments, "range")):
        first, dash, last = text_of(part).partition("-")
        start = as_integer(first)
        found.extend(items[start : as_integer(last) + 1 if dash else start + 1])
    return found


def _dedup_by(value: Any, arguments: Arguments) -> list[Any]:
    keys = [text_of(key) for key in commas(_needed(arguments, "keys"))]
    seen: dict[str, Any] = {}
    for row in listed(value):
        seen.setdefault(key_of([evaluate(row, key) for key in keys]), row)
    return list(seen.values())


def _sort_by(value: Any, arguments: Arguments) -> list[Any]:
    down = {text_of(key) for key in commas(arguments.get("descending_keys"))}
    if "*" in down:
        raise Unsupported("SortBy without keys")
    keys = [text_of(key) for key in commas(arguments.get("keys"))]
    rows = listed(value)
    # Sorting is stable, so the last key goes first.
    for key in reversed([*keys, *(name for name in sorted(down) if name not in keys)]):
        rows = sorted(rows, key=lambda row: _sortable(evaluate(row, key)), reverse=key in down)
    return rows


def _sortable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, (int, float)):
        return (1, value, "")
    return (0, 0, "") if value is None else (2, 0, text_of(value))


def _parse_json(value: Any, _: Arguments) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ExpressionError(f"{shown(value)} is no JSON: {error}") from None


def _extract_between(value: Any, arguments: Arguments) -> str:
    text, first, last = as_text(value), as_text(_needed(arguments, "from")), as_text(_needed(arguments, "to"))
    start, end = text.find(first), text.rfind(last)
    if start < 0 or end < start + len(first):
        raise ExpressionError(f"{shown(value)} has no {first!r} before {last!r}")
    return text[start + len(first) : end].strip()


def _url_encoded(value: Any, arguments: Arguments) -> str:
    try:
        return quote(as_text(value), safe=as_text(arguments.get("ignore_list")))
    except UnicodeEncodeError as error:
        raise ExpressionError(f"half of a character: {error.reason}") from None


def _sum(value: Any, _: Arguments) -> float:
    return plain_number(sum(as_number(item) for item in listed(value)))


def _first(value: Any, _: Arguments) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _last(value: Any, _: Arguments) -> Any:
    return value[-1] if isinstance(value, list) and value else value


def _reversed(value: Any, _: Arguments) -> list[Any]:
    return listed(value)[::-1]


def _stripped(value: Any, arguments: Arguments) -> str:
    return as_text(value).strip(as_text(_needed(arguments, "chars")))


_REGEX_OPTIONS = ("regex", "multi_line", "ignore_case", "period_matches_newline")
_IF = ("condition", "lhs", "rhs", "equals", "then", "else", "options", "conditionInBetween", "conditionB", "lhsB",
       "rhsB", "optionsB")  # fmt: skip
SCRIPTS: tuple[Script, ...] = (
    Script("AppendIfNotEmpty", _append_if_not_empty, ("item", "raw"), whole=True, takes_nothing=True),
    Script("ConvertToSingleElementArray", lambda value, _: listed(value), whole=True),
    Script("Cut", _cut, ("delimiter", "fields")),
    Script("DateStringToISOFormat", _date_to_iso, ("dayfirst", "yearfirst", "fuzzy", "add_utc_timezone")),
    Script("DedupBy", _dedup_by, ("keys",), whole=True),
    Script("DT", lambda value, given: evaluate(value, as_text(_needed(given, "dt"))), ("dt",), whole=True),
    Script("ExtractInbetween", _extract_between, ("from", "to")),
    Script("FirstArrayElement", _first, whole=True),
    Script("GetRange", _get_range, ("range",), whole=True),
    Script("If-Then-Else", _if_then_else, _IF, takes_nothing=True),
    Script("LastArrayElement", _last, whole=True),
    Script("ParseJSON", _parse_json),
    Script("ProductJoin", _product_join, ("list2", "join"), whole=True),
    Script("RegexExtractAll", _regex_extract_all, (*_REGEX_OPTIONS, "error_if_no_match", "unpack_matches")),
    Script("RegexGroups", _regex_groups, ("regex", "groups", "keys", "flags")),
    Script("RegexReplace", _regex_replace, (*_REGEX_OPTIONS, "output_format")),
    Script("ReverseList", _reversed, whole=True),
    Script("SetIfEmpty", _set_if_empty, ("defaultValue", "applyIfEmpty"), whole=True, takes_nothing=True),
    Script("SortBy", _sort_by, ("keys", "descending_keys"), whole=True),
    Script("StringifyArray", lambda value, _: json_text(listed(value)), whole=True),
    Script("StripChar", _stripped, ("chars",)),
    Script("SumList", _sum, whole=True),
    Script("TimeStampToDate", _time_stamp_to_date),
    Script("URLDecode", lambda value, _: unquote(as_text(value))),
    Script("URLEncode", _url_encoded, ("ignore_list",)),
    Script("WhereFieldEquals", _where_field_equals, ("field", "equalTo", "getField", "stringify"), whole=True),
)
