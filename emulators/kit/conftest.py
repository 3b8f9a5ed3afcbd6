"""A small made-up vendor, to test the kit without any real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import orjson
import pytest

from emulators.kit import Call, Database, Emulator, Options, Refused, Reply, Route, json_list, serving


class ShelfState:
    """Named things, as documents."""

    def __init__(self, options: Options, *, fresh: bool) -> None:
        self._database = Database(options.state, "shelf", fresh=fresh)
        self.things = self._database.collection("things")

    def put(self, name: str, value: object) -> None:
        """Store a thing and count its writes; a value that is refused leaves nothing behind."""
        with self._database.transaction():
            before = self.things.get(name) or {"writes": 0}
            self.things.put(name, {"value": value, "writes": before["writes"] + 1})
            if value == "bad":
                raise Refused(422, "no bad things")
            if value == "broken":
                raise RuntimeError("broken")

    def dump(self) -> Iterator[bytes]:
        for name, thing in self.things.items():
            yield orjson.dumps({"kind": "thing", "name": name, **thing})

    def count(self) -> dict[str, Any]:
        return {"things": len(self.things)}

    def seed(self, payload: Any) -> dict[str, Any]:
        with self._database.transaction():
            for name, value in payload.items():
                self.put(name, value)
        return self.count()

    def edit(self, payload: Any) -> dict[str, Any]:
        return {"removed": self.things.remove(payload["remove"])}

    def close(self) -> None:
        self._database.close()


class Shelf(Emulator[ShelfState, Options]):
    """PUT /things/<name>, GET /things, POST /upload; the key is `sesame`."""

    name: ClassVar[str] = "shelf"
    vendor_headers: ClassVar[frozenset[str]] = frozenset({"x-shelf"})

    def open_state(self, *, fresh: bool) -> ShelfState:
        return ShelfState(self.options, fresh=fresh)

    def routes(self) -> list[Route]:
        return [
            Route("PUT", "/things/<name>", self._put),
            Route("GET", "/things/", self._list, body="none", query=frozenset({"prefix"})),
            Route("POST", "/upload", self._upload, body="multipart", max_body_bytes=5_000),
            Route("GET", "/endless", self._broken_stream, body="none"),
        ]

    def authenticate(self, call: Call) -> None:
        if call.headers.get("Authorization") != "sesame":
            raise Refused(401, note="not sesame")

    def error(self, refused: Refused) -> Reply:
        return Reply.json({"fault": refused.message, "code": refused.status}, refused.status)

    def credentials(self) -> dict[str, str]:
        return {"key": "sesame"}

    def _put(self, call: Call) -> Reply:
        call.records = 1
        self.state.put(call.arguments["name"], call.json())
        return Reply.json({"stored": call.arguments["name"]})

    def _list(self, call: Call) -> Reply:
        return Reply.stream(json_list(b"[", (orjson.dumps(name) for name, _ in self.state.things.items()), b"]"))

    def _upload(self, call: Call) -> Reply:
        self.state.put("upload", call.file("file").read().decode())
        return Reply.json({})

    def _broken_stream(self, call: Call) -> Reply:
        def pieces() -> Iterator[bytes]:
            yield b"some"
            raise RuntimeError("broken")

        return Reply.stream(pieces())


@pytest.fixture
def shelf() -> Iterator[Callable[..., Shelf]]:
    """Starts shelves: `shelf(rate=2, observer=...)`; they stop with the test."""
    with ExitStack() as stack:

        def start(
            clock: Callable[[], float] = lambda: 1_000_000.0,
            observer: Callable[[str, Call], None] | None = None,
            sleep: Callable[[float], None] = lambda seconds: None,
            **options: Any,
        ) -> Shelf:
            return stack.enter_context(serving(Shelf(Options(**options), clock=clock, observer=observer, sleep=sleep)))

        yield start
