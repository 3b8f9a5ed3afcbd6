"""The feed on the host, told to fetch the text of each article, against pages that do what pages do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emulators.kit import Fault
from Tests.threat_profiles.job_test import links
from Tests.threat_profiles.world import World, world

TEXT = "Researchers saw Fancy Bear at work, with \u201enew\u201c tools."
FIELD = "threatnewstext"
STATUS = "!threat-news-status"


@contextmanager
def pages(folder: Path, settings: Mapping[str, Mapping[str, Any]], **params: str) -> Iterator[World]:
    """A site with a feed and, for each of these pages, an article in it."""
    sources = {name: {"kind": "article", "title": name, **more} for name, more in settings.items()}
    with world(folder, {"blog": {}, **sources}, configured=False, fetch_text="true", **params) as made:
        made.configure("blog")
        made.profiles()
        for name in settings:
            made.publish("blog", {"title": f"About {name}", "link": made.site.address(name), "guid": name})
        yield made


def fetched(made: World) -> None:
    result = made.fetch()
    assert result.status == "ok", result.error


def texts(made: World) -> dict[str, str]:
    return {value: doc["CustomFields"].get(FIELD, "") for value, doc in made.reports().items()}


def asked(made: World, name: str) -> int:
    return sum(request.path.endswith(f"/{name}") for request in made.site.requests.latest(None))


def test_text_is_kept_and_puts_the_article_on_the_profile(tmp_path: Path) -> None:
    with pages(tmp_path, {"one": {"text": TEXT}, "two": {"text": "It names nobody at all"}}) as made:
        fetched(made)
        assert texts(made) == {"About one": f"one {TEXT}", "About two": "two It names nobody at all"}
        assert made.related() == {("About one", "Threat Actor", "Sofacy")}
        assert made.update().status == "done"
        assert links(made)["Sofacy"] == [made.site.address("one")]


def test_text_is_asked_for_once_also_when_the_feed_is_read_again_as_a_whole(tmp_path: Path) -> None:
    with pages(tmp_path, {"one": {"text": TEXT}}) as made:
        made.settings("blog", conditional=False)
        fetched(made)
        before = made.reports()
        fetched(made)
        assert (asked(made, "blog"), asked(made, "one")) == (2, 1) and made.reports() == before


def test_text_is_cut_below_the_size_of_a_record(tmp_path: Path) -> None:
    with pages(tmp_path, {"one": {"text": "Новости " * 5_000}}) as made:
        fetched(made)
        size = len(texts(made)["About one"].encode())
        assert 44_990 < size <= 45_000


@pytest.mark.parametrize(
    ("settings", "fault", "told"),
    [
        ({}, {"kind": "status", "status": 500}, "status 500"),
        ({}, {"kind": "status", "status": 404}, "status 404"),
        ({}, {"kind": "reset"}, "does not answer"),
        ({}, {"kind": "torn"}, "broke off"),
        ({"padding": 3_000_000}, None, "larger than 2000000 bytes"),
        ({"redirect": "http://10.255.255.1/x"}, None, "at 10.255.255.1, an internal address"),
        ({"redirect": "file:///etc/passwd"}, None, "no web address"),
        ({"kind": "rss"}, None, "is application/rss+xml; charset=utf-8 and not a page"),
        ({"drip_seconds": 2.5}, None, "/sources/bad"),
    ],
    ids=["500", "404", "reset", "torn", "bomb", "internal", "file", "no page", "slow"],
)
def test_page_that_fails_costs_no_article_and_is_told(
    tmp_path: Path, settings: dict[str, Any], fault: dict[str, Any] | None, told: str
) -> None:
    # With such a budget all pages together have 1.8 seconds.
    budget = "3" if "drip_seconds" in settings else "60"
    with pages(tmp_path, {"bad": settings, "good": {"text": TEXT}}, fetch_time_budget_seconds=budget) as made:
        if fault:
            made.site.faults.add(Fault(path="*/bad", **fault))
        fetched(made)
        assert texts(made)["About bad"] == ""
        [row] = made.outputs(STATUS)
        assert row["without_text"] >= 1 and told in row["text_error"] and row["error"] == ""
        # The slow page is still being sent while nobody listens any more, and leaves no time for the other.
        if "drip_seconds" not in settings:
            assert texts(made)["About good"] == f"good {TEXT}"
            assert asked(made, "bad") == 1


def test_pages_of_a_host_that_fails_again_and_again_are_given_up(tmp_path: Path) -> None:
    names = [f"page{number}" for number in range(6)]
    with pages(tmp_path, {name: {"text": TEXT} for name in names}) as made:
        made.site.faults.add(Fault("status", path="*/page*", status=500))
        fetched(made)
        assert len(made.reports()) == 6 and sum(asked(made, name) for name in names) == 3


def test_page_at_another_internal_host_is_refused_though_the_source_may_be_there(tmp_path: Path) -> None:
    with pages(tmp_path, {"inside": {"text": TEXT}}) as made:
        link = made.site.address("inside").replace("127.0.0.1", "localhost")
        made.publish("blog", {"title": "A trap", "link": link})
        fetched(made)
        assert texts(made) == {"About inside": f"inside {TEXT}", "A trap": ""}
        assert asked(made, "inside") == 1
        assert "an internal address" in made.outputs(STATUS)[0]["text_error"]


def test_articles_beyond_the_pages_of_a_run_come_with_the_next(tmp_path: Path) -> None:
    with pages(tmp_path, {name: {"text": TEXT} for name in ("one", "two", "three")}, max_pages="2") as made:
        fetched(made)
        assert list(texts(made)) == ["About one", "About two"]
        fetched(made)
        assert texts(made)["About three"] == f"three {TEXT}"


def test_text_refused_by_the_store_comes_with_the_article_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pages(tmp_path, {"one": {"text": TEXT}}) as made:

        def down(*args: Any) -> Any:
            raise ValueError("the store is not available")

        with monkeypatch.context() as patch:
            patch.setattr(made.host.store.indicators, "apply", down)
            assert made.fetch().status == "error"
        fetched(made)
        assert texts(made) == {"About one": f"one {TEXT}"}
