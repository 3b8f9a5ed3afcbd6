import json
from typing import Any

from CommonServerPython import EntryType
from IOCWidgetApiModule import InstanceAnswer, instance_answers, widget_moment, widget_table


def test_answers_one_for_each_instance_an_error_too_and_none_for_debug_entries() -> None:
    entries = [
        {"Type": 1, "ModuleName": "main", "Contents": {"in_sync": True}, "EntryContext": {"any": {}}},
        {"Type": EntryType.ERROR, "ModuleName": "second", "Contents": "401 " + "x" * 500},
        {"Type": 16, "ModuleName": "main", "Contents": "debug"},
    ]
    asked: list[Any] = []

    def execute(*call: Any) -> Any:
        asked.append(call)
        return entries

    found = instance_answers(execute, "a-command", {"details": "false"})
    assert asked == [("a-command", {"details": "false"})]
    assert found[0] == InstanceAnswer("main", {"in_sync": True}, "")
    assert (found[1].instance, found[1].outputs, len(found[1].error)) == ("second", None, 300)
    assert len(found) == 2


def test_answers_without_an_instance_say_so() -> None:
    def nobody(*_: Any) -> Any:
        raise ValueError("Unsupported Command")

    (found,) = instance_answers(nobody, "a-command", {})
    assert found.outputs is None and "no instance answers: Unsupported Command" in found.error


def test_table_and_moment_are_what_a_dashboard_shows() -> None:
    assert json.loads(widget_table([{"A": 1}, {"A": 2}])) == {"total": 2, "data": [{"A": 1}, {"A": 2}]}
    assert (widget_moment("2026-11-20T12:03:10.5Z"), widget_moment(None)) == ("2026-11-20 12:03", "")
