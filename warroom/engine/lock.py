"""Locks between processes that the operating system takes back when their holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Locked(Exception):
    """Somebody else holds the lock."""


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Holds the lock of `file` while the block runs; makes the file. Raises Locked at once when another has it."""
    # The file stays: removing it would let two holders have locks on two files of one name.
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Locked(str(file)) from error
        yield
    finally:
        os.close(handle)
