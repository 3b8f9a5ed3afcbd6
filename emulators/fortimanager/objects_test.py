"""Address objects, groups, members, and what may be asked of tables."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.fortimanager.conftest import ADDRESS, GROUP, ROOT, Client, Start

HOST = {"name": "h", "type": "ipmask", "subnet": "10.0.0.1 255.255.255.255", "comment": "c"}


@pytest.fixture
def client(start: Start) -> Client:
    return start(workspace_mode="disabled")


def members(client: Client, group: str = "inside") -> Any:
    return client.call("get", f"{GROUP}/{group}")[1]["member"]


def test_object_is_added_once_shown_and_deleted_once(client: Client) -> None:
    assert client.call("add", ADDRESS, HOST) == (0, {"name": "h"})
    assert client.call("add", ADDRESS, HOST)[0] == -2
    code, found = client.call("get", f"{ADDRESS}/h", fields=["name", "type", "subnet"])
    assert (code, found) == (0, {"name": "h", "type": "ipmask", "subnet": ["10.0.0.1", "255.255.255.255"]})
    assert [client.call("delete", f"{ADDRESS}/h")[0] for _ in range(2)] == [0, -3]
    assert client.call("get", f"{ADDRESS}/h")[0] == -3


@pytest.mark.parametrize(
    ("table", "data", "code"),
    [
        ("address", {"name": "n", "subnet": "10.0.0.0/24"}, 0),
        ("address", {"name": "n", "subnet": "10.0.0.1/24"}, -10),
        ("address", {"name": "n", "subnet": "10.0.0.0/33"}, -10),
        ("address", {"name": "n", "subnet": "2001:db8::1/128"}, -10),
        ("address", {"name": "n/24", "subnet": "10.0.0.0/24"}, -10),
        ("address", {"name": "n" * 80, "subnet": "10.0.0.0/24"}, -10),
        ("address", {"name": "n", "subnet": "10.0.0.0/24", "tagging": []}, -10),
        ("address", {"name": "n", "subnet": "10.0.0.0/24", "comment": "c" * 256}, -10),
        ("address", {"name": "n", "type": "iprange", "start-ip": "10.0.0.1", "end-ip": "10.0.0.9"}, 0),
        ("address", {"name": "n", "type": "iprange", "start-ip": "10.0.0.9", "end-ip": "10.0.0.1"}, -10),
        ("address", {"name": "n", "type": "fqdn", "fqdn": "bad.example"}, 0),
        ("address", {"name": "n", "type": "fqdn", "fqdn": "no domain"}, -10),
        ("address", {"name": "n", "type": "mac"}, -10),
        ("address6", {"name": "n", "ip6": "2001:db8::/64"}, 0),
        ("address6", {"name": "n", "ip6": "10.0.0.1/32"}, -10),
        ("addrgrp", {"name": "n", "member": ["none"]}, 0),
        ("addrgrp", {"name": "n", "member": ["nobody"]}, -10131),
    ],
)
def test_object_values_are_checked(client: Client, table: str, data: dict[str, Any], code: int) -> None:
    assert client.call("add", f"{ROOT}/obj/firewall/{table}", data)[0] == code


def test_set_creates_and_overwrites_and_update_needs_the_object(client: Client) -> None:
    assert client.call("update", f"{ADDRESS}/h", {"comment": "x"})[0] == -3
    assert client.call("set", ADDRESS, HOST)[0] == 0
    assert client.call("update", f"{ADDRESS}/h", {"comment": "x"})[0] == 0
    assert client.call("get", f"{ADDRESS}/h", fields=["comment", "subnet"])[1] == {
        "comment": "x",
        "subnet": ["10.0.0.1", "255.255.255.255"],
    }


def test_members_are_added_and_removed_one_by_one_and_update_replaces_them_all(client: Client) -> None:
    client.call("add", ADDRESS, HOST)
    assert client.call("add", f"{GROUP}/inside/member", ["h"])[0] == 0
    assert client.call("add", f"{GROUP}/inside/member", ["h"])[0] == 0
    assert members(client) == ["none", "h"]
    assert client.call("add", f"{GROUP}/inside/member", ["nobody"])[0] == -10131
    assert [client.call("delete", f"{GROUP}/inside/member", ["h"])[0] for _ in range(2)] == [0, -3]
    assert client.call("add", f"{GROUP}/nowhere/member", ["h"])[0] == -3
    assert client.call("update", f"{GROUP}/inside", {"member": ["h"]})[0] == 0 and members(client) == ["h"]


def test_object_in_use_is_not_deleted(start: Start) -> None:
    for code in (-10015, -20013):
        client = start(workspace_mode="disabled", used_code=code)
        client.call("add", ADDRESS, HOST)
        client.call("add", f"{GROUP}/inside/member", ["h"])
        assert client.call("delete", f"{ADDRESS}/h")[0] == code
        assert client.call("delete", f"{GROUP}/inside")[0] == code


def test_limits_are_minus_20028(start: Start) -> None:
    client = start(workspace_mode="disabled", max_addresses=2, max_members=1)
    assert client.call("add", ADDRESS, HOST)[0] == 0
    assert client.call("add", ADDRESS, {**HOST, "name": "i"})[0] == -20028
    assert client.call("add", f"{GROUP}/inside/member", ["h"])[0] == -20028


def test_get_expands_members_of_the_groups_that_a_filter_finds(client: Client) -> None:
    client.call("add", ADDRESS, HOST)
    client.call("add", f"{GROUP}/inside/member", ["h"])
    source = {"obj type": "firewall address", "fields": ["name", "type", "subnet"]}
    expand = [{"name": "member", "datasrc": [source]}]
    asked = {"filter": ["name", "in", "inside", "nowhere"], "fields": ["name", "member"], "expand datasrc": expand}
    _, [group] = client.call("get", GROUP, **asked)
    assert group["name"] == "inside" and group["member"][1] == {
        "name": "h", "type": "ipmask", "subnet": ["10.0.0.1", "255.255.255.255"], "obj type": "firewall address",
    }  # fmt: skip


def test_get_without_verbose_has_numbers_for_words(client: Client) -> None:
    body = {"id": 1, "method": "get", "params": [{"url": f"{ADDRESS}/none"}], "session": client.session}
    assert client.post(body)["result"][0]["data"]["type"] == 0


def test_filters_join_and_contain(client: Client) -> None:
    policies = f"{ROOT}/pkg/branches/base/firewall/policy"
    asked = [["srcaddr", "contain", "inside"], "||", ["dstaddr", "contain", "outside"]]
    _, found = client.call("get", policies, filter=asked, fields=["policyid", "action"])
    assert found == [{"policyid": 1, "action": "deny"}, {"policyid": 2, "action": "deny"}]
    assert client.call("get", policies, filter=[asked[0], "&&", asked[2]]) == (0, [])
    assert client.call("get", policies, filter=["srcaddr", "like", "in%"])[0] == -8


def test_urls_that_are_not_known_are_minus_6(client: Client) -> None:
    for method, url in (
        ("get", "/pm/config/adom/root/obj/firewall/service"),
        ("get", f"{ROOT}/pkg/wrong/_package/status"),
        ("add", "/dvmdb/adom/root"),
        ("get", "/dvmdb/adom/root/workspace/lock"),
        ("exec", "/sys/reboot"),
    ):
        assert client.call(method, url)[0] == -6
    assert client.call("get", "/pm/config/adom/nowhere/obj/firewall/address")[0] == -3
    assert client.call("get", "/pm/pkg/adom/root/nowhere")[0] == -3


def test_several_parts_are_answered_each_for_itself(client: Client) -> None:
    params = [{"url": f"{ADDRESS}/none"}, {"url": f"{ADDRESS}/nobody"}]
    answer = client.post({"id": 7, "method": "get", "params": params, "session": client.session})
    assert answer["id"] == 7 and [part["status"]["code"] for part in answer["result"]] == [0, -3]


@pytest.mark.parametrize(
    "body",
    [
        {"method": "get", "params": []},
        {"method": "get", "params": [{"url": "/sys/status", "moon": 1}]},
        {"method": "get", "params": [{"url": "/sys/status"}], "moon": 1},
        {"method": "list", "params": [{"url": "/sys/status"}]},
    ],
)
def test_envelope_that_is_not_known_is_minus_8(client: Client, body: dict[str, Any]) -> None:
    assert client.post(body)["result"][0]["status"]["code"] == -8


def test_path_escaped_slash_belongs_to_the_name(client: Client) -> None:
    assert client.call("get", f"{ADDRESS}/a\\/b")[0] == -3
    assert client.call("get", f"{ADDRESS}/a/b")[0] == -6
