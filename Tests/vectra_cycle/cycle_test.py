"""The whole chain: emulated brains, the real integration, script and test drivers, on the local host."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from emulators.cortex_xdr import CortexXdr
from emulators.cortex_xdr import running as cortex_xdr
from Tests.vectra_cycle.world import world
from warroom.engine.vectra import DestinationList
from warroom.engine.vectra.cycle import CycleOptions, cycle_args

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[2]
FIN, DEV = "10.20.3.7", "10.20.3.8"


def test_cycle_host_over_the_score_is_contained_and_released_with_tags_of_others_kept(tmp_path: Path) -> None:
    with world(tmp_path, drivers=("edr", "nac")) as here:
        first = here.cycle()
        assert (first.status, first.output["counts"]["contained"]) == ("ok", 2)
        assert here.recorded("brain-a") == {"host:41": {"edr": [FIN], "nac": [FIN]}}
        assert here.tags("brain-a", 41) == [
            "VAR Host Blocked", f"VAR ID:edr:{FIN}", f"VAR ID:nac:{FIN}", "finance",
        ]  # fmt: skip
        assert "held back: host dc-01 (43): member of no-block group 'NoBlock'" in first.text
        here.agree()
        here.edit("brain-a", 41, threat=10, certainty=10)
        second = here.cycle()
        assert second.output["counts"]["released"] == 2
        assert (here.contained("edr"), here.tags("brain-a", 41)) == ({}, ["finance"])
        here.agree()


def test_cycle_that_changes_nothing_is_cheap_and_writes_nothing(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.cycle()
        emulator = here.brains["brain-a"]
        before = emulator.cost()["last"]
        quiet = here.cycle()
        cost = emulator.cost(before)
        assert (quiet.output["brains"][0]["outcomes"], cost["writes"]) == (0, 0)
        assert cost["reads"] == quiet.output["brains"][0]["reads"] <= 12


def test_cycle_dry_run_leaves_no_trace(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        found = here.cycle(dry_run=True)
        assert "would do: block host fin-lap-07 (41) on every driver: threat 80, certainty 80" in found.text
        assert (here.contained("edr"), here.recorded("brain-a") if here.state("brain-a") else {}) == ({}, {})
        assert here.tags("brain-a", 41) == ["finance"]


def test_cycle_element_that_two_brains_want_is_released_with_the_last(tmp_path: Path) -> None:
    with world(tmp_path, brains=("brain-a", "brain-b")) as here:
        here.cycle()
        assert here.contained("edr") == {FIN: ["brain-a/host:41", "brain-b/host:41"]}
        here.edit("brain-a", 41, threat=10, certainty=10)
        here.cycle()
        assert here.contained("edr") == {FIN: ["brain-b/host:41"]}
        here.edit("brain-b", 41, threat=10, certainty=10)
        here.cycle()
        assert here.contained("edr") == {}
        here.agree()


def test_cycle_brain_that_refuses_us_does_not_stop_the_other(tmp_path: Path) -> None:
    with world(tmp_path, brains=("brain-b",)) as here:
        params = {"url": here.brains["brain-b"].url, "requests_per_second": "100"}
        here.host.add_instance("VectraAutomatedResponse", "brain-a", params, {"token_creds": "wrong"}, "plaintext")
        found = here.cycle()
        assert {brain["brain"]: brain["status"] for brain in found.output["brains"]} == {
            "brain-a": "error", "brain-b": "ok",
        }  # fmt: skip
        assert (found.status, list(here.contained("edr"))) == ("error", [FIN])


def test_cycle_cortex_xdr_isolation_is_followed_until_the_agent_did_it(tmp_path: Path) -> None:
    clock = [1_800_000_000.0]
    endpoint = {"endpoint_id": "a" * 32, "endpoint_name": "fin-lap-07", "ip": [FIN], "mac_address": []}
    with (
        world(tmp_path, drivers=()) as here,
        cortex_xdr(clock=lambda: clock[0], rate=0, api_key_type="standard") as tenant,
    ):
        with tenant.lock:
            tenant.state.seed({"endpoints": [endpoint]})
        keys = {"apikey_id_creds": tenant.api_key_id, "apikey_creds": tenant.api_key}
        here.host.add_instance("CortexXDRResponse", "xdr", {"url": tenant.url, "poll": "0"}, keys, "plaintext")
        ordered = here.cycle()
        assert "ordered, not confirmed yet: host fin-lap-07 (41) by xdr" in ordered.text
        clock[0] += 60
        done = here.cycle()
        assert "contained: host 41 by xdr" in done.text
        assert (here.contained("xdr"), isolated(tenant)) == ({"a" * 32: ["brain-a/host:41"]}, True)
        here.agree()
        here.edit("brain-a", 41, threat=10, certainty=10)
        here.cycle()
        clock[0] += 60
        assert "released: host 41 by xdr" in here.cycle().text
        assert (here.contained("xdr"), here.recorded("brain-a"), isolated(tenant)) == ({}, {}, False)
        here.agree()


def isolated(tenant: CortexXdr) -> bool:
    """What the tenant says of its one endpoint."""
    with tenant.lock:
        tenant.actions.settle()
        found = tenant.fleet.find("a" * 32)
    assert found is not None
    return found.is_isolated == "AGENT_ISOLATED"


def test_cycle_list_that_is_gone_releases_nothing(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.edit("brain-a", 41, threat=10, certainty=10)
        text = "8.8.4.4  # a comment\n0.0.0.0/0\n"
        first = here.cycle(destinations=DestinationList("block", text))
        assert list(here.contained("edr")) == ["8.8.4.4"]
        assert "0.0.0.0/0" in first.text
        lost = here.cycle(destinations=DestinationList("block", error="block.txt: No such file"))
        assert (lost.status, list(here.contained("edr"))) == ("error", ["8.8.4.4"])
        here.cycle(destinations=DestinationList("block", "8.8.8.8\n"))
        assert list(here.contained("edr")) == ["8.8.8.8"]


def test_cycle_sends_one_mail_with_all_that_happened(tmp_path: Path) -> None:
    taken: list[bytes] = []

    class Box:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            taken.append(envelope.original_content)
            return "250 taken"

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Box(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with world(tmp_path) as here:
            mail = {"smtp_server": "127.0.0.1", "smtp_port": str(port), "smtp_security": "none"}
            here.host.add_instance(
                "ResponseNotifier", "mail", {**mail, "mail_from": "a@corp.test", "mail_to": "b@corp.test"}
            )
            assert here.cycle().output["notified"] == ["response-notify-send"]
            here.cycle()
    finally:
        controller.stop()
    [message] = [message_from_bytes(raw, policy=policy.default) for raw in taken]
    text = message.get_content()
    assert "Contained (1)" in text and "Held back (1)" in text
    assert f"brain-a: host fin-lap-07 (41) by edr ({FIN}" in text


# ---- kill -9

STEPS = ("intent", "vectra-block-host", "outcome", "vectra-response-reconcile")


@pytest.mark.parametrize("step", STEPS)
def test_cycle_killed_after_a_step_is_finished_by_the_next(tmp_path: Path, step: str) -> None:
    """The script's process dies right after the step took effect, before it learns so."""
    with world(tmp_path) as here:
        stages = iter(("start", "intent", "outcome", "end"))

        def kill(phase: str, name: str, pid: int) -> None:
            if phase != "after":
                return
            done = next(stages) if name == "vectra-response-cycle-record" else name
            if done == step:
                os.kill(pid, signal.SIGKILL)

        killed = here.host.run_script("VectraResponseCycle", cycle_args(CycleOptions("test")), on_call=kill)
        assert killed.status == "killed"
        assert here.state("brain-a")["lease"]["owner"] == "test"
        assert here.cycle().status == "ok"
        assert here.recorded("brain-a") == {"host:41": {"edr": [FIN]}}
        assert here.contained("edr") == {FIN: ["brain-a/host:41"]}
        here.agree()


def test_cycle_of_another_owner_waits_for_the_lease(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.host.run_command("!vectra-response-cycle-record stage=start owner=elsewhere")
        busy = here.cycle()
        assert (busy.status, here.contained("edr")) == ("busy", {})
        here.host.run_command("!vectra-response-cycle-record stage=end owner=elsewhere")
        assert (here.cycle().status, list(here.contained("edr"))) == ("ok", [FIN])


def test_run_killed_as_a_whole_is_finished_by_the_next_run(tmp_path: Path) -> None:
    """kill -9 of `warroom vectra run` itself, somewhere in its cycle; the lock and the lease are no obstacle."""
    code = "import sys; from warroom.cli.main import main; sys.exit(main())"
    with world(tmp_path) as here:
        argv = [sys.executable, "-c", code, "--home", str(here.home), "vectra", "run", "--json"]
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
        with subprocess.Popen(argv, env=environ, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 15
            while not (here.state("brain-a").get("entities") or {}) and time.monotonic() < deadline:
                time.sleep(0.01)
            process.kill()
        done = subprocess.run(argv, env=environ, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["status"] == "ok"
        assert here.contained("edr") == {FIN: ["brain-a/host:41"]}
        here.agree()
