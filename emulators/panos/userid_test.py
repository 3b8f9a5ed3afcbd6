"""Registering and unregistering."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from emulators.panos.conftest import Start, error, message, problems


def test_register_and_unregister_take_effect_at_once(panos: Start) -> None:
    client = panos()
    answer = client.change("register", "10.1.2.3", "Block_Host")
    assert answer.get("status") == "success"
    assert answer.find("result/uid-response/payload/register") is not None
    assert client.tags() == {"10.1.2.3": ["Block_Host"]}
    assert client.change("unregister", "10.1.2.3", "Block_Host").get("status") == "success"
    assert client.tags() == {}


def test_unregister_leaves_other_tags_in_place(panos: Start) -> None:
    client = panos()
    client.change("register", "10.1.2.3", "a", "b")
    client.change("unregister", "10.1.2.3", "a")
    assert client.tags() == {"10.1.2.3": ["b"]}


def test_register_twice_is_an_error_that_says_ignore(panos: Start) -> None:
    client = panos()
    client.change("register", "10.1.2.3", "foo")
    again = client.change("register", "10.1.2.3", "foo")
    assert (again.get("status"), problems(again)) == ("error", [("10.1.2.3", "tag foo already exists, ignore")])
    absent = client.change("unregister", "10.9.9.9", "foo")
    assert problems(absent) == [("10.9.9.9", "tag foo does not exist, ignore unreg")]


@pytest.mark.parametrize(("batch", "kept"), [("whole", ["10.0.0.1"]), ("each", ["10.0.0.1", "10.0.0.2"])])
def test_batch_with_a_known_entry_is_refused_whole_or_in_part(panos: Start, batch: str, kept: list[str]) -> None:
    client = panos(batch=batch)
    client.change("register", "10.0.0.1", "foo")
    answer = client.call("user-id", message("register", ("10.0.0.1", ["foo"]), ("10.0.0.2", ["foo"])))
    assert [address for address, _ in problems(answer)] == ["10.0.0.1"]
    assert list(client.tags()) == kept


def test_register_more_than_32_tags_is_refused(panos: Start) -> None:
    client = panos()
    client.change("register", "10.0.0.1", *(f"tag{number}" for number in range(32)))
    assert problems(client.change("register", "10.0.0.1", "one-more")) == [("10.0.0.1", "more than 32 tags")]
    assert len(client.tags()["10.0.0.1"]) == 32


def test_register_beyond_the_capacity_is_refused(panos: Start) -> None:
    client = panos(capacity=1)
    client.change("register", "10.0.0.1", "foo")
    client.change("register", "10.0.0.1", "bar")
    assert "maximum number" in str(problems(client.change("register", "10.0.0.2", "foo"))[0][1])


@pytest.mark.parametrize(
    ("version", "address", "shown"),
    [
        ("9.1.0", "10.0.0.1", "10.0.0.1"),
        ("9.1.0", "2001:DB8::1", "2001:db8::1"),
        ("10.0.0", "10.0.0.0/24", "10.0.0.0/24"),
        ("11.1.2-h3", "10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"),
        ("10.0.0", "10.0.0.1/32", "10.0.0.1"),
    ],
)
def test_register_what_the_version_takes(panos: Start, version: str, address: str, shown: str) -> None:
    client = panos(version=version)
    assert client.change("register", address, "t").get("status") == "success"
    assert list(client.tags()) == [shown]


@pytest.mark.parametrize(
    ("version", "address"),
    [
        ("9.1.0", "10.0.0.0/24"),
        ("9.1.0", "10.0.0.1-10.0.0.9"),
        ("10.2.0", "10.0.0.1/24"),
        ("10.2.0", "10.0.0.9-10.0.0.1"),
        ("10.2.0", "2001:db8::/32"),
        ("10.2.0", "bad.example"),
        ("10.2.0", "0.0.0.0/0"),
    ],
)
def test_register_what_the_version_does_not_take_is_refused(panos: Start, version: str, address: str) -> None:
    client = panos(version=version)
    assert client.change("register", address, "t").get("status") == "error"
    assert client.tags() == {}


def test_register_ipv6_network_where_it_is_taken(panos: Start) -> None:
    client = panos(networks6="take")
    assert client.change("register", "2001:db8::/32", "t").get("status") == "success"


def test_reboot_loses_what_is_not_persistent_and_clear_loses_all(panos: Start) -> None:
    client = panos()
    serial = client.emulator.devices.front.serial
    client.change("register", "10.0.0.1", "t")
    client.change("register", "10.0.0.2", "t", persistent="0")
    client.change("register", "10.0.0.3", "t", timeout="60")
    assert client.edit(reboot=serial).json() == {"edited": 1}
    assert client.tags() == {"10.0.0.1": ["t"]}
    client.edit(clear=serial)
    assert client.tags() == {}


def test_timeout_ends_one_tag_only(panos: Start) -> None:
    client = panos()
    client.change("register", "10.0.0.1", "stays")
    client.change("register", "10.0.0.1", "goes", timeout="60")
    client.emulator.clock.advance(59)
    assert client.tags() == {"10.0.0.1": ["stays", "goes"]}
    client.emulator.clock.advance(1)
    assert client.tags() == {"10.0.0.1": ["stays"]}


def test_register_with_a_delay_takes_effect_later(panos: Start) -> None:
    client = panos(register_delay=5)
    assert client.change("register", "10.0.0.1", "t").get("status") == "success"
    assert client.tags() == {}
    client.emulator.clock.advance(5)
    assert client.tags() == {"10.0.0.1": ["t"]}
    client.change("unregister", "10.0.0.1", "t")
    assert client.tags() == {"10.0.0.1": ["t"]}
    client.edit(settle=True)
    assert client.tags() == {}


def test_orders_are_answered_by_what_waits_before_them(panos: Start) -> None:
    client = panos(register_delay=5)
    client.change("register", "10.0.0.1", "t")
    assert problems(client.change("register", "10.0.0.1", "t")) == [("10.0.0.1", "tag t already exists, ignore")]
    assert client.change("unregister", "10.0.0.1", "t").get("status") == "success"
    assert client.change("register", "10.0.0.1", "t").get("status") == "success"
    client.edit(settle=True)
    assert client.tags() == {"10.0.0.1": ["t"]}


@pytest.mark.parametrize(
    "command",
    [
        "<uid-message><type>update</type></uid-message>",
        "<uid-message><type>query</type><payload/></uid-message>",
        "<uid-message><type>update</type><payload><login/></payload></uid-message>",
        message("register", ("10.0.0.1", ["t"]), timeout="60", persistent="1"),
        message("register", ("10.0.0.1", ["t"]), timeout="2592001"),
        message("register", ("10.0.0.1", ["t"]), persistent="yes"),
        message("register", ("10.0.0.1", ["t"]), comment="x"),
        message("register", ("10.0.0.1", [""])),
        message("register", ("10.0.0.1", ["t" * 128])),
        "<show/>",
    ],
)
def test_message_of_a_wrong_form_is_refused(panos: Start, command: str) -> None:
    client = panos()
    assert error(client.call("user-id", command))[0] == "17"
    assert client.tags() == {}


@pytest.mark.parametrize("command", ["<uid-message>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "no xml"])
def test_message_that_is_no_plain_xml_is_refused(panos: Start, command: str) -> None:
    assert error(panos().call("user-id", command))[0] == "18"


def test_text_that_looks_like_markup_is_only_text(panos: Start) -> None:
    client = panos()
    tag = 'a</member><member>b & "c"'
    client.change("register", "10.0.0.1", tag)
    assert client.tags() == {"10.0.0.1": [tag]}
    assert ElementTree.fromstring(client.raw({"type": "op", "cmd": "<show><system><info/></system></show>"}).text)
