"""Tests for `warroom.core.dates`."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.dates import NEVER, NO_DATE, as_micros, from_micros, span, to_micros

NOW = as_micros(datetime(2024, 3, 15, 12, 30, 45, 123456, tzinfo=timezone.utc))
DAY = 86_400_000_000


def at(text: str) -> int:
    micros = to_micros(text)
    assert micros is not None
    return micros


@given(st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000))
def test_from_micros_any_moment_reads_back_the_same(micros: int) -> None:
    text = from_micros(micros)
    assert to_micros(text) == micros
    assert len(text) == 27 and text.endswith("Z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        12,
        "soon",
        NEVER,
        "0001-01-01T00:00:00",
        "2024-13-01",
        "20240101",
        "2024-W01-1",
        "2024-01-01T25:00:00",
    ],
)
def test_to_micros_no_date_is_none(text: object) -> None:
    assert to_micros(text) is None


def test_from_micros_no_date_is_never() -> None:
    assert from_micros(NO_DATE) == NEVER


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-01-31T10:00:00+02:00", "2024-01-31T08:00:00Z"),
        ("2024-01-31T10:00:00.1234567Z", "2024-01-31T10:00:00.123456Z"),
        ("2024-01-31T10:00:00.5Z", "2024-01-31T10:00:00.500000Z"),
        ("2024-01-31", "2024-01-31T00:00:00Z"),
    ],
)
def test_to_micros_spellings_are_one_moment(text: str, same: str) -> None:
    assert at(text) == at(same)


@pytest.mark.parametrize(
    ("text", "start", "after"),
    [
        ("2024", "2024-01-01", "2025-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2024-02-28", "2024-02-28", "2024-02-29"),
        ("2024-02-28T10", "2024-02-28T10:00", "2024-02-28T11:00"),
        ("2024-02-28 10:05", "2024-02-28T10:05", "2024-02-28T10:06"),
        ("2024-02-28T10:05Z", "2024-02-28T10:05", "2024-02-28T10:06"),
        ("2024-02-28T10:05:06", "2024-02-28T10:05:06", "2024-02-28T10:05:07"),
        ("2024-02-28T10:05:06-02:00", "2024-02-28T12:05:06", "2024-02-28T12:05:07"),
        ("2024-02-28T10:05:06+0200", "2024-02-28T08:05:06", "2024-02-28T08:05:07"),
        ("2024-02-28T10:05:06.12Z", "2024-02-28T10:05:06.120000", "2024-02-28T10:05:06.130000"),
        ("2024-02-28T10:05:06.123456Z", "2024-02-28T10:05:06.123456", "2024-02-28T10:05:06.123457"),
        ("2024-02-28T10:05:06.123456789Z", "2024-02-28T10:05:06.123456", "2024-02-28T10:05:06.123457"),
        ("today", "2024-03-15", "2024-03-16"),
        ("Yesterday", "2024-03-14", "2024-03-15"),
        ("tomorrow", "2024-03-16", "2024-03-17"),
    ],
)
def test_span_dates_are_as_wide_as_their_precision(text: str, start: str, after: str) -> None:
    assert span(text, NOW) == (at(start), at(after))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("now-7d", NOW - 7 * DAY),
        ("now+1d-12h", NOW + DAY // 2),
        ("7 days ago", NOW - 7 * DAY),
        ("a week ago", NOW - 7 * DAY),
        ("an hour ago", NOW - DAY // 24),
        ("2 Hours From Now", NOW + DAY // 12),
        ("in 30 minutes", NOW + DAY // 48),
        ("1 month ago", at("2024-02-15T12:30:45.123456")),
        ("1 year ago", at("2023-03-15T12:30:45.123456")),
    ],
)
def test_span_relative_times_are_one_microsecond(text: str, moment: int) -> None:
    assert span(text, NOW) == (moment, moment + 1)


@pytest.mark.parametrize(
    "text", ["", "7", "soon", "7 days", "in 7 days ago", "7 fortnights ago", "now-7", "2024-1-1", "99999999 years ago"]
)
def test_span_anything_else_is_none(text: str) -> None:
    assert span(text, NOW) is None


@given(st.text(max_size=30))
def test_span_any_text_never_raises(text: str) -> None:
    found = span(text, NOW)
    assert found is None or found[0] < found[1]
