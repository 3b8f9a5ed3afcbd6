"""What can be registered: addresses always, ranges and networks from PAN-OS 10.0 on. Pure."""

from __future__ import annotations

import ipaddress
import re

NETWORKS_FROM = (10, 0)


def version_of(text: str) -> tuple[int, int]:
    """Major and minor number of a version such as 10.2.9-h1."""
    major, minor = re.findall(r"\d+", text)[:2]
    return int(major), int(minor)


def registrable(text: str, version: str, networks6: bool) -> str:
    """`text` in the spelling of the table. Raises ValueError for what this version does not take."""
    kind, canonical, family = _read(text)
    if kind != "address":
        if version_of(version) < NETWORKS_FROM:
            raise ValueError("invalid ip: only addresses can be registered")
        if family == 6 and not networks6:
            raise ValueError("invalid ip: IPv6 ranges and networks cannot be registered")
    return canonical


def _read(text: str) -> tuple[str, str, int]:
    first, dash, last = text.partition("-")
    if dash:
        ends = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
        if ends[0].version != ends[1].version or int(ends[0]) > int(ends[1]):
            raise ValueError("invalid ip: the range does not go up")
        return "range", f"{ends[0]}-{ends[1]}", ends[0].version
    network = ipaddress.ip_network(text, strict=True)
    if "%" in text or network.prefixlen == 0:
        raise ValueError("invalid ip")
    single = network.prefixlen == network.max_prefixlen
    return "address" if single else "network", str(network.network_address if single else network), network.version
