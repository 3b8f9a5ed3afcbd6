"""The feed on the host, against sites where everything that goes wrong with news goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulators.kit import Fault
from Tests.threat_profiles.world import INSTANCE, World, world

ABOUT = {
    "title": "APT28, also known as Fancy Bear, is back",
    "link": "https://www.news.example/2025/apt28-back?utm_source=rss#top",
    "guid": "1",
    "published": "2025-01-01T08:00:00Z",
    "summary": "What <b>Venomous Bear</b> &amp; others do",
}
OTHER = {"title": "Companies continue to patch", "link": "https://www.news.example/2025/patch", "guid": "2"}
LATER = {"title": "Conti, the ransomware", "link": "https://feeds.other.example/conti", "guid": "3"}
LINK = "https://www.news.example/2025/apt28-back"
VALUE = "APT28 also known as Fancy Bear is back"


def fetched(made: World) -> None:
    result = made.fetch()
    assert result.status == "ok", result.error


def failed(made: World) -> str:
    result = made.fetch()
    assert result.status == "error" and result.error
    return result.error


def titles(made: World) -> list[str]:
    return sorted(doc["CustomFields"]["publications"][0]["title"] for doc in made.reports().values())


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_fetch_makes_a_report_of_each_article_and_relates_it(tmp_path: Path, kind: str) -> None:
    params: dict[str, Any] = {"feedTags": "news", "tlp_color": "GREEN", "match_description": "true"}
    with world(tmp_path, {"blog": {"kind": kind, "items": [ABOUT, OTHER]}}, **params) as made:
        made.profiles()
        fetched(made)
        fields = made.reports()[VALUE]["CustomFields"]
        assert fields["publications"] == [
            {"link": LINK, "title": ABOUT["title"], "source": "blog", "timestamp": "2025-01-01T08:00:00Z"}
        ]
        assert fields["description"] == "What Venomous Bear & others do"
        assert (fields["reportedby"], fields["tags"], fields["trafficlightprotocol"]) == ("blog", ["news"], "GREEN")
        assert made.related() == {(VALUE, "Threat Actor", "Sofacy"), (VALUE, "Intrusion Set", "Turla")}
        assert len(made.reports()) == 2


def test_fetch_again_asks_for_what_changed_and_brings_only_that(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ABOUT]}}) as made:
        fetched(made)
        before = made.reports()
        fetched(made)
        assert made.asked() == [200, 304] and made.reports() == before
        made.publish("blog", OTHER)
        fetched(made)
        assert made.asked()[-1] == 200 and len(made.reports()) == 2
        assert made.reports()[VALUE] == before[VALUE]


def test_fetch_site_without_marks_brings_nothing_twice(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ABOUT, OTHER], "conditional": False}}) as made:
        fetched(made)
        before = made.reports()
        fetched(made)
        assert made.asked() == [200, 200] and made.reports() == before


def test_fetch_same_article_of_two_sources_is_one_report(tmp_path: Path) -> None:
    again = {**ABOUT, "link": f"{LINK}/?utm_campaign=x", "guid": "other"}
    with world(tmp_path, {"one": {"items": [ABOUT]}, "two": {"kind": "atom", "items": [again]}}) as made:
        fetched(made)
        assert list(made.reports()) == [VALUE]


def test_fetch_two_articles_of_one_title_are_two_reports(tmp_path: Path) -> None:
    again = {**ABOUT, "link": "https://www.news.example/2026/apt28-back", "guid": "4"}
    with world(tmp_path, {"one": {"items": [ABOUT]}, "two": {"items": [again]}}) as made:
        fetched(made)
        assert titles(made) == [ABOUT["title"]] * 2


def test_fetch_article_titled_like_a_profile_leaves_the_profile_alone(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [{**ABOUT, "title": "SOFACY"}]}}) as made:
        made.profiles()
        before = made.actors()
        fetched(made)
        assert made.actors() == before
        assert titles(made) == ["SOFACY"] and "Sofacy" in {profile for _, _, profile in made.related()}


def test_fetch_first_time_leaves_old_articles(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ABOUT, OTHER]}}, first_fetch="30 days") as made:
        fetched(made)
        assert titles(made) == [OTHER["title"]]
        made.publish("blog", {**LATER, "published": "2024-01-01T00:00:00Z"})
        fetched(made)
        assert titles(made) == [OTHER["title"], LATER["title"]]


def test_fetch_items_without_link_title_or_date_cost_no_other(tmp_path: Path) -> None:
    items = [
        {"title": "No link", "guid": "no-link"},
        {"link": "https://www.news.example/the-words-of-a-link"},
        {"title": "Новости | \"APT28\", 新闻", "link": "https://www.news.example/x"},
        ABOUT,
    ]  # fmt: skip
    for kind in ("rss", "atom", "page"):
        with world(tmp_path / kind, {"blog": {"kind": kind, "items": items}}, configured=False) as made:
            made.configure("blog", "prefix=https://www.news.example/" if kind == "page" else "")
            fetched(made)
            assert titles(made) == [ABOUT["title"], "the words of a link", items[2]["title"]]
            assert made.memory("blog")["without_link"] == 1


@pytest.mark.parametrize("broken", ["cut", "ampersand", "unclosed"])
def test_fetch_broken_document_gives_what_can_be_read_and_the_rest_later(tmp_path: Path, broken: str) -> None:
    items = [{**OTHER, "title": f"Article number {n}", "link": f"{LINK}/{n}", "guid": str(n)} for n in range(6)]
    with world(tmp_path, {"blog": {"items": items, "broken": broken}, "good": {"items": [ABOUT]}}) as made:
        fetched(made)
        assert VALUE in made.reports() and len(made.reports()) >= 3
        made.settings("blog", broken="")
        fetched(made)
        assert len(made.reports()) == 7


@pytest.mark.parametrize(
    ("settings", "faults", "told"),
    [
        ({"broken": "not-xml"}, [], "not a feed"),
        ({"padding": 3_000_000}, [], "larger than 100000 bytes"),
        ({"redirect": "http://10.255.255.1/feed"}, [], "at 10.255.255.1, an internal address"),
        ({"redirect": "http://[::1]:1/feed"}, [], "at ::1, an internal address"),
        ({"redirect": "file:///etc/passwd"}, [], "no web address"),
        ({"drip_seconds": 1.3}, [], "longer than 1 seconds"),
        ({}, [{"kind": "status", "status": 404}], "status 404"),
        ({}, [{"kind": "torn"}], "broke off"),
    ],
    ids=["not xml", "bomb", "internal", "loopback in IPv6", "file", "slow", "gone", "torn"],
)
def test_fetch_bad_source_is_named_and_stops_no_other(
    tmp_path: Path, settings: dict[str, Any], faults: list[dict[str, Any]], told: str
) -> None:
    sources = {"bad": {"items": [OTHER], **settings}, "good": {"items": [ABOUT]}}
    params: dict[str, Any] = {"max_kilobytes": "100", "read_seconds": "1", "fetch_time_budget_seconds": "5"}
    with world(tmp_path, sources, **params) as made:
        made.site.faults.add(*(Fault(path="*/bad", **fault) for fault in faults))
        error = failed(made)
        assert told in error and error.startswith("fetch-indicators: bad:")
        assert list(made.reports()) == [VALUE]
        assert told in made.outputs("!threat-news-status")[0]["error"]


def test_fetch_busy_source_is_tried_again_at_once(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ABOUT]}}) as made:
        made.site.faults.add(Fault("status", status=503, count=1, retry_after=0.01))
        fetched(made)
        assert made.asked() == [503, 200]


def test_fetch_follows_redirects_within_own_networks(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ABOUT]}, "old": {}}, configured=False) as made:
        made.settings("old", redirect=made.site.address("blog"), redirect_status=308)
        made.configure("old")
        fetched(made)
        assert list(made.reports()) == [VALUE]


def test_internal_source_is_refused_unless_its_network_is_named(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [ABOUT]}}, own_networks="") as made:
        assert "127.0.0.1, an internal address" in failed(made)
        assert made.asked() == []


def test_fetch_refused_by_the_store_brings_all_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, {"blog": {"items": [ABOUT, OTHER]}}) as made:

        def down(*args: Any) -> Any:
            raise ValueError("the store is not available")

        with monkeypatch.context() as patch:
            patch.setattr(made.host.store.indicators, "apply", down)
            assert "the store is not available" in failed(made)
        assert made.reports() == {}
        fetched(made)
        assert len(made.reports()) == 2


def test_commands_show_and_change_nothing(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [OTHER, ABOUT]}}) as made:
        made.profiles()
        assert made.host.test_instance(INSTANCE).status == "ok"
        shown = made.outputs("!threat-news-get-indicators limit=5 source=blog")
        assert {row["link"]: row["profiles"] for row in shown} == {LINK: ["Sofacy"], OTHER["link"]: []}
        (hit,) = made.outputs('!threat-news-match text="who is APT-28?"')
        assert (hit["profile"], hit["type"], hit["hit"]) == ("Sofacy", "Threat Actor", True)
        assert made.reports() == {}


def test_test_names_the_source_that_fails(tmp_path: Path) -> None:
    with world(tmp_path, {"good": {"items": [ABOUT]}, "bad": {"broken": "not-xml"}}) as made:
        result = made.host.test_instance(INSTANCE)
        assert result.status == "error" and result.error
        assert "good: feed, 1 articles, newest 2025-01-01T08:00:00Z" in result.error and "bad: " in result.error
