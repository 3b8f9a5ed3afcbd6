"""Tests for `warroom.store.walk`."""

from __future__ import annotations

from typing import Any

import pytest

from warroom.store.walk import order


@pytest.mark.parametrize(
    ("sort", "columns"),
    [
        (None, [("seq", True)]),
        ([], [("seq", True)]),
        ([("modified", True), ("id", True)], [("modified", True)]),
        ([("modified", False), ("id", False)], [("modified", False)]),
        ([("score", False)], [("score", False), ("seq", False)]),
        ([("score", False), ("value", True)], [("score", False), ("key", True), ("seq", True)]),
        ([("verdict", True), ("score", False)], [("score", True), ("seq", True)]),
    ],
)
def test_order_ends_with_something_unique(sort: Any, columns: list[tuple[str, bool]]) -> None:
    assert list(order(sort).columns) == columns


def test_order_unknown_field_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match=r"'colour'.*firstSeen"):
        order([("colour", True)])


@pytest.mark.parametrize("place", [[], [1, 2, 3], ["x", "1"], [None, "1"], [True, "1"], [1.5, "1"], [1, "one"]])
def test_after_place_of_another_walk_is_refused(place: list[Any]) -> None:
    with pytest.raises(ValueError, match="search_after"):
        order([("score", True)]).after(place)


def test_after_takes_what_place_gave() -> None:
    walk = order([("score", True)])
    sql, values = walk.after(walk.place((3, 17)))
    assert values == [3, 3, 17]
    assert sql == "((score > ?) or (score = ? and seq > ?))"
