"""Where a Cortex XSOAR server is and how one signs in there, without the key itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warroom.engine.errors import UsageError

KEY_TYPES = ("standard", "advanced")
# What XSOAR 8 serves the calls under, the first that works.
PREFIXES_OF_8 = ("/xsoar/public/v1", "/xsoar")
LONGEST_TIMEOUT = 3600.0


@dataclass(frozen=True)
class Connection:
    """A server. With `key_id` it is XSOAR 8 or Cortex XSIAM, without one XSOAR 6.

    `prefix`: what stands before the paths of the calls; None for what the version is known to use. `ca_file`: the
    certificates to trust. `timeout_seconds`: how long one answer may take.
    """

    url: str
    key_id: str = ""
    key_type: str = "standard"
    prefix: str | None = None
    insecure: bool = False
    ca_file: str = ""
    timeout_seconds: float = 60.0

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes to try."""
        if self.prefix is not None:
            return (self.prefix,)
        return PREFIXES_OF_8 if self.key_id else ("",)

    def as_dict(self) -> dict[str, Any]:
        """For the store."""
        return asdict(self)


def connection_of(given: Mapping[str, Any]) -> Connection:
    """The connection, checked. Raises UsageError that names what is wrong."""
    known = {field.name for field in fields(Connection)}
    made = Connection(**{name: value for name, value in given.items() if name in known and value is not None})
    made = Connection(**{**asdict(made), "url": _checked_url(made.url), "prefix": _checked_prefix(made.prefix)})
    if made.key_type not in KEY_TYPES:
        raise UsageError(f"the type of the key is {made.key_type!r}; it must be one of {', '.join(KEY_TYPES)}")
    if made.key_type == "advanced" and not made.key_id:
        raise UsageError("an advanced key goes with its id: give --key-id")
    if not made.key_id.isascii() or made.key_id != made.key_id.strip():
        raise UsageError(f"{made.key_id!r} is no id of a key")
    if not 0 < made.timeout_seconds <= LONGEST_TIMEOUT:
        raise UsageError(f"the time limit of {made.timeout_seconds} s must be above 0 and at most {LONGEST_TIMEOUT:g}")
    if made.ca_file and not Path(made.ca_file).is_file():
        raise UsageError(f"there is no file of certificates {made.ca_file}")
    return made


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is no address of a server: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{url!r} is no address of a server such as https://xsoar.example.com")
    if parts.username or parts.password:
        raise UsageError("the address of the server must not hold a name or password")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "") + parts.path.rstrip("/")


def _checked_prefix(prefix: str | None) -> str | None:
    if prefix is None:
        return None
    if prefix.strip("/") and ("?" in prefix or "#" in prefix or " " in prefix):
        raise UsageError(f"{prefix!r} is no prefix such as /xsoar/public/v1")
    return f"/{prefix.strip('/')}" if prefix.strip("/") else ""
