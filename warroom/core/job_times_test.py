from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.cron import CronError
from warroom.core.job_times import MOST_MISSED, next_due, overdue, period_text, seconds_of, when_text
from warroom.core.playbook import Job

EVERY_5 = Job("five", "Some Playbook", period_seconds=300)
AT_SIX = Job("six", "Some Playbook", cron="0 6 * * *", timezone="Europe/Berlin")


def at(text: str) -> float:
    seconds = seconds_of(text)
    assert seconds is not None
    return seconds


def test_next_due_periodic_job_is_due_when_first_known_then_on_its_grid() -> None:
    assert next_due(EVERY_5, 999, 1000) == 1000
    assert next_due(EVERY_5, 1000, 1000) == 1300
    assert next_due(EVERY_5, 1450, 1000) == 1600


def test_next_due_start_sets_the_grid_and_end_ends_it() -> None:
    job = replace(EVERY_5, start="1970-01-01T00:10:00Z", end="1970-01-01T00:20:00Z")
    assert next_due(job, 0, 0) == 600
    assert next_due(job, 1199, 0) == 1200
    assert next_due(job, 1200, 0) is None


def test_next_due_job_with_a_start_alone_is_due_once() -> None:
    job = Job("once", "Some Playbook", start="1970-01-01T00:10:00Z")
    assert next_due(job, 0, 0) == 600
    assert next_due(job, 600, 0) is None


def test_next_due_cron_follows_summer_time_of_its_zone() -> None:
    assert next_due(AT_SIX, at("2024-03-30T12:00:00Z"), 0) == at("2024-03-31T04:00:00Z")
    assert next_due(AT_SIX, at("2024-03-29T12:00:00Z"), 0) == at("2024-03-30T05:00:00Z")


def test_next_due_feed_job_has_no_time() -> None:
    assert next_due(Job("feed", "Some Playbook", by_feed=True, all_feeds=True), 0, 0) is None


def test_next_due_unknown_zone_is_named() -> None:
    with pytest.raises(CronError, match="'Mars/Olympus' is not known"):
        next_due(replace(AT_SIX, timezone="Mars/Olympus"), 0, 0)


def test_overdue_counts_what_was_missed() -> None:
    found = overdue(EVERY_5, 1000, 2000, 1000)
    assert found is not None
    assert (found.count, found.first, found.last) == (3, 1300, 1900)
    days = overdue(AT_SIX, at("2024-01-01T12:00:00Z"), at("2024-01-04T12:00:00Z"), 0)
    assert days is not None
    assert (days.count, days.last) == (3, at("2024-01-04T05:00:00Z"))


def test_overdue_nothing_due_is_none() -> None:
    assert overdue(EVERY_5, 1000, 1299, 1000) is None


def test_overdue_long_absence_is_not_counted_out() -> None:
    found = overdue(replace(EVERY_5, period_seconds=1), 0, 1e9, 0)
    assert found is not None
    assert (found.count, found.last) == (MOST_MISSED, 1e9)


@given(st.floats(1, 1e6), st.floats(0, 1e9), st.floats(0, 1e9))
def test_next_due_is_later_than_asked_and_within_a_period(period: float, known: float, after: float) -> None:
    due = next_due(replace(EVERY_5, period_seconds=period), after, known)
    assert due is not None and due > after
    assert due <= max(known, after + period * 1.000001 + 1e-3)


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (EVERY_5, "every 5 minutes"),
        (AT_SIX, "cron 0 6 * * * (Europe/Berlin)"),
        (Job("feed", "Some Playbook", by_feed=True, feeds=("a", "b")), "after a, b changes"),
        (Job("feed", "Some Playbook", by_feed=True, all_feeds=True), "after any feed changes"),
        (Job("none", "Some Playbook"), "never"),
    ],
)
def test_when_text_says_it_in_words(job: Job, expected: str) -> None:
    assert when_text(job) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(3600, "1 hour"), (172800, "2 days"), (90, "90 seconds")])
def test_period_text_takes_the_largest_unit(seconds: float, expected: str) -> None:
    assert period_text(seconds) == expected
