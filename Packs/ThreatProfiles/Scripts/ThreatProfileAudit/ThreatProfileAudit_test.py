"""What the audit finds in records, and that it writes nothing."""

from typing import Any

import demistomock as demisto
import pytest
import ThreatProfileAudit
from ThreatProfileAudit import KINDS, SHOWN, audit, kinds_from_args
from ThreatProfilesApiModule_server_test import FakeServer, actor

SEEN = "2024-01-01T00:00:00Z"
RECORDS = [
    actor("1", "APT28", "Fancy Bear", "Grizzly Steppe", lastseenbysource=SEEN),
    actor("2", "APT29", "Cozy Bear", "grizzly-steppe", firstseenbysource=SEEN),
    actor("3", "FancyBear", "Sofacy", kind="Intrusion Set", firstseenbysource="0001-01-01T00:00:00Z"),
    {"id": "4", "value": "Silence", "indicator_type": "Malware", "CustomFields": None},
]


def found(kind: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.name, one.ids) for one in audit(RECORDS, [kind])]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("duplicate", [("Fancy Bear", ("1", "3"))]),
        ("shared_alias", [("Grizzly Steppe", ("1", "2"))]),
        ("no_alias", [("Silence", ("4",))]),
        ("no_dates", [("FancyBear", ("3",)), ("Silence", ("4",))]),
        ("weak_name", [("Silence", ("4",))]),
    ],
)
def test_audit_each_kind_finds_its_own(kind: str, names: list[tuple[str, tuple[str, ...]]]) -> None:
    assert found(kind) == names


def test_audit_sound_records_have_no_findings() -> None:
    assert audit([actor("1", "Turla", "Venomous Bear", firstseenbysource=SEEN)], list(KINDS)) == []
    assert audit([], list(KINDS)) == []


def test_kinds_from_args_wrong_one_is_named() -> None:
    assert kinds_from_args({}) == tuple(KINDS)
    with pytest.raises(ValueError, match="'odd' is not one of duplicate, shared_alias"):
        kinds_from_args({"findings": "duplicate,odd"})


def told(fake: FakeServer, monkeypatch: pytest.MonkeyPatch, args: dict[str, Any]) -> dict[str, Any]:
    monkeypatch.setattr(demisto, "args", lambda: args)
    monkeypatch.setattr(demisto, "searchIndicators", fake.search)
    entries: list[dict[str, Any]] = []
    monkeypatch.setattr(demisto, "results", entries.append)
    ThreatProfileAudit.main()
    return entries[0]


def test_main_tells_findings_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeServer(*RECORDS)
    entry = told(fake, monkeypatch, {"findings": "duplicate"})
    [outputs] = entry["EntryContext"].values()
    assert outputs == [
        {"kind": "duplicate", "name": "Fancy Bear", "records": ["APT28", "FancyBear"], "ids": ["1", "3"]}
    ]  # fmt: skip
    assert "1 findings in 4 records" in entry["HumanReadable"]
    assert set(fake.queries) == {ThreatProfileAudit.DEFAULT_QUERY} and fake.commands == []


def test_main_long_list_is_cut_for_people_only(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeServer(*(actor(str(number), f"Actor {number}") for number in range(SHOWN + 5)))
    entry = told(fake, monkeypatch, {"query": 'type:"Threat Actor"', "findings": "no_alias"})
    assert len(next(iter(entry["EntryContext"].values()))) == SHOWN + 5
    assert entry["HumanReadable"].endswith("and 5 more, in the context")


def test_main_wrong_argument_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        told(FakeServer(), monkeypatch, {"findings": "odd"})
