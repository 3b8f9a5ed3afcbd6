"""What hosts, accounts, detections and groups are made of: names, JSON types, defaults, and which are columns. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulators.kit.strict import BOOLEAN, INTEGER, LIST, OBJECT, TEXT, Field

ENTITY_TYPES = ("host", "account")
TAGGED = ("host", "account", "detection")
GROUP_TYPES = ("host", "account", "ip", "domain")
ENTITY_STATES = ("active", "inactive")
DETECTION_STATES = ("active", "inactive", "fixed")

ENTITY_COLUMNS = (
    "type", "id", "name", "threat", "certainty", "urgency_score", "importance", "is_prioritized", "state",
    "is_key_asset", "is_targeting_key_asset", "last_source", "uid", "last_detection_timestamp",
    "last_modified_timestamp",
)  # fmt: skip
DETECTION_COLUMNS = (
    "id", "detection_type", "detection_category", "threat", "certainty", "state", "is_triaged",
    "is_targeting_key_asset", "src_type", "src_id", "last_timestamp",
)  # fmt: skip
GROUP_COLUMNS = ("id", "type", "name", "is_regex", "is_membership_evaluation_ongoing")
BOOLEANS = frozenset(
    {"is_prioritized", "is_key_asset", "is_targeting_key_asset", "is_triaged", "is_regex",
     "is_membership_evaluation_ongoing"}
)  # fmt: skip

# Largest value of what is a number on a scale; none may be negative.
SCALES = {"threat": 99, "certainty": 99, "urgency_score": 100, "importance": 2}


@dataclass(frozen=True)
class Attribute:
    """One attribute: what JSON it may be, and what it is when a seed does not say."""

    field: Field
    default: Any = None


def _given(types: tuple[type, ...], choices: tuple[str, ...] | None = None) -> Attribute:
    return Attribute(Field(types, choices=choices))


def _with(types: tuple[type, ...], default: object, choices: tuple[str, ...] | None = None) -> Attribute:
    return Attribute(Field(types, required=False, nullable=default is None, choices=choices), default)


_ENTITY = {
    "name": _given(TEXT),
    "threat": _with(INTEGER, 0),
    "certainty": _with(INTEGER, 0),
    "urgency_score": _with(INTEGER, 0),
    "importance": _with(INTEGER, 1),
    "is_prioritized": _with(BOOLEAN, None),
    "state": _with(TEXT, "active", ENTITY_STATES),
    "is_key_asset": _with(BOOLEAN, False),
    "is_targeting_key_asset": _with(BOOLEAN, False),
    "last_detection_timestamp": _with(TEXT, None),
    "privilege_level": _with(INTEGER, None),
    "privilege_category": _with(TEXT, None, ("low", "medium", "high")),
    "ldap": _with(OBJECT, None),
}
HOST = {
    **_ENTITY,
    "last_source": _with(TEXT, ""),
    "previous_ips": _with(LIST, []),
    "probable_owner": _with(TEXT, None),
    "host_artifact_set": _with(LIST, []),
    "host_type": _with(LIST, []),
    "last_seen": _with(TEXT, None),
    "external": _with(OBJECT, None),
}
ACCOUNT = {
    **_ENTITY,
    "uid": _with(TEXT, None),
    "display_name": _with(TEXT, None),
    "account_type": _with(LIST, []),
    "probable_home": _with(TEXT, None),
}
DETECTION = {
    "detection_type": _given(TEXT),
    "detection_category": _given(TEXT),
    "threat": _with(INTEGER, 0),
    "certainty": _with(INTEGER, 0),
    "state": _with(TEXT, "active", (*DETECTION_STATES, "open", "closed")),
    "is_triaged": _with(BOOLEAN, False),
    "triage_rule_id": _with(INTEGER, None),
    "is_targeting_key_asset": _with(BOOLEAN, False),
    "src_host": _with(INTEGER, None),
    "src_account": _with(INTEGER, None),
    "src_ip": _with(TEXT, None),
    "first_timestamp": _with(TEXT, None),
    "last_timestamp": _with(TEXT, None),
    "summary": _with(OBJECT, {}),
}
GROUP = {
    "type": _given(TEXT, GROUP_TYPES),
    "name": _given(TEXT),
    "description": _with(TEXT, ""),
    "regex": _with(TEXT, None),
    "is_membership_evaluation_ongoing": _with(BOOLEAN, False),
}
