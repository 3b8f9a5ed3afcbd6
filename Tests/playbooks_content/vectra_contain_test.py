"""Containment by hand: what the analyst sees, what he decides, and what then stands on Vectra and at the products."""

from __future__ import annotations

from pathlib import Path

from emulators.kit.faults import Fault
from Tests.playbooks_content.vectra_world import LIST, world

YES, NO = {"Contain the host?": "Contain"}, {"Contain the host?": "Leave it"}
DIRECTLY = "Contain the host without Vectra?"


def test_contain_host_approved_is_contained_alone_on_record_and_tagged(tmp_path: Path) -> None:
    with world(tmp_path, host_score="70 and 70") as here:
        run = here.run("Contain Host", YES, ip="10.20.3.8", reason="beaconing")
        assert run.context["VectraResponse"]["Result"] == "contained"
        assert here.blocked() == {"10.20.3.8": ["brain-a/host:42"]}
        assert here.tags("host", 42) == ["VAR Host Blocked", "VAR ID:edr:10.20.3.8", "vectra_host_block"]
        assert here.notes("host", 42)[0] == "Asked by a person to contain: beaconing"
        [asked] = here.asked
        for part in ("dev-lap-01", "10.20.3.8", "Threat: 10", "act: edr", "beaconing"):
            assert part in asked.text
        # The job keeps it, and does what the rules ask for besides. What is contained is not contained twice.
        here.cycle()
        assert here.result("Contain Host", host_id="host:42", brain="brain-a") == "already"
        assert set(here.blocked()) == {"10.20.3.7", "10.20.3.8"} and here.asked == []


def test_contain_host_refused_or_protected_changes_nothing(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        assert here.result("Contain Host", NO, host_id="41") == "refused"
        run = here.run("Contain Host", host_id="43")
        assert run.context["VectraResponse"]["Result"] == "not possible"
        assert "member of no-block group 'NoBlock'" in run.context["VectraResponse"]["Review"]["why"]
        assert (here.tags("host", 41), here.tags("host", 43), here.blocked()) == (["finance"], [], {})


def test_contain_host_that_somebody_keeps_free_ends_that(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.command('!vectra-response-release keys=host:41 reason="false alarm"')
        assert here.result("Contain Host", YES, host_id="41") == "contained"
        assert "It is kept free: released by command: false alarm." in here.asked[0].text
        assert here.blocked() == {"10.20.3.7": ["brain-a/host:41"]} and here.state("brain-a")["held"] == {}


def test_contain_host_product_that_is_slow_is_told(tmp_path: Path) -> None:
    with world(tmp_path, drivers={"edr": {"outcome_block": "pending", "looks_until_done": "9"}}) as here:
        assert here.result("Contain Host", YES, host_id="41") == "ordered"
        assert "Hidden HTTPS Tunnel (9001)" in here.asked[0].text


def test_contain_host_tag_that_vectra_refuses_is_a_failure_of_its_own(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.brains["brain-a"].faults.add(Fault("status", path="*/tagging/*", method="PATCH", count=9, status=403))
        assert here.result("Contain Host", YES, host_id="41") == "failed"
        assert here.blocked() == {} and here.tags("host", 41) == ["finance"]


def test_contain_host_that_vectra_does_not_know_is_contained_and_released_directly(tmp_path: Path) -> None:
    with world(tmp_path, drivers={"edr": {"outcome_block": "failed,applied"}}) as here:
        assert here.result("Contain Host", {DIRECTLY: "Leave it"}, ip="192.0.2.7") == "refused"
        assert here.result("Contain Host", {DIRECTLY: "Contain directly"}, ip="192.0.2.7") == "failed"
        assert here.result("Contain Host", {DIRECTLY: "Contain directly"}, ip="192.0.2.7") == "contained"
        assert here.blocked() == {"192.0.2.7": ["war-room/host:192.0.2.7"]}
        ask = {"Ask the products to release it?": "Release"}
        assert here.result("Release", ask, type="host", address="192.0.2.7") == "released"
        assert here.blocked() == {}
        assert here.result("Release", ask, type="host", address="192.0.2.7") == "already"


def test_contain_host_brain_that_cannot_be_asked_is_not_gone_around(tmp_path: Path) -> None:
    with world(tmp_path, brains=("brain-a", "brain-b")) as here:
        assert here.result("Contain Host", host_id="41") == "not possible"  # both brains have a host 41
        here.brains["brain-b"].faults.add(Fault("status", path="*/hosts*", count=9, status=403))
        run = here.run("Contain Host", ip="192.0.2.7")
        assert run.context["VectraResponse"]["Result"] == "not possible"
        assert "could not be asked: brain-b" in run.context["VectraResponse"]["Review"]["why"]


def test_contain_host_while_another_cycle_is_at_work_waits_for_it(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.command("!vectra-response-cycle-record stage=start owner=job")
        run = here.run("Contain Host", YES, host_id="41")
        assert run.context["VectraResponse"]["Result"] == "asked for"
        assert run.context["VectraResponse"]["Cycle"]["status"] == "busy" and sum(here.slept) > 230
        here.command("!vectra-response-cycle-record stage=end owner=job")
        here.cycle()
        assert here.blocked() == {"10.20.3.7": ["brain-a/host:41"]}


def test_contain_account_that_vectra_does_not_know_is_contained_and_released_directly(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        assert (
            here.result("Contain Account", {"Contain the account?": "Leave it"}, account="jane@corp.test") == "refused"
        )
        directly = {"Contain the account without Vectra?": "Contain directly"}
        assert here.result("Contain Account", directly, account="x@y") == "contained"
        assert here.blocked() == {"x@y": ["war-room/account:x@y"]}
        assert here.result("Release", type="account", address="x@y", approved="true") == "released"
        assert here.blocked() == {}


def test_contain_destination_of_a_detection_and_of_a_list(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        answers = {"Contain the destinations of the detection?": "Contain", "Contain the destinations?": "Contain"}
        assert here.result("Contain Destination", answers, detection_id="9001") == "contained"
        assert "8.8.8.8" in here.asked[0].text and set(here.blocked()) == {"8.8.8.8", "c2.example"}
        run = here.run("Contain Destination", answers, destinations="9.9.9.9,10.0.0.1,c3.example", reason="case 7")
        assert run.context["VectraResponse"]["Result"] == "contained"
        assert "Refused: 10.0.0.1: is private" in here.asked[0].text
        assert here.host.store.lists.get(LIST) == "9.9.9.9  # case 7\nc3.example  # case 7"
        assert set(here.blocked()) == {"8.8.8.8", "c2.example", "9.9.9.9", "c3.example"}
        assert here.result("Contain Destination", destinations="9.9.9.9") == "already"
        assert here.result("Contain Destination", destinations="10.0.0.1") == "not possible"
        leave = {"Contain the destinations?": "Leave it"}
        assert here.result("Contain Destination", leave, destinations="9.9.9.8") == "refused"
