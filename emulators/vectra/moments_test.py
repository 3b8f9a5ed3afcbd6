"""Moments as text."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.vectra.moments import moment, read_moment


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2025-02-03T08:01:22Z", "2025-02-03T08:01:22Z"),
        ("2025-02-03T08:01:22", "2025-02-03T08:01:22Z"),
        ("2025-02-03T08:01:22.5Z", "2025-02-03T08:01:22.500000Z"),
        ("2025-02-03T08:01Z", "2025-02-03T08:01:00Z"),
        ("2025-02-03", "2025-02-03T00:00:00Z"),
        ("2025-02-30", None),
        ("3 February", None),
        ("", None),
    ],
)
def test_read_moment_takes_utc_or_nothing(text: str, read: str | None) -> None:
    assert read_moment(text) == read


@given(st.integers(0, 4_000_000_000))
def test_read_moment_reads_what_moment_writes(seconds: int) -> None:
    text = moment(seconds)
    assert read_moment(text) == text
    assert datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp() == seconds
