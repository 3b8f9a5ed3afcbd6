"""Cisco ISE for the conformance suite: one emulated deployment with one live session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from emulators.cisco_ise import CiscoIse, running
from emulators.kit import Fault
from Tests.conformance.product import Product, Subject

MAC, DOCK = "00:50:56:AA:BB:CC", "00:50:56:AA:BB:DD"
IP, POLICY, FORMER = "10.1.2.3", "Quarantine", "Guest-Watch"
ORDERS = "*/ancendpoint/*"
FAULTS = {
    "expired_token": Fault("expired_key"),
    "too_many_requests": Fault("status", status=429, retry_after=0),
    "server_error": Fault("status", status=500, when="after", method="PUT", path=ORDERS),
    "torn_body": Fault("torn", path=ORDERS),
    "time_out": Fault("delay", when="after", seconds=0.5, method="PUT", path=ORDERS),
}


class Deployment(Product):
    """The ANC endpoints of the emulator are the truth."""

    lacks: ClassVar[Mapping[str, str]] = {
        "slow_job": "ISE answers an order when the policy is stored; there is no queue behind it",
    }

    def __init__(self, emulator: CiscoIse) -> None:
        self._emulator = emulator
        self._timeout = "10"

    @property
    def params(self) -> Mapping[str, str]:
        node, _, port = self._emulator.url.rpartition(":")
        return {
            "url": node,
            "ers_port": port,
            "mnt_url": self._emulator.mnt_url,
            "credentials.identifier": self._emulator.username,
            "quarantine_policy": POLICY,
            "tries": "1",
            "timeout": self._timeout,
            "requests_per_second": "1000",
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"credentials": self._emulator.password}

    def subject(self, kind: str) -> Subject:
        args = {"ip": IP, "host_id": "41", "host_name": "WS-1", "mac": "0050.56aa.bbcc"}
        return Subject(args, frozenset({MAC}))

    def contained(self) -> frozenset[str]:
        with self._emulator.lock:
            rows = list(self._emulator.ise.anc.endpoints.items())
        return frozenset(mac for mac, row in rows if row["policyName"] == POLICY)

    def others_block(self, subject: Subject) -> None:
        self.seed({"endpoints": [{"mac": MAC, "policy": POLICY}]})

    def former(self, subject: Subject) -> None:
        self.seed({"endpoints": [{"mac": MAC, "policy": FORMER}]})

    def is_former(self, subject: Subject) -> bool:
        with self._emulator.lock:
            return self._emulator.ise.anc.policy_of(MAC) == FORMER

    def lose(self, subject: Subject) -> None:
        self.edit({"clean_up": True})

    def unknown(self, kind: str) -> Mapping[str, str]:
        return {"ip": "10.9.9.9", "host_id": "42", "host_name": "printer"}

    def several(self, kind: str) -> Subject:
        self.edit({"mac": MAC, "disconnect": True})
        return Subject({**self.subject(kind).args, "mac": f"{MAC},{DOCK}"}, frozenset())

    def refused_job(self) -> None:
        self.edit({"delete_policy": POLICY})

    def fault(self, name: str) -> None:
        self._timeout = "0.2" if name == "time_out" else "10"
        self._emulator.faults.add(FAULTS[name])

    def heal(self) -> None:
        self._timeout = "10"
        self._emulator.faults.clear()
        self.seed({"policies": [{"name": POLICY, "actions": ["QUARANTINE"]}]})

    def seed(self, payload: Mapping[str, Any]) -> None:
        """The side door's seed."""
        with self._emulator.lock:
            self._emulator.state.seed(payload)

    def edit(self, change: Mapping[str, Any]) -> None:
        """The side door's edit."""
        with self._emulator.lock:
            self._emulator.state.edit(change)


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """A deployment with the policy of the block, another one, and the session of the host."""
    with running(rate=0) as emulator:
        deployment = Deployment(emulator)
        deployment.seed(
            {
                "policies": [{"name": FORMER, "actions": ["RE_AUTHENTICATE"]}],
                "sessions": [{"mac": MAC, "ip": IP, "user": "ann"}],
            }
        )
        yield deployment
