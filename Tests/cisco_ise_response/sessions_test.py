"""Which MAC is the host: sessions that come and go, a look-up that lies, rights that are missing, grooming."""

from __future__ import annotations

import pytest

from Tests.cisco_ise_response.world import DOCK, IP, MAC, OTHER, POLICY, world

EXTERNAL = {"name": "vectra-response", "password": "made-up", "groups": ["ERS Admin", "MnT Admin"], "external": True}


def test_look_up_that_misses_a_session_is_made_up_for_by_the_list() -> None:
    with world(by_ip="lost") as here:
        row = here.block()
        assert (row["status"], row["element"], here.calls("ActiveList")) == ("applied", MAC, 1)


def test_look_up_that_tells_who_had_the_address_before_is_not_believed() -> None:
    with world(by_ip="stale") as here:
        here.edit(disconnect=True)
        here.edit(mac=OTHER, connect={"ip": IP})
        row = here.block()
        assert (row["element"], here.policy(), here.policy(OTHER)) == (OTHER, "", POLICY)


def test_look_up_that_fails_is_made_up_for_by_the_list() -> None:
    with world() as here:
        here.fault("*/EndPointIPAddress/*", kind="status", status=500, count=None)
        assert here.block()["element"] == MAC


def test_list_that_fails_leaves_the_clear_answer() -> None:
    with world() as here:
        here.edit(disconnect=True)
        here.fault("*/ActiveList", kind="status", status=500, count=None)
        assert here.block()["status"] == "not_found"


def test_both_look_ups_fail_nothing_is_guessed() -> None:
    with world() as here:
        here.fault("*/admin/*", kind="status", status=500, count=None)
        row = here.block(mac=DOCK)
        assert (row["status"], row["element"], here.policy(DOCK)) == ("failed", "", "")


def test_mnt_down_is_told_without_asking_for_more() -> None:
    with world() as here:
        here.fault("*/admin/*", kind="reset", count=None)
        assert here.block(mac=MAC)["status"] == "failed"
        assert here.calls("ActiveList") == 0


def test_sessions_of_several_macs_the_known_one_is_the_host() -> None:
    with world(by_ip="lost") as here:
        here.edit(mac=OTHER, connect={"ip": IP})
        row = here.block()
        assert (row["status"], here.policy(), here.policy(OTHER)) == ("failed", "", "")
        assert MAC in row["reason"] and OTHER in row["reason"]
        assert here.block(mac=OTHER.lower())["element"] == OTHER


def test_ipv6_session_is_found_in_the_list() -> None:
    with world() as here:
        here.edit(connect={"ip": IP, "ipv6": ["2001:db8::11"]})
        assert here.block(ip="2001:DB8:0::11")["element"] == MAC
        assert here.calls("EndPointIPAddress") == 0


@pytest.mark.parametrize("groups", ["ERS Admin", "external"])
def test_account_without_mnt_uses_the_mac_of_vectra_and_says_so(groups: str) -> None:
    with world(groups="ERS Admin") as here:
        if groups == "external":
            here.edit(account=EXTERNAL)
            here.params["credentials"] = {"identifier": EXTERNAL["name"], "password": EXTERNAL["password"]}
        row = here.block(mac=MAC)
        assert row["status"] == "applied" and "may not look up sessions in MnT" in row["reason"]
        assert "MnT Admin" in here.test() and "mnt_lookup" in here.test()


def test_account_without_mnt_and_no_permission_blocks_nothing() -> None:
    with world({"use_vectra_macs": "false"}, groups="ERS Admin") as here:
        row = here.block(mac=MAC)
        assert (row["status"], here.policy()) == ("failed", "") and "use_vectra_macs" in row["reason"]


def test_look_up_switched_off_asks_mnt_nothing() -> None:
    with world({"mnt_lookup": "false"}, groups="ERS Admin") as here:
        assert (here.test(), here.block(mac=MAC)["status"], here.calls("/mnt/")) == ("ok", "applied", 0)


def test_host_without_a_session_takes_effect_at_its_next_authentication() -> None:
    with world() as here:
        here.edit(disconnect=True)
        row = here.block(mac=MAC)
        assert row["status"] == "applied" and "when this MAC authenticates next" in row["reason"]
        assert here.enforced() is None
        here.edit(connect={"ip": IP})
        assert here.enforced() == POLICY


def test_groom_address_belongs_to_another_mac_now() -> None:
    with world() as here:
        here.block()
        here.edit(disconnect=True)
        here.edit(mac=OTHER, connect={"ip": IP})
        assert {(row["element"], row["status"]) for row in here.groom()} == {(OTHER, "applied"), (MAC, "applied")}
        assert (here.policy(), here.policy(OTHER), list(here.records)) == ("", POLICY, [OTHER])


@pytest.mark.parametrize("known", ["", DOCK])
def test_groom_host_that_is_offline_stays_contained(known: str) -> None:
    with world() as here:
        here.block()
        here.edit(disconnect=True)
        [row] = here.groom(mac=known)
        assert (row["status"], row["contained"]) == ("not_found", True) and "stays as it is" in row["reason"]
        assert (here.policy(), here.policy(DOCK)) == (POLICY, "")


def test_groom_while_mnt_fails_changes_nothing() -> None:
    with world() as here:
        here.block()
        here.fault("*/admin/*", kind="status", status=503, count=None)
        assert [row["status"] for row in here.groom(mac=DOCK)] == ["failed"]
        assert (here.policy(), here.policy(DOCK)) == (POLICY, "")


def test_wrong_monitoring_node_is_told() -> None:
    with world() as here:
        here.params["mnt_url"] = here.emulator.url
        assert "mnt_url" in here.block(mac=MAC)["reason"]
