import pytest
from VectraResponseDaysBar import CommandFailed, House, answer, by_day

NOW = 1_760_000_000.0  # 2025-10-09


def test_by_day_all_days_are_there_in_their_order_and_an_entity_counts_once() -> None:
    row = {"brain": "a", "key": "host:1", "since": NOW}
    bars = by_day([row, row, {**row, "key": "host:2", "since": NOW - 86_400}, {**row, "since": NOW - 30 * 86_400}], NOW)
    assert [item["name"] for item in bars] == ["10-03", "10-04", "10-05", "10-06", "10-07", "10-08", "10-09"]
    assert [item["data"] for item in bars] == [[0], [0], [0], [0], [0], [1], [1]]


def test_answer_no_brain_that_answers_is_an_error() -> None:
    modules = {"a": {"brand": "VectraAutomatedResponse", "state": "active"}}
    house = House(lambda command, args: [{"Type": 4, "Contents": "down"}], lambda: modules, dict, lambda: NOW)
    with pytest.raises(CommandFailed, match="a: down"):
        answer(house)
