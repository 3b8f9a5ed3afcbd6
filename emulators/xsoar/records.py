"""How an indicator looks in the REST API, and what is refused of one that a client sends. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from emulators.kit import Refused
from emulators.kit.strict import (
    BOOLEAN,
    INTEGER,
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    Field,
    json_object,
    known_names,
    type_name,
)

UNSET = "0001-01-01T00:00:00Z"
_OPTIONAL_TEXTS = (
    "firstSeen lastSeen firstSeenEntryID lastSeenEntryID timestamp modified calculatedTime lastReputationRun source"
    " comment account manualSetTime setBy expiration expirationStatus expirationSource aggregatedReliability"
).split()
_OPTIONAL_LISTS = "investigationIDs manuallyEditedFields sortValues comments sourceBrands sourceInstances".split()
FIELDS: dict[str, Field] = {
    "id": Field(TEXT, required=False),
    "version": Field(INTEGER, required=False),
    "value": Field(TEXT),
    "indicator_type": Field(TEXT),
    "score": Field(NUMBER, required=False, nullable=True),
    "manualScore": Field(BOOLEAN, required=False, nullable=True),
    "CustomFields": Field(OBJECT, required=False, nullable=True),
    "insightCache": Field(OBJECT, required=False, nullable=True),
    "moduleToFeedMap": Field(OBJECT, required=False, nullable=True),
    **{name: Field(TEXT, required=False, nullable=True) for name in _OPTIONAL_TEXTS},
    **{name: Field(LIST, required=False, nullable=True) for name in _OPTIONAL_LISTS},
}
# What the server sets itself: a client may send it back and changes nothing by it.
_SERVERS = frozenset({"id", "version", "modified", "timestamp", "sortValues", "expirationStatus"})
_GRIDS = {"publications": ("title", "source", "link", "timestamp"), "communitynotes": ("notes", "timestamp")}
_LISTS = frozenset({"aliases", "stixaliases", "tags", "threatactortypes"})
_DATES = frozenset({"firstseenbysource", "lastseenbysource"})
_TEXTS = frozenset({"description", "reportedby", "trafficlightprotocol", "note"})
CUSTOM = frozenset({*_GRIDS, *_LISTS, *_DATES, *_TEXTS})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
MOST_BYTES_OF_FIELD = 200_000


def iso(seconds: float) -> str:
    """A moment as the server writes it."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def checked(record: Any, where: str) -> dict[str, Any]:
    """The record when it has known fields of the right types only. Raises Refused(400)."""
    found = json_object(record, FIELDS, where)
    if not found["value"].strip():
        raise Refused(400, f"{where}.value is empty")
    for name, value in (found.get("CustomFields") or {}).items():
        _check_custom(name, value, f"{where}.CustomFields")
    return found


def _check_custom(name: str, value: Any, where: str) -> None:
    known_names([name], CUSTOM, where)
    if value is None:
        return
    if name in _GRIDS:
        _check_grid(value, _GRIDS[name], f"{where}.{name}")
    elif name in _LISTS and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise Refused(400, f"{where}.{name} must be a list of texts")
    elif name in _DATES and not _is_moment(value):
        raise Refused(400, f"{where}.{name} is no date: {value!r}")
    elif name in _TEXTS and not isinstance(value, str):
        raise Refused(400, f"{where}.{name} must be text, not {type_name(value)}")


def _check_grid(rows: Any, columns: tuple[str, ...], where: str) -> None:
    if not isinstance(rows, list):
        raise Refused(400, f"{where} must be a list of rows, not {type_name(rows)}")
    for row in rows:
        if not isinstance(row, dict) or not all(isinstance(cell, str) for cell in row.values()):
            raise Refused(400, f"{where} must have rows of texts")
        known_names(row, columns, where)
        if not _is_moment(row.get("timestamp", UNSET)):
            raise Refused(400, f"{where}.timestamp is no date: {row['timestamp']!r}")
    if sum(len(str(row)) for row in rows) > MOST_BYTES_OF_FIELD:
        raise Refused(400, f"{where} is larger than {MOST_BYTES_OF_FIELD} bytes")


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and bool(_MOMENT.fullmatch(value))


def new_record(given: Mapping[str, Any], key: str, now: float) -> dict[str, Any]:
    """A record as it is stored after a create."""
    blank: dict[str, Any] = {
        "id": key, "version": 1, "value": "", "indicator_type": "", "score": 0, "CustomFields": {}, "account": "",
        "firstSeen": iso(now), "lastSeen": iso(now), "firstSeenEntryID": "API", "lastSeenEntryID": "API",
        "timestamp": iso(now), "modified": iso(now), "calculatedTime": iso(now), "lastReputationRun": UNSET,
        "source": "", "comment": "", "investigationIDs": [], "manualScore": False, "manualSetTime": UNSET,
        "manuallyEditedFields": None, "setBy": "", "insightCache": None, "expiration": UNSET,
        "expirationStatus": "active",
    }  # fmt: skip
    wanted = {name: value for name, value in given.items() if name not in _SERVERS and value is not None}
    return {**blank, **wanted}


def edited(old: Mapping[str, Any], given: Mapping[str, Any], now: float, *, keep: bool) -> dict[str, Any]:
    """A record after an edit. `keep`: what is left out or null stays as it was; else it goes back to blank."""
    base = old if keep else new_record({}, str(old["id"]), now)
    custom = dict(old.get("CustomFields") or {}) if keep else {}
    custom |= {
        name: value for name, value in (given.get("CustomFields") or {}).items() if value is not None or not keep
    }
    wanted = {
        name: value
        for name, value in given.items()
        if name not in _SERVERS and name != "CustomFields" and (value is not None or not keep)
    }
    fixed = {name: old[name] for name in _SERVERS & old.keys()}
    return {
        **base, **wanted, **fixed, "CustomFields": custom, "version": old["version"] + 1, "modified": iso(now),
    }  # fmt: skip
