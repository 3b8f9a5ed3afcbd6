"""The values of the demo are there, and as many as the demo says."""

from __future__ import annotations

import csv
from pathlib import Path

from demo.data import ValueList, distinct, published_lists, write_csv


def test_published_lists_counts_are_those_of_the_pinned_versions() -> None:
    assert {one.name: len(one.values) for one in published_lists()} == {
        "public-dns-v4": 62_745,
        "public-dns-hostname": 34_783,
        "blocklist": 10_181,
        "dynamic-dns": 35_467,
        "ti-falsepositives": 24_645,
    }


def test_published_lists_distinct_values_are_more_than_130000() -> None:
    values = [value for value, _ in distinct(published_lists())]
    assert len(values) == 167_753
    assert not any(value.startswith(".") for value in values)


def test_published_lists_have_sha1_values_that_xdr_does_not_take() -> None:
    hashes = next(one for one in published_lists() if one.name == "ti-falsepositives")
    assert sum(len(value) == 40 for value in hashes.values) == 8_214


def test_distinct_value_in_two_spellings_comes_once_from_the_first_list() -> None:
    lists = [ValueList("first", "", "", ["A.example"]), ValueList("second", "", "", ["a.example", "b.example"])]
    assert list(distinct(lists)) == [("A.example", "first"), ("b.example", "second")]


def test_write_csv_rows_carry_value_verdict_and_list(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    assert write_csv([ValueList("some", "", "", ["a.example", "a,b"])], path) == 2
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [["value", "verdict", "tags"], ["a.example", "Bad", "some"], ["a,b", "Bad", "some"]]
