"""Options of the Cisco ISE emulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emulators.kit import BadOption, Options, option

SUPER, SYSTEM = "Super Admin", "System Admin"
ERS_WRITE = frozenset({"ERS Admin", SUPER})
ERS_READ = ERS_WRITE | {"ERS Operator"}
MNT_READ = frozenset({SUPER, SYSTEM, "MnT Admin"})
GROUPS = ERS_READ | MNT_READ


def _password_file(text: str) -> str:
    try:
        return Path(text).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"--password {text}: cannot be read as a password file ({error})") from None


@dataclass(frozen=True)
class IseOptions(Options):
    """Stateful emulator of Cisco ISE (ERS API for ANC, MnT API for sessions)."""

    rate: float = option(
        250.0,
        "requests per second accepted by both APIs together; 0 is no limit",
        parse=float,
        aliases=("--requests-accepted-per-second",),
    )
    mnt_port: int = option(0, "port of the MnT API; 0 takes a free one", parse=int)
    gateway: str = option("off", "on: the MnT API is on the port of the ERS API, too", choices=("off", "on"))
    username: str = option("vectra-response", "name of the account that is there from the start")
    password: str | None = option(
        None,
        "FILE that holds its password, to keep it out of process lists; else it is made once and kept in the state",
        parse=_password_file,
    )
    groups: str = option("ERS Admin,MnT Admin", "admin groups of that account, separated by commas")
    csrf: str = option("off", "whether ERS asks for a CSRF token", choices=("off", "on"))
    refusal_status: int = option(500, "HTTP status of what ERS refuses for a reason of its own: 500 or 400", parse=int)
    second_policy: str = option(
        "replace",
        "ANC policy for an endpoint that has another one: replaces it, or is refused",
        choices=("replace", "refuse"),
    )
    clear_policy: str = option(
        "ignored",
        "`policyName` of a clear call: ignored, or it must be the one that is there",
        choices=("ignored", "checked"),
    )
    name_filter: str = option(
        "on",
        "filters of ANC endpoints by name: work, are refused, or find nothing",
        choices=("on", "off", "nothing"),
    )
    list_names: str = option("hide", "whether a list of ANC endpoints has their names", choices=("hide", "show"))
    by_ip: str = option(
        "found",
        "EndPointIPAddress: tells the newest session, never finds one, or tells the one that had the address last",
        choices=("found", "lost", "stale"),
    )
    list_addresses: str = option(
        "show", "whether ActiveList has the IPv4 addresses of sessions", choices=("show", "hide")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("mnt_port", 0 <= self.mnt_port <= 65535, "it must lie between 0 and 65535")
        self.check("refusal_status", self.refusal_status in (400, 500), "it must be 400 or 500")
        self.check("username", bool(self.username) and ":" not in self.username, "it must be a name without a colon")
        unknown = ", ".join(sorted(set(self.group_names) - GROUPS))
        self.check("groups", not unknown, f"{unknown}: known are {', '.join(sorted(GROUPS))}")
        if self.password == "":
            raise BadOption("--password: the file is empty")

    @property
    def group_names(self) -> list[str]:
        """The admin groups of the first account."""
        return [name.strip() for name in self.groups.split(",") if name.strip()]
