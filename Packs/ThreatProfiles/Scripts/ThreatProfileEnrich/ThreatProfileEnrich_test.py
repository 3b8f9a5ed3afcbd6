"""What profiles learn from other records, and that they lose nothing."""

from typing import Any

import demistomock as demisto
import pytest
import ThreatProfileEnrich
from CommonServerPython import DemistoException
from ThreatProfileEnrich import Enriched, Knowledge, Options, options_from_args, relationships_of, run
from ThreatProfilesApiModule_server_test import FakeServer, actor, refuse

PROFILE = actor("1", "Fancy Bear", "Sofacy")
ATTACK = actor("2", "APT28", "SOFACY", "Pawn Storm", kind="Intrusion Set", description="From ATT&CK")
RELATED = {
    "APT28": [
        {"entityA": "APT28", "entityAType": "Intrusion Set", "entityB": "Phishing", "entityBType": "Attack Pattern"},
        {"entityA": "APT28", "entityAType": "Intrusion Set", "entityB": "Zebrocy", "entityBType": "Malware"},
        {"entityA": "Other", "entityAType": "Intrusion Set", "entityB": "Sniffing", "entityBType": "Attack Pattern"},
    ]
}


def enriched(fake: FakeServer, **options: Any) -> list[Enriched]:
    server = ThreatProfileEnrich.ProfileServer(fake.search, fake.execute, fake.pauses.append)
    return run(Knowledge(server, lambda value: RELATED.get(value, [])), Options(**options))


def test_run_profile_learns_aliases_description_and_techniques() -> None:
    fake = FakeServer(PROFILE, ATTACK)
    assert enriched(fake) == [
        Enriched("Fancy Bear", "1", ["APT28"], "updated", ["APT28", "Pawn Storm"], ["Phishing"], True)
    ]
    assert fake.fields("1") == {
        "aliases": ["Sofacy", "APT28", "Pawn Storm"], "description": "From ATT&CK",
        "mitreattacktechnique": ["Phishing"],
    }  # fmt: skip
    assert fake.fields("2") == ATTACK["CustomFields"]


def test_run_again_changes_nothing() -> None:
    fake = FakeServer(PROFILE, ATTACK)
    enriched(fake)
    count = len(fake.commands)
    assert [one.status for one in enriched(fake)] == ["unchanged"]
    assert len(fake.commands) == count


def test_run_what_a_profile_has_is_never_written_over() -> None:
    fake = FakeServer(
        actor("1", "Sofacy", "pawn-storm", description="By hand", mitreattacktechnique=["Spying", "phishing"]), ATTACK
    )
    [told] = enriched(fake)
    assert (told.aliases, told.techniques, told.description) == (["APT28"], [], False)
    assert fake.fields("1") == {
        "aliases": ["pawn-storm", "APT28"], "description": "By hand", "mitreattacktechnique": ["Spying", "phishing"],
    }  # fmt: skip


def test_run_source_of_several_profiles_is_nobodys() -> None:
    fake = FakeServer(PROFILE, actor("3", "Sednit", "Pawn Storm"), ATTACK)
    assert enriched(fake) == [] and fake.commands == []


def test_run_name_of_another_profile_is_not_taken() -> None:
    malware = actor("3", "Zebrocy", kind="Malware")
    fake = FakeServer(PROFILE, malware, actor("2", "Sofacy", "zebrocy", "APT28", kind="Intrusion Set"))
    [told] = enriched(fake, query='type:"Threat Actor" or type:Malware', source_query='type:"Intrusion Set"')
    assert told.aliases == ["APT28"]


@pytest.mark.parametrize(("kind", "count"), [("Malware", 1), ("Threat Actor", 0)])
def test_run_malware_learns_from_malware_only(kind: str, count: int) -> None:
    fake = FakeServer(actor("1", "Mirai", kind=kind), actor("2", "Mirai", "Katana", kind="Malware"))
    assert len(enriched(fake, query="id:1", source_query="id:2")) == count


def test_run_profile_without_fields_works() -> None:
    fake = FakeServer({**PROFILE, "value": "Sofacy", "CustomFields": None}, ATTACK)
    assert enriched(fake)[0].aliases == ["APT28", "Pawn Storm"]


def test_run_conflict_keeps_what_another_wrote() -> None:
    fake = FakeServer(PROFILE, ATTACK)
    fake.before_write = refuse(1, lambda: fake.stored["1"]["CustomFields"].update(aliases=["Sofacy", "By hand"]))
    assert enriched(fake)[0].aliases == ["APT28", "Pawn Storm"]
    assert fake.fields("1")["aliases"] == ["Sofacy", "By hand", "APT28", "Pawn Storm"]


def test_run_profile_that_fails_stops_no_other() -> None:
    fake = FakeServer(PROFILE, ATTACK, actor("3", "Turla"), actor("4", "Turla", "Snake", kind="Intrusion Set"))

    def refuse_bear(command: str, args: dict[str, Any]) -> None:
        if args["value"] == "Fancy Bear":
            raise DemistoException("down")

    fake.before_write = refuse_bear
    assert [(one.name, one.status, one.reason) for one in enriched(fake)] == [
        ("Fancy Bear", "failed", "down"), ("Turla", "updated", ""),
    ]  # fmt: skip


def test_run_dry_run_and_chosen_fields() -> None:
    fake = FakeServer(PROFILE, ATTACK)
    [told] = enriched(fake, parts=("description",), dry_run=True)
    assert (told.status, told.aliases, told.techniques, told.description) == ("updated", [], [], True)
    assert fake.commands == []


def test_relationships_of_walks_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = [{"entityB": str(number)} for number in range(250)]

    def search(given: dict[str, Any]) -> dict[str, Any]:
        assert given["entities"] == ["APT28"]
        return {"data": stored[given["page"] * given["size"] :][: given["size"]]}

    monkeypatch.setattr(demisto, "searchRelationships", search)
    assert relationships_of("APT28") == stored


def test_options_from_args_wrong_field_is_named() -> None:
    assert options_from_args({"fields": "aliases", "dry_run": "true"}) == Options(parts=("aliases",), dry_run=True)
    with pytest.raises(ValueError, match="'odd' is not one of aliases, description, techniques"):
        options_from_args({"fields": "odd"})


@pytest.mark.parametrize("failing", [False, True])
def test_main_tells_what_was_added_and_every_failure_is_an_error(
    monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    fake = FakeServer(PROFILE, ATTACK)
    fake.before_write = refuse(9 if failing else 0)
    told: list[Any] = []
    monkeypatch.setattr(demisto, "args", dict)
    monkeypatch.setattr(demisto, "searchIndicators", fake.search)
    monkeypatch.setattr(demisto, "searchRelationships", lambda given: {"data": RELATED.get(given["entities"][0])})
    monkeypatch.setattr(demisto, "results", told.append)
    monkeypatch.setattr(
        demisto, "executeCommand", lambda name, args: [{"Type": 1, "Contents": fake.execute(name, args)}]
    )
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    if failing:
        with pytest.raises(SystemExit):
            ThreatProfileEnrich.main()
    else:
        ThreatProfileEnrich.main()
        [[output]] = told[0]["EntryContext"].values()
        assert (output["status"], output["sources"], output["dry_run"]) == ("updated", ["APT28"], False)
