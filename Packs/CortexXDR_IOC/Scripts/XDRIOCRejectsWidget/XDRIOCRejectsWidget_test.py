from IOCWidgetApiModule import InstanceAnswer
from XDRIOCRejectsWidget import rows

REASON = {"reason": "no type", "direction": "to XDR", "records": 1, "example": "::1", "newest": "2026-11-20T12:03:10Z"}


def test_rows_one_for_each_reason_of_each_instance_most_frequent_first() -> None:
    answers = [
        InstanceAnswer(
            "main", {"set_aside_by_reason": [REASON, {**REASON, "reason": "expired at ...", "records": 7}]}, ""
        ),
        InstanceAnswer("second", None, "401"),
        InstanceAnswer("third", {"set_aside_by_reason": []}, ""),
    ]
    found = rows(answers)
    assert [(one["Instance"], one["Records"], one["Reason"]) for one in found] == [
        ("main", 7, "expired at ..."),
        ("main", 1, "no type"),
        ("second", "", "no answer: 401"),
    ]
    assert (found[1]["Way"], found[1]["Newest"], found[1]["For example"]) == ("to XDR", "2026-11-20 12:03", "::1")
