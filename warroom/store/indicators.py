"""The indicators of a store: taking in, finding, editing."""

# ruff: noqa: S608 - only names of tables and columns are written into statements, every value is bound.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from warroom.core.dates import as_micros, from_micros, span
from warroom.core.edits import edit
from warroom.core.indicators import Document, Rules, Source, end_source, identity, now_micros, with_line
from warroom.core.query import parse
from warroom.core.query_match import date_of
from warroom.core.query_tree import AnyOf, Dates, Node, both
from warroom.store.database import Database
from warroom.store.errors import StoreError
from warroom.store.filters import Predicate, Side, condition
from warroom.store.intake import ApplyResult, Intake, Ledger, load, save
from warroom.store.rows import current, project
from warroom.store.walk import Order, order

ITERATE_PAGE = 2_000
COUNTS_KEPT = 32
TYPE_MINUTES = "indicator_type_expiration_minutes"


@dataclass(frozen=True)
class Page:
    """A part of an answer. `iocs` are JSON documents, `total` counts all that fit the query, `search_after` is the
    place for the next page (None when `iocs` is empty)."""

    iocs: list[bytes]
    total: int
    search_after: list[Any] | None


@dataclass(frozen=True)
class Exclusion:
    """A value that feeds may not bring in. `created` is ISO UTC."""

    value: str
    reason: str
    created: str


@dataclass(frozen=True)
class _Count:
    """A total, good for one state of the data and until the next indicator expires."""

    version: int
    valid_from: int
    valid_until: int
    total: int


class Indicators:
    """All methods may be called by several threads and processes at once."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._predicates: tuple[Predicate, ...] = ()
        self._counts: dict[tuple[Any, ...], _Count] = {}
        database.function("document_match", 2, self._document_match)

    # --- taking in ---

    def apply(self, batch: Sequence[Mapping[str, Any]], source: Source) -> ApplyResult:
        """Merges feed items in one transaction.

        An item is `{"value", "type", "rawJSON"?, "fields"?, "score"?, "relationships"?, "service"?}`.
        Idempotent: what the source said before counts as unchanged. A bad item is refused, the rest is taken.
        """
        with self._database.atomic():
            return Intake(self._database, source, self._now(), self._rules()).take(batch)

    def end_listing(self, source: Source, started: float) -> int:
        """Ends a full fetch of a "suddenDeath" source: what it listed before `started` (seconds) but not since,
        expires for this source. Returns how many indicators changed; a second call changes nothing."""
        gone = "select seq from listings where instance_id = ? and seen < ?"
        limits = (source.instance_id, now_micros(started))
        with self._database.atomic():
            seqs = [seq for (seq,) in self._database.rows(gone, limits)]
            changed = sum(self._end(seq, source.instance_id) for seq in seqs)
            self._database.run("delete from listings where instance_id = ? and seen < ?", limits)
        return changed

    def _end(self, seq: int, instance_id: str) -> bool:
        found = self._database.row("select doc from indicators where seq = ?", (seq,))
        if found is None:
            return False
        merged = end_source(orjson.loads(found[0]), instance_id, self._now())
        if merged.changed:
            save(self._database, seq, merged.doc, self._now())
        return merged.changed

    def edit(self, value: str, changes: Mapping[str, Any], *, user: str = "") -> Document:
        """A person's edit (see `warroom.core.edits.edit`); returns the document. Raises ValueError for an unknown
        indicator, field or content, and then changes nothing."""
        with self._database.atomic():
            seq, doc = self._found(value)
            merged = edit(doc, changes, self._now(), user)
            if not merged.changed:
                return self._as_now(merged.doc)
            self.register_fields(merged.doc["CustomFields"])
            return self._as_now(save(self._database, seq, merged.doc, self._now()))

    def tell(self, lines: Sequence[Mapping[str, Any]], who: str) -> int:
        """Adds lines to the time lines of indicators, `{"Value", "Category"?, "Message"}` as an entry of the server has
        them. Unknown indicators are passed over. Returns how many lines were added."""
        added = 0
        with self._database.atomic():
            for line in lines:
                with suppress(StoreError):
                    seq, doc = self._found(str(line.get("Value") or ""))
                    content = ": ".join(str(line[name]) for name in ("Category", "Message") if line.get(name))
                    comments = with_line(doc.get("comments") or [], content, who, self._now())
                    save(self._database, seq, {**doc, "comments": comments}, self._now())
                    added += 1
        return added

    def link(self, value: str, investigation_id: str) -> Document:
        """Notes that the indicator belongs to an incident; returns the document. Idempotent.

        Raises StoreError for an unknown indicator.
        """
        with self._database.atomic():
            seq, doc = self._found(value)
            known = doc.get("investigationIDs") or []
            if investigation_id in known:
                return self._as_now(doc)
            return self._as_now(
                save(self._database, seq, {**doc, "investigationIDs": [*known, investigation_id]}, self._now())
            )

    def delete(self, value: str, *, exclude: bool = False, reason: str = "deleted and excluded") -> bool:
        """Removes the indicator, and with `exclude` puts it on the exclusion list. False when there was none."""
        with self._database.atomic():
            if exclude:
                self.exclude(value, reason)
            found = self._database.row("select seq from indicators where key = ?", (identity(value),))
            if found is None:
                return False
            for table in ("indicators", "indicator_raw", "listings"):
                self._database.run(f"delete from {table} where seq = ?", found)
            Ledger(self._database, self._now()).close()
            return True

    def exclude(self, value: str, reason: str = "") -> None:
        """Feeds can no longer bring the value in; an indicator that is there stays. Idempotent."""
        row = (identity(value), value.strip(), reason, from_micros(self._now()))
        self._database.run("insert or replace into exclusions values (?, ?, ?, ?)", row)

    def include(self, value: str) -> bool:
        """Takes the value off the exclusion list; False when it was not on it."""
        return self._database.run("delete from exclusions where key = ?", (identity(value),)) > 0

    def exclusions(self) -> list[Exclusion]:
        """The exclusion list, by value."""
        rows = self._database.rows("select value, reason, created from exclusions order by key")
        return [Exclusion(*row) for row in rows]

    # --- finding ---

    def get(self, value: str) -> Document | None:
        """The document of one value, None when there is none."""
        found = load(self._database, [identity(value)])
        return self._as_now(next(iter(found.values()))[1]) if found else None

    def raw(self, value: str) -> dict[str, Any]:
        """What each source (by instance id) gave as `rawJSON` when it last changed the indicator."""
        statement = "select instance_id, raw from indicator_raw join indicators using (seq) where key = ?"
        return {name: orjson.loads(raw) for name, raw in self._database.rows(statement, (identity(value),))}

    def count(self, query: str = "") -> int:
        """How many indicators fit. Raises QueryError."""
        with self._database.snapshot():
            now = self._now()
            return self._total(self._parse(query, now), now)

    def iterate(self, query: str = "", *, populate_fields: Sequence[str] | None = None) -> Iterator[Document]:
        """All that fit, oldest change first, in flat memory. A change during the walk may bring an indicator again."""
        place: list[Any] | None = None
        now = self._now()
        node, walk = self._parse(query, now), order([("modified", True)])
        while True:
            rows = self._rows(node, self._now(), walk, ITERATE_PAGE, 0, place)
            for _, expiration, doc, *_ in rows:
                whole = current(doc, expiration, self._now())
                yield orjson.loads(project(whole, populate_fields) if populate_fields else whole)
            if len(rows) < ITERATE_PAGE:
                return
            place = list(rows[-1][3:])

    def search(
        self,
        query: str = "",
        *,
        size: int = 100,
        page: int = 0,
        search_after: Sequence[Any] | None = None,
        sort: Sequence[tuple[str, bool]] | None = None,
        populate_fields: Sequence[str] | None = None,
        from_date: str | datetime | None = None,
        to_date: str | datetime | None = None,
        value: str | None = None,
    ) -> Page:
        """One page. `sort` is (field, ascending) pairs, by id without; `search_after` continues behind a page and makes
        `page` meaningless; the dates bound `modified`, both included; with `value` the query is ignored.

        Raises QueryError, and ValueError for a bad size, page, sort, date or search_after.
        """
        if size < 0 or page < 0:
            raise ValueError(f"size {size}, page {page}: both start at 0")
        walk = order(sort)
        with self._database.snapshot():
            now = self._now()
            node = self._wanted(query, value, _dated(from_date, to_date, now), now)
            total = self._total(node, now)
            skip = 0 if search_after else size * page
            rows = self._rows(node, now, walk, size, skip, search_after)
        docs = [current(doc, expiration, now) for _, expiration, doc, *_ in rows]
        if populate_fields:
            docs = [project(doc, populate_fields) for doc in docs]
        return Page(docs, total, walk.place(rows[-1][3:]) if rows else None)

    def register_fields(self, names: Iterable[str]) -> None:
        """Makes custom field names known to queries before any indicator has them. Idempotent."""
        statement = "insert or ignore into custom_fields values (?)"
        with self._database.atomic():
            self._database.run_many(statement, [(name,) for name in names])

    # --- inside ---

    def _now(self) -> int:
        return now_micros(self._clock())

    def _rules(self) -> Rules:
        found = self._database.row("select content from settings where name = ?", (TYPE_MINUTES,))
        minutes = orjson.loads(found[0]) if found else {}
        return Rules({str(name).lower(): int(minutes[name]) for name in minutes})

    def _found(self, value: str) -> tuple[int, Document]:
        found = load(self._database, [identity(value)])
        if not found:
            raise StoreError(f"there is no indicator {value!r}")
        return next(iter(found.values()))

    def _as_now(self, doc: Document) -> Document:
        active = date_of(doc, "expiration") > self._now()
        return {**doc, "expirationStatus": "active" if active else "expired"}

    def _parse(self, query: str, now: int) -> Node:
        names = [name for (name,) in self._database.rows("select name from custom_fields")]
        return parse(query, now=now, known_fields=names)

    def _wanted(self, query: str, value: str | None, dates: Node | None, now: int) -> Node:
        if value:
            return AnyOf("value", frozenset({value}))
        node = self._parse(query, now)
        return node if dates is None else both([node, dates])

    def _rows(
        self, node: Node, now: int, walk: Order, size: int, skip: int, place: Sequence[Any] | None
    ) -> list[tuple[Any, ...]]:
        overtaken: Side | None = ("low" if walk.ascending else "high") if place and walk.by_modified else None
        wanted = condition(node, now, overtaken)
        where, values = wanted.sql, list(wanted.values)
        if place:
            beyond, more = walk.after(place)
            where, values = f"{where} and {beyond}", [*values, *more]
        forced = " indexed by indicators_modified" if walk.by_modified and not wanted.by_key else ""
        columns = ", ".join(column for column, _ in walk.columns)
        sql = (
            f"select seq, expiration, doc, {columns} from indicators{forced} where {where}"
            f" order by {walk.sql(indexed=not wanted.by_key)} limit ? offset ?"
        )
        return self._with_predicates(wanted.predicates, sql, [*values, size, skip])

    def _with_predicates(self, predicates: tuple[Predicate, ...], sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
        with self._database.snapshot():
            self._predicates = predicates
            return self._database.rows(sql, values)

    def _document_match(self, index: int, doc: bytes) -> bool:
        return self._predicates[index](orjson.loads(doc))

    def _total(self, node: Node, now: int) -> int:
        wanted = condition(node, now)
        key = (wanted.sql, node)
        found = self._database.row("select number from counters where name = 'indicator_version'")
        version = found[0] if found else 0
        known = self._counts.get(key)
        if known and known.version == version and known.valid_from <= now < known.valid_until:
            return known.total
        sql = f"select count(*) from indicators where {wanted.sql}"
        total = int(self._with_predicates(wanted.predicates, sql, list(wanted.values))[0][0])
        self._counts.pop(key, None)
        while len(self._counts) >= COUNTS_KEPT:
            self._counts.pop(next(iter(self._counts)))
        self._counts[key] = _Count(version, now, self._next_expiration(now), total)
        return total

    def _next_expiration(self, now: int) -> int:
        found = self._database.row("select min(expiration) from indicators where expiration > ?", (now,))
        return found[0] if found and found[0] is not None else 2**63


def _dated(from_date: str | datetime | None, to_date: str | datetime | None, now: int) -> Node | None:
    low, high = _point("from_date", from_date, now), _point("to_date", to_date, now)
    if low is None and high is None:
        return None
    return Dates("modified", None if low is None else low[0], None if high is None else high[1])


def _point(name: str, given: str | datetime | None, now: int) -> tuple[int, int] | None:
    if not given:
        return None
    if isinstance(given, datetime):
        return as_micros(given), as_micros(given) + 1
    found = span(given, now)
    if found is None:
        raise ValueError(f"{name} {given!r} is not a date such as 2024-01-31T10:00:00Z")
    return found
