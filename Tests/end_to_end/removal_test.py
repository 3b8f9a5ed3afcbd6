"""Removal over real HTTP and in real child processes: what goes, what comes back, undo, kills, kinds of tenants."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulators.cortex_xdr import CortexXdr
from emulators.kit import Fault
from Tests.world import INSTANCE, add_instance, deliver, in_xdr, in_xsoar, open_home, sample, samples, tenant
from warroom.engine import Host

COUNT = 40
PAST = "2020-01-01T00:00:00Z"
JUDGED, EXPIRED, DELETED, EXCLUDED = (sample(number).value for number in (1, 5, 9, 13))
GONE = {JUDGED: "judged anew", EXPIRED: "expired", DELETED: "deleted or excluded", EXCLUDED: "deleted or excluded"}
Place = tuple[Host, CortexXdr]


@contextmanager
def place(folder: Path, policy: str = "disable", emulator_options: Any = None, **params: str) -> Iterator[Place]:
    """In step after the first sync, and people at work since."""
    with tenant(**(emulator_options or {})) as emulator, open_home(folder / "home") as host:
        deliver(host, samples(COUNT))
        add_instance(host, emulator.url, **{"removal_policy": policy, "removal_cap_percent": "50", **params})
        fetch(host)
        fetch(host)
        host.store.indicators.edit(JUDGED, {"verdict": "Good"})
        host.store.indicators.edit(EXPIRED, {"expiration": PAST})
        host.store.indicators.delete(DELETED)
        host.store.indicators.delete(EXCLUDED, exclude=True)
        emulator.state.edit({"indicator": sample(2).value, "status": "DISABLED"})
        emulator.state.seed({"generate": {"count": 3, "first": 1}, "source": "Public API user (key #2)"})
        yield host, emulator


def fetch(host: Host) -> None:
    result = host.fetch(INSTANCE)
    assert result.status == "ok", result.error


def run(host: Host, command: str, name: str) -> Any:
    """What a command that went well put into the context under `name`."""
    (result,) = host.run_command(command)
    assert result.status == "ok", result.error
    context = result.entries[-1]["EntryContext"]
    if "CortexXDRIOC(true)" in context:
        return context["CortexXDRIOC(true)"][name]
    return next((content for key, content in context.items() if key.startswith(f"CortexXDRIOC.{name}(")), [])


def record(host: Host) -> dict[str, tuple[str, str]]:
    """(phase, reason) by value."""
    rows = run(host, "!xdr-iocs-removed limit=1000", "Removed")
    return {row["indicator"]: (row["phase"], row["reason"]) for row in rows}


def off(emulator: CortexXdr, policy: str) -> set[str]:
    """The values that the policy took out of force, or is about to."""
    rows = in_xdr(emulator)
    if policy == "delete":
        return {value for value, row in rows.items() if row["MARKED_DELETED"]}
    if policy == "disable":
        return {value for value, row in rows.items() if row["RULE_STATUS"] == "DISABLED"}
    soon = 1000 * (emulator.clock.now() + 700)
    return {value for value, row in rows.items() if 0 < row["RULE_EXPIRATION_TIME"] < soon}


def left_alone(emulator: CortexXdr, policy: str) -> set[str]:
    """What is off already: an operator's doing, and what came disabled from XSOAR."""
    return {sample(0).value, sample(2).value} if policy == "disable" else set()


# ---- what goes


@pytest.mark.parametrize(
    ("policy", "own_writes", "deleted"),
    [
        ("disable", "hide", "show"),
        ("disable", "show", "show"),
        ("delete", "show", "show"),
        ("delete", "show", "hide"),
        ("expire", "show", "show"),
    ],
)
def test_removal_takes_what_left_the_query_and_xsoar_stays_as_it_was(
    tmp_path: Path, policy: str, own_writes: str, deleted: str
) -> None:
    options = {"own_writes": own_writes, "deleted": deleted}
    with place(tmp_path, policy, options) as (host, emulator):
        fetch(host)
        assert off(emulator, policy) == {JUDGED, EXPIRED} | left_alone(emulator, policy)
        told = run(host, "!xdr-iocs-remove", "Remove")
        assert {row["indicator"]: row["reason"] for row in told["Candidate"]} == {
            value: GONE[value] for value in (DELETED, EXCLUDED)
        }
        assert told["whole"] and told["by_source"]["Public API user (key #2)"] == 3
        before = in_xsoar(host)
        done = run(host, "!xdr-iocs-remove dry_run=false", "Remove")
        assert (done["removed_now"], done["removed_by_reason"]) == (2, {"deleted or excluded": 2})
        for _ in range(2):
            fetch(host)
        assert off(emulator, policy) == set(GONE) | left_alone(emulator, policy)
        assert record(host) == {value: ("done", reason) for value, reason in GONE.items()}
        assert in_xsoar(host) == before
        assert len([row for row in in_xdr(emulator).values() if row["RULE_SOURCE"] != "XSOAR TIM"]) == 3


@pytest.mark.parametrize("policy", ["disable", "delete", "expire"])
def test_removal_restored_by_hand_and_wanted_again(tmp_path: Path, policy: str) -> None:
    with place(tmp_path, policy) as (host, emulator):
        before = in_xdr(emulator)
        run(host, "!xdr-iocs-remove dry_run=false", "Remove")
        assert set(record(host)) == set(GONE)
        (row,) = run(host, f"!xdr-iocs-restore indicator={DELETED}", "Restored")
        assert row == {"indicator": DELETED, "status": "restored", "reason": ""}
        host.store.indicators.edit(JUDGED, {"verdict": "Bad"})
        fetch(host)
        run(host, "!xdr-iocs-remove dry_run=false", "Remove")
        phases = {value: phase for value, (phase, _) in record(host).items()}
        assert phases == {DELETED: "restored", JUDGED: "returned", EXPIRED: "done", EXCLUDED: "done"}
        after = in_xdr(emulator)
        assert after[JUDGED] == before[JUDGED]
        names = ("RULE_STATUS", "RULE_SEVERITY", "RULE_EXPIRATION_TIME", "REPUTATION", "RELIABILITY", "MARKED_DELETED")
        assert {name: after[DELETED][name] for name in names} == {name: before[DELETED][name] for name in names}


def test_removal_changed_query_lets_go_and_brings_back(tmp_path: Path) -> None:
    with place(tmp_path, removal_cap_percent="100") as (host, emulator):
        instance = host.instances.get(INSTANCE)
        for query in ("reputation:Bad and -type:File", "reputation:Bad"):
            host.store.instances.update(replace(instance, params={**instance.params, "query": query}))
            for _ in range(3):
                fetch(host)
            rows = in_xdr(emulator)
            living = {value for value, row in rows.items() if row["RULE_STATUS"] == "ENABLED"}
            ours = {value for value in living if rows[value]["RULE_SOURCE"] == "XSOAR TIM"}
            kinds = {rows[value]["IOC_TYPE"] for value in ours}
            assert kinds == ({"DOMAIN_NAME", "IP"} if "File" in query else {"DOMAIN_NAME", "IP", "HASH"})
            found = host.store.indicators.iterate(f"expirationStatus:active and {query}")
            wanted = {document["value"] for document in found}
            assert ours == (wanted & rows.keys()) - left_alone(emulator, "disable")


# ---- trouble


@pytest.mark.parametrize("policy", ["disable", "delete", "expire"])
def test_removal_killed_after_its_effect_is_completed_by_a_later_run(tmp_path: Path, policy: str) -> None:
    path = {"disable": "disable_iocs", "delete": "indicators/delete", "expire": "tim_insert_jsons"}[policy]
    pids: list[int] = []
    armed: list[bool] = []

    def kill(phase: str, call: Any) -> None:
        if armed and phase == "after" and path in call.path:
            armed.clear()
            os.kill(pids[-1], signal.SIGKILL)

    with place(tmp_path, policy, {"observer": kill}) as (host, emulator):
        armed.append(True)
        result = host.fetch(INSTANCE, on_call=lambda phase, name, pid: pids.append(pid))
        assert result.status == "killed" and not armed
        assert {phase for phase, _ in record(host).values()} == {"intent"}
        fetch(host)
        assert {phase for phase, _ in record(host).values()} == {"intent"}
        make_older(host)
        host.store.indicators.edit(JUDGED, {"verdict": "Bad"})
        fetch(host)
        phases = {value: phase for value, (phase, _) in record(host).items()}
        assert phases == {EXPIRED: "done", JUDGED: "returned"}
        assert off(emulator, policy) == {EXPIRED} | left_alone(emulator, policy)


def make_older(host: Host) -> None:
    """As if the run that wrote the record had ended ten minutes ago."""
    instance_id = host.instances.get(INSTANCE).id
    context = dict(host.store.contexts.read(instance_id).context)
    removals = json.loads(context["removals"])
    for row in removals["entries"].values():
        row[0] -= 600_000
    host.store.contexts.write(instance_id, {**context, "removals": json.dumps(removals)})


@pytest.mark.parametrize("path", ["*indicators/get", "*disable_iocs"])
def test_removal_through_passing_faults_ends_the_same(tmp_path: Path, path: str) -> None:
    faults: list[dict[str, Any]] = [{"kind": "status", "status": 429}, {"kind": "torn"}, {"kind": "reset"}]
    with place(tmp_path) as (host, emulator):
        for fault in faults:
            emulator.faults.add(Fault.parse({"path": path, "count": 1, **fault}))
        run(host, "!xdr-iocs-remove dry_run=false", "Remove")
        assert record(host) == {value: ("done", reason) for value, reason in GONE.items()}


def test_removal_through_a_lasting_fault_fails_and_says_so(tmp_path: Path) -> None:
    with place(tmp_path, "delete") as (host, emulator):
        emulator.faults.add(Fault.parse({"path": "*indicators/delete", "kind": "status", "status": 404}))
        result = host.fetch(INSTANCE)
        assert result.status == "error" and "cannot be deleted by this integration" in str(result.error)
        assert off(emulator, "delete") == set()


def test_removal_parameters_pass_the_test_button(tmp_path: Path) -> None:
    with place(tmp_path, keep_query="tags:keep") as (host, _):
        assert host.test_instance(INSTANCE).status == "ok"
        instance = host.instances.get(INSTANCE)
        host.store.instances.update(replace(instance, params={**instance.params, "keep_query": "tags:(keep"}))
        result = host.test_instance(INSTANCE)
        assert result.status == "error" and "keep_query" in str(result.error)


def test_removal_keep_query_keeps(tmp_path: Path) -> None:
    with place(tmp_path, keep_query=f"value:{JUDGED}") as (host, emulator):
        run(host, "!xdr-iocs-remove dry_run=false", "Remove")
        assert set(record(host)) == set(GONE) - {JUDGED}
        assert off(emulator, "disable") == (set(GONE) - {JUDGED}) | left_alone(emulator, "disable")
