"""One firewall: tags of others, restarts, time limits, versions, lost answers, and elements that VAR wrote down."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulators.kit import Fault
from emulators.panos.options import FIREWALL_SERIAL
from Tests.panos_response.world import HOST, World, world


@pytest.fixture
def firewall() -> Iterator[World]:
    with world() as made:
        yield made


def test_release_leaves_other_tags_of_the_address(firewall: World) -> None:
    firewall.edit({"register": {"ip": "10.1.2.3", "tag": "site-berlin"}})
    assert firewall.block()["status"] == "applied"
    assert firewall.unblock()["status"] == "applied"
    assert firewall.registered() == {"10.1.2.3": {"site-berlin"}}


def test_block_is_persistent_and_survives_a_reboot(firewall: World) -> None:
    firewall.block()
    firewall.edit({"reboot": FIREWALL_SERIAL})
    assert firewall.registered() == {"10.1.2.3": {"Block_Host"}}
    assert firewall.reconcile(verify=True) == []


@pytest.mark.parametrize("how", ["reboot", "clear", "run out"])
def test_block_that_was_lost_is_put_back(how: str) -> None:
    with world({"tag_timeout": "600"}) as made:
        made.block()
        if how == "run out":
            made.emulator.clock.advance(601)
        else:
            made.edit({how: FIREWALL_SERIAL})
        assert made.registered() == {} and made.reconcile() == []
        assert [row["status"] for row in made.reconcile(verify=True)] == ["applied"]
        assert made.registered() == {"10.1.2.3": {"Block_Host"}}
        made.edit({"clear": FIREWALL_SERIAL})
        assert [row["status"] for row in made.command("vectra-groom-host", **HOST)] == ["applied"]
        assert made.unblock()["status"] == "applied" and made.registered() == {}


def test_block_that_ran_out_is_released_without_an_error() -> None:
    with world({"tag_timeout": "600"}) as made:
        made.block()
        made.emulator.clock.advance(601)
        assert made.unblock()["status"] == "already" and made.records == {}


def test_renamed_host_tag_is_followed_by_grooming(firewall: World) -> None:
    firewall.block()
    firewall.params["host_tag"] = "Quarantine"
    rows = firewall.command("vectra-groom-host", **HOST)
    assert {row["element"] for row in rows} == {"10.1.2.3@Quarantine", "10.1.2.3@Block_Host"}
    assert firewall.registered() == {"10.1.2.3": {"Quarantine"}}


def test_renamed_tags_release_what_was_registered_with_the_old_ones(firewall: World) -> None:
    firewall.command("vectra-block-detection", dst_ips="198.51.100.7", detection_id="9", brain="b")
    static = {"destinations": "203.0.113.0/24", "list": "static", "brain": "b"}
    firewall.command("vectra-block-destinations", **static)
    firewall.params |= {"detection_tag": "New", "static_tag": "Newer"}
    firewall.edit({"register": {"ip": "203.0.113.0/24", "tag": "Newer"}})
    firewall.command("vectra-unblock-detection", detection_id="9", brain="b")
    firewall.command("vectra-unblock-destinations", **static)
    assert firewall.registered() == {"203.0.113.0/24": {"Newer"}} and firewall.records == {}


def test_networks_and_ranges_before_10_0_are_unsupported_one_by_one() -> None:
    with world(version="9.1.16") as made:
        args = {"destinations": "203.0.113.0/24,192.0.2.77,10.0.0.1-10.0.0.9,bad.example", "list": "l", "brain": "b"}
        rows = {row["element"]: row for row in made.command("vectra-block-destinations", **args)}
        assert {element: row["status"] for element, row in rows.items()} == {
            "203.0.113.0/24": "unsupported",
            "192.0.2.77": "applied",
            "10.0.0.1-10.0.0.9": "unsupported",
            "bad.example": "unsupported",
        }
        assert "PAN-OS 9.1.16" in rows["203.0.113.0/24"]["reason"]
        assert "external dynamic list" in rows["bad.example"]["reason"]
        assert set(made.records) == {"192.0.2.77"} and len(made.orders("register")) == 1


def test_domains_of_a_detection_are_unsupported_beside_addresses(firewall: World) -> None:
    args = {"dst_ips": "198.51.100.7", "dst_domains": "bad.example", "detection_id": "9", "brain": "b"}
    rows = {row["element"]: row["status"] for row in firewall.command("vectra-block-detection", **args)}
    assert rows == {"198.51.100.7@Block_Detection": "applied", "bad.example": "unsupported"}


def test_ipv6_network_that_the_firewall_refuses_fails_in_its_words(firewall: World) -> None:
    row = firewall.one("vectra-block-destinations", destinations="2001:db8::/32", list="l", brain="b")
    assert row["status"] == "failed" and "IPv6 ranges and networks" in row["reason"]
    with world(networks6="take") as other:
        row = other.one("vectra-block-destinations", destinations="2001:db8::/32", list="l", brain="b")
        assert row["status"] == "applied" and set(other.registered()) == {"2001:db8::/32"}


def test_own_address_of_the_firewall_is_never_blocked(firewall: World) -> None:
    assert firewall.block(ip="192.0.2.1")["status"] == "unsupported"
    assert firewall.block(ip="127.0.0.1")["status"] == "unsupported"
    assert firewall.orders("register") == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500, when="after", after=2, count=1),
        Fault("torn", after=2, count=1),
        Fault("reset", when="after", after=2, count=1),
    ],
    ids=["500", "torn", "reset"],
)
def test_order_without_an_answer_is_looked_up_and_not_sent_again(firewall: World, fault: Fault) -> None:
    firewall.emulator.faults.add(fault)
    assert firewall.block()["status"] == "pending"
    assert firewall.registered() == {"10.1.2.3": {"Block_Host"}}
    assert [row["status"] for row in firewall.reconcile()] == ["applied"]
    assert len(firewall.orders("register")) == 1
    assert firewall.unblock()["status"] == "applied"


def test_order_that_never_arrived_is_sent_again(firewall: World) -> None:
    firewall.emulator.faults.add(Fault("reset", after=2, count=1))
    assert firewall.block()["status"] == "pending" and firewall.registered() == {}
    assert [row["status"] for row in firewall.reconcile()] == ["applied"]
    assert firewall.registered() == {"10.1.2.3": {"Block_Host"}}


def test_registration_that_shows_late_is_pending(firewall: World) -> None:
    firewall.edit({"register_delay": 5})
    assert firewall.block()["status"] == "pending"
    firewall.emulator.clock.advance(5)
    assert [row["status"] for row in firewall.reconcile()] == ["applied"]


def test_table_that_is_full_is_told(firewall: World) -> None:
    firewall.edit({"capacity": 1}, {"register": {"ip": "10.9.9.9", "tag": "x"}})
    row = firewall.block()
    assert row["status"] == "failed" and "maximum number" in row["reason"] and firewall.records == {}


@pytest.mark.parametrize("element", ["10.1.2.3", "10.1.2.3@Block_Host"])
def test_adopted_element_of_var_is_released(firewall: World, element: str) -> None:
    firewall.edit({"register": {"ip": "10.1.2.3", "tag": "Block_Host"}})
    row = firewall.unblock(elements=element, adopt="true")
    assert (row["element"], row["status"]) == (element, "applied") and firewall.registered() == {}
    assert firewall.unblock(elements=element, adopt="true")["status"] == "already"


def test_adopted_detection_of_var_stands_for_the_tag_of_detections(firewall: World) -> None:
    both = [{"register": {"ip": "198.51.100.7", "tag": tag}} for tag in ("Block_Detection", "Block_Host")]
    firewall.edit(*both)
    args = {"detection_id": "9", "elements": "198.51.100.7", "adopt": "true", "brain": "b"}
    assert firewall.one("vectra-unblock-detection", **args)["status"] == "applied"
    assert firewall.registered() == {"198.51.100.7": {"Block_Host"}}


def test_verification_of_many_reads_pages_and_not_each_address(firewall: World) -> None:
    addresses = [f"198.51.{number // 250}.{number % 250 + 1}" for number in range(12)]
    firewall.command("vectra-block-detection", dst_ips=",".join(addresses), detection_id="9", brain="b")
    others = [{"ip": f"10.{n // 60_000}.{n // 250 % 240}.{n % 250}", "tag": "Block_Detection"} for n in range(1000)]
    firewall.emulator.state.seed({"registered": others})
    firewall.asked.clear()
    assert firewall.reconcile(verify=True) == []
    assert len(firewall.asked) == 3


def test_vsys_that_is_changed_is_released_where_it_was() -> None:
    with world({"vsys": "vsys1"}, vsys="vsys1,vsys2") as made:
        made.block()
        made.params["vsys"] = "vsys2"
        assert [row["status"] for row in made.reconcile(verify=True)] == ["applied"]
        assert made.registered(vsys="vsys2") == {"10.1.2.3": {"Block_Host"}}
        assert made.unblock()["status"] == "applied"
        assert made.registered(vsys="vsys1") == made.registered(vsys="vsys2") == {}


def test_test_tells_an_unknown_vsys(firewall: World) -> None:
    assert firewall.driver().test() == "ok"
    firewall.params["vsys"] = "vsys9"
    with pytest.raises(Exception, match="Invalid vsys vsys9"):
        firewall.driver().test()
