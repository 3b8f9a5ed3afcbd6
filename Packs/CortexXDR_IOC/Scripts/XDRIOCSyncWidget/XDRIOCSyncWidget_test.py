"""Rows of the dashboard's table."""

import json
from typing import Any

import demistomock as demisto
import pytest
import XDRIOCSyncWidget
from XDRIOCSyncWidget import EntryType, in_sync, main, row, table

STATUS = {"phase": "following changes", "pushed": 7, "set_aside_now": 2, "last_outbound": "2026-01-01T00:00:00Z"}


def entry(key: str = "CortexXDRIOC(true)", **status: Any) -> dict[str, Any]:
    return {"Type": 1, "ModuleName": "main", "EntryContext": {key: {"SyncStatus": {**STATUS, **status}}}}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"phase": "following changes"}, "in sync"),
        ({"phase": "first sync", "first_sync_done": 30, "first_sync_total": 120}, "first sync, 25 %"),
        ({"phase": "first sync"}, "first sync, 0 %"),
        ({"phase": "not started"}, "not started"),
        ({}, "not started"),
        ({"phase": "following changes", "last_error": "500"}, "failing"),
    ],
)
def test_in_sync_phase_in_words(status: dict[str, Any], words: str) -> None:
    assert in_sync(status) == words


def test_row_of_an_answer_has_every_figure() -> None:
    found = row(entry())
    assert (found["Instance"], found["State"], found["Pushed"], found["Set aside"]) == ("main", "in sync", 7, 2)


def test_table_instance_that_fails_has_a_row_and_debug_entries_have_none() -> None:
    broken = {"Type": EntryType.ERROR, "ModuleName": "second", "Contents": "401"}
    found = table([entry(), broken, {"Type": 16, "Contents": "debug"}])
    assert (found["total"], [one["State"] for one in found["data"]]) == (2, ["in sync", "no answer"])


def test_main_without_an_instance_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any) -> Any:
        raise ValueError("Unsupported Command")

    shown: list[str] = []
    monkeypatch.setattr(demisto, "executeCommand", nobody, raising=False)
    monkeypatch.setattr(XDRIOCSyncWidget.demisto, "results", shown.append)
    main()
    assert "no instance answers" in json.loads(shown[0])["data"][0]["Last error"]
