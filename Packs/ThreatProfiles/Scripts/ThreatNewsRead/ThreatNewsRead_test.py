"""What is given of sources, and that one which fails stops no other."""

from pathlib import Path
from typing import Any

import demistomock as demisto
import pytest
from NewsSourceApiModule import NewsBusyError, NewsDocument, NewsSource
from ThreatNewsRead import file_source, main, options_from_args, read_all

NOW = "2026-01-31T00:00:00Z"
BLOG = NewsSource("https://blog.example/rss", "Blog")
FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel>
<item><title>One &amp; only</title><link>https://a.example/1?utm_source=x</link>
<pubDate>Sat, 03 Jan 2026 10:00:00 GMT</pubDate></item>
<item><title>No link</title></item><item><title>Two</title><link>https://a.example/2</link></item></channel></rss>"""


def document(body: bytes = FEED) -> NewsDocument:
    return NewsDocument(BLOG.url, body, "application/rss+xml")


def fails() -> NewsDocument:
    raise NewsBusyError("https://down.example does not answer")


def test_read_all_gives_articles_of_good_sources_and_names_the_others() -> None:
    down = NewsSource("https://down.example/rss")
    articles, readings = read_all([(down, fails), (BLOG, document)], NOW)

    assert articles == [
        {"title": "Two", "link": "https://a.example/2", "source": "Blog", "timestamp": NOW},
        {
            "title": "One & only",
            "link": "https://a.example/1?utm_source=x",
            "source": "Blog",
            "timestamp": "2026-01-03T10:00:00Z",
        },
    ]
    assert [(one.source, one.kind, one.articles, one.without_link) for one in readings] == [
        ("down.example", "", 0, 0),
        ("Blog", "feed", 2, 1),
    ]
    assert "does not answer" in readings[0].problem


def test_read_all_same_article_in_two_sources_is_given_once() -> None:
    other = FEED.replace(b"utm_source=x", b"utm_source=y")
    articles, readings = read_all([(BLOG, document), (NewsSource("https://b.example"), lambda: document(other))], NOW)

    assert len(articles) == 2
    assert [one.articles for one in readings] == [2, 2]


def test_file_source_reads_the_document_of_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(FEED)
    monkeypatch.setattr(demisto, "getFilePath", lambda entry: {"id": entry, "path": str(path), "name": "feed.xml"})

    articles, readings = read_all([file_source("1@2")], NOW)

    assert len(articles) == 2
    assert readings[0].source == "feed.xml"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({}, "'sources' or 'files'"),
        ({"sources": "ftp://x"}, "'sources', line 1"),
        ({"sources": "https://a.example", "own_networks": "x"}, "'own_networks'"),
        ({"sources": "https://a.example", "read_seconds": "0"}, "read_seconds"),
    ],
)
def test_options_from_args_wrong_argument_is_named(args: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        options_from_args(args)


def test_main_no_source_could_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text("nothing")
    monkeypatch.setattr(demisto, "args", lambda: {"files": "1@2"})
    monkeypatch.setattr(demisto, "getFilePath", lambda entry: {"path": str(tmp_path / "x"), "name": "feed.xml"})
    told: list[Any] = []
    monkeypatch.setattr(demisto, "results", told.append)

    with pytest.raises(SystemExit):
        main()

    assert told[-1]["Type"] == 4
    assert "feed.xml" in told[-1]["Contents"]
