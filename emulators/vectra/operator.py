"""What the side door does to a brain: objects put there from outside, and what an analyst does in the console."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, NUMBER, OBJECT, TEXT, Field, json_object, text_list
from emulators.vectra import generate as made
from emulators.vectra.attributes import ACCOUNT, DETECTION, ENTITY_TYPES, GROUP, HOST, SCALES, Attribute
from emulators.vectra.brain import Brain
from emulators.vectra.groups import Member
from emulators.vectra.moments import moment, read_moment
from emulators.vectra.tables import Document

_KINDS: dict[str, Mapping[str, Attribute]] = {"host": HOST, "account": ACCOUNT, "group": GROUP, "detection": DETECTION}
_OPTIONAL_LIST = Field(LIST, required=False)
_MARKS = {"tags": _OPTIONAL_LIST, "note": Field(TEXT, required=False)}
_SEED = {f"{kind}s": _OPTIONAL_LIST for kind in _KINDS} | {"generate": Field(OBJECT, required=False)}
_GENERATE = {
    name: Field(INTEGER, required=False) for name in ("hosts", "accounts", "detections", "groups", "group_members")
}
_MOST_GENERATED = 1_000_000
_GROUP_MEMBERS = 20
_TIMES = ("last_seen", "last_detection_timestamp", "first_timestamp", "last_timestamp")
_COMPARED_TIMES = ("last_detection_timestamp", "last_timestamp")
_STATE_NAMES = {"open": "active", "closed": "fixed"}


def seed(brain: Brain, payload: object, now: float) -> dict[str, Any]:
    """Objects from lists (`hosts`, `accounts`, `detections`, `groups`) and `generate`: what there is then, in numbers.

    Raises Refused(400) for an object that is wrong or whose id is taken. To be called inside a transaction.
    """
    body = json_object(payload, _SEED)
    if "generate" in body:
        _generate(brain, json_object(body["generate"], _GENERATE, "generate"))
    for kind in _KINDS:
        for given in body.get(f"{kind}s", ()):
            _seed_one(brain, kind, given, now)
    return brain.count()


def _seed_one(brain: Brain, kind: str, given: object, now: float) -> None:
    fields = {name: attribute.field for name, attribute in _KINDS[kind].items()}
    more = {"members": _OPTIONAL_LIST} if kind == "group" else _MARKS
    fields |= {"id": Field(INTEGER, required=False), **more}
    body = json_object(given, fields, kind)
    key = body.get("id", brain.next_id(kind))
    if brain.get(kind, key) is not None or not 0 < key < 2**53:
        raise Refused(400, f"{kind}.id is {key}; it must be a positive number that is not taken")
    document = {name: body.get(name, attribute.default) for name, attribute in _KINDS[kind].items()}
    document["id"] = key
    _complete(brain, kind, document, moment(now))
    brain.table(kind).put([document])
    _mark(brain, kind, document, body)


def _complete(brain: Brain, kind: str, document: Document, now: str) -> None:
    """Fill in what follows from the rest, and check what a JSON type does not tell."""
    for name, largest in SCALES.items():
        if not 0 <= document.get(name, 0) <= largest:
            raise Refused(400, f"{kind}.{name} is {document[name]}; it must lie between 0 and {largest}")
    for name in _TIMES:
        if name in document:
            document[name] = _time(kind, name, document[name], now)
    if kind in ENTITY_TYPES:
        document |= {"type": kind, "last_modified_timestamp": now}
        if document["is_prioritized"] is None:
            document["is_prioritized"] = document["urgency_score"] >= made.PRIORITIZED_FROM
    if kind == "account" and document["uid"] is None:
        document["uid"] = document["name"].partition(":")[2] or document["name"]
    if kind == "detection":
        _complete_detection(brain, document)
    if kind == "group":
        document["is_regex"] = document["regex"] is not None


def _time(kind: str, name: str, given: str | None, now: str) -> str:
    read = now if given is None else read_moment(given)
    if read is None:
        raise Refused(400, f"{kind}.{name} is '{given}'; it must be a moment such as 2025-02-03T08:01:22Z")
    return read if given is None or name in _COMPARED_TIMES else given


def _complete_detection(brain: Brain, document: Document) -> None:
    document["state"] = _STATE_NAMES.get(document["state"], document["state"])
    sources = {kind: document.pop(f"src_{kind}", None) for kind in ENTITY_TYPES}
    given = {kind: key for kind, key in sources.items() if key is not None}
    if len(given) > 1:
        raise Refused(400, "detection: only one of src_host and src_account can be given")
    for kind, key in given.items():
        if brain.get(kind, key) is None:
            raise Refused(400, f"detection.src_{kind} is {key}; there is no such {kind}")
        document |= {"src_type": kind, "src_id": key}
    document.setdefault("src_type", None)
    document.setdefault("src_id", None)


def _mark(brain: Brain, kind: str, document: Document, body: Mapping[str, Any]) -> None:
    key = document["id"]
    if "members" in body:
        brain.members.clear(key)
        brain.members.add((key, member) for member in _members(brain, document["type"], body["members"]))
    if "tags" in body:
        brain.tags.replace(kind, [(key, text_list(body["tags"], f"{kind}.tags"))])
    if "note" in body:
        brain.notes.add(kind, key, body["note"], "analyst")


def _members(brain: Brain, kind: str, values: list[Any]) -> list[Member]:
    """Members as they are kept. Raises Refused(400) for one that cannot be in a group of this type."""
    if kind != "host":
        return list(text_list(values, "group.members"))
    for value in values:
        if type(value) is not int or brain.get("host", value) is None:
            raise Refused(400, f"group.members: {value!r} is not the id of a host")
    return values


def _generate(brain: Brain, wanted: Mapping[str, int]) -> None:
    hosts, accounts, detections, groups = (
        wanted.get(f"{kind}s", 0) for kind in ("host", "account", "detection", "group")
    )
    size = wanted.get("group_members", _GROUP_MEMBERS)
    if not all(0 <= count <= _MOST_GENERATED for count in (hosts, accounts, detections, groups, size)):
        raise Refused(400, f"generate: each count must lie between 0 and {_MOST_GENERATED}")
    if any(count for name, count in brain.count().items() if name in _SEED):
        raise Refused(400, "generate: there are objects already; generate first, or reset")
    brain.entities.put(map(made.host, _numbers(hosts)))
    brain.entities.put(map(made.account, _numbers(accounts)))
    brain.detections.put(made.detection(number, hosts, accounts) for number in _numbers(detections))
    brain.groups.put(map(made.group, _numbers(groups)))
    brain.members.add(
        (number, member) for number in _numbers(groups) for member in made.members(number, size, hosts, accounts)
    )
    for kind, count in (("host", hosts), ("account", accounts)):
        brain.tags.replace(kind, ((number, tags) for number in _numbers(count) if (tags := made.tags(number))))


def _numbers(count: int) -> Iterable[int]:
    return range(1, count + 1)


def _edit_fields(kind: str) -> dict[str, Field]:
    attributes = _KINDS[kind]
    fields = {
        name: Field(one.field.types, required=False, nullable=one.field.nullable, choices=one.field.choices)
        for name, one in attributes.items()
    }
    if kind == "group":
        del fields["type"]
        marks = dict.fromkeys(("members", "add_members", "remove_members"), _OPTIONAL_LIST)
    else:
        marks = {**_MARKS, "add_tags": _OPTIONAL_LIST, "remove_tags": _OPTIONAL_LIST}
    if kind in ENTITY_TYPES:
        marks["lockdown_hours"] = Field(NUMBER, required=False, nullable=True)
    return {kind: Field(INTEGER), "delete": Field(BOOLEAN, required=False), **fields, **marks}


_EDITS = {kind: _edit_fields(kind) for kind in _KINDS}
_TOKENS = {"access": ("access",), "refresh": ("refresh",), "all": ("access", "refresh")}


def edit(brain: Brain, payload: object, now: float, expire: Callable[[tuple[str, ...]], int]) -> dict[str, Any]:
    """One edit or a list of them: `{"edited": n}`. `expire` ends tokens of the given kinds.

    Raises Refused: 400 for a wrong edit, 404 for an object that does not exist. To be called inside a transaction.
    """
    edits = payload if isinstance(payload, list) else [payload]
    for one in edits:
        kind = _kind_of(one)
        if kind == "tokens":
            expire(_TOKENS[json_object(one, {"tokens": Field(TEXT, choices=_TOKENS)}, "edit")["tokens"]])
        else:
            _edit_one(brain, kind, json_object(one, _EDITS[kind], "edit"), now)
    return {"edited": len(edits)}


def _kind_of(one: object) -> str:
    kinds = [kind for kind in (*_KINDS, "tokens") if isinstance(one, dict) and kind in one]
    if len(kinds) != 1:
        raise Refused(400, f"an edit names one of {', '.join(_KINDS)} or tokens, not {kinds}")
    return kinds[0]


def _edit_one(brain: Brain, kind: str, body: dict[str, Any], now: float) -> None:
    document = brain.get(kind, body[kind])
    if document is None:
        raise Refused(404, f"There is no {kind} {body[kind]}")
    if body.get("delete"):
        brain.delete(kind, document)
        return
    before = dict(document)
    document.update((name, body[name]) for name in _KINDS[kind] if name in body)
    if kind in ENTITY_TYPES and "urgency_score" in body and "is_prioritized" not in body:
        document["is_prioritized"] = None
    if kind == "host" and document["last_source"] != before["last_source"] and "previous_ips" not in body:
        document["previous_ips"] = [before["last_source"], *before["previous_ips"]]
    _complete(brain, kind, document, moment(now))
    if kind == "account" and document["uid"] != before["uid"]:
        _rename_member(brain, before["uid"], document["uid"])
    brain.table(kind).put([document])
    _mark(brain, kind, document, {name: body[name] for name in ("tags", "note", "members") if name in body})
    _move(brain, kind, document, body)
    if kind in ENTITY_TYPES:
        _entity_aftermath(brain, document, before, body)


def _rename_member(brain: Brain, before: str, after: str) -> None:
    groups = [group["id"] for group in brain.members.holding("account", [before]).get(before, ())]
    brain.members.forget("account", before)
    brain.members.add((group_id, after) for group_id in groups)


def _move(brain: Brain, kind: str, document: Document, body: Mapping[str, Any]) -> None:
    """Put tags or members there, or take them away."""
    key = document["id"]
    if kind == "group":
        brain.members.add((key, one) for one in _members(brain, document["type"], body.get("add_members", [])))
        brain.members.remove((key, one) for one in body.get("remove_members", ()))
    elif "add_tags" in body or "remove_tags" in body:
        tags = brain.tags.of(kind, [key]).get(key, [])
        tags += text_list(body.get("add_tags", []), "edit.add_tags")
        gone = text_list(body.get("remove_tags", []), "edit.remove_tags")
        brain.tags.replace(kind, [(key, [tag for tag in tags if tag not in gone])])


def _entity_aftermath(brain: Brain, entity: Document, before: Document, body: Mapping[str, Any]) -> None:
    if entity["urgency_score"] != before["urgency_score"]:
        brain.events.add(entity, before["urgency_score"])
    hours = body.get("lockdown_hours")
    if hours is not None:
        brain.lockdowns.lock(entity["type"], entity["id"], hours)
    elif "lockdown_hours" in body:
        brain.lockdowns.release(entity["type"], entity["id"])


def dump(brain: Brain) -> Iterator[dict[str, Any]]:
    """All objects with their `kind`, tags, notes and members, in order of kind and id."""
    for kind in ENTITY_TYPES:
        for entity in brain.entities.find("type = ?", (kind,), "id"):
            yield {"kind": kind, **entity, **_marks(brain, kind, entity["id"])}
    for detection in brain.detections.find(order="id"):
        yield {"kind": "detection", **detection, **_marks(brain, "detection", detection["id"])}
    for group in brain.groups.find(order="id"):
        yield {"kind": "group", **group, "members": brain.members.of([group["id"]]).get(group["id"], [])}
    for lock in brain.lockdowns.list():
        yield {"kind": "lockdown", **lock}


def _marks(brain: Brain, kind: str, key: int) -> dict[str, Any]:
    return {"tags": brain.tags.of(kind, [key]).get(key, []), "notes": brain.notes.list(kind, key)}
