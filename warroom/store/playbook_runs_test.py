from __future__ import annotations

from pathlib import Path

import pytest

from warroom.store import Store, StoreError


def test_playbook_runs_step_is_read_back_with_its_events(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db", clock=lambda: 0.0) as store:
        run = store.playbook_runs.add("r1", "Book", "", "running", {"a": 1})
        assert (run.began, run.state) == ("1970-01-01T00:00:00.000000Z", {"a": 1})
        store.playbook_runs.save("r1", "done", {"a": 2}, {0: {"task": "0"}, 1: {"task": "1"}})
        store.playbook_runs.save("r1", "done", {"a": 3}, {1: {"task": "1", "again": True}})
        found = store.playbook_runs.get("r1")
        assert found is not None and (found.status, found.state) == ("done", {"a": 3})
        assert store.playbook_runs.events("r1") == [{"task": "0"}, {"task": "1", "again": True}]


def test_playbook_runs_list_gives_the_newest_first_and_those_of_a_job(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db") as store:
        for number, job in enumerate(("", "nightly", "")):
            store.playbook_runs.add(f"r{number}", "Book", job, "running", {})
        assert [run.id for run in store.playbook_runs.list()] == ["r2", "r1", "r0"]
        assert [run.id for run in store.playbook_runs.list(job="nightly")] == ["r1"]
        assert [run.id for run in store.playbook_runs.list(job="", size=1)] == ["r2"]


def test_playbook_runs_wrong_use_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db") as store:
        store.playbook_runs.add("r1", "Book", "", "running", {})
        with pytest.raises(StoreError, match="already a run 'r1'"):
            store.playbook_runs.add("r1", "Book", "", "running", {})
        with pytest.raises(StoreError, match="no run 'r2'"):
            store.playbook_runs.save("r2", "done", {}, {0: {}})
        with pytest.raises(StoreError, match="an event cannot be stored as JSON"):
            store.playbook_runs.save("r1", "done", {}, {0: {"x": object()}})
        assert store.playbook_runs.events("r1") == store.playbook_runs.events("r2") == []
