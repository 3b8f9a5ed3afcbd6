"""A client of the dashboard, and emulators that stop with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import requests

from emulators.meraki import Meraki, running

NOW = 1_800_000_000.0
DAY = 86_400
WORLD: dict[str, Any] = {
    "organizations": [{"id": "1"}, {"id": "2"}, {"id": "3", "api": False}],
    "networks": [
        {"id": "N_1", "organization": "1", "name": "Berlin"},
        {"id": "N_2", "organization": "1", "name": "Rome"},
        {"id": "N_9", "organization": "2"},
        {"id": "N_8", "organization": "3"},
    ],
    "groups": [{"network": "N_1", "id": "101", "name": "Quarantine"}],
    "devices": [
        {"serial": "Q2AP-0001", "network": "N_1", "product": "wireless"},
        {
            "serial": "Q2SW-0001",
            "network": "N_1",
            "product": "switch",
            "ports": [{"id": "1", "uplink": True}, {"id": "7"}, {"id": "1_C9300-NM-8X_1"}],
        },
    ],
    "clients": [
        {
            "network": "N_1",
            "id": "k1",
            "mac": "00:11:22:33:44:01",
            "ip": "10.1.1.1",
            "description": "Jane's laptop",
            "connection": "Wireless",
            "ssid": "Office",
            "serial": "Q2AP-0001",
        },
        {
            "network": "N_1",
            "id": "k7",
            "mac": "00:11:22:33:44:07",
            "ip": "10.1.1.17",
            "connection": "Wired",
            "switchport": "7",
            "serial": "Q2SW-0001",
            "status": "Offline",
            "seen_ago": 3_600,
        },
    ],
}


@dataclass
class Client:
    """Calls one emulator the way a good client does."""

    emulator: Meraki
    http: requests.Session

    def call(self, method: str, path: str, body: object = None, **query: Any) -> requests.Response:
        """One call; `path` follows the version."""
        return self.http.request(method, f"{self.emulator.url}/api/v1/{path}", params=query, json=body, timeout=10)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a reading call that must be good."""
        reply = self.call("GET", path, **query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def refused(self, method: str, path: str, body: object = None, **query: Any) -> tuple[int, str]:
        """Status and text of a call that must not be good."""
        reply = self.call(method, path, body, **query)
        [text] = reply.json()["errors"]
        return reply.status_code, text

    def ids(self, path: str, **query: Any) -> list[str]:
        """The ids of a list, over all of its pages."""
        found, reply = [], self.call("GET", path, **query)
        while True:
            assert reply.status_code == 200, reply.text
            found += [row["id"] for row in reply.json()]
            if "next" not in reply.links:
                return found
            reply = self.http.get(reply.links["next"]["url"], timeout=10)

    def admin(self, door: str, body: object = None, status: int = 200) -> Any:
        """The side door: GET without a body, POST with one."""
        url = f"{self.emulator.admin}/{door}"
        reply = self.http.get(url) if body is None else self.http.post(url, json=body)
        assert reply.status_code == status, reply.text
        return reply.json()

    def dump(self, kind: str) -> dict[str, dict[str, Any]]:
        """All objects of a kind by key."""
        lines = map(orjson.loads, self.http.get(f"{self.emulator.admin}/dump").content.splitlines())
        return {row["key"]: row for row in lines if row["kind"] == kind}


Start = Callable[..., Client]


@pytest.fixture
def meraki() -> Iterator[Start]:
    """Starts emulators: `meraki(policy_limit=2)` gives a client with the key in it; the clock stands."""
    with ExitStack() as stack:

        def start(clock: Callable[[], float] = lambda: NOW, world: Any = WORLD, **options: Any) -> Client:
            emulator = stack.enter_context(running(clock=clock, **{"organization_rate": 0, "rate": 0, **options}))
            client = Client(emulator, stack.enter_context(requests.Session()))
            client.http.headers["Authorization"] = f"Bearer {emulator.credentials()['api_key']}"
            client.admin("seed", world)
            return client

        yield start
