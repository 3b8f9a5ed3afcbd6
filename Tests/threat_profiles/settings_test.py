"""Each parameter of the feed, seen in the records that it makes on the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from Tests.threat_profiles.world import World, world

ARTICLE = {
    "title": "Fancy Bear, Venomous Bear and Conti",
    "link": "https://news.example/1",
    "published": "2025-01-01T08:00:00Z",
}
VALUE = "Fancy Bear Venomous Bear and Conti"
OTHER = {"title": "Nobody is named here", "link": "https://news.example/2", "published": "2025-01-02T08:00:00Z"}
SHARED = {"value": "Uroburos", "type": "Malware", "aliases": ["Venomous Bear"]}


def fetched(made: World) -> dict[str, Any]:
    result = made.fetch()
    assert result.status == "ok", result.error
    return made.reports()


def profiles_related(made: World) -> set[tuple[str, str]]:
    return {(kind, name) for _, kind, name in made.related()}


def test_name_and_tlp_of_each_source_reach_its_reports(tmp_path: Path) -> None:
    with world(tmp_path, {"one": {"items": [ARTICLE]}, "two": {"items": [OTHER]}}, configured=False) as made:
        lines = f'{made.site.address("one")} name="Dark Reading" tlp=amber\n{made.site.address("two")}'
        made.params |= {"tlp_color": "GREEN"}
        made.host.add_instance("ThreatNewsFeed", "news", {**made.params, "sources": lines})
        reports = fetched(made)
        told = {
            value: (
                fields["trafficlightprotocol"],
                fields["reportedby"],
                fields["publications"][0]["source"],
                fields["firstseenbysource"],
            )
            for value, fields in ((value, doc["CustomFields"]) for value, doc in reports.items())
        }
        assert told == {
            VALUE: ("AMBER", "Dark Reading", "Dark Reading", ARTICLE["published"]),
            "Nobody is named here": ("GREEN", "127.0.0.1", "127.0.0.1", OTHER["published"]),
        }


def test_without_tlp_and_tags_reports_have_none(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ARTICLE]}}) as made:
        fields = fetched(made)[VALUE]["CustomFields"]
        assert "trafficlightprotocol" not in fields and not fields.get("tags")


def test_parameters_of_every_feed_reach_the_reports(tmp_path: Path) -> None:
    given: dict[str, Any] = {"feedTags": "news,osint", "feedReputation": "Suspicious"}
    given["feedReliability"] = "B - Usually reliable"
    with world(tmp_path, {"blog": {"items": [ARTICLE]}}, **given) as made:
        report = fetched(made)[VALUE]
        assert report["CustomFields"]["tags"] == ["news", "osint"]
        assert (report["score"], report["aggregatedReliability"]) == (2, "B - Usually reliable")
        assert (report["sourceBrands"], report["sourceInstances"]) == (["ThreatNewsFeed"], ["news"])


def test_relationships_are_of_the_real_types_and_to_records_that_exist(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ARTICLE, OTHER]}}) as made:
        made.profiles()
        before = made.actors()
        fetched(made)
        found = made.host.store.relationships.search(size=100)
        assert {(one["entityB"], one["entityBType"]) for one in found} == {
            ("Sofacy", "Threat Actor"), ("Turla", "Intrusion Set"), ("Conti", "Malware"),
        }  # fmt: skip
        assert {(one["entityA"], one["entityAType"], one["name"], one["reverseName"]) for one in found} == {
            (VALUE, "Report", "related-to", "related-to")
        }
        assert {(one["brand"], one["type"]) for one in found} == {("ThreatNewsFeed", "IndicatorToIndicator")}
        assert made.actors() == before
        made.settings("blog", conditional=False)
        fetched(made)
        assert made.host.store.relationships.search(size=100) == found


def test_relationships_can_be_switched_off(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ARTICLE]}}, create_relationships="false") as made:
        made.profiles()
        assert list(fetched(made)) == [VALUE] and made.related() == set()


@pytest.mark.parametrize(("rule", "related"), [("all", {"Turla", "Uroburos"}), ("skip", set())])
def test_name_of_several_profiles_goes_by_its_rule(tmp_path: Path, rule: str, related: set[str]) -> None:
    with world(tmp_path, {"blog": {"items": [ARTICLE]}}, ambiguous_names=rule) as made:
        made.profiles()
        made.profiles([SHARED])
        fetched(made)
        assert {name for _, name in profiles_related(made)} == {"Sofacy", "Conti"} | related


@pytest.mark.parametrize(
    ("given", "related"),
    [
        ({"watch_query": "type:Malware"}, {"Conti"}),
        ({"profile_names": "fancy bear, Turla"}, {"Sofacy", "Turla"}),
        ({"profile_names": "Team 9", "search_field": "tags"}, {"Turla"}),
        ({"stop_names": "Conti\nFancy Bear"}, {"Turla"}),
    ],
    ids=["query", "names", "alias field", "stop list"],
)
def test_watched_profiles_are_those_of_the_parameters(tmp_path: Path, given: dict[str, Any], related: set[str]) -> None:
    with world(tmp_path, {"blog": {"items": [ARTICLE]}}, **given) as made:
        made.profiles()
        made.host.store.indicators.edit("Turla", {"tags": ["Team 9"]})
        fetched(made)
        assert {name for _, name in profiles_related(made)} == related


def test_only_matched_leaves_out_the_others_and_max_articles_puts_off(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [OTHER, ARTICLE]}}, only_matched="true", max_articles="1") as made:
        made.profiles()
        assert list(fetched(made)) == []
        assert list(fetched(made)) == [VALUE]


def test_source_and_tlp_end_on_the_profile_as_its_row_and_not_as_its_own(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ARTICLE]}}, tlp_color="RED") as made:
        made.profiles()
        fetched(made)
        assert made.update().status == "done"
        [record] = [doc for doc in made.actors() if doc["value"] == "Sofacy"]
        assert record["CustomFields"]["publications"] == [
            {"title": ARTICLE["title"], "link": ARTICLE["link"], "source": "blog", "timestamp": ARTICLE["published"]}
        ]
        assert record["CustomFields"]["lastseenbysource"] == ARTICLE["published"]
        assert "trafficlightprotocol" not in record["CustomFields"] and record["sourceBrands"] == ["MITRE ATT&CK"]
