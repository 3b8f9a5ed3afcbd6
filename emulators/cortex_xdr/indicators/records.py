"""Records of tim_insert_jsons and insert_jsons: checked, and turned into rules. Pure.

Two kinds of wrong: a record whose form is wrong (unknown key, wrong JSON type, a required key missing) refuses the
whole request with 400; a record whose form is right but whose value XDR does not take is a reject of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from emulators.cortex_xdr.indicators.values import (
    CLASS_CHARACTERS,
    INSERT_SEVERITIES,
    INSERT_TYPES,
    LATEST_MS,
    NEVER_EXPIRES,
    RELIABILITIES,
    REPUTATIONS,
    STATUSES,
    fits,
)
from emulators.kit import Refused
from emulators.kit.strict import type_name


class Rule(NamedTuple):
    """What an insert says about one indicator.

    `expires_ms`: -1 never, None the default of its type. `status` and `comment`: None leaves what is there.
    """

    indicator: str
    type: str
    severity: str
    reputation: str = "UNKNOWN"
    reliability: str = ""
    klass: str | None = None
    status: str | None = None
    comment: str | None = None
    expires_ms: int | None = None
    vendors: Sequence[Mapping[str, str]] | None = None


class Reject(NamedTuple):
    """One indicator that was not taken, and why."""

    indicator: str
    error: str


_TEXT_KEYS = ("indicator", "type", "severity", "reputation", "reliability", "class", "status")
_REQUIRED = frozenset({"indicator", "type", "severity"})
_EXPIRATION_TYPES = (int, str, type(None))
_VENDOR_KEYS = frozenset({"vendor_name", "reputation", "reliability"})

_KNOWN_TYPES = frozenset(INSERT_TYPES)
_KNOWN_SEVERITIES = frozenset(INSERT_SEVERITIES)
_KNOWN_REPUTATIONS = frozenset(REPUTATIONS)
_KNOWN_RELIABILITIES = frozenset(RELIABILITIES)
_KNOWN_STATUSES = frozenset(STATUSES)

_FORM: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_TEXT_KEYS, (str,)),
    "expiration_date": _EXPIRATION_TYPES,
    "vendors": (list,),
}
TIM_FORM = {**_FORM, "comment": (list,)}
PUBLIC_FORM = {**_FORM, "comment": (str,)}


def read_records(
    records: Iterable[object], form: Mapping[str, tuple[type, ...]], now_ms: int
) -> tuple[list[Rule], list[Reject]]:
    """(rules to write, rejects), both in the order given; a value that comes twice is rejected the second time.

    Raises Refused(400) that names the record by its index when the form of any record is wrong.
    """
    rules: list[Rule] = []
    rejects: list[Reject] = []
    seen: set[str] = set()
    for index, record in enumerate(records):
        known = _check_form(record, form, index)
        value = known["indicator"]
        error = value_error(known, now_ms)
        if error is None and value in seen:
            error = f"Indicator: {value} appears more than once in the request"
        if error is None:
            seen.add(value)
            rules.append(_rule(known))
        else:
            rejects.append(Reject(value, error))
    return rules, rejects


def _check_form(record: object, form: Mapping[str, tuple[type, ...]], index: int) -> dict[str, Any]:
    if type(record) is not dict:
        raise Refused(400, f"request_data[{index}] must be an object, not {type_name(record)}")
    for key, value in record.items():
        allowed = form.get(key)
        if allowed is None:
            raise Refused(400, f"request_data[{index}] has an unknown field '{key}'")
        if type(value) not in allowed:
            raise Refused(400, f"request_data[{index}].{key} must not be {type_name(value)}")
    if not record.keys() >= _REQUIRED:
        missing = ", ".join(sorted(_REQUIRED - record.keys()))
        raise Refused(400, f"request_data[{index}] lacks {missing}")
    if type(comment := record.get("comment")) is list and not all(type(item) is str for item in comment):
        raise Refused(400, f"request_data[{index}].comment must be a list of texts")
    for vendor in record.get("vendors", ()):
        _check_vendor_form(vendor, index)
    return record


def _check_vendor_form(vendor: object, index: int) -> None:
    if type(vendor) is not dict or vendor.keys() != _VENDOR_KEYS or not all(type(v) is str for v in vendor.values()):
        wanted = ", ".join(sorted(_VENDOR_KEYS))
        raise Refused(400, f"request_data[{index}].vendors must be a list of objects with the texts {wanted}")


def value_error(record: Mapping[str, Any], now_ms: int) -> str | None:
    """Why XDR does not take this record (well-formed, see above), or None."""
    kind, value = record["type"], record["indicator"]
    if kind not in _KNOWN_TYPES:
        return f"Got type: {kind}, type must be one of {', '.join(INSERT_TYPES)}"
    if not fits(kind, value):
        return f"Got type: {kind}, Indicator: {value} mismatch"
    if record["severity"] not in _KNOWN_SEVERITIES:
        return f"Severity {record['severity']} is invalid; it must be one of {', '.join(INSERT_SEVERITIES)}"
    if record.get("reputation", "UNKNOWN") not in _KNOWN_REPUTATIONS:
        return f"Reputation {record['reputation']} is invalid; it must be one of {', '.join(REPUTATIONS)}"
    if record.get("reliability", "A") not in _KNOWN_RELIABILITIES:
        return f"Reliability {record['reliability']} is invalid; it must be one letter from A to F"
    if record.get("status", "ENABLED") not in _KNOWN_STATUSES:
        return f"Status {record['status']} is invalid; it must be one of {', '.join(STATUSES)}"
    if len(record.get("class", "")) > CLASS_CHARACTERS:
        return f"Class {record['class']} is invalid; it must not be longer than {CLASS_CHARACTERS} characters"
    return expiration_error(record.get("expiration_date"), now_ms) or _vendors_error(record.get("vendors", ()))


def expiration_error(value: int | str | None, now_ms: int) -> str | None:
    """Why this is no expiration date, or None. Good: null (the type's default), -1 or `Never`, a later moment in ms."""
    if value is None or value == NEVER_EXPIRES or value == "Never":
        return None
    if isinstance(value, str) or value > LATEST_MS:
        return f"Expiration time {value} is invalid; expiration date must be epoch milliseconds or Never"
    if value <= now_ms:
        return f"Expiration time {value} is invalid; expiration date cannot be in the past"
    return None


def expires_ms(value: int | str | None) -> int | None:
    """A good expiration date as it is stored: ms, -1 for never, None for the default of the type."""
    return NEVER_EXPIRES if isinstance(value, str) else value


def _vendors_error(vendors: Iterable[Mapping[str, str]]) -> str | None:
    for vendor in vendors:
        if not vendor["vendor_name"]:
            return "Vendor name is invalid; it must not be empty"
        if vendor["reputation"] not in _KNOWN_REPUTATIONS:
            return f"Vendor reputation {vendor['reputation']} is invalid; it must be one of {', '.join(REPUTATIONS)}"
        if vendor["reliability"] not in _KNOWN_RELIABILITIES:
            return f"Vendor reliability {vendor['reliability']} is invalid; it must be one letter from A to F"
    return None


def _rule(record: Mapping[str, Any]) -> Rule:
    get = record.get
    comment = get("comment")
    return Rule(
        record["indicator"],
        record["type"],
        record["severity"],
        get("reputation", "UNKNOWN"),
        get("reliability", ""),
        get("class"),
        get("status"),
        ", ".join(comment) if type(comment) is list else comment,
        expires_ms(get("expiration_date")),
        get("vendors"),
    )
