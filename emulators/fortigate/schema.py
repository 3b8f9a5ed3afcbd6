"""Firewall address objects: what a FortiGate takes and how it shows it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from emulators.fortigate.errors import bad_character, bad_value
from emulators.kit import Refused
from emulators.kit.strict import INTEGER, LIST, TEXT, Field, json_object

MAX_NAME = 79
MAX_COMMENT = 255
_MARKUP = re.compile(r"[<>()#\"']")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)

_COMMON = {"name": Field(TEXT), "comment": Field(TEXT, required=False), "color": Field(INTEGER, required=False)}
_RANGE = {"start-ip": Field(TEXT, required=False), "end-ip": Field(TEXT, required=False)}
_ADDRESS = {
    **_COMMON,
    **_RANGE,
    "type": Field(TEXT, required=False),
    "fqdn": Field(TEXT, required=False),
}
FIELDS = {
    "address": {**_ADDRESS, "subnet": Field(TEXT, required=False)},
    "address6": {**_ADDRESS, "ip6": Field(TEXT, required=False)},
    "addrgrp": {**_COMMON, "member": Field(LIST)},
    "addrgrp6": {**_COMMON, "member": Field(LIST)},
}
FORM_FIELDS = frozenset({"subnet", "ip6", "start-ip", "end-ip", "fqdn"})
MEMBER = {"name": Field(TEXT)}
Form = Callable[[Mapping[str, Any]], dict[str, Any]]


def address_object(table: str, body: object) -> dict[str, Any]:
    """The object that a body of `address` or `address6` makes. Raises Refused 400 or 424."""
    given = json_object(body, FIELDS[table])
    kind = given.get("type") or ("ipmask" if table == "address" else "ipprefix")
    forms = _FORMS[table]
    if kind not in forms:
        raise bad_value("type", kind)
    own = forms[kind](given)
    foreign = FORM_FIELDS & given.keys() - own.keys()
    if foreign:
        raise Refused(400, f"an object of type {kind} has no {', '.join(sorted(foreign))}")
    return {**common(given), "type": kind, **own}


def common(given: Mapping[str, Any]) -> dict[str, Any]:
    """Name, comment and color, checked."""
    name, comment = str(given["name"]), str(given.get("comment", ""))
    if not name or len(name) > MAX_NAME:
        raise bad_value("name", name)
    if _MARKUP.search(name):
        raise bad_character(name)
    if len(comment) > MAX_COMMENT:
        raise bad_value("comment", comment)
    return {"name": name, "comment": comment, "color": given.get("color", 0)}


def member_names(members: object) -> list[str]:
    """The names of `[{"name": ...}, ...]`, each once. Raises Refused(400)."""
    if not isinstance(members, list):
        raise Refused(400, "member must be a list")
    names = [str(json_object(member, MEMBER, "member")["name"]) for member in members]
    return list(dict.fromkeys(names))


def _subnet(given: Mapping[str, Any]) -> dict[str, Any]:
    text = str(given.get("subnet", ""))
    try:
        network = ipaddress.IPv4Network("/".join(text.split()), strict=False)
    except ValueError:
        raise bad_value("subnet", text) from None
    return {"subnet": f"{network.network_address} {network.netmask}"}


def _prefix(given: Mapping[str, Any]) -> dict[str, Any]:
    text = str(given.get("ip6", ""))
    try:
        return {"ip6": str(ipaddress.IPv6Network(text, strict=False))}
    except ValueError:
        raise bad_value("ip6", text) from None


def _range(kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]) -> Form:
    def form(given: Mapping[str, Any]) -> dict[str, Any]:
        ends = {}
        for name in ("start-ip", "end-ip"):
            try:
                ends[name] = kind(given.get(name, ""))
            except ValueError:
                raise bad_value(name, given.get(name, "")) from None
        if int(ends["start-ip"]) > int(ends["end-ip"]):
            raise bad_value("end-ip", ends["end-ip"])
        return {name: str(end) for name, end in ends.items()}

    return form


def _fqdn(given: Mapping[str, Any]) -> dict[str, Any]:
    name = str(given.get("fqdn", ""))
    labels = name.removeprefix("*.").split(".")
    if len(name) > 255 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        raise bad_value("fqdn", name)
    return {"fqdn": name}


_FORMS: dict[str, dict[str, Form]] = {
    "address": {"ipmask": _subnet, "iprange": _range(ipaddress.IPv4Address), "fqdn": _fqdn},
    "address6": {"ipprefix": _prefix, "iprange": _range(ipaddress.IPv6Address), "fqdn": _fqdn},
}


def shown(table: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """An object as GET gives it."""
    name = stored["name"]
    if table in ("address", "address6"):
        return {**stored, "q_origin_key": name}
    members = [{"name": member, "q_origin_key": member} for member in stored.get("member", ())]
    return {**stored, "q_origin_key": name, "member": members}
