"""A client of the device, and emulators that stop with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import requests

from emulators.fortigate import FortiGate, running

NOW = 1_800_000_000.0
HOST = {"name": "ws-1", "type": "ipmask", "subnet": "10.1.2.3 255.255.255.255", "comment": "a test"}


@dataclass
class Client:
    """Calls one emulator the way a good client does."""

    emulator: FortiGate
    http: requests.Session

    def call(self, method: str, path: str, body: object = None, vdom: str = "root", **query: str) -> requests.Response:
        """One call; `path` follows `/api/v2/` and has its names encoded already."""
        url = f"{self.emulator.url}/api/v2/{path}"
        return self.http.request(method, url, params={"vdom": vdom, **query}, json=body, timeout=10)

    def good(self, method: str, path: str, body: object = None, vdom: str = "root", **query: str) -> dict[str, Any]:
        """The envelope of a call that has to succeed."""
        reply = self.call(method, path, body, vdom, **query)
        envelope: dict[str, Any] = reply.json()
        assert (reply.status_code, envelope["status"]) == (200, "success"), reply.text
        return envelope

    def bad(self, method: str, path: str, body: object = None, vdom: str = "root") -> tuple[int, int | None]:
        """(HTTP status, the device's own number) of a call that has to be refused."""
        reply = self.call(method, path, body, vdom)
        envelope = reply.json()
        assert envelope["status"] == "error" and envelope["http_status"] == reply.status_code
        return reply.status_code, envelope.get("error")

    def seed(self, **payload: object) -> None:
        """The side door's seed."""
        with self.emulator.lock:
            self.emulator.state.seed(payload)

    def edit(self, **payload: object) -> None:
        """The side door's edit."""
        with self.emulator.lock:
            self.emulator.state.edit(payload)


def cmdb(table: str, *names: str) -> str:
    """The path of a configuration call, names encoded."""
    return "/".join(["cmdb/firewall", table, *(quote(name, safe="") for name in names)])


Start = Callable[..., Client]


@pytest.fixture
def fortigate() -> Iterator[Start]:
    """Starts emulators: `fortigate(fortios="7.0")` gives a client with the token; the clock stands at NOW."""
    with ExitStack() as stack:

        def start(clock: Callable[[], float] = lambda: NOW, **options: Any) -> Client:
            emulator = stack.enter_context(running(clock=clock, **options))
            http = stack.enter_context(requests.Session())
            http.headers["Authorization"] = f"Bearer {emulator.token}"
            return Client(emulator, http)

        yield start
