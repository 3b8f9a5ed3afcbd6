"""The four tables of address objects: which fields they have, which values are taken, how they are shown."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from emulators.fortimanager.codes import BAD_DATA, Failed

NAME_LENGTH = 79
COMMENT_LENGTH = 255
FORBIDDEN = re.compile(r"[<>()#'\"/\\]")
# Enumerations are numbers in answers to a call without `verbose`.
NUMBERS: dict[str, dict[str, int]] = {
    "type": {"ipmask": 0, "iprange": 1, "fqdn": 2, "ipprefix": 0},
    "action": {"deny": 0, "accept": 1},
    "status": {"disable": 0, "enable": 1},
    "state": {"pending": 0, "running": 1, "done": 4, "error": 5},
    "workspace-mode": {"disabled": 0, "normal": 1, "workflow": 2, "per-adom": 3},
}


class Table(NamedTuple):
    """One table. `members` is the table of plain objects that a group of it takes beside other groups."""

    name: str
    types: tuple[str, ...] = ()
    version: int = 4
    members: str = ""


TABLES = {
    "address": Table("address", ("ipmask", "iprange", "fqdn")),
    "address6": Table("address6", ("ipprefix", "iprange", "fqdn"), 6),
    "addrgrp": Table("addrgrp", members="address"),
    "addrgrp6": Table("addrgrp6", version=6, members="address6"),
}


def object_from(table: Table, data: Mapping[str, Any]) -> dict[str, Any]:
    """An object as it is stored, with a canonical value. Raises Failed(-10) for what the table does not take."""
    known = {"name", "comment", "color", *(("member",) if table.members else ("type", *_value_fields(table)))}
    if unknown := sorted(data.keys() - known):
        raise Failed(BAD_DATA, f"unknown attribute {unknown[0]}")
    name, comment = data.get("name"), data.get("comment", "")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_LENGTH or FORBIDDEN.search(name):
        raise Failed(BAD_DATA, f"name {name!r}")
    if not isinstance(comment, str) or len(comment) > COMMENT_LENGTH:
        raise Failed(BAD_DATA, "comment")
    kept = {"name": name, "comment": comment, "color": data.get("color", 0)}
    if table.members:
        return {**kept, "member": list(data.get("member", []))}
    kind = data.get("type", table.types[0])
    if kind not in table.types:
        raise Failed(BAD_DATA, f"type {kind!r}")
    return {**kept, "type": kind, **_values(table, kind, data)}


def _value_fields(table: Table) -> tuple[str, ...]:
    return ("subnet" if table.version == 4 else "ip6", "start-ip", "end-ip", "fqdn")


def _values(table: Table, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Every value field, the ones that do not count with their defaults: that is how the vendor shows them."""
    zero, plain = ("0.0.0.0", "subnet") if table.version == 4 else ("::", "ip6")  # noqa: S104 - no address to bind
    unset: Any = [zero, zero] if table.version == 4 else "::/0"
    values: dict[str, Any] = {plain: unset, "start-ip": zero, "end-ip": zero, "fqdn": ""}
    try:
        if kind == "iprange":
            first, last = (_address(table, data.get(field)) for field in ("start-ip", "end-ip"))
            if int(last) < int(first):
                raise ValueError("end-ip is below start-ip")
            return {**values, "start-ip": str(first), "end-ip": str(last)}
        if kind == "fqdn":
            return {**values, "fqdn": _domain(data.get("fqdn"))}
        return {**values, plain: _network(table, data.get(plain))}
    except (TypeError, ValueError) as error:
        raise Failed(BAD_DATA, str(error)) from None


def _address(table: Table, raw: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(str(raw))
    if address.version != table.version:
        raise ValueError(f"{raw} is not of version {table.version}")
    return address


def _network(table: Table, raw: object) -> Any:
    """The network of `address mask`, `address/bits` or a list of both. Bits of the host part are refused."""
    text = "/".join(map(str, raw)) if isinstance(raw, list) else str(raw).replace(" ", "/")
    network = ipaddress.ip_network(text)
    if network.version != table.version:
        raise ValueError(f"{raw} is not of version {table.version}")
    return [str(network.network_address), str(network.netmask)] if table.version == 4 else str(network)


def _domain(raw: object) -> str:
    if not isinstance(raw, str) or not re.fullmatch(r"(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", raw):
        raise ValueError(f"fqdn {raw!r}")
    return raw


def value_of(table: Table, found: Mapping[str, Any]) -> str:
    """What an address object stands for, as one text: a network, `first-last`, or a domain."""
    if found["type"] == "iprange":
        return f"{found['start-ip']}-{found['end-ip']}"
    if found["type"] == "fqdn":
        return str(found["fqdn"])
    return str(ipaddress.ip_network("/".join(found["subnet"]) if table.version == 4 else found["ip6"]))


def shown(found: Mapping[str, Any], verbose: bool) -> dict[str, Any]:
    """An object as an answer has it: enumerations are numbers unless the call was verbose."""
    if verbose:
        return dict(found)
    return {
        key: NUMBERS[key].get(value, value) if key in NUMBERS and isinstance(value, str) else value
        for key, value in found.items()
    }
