"""What can be listed: the parameters of each list and its fields, by version. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulators.vectra import queries as q
from emulators.vectra.attributes import (
    ACCOUNT,
    DETECTION,
    DETECTION_STATES,
    ENTITY_STATES,
    ENTITY_TYPES,
    HOST,
    Attribute,
)
from emulators.vectra.objects import Around, View, account_item, detection_item, entity_item, host_item
from emulators.vectra.options import VectraOptions
from emulators.vectra.queries import Condition, ListQuery, Reader
from emulators.vectra.tables import Document

ItemMaker = Callable[[Document, Around, View], dict[str, Any]]

_SCORES = {name: name for name in ("id", "name", "threat", "certainty")}
_ENTITY_ORDERINGS = {**_SCORES, "last_detection_timestamp": "last_detection_timestamp"}


@dataclass(frozen=True)
class Resource:
    """One list and its items. `kind` is empty where hosts and accounts are listed together."""

    name: str
    kind: str
    item: ItemMaker
    readers: Mapping[str, Reader]
    orderings: Mapping[str, str]
    fields: frozenset[str]
    trims: frozenset[str] = frozenset({"fields"})
    last: str = "id"

    @property
    def parameters(self) -> frozenset[str]:
        """All names the query string of the list may have."""
        return frozenset(self.readers) | q.PAGING | self.trims | {"ordering"}

    def read(self, values: Mapping[str, str]) -> ListQuery:
        """The page that is asked for. Raises Refused."""
        page, size = q.read_page(values)
        conditions = [self.readers[name](name, text) for name, text in values.items() if name in self.readers]
        if self.kind in ENTITY_TYPES:
            conditions.insert(0, Condition("type = ?", (self.kind,)))
        order = q.read_order(values.get("ordering"), self.orderings, self.last)
        return ListQuery(tuple(conditions), page, size, order, *self.read_fields(values))

    def read_fields(self, values: Mapping[str, str]) -> tuple[frozenset[str] | None, frozenset[str]]:
        """(fields, fields to leave out) from `fields` and `exclude_fields`. Raises Refused(422)."""
        excluded = q.read_names("exclude_fields", values.get("exclude_fields"), self.fields)
        return q.read_names("fields", values.get("fields"), self.fields), excluded or frozenset()


def hosts(options: VectraOptions) -> Resource:
    """`GET /hosts`."""
    readers = {
        "tags": q.tagged(("host",), "(type, id)", exact=options.tags_match == "exact"),
        "threat_gte": q.at_least("threat"),
        "certainty_gte": q.at_least("certainty"),
        "state": q.same("state", ENTITY_STATES),
        "last_source": q.same("last_source"),
        "mac_address": q.has_mac,
        "min_id": q.at_least("id"),
        "max_id": q.at_most("id"),
        "last_detection_timestamp_gte": q.not_before("last_detection_timestamp"),
        **_old_scores(options),
    }
    return Resource("hosts", "host", host_item, readers, _ENTITY_ORDERINGS, _fields(host_item, HOST, options))


def accounts(options: VectraOptions) -> Resource:
    """`GET /accounts`."""
    readers = {
        "tags": q.tagged(("account",), "(type, id)", exact=options.tags_match == "exact"),
        "uid": (q.contains if options.uid_match == "substring" else q.same)("uid"),
        "state": q.same("state", ENTITY_STATES),
    }
    if not options.version.rux:
        readers |= {"threat_gte": q.at_least("threat"), "certainty_gte": q.at_least("certainty")}
        readers |= _old_scores(options)
    fields = _fields(account_item, ACCOUNT, options)
    return Resource("accounts", "account", account_item, readers, _ENTITY_ORDERINGS, fields)


def entities(options: VectraOptions) -> Resource:
    """`GET /entities`, RUX only."""
    readers = {
        "type": q.same("type", ENTITY_TYPES),
        "is_prioritized": q.flag("is_prioritized"),
        "state": q.same("state", ENTITY_STATES),
        "tags": q.tagged(ENTITY_TYPES, "(type, id)", exact=options.tags_match == "exact"),
        "name": q.contains("name"),
        "last_modified_timestamp_gte": q.not_before("last_modified_timestamp"),
        "last_detection_timestamp_gte": q.not_before("last_detection_timestamp"),
    }
    if options.version.old_names:
        readers["entity_type"] = readers["type"]
    names = ("id", "name", "urgency_score", "importance", "last_detection_timestamp", "last_modified_timestamp")
    fields = _fields(entity_item, HOST, options)
    trims = frozenset({"fields", "exclude_fields"} if options.version.since("3.4") else ())
    orderings = {name: name for name in names}
    return Resource("entities", "", entity_item, readers, orderings, fields, trims, "type DESC, id")


def detections(options: VectraOptions) -> Resource:
    """`GET /detections`."""
    readers = {
        "detection_type": q.same("detection_type"),
        "detection_category": q.same("detection_category"),
        "state": _detection_state if options.version.since("3.5") else q.same("state", DETECTION_STATES),
        "tags": q.tagged(("detection",), "id", exact=options.tags_match == "exact"),
        "host_id": _source("host"),
        "src_account": _source("account"),
        "is_triaged": q.flag("is_triaged"),
        "last_timestamp_gte": q.not_before("last_timestamp"),
        "threat_gte": q.at_least("threat"),
        "certainty_gte": q.at_least("certainty"),
        **_old_scores(options),
    }
    if options.version.rux:
        readers["id"] = q.any_number("id")
    if options.version.old_names:
        readers["category"] = q.same("detection_category")
    orderings = {**{name: name for name in ("id", "threat", "certainty", "last_timestamp")}}
    fields = _fields(detection_item, DETECTION, options)
    return Resource("detections", "detection", detection_item, readers, orderings, fields)


def _old_scores(options: VectraOptions) -> dict[str, Reader]:
    if not options.version.old_names:
        return {}
    return {"t_score_gte": q.at_least("threat"), "c_score_gte": q.at_least("certainty")}


def _source(kind: str) -> Reader:
    return lambda name, text: Condition("src_type = ? AND src_id = ?", (kind, q.whole(name, text)))


def _detection_state(name: str, text: str) -> Condition:
    q.choice(name, text, (*DETECTION_STATES, "open", "closed"))
    if text == "open":
        return Condition("state IN ('active', 'inactive')")
    return Condition("state = ?", ("fixed" if text == "closed" else text,))


def _fields(make: ItemMaker, attributes: Mapping[str, Attribute], options: VectraOptions) -> frozenset[str]:
    """The fields of an item: those that one made of nothing but defaults has."""
    plain = {name: attribute.default for name, attribute in attributes.items()}
    plain |= {"id": 0, "type": "", "last_modified_timestamp": "", "src_type": "", "src_id": 0}
    plain |= {"threat": 0, "certainty": 0}
    return frozenset(make(plain, Around(), View(options.version, "", options.account_uid == "show")))
