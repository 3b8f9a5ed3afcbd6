from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.cron import CronError, next_time, parse

START = datetime(2024, 2, 27, 22, 59, 30)  # noqa: DTZ001 - the wall clock of nowhere; a Tuesday


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("* * * * *", "2024-02-27 23:00"),
        ("*/15 * * * *", "2024-02-27 23:00"),
        ("7-20/6 * * * *", "2024-02-27 23:07"),
        ("5/20 * * * *", "2024-02-27 23:05"),
        ("30 6 * * *", "2024-02-28 06:30"),
        ("0 8,20 * * mon-fri", "2024-02-28 08:00"),
        ("0 0 29 feb *", "2024-02-29 00:00"),
        ("0 0 * * 0", "2024-03-03 00:00"),
        ("0 0 * * 7", "2024-03-03 00:00"),
        ("0 0 15 * fri", "2024-03-01 00:00"),
        ("0 0 31 12 ?", "2024-12-31 00:00"),
    ],
)
def test_next_time_line_comes_due_then(line: str, expected: str) -> None:
    assert next_time(parse(line), START).strftime("%Y-%m-%d %H:%M") == expected


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("* * * *", "must have 5 fields"),
        ("60 * * * *", "minute: must be between 0 and 59, not '60'"),
        ("* 5-3 * * *", "hour: '5-3' runs backwards"),
        ("* * 0 * *", "day: must be between 1 and 31"),
        ("* * * foo *", "month: must be between 1 and 12, not 'foo'"),
        ("*/0 * * * *", "minute: must be between 1 and 59, not '0'"),
    ],
)
def test_parse_wrong_line_names_the_field(line: str, complaint: str) -> None:
    with pytest.raises(CronError, match="^.*" + complaint):
        parse(line)


def test_next_time_day_that_never_comes_is_refused() -> None:
    with pytest.raises(CronError, match="no such day"):
        next_time(parse("0 0 31 2 *"), START)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001
    st.integers(0, 59),
    st.integers(0, 23),
)
def test_next_time_is_later_and_fits(after: datetime, minute: int, hour: int) -> None:
    found = next_time(parse(f"{minute} {hour} * * *"), after)
    assert found > after
    assert (found.minute, found.hour) == (minute, hour)
    assert (found - after).total_seconds() <= 86400
