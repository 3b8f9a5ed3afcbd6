"""The calls: search, create and edit indicators, and what the server says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from emulators.kit import Call, Refused, Reply, Route
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, OBJECT, TEXT, Field, json_object
from emulators.xsoar.options import XsoarOptions
from emulators.xsoar.queries import matcher
from emulators.xsoar.records import checked
from emulators.xsoar.state import XsoarState, sort_values

VERSIONS = {"6": ("6.14.0", "3600000"), "8": ("8.9.0", "4100000")}
_DEFAULT_SIZE, _LARGEST_SIZE, _WINDOW = 50, 1000, 10_000
_SEARCH = {
    "query": Field(TEXT, required=False),
    "page": Field(INTEGER, required=False),
    "size": Field(INTEGER, required=False),
    "sort": Field(LIST, required=False, nullable=True),
    "searchAfter": Field(LIST, required=False, nullable=True),
    "fromDate": Field(TEXT, required=False),
    "toDate": Field(TEXT, required=False),
}
_CREATE = {
    "indicator": Field(OBJECT),
    "entryId": Field(TEXT, required=False),
    "investigationId": Field(TEXT, required=False),
    "seenNow": Field(BOOLEAN, required=False),
}
_SORT = {"field": Field(TEXT, choices=("modified",)), "asc": Field(BOOLEAN, choices=(True,))}
_EDIT_NEEDS = ("id", "version")


class Server(Protocol):
    """What the calls need of the emulator."""

    options: XsoarOptions
    state: XsoarState


class IndicatorCalls:
    """Handlers; the emulator calls them one at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[Route]:
        """All calls, below each prefix that the server serves."""
        return [
            Route(method, prefix + path, handler, body)
            for prefix in self._server.options.prefixes
            for method, path, handler, body in (
                ("GET", "/about", self.about, "none"),
                ("POST", "/indicators/search", self.search, "json"),
                ("POST", "/indicator/create", self.create, "json"),
                ("POST", "/indicator/edit", self.edit, "json"),
            )
        ]

    def about(self, call: Call) -> Reply:
        """Version and build."""
        version, build = VERSIONS[self._server.options.generation]
        return Reply.json({"demistoVersion": version, "buildNum": build, "productName": "Cortex XSOAR"})

    def search(self, call: Call) -> Reply:
        """One page of records; `iocObjects` is null when it is empty."""
        self._allow("read", "write")
        given = json_object(call.json(), _SEARCH)
        for rule in given.get("sort") or []:
            json_object(rule, _SORT, "sort")
        for name in ("fromDate", "toDate"):
            if given.get(name):
                raise Refused(400, f"{name} is not modelled")
        options = self._server.options
        test = matcher(given.get("query", ""), part_words=options.part_words == "on")
        found = sorted(filter(test, self._server.state.known()), key=sort_values)
        page = list(self._page(found, given))
        call.records = len(page)
        return Reply.json({"iocObjects": page or None, "total": len(found)})

    def _page(self, found: list[dict[str, Any]], given: dict[str, Any]) -> Iterator[dict[str, Any]]:
        size, number = given.get("size") or _DEFAULT_SIZE, given.get("page", 0)
        if not 0 < size <= _LARGEST_SIZE or number < 0:
            raise Refused(400, f"size {size}, page {number}: out of range")
        by_place = self._server.options.paging == "after"
        if by_place and given.get("searchAfter"):
            found = [one for one in found if sort_values(one) > given["searchAfter"]]
            number = 0
        if by_place and (number + 1) * size > _WINDOW:
            raise Refused(400, f"the result window is larger than {_WINDOW}: use searchAfter")
        for record in found[number * size : (number + 1) * size]:
            yield {**record, "sortValues": sort_values(record) if by_place else None}

    def create(self, call: Call) -> Reply:
        """The new record; the one that is there already; or what stands for an excluded value."""
        self._allow("write")
        given = checked(json_object(call.json(), _CREATE)["indicator"], "indicator")
        options, state = self._server.options, self._server.state
        call.records = 1
        if state.is_excluded(given["value"]):
            if options.excluded == "refused":
                raise Refused(400, f"{given['value']} is on the exclusion list")
            return Reply.json(_NOT_CREATED if options.excluded == "text" else None)
        existing = state.with_value(given["value"])
        if existing is None:
            return Reply.json(state.make(given))
        if options.existing == "refused":
            raise Refused(400, f"indicator {given['value']} exists already")
        return Reply.json(existing)

    def edit(self, call: Call) -> Reply:
        """The record after the edit. It must carry the latest version, or -1."""
        self._allow("write")
        given = checked(call.json(), "indicator")
        for name in _EDIT_NEEDS:
            if name not in given:
                raise Refused(400, f"indicator lacks the field '{name}'")
        call.records = 1
        return Reply.json(self._server.state.change(given, keep=self._server.options.left_out == "kept"))

    def _allow(self, *roles: str) -> None:
        if self._server.options.role not in roles:
            raise Refused(403, "the role of this key does not allow it")


_NOT_CREATED = "New indicator was not created: it is on the exclusion list"
