"""Tables of the indicator rules, and the statements that are used in more than one place."""

from __future__ import annotations

import sqlite3

# Vendors, classes and sources repeat over most rules; kept once, 4,000,000 rules fit in one process.
_TABLES = (
    "CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    """CREATE TABLE IF NOT EXISTS rules (
        rule_id INTEGER PRIMARY KEY, indicator TEXT NOT NULL UNIQUE, type INTEGER NOT NULL, severity INTEGER NOT NULL,
        reputation INTEGER NOT NULL, reliability TEXT NOT NULL, status INTEGER, comment TEXT, expires_ms INTEGER,
        insert_time INTEGER NOT NULL, modify_time INTEGER NOT NULL, own_write INTEGER NOT NULL,
        hits INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
        klass INTEGER REFERENCES texts, source INTEGER NOT NULL REFERENCES texts, vendors INTEGER REFERENCES texts)""",
    "CREATE INDEX IF NOT EXISTS rules_by_change ON rules (modify_time, own_write)",
    "CREATE TEMP TABLE listed (indicator TEXT PRIMARY KEY) WITHOUT ROWID",
)

# An insert over a deleted rule makes a new rule; over a living one it keeps id, time of insert and hits, and also
# status and comment when it brings none. (NULL status: enabled. NULL comment: empty.)
UPSERT = """
INSERT INTO rules (rule_id, indicator, type, severity, reputation, reliability, klass, status, comment, expires_ms,
                   vendors, source, insert_time, modify_time, own_write)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (indicator) DO UPDATE SET
    rule_id = iif(deleted, excluded.rule_id, rule_id), type = excluded.type, severity = excluded.severity,
    reputation = excluded.reputation, reliability = excluded.reliability, klass = excluded.klass,
    status = iif(deleted, excluded.status, ifnull(excluded.status, status)),
    comment = iif(deleted, excluded.comment, ifnull(excluded.comment, comment)),
    expires_ms = excluded.expires_ms, vendors = excluded.vendors, source = excluded.source,
    insert_time = iif(deleted, excluded.insert_time, insert_time), modify_time = excluded.modify_time,
    own_write = excluded.own_write, hits = iif(deleted, 0, hits), deleted = 0
"""

SELECT = """
SELECT rule_id, indicator, type, severity, reputation, reliability, status, comment, expires_ms, insert_time,
       modify_time, own_write, hits, deleted, (SELECT text FROM texts WHERE id = klass),
       (SELECT text FROM texts WHERE id = source), (SELECT text FROM texts WHERE id = vendors)
FROM rules
"""


def create_tables(connection: sqlite3.Connection) -> None:
    """Make what is missing."""
    for statement in _TABLES:
        connection.execute(statement)


class Texts:
    """Texts kept once and referred to by number."""

    def __init__(self, connection: sqlite3.Connection, remember: int = 50_000) -> None:
        self._connection = connection
        self._remember = remember
        self._known: dict[str, int] = {}

    def id(self, text: str) -> int:
        """The number of `text`, given to it on first use."""
        found = self._known.get(text)
        if found is None:
            self._connection.execute("INSERT OR IGNORE INTO texts (text) VALUES (?)", (text,))
            (found,) = self._connection.execute("SELECT id FROM texts WHERE text = ?", (text,)).fetchone()
            if len(self._known) >= self._remember:
                self._known.clear()
            self._known[text] = found
        return int(found)

    def forget(self) -> None:
        """Called when a transaction was rolled back: numbers given in it no longer hold."""
        self._known.clear()
