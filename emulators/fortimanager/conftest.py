"""A client of the emulator, and a FortiManager with two FortiGates that have one package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from emulators.fortimanager import FortiManager, running

ROOT = "/pm/config/adom/root"
ADDRESS, GROUP = f"{ROOT}/obj/firewall/address", f"{ROOT}/obj/firewall/addrgrp"
WORKSPACE = "/dvmdb/adom/root/workspace"
SEED: dict[str, Any] = {
    "objects": [
        {"adom": "root", "table": "addrgrp", "data": {"name": "inside", "member": ["none"]}},
        {"adom": "root", "table": "addrgrp", "data": {"name": "outside", "member": ["none"]}},
    ],
    "devices": [{"adom": "root", "name": "fgt-1"}, {"adom": "root", "name": "fgt-2", "os": "7.0"}],
    "packages": [
        {
            "adom": "root",
            "name": "branches/base",
            "scope": [{"name": "fgt-1", "vdom": "root"}, {"name": "fgt-2", "vdom": "root"}],
            "policies": [
                {"policyid": 1, "srcaddr": ["inside"], "dstaddr": ["all"]},
                {"policyid": 2, "srcaddr": ["all"], "dstaddr": ["outside"]},
                {"policyid": 3, "action": "accept", "srcaddr": ["all"], "dstaddr": ["all"]},
            ],
        }
    ],
}


class Client:
    """Calls one emulator with a session of its own."""

    def __init__(self, emulator: FortiManager) -> None:
        self.emulator = emulator
        self.session = ""
        self.headers: dict[str, str] = {}

    def post(self, body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.emulator.url}/jsonrpc", json=body, headers=self.headers, timeout=5)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    def call(self, method: str, url: str, data: Any = None, **more: Any) -> tuple[int, Any]:
        """Code and data (None for none) of one call."""
        part = {"url": url, **({} if data is None else {"data": data}), **more}
        answer = self.post({"id": 1, "method": method, "params": [part], "session": self.session, "verbose": 1})
        [result] = answer["result"]
        return result["status"]["code"], result.get("data")

    def login(self, password: str = "") -> int:
        data = {"user": "warroom", "passwd": password or self.emulator.credentials()["password"]}
        answer = self.post({"id": 1, "method": "exec", "params": [{"url": "/sys/login/user", "data": data}]})
        self.session = answer.get("session", "")
        return int(answer["result"][0]["status"]["code"])

    def install(self, **more: Any) -> dict[str, Any]:
        """Install the package; its task."""
        code, data = self.call(
            "exec", "/securityconsole/install/package", {"adom": "root", "pkg": "branches/base", **more}
        )
        assert code == 0
        return self.task(data["task"])

    def task(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.call("get", f"/task/task/{number}")[1]
        return found


Start = Callable[..., Client]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts FortiManagers and signs in: `start(workspace_mode="disabled")`; they stop with the test."""
    with ExitStack() as stack:

        def make(login: bool = True, **options: Any) -> Client:
            emulator = stack.enter_context(running(**options))
            emulator.state.seed(SEED)
            client = Client(emulator)
            assert not login or client.login() == 0
            return client

        yield make
