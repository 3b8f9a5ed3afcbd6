"""Writing indicators: feed batches, edits, removals. Everything here runs inside one transaction."""

# ruff: noqa: S608 - only names of tables and columns are written into statements, every value is bound.

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from warroom.core.indicators import (
    RELATIONSHIPS_ONLY,
    Document,
    Item,
    Merged,
    RefusedItem,
    Rules,
    Source,
    merge,
    prepare,
)
from warroom.store.database import Database
from warroom.store.errors import StoreError
from warroom.store.relationships import Relationships, pack
from warroom.store.rows import INSERT, UPDATE, Stamp, columns

_CHUNK = 500


@dataclass(frozen=True)
class Refusal:
    """An item that was not taken: its place in the batch, its value as given, and why."""

    index: int
    value: str
    reason: str


@dataclass(frozen=True)
class ApplyResult:
    """What a batch did. Items that only carried relationships count nowhere."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    excluded: int = 0
    refused: list[Refusal] = field(default_factory=list)


class Ledger:
    """Hands out ids and `modified` times within one transaction, and stores where it stopped."""

    def __init__(self, database: Database, now: int) -> None:
        self._database = database
        numbers: dict[str, int] = dict(database.rows("select name, number from counters"))
        self.seq = numbers["indicator_seq"]
        self.modified = numbers["modified"]
        self._now = now

    def new(self) -> Stamp:
        """The next id, with the next time."""
        self.seq += 1
        return self.again(self.seq)

    def again(self, seq: int) -> Stamp:
        """The next time for a known id."""
        self.modified = max(self._now, self.modified + 1)
        return Stamp(seq, self.modified)

    def close(self) -> None:
        """Stores the counters and makes the change visible to caches of counts."""
        self._database.run_many(
            "update counters set number = ? where name = ?",
            [(self.seq, "indicator_seq"), (self.modified, "modified")],
        )
        self._database.run("update counters set number = number + 1 where name = 'indicator_version'")


class Intake:
    """One batch of one source on its way into the tables."""

    def __init__(self, database: Database, source: Source, now: int, rules: Rules) -> None:
        self._database = database
        self._source = source
        self._now = now
        self._rules = rules
        self._ledger = Ledger(database, now)
        self._docs: dict[str, tuple[int, Document]] = {}
        self._inserts: dict[str, tuple[Any, ...]] = {}
        self._updates: dict[str, tuple[Any, ...]] = {}
        self._raws: dict[int, bytes] = {}
        self._listed: list[int] = []
        self._field_names: set[str] = set()
        self._links: list[tuple[Any, ...]] = []
        self._counts = {"created": 0, "updated": 0, "unchanged": 0, "excluded": 0}
        self._refused: list[Refusal] = []

    def take(self, batch: Sequence[Mapping[str, Any]]) -> ApplyResult:
        """Takes all items in order; call once, inside a transaction."""
        items = list(self._prepared(batch))
        keys = [item.key for _, item in items]
        excluded = set() if self._source.bypass_exclusion else known_exclusions(self._database, keys)
        self._docs = load(self._database, keys)
        for index, item in items:
            if item.key in excluded:
                self._counts["excluded"] += 1
            else:
                self._take(index, item, batch[index])
        self._write()
        return ApplyResult(**self._counts, refused=sorted(self._refused, key=lambda one: one.index))

    def _prepared(self, batch: Sequence[Mapping[str, Any]]) -> Iterable[tuple[int, Item]]:
        for index, raw in enumerate(batch):
            try:
                item = prepare(raw)
                links = pack(raw.get("relationships"), self._source.brand, self._source.instance_id)
            except (RefusedItem, StoreError) as refusal:
                self._refuse(index, raw, str(refusal))
            else:
                self._links.extend(links)
                if item.value != RELATIONSHIPS_ONLY:
                    yield index, item

    def _refuse(self, index: int, raw: Any, reason: str) -> None:
        value = raw.get("value") if isinstance(raw, Mapping) else raw
        self._refused.append(Refusal(index, str(value)[:200], reason))

    def _take(self, index: int, item: Item, raw: Mapping[str, Any]) -> None:
        seq, existing = self._docs.get(item.key, (0, None))
        merged = merge(existing, item, self._source, self._now, self._rules)
        if merged.changed:
            try:
                seq = self._stage(item.key, seq, merged, raw.get("rawJSON"))
            except (TypeError, ValueError) as error:
                self._refuse(index, raw, f"not storable as JSON: {error}")
                return
            self._field_names.update(item.fields)
        self._counts[merged.kind] += 1
        self._listed.append(seq)

    def _stage(self, key: str, seq: int, merged: Merged, raw: Any) -> int:
        packed = orjson.dumps(raw) if raw else b""
        doc = merged.doc
        # Stamping writes into the document, so a failed one must not have used up an id.
        before = self._ledger.seq
        stamp = self._ledger.again(seq) if seq else self._ledger.new()
        try:
            row = columns(doc, stamp)
        except (TypeError, ValueError):
            self._ledger.seq = before
            raise
        self._docs[key] = (stamp.seq, doc)
        if not seq or key in self._inserts:
            self._inserts[key] = (stamp.seq, *row)
        else:
            self._updates[key] = (*row, stamp.seq)
        if packed:
            self._raws[stamp.seq] = packed
        return stamp.seq

    def _write(self) -> None:
        database = self._database
        if self._inserts or self._updates:
            database.run_many(INSERT, list(self._inserts.values()))
            database.run_many(UPDATE, list(self._updates.values()))
            self._ledger.close()
        instance = self._source.instance_id
        if self._raws:
            statement = "insert or replace into indicator_raw values (?, ?, ?)"
            database.run_many(statement, [(seq, instance, raw) for seq, raw in self._raws.items()])
        if self._links:
            Relationships(database).put(self._links)
        if self._field_names:
            database.run_many("insert or ignore into custom_fields values (?)", [(name,) for name in self._field_names])
        if self._source.expiration_policy == "suddenDeath":
            statement = "insert or replace into listings values (?, ?, ?)"
            database.run_many(statement, [(instance, seq, self._now) for seq in self._listed])


def load(database: Database, keys: Sequence[str]) -> dict[str, tuple[int, Document]]:
    """The stored documents by key, each with its id."""
    found = {}
    for start in range(0, len(keys), _CHUNK):
        some = keys[start : start + _CHUNK]
        marks = ", ".join("?" * len(some))
        for key, seq, doc in database.rows(f"select key, seq, doc from indicators where key in ({marks})", some):
            found[key] = (seq, orjson.loads(doc))
    return found


def known_exclusions(database: Database, keys: Sequence[str]) -> set[str]:
    """Those of the keys that stand on the exclusion list."""
    if database.row("select 1 from exclusions limit 1") is None:
        return set()
    statement = "select key from exclusions where key in (select value from json_each(?))"
    return {key for (key,) in database.rows(statement, (orjson.dumps(list(keys)).decode(),))}


def save(database: Database, seq: int, doc: Document, now: int) -> Document:
    """Writes a changed document of a known id; returns it as stored. Inside a transaction."""
    ledger = Ledger(database, now)
    stored = dict(doc)
    row = columns(stored, ledger.again(seq))
    database.run(UPDATE, (*row, seq))
    ledger.close()
    return stored
