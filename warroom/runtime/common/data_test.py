from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.runtime.common.data import batch, dict_safe_get, merge_lists, remove_empty_elements, urljoin


@given(st.lists(st.integers()), st.integers(1, 7))
def test_batch_slices_join_to_the_whole(items: list[int], size: int) -> None:
    slices = list(batch(items, size))
    assert [item for part in slices for item in part] == items
    assert all(len(part) == size for part in slices[:-1])


def test_batch_generator_raises_type_error() -> None:
    with pytest.raises(TypeError):
        list(batch((n for n in range(3)), 2))


@pytest.mark.parametrize(
    ("url", "suffix", "joined"),
    [
        ("https://h", "", "https://h/"), ("https://h/", "", "https://h/"), ("https://h", "a", "https://h/a"),
        ("https://h/", "/a", "https://h/a"), ("https://h", "//a", "https://h//a"),
    ],
)  # fmt: skip
def test_urljoin_has_exactly_one_slash_between(url: str, suffix: str, joined: str) -> None:
    assert urljoin(url, suffix) == joined


def test_dict_safe_get_missing_step_gives_the_default() -> None:
    data = {"a": [{"b": None}]}
    assert dict_safe_get(data, ["a", 0, "b"], "default") is None
    assert dict_safe_get(data, ["a", 1, "b"], "default") == "default"
    assert dict_safe_get(None, ["a"]) is None


def test_dict_safe_get_wrong_type_raises_or_gives_the_default() -> None:
    with pytest.raises(TypeError, match="int"):
        dict_safe_get({"a": 1}, ["a"], "x", str)
    assert dict_safe_get({"a": 1}, ["a"], "x", str, raise_return_type=False) == "x"


def test_remove_empty_elements_any_depth_keeps_false_values() -> None:
    given_: Any = {"a": None, "b": [{}, [], {"c": None}], "d": "", "e": 0, "f": {"g": [1, None]}}
    assert remove_empty_elements(given_) == {"d": "", "e": 0, "f": {"g": [1]}}


def test_merge_lists_replaces_adds_and_removes_by_key() -> None:
    merged = merge_lists(
        [{"id": 1, "v": "a"}, {"id": 2}], [{"id": 1, "v": "b"}, {"id": 2, "remove": True}, {"id": 3}], "id"
    )
    assert merged == [{"id": 1, "v": "b"}, {"id": 3}]


def test_merge_lists_item_without_key_raises() -> None:
    with pytest.raises(KeyError):
        merge_lists([{"x": 1}], [], "id")
