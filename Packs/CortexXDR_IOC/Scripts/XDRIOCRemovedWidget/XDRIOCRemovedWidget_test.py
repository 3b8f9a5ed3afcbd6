from IOCWidgetApiModule import InstanceAnswer
from XDRIOCRemovedWidget import rows

ENTRY = {"indicator": "a.example", "type": "Domain", "policy": "disable", "reason": "expired", "phase": "done"}


def test_rows_newest_removal_of_all_instances_first() -> None:
    answers = [
        InstanceAnswer("main", [{**ENTRY, "when": "2026-11-20T12:00:00Z"}], ""),
        InstanceAnswer("second", [{**ENTRY, "indicator": "b.example", "when": "2026-11-20T12:10:00Z"}], ""),
        InstanceAnswer("third", None, "401"),
        InstanceAnswer("fourth", [], ""),
    ]
    found = rows(iter(answers))
    assert [(one["Instance"], one["Indicator"], one["Why"]) for one in found] == [
        ("third", "", "no answer: 401"),
        ("second", "b.example", "expired"),
        ("main", "a.example", "expired"),
    ]
    assert (found[2]["When"], found[2]["Policy"], found[2]["State"]) == ("2026-11-20 12:00", "disable", "done")
