"""A client of the brain, and emulators that stop with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import requests

from emulators.vectra import Vectra, running

NOW = 1_800_000_000.0
VERSIONS = ("2.5", "3.3", "3.4", "3.5")
RUX = VERSIONS[1:]


@dataclass
class Client:
    """Calls one emulator the way a good client does."""

    emulator: Vectra
    http: requests.Session

    def token(self, secret: str | None = None, **form: str) -> requests.Response:
        """The token call; client credentials unless the form says otherwise."""
        emulator = self.emulator
        return self.http.post(
            emulator.url + emulator.options.version.token_path,
            data=form or {"grant_type": "client_credentials"},
            auth=(emulator.client_id, secret or emulator.client_secret),
            timeout=10,
        )

    def sign_in(self) -> dict[str, Any]:
        """Carry a good token from now on; the reply of the token call, when there was one."""
        if self.emulator.token:
            self.http.headers["Authorization"] = f"Token {self.emulator.token}"
            return {}
        reply: dict[str, Any] = self.token().json()
        self.http.headers["Authorization"] = f"Bearer {reply['access_token']}"
        return reply

    def call(self, method: str, path: str, body: object = None, **query: object) -> requests.Response:
        """One call of the API; `path` follows the version."""
        url = f"{self.emulator.url}{self.emulator.options.version.base}/{path}"
        return self.http.request(method, url, params=query, json=body, timeout=10)  # type: ignore[arg-type]

    def get(self, path: str, **query: object) -> Any:
        """The JSON of a reading call that must be good."""
        reply = self.call("GET", path, **query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def ids(self, path: str, **query: object) -> list[int]:
        """The ids of the results, in their order."""
        return [item["id"] for item in self.get(path, **query)["results"]]

    def tags(self, path: str, **query: object) -> list[str]:
        """The tags of one object."""
        return list(self.get(f"tagging/{path}", **query)["tags"])

    def admin(self, door: str, body: object = None, status: int = 200) -> Any:
        """The side door: GET without a body, POST with one."""
        url = f"{self.emulator.admin}/{door}"
        reply = self.http.get(url) if body is None else self.http.post(url, json=body)
        assert reply.status_code == status, reply.text
        return reply.json()

    def seed(self, **payload: object) -> Any:
        """The side door's seed."""
        return self.admin("seed", payload)

    def dump(self, kind: str) -> dict[int, dict[str, Any]]:
        """All objects of a kind by id."""
        lines = map(orjson.loads, self.http.get(f"{self.emulator.admin}/dump").content.splitlines())
        return {row["id"]: row for row in lines if row["kind"] == kind}


def host(name: str = "fin-lap-07", **more: Any) -> dict[str, Any]:
    """A host for a seed."""
    return {"name": name, **more}


Start = Callable[..., Client]


@contextmanager
def starting() -> Iterator[Start]:
    """Gives a way to start emulators that stop with the block; the clock stands."""
    with ExitStack() as stack:

        def start(api_version: str = "3.4", clock: Callable[[], float] = lambda: NOW, **options: Any) -> Client:
            emulator = stack.enter_context(running(clock=clock, api_version=api_version, **options))
            client = Client(emulator, stack.enter_context(requests.Session()))
            client.sign_in()
            return client

        yield start


@pytest.fixture
def vectra() -> Iterator[Start]:
    """Starts emulators: `vectra("2.5", auth="token")` gives a client that is signed in."""
    with starting() as start:
        yield start
