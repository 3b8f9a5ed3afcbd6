"""Options of the PAN-OS emulator."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emulators.kit import BadOption, Options, option

FIREWALL_SERIAL = "007951000000001"
PANORAMA_SERIAL = "000702000000001"
ROLES = ("full", "op", "user-id", "none")
LONGEST_TIMEOUT_SECONDS = 2_592_000


def _secret_file(flag: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            return Path(text).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadOption(f"{flag} {text}: cannot be read as a secret file ({error})") from None

    return read


def names(text: str) -> tuple[str, ...]:
    """The parts of a comma list, without blanks, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


@dataclass(frozen=True)
class PanosOptions(Options):
    """Stateful emulator of PAN-OS: one firewall, or a Panorama with managed firewalls, through the XML API."""

    max_body: int = option(5_000_000, "largest request body in bytes; 0 is no limit", parse=int)
    device: str = option("firewall", "what answers at the address", choices=("firewall", "panorama"))
    version: str = option("10.2.9", "PAN-OS version of all devices, such as 9.1.0")
    vsys: str = option("vsys1", "virtual systems of each firewall, by comma; the first is the default one")
    firewalls: str = option("", "serial numbers of the firewalls that Panorama manages, by comma")
    unreachable: str = option("", "those of them that Panorama cannot reach, by comma")
    user: str = option("vectra", "administrator that keygen knows")
    password: str | None = option(
        None,
        "FILE that holds the password for keygen; else it is made once and kept in the state",
        parse=_secret_file("--password"),
    )
    api_key: str | None = option(
        None, "FILE that holds the API key; else it is made once and kept in the state", parse=_secret_file("--api-key")
    )
    key_lifetime: int = option(0, "minutes that a key lives; 0 is for ever", parse=int)
    role: str = option("full", "rights of the administrator: all, one kind of call only, or none", choices=ROLES)
    http_errors: str = option(
        "always-200", "HTTP status of errors 400 and 403: 200, or the same number", choices=("always-200", "as-code")
    )
    batch: str = option("whole", "one bad entry: refuse the whole message, or that entry", choices=("whole", "each"))
    networks6: str = option("refuse", "IPv6 networks and ranges from 10.0 on", choices=("refuse", "take"))
    empty_result: str = option(
        "count", "reply when nothing is registered: a count of 0, or bare", choices=("count", "bare")
    )
    capacity: int = option(0, "addresses that one virtual system can hold; 0 is no limit", parse=int)
    register_delay: float = option(0.0, "seconds until a change takes effect, on the emulator's clock", parse=float)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("version", bool(re.fullmatch(r"\d+(\.\d+){1,2}(-h\d+)?", self.version)), "it must be like 10.2.9")
        self.check("vsys", bool(names(self.vsys)), "it must name at least one")
        for name in ("key_lifetime", "capacity", "register_delay"):
            self.check(name, getattr(self, name) >= 0, "it must not be negative")
        self.check("key_lifetime", self.key_lifetime <= 525_600, "it must be at most 525600 minutes")
        managed = names(self.firewalls)
        self.check("firewalls", self.device == "panorama" or not managed, "only a panorama manages firewalls")
        self.check("unreachable", set(names(self.unreachable)) <= set(managed), "all of them must be in --firewalls")
