"""The server's side of a run: answers the calls that content makes while it runs.

A group of calls is an object whose `calls` map the names of server calls to methods; each takes the arguments and
gives the answer as JSON bytes. What they refuse is raised as ValueError and reaches the content as such.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from warroom.core.indicators import Source
from warroom.engine.errors import ServerError
from warroom.engine.investigation import Investigation
from warroom.engine.results import Progress
from warroom.engine.wire import encode
from warroom.store import Store

Args = Mapping[str, Any]
Call = Callable[[Args], bytes]
NULL = b"null"
REFUSED_SHOWN = 20


class Group(Protocol):
    """Some server calls that belong together."""

    @property
    def calls(self) -> Mapping[str, Call]:
        """The calls by name."""


@dataclass
class Services:
    """All calls that one run may make; `war_room(name, args)` runs what is not a server call, for scripts only."""

    calls: dict[str, Call]
    war_room: Callable[[str, Args], list[dict[str, Any]]] | None = None

    @classmethod
    def of(cls, *groups: Group, war_room: Callable[[str, Args], list[dict[str, Any]]] | None = None) -> Services:
        """The calls of all groups."""
        return cls({name: call for group in groups for name, call in group.calls.items()}, war_room)

    def answer(self, name: str, args: Args) -> bytes:
        """The reply to one call as a protocol line's content; a refusal is a reply too."""
        call = self.calls.get(name)
        try:
            if call is not None:
                result = call(args)
            elif self.war_room is not None:
                result = encode(self.war_room(name, args))
            else:
                raise ServerError(f"{name} is not offered by this host")
            return b'{"ok":true,"result":' + result + b"}"
        except ValueError as error:
            return encode({"ok": False, "error": str(error)})
        except (KeyError, TypeError, AttributeError) as error:
            return encode({"ok": False, "error": f"{name}: the arguments are not understood: {error!r}"})
        except sqlite3.Error as error:
            return encode({"ok": False, "error": f"the store failed: {error}"})


@dataclass
class ContextCalls:
    """Integration context, and the last run of the fetch flow.

    A context write is stored at once. Last runs are read from the store only in a fetch, and kept in
    `pending_last_runs` until the caller stores them at a good end. `moved` is the last progress that the run reported,
    None when it reported none.
    """

    store: Store
    instance_id: str
    fetching: bool
    testing: bool
    on_progress: Callable[[Progress], None] | None = None
    pending_last_runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    moved: Progress | None = None

    @property
    def calls(self) -> Mapping[str, Call]:
        """Context and last-run calls, mirror and assets kinds included."""
        calls: dict[str, Call] = {
            "getIntegrationContext": self.read,
            "setIntegrationContext": self.write,
            "getIntegrationContextVersioned": self.read_versioned,
        }
        for kind, name in (("fetch", "LastRun"), ("mirror", "LastMirrorRun"), ("assets", "AssetsLastRun")):
            calls[f"get{name}"] = self._reader(kind)
            calls[f"set{name}"] = self._writer(kind)
        return calls

    def read(self, args: Args) -> bytes:
        """The context; empty in a test, where the server has none."""
        return encode({} if self.testing else self.store.contexts.read(self.instance_id).context)

    def read_versioned(self, args: Args) -> bytes:
        """The context and its version."""
        found = self.store.contexts.read(self.instance_id)
        context = {} if self.testing else found.context
        return encode({"context": context, "version": found.version})

    def write(self, args: Args) -> bytes:
        """Replaces the context; with a version other than -1 only when it is still the stored one."""
        if self.testing:
            raise ServerError("the integration context cannot be set in test-module")
        value = args.get("value")
        if not isinstance(value, dict):
            raise ServerError("the integration context must be an object")
        version = args.get("version")
        before = self.store.contexts.read(self.instance_id).context.get("progress")
        self.store.contexts.write(self.instance_id, value, version=-1 if version is None else version)
        if value.get("progress") != before:
            self._tell_progress(value.get("progress"))
        return NULL

    def _reader(self, kind: str) -> Call:
        def read(args: Args) -> bytes:
            if kind in self.pending_last_runs:
                return encode(self.pending_last_runs[kind])
            return encode(self.store.last_runs.read(self.instance_id, kind=kind) if self.fetching else {})

        return read

    def _writer(self, kind: str) -> Call:
        def write(args: Args) -> bytes:
            value = args.get("value")
            if not isinstance(value, dict):
                raise ServerError("the last run must be an object")
            self.pending_last_runs[kind] = value
            return NULL

        return write

    def _tell_progress(self, text: Any) -> None:
        if (progress := parse_progress(text)) is None:
            return
        self.moved = progress
        if self.on_progress is not None:
            self.on_progress(progress)


@dataclass
class IndicatorCalls:
    """Indicators: search answers are joined from stored bytes, created ones are stored under the instance's source."""

    store: Store
    source: Source
    on_progress: Callable[[Progress], None] | None = None
    created: int = 0
    changed: int = 0
    taken: int = 0
    excluded: int = 0
    refused: list[str] = field(default_factory=list)
    refused_count: int = 0

    @property
    def calls(self) -> Mapping[str, Call]:
        """Search and creation."""
        return {
            "searchIndicators": self.search,
            "createIndicators": self.create,
            "searchRelationships": self.relationships,
        }

    def search(self, args: Args) -> bytes:
        """One page; `iocs` is null when it is empty, as on the server."""
        page = self.store.indicators.search(
            args.get("query") or "",
            size=int(args.get("size") or 100),
            page=int(args.get("page") or 0),
            search_after=args.get("searchAfter") or None,
            sort=[(rule["field"], bool(rule.get("asc", True))) for rule in args.get("sort") or ()] or None,
            populate_fields=_names(args.get("populateFields")),
            from_date=args.get("fromDate") or None,
            to_date=args.get("toDate") or None,
            value=args.get("value") or None,
        )
        iocs = b"[" + b",".join(page.iocs) + b"]" if page.iocs else NULL
        tail = encode({"total": page.total, "searchAfter": page.search_after})
        return b'{"iocs":' + iocs + b"," + tail[1:]

    def create(self, args: Args) -> bytes:
        """Stores a batch; items that cannot be stored are counted and kept as warnings, the rest is taken."""
        batch = args.get("indicators") or []
        if not isinstance(batch, list):
            raise ServerError("createIndicators takes a list of indicators")
        if args.get("noUpdate") or not batch:
            return NULL
        result = self.store.indicators.apply(batch, self.source)
        self.created += result.created
        self.changed += result.created + result.updated
        self.taken += result.created + result.updated + result.unchanged
        self.excluded += result.excluded
        self.refused_count += len(result.refused)
        room = REFUSED_SHOWN - len(self.refused)
        self.refused.extend(f"{refusal.value}: {refusal.reason}" for refusal in result.refused[: max(room, 0)])
        if self.on_progress is not None:
            self.on_progress(Progress("indicators", self.taken, None, "indicators"))
        return NULL

    def relationships(self, args: Args) -> bytes:
        """Relationships with one of `entities` at either end; `total` counts those of the page."""
        entities = [str(item) for item in args.get("entities") or ()]
        size, page = int(args.get("size") or 100), int(args.get("page") or 0)
        data = self.store.relationships.search(entities, size=size, page=page)
        return encode({"total": len(data), "data": data})

    def warning(self) -> str | None:
        """What the run should say about indicators it handed over in vain; None when all were taken."""
        if not self.refused_count:
            return None
        more = self.refused_count - len(self.refused)
        lines = [f"{self.refused_count} indicators were refused:", *self.refused]
        return "\n".join([*lines, f"and {more} more"] if more else lines)


@dataclass
class InvestigationCalls:
    """What a script changes in the context of the incident that a playbook works on."""

    investigation: Investigation

    @property
    def calls(self) -> Mapping[str, Call]:
        """setContext."""
        return {"setContext": self.set_context}

    def set_context(self, args: Args) -> bytes:
        """Replaces the value at a path."""
        self.investigation.set(str(args.get("name") or ""), args.get("value"))
        return NULL


@dataclass
class ProgressFilter:
    """Passes progress on: once the content reports its own, counted calls no longer show."""

    target: Callable[[Progress], None]
    own: bool = False

    def from_content(self, progress: Progress) -> None:
        """Progress that the content wrote into its context."""
        self.own = True
        self.target(progress)

    def from_calls(self, progress: Progress) -> None:
        """Progress counted from server calls."""
        if not self.own:
            self.target(progress)


def parse_progress(text: Any) -> Progress | None:
    """Progress from its JSON text `{"label", "done", "total", "unit"}`; None when it is not such a text."""
    try:
        data = orjson.loads(text) if isinstance(text, (str, bytes)) else None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("done"), int):
        return None
    total = data.get("total")
    known = total if isinstance(total, int) else None
    return Progress(str(data.get("label", "")), data["done"], known, str(data.get("unit", "")))


def _names(text: Any) -> list[str] | None:
    parts = text.split(",") if isinstance(text, str) else text or []
    return [str(part).strip() for part in parts if str(part).strip()] or None
