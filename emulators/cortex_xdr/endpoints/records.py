"""One endpoint: as it is seeded, stored and shown. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from emulators.cortex_xdr.endpoints.machine import COMPLETED, CONNECTED, ENDS, LOST, UNISOLATED
from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, OBJECT, TEXT, Field, json_object, text_list

OS_TYPES = {
    "windows": "AGENT_OS_WINDOWS",
    "linux": "AGENT_OS_LINUX",
    "macos": "AGENT_OS_MAC",
    "android": "AGENT_OS_ANDROID",
    "ios": "AGENT_OS_IOS",
}
_NEVER_ISOLATED = frozenset({"AGENT_OS_ANDROID", "AGENT_OS_IOS"})
_TYPES = {
    "AGENT_TYPE_WORKSTATION": "Workstation",
    "AGENT_TYPE_SERVER": "Server",
    "AGENT_TYPE_MOBILE": "Mobile",
}
SCAN_STATUSES = {
    name: f"SCAN_STATUS_{name.upper()}"
    for name in ("none", "pending", "in_progress", "canceled", "aborted", "pending_cancellation", "success", "error")
}
DAY_MS = 24 * 60 * 60 * 1000
_HIDDEN = ("can_isolate", "order_result", "order_error", "deleted_date")

Addresses = Sequence[str] | str | None


@dataclass(frozen=True)
class Endpoint:
    """One agent's record. Times are epoch ms; `ip`, `ipv6`, `mac_address` may be null or a bare text, as seen.

    The last four are not shown to clients: whether the agent can be isolated (None: by its system), how it ends the
    orders that it gets and with which error text, and when the record was deleted.
    """

    endpoint_id: str
    endpoint_name: str
    endpoint_type: str = "AGENT_TYPE_WORKSTATION"
    endpoint_status: str = CONNECTED
    is_isolated: str = UNISOLATED
    isolated_date: int | None = None
    os_type: str = "AGENT_OS_WINDOWS"
    os_version: str = "10.0.19045"
    endpoint_version: str = "8.5.0"
    ip: Addresses = ()
    ipv6: Addresses = ()
    public_ip: str | None = None
    mac_address: Addresses = ()
    domain: str = ""
    alias: str = ""
    users: Sequence[str] = ()
    group_name: Sequence[str] = ()
    first_seen: int = 0
    last_seen: int = 0
    install_date: int = 0
    installation_package: str = "default"
    operational_status: str = "PROTECTED"
    scan_status: str = "SCAN_STATUS_NONE"
    tags: Mapping[str, Any] = field(default_factory=dict)
    can_isolate: bool | None = None
    order_result: str = COMPLETED
    order_error: str | None = None
    deleted_date: int | None = None

    @property
    def able(self) -> bool:
        """Whether agent and operating system can be isolated at all."""
        return self.os_type not in _NEVER_ISOLATED if self.can_isolate is None else self.can_isolate

    def listed(self) -> list[tuple[str, str]]:
        """(kind, value) of everything that filters look up in lists."""
        values = {"ip": as_list(self.ip), "username": self.users, "group_name": self.group_name}
        return [(kind, value) for kind, items in values.items() for value in dict.fromkeys(items)]


NAMES = tuple(spec.name for spec in fields(Endpoint))

_ADDRESSES = Field((list, str), required=False, nullable=True)
_SOME_TEXT = Field(TEXT, required=False)
PLAIN_FORM = {
    **dict.fromkeys(("endpoint_name", "os_version", "endpoint_version", "domain", "alias"), _SOME_TEXT),
    **dict.fromkeys(("installation_package", "operational_status"), _SOME_TEXT),
    **dict.fromkeys(("ip", "ipv6", "mac_address"), _ADDRESSES),
    **dict.fromkeys(("users", "group_name"), Field(LIST, required=False)),
    **dict.fromkeys(("first_seen", "last_seen", "install_date"), Field(INTEGER, required=False)),
    "endpoint_type": Field(TEXT, required=False, choices=tuple(_TYPES)),
    "os_type": Field(TEXT, required=False, choices=tuple(OS_TYPES.values())),
    "scan_status": Field(TEXT, required=False, choices=tuple(SCAN_STATUSES.values())),
    "public_ip": Field(TEXT, required=False, nullable=True),
    "tags": Field(OBJECT, required=False),
    "can_isolate": Field(BOOLEAN, required=False, nullable=True),
    "order_result": Field(TEXT, required=False, choices=tuple(sorted(ENDS))),
    "order_error": Field(TEXT, required=False, nullable=True),
}
"""What a seed can give and an edit can change without consequences for orders."""

_SEED_FORM = {
    **PLAIN_FORM,
    "endpoint_id": _SOME_TEXT,
    "endpoint_name": Field(TEXT),
    "endpoint_status": _SOME_TEXT,
    "is_isolated": _SOME_TEXT,
    "isolated_date": Field(INTEGER, required=False, nullable=True),
}
_GENERATE_FORM = {
    "count": Field(INTEGER),
    "first": Field(INTEGER, required=False),
    "name_prefix": _SOME_TEXT,
    "first_ip": _SOME_TEXT,
    "endpoint_status": _SOME_TEXT,
    "is_isolated": _SOME_TEXT,
}
_MOST_GENERATED = 1_000_000


def as_list(addresses: Addresses) -> Sequence[str]:
    """The addresses as a list, whatever form they are shown in."""
    return [addresses] if isinstance(addresses, str) else addresses or ()


def read_plain(found: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields of PLAIN_FORM in `found`. Raises Refused(400) when a list holds anything but texts."""
    plain = {name: found[name] for name in PLAIN_FORM if name in found}
    for name, value in plain.items():
        if isinstance(value, list):
            text_list(value, f"{where}.{name}")
    return plain


def read_seed(value: object, now_ms: int, where: str) -> Endpoint:
    """An endpoint as POST seed gives it; only the name is required. Raises Refused(400).

    Without an id it gets one made from its name; without times, such as fit its status.
    """
    found = json_object(value, _SEED_FORM, where)
    read_plain(found, where)
    if not found["endpoint_name"] or found.get("endpoint_id") == "":
        raise Refused(400, f"{where} must have an endpoint_name, and no empty endpoint_id")
    status = found.get("endpoint_status", CONNECTED)
    last_seen = found.get("last_seen", now_ms - _silence_ms(status))
    early = {"first_seen": last_seen - DAY_MS, "install_date": found.get("first_seen", last_seen - DAY_MS)}
    made = {"endpoint_id": made_up_id(found["endpoint_name"]), **early, "last_seen": last_seen}
    return Endpoint(**{**made, **found})


def _silence_ms(status: str) -> int:
    return {CONNECTED: 0, LOST: 45 * DAY_MS}.get(status, DAY_MS)


def made_up_id(text: str) -> str:
    """32 hexadecimal digits, the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def generated(payload: object, now_ms: int) -> list[Endpoint]:
    """Made-up endpoints, the same each time: names `name_prefix` + number, addresses from `first_ip` on.

    Raises Refused(400).
    """
    body = json_object(payload, _GENERATE_FORM, "generate_endpoints")
    first, count, prefix = body.get("first", 0), body["count"], body.get("name_prefix", "HOST-")
    if not (0 <= count <= _MOST_GENERATED and 0 <= first <= 2**31):
        raise Refused(400, f"generate_endpoints: count is {count}, first {first}; at most {_MOST_GENERATED} from 0 on")
    try:
        base = int(IPv4Address(body.get("first_ip", "10.0.0.1")))
        IPv4Address(base + first + count)
    except AddressValueError as error:
        raise Refused(400, f"generate_endpoints: the addresses are not all IPv4 ({error})") from None
    state: dict[str, Any] = {name: body[name] for name in ("endpoint_status", "is_isolated") if name in body}
    state["last_seen"] = now_ms - _silence_ms(state.get("endpoint_status", CONNECTED))
    state |= dict.fromkeys(("first_seen", "install_date"), state["last_seen"] - DAY_MS)
    return [_generated(number, prefix, base, state) for number in range(first, first + count)]


def _generated(number: int, prefix: str, base: int, state: Mapping[str, Any]) -> Endpoint:
    name = f"{prefix}{number}"
    mac = ":".join(f"{octet:02x}" for octet in (0x02, 0, *number.to_bytes(4, "big")))
    return Endpoint(made_up_id(name), name, ip=[str(IPv4Address(base + number))], mac_address=[mac], **state)


def shown(endpoint: Endpoint) -> dict[str, Any]:
    """The record as `get_endpoint` shows it."""
    return {name: value for name, value in vars(endpoint).items() if name not in _HIDDEN}


def short_row(endpoint: Endpoint) -> dict[str, Any]:
    """The record as `get_endpoints` lists it."""
    return {
        "agent_id": endpoint.endpoint_id,
        "agent_status": endpoint.endpoint_status,
        "host_name": endpoint.endpoint_name,
        "agent_type": _TYPES[endpoint.endpoint_type],
        "ip": endpoint.ip,
    }
