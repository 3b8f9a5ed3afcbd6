from typing import Any

from IOCWidgetApiModule import InstanceAnswer
from XDRIOCRunsWidget import rows

FIGURES = {"seconds": 1.5, "pushed": 3, "taken": 2, "removed": 1, "set_aside": 4, "requests": 9, "throttled": 0}


def run(when: str, error: str = "", note: str = "") -> dict[str, Any]:
    return {"when": when, "by": "fetch-indicators", **FIGURES, "error": error, "note": note}


def test_rows_newest_run_of_all_instances_first_and_how_it_ended() -> None:
    answers = [
        InstanceAnswer("main", {"runs": [run("2026-11-20T12:20:00Z", "500"), run("2026-11-20T12:00:00Z")]}, ""),
        InstanceAnswer("second", {"runs": [run("2026-11-20T12:10:00Z", note="429")]}, ""),
        InstanceAnswer("third", None, "401"),
    ]
    found = rows(answers)
    assert [(one["Instance"], one["Began"][-5:], one["Ended"]) for one in found] == [
        ("third", "", "no answer: 401"),
        ("main", "12:20", "failed: 500"),
        ("second", "12:10", "early: 429"),
        ("main", "12:00", "ok"),
    ]
    assert [
        found[-1][name] for name in ("Seconds", "To XDR", "From XDR", "Removed", "Set aside", "Requests", "429s")
    ] == [*FIGURES.values()]
