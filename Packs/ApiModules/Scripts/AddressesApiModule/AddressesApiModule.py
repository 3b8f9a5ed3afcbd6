"""The one place where addresses, networks, ranges, domains and MACs are read, spelled and refused.

What a product cannot take (a domain, an old range, another family) is the driver's to say. What no product may be told
to block is said here, in the same words everywhere.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import demistomock as demisto  # noqa: F401
from CommonServerPython import *

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
ADDRESS, NETWORK, RANGE, DOMAIN_NAME = "address", "network", "range", "domain"
LONGEST_DOMAIN = 253
DOMAIN_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NEVER_BLOCKED = {
    ipaddress.ip_network(text): words
    for text, words in {
        "0.0.0.0/8": "unspecified",
        "127.0.0.0/8": "loopback",
        "169.254.0.0/16": "link-local",
        "224.0.0.0/4": "multicast",
        "255.255.255.255/32": "the broadcast address",
        "::/128": "unspecified",
        "::1/128": "loopback",
        "::ffff:0:0/96": "IPv4 in the clothes of IPv6; write it as IPv4",
        "fe80::/10": "link-local",
        "ff00::/8": "multicast",
    }.items()
}


class Blockable(NamedTuple):
    """One thing to block: its kind (ADDRESS, NETWORK, RANGE or DOMAIN_NAME) and its usual text, and its ends.

    A network of one address is an address. A domain has no ends, is in small letters and has no dot at its end.
    """

    kind: str
    text: str
    first: IPAddress | None = None
    last: IPAddress | None = None

    @property
    def version(self) -> int:
        """4 or 6; 0 for a domain."""
        return self.first.version if self.first else 0

    def overlaps(self, first: IPAddress, last: IPAddress) -> bool:
        """Has it an address in common with the addresses from first to last?"""
        if self.first is None or self.last is None or first.version != self.version:
            return False
        return int(self.first) <= int(last) and int(first) <= int(self.last)

    def contains(self, address: IPAddress) -> bool:
        """Is this address it, or part of it?"""
        return self.overlaps(address, address)

    def simplest(self) -> "Blockable":
        """The address or network that a range is exactly; everything else is itself."""
        if self.kind != RANGE:
            return self
        networks: list[Any] = list(ipaddress.summarize_address_range(self.first, self.last))  # type: ignore[type-var, arg-type]
        return blockable_network(networks[0]) if len(networks) == 1 else self


def read_blockable(raw: str) -> Blockable:
    """An address, a network (bits of the host are cut off), a range `first-last` or a domain, in any spelling.

    Raises ValueError with words for the user when it is none of them.
    """
    text = raw.strip().lower()
    if "%" in text:
        raise ValueError(f"{raw!r} has a zone, which means nothing elsewhere")
    first, dash, last = (part.strip() for part in text.partition("-"))
    try:
        if dash:
            return blockable_range(ipaddress.ip_address(first), ipaddress.ip_address(last))
        return blockable_network(ipaddress.ip_network(text, strict=False))
    except ValueError:
        domain = text.rstrip(".")
        if not is_domain(domain):
            raise ValueError(f"{raw!r} is neither an address, a network, a range nor a domain") from None
        return Blockable(DOMAIN_NAME, domain)


def blockable_range(first: IPAddress, last: IPAddress) -> Blockable:
    """The addresses from first to last. Raises ValueError unless it goes up, in one family."""
    if first.version != last.version or int(first) > int(last):
        raise ValueError(f"{first}-{last} is no range from a lower to a higher address")
    return Blockable(RANGE, f"{first}-{last}", first, last)


def blockable_network(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Blockable:
    """A network, or an address when it has only one."""
    first, last = network.network_address, network.broadcast_address
    if first == last:
        return Blockable(ADDRESS, str(first), first, last)
    return Blockable(NETWORK, str(network), first, last)


def is_domain(text: str) -> bool:
    """Is this a domain of two labels or more, in small letters? A wildcard is none, and neither is an address."""
    labels = text.split(".")
    named = len(labels) > 1 and len(text) <= LONGEST_DOMAIN and not labels[-1][:1].isdigit()
    return named and all(map(DOMAIN_LABEL.fullmatch, labels))


def never_blocked(value: Blockable) -> str:
    """Why this is not blocked on any product; empty when it may be."""
    for network, words in NEVER_BLOCKED.items():
        if value.overlaps(network[0], network[-1]):
            within = value.first in network and value.last in network
            return f"{value.text} is {words}" if within else f"{value.text} contains {network}, which is {words}"
    return ""


def own_address_in(value: Blockable, own: Iterable[str], whose: str) -> str:
    """Why this is not blocked because a machine has the address itself; empty when it has not.

    `own` are its addresses or URLs; names in them are not resolved. `whose` names it for people.
    """
    for text in own:
        address = ip_or_none(urlsplit(text).hostname or "" if "//" in text else text)
        if address is not None and value.contains(address):
            part = "is" if value.kind == ADDRESS else f"contains {address},"
            return f"{value.text} {part} the address of {whose} itself"
    return ""


def ip_or_none(text: str) -> IPAddress | None:
    """An address, or None for every other text."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def bare_mac(text: str) -> str:
    """A MAC of any spelling as 12 small hexadecimal digits; empty when it is none, or not that of a single interface.

    Zeros are no interface, and neither are the addresses of groups: multicast and broadcast.
    """
    digits = re.sub(r"[:.\-\s]", "", text).lower()
    if not re.fullmatch("[0-9a-f]{12}", digits) or not digits.strip("0") or int(digits[:2], 16) & 1:
        return ""
    return digits


def colon_mac(text: str) -> str:
    """A MAC of any spelling as `00:11:22:aa:bb:cc`; empty as in `bare_mac`."""
    return ":".join(re.findall("..", bare_mac(text)))
