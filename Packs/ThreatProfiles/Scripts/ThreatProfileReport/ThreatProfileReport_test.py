"""What a report says, and what it leaves out."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import demistomock as demisto
import pytest
import ThreatProfileReport
from ThreatProfileReport import Options, options_from_args, page_of, plain, run
from ThreatProfilesApiModule_server_test import FakeServer, actor

NOW = datetime(2024, 1, 31, tzinfo=timezone.utc)
NEWS = [
    {"title": "Old | [news]", "link": "https://a.example/old_(1)", "source": "A", "timestamp": "2023-01-02T00:00:00Z"},
    {"title": "New", "link": "https://a.example/new", "timestamp": "2024-01-30T00:00:00Z"},
]
NOTES = [
    {"notes": "New: https://a.example/new/", "timestamp": "2024-01-30T00:00:00Z"},
    {"notes": "Called by the CERT"},
]
TURLA = actor(
    "1", "Turla", "Snake", "Venomous_Bear", publications=NEWS, communitynotes=NOTES,
    description="Spies.\nSince *long*.", firstseenbysource="2004-01-01", lastseenbysource="2024-01-30",
    mitreattacktechnique=["Phishing", "Rootkit"],
)  # fmt: skip


def pages(fake: FakeServer, **options: Any) -> tuple[list[str], list[str]]:
    found, missing = run(
        ThreatProfileReport.ProfileServer(fake.search, fake.execute, fake.pauses.append), Options(**options)
    )
    return [page.id for page in found], missing


def test_page_of_everything_that_is_known() -> None:
    page = page_of(TURLA, Options())
    assert page.articles == 3
    assert page.markdown.splitlines() == [
        "## Turla",
        "",
        "- Type: Threat Actor",
        "- Also known as: Snake, Venomous\\_Bear",
        "- First seen: 2004-01-01",
        "- Last seen: 2024-01-30",
        "- Techniques: Phishing, Rootkit",
        "",
        "Spies. Since \\*long\\*.",
        "",
        "### News",
        "",
        "- 2024-01-30: [New](https://a.example/new)",
        "- 2023-01-02: [Old \\| \\[news\\]](https://a.example/old_%281%29) (A)",
        "- no date: Called by the CERT",
    ]


def test_page_of_days_and_most_articles() -> None:
    recent = page_of(TURLA, Options(since="2024-01-01T00:00:00Z"))
    assert recent.articles == 1 and "no date" not in recent.markdown
    assert page_of(TURLA, Options(max_articles=1)).markdown.endswith("- and 2 more")


def test_page_of_bare_record_has_no_empty_parts() -> None:
    bare = {"id": "2", "value": "X", "indicator_type": "Malware", "CustomFields": None}
    assert page_of(bare, Options()).markdown == "## X\n\n- Type: Malware"


def test_plain_link_to_a_script_stays_text() -> None:
    assert plain("[x](javascript:y)\n# <b>") == "\\[x\\](javascript:y) \\# \\<b\\>"
    row = {"title": "T", "link": "javascript:alert(1)", "timestamp": None}
    assert ThreatProfileReport.line_of(row) == "- no date: T"


def test_run_names_and_query_each_record_once_and_missing_ones_told() -> None:
    fake = FakeServer(TURLA, actor("2", "Snake", kind="Malware"), actor("3", "Snakebite"))
    assert pages(fake, names=("snake", "Nobody"), query='type:"Threat Actor"') == (["1", "2", "3"], ["Nobody"])
    assert fake.commands == []


def test_options_from_args_days_are_counted_from_now() -> None:
    assert options_from_args({"names": "Turla", "days": "30"}, NOW).since == "2024-01-01T00:00:00Z"
    assert options_from_args({"query": "type:Malware"}, NOW) == Options(query="type:Malware")
    with pytest.raises(ValueError, match="Give 'names' or 'query'"):
        options_from_args({}, NOW)
    with pytest.raises(ValueError, match=r"'days'.*'-1' is not between"):
        options_from_args({"names": "Turla", "days": "-1"}, NOW)


def told(fake: FakeServer, monkeypatch: pytest.MonkeyPatch, args: dict[str, Any]) -> list[Any]:
    entries: list[Any] = []
    monkeypatch.setattr(demisto, "args", lambda: args)
    monkeypatch.setattr(demisto, "searchIndicators", fake.search)
    monkeypatch.setattr(demisto, "results", entries.append)
    ThreatProfileReport.main()
    return entries


def test_main_report_is_told_and_written_to_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # where files are written to
    report, [file] = told(FakeServer(TURLA), monkeypatch, {"names": "Turla,Nobody", "file": "true"})
    assert report["HumanReadable"].startswith("# Threat profiles\n\n## Turla")
    assert report["HumanReadable"].endswith("No record has the name Nobody.")
    assert file["File"] == "threat-profiles.md"


def test_main_wrong_argument_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        told(FakeServer(), monkeypatch, {})
