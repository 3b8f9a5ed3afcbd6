"""What VAR blocked, from its tags on Vectra to the release in Cortex XDR by the driver that never blocked it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulators.cortex_xdr import CortexXdr, running
from Tests.vectra_cycle.world import World, world
from warroom.engine.vectra.cycle import CycleOptions, cycle_args

pytestmark = pytest.mark.slow
OURS, BY_HAND = "a" * 32, "b" * 32
TAGS = ["finance", "VAR Host Blocked", f"VAR ID:PAN Cortex Client:{OURS}"]
IMPORT = '!vectra-response-import clients=`{"PAN Cortex Client": "xdr"}`'
UNBLOCK = "vectra_host_unblock"


@dataclass
class Taken:
    """A brain whose host VAR has blocked, and the tenant with that endpoint and one that a person isolated."""

    here: World
    tenant: CortexXdr
    clock: list[float]

    def isolated(self) -> set[str]:
        """The endpoints that are isolated now, by whoever did it."""
        with self.tenant.lock:
            self.tenant.actions.settle()
            return {each.endpoint_id for each in self.tenant.fleet.all() if each.is_isolated == "AGENT_ISOLATED"}

    def imported(self) -> None:
        """Take over the tags."""
        [result] = self.here.host.run_command(IMPORT)
        assert result.status == "ok", result.error

    def later(self) -> None:
        """Time for the agent to do what it was told."""
        self.clock[0] += 60


@contextmanager
def var_was_here(folder: Path) -> Iterator[Taken]:
    clock = [1_800_000_000.0]
    seed = {"ip": ["10.20.3.7"], "mac_address": [], "is_isolated": "AGENT_ISOLATED"}
    endpoints = [
        {**seed, "endpoint_id": OURS, "endpoint_name": "fin-lap-07"},
        {**seed, "endpoint_id": BY_HAND, "endpoint_name": "dev-lap-01", "ip": ["10.20.3.8"]},
    ]
    with (
        world(folder, drivers=()) as here,
        running(clock=lambda: clock[0], rate=0, api_key_type="standard") as tenant,
    ):
        with tenant.lock:
            tenant.state.seed({"endpoints": endpoints})
        keys = {"apikey_id_creds": tenant.api_key_id, "apikey_creds": tenant.api_key}
        here.host.add_instance("CortexXDRResponse", "xdr", {"url": tenant.url, "poll": "0"}, keys, "plaintext")
        here.edit("brain-a", 41, tags=TAGS)
        yield Taken(here, tenant, clock)


def test_import_then_the_unblock_tag_releases_what_var_isolated_and_nothing_else(tmp_path: Path) -> None:
    with var_was_here(tmp_path) as var:
        var.imported()
        var.here.edit("brain-a", 41, tags=[*TAGS, UNBLOCK])
        dry = var.here.cycle(dry_run=True)
        assert f"would do: unblock host fin-lap-07 (41) on xdr {OURS} (blocked by VAR)" in dry.text
        assert "ordered, not confirmed yet: host fin-lap-07 (41) by xdr" in var.here.cycle().text
        assert var.here.state("xdr")["elements"][OURS]["adopted"] is True
        var.later()
        assert "released: host 41 by xdr" in var.here.cycle().text
        assert (var.isolated(), var.here.contained("xdr"), var.here.recorded("brain-a")) == ({BY_HAND}, {}, {})
        assert var.here.tags("brain-a", 41) == ["finance", UNBLOCK]
        var.here.agree()


def test_import_is_kept_while_the_rules_ask_for_it_and_by_grooming(tmp_path: Path) -> None:
    with var_was_here(tmp_path) as var:
        var.imported()
        for groom in (False, True, True):
            assert var.here.cycle(groom=groom).output["counts"] == {"held_back": 1}
        assert var.here.recorded("brain-a") == {"host:41": {"xdr": [OURS]}}
        assert (var.isolated(), var.here.tags("brain-a", 41)) == (
            {OURS, BY_HAND},
            ["VAR Host Blocked", f"VAR ID:xdr:{OURS}", "finance"],
        )
        var.here.edit("brain-a", 41, threat=10, certainty=10)
        var.here.cycle()
        var.later()
        var.here.cycle()
        assert (var.isolated(), var.here.recorded("brain-a")) == ({BY_HAND}, {})


def test_import_that_a_person_released_meanwhile_is_over_without_an_order(tmp_path: Path) -> None:
    with var_was_here(tmp_path) as var:
        var.imported()
        with var.tenant.lock:
            var.tenant.state.edit({"endpoint_id": OURS, "is_isolated": "AGENT_UNISOLATED"})
        var.here.edit("brain-a", 41, tags=[*TAGS, UNBLOCK])
        assert "is not isolated" in var.here.cycle().text
        assert (var.here.recorded("brain-a"), var.here.state("xdr")["elements"]) == ({}, {})
        assert var.here.tags("brain-a", 41) == ["finance", UNBLOCK]
        assert not [call for call in var.tenant.requests.latest() if call.path.endswith("isolate")]


def test_import_of_a_client_without_an_instance_is_kept_and_told_until_it_is_mapped(tmp_path: Path) -> None:
    with var_was_here(tmp_path) as var:
        var.here.host.run_command("!vectra-response-import")
        var.here.edit("brain-a", 41, tags=[*TAGS, UNBLOCK])
        assert var.here.cycle().status == "error"
        assert var.here.recorded("brain-a") == {"host:41": {"PAN Cortex Client": [OURS]}}
        assert (var.isolated(), var.here.tags("brain-a", 41)) == ({OURS, BY_HAND}, sorted([*TAGS, UNBLOCK]))
        var.imported()
        assert var.here.recorded("brain-a") == {"host:41": {"xdr": [OURS]}}
        var.here.cycle()
        var.later()
        var.here.cycle()
        assert (var.isolated(), var.here.recorded("brain-a")) == ({BY_HAND}, {})


@pytest.mark.parametrize("step", ["before", "after"])
def test_import_killed_around_the_release_is_finished_by_the_next_cycle(tmp_path: Path, step: str) -> None:
    with var_was_here(tmp_path) as var:
        var.imported()
        var.here.edit("brain-a", 41, tags=[*TAGS, UNBLOCK])

        def kill(phase: str, name: str, pid: int) -> None:
            if (phase, name) == (step, "vectra-unblock-host"):
                os.kill(pid, signal.SIGKILL)

        killed = var.here.host.run_script("VectraResponseCycle", cycle_args(CycleOptions("test")), on_call=kill)
        assert killed.status == "killed"
        for _ in range(2):
            var.here.cycle()
            var.later()
        var.here.cycle()
        assert (var.isolated(), var.here.recorded("brain-a"), var.here.state("xdr")["elements"]) == ({BY_HAND}, {}, {})
        var.here.agree()
