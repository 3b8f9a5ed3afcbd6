"""One run at a time in one home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warroom.engine.errors import EngineError
from warroom.engine.lock import Locked, exclusive

LOCK_FILE = "vectra.lock"


class AnotherRun(EngineError):
    """A run of the Vectra response is going on in this home."""


@contextmanager
def single_run(home: Path) -> Iterator[None]:
    """Holds the lock of `home` while the block runs. Raises AnotherRun at once when somebody else holds it."""
    try:
        with exclusive(home / LOCK_FILE):
            yield
    except Locked as error:
        raise AnotherRun(f"another run of the Vectra response is going on in {home}; nothing was done") from error
