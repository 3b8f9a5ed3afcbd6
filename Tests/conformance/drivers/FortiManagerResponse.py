"""FortiManager: the emulated one with a FortiGate that has the package. The FortiGate is the truth."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

from emulators.fortimanager import FortiManager, running
from emulators.kit import Fault
from Tests.conformance.product import Product, Subject

ANY_ADDRESS = "a group takes any address; nothing stands behind it that could be unknown or several"
# Login, workspace mode, look, lock, and what the group has: the request after these is the first that writes.
BEFORE_ORDERS = 5
FAULTS = {
    "expired_token": Fault("expired_key"),
    "too_many_requests": Fault("status", status=429, retry_after=0),
    "server_error": Fault("status", status=500, when="after", after=BEFORE_ORDERS),
    "torn_body": Fault("torn", after=BEFORE_ORDERS),
    "time_out": Fault("delay", when="after", seconds=0.2, after=BEFORE_ORDERS),
}
PACKAGE = "branches/base"
SIDES = {"internal": ("Vectra-Internal-Block", "source"), "external": ("Vectra-External-Block", "destination")}
NONE = "0.0.0.0/32"
SEED: dict[str, Any] = {
    "objects": [
        {"adom": "root", "table": "addrgrp", "data": {"name": name, "member": ["none"]}} for name, _ in SIDES.values()
    ],
    "devices": [{"adom": "root", "name": "fgt-1"}],
    "packages": [
        {
            "adom": "root",
            "name": PACKAGE,
            "scope": [{"name": "fgt-1", "vdom": "root"}],
            "policies": [
                {"policyid": 1, "srcaddr": ["Vectra-Internal-Block"], "dstaddr": ["all"]},
                {"policyid": 2, "srcaddr": ["all"], "dstaddr": ["Vectra-External-Block"]},
            ],
        }
    ],
}


class Manager(Product):
    """One ADOM that is shared by locks."""

    lacks: ClassVar[Mapping[str, str]] = {
        "former": "an address is a member of the group or not; a block replaces nothing",
        "unknown": ANY_ADDRESS,
        "several": ANY_ADDRESS,
    }

    def __init__(self, emulator: FortiManager) -> None:
        self._emulator = emulator
        self._timeout = "10"

    @property
    def params(self) -> Mapping[str, str]:
        return {
            "url": self._emulator.url,
            "credentials.identifier": self._emulator.credentials()["user"],
            "policy_package": PACKAGE,
            "lock_wait": "0",
            "task_timeout": "0",
            "tries": "1",
            "timeout": self._timeout,
            "requests_per_second": "1000",
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"credentials": self._emulator.credentials()["password"]}

    def subject(self, kind: str) -> Subject:
        return {
            "host": Subject({"ip": "10.1.2.3", "host_id": "41"}, frozenset({"internal:10.1.2.3"})),
            "detection": Subject(
                {"dst_ips": "198.51.100.7,198.51.100.8", "detection_id": "9001"},
                frozenset({"external:198.51.100.7", "external:198.51.100.8"}),
            ),
            "destinations": Subject(
                {"destinations": "192.0.2.9/24,203.0.113.5-203.0.113.9", "list": "static"},
                frozenset({"external:192.0.2.0/24", "external:203.0.113.5-203.0.113.9"}),
            ),
        }[kind]

    def contained(self) -> frozenset[str]:
        with self._emulator.lock:
            enforced = self._emulator.state.enforced()["fgt-1/root"]
        return frozenset(
            f"{side}:{value.removesuffix('/32')}"
            for side, (_, end) in SIDES.items()
            for value in enforced[end] - {NONE}
        )

    def others_block(self, subject: Subject) -> None:
        for number, element in enumerate(sorted(subject.elements)):
            side, _, value = element.partition(":")
            first, dash, last = value.partition("-")
            what = {"type": "iprange", "start-ip": first, "end-ip": last} if dash else {"subnet": value}
            self._edit("object", table="address", data={"name": f"bad-{number}", **what})
            self._edit("members", table="addrgrp", group=SIDES[side][0], add=[f"bad-{number}"])
        self._edit("install", pkg=PACKAGE)

    def lose(self, subject: Subject) -> None:
        for group, _ in SIDES.values():
            self._edit("object", table="addrgrp", data={"name": group, "member": ["none"]})
        self._edit("install", pkg=PACKAGE)

    def slow_job(self) -> None:
        self._change({"tasks": {"hold": True}})

    def finish(self) -> None:
        self._change({"tasks": {"hold": False}})

    def refused_job(self) -> None:
        self._change({"device": {"name": "fgt-1", "reachable": False}})

    def fault(self, name: str) -> None:
        self._timeout = "0.1" if name == "time_out" else "10"
        self._emulator.faults.add(FAULTS[name])

    def heal(self) -> None:
        self._timeout = "10"
        self._emulator.faults.clear()
        self._change({"device": {"name": "fgt-1", "reachable": True}})

    def _edit(self, what: str, **fields: Any) -> None:
        self._change({what: {"adom": "root", **fields}})

    def _change(self, change: dict[str, Any]) -> None:
        with self._emulator.lock:
            self._emulator.state.edit(change)


def now() -> float:
    """The time of the suite, which moves it by putting something else in the place of `time.time`."""
    return time.time()


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """A FortiManager in workspace mode normal, on the clock of the suite; the driver's pauses take no time.

    A run that could not end its session leaves the lock behind, until the session's idle time is over.
    """
    hasty = SimpleNamespace(time=now, monotonic=time.monotonic, sleep=lambda seconds: None)
    with running(clock=now) as emulator, patch.object(importlib.import_module("FortiManagerResponse"), "time", hasty):
        emulator.state.seed(SEED)
        yield Manager(emulator)
