"""Cortex XDR: the emulated tenant, whose agent calls in by itself when it got an order, unless it is told to wait."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

from emulators.cortex_xdr import CortexXdr, running
from emulators.kit.faults import Fault
from Tests.conformance.product import Product, Subject

ENDPOINT, TWIN = "0123456789abcdef0123456789abcdef", "f" * 32
KEY, KEY_ID = "made-up-key-of-the-suite", "731946"
NEVER = 10_000_000.0
ORDERS = "*isolate"
FAULTS = {
    "expired_token": Fault("expired_key"),
    "too_many_requests": Fault("status", status=429),
    "server_error": Fault("status", status=500, path=ORDERS),
    "torn_body": Fault("torn", path=ORDERS),
    "time_out": Fault("delay", seconds=0.2, when="after", path=ORDERS),
}


class Tenant(Product):
    """One tenant with one endpoint, and a second one with its name and address where several are wanted."""

    lacks: ClassVar[Mapping[str, str]] = {"former": "an endpoint is isolated or not; an isolation replaces nothing"}

    def __init__(self) -> None:
        self.emulator: CortexXdr
        self._waits = False
        self._timeout = "30"

    @property
    def params(self) -> Mapping[str, str]:
        return {"url": self.emulator.url, "poll": "0", "timeout": self._timeout}

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"apikey_creds": KEY, "apikey_id_creds": KEY_ID}

    def ordered(self, phase: str, call: Any) -> None:
        """The agent's part: as observer of the emulator, after each order."""
        if phase == "after" and call.path.endswith("isolate") and not self._waits:
            self._call_in()

    def _call_in(self) -> None:
        self._edit({"endpoint_id": ENDPOINT, "check_in": True})

    def _edit(self, change: dict[str, Any]) -> None:
        with self.emulator.lock:
            self.emulator.state.edit(change)

    def subject(self, kind: str) -> Subject:
        args = {"ip": "10.1.2.3", "host_id": "41", "host_name": "WS-1", "mac": "00:50:56:aa:bb:cc"}
        return Subject(args, frozenset({ENDPOINT}))

    def contained(self) -> frozenset[str]:
        with self.emulator.lock:
            endpoints = list(self.emulator.fleet.all())
        held = ("AGENT_ISOLATED", "AGENT_PENDING_ISOLATION_CANCELLATION")
        return frozenset(endpoint.endpoint_id for endpoint in endpoints if endpoint.is_isolated in held)

    def others_block(self, subject: Subject) -> None:
        self._edit({"endpoint_id": ENDPOINT, "is_isolated": "AGENT_ISOLATED"})

    def lose(self, subject: Subject) -> None:
        self._edit({"endpoint_id": ENDPOINT, "is_isolated": "AGENT_UNISOLATED"})

    def unknown(self, kind: str) -> Mapping[str, str]:
        return {"ip": "10.9.9.9", "host_id": "42", "host_name": "printer"}

    def several(self, kind: str) -> Subject:
        self.emulator.state.seed({"endpoints": [{**SEED, "endpoint_id": TWIN}]})
        return Subject(self.subject(kind).args, frozenset())

    def slow_job(self) -> None:
        self._waits = True

    def finish(self) -> None:
        self._waits = False
        self._call_in()

    def refused_job(self) -> None:
        self._edit({"endpoint_id": ENDPOINT, "order_result": "FAILED", "order_error": "the network extension is off"})

    def fault(self, name: str) -> None:
        self.emulator.faults.add(FAULTS[name])
        self._timeout = "0.1" if name == "time_out" else "30"

    def heal(self) -> None:
        self.emulator.faults.clear()
        self._timeout = "30"
        self._edit({"endpoint_id": ENDPOINT, "order_result": "COMPLETED_SUCCESSFULLY"})


SEED = {"endpoint_name": "WS-1", "ip": ["10.1.2.3"], "mac_address": ["00:50:56:aa:bb:cc"]}


def now() -> float:
    """The time of the suite, which moves it by putting something else in the place of `time.time`."""
    return time.time()


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """A tenant on the clock of the suite; the driver's pauses take no time."""
    tenant = Tenant()
    hasty = SimpleNamespace(time=now, monotonic=time.monotonic, sleep=lambda seconds: None)
    options: dict[str, Any] = {"api_key": KEY, "api_key_id": KEY_ID, "rate": 0, "check_in_seconds": NEVER}
    with (
        running(clock=now, observer=tenant.ordered, work_seconds=0, **options) as tenant.emulator,
        patch.object(importlib.import_module("CortexXDRResponse"), "time", hasty),
    ):
        tenant.emulator.state.seed({"endpoints": [{**SEED, "endpoint_id": ENDPOINT}]})
        yield tenant
