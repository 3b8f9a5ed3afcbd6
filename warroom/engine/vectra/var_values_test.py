from __future__ import annotations

from typing import Any

import pytest

from warroom.engine.vectra.var_values import flag_of, hour_of, lines_of, minimum_of, score_of, text_of, urgency_of


@pytest.mark.parametrize(
    ("value", "text", "remark"),
    [
        ((80, "and", 70), "80 and 70", ""),
        ([80, "OR", "70"], "80 or 70", ""),
        ((100, "and", 100), "", "is off (scores end at 99)"),
        ((80, "and", 100), "", "is off (scores end at 99)"),
        ((100, "or", 60), "100 or 60", ""),
        ((100, "or", 100), "", "is off (scores end at 99)"),
        (None, "", "is off"),
        ("", "", "is off"),
    ],
)
def test_score_of_out_of_reach_is_off(value: Any, text: str, remark: str) -> None:
    assert score_of(value) == (text, remark)


def test_score_of_defect_46_everything_is_said() -> None:
    assert score_of((90, "or", 0)) == ("90 or 0", "beware: 'or' with 0 is true for everything")


def test_score_of_defect_7_capital_and_is_and() -> None:
    assert score_of((80, "AND", 70)) == ("80 and 70", "VAR took AND in capitals for 'or'; here it is 'and'")


@pytest.mark.parametrize(
    "value", [80, (80, "and"), (80, "xor", 70), ("high", "and", 70), (80, "and", True), (-1, "and", 0)]
)
def test_score_of_defect_26_wrong_value_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^is "):
        score_of(value)


def test_minimum_of_out_of_reach_stays_out_of_reach_when_there_are_types() -> None:
    assert minimum_of((100, "and", 100), used=True)[0] == "100 and 100"
    assert minimum_of((120, "or", 50), used=True)[0] == "100 or 50"
    assert minimum_of((100, "and", 100), used=False) == ("", "has no effect without detection types")
    assert "VAR asked for more than this" in minimum_of((50, "and", 50), used=True)[1]


@pytest.mark.parametrize(("value", "text"), [(101, ""), (100, "100"), (0, "0"), (None, ""), ("", ""), ("85", "85")])
def test_urgency_of_defect_35_empty_text_is_off(value: Any, text: str) -> None:
    assert urgency_of(value)[0] == text


@pytest.mark.parametrize(("value", "text"), [(8, "08:00"), ("22", "22:00"), (0, "00:00"), ("", ""), (None, "")])
def test_hour_of_is_a_time_of_day(value: Any, text: str) -> None:
    assert hour_of(value) == (text, "")


@pytest.mark.parametrize("value", [24, -1, "noon", True, 8.5])
def test_hour_of_wrong_value_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^is "):
        hour_of(value)


def test_flag_of_defect_34_text_counts_as_what_it_says() -> None:
    assert flag_of(True) == ("true", "")
    assert flag_of("False") == ("false", "is a text, which VAR took for True; it is taken as what it says")
    with pytest.raises(ValueError, match="neither True nor False"):
        flag_of("maybe")


def test_text_and_lines_empty_is_off_and_commas_are_refused() -> None:
    assert text_of(" a ") == ("a", "")
    assert text_of("") == ("", "is off")
    assert lines_of(["a ", "b"]) == ("a\nb", "")
    assert lines_of([]) == ("", "")
    with pytest.raises(ValueError, match="cannot have commas"):
        lines_of(["External Remote Access, Data Smuggler"])
    with pytest.raises(ValueError, match="no list of texts"):
        lines_of([1])
    with pytest.raises(ValueError, match="which is no text"):
        text_of(5)
