"""What becomes of the settings of another program. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NoteKind = Literal["taken", "changed", "left out", "to do"]


@dataclass(frozen=True)
class Note:
    """What became of one setting. `where` is file and line, "" for what stands in no line."""

    kind: NoteKind
    where: str
    subject: str
    text: str

    def line(self) -> str:
        """The note as one line."""
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.subject}: {self.kind}: {self.text}".rstrip()
