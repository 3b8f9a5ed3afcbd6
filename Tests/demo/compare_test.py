"""The comparison that decides the exit code of the demo finds every planted difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from demo.compare import Comparison, Difference, compare

SEVERITY = "SEV_040_HIGH"
SHA_1 = "a" * 40
Json = dict[str, Any]


def document(value: str = "192.0.2.1", kind: str = "IP", **changes: Any) -> Json:
    feed = {"sourceBrand": "Import", "score": 3, "reliability": "A - Completely reliable"}
    return {
        "value": value, "indicator_type": kind, "score": 3, "expiration": "0001-01-01T00:00:00Z",
        "comments": [], "CustomFields": {}, "moduleToFeedMap": {"import:import": feed}, **changes,
    }  # fmt: skip


def row(value: str = "192.0.2.1", kind: str = "IP", **changes: Any) -> Json:
    vendor = {"vendor_name": "Import", "reputation": "BAD", "reliability": "A"}
    return {
        "RULE_INDICATOR": value, "IOC_TYPE": kind, "RULE_SEVERITY": SEVERITY, "REPUTATION": "BAD",
        "RELIABILITY": "A", "RULE_STATUS": "ENABLED", "RULE_COMMENT": "", "KLASS": None, "RULE_EXPIRATION_TIME": -1,
        "VENDORS": [vendor], "MARKED_DELETED": 0, **changes,
    }  # fmt: skip


def compared(documents: list[Json], rows: list[Json]) -> Comparison:
    return compare(documents, rows, SEVERITY)


def test_compare_same_on_both_sides_agrees() -> None:
    hashed = "b" * 64
    found = compared([document(), document(hashed, "File")], [row(hashed, "HASH"), row()])
    assert found.agrees
    assert (found.expected, found.equal) == (2, 2)


def test_compare_missing_rule_is_lost() -> None:
    found = compared([document(), document("192.0.2.2")], [row()])
    assert not found.agrees
    assert found.lost == ["192.0.2.2"]


def test_compare_rule_marked_deleted_is_lost() -> None:
    assert compared([document()], [row(MARKED_DELETED=1)]).lost == ["192.0.2.1"]


def test_compare_rule_without_indicator_is_surplus() -> None:
    found = compared([document()], [row(), row("192.0.2.9")])
    assert not found.agrees
    assert found.surplus == ["192.0.2.9"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"IOC_TYPE": "HASH"}, "type"),
        ({"RULE_SEVERITY": "SEV_010_INFO"}, "severity"),
        ({"REPUTATION": "GOOD"}, "reputation"),
        ({"RELIABILITY": "B"}, "reliability"),
        ({"RULE_STATUS": "DISABLED"}, "status"),
        ({"RULE_COMMENT": "other"}, "comment"),
        ({"KLASS": "malware"}, "klass"),
        ({"RULE_EXPIRATION_TIME": 1}, "expires_ms"),
        ({"VENDORS": []}, "vendors"),
    ],
)
def test_compare_planted_difference_is_named(change: Mapping[str, Any], field: str) -> None:
    found = compared([document()], [row(**change)])
    assert not found.agrees
    assert [(one.value, one.field) for one in found.differences] == [("192.0.2.1", field)]


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({"CustomFields": {"sourceoriginalseverity": "critical"}}, {"RULE_SEVERITY": "SEV_050_CRITICAL"}),
        ({"CustomFields": {"xdriocstatus": "disabled"}}, {"RULE_STATUS": "DISABLED"}),
        ({"CustomFields": {"xdrioccomment": "from XDR"}}, {"RULE_COMMENT": "from XDR"}),
        ({"CustomFields": {"threattypes": [{"threatcategory": "worm"}]}}, {"KLASS": "worm"}),
        ({"expiration": "2030-01-01T00:00:00.250000Z"}, {"RULE_EXPIRATION_TIME": 1_893_456_000_250}),
        ({"comments": [{"type": "IndicatorCommentRegular", "content": "ours"}]}, {"RULE_COMMENT": "ours"}),
        ({"score": 1}, {"REPUTATION": "GOOD"}),
    ],
)
def test_compare_field_of_xsoar_is_expected_in_xdr(change: Json, held: Json) -> None:
    assert compared([document(**change)], [row(**held)]).agrees
    assert not compared([document(**change)], [row()]).agrees


def test_compare_several_sources_give_one_vendor_per_brand_without_our_own() -> None:
    feeds = {
        "one": {"sourceBrand": "Feed", "score": 2, "reliability": "C - Fairly reliable"},
        "two": {"sourceBrand": "Feed", "score": 3, "reliability": "B - Usually reliable"},
        "own": {"sourceBrand": "CortexXDRIOC", "score": 1, "reliability": "A - Completely reliable"},
    }
    vendors = [{"vendor_name": "Feed", "reputation": "BAD", "reliability": "B"}]
    assert compared([document(moduleToFeedMap=feeds)], [row(RELIABILITY="B", VENDORS=vendors)]).agrees


@pytest.mark.parametrize(("value", "kind"), [(SHA_1, "File"), ("not a domain", "Domain"), ("2001:db8::1", "IP")])
def test_compare_value_that_xdr_does_not_take_must_not_be_there(value: str, kind: str) -> None:
    found = compared([document(value, kind)], [])
    assert found.agrees
    assert found.not_taken == 1
    assert not compared([document(value, kind)], [row(value)]).agrees


def test_compare_rule_deleted_by_the_operator_must_stay_away() -> None:
    gone = document(CustomFields={"xdriocstatus": "deleted"})
    found = compared([gone], [row(MARKED_DELETED=1)])
    assert found.agrees
    assert found.deleted == 1
    assert compared([gone], [row()]).surplus == ["192.0.2.1"]


def test_compare_difference_tells_both_sides() -> None:
    found = compared([document()], [row(RULE_COMMENT="other")])
    assert found.differences == [Difference("192.0.2.1", "comment", "", "other")]


def test_compare_two_fields_of_one_rule_are_two_differences() -> None:
    found = compared([document()], [row(RULE_COMMENT="other", RULE_STATUS="DISABLED")])
    assert [one.field for one in found.differences] == ["status", "comment"]
