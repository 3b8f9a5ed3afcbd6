"""Are both sides equal? Says for every indicator what Cortex XDR must hold, without asking the integration. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from emulators.cortex_xdr.indicators.values import SEVERITY_CODES, fits

OWN_BRAND = "CortexXDRIOC"
SEVERITY_FIELD = "sourceoriginalseverity"
_TYPES = {"File": "HASH", "Domain": "DOMAIN_NAME", "IP": "IP"}
_SEVERITIES = {code.split("_")[2]: code for code in SEVERITY_CODES[:5]} | {"INFORMATIONAL": "SEV_010_INFO"}
_VERDICTS = ("UNKNOWN", "GOOD", "SUSPICIOUS", "BAD")


class Rule(NamedTuple):
    """One indicator as Cortex XDR shows it.

    `expires_ms` is -1 for never; `vendors` are (name, reputation, reliability).
    """

    type: str
    severity: str
    reputation: str
    reliability: str
    status: str
    comment: str
    klass: str
    expires_ms: int
    vendors: tuple[tuple[str, str, str], ...]


class Difference(NamedTuple):
    """One field of one indicator on which the sides do not agree."""

    value: str
    field: str
    xsoar: object
    xdr: object


@dataclass
class Comparison:
    """What a comparison found. `expected` indicators must be in Cortex XDR, `not_taken` it does not take, `deleted` an
    operator deleted there; `lost` are missing there, `surplus` are there without reason."""

    expected: int = 0
    not_taken: int = 0
    deleted: int = 0
    equal: int = 0
    lost: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """True when both sides hold the same."""
        return not (self.lost or self.surplus or self.differences)


def compare(documents: Iterable[Mapping[str, Any]], rows: Iterable[Mapping[str, Any]], severity: str) -> Comparison:
    """Every indicator against every rule, field by field.

    Args:
        documents: what the Sync Query finds, as the host exports it.
        rows: the rules of the emulator's dump.
        severity: the code of an indicator that has none of its own, such as SEV_040_HIGH.
    """
    found = Comparison()
    missing = _expected(documents, severity, found)
    found.expected = len(missing)
    for row in rows:
        if not row["MARKED_DELETED"]:
            _check(row, missing, found)
    found.lost = sorted(missing)
    return found


def _expected(documents: Iterable[Mapping[str, Any]], severity: str, found: Comparison) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for document in documents:
        rule = expected_rule(document, severity)
        if rule is None:
            found.not_taken += 1
        elif rule.status == "DELETED":
            found.deleted += 1
        else:
            rules[document["value"]] = rule
    return rules


def _check(row: Mapping[str, Any], missing: dict[str, Rule], found: Comparison) -> None:
    value = row["RULE_INDICATOR"]
    wanted = missing.pop(value, None)
    if wanted is None:
        found.surplus.append(value)
        return
    held = held_rule(row)
    if held == wanted:
        found.equal += 1
        return
    names = (name for name in Rule._fields if getattr(wanted, name) != getattr(held, name))
    found.differences.extend(Difference(value, name, getattr(wanted, name), getattr(held, name)) for name in names)


def expected_rule(document: Mapping[str, Any], severity: str) -> Rule | None:
    """What Cortex XDR must hold for an indicator; status DELETED when it must hold nothing, None when it takes no such
    value. What an operator last said in XDR stands in the `xdrioc` fields and wins over XSOAR's own comment."""
    fields = document.get("CustomFields") or {}
    kind = _TYPES.get(document["indicator_type"])
    code = _SEVERITIES.get(str(fields.get(SEVERITY_FIELD) or severity.split("_")[2]).upper())
    if kind is None or code is None or not fits(kind, document["value"]):
        return None
    feeds = _feeds(document)
    return Rule(
        kind,
        code,
        _VERDICTS[document.get("score") or 0],
        min((reliability for _, _, reliability in feeds), default=""),
        str(fields.get("xdriocstatus") or "enabled").upper(),
        str(fields.get("xdrioccomment") or _remark(document)),
        _category(fields.get("threattypes")),
        _expiration(document.get("expiration")),
        feeds,
    )


def held_rule(row: Mapping[str, Any]) -> Rule:
    """A row of the emulator's dump."""
    vendors = ((one["vendor_name"], one["reputation"], one["reliability"]) for one in row["VENDORS"])
    return Rule(
        row["IOC_TYPE"], row["RULE_SEVERITY"], row["REPUTATION"], row["RELIABILITY"], row["RULE_STATUS"],
        row["RULE_COMMENT"], row["KLASS"] or "", row["RULE_EXPIRATION_TIME"], tuple(vendors),
    )  # fmt: skip


def _feeds(document: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    brands: dict[str, list[tuple[int, str]]] = {}
    for feed in document["moduleToFeedMap"].values():
        if feed["sourceBrand"] != OWN_BRAND:
            brands.setdefault(feed["sourceBrand"], []).append((feed["score"], feed["reliability"][0]))
    return tuple(
        (brand, _VERDICTS[max(score for score, _ in said)], min(reliability for _, reliability in said))
        for brand, said in brands.items()
    )


def _remark(document: Mapping[str, Any]) -> str:
    told = [one["content"] for one in document.get("comments") or () if one["type"] == "IndicatorCommentRegular"]
    return str(told[-1]) if told else ""


def _category(threat_types: Any) -> str:
    first = threat_types[0] if isinstance(threat_types, list) and threat_types else threat_types
    name = first.get("threatcategory") if isinstance(first, dict) else first
    return str(name or "")[:36]


def _expiration(text: str | None) -> int:
    if not text or text.startswith("0001"):
        return -1
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    delta = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000
