from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from warroom.content.testing import write_pack
from warroom.core.indicators import Source
from warroom.engine import Host, UsageError
from warroom.engine.feed_changes import feed_changes
from warroom.engine.jobs.board import Board, JobRecord, is_enabled
from warroom.engine.jobs.house import find_job, job_house, set_job

SOURCE = Source("Manual", "Manual", "manual", "A++ - Reputation script")
TASKS: dict[str, Any] = {
    "0": {"id": "0", "type": "start", "task": {"name": ""}, "nexttasks": {"#none#": ["1"]}},
    "1": {"id": "1", "type": "regular", "task": {"name": "Note", "scriptName": "Set", "iscommand": False},
          "scriptarguments": {"key": {"simple": "Seen"}, "value": {"complex": {"root": "playbookQuery",
                                                                             "accessor": "value"}}}},
}  # fmt: skip
PLAYBOOK: dict[str, Any] = {
    "id": "Push", "name": "Push", "starttaskid": "0", "tasks": TASKS,
    "inputs": [{"key": "", "value": {}, "playbookInputQuery": {
        "query": "type:IP", "queryEntity": "indicators", "runFromLastJobTime": True}}, {"key": "who", "value": {}}],
    "outputs": [{"contextPath": "Seen"}],
}  # fmt: skip
JOB = {"id": "push", "name": "Push job", "playbookId": "Push", "isFeed": True, "isAllFeeds": True, "details": "Why.",
       "type": "Unclassified"}  # fmt: skip


class Clock:
    """A clock that goes on a second with each look."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    pack = write_pack(tmp_path / "Packs")
    for folder, name, text in (
        ("Playbooks", "playbook-Push.yml", yaml.safe_dump(PLAYBOOK)), ("Jobs", "job-Push.json", json.dumps(JOB)),
    ):  # fmt: skip
        (pack / folder).mkdir()
        (pack / folder / name).write_text(text)
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"], clock=Clock()) as opened:
        yield opened


def store(host: Host, *values: str) -> None:
    host.store.indicators.apply([{"value": value, "type": "IP"} for value in values], SOURCE)


def test_run_query_playbook_sees_only_what_changed_since_the_last_good_run(host: Host) -> None:
    job, house = find_job(host, "Push job"), job_house(host)
    store(host, "192.0.2.1", "192.0.2.2")
    first = house.run(job, {})
    assert first.status == "done" and sorted(first.outputs["Seen"]) == ["192.0.2.1", "192.0.2.2"]
    store(host, "192.0.2.3")
    assert house.run(job, {}).outputs["Seen"] == "192.0.2.3"
    assert "Seen" not in house.run(job, {}).outputs


def test_run_carries_the_job_and_its_incident_fields(host: Host) -> None:
    run = job_house(host).run(find_job(host, "push"), {"who": "me"})
    assert (run.job, run.inputs["who"]) == ("Push job", "me")
    incident = host.store.incidents.get(run.incident)
    assert incident is not None and (incident["name"], incident["details"]) == ("Push job", "Why.")
    assert [stored.id for stored in job_house(host).runs(find_job(host, "push"))] == [run.id]


def test_fetch_with_changes_is_remembered_and_one_without_is_not(host: Host) -> None:
    host.add_instance(
        "Tiny", "main", {"url": "http://tiny", "apikey_creds.identifier": "me"}, {"apikey_creds": "key"}, "plaintext"
    )
    before = host.clock()
    assert host.fetch("main").indicators_changed == 3
    [(name, when)] = feed_changes(host.store).items()
    assert name == "main" and when > before
    assert host.fetch("main").indicators_changed == 0
    assert feed_changes(host.store) == {"main": when}


def test_set_job_settings_of_the_home_win_until_they_are_reset(host: Host) -> None:
    job = find_job(host, "push")
    assert set_job(host, job, False, {"who": "me"}).inputs == {"who": "me"}
    record = Board(host.store).read(job)
    assert not is_enabled(job, record)
    assert set_job(host, job, None, {"who": ""}) == JobRecord(enabled=False)
    assert is_enabled(job, set_job(host, job, None, {}, reset=True))


def test_set_job_unknown_input_is_refused(host: Host) -> None:
    with pytest.raises(UsageError, match="playbook Push has no input 'wo'; did you mean who"):
        set_job(host, find_job(host, "push"), None, {"wo": "x"})


def test_find_job_unknown_offers_near_names(host: Host) -> None:
    with pytest.raises(UsageError, match="unknown job 'Push jobb'; did you mean Push job"):
        find_job(host, "Push jobb")
