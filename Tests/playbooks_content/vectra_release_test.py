"""Releases, the emergency, the static list, the report and incidents: what is left, and who was asked what."""

from __future__ import annotations

from pathlib import Path

from emulators.kit.faults import Fault
from Tests.playbooks_content.vectra_world import LIST, World, mapped, world

WORD = "RELEASE ALL"
CONFIRM = {
    "Release everything?": "Release everything",
    "Confirm the emergency release": {f"Type {WORD}": WORD, "Who decided it, and why?": "CISO, false alarm"},
}


def contain(here: World, *hosts: int) -> None:
    """What an analyst tags and the job contains."""
    for host in hosts:
        here.command(f"!vectra-tag-add type=host id={host} tags=vectra_host_block")
    here.cycle()


def test_release_host_refused_stays_and_approved_goes_and_stays_free(tmp_path: Path) -> None:
    with world(tmp_path, host_score="70 and 70") as here:
        here.cycle()
        assert here.result("Release", {"Release it?": "Leave it"}, type="host", id="41") == "refused"
        assert set(here.blocked()) == {"10.20.3.7"} and "Held by: edr (10.20.3.7)" in here.asked[0].text
        assert here.result("Release", {"Release it?": "Release"}, type="host", id="41", reason="clean") == "released"
        here.cycle()
        assert here.blocked() == {} and here.tags("host", 41) == ["finance"]
        assert here.notes("host", 41)[1] == "Asked by a person to release: clean"
        # Nothing on record: the products are asked for what people contained directly, and have nothing.
        ask = {"Ask the products to release it?": "Release"}
        assert here.result("Release", ask, type="host", id="41") == "already"


def test_release_product_that_refuses_or_is_slow_is_told(tmp_path: Path) -> None:
    with world(tmp_path, drivers={"edr": {"outcome_unblock": "failed,pending", "looks_until_done": "9"}}) as here:
        contain(here, 41, 42)
        assert here.result("Release", {"Release it?": "Release"}, type="host", id="41") == "failed"
        assert here.result("Release", {"Release it?": "Release"}, type="host", id="42") == "ordered"
        assert here.result("Release", type="host", id="404") == "already"


def test_release_of_what_cannot_be_looked_up_is_not_possible(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.brains["brain-a"].faults.add(Fault("status", path="*/hosts*", count=9, status=403))
        assert here.result("Release", type="host", id="41") == "not possible"


def test_release_destinations_one_stays_the_last_releases_the_list(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.host.store.lists.set(LIST, "9.9.9.9\n9.9.9.10")
        assert here.result("Static Destinations", approved="true") == "applied"
        answers = {"Take the destinations off the list?": "Release"}
        assert here.result("Release", answers, type="destinations", destinations="9.9.9.9") == "released"
        assert set(here.blocked()) == {"9.9.9.10"} and here.host.store.lists.get(LIST) == "9.9.9.10"
        assert here.result("Release", answers, type="destinations", destinations="9.9.9.10") == "released"
        assert here.blocked() == {}
        leave = {"Contain the destinations?": "Contain"}
        assert here.result("Contain Destination", leave, destinations="9.9.9.10") == "contained"
        assert set(here.blocked()) == {"9.9.9.10"}


def test_emergency_release_confirmed_twice_lets_everything_go_and_stops(tmp_path: Path) -> None:
    with world(tmp_path, brains=("brain-a", "brain-b"), host_score="70 and 70") as here:
        here.cycle()
        assert here.result("Emergency Release", CONFIRM, reason="wrong rule") == "released"
        assert here.blocked() == {} and all(here.state(name)["stopped"] for name in here.brains)
        assert [asked.task for asked in here.asked] == list(CONFIRM) and "fin-lap-07" in here.asked[0].text
        [held] = here.state("brain-a")["held"].values()
        assert held["why"] == "Emergency release. wrong rule CISO, false alarm"
        here.cycle()
        assert here.blocked() == {}


def test_emergency_release_without_both_confirmations_changes_nothing(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        contain(here, 41)
        assert here.result("Emergency Release", {"Release everything?": "Leave it"}) == "refused"
        wrong = {**CONFIRM, "Confirm the emergency release": {f"Type {WORD}": "release all"}}
        assert here.result("Emergency Release", wrong) == "refused"
        assert set(here.blocked()) == {"10.20.3.7"} and not here.state("brain-a")["stopped"]


def test_emergency_release_what_a_product_keeps_is_handed_to_a_person(tmp_path: Path) -> None:
    with world(tmp_path, drivers={"edr": {}, "stuck": {"outcome_unblock": "failed"}}) as here:
        contain(here, 41)
        answers = {"Release the rest by hand": True}
        assert here.result("Emergency Release", answers, confirmation=WORD) == "failed"
        assert here.blocked("edr") == {} and [asked.task for asked in here.asked] == list(answers)
        assert here.state("stuck")["elements"]["10.20.3.7"]["phase"] == "releasing"


def test_static_destinations_shows_applies_and_leaves(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        assert here.result("Static Destinations") == "already"  # there is no list
        here.host.store.lists.set(LIST, "# ours\n9.9.9.9\n0.0.0.0/0\n")
        assert here.result("Static Destinations", {"Apply the list?": "Leave it"}) == "refused"
        assert "Refused: 0.0.0.0/0: is the whole Internet" in here.asked[0].text and here.blocked() == {}
        assert here.result("Static Destinations", {"Apply the list?": "Apply"}) == "applied"
        assert set(here.blocked()) == {"9.9.9.9"}
        assert here.result("Static Destinations") == "already"
        here.host.store.lists.set(LIST, "")
        assert here.result("Static Destinations") == "not possible"  # an empty list releases nothing
        assert set(here.blocked()) == {"9.9.9.9"}
        here.set_driver("edr", outcome_block="failed")
        here.host.store.lists.set(LIST, "9.9.9.9\n9.9.9.8")
        assert here.result("Static Destinations", approved="true") == "failed"


def test_weekly_report_is_kept_sent_and_the_incident_closed(tmp_path: Path) -> None:
    with world(tmp_path, drivers={"edr": {}, "stuck": {"outcome_block": "failed"}}) as here:
        contain(here, 41)
        run = here.run("Weekly Report")
        report = run.context["VectraResponse"]["Report"]
        assert run.status == "done" and (report["contained"], report["still"], report["failed"]) == (1, 1, 1)
        assert here.is_closed(run)
        assert "fin-lap-07" in report["markdown"] and report["by_product"] == {"edr": 1}
        # A notifier that cannot send leaves the incident open.
        here.host.add_instance(
            "ResponseNotifier",
            "mail",
            {"syslog_server": "127.0.0.1", "syslog_protocol": "tcp", "syslog_port": "1", "timeout": "2"},
        )
        run = here.run("Weekly Report", since="1 day")
        assert run.status == "done" and not here.is_closed(run)


def test_handle_incident_of_a_fetch_asks_contains_and_closes(tmp_path: Path) -> None:
    with world(tmp_path, host_score="70 and 70", account_score="50 and 50") as here:
        decisions = {item["name"]: item for item in here.host.fetch("brain-a").incidents}
        assert len(decisions) == 2
        for item, answers in zip(
            sorted(decisions.values(), key=lambda item: item["name"]),
            ({"Contain the account?": "Leave it"}, {"Contain the host?": "Contain"}),
            strict=True,
        ):
            run = here.run(
                "Handle Incident", answers, incident={"CustomFields": mapped(item), "details": item["details"]}
            )
            assert run.status == "done", run.error
            assert here.is_closed(run)
        # The account that the rules ask for as well was not contained along with the host.
        assert here.blocked() == {"10.20.3.7": ["brain-a/host:41"]}


def test_handle_incident_that_fails_or_asks_nothing_stays_open(tmp_path: Path) -> None:
    with world(tmp_path, drivers={"edr": {"outcome_block": "failed"}}) as here:
        fields = {
            "vectraresponseaction": "block",
            "vectraresponseentitytype": "host",
            "vectraresponseentity": "host:41",
        }
        run = here.run("Handle Incident", {"Contain the host?": "Contain"}, incident={"CustomFields": fields})
        assert run.status == "done" and not here.is_closed(run)
        assert here.kept(run)["CustomFields"]["vectraresponseresult"] == "failed"
        assert "vectra_host_block" in here.tags("host", 41) and here.blocked() == {}
        run = here.run("Handle Incident")
        assert run.status == "done" and not here.is_closed(run)
