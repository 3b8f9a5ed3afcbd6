from __future__ import annotations

from pathlib import Path

import pytest

from warroom.engine.errors import ServerError
from warroom.engine.files import FileKeeper


def entry(name: str = "report.txt", file_id: str = "f1") -> dict[str, object]:
    return {"Type": 3, "File": name, "FileID": file_id, "ID": "e1"}


@pytest.mark.parametrize(
    ("name", "kept"),
    [("report.txt", "report.txt"), ("../../etc/passwd", "passwd"), ("..", "file"), ("", "file"), ("a\nb", "ab")],
)
def test_keep_file_is_found_by_entry_under_a_safe_name(tmp_path: Path, name: str, kept: str) -> None:
    (tmp_path / "playground_f1").write_text("text")
    keeper = FileKeeper(tmp_path / "files")
    assert keeper.keep(entry(name), tmp_path, "playground") is None
    found = keeper.find("e1")
    assert (found["name"], Path(found["path"]).read_text()) == (kept, "text")
    assert Path(found["path"]).parent == tmp_path / "files" / "e1"


def test_keep_other_entries_have_no_file(tmp_path: Path) -> None:
    assert FileKeeper(tmp_path / "files").keep({"Type": 1}, tmp_path, "playground") is None
    assert not (tmp_path / "files").exists()


def test_keep_link_or_missing_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "playground_f1").symlink_to(tmp_path / "secret")
    keeper = FileKeeper(tmp_path / "files")
    for announced in (entry(), entry(file_id="f2"), entry(file_id="../secret")):
        assert keeper.keep(announced, tmp_path, "playground") == "the file 'report.txt' was announced but not written"


@pytest.mark.parametrize("entry_id", ["e2", "../files", "", "/etc"])
def test_find_unknown_entry_is_refused(tmp_path: Path, entry_id: str) -> None:
    with pytest.raises(ServerError, match="there is no file with entry id"):
        FileKeeper(tmp_path / "files").find(entry_id)
