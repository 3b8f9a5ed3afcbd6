"""Writing: tags and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulators.kit import Call, Refused, Reply, Route
from emulators.kit.strict import LIST, TEXT, Field, json_object, text_list
from emulators.vectra.attributes import TAGGED
from emulators.vectra.lists import ID, Tenant, arguments, read_type, type_parameters
from emulators.vectra.marks import refused_tags

_NOTE_ID = "<int(max=9007199254740991):note_id>"
_BULK = {"objectIds": Field(LIST), "tag": Field(TEXT)}


class _Forms:
    """The objects that tags and notes are written to, by the forms of their paths."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def kinds(self) -> list[str]:
        """`host`, `account`, `detection`, `entity`: those whose form is offered."""
        options = self._tenant.options
        if not options.version.rux:
            return list(TAGGED)
        return ["detection", "entity"] if options.rux_forms == "entity" else [*TAGGED, "entity"]

    def query(self, kind: str) -> frozenset[str]:
        """The parameters of a form."""
        return frozenset(type_parameters(self._tenant.options) if kind == "entity" else ())

    def target(self, call: Call, kind: str) -> tuple[str, int]:
        """(kind, id) of the object that is meant. Raises Refused(404) when it does not exist."""
        if kind == "entity":
            kind = read_type(arguments(call), self._tenant.options)
        key = int(call.arguments["key"])
        if self._tenant.brain.get(kind, key) is None:
            raise Refused(404)
        call.records = 1
        return kind, key


class TagCalls:
    """Handlers of `/tagging`."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._forms = _Forms(tenant)

    def routes(self) -> list[Route]:
        """Tags of one object; on QUX one tag of many, too."""
        version = self._tenant.options.version
        routes: list[Route] = []
        for kind in self._forms.kinds():
            routes += self._routes_of(kind, f"{version.base}/tagging/{kind}", bulk=not version.rux)
        return routes

    def _routes_of(self, kind: str, path: str, *, bulk: bool) -> list[Route]:
        query = self._forms.query(kind)
        routes = [
            Route("GET", f"{path}/{ID}", lambda call: self._read(call, kind), "none", query),
            Route("PATCH", f"{path}/{ID}", lambda call: self._replace(call, kind), "json", query),
        ]
        if bulk:
            routes.append(Route("POST", path, lambda call: self._bulk(call, kind, add=True)))
            routes.append(Route("DELETE", path, lambda call: self._bulk(call, kind, add=False)))
        return routes

    def _read(self, call: Call, kind: str) -> Reply:
        return self._tags(*self._forms.target(call, kind))

    def _replace(self, call: Call, kind: str) -> Reply:
        kind, key = self._forms.target(call, kind)
        body = json_object(call.json(), {"tags": Field(LIST)})
        tags = text_list(body["tags"], "request body.tags")
        if refused := self._refused(tags):
            return refused
        self._tenant.brain.set_tags(kind, [(key, tags)])
        return self._tags(kind, key)

    def _tags(self, kind: str, key: int) -> Reply:
        tags = self._tenant.brain.tags.of(kind, [key]).get(key, [])
        return Reply.json({"status": "success", "tag_id": str(key), "tags": tags})

    def _bulk(self, call: Call, kind: str, *, add: bool) -> Reply:
        body = json_object(call.json(), _BULK)
        ids, tag = _ids(body["objectIds"]), body["tag"]
        call.records = len(ids)
        brain = self._tenant.brain
        if any(brain.get(kind, key) is None for key in ids):
            raise Refused(404)
        if add and (refused := self._refused([tag])):
            return refused
        before = brain.tags.of(kind, ids)
        kept = {key: [one for one in before.get(key, ()) if add or one != tag] for key in ids}
        brain.set_tags(kind, [(key, [*tags, tag] if add else tags) for key, tags in kept.items()])
        return Reply.json({"status": "success"})

    def _refused(self, tags: Sequence[str]) -> Reply | None:
        options = self._tenant.options
        if wrong := refused_tags(tags, options.max_tag_length):
            body = {"status": "failure", "message": "Invalid field(s) found", "invalid_tags": wrong}
            return Reply.json(body, options.tag_refusal_status)
        return None


class NoteCalls:
    """Handlers of `.../notes`."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._forms = _Forms(tenant)

    def routes(self) -> list[Route]:
        """Notes of one object: list, add, change, delete."""
        base = self._tenant.options.version.base
        routes: list[Route] = []
        for kind in self._forms.kinds():
            plural = "entities" if kind == "entity" else f"{kind}s"
            routes += self._routes_of(kind, f"{base}/{plural}/{ID}/notes")
        return routes

    def _routes_of(self, kind: str, path: str) -> list[Route]:
        query, one = self._forms.query(kind), f"{path}/{_NOTE_ID}"
        return [
            Route("GET", path, lambda call: self._list(call, kind), "none", query),
            Route("POST", path, lambda call: self._add(call, kind), "json", query),
            Route("PATCH", one, lambda call: self._edit(call, kind), "json", query),
            Route("DELETE", one, lambda call: self._remove(call, kind), "none", query),
        ]

    def _list(self, call: Call, kind: str) -> Reply:
        return Reply.json(self._tenant.brain.notes.list(*self._forms.target(call, kind)))

    def _add(self, call: Call, kind: str) -> Reply:
        kind, key = self._forms.target(call, kind)
        return Reply.json(self._tenant.brain.notes.add(kind, key, self._text(call), self._author()), 201)

    def _edit(self, call: Call, kind: str) -> Reply:
        kind, key = self._forms.target(call, kind)
        note_id = int(call.arguments["note_id"])
        note = self._tenant.brain.notes.edit(kind, key, note_id, self._text(call), self._author())
        if note is None:
            raise Refused(404)
        return Reply.json(note)

    def _remove(self, call: Call, kind: str) -> Reply:
        kind, key = self._forms.target(call, kind)
        if not self._tenant.brain.notes.remove(kind, key, int(call.arguments["note_id"])):
            raise Refused(404)
        return Reply(204)

    def _text(self, call: Call) -> str:
        text: str = json_object(call.json(), {"note": Field(TEXT)})["note"]
        longest = self._tenant.options.max_note_length
        if not text.strip():
            raise Refused(400, "note must not be empty.")
        if longest and len(text) > longest:
            raise Refused(400, f"note has {len(text)} characters; at most {longest}.")
        return text

    def _author(self) -> str:
        options = self._tenant.options
        return options.client_id if options.auth == "oauth" else "token_user"


def _ids(values: list[Any]) -> list[int]:
    if not values or not all(type(value) is int and 0 <= value < 2**53 for value in values):
        raise Refused(400, "request body.objectIds must be a list of ids, at least one.")
    return list(dict.fromkeys(values))
