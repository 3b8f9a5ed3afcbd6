"""Objects of the calls `insert`, `get` and `delete`: checked forms and filters. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulators.cortex_xdr.indicators.records import Rule, expiration_error, expires_ms
from emulators.cortex_xdr.indicators.values import (
    RELIABILITIES,
    REPUTATIONS,
    SEVERITIES,
    SEVERITY_CODES,
    STATUSES,
    TYPES,
    fits,
)
from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, TEXT, Field, json_object, known_names

PAGE = 100
_OPERATORS = {"EQ": "=", "NEQ": "<>", "GTE": ">=", "LTE": "<=", "IN": "IN"}

_OBJECT = {
    "rule_id": Field(INTEGER, required=False),
    "indicator": Field(TEXT),
    "type": Field(TEXT),
    "severity": Field(TEXT),
    "expiration_date": Field((int, str), nullable=True),
    "default_expiration_enabled": Field(BOOLEAN, nullable=True),
    "comment": Field(TEXT, nullable=True),
    "reputation": Field(TEXT, nullable=True),
    "reliability": Field(TEXT, nullable=True),
}


@dataclass(frozen=True)
class Condition:
    """One filter, ready for SQL: column, operator, values in stored form."""

    column: str
    operator: str
    values: tuple[object, ...]

    def sql(self) -> str:
        """The condition with one placeholder per value."""
        if self.operator == "IN":
            return f"{self.column} IN ({','.join('?' * len(self.values))})"
        return f"{self.column} {self.operator} ?"


@dataclass(frozen=True)
class Search:
    """A `get` request: conditions are ANDed; positions `start` (included) to `end` (not included)."""

    conditions: tuple[Condition, ...]
    start: int
    end: int
    extended: bool


def read_object(value: object, index: int) -> tuple[int | None, Rule, int | str | None]:
    """(rule_id or None, the rule, its expiration date as sent). Raises Refused(400) when the form is wrong.

    Every key but rule_id must be there; null means the default, for a comment also that it is empty.
    """
    found = json_object(value, _OBJECT, f"request_data[{index}]")
    expiration = None if found["default_expiration_enabled"] else found["expiration_date"]
    rule = Rule(
        found["indicator"],
        found["type"],
        found["severity"],
        found["reputation"] or "UNKNOWN",
        found["reliability"] or "",
        comment=found["comment"] or "",
        expires_ms=expires_ms(expiration),
    )
    return found.get("rule_id"), rule, expiration


def object_error(rule: Rule, expiration: int | str | None, now_ms: int) -> str | None:
    """Why this object is not taken, or None. Severity is a SEV_ code here."""
    if rule.type not in TYPES:
        return f"Got type: {rule.type}, type must be one of {', '.join(TYPES)}"
    if not fits(rule.type, rule.indicator):
        return f"Got type: {rule.type}, Indicator: {rule.indicator} mismatch"
    if rule.severity not in SEVERITY_CODES[:5]:
        return f"Severity {rule.severity} is invalid; it must be one of {', '.join(SEVERITY_CODES[:5])}"
    if rule.reputation not in REPUTATIONS:
        return f"Reputation {rule.reputation} is invalid; it must be one of {', '.join(REPUTATIONS)}"
    if rule.reliability and rule.reliability not in RELIABILITIES:
        return f"Reliability {rule.reliability} is invalid; it must be one letter from A to F"
    return expiration_error(expiration, now_ms)


def plain_severity(rule: Rule) -> Rule:
    """The rule with its severity by name (HIGH) in place of its code (SEV_040_HIGH)."""
    return rule._replace(severity=SEVERITIES[SEVERITY_CODES.index(rule.severity)])


def read_search(data: object) -> Search:
    """A `get` request. Raises Refused(400) for unknown fields, bad filters, pages above 100."""
    fields = {
        "filters": Field(LIST, required=False),
        "extended_view": Field(BOOLEAN, required=False),
        "search_from": Field(INTEGER, required=False),
        "search_to": Field(INTEGER, required=False),
    }
    found = json_object(data, fields, "request_data")
    start = found.get("search_from", 0)
    end = found.get("search_to", start + PAGE)
    if not 0 <= start <= end or end - start > PAGE:
        raise Refused(400, f"search_from {start} to search_to {end}: it must be a page of at most {PAGE}")
    return Search(read_filters(found.get("filters", [])), start, end, found.get("extended_view", False))


def read_deletion(data: object) -> tuple[Condition, ...]:
    """The filters of a `delete` request. Raises Refused(400) when there is none: that would delete everything."""
    filters = json_object(data, {"filters": Field(LIST)}, "request_data")["filters"]
    if not filters:
        raise Refused(400, "request_data.filters must not be empty")
    return read_filters(filters)


def read_filters(filters: Sequence[object]) -> tuple[Condition, ...]:
    """The filters as conditions. Raises Refused(400) for unknown fields, operators, values of the wrong type."""
    return tuple(_condition(value, f"request_data.filters[{i}]") for i, value in enumerate(filters))


def _condition(value: object, where: str) -> Condition:
    form = {
        "field": Field(TEXT),
        "operator": Field(TEXT, choices=tuple(_OPERATORS)),
        "value": Field((str, int, list)),
    }
    found = json_object(value, form, where)
    known_names([found["field"]], _COLUMNS, f"{where}.field")
    column, stored = _COLUMNS[found["field"]]
    operator, wanted = found["operator"], found["value"]
    if (operator == "IN") != isinstance(wanted, list):
        raise Refused(400, f"{where}.value must be a list for IN, and only for IN")
    values = wanted if isinstance(wanted, list) else [wanted]
    return Condition(column, _OPERATORS[operator], tuple(stored(item, where) for item in values))


def _text(value: object, where: str) -> str:
    if type(value) is not str:
        raise Refused(400, f"{where}.value must be text")
    return value


def _integer(value: object, where: str) -> int:
    if type(value) is not int or abs(value) > 2**62:
        raise Refused(400, f"{where}.value must be a whole number")
    return value


def _index_of(names: Sequence[str]) -> Callable[[object, str], int]:
    def stored(value: object, where: str) -> int:
        if value not in names:
            raise Refused(400, f"{where}.value is {value!r}; it must be one of {', '.join(names)}")
        return names.index(str(value))

    return stored


_COLUMNS: Mapping[str, tuple[str, Callable[[Any, str], object]]] = {
    "rule_id": ("rules.rule_id", _integer),
    "indicator": ("rules.indicator", _text),
    "type": ("rules.type", _index_of(TYPES)),
    "severity": ("rules.severity", _index_of(SEVERITY_CODES)),
    "reputation": ("rules.reputation", _index_of(REPUTATIONS)),
    "reliability": ("rules.reliability", _text),
    "status": ("ifnull(rules.status, 0)", _index_of(STATUSES)),
    "comment": ("ifnull(rules.comment, '')", _text),
    "expiration_date": ("ifnull(rules.expires_ms, -1)", _integer),
    "creation_time": ("rules.insert_time", _integer),
    "modification_time": ("rules.modify_time", _integer),
    "source": ("(SELECT text FROM texts WHERE id = rules.source)", _text),
    "number_of_issues": ("rules.hits", _integer),
}
