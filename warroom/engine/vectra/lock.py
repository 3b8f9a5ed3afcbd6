"""One run at a time in one home, by a lock that the operating system takes back when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warroom.engine.errors import EngineError

LOCK_FILE = "vectra.lock"


class AnotherRun(EngineError):
    """A run of the Vectra response is going on in this home."""


@contextmanager
def single_run(home: Path) -> Iterator[None]:
    """Holds the lock of `home` while the block runs. Raises AnotherRun at once when somebody else holds it."""
    # The file stays: removing it would let two runs hold locks on two files of one name.
    handle = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AnotherRun(f"another run of the Vectra response is going on in {home}; nothing was done") from error
        yield
    finally:
        os.close(handle)
