"""An emulated tenant, its agents and its operator, and the driver as an instance uses it, on one clock."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from emulators.cortex_xdr import CortexXdr, running
from emulators.kit.faults import Fault

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("CortexXDRResponse")

ID = "0123456789abcdef0123456789abcdef"
NAME, IP, MAC = "WS-1", "10.1.2.3", "00:50:56:aa:bb:cc"
START = 1_800_000_000.0
HOST = {"host_id": "41", "ip": IP, "host_name": NAME, "mac": MAC, "brain": "brain-1"}

Row = dict[str, Any]


@dataclass
class Clock:
    """Seconds since the epoch, moved by hand and by whoever sleeps."""

    seconds: float = START
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
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
    """One tenant and one instance of the driver; each command begins anew from parameters and context."""

    emulator: CortexXdr
    clock: Clock
    params: dict[str, Any]
    killer: Killer
    context: Context

    def command(self, name: str, **args: Any) -> list[Row]:
        """Run one command of the instance; gives the rows of VectraResponse.Outcome."""
        settings = pack.settings_from_params(self.params)
        port, timing = self.context.port(), self.clock.timing()
        rows: list[Row] = pack.run_command(name, args, settings, port, timing, "xdr").outputs
        return rows

    def test(self) -> str:
        """What the Test button shows."""
        settings = pack.settings_from_params(self.params)
        return str(pack.run_command("test-module", {}, settings, self.context.port(), self.clock.timing(), "xdr"))

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

    def reconcile(self) -> list[Row]:
        return self.command("vectra-response-reconcile")

    @property
    def records(self) -> dict[str, Row]:
        """The ledger by endpoint id."""
        return dict(json.loads(self.context.stored["state"])["elements"]) if "state" in self.context.stored else {}

    def seed(self, **fields: Any) -> None:
        """A new endpoint; ID, NAME, IP and MAC unless given."""
        endpoint = {"endpoint_id": ID, "endpoint_name": NAME, "ip": [IP], "mac_address": [MAC], **fields}
        with self.emulator.lock:
            self.emulator.state.seed({"endpoints": [endpoint]})

    def edit(self, **fields: Any) -> None:
        """What an operator or the agent does; to the endpoint ID unless an endpoint or action is given."""
        if "action_id" not in fields:
            fields.setdefault("endpoint_id", ID)
        with self.emulator.lock:
            self.emulator.actions.settle()
            self.emulator.state.edit(fields)

    def fault(self, call: str = "*", **fault: Any) -> None:
        """Arm one fault for the next request of a call; see the emulator's kinds."""
        self.emulator.faults.add(Fault(path=f"*/{call}", **{"count": 1, **fault}))

    def wait(self, seconds: float) -> None:
        self.clock.seconds += seconds

    def truth(self, endpoint_id: str = ID) -> str:
        """`is_isolated` of an endpoint, as the tenant has it."""
        with self.emulator.lock:
            self.emulator.actions.settle()
            found = self.emulator.fleet.find(endpoint_id)
        assert found is not None
        return found.is_isolated

    def calls(self, name: str) -> int:
        """How many requests to isolate, unisolate, get_endpoint or get_action_status arrived."""
        return sum(entry.path.rstrip("/").endswith(f"/{name}") for entry in self.emulator.requests.latest())

    def open_actions(self) -> list[int]:
        """Ids of the actions that have not ended."""
        with self.emulator.lock:
            self.emulator.actions.settle()
            return [order.action_id for order in self.emulator.actions.all() if not order.ended]

    @property
    def orders(self) -> tuple[int, int]:
        """Requests to isolate and to unisolate."""
        return self.calls("isolate"), self.calls("unisolate")


@contextmanager
def world(params: Mapping[str, Any] | None = None, **options: Any) -> Iterator[World]:
    """A tenant without a limit on requests, whose agents call in each 10 seconds and work for 2."""
    clock, killer = Clock(), Killer()
    send = pack.XDRClient.send

    def watched(*args: Any) -> Any:
        killer.effect()
        reply = send(*args)
        killer.effect()
        return reply

    with running(clock=clock.now, **{"rate": 0, **options}) as emulator, patch.object(pack.XDRClient, "send", watched):
        made = {
            "url": emulator.url,
            "apikey_id_creds": {"password": emulator.api_key_id},
            "apikey_creds": {"password": emulator.api_key},
            "api_key_type": emulator.api_key_type,
            "poll": "0",
            **(params or {}),
        }
        yield World(emulator, clock, made, killer, Context(killer.effect))
