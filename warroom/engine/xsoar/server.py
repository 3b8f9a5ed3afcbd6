"""What a script calls of its server, answered by a Cortex XSOAR server over REST."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from warroom.engine.errors import ServerError
from warroom.engine.results import NOTE, Progress, text_entry
from warroom.engine.services import Args, Call
from warroom.engine.wire import encode
from warroom.engine.xsoar.client import Client, XsoarError

SEARCH, CREATE, EDIT = "/indicators/search", "/indicator/create", "/indicator/edit"
DEFAULT_SIZE = 100
AFTER, PAGE = "after", "page"
# Arguments of setIndicator that are no custom fields.
OTHERS = frozenset({"type", "verdict", "reputation", "score", "customFields", "indicatorsValues"})
EXCLUDED = re.compile(r"exclu|whitelist", re.IGNORECASE)
NOT_MADE = "the record was not created: "
Entries = list[dict[str, Any]]


@dataclass(frozen=True)
class Change:
    """A write that was done, or that a dry run would do. `before` has the custom fields of `after`, as they were."""

    value: str
    id: str
    created: bool
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass
class XsoarServer:
    """One run of one script against one server.

    Without `write` nothing is sent that changes the server: the answer to the script is what it would be, and the
    `changes` tell what would be done.

    An edit carries the version that the script has read last, so what somebody else wrote meanwhile is a conflict and
    not lost.
    """

    client: Client
    write: bool
    on_progress: Callable[[Progress], None] | None = None
    changes: list[Change] = field(default_factory=list)
    _records: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def calls(self) -> Mapping[str, Call]:
        """The server calls."""
        return {"searchIndicators": self.search}

    def run(self, name: str, args: Args) -> Entries:
        """The entries of a war room command. Raises ServerError for one that is not offered, and when it fails."""
        commands = {"setIndicator": self.set_indicator, "createNewIndicator": self.create_indicator}
        if name not in commands:
            raise ServerError(f"!{name} is not offered over the REST API")
        return commands[name](args)

    def search(self, args: Args) -> bytes:
        """One page, in the shape that scripts know."""
        size = int(args.get("size") or DEFAULT_SIZE)
        body: dict[str, Any] = {
            "query": str(args.get("query") or ""),
            "page": 0,
            "size": size,
            "sort": [{"field": "modified", "asc": True}],
        }
        kind, *place = args.get("searchAfter") or [""]
        if kind == AFTER:
            body["searchAfter"] = place
        elif kind == PAGE:
            body["page"] = int(place[0])
        found, total = self._page(body)
        return encode({
            "iocs": [self._remember(record) for record in found] or None,
            "total": total,
            "searchAfter": next_place(found, size, body["page"]),
        })  # fmt: skip

    def count(self, query: str) -> int:
        """How many records a query finds. Raises XsoarError, or ServerError for an answer of another shape."""
        return self._page({"query": query, "page": 0, "size": 1})[1]

    def version(self) -> str:
        """What the server says of itself; "" when it does not."""
        try:
            told = self.client.call("GET", "/about")
        except XsoarError:
            return ""
        return str(told.get("demistoVersion") or "") if isinstance(told, dict) else ""

    def set_indicator(self, args: Args) -> Entries:
        """Writes custom fields of the record with this value."""
        value = str(args.get("value") or "")
        fields = {name: given for name, given in args.items() if name != "value"}
        if wrong := sorted(fields.keys() & OTHERS):
            raise ServerError(f"setIndicator: {', '.join(wrong)} is not offered over the REST API")
        record = self._record_of(value)
        own = record.get("CustomFields") or {}
        wanted = {**record, "CustomFields": {**own, **fields}}
        # Nothing is sent as null: whether the server would clear it is not known.
        sent = {name: given for name, given in wanted.items() if given is not None and name != "sortValues"}
        self._remember(self._send(EDIT, sent, wanted))
        self._note(record, fields, created=False)
        return [text_entry(NOTE, f"{value} was changed")]

    def create_indicator(self, args: Args) -> Entries:
        """Makes a record, unless there is one of this value and any type. The entry holds it, or text why not."""
        value, kind = str(args.get("value") or ""), str(args.get("type") or "")
        for record in self._named(value):
            raise ServerError(f"there is already {_described(record)}")
        body = {"indicator": {"value": value, "indicator_type": kind}}
        made = {"id": f"new:{value}", "version": 0, **body["indicator"]}
        try:
            told = self._send(CREATE, body, made, twice=False)
        except XsoarError as error:
            if not EXCLUDED.search(str(error)):
                raise
            told = str(error)
        if not isinstance(told, dict) or not told.get("id"):
            return [text_entry(NOTE, f"{NOT_MADE}{told or 'the server gave no reason'}")]
        if str(told.get("indicator_type")).casefold() != kind.casefold():
            raise ServerError(f"there is already {_described(told)}")
        self._remember(told)
        self._note(told, {}, created=True)
        return [{"Type": NOTE, "ContentsFormat": "json", "Contents": told, "HumanReadable": f"{value} was made"}]

    def _send(self, path: str, body: Mapping[str, Any], expected: Mapping[str, Any], *, twice: bool = True) -> Any:
        """The server's answer to a write; what it is expected to be, when this run must not write."""
        if not self.write:
            return {**expected, "version": int(expected.get("version") or 0) + 1}
        answer = self.client.call("POST", path, body, twice=twice)
        self._tell()
        return answer

    def _page(self, body: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
        answer = self.client.call("POST", SEARCH, body)
        self._tell()
        if not isinstance(answer, dict) or "iocObjects" not in answer:
            raise XsoarError("the answer to a search is not understood; is this the address of the API?")
        found = answer["iocObjects"] or []
        return found, int(answer.get("total") or 0)

    def _named(self, value: str) -> list[dict[str, Any]]:
        query = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        found, _ = self._page({"query": f"value:{query}", "page": 0, "size": DEFAULT_SIZE})
        return [self._remember(one) for one in found if str(one.get("value")).casefold() == value.casefold()]

    def _record_of(self, value: str) -> dict[str, Any]:
        known = [record for record in self._records.values() if record.get("value") == value] or self._named(value)
        if len(known) == 1:
            return known[0]
        told = "; ".join(map(_described, known)) or "none"
        raise ServerError(f"one record must have the value {value!r}; there is {told}")

    def _remember(self, record: Any) -> Any:
        if isinstance(record, dict) and record.get("id"):
            self._records[str(record["id"])] = record
        return record

    def _note(self, record: Mapping[str, Any], fields: Mapping[str, Any], *, created: bool) -> None:
        own = record.get("CustomFields") or {}
        before = {name: own.get(name) for name in fields}
        self.changes.append(Change(str(record["value"]), str(record.get("id") or ""), created, before, dict(fields)))

    def _tell(self) -> None:
        if self.on_progress is not None:
            self.on_progress(Progress("asking the server", self.client.requests, None, "requests"))


def next_place(found: list[dict[str, Any]], size: int, page: int) -> list[Any] | None:
    """Where the search goes on after these records; None at its end. Old servers know page numbers only."""
    if len(found) < size:
        return None
    after = found[-1].get("sortValues")
    return [AFTER, *after] if after else [PAGE, page + 1]


def _described(record: Mapping[str, Any]) -> str:
    return f"{record.get('value')} ({record.get('indicator_type')}, id {record.get('id')})"
