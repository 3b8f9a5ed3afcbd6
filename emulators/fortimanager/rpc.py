"""The envelope of a JSON-RPC call: read strictly, split into its parts, answered part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.fortimanager.codes import BAD_PARAMETER, Failed
from emulators.kit import Refused, Reply
from emulators.kit.strict import INTEGER, LIST, TEXT, Field, json_object

METHODS = ("get", "add", "set", "update", "delete", "exec")
ENVELOPE = {
    "id": Field((int, str), required=False, nullable=True),
    "jsonrpc": Field(TEXT, required=False, choices=("1.0", "2.0")),
    "method": Field(TEXT, choices=METHODS),
    "params": Field(LIST),
    "session": Field(TEXT, required=False, nullable=True),
    "verbose": Field(INTEGER, required=False, choices=(0, 1)),
}
PART = {
    "url": Field(TEXT),
    "data": Field((dict, list, str), required=False),
    "fields": Field(LIST, required=False),
    "filter": Field(LIST, required=False),
    "loadsub": Field(INTEGER, required=False, choices=(0, 1)),
    "expand datasrc": Field(LIST, required=False),
    "range": Field(LIST, required=False),
    "sortings": Field(LIST, required=False),
}
DATASRC = {"name": Field(TEXT), "datasrc": Field(LIST)}
DATASRC_TABLE = {"obj type": Field(TEXT), "fields": Field(LIST, required=False)}


@dataclass(frozen=True)
class Part:
    """One of the calls in an envelope. `path` are the names in its URL; a slash inside a name is written `\\/`."""

    method: str
    url: str
    path: tuple[str, ...]
    verbose: bool
    data: Any = None
    fields: tuple[str, ...] = ()
    filter: tuple[Any, ...] = ()
    range: tuple[int, ...] = ()
    sortings: tuple[Mapping[str, int], ...] = ()
    expand: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def mapping(self) -> dict[str, Any]:
        """`data` when it is an object, or a list of exactly one. Raises Failed."""
        data = self.data[0] if isinstance(self.data, list) and len(self.data) == 1 else self.data
        if not isinstance(data, dict):
            raise Failed(BAD_PARAMETER, "data must be an object")
        return data

    def names(self) -> list[str]:
        """`data` when it is a name or a list of names. Raises Failed."""
        names = [self.data] if isinstance(self.data, str) else self.data
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise Failed(BAD_PARAMETER, "data must be a list of names")
        return names


@dataclass(frozen=True)
class Envelope:
    """A whole request. `session` is empty when none was sent."""

    id: int | str | None
    session: str
    parts: tuple[Part, ...]


def envelope_from(body: object) -> Envelope:
    """The envelope of a request body. Raises Refused(400) that names what is wrong."""
    found = json_object(body, ENVELOPE)
    if not found["params"]:
        raise Refused(400, "params is empty")
    verbose = found.get("verbose") == 1
    parts = tuple(_part(item, found["method"], verbose) for item in found["params"])
    return Envelope(found.get("id"), found.get("session") or "", parts)


def _part(item: object, method: str, verbose: bool) -> Part:
    found = json_object(item, PART, "params[]")
    return Part(
        method=method,
        url=found["url"],
        path=path_of(found["url"]),
        verbose=verbose,
        data=found.get("data"),
        fields=tuple(found.get("fields", ())),
        filter=tuple(found.get("filter", ())),
        range=tuple(found.get("range", ())),
        sortings=tuple(found.get("sortings", ())),
        expand={
            json_object(entry, DATASRC, "expand datasrc[]")["name"]: {
                json_object(table, DATASRC_TABLE, "datasrc[]")["obj type"]: table.get("fields", [])
                for table in entry["datasrc"]
            }
            for entry in found.get("expand datasrc", ())
        },
    )


def path_of(url: str) -> tuple[str, ...]:
    """The names in a URL; the slash at its start and its end mean nothing."""
    names = url.replace("\\/", "\0").strip("/").split("/")
    return tuple(name.replace("\0", "/") for name in names)


def result(part: Part, data: object = None) -> dict[str, Any]:
    """The answer to one part that was carried out."""
    found = {"status": {"code": 0, "message": "OK"}, "url": part.url}
    return found if data is None else {"data": data, **found}


def refusal(url: str, code: int, message: str) -> dict[str, Any]:
    """The answer to one part that was refused."""
    return {"status": {"code": code, "message": message}, "url": url}


def reply(identity: int | str | None, results: list[dict[str, Any]], session: str = "") -> Reply:
    """The whole answer, always HTTP 200."""
    return Reply.json({"id": identity, "result": results, **({"session": session} if session else {})})
