"""State in SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from emulators.kit.errors import BadOption
from emulators.kit.storage import Database


def test_collection_keeps_documents_in_a_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "s", "x")
    things = database.collection("things")
    things.put("b", {"n": 2})
    things.put("a", {"n": 1})
    things.put("a", {"n": 3})
    assert (things.remove("b"), things.remove("b")) == (True, False)
    database.close()
    again = Database(tmp_path / "s", "x")
    assert list(again.collection("things").items()) == [("a", {"n": 3})]
    assert again.collection("things").get("b") is None
    assert (len(again.collection("things")), len(again.collection("others"))) == (1, 0)
    again.close()


def test_transaction_failing_undoes_also_what_it_joined() -> None:
    database = Database(None, "x")
    things = database.collection("things")

    def put_and_fail() -> None:
        with database.transaction():
            things.put("a", 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        put_and_fail()
    assert len(things) == 0
    database.close()


def test_fresh_drops_what_was_there(tmp_path: Path) -> None:
    first = Database(tmp_path / "s", "x")
    first.collection("things").put("a", 1)
    first.close()
    second = Database(tmp_path / "s", "x", fresh=True)
    assert len(second.collection("things")) == 0
    second.close()


def test_file_in_use_is_a_bad_option(tmp_path: Path) -> None:
    first = Database(tmp_path / "s", "x")
    with pytest.raises(BadOption, match="locked"):
        Database(tmp_path / "s", "x")
    first.close()


@pytest.mark.parametrize("fresh", [False, True])
def test_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, fresh: bool) -> None:
    other = Database(tmp_path / "other", "y")
    other.close()
    foreign = sqlite3.connect(tmp_path / "foreign")
    foreign.execute("CREATE TABLE mine (a)")
    foreign.close()
    (tmp_path / "text").write_text("not a database at all, but some text of mine\n" * 100)
    for name in ("other", "foreign", "text", "missing/folder"):
        before = (tmp_path / name).read_bytes() if (tmp_path / name).exists() else None
        with pytest.raises(BadOption, match=name):
            Database(tmp_path / name, "x", fresh=fresh)
        assert ((tmp_path / name).read_bytes() if (tmp_path / name).exists() else None) == before
