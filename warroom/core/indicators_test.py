"""Tests for `warroom.core.indicators` and `warroom.core.edits`: merging, and what a person set by hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.dates import MINUTE, NEVER, SECOND, from_micros
from warroom.core.edits import edit
from warroom.core.indicators import (
    POLICIES,
    TIMELINE_LIMIT,
    Document,
    Merged,
    RefusedItem,
    Rules,
    Source,
    as_list,
    end_source,
    identity,
    merge,
    prepare,
)

NOW = 1_710_000_000 * SECOND
HOUR = 60 * MINUTE
NO_RULES = Rules()
LETTERS = {"A+": "A+ - 3rd party enrichment", "A": "A - Completely reliable", "C": "C - Fairly reliable", "F": "F - x"}


def source(name: str = "one", reliability: str = "C", **more: Any) -> Source:
    return Source(f"Brand {name}", name, f"id-{name}", LETTERS[reliability], **more)


def item(**more: Any) -> dict[str, Any]:
    return {"value": "evil.example.com", "type": "Domain", "rawJSON": {}, **more}


def said(*steps: tuple[Source, dict[str, Any]], now: int = NOW, rules: Rules = NO_RULES) -> Document:
    """The document after sources reported one after the other, an hour apart."""
    doc: Document | None = None
    for index, (who, what) in enumerate(steps):
        doc = merge(doc, prepare(what), who, now + index * HOUR, rules).doc
        doc["version"] = index + 1
    assert doc is not None
    return doc


def again(doc: Document, who: Source, what: dict[str, Any], now: int = NOW + 1) -> Merged:
    return merge(doc, prepare(what), who, now)


def test_merge_first_source_creates_the_server_shape() -> None:
    merged = merge(None, prepare(item(score=3, fields={"tags": "a,b", "port": 1})), source(reliability="A"), NOW)
    stamp = from_micros(NOW)
    assert (merged.kind, merged.changed) == ("created", True)
    assert merged.doc["value"] == "evil.example.com" and merged.doc["indicator_type"] == "Domain"
    assert merged.doc["score"] == 3 and merged.doc["aggregatedReliability"] == LETTERS["A"]
    assert merged.doc["expiration"] == NEVER and merged.doc["timestamp"] == merged.doc["firstSeen"] == stamp
    assert merged.doc["sourceBrands"] == ["Brand one"] and merged.doc["sourceInstances"] == ["one"]
    assert merged.doc["CustomFields"] == {"tags": ["a", "b"], "port": 1}
    assert merged.doc["moduleToFeedMap"]["id-one"]["reliability"] == LETTERS["A"]
    assert [one["type"] for one in merged.doc["comments"]] == ["IndicatorCommentTimeLine"]


@pytest.mark.parametrize(
    ("reports", "verdict"),
    [
        ([("C", 3), ("A", 1)], 1),
        ([("A", 1), ("C", 3)], 1),
        ([("A+", 2), ("A", 3)], 2),
        ([("C", 1), ("C", 3)], 3),
        ([("C", 3), ("C", 1)], 3),
        ([("A", 0), ("C", 2)], 2),
        ([("A", 0), ("C", 0)], 0),
    ],
)
def test_merge_verdict_is_that_of_the_most_reliable_source(reports: list[tuple[str, int]], verdict: int) -> None:
    steps = [(source(str(n), letter), item(score=score)) for n, (letter, score) in enumerate(reports)]
    assert said(*steps)["score"] == verdict


def test_merge_aggregated_reliability_is_the_best() -> None:
    doc = said((source("1", "C"), item()), (source("2", "A+"), item()), (source("3", "A"), item()))
    assert doc["aggregatedReliability"] == LETTERS["A+"]
    assert doc["sourceInstances"] == ["1", "2", "3"]


def test_merge_feed_reputation_stands_in_for_a_missing_score_only() -> None:
    who = source(feed_reputation="Bad")
    assert said((who, item()))["score"] == 3
    assert said((who, item(score=1)))["score"] == 1
    assert said((who, item(score=0)))["score"] == 0


def test_merge_same_item_again_changes_nothing() -> None:
    what = item(score=2, fields={"tags": ["a"], "port": 1})
    doc = said((source(), what))
    merged = again(doc, source(), what)
    assert (merged.changed, merged.kind) == (False, "unchanged") and merged.doc is doc


def test_merge_same_item_after_another_source_overwrote_the_field_changes_nothing() -> None:
    first, second = item(fields={"port": 1}), item(fields={"port": 2})
    doc = said((source("1"), first), (source("2"), second))
    assert doc["CustomFields"]["port"] == 2
    assert not again(doc, source("1"), first).changed


def test_merge_raw_json_alone_is_no_change() -> None:
    doc = said((source(), item(rawJSON={"hits": 1})))
    assert not again(doc, source(), item(rawJSON={"hits": 2})).changed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (item(score=1), item(score=2)),
        (item(), item(type="Host")),
        (item(fields={"port": 1}), item(fields={"port": 2})),
        (item(fields={"port": 1}), item()),
        (item(), item(fields={"expirationdate": "2030-01-01T00:00:00Z"})),
        (item(), item(fields={"comments": "seen in spam"})),
    ],
)
def test_merge_any_real_difference_is_a_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    merged = again(said((source(), before)), source(), after)
    assert (merged.changed, merged.kind) == (True, "updated")


def test_merge_tags_are_joined_and_other_fields_replaced() -> None:
    doc = said(
        (source("1", tags=("feed",)), item(fields={"tags": ["a", "b"], "list": [1]})),
        (source("2"), item(fields={"tags": "b, c", "list": [2]})),
    )
    assert doc["CustomFields"] == {"tags": ["a", "b", "feed", "c"], "list": [2]}


def test_merge_field_of_nothing_does_not_wipe() -> None:
    doc = said((source("1"), item(fields={"port": 1})), (source("2"), item(fields={"port": None})))
    assert doc["CustomFields"]["port"] == 1


def test_merge_comment_of_a_source_is_kept_once() -> None:
    doc = said((source("1"), item(fields={"comments": "spam"})), (source("2"), item(fields={"comments": "spam"})))
    regular = [one for one in doc["comments"] if one["type"] == "IndicatorCommentRegular"]
    assert [(one["content"], one["source"]) for one in regular] == [("spam", "Brand 1")]
    assert "comments" not in doc["CustomFields"]


def test_merge_input_documents_stay_untouched() -> None:
    doc = said((source("1"), item(score=1, fields={"tags": ["a"]})))
    before = copy.deepcopy(doc)
    what = item(score=3, fields={"tags": ["b"]})
    kept = copy.deepcopy(what)
    merge(doc, prepare(what), source("2", "A"), NOW + HOUR)
    edit(doc, {"tags": ["z"], "verdict": "Good", "comments": "x"}, NOW)
    assert doc == before and what == kept


@pytest.mark.parametrize(
    ("policy", "minutes", "fields", "expected"),
    [
        ("never", 60, {}, NEVER),
        ("interval", 60, {}, from_micros(NOW + HOUR)),
        ("interval", 0, {}, NEVER),
        ("indicatorType", 999, {}, from_micros(NOW + 2 * HOUR)),
        ("suddenDeath", 60, {}, NEVER),
        ("interval", 60, {"expirationdate": "2030-01-01T02:00:00+02:00"}, "2030-01-01T00:00:00.000000Z"),
        ("interval", 60, {"expirationdate": "Never"}, NEVER),
        ("interval", 60, {"expirationdate": NEVER}, NEVER),
        ("interval", 60, {"expirationdate": ""}, from_micros(NOW + HOUR)),
    ],
)
def test_merge_expiration_by_policy(policy: str, minutes: int, fields: dict[str, Any], expected: str) -> None:
    who = source(expiration_policy=policy, expiration_interval_minutes=minutes)
    doc = said((who, item(fields=fields)), rules=Rules({"domain": 120}))
    assert doc["expiration"] == doc["moduleToFeedMap"]["id-one"]["expiration"] == expected
    assert "expirationdate" not in doc["CustomFields"]


def test_merge_indicator_type_without_rule_never_expires() -> None:
    assert said((source(), item()), rules=Rules({"ip": 5}))["expiration"] == NEVER


@pytest.mark.parametrize(("passed", "changed"), [(0, False), (29, False), (30, False), (31, True), (61, True)])
def test_merge_interval_is_renewed_once_half_of_it_is_over(passed: int, changed: bool) -> None:
    who = source(expiration_policy="interval", expiration_interval_minutes=60)
    now = NOW + passed * MINUTE
    merged = again(said((who, item())), who, item(), now)
    assert merged.changed is changed
    assert merged.doc["expiration"] == from_micros((now if changed else NOW) + HOUR)


def test_merge_expiration_follows_the_most_reliable_then_the_latest() -> None:
    def until(year: int) -> dict[str, Any]:
        return item(fields={"expirationdate": f"{year}-01-01T00:00:00Z"})

    better = said((source("1", "A"), until(2030)), (source("2", "C"), until(2031)))
    equal = said((source("1", "C"), until(2030)), (source("2", "C"), until(2031)))
    returned = said((source("1", "C"), until(2030)), (source("2", "C"), until(2031)), (source("1", "C"), until(2032)))
    assert [doc["expiration"][:4] for doc in (better, equal, returned)] == ["2030", "2031", "2032"]


def test_end_source_expires_unless_another_source_still_lists_it() -> None:
    dying = source("1", "A", expiration_policy="suddenDeath")
    alone = end_source(said((dying, item())), "id-1", NOW + HOUR)
    assert alone.changed and alone.doc["expiration"] == from_micros(NOW + HOUR)
    held = end_source(said((dying, item()), (source("2", "C"), item())), "id-1", NOW + HOUR)
    assert held.changed and held.doc["expiration"] == NEVER
    assert not end_source(alone.doc, "id-1", NOW + 2 * HOUR).changed
    assert not end_source(alone.doc, "id-9", NOW).changed
    assert again(alone.doc, dying, item()).doc["expiration"] == NEVER


def test_merge_timeline_is_bounded_and_keeps_remarks() -> None:
    doc = said((source(), item(fields={"comments": "keep me"})))
    for number in range(TIMELINE_LIMIT + 20):
        doc = again(doc, source(), item(fields={"port": number})).doc
    kinds = [one["type"] for one in doc["comments"]]
    assert kinds.count("IndicatorCommentTimeLine") == TIMELINE_LIMIT
    assert kinds.count("IndicatorCommentRegular") == 1


def test_merge_timeline_tells_what_changed() -> None:
    doc = said((source("1"), item(score=1)), (source("2", "A"), item(score=3, fields={"port": 1})))
    told = doc["comments"][-1]
    assert told["source"] == "Brand 2"
    assert "verdict Good -> Bad" in told["content"] and "port" in told["content"]


# --- edits ---


@pytest.mark.parametrize(("word", "score"), [("Bad", 3), ("malicious", 3), (1, 1), ("2", 2), ("None", 0)])
def test_edit_verdict_wins_over_all_sources(word: object, score: int) -> None:
    doc = edit(said((source("1", "A+"), item(score=1))), {"verdict": word}, NOW).doc
    assert doc["manualScore"] is True
    later = again(doc, source("1", "A+"), item(score=2), NOW + HOUR)
    assert later.changed and later.doc["score"] == score


def test_edit_manual_score_off_gives_the_verdict_back() -> None:
    doc = edit(said((source(), item(score=1))), {"score": 3}, NOW).doc
    back = edit(doc, {"manualScore": False}, NOW).doc
    assert (back["score"], back["manualScore"], back["manuallyEditedFields"]) == (1, False, [])


def test_edit_fields_stick_one_by_one() -> None:
    doc = edit(said((source(), item(fields={"port": 1, "path": "a"}))), {"port": 9, "tags": "mine"}, NOW, "me").doc
    later = again(doc, source(), item(fields={"port": 2, "path": "b", "tags": ["theirs"]})).doc
    assert later["CustomFields"] == {"port": 9, "path": "b", "tags": ["mine"]}
    assert doc["manuallyEditedFields"] == ["port", "tags"]
    assert doc["comments"][-1]["source"] == "me"


def test_edit_removed_field_stays_away() -> None:
    doc = edit(said((source(), item(fields={"port": 1}))), {"port": None}, NOW).doc
    assert "port" not in again(doc, source(), item(fields={"port": 2})).doc["CustomFields"]


@pytest.mark.parametrize(
    ("changes", "expiration"),
    [
        ({"expiration": "2030-01-01"}, "2030-01-01T00:00:00.000000Z"),
        ({"expiration": "in 2 hours"}, from_micros(NOW + 2 * HOUR)),
        ({"expiration": "Never"}, NEVER),
        ({"expirationStatus": "expired"}, from_micros(NOW)),
        ({"expirationStatus": "active"}, NEVER),
    ],
)
def test_edit_expiration_outlasts_the_feeds(changes: dict[str, Any], expiration: str) -> None:
    doc = edit(said((source(), item())), changes, NOW).doc
    later = again(doc, source("2", "A"), item(fields={"expirationdate": "2040-01-01T00:00:00Z"})).doc
    assert doc["expiration"] == later["expiration"] == expiration


def test_edit_type_outlasts_the_feeds() -> None:
    doc = edit(said((source(), item())), {"type": "Host"}, NOW).doc
    assert again(doc, source(), item(score=3)).doc["indicator_type"] == "Host"


def test_edit_comment_is_appended_with_its_author() -> None:
    doc = edit(said((source(), item())), {"comments": "looked at"}, NOW, "me").doc
    assert [(one["content"], one.get("user")) for one in doc["comments"]][-1] == ("looked at", "me")


def test_edit_to_what_it_already_is_changes_nothing_the_second_time() -> None:
    doc = edit(said((source(), item())), {"port": 1}, NOW).doc
    assert not edit(doc, {"port": 1}, NOW + HOUR).changed


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"id": "7"}, "id"),
        ({"modified": "2024"}, "modified"),
        ({"moduleToFeedMap": {}}, "moduleToFeedMap"),
        ({"verdict": "evil"}, "'evil'"),
        ({"score": 9}, "9"),
        ({"expiration": "soon"}, "'soon'"),
        ({"expirationStatus": "gone"}, "'gone'"),
        ({"type": ""}, "type"),
    ],
)
def test_edit_bad_change_names_field_or_value(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        edit(said((source(), item())), changes, NOW)


# --- items, sources, identity ---


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("text", "not an object"),
        ({"type": "IP"}, "value is missing"),
        ({"value": "", "type": "IP"}, "value is missing"),
        ({"value": 7, "type": "IP"}, "value is missing"),
        ({"value": "a"}, "type is missing"),
        ({"value": "a", "type": None}, "type is missing"),
        ({"value": "a\x00b", "type": "IP"}, "control character"),
        ({"value": "a\ud800", "type": "IP"}, "surrogate"),
        ({"value": "a" * 70_000, "type": "IP"}, "longer than"),
        ({"value": "a", "type": "IP", "score": 4}, "score 4"),
        ({"value": "a", "type": "IP", "score": True}, "score True"),
        ({"value": "a", "type": "IP", "fields": [1]}, "fields is not an object"),
        ({"value": "a", "type": "IP", "fields": {1: 2}}, "not a text"),
        ({"value": "a", "type": "IP", "fields": {"expirationdate": "soon"}}, "expirationdate 'soon'"),
    ],
)
def test_prepare_bad_item_is_refused_with_a_reason(raw: Any, reason: str) -> None:
    with pytest.raises(RefusedItem, match=reason):
        prepare(raw)


@pytest.mark.parametrize(("name", "content"), [("expiration_policy", "someday"), ("feed_reputation", "evil")])
def test_source_bad_setting_is_refused(name: str, content: Any) -> None:
    with pytest.raises(ValueError, match=content):
        source(**{name: content})


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Evil.Example.COM", "evil.example.com", True),
        ("ABCDEF", "abcdef", True),
        (" a ", "a", True),
        ("HTTP://Example.com/Path", "http://example.com/Path", True),
        ("http://example.com/Path", "http://example.com/path", False),
    ],
)
def test_identity_case_counts_only_in_the_path_of_a_url(first: str, second: str, same: bool) -> None:
    assert (identity(first) == identity(second)) is same


@pytest.mark.parametrize(
    ("content", "expected"),
    [("a, b,,a", ["a", "b"]), (["a", " b ", "", None, "a"], ["a", "b"]), (7, [7]), ("", []), (("x",), ["x"])],
)
def test_as_list_cleans(content: Any, expected: list[Any]) -> None:
    assert as_list(content) == expected


_SOURCES = st.builds(
    source,
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(sorted(LETTERS)),
    expiration_policy=st.sampled_from(POLICIES),
    expiration_interval_minutes=st.sampled_from([0, 60]),
    tags=st.sampled_from([(), ("x",)]),
)
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "port": st.integers(0, 3) | st.none(),
        "tags": st.lists(st.sampled_from("abc")) | st.sampled_from(["a,b", ""]),
        "comments": st.sampled_from(["p", "q"]),
        "expirationdate": st.sampled_from(["2030-01-01T00:00:00Z", "Never"]),
    },
)
_ITEMS = st.builds(
    lambda score, kind, fields: item(score=score, type=kind, fields=fields),
    st.none() | st.integers(0, 3),
    st.sampled_from(["Domain", "Host"]),
    _FIELDS,
)
_REPORTS = st.lists(st.tuples(_SOURCES, _ITEMS), min_size=1, max_size=8)


@given(_REPORTS)
def test_merge_of_any_reports_keeps_the_promises(reports: list[tuple[Source, dict[str, Any]]]) -> None:
    doc = said(*reports)
    feeds = doc["moduleToFeedMap"]
    latest = {who.instance_id: (who, what) for who, what in reports}
    assert feeds.keys() == latest.keys()
    best = min((entry["reliability"] for entry in feeds.values()), key=lambda text: list(LETTERS.values()).index(text))
    assert doc["aggregatedReliability"] == best
    assert doc["score"] in {entry["score"] for entry in feeds.values()}
    # What each source said last is known, so hearing it again, in any order, is no news.
    for who, what in latest.values():
        assert not again(doc, who, what, NOW + len(reports)).changed


@given(_REPORTS, st.integers(0, 3))
def test_edit_survives_any_reports(reports: list[tuple[Source, dict[str, Any]]], score: int) -> None:
    doc = edit(said(*reports[:1]), {"score": score, "port": "mine"}, NOW).doc
    for who, what in reports:
        doc = again(doc, who, what).doc
    assert (doc["score"], doc["CustomFields"]["port"]) == (score, "mine")
