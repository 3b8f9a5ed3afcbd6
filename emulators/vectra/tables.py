"""Documents in SQLite: what is filtered or ordered by is a column, the rest of a document is one JSON column."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from emulators.kit import Database
from emulators.vectra.attributes import BOOLEANS, DETECTION_COLUMNS, ENTITY_COLUMNS, GROUP_COLUMNS

Document = dict[str, Any]

_ENTITIES, _DETECTIONS, _GROUPS = map(", ".join, (ENTITY_COLUMNS, DETECTION_COLUMNS, GROUP_COLUMNS))
_NOTES = (
    "CREATE TABLE IF NOT EXISTS notes"
    " (note_id INTEGER PRIMARY KEY AUTOINCREMENT, kind, id, note, created_by, date_created, modified_by, date_modified)"
)
_SCHEMA = (
    f"CREATE TABLE IF NOT EXISTS entities ({_ENTITIES}, more, PRIMARY KEY (type, id))",
    f"CREATE TABLE IF NOT EXISTS detections ({_DETECTIONS}, more, PRIMARY KEY (id))",
    f"CREATE TABLE IF NOT EXISTS groups ({_GROUPS}, more, PRIMARY KEY (id))",
    "CREATE TABLE IF NOT EXISTS members (group_id, member, PRIMARY KEY (group_id, member)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS tags (kind, id, position, tag, PRIMARY KEY (kind, id, position)) WITHOUT ROWID",
    _NOTES,
    "CREATE TABLE IF NOT EXISTS events (event_id INTEGER PRIMARY KEY AUTOINCREMENT, type, decrease, body)",
    "CREATE TABLE IF NOT EXISTS lockdowns (type, id, locked_at, unlock_at, PRIMARY KEY (type, id))",
    "CREATE INDEX IF NOT EXISTS entities_score ON entities (type, threat, certainty)",
    "CREATE INDEX IF NOT EXISTS entities_urgency ON entities (type, urgency_score)",
    "CREATE INDEX IF NOT EXISTS entities_all_urgency ON entities (urgency_score)",
    "CREATE INDEX IF NOT EXISTS entities_source ON entities (type, last_source)",
    "CREATE INDEX IF NOT EXISTS entities_uid ON entities (type, uid)",
    "CREATE INDEX IF NOT EXISTS entities_modified ON entities (last_modified_timestamp)",
    "CREATE INDEX IF NOT EXISTS entities_detected ON entities (type, last_detection_timestamp)",
    "CREATE INDEX IF NOT EXISTS detections_source ON detections (src_type, src_id)",
    "CREATE INDEX IF NOT EXISTS detections_type ON detections (detection_type, state)",
    "CREATE INDEX IF NOT EXISTS detections_state ON detections (state)",
    "CREATE INDEX IF NOT EXISTS detections_last ON detections (last_timestamp)",
    "CREATE INDEX IF NOT EXISTS members_member ON members (member)",
    "CREATE INDEX IF NOT EXISTS notes_object ON notes (kind, id)",
)


def create_tables(connection: sqlite3.Connection) -> None:
    """Makes what is not there yet."""
    for statement in _SCHEMA:
        connection.execute(statement)


class Table:
    """Documents of one table. The first columns named in `key` tell them apart."""

    def __init__(self, database: Database, name: str, columns: Sequence[str], key: Sequence[str]) -> None:
        self._database = database
        self._name = name
        self._columns = tuple(columns)
        self._flags = [column for column in columns if column in BOOLEANS]
        self._key = " AND ".join(f"{column} = ?" for column in key)

    def put(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Write or replace documents; all of them or, when one fails, none."""
        places = ", ".join("?" * (len(self._columns) + 1))
        with self._database.transaction() as connection:
            query = f"REPLACE INTO {self._name} VALUES ({places})"  # noqa: S608 - names are code
            connection.executemany(query, map(self._row, documents))

    def get(self, *key: object) -> Document | None:
        """The document with this key, or None."""
        return next(self.find(self._key, key), None)

    def remove(self, *key: object) -> None:
        """Delete the document with this key, when there is one."""
        with self._database.transaction() as connection:
            connection.execute(f"DELETE FROM {self._name} WHERE {self._key}", key)  # noqa: S608 - names are code

    def count(self, where: str = "1", values: Sequence[object] = ()) -> int:
        """How many documents meet the condition."""
        query = f"SELECT count(*) FROM {self._name} WHERE {where}"  # noqa: S608 - values are placeholders
        return int(self._database.connection.execute(query, values).fetchone()[0])

    def find(
        self, where: str = "1", values: Sequence[object] = (), order: str = "rowid", limit: int = -1, offset: int = 0
    ) -> Iterator[Document]:
        """Documents that meet the condition, in order, read as it goes."""
        query = f"SELECT * FROM {self._name} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        for row in self._database.connection.execute(query, (*values, limit, offset)):
            yield self._document(row)

    def next_id(self, where: str = "1", values: Sequence[object] = ()) -> int:
        """One more than the largest id among the documents that meet the condition."""
        query = f"SELECT ifnull(max(id), 0) + 1 FROM {self._name} WHERE {where}"  # noqa: S608 - values are placeholders
        return int(self._database.connection.execute(query, values).fetchone()[0])

    def _row(self, document: Mapping[str, Any]) -> list[Any]:
        row = [document.get(column) for column in self._columns]
        rest = {name: value for name, value in document.items() if name not in self._columns}
        row.append(orjson.dumps(rest).decode())
        return row

    def _document(self, row: Sequence[Any]) -> Document:
        document = dict(zip(self._columns, row[:-1], strict=True))
        document.update(orjson.loads(row[-1]))
        for flag in self._flags:
            document[flag] = bool(document[flag])
        return document


def tables(database: Database) -> tuple[Table, Table, Table]:
    """The tables of entities (by type and id), detections and groups (by id)."""
    return (
        Table(database, "entities", ENTITY_COLUMNS, ("type", "id")),
        Table(database, "detections", DETECTION_COLUMNS, ("id",)),
        Table(database, "groups", GROUP_COLUMNS, ("id",)),
    )
