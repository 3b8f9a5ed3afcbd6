"""One SQLite file: opening, migrating, transactions. Knows nothing of what the tables mean."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from warroom.store.errors import StoreError
from warroom.store.schema import MIGRATIONS, Migration

BUSY_SECONDS = 60.0
CACHE_KIB = 65_536
# Bulk loads touch the same index pages again and again; the longer the log, the fewer times they are copied back.
CHECKPOINT_PAGES = 64_000
Values = Sequence[Any] | Mapping[str, Any]
Rows = list[tuple[Any, ...]]


class Database:
    """A connection that threads may share. Writers of several processes queue; readers never wait for them."""

    def __init__(self, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._writing = False
        try:
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
            )
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot be opened: {error}") from error
        try:
            self._prepare()
            self._migrate(migrations)
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"{path}: cannot be used as a store: {error}") from error
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file; idempotent."""
        with self._lock:
            self._connection.close()

    def function(self, name: str, arguments: int, body: Callable[..., Any]) -> None:
        """Makes a Python function callable from SQL on this connection."""
        self._connection.create_function(name, arguments, body)

    def run(self, statement: str, values: Values = ()) -> int:
        """Executes a statement; returns how many rows it changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Executes a statement for each row."""
        with self._lock:
            self._connection.executemany(statement, rows)

    def rows(self, statement: str, values: Values = ()) -> Rows:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, values: Values = ()) -> tuple[Any, ...] | None:
        """The first row of a query, None without one."""
        with self._lock:
            found: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
            return found

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All or nothing. Nests: an inner block that raises undoes only itself. Waits for other writers."""
        with self._lock:
            if self._depth and not self._writing:
                raise StoreError("a write cannot begin inside a read")
            begin, keep, undo = self._words(write=True)
            with self._block(begin, keep, undo, write=True):
                yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reads that see one state of the file."""
        with self._lock, self._block(*self._words(write=False), write=self._writing):
            yield

    def _words(self, *, write: bool) -> tuple[str, str, str]:
        if self._depth == 0:
            return ("begin immediate" if write else "begin"), "commit", "rollback"
        point = f"point_{self._depth}"
        return f"savepoint {point}", f"release {point}", f"rollback to {point}; release {point}"

    @contextmanager
    def _block(self, begin: str, keep: str, undo: str, *, write: bool) -> Iterator[None]:
        self._connection.execute(begin)
        before, self._writing = self._writing, write
        self._depth += 1
        try:
            yield
        except BaseException:
            self._undo(undo)
            raise
        else:
            self._connection.execute(keep)
        finally:
            self._depth -= 1
            self._writing = before

    def _undo(self, undo: str) -> None:
        # A full disk or a lost file ends the transaction by itself; the error that told so must not be replaced.
        if self._connection.in_transaction:
            for statement in undo.split("; "):
                self._connection.execute(statement)

    def _prepare(self) -> None:
        self._enter_wal(time.monotonic() + BUSY_SECONDS)
        # A crash of the process loses nothing; a power cut may lose the last commits, never the order of them.
        self.run("pragma synchronous = normal")
        self.run(f"pragma cache_size = -{CACHE_KIB}")
        self.run(f"pragma wal_autocheckpoint = {CHECKPOINT_PAGES}")
        self.run("pragma temp_store = memory")
        self.run("pragma journal_size_limit = 268435456")

    def _enter_wal(self, deadline: float) -> None:
        # SQLite does not wait when two processes switch the journal at once, so this does.
        while self.row("pragma journal_mode") != ("wal",):
            try:
                self.run("pragma journal_mode = wal")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        begun = self.row("select 1 from sqlite_master where name = 'migrations'")
        if begun and self._applied() == {step.name for step in migrations}:
            return
        with self.atomic():
            self.run("create table if not exists migrations (name text primary key, applied text not null)")
            applied = self._applied()
            unknown = sorted(applied - {step.name for step in migrations})
            if unknown:
                raise StoreError(
                    f"the store was written by a newer version (it knows {', '.join(unknown)}); update this program"
                )
            for step in migrations:
                if step.name not in applied:
                    self._apply(step)

    def _applied(self) -> set[str]:
        return {str(name) for (name,) in self.rows("select name from migrations")}

    def _apply(self, step: Migration) -> None:
        for statement in step.statements:
            self.run(statement)
        self.run("insert into migrations values (?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))", (step.name,))
