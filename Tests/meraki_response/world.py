"""An emulated dashboard with two organisations, and the driver as an instance uses it, over real HTTP."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from emulators.meraki import Meraki, running

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("MerakiResponse")

START = 1_800_000_000.0
DAY = 86_400
AIR, AIR_MAC = "WLAN:k1:N_1", "00:11:22:33:44:01"
CABLE, CABLE_MAC = "LAN:k7:Q2SW-0001:7", "00:11:22:33:44:07"
BLOCKED, NORMAL = {"devicePolicy": "Blocked"}, {"devicePolicy": "Normal"}
QUARANTINE = {"devicePolicy": "Group policy", "groupPolicyId": "101"}
GUESTS = {"devicePolicy": "Group policy", "groupPolicyId": "102"}
AIR_CLIENT: dict[str, Any] = {
    "network": "N_1",
    "id": "k1",
    "mac": AIR_MAC,
    "ip": "10.1.1.1",
    "connection": "Wireless",
    "ssid": "Office",
    "serial": "Q2AP-0001",
}
CABLE_CLIENT: dict[str, Any] = {
    "network": "N_1",
    "id": "k7",
    "mac": CABLE_MAC,
    "ip": "10.1.1.7",
    "connection": "Wired",
    "switchport": "7",
    "serial": "Q2SW-0001",
}
WORLD: dict[str, Any] = {
    "organizations": [{"id": "1"}, {"id": "2"}, {"id": "3", "api": False}],
    "networks": [
        {"id": "N_1", "organization": "1", "name": "Berlin"},
        {"id": "N_2", "organization": "1", "name": "Rome"},
        {"id": "N_3", "organization": "1", "products": ["camera", "systemsManager"]},
        {"id": "N_9", "organization": "2", "products": ["wireless"]},
        {"id": "N_8", "organization": "3"},
    ],
    "groups": [
        {"network": "N_1", "id": "101", "name": "Quarantine"},
        {"network": "N_1", "id": "102", "name": "Guests"},
        {"network": "N_2", "id": "100", "name": "Quarantine"},
    ],
    "devices": [
        {"serial": "Q2AP-0001", "network": "N_1", "product": "wireless"},
        {
            "serial": "Q2SW-0001",
            "network": "N_1",
            "product": "switch",
            "ports": [{"id": "1", "uplink": True}, {"id": "7"}, {"id": "1_C9300-NM-8X_1"}],
        },
    ],
    "clients": [AIR_CLIENT, CABLE_CLIENT],
}
Row = dict[str, Any]


@dataclass
class Ledger:
    """What the versioned context holds."""

    stored: dict[str, Any] = field(default_factory=lambda: dict(pack.new_ledger()))

    def load(self) -> dict[str, Any]:
        return self.stored

    def update(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        self.stored = change(self.stored)
        return self.stored


@dataclass
class World:
    """One dashboard and one instance of the driver; each command begins anew from parameters and ledger."""

    emulator: Meraki
    params: dict[str, Any]
    ledger: Ledger = field(default_factory=Ledger)
    seconds: float = START
    slept: list[float] = field(default_factory=list)

    def driver(self) -> Any:
        settings = pack.settings_from_params(self.params)
        timing = pack.HttpTiming(lambda: self.seconds, lambda: 0.0, self.slept.append, lambda: 0.0)
        return pack.MerakiDriver(pack.MerakiClient(settings, timing), settings)

    def command(self, name: str, **args: str) -> list[Row]:
        """Run one command; gives the rows of VectraResponse.Outcome."""
        self.seconds += 3600
        run = pack.DriverRun(self.driver(), self.ledger, lambda: self.seconds, "MerakiResponse", "meraki")
        rows: list[Row] = pack.driver_command(f"vectra-{name}", args, run).outputs
        return rows

    def block(self, **args: str) -> list[Row]:
        return self.command("block-host", **{"host_id": "41", **args})

    def unblock(self, **args: str) -> list[Row]:
        return self.command("unblock-host", **{"host_id": "41", **args})

    def groom(self, **args: str) -> list[Row]:
        return self.command("groom-host", **{"host_id": "41", **args})

    def reconcile(self, verify: bool = False) -> list[Row]:
        return self.command("response-reconcile", verify=str(verify).lower())

    @property
    def elements(self) -> set[str]:
        """What the ledger has."""
        return set(self.ledger.stored["elements"])

    def edit(self, **change: Any) -> None:
        """What administrators and devices do."""
        with self.emulator.lock:
            self.emulator.state.edit(change)

    def move(self, client: Mapping[str, Any], **change: Any) -> None:
        """Change what the dashboard knows of a client."""
        self.edit(client={"network": client["network"], "id": client["id"], **change})

    def seed(self, **payload: Any) -> None:
        with self.emulator.lock:
            self.emulator.state.seed(payload)

    def set_policy(self, policy: Mapping[str, str], client: str = "k1", network: str = "N_1") -> None:
        self.edit(policy={"network": network, "client": client, **policy})

    def set_port(self, enabled: bool, port: str = "7") -> None:
        self.edit(port={"serial": "Q2SW-0001", "id": port, "enabled": enabled})

    def policy(self, client: str = "k1", network: str = "N_1") -> Row:
        with self.emulator.lock:
            return self.emulator.dashboard.policy(network, client)

    def port_is_on(self, port: str = "7") -> bool:
        with self.emulator.lock:
            return bool(self.emulator.dashboard.port("Q2SW-0001", port)["enabled"])

    def asked(self, method: str = "*") -> list[str]:
        """The paths that were asked for since the last call of this."""
        found = [
            request.path.removeprefix("/api/v1")
            for request in self.emulator.requests.latest()
            if method in ("*", request.method)
        ]
        self.emulator.requests.clear()
        return found


@contextmanager
def world(params: Mapping[str, str] | None = None, **options: Any) -> Iterator[World]:
    """A dashboard with WORLD in it."""
    with running(**{"rate": 0, "organization_rate": 0, "clock": lambda: START, **options}) as emulator:
        emulator.state.seed(WORLD)
        base = {"url": emulator.url, "credentials": {"password": emulator.credentials()["api_key"]}}
        yield World(emulator, {**base, "tries": "1", "requests_per_second": "1000", **(params or {})})


def statuses(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(element, status) of each row."""
    return [(row["element"], row["status"]) for row in rows]
