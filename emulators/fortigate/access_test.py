"""Who may call, and the quarantine list."""

from __future__ import annotations

import pytest

from emulators.fortigate.conftest import HOST, NOW, Start, cmdb
from emulators.kit import BadOption

STATUS = "monitor/system/status"


def test_token_in_the_header_is_taken_and_others_are_401(fortigate: Start) -> None:
    client = fortigate(token="made-up-token")
    client.good("GET", STATUS)
    for header in ("Bearer wrong", "Token made-up-token", "made-up-token"):
        client.http.headers["Authorization"] = header
        assert client.call("GET", STATUS).status_code == 401
    del client.http.headers["Authorization"]
    reply = client.call("GET", STATUS)
    assert (reply.status_code, reply.headers["Content-Type"]) == (401, "text/html")


def test_token_in_the_address_is_401_even_beside_the_header(fortigate: Start) -> None:
    client = fortigate()
    assert client.call("GET", STATUS, access_token=client.emulator.token).status_code == 401


def test_caller_that_is_not_trusted_is_403(fortigate: Start) -> None:
    assert fortigate(trusted_hosts="127.0.0.0/8").call("GET", STATUS).status_code == 200
    assert fortigate(trusted_hosts="192.0.2.0/24, 2001:db8::/32").call("GET", STATUS).status_code == 403


@pytest.mark.parametrize(("right", "read", "write"), [("read-write", 200, 200), ("read", 200, 403), ("none", 403, 403)])
def test_profile_says_what_may_be_read_and_written(fortigate: Start, right: str, read: int, write: int) -> None:
    client = fortigate(addresses=right, users=right, network=right)
    assert client.call("GET", cmdb("address")).status_code == read
    assert client.call("POST", cmdb("address"), HOST).status_code == write
    assert client.call("GET", "monitor/user/banned").status_code == read
    assert client.call("POST", "monitor/user/banned/clear_all", {}).status_code == write
    assert client.call("GET", "cmdb/system/interface").status_code == read


def test_profile_refusal_is_json_with_its_number(fortigate: Start) -> None:
    assert fortigate(addresses="none").bad("GET", cmdb("address")) == (403, -14)


def test_vdom_of_others_or_of_nobody_is_403(fortigate: Start) -> None:
    client = fortigate(vdoms="root,branch,other", admin_vdoms="branch,other")
    assert client.call("GET", cmdb("address"), vdom="branch").status_code == 200
    for vdom in ("root", "nobody", ""):
        assert client.call("GET", cmdb("address"), vdom=vdom).status_code == 403


def test_unknown_parameter_and_path_are_refused(fortigate: Start) -> None:
    client = fortigate()
    assert client.call("GET", cmdb("address"), surprise="1").status_code == 400
    assert client.call("GET", "monitor/user/nothing").status_code == 404
    assert client.bad("GET", "cmdb/router/static") == (404, -3)


def test_reset_keeps_the_token(fortigate: Start) -> None:
    client = fortigate()
    client.seed(address=[HOST])
    client.emulator.reset()
    assert client.bad("GET", cmdb("address", "ws-1")) == (404, -3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fortios": "6.0"}, "--fortios 6.0"),
        ({"vdoms": " , "}, "--vdoms"),
        ({"admin_vdoms": "branch"}, "--admin-vdoms branch"),
        ({"trusted_hosts": "here"}, "--trusted-hosts here"),
        ({"max_members": -1}, "--max-members -1"),
        ({"token": ""}, "--token"),
    ],
)
def test_option_that_is_wrong_is_named(fortigate: Start, options: dict[str, str], words: str) -> None:
    with pytest.raises(BadOption, match=words):
        fortigate(**options)


def test_ban_lasts_for_its_time_on_the_clock_of_the_device(fortigate: Start) -> None:
    client = fortigate()
    body = {"ip_addresses": ["10.1.2.3", "2001:DB8::1"], "expiry": 60}
    assert client.good("POST", "monitor/user/banned/add_users", body)["action"] == "add_users"
    client.good("POST", "monitor/user/banned/add_users/", {"ip_addresses": ["10.1.2.4"]})
    rows = {row["ip_address"]: row for row in client.good("GET", "monitor/user/banned")["results"]}
    assert set(rows) == {"10.1.2.3", "2001:db8::1", "10.1.2.4"}
    assert rows["10.1.2.3"] == {
        "ip_address": "10.1.2.3",
        "created": int(NOW),
        "expires": int(NOW) + 60,
        "source": "Administrative",
    }
    client.emulator.clock.advance(60)
    assert [row["ip_address"] for row in client.good("GET", "monitor/user/banned/select/")["results"]] == ["10.1.2.4"]


def test_release_of_one_leaves_the_others_and_may_be_repeated(fortigate: Start) -> None:
    client = fortigate(vdoms="root,branch")
    client.seed(bans=[{"ip": "10.1.2.3"}, {"ip": "10.1.2.4", "source": "IPS", "expiry": 9}])
    client.seed(vdom="branch", bans=[{"ip": "10.1.2.3"}])
    for _ in range(2):
        client.good("POST", "monitor/user/banned/clear_users", {"ip_addresses": ["10.1.2.3"]})
    assert [row["source"] for row in client.good("GET", "monitor/user/banned")["results"]] == ["IPS"]
    assert len(client.good("GET", "monitor/user/banned", vdom="branch")["results"]) == 1
    client.good("POST", "monitor/user/banned/clear_all", {})
    assert client.good("GET", "monitor/user/banned")["results"] == []


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"ip_addresses": ["10.1.2.3", "nobody"]}, (424, -651)),
        ({"ip_addresses": ["10.1.2.3"], "expiry": -1}, (424, -651)),
        ({"ip_addresses": "10.1.2.3"}, (400, None)),
        ({"expiry": 60}, (400, None)),
    ],
)
def test_ban_that_is_wrong_is_refused_whole(
    fortigate: Start, body: dict[str, object], refusal: tuple[int, int | None]
) -> None:
    client = fortigate()
    assert client.bad("POST", "monitor/user/banned/add_users", body) == refusal
    assert client.good("GET", "monitor/user/banned")["results"] == []


@pytest.mark.parametrize(
    ("persistency", "left"),
    [("disabled", []), ("permanent-only", ["10.1.2.3"]), ("all", ["10.1.2.3", "10.1.2.4"])],
)
def test_reboot_leaves_what_the_persistency_says(fortigate: Start, persistency: str, left: list[str]) -> None:
    client = fortigate(banned_ip_persistency=persistency)
    client.seed(bans=[{"ip": "10.1.2.3"}, {"ip": "10.1.2.4", "expiry": 900}], address=[HOST])
    client.edit(reboot=True)
    assert [row["ip_address"] for row in client.good("GET", "monitor/user/banned")["results"]] == left
    client.good("GET", cmdb("address", "ws-1"))


def test_status_tells_release_and_serial(fortigate: Start) -> None:
    envelope = fortigate(fortios="7.2").good("GET", STATUS)
    assert (envelope["version"], envelope["build"], envelope["serial"]) == ("v7.2.8", 1639, "FGVMEMULATED0001")
