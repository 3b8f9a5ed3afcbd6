"""What the side door does to indicator rules: an operator's edits, and rules put there from outside."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from emulators.cortex_xdr.indicators.records import TIM_FORM, Rule, expires_ms, read_records
from emulators.cortex_xdr.indicators.rules import Rules, Writer, chunks
from emulators.cortex_xdr.indicators.values import (
    INSERT_TYPES,
    LATEST_MS,
    REPUTATIONS,
    SEVERITIES,
    STATUSES,
    XSOAR_SOURCE,
)
from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, OBJECT, TEXT, Field, json_object

_EDIT = {
    "indicator": Field(TEXT),
    "severity": Field(TEXT, required=False, choices=SEVERITIES),
    "reputation": Field(TEXT, required=False, choices=REPUTATIONS),
    "status": Field(TEXT, required=False, choices=STATUSES),
    "comment": Field(TEXT, required=False),
    "expiration_date": Field((int, str), required=False, nullable=True),
    "hits": Field(INTEGER, required=False),
    "delete": Field(BOOLEAN, required=False),
}
_SEED = {
    "indicators": Field(LIST, required=False),
    "generate": Field(OBJECT, required=False),
    "source": Field(TEXT, required=False),
    "own": Field(BOOLEAN, required=False),
}
_GENERATE = {"count": Field(INTEGER), "first": Field(INTEGER, required=False)}
_MOST_GENERATED = 4_000_000


def edit(rules: Rules, payload: object) -> dict[str, Any]:
    """One edit or a list of them, all or none: `{"edited": n}`. Raises Refused(404) for a value that has no rule."""
    edits = [json_object(one, _EDIT, "edit") for one in (payload if isinstance(payload, list) else [payload])]
    with rules.change():
        for one in edits:
            if not rules.alter(one["indicator"], _columns(one)):
                raise Refused(404, f"There is no rule for '{one['indicator']}'")
    return {"edited": len(edits)}


def _columns(one: dict[str, Any]) -> dict[str, object]:
    codes = {"severity": SEVERITIES, "reputation": REPUTATIONS, "status": STATUSES}
    columns: dict[str, object] = {name: codes[name].index(one[name]) for name in codes if name in one}
    columns |= {name: one[name] for name in ("comment", "hits") if name in one}
    if "expiration_date" in one:
        columns["expires_ms"] = _expiration(one["expiration_date"])
    if one.get("delete"):
        columns["deleted"] = 1
    return columns


def _expiration(value: int | str | None) -> int | None:
    if (isinstance(value, str) and value != "Never") or (isinstance(value, int) and not -1 <= value <= LATEST_MS):
        raise Refused(400, f"edit.expiration_date is {value!r}; it must be epoch ms, -1, Never or null")
    return expires_ms(value)


def seed(rules: Rules, payload: object, now_ms: int) -> dict[str, Any]:
    """Rules from `indicators` (records of tim_insert_jsons) and `generate` ({"count", "first"}): `{"rules": living}`.

    They are recorded under `source` (default: XSOAR TIM) and count as XSOAR's own writes unless `own` is false.
    Raises Refused(400), with nothing written, when a record would be rejected.
    """
    body = json_object(payload, _SEED)
    writer = Writer(body.get("source", XSOAR_SOURCE), body.get("own", True))
    given, rejects = read_records(body.get("indicators", ()), TIM_FORM, now_ms)
    with rules.change():
        rejects += rules.upsert(given, writer)
        for chunk in chunks(_generated(body["generate"]) if "generate" in body else ()):
            rejects += rules.upsert(chunk, writer)
        if rejects:
            shown = [reject._asdict() for reject in rejects[:20]]
            raise Refused(400, f"{len(rejects)} indicators are not acceptable", extra=shown)
    return {"rules": len(rules)}


def _generated(payload: object) -> Iterator[Rule]:
    body = json_object(payload, _GENERATE, "generate")
    first, count = body.get("first", 0), body["count"]
    if not (0 <= count <= _MOST_GENERATED and 0 <= first <= 2**32):
        raise Refused(400, f"generate: count is {count} and first {first}; at most {_MOST_GENERATED}, none negative")
    return map(generated_rule, range(first, first + count))


def generated_rule(number: int) -> Rule:
    """A rule made from its number: the types in turn, the same each time, no value twice."""
    kind = INSERT_TYPES[number % len(INSERT_TYPES)]
    values = {
        "HASH": hashlib.sha256(b"%d" % number).hexdigest(),
        "IP": ".".join(map(str, (number + (1 << 24)).to_bytes(4, "big"))),
        "PATH": f"/srv/generated/{number}",
        "DOMAIN_NAME": f"d{number}.generated.example",
        "FILENAME": f"generated-{number}.bin",
    }
    return Rule(values[kind], kind, "HIGH", "BAD", "B")
