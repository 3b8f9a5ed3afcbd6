from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.runtime.common.args import arg_to_datetime, arg_to_number, argToBoolean, argToList, assign_params


@pytest.mark.parametrize(
    ("given_", "items"),
    [
        (None, []), ("", []), (0, []), (["a", 1], ["a", 1]), ('["a",1]', ["a", 1]), ("[a,b]", ["[a", "b]"]),
        (" a , b ", ["a", "b"]), (5, [5]), ("a,,b", ["a", "", "b"]), ("a", ["a"]),
    ],
)  # fmt: skip
def test_arg_to_list_reads_each_form(given_: Any, items: list[Any]) -> None:
    assert argToList(given_) == items


def test_arg_to_list_list_is_returned_as_it_is() -> None:
    items = [1]
    assert argToList(items) is items


def test_arg_to_list_separator_and_transform_apply() -> None:
    assert argToList("1;2", ";", int) == [1, 2]


@given(st.lists(st.text(alphabet="abc123", min_size=1), min_size=1))
def test_arg_to_list_joined_text_gives_the_items_back(items: list[str]) -> None:
    assert argToList(", ".join(items)) == items


@pytest.mark.parametrize(
    ("given_", "truth"), [(True, True), ("YES", True), ("true", True), ("No", False), (False, False)]
)
def test_arg_to_boolean_known_words_are_read(given_: Any, truth: bool) -> None:
    assert argToBoolean(given_) is truth


@pytest.mark.parametrize("given_", ["", None, "1", 1, 0, "on"])
def test_arg_to_boolean_anything_else_raises(given_: Any) -> None:
    with pytest.raises(ValueError, match="neither"):
        argToBoolean(given_)


@pytest.mark.parametrize(
    ("given_", "number"), [(None, None), ("", None), ("1.9", 1), (" 5 ", 5), (7, 7), (True, 1), ("-3", -3)]
)
def test_arg_to_number_reads_each_form(given_: Any, number: int | None) -> None:
    assert arg_to_number(given_) == number


def test_arg_to_number_large_digits_keep_every_digit() -> None:
    assert arg_to_number("9007199254740993") == 9007199254740993


@pytest.mark.parametrize("given_", [1.5, "one", "nan", "inf", []])
def test_arg_to_number_anything_else_raises_and_names_the_argument(given_: Any) -> None:
    with pytest.raises(ValueError, match="limit"):
        arg_to_number(given_, "limit")


@pytest.mark.parametrize("given_", [None, ""])
def test_arg_to_number_required_and_missing_raises(given_: Any) -> None:
    with pytest.raises(ValueError, match='Missing "limit"'):
        arg_to_number(given_, "limit", required=True)


def test_arg_to_datetime_seconds_and_milliseconds_are_told_apart() -> None:
    expected = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    assert arg_to_datetime("1700000000") == arg_to_datetime(1700000000000) == expected


def test_arg_to_datetime_relative_text_is_naive_and_in_the_past() -> None:
    found = arg_to_datetime("3 days")
    assert found is not None
    assert found.tzinfo is None
    age = datetime.now(timezone.utc).replace(tzinfo=None) - found
    assert timedelta(days=3) <= age < timedelta(days=3, minutes=1)


def test_arg_to_datetime_zone_decides_whether_it_is_aware() -> None:
    aware, naive = arg_to_datetime("2024-01-02T03:04:05Z"), arg_to_datetime("2024-01-02T03:04:05")
    assert aware is not None and aware.utcoffset() == timedelta(0)
    assert naive is not None and (naive.isoformat(), naive.tzinfo) == ("2024-01-02T03:04:05", None)


@pytest.mark.parametrize("given_", ["", "no date at all", []])
def test_arg_to_datetime_what_is_no_date_raises(given_: Any) -> None:
    with pytest.raises(ValueError, match='"since"'):
        arg_to_datetime(given_, "since")


def test_arg_to_datetime_none_is_none_unless_required() -> None:
    assert arg_to_datetime(None) is None
    with pytest.raises(ValueError, match="Missing required argument"):
        arg_to_datetime(None, required=True)


def test_assign_params_drops_empty_values_and_keeps_zero_and_false() -> None:
    assert assign_params(a=None, b="", c=[], d={}, e=(), f=0, g=False, h="x") == {"f": 0, "g": False, "h": "x"}
    assert assign_params(keys_to_ignore=("a",), values_to_ignore=(1,), a=2, b=1, c="") == {"c": ""}
