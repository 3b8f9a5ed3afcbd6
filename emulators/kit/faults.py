"""Faults on request: what a test can make go wrong, on which requests, how often."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from emulators.kit.errors import Refused
from emulators.kit.strict import INTEGER, NUMBER, TEXT, Field, json_object

KINDS = ("status", "delay", "torn", "reset", "duplicate", "expired_key")
MOMENTS = ("before", "after")

_FIELDS = {
    "kind": Field(TEXT, choices=KINDS),
    "when": Field(TEXT, required=False, choices=MOMENTS),
    "path": Field(TEXT, required=False),
    "method": Field(TEXT, required=False),
    "count": Field(INTEGER, required=False, nullable=True),
    "after": Field(INTEGER, required=False),
    "probability": Field(NUMBER, required=False),
    "seed": Field(INTEGER, required=False),
    "status": Field(INTEGER, required=False),
    "message": Field(TEXT, required=False),
    "retry_after": Field(NUMBER, required=False, nullable=True),
    "seconds": Field(NUMBER, required=False),
}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    kind: `status` (an error reply with `status`, `message`, optional `retry_after` seconds), `delay` (`seconds`),
    `torn` (the reply stops half way), `reset` (the connection is reset), `duplicate` (the request is applied twice,
    the second reply is sent), `expired_key` (the vendor's answer to a key past its end).
    when: `before` or `after` the request is applied; used by status, delay and reset.
    Chosen by `path` (shell pattern) and `method`; the first `after` matching requests are spared, then each one is
    hit with `probability` (0 to 1, drawn from `seed`), at most `count` times (None: for ever).
    """

    kind: str
    when: str = "before"
    path: str = "*"
    method: str = "*"
    count: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    status: int = 500
    message: str = ""
    retry_after: float | None = None
    seconds: float = 0.0

    @classmethod
    def parse(cls, value: object) -> Fault:
        """A fault from JSON. Raises Refused(400) that names the wrong field."""
        fault = cls(**json_object(value, _FIELDS, "fault"))
        if not 0 <= fault.probability <= 1:
            raise Refused(400, f"fault.probability is {fault.probability}; it must lie between 0 and 1")
        if not 100 <= fault.status <= 599:
            raise Refused(400, f"fault.status is {fault.status}; it must be an HTTP status")
        if fault.seconds < 0 or fault.after < 0 or (fault.count is not None and fault.count < 0):
            raise Refused(400, "fault.seconds, fault.after and fault.count must not be negative")
        return fault


class _Armed:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.fired = 0
        self._random = random.Random(fault.seed)

    def fires(self, method: str, path: str) -> bool:
        fault = self.fault
        if not (fnmatchcase(path, fault.path) and fnmatchcase(method, fault.method)):
            return False
        self.seen += 1
        if self.seen <= fault.after or (fault.count is not None and self.fired >= fault.count):
            return False
        if self._random.random() >= fault.probability:
            return False
        self.fired += 1
        return True


class FaultPlan:
    """The faults that are armed now. Several may hit one request. Thread-safe."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Arm more faults; those already armed stay."""
        with self._lock:
            self._armed.extend(map(_Armed, faults))

    def clear(self) -> None:
        """Disarm all."""
        with self._lock:
            self._armed.clear()

    def pick(self, method: str, path: str) -> tuple[Fault, ...]:
        """The faults that hit this request, in the order they were armed; counts it as seen."""
        with self._lock:
            return tuple(armed.fault for armed in self._armed if armed.fires(method, path))

    def report(self) -> list[dict[str, Any]]:
        """All armed faults with how many requests each has `seen` and `fired` on."""
        with self._lock:
            return [{**asdict(armed.fault), "seen": armed.seen, "fired": armed.fired} for armed in self._armed]


def parse_faults(payload: object) -> tuple[bool, tuple[Fault, ...]]:
    """(disarm first, faults to arm) from an admin payload: one fault, a list, or `{"clear": true, "faults": [...]}`.

    Raises Refused(400) when any of them is wrong; none is armed then.
    """
    if isinstance(payload, Mapping) and payload.keys() & {"clear", "faults"}:
        fields = {"clear": Field((bool,), required=False), "faults": Field((list,), required=False)}
        body = json_object(payload, fields)
        return body.get("clear", False), tuple(map(Fault.parse, body.get("faults", [])))
    return False, tuple(map(Fault.parse, payload if isinstance(payload, list) else [payload]))
