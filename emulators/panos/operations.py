"""The operational commands: registered addresses, system information, and on Panorama the managed devices."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, SubElement

from emulators.kit import Reply
from emulators.panos.addresses import registrable
from emulators.panos.devices import Device, Devices
from emulators.panos.messages import INVALID_COMMAND, attributes, only, parsed, refuse, success
from emulators.panos.registry import Place, Registered, Registry

_LARGEST_PAGE = 500
_NEWEST = "99.0"


def performed(registry: Registry, devices: Devices, device: Device, place: Place, command: str, *, bare: bool) -> Reply:
    """Carry out one command. Raises Refused (17) for one that is not known."""
    root = parsed(command)
    path = _path(root)
    if path[:3] == ["show", "object", "registered-ip"]:
        return success(_registered(registry.rows(place), root[0][0], bare=bare))
    if path == ["show", "system", "info"]:
        return success(_system(device))
    if path in (["show", "devices", "all"], ["show", "devices", "connected"]) and device.is_panorama:
        return success(_managed(devices, connected_only=path[2] == "connected"))
    raise refuse(INVALID_COMMAND, f"{' -> '.join(path)} is unexpected")


def _path(root: Element) -> list[str]:
    """The names of the first three levels, as far as each has one child."""
    path, here = [root.tag], root
    while len(path) < 3 and len(here) == 1:
        here = here[0]
        path.append(here.tag)
    return path


def _registered(rows: list[Registered], asked: Element, *, bare: bool) -> Element:
    where = "show -> object -> registered-ip"
    only(asked, ("all", "ip", "tag", "limit", "start-point"), where)
    if asked.find("all/option") is not None and asked.findtext("all/option") == "count":
        return _page([], len(rows), bare=False)
    address = asked.findtext("ip")
    wanted = None if address is None else _spelled(address)
    chosen = [row for row in rows if wanted in (None, row.address) and _is_tagged(row, asked.find("tag/entry"))]
    limit, start = _number(asked, "limit", _LARGEST_PAGE), _number(asked, "start-point", 1 << 30) or 1
    page = chosen[start - 1 : start - 1 + limit] if limit else chosen[start - 1 :]
    return _page(page, len(page), bare=bare)


def _number(asked: Element, name: str, largest: int) -> int:
    text = asked.findtext(name)
    if text is None:
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= largest:
        raise refuse(INVALID_COMMAND, f"{name} -> '{text}' is not between 1 and {largest}")
    return int(text)


def _is_tagged(row: Registered, named: Element | None) -> bool:
    if named is None:
        return True
    attributes(named, ("name",), "registered-ip -> tag -> entry")
    return named.get("name") == "all" or named.get("name") in row.tags


def _spelled(address: str) -> str:
    try:
        return registrable(address, _NEWEST, networks6=True)
    except ValueError:
        raise refuse(INVALID_COMMAND, f"registered-ip -> ip -> '{address}' is invalid") from None


def _page(rows: list[Registered], count: int, *, bare: bool) -> Element:
    result = Element("result")
    for row in rows:
        persistent = any(tag["persistent"] for tag in row.tags.values())
        entry = SubElement(result, "entry", ip=row.address, from_agent="0", persistent=str(int(persistent)))
        tags = SubElement(entry, "tag")
        for name in row.tags:
            SubElement(tags, "member").text = name
    if count or not bare:
        SubElement(result, "count").text = str(count)
    return result


def _texts(parent: Element, values: dict[str, Any]) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = str(value)


def _system(device: Device) -> Element:
    result = Element("result")
    values = {
        "hostname": device.hostname,
        "ip-address": device.address,
        "ipv6-address": "unknown",
        "family": "pc" if device.is_panorama else "vm",
        "model": device.model,
        "serial": device.serial,
        "sw-version": device.version,
        "multi-vsys": "on" if len(device.vsys) > 1 else "off",
        "system-mode": "panorama" if device.is_panorama else "normal",
    }
    _texts(SubElement(result, "system"), values)
    return result


def _managed(devices: Devices, *, connected_only: bool) -> Element:
    result = Element("result")
    listed = SubElement(result, "devices")
    for device in devices.all():
        if device.is_panorama or (connected_only and not device.connected):
            continue
        values = {
            "serial": device.serial,
            "connected": "yes" if device.connected else "no",
            "hostname": device.hostname,
            "ip-address": device.address,
            "sw-version": device.version,
        }
        _texts(SubElement(listed, "entry", name=device.serial), values)
    return result
