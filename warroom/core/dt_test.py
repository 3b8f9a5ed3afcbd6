"""Tests for `warroom.core.dt`, beside the cases below Tests/playbooks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.dt import evaluate, holds
from warroom.core.dt_path import below, steps
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.placeholders import bare, bound, dotted, pieces

KEYS = st.text("abc -_/", min_size=1, max_size=4).map(str.strip).filter(bool).filter(lambda key: "---" not in key)
TREES = st.recursive(st.integers(), lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=3), max_leaves=8)


@given(TREES, st.data())
def test_evaluate_dotted_path_walks_objects(tree: Any, data: st.DataObject) -> None:
    path: list[str] = []
    value = tree
    while isinstance(value, dict):
        key = data.draw(st.sampled_from(sorted(value)))
        path, value = [*path, key], value[key]
    if path:
        assert evaluate(tree, ".".join(path)) == value


@given(st.lists(st.integers(), min_size=2))
def test_evaluate_selector_keeps_what_a_filter_keeps(numbers: list[int]) -> None:
    kept = [number for number in numbers if number > 0]
    expected = None if not kept else kept[0] if len(kept) == 1 else kept
    assert evaluate({"a": numbers}, "a(val > 0)") == expected


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a.[1]", {"k": "x)"}),
        ("a(val.k == 'x)').k", "x)"),
        (r"a(/x\)/.test(val.k)).k", "x)"),
        ("a(val.k)(val.k == 'y').k", "y"),
        ("a.[0:9].k", ["y", "x)"]),
        ("a.[0:0].k", "y"),
        ("b c.d-e", 1),
        (".b c.d-e", 1),
        ("one.[0]", {"k": 1}),
        ("one.[1]", None),
        ("one(val.k == 1).k", 1),
        ("nulls", None),
        ("nulls.x", None),
        ("many.k", [1, 2]),
        ("many.[0].k", 1),
        (".=val.one.k + 1", 2),
        ("one=val.k + '('", "1("),
        ("one=/[/(]/.test('(') && val.k", 1),
        ("o'clock.x", 3),
        ("a=val.k == 'y' ? 'Y' : undefined", "Y"),
    ],
)
def test_evaluate_unusual_forms_are_understood(expression: str, value: Any) -> None:
    root = {
        "a": [{"k": "y"}, {"k": "x)"}],
        "b c": {"d-e": 1},
        "one": {"k": 1},
        "nulls": None,
        "many": [[{"k": 1}], [{"k": 2}]],
        "o'clock": {"x": 3},
    }
    assert evaluate(root, expression) == value


def test_evaluate_root_alone_is_the_root() -> None:
    assert evaluate({"a": 1}, ".") == {"a": 1}


def test_evaluate_now_is_the_given_time() -> None:
    assert evaluate({"a": 1}, "a=Date.now()", now=2.5) == 2500


@pytest.mark.parametrize("expression", ["", " ", "a..b", "a[0]", "a(b", "a)b(", "a('x)", "a(val]", "a(x)b"])
def test_evaluate_broken_expression_raises_and_names_it(expression: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate({"a": [1]}, expression)
    assert expression.strip() in str(raised.value)


def test_evaluate_refused_feature_names_the_expression() -> None:
    with pytest.raises(Unsupported) as raised:
        evaluate({"a": ["x"]}, "a(val.normalize())")
    assert str(raised.value) == "a(val.normalize()): not supported: the JavaScript method normalize of a string"


def test_evaluate_javascript_error_names_the_expression() -> None:
    with pytest.raises(ExpressionError, match=r"^a\(val.x.y\): cannot read 'y' of undefined"):
        evaluate({"a": [{}]}, "a(val.x.y)")


def test_holds_compares_val_with_obj() -> None:
    assert holds("val.ID == obj.ID", {"ID": 1}, {"ID": "1"})
    assert not holds("val.ID && val.ID == obj.ID", {}, {})


def test_steps_deep_nesting_of_brackets_is_one_selector() -> None:
    assert len(steps("a(val.x == [1, {b: (2)}][0]).c")) == 3


@pytest.mark.parametrize(
    ("path", "root", "rest"),
    [("A.B", "A", "B"), ("A", "A", ""), ("B", "A", None), ("A.B", "A(val.x == 1)", "B"), ("AB.C", "A", None),
     ("A.B.C", "A.B.[0]", "C")],
)  # fmt: skip
def test_below_path_gives_the_rest(path: str, root: str, rest: str | None) -> None:
    assert below(path, root) == rest


def test_pieces_braces_inside_of_a_path_belong_to_it() -> None:
    assert pieces('x ${a(val.b == "}").c} ${d={e: val}}!') == [
        (False, "x "), (True, 'a(val.b == "}").c'), (False, " "), (True, "d={e: val}"), (False, "!"),
    ]  # fmt: skip


def test_pieces_quoted_brace_in_a_mutator_closes_nothing() -> None:
    assert pieces("${a=val + '}'}!") == [(True, "a=val + '}'"), (False, "!")]


def test_pieces_open_placeholder_is_text() -> None:
    assert pieces("${a(b} ${c") == [(False, "${a(b} ${c")]


def test_dotted_and_bound_leave_selectors_out() -> None:
    path = "A(val.x == val1---B.C.[0].D && val.y).E.[0]"
    assert dotted(path) == "A.E"
    assert [dotted(inner) for inner in bound(path)] == ["B.C.D"]
    assert bare(" ${a.b} ") == "a.b"
