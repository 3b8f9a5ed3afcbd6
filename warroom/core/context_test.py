"""Tests for `warroom.core.context` and `warroom.core.merging`, beside the cases below Tests/playbooks."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.context import appended, merged, read, removed, replaced
from warroom.core.dt import holds
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.merging import merged_items

SELECTOR = "val.ID && val.ID == obj.ID"
KEY = f"Host({SELECTOR})"
IDS = st.sampled_from([1, 2, "1", "2", "x", "", 0, None, True, 1.5, ["x"]])
ROWS = st.lists(st.fixed_dictionaries({"ID": IDS}, optional={"n": st.integers(0, 3)}), max_size=6)


def one_by_one(old: list[Any], new: list[Any], selector: str) -> list[Any]:
    """What merging means, without an index."""
    items = list(old)
    for row in new:
        found = next((place for place, item in enumerate(items) if holds(selector, item, row)), None)
        if found is None:
            items.append(row)
        else:
            items[found] = {**items[found], **row}
    return items


@given(ROWS, ROWS, st.sampled_from([SELECTOR, "val.ID == obj.ID", "val.ID === obj.ID", "obj.ID == val.ID && val.ID"]))
def test_merged_items_are_those_of_trying_one_by_one(old: list[Any], new: list[Any], selector: str) -> None:
    assert merged_items(old, new, selector, "Host") == one_by_one(old, new, selector)


@given(st.lists(st.fixed_dictionaries({"ID": st.sampled_from(["a", "b", 3])}, optional={"n": st.integers()})))
def test_merged_twice_is_as_once(rows: list[Any]) -> None:
    once = merged({}, {KEY: rows})
    assert merged(once, {KEY: rows}) == once


@given(ROWS, ROWS)
def test_merged_leaves_the_old_context_alone(old: list[Any], new: list[Any]) -> None:
    before = {"Host": old, "Other": {"a": [1]}}
    kept = copy.deepcopy(before)
    merged(before, {KEY: new, "Other.a": 2, "More": new})
    assert before == kept


def test_merged_key_below_another_is_compared() -> None:
    context = merged({}, {"H(val.a.b && val.a.b == obj.a.b)": [{"a": {"b": "1"}}, {"a": {"b": "1"}, "n": 1}]})
    assert context == {"H": [{"a": {"b": "1"}, "n": 1}]}


def test_merged_one_object_on_one_object_stays_one() -> None:
    assert merged({"Host": {"ID": "1"}}, {KEY: {"ID": "1", "n": 2}}) == {"Host": {"ID": "1", "n": 2}}


def test_merged_first_list_of_one_stays_a_list() -> None:
    assert merged({}, {KEY: [{"ID": "1"}], "Plain": ["x"]}) == {"Host": [{"ID": "1"}], "Plain": ["x"]}


def test_merged_text_on_the_way_gives_way_to_an_object() -> None:
    assert merged({"a": "x"}, {"a.b": 1}) == {"a": {"b": 1}}


def test_merged_many_objects_are_looked_up() -> None:
    rows = [{"ID": number, "n": 1} for number in range(1, 5001)]
    context = merged(merged({}, {KEY: rows}), {KEY: [{**row, "n": 2} for row in rows]})
    assert [row["n"] for row in context["Host"]] == [2] * 5000


@pytest.mark.parametrize("path", ["A.[0]", "A(val.x).b", "A=val.x"])
def test_merged_path_that_nobody_can_write_is_refused(path: str) -> None:
    with pytest.raises(Unsupported, match="writing"):
        merged({"A": {}}, {path: 1})


def test_merged_below_a_list_is_refused() -> None:
    with pytest.raises(Unsupported, match="below the list A"):
        merged({"A": [1]}, {"A.b": 1})


def test_merged_broken_key_names_itself() -> None:
    with pytest.raises(ExpressionError, match=r"A\(val.x"):
        merged({}, {"A(val.x": 1})


def test_merged_selector_that_fails_names_the_key() -> None:
    with pytest.raises(ExpressionError, match=r"A\(val.x.y == obj.x.y \|\| 0\): cannot read 'y'"):
        merged({"A": [{}]}, {"A(val.x.y == obj.x.y || 0)": {"q": 1}})


def test_appended_second_value_makes_a_list() -> None:
    context = appended({}, "a.b", 1)
    assert context == {"a": {"b": 1}}
    assert appended(context, "a.b", [2, 3]) == {"a": {"b": [1, 2, 3]}}


@given(st.recursive(st.none() | st.integers(), st.lists, max_leaves=4))
def test_replaced_value_is_read_back(value: Any) -> None:
    context = replaced({"a": {"b": 1, "c": 2}}, "a.b", value)
    assert context["a"] == {"b": value, "c": 2}
    assert read(context, "a.b") == value
    assert removed(context, "a.b") == {"a": {"c": 2}}


def test_removed_goes_through_lists_and_leaves_the_rest() -> None:
    context = {"a": [{"b": 1, "c": 2}, {"b": 3}, "x"]}
    assert removed(context, "a.b") == {"a": [{"c": 2}, {}, "x"]}
    assert removed(context, "a.b.q") == context
    assert removed(context, "nope") == context
    assert context["a"] == [{"b": 1, "c": 2}, {"b": 3}, "x"]
