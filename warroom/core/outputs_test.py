from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.outputs import adopted, declared

CONTEXT = {"File": [{"MD5": "a", "Size": 1}, {"MD5": "b"}], "Host": {"Name": "h", "IP": "1"}, "n": 0}


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["File.MD5"], {"File": [{"MD5": "a"}, {"MD5": "b"}]}),
        (["File.Size"], {"File": [{"Size": 1}]}),
        (["Host.Name", "Host.IP"], {"Host": {"Name": "h", "IP": "1"}}),
        (["Host"], {"Host": {"Name": "h", "IP": "1"}}),
        (["Host.Name", "Host"], {"Host": {"Name": "h", "IP": "1"}}),
        (["n", "missing", "Host.missing.deeper"], {"n": 0}),
        ([], {}),
    ],
)
def test_declared_keeps_what_the_paths_name(paths: list[str], found: dict[str, Any]) -> None:
    assert declared(CONTEXT, paths) == found


@pytest.mark.parametrize(
    ("outer", "inner", "result"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"b": 2}, {"a": 1}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": [1, 2]}),
        ({"a": [1]}, {"a": [1, 2]}, {"a": [1, 2]}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": {"x": 1}}, {"a": {"x": 2}}, {"a": [{"x": 1}, {"x": 2}]}),
        ({"a": None}, {"a": 2}, {"a": 2}),
    ],
)
def test_adopted_adds_and_never_loses(outer: dict[str, Any], inner: dict[str, Any], result: dict[str, Any]) -> None:
    assert adopted(outer, inner) == result


leaves = st.integers(0, 2) | st.sampled_from(["a", "b"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
)
contexts = st.dictionaries(st.sampled_from("kl"), values, max_size=2)


@given(contexts, contexts)
def test_adopted_twice_is_once(outer: dict[str, Any], inner: dict[str, Any]) -> None:
    once = adopted(outer, inner)
    assert adopted(once, inner) == once


@given(contexts)
def test_adopted_by_nothing_is_itself(inner: dict[str, Any]) -> None:
    assert adopted({}, inner) == inner
