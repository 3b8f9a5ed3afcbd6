"""The endpoints of one tenant, as they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson

from emulators.cortex_xdr.endpoints.filters import Condition, Search
from emulators.cortex_xdr.endpoints.machine import CONNECTED
from emulators.cortex_xdr.endpoints.records import DAY_MS, NAMES, Endpoint
from emulators.kit import Database

# What is searched or moves by itself has a column; the rest is one document.
_COLUMNS = (
    "endpoint_id", "endpoint_name", "alias", "endpoint_status", "is_isolated", "isolated_date", "os_type",
    "first_seen", "last_seen", "installation_package", "scan_status", "public_ip", "deleted_date",
)  # fmt: skip
_BODY = tuple(name for name in NAMES if name not in _COLUMNS)
_TABLES = (
    """CREATE TABLE IF NOT EXISTS endpoints (
        seq INTEGER PRIMARY KEY, endpoint_id TEXT NOT NULL UNIQUE, endpoint_name TEXT NOT NULL, alias TEXT NOT NULL,
        endpoint_status TEXT NOT NULL, is_isolated TEXT NOT NULL, isolated_date INTEGER, os_type TEXT NOT NULL,
        first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, installation_package TEXT NOT NULL,
        scan_status TEXT NOT NULL, public_ip TEXT, deleted_date INTEGER, body BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS endpoints_by_name ON endpoints (endpoint_name COLLATE NOCASE)",
    """CREATE TABLE IF NOT EXISTS endpoint_lists (
        kind TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (kind, value, seq)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS endpoint_lists_by_seq ON endpoint_lists (seq)",
)
_PAGE = 1_000
_KEPT_MS = 90 * DAY_MS


class Fleet:
    """All records, deleted ones included. Every method that writes is one transaction.

    An agent that is CONNECTED calls in every `check_in_ms`, so its `last_seen` moves on with the clock: records that
    come out of here have it as it is now.
    """

    def __init__(self, database: Database, now_ms: Callable[[], int], check_in_ms: int) -> None:
        self._database = database
        self._connection = database.connection
        self._now_ms = now_ms
        self._check_in_ms = check_in_ms
        for statement in _TABLES:
            self._connection.execute(statement)

    def add(self, endpoints: Iterable[Endpoint]) -> None:
        """Store new records. Raises sqlite3.IntegrityError when an id is there already."""
        with self._database.transaction():
            for endpoint in endpoints:
                self._insert(endpoint, None)

    def save(self, endpoint: Endpoint) -> None:
        """Replace the record of this id, at its place in the order."""
        with self._database.transaction() as connection:
            query = "SELECT seq FROM endpoints WHERE endpoint_id = ?"
            (seq,) = connection.execute(query, (endpoint.endpoint_id,)).fetchone()
            connection.execute("DELETE FROM endpoint_lists WHERE seq = ?", (seq,))
            connection.execute("DELETE FROM endpoints WHERE seq = ?", (seq,))
            self._insert(endpoint, seq)

    def _insert(self, endpoint: Endpoint, seq: int | None) -> None:
        row = vars(endpoint)
        body = orjson.dumps({name: row[name] for name in _BODY})
        marks = ",".join("?" * (len(_COLUMNS) + 2))
        query = f"INSERT INTO endpoints (seq, {', '.join(_COLUMNS)}, body) VALUES ({marks})"  # noqa: S608
        seq = self._connection.execute(query, (seq, *(row[name] for name in _COLUMNS), body)).lastrowid
        lists = ((kind, value, seq) for kind, value in endpoint.listed())
        self._connection.executemany("INSERT INTO endpoint_lists VALUES (?, ?, ?)", lists)

    def _select(self) -> str:
        """The table with `last_seen` as it is now; numbers only are written into the text."""
        now, period = self._now_ms(), self._check_in_ms
        rest = f"({now} - last_seen) % {period}" if period else "0"
        seen = f"iif(endpoint_status = '{CONNECTED}' AND last_seen < {now}, {now} - {rest}, last_seen) AS last_seen"
        columns = ", ".join(seen if name == "last_seen" else name for name in _COLUMNS)
        return f"(SELECT seq, {columns}, body FROM endpoints)"  # noqa: S608 - see above

    def find(self, endpoint_id: str) -> Endpoint | None:
        """The record of this id, also a deleted one as long as it is kept (90 days)."""
        query = f"SELECT * FROM {self._select()} WHERE endpoint_id = ?"  # noqa: S608
        row = self._connection.execute(query, (endpoint_id,)).fetchone()
        found = None if row is None else _endpoint(row)
        if found and found.deleted_date is not None and found.deleted_date + _KEPT_MS < self._now_ms():
            return None
        return found

    def search(self, search: Search) -> list[Endpoint]:
        """The page of records that fit; deleted ones do not."""
        where, values = _where(search.conditions)
        order = "seq" if search.sort is None else f"{' '.join(search.sort)}, seq"
        query = f"SELECT * FROM {self._select()} {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        page = (search.end - search.start, search.start)
        return [_endpoint(row) for row in self._connection.execute(query, (*values, *page))]

    def total(self, conditions: Sequence[Condition]) -> int:
        """How many records fit."""
        where, values = _where(conditions)
        query = f"SELECT count(*) FROM {self._select()} {where}"  # noqa: S608
        return int(self._connection.execute(query, values).fetchone()[0])

    def all(self, *, deleted: bool = False) -> Iterator[Endpoint]:
        """Every record in the order they came to the tenant, page by page; with the `deleted` ones or without."""
        last = 0
        extra = "" if deleted else "AND deleted_date IS NULL"
        while True:
            query = f"SELECT * FROM {self._select()} WHERE seq > ? {extra} ORDER BY seq LIMIT {_PAGE}"  # noqa: S608
            rows = self._connection.execute(query, (last,)).fetchall()
            if not rows:
                return
            yield from map(_endpoint, rows)
            last = rows[-1][0]

    def set_isolation(self, endpoint_id: str, is_isolated: str, isolated_date: int | None) -> None:
        """Change what the record says about isolation."""
        query = "UPDATE endpoints SET is_isolated = ?, isolated_date = ? WHERE endpoint_id = ?"
        with self._database.transaction() as connection:
            connection.execute(query, (is_isolated, isolated_date, endpoint_id))

    def set_status(self, endpoint_id: str, status: str, last_seen: int, deleted_date: int | None) -> None:
        """Change what the record says about the agent's connection."""
        query = "UPDATE endpoints SET endpoint_status = ?, last_seen = ?, deleted_date = ? WHERE endpoint_id = ?"
        with self._database.transaction() as connection:
            connection.execute(query, (status, last_seen, deleted_date, endpoint_id))

    def next_check_in(self, endpoint: Endpoint) -> int | None:
        """When the agent will call in, in epoch ms; None when it is not in touch."""
        return endpoint.last_seen + self._check_in_ms if endpoint.endpoint_status == CONNECTED else None

    def count(self) -> dict[str, Any]:
        """`endpoints` (not deleted), `endpoints_deleted`, and those not deleted by status and by isolation."""
        query = "SELECT count(*), count(deleted_date) FROM endpoints"
        total, deleted = self._connection.execute(query).fetchone()
        return {
            "endpoints": total - deleted,
            "endpoints_deleted": deleted,
            "endpoints_by_status": self._group("endpoint_status"),
            "endpoints_by_isolation": self._group("is_isolated"),
        }

    def _group(self, column: str) -> dict[str, int]:
        query = f"SELECT {column}, count(*) FROM endpoints WHERE deleted_date IS NULL GROUP BY 1 ORDER BY 1"  # noqa: S608
        return dict(self._connection.execute(query).fetchall())


def _endpoint(row: Sequence[Any]) -> Endpoint:
    columns = dict(zip(_COLUMNS, row[1:-1], strict=True))
    return Endpoint(**columns, **orjson.loads(row[-1]))


def _where(conditions: Sequence[Condition]) -> tuple[str, list[object]]:
    parts = ["deleted_date IS NULL", *(condition.sql for condition in conditions)]
    return "WHERE " + " AND ".join(parts), [value for condition in conditions for value in condition.values]
