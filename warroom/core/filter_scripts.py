"""Filters that are scripts of the vendor's packs, as own code: they work without those packs and start no process.

StringContainsArray: any of the texts on the right is part of one on the left. InRange: `from,to` holds the number, ends
included. IsInCidrRanges, IsNotInCidrRanges: each address is (not) in one of the networks. LowerCidrNumAddresses,
GreaterCidrNumAddresses: the network has fewer (more) addresses. IsRFC1918Address: the address is private.
CheckIfSubdomain: the domain belongs to one of those on the right.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from warroom.core.casts import as_number, as_text, commas, listed, shown, text_of
from warroom.core.expression_errors import ExpressionError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


def _contains_any(left: Any, right: Any) -> bool:
    parts = [text_of(part) for part in listed(right)]
    return any(part in text_of(text) for text in listed(left) for part in parts)


def _in_range(left: Any, right: Any) -> bool:
    ends = commas(right)
    if len(ends) != 2:
        raise ExpressionError(f"InRange: the right side is from,to, not {shown(right)}")
    return as_number(ends[0]) <= as_number(left) <= as_number(ends[1])


def _network(value: Any) -> Network:
    try:
        return ipaddress.ip_network(as_text(value).strip(), strict=False)
    except ValueError:
        raise ExpressionError(f"a network such as 192.0.2.0/24 is needed, not {shown(value)}") from None


def _within(address: str, networks: list[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address.strip())
    except ValueError:
        return False
    return any(found.version == network.version and found in network for network in networks)


def _in_networks(left: Any, right: Any) -> bool:
    networks = [_network(item) for item in commas(right)]
    addresses = [text_of(item) for item in commas(left)]
    return bool(addresses) and all(_within(address, networks) for address in addresses)


def _outside_networks(left: Any, right: Any) -> bool:
    networks = [_network(item) for item in commas(right)]
    addresses = [text_of(item) for item in commas(left)]
    return bool(addresses) and not any(_within(address, networks) for address in addresses)


def _private(left: Any, _: Any) -> bool:
    addresses = [text_of(item) for item in commas(left)]
    return bool(addresses) and all(_within(address, list(_PRIVATE)) for address in addresses)


def _subdomain(left: Any, right: Any) -> bool:
    domains = [text_of(item).lower().strip(".") for item in commas(right)]
    names = [text_of(item).lower().strip(".") for item in commas(left)]
    return any(name == domain or name.endswith(f".{domain}") for name in names for domain in domains if domain)


SCRIPT_FILTERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "CheckIfSubdomain": _subdomain,
    "GreaterCidrNumAddresses": lambda left, right: _network(left).num_addresses > as_number(right),
    "InRange": _in_range,
    "IsInCidrRanges": _in_networks,
    "IsNotInCidrRanges": _outside_networks,
    "IsRFC1918Address": _private,
    "LowerCidrNumAddresses": lambda left, right: _network(left).num_addresses < as_number(right),
    "StringContainsArray": _contains_any,
}
