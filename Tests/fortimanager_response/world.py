"""An emulated FortiManager with two FortiGates, and the driver as an instance uses it, on one clock."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from emulators.fortimanager import FortiManager, running
from emulators.kit import Call, Fault

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("FortiManagerResponse")

START = 1_800_000_000.0
LONG = 4_000.0
PACKAGE = "branches/base"
IN, OUT, IN6, OUT6 = "in", "out", "in6", "out6"
IP = "10.1.2.3"
HOST = {"host_id": "41", "ip": IP, "brain": "brain-1"}
ELEMENT = f"internal:{IP}"
NOTHING = frozenset({"0.0.0.0/32", "::/128"})

Row = dict[str, Any]


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
class Clock:
    """Seconds since the epoch, moved by hand and by whoever sleeps; `meanwhile` runs with each longer sleep."""

    seconds: float = START
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if seconds >= 0.1:
            self.slept.append(seconds)
            self.meanwhile()

    def timing(self) -> Any:
        return pack.HttpTiming(self.now, self.now, self.sleep, lambda: 0.0)


class Killed(BaseException):
    """The process ended here, and nothing after this was done."""


@dataclass
class Killer:
    """Ends a command at its nth effect: before or after each request and each write of the context."""

    left: int | None = None

    def effect(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


@dataclass
class Context:
    """The versioned integration context of an instance."""

    effect: Callable[[], None]
    stored: dict[str, Any] = field(default_factory=dict)
    version: int = 0

    def write(self, context: Mapping[str, Any], version: Any) -> None:
        self.effect()
        if version != self.version:
            raise ValueError("stale version")
        self.stored, self.version = dict(context), self.version + 1
        self.effect()

    def port(self) -> Any:
        return pack.ContextPort(lambda: {"context": dict(self.stored), "version": self.version}, self.write)


@dataclass
class World:
    """One FortiManager and one instance of the driver; each command begins anew from parameters and context."""

    emulator: FortiManager
    clock: Clock
    params: dict[str, Any]
    killer: Killer
    context: Context

    def second(self, **params: str) -> World:
        """Another instance on the same FortiManager."""
        return World(self.emulator, self.clock, {**self.params, **params}, self.killer, Context(self.killer.effect))

    # -- commands

    def raw(self, name: str, **args: Any) -> Any:
        settings = pack.settings_from_params(self.params)
        return pack.run_command(name, args, settings, self.context.port(), self.clock.timing(), "fmg")

    def command(self, name: str, **args: Any) -> list[Row]:
        """The rows of VectraResponse.Outcome of one command."""
        rows: list[Row] = self.raw(name, **args).outputs
        return rows

    def test(self) -> str:
        return str(self.raw("test-module"))

    def one(self, name: str, **args: Any) -> Row:
        (row,) = self.command(name, **args)
        return row

    def block(self, **args: Any) -> Row:
        return self.one("vectra-block-host", **{**HOST, **args})

    def unblock(self, **args: Any) -> Row:
        return self.one("vectra-unblock-host", **{"host_id": "41", "brain": "brain-1", **args})

    def destinations(self, text: str, action: str = "block") -> list[Row]:
        return self.command(f"vectra-{action}-destinations", destinations=text, list="static", brain="brain-1")

    def reconcile(self, **args: str) -> list[Row]:
        return self.command("vectra-response-reconcile", **args)

    def settle(self) -> list[Row]:
        """Reconcile until nothing is open, waiting for back-offs; the rows of all rounds."""
        rows = []
        for _ in range(4):
            self.clock.seconds += LONG
            rows += self.reconcile()
        return rows

    def killed(self, effects: int, name: str, **args: Any) -> bool:
        """Run a command that is killed after so many effects; False when it came to its end before that."""
        self.killer.left = effects
        try:
            self.command(name, **args)
        except Killed:
            return True
        finally:
            self.killer.left = None
        return False

    @property
    def records(self) -> dict[str, Row]:
        """The ledger by element."""
        return dict(json.loads(self.context.stored["state"])["elements"]) if "state" in self.context.stored else {}

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
    exchange = pack.FortiManagerClient.exchange

    def watched(*args: Any) -> Any:
        killer.effect()
        reply = exchange(*args)
        killer.effect()
        return reply

    with (
        running(clock=clock.now, observer=observer, **options) as emulator,
        patch.object(pack.FortiManagerClient, "exchange", watched),
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
        yield World(emulator, clock, made, killer, Context(killer.effect))
