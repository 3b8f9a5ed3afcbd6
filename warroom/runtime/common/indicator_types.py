"""Kinds of indicators, and how the kind of a value is found."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import Any, cast

from warroom.runtime.common.entries import DemistoException

__all__ = [
    "FeedIndicatorType", "auto_detect_indicator_type", "cidrRegex", "cveRegex", "domainRegex", "emailRegex",
    "get_hash_type", "ip_to_indicator_type", "ipv4Regex", "ipv4cidrRegex", "ipv6Regex", "ipv6cidrRegex", "is_ip_valid",
    "is_ipv6_valid", "md5Regex", "sha1Regex", "sha256Regex", "sha512Regex", "urlRegex",
]  # fmt: skip

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
ipv4Regex = rf"\b(?:{_OCTET}\.){{3}}{_OCTET}\b"  # noqa: N816
ipv4cidrRegex = rf"\b(?:{_OCTET}\.){{3}}{_OCTET}/(?:3[0-2]|[12]?\d)\b"  # noqa: N816
cidrRegex = ipv4cidrRegex  # noqa: N816
ipv6Regex = r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?"  # noqa: N816
ipv6cidrRegex = ipv6Regex + r"/(?:12[0-8]|1[01]\d|[1-9]?\d)\b"  # noqa: N816
emailRegex = r"\b[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}\b"  # noqa: N816
domainRegex = r"\b(?:[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}\b"  # noqa: N816
urlRegex = r"\b(?:https?|hxxps?|ftps?)(?::|\[:\])//[^\s\"'<>]+"  # noqa: N816
md5Regex = r"\b[0-9A-Fa-f]{32}\b"  # noqa: N816
sha1Regex = r"\b[0-9A-Fa-f]{40}\b"  # noqa: N816
sha256Regex = r"\b[0-9A-Fa-f]{64}\b"  # noqa: N816
sha512Regex = r"\b[0-9A-Fa-f]{128}\b"  # noqa: N816
cveRegex = r"\bCVE-\d{4}-\d{4,19}\b"  # noqa: N816

HASH_LENGTHS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}


class FeedIndicatorType:
    """Names of indicator types, as feeds give them."""

    Account = "Account"
    CVE = "CVE"
    Domain = "Domain"
    DomainGlob = "DomainGlob"
    Email = "Email"
    File = "File"
    FQDN = "Domain"
    Host = "Host"
    IP = "IP"
    CIDR = "CIDR"
    IPv6 = "IPv6"
    IPv6CIDR = "IPv6CIDR"
    Registry = "Registry Key"
    SSDeep = "ssdeep"
    URL = "URL"
    AS = "ASN"
    MUTEX = "Mutex"
    Malware = "Malware"
    Identity = "Identity"
    Location = "Location"
    Software = "Software"
    X509 = "X509 Certificate"

    @staticmethod
    def is_valid_type(_type: str) -> bool:
        """True for the names of this class."""
        return _type in FeedIndicatorType.list_all_supported_indicators()

    @staticmethod
    def list_all_supported_indicators() -> list[str]:
        """All names, in the order of this class."""
        return [value for name, value in vars(FeedIndicatorType).items() if name[0] != "_" and isinstance(value, str)]

    @staticmethod
    def ip_to_indicator_type(ip: str) -> str | None:
        """The same as the function of this name."""
        return ip_to_indicator_type(ip)

    @staticmethod
    def indicator_type_by_server_version(indicator_type: str) -> str:
        """The name of a type in the STIX form that servers know: without the prefix `STIX `."""
        return indicator_type.removeprefix("STIX ")


def is_ipv6_valid(address: str) -> bool:
    """True for an IPv6 address."""
    return is_ip_valid(address, accept_v6_ips=True) and ":" in address


def is_ip_valid(s: str, accept_v6_ips: bool = False) -> bool:
    """True for an IPv4 address, and for an IPv6 address when these are accepted."""
    try:
        return ipaddress.ip_address(s).version == 4 or accept_v6_ips
    except ValueError:
        return False


def ip_to_indicator_type(ip: str) -> str | None:
    """CIDR, IPv6CIDR, IP or IPv6; None for anything else."""
    text = str(ip)
    try:
        if "/" in text:
            network = ipaddress.ip_network(text, strict=False)
            return FeedIndicatorType.CIDR if network.version == 4 else FeedIndicatorType.IPv6CIDR
        address = ipaddress.ip_address(text)
        return FeedIndicatorType.IP if address.version == 4 else FeedIndicatorType.IPv6
    except ValueError:
        return None


def get_hash_type(hash_file: str) -> str:
    """md5, sha1, sha256 or sha512, by length; `Unknown` for anything else."""
    return HASH_LENGTHS.get(len(hash_file), "Unknown")


def auto_detect_indicator_type(indicator_value: str) -> str | None:
    """The type of a value: CIDR, IPv6CIDR, IP, IPv6, CVE, File (a hash), Email, URL, Domain or DomainGlob, else None.

    `[.]` and `[@]` count as `.` and `@`. The list of public suffixes that tldextract brings along decides what is a
    domain; nothing is downloaded.
    """
    value = indicator_value.replace("[.]", ".").replace("[@]", "@")
    address_type = ip_to_indicator_type(value)
    if address_type:
        return address_type
    for kind, pattern in _PATTERNS:
        if pattern.fullmatch(value):
            return kind
    return _domain_type(value)


_PATTERNS = (
    (FeedIndicatorType.CVE, re.compile(cveRegex, re.IGNORECASE)),
    (FeedIndicatorType.File, re.compile("|".join((md5Regex, sha1Regex, sha256Regex, sha512Regex)))),
    (FeedIndicatorType.Email, re.compile(emailRegex)),
    (FeedIndicatorType.URL, re.compile(urlRegex, re.IGNORECASE)),
)


def _domain_type(value: str) -> str | None:
    if not value or re.search(r"[\s/:@]", value):
        return None
    suffix = _suffixes()(value)
    if not suffix.suffix or not suffix.domain:
        return None
    return FeedIndicatorType.DomainGlob if "*" in value else FeedIndicatorType.Domain


@functools.cache
def _suffixes() -> Any:
    try:
        # Reading it takes time that only detection should cost.
        import tldextract
    except ImportError as error:
        raise DemistoException("auto_detect_indicator_type needs tldextract, which is not installed here") from error
    return cast(Any, tldextract.TLDExtract(cache_dir=None, suffix_list_urls=()))
