"""kill -9 at each step of a run, over real HTTP and with real child processes; then both sides are as without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from Tests.crash.conftest import COUNT, THEIRS
from Tests.crash.scenario import Scenario
from Tests.world import ASIDE, expected_rows, sample, samples

pytestmark = pytest.mark.slow
SHOWN = (("own_writes", "show"), ("changes_order", "random"))


def test_first_sync_undisturbed_makes_xdr_equal_to_the_sync_query(before_first_sync: Path, tmp_path: Path) -> None:
    steps, outcome = Scenario(before_first_sync).undisturbed(tmp_path / "undisturbed")
    theirs = {edit["indicator"]: edit for edit in THEIRS}
    wanted = {value: row for value, row in expected_rows(samples(COUNT)).items() if value not in theirs}
    assert {value: row for value, row in outcome.xdr.items() if value not in theirs} == wanted
    names = {step.name for step in steps}
    assert {"createIndicators", "setIntegrationContext", "searchIndicators", "tim_insert_jsons"} <= names
    assert sum(step.name == "tim_insert_jsons" for step in steps) >= 3 * 6
    assert outcome.records_once_more == 0


def test_first_sync_undisturbed_keeps_and_brings_home_what_was_edited_in_xdr(
    before_first_sync: Path, tmp_path: Path
) -> None:
    _, outcome = Scenario(before_first_sync).undisturbed(tmp_path / "undisturbed")
    codes = {"INFO": "010", "LOW": "020", "MEDIUM": "030", "HIGH": "040", "CRITICAL": "050"}
    for edit in THEIRS:
        row = outcome.xdr[edit["indicator"]]
        assert row["RULE_SEVERITY"] == f"SEV_{codes[edit.get('severity', 'HIGH')]}_{edit.get('severity', 'HIGH')}"
        assert row["RULE_STATUS"] == edit.get("status", "ENABLED")
        assert "comment" not in edit or row["RULE_COMMENT"] == edit["comment"]
        here = outcome.xsoar.get(edit["indicator"])
        if row["IOC_TYPE"] in ("PATH", "FILENAME"):
            assert here is None and "no indicator type" in outcome.rejects[edit["indicator"]][2]
            continue
        assert here is not None and here["CustomFields"]["xdriocstatus"] == row["RULE_STATUS"].lower()
        assert "comment" not in edit or here["CustomFields"]["xdrioccomment"] == edit["comment"]
    for one in ASIDE:
        assert one.aside in outcome.rejects[one.value][2]
    assert len(outcome.rejects) == len(ASIDE) + 2


def test_second_sync_undisturbed_merges_field_by_field(before_second_sync: Path, tmp_path: Path) -> None:
    _, outcome = Scenario(before_second_sync).undisturbed(tmp_path / "undisturbed")
    both, theirs, ours = (outcome.xdr[sample(number).value] for number in (60, 65, 63))
    assert (both["RULE_SEVERITY"], both["RULE_COMMENT"]) == ("SEV_040_HIGH", "XSOAR says 60")
    assert (theirs["RULE_SEVERITY"], theirs["RULE_COMMENT"]) == ("SEV_010_INFO", "XDR 65")
    assert (ours["RULE_SEVERITY"], ours["RULE_COMMENT"]) == ("SEV_040_HIGH", "XSOAR says 63")
    assert outcome.xdr[sample(5).value]["RULE_STATUS"] == "ENABLED"
    assert outcome.xdr[sample(301).value]["MARKED_DELETED"]
    assert outcome.xsoar[sample(301).value]["CustomFields"]["xdriocstatus"] == "deleted"
    assert outcome.xsoar["only-xdr-3.example.com"]["CustomFields"]["xdriocstatus"] == "disabled"
    assert outcome.xdr[sample(COUNT + 7).value] == sample(COUNT + 7).row
    assert outcome.records_once_more == 0


def test_first_sync_killed_at_each_step_ends_as_undisturbed(before_first_sync: Path, tmp_path: Path) -> None:
    scenario = Scenario(before_first_sync)
    steps, wanted = scenario.undisturbed(tmp_path / "undisturbed")
    assert len(steps) > 80
    assert scenario.faults(tmp_path, steps, wanted) == []


def test_second_sync_killed_at_each_step_ends_as_undisturbed(before_second_sync: Path, tmp_path: Path) -> None:
    scenario = Scenario(before_second_sync)
    steps, wanted = scenario.undisturbed(tmp_path / "undisturbed")
    assert len(steps) > 40
    assert scenario.faults(tmp_path, steps, wanted) == []


def test_second_sync_killed_where_xdr_returns_own_writes_ends_as_undisturbed(
    before_second_sync: Path, tmp_path: Path
) -> None:
    scenario = Scenario(before_second_sync, options=SHOWN, runs_to_settle=2, notes=False)
    steps, wanted = scenario.undisturbed(tmp_path / "undisturbed")
    assert scenario.faults(tmp_path, steps[::8], wanted) == []


@pytest.mark.parametrize(
    "command",
    [
        "!xdr-iocs-sync firstTime=true",
        f"!xdr-iocs-push indicator={sample(0).value},{sample(3).value}",
        f"!xdr-iocs-disable indicator={sample(4).value},{sample(2).value}",
    ],
)
def test_command_killed_at_each_step_ends_as_undisturbed(command: str, in_step: Path, tmp_path: Path) -> None:
    scenario = Scenario(in_step, command, allowance=2)
    steps, wanted = scenario.undisturbed(tmp_path / "undisturbed")
    assert len(steps) > 5
    assert scenario.faults(tmp_path, steps, wanted) == []
