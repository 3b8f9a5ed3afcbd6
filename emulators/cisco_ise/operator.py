"""The side door of the Cisco ISE emulator: what was always there, and what happens in console and network."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from emulators.cisco_ise.anc import ACTIONS, CoaFailed, seeded_mac
from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, LIST, OBJECT, TEXT, Field, json_object, text_list

if TYPE_CHECKING:
    from emulators.cisco_ise.state import IseState

_SEED = {name: Field(LIST, required=False) for name in ("accounts", "policies", "endpoints", "sessions")}
_ACCOUNT = {
    "name": Field(TEXT),
    "password": Field(TEXT),
    "groups": Field(LIST),
    "external": Field(BOOLEAN, required=False),
}
_POLICY = {"name": Field(TEXT), "actions": Field(LIST)}
_ENDPOINT = {"mac": Field(TEXT), "policy": Field(TEXT)}
_SESSION = {
    "mac": Field(TEXT),
    "ip": Field(TEXT, required=False),
    "ipv6": Field(LIST, required=False),
    "user": Field(TEXT, required=False),
    "nas_ip_address": Field(TEXT, required=False),
}
_EDIT = {
    "mac": Field(TEXT, required=False),
    "policy": Field(TEXT, required=False, nullable=True),
    "connect": Field(OBJECT, required=False),
    "disconnect": Field(BOOLEAN, required=False),
    "device": Field(TEXT, required=False),
    "answers": Field(BOOLEAN, required=False),
    "delete_policy": Field(TEXT, required=False),
    "clean_up": Field(BOOLEAN, required=False),
    "end_web_sessions": Field(BOOLEAN, required=False),
    "ers": Field(TEXT, required=False, choices=("on", "off")),
    "csrf": Field(TEXT, required=False, choices=("on", "off")),
    "account": Field(OBJECT, required=False),
}
_OF_MAC = ("policy", "connect", "disconnect")


def dump(state: IseState) -> Iterator[dict[str, Any]]:
    """Policies, endpoints with a policy, live sessions (with the policy `enforced`), accounts without passwords."""
    for _, policy in state.anc.policies.items():
        yield {"kind": "policy", **policy}
    for _, endpoint in state.anc.endpoints.items():
        yield {"kind": "endpoint", **endpoint}
    for session in state.anc.live():
        yield {"kind": "session", **session}
    for name, account in state.access.accounts.items():
        yield {"kind": "account", "name": name, "groups": account["groups"], "external": account["external"]}


def count(state: IseState) -> dict[str, Any]:
    """How much there is of each kind."""
    anc = state.anc
    return {"policies": len(anc.policies), "endpoints": len(anc.endpoints), "sessions": len(anc.sessions)}


def seed(state: IseState, payload: Any) -> dict[str, Any]:
    """Put accounts, policies, endpoints with a policy and live sessions there. Raises Refused(400)."""
    given = json_object(payload, _SEED)
    for account in given.get("accounts", []):
        _put_account(state, account)
    for policy in given.get("policies", []):
        row = json_object(policy, _POLICY, "policy")
        unknown = sorted(set(text_list(row["actions"], "actions")) - set(ACTIONS))
        if unknown or not row["actions"]:
            raise Refused(400, f"actions of a policy are one or more of {', '.join(ACTIONS)}")
        state.anc.put_policy(row["name"], row["actions"])
    for endpoint in given.get("endpoints", []):
        row = json_object(endpoint, _ENDPOINT, "endpoint")
        _assign(state, seeded_mac(row["mac"]), row["policy"])
    for session in given.get("sessions", []):
        row = json_object(session, _SESSION, "session")
        _connect(state, row)
    return count(state)


def edit(state: IseState, payload: Any) -> dict[str, Any]:
    """One or a list of edits; a person's edit of a policy tries a change of authorisation, too. Raises Refused."""
    for one in payload if isinstance(payload, list) else [payload]:
        _edit(state, json_object(one, _EDIT))
    return count(state)


def _edit(state: IseState, change: dict[str, Any]) -> None:
    for switch in ("ers", "csrf"):
        if switch in change:
            state.switches.put(switch, change[switch])
    if "account" in change:
        _put_account(state, change["account"])
    if "answers" in change:
        state.anc.devices.put(change.get("device", ""), {"answers": change["answers"]})
    if "delete_policy" in change and not state.anc.policies.remove(change["delete_policy"]):
        raise Refused(404, f"there is no policy '{change['delete_policy']}'")
    if change.get("end_web_sessions"):
        state.access.forget_tokens()
    if change.get("clean_up"):
        _clean_up(state)
    _edit_endpoint(state, change)


def _edit_endpoint(state: IseState, change: dict[str, Any]) -> None:
    if not change.keys() & set(_OF_MAC):
        return
    mac = seeded_mac(change.get("mac", ""))
    if change.get("disconnect"):
        state.anc.disconnect(mac)
    if "connect" in change:
        _connect(state, {**json_object({"mac": mac, **change["connect"]}, _SESSION, "connect"), "mac": mac})
    if "policy" in change:
        if change["policy"] is None:
            state.anc.endpoints.remove(mac)
        else:
            _assign(state, mac, change["policy"])
        with suppress(CoaFailed):
            state.anc.reauthorise(mac)


def _assign(state: IseState, mac: str, policy: str) -> None:
    if state.anc.policies.get(policy) is None:
        raise Refused(400, f"there is no policy '{policy}'")
    state.anc.assign(mac, policy)


def _clean_up(state: IseState) -> None:
    for mac, _ in list(state.anc.endpoints.items()):
        state.anc.endpoints.remove(mac)
        with suppress(CoaFailed):
            state.anc.reauthorise(mac)


def _connect(state: IseState, row: dict[str, Any]) -> None:
    ipv6 = text_list(row.get("ipv6", []), "ipv6")
    for text in (*ipv6, *([row["ip"]] if row.get("ip") else [])):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise Refused(400, f"'{text}' is not an address") from None
    state.anc.connect(
        seeded_mac(row["mac"]),
        ip=row.get("ip", ""),
        ipv6=ipv6,
        user=row.get("user", ""),
        nas_ip_address=row.get("nas_ip_address", "10.255.0.1"),
    )


def _put_account(state: IseState, account: Any) -> None:
    row = json_object(account, _ACCOUNT, "account")
    state.access.put(row["name"], row["password"], text_list(row["groups"], "groups"), row.get("external", False))
