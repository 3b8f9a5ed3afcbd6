"""FortiGate for the conformance suite: its emulator, and how to bring it into each situation."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from emulators.fortigate import FortiGate, running
from emulators.kit import Fault
from Tests.conformance.product import Product, Subject

INTERNAL, EXTERNAL, STATIC, EXTERNAL6 = "Internal-Block", "External-Block", "Static Block/List", "External-Block6"
GROUPS = {"addrgrp": (INTERNAL, EXTERNAL, STATIC), "addrgrp6": (EXTERNAL6,)}
ORDERS = ("POST", "DELETE", "PUT")
FAULTS = {
    "expired_token": [Fault("expired_key")],
    "too_many_requests": [Fault("status", status=429, retry_after=0)],
    "server_error": [Fault("status", status=500, when="after", method=method) for method in ORDERS],
    "torn_body": [Fault("torn", method=method) for method in ORDERS],
    "time_out": [Fault("delay", when="after", seconds=0.5, method=method) for method in ORDERS],
}
ANY_ADDRESS = "a group takes any address; it need not know what stands behind it"


class Gate(Product):
    """One VDOM with a group for each kind of entity. The members of the groups are the truth."""

    lacks: ClassVar[Mapping[str, str]] = {
        "former": "an address is a member of a group or not; a block replaces nothing",
        "unknown": ANY_ADDRESS,
        "several": ANY_ADDRESS,
        "slow_job": "a change of the configuration is in force when the call returns",
    }

    def __init__(self, emulator: FortiGate) -> None:
        self.emulator = emulator
        self._timeout = "10"

    @property
    def params(self) -> Mapping[str, str]:
        return {
            "url": self.emulator.url,
            "static_group": STATIC,
            "external_group_ipv6": EXTERNAL6,
            "block_domains": "true",
            "tries": "1",
            "timeout": self._timeout,
            "requests_per_second": "1000",
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"credentials": self.emulator.token}

    def subject(self, kind: str) -> Subject:
        external = (
            f"198.51.100.7 in {EXTERNAL}",
            f"2001:db8::7 in {EXTERNAL6}",
            f"bad.example in {EXTERNAL}",
            f"bad.example in {EXTERNAL6}",
        )
        listed = f"192.0.2.0/24 in {STATIC}", f"198.51.100.9-198.51.100.12 in {STATIC}"
        return {
            "host": Subject({"ip": "10.1.2.3", "host_id": "41"}, frozenset({f"10.1.2.3 in {INTERNAL}"})),
            "detection": Subject(
                {"dst_ips": "198.51.100.7,2001:DB8::7", "dst_domains": "Bad.example", "detection_id": "9001"},
                frozenset(external),
            ),
            "destinations": Subject(
                {"destinations": "192.0.2.9/24,198.51.100.9-198.51.100.12", "list": "static"}, frozenset(listed)
            ),
        }[kind]

    def contained(self) -> frozenset[str]:
        with self.emulator.lock:
            return frozenset(self._members())

    def _members(self) -> Iterator[str]:
        vdoms = self.emulator.state.vdoms
        for table, groups in GROUPS.items():
            for group in groups:
                for name in vdoms.existing("root", table, group)["member"]:
                    yield f"{_text(vdoms.existing('root', table.replace('addrgrp', 'address'), name))} in {group}"

    def others_block(self, subject: Subject) -> None:
        """As VAR and many people do it: an address object that is named like what it stands for."""
        for element in sorted(subject.elements):
            text, _, group = element.partition(" in ")
            table = "addrgrp6" if group in GROUPS["addrgrp6"] else "addrgrp"
            made = self.emulator.state.vdoms.get("root", table.replace("addrgrp", "address"), text)
            with self.emulator.lock:
                if made is None:
                    self.emulator.state.seed({table.replace("addrgrp", "address"): [_body(text, table)]})
                self.edit({"table": table, "name": group, "add_members": [text]})

    def lose(self, subject: Subject) -> None:
        """Somebody restores an old configuration: no members, and no objects of ours."""
        with self.emulator.lock:
            for table, groups in GROUPS.items():
                for group in groups:
                    self.edit({"table": table, "name": group, "set": {"member": []}})
            for table in ("address", "address6"):
                for row in list(self.emulator.state.vdoms.all("root", table)):
                    if row["name"] != "all":
                        self.edit({"table": table, "name": row["name"], "delete": True})

    def refused_job(self) -> None:
        """The access profile of the administrator lost its right to write."""
        self.emulator.faults.add(Fault("status", status=403, method="POST"))

    def fault(self, name: str) -> None:
        self._timeout = "0.2" if name == "time_out" else "10"
        self.emulator.faults.add(*FAULTS[name])

    def heal(self) -> None:
        self._timeout = "10"
        self.emulator.faults.clear()

    def edit(self, change: dict[str, Any]) -> None:
        """What an administrator does."""
        with self.emulator.lock:
            self.emulator.state.edit(change)


def _text(row: Mapping[str, Any]) -> str:
    """What an object stands for, as elements spell it."""
    if row["type"] == "iprange":
        return f"{row['start-ip']}-{row['end-ip']}"
    if row["type"] == "fqdn":
        return str(row["fqdn"])
    return (
        str(ipaddress.ip_network(row.get("ip6") or "/".join(row["subnet"].split())))
        .removesuffix("/32")
        .removesuffix("/128")
    )


def _body(text: str, table: str) -> dict[str, str]:
    """An object of the name `text` for what it says."""
    if "-" in text:
        first, _, last = text.partition("-")
        return {"name": text, "type": "iprange", "start-ip": first, "end-ip": last}
    if text.endswith(".example"):
        return {"name": text, "type": "fqdn", "fqdn": text}
    network = str(ipaddress.ip_network(text))
    return {"name": text, "ip6": network} if table == "addrgrp6" else {"name": text, "subnet": network}


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """A device with empty groups."""
    with running() as emulator:
        for table, groups in GROUPS.items():
            emulator.state.seed({table: [{"name": name, "member": []} for name in groups]})
        yield Gate(emulator)
