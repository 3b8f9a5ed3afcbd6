"""A client that signs, and emulators that stop with the test."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import requests

from emulators.cortex_xdr import CortexXdr, running
from emulators.cortex_xdr.indicators.routes import BASE
from emulators.kit.xdrkeys import signature

NOW = 1_800_000_000.0
NOW_MS = int(NOW * 1000)
FROM_XSOAR = {"x-iocs-source": "xsoar"}


def nonce() -> str:
    """64 random letters and digits."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(64))


def advanced_headers(key_id: str, key: str, now_ms: int, fresh: str | None = None) -> dict[str, str]:
    """The headers of an advanced key."""
    fresh = fresh or nonce()
    return {
        "x-xdr-auth-id": key_id,
        "x-xdr-nonce": fresh,
        "x-xdr-timestamp": str(now_ms),
        "Authorization": signature(key, fresh, str(now_ms)),
    }


@dataclass(frozen=True)
class Client:
    """Calls one emulator the way a good client does."""

    emulator: CortexXdr
    http: requests.Session

    def keys(self) -> dict[str, str]:
        """Good authentication headers for one request."""
        emulator = self.emulator
        if emulator.api_key_type == "standard":
            return {"x-xdr-auth-id": emulator.api_key_id, "Authorization": emulator.api_key}
        return advanced_headers(emulator.api_key_id, emulator.api_key, emulator.now_ms())

    def send(self, call: str, body: object, headers: dict[str, str] | None = None) -> requests.Response:
        """POST a JSON body."""
        merged = {**self.keys(), **(FROM_XSOAR if headers is None else headers)}
        return self.http.post(self.emulator.url + BASE + call, data=orjson.dumps(body), headers=merged, timeout=10)

    def upload(self, call: str, content: str, part: str = "file") -> requests.Response:
        """POST a file."""
        files = {part: ("iocs.json", content, "application/json")}
        headers = {**self.keys(), **FROM_XSOAR}
        return self.http.post(self.emulator.url + BASE + call, files=files, headers=headers, timeout=10)

    def insert(self, *records: dict[str, Any], **more: Any) -> list[dict[str, str]]:
        """tim_insert_jsons with validation; its rejects."""
        reply = self.send("tim_insert_jsons/", {"request_data": list(records), "validate": True}, **more)
        assert reply.status_code == 200, reply.text
        assert reply.json()["reply"]["success"] is True
        return list(reply.json()["reply"]["validation_errors"])

    def changes(self, since: int = 0) -> list[dict[str, Any]]:
        """The rows of get_changes."""
        reply = self.send("get_changes", {"request_data": {"last_update_ts": since}})
        assert reply.status_code == 200, reply.text
        return list(reply.json()["reply"])

    def admin(self, door: str, body: object = None) -> Any:
        """The side door: GET without a body, POST with one."""
        url = f"{self.emulator.admin}/{door}"
        reply = self.http.get(url) if body is None else self.http.post(url, json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """The lines of the dump that have this kind."""
        lines = self.http.get(f"{self.emulator.admin}/dump").content.splitlines()
        return [row for row in map(orjson.loads, lines) if row["kind"] == kind]

    def dump(self) -> dict[str, dict[str, Any]]:
        """All rules by value."""
        return {row["RULE_INDICATOR"]: row for row in self.lines("rule")}

    def living(self) -> set[str]:
        """Values of the rules that are not deleted."""
        return {value for value, row in self.dump().items() if not row["MARKED_DELETED"]}


def domain(value: str = "bad.example", **more: Any) -> dict[str, Any]:
    """A record that XDR takes."""
    return {"indicator": value, "type": "DOMAIN_NAME", "severity": "HIGH", **more}


Start = Callable[..., Client]


@pytest.fixture
def xdr() -> Iterator[Start]:
    """Starts emulators: `xdr(own_writes="show")` gives a client; no rate limit and a clock that stands, unless told."""
    with ExitStack() as stack:

        def start(clock: Callable[[], float] = lambda: NOW, **options: Any) -> Client:
            emulator = stack.enter_context(running(clock=clock, **{"rate": 0.0, **options}))
            return Client(emulator, stack.enter_context(requests.Session()))

        yield start
