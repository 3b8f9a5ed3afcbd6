"""What a call asks for: filters, pages and order, checked and made ready for SQL. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulators.cortex_xdr.endpoints.machine import ISOLATED, STATUSES, UNISOLATED
from emulators.cortex_xdr.endpoints.records import OS_TYPES, SCAN_STATUSES
from emulators.kit import Refused
from emulators.kit.strict import INTEGER, LIST, OBJECT, TEXT, Field, json_object, text_list

PAGE = 100
MOST_VALUES = 10_000
LATEST = 2**62

_ISOLATE = {"isolated": ISOLATED, "unisolated": UNISOLATED}
_STATUS = {status.lower(): status for status in STATUSES}
_PLATFORM = {name: OS_TYPES[name] for name in ("windows", "linux", "macos", "android")}
_TIMES = ("first_seen", "last_seen")
_LISTED = {"ip_list": "ip", "username": "username", "group_name": "group_name"}
_COLUMNS: Mapping[str, tuple[str, Mapping[str, str] | None]] = {
    "endpoint_id_list": ("endpoint_id", None),
    "endpoint_status": ("endpoint_status", _STATUS),
    "dist_name": ("installation_package", None),
    "public_ip_list": ("public_ip", None),
    "platform": ("os_type", _PLATFORM),
    "alias": ("alias", None),
    "isolate": ("is_isolated", _ISOLATE),
    "hostname": ("endpoint_name", None),
    "scan_status": ("scan_status", SCAN_STATUSES),
}
FIELDS = (*_COLUMNS, *_LISTED, *_TIMES)
_SORTS = ("endpoint_id", "first_seen", "last_seen", "scan_status")

_FILTER = {
    "field": Field(TEXT, choices=FIELDS),
    "operator": Field(TEXT, choices=("in", "eq", "gte", "lte")),
    "value": Field((list, str, int)),
}
_SEARCH = {
    "filters": Field(LIST, required=False),
    "search_from": Field(INTEGER, required=False),
    "search_to": Field(INTEGER, required=False),
    "sort": Field(OBJECT, required=False),
}
_SORT = {"field": Field(TEXT, choices=_SORTS), "keyword": Field(TEXT, choices=("ASC", "DESC"))}


@dataclass(frozen=True)
class Condition:
    """One filter as SQL over the table of endpoints, with its values. Conditions are ANDed."""

    sql: str
    values: tuple[object, ...]


@dataclass(frozen=True)
class Search:
    """Which endpoints, in which order (None: as they were first seen by the tenant), from `start` to before `end`."""

    conditions: tuple[Condition, ...] = ()
    sort: tuple[str, str] | None = None
    start: int = 0
    end: int = PAGE


def read_search(data: object, *, exact_names: bool) -> Search:
    """A `get_endpoint` request. Raises Refused(400) for unknown fields, bad filters, more than 100 per call."""
    found = json_object(data, _SEARCH, "request_data")
    start, end = found.get("search_from", 0), found.get("search_to", PAGE)
    if not 0 <= start <= end <= LATEST or end - start > PAGE:
        raise Refused(400, f"search_from {start} to search_to {end}: it must be a page of at most {PAGE}")
    conditions = read_filters(found.get("filters", []), exact_names=exact_names)
    return Search(conditions, _read_sort(found.get("sort")), start, end)


def _read_sort(value: object) -> tuple[str, str] | None:
    if value is None:
        return None
    found = json_object(value, _SORT, "request_data.sort")
    return found["field"], found["keyword"]


def read_filters(filters: list[Any], *, exact_names: bool, upper_case_in: bool = False) -> tuple[Condition, ...]:
    """The filters as conditions; `upper_case_in` also takes the operator `IN`.

    Raises Refused(400) for unknown fields, operators that the field does not have, values that are not spelled right.
    """
    conditions = []
    for index, one in enumerate(filters):
        if upper_case_in and isinstance(one, dict) and one.get("operator") == "IN":
            one = {**one, "operator": "in"}
        conditions.append(_condition(one, f"request_data.filters[{index}]", exact_names))
    return tuple(conditions)


def _condition(one: object, where: str, exact_names: bool) -> Condition:
    found = json_object(one, _FILTER, where)
    name, operator, value = found["field"], found["operator"], found["value"]
    if name in _TIMES:
        return _time_condition(name, operator, value, where)
    values = _texts(name, operator, value, where)
    marks = ",".join("?" * len(values))
    if name in _LISTED:
        sql = f"seq IN (SELECT seq FROM endpoint_lists WHERE kind = ? AND value IN ({marks}))"  # noqa: S608 - placeholders
        return Condition(sql, (_LISTED[name], *values))
    column, spelled = _COLUMNS[name]
    stored = values if spelled is None else [_spelled(spelled, item, where) for item in values]
    collation = " COLLATE NOCASE" if name == "hostname" and not exact_names else ""
    return Condition(f"{column}{collation} IN ({marks})", tuple(stored))


def _time_condition(name: str, operator: str, value: object, where: str) -> Condition:
    if operator not in ("gte", "lte") or type(value) is not int or abs(value) > LATEST:
        raise Refused(400, f"{where}: {name} takes gte or lte with a time in epoch milliseconds")
    return Condition(f"{name} {'>=' if operator == 'gte' else '<='} ?", (value,))


def _texts(name: str, operator: str, value: object, where: str) -> list[str]:
    if operator == "eq" and name == "endpoint_status" and isinstance(value, str):
        return [value]
    if operator != "in":
        raise Refused(400, f"{where}: {name} does not take the operator {operator} with this value")
    values = text_list(value, f"{where}.value")
    if not 0 < len(values) <= MOST_VALUES:
        raise Refused(400, f"{where}.value has {len(values)} items; it must have 1 to {MOST_VALUES}")
    return values


def _spelled(spelled: Mapping[str, str], value: str, where: str) -> str:
    if value not in spelled:
        raise Refused(400, f"{where}.value is {value!r}; it must be one of {', '.join(spelled)}")
    return spelled[value]
