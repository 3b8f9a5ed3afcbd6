"""The test driver: its product is pretended in the context of the instance, and set by parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from Tests.conformance.product import Product, Subject

SUBJECTS = {
    "host": Subject({"ip": "10.1.2.3", "host_id": "41", "host_name": "pc"}, frozenset({"10.1.2.3"})),
    "account": Subject({"account": "O365:jane@example.com", "account_id": "7", "sam": "jane"}, frozenset({"jane"})),
    "detection": Subject(
        {"dst_ips": "198.51.100.7,198.51.100.8", "dst_domains": "bad.example", "detection_id": "9001"},
        frozenset({"198.51.100.7", "198.51.100.8", "bad.example"}),
    ),
    "destinations": Subject(
        {"destinations": "192.0.2.0/24,evil.example", "list": "static"}, frozenset({"192.0.2.0/24", "evil.example"})
    ),
}
MANY_LOOKS = "1000"


class Pretended(Product):
    """Faults of a connection come down to two: nothing is reached, or the answer is lost."""

    lacks: ClassVar[Mapping[str, str]] = {
        "former": "a name is blocked or not; a block replaces nothing",
        "lose": "the product is pretended in the context of the instance, which nobody else changes",
        "several/detection": "a destination is what it is and fits nothing else",
        "several/destinations": "a destination is what it is and fits nothing else",
    }

    def __init__(self) -> None:
        self._params: dict[str, str] = {}
        self._others: frozenset[str] = frozenset()

    @property
    def params(self) -> Mapping[str, str]:
        return self._params

    def subject(self, kind: str) -> Subject:
        return SUBJECTS[kind]

    def contained(self) -> frozenset[str]:
        product: dict[str, Any] = json.loads(self.context().get("product") or "{}")
        return frozenset(product.get("blocked", [])) | (self._others - frozenset(product.get("freed", [])))

    def others_block(self, subject: Subject) -> None:
        self._others = subject.elements
        self._params["blocked_by_others"] = ",".join(sorted(subject.elements))

    def unknown(self, kind: str) -> Mapping[str, str]:
        self._params["known"] = "nothing-is-called-so"
        return SUBJECTS[kind].args

    def several(self, kind: str) -> Subject:
        self._params["ambiguous"] = "*"
        return Subject(SUBJECTS[kind].args, frozenset())

    def slow_job(self) -> None:
        self._params.update(outcome_block="pending", outcome_unblock="pending", looks_until_done=MANY_LOOKS)

    def finish(self) -> None:
        if self._params.get("looks_until_done") == MANY_LOOKS:
            self._params.update(outcome_block="applied", outcome_unblock="applied", looks_until_done="0")

    def refused_job(self) -> None:
        self._params.update(outcome_block="failed,given_up", looks_until_done="1")

    def fault(self, name: str) -> None:
        faults = {
            "expired_token": {"unreachable": "true"},
            "too_many_requests": {"outcome_block": "failed", "outcome_unblock": "failed"},
            "server_error": {"outcome_block": "lost", "outcome_unblock": "lost"},
            "torn_body": {"outcome_block": "answer_lost", "outcome_unblock": "answer_lost"},
            "time_out": {"outcome_block": "answer_lost,lost", "outcome_unblock": "lost,answer_lost"},
        }
        self._params.update(faults[name])

    def heal(self) -> None:
        self._params.update(outcome_block="applied", outcome_unblock="applied", unreachable="false")


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """A product without anything to start."""
    yield Pretended()
