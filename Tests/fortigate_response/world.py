"""An emulated FortiGate and instances of the driver on it, each with a ledger of its own, on one clock."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from emulators.fortigate import FortiGate, running

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("FortiGateResponse")

START = 1_800_000_000.0
GROUPS = {"addrgrp": ("Internal-Block", "External-Block"), "addrgrp6": ("Internal6", "External6")}
HOST = {"ip": "10.1.2.3", "host_id": "41", "brain": "one"}
IN_GROUP = "10.1.2.3 in Internal-Block"
OBJECT = "vectra-10.1.2.3"
PARAMS = {
    "internal_group_ipv6": "Internal6",
    "external_group_ipv6": "External6",
    "tries": "1",
    "timeout": "10",
    "requests_per_second": "1000",
}
Row = dict[str, Any]


class Memory:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.value: dict[str, Any] = pack.new_ledger()

    def load(self) -> dict[str, Any]:
        return self.value

    def update(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        self.value = change(self.value)
        return self.value


@dataclass
class Clock:
    """Seconds since the epoch, for the device and its instances."""

    seconds: float = START

    def now(self) -> float:
        return self.seconds


@dataclass
class Side:
    """One instance of the driver."""

    world: World
    params: dict[str, str]
    ledger: Memory = field(default_factory=Memory)

    def driver(self) -> Any:
        params = {**self.params, "url": self.world.gate.url, "credentials": {"password": self.world.gate.token}}
        settings = pack.settings_from_params(params)
        return pack.FortiGateDriver(pack.FortiGateClient(settings), settings)

    def run(self, command: str, **args: str) -> list[Row]:
        run = pack.DriverRun(self.driver(), self.ledger, self.world.clock.now, pack.BRAND, "it")
        rows: list[Row] = pack.driver_command(f"vectra-{command}", args, run).outputs
        return rows

    def one(self, command: str, **args: str) -> Row:
        """The only outcome of a command."""
        [row] = self.run(command, **args)
        return row

    def later(self, **args: str) -> list[Row]:
        """A reconcile after every pause is over."""
        self.world.pass_time(3600)
        return self.run("response-reconcile", **args)

    @property
    def elements(self) -> set[str]:
        return set(self.ledger.value["elements"])


@dataclass
class World:
    """The device, what its administrator sees and does, and the time."""

    gate: FortiGate
    clock: Clock

    def side(self, **params: str) -> Side:
        return Side(self, {**PARAMS, **params})

    def pass_time(self, seconds: float) -> None:
        self.clock.seconds += seconds

    def seed(self, **payload: Any) -> None:
        with self.gate.lock:
            self.gate.state.seed(payload)

    def edit(self, **change: Any) -> None:
        with self.gate.lock:
            self.gate.state.edit(change)

    def members(self, group: str, vdom: str = "root", table: str = "addrgrp") -> list[str]:
        with self.gate.lock:
            return list(self.gate.state.vdoms.existing(vdom, table, group)["member"])

    def object(self, name: str, vdom: str = "root", table: str = "address") -> dict[str, Any] | None:
        with self.gate.lock:
            return self.gate.state.vdoms.get(vdom, table, name)

    def objects(self, vdom: str = "root", table: str = "address") -> set[str]:
        """Names of all objects but the one that every VDOM has."""
        with self.gate.lock:
            return {row["name"] for row in self.gate.state.vdoms.all(vdom, table)} - {"all"}

    def banned(self, vdom: str = "root") -> list[str]:
        with self.gate.lock:
            return [row["ip_address"] for row in self.gate.state.quarantine.rows(vdom)]

    def asked(self, method: str) -> list[str]:
        """Paths of the requests of this method, decoded."""
        return [
            request.path.removeprefix("/api/v2/") for request in self.gate.requests.latest() if request.method == method
        ]


Start = Callable[..., World]


@contextmanager
def worlds() -> Iterator[Start]:
    """Gives a way to start devices that stop with the block. Their groups are empty, or have one placeholder."""
    with ExitStack() as stack:

        def start(placeholder: bool = False, **options: Any) -> World:
            clock = Clock()
            world = World(stack.enter_context(running(clock=clock.now, **options)), clock)
            for vdom in world.gate.options.vdom_names:
                if placeholder:
                    world.seed(vdom=vdom, address=[nothing("subnet")], address6=[nothing("ip6")])
                members = [{"name": "placeholder"}] if placeholder else []
                for table, names in GROUPS.items():
                    world.seed(vdom=vdom, **{table: [{"name": name, "member": members} for name in names]})
            return world

        yield start


def nothing(field_name: str) -> dict[str, str]:
    """An address object that stands for nobody."""
    return {"name": "placeholder", field_name: "192.0.2.255/32" if field_name == "subnet" else "2001:db8:ffff::/128"}
