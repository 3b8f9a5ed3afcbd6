"""The indicator rules of one tenant."""

from __future__ import annotations

import random
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import orjson

from emulators.cortex_xdr.indicators.objects import Condition, Search
from emulators.cortex_xdr.indicators.records import Reject, Rule
from emulators.cortex_xdr.indicators.rows import StoredRule
from emulators.cortex_xdr.indicators.schema import SELECT, UPSERT, Texts, create_tables
from emulators.cortex_xdr.indicators.values import (
    REPUTATIONS,
    SEVERITIES,
    STATUSES,
    TYPES,
    XSOAR_SOURCE,
)
from emulators.kit import Database

_TYPE = {name: code for code, name in enumerate(TYPES)}
_SEVERITY = {name: code for code, name in enumerate(SEVERITIES)}
_REPUTATION = {name: code for code, name in enumerate(REPUTATIONS)}
_STATUS: dict[str | None, int | None] = {None: None, **{name: code for code, name in enumerate(STATUSES)}}
_PAGE = 1_000
_CHUNK = 4_000
_LARGEST = 2**62


class Writer(NamedTuple):
    """Who writes: the source that a rule is recorded under, and whether it is XSOAR's own write."""

    source: str
    own: bool


class Rules:
    """All rules, deleted ones included. Every method that writes is one transaction.

    `now_ms` gives the time of modification. A method is called by one thread at a time; an iterator that is returned
    reads page by page and sees what is written meanwhile.
    """

    def __init__(self, database: Database, now_ms: Callable[[], int], limit: int) -> None:
        self._database = database
        self._connection = database.connection
        self._now_ms = now_ms
        self._limit = limit
        create_tables(self._connection)
        self._texts = Texts(self._connection)
        self._measure()

    def _measure(self) -> None:
        self._next_id = self._one("SELECT ifnull(max(rule_id), 0) + 1 FROM rules")
        self._living = self._one("SELECT count(*) FROM rules WHERE NOT deleted")

    def _one(self, query: str, values: Sequence[object] = ()) -> int:
        return int(self._connection.execute(query, values).fetchone()[0])

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction; what is kept in mind beside the table is right again after a rollback."""
        try:
            with self._database.transaction() as connection:
                yield connection
        except BaseException:
            self._texts.forget()
            self._measure()
            raise

    def __len__(self) -> int:
        """How many rules there are, without the deleted ones."""
        return self._living

    def upsert(self, rules: Sequence[Rule], writer: Writer) -> list[Reject]:
        """Insert or update by indicator (unique in `rules`). Rejects what would exceed the limit of the tenant."""
        rejects: list[Reject] = []
        with self.change() as connection:
            if self._living + len(rules) > self._limit:
                rules, rejects = self._within_limit(rules)
            first, now = self._next_id, self._now_ms()
            connection.executemany(UPSERT, self._rows(rules, writer, first, now))
            self._next_id += len(rules)
            self._living += self._one("SELECT count(*) FROM rules WHERE rule_id >= ?", (first,))
        return rejects

    def _rows(self, rules: Iterable[Rule], writer: Writer, first: int, now: int) -> Iterator[tuple[object, ...]]:
        text_id, source, own = self._texts.id, self._texts.id(writer.source), int(writer.own)
        for rule_id, rule in enumerate(rules, first):
            yield (
                rule_id,
                rule.indicator,
                _TYPE[rule.type],
                _SEVERITY[rule.severity],
                _REPUTATION[rule.reputation],
                rule.reliability,
                text_id(rule.klass) if rule.klass else None,
                _STATUS[rule.status],
                rule.comment,
                rule.expires_ms,
                text_id(orjson.dumps(rule.vendors).decode()) if rule.vendors else None,
                source,
                now,
                now,
                own,
            )

    def _within_limit(self, rules: Sequence[Rule]) -> tuple[list[Rule], list[Reject]]:
        room = self._limit - self._living
        kept: list[Rule] = []
        rejects: list[Reject] = []
        for rule in rules:
            new = not self.exists(rule.indicator)
            if new and room <= 0:
                error = f"Indicator: {rule.indicator} exceeds the limit of {self._limit} indicators per tenant"
                rejects.append(Reject(rule.indicator, error))
            else:
                kept.append(rule)
                room -= new
        return kept, rejects

    def exists(self, indicator: str) -> bool:
        """Whether there is a rule for this value that is not deleted."""
        query = "SELECT count(*) FROM rules WHERE indicator = ? AND NOT deleted"
        return self._one(query, (indicator,)) > 0

    def get(self, indicator: str) -> StoredRule | None:
        """The rule of this value, also a deleted one."""
        row = self._connection.execute(f"{SELECT} WHERE indicator = ?", (indicator,)).fetchone()
        return None if row is None else StoredRule(*row)

    def id_of(self, indicator: str) -> int | None:
        """The id of the living rule for this value."""
        rule = self.get(indicator)
        return None if rule is None or rule.deleted else rule.rule_id

    def value_of(self, rule_id: int) -> str | None:
        """The value of the living rule with this id."""
        query = "SELECT indicator FROM rules WHERE rule_id = ? AND NOT deleted"
        row = self._connection.execute(query, (min(rule_id, _LARGEST),)).fetchone()
        return None if row is None else str(row[0])

    def set_status(self, indicators: Iterable[str], status: str, writer: Writer) -> int:
        """Switch rules on or off; returns how many changed. Unknown values and rules already so are left alone."""
        code, now = _STATUS[status], self._now_ms()
        query = (
            "UPDATE rules SET status = ?, modify_time = ?, own_write = ?"
            " WHERE indicator = ? AND NOT deleted AND ifnull(status, 0) <> ?"
        )
        with self.change() as connection:
            rows = ((code, now, int(writer.own), indicator, code) for indicator in indicators)
            return connection.executemany(query, rows).rowcount

    def rename(self, rule_id: int, indicator: str) -> None:
        """Give a living rule another value that no living rule has."""
        with self.change() as connection:
            connection.execute("DELETE FROM rules WHERE indicator = ? AND deleted", (indicator,))
            connection.execute("UPDATE rules SET indicator = ? WHERE rule_id = ?", (indicator, rule_id))

    def alter(self, indicator: str, columns: dict[str, object]) -> bool:
        """An operator's change to one living rule: columns in stored form. False when there is no such rule."""
        changes = {**columns, "modify_time": self._now_ms(), "own_write": 0}
        assignments = ", ".join(f"{name} = ?" for name in changes)
        query = f"UPDATE rules SET {assignments} WHERE indicator = ? AND NOT deleted"  # noqa: S608 - names are code
        with self.change() as connection:
            found = connection.execute(query, (*changes.values(), indicator)).rowcount
            self._living -= found if changes.get("deleted") else 0
        return found > 0

    def delete(self, conditions: Sequence[Condition], writer: Writer) -> list[int]:
        """Mark the matching rules as deleted; their ids in order of id."""
        where, values = _where(conditions)
        with self.change():
            query = f"SELECT rule_id FROM rules {where} ORDER BY rule_id"  # noqa: S608 - values are placeholders
            ids = [row[0] for row in self._connection.execute(query, values)]
            self._mark_deleted(where, values, writer)
        return ids

    def keep_only(self, batches: Iterable[Iterable[str]], writer: Writer) -> int:
        """Delete every XSOAR TIM rule whose value is in none of the batches; returns how many were deleted."""
        with self.change() as connection:
            connection.execute("DELETE FROM listed")
            for values in batches:
                connection.executemany("INSERT OR IGNORE INTO listed VALUES (?)", ((value,) for value in values))
            where = "WHERE NOT deleted AND source = ? AND indicator NOT IN (SELECT indicator FROM listed)"
            deleted = self._mark_deleted(where, (self._texts.id(XSOAR_SOURCE),), writer)
            connection.execute("DELETE FROM listed")
        return deleted

    def replace_all(self, batches: Iterable[list[Rule]], writer: Writer) -> int:
        """Make the XSOAR TIM set exactly what the batches hold: upsert them, delete the rest; returns the deleted."""

        def written() -> Iterator[Iterator[str]]:
            for batch in batches:
                self.upsert(batch, writer)
                yield (rule.indicator for rule in batch)

        with self.change():
            return self.keep_only(written(), writer)

    def _mark_deleted(self, where: str, values: Sequence[object], writer: Writer) -> int:
        query = f"UPDATE rules SET deleted = 1, modify_time = ?, own_write = ? {where}"  # noqa: S608
        deleted = self._connection.execute(query, (self._now_ms(), int(writer.own), *values)).rowcount
        self._living -= deleted
        return deleted

    def search(self, search: Search) -> list[StoredRule]:
        """Living rules that fit, in order of id, from position `start` to before `end`."""
        where, values = _where(search.conditions)
        query = f"{SELECT} {where} ORDER BY rule_id LIMIT ? OFFSET ?"
        page = (search.end - search.start, min(search.start, _LARGEST))
        return [StoredRule(*row) for row in self._connection.execute(query, (*values, *page))]

    def all(self) -> Iterator[StoredRule]:
        """Every rule, deleted ones too, in order of id."""
        last = 0
        query = f"{SELECT} WHERE rule_id > ? ORDER BY rule_id LIMIT {_PAGE}"
        while rows := self._connection.execute(query, (last,)).fetchall():
            yield from (StoredRule(*row) for row in rows)
            last = rows[-1][0]

    def changes(self, since_ms: int, *, own: bool, deleted: bool) -> Iterator[StoredRule]:
        """Rules modified at or after `since_ms`, in order of modification, up to the moment of the call."""
        where = _changes_where(own, deleted)
        place, until = (max(min(since_ms, _LARGEST), 0), -1, -1), self._now_ms()
        query = f"""{SELECT} WHERE (modify_time, own_write, rule_id) > (?, ?, ?) AND modify_time <= ? {where}
                    ORDER BY modify_time, own_write, rule_id LIMIT {_PAGE}"""
        while rows := self._connection.execute(query, (*place, until)).fetchall():
            page = [StoredRule(*row) for row in rows]
            yield from page
            place = (page[-1].modify_time, page[-1].own_write, page[-1].rule_id)

    def changes_shuffled(self, since_ms: int, *, own: bool, deleted: bool) -> Iterator[StoredRule]:
        """The same rules in an order that means nothing but is the same each time."""
        where = _changes_where(own, deleted)
        query = f"SELECT rule_id FROM rules WHERE modify_time BETWEEN ? AND ? {where} ORDER BY rule_id"  # noqa: S608
        span = (max(min(since_ms, _LARGEST), 0), self._now_ms())
        ids = array("q", (row[0] for row in self._connection.execute(query, span)))
        random.Random(len(ids)).shuffle(ids)
        for rule_id in ids:
            row = self._connection.execute(f"{SELECT} WHERE rule_id = ?", (rule_id,)).fetchone()
            if row is not None:
                yield StoredRule(*row)

    def count(self) -> dict[str, Any]:
        """`rules` (living), `deleted`, and living rules `by_type`, `by_status`, `by_source`."""
        source = "(SELECT text FROM texts WHERE id = source)"
        return {
            "rules": self._living,
            "deleted": self._one("SELECT count(*) FROM rules WHERE deleted"),
            "by_type": {TYPES[code]: n for code, n in self._group("type")},
            "by_status": {STATUSES[code]: n for code, n in self._group("ifnull(status, 0)")},
            "by_source": dict(self._group(source)),
        }

    def _group(self, expression: str) -> list[tuple[Any, int]]:
        query = f"SELECT {expression}, count(*) FROM rules WHERE NOT deleted GROUP BY 1 ORDER BY 1"  # noqa: S608
        return self._connection.execute(query).fetchall()


def chunks(rules: Iterable[Any], size: int = _CHUNK) -> Iterator[list[Any]]:
    """The items in lists of `size`."""
    source = iter(rules)
    while chunk := list(islice(source, size)):
        yield chunk


def _where(conditions: Sequence[Condition]) -> tuple[str, list[object]]:
    parts = ["NOT deleted", *(condition.sql() for condition in conditions)]
    return "WHERE " + " AND ".join(parts), [value for condition in conditions for value in condition.values]


def _changes_where(own: bool, deleted: bool) -> str:
    return ("" if own else "AND NOT own_write ") + ("" if deleted else "AND NOT deleted")
