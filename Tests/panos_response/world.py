"""Emulated firewalls and their administrator, and the driver as an instance uses it, on one clock."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from emulators.kit import Call
from emulators.panos import Panos, running
from emulators.panos.options import FIREWALL_SERIAL

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("PANOSResponse")

START = 1_800_000_000.0
HOST = {"host_id": "41", "ip": "10.1.2.3", "brain": "brain-1"}
FIRST, SECOND = "007951000000011", "007951000000012"

Row = dict[str, Any]


@dataclass
class Context:
    """The versioned integration context of an instance."""

    stored: dict[str, Any] = field(default_factory=dict)
    version: int = 0

    def write(self, context: Mapping[str, Any], version: Any) -> None:
        assert version == self.version
        self.stored, self.version = dict(context), self.version + 1

    def port(self) -> Any:
        return pack.ContextPort(lambda: {"context": dict(self.stored), "version": self.version}, self.write)


@dataclass
class World:
    """The emulator and one instance of the driver; each command begins anew from parameters and context."""

    emulator: Panos
    params: dict[str, Any]
    asked: list[dict[str, str]]
    context: Context = field(default_factory=Context)
    late_seconds: float = 0.0

    def now(self) -> float:
        return START + self.late_seconds

    def driver(self) -> Any:
        timing = pack.HttpTiming(self.now, self.now, lambda seconds: None, lambda: 0.0)
        settings = pack.settings_from_params(self.params)
        return pack.PANOSDriver(pack.PANOSClient(settings, timing), settings)

    def command(self, name: str, **args: Any) -> list[Row]:
        """Run one command of the instance; gives the rows of VectraResponse.Outcome."""
        ledger = pack.VersionedState(
            self.context.port(), pack.DRIVER_STATE_VERSION, pack.new_ledger, lambda attempt: None
        )
        run = pack.DriverRun(self.driver(), ledger, self.now, pack.BRAND, "it")
        rows: list[Row] = pack.driver_command(name, args, run).outputs
        return rows

    def one(self, name: str, **args: Any) -> Row:
        (row,) = self.command(name, **args)
        return row

    def block(self, **args: Any) -> Row:
        return self.one("vectra-block-host", **{**HOST, **args})

    def unblock(self, **args: Any) -> Row:
        return self.one("vectra-unblock-host", **{"host_id": "41", "brain": "brain-1", **args})

    def reconcile(self, *, verify: bool = False) -> list[Row]:
        """After every back-off is over."""
        self.late_seconds += 3600
        return self.command("vectra-response-reconcile", verify=str(verify))

    @property
    def records(self) -> dict[str, Row]:
        """The ledger by element."""
        return dict(json.loads(self.context.stored["state"])["elements"]) if "state" in self.context.stored else {}

    def edit(self, *edits: dict[str, Any]) -> None:
        """What an administrator does."""
        with self.emulator.lock:
            self.emulator.state.edit(list(edits))

    def registered(self, serial: str = FIREWALL_SERIAL, vsys: str = "vsys1") -> dict[str, set[str]]:
        """The truth: tags by address at one place."""
        with self.emulator.lock:
            self.emulator.registry.settle()
            rows = list(self.emulator.registry.all())
        return {row.address: set(row.tags) for place, row in rows if tuple(place) == (serial, vsys)}

    def orders(self, action: str) -> list[dict[str, str]]:
        """The forms that arrived to `register` or `unregister`."""
        return [
            form
            for form in self.asked
            if form["type"] == "user-id" and ElementTree.fromstring(form["cmd"]).find(f"payload/{action}") is not None
        ]


@contextmanager
def world(params: Mapping[str, Any] | None = None, **options: Any) -> Iterator[World]:
    """A firewall, or what the options say, and an instance with the given parameters."""
    asked: list[dict[str, str]] = []

    def observe(phase: str, call: Call) -> None:
        if phase == "before":
            asked.append(dict(parse_qsl(call.body.decode())))

    with running(clock=lambda: START, observer=observe, **options) as emulator:
        made = {
            "url": emulator.url,
            "api_key": {"password": emulator.api_key},
            "tries": "1",
            "timeout": "5",
            "requests_per_second": "1000",
            **(params or {}),
        }
        yield World(emulator, made, asked)


@contextmanager
def two_firewalls(params: Mapping[str, Any] | None = None, **options: Any) -> Iterator[World]:
    """A Panorama with two firewalls, and an instance that blocks at both."""
    served = {"target_serials": f"{FIRST},{SECOND}", **(params or {})}
    with world(served, device="panorama", firewalls=f"{FIRST},{SECOND}", **options) as made:
        yield made
