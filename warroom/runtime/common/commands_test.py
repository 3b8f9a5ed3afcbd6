"""Running commands, polling, and dates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from warroom.runtime.common.commands import CommandRunner, execute_command
from warroom.runtime.common.dates import (
    FormatIso8601,
    date_to_timestamp,
    datetime_to_string,
    parse_date_range,
    parse_date_string,
    timestamp_to_datestring,
    timestamp_to_datetime,
)
from warroom.runtime.common.entries import DemistoException
from warroom.runtime.common.polling import PollResult, ScheduledCommand, polling_function
from warroom.runtime.common.results import CommandResults

GOOD = {"Type": 1, "Contents": {"a": 1}, "Brand": "B", "ModuleName": "one"}
BAD = {"Type": 4, "Contents": "broken", "Brand": "B", "ModuleName": "two"}
DEBUG = {"Type": 16, "Contents": "log"}
NOON = datetime.fromisoformat("2024-03-31T12:00:00")


def answer(monkeypatch: pytest.MonkeyPatch, demisto: Any, *entries: dict[str, Any]) -> None:
    monkeypatch.setattr(demisto, "executeCommand", lambda command, args: list(entries))


def test_execute_command_one_entry_is_unwrapped(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    answer(monkeypatch, demisto, GOOD, DEBUG)
    assert execute_command("ip", {}) == {"a": 1}
    assert execute_command("ip", {}, extract_contents=False) == [GOOD, DEBUG]
    assert execute_command("ip", {}, fail_on_error=False) == (True, {"a": 1})
    answer(monkeypatch, demisto, GOOD, GOOD)
    assert execute_command("ip", {}) == [{"a": 1}, {"a": 1}]


def test_execute_command_one_failing_instance_fails_the_call(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    answer(monkeypatch, demisto, GOOD, BAD)
    with pytest.raises(DemistoException, match="broken"):
        execute_command("ip", {})
    assert execute_command("ip", {}, fail_on_error=False) == (False, "broken")


def test_execute_command_in_an_integration_raises(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    monkeypatch.delattr(demisto, "executeCommand")
    with pytest.raises(DemistoException, match="scripts only"):
        execute_command("ip", {})


def test_command_runner_splits_by_instance(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    answer(monkeypatch, demisto, GOOD, BAD, DEBUG)
    command = CommandRunner.Command("ip", {"ip": "x"}, brand="B")
    results, errors = CommandRunner.execute_commands(command)
    assert [(item.instance, item.result, item.args) for item in results] == [
        ("one", {"a": 1}, {"ip": "x", "using-brand": "B"})
    ]
    assert [(item.brand, item.instance, item.result) for item in errors] == [("B", "two", "broken")]
    good, (summary,) = CommandRunner.run_commands_with_summary([command])
    assert [item.instance for item in good] == ["one"]
    assert "| B: two | ip | broken |" in summary["HumanReadable"]


def test_command_runner_unknown_command_is_an_error_result(demisto: Any) -> None:
    results, errors = CommandRunner.execute_commands(CommandRunner.Command("nothing"))
    assert results == []
    assert "nothing" in errors[0].result


@polling_function("sample-poll", interval=5, timeout=60)
def sample(args: dict[str, Any], done: bool) -> PollResult:
    partial = CommandResults(readable_output="so far") if args.get("partial") else None
    return PollResult("result", lambda: not done, {**args, "id": "7"}, partial)


def test_polling_without_its_argument_runs_once(demisto: Any) -> None:
    assert sample({}, False) == sample({"polling": "true"}, True) == "result"


def test_polling_not_done_schedules_the_next_run(demisto: Any) -> None:
    entry = sample({"polling": "true"}, False).to_context()
    assert (entry["HumanReadable"], entry["PollingCommand"]) == ("Fetching Results:", "sample-poll")
    assert (entry["NextRun"], entry["Timeout"], entry["PollingItemsRemaining"]) == ("10", "60", 0)
    assert entry["PollingArgs"] == {"polling": "true", "id": "7", "hide_polling_output": True}
    assert sample(entry["PollingArgs"], False).to_context()["HumanReadable"] is None


def test_polling_arguments_set_interval_and_partial_result_is_shown(demisto: Any) -> None:
    args = {"polling": True, "interval_in_seconds": "90", "timeout_in_seconds": "120", "partial": True}
    entry = sample(args, False).to_context()
    assert (entry["NextRun"], entry["Timeout"], entry["Contents"]) == ("90", "120", "so far")


def test_polling_old_server_is_refused(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    monkeypatch.setattr(demisto, "demistoVersion", lambda: {"version": "6.1.0", "buildNumber": "1"})
    with pytest.raises(DemistoException, match=r"6\.2\.0"):
        ScheduledCommand("x", 10)


def test_dates_milliseconds_and_text_are_inverse() -> None:
    assert timestamp_to_datestring(1_700_000_000_000) == "2023-11-14T22:13:20.000Z"
    assert timestamp_to_datestring(1_700_000_000_000, "%H:%M", is_utc=True) == "22:13"
    assert date_to_timestamp(timestamp_to_datetime(1_700_000_000_000)) == 1_700_000_000_000
    assert date_to_timestamp("2024-01-01T00:00:00") == date_to_timestamp(datetime.fromisoformat("2024-01-01"))


def test_dates_texts_are_read_and_written() -> None:
    assert FormatIso8601(NOON) == datetime_to_string(NOON) == "2024-03-31T12:00:00"
    assert parse_date_string("2024-03-31T12:00:00") == NOON
    assert parse_date_string("2024-03-31T12:00:00.5Z").microsecond == 500_000
    with pytest.raises(ValueError, match="yest"):
        parse_date_string("yesterday")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("30 minutes", "2024-03-31T11:30:00"),
        ("1 day", "2024-03-30T12:00:00"),
        ("1 month", "2024-02-29T12:00:00"),
        ("2 years", "2022-03-31T12:00:00"),
    ],
)
def test_date_range_ends_now(text: str, start: str) -> None:
    assert parse_date_range(text, now=NOON) == (datetime.fromisoformat(start), NOON)


def test_date_range_forms_and_refusals() -> None:
    assert parse_date_range("1 hour", "%H:%M", timezone=1, now=NOON) == ("12:00", "13:00")
    start, end = parse_date_range("1 hour", to_timestamp=True, now=NOON)
    assert end - start == 3_600_000
    for wrong in ("1", "one day", "1 fortnight", ""):
        with pytest.raises(DemistoException, match="date range"):
            parse_date_range(wrong)
