"""Tests for `warroom.core.transformers` and its scripts, beside the cases below Tests/playbooks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.transformers import SCRIPT_TRANSFORMERS, STOCK_TRANSFORMERS, transform

TEXTS = st.text("ab ,", max_size=4)
ITEMS = st.lists(st.integers(-3, 3) | TEXTS | st.dictionaries(TEXTS, st.integers(), max_size=2), min_size=1)


@given(ITEMS)
def test_uniq_twice_is_as_once_and_keeps_the_order(items: list[Any]) -> None:
    once = transform("uniq", items, {})
    assert transform("uniq", once, {}) == once
    assert [item for place, item in enumerate(items) if item not in items[:place]] == once


@given(st.lists(st.integers()) | st.lists(TEXTS), st.booleans())
def test_sort_orders_all_items(items: list[Any], down: bool) -> None:
    assert transform("sort", items, {"descending": str(down).lower()}) == sorted(items, reverse=down)


@given(st.lists(st.text("ab", min_size=1), min_size=1))
def test_split_undoes_join(items: list[str]) -> None:
    assert transform("split", transform("join", items, {"separator": ","}), {"delimiter": ","}) == items


@given(ITEMS)
def test_count_is_that_of_the_reversed_list(items: list[Any]) -> None:
    assert transform("count", transform("ReverseList", items, {}), {}) == len(items)


@given(ITEMS)
def test_parse_json_undoes_stringify(items: list[Any]) -> None:
    assert transform("ParseJSON", transform("Stringify", items, {}), {}) == items


@given(st.integers(-100, 100), st.integers(-100, 100))
def test_subtraction_undoes_addition(value: int, by: int) -> None:
    assert transform("subtraction", transform("addition", value, {"by": by}), {"by": by}) == value


@pytest.mark.parametrize(
    ("name", "value", "arguments", "expected"),
    [
        ("uniq", "a", {}, "a"),
        ("uniq", [{"a": 1, "b": 2}, {"b": 2, "a": 1}], {}, [{"a": 1, "b": 2}]),
        ("join", "a", {"separator": ","}, "a"),
        ("join", [1, None, {"a": 1}], {}, '1,,{"a":1}'),
        ("append", ["a"], {"item": ["b", "c"]}, ["a", "b", "c"]),
        ("append", ["a"], {"item": None}, ["a"]),
        ("concat", "a", {"suffix": 1}, "a1"),
        ("getField", {"a": [1]}, {"field": "a"}, [1]),
        ("getField", [{"a": 1}, {"b": 2}], {"field": "a"}, [1]),
        ("split", ["a,b", "c"], {}, ["a", "b", "c"]),
        ("split", "ab", {"delimiter": ""}, ["a", "b"]),
        ("atIndex", "a", {"index": 0}, "a"),
        ("atIndex", ["a"], {"index": 3}, None),
        ("slice", [1, 2, 3], {"from": 1}, [2, 3]),
        ("slice", [1, 2, 3], {"to": 1}, [1]),
        ("sort", "b", {}, "b"),
        ("sort", [10, "9"], {}, [10, "9"]),
        ("trim", " a ", {}, "a"),
        ("replace", "aa", {"toReplace": "a"}, ""),
        ("replaceMatch", "a1b2", {"regex": r"(?P<n>\d)", "replaceWith": "<${n}$$$9>"}, "a<1$>b<2$>"),
        ("substring", "abcdef", {"from": 1, "to": "3"}, "bc"),
        ("substringFrom", "a@b@c", {"from": "@"}, "b@c"),
        ("substringTo", "a@b@c", {"to": "@"}, "a"),
        ("Stringify", "a", {}, "a"),
        ("Stringify", ["a"], {}, '["a"]'),
        ("abs", "-2", {}, 2),
        ("floor", -1.5, {}, -2),
        ("ceil", 1.2, {}, 2),
        ("round", [-2.5, 1.4], {}, [-3, 1]),
        ("multiply", ["2", 3], {"by": "1.5"}, [3, 4.5]),
        ("toUnix", "2024-01-01T00:00:00+01:00", {}, 1704063600),
        ("SetIfEmpty", "None", {"defaultValue": "x"}, "x"),
        ("SetIfEmpty", "None", {"defaultValue": "x", "applyIfEmpty": "false"}, "None"),
        ("SetIfEmpty", [], {"defaultValue": "x"}, "x"),
        ("SetIfEmpty", 0, {"defaultValue": "x"}, 0),
        ("Cut", "abc", {"delimiter": "''", "fields": "1,3,9"}, "ac"),
        ("FirstArrayElement", ["a", "b"], {}, "a"),
        ("LastArrayElement", ["a", "b"], {}, "b"),
        ("LastArrayElement", "a", {}, "a"),
        ("If-Then-Else", "a", {"equals": "a", "then": "y", "else": "n"}, "y"),
        ("If-Then-Else", None, {"condition": "value==rhs", "rhs": "a", "then": "y", "else": "n"}, "n"),
        ("If-Then-Else", "b", {"condition": "value in list rhs", "rhs": "a,b", "then": "y"}, "y"),
        ("If-Then-Else", "b", {"condition": "value not in list rhs", "rhs": "a,b", "then": "y"}, None),
        ("If-Then-Else", "AB", {"condition": "value=~rhs", "rhs": "^a", "options": "case_insensitive", "then": 1}, 1),
        ("If-Then-Else", "AB", {"condition": "value=~rhs", "rhs": "A", "options": "regex_full_match", "else": 2}, 2),
        ("If-Then-Else", "A", {"condition": "value==rhs", "rhs": "a", "options": "case_insensitive", "then": 1}, 1),
        (
            "If-Then-Else",
            "5",
            {"condition": "value>rhs", "rhs": 3, "conditionInBetween": "and", "conditionB": "value<rhsB", "rhsB": 9,
             "then": "in"},
            "in",
        ),
        (
            "If-Then-Else",
            "1",
            {"condition": "lhs===rhs", "lhs": "1", "rhs": 1, "conditionInBetween": "or", "rhsB": "1", "then": "yes"},
            "yes",
        ),
        ("WhereFieldEquals", [{"t": "a", "n": 1}], {"field": "t", "equalTo": "a"}, '{"t":"a","n":1}'),
        ("WhereFieldEquals", [{"t": 1, "n": 1}, {"t": "1", "n": 2}, "x"],
         {"field": "t", "equalTo": "1", "getField": "n", "stringify": "false"}, [1, 2]),
        ("RegexGroups", "a1 b2", {"regex": r"(\w)(\d)"}, ["a", "1"]),
        ("RegexGroups", "A1", {"regex": "(a)(1)", "groups": "2", "flags": "i"}, ["1"]),
        ("RegexGroups", "x", {"regex": "(a)"}, None),
        ("RegexExtractAll", "a1b2", {"regex": r"([ab])(\d)"}, [["a", "1"], ["b", "2"]]),
        ("RegexExtractAll", "a1b2", {"regex": r"([ab])(\d)", "unpack_matches": "true"}, ["a", "1", "b", "2"]),
        ("RegexExtractAll", "a\nB", {"regex": "^[a-z]", "multi_line": "true", "ignore_case": "true"}, ["a", "B"]),
        ("RegexReplace", "user=ann", {"regex": "user=(.*)", "output_format": r"name=\1"}, "name=ann"),
        ("RegexReplace", "x=ann", {"regex": "user=(.*)", "output_format": r"name=\1"}, "x=ann"),
        ("TimeStampToDate", "1525006939123", {}, "2018-04-29T13:02:19.123Z"),
        ("DateStringToISOFormat", "05/11/2018 10:00 AM", {}, "2018-11-05T10:00:00"),
        ("DateStringToISOFormat", "05/11/2018", {"dayfirst": "false", "add_utc_timezone": "true"},
         "2018-05-11T00:00:00+00:00"),
        ("AppendIfNotEmpty", ["a"], {"item": ["", "b", None]}, ["a", "b"]),
        ("AppendIfNotEmpty", None, {"item": "b,c", "raw": "false"}, ["b", "c"]),
        ("GetRange", ["a", "b", "c", "d"], {"range": "0,2-3"}, ["a", "c", "d"]),
        ("DedupBy", [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2}], {"keys": "a"}, [{"a": 1, "b": 1}, {"a": 2}]),
        ("SortBy", [{"a": 2, "b": 1}, {"a": 1, "b": 1}, {"a": 1, "b": 2}], {"keys": "a,b", "descending_keys": "b"},
         [{"a": 1, "b": 2}, {"a": 1, "b": 1}, {"a": 2, "b": 1}]),
        ("DT", [{"a": 1}, {"a": 2}], {"dt": ".(val.a > 1).a"}, 2),
        ("ConvertToSingleElementArray", "a", {}, ["a"]),
        ("StringifyArray", ["a", 1], {}, '["a",1]'),
        ("StripChar", "--a-", {"chars": "-"}, "a"),
        ("SumList", ["1", 2, 0.5], {}, 3.5),
        ("URLEncode", "a b/c", {}, "a%20b%2Fc"),
        ("URLEncode", "a b/c", {"ignore_list": "/"}, "a%20b/c"),
        ("URLDecode", "a%20b", {}, "a b"),
        ("ExtractInbetween", "a [b] c", {"from": "[", "to": "]"}, "b"),
    ],
)  # fmt: skip
def test_transform_gives_what_it_should(name: str, value: Any, arguments: dict[str, Any], expected: Any) -> None:
    result = transform(name, value, arguments)
    assert result == expected
    json.dumps(result)


@pytest.mark.parametrize(
    ("name", "value", "arguments", "problem"),
    [
        ("toLowerCase", {"a": 1}, {}, "toLowerCase: a text is needed"),
        ("addition", "x", {"by": 1}, "a number is needed"),
        ("addition", 1, {}, "the argument by is missing"),
        ("division", 1, {"by": 0}, "a division by 0"),
        ("multiply", 1e299, {"by": 1e299}, "the result is too large"),
        ("addition", "9" * 400, {"by": 1}, "a number is needed"),
        ("multiply", 10**400, {"by": 1}, "a number is needed"),
        ("atIndex", ["a"], {"index": 1e20}, "a whole number is needed"),
        ("substringFrom", "a", {"from": ""}, "the argument from is empty"),
        ("TimeStampToDate", 1e20, {}, "outside of the years"),
        ("URLEncode", "\ud800", {}, "half of a character"),
        ("atIndex", [1], {"index": "1.5"}, "a whole number is needed"),
        ("join", [1], {"seperator": ","}, "unknown argument seperator; it has separator"),
        ("count", [1], {"by": ","}, "unknown argument by; it has no argument"),
        ("sort", [{}, {}], {}, "a text is needed"),
        ("toUnix", "soon", {}, "a date such as"),
        ("ParseJSON", "{", {}, "is no JSON"),
        ("RegexGroups", "a", {"regex": "("}, "no regular expression"),
        ("RegexGroups", "a", {"regex": "(a)", "groups": "2"}, "no groups 2"),
        ("RegexExtractAll", "a", {"regex": "b", "error_if_no_match": "true"}, "matches nothing"),
        ("RegexReplace", "a", {"regex": "a", "output_format": r"\3"}, "output_format"),
        ("DateStringToISOFormat", "no date here", {}, "a date is needed"),
        ("ExtractInbetween", "abc", {"from": "c", "to": "a"}, "has no 'c' before 'a'"),
    ],
)
def test_transform_what_cannot_be_done_raises(name: str, value: Any, arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        transform(name, value, arguments)
    assert problem in str(raised.value)
    assert not isinstance(raised.value, Unsupported)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("atIndex", {"index": -1}),
        ("slice", {"from": -1}),
        ("substring", {"from": -1}),
        ("substringFrom", {"from": "nowhere"}),
        ("replaceMatch", {"regex": "a(?!b)"}),
        ("If-Then-Else", {"condition": "value~rhs"}),
        ("If-Then-Else", {"options": "input_data_type:then=json"}),
        ("RegexGroups", {"regex": "a", "flags": "verbose"}),
        ("SortBy", {"descending_keys": "*"}),
        ("jmespath", {}),
    ],
)
def test_transform_what_is_not_known_is_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        transform(name, "abc", arguments)


@pytest.mark.parametrize("name", sorted({*STOCK_TRANSFORMERS, *SCRIPT_TRANSFORMERS}))
def test_transform_nothing_stays_nothing_unless_it_says_otherwise(name: str) -> None:
    transformer = STOCK_TRANSFORMERS.get(name) or SCRIPT_TRANSFORMERS[name]
    if not transformer.takes_nothing:
        assert transform(name, None, dict.fromkeys(transformer.arguments, "1")) is None
