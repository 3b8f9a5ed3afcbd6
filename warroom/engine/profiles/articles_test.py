from __future__ import annotations

from pathlib import Path

import pytest

from warroom.engine.errors import UsageError
from warroom.engine.profiles.articles import ArticleFilter, read_articles


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", '\ufeffHeadline,URL,Date,Other\n"One, ""two"" | three",https://a.example/1,2026-01-02,x\n'),
        ("a.json", '[{"title": "One, \\"two\\" | three", "link": "https://a.example/1", "date": "2026-01-02"}]'),
        (
            "b.json",
            '{"articles": [{"title": "One, \\"two\\" | three", "url": "https://a.example/1", "date": "2026-01-02"}]}',
        ),
    ],
)
def test_read_articles_takes_the_known_names(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")

    assert read_articles(tmp_path / name) == [
        {"title": 'One, "two" | three', "link": "https://a.example/1", "timestamp": "2026-01-02"}
    ]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "when,what\n1,2\n", "line of column names"),
        ("a.csv", 'title\n"open\n', "no CSV"),
        ("a.csv", "title,link\n,\n", "article 1 has neither"),
        ("a.json", "{", "no JSON"),
        ("a.json", '["x"]', "list of objects"),
        ("a.json", '[{"title": "T"}, {"date": "2026"}]', "article 2 has neither"),
    ],
)
def test_read_articles_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=told):
        read_articles(tmp_path / name)


def test_read_articles_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00")
    for name in ("a.json", "gone.csv"):
        with pytest.raises(UsageError, match="cannot be read"):
            read_articles(tmp_path / name)


def test_filter_without_rules_takes_everything_and_rules_ignore_capitals() -> None:
    article = {"title": "New Ransomware", "link": "https://a.example//News/1"}
    assert ArticleFilter().takes(article)
    assert ArticleFilter(keywords=("RANSOM",), must_begin=(("A.example", "https://a.example/news/"),)).takes(article)
    assert not ArticleFilter(skip=("/NEWS",)).takes(article)
