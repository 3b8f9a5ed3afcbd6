"""What a home remembers of the profiles: the server, whose records are kept, and where news come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from warroom.engine.errors import UsageError
from warroom.engine.profiles.articles import ArticleFilter
from warroom.engine.secrets import Reference
from warroom.engine.xsoar import Connection, connection_of
from warroom.store import Store

SETTING = "profiles"
# The owner of the key in the vault; the variable that is looked at first is WARROOM_SECRET__XSOAR__API_KEY.
OWNER, KEY = "xsoar", "api_key"
FIELDS = ("publications", "communitynotes")


@dataclass(frozen=True)
class Watch:
    """Whose records are kept up to date, how, and from which sources (lines as in the feed of the pack)."""

    names: tuple[str, ...] = ()
    query: str = ""
    sources: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    search_field: str = ""
    create_missing: bool = False
    create_type: str = ""
    field: str = FIELDS[0]
    max_rows: int | None = None
    stop: tuple[str, ...] = ()
    ambiguous: str = "all"
    skip: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    must_begin: tuple[tuple[str, str], ...] = ()

    @property
    def filter(self) -> ArticleFilter:
        """Which articles count."""
        return ArticleFilter(self.skip, self.keywords, self.must_begin)

    def script_args(self) -> dict[str, Any]:
        """The arguments of `threat-profile-update` that say whose records are kept and how."""
        args: dict[str, Any] = {
            "names": list(self.names), "query": self.query, "type": list(self.types),
            "search_field": self.search_field, "create_type": self.create_type,
            "create_missing": str(self.create_missing).lower(), "field": self.field, "stop": list(self.stop),
            "ambiguous": self.ambiguous, "max_rows": "" if self.max_rows is None else str(self.max_rows),
        }  # fmt: skip
        return {name: value for name, value in args.items() if value}


@dataclass(frozen=True)
class Settings:
    """All of it. `key`: where the key is kept, None when it never was."""

    connection: Mapping[str, Any] = field(default_factory=dict)
    key: Reference | None = None
    watch: Watch = Watch()

    def connect(self, given: Mapping[str, Any]) -> Connection:
        """The connection, with what is `given` (not None) in place of what is stored. Raises UsageError."""
        wanted = {**self.connection, **{name: value for name, value in given.items() if value is not None}}
        if not wanted.get("url"):
            raise UsageError("no server is known: give --url, or run `warroom profiles configure`")
        if "url" in given and given["url"] not in (None, self.connection.get("url")):
            # The id of a key and the rest belong to the server that they were stored for.
            wanted = {name: value for name, value in given.items() if value is not None}
        return connection_of(wanted)


def read_settings(store: Store) -> Settings:
    """What is stored; empty when nothing is."""
    found = store.settings.get(SETTING) or {}
    names = {one.name for one in fields(Watch)}
    watch: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in (found.get("watch") or {}).items()
        if name in names
    }
    return Settings(found.get("connection") or {}, found.get("key"), Watch(**watch))


def write_settings(store: Store, settings: Settings) -> None:
    """Replaces what is stored."""
    store.settings.set(
        SETTING,
        {"connection": dict(settings.connection), "key": settings.key, "watch": asdict(settings.watch)},
    )
