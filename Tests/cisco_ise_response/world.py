"""An emulated deployment, and the driver as an instance uses it, on one clock."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from emulators.cisco_ise import CiscoIse, running
from emulators.kit.faults import Fault

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("CiscoISEResponse")

MAC, OTHER, DOCK = "00:50:56:AA:BB:01", "00:50:56:AA:BB:02", "00:50:56:AA:BB:0D"
IP, POLICY, FORMER, THEIRS = "10.0.0.1", "Quarantine", "Guest-Watch", "Forensics"
START = 1_800_000_000.0
HOST = {"host_id": "41", "ip": IP, "host_name": "WS-1", "brain": "brain-1"}

Row = dict[str, Any]


@dataclass
class Clock:
    """Seconds since the epoch, moved by hand and by whoever sleeps."""

    seconds: float = START

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

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
    """One deployment and one instance of the driver; each command begins anew from parameters and context."""

    emulator: CiscoIse
    clock: Clock
    params: dict[str, Any]
    killer: Killer
    context: Context

    def run(self, name: str, args: Mapping[str, Any]) -> Any:
        settings = pack.settings_from_params(self.params)
        return pack.run_command(name, args, settings, self.context.port(), self.clock.timing(), "ise")

    def command(self, name: str, **args: Any) -> list[Row]:
        """Run one command of the instance; gives the rows of VectraResponse.Outcome."""
        rows: list[Row] = self.run(name, args).outputs
        return rows

    def test(self) -> str:
        """What the Test button shows."""
        return str(self.run("test-module", {}))

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

    def one(self, name: str, **args: Any) -> Row:
        (row,) = self.command(name, **args)
        return row

    def block(self, **args: Any) -> Row:
        return self.one("vectra-block-host", **{**HOST, **args})

    def unblock(self, **args: Any) -> Row:
        return self.one("vectra-unblock-host", **{"host_id": "41", "brain": "brain-1", **args})

    def groom(self, **args: Any) -> list[Row]:
        return self.command("vectra-groom-host", **{**HOST, **args})

    def reconcile(self, **args: Any) -> list[Row]:
        self.clock.seconds += 4000
        return self.command("vectra-response-reconcile", **args)

    @property
    def records(self) -> dict[str, Row]:
        """The ledger by MAC."""
        return dict(json.loads(self.context.stored["state"])["elements"]) if "state" in self.context.stored else {}

    def seed(self, **payload: Any) -> None:
        """The side door's seed."""
        with self.emulator.lock:
            self.emulator.state.seed(payload)

    def edit(self, **change: Any) -> None:
        """The side door's edit: of the MAC unless it is of something else."""
        if change.keys() & {"policy", "connect", "disconnect"}:
            change.setdefault("mac", MAC)
        with self.emulator.lock:
            self.emulator.state.edit(change)

    def has(self, policy: str, mac: str = MAC) -> None:
        """The MAC has this policy now, assigned by whomever."""
        self.seed(endpoints=[{"mac": mac, "policy": policy}])

    def policy(self, mac: str = MAC) -> str:
        """The policy that ISE stores for a MAC."""
        with self.emulator.lock:
            return self.emulator.ise.anc.policy_of(mac)

    def enforced(self, mac: str = MAC) -> str | None:
        """The policy that the live session of a MAC was authorised with; None when it has none."""
        with self.emulator.lock:
            session = self.emulator.ise.anc.session_of(mac)
        return None if session is None else str(session["enforced"])

    def fault(self, path: str = "*", **fault: Any) -> None:
        """Arm one fault for the next request to a path; see the emulator's kinds."""
        self.emulator.faults.add(Fault(path=path, **{"count": 1, **fault}))

    def calls(self, part: str) -> int:
        """How many requests arrived whose path has this part."""
        return sum(part in entry.path for entry in self.emulator.requests.latest())


@contextmanager
def world(params: Mapping[str, Any] | None = None, **options: Any) -> Iterator[World]:
    """A deployment with three policies and the live session of the host, without a limit on requests."""
    clock, killer = Clock(), Killer()
    exchange = pack.ProductClient.exchange

    def watched(*args: Any) -> Any:
        killer.effect()
        reply = exchange(*args)
        killer.effect()
        return reply

    with (
        running(clock=clock.now, **{"rate": 0, **options}) as emulator,
        patch.object(pack.ProductClient, "exchange", watched),
    ):
        node, _, port = emulator.url.rpartition(":")
        made = {
            "url": node,
            "ers_port": port,
            "mnt_url": emulator.mnt_url,
            "credentials": {"identifier": emulator.username, "password": emulator.password},
            "tries": "2",
            "requests_per_second": "1000",
            "timeout": "5",
            **(params or {}),
        }
        here = World(emulator, clock, made, killer, Context(killer.effect))
        here.seed(
            policies=[{"name": name, "actions": ["RE_AUTHENTICATE"]} for name in (FORMER, THEIRS)],
            sessions=[{"mac": MAC, "ip": IP, "user": "ann"}],
        )
        yield here
