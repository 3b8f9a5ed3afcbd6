"""Tests for `warroom.store.indicators`: taking in, finding, editing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from warroom.core.indicators import TIMELINE_LIMIT
from warroom.store import ApplyResult, QueryError, Refusal, Source, Store, StoreError
from warroom.store.database import Database

SOURCE = Source("CSV", "csv-1", "id-1", "C - Fairly reliable")
ASCENDING, DESCENDING = [("modified", True), ("id", True)], [("modified", False), ("id", False)]


class MovableClock(Protocol):
    now: float


def items(*values: str, **more: Any) -> list[dict[str, Any]]:
    return [{"value": value, "type": "Domain", "rawJSON": {"v": value}, **more} for value in values]


def names(count: int, start: int = 0) -> list[str]:
    return [f"host{n}.example.com" for n in range(start, start + count)]


def values(iocs: Sequence[bytes]) -> list[str]:
    return [json.loads(ioc)["value"] for ioc in iocs]


def modified(store: Store, value: str) -> str:
    doc = store.indicators.get(value)
    assert doc is not None
    return str(doc["modified"])


def walk(store: Store, query: str, size: int, sort: Any) -> list[str]:
    found: list[str] = []
    place = None
    while True:
        page = store.indicators.search(query, size=size, sort=sort, search_after=place)
        found += values(page.iocs)
        place = page.search_after
        if not page.iocs:
            assert place is None
            return found


# --- taking in ---


def test_apply_counts_each_outcome(store: Store) -> None:
    store.indicators.exclude("bad.example.com", "ours")
    store.indicators.apply(items("a.example.com", "b.example.com"), SOURCE)
    batch = items("a.example.com", "C.example.com", "c.EXAMPLE.com", "BAD.example.com")
    batch += [
        {"value": "b.example.com", "type": "Domain", "score": 3},
        {"type": "IP"},
        {"value": "x", "type": "IP", "score": 7},
    ]
    result = store.indicators.apply(batch, SOURCE)
    assert result == ApplyResult(
        created=1,
        updated=1,
        unchanged=2,
        excluded=1,
        refused=[
            Refusal(5, "None", "value is missing or not a text"),
            Refusal(6, "x", "score 7 is not 0 to 3"),
        ],
    )
    assert store.indicators.count() == 3


def test_apply_same_batch_again_changes_nothing_not_even_modified(store: Store, clock: MovableClock) -> None:
    batch = items(*names(50), score=2, fields={"tags": ["x"]})
    store.indicators.apply(batch, SOURCE)
    before = store.indicators.search(size=100).iocs
    clock.now += 86_400
    assert store.indicators.apply(batch, SOURCE) == ApplyResult(unchanged=50)
    assert store.indicators.search(size=100).iocs == before


def test_apply_modified_is_strictly_increasing_even_when_the_clock_goes_back(store: Store, clock: MovableClock) -> None:
    stamps = []
    for step in range(4):
        clock.now -= 1_000
        store.indicators.apply(items(*names(5, start=3 * step), score=step % 4), SOURCE)
        stamps = [json.loads(ioc)["modified"] for ioc in store.indicators.search(sort=ASCENDING).iocs]
        assert len(set(stamps)) == len(stamps) and stamps == sorted(stamps)
    newest = modified(store, "host13.example.com")
    store.indicators.delete("host13.example.com")
    store.indicators.apply(items("late.example.com"), SOURCE)
    assert modified(store, "late.example.com") > newest


def test_apply_value_twice_in_a_batch_is_one_indicator(store: Store) -> None:
    batch = items("a.example.com", score=1) + items("A.example.com", score=3)
    assert store.indicators.apply(batch, SOURCE) == ApplyResult(created=1, updated=1)
    doc = store.indicators.get("a.example.com")
    assert doc is not None and (doc["score"], doc["version"], doc["id"]) == (3, 2, "1")


def test_apply_ids_are_never_used_again(store: Store) -> None:
    store.indicators.apply(items("a.example.com", "b.example.com"), SOURCE)
    store.indicators.delete("b.example.com")
    store.indicators.apply(items("c.example.com"), SOURCE)
    doc = store.indicators.get("c.example.com")
    assert doc is not None and doc["id"] == "3"


@pytest.mark.parametrize("bad", [{"fields": {"n": 2**70}}, {"fields": {"s": {1, 2}}}, {"rawJSON": object()}])
def test_apply_content_that_is_not_json_is_refused_alone(store: Store, bad: dict[str, Any]) -> None:
    batch = [*items("a.example.com"), *items("b.example.com", **bad), *items("c.example.com")]
    result = store.indicators.apply(batch, SOURCE)
    assert (result.created, [one.index for one in result.refused]) == (2, [1])
    assert "JSON" in result.refused[0].reason
    assert store.indicators.get("b.example.com") is None


def test_apply_keeps_raw_json_by_source(store: Store) -> None:
    store.indicators.apply(items("a.example.com"), SOURCE)
    store.indicators.apply(
        [{"value": "a.example.com", "type": "Domain", "rawJSON": [1]}], Source("B", "b", "id-2", "A - x")
    )
    assert store.indicators.raw("A.example.com") == {"id-1": {"v": "a.example.com"}, "id-2": [1]}


def test_apply_relationships_are_kept_and_a_carrier_is_no_indicator(store: Store) -> None:
    link = {"name": "related-to", "entityA": "a.example.com", "entityB": "Evil Group", "type": "IndicatorToIndicator"}
    batch = [{"value": "$$DummyIndicator$$", "type": "x", "relationships": [link]}, *items("a.example.com")]
    batch += items("b.example.com", relationships=[{"name": "related-to"}])
    for _ in range(2):
        result = store.indicators.apply(batch, SOURCE)
    assert (result.unchanged, [one.index for one in result.refused]) == (1, [2])
    assert store.relationships.search(["Evil Group"]) == [{**link, "brand": "CSV", "instance": "id-1"}]
    assert store.relationships.search(["nobody"]) == []
    assert len(store.relationships.search()) == 1


def test_apply_bypass_takes_excluded_values(store: Store) -> None:
    store.indicators.exclude("a.example.com", "ours")
    bypass = Source("CSV", "csv-1", "id-1", "C - x", bypass_exclusion=True)
    assert store.indicators.apply(items("a.example.com"), bypass).created == 1


def test_apply_type_expiration_comes_from_the_settings(store: Store, clock: MovableClock) -> None:
    store.settings.set("indicator_type_expiration_minutes", {"Domain": 60})
    store.indicators.apply(items("a.example.com"), SOURCE)
    assert store.indicators.count("expirationStatus:active") == 1
    clock.now += 3_600
    assert store.indicators.count("expirationStatus:active") == 0
    assert store.indicators.count("expirationStatus:expired") == 1


def test_end_listing_expires_what_the_feed_dropped(store: Store, clock: MovableClock) -> None:
    feed = Source("Feed", "f", "id-f", "B - x", expiration_policy="suddenDeath")
    store.indicators.apply(items("stays.example.com", "goes.example.com", "other.example.com"), feed)
    store.indicators.apply(items("other.example.com"), SOURCE)
    clock.now += 60
    started = clock.now
    store.indicators.apply(items("stays.example.com"), feed)
    assert store.indicators.end_listing(feed, started) == 2
    assert values(store.indicators.search("expirationStatus:expired").iocs) == ["goes.example.com"]
    assert store.indicators.end_listing(feed, started) == 0
    store.indicators.apply(items("goes.example.com"), feed)
    assert store.indicators.count("expirationStatus:expired") == 0


# --- finding ---


def test_search_result_is_the_server_shape(store: Store) -> None:
    store.indicators.apply(items("a.example.com", score=3, fields={"tags": ["x"]}), SOURCE)
    (doc,) = map(json.loads, store.indicators.search("verdict:Bad").iocs)
    assert doc["id"] == "1" and doc["version"] == 1 and doc["expirationStatus"] == "active"
    assert doc["modified"] == doc["timestamp"] == "2024-03-09T16:00:00.000000Z"
    assert doc["moduleToFeedMap"]["id-1"]["sourceBrand"] == "CSV"
    assert doc["CustomFields"] == {"tags": ["x"]}


@pytest.mark.parametrize(
    "sort", [None, ASCENDING, DESCENDING, [("score", False)], [("value", True)], [("score", True), ("value", False)]]
)
@pytest.mark.parametrize("query", ["", "verdict:(Bad or Good)", "tags:even or verdict:Bad"])
def test_search_after_walk_sees_each_once_and_in_order(store: Store, sort: Any, query: str) -> None:
    for score in range(4):
        store.indicators.apply(
            items(*names(7, 7 * score), score=score, fields={"tags": [["even", "odd"][score % 2]]}), SOURCE
        )
    whole = values(store.indicators.search(query, size=1_000, sort=sort).iocs)
    assert walk(store, query, 3, sort) == whole
    assert len(set(whole)) == len(whole) == store.indicators.count(query) > 0
    if sort == DESCENDING:
        assert whole == list(reversed(walk(store, query, 5, ASCENDING)))


def test_search_after_walk_within_bounds_of_modified_goes_both_ways(store: Store, clock: MovableClock) -> None:
    for number in range(10):
        clock.now += 60
        store.indicators.apply(items(*names(1, number)), SOURCE)
    query = 'modified:>"2024-03-09T16:02:30Z" and modified:<2024-03-09T16:08:00Z'
    assert walk(store, query, 2, ASCENDING) == names(5, 2)
    assert walk(store, query, 2, DESCENDING) == names(5, 2)[::-1]


def test_search_page_number_and_size(store: Store) -> None:
    store.indicators.apply(items(*names(7)), SOURCE)
    assert [values(store.indicators.search(size=3, page=page).iocs) for page in range(4)] == [
        names(3), names(3, 3), names(1, 6), [],
    ]  # fmt: skip
    assert store.indicators.search(size=0).iocs == []


def test_search_total_is_right_after_every_change(store: Store, path: Path, clock: MovableClock) -> None:
    with Store.open(path) as other:
        query = "expirationStatus:active verdict:Bad"
        fields = {"expirationdate": "2024-03-09T17:00:00Z"}
        other.indicators.apply(items(*names(5), score=3, fields=fields) + items(*names(5, 5), score=3), SOURCE)
        assert store.indicators.search(query, size=2).total == 10
        other.indicators.edit("host1.example.com", {"verdict": "Good"})
        assert store.indicators.search(query, size=2).total == 9
        other.indicators.delete("host2.example.com")
        assert store.indicators.search(query, size=2).total == 8
        clock.now += 3_601
        assert store.indicators.search(query, size=2).total == 5
        clock.now -= 3_601
        assert store.indicators.search(query, size=2).total == 8


def test_search_status_in_documents_is_that_of_now(store: Store, clock: MovableClock) -> None:
    trap = {"expirationdate": "2024-03-09T17:00:00Z", "expirationStatus": "active"}
    store.indicators.apply(items("a.example.com", fields=trap), SOURCE)
    clock.now += 3_601
    (doc,) = map(json.loads, store.indicators.search().iocs)
    assert doc["expirationStatus"] == "expired" and doc["CustomFields"]["expirationStatus"] == "active"
    got = store.indicators.get("a.example.com")
    assert got is not None and got["expirationStatus"] == "expired"
    assert [one["expirationStatus"] for one in store.indicators.iterate()] == ["expired"]


def test_search_populate_fields_leaves_the_rest_out(store: Store) -> None:
    store.indicators.apply(items("a.example.com", fields={"port": 1, "path": "p"}), SOURCE)
    (doc,) = map(json.loads, store.indicators.search(populate_fields=["value", "id", "nothing"]).iocs)
    assert doc == {"value": "a.example.com", "id": "1"}
    (doc,) = map(json.loads, store.indicators.search(populate_fields=["id", "port"]).iocs)
    assert doc == {"id": "1", "CustomFields": {"port": 1}}
    (doc,) = map(json.loads, store.indicators.search(populate_fields=["CustomFields", "port"]).iocs)
    assert doc == {"CustomFields": {"port": 1, "path": "p"}}


def test_search_by_value_ignores_the_query(store: Store) -> None:
    store.indicators.apply(items("a.example.com", "b.example.com"), SOURCE)
    page = store.indicators.search("this is ( no query", value="A.example.com")
    assert (values(page.iocs), page.total) == (["a.example.com"], 1)


def test_search_dates_bound_modified(store: Store, clock: MovableClock) -> None:
    for number in range(3):
        store.indicators.apply(items(*names(1, number)), SOURCE)
        clock.now += 3_600
    page = store.indicators.search(from_date="2024-03-09T16:30:00Z", to_date="2024-03-09T17:00:00Z")
    assert values(page.iocs) == names(1, 1)


def test_search_many_values(store: Store) -> None:
    store.indicators.apply(items(*names(500)), SOURCE)
    query = " or ".join(f'value:"{name}"' for name in names(200, 100))
    page = store.indicators.search(query, size=300, sort=ASCENDING)
    assert (values(page.iocs), page.total) == (names(200, 100), 200)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"size": -1}, "size -1"),
        ({"page": -2}, "page -2"),
        ({"sort": [("colour", True)]}, "'colour'"),
        ({"sort": ASCENDING, "search_after": ["x"]}, "search_after 'x'"),
        ({"from_date": "soon"}, "from_date 'soon'"),
        ({"query": "colour:red"}, "'colour'"),
    ],
)
def test_search_bad_option_is_refused_by_name(store: Store, options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        store.indicators.search(**options)


def test_search_custom_field_is_known_once_seen_or_registered(store: Store, path: Path) -> None:
    with pytest.raises(QueryError, match="xdrstatus"):
        store.indicators.count("xdrstatus:disabled")
    with Store.open(path) as other:
        other.indicators.register_fields(["xdrstatus"])
        other.indicators.apply(items("a.example.com", fields={"port": 1}), SOURCE)
    assert store.indicators.count("xdrstatus:disabled") == 0
    assert store.indicators.count("port:1") == 1


@pytest.mark.parametrize(
    ("query", "sort", "index"),
    [
        ("", ASCENDING, "indicators_modified"),
        ("modified:<2030 expirationStatus:active verdict:Bad type:(File or IP)", ASCENDING, "indicators_modified"),
        ("modified:>2020 expirationStatus:active verdict:Bad type:(File or IP)", DESCENDING, "indicators_modified"),
        ("tags:x or value:b*", DESCENDING, "indicators_modified"),
        ('value:"a" or value:"b"', DESCENDING, "indicators_key"),
        ('verdict:Bad value:"a"', ASCENDING, "indicators_key"),
    ],
)
def test_search_uses_the_index_that_keeps_it_fast(
    store: Store, monkeypatch: pytest.MonkeyPatch, query: str, sort: Any, index: str
) -> None:
    store.indicators.apply(items("a.example.com", fields={"tags": "x"}), SOURCE)
    plans: list[str] = []
    original = Database.rows

    def spy(database: Database, statement: str, bound: Any = ()) -> Any:
        if "limit" in statement:
            plans.extend(str(row[3]) for row in original(database, f"explain query plan {statement}", bound))
        return original(database, statement, bound)

    monkeypatch.setattr(Database, "rows", spy)
    store.indicators.search(query, sort=sort, search_after=[1])
    assert any(index in plan for plan in plans)
    if index == "indicators_modified":
        assert "TEMP B-TREE" not in " ".join(plans)


def test_iterate_gives_all_across_pages(store: Store) -> None:
    store.indicators.apply(items(*names(4_100)), SOURCE)
    assert [doc["value"] for doc in store.indicators.iterate("example")] == names(4_100)
    assert next(store.indicators.iterate(populate_fields=["id"])) == {"id": "1"}


# --- editing ---


def test_edit_moves_modified_and_sticks(store: Store, clock: MovableClock) -> None:
    store.indicators.apply(items("a.example.com", score=1), SOURCE)
    before = modified(store, "a.example.com")
    doc = store.indicators.edit("A.example.com", {"verdict": "Bad", "colour": "red"}, user="me")
    assert doc["modified"] > before and doc["score"] == 3
    clock.now += 60
    store.indicators.apply(items("a.example.com", score=2, fields={"colour": "blue"}), SOURCE)
    assert store.indicators.count("verdict:Bad colour:red manualScore:true") == 1


def test_tell_adds_to_time_lines_and_passes_over_the_unknown(store: Store) -> None:
    store.indicators.apply(items("a.example.com"), SOURCE)
    before = modified(store, "a.example.com")
    lines = [
        {"Value": "A.example.com", "Category": "Update", "Message": "pushed"},
        {"Value": "b.example.com", "Message": "lost"},
        {"Value": "a.example.com", "Message": "without a category"},
    ]
    assert store.indicators.tell(lines, "Tiny") == 2
    doc = store.indicators.get("a.example.com")
    assert doc is not None
    assert [(one["content"], one["source"]) for one in doc["comments"][-2:]] == [
        ("Update: pushed", "Tiny"),
        ("without a category", "Tiny"),
    ]
    assert modified(store, "a.example.com") > before and store.indicators.get("b.example.com") is None


def test_tell_keeps_the_newest_lines_and_every_comment(store: Store) -> None:
    store.indicators.apply(items("a.example.com", fields={"comments": "by the feed"}), SOURCE)
    store.indicators.tell([{"Value": "a.example.com", "Message": str(n)} for n in range(TIMELINE_LIMIT + 5)], "Tiny")
    doc = store.indicators.get("a.example.com")
    assert doc is not None
    kept = [one["content"] for one in doc["comments"]]
    assert kept == ["by the feed", *(str(n) for n in range(5, TIMELINE_LIMIT + 5))]


def test_edit_without_effect_keeps_modified(store: Store) -> None:
    store.indicators.apply(items("a.example.com"), SOURCE)
    first = store.indicators.edit("a.example.com", {"colour": "red"})
    assert store.indicators.edit("a.example.com", {"colour": "red"}) == first


def test_edit_bad_change_changes_nothing(store: Store) -> None:
    store.indicators.apply(items("a.example.com"), SOURCE)
    before = store.indicators.get("a.example.com")
    with pytest.raises(ValueError, match="'evil'"):
        store.indicators.edit("a.example.com", {"colour": "red", "verdict": "evil"})
    with pytest.raises(StoreError, match=r"no indicator 'b\.example\.com'"):
        store.indicators.edit("b.example.com", {"colour": "red"})
    assert store.indicators.get("a.example.com") == before


def test_delete_and_exclusions(store: Store) -> None:
    store.indicators.apply(items("a.example.com", "b.example.com"), SOURCE)
    assert store.indicators.delete("A.example.com", exclude=True)
    assert not store.indicators.delete("a.example.com")
    assert [(one.value, one.created) for one in store.indicators.exclusions()] == [
        ("A.example.com", "2024-03-09T16:00:00.000000Z")
    ]
    assert store.indicators.apply(items("a.example.com"), SOURCE).excluded == 1
    assert store.indicators.include("a.example.com") and not store.indicators.include("a.example.com")
    assert store.indicators.apply(items("a.example.com"), SOURCE).created == 1
