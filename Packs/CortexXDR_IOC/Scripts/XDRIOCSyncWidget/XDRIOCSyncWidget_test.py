"""Rows of the dashboard's table."""

import json
from typing import Any

import demistomock as demisto
import pytest
from IOCWidgetApiModule import InstanceAnswer
from XDRIOCSyncWidget import in_sync, main, row, rows

STATUS = {"in_sync": True, "reason": "in sync", "why": "Everything arrived.", "set_aside_now": 2, "waiting": 3}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"in_sync": True, "reason": "in sync"}, "yes"),
        ({"reason": "first sync", "first_sync_done": 30, "first_sync_total": 120}, "no: first sync, 25 %"),
        ({"reason": "first sync"}, "no: first sync, 0 %"),
        ({"reason": "failing"}, "no: failing"),
        ({}, "no: unknown"),
    ],
)
def test_in_sync_is_the_answer_in_words(status: dict[str, Any], words: str) -> None:
    assert in_sync(status) == words


def test_row_of_an_answer_has_every_figure() -> None:
    status = {**STATUS, "in_sync": False, "reason": "failing", "not_in_sync_since": "2026-11-20T12:03:10Z"}
    status |= {
        "throughput": 125.5,
        "requests_per_second": 2.0,
        "requests_per_second_allowed": 8,
        "requests_throttled": 4,
    }
    assert row(InstanceAnswer("main", status, "")) == {
        "Instance": "main",
        "In sync": "no: failing",
        "Not since": "2026-11-20 12:03",
        "Why": "Everything arrived.",
        "Waiting": 3,
        "Set aside": 2,
        "Records per second": 125.5,
        "Requests per second": "2 of 8",
        "429s": 4,
    }


def test_rows_instance_that_does_not_answer_has_one() -> None:
    found = rows([InstanceAnswer("main", STATUS, ""), InstanceAnswer("second", None, "401")])
    assert [(one["In sync"], one["Why"]) for one in found] == [("yes", "Everything arrived."), ("no answer", "401")]


def test_main_without_an_instance_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any) -> Any:
        raise ValueError("Unsupported Command")

    shown: list[Any] = []
    monkeypatch.setattr(demisto, "executeCommand", nobody, raising=False)
    monkeypatch.setattr(demisto, "results", shown.append)
    main()
    text = shown[0]["Contents"] if isinstance(shown[0], dict) else shown[0]
    assert "no instance answers" in json.loads(text)["data"][0]["Why"]
