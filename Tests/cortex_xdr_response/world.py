"""An emulated tenant, its agents and its operator, and the driver as an instance uses it, on one clock."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from emulators.cortex_xdr import CortexXdr, running
from emulators.kit.faults import Fault
from Tests.driver_world import Clock, Context, DriverWorld, Killer

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("CortexXDRResponse")

ID = "0123456789abcdef0123456789abcdef"
NAME, IP, MAC = "WS-1", "10.1.2.3", "00:50:56:aa:bb:cc"
HOST = {"host_id": "41", "ip": IP, "host_name": NAME, "mac": MAC, "brain": "brain-1"}


@dataclass
class World(DriverWorld):
    """One tenant and one instance of the driver; each command begins anew from parameters and context."""

    emulator: CortexXdr

    def seed(self, **fields: Any) -> None:
        """A new endpoint; ID, NAME, IP and MAC unless given."""
        endpoint = {"endpoint_id": ID, "endpoint_name": NAME, "ip": [IP], "mac_address": [MAC], **fields}
        with self.emulator.lock:
            self.emulator.state.seed({"endpoints": [endpoint]})

    def edit(self, **fields: Any) -> None:
        """What an operator or the agent does; to the endpoint ID unless an endpoint or action is given."""
        if "action_id" not in fields:
            fields.setdefault("endpoint_id", ID)
        with self.emulator.lock:
            self.emulator.actions.settle()
            self.emulator.state.edit(fields)

    def fault(self, call: str = "*", **fault: Any) -> None:
        """Arm one fault for the next request of a call; see the emulator's kinds."""
        self.emulator.faults.add(Fault(path=f"*/{call}", **{"count": 1, **fault}))

    def wait(self, seconds: float) -> None:
        self.clock.seconds += seconds

    def truth(self, endpoint_id: str = ID) -> str:
        """`is_isolated` of an endpoint, as the tenant has it."""
        with self.emulator.lock:
            self.emulator.actions.settle()
            found = self.emulator.fleet.find(endpoint_id)
        assert found is not None
        return found.is_isolated

    def calls(self, name: str) -> int:
        """How many requests to isolate, unisolate, get_endpoint or get_action_status arrived."""
        return sum(entry.path.rstrip("/").endswith(f"/{name}") for entry in self.emulator.requests.latest())

    def open_actions(self) -> list[int]:
        """Ids of the actions that have not ended."""
        with self.emulator.lock:
            self.emulator.actions.settle()
            return [order.action_id for order in self.emulator.actions.all() if not order.ended]

    @property
    def orders(self) -> tuple[int, int]:
        """Requests to isolate and to unisolate."""
        return self.calls("isolate"), self.calls("unisolate")


@contextmanager
def world(params: Mapping[str, Any] | None = None, **options: Any) -> Iterator[World]:
    """A tenant without a limit on requests, whose agents call in each 10 seconds and work for 2."""
    clock, killer = Clock(), Killer()
    with running(clock=clock.now, **{"rate": 0, **options}) as emulator, killer.watching(pack.XDRClient, "send"):
        made = {
            "url": emulator.url,
            "apikey_id_creds": {"password": emulator.api_key_id},
            "apikey_creds": {"password": emulator.api_key},
            "api_key_type": emulator.api_key_type,
            "poll": "0",
            **(params or {}),
        }
        yield World(pack, HOST, clock, made, killer, Context(killer.effect), emulator)
