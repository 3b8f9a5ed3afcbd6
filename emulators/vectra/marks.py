"""What people and programs put on an object: tags and notes."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from emulators.kit import Database
from emulators.vectra.moments import moment

_GOOD_TAG = re.compile(r"[A-Za-z0-9_:. -]+")


def refused_tags(tags: Iterable[str], longest: int) -> list[str]:
    """The tags that Vectra does not take: empty, with other characters, or longer than `longest` (0: no limit)."""
    return [tag for tag in tags if not _GOOD_TAG.fullmatch(tag) or (longest and len(tag) > longest)]


class Tags:
    """Tags of hosts, accounts and detections, each list in the order it was written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, kind: str, ids: Iterable[int]) -> dict[int, list[str]]:
        """Tags by id; objects without tags are left out."""
        query = (
            "SELECT id, tag FROM tags WHERE kind = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY id, position"
        )
        found: dict[int, list[str]] = {}
        for key, tag in self._database.connection.execute(query, (kind, json_ids(ids))):
            found.setdefault(key, []).append(tag)
        return found

    def replace(self, kind: str, lists: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Give each (id, tags) exactly these tags; a tag named twice is kept once."""
        with self._database.transaction() as connection:
            for key, tags in lists:
                connection.execute("DELETE FROM tags WHERE kind = ? AND id = ?", (kind, key))
                rows = ((kind, key, position, tag) for position, tag in enumerate(dict.fromkeys(tags)))
                connection.executemany("INSERT INTO tags VALUES (?, ?, ?, ?)", rows)

    def count(self) -> int:
        """Tags on all objects."""
        return int(self._database.connection.execute("SELECT count(*) FROM tags").fetchone()[0])


_NOTE = ("id", "note", "created_by", "date_created", "modified_by", "date_modified")
_SELECT = "SELECT note_id, note, created_by, date_created, modified_by, date_modified FROM notes"


class Notes:
    """Notes of hosts, accounts and detections. They are kept as written and shown HTML-escaped."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def list(self, kind: str, key: int) -> list[dict[str, Any]]:
        """All notes of one object, oldest first."""
        query = f"{_SELECT} WHERE kind = ? AND id = ? ORDER BY note_id"
        return [_shown(row) for row in self._database.connection.execute(query, (kind, key))]

    def add(self, kind: str, key: int, text: str, author: str) -> dict[str, Any]:
        """Write a note; returns it as shown."""
        with self._database.transaction() as connection:
            query = "INSERT INTO notes (kind, id, note, created_by, date_created) VALUES (?, ?, ?, ?, ?)"
            note_id = connection.execute(query, (kind, key, text, author, moment(self._now()))).lastrowid
            return _shown(connection.execute(f"{_SELECT} WHERE note_id = ?", (note_id,)).fetchone())

    def edit(self, kind: str, key: int, note_id: int, text: str, author: str) -> dict[str, Any] | None:
        """Rewrite a note of this object; None when it has no such note."""
        with self._database.transaction() as connection:
            query = (
                "UPDATE notes SET note = ?, modified_by = ?, date_modified = ?"
                " WHERE kind = ? AND id = ? AND note_id = ?"
            )
            values = (text, author, moment(self._now()), kind, key, note_id)
            if not connection.execute(query, values).rowcount:
                return None
            return _shown(connection.execute(f"{_SELECT} WHERE note_id = ?", (note_id,)).fetchone())

    def remove(self, kind: str, key: int, note_id: int) -> bool:
        """Delete a note of this object; False when it has no such note."""
        with self._database.transaction() as connection:
            query = "DELETE FROM notes WHERE kind = ? AND id = ? AND note_id = ?"
            return connection.execute(query, (kind, key, note_id)).rowcount > 0

    def remove_all(self, kind: str, key: int) -> None:
        """Delete the notes of one object."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM notes WHERE kind = ? AND id = ?", (kind, key))

    def latest(self, kind: str, ids: Iterable[int]) -> dict[int, str]:
        """The newest note by id, as shown; objects without notes are left out."""
        query = "SELECT id, note FROM notes WHERE kind = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY note_id"
        rows = self._database.connection.execute(query, (kind, json_ids(ids)))
        return {key: html.escape(note) for key, note in rows}

    def count(self) -> int:
        """Notes on all objects."""
        return int(self._database.connection.execute("SELECT count(*) FROM notes").fetchone()[0])


def json_ids(ids: Iterable[object]) -> str:
    """Ids as one value for `json_each`: a page holds more of them than SQLite takes placeholders."""
    return orjson.dumps(list(ids)).decode()


def _shown(row: Sequence[Any]) -> dict[str, Any]:
    note = dict(zip(_NOTE, row, strict=True))
    return {**note, "note": html.escape(note["note"])}
