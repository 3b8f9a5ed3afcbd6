"""Options of the Cortex XDR emulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emulators.kit import BadOption, Options, option

ENDPOINT_ROLES = ("isolate", "view", "none")
LONGEST_SECONDS = 10_000_000


def _key_file(text: str) -> str:
    try:
        return Path(text).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"--api-key {text}: cannot be read as a key file ({error})") from None


@dataclass(frozen=True)
class XdrOptions(Options):
    """Stateful emulator of the Cortex XDR public API (indicators, endpoints)."""

    rate: float = option(
        10.0,
        "requests per second accepted for the whole tenant; 0 is no limit",
        parse=float,
        aliases=("--requests-accepted-per-second",),
    )
    api_key_type: str = option("advanced", "how requests must be signed", choices=("advanced", "standard"))
    api_key_id: str = option("1", "id of the API key")
    api_key: str | None = option(
        None,
        "FILE that holds the API key, to keep it out of process lists; else it is made once and kept in the state",
        parse=_key_file,
    )
    max_upload: int = option(512_000_000, "largest file upload in bytes; 0 is no limit", parse=int)
    max_records: int = option(0, "most records in one insert; 0 is no limit", parse=int)
    tenant_limit: int = option(4_000_000, "most indicator rules that the tenant holds", parse=int)
    own_writes: str = option(
        "hide", "whether get_changes returns what was written with x-iocs-source: xsoar", choices=("hide", "show")
    )
    changes_order: str = option("modified", "order of get_changes", choices=("modified", "random"))
    deleted: str = option("show", "whether get_changes returns deleted rules", choices=("show", "hide"))
    object_replies: str = option(
        "bare", "whether get, insert and delete answer inside `reply`", choices=("bare", "wrapped")
    )
    error_replies: str = option("wrapped", "whether errors stand inside `reply`", choices=("wrapped", "bare"))
    endpoint_role: str = option(
        "isolate", "what the key may do with endpoints: isolate and look, look, nothing", choices=ENDPOINT_ROLES
    )
    check_in_seconds: float = option(
        10.0, "time between two calls of an agent that is connected; 0: it is always in touch", parse=float
    )
    work_seconds: float = option(2.0, "time that an agent works on an order it collected", parse=float)
    numbers: str = option("text", "numbers in replies of isolate and unisolate", choices=("text", "number"))
    order_reply: str = option(
        "action_id",
        "name of the action's id in replies of isolate and unisolate; bare: the reply is the id",
        choices=("action_id", "group_action_id", "bare"),
    )
    bulk: str = option(
        "skip",
        "isolate and unisolate by filters: endpoints in a wrong state are left out, or the whole call is refused",
        choices=("skip", "refuse"),
    )
    hostname_match: str = option("ignore-case", "how the filter `hostname` compares", choices=("ignore-case", "exact"))
    error_reasons: str = option("omit", "`errorReasons` when there are none", choices=("omit", "null"))

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("check_in_seconds", "work_seconds"):
            self.check(name, 0 <= getattr(self, name) <= LONGEST_SECONDS, f"it must be 0 to {LONGEST_SECONDS}")
        for name in ("max_upload", "max_records", "tenant_limit"):
            self.check(name, getattr(self, name) >= 0, "it must not be negative")
        self.check("api_key_id", bool(self.api_key_id), "it must not be empty")
        if self.api_key == "":
            raise BadOption("--api-key: the file is empty")
