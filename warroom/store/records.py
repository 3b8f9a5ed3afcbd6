"""The small tables: integration contexts, last runs, instances, entries, lists, incidents and settings."""

# ruff: noqa: S608 - only names of tables and columns are written into statements, every value is bound.

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from warroom.core.dates import from_micros
from warroom.core.indicators import now_micros
from warroom.store.database import Database
from warroom.store.errors import StaleVersion, StoreError

ANY_VERSION = -1
MOST_ENTRIES = 1_000


@dataclass(frozen=True)
class VersionedContext:
    """An integration context and its version (0 = never written)."""

    context: dict[str, Any]
    version: int


@dataclass(frozen=True)
class Instance:
    """A configured integration. `secrets` tells by parameter where each secret is kept, never what it is.
    `created` is ISO UTC."""

    id: str
    name: str
    brand: str
    enabled: bool = True
    params: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict)
    created: str = ""


@dataclass(frozen=True)
class Entry:
    """What one run left in the war room. `when` is ISO UTC; `contents` are server entries, `args` hold no secret."""

    id: str
    when: str
    instance: str
    brand: str
    command: str
    args: dict[str, Any]
    status: str
    duration_seconds: float
    contents: list[dict[str, Any]]


def dumps(name: str, content: Any) -> str:
    """The content as JSON text. Raises StoreError, which begins with `name`, when it is not JSON."""
    try:
        # Contexts may hold integers beyond 64 bit, which the faster encoder refuses.
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(f"{name} cannot be stored as JSON: {error}") from error


class Contexts:
    """One JSON object for each integration instance, with a version that every write moves by one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, instance_id: str) -> VersionedContext:
        """The context; empty with version 0 when nothing was written."""
        found = self._database.row("select context, version from contexts where instance_id = ?", (instance_id,))
        return VersionedContext(json.loads(found[0]), found[1]) if found else VersionedContext({}, 0)

    def write(self, instance_id: str, context: Mapping[str, Any], version: int = ANY_VERSION) -> int:
        """Replaces the whole context; returns the new version. Raises StaleVersion when `version` is neither -1 nor the
        stored one, and then changes nothing."""
        text = dumps(f"context of {instance_id}", dict(context))
        with self._database.atomic():
            stored = self.version(instance_id)
            if version not in (ANY_VERSION, stored):
                raise StaleVersion(f"context of {instance_id}: version {version} is stale, stored is {stored}")
            self._database.run("insert or replace into contexts values (?, ?, ?)", (instance_id, stored + 1, text))
            return stored + 1

    def version(self, instance_id: str) -> int:
        """The stored version; 0 when nothing was written."""
        found = self._database.row("select version from contexts where instance_id = ?", (instance_id,))
        return int(found[0]) if found else 0


class LastRuns:
    """What a fetch leaves for the next one, by kind ("fetch", "mirror", "assets")."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, instance_id: str, kind: str = "fetch") -> dict[str, Any]:
        """The stored object, empty when there is none."""
        statement = "select content from last_runs where instance_id = ? and kind = ?"
        found = self._database.row(statement, (instance_id, kind))
        content: dict[str, Any] = json.loads(found[0]) if found else {}
        return content

    def write(self, instance_id: str, content: Mapping[str, Any], kind: str = "fetch") -> None:
        """Replaces the object."""
        text = dumps(f"last run of {instance_id}", dict(content))
        self._database.run("insert or replace into last_runs values (?, ?, ?)", (instance_id, kind, text))


class Instances:
    """Configured integrations. Names are unique, case does not count."""

    _COLUMNS = "id, name, brand, enabled, params, secrets, created"

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def add(self, instance: Instance) -> Instance:
        """Stores a new one; `created` is filled when empty. Raises StoreError when name or id is taken."""
        created = instance.created or from_micros(now_micros(self._clock()))
        row = self._row(instance)
        try:
            self._database.run("insert into instances values (?, ?, ?, ?, ?, ?, ?)", (*row, created))
        except sqlite3.IntegrityError:
            raise StoreError(f"there is already an instance {instance.name!r}") from None
        return Instance(**{**vars(instance), "created": created})

    def get(self, name: str) -> Instance | None:
        """The instance of that name, None when there is none."""
        found = self._database.row(f"select {self._COLUMNS} from instances where name = ?", (name,))
        return self._instance(found) if found else None

    def list(self) -> list[Instance]:
        """All instances by name."""
        return [
            self._instance(row) for row in self._database.rows(f"select {self._COLUMNS} from instances order by name")
        ]

    def update(self, instance: Instance) -> None:
        """Replaces the one with the same id; `created` stays. Raises StoreError without one, or for a taken name."""
        id_, *rest = self._row(instance)
        statement = "update instances set name = ?, brand = ?, enabled = ?, params = ?, secrets = ? where id = ?"
        try:
            changed = self._database.run(statement, (*rest, id_))
        except sqlite3.IntegrityError:
            raise StoreError(f"there is already an instance {instance.name!r}") from None
        if not changed:
            raise StoreError(f"there is no instance {instance.name!r}")

    def remove(self, name: str) -> bool:
        """Removes the instance with its context and last runs; False when there was none. Its indicators stay."""
        with self._database.atomic():
            found = self.get(name)
            if found is None:
                return False
            self._database.run("delete from instances where id = ?", (found.id,))
            for table in ("contexts", "last_runs", "listings"):
                self._database.run(f"delete from {table} where instance_id = ?", (found.id,))
            return True

    def _row(self, one: Instance) -> tuple[Any, ...]:
        params, secrets = dumps("params", one.params), dumps("secrets", one.secrets)
        return (one.id, one.name, one.brand, int(one.enabled), params, secrets)

    def _instance(self, row: Sequence[Any]) -> Instance:
        id_, name, brand, enabled, params, secrets, created = row
        return Instance(id_, name, brand, bool(enabled), json.loads(params), json.loads(secrets), created)


class Entries:
    """The war room, in the order of arrival."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entry: Entry) -> None:
        """Appends. Raises StoreError when the id is taken or the contents are not JSON."""
        args, contents = dumps("args", entry.args), dumps("contents", entry.contents)
        row = (
            entry.id,
            entry.when,
            entry.instance,
            entry.brand,
            entry.command,
            args,
            entry.status,
            entry.duration_seconds,
            contents,
        )
        try:
            self._database.run("insert into entries values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            raise StoreError(f"there is already an entry {entry.id!r}") from None

    def get(self, entry_id: str) -> Entry | None:
        """One entry, None when there is none."""
        found = self._database.row("select * from entries where id = ?", (entry_id,))
        return self._entry(found) if found else None

    def last(self, n: int = 10) -> list[Entry]:
        """The newest `n` (at most 1,000), oldest of them first."""
        limit = max(0, min(n, MOST_ENTRIES))
        rows = self._database.rows("select * from entries order by seq desc limit ?", (limit,))
        return [self._entry(row) for row in reversed(rows)]

    def _entry(self, row: Sequence[Any]) -> Entry:
        _, id_, when, instance, brand, command, args, status, seconds, contents = row
        return Entry(id_, when, instance, brand, command, json.loads(args), status, seconds, json.loads(contents))


class Lists:
    """Named texts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        """The text, None when there is no such list."""
        found = self._database.row("select content from lists where name = ?", (name,))
        return str(found[0]) if found else None

    def set(self, name: str, content: str) -> None:
        """Creates or replaces."""
        self._database.run("insert or replace into lists values (?, ?)", (name, content))

    def list(self) -> list[str]:
        """All names in order."""
        return [str(name) for (name,) in self._database.rows("select name from lists order by name")]

    def remove(self, name: str) -> bool:
        """False when there was none."""
        return self._database.run("delete from lists where name = ?", (name,)) > 0


class Settings:
    """JSON by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str, default: Any = None) -> Any:
        """The stored content, or `default`."""
        found = self._database.row("select content from settings where name = ?", (name,))
        return json.loads(found[0]) if found else default

    def set(self, name: str, content: Any) -> None:
        """Creates or replaces. Raises StoreError when the content is not JSON."""
        self._database.run("insert or replace into settings values (?, ?)", (name, dumps(name, content)))


class Incidents:
    """Incidents, with ids that count from 1."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def create(self, incidents: Sequence[Mapping[str, Any]], instance: str) -> list[dict[str, Any]]:
        """Stores all or none; returns them with `id`, `created`, `sourceInstance`. Raises StoreError without a name."""
        with self._database.atomic():
            return [self._create(incident, instance) for incident in incidents]

    def _create(self, incident: Mapping[str, Any], instance: str) -> dict[str, Any]:
        if not incident.get("name"):
            raise StoreError("an incident needs a name")
        self._database.run("update counters set number = number + 1 where name = 'incident_seq'")
        found = self._database.row("select number from counters where name = 'incident_seq'")
        seq = found[0] if found else 0
        created = from_micros(now_micros(self._clock()))
        doc = {"created": created, "modified": created, **incident, "id": str(seq), "sourceInstance": instance}
        self._database.run("insert into incidents values (?, ?, ?)", (seq, instance, dumps("incident", doc)))
        return doc

    def get(self, incident_id: str) -> dict[str, Any] | None:
        """One incident, None when there is none."""
        found = self._database.row("select doc from incidents where seq = ?", (_number(incident_id),))
        doc: dict[str, Any] | None = json.loads(found[0]) if found else None
        return doc

    def list(self, *, size: int = 100, page: int = 0) -> list[dict[str, Any]]:
        """The newest first."""
        limits = (max(0, size), max(0, size * page))
        rows = self._database.rows("select doc from incidents order by seq desc limit ? offset ?", limits)
        return [json.loads(doc) for (doc,) in rows]

    def update(self, incident_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Replaces the named fields; returns the incident. Raises StoreError when there is none."""
        with self._database.atomic():
            doc = self.get(incident_id)
            if doc is None:
                raise StoreError(f"there is no incident {incident_id!r}")
            doc = {**doc, **changes, "id": doc["id"], "modified": from_micros(now_micros(self._clock()))}
            self._database.run(
                "update incidents set doc = ? where seq = ?", (dumps("incident", doc), _number(incident_id))
            )
            return doc


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
