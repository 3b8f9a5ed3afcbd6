"""How a stored rule looks in get_changes and in get. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from emulators.cortex_xdr.indicators.values import (
    NEVER_EXPIRES,
    REPUTATIONS,
    SEVERITY_CODES,
    STATUSES,
    TYPES,
)


class StoredRule(NamedTuple):
    """One row of the table, codes as they are stored. Times are epoch ms; `vendors` is JSON text or None."""

    rule_id: int
    indicator: str
    type: int
    severity: int
    reputation: int
    reliability: str
    status: int | None
    comment: str | None
    expires_ms: int | None
    insert_time: int
    modify_time: int
    own_write: int
    hits: int
    deleted: int
    klass: str | None
    source: str
    vendors: str | None


def change_row(rule: StoredRule) -> dict[str, Any]:
    """The row of get_changes."""
    expires = NEVER_EXPIRES if rule.expires_ms is None else rule.expires_ms
    return {
        "RULE_ID": rule.rule_id,
        "RULE_INDICATOR": rule.indicator,
        "IOC_TYPE": TYPES[rule.type],
        "RULE_INSERT_TIME": rule.insert_time,
        "RULE_MODIFY_TIME": rule.modify_time,
        "RULE_SEVERITY": SEVERITY_CODES[rule.severity],
        "RULE_STATUS": STATUSES[rule.status or 0],
        "RULE_COMMENT": rule.comment or "",
        "RULE_SOURCE": rule.source,
        "RULE_EXPIRATION_TIME": expires,
        "IS_DEFAULT_TTL": rule.expires_ms is None,
        "RULE_TTL": NEVER_EXPIRES,
        "REPUTATION": REPUTATIONS[rule.reputation],
        "RELIABILITY": rule.reliability,
        "VENDORS": [] if rule.vendors is None else orjson.Fragment(rule.vendors),
        "KLASS": rule.klass,
        "NUMBER_OF_HITS": rule.hits,
        "BS_STATUS": "DONE",
        "BS_TS": rule.modify_time,
        "BS_RETRIES": 1,
        "MARKED_DELETED": rule.deleted,
    }


def dump_row(rule: StoredRule) -> dict[str, Any]:
    """The row of get_changes with what only the emulator knows: the kind, and whether XSOAR wrote it last."""
    return {"kind": "rule", **change_row(rule), "own_write": bool(rule.own_write)}


def object_row(rule: StoredRule, extended: bool) -> dict[str, Any]:
    """The object of `get`; the extended view adds times, status, source and hits."""
    found: dict[str, Any] = {
        "rule_id": rule.rule_id,
        "indicator": rule.indicator,
        "type": TYPES[rule.type],
        "severity": SEVERITY_CODES[rule.severity],
        "expiration_date": NEVER_EXPIRES if rule.expires_ms is None else rule.expires_ms,
        "default_expiration_enabled": rule.expires_ms is None,
        "comment": rule.comment or "",
        "reputation": REPUTATIONS[rule.reputation],
        "reliability": rule.reliability,
    }
    if extended:
        found |= {
            "creation_time": rule.insert_time,
            "modification_time": rule.modify_time,
            "status": STATUSES[rule.status or 0],
            "source": rule.source,
            "number_of_issues": rule.hits,
        }
    return found
