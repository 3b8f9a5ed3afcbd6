"""Jobs on a host: whose runs they are, and what they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from warroom.core.names import near
from warroom.core.playbook import Job, Playbook
from warroom.engine.errors import UsageError
from warroom.engine.feed_changes import feed_changes
from warroom.engine.host import Host
from warroom.engine.jobs.board import Board, JobRecord
from warroom.engine.jobs.scheduler import JobHouse
from warroom.engine.playbooks import Event, PlaybookRun


def job_house(host: Host, on_event: Callable[[Event], None] | None = None) -> JobHouse:
    """What a scheduler needs of a host. Nobody answers questions: a run that has some waits."""

    def run(job: Job, inputs: Mapping[str, str]) -> PlaybookRun:
        given = {**_query(host, job), **inputs}
        return host.run_playbook(job.playbook, given, incident=job.incident, on_event=on_event, job=job.name)

    def stop(run_id: str) -> None:
        host.playbook_runs.stop(run_id, "the job started its next run")

    return JobHouse(
        board=Board(host.store),
        run=run,
        resume=lambda run_id: host.resume_playbook(run_id, on_event=on_event),
        stop=stop,
        runs=lambda job: host.store.playbook_runs.list(size=100, job=job.name),
        feeds=lambda: feed_changes(host.store),
        clock=host.clock,
    )


def find_job(host: Host, name: str) -> Job:
    """The job of this name or id. Raises UsageError with near names."""
    try:
        return host.catalog.job(name)
    except LookupError as error:
        raise UsageError(str(error.args[0])) from None


def set_job(host: Host, job: Job, enabled: bool | None, inputs: Mapping[str, str], *, reset: bool = False) -> JobRecord:
    """Changes the home's own settings of a job. An input with an empty value goes back to its default.

    Raises UsageError for an input that the playbook does not have.
    """
    known = {item.key for item in _playbook(host, job).inputs if item.key} if inputs else set()
    for key in inputs:
        if key not in known:
            raise UsageError(f"playbook {job.playbook} has no input {key!r}{near(key, known)}")

    def change(record: JobRecord) -> JobRecord:
        kept = {} if reset else {**record.inputs, **inputs}
        switched = None if reset else record.enabled if enabled is None else enabled
        return replace(record, enabled=switched, inputs={key: value for key, value in kept.items() if value})

    return Board(host.store).change(job, change)


def _playbook(host: Host, job: Job) -> Playbook:
    try:
        return host.catalog.playbook(job.playbook)
    except LookupError as error:
        raise UsageError(f"job {job.name}: {error.args[0]}") from None


def _query(host: Host, job: Job) -> dict[str, str]:
    """The query of an indicator playbook that wants only what changed since the job's last good run began."""
    asked = next((item for item in _playbook(host, job).inputs if item.query and item.since_last_run), None)
    if asked is None:
        return {}
    last = next((run for run in host.store.playbook_runs.list(size=1000, job=job.name) if run.status == "done"), None)
    return {"": f'({asked.query}) and modified:>="{last.began}"'} if last else {}
