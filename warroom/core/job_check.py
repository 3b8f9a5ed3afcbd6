"""Whether a job can run: its playbook is there, it has a time or a feed, and its runs can end."""

from __future__ import annotations

from collections.abc import Iterator

from warroom.core.cron import CronError, parse
from warroom.core.findings import Finding, Level
from warroom.core.job_times import zone_of
from warroom.core.known import Known
from warroom.core.names import near
from warroom.core.playbook import Job, Playbook

CLOSING = "closeInvestigation"


def check_job(job: Job, known: Known) -> Iterator[Finding]:
    """The findings of one job."""
    for key in job.unknown:
        yield _finding(job, "warning", "unknown-key", f"{key} is read by nothing here", "remove it")
    yield from _when(job)
    playbook = known.playbook(job.playbook)
    if playbook is None:
        hint = near(job.playbook, [item.name for item in known.playbooks])
        yield _finding(
            job, "error", "unknown-playbook", f"unknown playbook {job.playbook}{hint}",
            "correct playbookId, or add the pack that brings it",
        )  # fmt: skip
        return
    for item in playbook.inputs:
        if item.required and not item.value and item.key not in job.inputs:
            yield _finding(
                job, "error", "missing-argument", f"playbook {playbook.name} needs the input {item.key}, and a job "
                "gives none", f"give {item.key} a default value",
            )  # fmt: skip
    if not job.run_both and not job.close_previous and not closes(playbook, known):
        yield _finding(
            job, "warning", "never-closes", f"playbook {playbook.name} never closes its incident, so on a server the "
            "next run waits for a person", f"end it with {CLOSING}",
        )  # fmt: skip


def closes(playbook: Playbook, known: Known, above: frozenset[str] = frozenset()) -> bool:
    """Whether some task of the playbook, or of its sub-playbooks, closes the incident."""
    if playbook.id in above:
        return False
    for task in playbook.tasks.values():
        called = known.playbook(task.playbook) if task.playbook else None
        if task.script == CLOSING or (called and closes(called, known, above | {playbook.id})):
            return True
    return False


def _when(job: Job) -> Iterator[Finding]:
    if job.by_feed:
        if not job.all_feeds and not job.feeds:
            yield _finding(
                job, "error", "no-trigger", "it waits for feeds, and names none",
                "set isAllFeeds, or name instances in selectedFeeds",
            )  # fmt: skip
        return
    if job.cron:
        try:
            parse(job.cron)
            zone_of(job)
        except CronError as wrong:
            yield _finding(job, "error", "bad-time", f"cron: {wrong}", "correct the cron line")
    elif job.period_seconds <= 0 and not job.start:
        yield _finding(
            job,
            "error",
            "no-trigger",
            "it has no time to run at",
            "set humanCron, cron or startDate, or make it a feed job",
        )


def _finding(job: Job, level: Level, code: str, what: str, mend: str) -> Finding:
    return Finding(level, code, f"job {job.name}", job.file, what, mend)
