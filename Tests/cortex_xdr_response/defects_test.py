"""What went wrong in an older client for Cortex XDR that people may come from, each as a test that it does not here."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from Tests.cortex_xdr_response.world import HOST, ID, IP, NAME, World, pack, world

ROOT = Path(__file__).resolve().parents[2]
YML = ROOT / "Packs/VectraAutomatedResponse/Integrations/CortexXDRResponse/CortexXDRResponse.yml"
FREE, HELD = "AGENT_UNISOLATED", "AGENT_ISOLATED"


def unauthorised(here: World) -> int:
    return sum(entry.status == 401 for entry in here.emulator.requests.latest())


def test_defect_client_could_not_be_made_from_its_settings() -> None:
    with world() as here:
        assert here.test() == "ok"


def test_defect_advanced_key_hashed_the_key_id_in_place_of_the_key() -> None:
    with world(api_key_type="advanced", api_key_id="4711") as here:
        here.seed()
        assert (here.block()["status"], unauthorised(here)) == ("pending", 0)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
def test_defect_timestamp_was_off_by_the_time_zone(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with world() as here:
        here.clock.seconds = time.time()
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            driver = pack.new_driver(pack.settings_from_params(here.params), pack.HttpTiming())
            assert driver.test() == "ok"
        finally:
            monkeypatch.undo()
            time.tzset()


def test_defect_nonce_and_timestamp_were_used_for_all_calls() -> None:
    seen: list[tuple[str, str]] = []

    def watch(phase: str, call: Any) -> None:
        if phase == "before":
            seen.append((call.headers["x-xdr-nonce"], call.headers["x-xdr-timestamp"]))

    with world({"poll": "30"}, observer=watch, api_key_type="advanced") as here:
        here.seed()
        here.block()
        assert unauthorised(here) == 0
    assert len(seen) > 5
    assert len({nonce for nonce, _ in seen}) == len(seen)
    assert len({stamp for _, stamp in seen}) > 1


@pytest.mark.parametrize("key_type", ["standard", "advanced"])
def test_defect_no_content_type_with_an_advanced_key(key_type: str) -> None:
    types: set[str] = set()

    def watch(phase: str, call: Any) -> None:
        types.add(call.headers.get("Content-Type"))

    with world(observer=watch, api_key_type=key_type) as here:
        here.test()
    assert types == {"application/json"}


def test_defect_unknown_kind_of_key_meant_calls_without_a_key() -> None:
    with (
        world({"api_key_type": "hmac"}) as here,
        pytest.raises(ValueError, match=r"'api_key_type' \(API Key Type\): 'hmac' is not one of auto"),
    ):
        here.block()
    assert here.emulator.requests.latest() == []


def test_defect_no_timeout_no_certificate_and_no_proxy_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Any] = {}
    start = pack.XDRClient.__init__

    def watched(client: Any, *args: Any, **options: Any) -> None:
        made.update(options)
        start(client, *args, **options)

    monkeypatch.setattr(pack.XDRClient, "__init__", watched)
    with world({"timeout": "7", "insecure": "true", "proxy": "true"}) as here:
        pack.new_driver(pack.settings_from_params(here.params), here.clock.timing())
    assert (made["timeout_seconds"], made["verify"], made["proxy"]) == (7, False, True)
    with world() as here:
        pack.new_driver(pack.settings_from_params(here.params), here.clock.timing())
    assert (made["timeout_seconds"], made["verify"], made["proxy"]) == (60, True, False)


def test_defect_queued_action_was_reported_as_done_and_its_id_thrown_away() -> None:
    with world() as here:
        here.seed()
        row = here.block()
        assert (row["status"], row["reference"], here.truth()) == ("pending", "isolate 1", "AGENT_PENDING_ISOLATION")
        here.edit(check_in=True)
        here.reconcile()
        row = here.unblock()
        assert (row["status"], row["reference"]) == ("pending", "unisolate 2")


def test_defect_only_the_first_hundred_agents_were_read() -> None:
    with world() as here:
        others = [{"endpoint_id": f"{n:032x}", "endpoint_name": f"vdi-{n}", "ip": [IP]} for n in range(120)]
        here.emulator.state.seed({"endpoints": others})
        here.seed(last_seen=1)
        here.edit(status="LOST")
        assert here.block()["element"] == ID


def test_defect_first_connected_agent_won_without_a_check_of_name_or_mac() -> None:
    with world() as here:
        here.seed(endpoint_name="another-branch", mac_address=["00:00:00:00:00:09"])
        assert here.block()["status"] == "failed"
        assert here.truth() == FREE


@pytest.mark.parametrize("state", [HELD, "AGENT_PENDING_ISOLATION"])
def test_defect_isolated_or_pending_agent_counted_as_not_there(state: str) -> None:
    with world() as here:
        here.seed(is_isolated=state)
        assert here.block()["status"] == "already"


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "torn"}, {"kind": "status", "status": 500}])
@pytest.mark.parametrize("command", ["block", "unblock", "reconcile"])
def test_defect_network_and_json_errors_ended_the_whole_run(fault: dict[str, Any], command: str) -> None:
    with world() as here:
        here.seed()
        here.block()
        here.emulator.faults.clear()
        here.fault(count=100, **fault)
        orders = {"block": here.block, "unblock": here.unblock}
        rows = [orders[command]()] if command in orders else here.reconcile()
        assert [(row["status"], bool(row["reason"])) for row in rows] in ([("failed", True)], [("pending", True)])
        assert ID in here.records


def test_defect_nobody_listens_ended_the_whole_run() -> None:
    with world({"url": "http://127.0.0.1:1"}) as here:
        row = here.block()
        assert (row["status"], row["contained"]) == ("failed", False)
        assert "did not answer" in row["reason"]


def test_defect_release_of_what_was_never_recorded_was_a_key_error() -> None:
    with world() as here:
        here.seed(is_isolated=HELD)
        row = here.unblock()
        assert (row["status"], row["contained"], here.truth()) == ("already", False, HELD)


def test_defect_release_without_a_look_was_a_500_in_each_run_for_ever() -> None:
    with world() as here:
        here.seed()
        here.block()
        here.edit(check_in=True)
        here.reconcile()
        here.edit(is_isolated=FREE)
        assert [here.unblock()["status"] for _ in range(2)] == ["already", "already"]
        assert (here.calls("unisolate"), here.records) == (0, {})


def test_defect_grooming_answered_in_a_form_that_nobody_read() -> None:
    declared = yaml.safe_load(YML.read_text(encoding="utf-8"))
    names = [command["name"] for command in declared["script"]["commands"]]
    assert names == ["vectra-block-host", "vectra-unblock-host", "vectra-response-reconcile"]


@pytest.mark.parametrize("name", ['x"}]}', "a&b=c/../d", "näme", "%s", "{id}"])
def test_defect_values_were_not_encoded(name: str) -> None:
    with world() as here:
        here.seed(endpoint_name=name, ip=["10.0.0.9"])
        row = here.one("vectra-block-host", host_id="41", host_name=name)
        assert row["element"] == ID
        assert name in row["reason"]


def test_defect_answer_of_a_block_was_taken_letter_by_letter() -> None:
    with world() as here:
        here.seed()
        rows = here.command("vectra-block-host", **HOST)
        assert [row["element"] for row in rows] == [ID]
        assert json.loads(json.dumps(rows)) == rows
        assert NAME in rows[0]["reason"]
