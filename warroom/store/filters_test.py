"""The database and the pure evaluator must find the same documents, whatever the query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warroom.core.dates import NEVER, NO_DATE, from_micros, span
from warroom.core.indicators import Document, identity
from warroom.core.query import parse
from warroom.core.query_match import matches
from warroom.core.query_tree import (
    Active,
    All,
    AnyOf,
    Bound,
    Dates,
    Exists,
    Glob,
    Node,
    Not,
    Range,
    Regex,
    Scores,
    both,
    either,
    negation,
)
from warroom.store import Store
from warroom.store.database import Database
from warroom.store.filters import condition
from warroom.store.rows import INSERT, Stamp, columns

NOW = 1_710_000_000_000_000
WORDS = ["a", "A", "ab", "b.c", "*", "a%", "a_b", "é", "É", "http://X.y/Z", "1", "true", "a\\b", "é?"]
DATES = ["modified", "timestamp", "firstSeen", "lastSeen", "expiration"]
FIELDS = ["value", "type", "id", "tags", "port", "sourceBrands", "aggregatedReliability", "comments", "manualScore"]

_moments = st.sampled_from([-5, 0, 1, NOW - 1, NOW, NOW + 1, NOW * 2])
_stamps = _moments.map(from_micros) | st.sampled_from([NEVER, "", "soon"])
_words = st.sampled_from(WORDS)
_singles = _words | st.integers(-2, 3) | st.booleans() | st.floats(0, 2) | _moments.map(from_micros) | st.none()
_contents = _singles | st.lists(_singles, max_size=3) | st.dictionaries(_words, _singles, max_size=2)
_patterns = st.lists(st.sampled_from(["*", "?", "a", "B", "é", "É", "%", "_", "\\*", "\\\\", "."]), max_size=4).map(
    "".join
)


def _random_doc(
    value: str,
    kind: str,
    score: int,
    dates: Document,
    custom: Document,
    brands: list[str],
    letter: str,
    said: list[str],
) -> Document:
    return {
        "id": "",
        "value": value,
        "indicator_type": kind,
        "score": score,
        "version": 0,
        **dates,
        "CustomFields": custom,
        "sourceBrands": brands,
        "aggregatedReliability": letter,
        "comments": [{"content": one} for one in said],
        "manualScore": score == 1,
    }


_docs = st.builds(
    _random_doc,
    _words,
    _words,
    st.integers(0, 3),
    st.fixed_dictionaries({name: _stamps for name in DATES if name != "modified"}),
    st.dictionaries(st.sampled_from(["tags", "port"]), _contents),
    st.lists(_words, max_size=2),
    st.sampled_from(["", "A - Completely reliable", "A+ - x"]),
    st.lists(_words, max_size=2),
)


def _bound(text: str, inclusive: bool) -> Bound:
    number = float(text) if text.replace(".", "").replace("-", "").isdigit() and "T" not in text else None
    return Bound(text, number, span(text, NOW), inclusive)


_bounds = st.none() | st.builds(
    _bound, st.sampled_from(["0", "1", "-1", "2024"]) | _moments.map(from_micros), st.booleans()
)
_leaves: st.SearchStrategy[Node] = st.one_of(
    st.just(All()),
    st.just(Active()),
    st.builds(Scores, st.integers(0, 3), st.integers(0, 3)),
    st.builds(Dates, st.sampled_from(DATES), st.none() | _moments, st.none() | _moments),
    st.builds(AnyOf, st.sampled_from(FIELDS), st.frozensets(_words, min_size=1, max_size=3)),
    st.builds(Glob, st.sampled_from(FIELDS), _patterns),
    st.builds(Regex, st.sampled_from(FIELDS), st.sampled_from(["a.*", "[a-c]+", ".*é"])),
    st.builds(Exists, st.sampled_from([*FIELDS, *DATES, "score", "expirationStatus"])),
    st.builds(Range, st.sampled_from(["tags", "port"]), _bounds, _bounds),
)
_nodes = st.recursive(
    _leaves,
    lambda inner: (
        inner.map(negation)
        | st.lists(inner, min_size=1, max_size=4).map(both)
        | st.lists(inner, min_size=1, max_size=4).map(either)
        | st.builds(Not, inner)
    ),
    max_leaves=8,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "store.db")
    yield opened
    opened.close()


def _fill(database: Database, docs: list[Document]) -> list[Document]:
    stored: dict[str, Document] = {}
    for doc in docs:
        stored.setdefault(identity(doc["value"]), dict(doc))
    rows = [(seq, *columns(doc, Stamp(seq, NOW + seq))) for seq, doc in enumerate(stored.values(), 1)]
    database.run("delete from indicators")
    database.run_many(INSERT, rows)
    return list(stored.values())


def _found(database: Database, node: Node, overtaken: Any = None) -> set[int]:
    wanted = condition(node, NOW, overtaken)
    database.function("document_match", 2, lambda index, doc: wanted.predicates[index](orjson.loads(doc)))
    return {seq for (seq,) in database.rows(f"select seq from indicators where {wanted.sql}", wanted.values)}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(docs=st.lists(_docs, max_size=6), nodes=st.lists(_nodes, min_size=1, max_size=6))
def test_condition_any_query_finds_what_the_evaluator_finds(
    database: Database, docs: list[Document], nodes: list[Node]
) -> None:
    with database.atomic():
        stored = _fill(database, docs)
        for node in nodes:
            expected = {int(doc["id"]) for doc in stored if matches(node, doc, NOW)}
            assert _found(database, node) == expected
            assert _found(database, node, "low") == _found(database, node, "high") == expected


def _doc(**more: Any) -> Document:
    base = {"id": "1", "value": "evil.example.com", "indicator_type": "Domain", "score": 3, "version": 0}
    dates = {"expiration": NEVER, "timestamp": from_micros(NOW), "firstSeen": from_micros(NOW), "lastSeen": NEVER}
    return {**base, **dates, "modified": from_micros(NOW), "CustomFields": {}, **more}


@pytest.mark.parametrize(
    ("query", "doc", "fits"),
    [
        ("value:EVIL.example.com", _doc(), True),
        ("value:example.com", _doc(), False),
        ("example", _doc(), True),
        ("evil.*", _doc(), True),
        ("value:evil.example.co?", _doc(), True),
        ("value:evil_example_com", _doc(), False),
        ("value:/ev[il]+.*/", _doc(), True),
        ("value:/evil/", _doc(), False),
        ("type:domain verdict:bad", _doc(), True),
        ("type:[ip, domain]", _doc(), True),
        ("-type:Domain", _doc(), False),
        ("expirationStatus:active", _doc(), True),
        ("expirationStatus:active", _doc(expiration=from_micros(NOW)), False),
        ("expirationStatus:expired", _doc(expiration=from_micros(NOW)), True),
        ("expirationStatus:active", _doc(expiration=from_micros(NOW + 1)), True),
        ("expiration:*", _doc(), False),
        ("expiration:<2030", _doc(), False),
        ('expiration:""', _doc(), True),
        ("expiration:>2024", _doc(expiration="2025-06-01T00:00:00Z"), True),
        ('modified:>="1 minute ago"', _doc(), True),
        ("modified:>now", _doc(), False),
        ("tags:A", _doc(CustomFields={"tags": ["x", "a"]}), True),
        ("tags:(a and x)", _doc(CustomFields={"tags": ["x", "a"]}), True),
        ("tags:(a and y)", _doc(CustomFields={"tags": ["x", "a"]}), False),
        ("tags:ph*", _doc(CustomFields={"tags": ["Phishing"]}), True),
        ('tags:""', _doc(CustomFields={"tags": []}), True),
        ("tags:*", _doc(CustomFields={"tags": [""]}), False),
        ("port:443", _doc(CustomFields={"port": 443}), True),
        ("port:>99", _doc(CustomFields={"port": "443"}), True),
        ("port:>1000", _doc(CustomFields={"port": 443}), False),
        ("port:[1 TO 443}", _doc(CustomFields={"port": 443}), False),
        ("seen:>=2024-01-01", _doc(CustomFields={"seen": "2024-05-05T00:00:00Z"}), True),
        ("seen:>2024", _doc(CustomFields={"seen": "2024-05-05T00:00:00Z"}), False),
        ("port:true", _doc(CustomFields={"port": True}), True),
        ("grid:c2", _doc(CustomFields={"grid": [{"threatcategory": "c2"}]}), True),
        ("aggregatedReliability:A", _doc(aggregatedReliability="A - Completely reliable"), True),
        (
            'aggregatedReliability:"a - completely reliable"',
            _doc(aggregatedReliability="A - Completely reliable"),
            True,
        ),
        ("aggregatedReliability:A", _doc(aggregatedReliability="A+ - x"), False),
        ("comments:SPAM", _doc(comments=[{"content": "seen in spam today"}]), True),
        ("sourceBrands:csv", _doc(sourceBrands=["CSV"]), True),
        ("sourceInstances:c*", _doc(sourceInstances=["CSV"]), True),
        ("investigationIDs:7", _doc(investigationIDs=["7"]), True),
        ("manualScore:true", _doc(manualScore=True), True),
        ("manualScore:false", _doc(manualScore=True), False),
        ("id:1", _doc(), True),
        ("id:01", _doc(), False),
        ("id:*", _doc(), True),
        ("id:x", _doc(), False),
    ],
)
def test_query_on_one_document(database: Database, query: str, doc: Document, fits: bool) -> None:
    node = parse(query, now=NOW, known_fields=["port", "seen", "grid"])
    assert matches(node, doc, NOW) is fits
    with database.atomic():
        row = columns(dict(doc), Stamp(1, NOW))
        database.run_many(INSERT, [(1, *row)])
        assert _found(database, node) == ({1} if fits else set())


def test_condition_long_chains_stay_within_the_limits_of_the_database(tmp_path: Path) -> None:
    patterns = " or ".join(f"value:a{n}*" for n in range(1_500))
    values = " or ".join(f'value:"a{n}"' for n in range(5_000))
    kinds = " or ".join(f"type:a{n}" for n in range(5_000))
    with Store.open(tmp_path / "store.db") as store:
        assert store.indicators.count(patterns) == store.indicators.count(values) == store.indicators.count(kinds) == 0
        assert store.indicators.count("not (" + patterns.replace(" or ", " and ") + ")") == 0


def test_no_date_is_after_every_date() -> None:
    last = span("9999-12-31", NOW)
    assert last is not None and NO_DATE > last[1] > last[0]
