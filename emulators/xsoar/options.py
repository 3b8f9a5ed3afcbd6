"""Options of the Cortex XSOAR emulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emulators.kit import BadOption, Options, option

PUBLIC, PLAIN = "/xsoar/public/v1", "/xsoar"
PREFIXES = {"both": (PUBLIC, PLAIN), "public": (PUBLIC,), "plain": (PLAIN,)}


def _key_file(text: str) -> str:
    try:
        return Path(text).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"--api-key {text}: cannot be read as a key file ({error})") from None


@dataclass(frozen=True)
class XsoarOptions(Options):
    """Stateful emulator of Cortex XSOAR 6 and 8 (indicators over the REST API)."""

    generation: str = option("8", "of the server: 6 has keys without id and no prefix", choices=("6", "8"))
    api_key_type: str = option(
        "standard", "how requests must be signed; advanced only with 8", choices=("standard", "advanced")
    )
    api_key_id: str = option("1", "id of the API key, with 8")
    api_key: str | None = option(
        None,
        "FILE that holds the API key, to keep it out of process lists; else it is made once and kept in the state",
        parse=_key_file,
    )
    prefix: str = option("both", "paths that 8 serves: /xsoar/public/v1, /xsoar, both", choices=tuple(PREFIXES))
    role: str = option("write", "what the key may do with indicators", choices=("write", "read", "none"))
    index_lag: float = option(0.0, "seconds until the search knows a record that was made", parse=float)
    lagging: str = option("new", "what the search knows late: new records, or also changes", choices=("new", "all"))
    paging: str = option(
        "after", "how searches go on: searchAfter, or by page numbers only", choices=("after", "number")
    )
    part_words: str = option("off", "on: a text field is found by any word in it", choices=("off", "on"))
    left_out: str = option(
        "kept", "what an edit does with fields that it leaves out or sends as null", choices=("kept", "cleared")
    )
    existing: str = option(
        "returned",
        "a create for a value that is there: gives that record, or is refused",
        choices=("returned", "refused"),
    )
    excluded: str = option(
        "text",
        "a create for an excluded value: a text with 200, null with 200, 400",
        choices=("text", "null", "refused"),
    )
    stale: int = option(409, "HTTP status of an edit with an old version: 409 or 400", parse=int)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("index_lag", 0 <= self.index_lag < 10_000_000, "it must be 0 to 10000000")
        self.check("stale", self.stale in (400, 409), "it must be 409 or 400")
        self.check("api_key_id", bool(self.api_key_id), "it must not be empty")
        self.check("api_key_type", self.generation == "8" or self.api_key_type == "standard", "only 8 has them")
        if self.api_key == "":
            raise BadOption("--api-key: the file is empty")

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What stands before the path of a call."""
        return PREFIXES[self.prefix] if self.generation == "8" else ("",)
