"""Indicator documents as rows: which columns they fill, how they are written and projected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from warroom.core.dates import from_micros
from warroom.core.indicators import Document, identity
from warroom.core.query_match import date_of, score

INSERT = "insert into indicators values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
UPDATE = """update indicators set key = ?, type = ?, score = ?, modified = ?, expiration = ?, created = ?,
    first_seen = ?, last_seen = ?, doc = ? where seq = ?"""
_ACTIVE, _EXPIRED = b'"expirationStatus":"active"', b'"expirationStatus":"expired"'


class Stamp(NamedTuple):
    """What the store gives to a document when it is committed."""

    seq: int
    modified: int


def columns(doc: Document, stamp: Stamp) -> tuple[Any, ...]:
    """The columns of the table but `seq`, in order. Stamps `id`, `modified` and `version` on `doc`.

    Raises TypeError when the document cannot be JSON.
    """
    doc["id"] = str(stamp.seq)
    doc["modified"] = from_micros(stamp.modified)
    doc["version"] += 1
    return (
        identity(doc["value"]),
        doc["indicator_type"].lower(),
        score(doc),
        stamp.modified,
        date_of(doc, "expiration"),
        date_of(doc, "timestamp"),
        date_of(doc, "firstSeen"),
        date_of(doc, "lastSeen"),
        orjson.dumps(doc),
    )


def current(doc: bytes, expiration: int, now: int) -> bytes:
    """The stored bytes with the expiration status of this moment."""
    # The status stands before everything that a feed can name, and quotes inside texts are escaped,
    # so the first occurrence is the document's own.
    return doc if expiration > now else doc.replace(_ACTIVE, _EXPIRED, 1)


def project(doc: bytes, names: Sequence[str]) -> bytes:
    """Only the named fields. A custom field by its own name comes inside `CustomFields`."""
    whole: Document = orjson.loads(doc)
    chosen = {name: whole[name] for name in names if name in whole}
    if "CustomFields" not in chosen:
        custom: Mapping[str, Any] = whole.get("CustomFields") or {}
        some = {name: custom[name] for name in names if name in custom}
        if some:
            chosen["CustomFields"] = some
    return orjson.dumps(chosen)
