"""Options of the Vectra emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emulators.kit import BadOption, Options, option
from emulators.vectra.versions import VERSIONS, ApiVersion


def _secret_file(flag: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            return Path(text).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadOption(f"{flag} {text}: cannot be read as a secret file ({error})") from None

    return read


def _seconds(text: str) -> float | None:
    return None if text == "none" else float(text)


@dataclass(frozen=True)
class VectraOptions(Options):
    """Stateful emulator of the Vectra REST API (QUX v2.5, RUX v3.x)."""

    retry_after: float | None = option(1.0, "seconds for Retry-After of a 429; none: no header", parse=_seconds)
    api_version: str = option("3.4", "the one version that is offered; others are 404", choices=VERSIONS)
    auth: str = option("oauth", "API client (OAuth2), or personal token (2.5 only)", choices=("oauth", "token"))
    client_id: str = option("warroom", "id of the API client")
    client_secret: str | None = option(
        None,
        "FILE that holds the secret of the API client; else it is made once and kept in the state",
        parse=_secret_file("--client-secret"),
    )
    token: str | None = option(
        None,
        "FILE that holds the personal token; else it is made once and kept in the state",
        parse=_secret_file("--token"),
    )
    expires_in: int = option(21_600, "seconds that an access token lives", parse=int)
    refresh_expires_in: int = option(604_800, "seconds that a refresh token lives", parse=int)
    tags_match: str = option("substring", "how the tags parameter compares", choices=("substring", "exact"))
    uid_match: str = option("substring", "how the uid parameter of accounts compares", choices=("substring", "exact"))
    account_uid: str = option("show", "whether accounts tell their uid, as group members do", choices=("show", "hide"))
    account_directory: str = option(
        "nested", "directory data of accounts: inside `ldap` only, or flat beside it too", choices=("nested", "flat")
    )
    groups_reply: str = option(
        "envelope", "how GET /groups answers on RUX; bare is one array of all", choices=("envelope", "bare")
    )
    group_members: str = option(
        "always",
        "members of groups from 3.4 on: unless, or only if include_members says so",
        choices=("always", "asked"),
    )
    rux_forms: str = option(
        "both", "tagging and notes on RUX: host, account and entity forms, or entity only", choices=("both", "entity")
    )
    tag_refusal_status: int = option(200, "HTTP status of a refused tag write: 200 or 400", parse=int)
    max_tag_length: int = option(255, "longest tag in characters; 0 is no limit", parse=int)
    max_note_length: int = option(8_000, "longest note in characters; 0 is no limit", parse=int)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("expires_in", "refresh_expires_in"):
            self.check(name, getattr(self, name) > 0, "it must be at least 1")
        for name in ("max_tag_length", "max_note_length"):
            self.check(name, getattr(self, name) >= 0, "it must not be negative")
        self.check("tag_refusal_status", self.tag_refusal_status in (200, 400), "it must be 200 or 400")
        self.check("auth", self.auth == "oauth" or not self.version.rux, "personal tokens exist on 2.5 only")
        self.check("client_id", bool(self.client_id) and ":" not in self.client_id, "it must be text without a colon")
        for name in ("client_secret", "token"):
            if getattr(self, name) == "":
                raise BadOption(f"--{name.replace('_', '-')}: the secret is empty")

    @property
    def version(self) -> ApiVersion:
        """The offered version."""
        return ApiVersion(self.api_version)
