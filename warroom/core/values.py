"""What kind of indicator a text is. Works offline: the public suffixes are those that come with tldextract."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tldextract import TLDExtract


class Classification(NamedTuple):
    """`type` is None when the text is no indicator, then `reason` says why; `value` is the text un-fanged."""

    type: str | None
    value: str
    reason: str = ""


_HASHES = {32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}
_FANGS = (
    (re.compile(r"^(\s*)hxxp", re.IGNORECASE), r"\1http"),
    (re.compile(r"^(\s*)fxp(?=\W)", re.IGNORECASE), r"\1ftp"),
    (re.compile(r"\[://\]|\[:\]//"), "://"),
    (re.compile(r"\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)", re.IGNORECASE), "."),
    (re.compile(r"\[@\]|\(@\)|\[at\]|\(at\)", re.IGNORECASE), "@"),
    (re.compile(r"\[:\]"), ":"),
)
_HEX = re.compile(r"[0-9a-fA-F]+")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}", re.IGNORECASE)
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SSDEEP = re.compile(r"\d+:[A-Za-z0-9/+]+:[A-Za-z0-9/+]+")


def unfang(value: str) -> str:
    """The text with `[.]`, `[@]`, `hxxp` and their kin undone, and without surrounding blanks."""
    value = value.strip()
    # Brackets around a bare IPv6 host are part of a URL, so only the known spellings are touched.
    if "[" in value or "(" in value or "{" in value or value[:1] in "hHfF":
        for pattern, plain in _FANGS:
            value = pattern.sub(plain, value)
    return value


def classify(value: str) -> Classification:
    """The indicator type of a text: CIDR, IPv6CIDR, IP, IPv6, CVE, File (a hash), Email, URL, Domain or DomainGlob."""
    plain = unfang(value)
    if not plain:
        return Classification(None, plain, "empty")
    for kind in _candidates(plain):
        if _CHECKS[kind](plain) is None:
            return Classification(kind, plain)
    return Classification(None, plain, _why_not(plain))


def _candidates(value: str) -> tuple[str, ...]:
    if "@" in value and "://" not in value:
        return ("Email",)
    if re.fullmatch(r"[\d.]+/\d+", value):
        return ("CIDR",)
    if "/" in value:
        return ("CIDR", "IPv6CIDR", "URL")
    if ":" in value:
        return ("IPv6", "URL")
    return ("IP", "CVE", "File", "DomainGlob" if "*" in value else "Domain")


def _why_not(value: str) -> str:
    if "@" in value and "://" not in value:
        return check(value, "Email") or ""
    if _SCHEME.match(value) or "/" in value:
        return check(value, _candidates(value)[-1]) or ""
    if _HEX.fullmatch(value) and len(value) >= 16:
        return check(value, "File") or ""
    if "." in value and " " not in value:
        return check(value, "IP" if re.fullmatch(r"[\d.]+", value) else "Domain") or ""
    return "neither an address, a domain, a URL, an e-mail address, a hash nor a CVE"


def check(value: str, kind: str) -> str | None:
    """None when the text can be an indicator of that type, else the reason. Types not in `TYPES` take any text."""
    if not value.strip():
        return "empty"
    checker = _CHECKS.get(kind)
    return checker(value) if checker else None


def _ip(value: str) -> str | None:
    return _parsed(ipaddress.IPv4Address, value, "an IPv4 address")


def _ipv6(value: str) -> str | None:
    return _parsed(ipaddress.IPv6Address, value, "an IPv6 address")


def _cidr(value: str) -> str | None:
    return _network(ipaddress.IPv4Network, value, "an IPv4 network such as 192.0.2.0/24")


def _ipv6_cidr(value: str) -> str | None:
    return _network(ipaddress.IPv6Network, value, "an IPv6 network such as 2001:db8::/32")


def _network(parse: Callable[..., object], value: str, what: str) -> str | None:
    if not re.search(r"/\d+$", value):
        return f"not {what}: the prefix length is missing"
    return _parsed(lambda text: parse(text, strict=False), value, what)


def _parsed(parse: Callable[[str], object], value: str, what: str) -> str | None:
    try:
        parse(value)
    except ValueError:
        return f"not {what}"
    return None


def _cve(value: str) -> str | None:
    return None if _CVE.fullmatch(value) else "not a CVE number such as CVE-2024-12345"


def _file(value: str) -> str | None:
    if not _HEX.fullmatch(value):
        return "not a hash: other characters than 0-9 and a-f"
    if len(value) not in _HASHES:
        lengths = ", ".join(f"{length} ({name})" for length, name in _HASHES.items())
        return f"not a hash: {len(value)} characters, hashes have {lengths}"
    return None


def _ssdeep(value: str) -> str | None:
    return None if _SSDEEP.fullmatch(value) else "not an ssdeep hash such as 3:abc:def"


def _email(value: str) -> str | None:
    local, _, domain = value.rpartition("@")
    if not _LOCAL.fullmatch(local):
        return "not an e-mail address: the part before @ is empty or has characters that need quotes"
    reason = _domain(domain)
    return None if reason is None else f"not an e-mail address: {reason}"


def _url(value: str) -> str | None:
    if re.search(r"\s", value):
        return "not a URL: it holds a blank"
    with_scheme = value if _SCHEME.match(value) else f"http://{value}"
    try:
        host = urlsplit(with_scheme).hostname or ""
        _ = urlsplit(with_scheme).port
    except ValueError as error:
        return f"not a URL: {error}"
    if not host:
        return "not a URL: it has no host"
    named = _SCHEME.match(value) and _LABEL.fullmatch(host)
    if named or _ip(host) is None or _ipv6(host) is None or _domain(host) is None:
        return None
    return f"not a URL: {host} is neither an address nor a domain"


def _domain(value: str) -> str | None:
    name = value.rstrip(".") if value.endswith(".") and not value.endswith("..") else value
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        return "not a domain: labels are 1 to 63 letters, digits and hyphens, 253 characters in all"
    found = _suffixes()(name)
    if not found.suffix:
        return "not a domain: its ending is no public suffix"
    return None if found.domain else "not a domain: a public suffix alone"


def _domain_glob(value: str) -> str | None:
    if "*" not in value:
        return "not a domain pattern: it has no *"
    reason = _domain(value.replace("*", "x"))
    return None if reason is None else f"not a domain pattern: {reason}"


# Built once, because reading the list takes longer than checking thousands of names; it never changes.
@lru_cache(maxsize=1)
def _suffixes() -> TLDExtract:
    # It brings an HTTP client along, and few commands look at a domain.
    from tldextract import TLDExtract

    return TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)


_CHECKS: dict[str, Callable[[str], str | None]] = {
    "IP": _ip,
    "IPv6": _ipv6,
    "CIDR": _cidr,
    "IPv6CIDR": _ipv6_cidr,
    "Domain": _domain,
    "DomainGlob": _domain_glob,
    "URL": _url,
    "Email": _email,
    "File": _file,
    "ssdeep": _ssdeep,
    "CVE": _cve,
}
TYPES = tuple(_CHECKS)
