"""Articles from files, and which of them count. Only `read_articles` has effects."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warroom.engine.errors import UsageError

Article = Mapping[str, str]
# Names that the columns of a file may have; the first is the one that the scripts know.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "headline"),
    "link": ("link", "url"),
    "timestamp": ("timestamp", "date", "published"),
    "source": ("source",),
    "text": ("text",),
}


@dataclass(frozen=True)
class ArticleFilter:
    """Which articles count. `skip`: parts of links that are left out. `keywords`: if any, one must be in title or link.

    `must_begin`: a link that has the first text in it must begin with the second. Small and capital letters are the
    same, and so are one slash and several.
    """

    skip: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    must_begin: tuple[tuple[str, str], ...] = ()

    def takes(self, article: Article) -> bool:
        """Whether the article counts."""
        link, title = article.get("link", "").casefold(), article.get("title", "").casefold()
        if any(part.casefold() in link for part in self.skip):
            return False
        for part, beginning in self.must_begin:
            if part.casefold() in link and not _single(link).startswith(_single(beginning.casefold())):
                return False
        return not self.keywords or any(word.casefold() in title or word.casefold() in link for word in self.keywords)


def _single(link: str) -> str:
    return re.sub(r"(?<!:)/{2,}", "/", link)


def read_articles(path: Path) -> list[Article]:
    """The articles of a JSON or CSV file, told apart by its name. Raises UsageError that names file and place."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} cannot be read: it is not UTF-8 text") from error
    rows = _csv_rows(text, path.name) if path.suffix.lower() == ".csv" else _json_rows(text, path.name)
    return article_rows(rows, path.name)


def article_rows(rows: Iterable[Mapping[str, Any]], name: str) -> list[Article]:
    """Articles of rows whose columns have any of the known names. Raises UsageError for one with no title and link."""
    found: list[Article] = []
    for number, row in enumerate(rows, 1):
        plain = {str(key).strip().lower(): value for key, value in row.items() if isinstance(key, str)}
        texts = {column: _first(plain, names) for column, names in COLUMNS.items()}
        article = {column: text for column, text in texts.items() if text}
        if not article.get("title") and not article.get("link"):
            raise UsageError(f"{name}: article {number} has neither title nor link")
        found.append(article)
    return found


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((str(row[name]).strip() for name in names if row.get(name) not in (None, "")), "")


def _json_rows(text: str, name: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name} is no JSON: {error}") from None
    rows = found.get("articles") if isinstance(found, dict) and "articles" in found else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{name} must be a list of objects with title, link and date")
    return rows


def _csv_rows(text: str, name: str) -> Sequence[Mapping[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = {column.strip().lower() for column in reader.fieldnames or ()}
        rows = list(reader)
    except csv.Error as error:
        raise UsageError(f"{name} is no CSV: {error}") from None
    if not columns & {*COLUMNS["title"], *COLUMNS["link"]}:
        raise UsageError(f"{name} must begin with a line of column names, such as title,link,date")
    return rows
