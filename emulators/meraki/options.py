"""Options of the Meraki emulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emulators.kit import BadOption, Options, option


def _key_file(text: str) -> str:
    try:
        return Path(text).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"--api-key {text}: cannot be read as a key file ({error})") from None


@dataclass(frozen=True)
class MerakiOptions(Options):
    """Stateful emulator of the Cisco Meraki Dashboard API v1."""

    rate: float = option(
        100.0,
        "requests per second from all clients together; 0 is no limit",
        parse=float,
        aliases=("--requests-accepted-per-second",),
    )
    retry_after: float | None = option(1.0, "seconds for Retry-After of a 429", parse=float)
    api_key: str | None = option(
        None, "FILE that holds the API key; else it is made once and kept in the state", parse=_key_file
    )
    organization_rate: float = option(10.0, "requests per second for each organisation; 0 is no limit", parse=float)
    organization_burst: int = option(10, "requests that an organisation may have at once", parse=int)
    policy_limit: int = option(3_000, "clients with a policy set by hand in one network; 0 is no limit", parse=int)
    unknown_mac: str = option(
        "404", "how clients/search answers a MAC that is unknown", choices=("404", "empty", "204")
    )
    client_count: str = option("show", "whether port statuses tell clientCount", choices=("show", "omit", "null"))
    allowed_word: str = option(
        "Whitelisted", "how a policy that lets a client through is told", choices=("Whitelisted", "Allowed")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("organization_rate", "organization_burst", "policy_limit"):
            self.check(name, getattr(self, name) >= 0, "it must not be negative")
