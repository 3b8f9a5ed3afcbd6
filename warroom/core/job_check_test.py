from __future__ import annotations

from dataclasses import replace

import pytest

from warroom.core.job_check import check_job
from warroom.core.known import Known
from warroom.core.playbook import Input, Job
from warroom.core.testing import book, task

CLOSING = book(
    task("1", "regular", script="closeInvestigation"), name="Closing", inputs=(Input("may", {"simple": "x"}),)
)
OUTER = book(task("1", "playbook", playbook="Closing"), name="Outer")
OPEN = book(task("1"), name="Open", inputs=(Input("must", required=True),))
KNOWN = Known(playbooks=[CLOSING, OUTER, OPEN])
JOB = Job("Job", "Closing", period_seconds=60)


def codes(job: Job) -> list[tuple[str, str]]:
    return [(item.level, item.code) for item in check_job(job, KNOWN)]


@pytest.mark.parametrize(
    "sound",
    [
        JOB, replace(JOB, playbook="Outer"), replace(JOB, period_seconds=0, cron="0 6 * * *", timezone="UTC"),
        replace(JOB, period_seconds=0, by_feed=True, all_feeds=True),
        replace(JOB, period_seconds=0, start="2024-01-01T00:00:00Z"),
        Job("Job", "Open", period_seconds=1, run_both=True, inputs={"must": "x"}),
    ],
)  # fmt: skip
def test_check_job_sound_job_has_no_findings(sound: Job) -> None:
    assert codes(sound) == []


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (replace(JOB, playbook="Closin"), [("error", "unknown-playbook")]),
        (replace(JOB, playbook="Open"), [("error", "missing-argument"), ("warning", "never-closes")]),
        (replace(JOB, period_seconds=0), [("error", "no-trigger")]),
        (replace(JOB, by_feed=True), [("error", "no-trigger")]),
        (replace(JOB, cron="* * *"), [("error", "bad-time")]),
        (replace(JOB, cron="* * * * *", timezone="Mars/Olympus"), [("error", "bad-time")]),
        (replace(JOB, unknown=("odd",)), [("warning", "unknown-key")]),
    ],
)
def test_check_job_defect_is_found(broken: Job, expected: list[tuple[str, str]]) -> None:
    assert codes(broken) == expected


def test_check_job_near_playbook_is_offered() -> None:
    [finding] = check_job(replace(JOB, playbook="Closin"), KNOWN)
    assert finding.what == "unknown playbook Closin; did you mean Closing?"
