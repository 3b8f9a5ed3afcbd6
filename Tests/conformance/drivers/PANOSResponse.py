"""PAN-OS for the conformance suite: a Panorama with two firewalls, and how to bring them into each situation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from emulators.kit import Fault
from emulators.panos import Panos, running
from Tests.conformance.product import Product, Subject

FIREWALLS = ("007951000000011", "007951000000012")
KEY = "made-up-key-of-the-suite"
STATIC = "Block_Static"
FAULTS = {
    "expired_token": Fault("expired_key"),
    "too_many_requests": Fault("status", status=429, retry_after=0),
    "server_error": Fault("status", status=500, when="after"),
    "torn_body": Fault("torn"),
    "time_out": Fault("delay", when="after", seconds=0.3),
}
LATE = {"server_error", "torn_body", "time_out"}
ANY_ADDRESS = "any address can be registered; the firewall need not know what stands behind it"
SUBJECTS = {
    "host": Subject({"ip": "10.1.2.3", "host_id": "41"}, frozenset({"10.1.2.3@Block_Host"})),
    "detection": Subject(
        {"dst_ips": "198.51.100.7,2001:DB8::8", "detection_id": "9001"},
        frozenset({"198.51.100.7@Block_Detection", "2001:db8::8@Block_Detection"}),
    ),
    "destinations": Subject(
        {"destinations": "203.0.113.9/24,198.51.100.20-198.51.100.29,2001:db8::9", "list": "static"},
        frozenset({"203.0.113.0/24", "198.51.100.20-198.51.100.29", "2001:db8::9"}),
    ),
}


def registration(element: str) -> tuple[str, str]:
    """The address and the tag that an element stands for."""
    address, _, tag = element.partition("@")
    return address, tag or STATIC


class Firewalls(Product):
    """What both firewalls have registered is the truth."""

    lacks: ClassVar[Mapping[str, str]] = {
        "former": "a registration replaces nothing; other tags of an address stay beside it",
        "unknown": ANY_ADDRESS,
        "several": ANY_ADDRESS,
    }

    def __init__(self, emulator: Panos) -> None:
        self._emulator = emulator
        self._timeout = "10"
        self._looks = 0

    @property
    def params(self) -> Mapping[str, str]:
        return {
            "url": self._emulator.url,
            "target_serials": ",".join(FIREWALLS),
            "tries": "1",
            "timeout": self._timeout,
            "requests_per_second": "1000",
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"api_key": KEY}

    def subject(self, kind: str) -> Subject:
        # At each firewall: all with the tag, every element, the system information.
        self._looks = len(FIREWALLS) * (1 + len(SUBJECTS[kind].elements) + 1)
        return SUBJECTS[kind]

    def contained(self) -> frozenset[str]:
        with self._emulator.lock:
            self._emulator.registry.settle()
            found = [
                (row.address if tag == STATIC else f"{row.address}@{tag}", place.serial)
                for place, row in self._emulator.registry.all()
                for tag in row.tags
            ]
        there = {element for element, _ in found}
        return frozenset(element for element in there if all((element, serial) in found for serial in FIREWALLS))

    def others_block(self, subject: Subject) -> None:
        self._edit([{"register": self._row(element, serial)} for element, serial in _everywhere(subject)])

    def lose(self, subject: Subject) -> None:
        self._edit([{"clear": FIREWALLS[0]}])

    def slow_job(self) -> None:
        self._edit([{"register_delay": 1e9}])

    def finish(self) -> None:
        self._edit([{"settle": True}, {"register_delay": 0}])

    def refused_job(self) -> None:
        self._edit([{"role": "op"}])

    def fault(self, name: str) -> None:
        """A block begins with looks and a release with the order itself; faults after the effect hit the orders."""
        spared = 0 if name not in LATE or self.contained() else self._looks
        self._timeout = "0.1" if name == "time_out" else "10"
        self._emulator.faults.add(replace(FAULTS[name], after=spared))

    def heal(self) -> None:
        self._timeout = "10"
        self._emulator.faults.clear()
        self._edit([{"role": "full"}])

    def _row(self, element: str, serial: str) -> dict[str, str]:
        address, tag = registration(element)
        return {"ip": address, "tag": tag, "serial": serial}

    def _edit(self, edits: list[dict[str, Any]]) -> None:
        with self._emulator.lock:
            self._emulator.state.edit(edits)


def _everywhere(subject: Subject) -> list[tuple[str, str]]:
    return [(element, serial) for element in sorted(subject.elements) for serial in FIREWALLS]


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """A Panorama whose two firewalls have registered nothing."""
    with running(device="panorama", firewalls=",".join(FIREWALLS), api_key=KEY) as emulator:
        yield Firewalls(emulator)
