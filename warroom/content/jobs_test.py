from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from warroom.content import Catalog, ContentError
from warroom.content.jobs import read_job
from warroom.core.playbook import Job

RAW = {"id": "j-1", "name": "Job", "playbookId": "Some Playbook", "isFeed": False, "details": "Why."}


def read(tmp_path: Path, **changes: Any) -> Job | None:
    file = tmp_path / "job-Job.json"
    file.write_text(json.dumps({**RAW, **changes}))
    return read_job(file)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"humanCron": {"timePeriodType": "minutes", "timePeriod": 5}}, ("", 300.0)),
        ({"humanCron": {"timePeriodType": "days", "timePeriod": 2}}, ("", 172800.0)),
        ({"cron": "0 6 * * *"}, ("0 6 * * *", 0.0)),
        ({"cron": "0 6 * * *", "cronView": True, "humanCron": {"timePeriodType": "hours", "timePeriod": 1}},
         ("0 6 * * *", 0.0)),
        ({"cron": "0 6 * * *", "cronView": False, "humanCron": {"timePeriodType": "hours", "timePeriod": 1}},
         ("", 3600.0)),
        ({"startDate": "2024-01-01T00:00:00Z"}, ("", 0.0)),
        ({"humanCron": {"timePeriodType": "days", "timePeriod": 1, "atTimeHour": "6", "atTimeMinute": "30"}},
         ("30 6 * * *", 0.0)),
        ({"humanCron": {"timePeriodType": "weeks", "timePeriod": 1, "atTimeHour": "6", "days": ["MON", "Friday"]}},
         ("0 6 * * mon,fri", 0.0)),
    ],
)  # fmt: skip
def test_read_job_times(tmp_path: Path, changes: dict[str, Any], expected: tuple[str, float]) -> None:
    job = read(tmp_path, **changes)
    assert job is not None and (job.cron, job.period_seconds) == expected


def test_read_job_feeds_and_incident_fields(tmp_path: Path) -> None:
    job = read(tmp_path, isFeed=True, selectedFeeds=["a"], type="Phishing", severity=2, CustomFields={"x": 1},
               cron="* * * * *", odd=1)  # fmt: skip
    assert job is not None
    assert (job.by_feed, job.feeds, job.all_feeds, job.cron) == (True, ("a",), False, "")
    assert job.incident == {
        "name": "Job", "type": "Phishing", "severity": 2, "details": "Why.", "CustomFields": {"x": 1},
    }  # fmt: skip
    assert job.unknown == ("odd",)


@pytest.mark.parametrize(
    ("new", "close", "expected"),
    [(False, False, (False, False)), (True, False, (True, False)), (True, True, (False, True))],
)
def test_read_job_what_happens_to_an_open_run(
    tmp_path: Path, new: bool, close: bool, expected: tuple[bool, bool]
) -> None:
    job = read(tmp_path, shouldTriggerNew=new, closePrevRun=close)
    assert job is not None and (job.run_both, job.close_previous) == expected


def test_read_job_not_scheduled_is_disabled_and_year_one_is_no_date(tmp_path: Path) -> None:
    job = read(tmp_path, scheduled=False, endingDate="0001-01-01T00:00:00Z")
    assert job is not None and not job.enabled and job.end == ""


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"cron": "* * *"}, "cron: must have 5 fields"),
        ({"humanCron": {"timePeriodType": "moons", "timePeriod": 1}}, "humanCron.timePeriodType: must be one of"),
        ({"startDate": "soon"}, "startDate: must be a time such as"),
        ({"humanCron": {"timePeriodType": "days", "timePeriod": 3, "atTimeHour": "6"}}, "humanCron.atTimeHour: is"),
        ({"humanCron": {"timePeriodType": "weeks", "timePeriod": 1, "days": ["MON"]}}, "humanCron.days: is not"),
        ({"isFeed": "maybe"}, "isFeed: must be true or false"),
    ],
)
def test_read_job_wrong_key_is_named(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContentError, match=complaint):
        read(tmp_path, **changes)


def test_read_job_other_json_is_none_and_broken_json_is_told(tmp_path: Path) -> None:
    file = tmp_path / "job-x.json"
    file.write_text('{"id": "x"}')
    assert read_job(file) is None
    file.write_text("{")
    assert "is not valid JSON" in Catalog.read([tmp_path]).problems[0].reason
