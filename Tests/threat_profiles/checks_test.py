"""The first five checks that a linking of news to profiles has to pass, on the host; six and seven: matcher_test.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulators.kit import Fault
from Tests.threat_profiles.job_test import links, untagged
from Tests.threat_profiles.world import World, world

LINK = "https://news.example/2025/{}"
NAMES = [
    {"value": "Comment Crew", "type": "Threat Actor", "aliases": ["APT1", "SEA"]},
    {"value": "menuPass", "type": "Threat Actor", "aliases": ["APT10", "Stone Panda"]},
    {"value": "Sofacy", "type": "Intrusion Set", "aliases": ["APT28", "Fancy Bear", "APT"]},
    {"value": "TA473", "type": "Threat Actor", "aliases": ["Winter Vivern"]},
    {"value": "Conti", "type": "Malware", "aliases": []},
    {"value": "Clop", "type": "Malware", "aliases": []},
]
NO_HIT = (
    "A budget laptop for the chapter on cheap tickets",
    "Attacks continue, and contingency plans with them",
    "An encyclopedia of research by the seaside",
    "APT100 is nobody",
)
HITS = {
    "What APT10 did": "menuPass",
    "APT-28 is back": "Sofacy",
    "APT 28 was never away": "Sofacy",
    "Why apt28 matters": "Sofacy",
    "Fancy Bear at work": "Sofacy",
    "Tools of fancybear": "Sofacy",
    "WinterVivern moves": "TA473",
    "On Winter Vivern again": "TA473",
    "Conti leaks": "Conti",
}


def item(number: int, title: str, **more: str) -> dict[str, str]:
    return {"title": title, "link": LINK.format(number), "published": f"2025-01-{number + 1:02}T08:00:00Z", **more}


def run(made: World) -> None:
    result = made.fetch()
    assert result.status == "ok", result.error
    assert made.update().status == "done"


def test_check_1_article_twice_in_one_run_and_in_two_and_two_aliases_are_one_row(tmp_path: Path) -> None:
    first = item(1, "Fancy Bear, also known as APT28 or Sofacy")
    again = {**first, "link": LINK.format("1/?utm_source=mail#top"), "guid": "x"}
    retold = {**first, "title": "More on APT-28", "guid": "y"}
    with world(tmp_path, {"one": {"items": [first, again]}, "two": {"kind": "atom", "items": [retold]}}) as made:
        made.profiles(NAMES)
        run(made)
        made.publish("one", {**retold, "guid": "z"})
        made.settings("two", conditional=False)
        run(made)
        assert made.update(report_query="type:Report").status == "done"
        assert links(made)["Sofacy"] == [LINK.format(1)]
        assert len(made.reports()) == 1


def test_check_2_names_are_found_as_words_and_however_they_are_joined(tmp_path: Path) -> None:
    titles = [*NO_HIT, *HITS]
    with world(tmp_path, {"blog": {"items": [item(n, title) for n, title in enumerate(titles)]}}) as made:
        made.profiles(NAMES)
        run(made)
        by_link = {LINK.format(n): title for n, title in enumerate(titles)}
        found = {by_link[link]: name for name, rows in links(made).items() for link in rows}
        assert found == HITS
        assert {(report, name) for report, _, name in made.related()} == set(HITS.items())


def test_check_3_conflict_is_merged_and_no_row_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"link": "https://other.example/1", "title": "Meanwhile", "timestamp": "2025-06-01T00:00:00Z"}
    with world(tmp_path, {"blog": {"items": [item(1, "APT28"), item(2, "Fancy Bear")]}}) as made:
        made.profiles(NAMES)
        assert made.fetch().status == "ok"
        indicators: Any = made.host.store.indicators
        edit, search = indicators.edit, indicators.search
        steps = ["refuse", "write", "done"]

        def edit_late(value: str, *args: Any, **options: Any) -> Any:
            if value == "Sofacy" and steps[0] == "refuse":
                steps.pop(0)
                raise ValueError("version conflict (409)")
            return edit(value, *args, **options)

        def search_after(*args: Any, **options: Any) -> Any:
            if steps[0] == "write":
                steps.pop(0)
                edit("Sofacy", {"publications": [other], "description": "by somebody else"})
            return search(*args, **options)

        monkeypatch.setattr(indicators, "edit", edit_late)
        monkeypatch.setattr(indicators, "search", search_after)
        assert made.update().status == "done" and steps == ["done"]
        assert links(made)["Sofacy"] == [other["link"], LINK.format(2), LINK.format(1)]
        [record] = [doc for doc in made.actors() if doc["value"] == "Sofacy"]
        assert record["CustomFields"]["description"] == "by somebody else"
        assert untagged(made) == []


@pytest.mark.parametrize("down", ["apply", "search"])
def test_check_4_store_that_is_down_leaves_everything_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, down: str
) -> None:
    with world(tmp_path, {"blog": {"items": [item(1, "APT28 is back"), item(2, "Nobody")]}}) as made:
        made.profiles(NAMES)
        before = made.actors()

        def refuse(*args: Any, **options: Any) -> Any:
            raise ValueError("the store is not available")

        with monkeypatch.context() as patch:
            patch.setattr(made.host.store.indicators, down, refuse)
            assert made.fetch().status == "error"
        assert "seen" not in made.memory("blog") and made.memory("blog").get("etag", "") == ""
        assert made.actors() == before and made.reports() == {}
        run(made)
        assert links(made)["Sofacy"] == [LINK.format(1)] and len(made.reports()) == 2
        kept = {doc["value"]: doc["CustomFields"]["aliases"] for doc in made.actors()}
        assert kept == {doc["value"]: doc["CustomFields"]["aliases"] for doc in before}


def test_check_4_job_whose_writes_fail_leaves_the_reports_open_and_the_next_run_delivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, {"blog": {"items": [item(1, "APT28 is back"), item(2, "Conti")]}}) as made:
        made.profiles(NAMES)
        assert made.fetch().status == "ok"
        before = made.actors()

        indicators: Any = made.host.store.indicators
        edit = indicators.edit

        def refuse(value: str, *args: Any, **options: Any) -> Any:
            if value in {doc["value"] for doc in before}:
                raise ValueError("the store is not available")
            return edit(value, *args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(indicators, "edit", refuse)
            made.update()
        assert made.actors() == before and len(untagged(made)) == 2
        run(made)
        assert (links(made)["Sofacy"], links(made)["Conti"]) == ([LINK.format(1)], [LINK.format(2)])
        assert untagged(made) == []


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_check_5_no_item_is_lost_besides_the_one_that_is_broken(tmp_path: Path, kind: str) -> None:
    titles = ['APT28 | "Fancy", bear', "Новости: APT28 и другие", "APT28：新的攻击", "APT28 &amp; <b>friends</b>"]
    items = [item(n, title) for n, title in enumerate(titles)]
    items += [
        {"title": "APT28 without a link", "guid": "no-link"},
        {"link": "https://elsewhere.example/fancy-bear-without-a-title", "published": "2025-02-01T08:00:00Z"},
        {"title": "APT28 without a date", "link": "https://third.example/2025/apt28"},
    ]
    with world(tmp_path, {"blog": {"kind": kind, "items": items}}) as made:
        made.profiles(NAMES)
        run(made)
        rows = {
            row["link"]: row["title"] for doc in made.actors() for row in doc["CustomFields"].get("publications") or []
        }
        assert rows == {
            **{LINK.format(n): title for n, title in enumerate(titles[:3])},
            LINK.format(3): "APT28 & friends",
            "https://elsewhere.example/fancy-bear-without-a-title": "fancy bear without a title",
            "https://third.example/2025/apt28": "APT28 without a date",
        }
        assert len(made.reports()) == 6 and untagged(made) == []
        [request] = [one for one in made.site.requests.latest(None) if one.status == 200]
        assert request.bytes_out < 2_000, "it was sent compressed"


def test_check_5_broken_document_gives_the_rest_once_it_is_whole(tmp_path: Path) -> None:
    items = [item(n, f"APT28, part {n}") for n in range(8)]
    with world(tmp_path, {"blog": {"items": items, "broken": "cut"}}) as made:
        made.profiles(NAMES)
        run(made)
        assert 1 <= len(links(made)["Sofacy"]) < 8
        made.settings("blog", broken="")
        made.site.faults.add(Fault("torn", path="*/blog", count=1))
        run(made)
        assert links(made)["Sofacy"] == [LINK.format(n) for n in range(7, -1, -1)]
