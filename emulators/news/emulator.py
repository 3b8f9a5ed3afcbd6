"""The news emulator put together."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate, parsedate_to_datetime
from typing import Any, ClassVar

from emulators import kit
from emulators.kit import Call, Emulator, Observer, Refused, Reply, Route, serving
from emulators.news.documents import CONTENT_TYPES, document
from emulators.news.options import NewsOptions
from emulators.news.state import NewsState

_DRIPS = 20


class News(Emulator[NewsState, NewsOptions]):
    """Sources below `/sources/<name>`; anybody may read them."""

    name: ClassVar[str] = "news"
    vendor_headers: ClassVar[frozenset[str]] = frozenset({"if-none-match", "if-modified-since"})

    def open_state(self, *, fresh: bool) -> NewsState:
        """The sources from `options.state`, or new ones in memory."""
        return NewsState(self.options, self.clock.now, fresh=fresh)

    def routes(self) -> list[Route]:
        """The one call. A query is let through, as sites do."""
        return [Route("GET", "/sources/<name>", self._read_source, body="none")]

    def authenticate(self, call: Call) -> None:
        """News are for everybody."""

    def error(self, refused: Refused) -> Reply:
        """A page, as web servers make it."""
        page = f"<html><head><title>{refused.status}</title></head><body>{refused.message}</body></html>"
        return Reply(refused.status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def credentials(self) -> dict[str, str]:
        """None are needed."""
        return {}

    def address(self, name: str) -> str:
        """Where a source is read."""
        return f"{self.url}/sources/{name}"

    def _read_source(self, call: Call) -> Reply:
        source = self.state.source(call.arguments["name"])
        if source["redirect"]:
            return Reply(source["redirect_status"], b"", {"Location": source["redirect"]})
        window = self.options.window if source["window"] is None else source["window"]
        body = document(source, window)
        headers = {"Content-Type": CONTENT_TYPES[source["kind"]]}
        if source["conditional"]:
            headers |= {"ETag": _etag(body), "Last-Modified": formatdate(source["changed"], usegmt=True)}
            if _unchanged(dict(call.headers), headers["ETag"], source["changed"]):
                return Reply(304, b"", headers)
        call.records = len(source["items"])
        if source["drip_seconds"]:
            return Reply(200, self._dripped(body, source["drip_seconds"]), headers)
        return Reply(200, body, headers)

    def _dripped(self, body: bytes, seconds: float) -> Iterator[bytes]:
        """The body over that time, in pieces."""
        size = len(body) // _DRIPS + 1
        for start in range(0, len(body), size):
            self._sleep(seconds / _DRIPS)
            yield body[start : start + size]


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _unchanged(headers: Mapping[str, str], etag: str, changed: float) -> bool:
    """The tag decides when the reader sent one, else the time, as HTTP has it."""
    if tags := headers.get("If-None-Match"):
        return etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")}
    try:
        return int(changed) <= parsedate_to_datetime(headers.get("If-Modified-Since", "")).timestamp()
    except (TypeError, ValueError):
        return False


@contextmanager
def running(
    *, clock: Callable[[], float] = time.time, observer: Observer | None = None, **options: Any
) -> Iterator[News]:
    """An emulator that serves inside this process for as long as the block lasts.

    `options` are the fields of NewsOptions, named as on the command line. Raises BadOption.
    """
    with serving(News(NewsOptions(**options), clock=clock, observer=observer)) as emulator:
        yield emulator


def main(argv: Sequence[str] | None = None) -> int:
    """The command line, `python -m emulators.news`; returns the exit status. See `kit.main`."""
    return kit.main(News, NewsOptions, "emulators.news", argv)
