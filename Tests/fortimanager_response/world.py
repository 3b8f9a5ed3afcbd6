"""An emulated FortiManager with two FortiGates, and the driver as an instance uses it, on one clock."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from emulators.fortimanager import FortiManager, running
from emulators.kit import Call, Fault
from Tests.driver_world import Clock, Context, DriverWorld, Killer, Row

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("FortiManagerResponse")

LONG = 4_000.0
PACKAGE = "branches/base"
IN, OUT, IN6, OUT6 = "in", "out", "in6", "out6"
IP = "10.1.2.3"
HOST = {"host_id": "41", "ip": IP, "brain": "brain-1"}
ELEMENT = f"internal:{IP}"
NOTHING = frozenset({"0.0.0.0/32", "::/128"})


def seed() -> dict[str, Any]:
    """Groups with the placeholder in them, a package that uses them, two FortiGates that have it."""
    groups = [("addrgrp", IN), ("addrgrp", OUT), ("addrgrp6", IN6), ("addrgrp6", OUT6)]
    return {
        "objects": [
            {"adom": "root", "table": table, "data": {"name": name, "member": ["none"]}} for table, name in groups
        ],
        "devices": [{"adom": "root", "name": "fgt-1"}, {"adom": "root", "name": "fgt-2", "os": "7.0"}],
        "packages": [
            {
                "adom": "root",
                "name": PACKAGE,
                "scope": [{"name": "fgt-1", "vdom": "root"}, {"name": "fgt-2", "vdom": "root"}],
                "policies": [
                    {"policyid": 1, "srcaddr": [IN], "srcaddr6": [IN6]},
                    {"policyid": 2, "dstaddr": [OUT], "dstaddr6": [OUT6]},
                ],
            }
        ],
    }


@dataclass
class World(DriverWorld):
    """One FortiManager and one instance of the driver; each command begins anew from parameters and context."""

    emulator: FortiManager

    def second(self, **params: str) -> World:
        """Another instance on the same FortiManager."""
        return replace(self, params={**self.params, **params}, context=Context(self.killer.effect))

    # -- commands

    def destinations(self, text: str, action: str = "block") -> list[Row]:
        return self.command(f"vectra-{action}-destinations", destinations=text, list="static", brain="brain-1")

    def settle(self) -> list[Row]:
        """Reconcile until nothing is open, waiting for back-offs; the rows of all rounds."""
        rows = []
        for _ in range(4):
            self.clock.seconds += LONG
            rows += self.reconcile()
        return rows

    # -- the other side

    def edit(self, **change: Any) -> None:
        with self.emulator.lock:
            self.emulator.state.edit(change)

    def put(self, name: str, subnet: str, group: str = IN, install: bool = True, **more: Any) -> None:
        """Somebody else puts an address into a group."""
        self.edit(object={"adom": "root", "table": "address", "data": {"name": name, "subnet": subnet, **more}})
        self.edit(members={"adom": "root", "table": "addrgrp", "group": group, "add": [name]})
        if install:
            self.edit(install={"adom": "root", "pkg": PACKAGE})

    def fault(self, **fault: Any) -> None:
        self.emulator.faults.add(Fault(**fault))

    def objects(self, table: str = "address") -> dict[str, Row]:
        """What is saved in the ADOM."""
        with self.emulator.lock:
            return self.emulator.state.adoms.rows("root", table)

    def members(self, group: str = IN) -> list[str]:
        return list(self.objects("addrgrp6" if group.endswith("6") else "addrgrp")[group]["member"])

    def truth(self, side: str = "source", device: str = "fgt-1") -> frozenset[str]:
        """What a FortiGate blocks now."""
        with self.emulator.lock:
            return self.emulator.state.enforced()[f"{device}/root"][side] - NOTHING

    def asked(self, text: str) -> int:
        """How many requests had a call with this text in method and URL."""
        return sum(text in entry.note for entry in self.emulator.requests.latest())

    @property
    def left_behind(self) -> tuple[int, int]:
        """Open sessions and held locks."""
        with self.emulator.lock:
            count = self.emulator.state.count()
        return count["sessions"], count["locks"]


@contextmanager
def world(
    params: Mapping[str, Any] | None = None,
    *,
    key: bool = False,
    observer: Callable[[str, Call], None] | None = None,
    **options: Any,
) -> Iterator[World]:
    """A FortiManager in workspace mode normal; `key`: the instance has the API key in place of user and password."""
    clock, killer = Clock(), Killer()
    with (
        running(clock=clock.now, observer=observer, **options) as emulator,
        killer.watching(pack.FortiManagerClient, "exchange"),
    ):
        emulator.state.seed(seed())
        access = emulator.credentials()
        login = {"credentials": {"identifier": access["user"], "password": access["password"]}}
        made = {
            "url": emulator.url,
            **({"api_key": {"password": access["api_key"]}} if key else login),
            "policy_package": PACKAGE,
            "internal_group": IN,
            "external_group": OUT,
            "internal_group6": IN6,
            "external_group6": OUT6,
            "lock_wait": "0",
            "tries": "1",
            "requests_per_second": "1000",
            **(params or {}),
        }
        yield World(pack, HOST, clock, made, killer, Context(killer.effect), emulator)
