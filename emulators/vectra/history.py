"""What happened to entities: scoring events, and lockdowns that Vectra itself has set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from emulators.kit import Database
from emulators.vectra.moments import moment
from emulators.vectra.tables import Document


class Events:
    """Changes of urgency, in the order they happened; the checkpoint of a reader is an event id."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def add(self, entity: Document, before: int) -> None:
        """Note that the urgency of `entity` is no longer `before`."""
        body = {
            "entity_id": entity["id"],
            "name": entity["name"],
            "type": entity["type"],
            "urgency_score": entity["urgency_score"],
            "importance": entity["importance"],
            "is_prioritized": entity["is_prioritized"],
            "event_timestamp": moment(self._now()),
        }
        decrease = entity["urgency_score"] < before
        with self._database.transaction() as connection:
            query = "INSERT INTO events (type, decrease, body) VALUES (?, ?, ?)"
            connection.execute(query, (entity["type"], decrease, orjson.dumps(body)))

    def read(self, kind: str | None, start: int, limit: int, *, decreases: bool) -> dict[str, Any]:
        """`{"events", "next_checkpoint", "remaining_count"}`: the first `limit` events from id `start` on."""
        where = "event_id >= ? AND (? IS NULL OR type = ?) AND (? OR NOT decrease)"
        values = (start, kind, kind, decreases)
        read = self._database.connection.execute
        query = f"SELECT event_id, body FROM events WHERE {where} ORDER BY event_id LIMIT ?"  # noqa: S608
        events = [{"id": number, **orjson.loads(body)} for number, body in read(query, (*values, limit))]
        (total,) = read(f"SELECT count(*) FROM events WHERE {where}", values).fetchone()  # noqa: S608
        (newest,) = read("SELECT ifnull(max(event_id), 0) FROM events").fetchone()
        remaining = total - len(events)
        # At the end also those that the filter left out are behind the reader.
        last = events[-1]["id"] if remaining else max(newest, start - 1)
        return {"events": events, "next_checkpoint": last + 1, "remaining_count": remaining}

    def count(self) -> int:
        """All events."""
        return int(self._database.connection.execute("SELECT count(*) FROM events").fetchone()[0])


class Lockdowns:
    """Entities that Vectra itself holds locked down, until their time is over."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def lock(self, kind: str, key: int, hours: float) -> None:
        """Lock an entity from now on for so many hours; an earlier lock is replaced."""
        with self._database.transaction() as connection:
            now = self._now()
            connection.execute("REPLACE INTO lockdowns VALUES (?, ?, ?, ?)", (kind, key, now, now + hours * 3600))

    def release(self, kind: str, key: int) -> None:
        """End a lock, when there is one."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM lockdowns WHERE type = ? AND id = ?", (kind, key))

    def list(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The locks that hold now, oldest first."""
        query = (
            "SELECT lockdowns.type, lockdowns.id, name, locked_at, unlock_at FROM lockdowns JOIN entities"
            " ON entities.type = lockdowns.type AND entities.id = lockdowns.id"
            " WHERE unlock_at > ? AND (? IS NULL OR lockdowns.type = ?) ORDER BY locked_at, lockdowns.id"
        )
        return [
            {"type": type_, "entity_id": key, "entity_name": name, "lock_event_timestamp": moment(locked),
             "unlock_event_timestamp": moment(unlock)}
            for type_, key, name, locked, unlock in self._database.connection.execute(query, (self._now(), kind, kind))
        ]  # fmt: skip
