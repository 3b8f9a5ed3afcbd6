"""What an administrator does at the device itself: the payloads of the side door."""

from __future__ import annotations

from typing import Any

from emulators.fortigate.options import FortiGateOptions
from emulators.fortigate.quarantine import BY_ADMINISTRATOR, Quarantine
from emulators.fortigate.vdoms import ADDRESS_TABLES, GROUP_TABLES, TABLES, Vdoms
from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, OBJECT, TEXT, Field, json_object, text_list

_SEED = {
    name: Field(LIST if name != "vdom" else TEXT, required=False)
    for name in ("vdom", *TABLES, "policies", "interfaces", "bans")
}
_POLICY = {"policyid": Field(INTEGER), "groups": Field(LIST, required=False), "groups6": Field(LIST, required=False)}
_INTERFACE = {"name": Field(TEXT), "ip": Field(TEXT), "ip6": Field(TEXT, required=False)}
_BAN = {"ip": Field(TEXT), "expiry": Field(INTEGER, required=False), "source": Field(TEXT, required=False)}
_EDIT = {
    "vdom": Field(TEXT, required=False),
    "table": Field(TEXT, required=False, choices=TABLES),
    "name": Field(TEXT, required=False),
    "set": Field(OBJECT, required=False),
    "delete": Field(BOOLEAN, required=False),
    "add_members": Field(LIST, required=False),
    "remove_members": Field(LIST, required=False),
    "ban": Field(OBJECT, required=False),
    "unban": Field(TEXT, required=False),
    "reboot": Field(BOOLEAN, required=False),
}


def seed(vdoms: Vdoms, quarantine: Quarantine, options: FortiGateOptions, payload: Any) -> None:
    """Put objects of one VDOM there, addresses before groups. Raises Refused."""
    given = json_object(payload, _SEED)
    vdom = _vdom(options, given)
    for table in (*ADDRESS_TABLES, *GROUP_TABLES):
        for body in given.get(table, ()):
            vdoms.create(vdom, table, body)
    for policy in given.get("policies", ()):
        json_object(policy, _POLICY, "policy")
        vdoms.put_policy(vdom, policy["policyid"], policy.get("groups", []), policy.get("groups6", []))
    for interface in given.get("interfaces", ()):
        json_object(interface, _INTERFACE, "interface")
        vdoms.put_interface(vdom, interface["name"], interface["ip"], interface.get("ip6", "::/0"))
    for ban in given.get("bans", ()):
        _ban(quarantine, vdom, ban)


def edit(vdoms: Vdoms, quarantine: Quarantine, options: FortiGateOptions, payload: Any) -> None:
    """One change, or a list of them. Raises Refused as the device would, or 400."""
    for change in payload if isinstance(payload, list) else [payload]:
        given = json_object(change, _EDIT)
        vdom = _vdom(options, given)
        if given.get("reboot"):
            for each in options.vdom_names:
                quarantine.reboot(each, options.banned_ip_persistency)
        elif "ban" in given:
            _ban(quarantine, vdom, given["ban"])
        elif "unban" in given:
            quarantine.release(vdom, given["unban"])
        else:
            _edit_object(vdoms, vdom, given)


def _edit_object(vdoms: Vdoms, vdom: str, given: dict[str, Any]) -> None:
    if "table" not in given or "name" not in given:
        raise Refused(400, "an edit has table and name, or ban, unban or reboot")
    table, name = given["table"], given["name"]
    if given.get("delete"):
        vdoms.delete(vdom, table, name)
        return
    if "set" in given:
        vdoms.change(vdom, table, name, given["set"])
    if given.keys() & {"add_members", "remove_members"}:
        added = text_list(given.get("add_members", []), "add_members")
        removed = text_list(given.get("remove_members", []), "remove_members")
        members = vdoms.existing(vdom, table, name)["member"]
        kept = [member for member in members if member not in removed]
        vdoms.set_members(vdom, table, name, [*kept, *(member for member in added if member not in kept)])


def _ban(quarantine: Quarantine, vdom: str, ban: object) -> None:
    given = json_object(ban, _BAN, "ban")
    quarantine.ban(vdom, given["ip"], given.get("expiry", 0), given.get("source", BY_ADMINISTRATOR))


def _vdom(options: FortiGateOptions, given: dict[str, Any]) -> str:
    vdom = given.get("vdom", options.vdom_names[0])
    if vdom not in options.vdom_names:
        raise Refused(400, f"there is no VDOM {vdom!r}")
    return str(vdom)
