"""Files as entries of the war room."""
# ruff: noqa: N802 (the names are the server's)

from __future__ import annotations

from pathlib import Path
from typing import Any

from warroom.runtime.common.entries import EntryType
from warroom.runtime.common.server import demisto

__all__ = ["fileResult", "file_result_existing_file"]


def fileResult(filename: str, data: str | bytes, file_type: int | None = None) -> dict[str, Any]:
    """Writes `data` (text as UTF-8) to the working directory and returns the entry that gives it to the user.

    The file is named `<investigation id>_<unique id>`; the user sees `filename`, without any folder in it.
    """
    unique = demisto.uniqueFile()
    content = data.encode("utf-8") if isinstance(data, str) else data
    Path(f"{demisto.investigation()['id']}_{unique}").write_bytes(content)
    return _entry(filename, unique, EntryType.FILE if file_type is None else file_type)


def file_result_existing_file(filename: str, saveFilename: str | None = None) -> dict[str, Any]:  # noqa: N803
    """Moves an existing file to its place in the working directory and returns the entry that gives it to the user."""
    unique = demisto.uniqueFile()
    Path(filename).rename(f"{demisto.investigation()['id']}_{unique}")
    return _entry(saveFilename or filename, unique, EntryType.FILE)


def _entry(filename: str, unique: str, kind: int) -> dict[str, Any]:
    name = filename.replace("\\", "/").rpartition("/")[2]
    return {"Contents": "", "ContentsFormat": "text", "Type": kind, "File": name, "FileID": unique}
