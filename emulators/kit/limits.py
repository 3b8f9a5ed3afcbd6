"""Limits of a vendor's front door: requests per second, bytes per body."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from emulators.kit.errors import Refused

_DRAIN_BYTES = 1 << 20


class RateLimiter:
    """At most `rate` requests in any second; a rate below one means one request per 1/rate seconds; 0 is no limit.

    Refused requests do not count. Thread-safe.
    """

    def __init__(self, rate: float, monotonic: Callable[[], float]) -> None:
        self._allowed = max(1, int(rate))
        self._window_seconds = self._allowed / rate if rate else 0.0
        self._monotonic = monotonic
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()

    def admit(self) -> bool:
        """True when one more request fits now; it is then counted."""
        if not self._window_seconds:
            return True
        with self._lock:
            now = self._monotonic()
            while self._recent and self._recent[0] <= now - self._window_seconds:
                self._recent.popleft()
            if len(self._recent) >= self._allowed:
                return False
            self._recent.append(now)
            return True


class Readable(Protocol):
    """The part of a binary stream that is used here."""

    def read(self, size: int = -1, /) -> bytes: ...


class BoundedBody:
    """A request body that ends where the request ends and refuses to be larger than `limit_bytes` (0: no limit).

    `length` is the declared size, or None for a chunked body, which ends with its stream. `taken` counts the bytes
    read. Reading past the limit raises Refused(413); a body cut off early raises Refused(400).
    """

    def __init__(self, stream: Readable, length: int | None, limit_bytes: int) -> None:
        self._stream = stream
        self._left = length
        self.limit_bytes = limit_bytes
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all when negative; empty at the end."""
        if self.limit_bytes and self.taken + (self._left or 0) > self.limit_bytes:
            raise Refused(413)
        if size < 0:
            return b"".join(iter(lambda: self.read(_DRAIN_BYTES), b""))
        chunk = self._take(size)
        if self.limit_bytes and self.taken > self.limit_bytes:
            raise Refused(413)
        return chunk

    def readline(self, size: int = -1) -> bytes:
        """Not needed by any parser in use; present because WSGI input promises it."""
        return self.read(size)

    def drain(self) -> None:
        """Read and drop the rest, so that the client can finish sending and the connection stays usable."""
        while self._take(_DRAIN_BYTES):
            pass

    def _take(self, size: int) -> bytes:
        if self._left is not None:
            size = min(size, self._left)
        if not size:
            return b""
        chunk = self._stream.read(size)
        if self._left is not None:
            if not chunk:
                self._left = 0
                raise Refused(400, "The request body ended early")
            self._left -= len(chunk)
        self.taken += len(chunk)
        return chunk
