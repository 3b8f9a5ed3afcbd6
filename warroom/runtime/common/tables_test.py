from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.runtime.common.tables import JsonTransformer, formatCell, tableToMarkdown
from warroom.runtime.common.text import (
    camel_case_to_underscore,
    camelize,
    createContext,
    pascalToSpace,
    snakify,
    string_to_context_key,
    string_to_table_header,
    stringEscapeMD,
    underscoreToCamelCase,
)


def lines(table: str) -> list[str]:
    return table.splitlines()


@pytest.mark.parametrize("rows", [[], {}, None])
def test_table_without_rows_says_so(rows: object) -> None:
    assert tableToMarkdown("Name", rows) == "### Name\n**No entries.**\n"


def test_table_headers_come_from_the_first_row_sorted() -> None:
    table = tableToMarkdown("T", [{"b": 1, "a": 2}, {"a": 3, "c": 4}])
    assert lines(table) == ["### T", "|a|b|", "|---|---|", "| 2 | 1 |", "| 3 |  |"]
    assert lines(tableToMarkdown("T", [{"b": 1, "a": 2}], sort_headers=False))[1] == "|b|a|"


def test_table_one_key_dict_is_unwrapped() -> None:
    assert lines(tableToMarkdown("T", {"k": ["x", "y"]}))[1:] == ["|k|", "|---|", "| x |", "| y |"]


def test_table_plain_values_need_a_header() -> None:
    assert lines(tableToMarkdown("T", ["x"], headers=["H"]))[1] == "|H|"
    with pytest.raises(ValueError, match="header"):
        tableToMarkdown("T", ["x"])


@given(st.text())
def test_table_any_text_stays_in_its_row(text: str) -> None:
    table = tableToMarkdown("T", [{"a": text, "b": "end"}])
    assert table.count("\n") == 4
    assert stringEscapeMD("a|b`c\r\nd", True, True) == "a\\|b\\`c<br>d"


def test_table_remove_null_leaves_out_columns_without_values() -> None:
    table = tableToMarkdown("T", [{"a": None, "b": 0}, {"a": "", "b": 1}], removeNull=True)
    assert lines(table)[1] == "|b|"


def test_table_options_shape_headers_links_dates_and_cells() -> None:
    row = {"u": "http://h", "t": 1700000000000, "j": {"x": 1, "y": {"z": 2}}}
    table = tableToMarkdown(
        "T", [row], headerTransform=str.upper, metadata="about", url_keys=["u"], date_fields=["t"],
        json_transform_mapping={"j": JsonTransformer(keys=["z"], is_nested=True)},
    )  # fmt: skip
    assert lines(table)[:3] == ["### T", "about", "|J|T|U|"]
    assert "[http://h](http://h)" in table
    assert "2023-11-1" in table
    assert "| z: 2 |" in table


def test_format_cell_lists_and_dicts_become_lines() -> None:
    assert formatCell(["a", 1]) == "a,\n1"
    assert formatCell({"a": {"b": 1}, "c": 2}) == 'a: {"b": 1}\nc: 2'
    assert formatCell(None) == ""
    assert formatCell([1], json_transform=JsonTransformer(func=lambda value: "own")) == "own"


@pytest.mark.parametrize(
    ("text", "spaced"),
    [("someWordsHere", "Some Words Here"), ("userID", "User ID"), ("HTTPServer", "HTTP Server"), ("", "")],
)
def test_pascal_to_space_splits_words_and_keeps_acronyms(text: str, spaced: str) -> None:
    assert pascalToSpace(text) == spaced
    assert pascalToSpace(5) == 5


def test_names_change_their_case() -> None:
    assert string_to_table_header("some_words") == "Some Words"
    assert string_to_context_key("some_words") == "SomeWords"
    assert underscoreToCamelCase("some_words") == "SomeWords"
    assert underscoreToCamelCase("some_words", upper_camel=False) == "someWords"
    assert underscoreToCamelCase(1) == 1
    assert camel_case_to_underscore("someWordsID") == "some_words_id"
    assert camelize([{"a b": {"c d": 1}}]) == [{"AB": {"CD": 1}}]
    assert snakify({"aB": [{"cD": 1}]}) == {"a_b": [{"c_d": 1}]}
    with pytest.raises(TypeError):
        string_to_table_header(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        string_to_context_key(5)  # type: ignore[arg-type]


def test_create_context_transforms_keys_and_drops_empty_values() -> None:
    assert createContext([{"a": 1, "b": ""}], keyTransform=str.upper, removeNull=True) == [{"A": 1}]
