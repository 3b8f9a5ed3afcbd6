"""Tests for `warroom.store.database`: transactions, migrations, files of others."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from warroom.store.database import Database
from warroom.store.errors import StoreError
from warroom.store.schema import MIGRATIONS, Migration

ONE = Migration("0001_one", ("create table numbers (n integer)", "insert into numbers values (1)"))
TWO = Migration("0002_two", ("insert into numbers values (2)",))
BROKEN = Migration("0002_broken", ("insert into numbers values (9)", "insert into nowhere values (1)"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path, [ONE])
    yield opened
    opened.close()


def numbers(database: Database) -> list[int]:
    return [n for (n,) in database.rows("select n from numbers order by n")]


def add(database: Database, number: int) -> None:
    database.run("insert into numbers values (?)", (number,))


def fail_after(database: Database, statement: str) -> None:
    with database.atomic():
        database.run(statement)
        raise RuntimeError("the cause")


def test_atomic_error_undoes_everything(database: Database) -> None:
    with pytest.raises(RuntimeError):
        fail_after(database, "insert into numbers values (2)")
    assert numbers(database) == [1]


def test_atomic_inner_error_undoes_only_the_inner_block(database: Database) -> None:
    with database.atomic():
        add(database, 2)
        with pytest.raises(RuntimeError):
            fail_after(database, "insert into numbers values (3)")
        add(database, 4)
    assert numbers(database) == [1, 2, 4]


def test_atomic_keeps_the_original_error_when_the_database_gave_up_by_itself(database: Database) -> None:
    with pytest.raises(RuntimeError, match="the cause"):
        fail_after(database, "rollback")
    with database.atomic():
        add(database, 2)
    assert numbers(database) == [1, 2]


def test_atomic_inside_snapshot_is_refused(database: Database) -> None:
    with database.snapshot(), pytest.raises(StoreError, match="inside a read"), database.atomic():
        add(database, 2)
    assert numbers(database) == [1]


def test_snapshot_does_not_see_or_block_a_writer(database: Database, path: Path) -> None:
    other = Database(path, [ONE])
    with database.snapshot():
        assert numbers(database) == [1]
        with other.atomic():
            add(other, 2)
        assert numbers(database) == [1]
    assert numbers(database) == [1, 2]
    other.close()


def test_atomic_of_threads_does_not_mix(database: Database) -> None:
    def work(start: int) -> None:
        with database.atomic():
            for number in range(start, start + 20):
                add(database, number)
            if start % 200:
                raise RuntimeError

    with ThreadPoolExecutor(4) as pool:
        failures = [job.exception() for job in [pool.submit(work, start) for start in range(100, 500, 100)]]
    assert sum(failure is not None for failure in failures) == 2
    assert numbers(database) == [1, *range(200, 220), *range(400, 420)]


def test_migrations_run_once_and_in_order(path: Path) -> None:
    for _ in range(2):
        Database(path, [ONE]).close()
    for _ in range(2):
        database = Database(path, [ONE, TWO])
        assert numbers(database) == [1, 2]
        assert [name for (name,) in database.rows("select name from migrations order by name")] == [ONE.name, TWO.name]
        database.close()


def test_migration_that_fails_leaves_no_trace(path: Path) -> None:
    Database(path, [ONE]).close()
    with pytest.raises(StoreError, match="nowhere"):
        Database(path, [ONE, BROKEN])
    database = Database(path, [ONE])
    assert numbers(database) == [1]
    database.close()


def test_migrations_of_many_at_once_run_once(path: Path) -> None:
    gate = threading.Barrier(6)

    def work(_: int) -> list[int]:
        gate.wait()
        database = Database(path, [ONE, TWO])
        try:
            return numbers(database)
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(6))) == [[1, 2]] * 6


def test_open_file_of_a_newer_version_is_refused(path: Path) -> None:
    Database(path, [*MIGRATIONS, Migration("9999_future", ())]).close()
    with pytest.raises(StoreError, match=r"9999_future.*update"):
        Database(path)


def test_open_file_that_is_no_store_is_refused_and_unharmed(path: Path) -> None:
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="cannot be used as a store"):
        Database(path)
    assert path.read_bytes() == before


def test_open_gives_a_log_that_survives_a_kill(database: Database) -> None:
    assert database.row("pragma journal_mode") == ("wal",)
    with pytest.raises(sqlite3.IntegrityError):
        database.run("insert into migrations values (?, ?)", (ONE.name, "again"))


def test_open_place_that_cannot_hold_a_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Database(tmp_path / "missing" / "store.db")
