"""What readers of an emulated site get."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from emulators.kit import Refused
from emulators.news.conftest import Start
from emulators.news.documents import ATOM

ITEMS = [
    {"title": "First & foremost", "link": "https://news.example/1", "guid": "1", "published": "2025-01-01T08:00:00Z"},
    {"title": "Second", "link": "https://news.example/2", "guid": "2", "summary": "About <b>it</b>"},
    {"title": "Third", "guid": "3"},
]


def read(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=5, allow_redirects=False)


def test_rss_shows_newest_first_and_leaves_out_what_is_missing(news: Start) -> None:
    site = news(blog={"title": "Blog", "items": ITEMS, "window": 2})
    items = ElementTree.fromstring(read(site.address("blog")).content).findall("channel/item")
    assert [[child.tag for child in item] for item in items] == [
        ["title", "guid"],
        ["title", "link", "description", "guid"],
    ]


def test_atom_has_links_and_times(news: Start) -> None:
    site = news(blog={"kind": "atom", "items": ITEMS[:1]})
    entry = ElementTree.fromstring(read(site.address("blog")).content).find(f"{{{ATOM}}}entry")
    assert entry is not None
    assert entry.findtext(f"{{{ATOM}}}published") == "2025-01-01T08:00:00Z"
    link = entry.find(f"{{{ATOM}}}link")
    assert link is not None and link.get("href") == "https://news.example/1"


def test_page_has_menu_and_headlines_also_without_link(news: Start) -> None:
    text = read(news(front={"kind": "page", "items": ITEMS}).address("front")).text
    assert "<nav>" in text and '<a href="https://news.example/1"><h2>First &amp; foremost</h2>' in text
    assert "<a><h2>Third</h2></a>" in text


def test_article_has_its_text_amid_other_things(news: Start) -> None:
    text = read(news(one={"kind": "article", "title": "A & b", "text": "By <x>"}).address("one")).text
    assert "<article><h1>A &amp; b</h1><p>By &lt;x&gt;</p>" in text
    assert "<nav>" in text and "Another story" in text


def test_unchanged_source_is_304_until_something_is_published(news: Start) -> None:
    site = news(blog={"items": ITEMS[:1]})
    first = read(site.address("blog"))
    tag, when = first.headers["ETag"], first.headers["Last-Modified"]
    assert read(site.address("blog"), **{"If-None-Match": tag}).status_code == 304
    assert read(site.address("blog"), **{"If-Modified-Since": when}).status_code == 304
    with site.lock:
        site.clock.advance(10)
        site.state.edit({"publish": {"source": "blog", "items": ITEMS[1:]}})
    assert read(site.address("blog"), **{"If-None-Match": tag}).status_code == 200
    assert read(site.address("blog"), **{"If-Modified-Since": when}).status_code == 200


@pytest.mark.parametrize("broken", ["cut", "ampersand", "unclosed", "not-xml"])
def test_broken_document_does_not_parse(news: Start, broken: str) -> None:
    site = news(blog={"items": ITEMS, "broken": broken})
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(read(site.address("blog")).content)


def test_padding_is_small_on_the_wire(news: Start) -> None:
    site = news(blog={"items": ITEMS, "padding": 1_000_000})
    assert len(read(site.address("blog")).content) > 1_000_000
    assert site.requests.latest(1)[0].bytes_out < 20_000


def test_redirect_and_unknown_source(news: Start) -> None:
    site = news(old={"redirect": "https://news.example/new", "redirect_status": 301})
    moved = read(site.address("old"))
    assert (moved.status_code, moved.headers["Location"]) == (301, "https://news.example/new")
    assert read(site.address("none")).status_code == 404


def test_drip_sends_the_whole_body(news: Start) -> None:
    whole = read(news(blog={"items": ITEMS}).address("blog")).content
    assert read(news(blog={"items": ITEMS, "drip_seconds": 0.05}).address("blog")).content == whole


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"publish": {"source": "none", "items": []}},
        {"publish": {"source": "blog", "items": [{"colour": "red"}]}},
        {"publish": {"source": "blog", "items": [{"published": "yesterday"}]}},
        {"publish": {"source": "blog", "items": [{"published": "2025-01-01T08:00:00"}]}},
        {"sources": {"blog": {"kind": "gopher"}}},
        {"sources": {"blog": {"padding": -1}}},
    ],
)
def test_edit_that_is_wrong_is_refused_and_changes_nothing(news: Start, change: dict[str, Any]) -> None:
    site = news(blog={"items": ITEMS})
    before = list(site.state.dump())
    with pytest.raises(Refused), site.lock:
        site.state.edit(change)
    assert list(site.state.dump()) == before


def test_seed_with_a_name_that_is_no_address_is_refused(news: Start) -> None:
    site = news()
    with pytest.raises(Refused), site.lock:
        site.state.seed({"sources": {"a/b": {}}})
    assert site.state.count() == {"sources": 0, "items": 0}
