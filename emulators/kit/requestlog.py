"""What was asked of an emulator: exact totals, and the latest requests in detail."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LoggedRequest:
    """One request. `time` is the emulator's clock in seconds; byte counts are of the bodies as they were on the wire.

    `status` 0 means that no reply was sent. `note` says what the reply did not: a fault that hit, why a key failed.
    """

    number: int
    time: float
    method: str
    path: str
    status: int
    bytes_in: int
    bytes_out: int
    records: int
    duration_seconds: float
    note: str = ""


class RequestLog:
    """Totals over all requests, and the last `keep` of them. Thread-safe.

    A request is in the log before the client can have read the end of its reply.
    """

    def __init__(self, keep: int = 10_000) -> None:
        self._latest: deque[LoggedRequest] = deque(maxlen=keep)
        self._totals: Counter[str] = Counter()
        self._by_status: Counter[int] = Counter()
        self._by_path: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """All requests since the start or the last reset, also those no longer kept in detail."""
        return self._totals["requests"]

    def add(self, entry: LoggedRequest, route: str) -> None:
        """Count and keep one request; `route` is the name it is counted under (paths are endless, routes are not)."""
        with self._lock:
            self._latest.append(entry)
            self._totals.update(requests=1, bytes_in=entry.bytes_in, bytes_out=entry.bytes_out, records=entry.records)
            self._by_status[entry.status] += 1
            self._by_path[route] += 1

    def latest(self, count: int | None = None) -> list[LoggedRequest]:
        """The last `count` requests that are kept (all when None), oldest first."""
        with self._lock:
            entries = list(self._latest)
        return entries if count is None else entries[max(0, len(entries) - count) :]

    def totals(self) -> dict[str, Any]:
        """`requests`, `bytes_in`, `bytes_out`, `records`, and requests `by_status` and `by_path` (route)."""
        with self._lock:
            names = ("requests", "bytes_in", "bytes_out", "records")
            counts: dict[str, Any] = {name: self._totals[name] for name in names}
            counts["by_status"] = {str(status): n for status, n in self._by_status.items()}
            counts["by_path"] = dict(self._by_path)
            return counts

    def clear(self) -> None:
        """Forget everything, totals included."""
        with self._lock:
            self._latest.clear()
            for counter in (self._totals, self._by_path):
                counter.clear()
            self._by_status.clear()


def as_json(entries: list[LoggedRequest]) -> list[dict[str, Any]]:
    """The entries as plain objects."""
    return [asdict(entry) for entry in entries]
