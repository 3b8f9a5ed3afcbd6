"""The emulated estate of the response story: Vectra's hosts, their agents in Cortex XDR, and the timeline of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.stage import EmulatorProcess, Narrator

EDR = "edr"
FREE, HELD = "UNISOLATED", "ISOLATED"
ISOLATING, RELEASING = "PENDING_ISOLATION", "PENDING_ISOLATION_CANCELLATION"
NO_BLOCK = 1
CALLS_IN = {"advance": 15}
IS_BACK = {"advance": 3}


@dataclass(frozen=True)
class Machine:
    """One machine: a host of Vectra, and an endpoint of Cortex XDR by the same name and address."""

    id: int
    name: str
    ip: str
    endpoint: str
    threat: int = 10
    certainty: int = 10
    tags: tuple[str, ...] = ()


FIN = Machine(41, "fin-lap-07", "10.20.3.7", "f" * 28 + "0041", 35, 40, ("finance",))
DEV = Machine(42, "dev-lap-01", "10.20.3.8", "f" * 28 + "0042")
DC = Machine(43, "dc-01", "10.20.3.9", "f" * 28 + "0043", 95, 95)
LAB = Machine(44, "lab-ws-03", "10.20.3.10", "f" * 28 + "0044")
MACHINES = (FIN, DEV, DC, LAB)


@dataclass(frozen=True)
class Seen:
    """One machine as both products show it. `drivers` are those that Vectra's tags name as holding the host."""

    agent: str
    isolation: str
    drivers: tuple[str, ...]


@dataclass(frozen=True)
class Moment:
    """A line of the timeline. `time` is HH:MM:SS, UTC."""

    time: str
    who: str
    what: str
    machine: str
    seen: Seen


@dataclass
class Estate:
    """Both emulators, and what happened to the machines so far. `clock` gives the time of day as it is shown."""

    tell: Narrator
    vectra: EmulatorProcess
    xdr: EmulatorProcess
    clock: Callable[[], str]
    timeline: list[Moment] = field(default_factory=list)

    def build(self) -> None:
        """Seeds both sides and stops the tenant's clock."""
        self.vectra.post("seed", {"hosts": [host_of(one) for one in MACHINES], "groups": GROUPS})
        self.xdr.post("clock", {"freeze": True})
        self.xdr.post("seed", {"endpoints": [endpoint_of(one) for one in MACHINES]})

    def change(self, emulator: EmulatorProcess, edits: Sequence[Mapping[str, Any]]) -> None:
        """Something that happens in a product; shown."""
        self.tell.say()
        self._shown(emulator, "edit", edits[0] if len(edits) == 1 else edits)

    def wait(self, advance: Mapping[str, int]) -> None:
        """Lets the tenant's clock go on; shown."""
        self.tell.say(f"\n{advance['advance']} seconds pass in the tenant:")
        self._shown(self.xdr, "clock", advance)

    def _shown(self, emulator: EmulatorProcess, door: str, payload: object) -> None:
        name = "vectra" if emulator is self.vectra else "cortex_xdr"
        self.tell.say(f"POST {name} {door} {json.dumps(payload)}")
        emulator.post(door, payload)

    def look(self, machine: Machine) -> Seen:
        """What both products themselves say of a machine now."""
        endpoints = {row["endpoint_id"]: row for row in self.xdr.objects("endpoint")}
        return seen(self.host(machine), endpoints[machine.endpoint])

    def host(self, machine: Machine) -> dict[str, Any]:
        """A machine's line in Vectra's dump."""
        return next(row for row in self.vectra.objects("host") if row["id"] == machine.id)

    def show_host(self, machine: Machine) -> None:
        """Tells the tags and notes that Vectra holds."""
        host = self.host(machine)
        self.tell.say(f"\nVectra now shows on {machine.name}:")
        for tag in host["tags"]:
            self.tell.say(f"  tag   {tag}")
        for note in host["notes"]:
            self.tell.say(f"  note  {note['note']}")

    def note(self, who: str, what: str, machine: Machine) -> Seen:
        """Puts down what happened and what both products say after it."""
        found = self.look(machine)
        self.timeline.append(Moment(self.clock(), who, what, machine.name, found))
        holders = ", ".join(found.drivers) or "nobody"
        self.tell.say(f"  -> {machine.name}: agent {found.agent}, {found.isolation}; Vectra's tags name {holders}")
        return found

    def orders(self) -> int:
        """How many isolations and releases were ordered."""
        return sum(1 for _ in self.xdr.objects("action"))


GROUPS = [
    {"id": NO_BLOCK, "type": "host", "name": "NoBlock", "members": [DC.id]},
    {"id": 2, "type": "account", "name": "NoBlock", "members": ["backup@corp.test"]},
]


def host_of(machine: Machine) -> dict[str, Any]:
    """The machine as Vectra is seeded with it."""
    return {
        "id": machine.id, "name": machine.name, "last_source": machine.ip, "tags": list(machine.tags),
        "threat": machine.threat, "certainty": machine.certainty,
    }  # fmt: skip


def endpoint_of(machine: Machine) -> dict[str, Any]:
    """The machine as Cortex XDR is seeded with it."""
    return {"endpoint_id": machine.endpoint, "endpoint_name": machine.name.upper(), "ip": [machine.ip]}


def seen(host: Mapping[str, Any], endpoint: Mapping[str, Any]) -> Seen:
    """One machine from its lines in both dumps."""
    named = {tag.split(":")[1] for tag in host["tags"] if tag.startswith("VAR ID:")}
    isolation = str(endpoint["is_isolated"]).removeprefix("AGENT_")
    return Seen(endpoint["endpoint_status"], isolation, tuple(sorted(named)))


def disagreements(elements: Iterable[Mapping[str, Any]], found: Mapping[str, Seen]) -> list[str]:
    """Where the brain's record, Vectra's tags and Cortex XDR differ, in words; empty when all three say the same.

    Args:
        elements: the elements of `vectra-response-status`.
        found: what the products say, by the name of the machine.
    """
    recorded: dict[str, set[str]] = {}
    for element in elements:
        if element["contained"]:
            recorded.setdefault(element["name"], set()).add(element["instance"])
    problems = [f"{name} is on record, but is no machine of Vectra" for name in sorted(set(recorded) - set(found))]
    for name, one in found.items():
        holders = recorded.get(name, set())
        if set(one.drivers) != holders:
            problems.append(f"{name}: on record {told(holders)}, Vectra's tags name {told(one.drivers)}")
        wanted = HELD if EDR in holders else FREE
        if one.isolation != wanted:
            problems.append(f"{name}: must be {wanted}, Cortex XDR says {one.isolation}")
    return problems


def told(names: Iterable[str]) -> str:
    """Names as a list for people."""
    return ", ".join(sorted(names)) or "nobody"


def timeline_lines(timeline: Sequence[Moment]) -> list[str]:
    """The timeline as a table, one line per moment, in order."""
    head = ("time", "who", "what", "machine", "agent", "in Cortex XDR", "held, by Vectra's tags")
    rows = [head, *map(_cells, timeline)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return [f"  {line}".rstrip() for line in lines]


def _cells(moment: Moment) -> tuple[str, ...]:
    found = moment.seen
    isolation = found.isolation.lower().replace("_", " ")
    return (
        moment.time, moment.who, moment.what, moment.machine, found.agent.lower(), isolation,
        ", ".join(found.drivers) or "-",
    )  # fmt: skip
