"""The vocabulary of XDR indicators, and which value fits which type. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

TYPES = ("HASH", "IP", "PATH", "DOMAIN_NAME", "FILENAME", "MIXED")
INSERT_TYPES = TYPES[:5]
SEVERITIES = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL", "UNKNOWN")
INSERT_SEVERITIES = SEVERITIES[:5]
SEVERITY_CODES = (
    "SEV_010_INFO",
    "SEV_020_LOW",
    "SEV_030_MEDIUM",
    "SEV_040_HIGH",
    "SEV_050_CRITICAL",
    "SEV_090_UNKNOWN",
)
REPUTATIONS = ("UNKNOWN", "GOOD", "SUSPICIOUS", "BAD")
STATUSES = ("ENABLED", "DISABLED")
RELIABILITIES = ("A", "B", "C", "D", "E", "F")
CLASS_CHARACTERS = 36

NEVER_EXPIRES = -1
# The last millisecond of the year 9999: later moments have no date.
LATEST_MS = 253_402_300_799_999

XSOAR_SOURCE = "XSOAR TIM"

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_HASH = re.compile(r"[0-9A-Fa-f]{32}(?:[0-9A-Fa-f]{32})?")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])")
_FILENAME = re.compile(r'[^\x00-\x1f/\\:*?"<>|]{1,255}')
_DOMAIN_CHARACTERS = 253


def _fits_domain(value: str) -> bool:
    return len(value) <= _DOMAIN_CHARACTERS and _DOMAIN.fullmatch(value) is not None


def _fits_path(value: str) -> bool:
    # A path of a file system, not a URL.
    return ("/" in value or "\\" in value) and "://" not in value


_FITS: dict[str, Callable[[str], object]] = {
    "HASH": _HASH.fullmatch,
    "IP": _IPV4.fullmatch,
    "PATH": _fits_path,
    "DOMAIN_NAME": _fits_domain,
    "FILENAME": _FILENAME.fullmatch,
    "MIXED": bool,
}


def fits(kind: str, value: str) -> bool:
    """Whether `value` can be an indicator of type `kind` (one of TYPES).

    IP: IPv4 only. HASH: MD5 or SHA-256. DOMAIN_NAME: ASCII host name with a dot and a last label that starts with a
    letter; no trailing dot, no wildcard. PATH: has a separator and no scheme. FILENAME: a name without a path.
    """
    return bool(_FITS[kind](value))
