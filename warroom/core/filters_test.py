"""Tests for `warroom.core.filters` and `warroom.core.filter_scripts`, beside the cases below Tests/playbooks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.casts import alike
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.filters import STOCK_FILTERS, holds

TEXTS = st.text("abAB,1", max_size=3)
NUMBERS = st.integers(-5, 5) | st.integers(-5, 5).map(str)
NEGATIONS = {
    "isEqualString": "isNotEqualString",
    "containsString": "notContainsString",
    "startWith": "notStartWith",
    "endWith": "notEndWith",
    "containsGeneral": "notContainsGeneral",
    "in": "notIn",
    "inList": "notInList",
    "isExists": "isNotExists",
    "isEmpty": "isNotEmpty",
}


@given(TEXTS | st.none(), TEXTS, st.booleans(), st.sampled_from(sorted(NEGATIONS)))
def test_holds_negation_is_the_opposite_for_one_value(left: Any, right: str, folded: bool, operator: str) -> None:
    assert holds(operator, left, right, folded) is not holds(NEGATIONS[operator], left, right, folded)


@given(NUMBERS | st.none(), NUMBERS)
def test_holds_number_negation_is_the_opposite(left: Any, right: Any) -> None:
    assert holds("isEqualNumber", left, right) is not holds("isNotEqualNumber", left, right)


@given(NUMBERS, NUMBERS)
def test_holds_numbers_are_ordered(left: Any, right: Any) -> None:
    results = [holds(name, left, right) for name in ("lessThan", "isEqualNumber", "greaterThan")]
    assert results.count(True) == 1
    assert holds("lessThanOrEqual", left, right) is not results[2]
    assert holds("greaterThanOrEqual", left, right) is not results[0]


@given(st.lists(TEXTS, min_size=1), TEXTS, st.sampled_from(["isEqualString", "isNotEqualString", "containsString"]))
def test_holds_list_on_the_left_passes_with_any_item(left: list[str], right: str, operator: str) -> None:
    assert holds(operator, left, right) == any(holds(operator, item, right) for item in left)


@given(TEXTS, TEXTS)
def test_holds_ignore_case_folds_both_sides(left: str, right: str) -> None:
    assert holds("isEqualString", left, right, True) == (left.lower() == right.lower())
    assert holds("containsGeneral", [left], right, True) == (left.lower() == right.lower())


@given(st.sampled_from(sorted(STOCK_FILTERS)), st.sampled_from(["general.", "string.", "number.", "boolean.", "date."]))
def test_holds_prefixed_operator_is_the_same(operator: str, prefix: str) -> None:
    def outcome(name: str) -> Any:
        try:
            return holds(name, "1", "1")
        except ExpressionError as error:
            return error.problem.removeprefix(f"{name}: ")

    assert outcome(prefix + operator) == outcome(operator)


@pytest.mark.parametrize(
    ("operator", "left", "right", "expected"),
    [
        ("isEqualString", True, "true", True),
        ("isEqualString", 2.0, "2", True),
        ("isEqualString", None, "", True),
        ("isEqualString", [["a"]], "a", True),
        ("isEqualString", "a", ["a"], True),
        ("containsString", [], "a", False),
        ("match", "ABC", "(?i)abc", True),
        ("match", ["x", "abc"], "^a", True),
        ("stringHasLength", ["a", "abc"], 3, True),
        ("hasLength", None, 0, True),
        ("hasLength", "abc", 1, True),
        ("containsGeneral", [{"a": 1}], {"a": 1}, True),
        ("containsGeneral", [1, 2], "2", True),
        ("containsGeneral", None, "a", False),
        ("in", ["x", "a"], ["a"], True),
        ("in", "a", "a,b", False),
        ("inList", "a", '["a", "b"]', True),
        ("inList", "a", ["a"], True),
        ("isEmpty", ["", None, []], None, True),
        ("isEmpty", {}, None, True),
        ("isTrue", [False, True], None, True),
        ("isTrue", None, None, False),
        ("isFalse", "", None, False),
        ("greaterThan", "1e2", "99.5", True),
        ("isBefore", "2024-01-31", "2024-02-01T00:00:00Z", True),
        ("isAfter", "31 Jan 24 15:04 UTC", "2024-01-31T15:03:00Z", True),
        ("isAfter", "Tue Jan 30 15:04:05 2024", "2024-01-31T15:03:00Z", False),
        ("isAfter", "Wednesday, 31-Jan-24 15:04:05 UTC", "2024-01-31T15:03:00Z", True),
        ("isBefore", "0001-01-01T00:00:00Z", "2024-01-31", True),
        ("isBefore", None, "2024-01-31", False),
        ("StringContainsArray", "a long text", ["short", "long"], True),
        ("StringContainsArray", ["a", "b"], "c", False),
        ("InRange", "4", "1,8", True),
        ("InRange", 9, "1,8", False),
        ("IsInCidrRanges", "192.0.2.1,198.51.100.1", "192.0.2.0/24", False),
        ("IsInCidrRanges", "2001:db8::1", ["2001:db8::/32", "192.0.2.0/24"], True),
        ("IsInCidrRanges", "", "192.0.2.0/24", False),
        ("IsNotInCidrRanges", "198.51.100.1", "192.0.2.0/24", True),
        ("LowerCidrNumAddresses", "192.0.2.0/25", "200", True),
        ("GreaterCidrNumAddresses", "192.0.2.0/25", "200", False),
        ("IsRFC1918Address", "172.20.1.1", None, True),
        ("IsRFC1918Address", "192.0.2.1", None, False),
        ("CheckIfSubdomain", "a.example.com", "example.org,example.com", True),
        ("CheckIfSubdomain", "badexample.com", "example.com", False),
    ],
)
def test_holds_casts_and_lists_follow_the_rules(operator: str, left: Any, right: Any, expected: bool) -> None:
    assert holds(operator, left, right) is expected


@pytest.mark.parametrize(
    ("operator", "left", "right", "problem"),
    [
        ("isEqualString", "a", ["b", "c"], "a text is needed"),
        ("isEqualNumber", True, 1, "a number is needed"),
        ("match", "a", "(", "no regular expression"),
        ("isBefore", "soon", "2024-01-31", "a date such as"),
        ("hasLength", [1], "many", "a number is needed"),
        ("InRange", 1, "1", "from,to"),
        ("IsInCidrRanges", "192.0.2.1", "home", "a network such as"),
    ],
)
def test_holds_failed_cast_names_operator_and_value(operator: str, left: Any, right: Any, problem: str) -> None:
    with pytest.raises(ExpressionError, match=problem) as raised:
        holds(operator, left, right)
    assert not isinstance(raised.value, Unsupported)


def test_holds_pattern_that_the_server_does_not_know_is_refused() -> None:
    with pytest.raises(Unsupported, match="look-around"):
        holds("match", "ab", "a(?=b)")


@given(st.integers() | TEXTS | st.booleans())
def test_alike_value_and_its_list_differ(value: Any) -> None:
    assert alike(value, value)
    assert not alike([value], value)
