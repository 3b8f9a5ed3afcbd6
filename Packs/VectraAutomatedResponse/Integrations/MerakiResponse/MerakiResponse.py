"""Blocks hosts in Cisco Meraki networks when Vectra decides so, and lets them go again as they were before.

In this order: settings, client, pure functions (values in, values out), who the host is, the two ways to block, the
driver, and `main`, the only place that touches `demisto`.

A client of an access point, or one behind an MX, gets the policy `Blocked` or a group policy of the user's choice. A
client of a switch has no policy that acts there; its port is shut down, when the user allows it and it hangs there
alone. What is there is read before the first order and kept in the facts of the target, so that a release restores it.
Elements are `WLAN:<client>:<network>` and `LAN:<client>:<serial>:<port>`, each part escaped as in an address.
"""

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import demistomock as demisto
import requests
from AddressesApiModule import *
from CommonServerPython import *
from HttpRetryApiModule import *
from ParametersApiModule import *
from ResponseDriverApiModule import *
from VersionedStateApiModule import *

BRAND = "MerakiResponse"
PRODUCT = "Cisco Meraki"
DEFAULT_URL = "https://api.meraki.com/api/v1"
COMMAND_SECONDS = 150
DAY_SECONDS = 86_400
CLIENTS_PER_PAGE = 1_000
RECORDS_PER_PAGE = 5
CANDIDATES_SHOWN = 10

BY_POLICY, BY_PORT = "WLAN", "LAN"
WIRED, WIRELESS, ONLINE = "Wired", "Wireless", "Online"
GROUP_POLICY = "Group policy"
# A client's policy under all its names, in small letters; what is not here cannot be set by the API.
POLICY_NAMES = {
    "normal": "Normal",
    "blocked": "Blocked",
    "whitelisted": "Whitelisted",
    "allowed": "Whitelisted",
    "group policy": GROUP_POLICY,
}
CLIENT_PRODUCTS = frozenset({"appliance", "switch", "wireless"})


# ---- settings


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once. Times in seconds.

    `organizations`, `networks`: ids that a search keeps to, all when empty. `group`: name of the group policy that
    blocks, empty for `Blocked`. `several_macs`, `several_ips`: block all clients that fit a host, not only one.
    """

    http: HttpSettings
    key: str
    organizations: tuple[str, ...]
    networks: tuple[str, ...]
    group: str
    ports: bool
    several_macs: bool
    several_ips: bool
    inactive: bool
    lookback: float


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Check every parameter once.

    Raises:
        ValueError: names the parameter by id and title, the value, and what is allowed. Never shows the key.
    """
    return Settings(
        http=http_params(params, url=api_url(params), rate=5, tries=4),
        key=secret_param(params, "credentials", "API Key"),
        organizations=lines_param(params, "organization_ids"),
        networks=lines_param(params, "network_ids"),
        group=text_param(params, "block_group_policy"),
        ports=flag_param(params, "allow_port_shutdown"),
        several_macs=flag_param(params, "block_multiple_mac", True),
        several_ips=flag_param(params, "block_multiple_ip"),
        inactive=flag_param(params, "block_inactive", True),
        lookback=number_param(params, "lookback_days", "Days to look back", 7, 0.1, 31) * DAY_SECONDS,
    )


def api_url(params: Mapping[str, Any]) -> str:
    """The address of the API; `/api/v1` is added to a bare host name. Raises ValueError."""
    url = url_param({"url": text_param(params, "url") or DEFAULT_URL})
    return url if urlsplit(url).path else f"{url}/api/v1"


# ---- client


class Policy(NamedTuple):
    """A client's policy: its name, and the id of the group policy where it is one."""

    name: str
    group: str = ""

    def body(self) -> dict[str, str]:
        """As the API takes it, and as it is kept in facts."""
        return {"devicePolicy": self.name, **({"groupPolicyId": self.group} if self.group else {})}

    def words(self) -> str:
        """For people."""
        return f"group policy {self.group}" if self.group else self.name


NORMAL, BLOCKED = Policy("Normal"), Policy("Blocked")


class Sighting(NamedTuple):
    """A client as one network knows it. `seen` is epoch seconds; texts are empty where the dashboard knows nothing."""

    network: str
    client: str
    mac: str
    ips: frozenset[str]
    status: str
    seen: float
    connection: str
    ssid: str
    switchport: str
    serial: str


class MissingError(ProductError):
    """HTTP 404: it is not there, or the key may not see it."""


class MerakiClient(ProductClient):
    """The calls of the Dashboard API that the driver needs. All raise ProductError, and MissingError for a 404."""

    def __init__(self, settings: Settings, timing: HttpTiming) -> None:
        super().__init__(
            PRODUCT,
            settings.http,
            HttpRetry.of(settings.http, timing, COMMAND_SECONDS, base_seconds=1.0, cap_seconds=10.0),
            headers={"Authorization": f"Bearer {settings.key}"},
        )

    def organizations(self) -> list[dict[str, Any]]:
        """All organisations that the key sees."""
        return [row for page in self.pages("/organizations", {}) for row in rows_of(page)]

    def networks(self, organization: str) -> list[dict[str, Any]]:
        """All networks of an organisation that the key sees."""
        pages = self.pages(f"/organizations/{quoted(organization)}/networks", {})
        return [row for page in pages for row in rows_of(page)]

    def network(self, network: str) -> dict[str, Any]:
        """One network."""
        return dict_of(self.get(f"/networks/{quoted(network)}"))

    def records(self, organization: str, mac: str) -> list[Sighting]:
        """A MAC in all networks of an organisation, none when nobody has seen it. How it is connected is not told."""
        path = f"/organizations/{quoted(organization)}/clients/search"
        found: list[Sighting] = []
        with suppress(MissingError):
            for page in self.pages(path, {"mac": mac, "perPage": str(RECORDS_PER_PAGE)}):
                found += sightings_of(page, mac)
        return found

    def clients_with_ip(self, network: str, ip: str, seconds: float) -> list[Sighting]:
        """The clients of a network that had this very address, out of those seen in the last `seconds`."""
        query = {"timespan": str(int(seconds)), "perPage": str(CLIENTS_PER_PAGE), **ip_filter(ip)}
        pages = self.pages(f"/networks/{quoted(network)}/clients", query)
        found = [sighting_of(network, row) for page in pages for row in rows_of(page)]
        # The filter of the API also lets through what merely contains the address.
        return [one for one in found if ip in one.ips]

    def client(self, network: str, client: str) -> Sighting:
        """One client with the device that it is connected to."""
        return sighting_of(network, dict_of(self.get(f"/networks/{quoted(network)}/clients/{quoted(client)}")))

    def policy(self, network: str, client: str) -> Policy:
        """The policy of a client."""
        return policy_of(dict_of(self.get(policy_path(network, client))))

    def set_policy(self, network: str, client: str, policy: Policy) -> None:
        """Order a policy."""
        self.call("PUT", policy_path(network, client), order=True, json_data=policy.body())

    def group_policies(self, network: str) -> list[dict[str, Any]]:
        """The group policies of a network."""
        return rows_of(self.get(f"/networks/{quoted(network)}/groupPolicies"))

    def port_status(self, serial: str, port: str) -> dict[str, Any] | None:
        """What a port is used for; None when the switch has no such port."""
        rows = rows_of(self.get(f"{ports_path(serial)}/statuses"))
        return next((row for row in rows if str(row.get("portId")) == port), None)

    def port_enabled(self, serial: str, port: str) -> bool:
        """Is the port on?"""
        enabled = dict_of(self.get(f"{ports_path(serial)}/{quoted(port)}")).get("enabled")
        if not isinstance(enabled, bool):
            raise ProductError(f"{PRODUCT} did not say whether port {port} of {serial} is enabled.")
        return enabled

    def enable_port(self, serial: str, port: str, enabled: bool) -> None:
        """Order a port to be on or off."""
        self.call("PUT", f"{ports_path(serial)}/{quoted(port)}", order=True, json_data={"enabled": enabled})

    def device(self, serial: str) -> dict[str, Any]:
        """One device."""
        return dict_of(self.get(f"/devices/{quoted(serial)}"))

    def sees(self, path: str) -> bool:
        """Can the key see this, such as `/networks/N_1`?"""
        try:
            self.get(path)
        except MissingError:
            return False
        return True

    def get(self, path: str) -> Any:
        """A reply that has one page."""
        return self.call("GET", path)[0]

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[Any]:
        """All pages. Of the link to the next one only the query is used, so that the key goes nowhere else."""
        asked = dict(query)
        while True:
            page, following = self.call("GET", path, params=asked)
            yield page
            if not following:
                return
            if following == asked:
                raise ProductError(f"{PRODUCT} leads from a page of {path} to the same page again.")
            asked = following

    def read(self, response: requests.Response) -> tuple[Any, dict[str, str]]:
        """The parsed reply, and the query of the page after it, empty when it is the last."""
        following = response.links.get("next", {}).get("url", "")
        return super().read(response), dict(parse_qsl(urlsplit(following).query, keep_blank_values=True))

    def refusal(self, response: requests.Response) -> ProductError:
        """The exception for a reply that is no success."""
        status, said = response.status_code, errors_of(response)
        if status == 404:
            what = urlsplit(response.url or "").path or "it"
            return MissingError(f"{PRODUCT} does not have {what}, or the API key may not see it (HTTP 404).")
        if 300 <= status < 400:
            host = urlsplit(response.headers.get("Location", "")).netloc
            return ProductError(f"{PRODUCT} is at another address ({host or 'not told'}). Fill it in as Server URL.")
        hints = {
            401: "the API key is wrong or was revoked. Make a new one and fill it in",
            403: "the owner of the API key may not do this; full access to the network is needed",
        }
        return ProductError(f"{PRODUCT} refused (HTTP {status}): {said or hints.get(status, 'without a reason')}.")


# ---- pure functions: addresses, replies


def quoted(text: str) -> str:
    return quote(text, safe="")


def policy_path(network: str, client: str) -> str:
    return f"/networks/{quoted(network)}/clients/{quoted(client)}/policy"


def ports_path(serial: str) -> str:
    return f"/devices/{quoted(serial)}/switch/ports"


def rows_of(reply: Any) -> list[dict[str, Any]]:
    """The objects of a list. Raises ProductError for anything else."""
    if not isinstance(reply, list):
        raise ProductError(f"{PRODUCT} answered with something that is no list.")
    return [row for row in reply if isinstance(row, dict)]


def dict_of(reply: Any) -> dict[str, Any]:
    if not isinstance(reply, dict):
        raise ProductError(f"{PRODUCT} answered with something that is no object.")
    return reply


def errors_of(response: requests.Response) -> str:
    """What the API says went wrong, without the full stop; empty when it says nothing."""
    with suppress(ValueError, AttributeError, TypeError):
        return "; ".join(str(text) for text in response.json().get("errors"))[:500].rstrip(".")
    return ""


def text_of(raw: Any) -> str:
    return "" if raw is None else str(raw).strip()


def policy_of(reply: Mapping[str, Any]) -> Policy:
    """A policy from a reply or from facts; one that the API cannot set keeps the name that it has."""
    name = text_of(reply.get("devicePolicy"))
    if not name:
        raise ProductError(f"{PRODUCT} did not say which policy the client has.")
    known = POLICY_NAMES.get(name.casefold(), name)
    return Policy(known, text_of(reply.get("groupPolicyId")) if known == GROUP_POLICY else "")


def sightings_of(reply: Any, mac: str) -> list[Sighting]:
    """The records of a search by MAC; an empty reply means that nobody has seen it."""
    found = reply[0] if isinstance(reply, list) and reply else reply or {}
    if not isinstance(found, dict) or colon_mac(text_of(found.get("mac"))) != mac:
        return []
    shared = {"id": found.get("clientId"), "mac": mac}
    records = [row for row in found.get("records") or [] if isinstance(row, dict)]
    return [sighting_of(text_of((row.get("network") or {}).get("id")), {**row, **shared}) for row in records]


def sighting_of(network: str, row: Mapping[str, Any]) -> Sighting:
    return Sighting(
        network=network,
        client=text_of(row.get("id")),
        mac=colon_mac(text_of(row.get("mac"))),
        ips=frozenset(str(ip) for name in ("ip", "ip6") if (ip := ip_or_none(text_of(row.get(name))))),
        status=text_of(row.get("status")),
        seen=seconds_of(row.get("lastSeen")),
        connection=text_of(row.get("recentDeviceConnection")),
        ssid=text_of(row.get("ssid")),
        switchport=text_of(row.get("switchport")),
        serial=text_of(row.get("recentDeviceSerial")),
    )


def seconds_of(raw: Any) -> float:
    """Epoch seconds of a time, which some calls give as a number and others as text; 0 when it is neither."""
    if isinstance(raw, int | float):
        return float(raw)
    with suppress(ValueError):
        return datetime.fromisoformat(text_of(raw)[:19]).replace(tzinfo=timezone.utc).timestamp()
    return 0.0


def ip_filter(ip: str) -> dict[str, str]:
    """What narrows a list of clients to those with an address.

    Of an IPv6 address only the first group is used: nobody says how the dashboard spells the zeros.
    """
    return {"ip6": ip.partition(":")[0]} if ":" in ip else {"ip": ip}


# ---- pure functions: elements


class Element(NamedTuple):
    """What is blocked: a client's policy in the network `place`, or port `port` of the switch `place`.

    `policy` is what VAR wrote behind its WLAN elements, the name of the policy before; empty in our own.
    """

    kind: str
    client: str
    place: str
    port: str = ""
    policy: str = ""

    def text(self) -> str:
        """Our own spelling."""
        parts = [self.client, self.place, *([self.port] if self.kind == BY_PORT else [])]
        return ":".join([self.kind, *map(quoted, parts)])


def element_of(text: str) -> Element | None:
    """An element in our spelling or that of VAR, whose last part may have a colon or a blank; None for other texts."""
    kind, *parts = text.split(":", 3)
    parts = [unquote(part).strip() for part in parts]
    if any(part in ("", ".", "..") for part in parts):
        return None
    if kind == BY_PORT and len(parts) == 3:
        return Element(kind, *parts)
    if kind == BY_POLICY and len(parts) in (2, 3):
        return Element(kind, parts[0], parts[1], policy="".join(parts[2:]))
    return None


# ---- pure functions: which clients are the host


def host_macs(host: Host) -> list[str]:
    return list(dict.fromkeys(filter(None, map(colon_mac, host.macs))))


def check_address(ip: str) -> None:
    """Raises TargetError for an address that no single host has."""
    reason = never_blocked(read_blockable(ip))
    if reason:
        raise TargetError("unsupported", f"{reason}, so it is not the address of a host in a network")


def newest_of_each(found: Iterable[Sighting]) -> list[Sighting]:
    """Each client once, by its MAC or else its id, where it was seen last; online before offline, then by network."""
    newest: dict[str, Sighting] = {}
    named = [one for one in found if one.client and one.network]
    for one in sorted(named, key=lambda one: (one.seen, one.status == ONLINE, one.network)):
        newest[one.mac or one.client] = one
    return list(newest.values())


def sighting_words(one: Sighting) -> str:
    seen = datetime.fromtimestamp(one.seen, timezone.utc).strftime("%Y-%m-%d %H:%M")
    known = ", ".join(filter(None, (one.mac, *sorted(one.ips), one.status)))
    return f"client {one.client} of network {one.network} ({known}, last seen {seen} UTC)"


def several_words(host: Host, found: Sequence[Sighting], parameter: str) -> str:
    shown = "; ".join(map(sighting_words, found[:CANDIDATES_SHOWN]))
    more = f"; and {len(found) - CANDIDATES_SHOWN} more" if len(found) > CANDIDATES_SHOWN else ""
    return f"{len(found)} clients fit {host_words(host)}, and '{parameter}' is off, so none is blocked: {shown}{more}"


def host_words(host: Host) -> str:
    known = [*(f"MAC {mac}" for mac in host_macs(host)), f"address {host.ip}" if host.ip else ""]
    return " and ".join(filter(None, known)) or "a host without MAC and address"


# ---- who the host is


class Finder:
    """Finds the clients that are a host. What it looked up is kept for as long as it lives, which is one run."""

    def __init__(self, client: MerakiClient, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self._organizations: list[str] | None = None

    def clients(self, host: Host) -> list[Sighting]:
        """The clients of a host, by its MACs, and by its address when none of them is known.

        Raises:
            TargetError: there are none (not_found), or several that the settings do not allow (failed).
            ProductError: a look-up failed. That says nothing about the host.
        """
        found = newest_of_each(one for mac in host_macs(host) for one in self.by_mac(mac))
        several, parameter = self.settings.several_macs, "block_multiple_mac"
        if not found and host.ip:
            check_address(host.ip)
            found = newest_of_each(self.by_ip(host.ip))
            several, parameter = self.settings.several_ips, "block_multiple_ip"
        active = [one for one in found if self.settings.inactive or one.status == ONLINE]
        if not active:
            offline = ", which is offline, and 'block_inactive' is off" if found else ""
            raise TargetError("not_found", f"{PRODUCT} knows no client for {host_words(host)}{offline}")
        if len(active) > 1 and not several:
            raise TargetError("failed", several_words(host, active, parameter))
        return [one if one.connection or one.serial else self.client.client(one.network, one.client) for one in active]

    def by_mac(self, mac: str) -> list[Sighting]:
        """Where a MAC was seen, in the networks and the time of the settings."""
        oldest = self.client.retry.now() - self.settings.lookback
        found = [one for organization in self.organizations() for one in self.client.records(organization, mac)]
        allowed = self.settings.networks
        return [one for one in found if one.seen >= oldest and (not allowed or one.network in allowed)]

    def by_ip(self, ip: str) -> list[Sighting]:
        """Who had an address, in the networks and the time of the settings; one call for each network."""
        networks = self.networks()
        if len(networks) > COMMAND_SECONDS * self.settings.http.rate:
            raise ProductError(
                f"To look for an address in {len(networks)} networks takes longer than a command may. Fill in "
                "'network_ids' or 'organization_ids', or raise 'requests_per_second'."
            )
        return [one for network in networks for one in self.client.clients_with_ip(network, ip, self.settings.lookback)]

    def networks(self) -> list[str]:
        """The networks to search, which have access points, switches or an MX."""
        if self.settings.networks:
            return list(self.settings.networks)
        rows = [row for organization in self.organizations() for row in self.client.networks(organization)]
        return [text_of(row.get("id")) for row in rows if CLIENT_PRODUCTS & set(row.get("productTypes") or [])]

    def organizations(self) -> list[str]:
        """The organisations to search.

        Raises ProductError when one of the settings is not there: to search in the others would find too little.
        """
        if self._organizations is None:
            rows = {text_of(row.get("id")): row for row in self.client.organizations()}
            missing = [key for key in self.settings.organizations if key not in rows]
            closed = [key for key in self.settings.organizations or rows if key in rows and not api_is_on(rows[key])]
            if missing:
                raise ProductError(f"The API key does not see the organisations {', '.join(missing)}.")
            if closed and self.settings.organizations:
                raise ProductError(f"API access is not enabled in the organisations {', '.join(closed)}.")
            self._organizations = [key for key in self.settings.organizations or rows if key not in closed]
            if not self._organizations:
                raise ProductError("The API key sees no organisation that has API access enabled.")
        return self._organizations


def api_is_on(row: Mapping[str, Any]) -> bool:
    return (row.get("api") or {}).get("enabled") is not False


# ---- the two ways to block


class Gone(NamedTuple):
    """Why an element cannot be there any more."""

    reason: str


class Unsuitable(NamedTuple):
    """Why a client cannot be blocked; `status` as in TargetError."""

    status: str
    reason: str


class Way(ABC):
    """One way to block a client. Orders look before they act, and again after it."""

    def __init__(self, client: MerakiClient, settings: Settings) -> None:
        self.client = client
        self.settings = settings

    @abstractmethod
    def target(self, one: Sighting) -> Target | Unsuitable:
        """The element of a client with what is there now."""

    @abstractmethod
    def state(self, element: Element, record: Mapping[str, Any]) -> ElementState:
        """As in Driver."""

    @abstractmethod
    def block(self, element: Element, record: Mapping[str, Any]) -> Outcome:
        """As in Driver."""

    @abstractmethod
    def unblock(self, element: Element, record: Mapping[str, Any]) -> Outcome:
        """As in Driver."""


class PolicyWay(Way):
    """The policy of a client in a network. Facts: `former` and `set`, as the API takes policies."""

    def __init__(self, client: MerakiClient, settings: Settings) -> None:
        super().__init__(client, settings)
        self._groups: dict[str, list[dict[str, Any]]] = {}

    def target(self, one: Sighting) -> Target | Unsuitable:
        """The policy of this client in this network."""
        former, wanted = self.client.policy(one.network, one.client), self.wanted(one.network)
        if former.name not in POLICY_NAMES.values():
            return Unsuitable("unsupported", f"{former_words(former)}: {sighting_words(one)}")
        element = Element(BY_POLICY, one.client, one.network).text()
        return Target(element, {"former": former.body(), "set": wanted.body()})

    def wanted(self, network: str) -> Policy:
        """The policy that blocks in a network. Raises ProductError when it has not the group policy of the settings."""
        policy = self.group_of_settings(network) if self.settings.group else BLOCKED
        if policy is None:
            raise ProductError(
                f"Network {network} has not just one group policy with the name {self.settings.group!r}."
            )
        return policy

    def group_of_settings(self, network: str) -> Policy | None:
        """The group policy with the name of the settings; None when a network has none, or several."""
        named = [row for row in self.groups(network) if text_of(row.get("name")) == self.settings.group]
        return Policy(GROUP_POLICY, text_of(named[0].get("groupPolicyId"))) if len(named) == 1 else None

    def groups(self, network: str) -> list[dict[str, Any]]:
        """The group policies of a network, asked for once in a run."""
        if network not in self._groups:
            self._groups[network] = self.client.group_policies(network)
        return self._groups[network]

    def set_by_us(self, element: Element, record: Mapping[str, Any]) -> Policy:
        """The policy that our order set, or would set. Where the settings name one that is not there: `Blocked`."""
        return (
            kept_policy(record, "set")
            or (self.group_of_settings(element.place) if self.settings.group else None)
            or BLOCKED
        )

    def now(self, element: Element) -> Policy | Gone:
        """The policy that a client has. Raises ProductError when the key does not see the network."""
        try:
            return self.client.policy(element.place, element.client)
        except MissingError:
            if self.client.sees(f"/networks/{quoted(element.place)}"):
                return Gone(f"network {element.place} does not know client {element.client} any more")
            raise unseen(f"network {element.place}") from None

    def state(self, element: Element, record: Mapping[str, Any]) -> ElementState:
        """A client is blocked by our policy, and also by `Blocked`, whoever set it."""
        now = self.now(element)
        if isinstance(now, Gone):
            return ElementState("gone", now.reason)
        blocked = now == BLOCKED or now == self.set_by_us(element, record)
        return ElementState("blocked" if blocked else "free", f"its policy is {now.words()}")

    def block(self, element: Element, record: Mapping[str, Any]) -> Outcome:
        """Set the policy; what somebody set since the facts were read is kept in `restore`."""
        now = self.now(element)
        if isinstance(now, Gone):
            return Outcome("not_found", reason=now.reason)
        if now in (self.set_by_us(element, record), BLOCKED):
            return Outcome("already")
        if now.name not in POLICY_NAMES.values():
            raise ProductError(f"{former_words(now)}: client {element.client} of network {element.place}.")
        wanted, former = self.ordered_policy(element, record), kept_policy(record, "former") or now
        # Normal is what a clean-up leaves behind, and the wanted one an order whose answer was lost; anything else a
        # person chose since the last order.
        former = former if now in (former, wanted, NORMAL) else now
        self.client.set_policy(element.place, element.client, wanted)
        kept = {"former": former.body(), "set": wanted.body()}
        words = f"its policy is {wanted.words()}, it was {now.words()}"
        return self.read_back(element, wanted, words)._replace(restore=kept)

    def ordered_policy(self, element: Element, record: Mapping[str, Any]) -> Policy:
        """The policy to set: that of the record, unless its group policy was deleted since. Raises ProductError."""
        kept = kept_policy(record, "set")
        if kept is None or (kept.group and not self.has_group(element.place, kept.group)):
            return self.wanted(element.place)
        return kept

    def has_group(self, network: str, group: str) -> bool:
        return group in {text_of(row.get("groupPolicyId")) for row in self.groups(network)}

    def unblock(self, element: Element, record: Mapping[str, Any]) -> Outcome:
        """Put back the policy that was there before, unless the client has another one than ours by now."""
        now = self.now(element)
        if isinstance(now, Gone):
            return Outcome("not_found", reason=now.reason)
        ours = self.set_by_us(element, record)
        if now != ours and not (record.get("adopted") and now == BLOCKED):
            return Outcome("already", reason=f"its policy is {now.words()}, which is not ours and stays")
        former = former_policy(element, record)
        if former in (ours, BLOCKED):
            return Outcome("already", reason=f"its policy was {former.words()} before, too, and stays")
        words = f"its policy is {former.words()} again"
        if former.group and not self.has_group(element.place, former.group):
            words = f"{former.words()}, which it had before, does not exist any more; its policy is Normal"
            former = NORMAL
        self.client.set_policy(element.place, element.client, former)
        return self.read_back(element, former, words)

    def read_back(self, element: Element, wanted: Policy, words: str) -> Outcome:
        """The outcome of an order that was accepted."""
        now = after_order(lambda: self.client.policy(element.place, element.client))
        if now != wanted:
            return Outcome("pending", reason=f"policy {wanted.words()} is ordered, {now.words()} is shown")
        return Outcome("applied", reason=words)


class PortWay(Way):
    """The port of a switch. Facts: `enabled`, what it was before, and the `network` of the client."""

    def target(self, one: Sighting) -> Target | Unsuitable:
        """The port that this client was seen on. It is not looked at closely once it is off: it may be so by us."""
        if not one.serial:
            return Unsuitable("failed", f"{PRODUCT} does not tell the switch of {sighting_words(one)}")
        enabled = self.client.port_enabled(one.serial, one.switchport)
        unsuitable = self.unsuitable(one) if enabled else None
        element = Element(BY_PORT, one.client, one.serial, one.switchport).text()
        return unsuitable or Target(element, {"enabled": enabled, "network": one.network})

    def unsuitable(self, one: Sighting) -> Unsuitable | None:
        """Why the port of this client is not to be shut down; None when nothing is against it."""
        port = f"Port {one.switchport} of switch {one.serial}, which {sighting_words(one)} hangs on,"
        if not self.settings.ports:
            return Unsuitable("unsupported", f"{port} is not shut down, because 'allow_port_shutdown' is off")
        status = self.client.port_status(one.serial, one.switchport)
        if status is None:
            return Unsuitable("failed", f"{port} is not among the ports of the switch")
        if status.get("isUplink") is not False:
            return Unsuitable("unsupported", f"{port} is an uplink, or nobody says that it is none")
        count = status.get("clientCount")
        if count != 1:
            told = "does not tell how many clients it has" if count is None else f"has {count} clients, not one"
            return Unsuitable("failed", f"{port} {told}, so that others may be cut off")
        if one.status != ONLINE:
            return Unsuitable("failed", f"{port} may have another client by now, because this one is not online")
        return None

    def now(self, element: Element, record: Mapping[str, Any]) -> bool | Gone:
        """Is the port on? Raises ProductError when the key does not see the switch."""
        try:
            return self.client.port_enabled(element.place, element.port)
        except MissingError:
            network = text_of(record["facts"].get("network"))
            seen = [f"/devices/{quoted(element.place)}", *([f"/networks/{quoted(network)}"] if network else [])]
            if any(map(self.client.sees, seen)):
                return Gone(f"switch {element.place} has no port {element.port} any more")
            raise unseen(f"switch {element.place}") from None

    def state(self, element: Element, record: Mapping[str, Any]) -> ElementState:
        """A port that is off blocks."""
        now = self.now(element, record)
        if isinstance(now, Gone):
            return ElementState("gone", now.reason)
        return ElementState("free" if now else "blocked", f"the port is {'on' if now else 'off'}")

    def block(self, element: Element, record: Mapping[str, Any]) -> Outcome:
        """Shut the port down, after a last look at who hangs on it."""
        now = self.now(element, record)
        if isinstance(now, Gone):
            return Outcome("not_found", reason=now.reason)
        if not now:
            return Outcome("already")
        self.check_alone(element, record)
        self.client.enable_port(element.place, element.port, False)
        return self.read_back(element, False)

    def check_alone(self, element: Element, record: Mapping[str, Any]) -> None:
        """Raises ProductError when the port is not to be shut down (any more)."""
        known = record["facts"] or {"network": self.client.device(element.place).get("networkId")}
        network = text_of(known.get("network"))
        one = self.client.client(network, element.client)
        if (one.serial, one.switchport) != (element.place, element.port):
            raise ProductError(f"{sighting_words(one)} is not on port {element.port} of {element.place} any more.")
        unsuitable = self.unsuitable(one)
        if unsuitable is not None:
            raise ProductError(f"{unsuitable.reason}.")

    def unblock(self, element: Element, record: Mapping[str, Any]) -> Outcome:
        """Switch the port on again, unless it was off before."""
        now = self.now(element, record)
        if isinstance(now, Gone):
            return Outcome("not_found", reason=now.reason)
        if now:
            return Outcome("already")
        if record["facts"].get("enabled") is False:
            return Outcome("already", reason="the port was off before, too, and stays so")
        self.client.enable_port(element.place, element.port, True)
        return self.read_back(element, True)

    def read_back(self, element: Element, enabled: bool) -> Outcome:
        """The outcome of an order that was accepted."""
        if after_order(lambda: self.client.port_enabled(element.place, element.port)) is not enabled:
            return Outcome("pending", reason=f"the port is ordered {'on' if enabled else 'off'} and not shown so yet")
        return Outcome("applied", reason=f"the port is {'on again' if enabled else 'off'}")


def former_words(policy: Policy) -> str:
    return f"The policy {policy.name!r} is not replaced, because the API cannot put it back"


def kept_policy(record: Mapping[str, Any], name: str) -> Policy | None:
    """A policy on record, `former` or `set`: as of the last order or else the first look. None: there is none."""
    kept = record["restore"].get(name) or record["facts"].get(name)
    return policy_of(kept) if kept else None


def former_policy(element: Element, record: Mapping[str, Any]) -> Policy:
    """The policy that a release puts back. Raises ProductError when that cannot be known."""
    kept = kept_policy(record, "former")
    if kept is not None:
        return kept
    former = policy_of({"devicePolicy": element.policy or NORMAL.name})
    if former.name == GROUP_POLICY or former.name not in POLICY_NAMES.values():
        raise ProductError(
            f"Client {element.client} of network {element.place} had a policy {former.name!r} before, and which is not "
            "on record. Set its policy by hand."
        )
    return former


def unseen(what: str) -> ProductError:
    return ProductError(f"{PRODUCT} does not have {what}, or the API key may not see it any more. Nothing is known.")


def after_order(look: Callable[[], Any]) -> Any:
    """What is there after an order was accepted. Raises ProductError(uncertain) when it cannot be seen."""
    try:
        return look()
    except ProductError as error:
        raise ProductError(f"The order was accepted; the look after it failed: {error}", uncertain=True) from error


# ---- driver


class MerakiDriver(Driver):
    """Clients of all networks that one API key sees. An instance serves one command."""

    def __init__(self, client: MerakiClient, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self.finder = Finder(client, settings)
        self.policies = PolicyWay(client, settings)
        self.ways: Mapping[str, Way] = {BY_POLICY: self.policies, BY_PORT: PortWay(client, settings)}

    def test(self) -> str:
        """`ok`; raises ProductError for what is missing. The right to change things shows only when it is used."""
        for organization in self.finder.organizations():
            self.client.networks(organization)
        for network in self.settings.networks:
            if not self.client.sees(f"/networks/{quoted(network)}"):
                raise ProductError(f"The API key does not see the network {network}.")
            self.policies.wanted(network)
        return "ok"

    def targets(self, entity: Entity) -> list[Target]:
        """The policy or the port of each client that is this host; what cannot be blocked of several is told beside."""
        if not isinstance(entity, Host):
            raise TargetError("unsupported", f"{PRODUCT} blocks hosts only, no {entity.kind}")
        found = [self.target(one) for one in self.finder.clients(entity)]
        targets = [item for item in found if isinstance(item, Target)]
        unsuitable = [item for item in found if isinstance(item, Unsuitable)]
        reasons = "; ".join(item.reason for item in unsuitable)
        if not targets:
            status = "failed" if any(item.status == "failed" for item in unsuitable) else "unsupported"
            raise TargetError(status, reasons)
        beside = {"beside": reasons} if reasons else {}
        return [Target(target.element, {**(target.facts or {}), **beside}) for target in targets]

    def target(self, one: Sighting) -> Target | Unsuitable:
        """What to block of one client, by the way it is connected."""
        if one.ssid and (one.connection == WIRELESS or not (one.connection or one.switchport)):
            return self.policies.target(one)
        if one.connection != WIRED or one.ssid:
            return Unsuitable("unsupported", f"{PRODUCT} does not tell how it is connected: {sighting_words(one)}")
        if one.switchport:
            return self.ways[BY_PORT].target(one)
        if "appliance" in (self.client.network(one.network).get("productTypes") or []):
            return self.policies.target(one)
        return Unsuitable("unsupported", f"There is neither a port of a switch nor an MX: {sighting_words(one)}")

    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        """Set the policy, or shut down the port."""
        element = element_of(target.element)
        if element is None:
            return Outcome("not_found", reason=no_element(target.element))
        outcome = self.ways[element.kind].block(element, record)
        beside = text_of(record["facts"].get("beside"))
        told = "; ".join(filter(None, (outcome.reason, f"not blocked beside it: {beside}" if beside else "")))
        return outcome._replace(reason=told)

    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        """Put back the policy, or switch on the port."""
        known = element_of(element)
        if known is None:
            return Outcome("not_found", reason=no_element(element))
        return self.ways[known.kind].unblock(known, record)

    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        """What the dashboard shows."""
        known = element_of(element)
        return (
            ElementState("gone", no_element(element)) if known is None else self.ways[known.kind].state(known, record)
        )


def no_element(text: str) -> str:
    return f"{text!r} names neither a client of a network nor a port of a switch"


# ---- main


def main() -> None:
    """Read parameters and arguments, run one command, return its result. Nothing but this touches `demisto`."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        ledger = VersionedState(ContextPort.of(demisto), DRIVER_STATE_VERSION, new_ledger)
        settings = settings_from_params(demisto.params())
        timing = HttpTiming(time.time, time.monotonic, time.sleep, random.random)
        driver = MerakiDriver(MerakiClient(settings, timing), settings)
        run = DriverRun(driver, ledger, time.time, BRAND, demisto.integrationInstance())
        return_results(driver_answer(command, demisto.args(), run))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
