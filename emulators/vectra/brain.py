"""Everything that stands in one Vectra brain, whatever the API version it is asked with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from emulators.kit import Database
from emulators.vectra.groups import Members
from emulators.vectra.history import Events, Lockdowns
from emulators.vectra.marks import Notes, Tags, json_ids
from emulators.vectra.moments import moment
from emulators.vectra.tables import Document, Table, create_tables, tables


class Brain:
    """Hosts, accounts, detections, groups, and what hangs on them. One thread at a time; writes are transactions.

    `entities` holds hosts and accounts by (type, id); their ids are counted apart.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        create_tables(database.connection)
        self.entities, self.detections, self.groups = tables(database)
        self.tags = Tags(database)
        self.notes = Notes(database, now)
        self.members = Members(database)
        self.events = Events(database, now)
        self.lockdowns = Lockdowns(database, now)

    def get(self, kind: str, key: int) -> Document | None:
        """The host, account, detection or group with this id, or None."""
        if kind in ("host", "account"):
            return self.entities.get(kind, key)
        return self.table(kind).get(key)

    def table(self, kind: str) -> Table:
        """Where objects of this kind are kept."""
        return {"detection": self.detections, "group": self.groups}.get(kind, self.entities)

    def next_id(self, kind: str) -> int:
        """An id that is free."""
        if kind in ("host", "account"):
            return self.entities.next_id("type = ?", (kind,))
        return self.table(kind).next_id()

    def set_tags(self, kind: str, lists: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Replace the tags of each (id, tags); this modifies the entity."""
        with self._database.transaction() as connection:
            self.tags.replace(kind, lists)
            query = "UPDATE entities SET last_modified_timestamp = ? WHERE type = ? AND id = ?"
            connection.executemany(query, ((moment(self._now()), kind, key) for key, _ in lists))

    def delete(self, kind: str, document: Document) -> None:
        """Remove an object with all that hangs on it; an entity takes its detections with it."""
        key = document["id"]
        with self._database.transaction():
            if kind == "group":
                self.members.clear(key)
                self.groups.remove(key)
                return
            self.tags.replace(kind, [(key, ())])
            self.notes.remove_all(kind, key)
            if kind == "detection":
                self.detections.remove(key)
                return
            self.members.forget(kind, key if kind == "host" else document["uid"])
            self.lockdowns.release(kind, key)
            for detection in list(self.detections.find("src_type = ? AND src_id = ?", (kind, key))):
                self.delete("detection", detection)
            self.entities.remove(kind, key)

    def detection_ids(self, kind: str, ids: Iterable[int]) -> dict[int, list[int]]:
        """Ids of detections by the entity they come from, in order; entities without any are left out."""
        query = (
            "SELECT src_id, id FROM detections WHERE src_type = ? AND src_id IN (SELECT value FROM json_each(?))"
            " ORDER BY id"
        )
        found: dict[int, list[int]] = {}
        for source, key in self._database.connection.execute(query, (kind, json_ids(ids))):
            found.setdefault(source, []).append(key)
        return found

    def by_id(self, kind: str, ids: Iterable[int]) -> dict[int, Document]:
        """Entities of one type by id; those that do not exist are left out."""
        found = self.entities.find("type = ? AND id IN (SELECT value FROM json_each(?))", (kind, json_ids(set(ids))))
        return {document["id"]: document for document in found}

    def count(self) -> dict[str, Any]:
        """How many there are of each kind."""
        return {
            "hosts": self.entities.count("type = 'host'"),
            "accounts": self.entities.count("type = 'account'"),
            "detections": self.detections.count(),
            "groups": self.groups.count(),
            "tags": self.tags.count(),
            "notes": self.notes.count(),
            "events": self.events.count(),
            "lockdowns": len(self.lockdowns.list()),
        }
