"""Cisco Meraki: a laptop on an access point and, by its second MAC, on the port of a switch, in one network."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from emulators.kit import Fault
from emulators.meraki import Meraki, running
from Tests.conformance.product import Product, Subject

AIR, CABLE = "WLAN:k1:N_1", "LAN:k7:Q2SW-0001:7"
FORMER = {"devicePolicy": "Group policy", "groupPolicyId": "102"}
FAULTS = {
    "expired_token": Fault("expired_key"),
    "too_many_requests": Fault("status", status=429, retry_after=0),
    "server_error": Fault("status", status=500, when="after", method="PUT"),
    "torn_body": Fault("torn", method="PUT"),
    "time_out": Fault("delay", when="after", seconds=0.5, method="PUT"),
}
WORLD: dict[str, Any] = {
    "organizations": [{"id": "1"}, {"id": "2"}],
    "networks": [{"id": "N_1", "organization": "1"}, {"id": "N_2", "organization": "1"}],
    "groups": [{"network": "N_1", "id": "102", "name": "Guests"}],
    "devices": [
        {"serial": "Q2AP-0001", "network": "N_1", "product": "wireless"},
        {"serial": "Q2SW-0001", "network": "N_1", "product": "switch", "ports": [{"id": "7"}, {"id": "8"}]},
    ],
    "clients": [
        {"network": "N_1", "id": "k1", "mac": "00:11:22:33:44:01", "ip": "10.1.2.3", "connection": "Wireless",
         "ssid": "Office", "serial": "Q2AP-0001"},
        {"network": "N_1", "id": "k7", "mac": "00:11:22:33:44:07", "ip": "10.1.2.37", "connection": "Wired",
         "switchport": "7", "serial": "Q2SW-0001"},
    ],
}  # fmt: skip


class Dashboard(Product):
    """What is blocked is read from the policies and ports of the emulator."""

    lacks: ClassVar[Mapping[str, str]] = {"slow_job": "the dashboard shows a policy or a port as soon as it is ordered"}

    def __init__(self, emulator: Meraki) -> None:
        self._emulator = emulator
        self._timeout = "10"

    @property
    def params(self) -> Mapping[str, str]:
        return {
            "url": self._emulator.url,
            "allow_port_shutdown": "true",
            "tries": "1",
            "timeout": self._timeout,
            "requests_per_second": "1000",
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"credentials": self._emulator.credentials()["api_key"]}

    def subject(self, kind: str) -> Subject:
        args = {"ip": "10.1.2.3", "host_id": "41", "mac": "0011.2233.4401,00-11-22-33-44-07"}
        return Subject(args, frozenset({AIR, CABLE}))

    def contained(self) -> frozenset[str]:
        with self._emulator.lock:
            dashboard = self._emulator.dashboard
            policies = [(key.split("/"), policy["devicePolicy"]) for key, policy in dashboard.table("policy").items()]
            blocked = [f"WLAN:{client}:{network}" for (network, client), name in policies if name == "Blocked"]
            off = [port for port in dashboard.all("port") if not port["enabled"]]
            return frozenset([*blocked, *(f"LAN:k7:{port['serial']}:{port['portId']}" for port in off)])

    def others_block(self, subject: Subject) -> None:
        self._set({"devicePolicy": "Blocked"}, enabled=False)

    def former(self, subject: Subject) -> None:
        self._set(FORMER, enabled=True)

    def is_former(self, subject: Subject) -> bool:
        with self._emulator.lock:
            dashboard = self._emulator.dashboard
            return dashboard.policy("N_1", "k1") == FORMER and dashboard.port("Q2SW-0001", "7")["enabled"]

    def lose(self, subject: Subject) -> None:
        self._edit({"forget": "N_1"})

    def unknown(self, kind: str) -> Mapping[str, str]:
        return {"ip": "10.9.9.9", "host_id": "42", "mac": "00:11:22:33:44:99"}

    def several(self, kind: str) -> Subject:
        twin = {**WORLD["clients"][0], "network": "N_2", "id": "k2", "mac": "00:11:22:33:44:02"}
        with self._emulator.lock:
            self._emulator.state.seed({"clients": [twin]})
        return Subject({"ip": "10.1.2.3", "host_id": "41"}, frozenset())

    def refused_job(self) -> None:
        self._edit({"key": {"access": "read-only"}})

    def fault(self, name: str) -> None:
        self._timeout = "0.2" if name == "time_out" else "10"
        self._emulator.faults.add(FAULTS[name])

    def heal(self) -> None:
        self._timeout = "10"
        self._emulator.faults.clear()
        self._edit({"key": {"access": "full"}})

    def _set(self, policy: Mapping[str, str], *, enabled: bool) -> None:
        port = {"serial": "Q2SW-0001", "id": "7", "enabled": enabled}
        self._edit({"policy": {"network": "N_1", "client": "k1", **policy}, "port": port})

    def _edit(self, change: dict[str, Any]) -> None:
        with self._emulator.lock:
            self._emulator.state.edit(change)


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """An emulator without limits, on the clock of the suite."""
    # The suite puts something else in the place of `time.time`, and clients have to stay newly seen.
    with running(rate=0, organization_rate=0, clock=lambda: time.time()) as emulator:  # noqa: PLW0108
        emulator.state.seed(WORLD)
        yield Dashboard(emulator)
