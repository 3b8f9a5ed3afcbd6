from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from warroom.content import Catalog
from warroom.content.testing import write_pack
from warroom.engine.content_check import check_content, known_content

Raw = dict[str, Any]
RETRY: Raw = {"retry-count": "2"}


def raw(name: str, *tasks: Raw, **more: Any) -> Raw:
    """A playbook whose tasks follow one another; ids are counted from 1."""
    ids = [str(index) for index in range(len(tasks) + 1)]
    every = {}
    for task_id, item in zip(ids, ({"type": "start", "task": {"name": ""}}, *tasks), strict=True):
        following = {"#none#": [str(int(task_id) + 1)]} if task_id != ids[-1] else {}
        every[task_id] = {"id": task_id, "taskid": "x", "nexttasks": following, **item}
    return {"id": name, "name": name, "starttaskid": "0", "tasks": every, **more}


def run(script: str, *, command: bool = False, **arguments: Any) -> Raw:
    inner = {"name": "A task", "iscommand": command, "script": f"|||{script}" if command else script}
    values = {name: {"simple": value} for name, value in arguments.items()}
    return {"type": "regular", "task": inner, "scriptarguments": values}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = write_pack(tmp_path / "Packs")
    (folder / "Playbooks").mkdir()
    (folder / "Jobs").mkdir()
    return folder


def add(pack: Path, *playbooks: Raw) -> None:
    for playbook in playbooks:
        (pack / "Playbooks" / f"playbook-{playbook['name']}.yml").write_text(yaml.safe_dump(playbook))


def codes(*paths: Path) -> list[str]:
    return [finding.code for finding in check_content(paths)]


def test_check_content_playbook_of_the_pack_and_the_host_is_sound(pack: Path) -> None:
    polled = {"Ids": {"simple": "1"}, "PollingCommandName": {"simple": "tiny-do"}, "dt": {"simple": "A"}}
    polling = {"type": "playbook", "task": {"name": "Poll", "playbookName": "GenericPolling"},
               "separatecontext": True, "scriptarguments": polled}  # fmt: skip
    add(pack, raw("Sound", run("tiny-echo", command=True, text="x", mood="bad"), run("TinyScript", text="x"),
                  run("Set", key="A", value="1", **RETRY),
                  run("setIncident", command=True, severity="2"), run("Print", value="${A}"), polling))  # fmt: skip
    assert codes(pack) == []


def test_check_content_names_file_task_and_what_to_do(pack: Path) -> None:
    add(pack, raw("Wrong", run("tiny-ecko", command=True)))
    [finding] = check_content([pack])
    assert (finding.level, finding.code, finding.task, finding.task_name) == ("error", "unknown-command", "1", "A task")
    assert finding.file == pack / "Playbooks" / "playbook-Wrong.yml"
    assert "did you mean tiny-echo" in finding.what
    assert finding.mend == "correct the name, or add the pack that brings it"


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (run("tiny-echo", command=True), ["missing-argument"]),
        (run("tiny-echo", command=True, text="x", mood="angry"), ["bad-value"]),
        (run("TinyScript", text="x", other="y"), ["unknown-argument"]),
        (run("Print", value="${inputs.who}"), ["undeclared-input"]),
        (run("Print", value="${A.B}"), ["never-set"]),
    ],
)
def test_check_content_defects_are_found_with_real_content(pack: Path, task: Raw, expected: list[str]) -> None:
    add(pack, raw("Wrong", task))
    assert codes(pack) == expected


def test_check_content_broken_files_and_taken_ids_and_names_are_findings(pack: Path) -> None:
    add(pack, raw("One", run("Print", value="x")))
    (pack / "Playbooks" / "playbook-broken.yml").write_text("a: [")
    (pack / "Playbooks" / "playbook-same-id.yml").write_text(yaml.safe_dump(raw("One", run("Print", value="x"))))
    other = {**raw("One", run("Print", value="x")), "id": "another"}
    (pack / "Playbooks" / "playbook-same-name.yml").write_text(yaml.safe_dump(other))
    found = {finding.file.name: finding.code for finding in check_content([pack])}
    assert found == {
        "playbook-broken.yml": "unreadable", "playbook-same-id.yml": "duplicate-id",
        "playbook-same-name.yml": "duplicate-name",
    }  # fmt: skip


def test_check_content_jobs_are_checked_too(pack: Path) -> None:
    job = {"id": "j", "name": "j", "playbookId": "Nowhere", "isFeed": True, "isAllFeeds": True, "details": ""}
    (pack / "Jobs" / "job-j.json").write_text(json.dumps(job))
    assert codes(pack) == ["unknown-playbook"]


def test_check_content_looks_at_the_paths_only_and_knows_what_is_around(pack: Path, tmp_path: Path) -> None:
    add(pack, raw("Wrong", run("nowhere")))
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "playbook-Mine.yml").write_text(yaml.safe_dump(raw("Mine", run("TinyScript", text="x"))))
    assert codes(mine) == ["unknown-script"]
    assert check_content([mine], [pack]) == []
    assert [finding.item for finding in check_content([pack], [mine])] == ["Wrong"]


def test_known_content_brands_are_known_by_id_and_name(pack: Path) -> None:
    known = known_content(Catalog.read([pack]))
    assert known.brands["tiny"] == "Tiny"
    assert "Set" in known.builtins and "using" in known.modifiers and "auto-extract" in known.refused
