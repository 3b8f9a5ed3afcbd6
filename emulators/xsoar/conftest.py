"""Emulators that stop with the test, and a client that signs as the server asks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from emulators.kit.xdrkeys import signature
from emulators.xsoar import Xsoar, running

NOW = 1_800_000_000.0
NONCES = itertools.count(1)


@dataclass
class Client:
    """Calls one emulator the way a good client does."""

    emulator: Xsoar
    http: requests.Session
    headers: dict[str, str] = field(default_factory=dict)

    def signed(self) -> dict[str, str]:
        """The headers of the next request."""
        key, options = self.emulator.api_key, self.emulator.options
        own = {"x-xdr-auth-id": self.emulator.api_key_id} if options.generation == "8" else {}
        if options.api_key_type == "standard":
            return {**own, "Authorization": key}
        nonce, moment = f"{next(NONCES):064}", str(self.emulator.clock.now_ms())
        return {**own, "x-xdr-nonce": nonce, "x-xdr-timestamp": moment, "Authorization": signature(key, nonce, moment)}

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        """One call below the first prefix."""
        url = self.emulator.url + self.emulator.options.prefixes[0] + path
        return self.http.post(url, json=body, headers={**self.signed(), **headers}, timeout=5)

    def good(self, path: str, body: Any) -> Any:
        """What a call that must succeed answers."""
        reply = self.post(path, body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def detail(self, path: str, body: Any, status: int = 400) -> str:
        """Why a call is refused."""
        reply = self.post(path, body)
        assert reply.status_code == status, reply.text
        return str(reply.json()["detail"])

    def values(self, query: str = "", **more: Any) -> list[str]:
        """The values that a search finds."""
        found = self.good("/indicators/search", {"query": query, **more})["iocObjects"]
        return [one["value"] for one in found or ()]

    def make(self, value: str, kind: str = "Malware", **fields: Any) -> dict[str, Any]:
        """A new record."""
        record = {"value": value, "indicator_type": kind, "CustomFields": fields}
        made: dict[str, Any] = self.good("/indicator/create", {"indicator": record})
        return made


Start = Callable[..., Client]


@pytest.fixture
def server() -> Iterator[Start]:
    """`server(generation="6")` gives a client."""
    with ExitStack() as stack:

        def start(**options: Any) -> Client:
            emulator = stack.enter_context(running(clock=lambda: NOW, **{"rate": 0, **options}))
            return Client(emulator, stack.enter_context(requests.Session()))

        yield start
