"""The test playbooks of the pack, as a server would run them, on emulated brains and products."""

from __future__ import annotations

from pathlib import Path

import pytest

from Tests.playbooks_content.vectra_world import PACKS, World, world

TESTS = {
    "Contain Account": {"account_id": "7"},
    "Contain Destination": {"destinations": "9.9.9.9"},
    "Cycle Now": {},
    "Emergency Release": {},
    "Follow Releases": {},
    "Handle Incident": {},
    "Release": {"host_id": "42"},
    "Static Destinations": {"destinations": "9.9.9.9"},
    "Weekly Report": {},
}
JOB = "Vectra Automated Response - Cycle - Test"
ON_XDR = {"Contain Host": {"host_id": "41"}}


def check(here: World, name: str, inputs: dict[str, str]) -> None:
    run = here.host.run_playbook(f"Vectra Response - {name} - Test", inputs)
    assert run.status == "done", run.error


def test_test_playbooks_all_of_the_pack_are_run() -> None:
    files = (PACKS / "VectraAutomatedResponse/TestPlaybooks").glob("*.yml")
    names = {file.stem.removeprefix("playbook-").replace("_", " ") for file in files}
    assert names == {JOB, *(f"Vectra Response - {name} - Test" for name in (*TESTS, *ON_XDR))}


def test_test_playbook_of_the_job_closes_its_incident(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        run = here.host.run_playbook(JOB)
        assert run.status == "done" and here.is_closed(run), run.error


@pytest.mark.parametrize("name", TESTS)
def test_test_playbook_on_a_test_driver_passes_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    with world(tmp_path) as here:
        if name == "Emergency Release":
            here.command("!vectra-tag-add type=host id=41 tags=vectra_host_block")
            here.cycle()
        check(here, name, TESTS[name])
        assert here.blocked() == {} and not here.state("brain-a").get("stopped")


def test_test_playbook_of_hosts_on_cortex_xdr_isolates_and_lets_go(tmp_path: Path) -> None:
    with world(tmp_path, drivers={}, xdr=True) as here:
        [(name, inputs)] = ON_XDR.items()
        check(here, name, inputs)
        assert here.isolated() == "AGENT_UNISOLATED" and here.tags("host", 41) == ["finance"]
        assert sum(entry.path.endswith("/isolate") for entry in here.requests()) == 1
