"""What can be wrong with a content file."""

from __future__ import annotations

from pathlib import Path


class ContentError(ValueError):
    """A content file that cannot be used. The text names the file and, where there is one, the key."""

    def __init__(self, file: Path, key: str, reason: str) -> None:
        where = f"{file}: {key}: " if key else f"{file}: "
        super().__init__(where + reason)
        self.file = file
        self.key = key
        self.reason = reason
