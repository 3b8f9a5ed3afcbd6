"""FortiGate as a driver of the Vectra response.

Addresses become members of address groups that deny policies of the firewall refer to, or, for hosts, entries of its
quarantine list. In this order: settings, what can be blocked (values in, values out), client, driver, and `main`, the
only place that touches `demisto`.

An element says what is blocked and where, such as `10.1.2.3 in Internal-Block`, because one address may be wanted in
two groups. VAR recorded the bare address; such an element means the object of that name in the group of its kind.
"""

import hashlib
import ipaddress
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

import demistomock as demisto
import requests
from AddressesApiModule import *
from CommonServerPython import *
from HttpRetryApiModule import *
from ParametersApiModule import *
from ResponseDriverApiModule import *
from VersionedStateApiModule import *

BRAND = "FortiGateResponse"
PRODUCT = "FortiGate"

QUARANTINE = "the quarantine list"
OWN_COMMENT = "Made by the Vectra response of XSOAR, which also deletes it"
LONGEST_NAME = 79
NAME_MARKUP = frozenset("<>()#\"'")
EXISTS, IN_USE = -5, -23
ELEMENT_FORM = re.compile(r"(\S+) (in|on) (.+)", re.DOTALL)
NO_VALUE = Blockable(DOMAIN_NAME, "")


# ---- settings


class Groups(NamedTuple):
    """Names of the groups for one kind of entity, IPv4 and IPv6; empty where there is none."""

    v4: str
    v6: str

    def of(self, family: int) -> str:
        """The group for 4 or 6."""
        return self.v6 if family == 6 else self.v4


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once. `quarantine_seconds`: 0 is for ever.

    `groups`: by kind of entity.
    """

    http: HttpSettings
    token: str
    vdom: str
    groups: Mapping[str, Groups]
    quarantine: bool
    quarantine_seconds: int
    domains: bool
    prefix: str

    def is_ipv6_group(self, name: str) -> bool:
        """Is this a name of an IPv6 group?"""
        return name in {groups.v6 for groups in self.groups.values()} - {""}


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Check every parameter once. Raises ValueError naming the parameter and what to do."""
    mode = choice_param(params, "block_mode", "How hosts are blocked", ("address_group", "quarantine"))
    return Settings(
        http=http_params(params, rate=8),
        token=secret_param(params, "credentials", "API token"),
        vdom=needed_param(params, "vdom", "VDOM", "root"),
        groups=groups_from_params(params),
        quarantine=mode == "quarantine",
        quarantine_seconds=whole_param(params, "quarantine_seconds", "Length of a quarantine (seconds)", 0, 0, 864_000),
        domains=flag_param(params, "block_domains"),
        prefix=prefix_param(params),
    )


def groups_from_params(params: Mapping[str, Any]) -> dict[str, Groups]:
    """The groups by kind. Raises ValueError when two of both families have one name: an element could mean either."""
    internal = needed_param(params, "internal_group", "Group of internal hosts", "Internal-Block")
    external = needed_param(params, "external_group", "Group of external destinations", "External-Block")
    external_v6 = text_param(params, "external_group_ipv6")
    groups = {
        "host": Groups(internal, text_param(params, "internal_group_ipv6")),
        "detection": Groups(external, external_v6),
        "destinations": Groups(
            text_param(params, "static_group") or external, text_param(params, "static_group_ipv6") or external_v6
        ),
    }
    both = {each.v4 for each in groups.values()} & {each.v6 for each in groups.values()}
    if both:
        raise ValueError(f"{min(both)!r} is given as an IPv4 and as an IPv6 group. Give the IPv6 group another name.")
    return groups


def prefix_param(params: Mapping[str, Any]) -> str:
    prefix = needed_param(params, "object_prefix", "Prefix of address objects", "vectra-")
    if len(prefix) > 30 or NAME_MARKUP & set(prefix):
        raise ValueError(
            f"Parameter 'object_prefix' (Prefix of address objects): {prefix!r} is longer than 30 characters or has "
            f"one of {' '.join(sorted(NAME_MARKUP))} in it."
        )
    return prefix


# ---- pure functions: what can be blocked


def parse_value(raw: str) -> Blockable:
    """An entry in its one spelling: a range that is just a network or an address is written as that.

    Raises ValueError with words for the user.
    """
    return read_blockable(raw).simplest()


def object_body(value: Blockable) -> dict[str, str]:
    """The fields of the address object for a value."""
    if value.first is None or value.last is None:
        return {"type": "fqdn", "fqdn": value.text}
    if value.kind == RANGE:
        return {"type": "iprange", "start-ip": str(value.first), "end-ip": str(value.last)}
    network = ipaddress.ip_network(value.text)
    if network.version == 6:
        return {"type": "ipprefix", "ip6": str(network)}
    return {"type": "ipmask", "subnet": f"{network.network_address} {network.netmask}"}


def object_value(row: Mapping[str, Any]) -> str:
    """What an address object stands for, as `parse_value` spells it; empty for a kind that is not ours to make."""
    kind = row.get("type")
    raw = {
        "ipmask": "/".join(str(row.get("subnet") or "").split()),
        "ipprefix": str(row.get("ip6") or ""),
        "iprange": f"{row.get('start-ip')}-{row.get('end-ip')}",
        "fqdn": str(row.get("fqdn") or ""),
    }
    with suppress(ValueError):
        return parse_value(raw.get(str(kind), "")).text
    return ""


def object_name(prefix: str, text: str) -> str:
    """The name of the address object, without a slash; a long one ends in a hash, so that it stays one of a kind."""
    name = prefix + text.replace("/", "_")
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 13]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


# ---- pure functions: where it is blocked


class Spot(NamedTuple):
    """A value and the place where it is blocked: a group, or the quarantine list when `group` is empty.

    names: what its member may be called; the first is the object that this instance makes or would make.
    own: is an object of the first name ours to make and delete?
    """

    value: Blockable
    group: str = ""
    family: int = 4
    names: tuple[str, ...] = ()
    own: bool = True

    @property
    def group_table(self) -> str:
        return "addrgrp6" if self.family == 6 else "addrgrp"

    @property
    def address_table(self) -> str:
        return "address6" if self.family == 6 else "address"


def element_in(text: str, group: str) -> str:
    return f"{text} in {group}"


def spot_of(element: str, record: Mapping[str, Any], settings: Settings) -> Spot | None:
    """Where an element is, or would be; None for a text that cannot be one.

    What another tool may have put there (a first look, or a take-over) counts under the name of the bare address, too.
    """
    found = ELEMENT_FORM.fullmatch(element)
    try:
        value = parse_value(found[1] if found else element)
    except ValueError:
        return None
    if found and found[2] == "on":
        return Spot(value) if found[3] == QUARANTINE else None
    if found is None:
        return bare_spot(value, element, str(record["kind"]), settings)
    facts = record["facts"]
    family = value.version or int(facts.get("family") or (6 if settings.is_ipv6_group(found[3]) else 4))
    own = str(facts.get("object") or object_name(settings.prefix, value.text))
    foreign = record["phase"] == "new" or record.get("adopted")
    return Spot(value, found[3], family, (own, value.text) if foreign and own != value.text else (own,))


def bare_spot(value: Blockable, element: str, kind: str, settings: Settings) -> Spot | None:
    """Where VAR put an address: an object of its name, in the group of the kind of entity."""
    groups = settings.groups.get(kind)
    group = groups.of(value.version) if groups else ""
    return Spot(value, group, value.version or 4, (element,), own=False) if group else None


def targets_of_entry(raw: str, kind: str, settings: Settings) -> Iterator[Target]:
    """The elements for one entry. One that cannot be blocked is a target, too, so that its reason is told."""
    try:
        value = parse_value(raw)
    except ValueError as error:
        yield unsupported(raw, str(error))
        return
    reason = never_blocked(value) or own_address_in(value, [settings.http.url], PRODUCT)
    if reason:
        yield unsupported(value.text, reason)
    elif kind == "host" and settings.quarantine:
        yield Target(f"{value.text} on {QUARANTINE}", {})
    else:
        yield from group_targets(value, settings.groups[kind], settings)


def group_targets(value: Blockable, groups: Groups, settings: Settings) -> Iterator[Target]:
    """The groups that a value belongs into; a domain has addresses of both families."""
    if not value.version and not settings.domains:
        yield unsupported(value.text, "domains are not blocked: the parameter 'Block domains' is off")
        return
    families = [value.version] if value.version else [4, 6]
    placed = [(family, groups.of(family)) for family in families if groups.of(family)]
    if not placed:
        yield unsupported(value.text, "no IPv6 group is configured for it in this instance")
    for family, group in placed:
        facts = {"object": object_name(settings.prefix, value.text), "family": family}
        yield Target(element_in(value.text, group), facts)


def unsupported(text: str, reason: str) -> Target:
    return Target(text, {"unsupported": reason})


def interface_addresses(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The addresses of the interfaces. Those of an interface without any, 0.0.0.0 and ::, do no harm among them."""
    found = []
    for row in rows:
        ipv6 = row.get("ipv6")
        found.append(str(row.get("ip") or "").partition(" ")[0])
        found.append(str((ipv6 if isinstance(ipv6, dict) else {}).get("ip6-address") or "").partition("/")[0])
    return [one for one in found if one]


# ---- client


class RefusedError(ProductError):
    """The FortiGate itself said no: nothing was changed. `number` is its own error number, 0 when it gave none."""

    def __init__(self, reason: str, status: int, number: int) -> None:
        super().__init__(reason)
        self.status = status
        self.number = number

    @property
    def absent(self) -> bool:
        """The object is not there."""
        return self.status == 404


class FortiGateClient(ProductClient):
    """The calls of the FortiOS REST API that the driver needs, for one VDOM. All raise ProductError.

    A refusal in the envelope of the API is a RefusedError, also with HTTP 500, which FortiOS uses for "exists already"
    and "in use": it is certain that nothing was done then. A 500 without it is uncertain.
    """

    def __init__(self, settings: Settings, timing: HttpTiming | None = None) -> None:
        super().__init__(
            PRODUCT,
            settings.http,
            HttpRetry.of(settings.http, timing),
            headers={"Authorization": f"Bearer {settings.token}", "Accept": "application/json"},
        )
        self.vdom = settings.vdom
        self.read_before: dict[tuple[Any, ...], Any] = {}

    def ask(self, method: str, area: str, *names: str, body: Any = None, **query: str) -> dict[str, Any]:
        """One call; gives the envelope. The names become parts of the path, each encoded as a whole."""
        path = "/".join(["/api/v2", area, *(quote(name, safe="") for name in names)])
        sent = {} if body is None else {"json_data": body}
        order = method != "GET"
        if order:
            self.read_before.clear()
        found: dict[str, Any] = self.call(method, path, order=order, params={"vdom": self.vdom, **query}, **sent)
        return found

    def rows(self, area: str, *names: str, **query: str) -> list[dict[str, Any]] | None:
        """The results of a read; None when it is not there.

        Read once until this client changes something: a verification looks at one group for many elements.
        """
        key = (area, names, *query.items())
        if key not in self.read_before:
            self.read_before[key] = self.rows_now(area, *names, **query)
        rows: list[dict[str, Any]] | None = self.read_before[key]
        return rows

    def rows_now(self, area: str, *names: str, **query: str) -> list[dict[str, Any]] | None:
        try:
            found = self.ask("GET", area, *names, **query).get("results")
        except RefusedError as refused:
            if refused.absent:
                return None
            raise
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    def members(self, spot: Spot) -> tuple[str, ...] | None:
        """The names of the members of a group; None when there is no such group."""
        found = self.rows("cmdb/firewall", spot.group_table, spot.group)
        members = found[0].get("member") if found else None
        return None if found is None else tuple(str(row.get("name")) for row in members or ())

    def is_member(self, spot: Spot, name: str) -> bool:
        """Is the object a member of the group?"""
        return name in (self.members(spot) or ())

    def add_member(self, spot: Spot, name: str) -> None:
        """Add one member and leave the others as they are. One that is there already is no error."""
        try:
            self.ask("POST", "cmdb/firewall", spot.group_table, spot.group, "member", body={"name": name})
        except RefusedError as refused:
            if refused.status == 405:
                self.put_members(spot, [*(n for n in self.members(spot) or () if n != name), name])
            elif refused.number != EXISTS:
                raise

    def remove_member(self, spot: Spot, name: str) -> None:
        """Take one member out and leave the others as they are. One that is not there is no error."""
        try:
            self.ask("DELETE", "cmdb/firewall", spot.group_table, spot.group, "member", name)
        except RefusedError as refused:
            if refused.status == 405:
                self.put_members(spot, [n for n in self.members(spot) or () if n != name])
            elif not refused.absent:
                raise

    def put_members(self, spot: Spot, names: Sequence[str]) -> None:
        """Replace all members: only where single ones cannot be changed, because the last writer wins."""
        body = {"member": [{"name": name} for name in names]}
        self.ask("PUT", "cmdb/firewall", spot.group_table, spot.group, body=body)

    def address_object(self, spot: Spot, name: str) -> dict[str, Any] | None:
        """An address object; None when there is none."""
        found = self.rows("cmdb/firewall", spot.address_table, name)
        return found[0] if found else None

    def create_object(self, spot: Spot, name: str) -> None:
        """Make the address object. One of that name that came in between is no error here; it is looked at after."""
        body = {"name": name, **object_body(spot.value), "comment": OWN_COMMENT}
        try:
            self.ask("POST", "cmdb/firewall", spot.address_table, body=body)
        except RefusedError as refused:
            if refused.number != EXISTS:
                raise

    def delete_object(self, spot: Spot, name: str) -> None:
        """Delete the address object."""
        self.ask("DELETE", "cmdb/firewall", spot.address_table, name)

    def bans(self) -> dict[str, int]:
        """The quarantine list: address, and when it was banned, in seconds since 1970; 0 when that is not told."""
        found: dict[str, int] = {}
        for row in self.rows("monitor/user/banned") or ():
            with suppress(ValueError):
                created = str(row.get("created") or 0)
                one = ipaddress.ip_address(str(row.get("ip_address")))
                found[str(one)] = int(created) if created.isdigit() else 0
        return found

    def ban(self, ip: str, seconds: int) -> None:
        """Put an address on the quarantine list, for ever with 0 seconds."""
        self.ask("POST", "monitor/user/banned/add_users", body={"ip_addresses": [ip], "expiry": seconds})

    def release_ban(self, ip: str) -> None:
        """Take an address off the quarantine list."""
        self.ask("POST", "monitor/user/banned/clear_users", body={"ip_addresses": [ip]})

    def own_addresses(self) -> list[str]:
        """The addresses of the FortiGate; none when the API administrator may not read interfaces."""
        try:
            return interface_addresses(self.rows("cmdb/system", "interface", format="name|ip|ipv6") or [])
        except RefusedError:
            return []

    def is_busy(self, response: requests.Response) -> bool:
        """A 500 with an error number is a decision of the FortiGate, and would be the same again."""
        return super().is_busy(response) and not error_number(response)

    def read(self, response: requests.Response) -> Any:
        """The envelope of a success, which it has to call itself, too."""
        envelope = super().read(response)
        if not isinstance(envelope, dict) or envelope.get("status") != "success":
            raise self.refusal(response)
        return envelope

    def refusal(self, response: requests.Response) -> ProductError:
        """The exception for a reply that is no success."""
        status, envelope = response.status_code, envelope_of(response)
        if status == 401:
            return ProductError(f"{PRODUCT} refused the API token (HTTP 401). Generate a new one and fill it in.")
        if status == 403:
            return RefusedError(
                f"{PRODUCT} refused (HTTP 403): look at the access profile, the trusted hosts and the VDOM "
                f"({self.vdom}) of the API administrator.",
                status,
                error_number(response),
            )
        if not envelope:
            return ProductError(
                f"{PRODUCT} answered HTTP {status} without a reply of the FortiOS API. Check the Server URL."
            )
        words = " ".join(str(envelope.get("cli_error") or "no reason given").split())
        number = error_number(response)
        return RefusedError(f"{PRODUCT} refused (HTTP {status}, error {number}): {words}", status, number)


def envelope_of(response: requests.Response) -> dict[str, Any]:
    """The reply as an envelope of the API; empty when it is none."""
    with suppress(ValueError):
        found = response.json()
        return found if isinstance(found, dict) and "status" in found else {}
    return {}


def error_number(response: requests.Response) -> int:
    """The FortiGate's own number of an error, negative; 0 when there is none."""
    number = envelope_of(response).get("error")
    return number if isinstance(number, int) and not isinstance(number, bool) else 0


# ---- driver


class FortiGateDriver(Driver):
    """The groups and the quarantine list of one VDOM."""

    def __init__(self, client: FortiGateClient, settings: Settings) -> None:
        self.client = client
        self.settings = settings

    def test(self) -> str:
        """`ok` when every group that is configured, and the quarantine list where it is used, can be read."""
        wanted = {
            Spot(NO_VALUE, name, family)
            for kind, groups in self.settings.groups.items()
            for family, name in ((4, groups.v4), (6, groups.v6))
            if name and not (kind == "host" and self.settings.quarantine)
        }
        missing = [spot for spot in sorted(wanted) if self.client.members(spot) is None]
        if self.settings.quarantine:
            self.client.bans()
        return "; ".join(no_group(spot, self.settings.vdom) for spot in missing) or "ok"

    def targets(self, entity: Entity) -> list[Target]:
        """An element for each value and each place where it is to be blocked."""
        entries = texts_to_block(entity, PRODUCT)
        return [target for raw in entries for target in targets_of_entry(raw, entity.kind, self.settings)]

    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        """Put it into its place, and look whether it is there."""
        reason = record["facts"].get("unsupported")
        spot = spot_of(target.element, record, self.settings)
        if reason or spot is None:
            return Outcome("unsupported", reason=reason or f"{target.element!r} is nothing that can be blocked here")
        if not spot.group:
            return self.quarantine(spot)
        name = spot.names[0]
        if self.holds_member(spot, name):
            return Outcome("already", reference=name)
        own = self.own_address(spot.value)
        if own:
            return Outcome("unsupported", reason=own)
        self.make_object(spot, name)
        self.make_member(spot, name)
        if not self.holds_member(spot, name):
            raise ProductError(
                f"{PRODUCT} accepted {name!r} as a member of {spot.group!r}, but does not show it there."
            )
        return Outcome("applied", reference=name)

    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        """Take it out of its place, and look whether it is gone. An object that somebody changed is theirs now."""
        spot = spot_of(element, record, self.settings)
        if spot is None:
            return Outcome("already", reason="nothing of that name can be blocked here")
        if not spot.group:
            return self.release(spot, record)
        members = self.client.members(spot) or ()
        held = [name for name in spot.names if name in members and self.fits(spot, name)]
        for name in held:
            self.take_out(spot, name)
        # Without prefix and comment it is somebody else's, although the caller of a take-over vouched for the member.
        deleted, words = self.tidy(spot) if spot.own else (False, "")
        strange = [name for name in held if not spot.own or name != spot.names[0]]
        stays = [f"the address object {name!r} stays: this integration did not make it" for name in strange]
        reason = "; ".join(filter(None, [*stays, words]))
        return Outcome("applied" if held or deleted else "already", reason=reason)

    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        """Whether it is in its place."""
        if record["facts"].get("unsupported"):
            return ElementState("free")
        spot = spot_of(element, record, self.settings)
        if spot is None:
            return ElementState("gone", "nothing of that name can be blocked here")
        return self.group_state(spot, record) if spot.group else self.ban_state(spot, record)

    # ---- groups

    def group_state(self, spot: Spot, record: Mapping[str, Any]) -> ElementState:
        members = self.client.members(spot)
        if members is None and record["phase"] == "new":
            raise ProductError(no_group(spot, self.settings.vdom))
        shown = [name for name in spot.names if name in (members or ())]
        fitting = [name for name in shown if self.fits(spot, name)]
        if fitting:
            return ElementState("blocked", f"{fitting[0]!r} is a member of {spot.group!r}")
        if shown:
            return ElementState("free", f"somebody changed the address object {shown[0]!r}, so it is left alone")
        if record["phase"] == "releasing" and spot.own and self.is_own(spot):
            # Out of the group already; the order to release also deletes the object.
            return ElementState("blocked", "its address object is still to be deleted")
        return ElementState("free")

    def fits(self, spot: Spot, name: str) -> bool:
        """Does the object of this name stand for the value?"""
        row = self.client.address_object(spot, name)
        return row is not None and object_value(row) == spot.value.text

    def holds_member(self, spot: Spot, name: str) -> bool:
        return self.client.is_member(spot, name) and self.fits(spot, name)

    def is_own(self, spot: Spot) -> bool:
        """Did this integration make the object, and did nobody change it?"""
        row = self.client.address_object(spot, spot.names[0])
        return row is not None and row.get("comment") == OWN_COMMENT and object_value(row) == spot.value.text

    def make_object(self, spot: Spot, name: str) -> None:
        """See to it that the address object is there. Raises ProductError when the name stands for something else."""
        row = self.client.address_object(spot, name)
        if row is None:
            self.client.create_object(spot, name)
            row = self.client.address_object(spot, name)
        if row is None or object_value(row) != spot.value.text:
            raise ProductError(
                f"The address object {name!r} in VDOM {self.settings.vdom!r} does not stand for {spot.value.text}. "
                "Rename or delete it, or give this instance another prefix."
            )

    def make_member(self, spot: Spot, name: str) -> None:
        """Add the object to the group; one that the group refuses is not left lying about."""
        try:
            self.client.add_member(spot, name)
        except RefusedError as refused:
            with suppress(ProductError):
                self.tidy(spot)
            reason = no_group(spot, self.settings.vdom) if refused.absent else str(refused)
            raise ProductError(f"{name!r} was not added to {spot.group!r}. {reason}") from refused

    def take_out(self, spot: Spot, name: str) -> None:
        try:
            self.client.remove_member(spot, name)
        except RefusedError as refused:
            if self.client.members(spot) == (name,):
                raise ProductError(
                    f"{name!r} is the last member of {spot.group!r}, and this release of FortiOS wants one in each "
                    "group. Put a placeholder into it; then it is released."
                ) from refused
            raise
        if self.client.is_member(spot, name):
            raise ProductError(f"{PRODUCT} accepted that {name!r} leaves {spot.group!r}, but still shows it there.")

    def tidy(self, spot: Spot) -> tuple[bool, str]:
        """Delete the address object when it is ours and nothing needs it: (was it deleted?, words for why it stays).

        A refusal is no failure: what counts is the group, and an object that is left blocks nothing.
        """
        name = spot.names[0]
        if self.client.address_object(spot, name) is None:
            return False, ""
        if not self.is_own(spot):
            return False, f"the address object {name!r} stays: somebody else made or changed it"
        try:
            self.client.delete_object(spot, name)
        except RefusedError as refused:
            words = "it is used elsewhere" if refused.number == IN_USE else str(refused)
            return refused.absent, "" if refused.absent else f"the address object {name!r} stays: {words}"
        return True, ""

    # ---- quarantine list

    def quarantine(self, spot: Spot) -> Outcome:
        ip = spot.value.text
        bans = self.client.bans()
        if ip in bans:
            return Outcome("already", restore={"created": bans[ip]})
        own = self.own_address(spot.value)
        if own:
            return Outcome("unsupported", reason=own)
        self.client.ban(ip, self.settings.quarantine_seconds)
        bans = self.client.bans()
        if ip not in bans:
            raise ProductError(f"{PRODUCT} accepted {ip} for its quarantine list, but does not show it there.")
        return Outcome("applied", restore={"created": bans[ip]})

    def release(self, spot: Spot, record: Mapping[str, Any]) -> Outcome:
        ip = spot.value.text
        bans = self.client.bans()
        if ip not in bans:
            return Outcome("already")
        if is_anothers_ban(bans[ip], record):
            return Outcome("already", reason="the ban of this instance is over; somebody banned it anew, which stays")
        self.client.release_ban(ip)
        if ip in self.client.bans():
            raise ProductError(f"{PRODUCT} accepted the release of {ip}, but still shows it on its quarantine list.")
        return Outcome("applied")

    def ban_state(self, spot: Spot, record: Mapping[str, Any]) -> ElementState:
        bans = self.client.bans()
        if spot.value.text not in bans:
            return ElementState("free")
        if record["phase"] == "releasing" and is_anothers_ban(bans[spot.value.text], record):
            return ElementState("free", "the ban of this instance is over; somebody banned it anew, which stays")
        return ElementState("blocked", "it is on the quarantine list")

    def own_address(self, value: Blockable) -> str:
        """Why a value must not be blocked because of the interfaces; empty when it may be."""
        return own_address_in(value, self.client.own_addresses(), PRODUCT) if value.version else ""


def is_anothers_ban(created: int, record: Mapping[str, Any]) -> bool:
    """Is this ban a later one than that of the record? Its time tells, where both are known."""
    ours = record["restore"].get("created")
    return bool(ours and created and ours != created)


def no_group(spot: Spot, vdom: str) -> str:
    family = "IPv6" if spot.family == 6 else "IPv4"
    return f"There is no {family} address group {spot.group!r} in VDOM {vdom!r}. Create it, or correct the parameter."


# ---- main


def main() -> None:
    """Read parameters and arguments, run one command, return its result. Nothing but this touches `demisto`."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        ledger = VersionedState(ContextPort.of(demisto), DRIVER_STATE_VERSION, new_ledger)
        settings = settings_from_params(demisto.params())
        driver = FortiGateDriver(FortiGateClient(settings), settings)
        run = DriverRun(driver, ledger, time.time, BRAND, demisto.integrationInstance())
        return_results(driver_answer(command, demisto.args(), run))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
