"""The configuration: objects, groups, members, references, names, VDOMs, releases."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.fortigate.conftest import HOST, Start, cmdb


def test_address_created_is_shown_as_the_device_shows_it(fortigate: Start) -> None:
    client = fortigate()
    made = client.good("POST", cmdb("address"), {"name": "ws-1", "subnet": "10.1.2.3/32"})
    assert made["mkey"] == "ws-1" and made["revision_changed"] and made["revision"] != made["old_revision"]
    read = client.good("GET", cmdb("address", "ws-1"))
    assert read["results"] == [
        {
            "name": "ws-1",
            "q_origin_key": "ws-1",
            "comment": "",
            "color": 0,
            "type": "ipmask",
            "subnet": "10.1.2.3 255.255.255.255",
        }
    ]
    assert (read["path"], read["name"], read["mkey"], read["vdom"]) == ("firewall", "address", "ws-1", "root")
    assert (read["version"], read["revision"]) == ("v7.4.5", made["revision"]) and "revision_changed" not in read


@pytest.mark.parametrize(
    ("table", "body", "field", "shown"),
    [
        ("address", {"subnet": "198.51.100.9 255.255.255.0"}, "subnet", "198.51.100.0 255.255.255.0"),
        ("address", {"type": "iprange", "start-ip": "10.0.0.1", "end-ip": "10.0.0.9"}, "end-ip", "10.0.0.9"),
        ("address", {"type": "fqdn", "fqdn": "bad.example"}, "fqdn", "bad.example"),
        ("address6", {"ip6": "2001:DB8:0::1/128"}, "ip6", "2001:db8::1/128"),
        (
            "address6",
            {"type": "iprange", "start-ip": "2001:db8::1", "end-ip": "2001:db8::9"},
            "start-ip",
            "2001:db8::1",
        ),
        ("address6", {"type": "fqdn", "fqdn": "*.bad.example"}, "fqdn", "*.bad.example"),
    ],
)
def test_address_forms_are_taken(fortigate: Start, table: str, body: dict[str, Any], field: str, shown: str) -> None:
    client = fortigate()
    client.good("POST", cmdb(table), {"name": "x", **body})
    assert client.good("GET", cmdb(table, "x"))["results"][0][field] == shown


@pytest.mark.parametrize(
    ("table", "body", "refusal"),
    [
        ("address", {"name": "x", "subnet": "10.1.2.300/32"}, (424, -651)),
        ("address", {"name": "x"}, (424, -651)),
        ("address", {"name": "", "subnet": "10.1.2.3/32"}, (424, -651)),
        ("address", {"name": "x" * 80, "subnet": "10.1.2.3/32"}, (424, -651)),
        ("address", {"name": "x", "subnet": "10.1.2.3/32", "comment": "c" * 256}, (424, -651)),
        ("address", {"name": "<x>", "subnet": "10.1.2.3/32"}, (424, -173)),
        ("address", {"name": "x", "type": "geography"}, (424, -651)),
        ("address", {"name": "x", "type": "iprange", "start-ip": "10.0.0.9", "end-ip": "10.0.0.1"}, (424, -651)),
        (
            "address",
            {"name": "x", "type": "iprange", "start-ip": "203.0.113.0/24", "end-ip": "203.0.113.9"},
            (424, -651),
        ),
        ("address", {"name": "x", "type": "fqdn", "fqdn": "bad_/example"}, (424, -651)),
        ("address", {"name": "x", "type": "fqdn", "fqdn": "bad.example", "subnet": "10.1.2.3/32"}, (400, None)),
        ("address", {"name": "x", "subnet": "10.1.2.3/32", "surprise": 1}, (400, None)),
        ("address", {"subnet": "10.1.2.3/32"}, (400, None)),
        ("address6", {"name": "x", "ip6": "10.1.2.3/32"}, (424, -651)),
        ("addrgrp", {"name": "g", "member": "ws-1"}, (400, None)),
        ("addrgrp", {"name": "g", "member": [{"name": "nobody"}]}, (424, -3)),
    ],
)
def test_body_that_is_wrong_is_refused(
    fortigate: Start, table: str, body: dict[str, Any], refusal: tuple[int, int | None]
) -> None:
    assert fortigate().bad("POST", cmdb(table), body) == refusal


def test_name_that_is_taken_is_500_already_exists(fortigate: Start) -> None:
    client = fortigate()
    client.seed(address=[HOST], addrgrp=[{"name": "Block", "member": [{"name": "ws-1"}]}])
    assert client.bad("POST", cmdb("address"), HOST) == (500, -5)
    assert client.bad("POST", cmdb("address"), {**HOST, "name": "Block"}) == (500, -5)
    assert client.bad("POST", cmdb("addrgrp", "Block", "member"), {"name": "ws-1"}) == (500, -5)


def test_absent_is_404_with_a_json_body(fortigate: Start) -> None:
    client = fortigate()
    client.seed(addrgrp=[{"name": "Block", "member": []}])
    for path in (cmdb("address", "x"), cmdb("addrgrp", "x"), cmdb("addrgrp", "Block", "member", "x"), cmdb("vip", "x")):
        assert client.bad("GET", path) == (404, -3)
        assert client.bad("DELETE", path) == (404, -3)
    assert client.bad("POST", cmdb("addrgrp", "x", "member"), {"name": "all"}) == (404, -3)


def test_member_is_added_read_and_taken_out_alone(fortigate: Start) -> None:
    client = fortigate()
    client.seed(address=[HOST, {**HOST, "name": "ws-2"}], addrgrp=[{"name": "Block", "member": [{"name": "ws-2"}]}])
    client.good("POST", cmdb("addrgrp", "Block", "member"), {"name": "ws-1"})
    one = client.good("GET", cmdb("addrgrp", "Block", "member", "ws-1"))["results"]
    assert one == [{"name": "ws-1", "q_origin_key": "ws-1"}]
    members = client.good("GET", cmdb("addrgrp", "Block"))["results"][0]["member"]
    assert [member["name"] for member in members] == ["ws-2", "ws-1"]
    assert client.good("DELETE", cmdb("addrgrp", "Block", "member", "ws-2"))["revision_changed"]
    assert [row["name"] for row in client.good("GET", cmdb("addrgrp", "Block", "member"))["results"]] == ["ws-1"]
    assert client.bad("DELETE", cmdb("addrgrp", "Block", "member", "ws-2")) == (404, -3)


def test_member_calls_refused_are_405_and_put_replaces_all(fortigate: Start) -> None:
    client = fortigate(member_calls="refuse")
    client.seed(address=[HOST], addrgrp=[{"name": "Block", "member": []}])
    assert client.bad("POST", cmdb("addrgrp", "Block", "member"), {"name": "ws-1"}) == (405, None)
    client.good("PUT", cmdb("addrgrp", "Block"), {"member": [{"name": "ws-1"}, {"name": "ws-1"}]})
    assert [row["name"] for row in client.good("GET", cmdb("addrgrp", "Block"))["results"][0]["member"]] == ["ws-1"]


def test_object_in_use_is_not_deleted(fortigate: Start) -> None:
    client = fortigate()
    client.seed(
        address=[HOST],
        addrgrp=[{"name": name, "member": [{"name": "ws-1"}]} for name in ("Block", "Theirs")],
        policies=[{"policyid": 7, "groups": ["Block"]}],
    )
    reply = client.call("DELETE", cmdb("address", "ws-1"))
    assert reply.json()["error"] == -23 and "used by other 2 entries" in reply.json()["cli_error"]
    assert client.bad("DELETE", cmdb("addrgrp", "Block")) == (500, -23)
    client.good("DELETE", cmdb("addrgrp", "Theirs"))
    client.good("PUT", cmdb("addrgrp", "Block"), {"member": []})
    client.good("DELETE", cmdb("address", "ws-1"))
    assert client.bad("GET", cmdb("address", "ws-1")) == (404, -3)


def test_release_7_0_wants_a_member_and_answers_500(fortigate: Start) -> None:
    client = fortigate(fortios="7.0")
    assert client.bad("POST", cmdb("addrgrp"), {"name": "Block", "member": []}) == (500, -56)
    client.seed(address=[HOST], addrgrp=[{"name": "Block", "member": [{"name": "ws-1"}]}])
    assert client.bad("DELETE", cmdb("addrgrp", "Block", "member", "ws-1")) == (500, -56)
    assert client.bad("POST", cmdb("addrgrp", "Block", "member"), {"name": "nobody"}) == (500, -3)
    assert client.good("GET", cmdb("addrgrp", "Block"))["version"] == "v7.0.15"


def test_names_with_slash_and_blank_are_one_part_when_encoded(fortigate: Start) -> None:
    client = fortigate()
    client.good("POST", cmdb("address"), {**HOST, "name": "net 10.1.2.0/24"})
    client.seed(addrgrp=[{"name": "a/member/b", "member": []}])
    client.good("POST", cmdb("addrgrp", "a/member/b", "member"), {"name": "net 10.1.2.0/24"})
    client.good("GET", cmdb("addrgrp", "a/member/b", "member", "net 10.1.2.0/24"))
    assert client.bad("GET", "cmdb/firewall/address/net 10.1.2.0/24") == (404, -3)
    assert client.call("GET", "cmdb/firewall/addrgrp/a/member/b/member/c").status_code == 404


def test_change_keeps_what_is_not_given_and_may_change_the_type(fortigate: Start) -> None:
    client = fortigate()
    client.seed(address=[HOST])
    client.good("PUT", cmdb("address", "ws-1"), {"subnet": "10.9.9.9/32"})
    client.good("PUT", cmdb("address", "ws-1"), {"color": 3})
    client.good("PUT", cmdb("address", "ws-1"), {"type": "fqdn", "fqdn": "bad.example"})
    [shown] = client.good("GET", cmdb("address", "ws-1"), format="name|fqdn|color|comment|subnet")["results"]
    assert shown == {"name": "ws-1", "q_origin_key": "ws-1", "comment": "a test", "color": 3, "fqdn": "bad.example"}
    assert client.bad("PUT", cmdb("address", "ws-1"), {"name": "other"}) == (424, -651)
    assert client.bad("PUT", cmdb("address"), {"color": 3}) == (405, None)
    assert client.bad("POST", cmdb("address", "ws-1"), {"color": 3}) == (405, None)


def test_vdoms_have_objects_and_revisions_of_their_own(fortigate: Start) -> None:
    client = fortigate(vdoms="root,branch")
    before = client.good("GET", cmdb("address"), vdom="branch")["revision"]
    client.good("POST", cmdb("address"), HOST)
    assert client.bad("GET", cmdb("address", "ws-1"), vdom="branch") == (404, -3)
    assert client.good("GET", cmdb("address"), vdom="branch")["revision"] == before


@pytest.mark.parametrize("limit", [{"max_addresses": 2}, {"max_members": 1}])
def test_limits_of_the_model_are_refused(fortigate: Start, limit: dict[str, int]) -> None:
    client = fortigate(**limit)
    client.seed(address=[HOST], addrgrp=[{"name": "Block", "member": [{"name": "ws-1"}]}])
    asked = (
        ("address", {**HOST, "name": "ws-2"}) if "max_addresses" in limit else ("addrgrp/Block/member", {"name": "all"})
    )
    assert client.bad("POST", f"cmdb/firewall/{asked[0]}", asked[1]) == (500, -4)


def test_interfaces_are_shown_with_both_families(fortigate: Start) -> None:
    client = fortigate()
    client.seed(interfaces=[{"name": "wan1", "ip": "203.0.113.1 255.255.255.0", "ip6": "2001:db8::1/64"}])
    [row] = client.good("GET", "cmdb/system/interface")["results"]
    assert (row["ip"], row["ipv6"]) == ("203.0.113.1 255.255.255.0", {"ip6-address": "2001:db8::1/64"})
    assert client.bad("POST", "cmdb/system/interface", {"name": "x"})[0] in (403, 405)
