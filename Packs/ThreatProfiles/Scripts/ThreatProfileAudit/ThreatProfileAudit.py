"""Tells what keeps articles from the records of threat actors and malware, such as shared aliases. Changes nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ParametersApiModule import *
from ThreatProfilesApiModule import *

AUDIT = "ThreatProfile.Audit"
DEFAULT_QUERY = " or ".join(f"type:{quoted(kind)}" for kind in PROFILE_TYPES)
DATES = ("firstseenbysource", "lastseenbysource")
SHOWN = 100


@dataclass(frozen=True)
class Finding:
    """Something wrong. `records` are the values of the records it is about, `ids` their ids in the same order."""

    kind: str
    name: str
    records: tuple[str, ...]
    ids: tuple[str, ...]


def duplicates(records: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Records whose own name is a name of another record too."""
    return [finding for finding in _shared(records, "duplicate") if _is_own_name(finding)]


def shared_aliases(records: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Names of several records that are the own name of none."""
    return [finding for finding in _shared(records, "shared_alias") if not _is_own_name(finding)]


def _is_own_name(finding: Finding) -> bool:
    return name_key(finding.name) in {name_key(value) for value in finding.records}


def _shared(records: Sequence[Mapping[str, Any]], kind: str) -> list[Finding]:
    owners: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    first: dict[str, str] = {}
    for record in records:
        for name in watched_of(record).names:
            key = name_key(name)
            first.setdefault(key, name)
            owners[key][str(record.get("id"))] = record
    return [_finding(kind, first[key], *found.values()) for key, found in owners.items() if key and len(found) > 1]


def without_alias(records: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Records with one name only, which articles that use another do not reach."""
    return [_finding("no_alias", watched_of(one).value, one) for one in records if len(watched_of(one).names) < 2]


def without_dates(records: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Records of which neither it is known since when nor until when they are active."""
    return [_finding("no_dates", watched_of(one).value, one) for one in records if not _is_dated(one)]


def _is_dated(record: Mapping[str, Any]) -> bool:
    fields = record.get("CustomFields") or {}
    return any(iso_time(fields.get(name)) for name in DATES)


def weak_names(records: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Names that are found only beside a word such as group, because they are short or everyday words."""
    return [
        _finding("weak_name", name, record) for record in records for name in watched_of(record).names if weakness(name)
    ]


def _finding(kind: str, name: str, *records: Mapping[str, Any]) -> Finding:
    return Finding(
        kind, name, tuple(str(one.get("value")) for one in records), tuple(str(one.get("id")) for one in records)
    )


KINDS = {
    "duplicate": duplicates,
    "shared_alias": shared_aliases,
    "no_alias": without_alias,
    "no_dates": without_dates,
    "weak_name": weak_names,
}


def audit(records: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> list[Finding]:
    """All findings of these kinds, in the order of KINDS."""
    return [finding for kind, find in KINDS.items() if kind in kinds for finding in find(records)]


def kinds_from_args(args: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds that were asked for, all by default. Raises ValueError naming a wrong one."""
    kinds = tuple(argToList(args.get("findings"))) or tuple(KINDS)
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"Argument 'findings': {kind!r} is not one of {', '.join(KINDS)}.")
    return kinds


def results(findings: Sequence[Finding], count: int) -> CommandResults:
    """Everything for the context, the first of it for the war room."""
    rows = [
        {"finding": one.kind, "name": one.name, "records": ", ".join(one.records), "ids": ", ".join(one.ids)}
        for one in findings[:SHOWN]
    ]
    more = f"\nand {len(findings) - SHOWN} more, in the context" if len(findings) > SHOWN else ""
    title = f"Threat profiles: {len(findings)} findings in {count} records"
    return CommandResults(
        outputs_prefix=AUDIT,
        outputs_key_field=["kind", "name", "ids"],
        outputs=[{**asdict(one), "records": list(one.records), "ids": list(one.ids)} for one in findings],
        readable_output=tableToMarkdown(title, rows, headers=["finding", "name", "records", "ids"]) + more,
    )


def main() -> None:
    """Read the records and tell. An error entry means wrong arguments or a query that is refused."""
    try:
        args = demisto.args()
        kinds = kinds_from_args(args)
        records = list(profile_server().records(text_param(args, "query") or DEFAULT_QUERY))
        return_results(results(audit(records, kinds), len(records)))
    except Exception as error:
        return_error(f"threat-profile-audit: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
