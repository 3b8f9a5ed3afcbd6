"""The fields that a query can name, and what each of them holds."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal

FieldKind = Literal["value", "text", "date", "score", "status", "boolean", "contains", "reliability", "custom"]

# Canonical name (as in documents) -> what it holds.
BUILT_IN: dict[str, FieldKind] = {
    "value": "value",
    "id": "text",
    "type": "text",
    "score": "score",
    "expirationStatus": "status",
    "modified": "date",
    "timestamp": "date",
    "firstSeen": "date",
    "lastSeen": "date",
    "expiration": "date",
    "sourceBrands": "text",
    "sourceInstances": "text",
    "aggregatedReliability": "reliability",
    "investigationIDs": "text",
    "manualScore": "boolean",
    "manuallyEditedFields": "text",
    "comments": "contains",
    "tags": "custom",
    "md5": "custom",
    "sha1": "custom",
    "sha256": "custom",
    "sha512": "custom",
    "ssdeep": "custom",
}
_ALIASES = {
    "verdict": "score",
    "reputation": "score",
    "indicator_type": "type",
    "indicatortype": "type",
    "created": "timestamp",
    "reliability": "aggregatedReliability",
    "sourcebrand": "sourceBrands",
    "sourceinstance": "sourceInstances",
    "investigationid": "investigationIDs",
}
_BY_LOWER = {**{name.lower(): name for name in BUILT_IN}, **_ALIASES}
NAMES = sorted({*BUILT_IN, "verdict", "reputation", "created"})


def canonical(name: str, custom: frozenset[str]) -> str | None:
    """The name under which documents hold the field, None when nobody knows it. Only built-in names ignore case."""
    bare = name.removeprefix("CustomFields.")
    if bare in custom or (bare != name and BUILT_IN.get(bare) == "custom"):
        return bare
    return _BY_LOWER.get(name.lower())


def kind_of(field: str) -> FieldKind:
    """What a canonical field holds."""
    return BUILT_IN.get(field, "custom")


def advice(name: str, custom: frozenset[str]) -> str:
    """For an error text: near names, or all built-in ones."""
    known = [*_BY_LOWER.values(), *_ALIASES, *custom]
    near = get_close_matches(name, known, n=3, cutoff=0.7)
    if near:
        return "did you mean " + " or ".join(dict.fromkeys(near)) + "?"
    return "known are " + ", ".join(NAMES) + " and the custom fields in use; quote a value that holds a colon"
