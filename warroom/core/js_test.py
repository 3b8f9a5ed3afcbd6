"""Tests for `warroom.core.js`: what JavaScript means, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.js import run
from warroom.core.js_values import UNDEFINED, equal, less, same, to_number, to_text, truthy

VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.text("01a ", max_size=3) | st.just(UNDEFINED)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'3' == 3", True),
        ("'3' === 3", False),
        ("null == undefined", True),
        ("null === undefined", False),
        ("null == 0", False),
        ("'' == 0", True),
        ("true == '1'", True),
        ("[1] == 1", True),
        ("['a'] == 'a'", True),
        ("[] == []", False),
        ("NaN == NaN", False),
        ("'a' != 'b'", True),
        ("'10' < '9'", True),
        ("'10' < 9", False),
        ("undefined < 1", False),
        ("undefined >= 1", False),
        ("2 >= 2 && 2 <= 2", True),
        ("!''", True),
        ("!![]", True),
        ("0 || 'x'", "x"),
        ("'a' && 0", 0),
        ("1 ? 'y' : 'n'", "y"),
        ("1 + '1'", "11"),
        ("1 + 2 * 3 - 4 / 2", 5),
        ("7 % 4", 3),
        ("-7 % 4", -3),
        ("'5' - 2", 3),
        ("+'0x1f'", 31),
        ("1 / 0 > 1000", True),
        ("0.1 + 0.2 == 0.3", False),
        ("typeof 'x' + typeof 1 + typeof true + typeof null + typeof undefined", "stringnumberbooleanobjectundefined"),
        ("'a' in {a: 1}", True),
        ("1 in ['x']", False),
        ("[1, [2, null], 'x'] + ''", "1,2,,x"),
        ("{} + '' ", "[object Object]"),
        ("{'a b': 1, c: [2], 3: 4}", {"a b": 1, "c": [2], "3": 4}),
        ("{a: undefined, b: [undefined]}", {"b": [None]}),
        (r"'it\'s \u0041\n'", "it's A\n"),
        ("/* two */ 2", 2),
    ],
)
def test_run_operators_mean_what_javascript_means(source: str, value: Any) -> None:
    assert run(source, {}) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("val.indexOf('b')", 1),
        ("val.indexOf('b', 2)", 4),
        ("val.lastIndexOf('b')", 4),
        ("val.includes('cab') && val.startsWith('abc') && val.endsWith('bc')", True),
        ("val.substring(4, 1) + val.substr(-2, 1) + val.slice(-2)", "bcabbc"),
        ("val.charAt(1) + val[0] + val.charCodeAt(0)", "ba97"),
        ("val.split('b').join('-')", "a-ca-c"),
        ("val.split('').length == val.length", True),
        ("val.replace('b', 'x')", "axcabc"),
        ("val.replace(/B/gi, '[$&]')", "a[b]ca[b]c"),
        ("val.replace(/(a)(b)/g, '$2$1')", "bacbac"),
        ("val.replace(/b/, function (found) { return found[0].toUpperCase(); })", "aBcabc"),
        ("val.match(/(b)(c)/)", ["bc", "b", "c"]),
        ("val.match(/b./g)", ["bc", "bc"]),
        ("val.match(/x/)", None),
        ("val.search(/c/)", 2),
        ("/^abc/.test(val) && !/^ABC/.test(val)", True),
        (r"/a\/b[/]/.test('a/b/')", True),
        ("/(?<first>a)/.exec(val)[1]", "a"),
        ("' x '.trim() + '|' + 'x'.padStart(3, '0') + 'x'.repeat(2)", "x|00xxx"),
        ("[3, 1, 2].sort()", [1, 2, 3]),
        ("[10, 9].sort()", [10, 9]),
        ("[10, 9].sort((a, b) => a - b)", [9, 10]),
        ("[1, 2, 3].filter(x => x > 1).map((x) => x * 2)", [4, 6]),
        ("[1, 2].some(x => x == 2) && ![1, 2].every(x => x == 2)", True),
        ("[1, 2].find(x => x > 1) + [1, 2].findIndex(x => x > 1)", 3),
        ("[1, 2].find(x => x > 2) === undefined", True),
        ("[1, 2, 3].reduce((sum, x) => sum + x, 10)", 16),
        ("[1].concat([2], 3).reverse().indexOf(1)", 2),
        ("[[1], [2, [3]]].flat()", [1, 2, [3]]),
        ("['1'].indexOf(1)", -1),
        ("parseInt('12px') + parseFloat('1.5kg') + parseInt('ff', 16)", 268.5),
        ("isNaN(parseInt('x'))", True),
        ("Number('') + Number(true)", 1),
        ("String(null) + String([1, 2])", "null1,2"),
        ("JSON.stringify({a: [1, 'x']})", '{"a":[1,"x"]}'),
        ("JSON.parse('{\"a\": 1}').a", 1),
        ("Object.keys({a: 1, b: 2}).length + Object.values({a: 5})[0]", 7),
        ("Array.isArray([]) && !Array.isArray('')", True),
        ("Math.max(1, '3') + Math.min(1, 2) + Math.round(2.5) + Math.floor(-0.5)", 6),
        ("(12.345).toFixed(1)", "12.3"),
        ("encodeURIComponent('a b/c')", "a%20b%2Fc"),
        ("new Date('2024-01-01T00:00:00Z').getTime()", 1704067200000),
        ("new Date(0).toISOString()", "1970-01-01T00:00:00.000Z"),
        ("new Date('2024-01-02') > new Date('2024-01-01')", True),
        ("Date.now() - new Date().getTime()", 0),
        ("({a: 1}).hasOwnProperty('a')", True),
    ],
)
def test_run_methods_mean_what_javascript_means(source: str, value: Any) -> None:
    assert run(source, {"val": "abcabc"}, now=1.5) == value


def test_run_functions_see_names_and_each_other() -> None:
    source = """f(val); function f(x) { var y = g(x); if (y > 2) { return 'big'; } else return 'small' };
    function g(x) { return x.a + 1 }"""
    assert run(source, {"val": {"a": 2}}) == "big"
    assert run(source, {"val": {"a": 1}}) == "small"


def test_run_missing_arguments_are_undefined() -> None:
    assert run("f(); function f(x) { return x === undefined }", {}) is True


def test_run_binding_asks_for_its_path() -> None:
    asked: list[str] = []

    def bind(path: str) -> int:
        asked.append(path)
        return 3

    assert run("val == val1---A.B.[0].C && val < val2---.D", {"val": 3}, bind=bind) is False
    assert asked == ["A.B.[0].C", ".D"]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("val.x.y", "cannot read 'y' of undefined"),
        ("val.x.indexOf('a')", "cannot read 'indexOf' of undefined"),
        ("val()", "no function"),
        ("JSON.parse('{')", "JSON.parse"),
        ("/(/.test('a')", "no regular expression"),
        ("f(1); function f(x) { return f(x) }", "deep"),
        ("'x'.repeat(9999999)", "characters"),
    ],
)
def test_run_what_javascript_throws_raises(source: str, problem: str) -> None:
    with pytest.raises(ExpressionError, match=problem) as raised:
        run(source, {"val": {}})
    assert not isinstance(raised.value, Unsupported)


@pytest.mark.parametrize(
    ("source", "feature"),
    [
        ("while (1) {}", "JavaScript at"),
        ("val = 3", "JavaScript at '= 3'"),
        ("`x`", "JavaScript at"),
        ("other.x", "the name other"),
        ("val.normalize()", "the JavaScript method normalize of a string"),
        ("val.indexOf", "the method indexOf without a call"),
        ("new Map()", "new Map"),
        ("Math.sin(1)", "Math.sin"),
        ("new Date()", "the current time"),
        ("new Date(2024, 1, 1)", "time zone"),
        ("val1---A.B", "binding"),
        ("val instanceof Date", "instanceof"),
        ("", "the end"),
    ],
)
def test_run_what_is_missing_is_refused_by_name(source: str, feature: str) -> None:
    with pytest.raises(Unsupported) as raised:
        run(source, {"val": "x"})
    assert feature in raised.value.feature


def test_run_endless_recursion_of_callbacks_ends() -> None:
    source = "f([1,2,3,4,5,6,7,8]); function f(x) { return x.map(function (y) { return f(x) }) }"
    with pytest.raises(ExpressionError):
        run(source, {})


@given(VALUES, VALUES)
def test_equality_is_symmetric_and_wider_than_identity(left: Any, right: Any) -> None:
    assert equal(left, right) == equal(right, left)
    assert equal(left, right) or not same(left, right)


@given(VALUES, VALUES)
def test_less_of_two_values_excludes_the_other_way(left: Any, right: Any) -> None:
    assert not (less(left, right) and less(right, left))


@given(st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6))
def test_number_as_text_and_back_is_the_same(number: float) -> None:
    assert math.isclose(to_number(to_text(number)), number)


@given(VALUES)
def test_truthy_of_not_is_its_opposite(value: Any) -> None:
    assert run("!val", {"val": value}) is not truthy(value)
