"""Keys, keygen, roles, and what the front door refuses."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from emulators.kit import BadOption, Fault
from emulators.panos import PanosOptions
from emulators.panos.conftest import Start, error, message, show

INFO = "<show><system><info/></system></show>"


def test_keygen_gives_a_key_that_works(panos: Start) -> None:
    client = panos(password="made-up-password")
    root = ElementTree.fromstring(
        client.raw({"type": "keygen", "user": "vectra", "password": "made-up-password"}, key="").text
    )
    key = str(root.findtext("result/key"))
    assert "success" in client.raw({"type": "op", "cmd": INFO}, key=key).text
    assert "success" in client.raw({"type": "op", "cmd": INFO, "key": key}, key="").text


def test_keygen_with_a_wrong_password_is_refused(panos: Start) -> None:
    reply = panos().raw({"type": "keygen", "user": "vectra", "password": "wrong"}, key="")
    assert reply.status_code == 200
    assert error(ElementTree.fromstring(reply.text)) == ("403", "Invalid Credential")


@pytest.mark.parametrize(("http_errors", "status"), [("always-200", 200), ("as-code", 403)])
def test_key_wrong_is_an_xml_error(panos: Start, http_errors: str, status: int) -> None:
    reply = panos(http_errors=http_errors).raw({"type": "op", "cmd": INFO}, key="wrong")
    assert reply.status_code == status
    assert error(ElementTree.fromstring(reply.text)) == ("403", "Invalid Credential")


def test_key_expires_by_lifetime_and_by_the_administrator(panos: Start) -> None:
    client = panos(key_lifetime=1)
    assert client.tags() == {}
    client.emulator.clock.advance(60)
    assert error(client.call("op", INFO))[0] == "403"
    other = panos()
    other.edit(expire_keys=True)
    assert error(other.call("op", INFO))[0] == "403"


@pytest.mark.parametrize(
    ("role", "op", "user_id"),
    [("full", True, True), ("op", True, False), ("user-id", False, True), ("none", False, False)],
)
def test_role_decides_which_calls_are_allowed(panos: Start, role: str, op: bool, user_id: bool) -> None:
    client = panos()
    client.edit(role=role)
    asked = client.call("op", INFO)
    changed = client.call("user-id", message("register", ("10.0.0.1", ["t"])))
    assert (asked.get("status"), changed.get("status")) == tuple(
        "success" if good else "error" for good in (op, user_id)
    )
    refused = [error(root) for root in (asked, changed) if root.get("status") == "error"]
    assert all(code == "403" and "not authorized" in text for code, text in refused)


@pytest.mark.parametrize(
    "form",
    [
        {"type": "config", "cmd": INFO},
        {"type": "op"},
        {"type": "op", "cmd": INFO, "more": "x"},
        {"type": "op", "cmd": INFO, "action": "set"},
        {"type": "keygen", "user": "vectra", "password": "x", "cmd": INFO},
        [("type", "op"), ("type", "op"), ("cmd", INFO)],
    ],
)
def test_form_that_is_wrong_is_refused(panos: Start, form: object) -> None:
    assert error(ElementTree.fromstring(panos().raw(form).text))[0] == "400"


def test_form_in_another_shape_is_refused(panos: Start) -> None:
    client = panos()
    url, headers = client.emulator.url + "/api/", {"X-PAN-KEY": client.emulator.api_key}
    as_json = client.http.post(url, json={"type": "op"}, headers=headers, timeout=5)
    assert error(ElementTree.fromstring(as_json.text))[0] == "400"
    query = client.http.post(url + "?type=op", data={"type": "op", "cmd": INFO}, headers=headers, timeout=5)
    assert "unknown names: type" in query.text
    assert client.http.get(url, headers=headers, timeout=5).status_code in (403, 405)


def test_body_larger_than_the_limit_is_413(panos: Start) -> None:
    client = panos(max_body=1000)
    assert client.raw({"type": "op", "cmd": "x" * 2000}).status_code == 413
    assert client.tags() == {}


def test_fault_status_is_a_page_and_expired_key_is_xml(panos: Start) -> None:
    client = panos()
    client.emulator.faults.add(Fault("status", status=503, count=1), Fault("expired_key", after=1, count=1))
    assert client.raw({"type": "op", "cmd": INFO}).status_code == 503
    assert error(client.call("op", show("<all/>")))[0] == "403"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"version": "ten"}, "--version ten"),
        ({"vsys": " , "}, "--vsys"),
        ({"firewalls": "1"}, "--firewalls 1"),
        ({"device": "panorama", "firewalls": "1", "unreachable": "2"}, "--unreachable 2"),
        ({"key_lifetime": 525_601}, "--key-lifetime 525601"),
        ({"capacity": -1}, "--capacity -1"),
    ],
)
def test_option_that_is_wrong_is_named(options: dict[str, object], words: str) -> None:
    with pytest.raises(BadOption, match=words):
        PanosOptions(**options)  # type: ignore[arg-type]
