"""The User-ID call: messages that register and unregister tags of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from emulators.kit import Reply
from emulators.panos.addresses import registrable
from emulators.panos.devices import Device
from emulators.panos.messages import INVALID_COMMAND, attributes, only, parsed, refuse, reply, success
from emulators.panos.options import LONGEST_TIMEOUT_SECONDS
from emulators.panos.registry import TAGS_PER_ADDRESS, Change, Place, Registry

_ACTIONS = ("register", "unregister")
_LONGEST_TAG = 127


class Rules(NamedTuple):
    """What the options say about messages: is one bad entry fatal, are IPv6 networks taken, how much fits, how late."""

    whole: bool
    networks6: bool
    capacity: int
    delay: float


class Problem(NamedTuple):
    """Why one entry of a message was not carried out."""

    action: str
    address: str
    text: str


def updated(registry: Registry, device: Device, place: Place, command: str, rules: Rules) -> Reply:
    """Carry out one message. Raises Refused for one that is not well formed."""
    payload = _payload(parsed(command))
    changes, problems = _sorted(registry, device, place, payload, rules)
    if not (problems and rules.whole):
        registry.order(place, changes, rules.delay)
    return _answer(payload, problems)


def _payload(root: Element) -> Element:
    if root.tag != "uid-message":
        raise refuse(INVALID_COMMAND, f"{root.tag} is unexpected, uid-message is wanted")
    attributes(root, (), "uid-message")
    only(root, ("version", "type", "payload"), "uid-message")
    if root.findtext("version", "1.0") not in ("1.0", "2.0") or root.findtext("type") != "update":
        raise refuse(INVALID_COMMAND, "uid-message needs version 1.0 or 2.0 and type update")
    payload = root.find("payload")
    if payload is None or len(root.findall("payload")) != 1:
        raise refuse(INVALID_COMMAND, "uid-message needs one payload")
    only(payload, _ACTIONS, "uid-message -> payload")
    return payload


def _sorted(
    registry: Registry, device: Device, place: Place, payload: Element, rules: Rules
) -> tuple[list[Change], list[Problem]]:
    """What is to be done, and what cannot be."""
    changes: list[Change] = []
    problems: list[Problem] = []
    for action, entry in ((part.tag, entry) for part in payload for entry in part):
        shown = _shape(entry, action)
        try:
            address = registrable(shown, device.version, rules.networks6)
        except ValueError as error:
            problems.append(Problem(action, shown, str(error)))
            continue
        for change in _changes(entry, action, address):
            why = _obstacle(registry, place, change, changes, rules)
            if why:
                problems.append(Problem(action, shown, why))
            else:
                changes.append(change)
    return changes, problems


def _shape(entry: Element, action: str) -> str:
    if entry.tag != "entry" or not entry.get("ip"):
        raise refuse(INVALID_COMMAND, f"{action} takes entries with an ip")
    attributes(entry, ("ip", "persistent") if action == "register" else ("ip",), f"{action} -> entry")
    if entry.get("persistent", "1") not in ("0", "1"):
        raise refuse(INVALID_COMMAND, "persistent is 0 or 1")
    only(entry, ("tag",), f"{action} -> entry")
    if len(entry) != 1:
        raise refuse(INVALID_COMMAND, f"{action} -> entry needs one tag")
    only(entry[0], ("member",), f"{action} -> entry -> tag")
    return str(entry.get("ip"))


def _changes(entry: Element, action: str, address: str) -> Iterator[Change]:
    for member in entry[0]:
        attributes(member, ("timeout",) if action == "register" else (), "tag -> member")
        tag, timeout = member.text or "", member.get("timeout", "0")
        if not tag or len(tag) > _LONGEST_TAG:
            raise refuse(INVALID_COMMAND, f"a tag has 1 to {_LONGEST_TAG} characters")
        if not timeout.isdecimal() or int(timeout) > LONGEST_TIMEOUT_SECONDS:
            raise refuse(INVALID_COMMAND, f"timeout is a number of seconds up to {LONGEST_TIMEOUT_SECONDS}")
        if int(timeout) and "persistent" in entry.attrib:
            raise refuse(INVALID_COMMAND, "timeout and persistent do not go together")
        yield Change(action, address, tag, entry.get("persistent", "1") == "1", int(timeout))


def _obstacle(registry: Registry, place: Place, change: Change, before: list[Change], rules: Rules) -> str:
    """Why a change cannot be made, in the words of PAN-OS; empty when nothing is in the way."""
    tags = registry.tags_to_be(place, change.address)
    if change.action == "unregister":
        return "" if change.tag in tags else f"tag {change.tag} does not exist, ignore unreg"
    if change.tag in tags:
        return f"tag {change.tag} already exists, ignore"
    fresh = {one.tag for one in before if one.action == "register" and one.address == change.address}
    if len({*tags, *fresh, change.tag}) > TAGS_PER_ADDRESS:
        return f"more than {TAGS_PER_ADDRESS} tags"
    added = {one.address for one in before if one.action == "register"}
    known = {row.address for row in registry.rows(place)}
    if rules.capacity and len(known | added | {change.address}) > rules.capacity:
        return "the maximum number of registered addresses is reached"
    return ""


def _answer(payload: Element, problems: list[Problem]) -> Reply:
    response = Element("uid-response")
    SubElement(response, "version").text = "2.0"
    told = SubElement(response, "payload")
    for part in payload:
        section = SubElement(told, part.tag)
        for problem in problems:
            if problem.action == part.tag:
                SubElement(section, "entry", ip=problem.address, message=problem.text)
    if not problems:
        result = Element("result")
        result.append(response)
        return success(result)
    root = Element("response", status="error")
    SubElement(SubElement(root, "msg"), "line").append(response)
    return reply(root)
