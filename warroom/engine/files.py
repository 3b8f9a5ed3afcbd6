"""Files that runs hand over: kept in the home, found by the id of their entry."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warroom.engine.errors import ServerError
from warroom.engine.results import FILE_TYPES

_ID = re.compile(r"[0-9A-Za-z@-]{1,80}")


@dataclass(frozen=True)
class FileKeeper:
    """The folder of kept files: one folder per entry id with one file in it."""

    folder: Path

    def keep(self, entry: Mapping[str, Any], work: Path, investigation: str) -> str | None:
        """Moves the file of a file entry out of the working folder of the run in an investigation.

        Returns None when done or when the entry has no file, else one line about the file that is missing.
        """
        if entry.get("Type") not in FILE_TYPES:
            return None
        file_id = str(entry.get("FileID") or "")
        written = work / f"{investigation}_{file_id}"
        if not _ID.fullmatch(file_id) or written.is_symlink() or not written.is_file():
            return f"the file {entry.get('File')!r} was announced but not written"
        target = self.folder / str(entry["ID"])
        target.mkdir(mode=0o700, parents=True)
        shutil.move(written, target / _safe(str(entry.get("File") or "file")))
        return None

    def find(self, entry_id: str) -> dict[str, str]:
        """`{"id", "path", "name"}` of the file of this entry. Raises ServerError when there is none."""
        if _ID.fullmatch(entry_id):
            for path in sorted((self.folder / entry_id).glob("*")):
                return {"id": entry_id, "path": str(path), "name": path.name}
        raise ServerError(f"there is no file with entry id {entry_id!r}")


def _safe(name: str) -> str:
    last = re.sub(r"[\x00-\x1f]", "", Path(name).name)
    return last[-200:] if last not in {"", ".", ".."} else "file"
