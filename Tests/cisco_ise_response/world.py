"""An emulated deployment, and the driver as an instance uses it, on one clock."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from emulators.cisco_ise import CiscoIse, running
from emulators.kit.faults import Fault
from Tests.driver_world import Clock, Context, DriverWorld, Killer, Row

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("CiscoISEResponse")

MAC, OTHER, DOCK = "00:50:56:AA:BB:01", "00:50:56:AA:BB:02", "00:50:56:AA:BB:0D"
IP, POLICY, FORMER, THEIRS = "10.0.0.1", "Quarantine", "Guest-Watch", "Forensics"
HOST = {"host_id": "41", "ip": IP, "host_name": "WS-1", "brain": "brain-1"}


@dataclass
class World(DriverWorld):
    """One deployment and one instance of the driver; each command begins anew from parameters and context."""

    emulator: CiscoIse

    def groom(self, **args: Any) -> list[Row]:
        return self.command("vectra-groom-host", **{**HOST, **args})

    def reconcile(self, **args: Any) -> list[Row]:
        self.clock.seconds += 4000
        return self.command("vectra-response-reconcile", **args)

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
    with (
        running(clock=clock.now, **{"rate": 0, **options}) as emulator,
        killer.watching(pack.ProductClient, "exchange"),
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
        here = World(pack, HOST, clock, made, killer, Context(killer.effect), emulator)
        here.seed(
            policies=[{"name": name, "actions": ["RE_AUTHENTICATE"]} for name in (FORMER, THEIRS)],
            sessions=[{"mac": MAC, "ip": IP, "user": "ann"}],
        )
        yield here
