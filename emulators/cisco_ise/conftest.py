"""A client of the deployment, and emulators that stop with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from emulators.cisco_ise import CiscoIse, running

NOW = 1_800_000_000.0
MAC, OTHER_MAC = "AA:BB:CC:DD:EE:01", "AA:BB:CC:DD:EE:02"
IP = "10.1.2.3"


@dataclass
class Client:
    """Calls one emulator the way a good client does."""

    emulator: CiscoIse
    http: requests.Session

    def sign_in(self, username: str, password: str) -> None:
        """Use another login from now on."""
        self.http.auth = (username, password)

    def ers(self, method: str, path: str, body: object = None, **query: Any) -> requests.Response:
        """One call of ERS; `path` follows /ers/config/."""
        headers = query.pop("headers", {})
        url = f"{self.emulator.url}/ers/config/{path}"
        return self.http.request(
            method, url, json=body, params=query, headers={"Accept": "application/json", **headers}, timeout=5
        )

    def order(self, name: str, mac: str = MAC, policy: str = "Quarantine", **options: Any) -> requests.Response:
        """`apply` or `clear`."""
        return self.ers("PUT", f"ancendpoint/{name}", additional(macAddress=mac, policyName=policy), **options)

    def title(self, reply: requests.Response) -> str:
        """The title of a refusal."""
        return str(reply.json()["ERSResponse"]["messages"][0]["title"])

    def mnt(self, path: str) -> requests.Response:
        """One call of MnT; `path` follows Session/."""
        return self.http.get(
            f"{self.emulator.mnt_url}/admin/API/mnt/Session/{path}", headers={"Accept": "application/xml"}, timeout=5
        )

    def session(self, path: str) -> ElementTree.Element:
        """The document of a look-up that must be good."""
        reply = self.mnt(path)
        assert reply.status_code == 200, reply.text
        return ElementTree.fromstring(reply.content)

    def edit(self, **change: Any) -> None:
        """The side door's edit."""
        reply = requests.post(f"{self.emulator.admin}/edit", json=change, timeout=5)
        assert reply.status_code == 200, reply.text

    def enforced(self, mac: str = MAC) -> str | None:
        """The policy that the MAC's session was authorised with; None when it has no session."""
        with self.emulator.lock:
            session = self.emulator.ise.anc.session_of(mac)
        return None if session is None else str(session["enforced"])


def additional(**data: str) -> dict[str, Any]:
    """The body of an order."""
    rows = [{"name": name, "value": value} for name, value in data.items()]
    return {"OperationAdditionalData": {"additionalData": rows}}


Start = Callable[..., Client]


@pytest.fixture
def ise() -> Iterator[Start]:
    """Starts emulators: `ise(csrf="on")` gives a client that is signed in. One session is live."""
    with ExitStack() as stack:

        def start(**options: Any) -> Client:
            emulator = stack.enter_context(running(clock=lambda: NOW, **{"rate": 0, **options}))
            client = Client(emulator, stack.enter_context(requests.Session()))
            client.sign_in(emulator.username, emulator.password)
            with emulator.lock:
                emulator.state.seed({"sessions": [{"mac": MAC, "ip": IP, "user": "ann"}]})
            return client

        yield start
