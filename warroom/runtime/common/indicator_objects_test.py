from __future__ import annotations

from typing import Any

import pytest

from warroom.runtime.common.indicator_objects import Common, IndicatorsTimeline
from warroom.runtime.common.relationships import EntityRelationship
from warroom.runtime.common.results import CommandResults
from warroom.runtime.common.verdicts import DBotScore, DBotScoreReliability, DBotScoreType


def verdict(kind: str = "ip", score: int = 3, **more: Any) -> DBotScore:
    return DBotScore("192.0.2.1", kind, "Sample", score, malicious_description="seen", **more)


def test_verdict_context_has_the_path_of_the_server() -> None:
    (item,) = verdict(reliability=DBotScoreReliability.B, message="m").to_context().items()
    path = "val.Indicator && val.Indicator == obj.Indicator && val.Vendor == obj.Vendor && val.Type == obj.Type"
    assert item == (
        f"DBotScore({path})",
        {
            "Indicator": "192.0.2.1", "Type": "ip", "Vendor": "Sample", "Score": 3,
            "Reliability": "B - Usually reliable", "Message": "m",
        },
    )  # fmt: skip
    assert verdict().to_readable() == "Bad"


def test_verdict_vendor_in_an_integration_is_the_brand(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    calling = {"integration": True, "context": {"IntegrationBrand": "Brand"}}
    monkeypatch.setattr(demisto, "callingContext", calling)
    assert verdict().integration_name == "Brand"


@pytest.mark.parametrize("wrong", [{"indicator_type": "x"}, {"score": 4}, {"score": None}, {"reliability": "G"}])
def test_verdict_unknown_values_raise(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(wrong))):
        DBotScore(**{"indicator": "a", "indicator_type": "ip", "score": 1, **wrong})


def test_reliability_is_found_by_letter_or_text() -> None:
    assert DBotScoreReliability.get_dbot_score_reliability_from_str("A+") == DBotScoreReliability.A_PLUS
    assert DBotScoreReliability.get_dbot_score_reliability_from_str("C - Fairly reliable") == DBotScoreReliability.C
    with pytest.raises(ValueError, match="G"):
        DBotScoreReliability.get_dbot_score_reliability_from_str("G")
    assert DBotScoreType.is_valid_type("attackpattern")


def test_indicator_ip_bad_one_is_malicious() -> None:
    found = Common.IP("192.0.2.1", verdict(), asn="1", geo_latitude=1.5, geo_longitude=2, geo_country="X").to_context()
    assert found.pop(DBotScore.CONTEXT_PATH)["Score"] == 3
    assert found == {
        "IP(val.Address && val.Address == obj.Address)": {
            "Address": "192.0.2.1", "ASN": "1", "Geo": {"Country": "X", "Location": "1.5:2"},
            "Malicious": {"Vendor": "Sample", "Description": "seen"},
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    ("indicator", "key", "content"),
    [
        (
            Common.Domain("a.example", verdict("domain", 1), dns="1"),
            "Domain(val.Name",
            {"Name": "a.example", "DNS": "1"},
        ),
        (Common.URL("http://a", verdict("url", 1)), "URL(val.Data", {"Data": "http://a"}),
        (Common.File(verdict("file", 1), md5="m"), "File(val.MD5", {"MD5": "m"}),
        (Common.EMAIL("a@b.c", verdict("email", 1)), "Email(val.Address", {"Address": "a@b.c"}),
        (Common.CVE("CVE-2021-1", cvss="9"), "CVE(val.ID", {"ID": "CVE-2021-1", "CVSS": {"Score": "9"}}),
        (
            Common.Account("7", dbot_score=verdict("account", 1), email_address="e"),
            "Account(val.ID",
            {"ID": "7", "Email": {"Address": "e"}},
        ),
        (Common.Endpoint("7", hostname="h"), "Endpoint(val.ID", {"ID": "7", "Hostname": "h"}),
        (
            Common.CustomIndicator("t", "v", verdict("custom", 1), {"p": 1}, "Own"),
            "Own(val.value",
            {"value": "v", "p": 1},
        ),
        (
            Common.Cryptocurrency("x", "btc", verdict("cryptocurrency", 1)),
            "Cryptocurrency(val.Address",
            {"Address": "x", "AddressType": "btc"},
        ),
        (
            Common.AttackPattern("s", value="T1", dbot_score=verdict("attackpattern", 1)),
            "AttackPattern(val.value",
            {"STIXID": "s", "Value": "T1"},
        ),
    ],
)
def test_indicator_each_kind_has_its_path_and_keys(indicator: Any, key: str, content: dict[str, Any]) -> None:
    path, found = next(iter(indicator.to_context().items()))
    assert path.startswith(key)
    assert found == content


def test_indicator_parts_and_relationships_are_nested() -> None:
    relation = EntityRelationship("uses", "a", "IP", "b", "Domain")
    note = Common.CommunityNotes(note="n", timestamp="t")
    indicator = Common.IP("192.0.2.1", verdict(score=1), relationships=[relation], community_notes=[note])
    content = indicator.to_context()[Common.IP.CONTEXT_PATH]
    assert content["CommunityNotes"] == [{"note": "n", "timestamp": "t"}]
    assert content["Relationships"] == [relation.to_context()]


def test_indicator_without_verdict_or_with_unknown_argument_raises() -> None:
    with pytest.raises(ValueError, match="dbot_score"):
        Common.IP("192.0.2.1", None)
    with pytest.raises(TypeError, match="colour"):
        Common.IP("192.0.2.1", verdict(), colour="red")
    with pytest.raises(TypeError, match="2 arguments"):
        Common.ThreatTypes(1, 2, 3)
    with pytest.raises(ValueError, match="prefix_str"):
        Common.CustomIndicator("t", "v", verdict(), {}, "")
    with pytest.raises(ValueError, match="dbot_score"):
        Common.CustomIndicator("t", "v", None, {}, "P")  # type: ignore[arg-type]


def test_indicator_in_command_results_joins_the_context() -> None:
    timeline = IndicatorsTimeline(["192.0.2.1"], "Integration Update", "seen")
    results = CommandResults(
        "Sample", "id", {"id": 1}, indicator=Common.IP("192.0.2.1", verdict()), indicators_timeline=timeline,
        relationships=[EntityRelationship("uses", "a", "IP", "b", "Domain")],
    )  # fmt: skip
    entry = results.to_context()
    assert set(entry["EntryContext"]) == {
        Common.IP.CONTEXT_PATH, DBotScore.CONTEXT_PATH, "Sample(val.id && val.id == obj.id)",
    }  # fmt: skip
    assert entry["IndicatorTimeline"] == [{"Value": "192.0.2.1", "Category": "Integration Update", "Message": "seen"}]
    assert entry["Relationships"][0]["reverseName"] == "used-by"


def test_relationship_unknown_name_has_the_reverse_related_to() -> None:
    relation = EntityRelationship("frobnicates", "a", "IP", "b", "URL", source_reliability="A", brand="B")
    indicator = relation.to_indicator()
    assert (indicator["name"], indicator["reverseName"], indicator["entityBType"]) == (
        "frobnicates",
        "related-to",
        "URL",
    )
    assert relation.to_entry() == {**indicator, "reliability": "A", "brand": "B"}
    assert relation.to_context()["Relationship"] == "frobnicates"
    assert EntityRelationship.Relationships.is_valid("indicated-by")
    assert EntityRelationship.Relationships.get_reverse("indicates") == "indicated-by"


def test_relationship_missing_entity_raises_and_names_it() -> None:
    with pytest.raises(ValueError, match="entity_b, entity_b_type"):
        EntityRelationship("uses", "a", "IP", "", "")
