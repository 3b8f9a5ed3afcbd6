"""Options of the FortiGate emulator."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from emulators.kit import BadOption, Options, option

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
RIGHTS = ("read-write", "read", "none")
PERSISTENCIES = ("disabled", "permanent-only", "all")


class Release(NamedTuple):
    """A release as the envelope names it.

    `empty_groups`: may an address group have no member? `bare_datasource`: is a member that does not exist a 500?
    """

    version: str
    build: int
    empty_groups: bool
    bare_datasource: bool


RELEASES = {
    "7.0": Release("v7.0.15", 632, empty_groups=False, bare_datasource=True),
    "7.2": Release("v7.2.8", 1639, empty_groups=True, bare_datasource=False),
    "7.4": Release("v7.4.5", 2702, empty_groups=True, bare_datasource=False),
}


def _token_file(text: str) -> str:
    try:
        return Path(text).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"--token {text}: cannot be read as a token file ({error})") from None


@dataclass(frozen=True)
class FortiGateOptions(Options):
    """Stateful emulator of the FortiOS REST API of one FortiGate."""

    fortios: str = option("7.4", "the release", choices=tuple(RELEASES))
    vdoms: str = option("root", "names of the VDOMs, by comma; the first is the administrator's own")
    admin_vdoms: str = option("", "VDOMs that the API administrator may enter, by comma; empty: all")
    token: str | None = option(
        None, "FILE that holds the administrator's token; else it is made once and kept in the state", parse=_token_file
    )
    trusted_hosts: str = option("", "networks from which the administrator may call, by comma; empty: any")
    addresses: str = option("read-write", "right on firewall addresses and groups", choices=RIGHTS)
    users: str = option("read-write", "right on users, which includes the quarantine list", choices=RIGHTS)
    network: str = option("read", "right on interfaces", choices=RIGHTS)
    member_calls: str = option("serve", "single members of a group: served, or 405", choices=("serve", "refuse"))
    banned_ip_persistency: str = option("disabled", "which bans a reboot leaves", choices=PERSISTENCIES)
    max_addresses: int = option(0, "addresses per VDOM and family; 0 is no limit", parse=int)
    max_members: int = option(0, "members per address group; 0 is no limit", parse=int)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("vdoms", bool(self.vdom_names), "it must name at least one VDOM")
        self.check("admin_vdoms", set(self.allowed_vdoms) <= set(self.vdom_names), "it must name VDOMs that exist")
        for name in ("max_addresses", "max_members"):
            self.check(name, getattr(self, name) >= 0, "it must not be negative")
        try:
            _ = self.trusted_networks
        except ValueError as error:
            raise BadOption(f"--trusted-hosts {self.trusted_hosts}: {error}") from None
        if self.token == "":
            raise BadOption("--token: the token is empty")

    @property
    def release(self) -> Release:
        """The release."""
        return RELEASES[self.fortios]

    @property
    def vdom_names(self) -> tuple[str, ...]:
        """All VDOMs, the administrator's own first."""
        return _names(self.vdoms)

    @property
    def allowed_vdoms(self) -> tuple[str, ...]:
        """VDOMs that the administrator may enter."""
        return _names(self.admin_vdoms) or self.vdom_names

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """Where the administrator may call from; empty is anywhere. Raises ValueError."""
        return tuple(map(ipaddress.ip_network, _names(self.trusted_hosts)))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
