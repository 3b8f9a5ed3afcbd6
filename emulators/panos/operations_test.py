"""Reading: registered addresses in pages, system information, managed devices."""

from __future__ import annotations

import pytest

from emulators.panos.conftest import Start, error, show

MANAGED = "007951000000011,007951000000012"


def test_show_by_address_and_by_tag(panos: Start) -> None:
    client = panos()
    client.change("register", "10.0.0.1", "a", "b")
    client.change("register", "2001:db8::1", "a")
    assert client.tags("<ip>10.0.0.1</ip>") == {"10.0.0.1": ["a", "b"]}
    assert client.tags("<ip>2001:DB8:0::1</ip>") == {"2001:db8::1": ["a"]}
    assert client.tags("<ip>10.0.0.2</ip>") == {}
    assert client.tags('<tag><entry name="b"/></tag>') == {"10.0.0.1": ["a", "b"]}
    assert client.tags('<tag><entry name="all"/></tag>').keys() == {"10.0.0.1", "2001:db8::1"}


def test_show_in_pages_counts_each_page(panos: Start) -> None:
    client = panos()
    rows = [{"ip": f"10.0.{number // 250}.{number % 250}", "tag": "t"} for number in range(1001)]
    assert client.emulator.state.seed({"registered": rows}) == {"registered": 1001, "devices": 1}
    seen: set[str] = set()
    for start, size in ((1, 500), (501, 500), (1001, 1)):
        inside = f'<limit>500</limit><start-point>{start}</start-point><tag><entry name="t"/></tag>'
        page = client.tags(inside)
        assert len(page) == size
        seen |= page.keys()
    assert len(seen) == 1001
    counted = client.call("op", show("<all><option>count</option></all>"))
    assert counted.findtext("result/count") == "1001"


@pytest.mark.parametrize(("empty", "count"), [("count", "0"), ("bare", None)])
def test_show_nothing_has_a_count_or_not(panos: Start, empty: str, count: str | None) -> None:
    root = panos(empty_result=empty).call("op", show("<all/>"))
    assert root.find("result") is not None and root.findtext("result/count") == count


@pytest.mark.parametrize(
    "inside",
    ["<limit>501</limit>", "<limit>0</limit>", "<start-point>0</start-point>", "<ip>bad</ip>", "<name>x</name>"],
)
def test_show_with_a_wrong_part_is_refused(panos: Start, inside: str) -> None:
    assert error(panos().call("op", show(inside)))[0] == "17"


def test_system_information_tells_version_and_serial(panos: Start) -> None:
    root = panos(version="9.1.4", vsys="vsys1,vsys2").call("op", "<show><system><info/></system></show>")
    system = {part.tag: part.text for part in root.findall("result/system/*")}
    assert (system["sw-version"], system["serial"], system["multi-vsys"]) == ("9.1.4", "007951000000001", "on")


def test_command_unknown_is_refused(panos: Start) -> None:
    client = panos()
    assert error(client.call("op", "<show><clock/></show>")) == ("17", "show -> clock is unexpected")
    assert error(client.call("op", "<show><devices><all/></devices></show>"))[0] == "17"


def test_vsys_have_tables_of_their_own(panos: Start) -> None:
    client = panos(vsys="vsys1,vsys2")
    client.change("register", "10.0.0.1", "t", vsys="vsys2")
    assert client.tags() == client.tags(vsys="vsys1") == {}
    assert client.tags(vsys="vsys2") == {"10.0.0.1": ["t"]}
    assert error(client.call("op", show("<all/>"), vsys="vsys9")) == ("400", "Invalid vsys vsys9")


def test_panorama_passes_calls_on_to_the_firewall_that_is_named(panos: Start) -> None:
    client = panos(device="panorama", firewalls=MANAGED)
    first, second = MANAGED.split(",")
    client.change("register", "10.0.0.1", "t", target=first)
    assert client.tags(target=first) == {"10.0.0.1": ["t"]}
    assert client.tags(target=second) == client.tags() == {}
    root = client.call("op", "<show><system><info/></system></show>", target=second)
    assert root.findtext("result/system/serial") == second


def test_panorama_cannot_reach_every_firewall(panos: Start) -> None:
    first, second = MANAGED.split(",")
    client = panos(device="panorama", firewalls=MANAGED, unreachable=second)
    assert client.tags(target=first) == {}
    assert error(client.call("op", show("<all/>"), target=second)) == ("13", f"{second} not connected")
    assert error(client.call("op", show("<all/>"), target="1")) == ("13", "1 is not a managed device")
    listed = client.call("op", "<show><devices><connected/></devices></show>")
    assert [entry.findtext("serial") for entry in listed.findall("result/devices/entry")] == [first]
    client.edit(device=second, connected=True)
    assert client.tags(target=second) == {}


def test_firewall_takes_no_target(panos: Start) -> None:
    assert error(panos().call("op", show("<all/>"), target="007951000000001"))[0] == "400"
