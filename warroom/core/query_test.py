"""Tests for `warroom.core.query`: what a text means, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.dates import to_micros
from warroom.core.query import MAX_DEPTH, MAX_TERMS, QueryError, parse
from warroom.core.query_tree import (
    Active,
    All,
    And,
    AnyOf,
    Bound,
    Dates,
    Exists,
    Glob,
    Node,
    Not,
    Or,
    Range,
    Regex,
    Scores,
)

NOW = 1_710_505_845_123_456
DAY = 86_400_000_000


def read(text: str) -> Node:
    return parse(text, now=NOW, known_fields=("xdrstatus", "Severity", "threattypes"))


def at(text: str) -> int:
    micros = to_micros(text)
    assert micros is not None
    return micros


def one(field: str, *texts: str) -> AnyOf:
    return AnyOf(field, frozenset(texts))


A, B, C = one("tags", "a"), one("type", "b"), one("id", "c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", All()),
        ("  \n ", All()),
        ("*", All()),
        ("tags:a", A),
        ("tags: a", A),
        ("tags :a", A),
        ("TAGS:a", A),
        ("CustomFields.tags:a", A),
        ("tags:a type:b", And((A, B))),
        ("tags:a and type:b", And((A, B))),
        ("tags:a AND type:b And id:c", And((A, B, C))),
        ("tags:a or type:b", Or((A, B))),
        ("tags:a or type:b and id:c", Or((A, And((B, C))))),
        ("(tags:a or type:b) and id:c", And((Or((A, B)), C))),
        ("(tags:a or type:b)id:c", And((Or((A, B)), C))),
        ("not tags:a", Not(A)),
        ("-tags:a", Not(A)),
        ("NOT (tags:a or type:b)", Not(Or((A, B)))),
        ("-(tags:a)", Not(A)),
        ("not not tags:a", A),
        ("not -tags:a", A),
        ("tags:a -type:b", And((A, Not(B)))),
        ("tags:a or not type:b", Or((A, Not(B)))),
        ("tags:and", one("tags", "and")),
        ("tags:-5", one("tags", "-5")),
    ],
)
def test_parse_joins(text: str, tree: Node) -> None:
    assert read(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('value:"a b"', one("value", "a b")),
        (r'value:"a \"b\" \\ c"', one("value", 'a "b" \\ c')),
        (r"value:a\ b\:c", one("value", "a b:c")),
        ('value:"*.example.com"', one("value", "*.example.com")),
        (r"value:\*.example.com", one("value", "*.example.com")),
        ("value:http://example.com/a?b=c", Glob("value", "http://example.com/a?b=c")),
        ("value:2001:db8::1", one("value", "2001:db8::1")),
        ("value:*.example.com", Glob("value", "*.example.com")),
        ("value:/ab+c/", Regex("value", "ab+c")),
        ("type:[URL,File]", one("type", "URL", "File")),
        ('type:[ "IPv6 CIDR" , File ]', one("type", "IPv6 CIDR", "File")),
        ('type:["URL" "File"]', one("type", "URL", "File")),
        ("type:(File or Domain)", one("type", "File", "Domain")),
        ('value:("a" "b")', one("value", "a", "b")),
        ("tags:(a and b)", And((one("tags", "a"), one("tags", "b")))),
        ("tags:(a and not b)", And((one("tags", "a"), Not(one("tags", "b"))))),
        ("tags:(a or (b and c))", Or((one("tags", "a"), And((one("tags", "b"), one("tags", "c")))))),
        ("tags:(-a)", Not(one("tags", "a"))),
        ("value:a or value:b or value:c", one("value", "a", "b", "c")),
        ("tags:*", Exists("tags")),
        ('tags:""', Not(Exists("tags"))),
        ("-tags:*", Not(Exists("tags"))),
        ("comments:phish", Glob("comments", "*phish*")),
        ("manualScore:TRUE", one("manualScore", "TRUE")),
        ("evil", Glob("value", "*evil*")),
        ('"evil *"', Glob("value", r"*evil \**")),
        ("evil*", Glob("value", "evil*")),
        ("http://example.com/x", Glob("value", "*http://example.com/x*")),
        ("android", Glob("value", "*android*")),
        ("order", Glob("value", "*order*")),
    ],
)
def test_parse_values(text: str, tree: Node) -> None:
    assert read(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("reputation:Bad", Scores(3, 3)),
        ("verdict:malicious", Scores(3, 3)),
        ("verdict:Good", Scores(1, 1)),
        ("score:2", Scores(2, 2)),
        ("score:>1", Scores(2, 3)),
        ("score:<=suspicious", Scores(0, 2)),
        ("score:[1 TO 2]", Scores(1, 2)),
        ("score:{1 TO *]", Scores(2, 3)),
        ("verdict:(Bad or Suspicious)", Or((Scores(3, 3), Scores(2, 2)))),
        ("expirationStatus:active", Active()),
        ("expirationStatus:Expired", Not(Active())),
    ],
)
def test_parse_verdicts_and_status(text: str, tree: Node) -> None:
    assert read(text) == tree


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("modified:>=2024-01-01T00:00:00", "2024-01-01", None),
        ("modified:>2024-01-01T00:00:00", "2024-01-01T00:00:01", None),
        ("modified:<2024-01-01T00:00:00.5Z", None, "2024-01-01T00:00:00.5"),
        ("modified:<=2024-01-01", None, "2024-01-02"),
        ('modified:>"2024-01-01 10:00"', "2024-01-01T10:01", None),
        ("modified:2024-01-01", "2024-01-01", "2024-01-02"),
        ("modified:[2024-01-01 TO 2024-01-31]", "2024-01-01", "2024-02-01"),
        ("modified:{2024-01-01 TO 2024-01-31}", "2024-01-02", "2024-01-31"),
        ("modified:[2024-01-01 to 2024-01-31}", "2024-01-01", "2024-01-31"),
        ("modified:[* TO 2024-01-31]", None, "2024-02-01"),
        ("modified:>=2024-01-01T00:00:00+02:00", "2023-12-31T22:00:00", None),
    ],
)
def test_parse_dates(text: str, low: str | None, high: str | None) -> None:
    assert read(text) == Dates("modified", None if low is None else at(low), None if high is None else at(high))


@pytest.mark.parametrize("name", ["modified", "timestamp", "created", "firstSeen", "lastSeen", "expiration"])
def test_parse_every_date_field_takes_relative_dates(name: str) -> None:
    field = "timestamp" if name == "created" else name
    assert read(f'{name}:>="7 days ago"') == Dates(field, NOW - 7 * DAY, None)
    assert read(f"{name}:<now-7d") == Dates(field, None, NOW - 7 * DAY)


def test_parse_range_of_dates_in_two_terms_and_group() -> None:
    tree = And((Dates("modified", at("2024-01-01"), None), Dates("modified", None, at("2024-02-01"))))
    assert read("modified:>=2024-01-01T00:00:00 and modified:<2024-02-01") == tree
    assert read("modified:(>=2024-01-01 and <2024-02-01)") == tree


def test_parse_custom_range_keeps_number_and_date() -> None:
    assert read("Severity:>=5") == Range("Severity", Bound("5", 5.0, None, True), None)
    year = read("Severity:<2024")
    assert isinstance(year, Range) and year.high is not None
    assert (year.high.number, year.high.span) == (2024.0, (at("2024-01-01"), at("2025-01-01")))


def test_parse_the_query_of_the_sync() -> None:
    text = "modified:<2024-01-01 and (expirationStatus:active AND (reputation:Bad and (type:File or type:Domain)))"
    kinds = one("type", "File", "Domain")
    inner = And((Scores(3, 3), kinds))
    assert read(text) == And((Dates("modified", None, at("2024-01-01")), And((Active(), inner))))


@pytest.mark.parametrize(
    ("text", "position", "piece", "problem"),
    [
        ("bogus:1", 0, "bogus", "unknown field"),
        ("tags:a and veridct:bad", 11, "veridct", "did you mean verdict"),
        ("xdrstatsu:x", 0, "xdrstatsu", "did you mean xdrstatus"),
        ("modified:>=7 days", 11, "7", "needs a date"),
        ("modified:yesterdays", 9, "yesterdays", "needs a date"),
        ("modified:>=2024-02-30", 11, "2024-02-30", "needs a date"),
        ("modified:/a/", 9, "/a/", "needs a date"),
        ("score:9", 6, "9", "0 to 3"),
        ("verdict:evil", 8, "evil", "Malicious"),
        ("expirationStatus:gone", 17, "gone", "active or expired"),
        ("manualScore:perhaps", 12, "perhaps", "true or false"),
        ("type:>File", 6, "File", "no order"),
        ("Severity:>high", 10, "high", "neither a number nor a date"),
        ("value:/(/", 6, "/(/", "not a regular expression"),
        ("(tags:a", 7, "end of query", ")"),
        ("tags:a)", 6, ")", "the end"),
        ("tags:", 5, "end of query", "a word"),
        ("tags:a and", 10, "end of query", "not expected"),
        ("or tags:a", 0, "or", "joins two terms"),
        ("tags:a or or tags:b", 10, "or", "joins two terms"),
        ('tags:"a', 5, '"a', "not expected"),
        ("type:[a", 7, "end of query", ","),
        ("modified:[2024 TO", 17, "end of query", "a word"),
        ("tags:a\x00", 6, "\x00", "not a character"),
        ("tags:a \ud800", 7, "\ud800", "not a character"),
        ("tags:=a", 5, "=a", "not expected"),
    ],
)
def test_parse_bad_query_names_place_and_reason(text: str, position: int, piece: str, problem: str) -> None:
    with pytest.raises(QueryError) as caught:
        read(text)
    assert (caught.value.position, caught.value.text) == (position, piece)
    assert problem in caught.value.problem
    assert str(position) in str(caught.value) and problem in str(caught.value)


def test_parse_too_deep_is_refused() -> None:
    text = "tags:a or (tags:b and " * MAX_DEPTH + "type:c" + ")" * MAX_DEPTH
    with pytest.raises(QueryError, match="nested deeper"):
        read(text)
    assert read("(" * 500 + "tags:a" + ")" * 500) == A
    assert read("not " * 1000 + "tags:a") == A


def test_parse_too_many_terms_is_refused_but_not_many_values() -> None:
    with pytest.raises(QueryError, match="terms"):
        read(" or ".join(f"value:a{i}*" for i in range(MAX_TERMS + 1)))
    many = read(" or ".join(f"value:a{i}" for i in range(MAX_TERMS + 1)))
    assert isinstance(many, AnyOf) and len(many.texts) == MAX_TERMS + 1


@given(st.text(alphabet='abAND ORnot:"()[]{}*?\\/<>=-,tagsvalue2024 ', max_size=40))
def test_parse_any_text_gives_a_tree_or_a_query_error(text: str) -> None:
    position = 0
    try:
        read(text)
    except QueryError as error:
        position = error.position
    assert 0 <= position <= len(text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
def test_parse_quoted_text_with_escapes_means_itself(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert read(f'tags:"{quoted}"') == one("tags", value)
