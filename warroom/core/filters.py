"""Comparisons of conditions and filters.

Old content writes `general.`, `string.`, `number.`, `boolean.` or `date.` before the name of an operator. A comparison
that needs one value on the left and gets several holds when it does for any of them, negations too; one that needs a
list and gets one value makes it a list. A value that cannot be cast raises ExpressionError, except that nothing (None,
or an empty text where a number or date is needed) fulfils no comparison, and so fulfils its negation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from warroom.core.casts import alike, alone, as_boolean, as_micros, as_number, as_text, commas, go_pattern, listed
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.filter_scripts import SCRIPT_FILTERS

_PREFIXES = ("general.", "string.", "number.", "boolean.", "date.")
Test = Callable[[Any, Any, bool], bool]


def holds(operator: str, left: Any, right: Any, ignore_case: bool = False) -> bool:
    """Whether `left operator right` holds. `right` is None for operators that have none.

    Raises Unsupported for an operator that is neither a stock one nor a script of `SCRIPT_FILTERS`, ExpressionError
    when a value cannot be cast.
    """
    name = plain_name(operator)
    if name in SCRIPT_FILTERS:
        return SCRIPT_FILTERS[name](left, right)
    test = _TESTS.get(name)
    if test is None:
        raise Unsupported(f"the filter {operator}")
    try:
        return test(left, right, ignore_case)
    except Unsupported:
        raise
    except ExpressionError as error:
        raise ExpressionError(f"{operator}: {error.problem}") from None


def plain_name(operator: str) -> str:
    """The name of an operator without the prefix of old content."""
    for prefix in _PREFIXES:
        if operator.startswith(prefix):
            return operator[len(prefix) :]
    return operator


def empty(value: Any) -> bool:
    """Whether isEmpty holds: nothing, false, an empty text, list or object, or a list of nothing else."""
    if isinstance(value, list):
        return all(empty(item) for item in value)
    return value is None or value is False or value == "" or value == {}


def _items(value: Any) -> list[Any]:
    return listed(value) or [None]


def _text(test: Callable[[str, str], bool]) -> Test:
    def compare(left: Any, right: Any, ignore_case: bool) -> bool:
        wanted = as_text(right)
        wanted = wanted.lower() if ignore_case else wanted
        texts = (as_text(item) for item in _items(left))
        return any(test(text.lower() if ignore_case else text, wanted) for text in texts)

    return compare


def _number(test: Callable[[float, float], bool], *, of_nothing: bool = False) -> Test:
    def compare(left: Any, right: Any, _: bool) -> bool:
        return any(_both(item, right, as_number, test, of_nothing) for item in _items(left))

    return compare


def _date(test: Callable[[float, float], bool]) -> Test:
    def compare(left: Any, right: Any, _: bool) -> bool:
        return any(_both(item, right, as_micros, test, False) for item in _items(left))

    return compare


def _both(
    left: Any, right: Any, cast: Callable[[Any], float], test: Callable[[float, float], bool], of_nothing: bool
) -> bool:
    if alone(left) in (None, "") or alone(right) in (None, ""):
        return of_nothing
    return test(cast(left), cast(right))


def _boolean(wanted: bool) -> Test:
    return lambda left, _right, _case: any(
        as_boolean(item) == wanted for item in _items(left) if alone(item) not in (None, "")
    )


def _match(left: Any, right: Any, ignore_case: bool) -> bool:
    pattern = go_pattern(as_text(right), ignore_case=ignore_case)
    return any(pattern.search(as_text(item)) is not None for item in _items(left))


def _folded(value: Any, ignore_case: bool) -> Any:
    return value.lower() if ignore_case and isinstance(value, str) else value


def _contains(left: Any, right: Any, ignore_case: bool) -> bool:
    wanted = _folded(alone(right), ignore_case)
    return any(alike(_folded(item, ignore_case), wanted) for item in listed(left))


def _is_in(left: Any, right: Any, ignore_case: bool) -> bool:
    choices = [_folded(item, ignore_case) for item in listed(right)]
    return any(alike(_folded(item, ignore_case), choice) for item in listed(left) for choice in choices)


def _in_list(left: Any, right: Any, ignore_case: bool) -> bool:
    return _is_in(left, commas(right), ignore_case)


def _length(left: Any, right: Any, _: bool) -> bool:
    return len(listed(left)) == as_number(right)


def _text_length(left: Any, right: Any, _: bool) -> bool:
    wanted = as_number(right)
    return any(len(as_text(item)) == wanted for item in _items(left))


def _not(test: Test) -> Test:
    return lambda left, right, ignore_case: not test(left, right, ignore_case)


def _exists(left: Any, _right: Any, _case: bool) -> bool:
    return left is not None


def _empty(left: Any, _right: Any, _case: bool) -> bool:
    return empty(left)


_TESTS: Mapping[str, Test] = {
    "isEqualString": _text(lambda left, right: left == right),
    "isNotEqualString": _text(lambda left, right: left != right),
    "containsString": _text(lambda left, right: right in left),
    "notContainsString": _text(lambda left, right: right not in left),
    "startWith": _text(lambda left, right: left.startswith(right)),
    "notStartWith": _text(lambda left, right: not left.startswith(right)),
    "endWith": _text(lambda left, right: left.endswith(right)),
    "notEndWith": _text(lambda left, right: not left.endswith(right)),
    "match": _match,
    "stringHasLength": _text_length,
    "isExists": _exists,
    "isNotExists": _not(_exists),
    "isEmpty": _empty,
    "isNotEmpty": _not(_empty),
    "containsGeneral": _contains,
    "notContainsGeneral": _not(_contains),
    "in": _is_in,
    "notIn": _not(_is_in),
    "inList": _in_list,
    "notInList": _not(_in_list),
    "hasLength": _length,
    "isEqualNumber": _number(lambda left, right: left == right),
    "isNotEqualNumber": _number(lambda left, right: left != right, of_nothing=True),
    "greaterThan": _number(lambda left, right: left > right),
    "greaterThanOrEqual": _number(lambda left, right: left >= right),
    "lessThan": _number(lambda left, right: left < right),
    "lessThanOrEqual": _number(lambda left, right: left <= right),
    "isTrue": _boolean(True),
    "isFalse": _boolean(False),
    "isBefore": _date(lambda left, right: left < right),
    "isAfter": _date(lambda left, right: left > right),
}
STOCK_FILTERS: frozenset[str] = frozenset(_TESTS)
# Operators that look at the left side alone.
ONE_SIDED: frozenset[str] = frozenset({"isExists", "isNotExists", "isEmpty", "isNotEmpty", "isTrue", "isFalse"})
