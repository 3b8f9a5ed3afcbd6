"""State in SQLite: in memory, or in a file that survives a killed process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from emulators.kit.errors import BadOption


class Database:
    """One SQLite connection for one emulator, used under the emulator's lock.

    What a transaction wrote is on its way to the disk before the reply leaves, so a file survives `kill -9` up to the
    last acknowledged request (WAL; a power cut may cost the latest transactions, never the file).
    """

    def __init__(self, path: Path | None, owner: str, *, fresh: bool = False) -> None:
        """Opens or creates; `fresh` drops what was there.

        Raises BadOption when the file cannot be used: no database, in use by another process, or not made by the
        emulator `owner`. Such a file is left as it is, also with `fresh`.
        """
        self._open(path, owner)
        if fresh and path is not None:
            self.close()
            _remove(path)
            self._open(path, owner)

    def _open(self, path: Path | None, owner: str) -> None:
        try:
            place = path or ":memory:"
            self.connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False, timeout=0)
        except sqlite3.Error as error:
            raise _unusable(path, error) from None
        try:
            self._prepare(path, owner)
        except sqlite3.Error as error:
            self.connection.close()
            raise _unusable(path, error) from None
        except BadOption:
            self.connection.close()
            raise

    def _prepare(self, path: Path | None, owner: str) -> None:
        pragma = self.connection.execute
        (foreign,) = pragma("SELECT count(*) > 0 AND sum(name = 'documents') = 0 FROM sqlite_master").fetchone()
        if foreign:
            raise _unusable(path, "it holds something else")
        if path is not None:
            # Two emulators on one file would hand out the same ids; the second one is told at once.
            pragma("PRAGMA locking_mode=EXCLUSIVE")
            pragma("PRAGMA journal_mode=WAL")
            pragma("PRAGMA synchronous=NORMAL")
            # Inserts in no order touch pages all over the indexes; the default of 2 MB and 1,000 pages thrashes.
            pragma("PRAGMA cache_size=-65536")
            pragma("PRAGMA wal_autocheckpoint=16000")
        pragma("PRAGMA temp_store=MEMORY")
        pragma("CREATE TABLE IF NOT EXISTS documents (collection TEXT, key TEXT, body BLOB NOT NULL,"
               " PRIMARY KEY (collection, key)) WITHOUT ROWID")  # fmt: skip
        made_by = self.collection("kit")
        if made_by.get("owner") not in (None, owner):
            raise _unusable(path, f"it is the state of the emulator {made_by.get('owner')}")
        made_by.put("owner", owner)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; joins the transaction that is already open."""
        if self.connection.in_transaction:
            yield self.connection
            return
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def collection(self, name: str) -> Collection:
        """The JSON documents kept under `name`; made on first use."""
        return Collection(self, name)

    def close(self) -> None:
        """Close; a second call does nothing."""
        self.connection.close()


class Collection:
    """JSON documents by key: enough state for most vendors."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    def get(self, key: str) -> Any | None:
        """The document, or None."""
        query = "SELECT body FROM documents WHERE collection = ? AND key = ?"
        row = self._database.connection.execute(query, (self._name, key)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def put(self, key: str, document: object) -> None:
        """Write or replace one document."""
        with self._database.transaction() as connection:
            connection.execute("REPLACE INTO documents VALUES (?, ?, ?)", (self._name, key, orjson.dumps(document)))

    def remove(self, key: str) -> bool:
        """Delete one document; False when there was none."""
        with self._database.transaction() as connection:
            query = "DELETE FROM documents WHERE collection = ? AND key = ?"
            return connection.execute(query, (self._name, key)).rowcount > 0

    def items(self) -> Iterator[tuple[str, Any]]:
        """(key, document) in order of key, read as it goes."""
        query = "SELECT key, body FROM documents WHERE collection = ? ORDER BY key"
        for key, body in self._database.connection.execute(query, (self._name,)):
            yield key, orjson.loads(body)

    def __len__(self) -> int:
        query = "SELECT count(*) FROM documents WHERE collection = ?"
        return int(self._database.connection.execute(query, (self._name,)).fetchone()[0])


def _unusable(path: Path | None, reason: object) -> BadOption:
    return BadOption(f"--state {path}: cannot be used as a state file ({reason})")


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").unlink()
