"""What the kit needs to know about a vendor's state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol


class State(Protocol):
    """Everything an emulated vendor remembers. The kit calls it under the emulator's lock, one call at a time."""

    def dump(self) -> Iterator[bytes]:
        """All objects, one JSON document each, with a `kind`; read as it goes, so memory stays flat."""

    def count(self) -> dict[str, Any]:
        """A summary in numbers, cheap enough to ask often."""

    def seed(self, payload: Any) -> dict[str, Any]:
        """Put objects there as if they had always been; all or nothing. Raises Refused(400)."""

    def edit(self, payload: Any) -> dict[str, Any]:
        """What an operator does in the vendor's own console; all or nothing. Raises Refused."""

    def close(self) -> None:
        """Let go of files and memory."""
