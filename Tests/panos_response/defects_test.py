"""What went wrong in an older client for PAN-OS that people may come from, each as a test that it does not here."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from emulators.kit import Fault
from Tests.panos_response.world import FIRST, HOST, SECOND, World, pack, two_firewalls, world


@pytest.fixture
def firewall() -> Iterator[World]:
    with world() as made:
        yield made


def test_defect_80_90_detection_blocking_works_and_does_not_crash(firewall: World) -> None:
    args = {"dst_ips": "198.51.100.7,2001:db8::8", "detection_id": "9", "brain": "b"}
    rows = firewall.command("vectra-block-detection", **args)
    assert [row["status"] for row in rows] == ["applied", "applied"]
    assert firewall.registered() == {"198.51.100.7": {"Block_Detection"}, "2001:db8::8": {"Block_Detection"}}
    rows = firewall.command("vectra-unblock-detection", detection_id="9", brain="b")
    assert [row["status"] for row in rows] == ["applied", "applied"] and firewall.registered() == {}


def test_defect_99_108_static_blocking_works_with_networks_and_ranges(firewall: World) -> None:
    args = {"destinations": "203.0.113.9/24,198.51.100.1-198.51.100.9,192.0.2.77", "list": "static", "brain": "b"}
    assert {row["status"] for row in firewall.command("vectra-block-destinations", **args)} == {"applied"}
    assert set(firewall.registered()) == {"203.0.113.0/24", "198.51.100.1-198.51.100.9", "192.0.2.77"}
    assert {row["status"] for row in firewall.command("vectra-unblock-destinations", **args)} == {"applied"}
    assert firewall.registered() == {}


def test_defect_54_65_result_of_each_firewall_counts() -> None:
    with two_firewalls(unreachable=SECOND) as made:
        row = made.block()
        assert row["status"] == "pending" and f"firewall {SECOND}: " in row["reason"]
        assert f"{SECOND} not connected" in row["reason"]
        assert made.registered(FIRST) == {"10.1.2.3": {"Block_Host"}}


@pytest.mark.parametrize("http_errors", ["always-200", "as-code"])
def test_defect_165_208_xml_error_under_http_200_is_no_success(http_errors: str) -> None:
    with world(role="op", http_errors=http_errors) as made:
        row = made.block()
        assert (row["status"], row["contained"]) == ("failed", False)
        assert "Type [user-id] not authorized" in row["reason"] and "User-ID Agent" in row["reason"]
        assert made.records == {}


def test_defect_165_208_release_that_is_refused_is_no_success(firewall: World) -> None:
    firewall.block()
    firewall.edit({"role": "op"})
    assert (firewall.unblock()["status"], firewall.records["10.1.2.3@Block_Host"]["phase"]) == ("failed", "releasing")
    firewall.edit({"role": "full"})
    assert firewall.reconcile()[0]["status"] == "applied" and firewall.registered() == {}


def test_defect_113_key_that_is_given_is_used_and_none_is_made(firewall: World) -> None:
    firewall.block()
    firewall.unblock()
    assert {form["type"] for form in firewall.asked} == {"op", "user-id"}
    assert not any({"user", "password", "key"} & form.keys() for form in firewall.asked)


def test_defect_121_128_wrong_key_is_told_in_words(firewall: World) -> None:
    firewall.params["api_key"] = {"password": "made-up-wrong-key"}
    row = firewall.block()
    assert row["status"] == "failed" and "Invalid Credential. Check the API key" in row["reason"]
    assert "made-up-wrong-key" not in json.dumps(row)
    with pytest.raises(pack.ProductError, match="Invalid Credential"):
        firewall.driver().test()


def test_defect_124_certificates_are_verified_unless_switched_off(firewall: World) -> None:
    assert pack.settings_from_params(firewall.params).http.verify is True
    assert pack.settings_from_params({**firewall.params, "insecure": "true"}).http.verify is False


def test_defect_132_key_is_stored_nowhere(firewall: World) -> None:
    firewall.block()
    assert firewall.emulator.api_key not in json.dumps(firewall.context.stored)
    logged = firewall.emulator.requests.latest()
    assert all(firewall.emulator.api_key not in entry.path for entry in logged)


def test_defect_145_188_text_cannot_become_markup() -> None:
    tag = "x</member><member>Allow_All & <b>"
    with world({"host_tag": tag}) as made:
        assert made.block()["status"] == "applied" and made.registered() == {"10.1.2.3": {tag}}
        assert made.unblock()["status"] == "applied" and made.registered() == {}
        row = made.one(
            "vectra-unblock-host", host_id="41", elements='10.0.0.1"/><entry ip="10.0.0.2', adopt="true", brain="b"
        )
        assert row["status"] == "already" and "no address" in row["reason"]
    assert len(made.orders("unregister")) == 1


def test_defect_159_203_request_without_an_answer_ends(firewall: World) -> None:
    firewall.params["timeout"] = "0.1"
    firewall.emulator.faults.add(Fault("delay", seconds=0.2, count=1))
    row = firewall.block()
    assert row["status"] == "failed" and "did not answer (ReadTimeout)" in row["reason"]


def test_defect_no_vsys_addresses_go_where_the_parameter_says() -> None:
    with world({"vsys": "vsys2"}, vsys="vsys1,vsys2") as made:
        assert made.block()["status"] == "applied"
        assert (made.registered(vsys="vsys1"), made.registered(vsys="vsys2")) == ({}, {"10.1.2.3": {"Block_Host"}})


def test_defect_no_timeout_choice_is_a_parameter() -> None:
    with world({"tag_timeout": "600"}) as made:
        made.block()
        assert 'timeout="600"' in made.orders("register")[0]["cmd"]
        assert "persistent" not in made.orders("register")[0]["cmd"]


def test_defect_75_groom_follows_the_host_to_its_new_address(firewall: World) -> None:
    firewall.block()
    rows = firewall.command("vectra-groom-host", **{**HOST, "ip": "10.1.2.4"})
    assert {(row["element"], row["status"]) for row in rows} == {
        ("10.1.2.4@Block_Host", "applied"),
        ("10.1.2.3@Block_Host", "applied"),
    }
    assert firewall.registered() == {"10.1.2.4": {"Block_Host"}}


def test_defect_one_tag_for_two_lists_releasing_one_keeps_the_other(firewall: World) -> None:
    detection = {"dst_ips": "198.51.100.7", "detection_id": "9", "brain": "b"}
    static = {"destinations": "198.51.100.7", "list": "static", "brain": "b"}
    firewall.command("vectra-block-detection", **detection)
    firewall.command("vectra-block-destinations", **static)
    assert firewall.registered() == {"198.51.100.7": {"Block_Detection", "Block_Static"}}
    firewall.command("vectra-unblock-detection", detection_id="9", brain="b")
    assert firewall.registered() == {"198.51.100.7": {"Block_Static"}}


def test_defect_mixed_batch_one_known_address_does_not_stop_the_others(firewall: World) -> None:
    firewall.edit({"register": {"ip": "198.51.100.7", "tag": "Block_Detection"}})
    args = {"dst_ips": "198.51.100.7,198.51.100.8", "detection_id": "9", "brain": "b"}
    rows = firewall.command("vectra-block-detection", **args)
    assert {row["element"]: row["status"] for row in rows} == {
        "198.51.100.7@Block_Detection": "already",
        "198.51.100.8@Block_Detection": "applied",
    }
    assert set(firewall.registered()) == {"198.51.100.7", "198.51.100.8"}
