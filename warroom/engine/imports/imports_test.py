from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warroom.engine.errors import UsageError
from warroom.engine.imports import Defaults, Format, Summary, import_indicators, import_source, open_records
from warroom.engine.imports.formats import detect_format
from warroom.engine.imports.items import NotTaken, to_item
from warroom.engine.imports.jsontext import list_items
from warroom.engine.imports.records import Record
from warroom.engine.imports.stix import pattern_values
from warroom.store import Store


def records(text: str | bytes, name: str = "-", wish: Format | None = None) -> list[Record]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(open_records(io.BufferedReader(io.BytesIO(data)), name, wish))


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("a.csv", b"", "csv"),
        ("a.tsv", b"", "csv"),
        ("a.ndjson", b"", "jsonl"),
        ("-", b"value,type\n1.1.1.1,IP\n", "csv"),
        ("-", b"\xef\xbb\xbfType;Value\n", "csv"),
        ("-", b"1.1.1.1\n2.2.2.2\n", "txt"),
        ("-", b'[{"value": 1}]', "json"),
        ("-", b'["1.1.1.1"]', "json"),
        ("-", b"[2001:db8::1]\n", "txt"),
        ("-", b'{"value": "x"}\n{"value": "y"}\n', "jsonl"),
        ("-", b'{\n  "indicators": [\n', "json"),
        ("x.json", b'{"indicators": [{"value": "x"}]}\n', "json"),
        ("x.json", b'{"type": "bundle", "objects": []}', "stix"),
    ],
)
def test_detect_format_name_and_content_decide(name: str, start: bytes, expected: str) -> None:
    assert detect_format(name, start) == expected


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_read_table_delimiter_is_that_of_the_heading(separator: str) -> None:
    text = f"Type{separator}Value{separator}Malware Family\nIP{separator}192.0.2.1{separator}x\n"
    [record] = records(text, "a.csv")
    assert record == Record(2, {"type": "IP", "value": "192.0.2.1", "malware family": "x"})


def test_read_table_lines_are_counted_through_quotes_and_blank_lines() -> None:
    found = records('value,comment\na.example.com,"two\nlines"\n\nb.example.com,\nc,d,e\n', "a.csv")
    assert [(record.line, record.data["value"]) for record in found] == [
        (2, "a.example.com"), (5, "b.example.com"), (6, "c"),
    ]  # fmt: skip
    assert found[2].reason == "has 3 cells, the heading 2"


def test_read_table_one_column_needs_no_heading() -> None:
    assert [record.data["value"] for record in records("a.example.com\nb.example.com\n", "a.csv")] == [
        "a.example.com", "b.example.com",
    ]  # fmt: skip


def test_read_table_without_value_column_is_refused() -> None:
    with pytest.raises(UsageError, match="no column value; its columns are: name, type"):
        records("name,type\nx,y\n", "a.csv")


def test_open_records_utf16_of_spreadsheets_is_read() -> None:
    assert records("value\nx.example.com\n".encode("utf-16"), "a.csv")[0].data == {"value": "x.example.com"}


def test_read_json_list_and_wrapped_list_give_lines() -> None:
    text = '{"name": "x", "indicators": [\n {"value": "a"},\n {"value":\n "b"}, "c", 7]}'
    found = records(text, "a.json")
    assert [(record.line, record.data["value"]) for record in found] == [(2, "a"), (3, "b"), (4, "c"), (4, "7")]
    assert found[3].reason == "is neither an object nor a text"


def test_read_json_lines_broken_line_is_refused_and_the_rest_is_read() -> None:
    found = records('{"value": "a"}\n{broken\n\n"b"\n', "a.jsonl")
    assert [(record.line, record.reason is None) for record in found] == [(1, True), (2, False), (4, True)]


@pytest.mark.parametrize("text", ['[{"value": "a"} {"value"', '[{"value": "a"', "[1,", '{"a" 1}', '{"a": [1}', ""])
def test_list_items_broken_text_names_the_line(text: str) -> None:
    with pytest.raises(UsageError, match="line 1: "):
        list(list_items(io.StringIO(text)))


def test_read_json_text_that_breaks_later_keeps_what_came_before() -> None:
    first, last = records('[{"value": "a.example.com"},\n {"value": ', "a.json")
    assert first.data == {"value": "a.example.com"}
    assert (last.line, last.reason) == (2, "is not valid JSON: Expecting value; the rest of the file was not read")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Trickle(io.StringIO):
    """Gives three characters at a time, whatever is asked for."""

    def read(self, size: int | None = -1) -> str:
        return super().read(3)


@settings(max_examples=30)
@given(st.lists(values), st.sampled_from([None, 1]))
def test_list_items_any_cut_gives_the_same(items: list[object], indent: int | None) -> None:
    text = json.dumps(items, indent=indent)
    assert [item for _, item in list_items(Trickle(text))] == items


def test_list_items_memory_does_not_grow_with_the_file() -> None:
    class Endless(io.TextIOBase):
        def __init__(self) -> None:
            self.left = 20

        def read(self, size: int | None = -1) -> str:
            self.left -= 1
            block = '{"value": "0123456789"},' * 2500
            return "" if self.left < 0 else "[" + block if self.left == 19 else block + "1]" * (self.left == 0)

    tracemalloc.start()
    count = 0
    for _ in list_items(cast(TextIO, Endless())):
        count += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20 * 2500 + 1
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ipv4-addr:value = '192.0.2.1']", [("IP", "192.0.2.1", {})]),
        ("[ipv4-addr:value = '192.0.2.0/24']", [("CIDR", "192.0.2.0/24", {})]),
        ("[domain-name:value = 'a' OR url:value = 'http://b/ AND c']",
         [("Domain", "a", {}), ("URL", "http://b/ AND c", {})]),
        ("[file:hashes.MD5 = 'aa' AND file:hashes.'SHA-256' = 'bb']", [("File", "bb", {"md5": "aa"})]),
        ("[windows-registry-key:key = 'HKLM\\\\\\\\Run']", [("Registry Key", "HKLM\\\\Run", {})]),
    ],
)  # fmt: skip
def test_pattern_values_equal_comparisons_give_values(pattern: str, expected: object) -> None:
    assert pattern_values(pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[ipv4-addr:value = '1' AND domain-name:value = 'a']", "several things come together"),
        ("[ipv4-addr:value = '1'] FOLLOWEDBY [url:value = 'a']", "several observations"),
        ("[domain-name:value LIKE '%.example.com']", "compares with LIKE"),
        ("[process:pid = 3]", "process:pid is no indicator type"),
        ("nonsense", "cannot be read"),
    ],
)
def test_pattern_values_what_is_no_value_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        pattern_values(pattern)


def test_read_stix_bundle_gives_indicators_with_verdict_and_expiry() -> None:
    bundle = {"type": "bundle", "id": "bundle--1", "objects": [
        {"type": "identity", "name": "x"},
        {"type": "indicator", "id": "indicator--1", "pattern": "[url:value = 'http://x.example.com/']",
         "pattern_type": "stix", "indicator_types": ["malicious-activity"], "labels": ["red"], "name": "n",
         "valid_until": "2030-01-01T00:00:00Z"},
        {"type": "indicator", "id": "indicator--2", "pattern": "alert", "pattern_type": "snort"},
    ]}  # fmt: skip
    taken, refused = records(json.dumps(bundle, indent=1), "a.json")
    assert to_item(taken, Defaults()) == {
        "value": "http://x.example.com/", "type": "URL", "score": 3,
        "fields": {
            "stixid": "indicator--1", "tags": ["red"], "expirationdate": "2030-01-01T00:00:00Z", "comments": "n",
        },
    }  # fmt: skip
    assert refused.reason == "the pattern is no STIX pattern"


@pytest.mark.parametrize(
    ("data", "defaults", "expected"),
    [
        ({"value": " hxxp://a[.]example[.]com/x "}, Defaults(), {"value": "http://a.example.com/x", "type": "URL"}),
        ({"value": "192.0.2.1", "type": "ipv4", "verdict": "Malicious"}, Defaults(),
         {"value": "192.0.2.1", "type": "IP", "score": 3}),
        ({"value": "a.example.com", "score": 1}, Defaults(score=3),
         {"value": "a.example.com", "type": "Domain", "score": 1}),
        ({"value": "a.example.com"}, Defaults(score=3), {"value": "a.example.com", "type": "Domain", "score": 3}),
        ({"value": "someone", "type": "Account"}, Defaults(), {"value": "someone", "type": "Account"}),
        ({"value": "192.0.2.1", "tags": "a; b", "expiration": "never", "comment": "c", "Malware Family": "m"},
         Defaults(), {"value": "192.0.2.1", "type": "IP", "fields": {
             "tags": ["a", "b"], "expirationdate": "never", "comments": "c", "malwarefamily": "m"}}),
        ({"value": "192.0.2.1", "indicator_type": "IP", "score": 3, "id": "7", "modified": "x", "version": 3,
          "CustomFields": {"port": "80"}, "comments": [{"type": "IndicatorCommentRegular", "content": "seen"}]},
         Defaults(), {"value": "192.0.2.1", "type": "IP", "score": 3, "fields": {"port": "80", "comments": "seen"}}),
    ],
)  # fmt: skip
def test_to_item_columns_become_fields(data: dict[str, object], defaults: Defaults, expected: object) -> None:
    assert to_item(Record(1, data), defaults) == expected


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"value": ""}, "value is missing"),
        ({"type": "IP"}, "value is missing"),
        ({"value": 7}, "value is missing"),
        ({"value": "999.1.1.1", "type": "IP"}, "not an IPv4 address"),
        ({"value": "two words"}, "neither an address"),
        ({"value": "192.0.2.1", "verdict": "worst"}, "verdict 'worst' is not"),
        ({"value": "a\udcff.example.com"}, "is not UTF-8 text"),
    ],
)
def test_to_item_what_is_no_indicator_is_told(data: dict[str, object], reason: str) -> None:
    with pytest.raises(NotTaken, match=reason):
        to_item(Record(1, data), Defaults())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.db") as store:
        yield store


def test_import_indicators_refuses_by_line_and_takes_the_rest(store: Store) -> None:
    refused: list[tuple[int, str, str]] = []
    text = "value,expiration\n192.0.2.1,\nnonsense,\n192.0.2.2,someday\n192.0.2.3,2030-01-01\n"
    summary = import_indicators(
        store, records(text, "a.csv"), import_source("Lists"), defaults=Defaults(score=3),
        on_refusal=lambda *told: refused.append(told),
    )  # fmt: skip
    assert summary == Summary(created=2, refused=2)
    assert [(line, value) for line, value, _ in refused] == [(3, "nonsense"), (4, "192.0.2.2")]
    found = store.indicators.get("192.0.2.3")
    assert found is not None
    assert (found["score"], found["sourceBrands"], found["expiration"][:10]) == (3, ["Lists"], "2030-01-01")


def test_import_indicators_again_changes_nothing(store: Store) -> None:
    def again() -> Summary:
        return import_indicators(
            store, records("a.example.com\nb.example.com\n"), import_source(), defaults=Defaults(),
            on_refusal=lambda *told: pytest.fail(str(told)),
        )  # fmt: skip

    assert again() == Summary(created=2)
    before = store.indicators.get("a.example.com")
    assert again() == Summary(unchanged=2)
    assert store.indicators.get("a.example.com") == before
