"""Reading: lists and single objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import urlencode

from emulators.kit import Call, Refused, Reply, Route
from emulators.vectra import queries as q
from emulators.vectra.attributes import ENTITY_TYPES, GROUP_TYPES
from emulators.vectra.brain import Brain
from emulators.vectra.objects import Around, View, group_item
from emulators.vectra.options import VectraOptions
from emulators.vectra.queries import ListQuery
from emulators.vectra.resources import Resource, accounts, detections, entities, hosts
from emulators.vectra.tables import Document

# Larger numbers are no ids, and SQLite does not take them.
ID = "<int(max=9007199254740991):key>"
_MOST_EVENTS = 1_000
_DEFAULT_EVENTS = 500
_EVENT_PARAMETERS = frozenset({"type", "from", "limit", "include_score_decreases"})


class Tenant(Protocol):
    """Where the calls find what they work on."""

    @property
    def brain(self) -> Brain: ...

    @property
    def options(self) -> VectraOptions: ...


class ListCalls:
    """Handlers of the calls that read hosts, accounts, detections, entities, scoring events and lockdowns."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """All reading calls of the offered version but those of groups."""
        options, base = self._tenant.options, self._tenant.options.version.base
        lists = [hosts(options), accounts(options), detections(options)]
        routes = [Route("GET", f"{base}/lockdown", self._lockdown, "none", frozenset({"type"}))]
        if options.version.rux:
            lists.append(entities(options))
            routes.append(Route("GET", f"{base}/events/entity_scoring", self._events, "none", _EVENT_PARAMETERS))
        for resource in lists:
            routes += self._routes_of(resource, f"{base}/{resource.name}")
        return routes

    def _routes_of(self, resource: Resource, path: str) -> list[Route]:
        # What one item may be asked for beside its fields.
        more = {
            "hosts": {"include_ldap", "include_external"},
            "entities": type_parameters(self._tenant.options),
        }.get(resource.name, set())
        return [
            Route("GET", path, lambda call: self._list(call, resource), "none", resource.parameters),
            Route("GET", f"{path}/{ID}", lambda call: self._one(call, resource), "none", resource.trims | more),
        ]

    def _list(self, call: Call, resource: Resource) -> Reply:
        query = resource.read(arguments(call))
        table = self._tenant.brain.table(resource.kind)
        total = table.count(query.where, query.values)
        offset = check_page(query.page, query.page_size, total)
        found = list(table.find(query.where, query.values, query.order, query.page_size, offset))
        items = self._items(call, resource, found, query)
        return envelope(call, items, total, query.page, query.page_size)

    def _one(self, call: Call, resource: Resource) -> Reply:
        values = arguments(call)
        kind = resource.kind or read_type(values, self._tenant.options)
        document = self._tenant.brain.get(kind, call.arguments["key"])
        if document is None:
            raise Refused(404)
        asked = {
            name: document[name]
            for name in ("ldap", "external")
            if q.boolean(f"include_{name}", values.get(f"include_{name}", "false"))
        }
        query = ListQuery((), 1, 1, "", *resource.read_fields(values))
        (item,) = self._items(call, resource, [document], query)
        return Reply.json({**item, **asked})

    def _items(
        self, call: Call, resource: Resource, found: Sequence[Document], query: ListQuery
    ) -> list[dict[str, Any]]:
        call.records = len(found)
        view = make_view(call, self._tenant.options)
        around = {
            kind: self._around(kind, found, query) for kind in ([resource.kind] if resource.kind else ENTITY_TYPES)
        }
        items = [resource.item(document, around[document.get("type", "detection")], view) for document in found]
        if query.fields is None and not query.excluded:
            return items
        shown = [name for name in (query.fields or resource.fields) if query.wants(name)]
        return [{name: item[name] for name in shown if name in item} for item in items]

    def _around(self, kind: str, found: Sequence[Document], query: ListQuery) -> Around:
        """What hangs on the objects of one kind; only what will be shown is looked up."""
        brain = self._tenant.brain
        ids = [document["id"] for document in found if document.get("type", kind) == kind]
        tags = brain.tags.of(kind, ids) if query.wants("tags") else {}
        around = Around(tags=tags, notes=brain.notes.latest(kind, ids) if query.wants("note") else {})
        if kind == "detection":
            return self._around_detections(around, found, query)
        members = ids if kind == "host" else [document["uid"] for document in found if document["type"] == kind]
        return replace(
            around,
            groups=brain.members.holding(kind, members) if query.wants("groups") else {},
            detections=brain.detection_ids(kind, ids) if query.wants("detection_set") else {},
        )

    def _around_detections(self, around: Around, found: Sequence[Document], query: ListQuery) -> Around:
        brain = self._tenant.brain
        sources = {
            kind: brain.by_id(kind, (one["src_id"] for one in found if one["src_type"] == kind))
            for kind in ENTITY_TYPES
            if query.wants(f"src_{kind}")
        }
        in_hosts = sources.get("host", {})
        groups = brain.members.holding("host", in_hosts)
        return replace(around, hosts=in_hosts, accounts=sources.get("account", {}), groups=groups)

    def _events(self, call: Call) -> Reply:
        values = arguments(call)
        limit = q.whole("limit", values.get("limit", str(_DEFAULT_EVENTS)))
        if not 1 <= limit <= _MOST_EVENTS:
            raise Refused(422, f"limit is {limit}; it must lie between 1 and {_MOST_EVENTS}.")
        start = q.whole("from", values.get("from", "1"))
        decreases = q.boolean("include_score_decreases", values.get("include_score_decreases", "false"))
        reply = self._tenant.brain.events.read(_type_or_none(values), max(start, 1), limit, decreases=decreases)
        call.records = len(reply["events"])
        return Reply.json(reply)

    def _lockdown(self, call: Call) -> Reply:
        locks = self._tenant.brain.lockdowns.list(_type_or_none(arguments(call)))
        call.records = len(locks)
        return Reply.json(locks)


class GroupCalls:
    """Handlers of the calls that read groups."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """Groups, all or one."""
        version = self._tenant.options.version
        one = frozenset({"include_members"} if version.since("3.4") else ())
        names = one | {"type", "name", "host_ids", "account_names"} | q.PAGING
        if version.since("3.4"):
            names |= {"is_regex", "is_membership_evaluation_ongoing"}
        return [
            Route("GET", f"{version.base}/groups", self._list, "none", names),
            Route("GET", f"{version.base}/groups/{ID}", self._one, "none", one),
        ]

    def _list(self, call: Call) -> Reply:
        values = arguments(call)
        page, size = q.read_page(values)
        conditions = [_GROUP_READERS[name](name, text) for name, text in values.items() if name in _GROUP_READERS]
        query = ListQuery(tuple(conditions), page, size, "id", None, frozenset())
        table, bare = self._tenant.brain.groups, self._bare
        total = table.count(query.where, query.values)
        limit, offset = (-1, 0) if bare else (size, check_page(page, size, total))
        items = self._items(call, list(table.find(query.where, query.values, "id", limit, offset)), values)
        return Reply.json(items) if bare else envelope(call, items, total, page, size)

    @property
    def _bare(self) -> bool:
        return self._tenant.options.version.rux and self._tenant.options.groups_reply == "bare"

    def _one(self, call: Call) -> Reply:
        group = self._tenant.brain.groups.get(call.arguments["key"])
        if group is None:
            raise Refused(404)
        return Reply.json(self._items(call, [group], arguments(call))[0])

    def _items(self, call: Call, groups: Sequence[Document], values: Mapping[str, str]) -> list[dict[str, Any]]:
        call.records = len(groups)
        view = make_view(call, self._tenant.options)
        if not self._with_members(values):
            return [group_item(group, None, {}, view) for group in groups]
        brain = self._tenant.brain
        members = brain.members.of(group["id"] for group in groups)
        ids = (member for group in groups if group["type"] == "host" for member in members.get(group["id"], ()))
        in_hosts = brain.by_id("host", (int(key) for key in ids))
        return [group_item(group, members.get(group["id"], ()), in_hosts, view) for group in groups]

    def _with_members(self, values: Mapping[str, str]) -> bool:
        asked = self._tenant.options.version.since("3.4") and self._tenant.options.group_members == "asked"
        return q.boolean("include_members", values.get("include_members", "false" if asked else "true"))


def _holding(kind: str, values: Iterable[object]) -> q.Condition:
    listed = list(values)
    holes = ", ".join("?" * len(listed))
    return q.Condition(
        f"type = '{kind}' AND id IN (SELECT group_id FROM members WHERE member IN ({holes}))",  # noqa: S608
        tuple(listed),
    )


_GROUP_READERS: dict[str, q.Reader] = {
    "type": q.same("type", GROUP_TYPES),
    "name": q.contains("name"),
    "is_regex": q.flag("is_regex"),
    "is_membership_evaluation_ongoing": q.flag("is_membership_evaluation_ongoing"),
    "host_ids": lambda name, text: _holding("host", [q.whole(name, part) for part in q.comma_list(name, text)]),
    "account_names": lambda name, text: _holding("account", q.comma_list(name, text)),
}


def arguments(call: Call) -> dict[str, str]:
    """The query string by name. Raises Refused(422) for a name given twice."""
    return q.single_values(list(call.request.args.items(multi=True)))


def make_view(call: Call, options: VectraOptions) -> View:
    """How this request sees objects; URLs go back to where it came in."""
    root = call.request.host_url.rstrip("/") + options.version.base
    return View(options.version, root, options.account_uid == "show", options.account_directory == "flat")


def type_parameters(options: VectraOptions) -> set[str]:
    """The names of the parameter that tells a host from an account."""
    return {"type", "entity_type"} if options.version.old_names else {"type"}


def read_type(values: Mapping[str, str], options: VectraOptions) -> str:
    """`host` or `account` from the query string. Raises Refused(422) when it does not say."""
    given = {values[name] for name in type_parameters(options) if name in values}
    if len(given) != 1:
        raise Refused(422, "type must be given once: host or account.")
    return q.choice("type", given.pop(), ENTITY_TYPES)


def _type_or_none(values: Mapping[str, str]) -> str | None:
    return q.choice("type", values["type"], ENTITY_TYPES) if "type" in values else None


def check_page(page: int, size: int, total: int) -> int:
    """Where the page begins. Raises Refused(404) past the end; the first page is there even when it is empty."""
    offset = (page - 1) * size
    if page > 1 and offset >= total:
        raise q.invalid_page()
    return offset


def envelope(call: Call, items: Sequence[object], total: int, page: int, size: int) -> Reply:
    """`{"count", "next", "previous", "results"}`, with absolute URLs of the pages beside this one."""

    def url(number: int) -> str:
        query = {**arguments(call), "page": str(number)}
        return f"{call.request.base_url}?{urlencode(query)}"

    return Reply.json(
        {
            "count": total,
            "next": url(page + 1) if page * size < total else None,
            "previous": url(page - 1) if page > 1 else None,
            "results": items,
        }
    )
