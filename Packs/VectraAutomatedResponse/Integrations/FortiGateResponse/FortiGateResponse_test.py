"""What can be told without a server. Against one, conformance suite and Tests/fortigate_response test this driver."""

import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from FortiGateResponse import *
from hypothesis import given
from hypothesis import strategies as st

PARAMS = {"url": "https://fgt.example:8443/", "credentials": {"password": "made-up-token"}, "tries": "1"}
DATA = Path(__file__).parent / "test_data"
OWN_OBJECT = {
    "status": "success",
    "results": [{"name": "vectra-10.1.2.3", "type": "ipmask", "subnet": "10.1.2.3 255.255.255.255"}],
}
HOST_FACTS = {"object": "vectra-10.1.2.3", "family": 4}


def answer(status: int, body: Any) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return made


def sample(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text("utf-8"))


class Scripted(FortiGateClient):
    """Answers from a list, and keeps what was asked."""

    def __init__(self, *answers: Any, **params: Any) -> None:
        super().__init__(settings_from_params({**PARAMS, **params}))
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []

    def _http_request(self, *place: Any, **options: Any) -> Any:
        assert options["params"]["vdom"] == self.vdom
        self.asked.append((*place, options.get("json_data")))
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def settings(**params: Any) -> Settings:
    return settings_from_params({**PARAMS, **params})


def record(kind: str = "host", facts: Mapping[str, Any] | None = None, **change: Any) -> dict[str, Any]:
    return {**new_record(kind, facts, 0), **change}


def elements(entity: Any, **params: Any) -> list[str]:
    chosen = settings(**params)
    return [target.element for target in FortiGateDriver(FortiGateClient(chosen), chosen).targets(entity)]


# ---- settings


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "fgt.example"}, r"'url' \(Server URL\): 'fgt.example' is not an address"),
        ({"url": "https://fgt.example/?access_token=made-up"}, r"'url' \(Server URL\)"),
        ({"credentials": {}}, r"'credentials' \(API token\) is empty"),
        ({"credentials": {"password": "made up"}}, r"'credentials' \(API token\) has a blank"),
        ({"block_mode": "kill"}, r"'block_mode' .*: 'kill' is not one of address_group, quarantine"),
        ({"quarantine_seconds": "-1"}, r"'quarantine_seconds' .*: '-1' is not between 0 and 864000"),
        ({"quarantine_seconds": "1.5"}, r"'quarantine_seconds' .*: '1.5' is not a whole number"),
        ({"object_prefix": "<vectra>"}, r"'object_prefix' .*: '<vectra>' is longer than 30 characters or has"),
        ({"object_prefix": "v" * 31}, r"'object_prefix' "),
        ({"block_domains": "perhaps"}, r"'block_domains': 'perhaps' is neither true nor false"),
        ({"timeout": "soon"}, r"'timeout' .*: 'soon' is not a number"),
        ({"tries": "0"}, r"'tries' .*: '0' is not between 1 and 10"),
        ({"requests_per_second": "0"}, r"'requests_per_second' "),
    ],
)
def test_settings_wrong_value_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"Parameter {told}") as caught:
        settings(**change)
    assert "made up" not in str(caught.value) and "made-up-token" not in str(caught.value)


def test_settings_one_name_for_both_families_is_refused() -> None:
    with pytest.raises(ValueError, match="'External-Block' is given as an IPv4 and as an IPv6 group"):
        settings(internal_group_ipv6="External-Block")


def test_settings_defaults_are_safe() -> None:
    made = settings()
    assert (made.http.verify, made.http.proxy) == (True, False)
    assert (made.vdom, made.prefix, made.quarantine) == ("root", "vectra-", False)
    assert made.groups["host"] == ("Internal-Block", "")
    assert made.groups["detection"] == made.groups["destinations"] == ("External-Block", "")
    assert not made.is_ipv6_group("")


def test_settings_static_group_stands_in_for_each_family_alone() -> None:
    made = settings(static_group="Static", external_group_ipv6="External6")
    assert made.groups["destinations"] == ("Static", "External6")


# ---- values


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (" 10.1.2.3 ", "10.1.2.3"),
        ("10.1.2.3/32", "10.1.2.3"),
        ("192.0.2.77/24", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("192.0.2.0 - 192.0.2.255", "192.0.2.0/24"),
        ("192.0.2.5-192.0.2.5", "192.0.2.5"),
        ("192.0.2.5-192.0.2.9", "192.0.2.5-192.0.2.9"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:db8::1-2001:db8::3", "2001:db8::1-2001:db8::3"),
        ("Bad.Example.", "bad.example"),
        ("_dmarc.a-b.example", "_dmarc.a-b.example"),
    ],
)
def test_value_has_one_spelling(raw: str, text: str) -> None:
    assert parse_value(raw).text == text


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("0.0.0.0", "is unspecified"),
        ("0.0.0.0/0", "contains 0.0.0.0/8, which is unspecified"),
        ("128.0.0.0/1", "contains 169.254.0.0/16, which is link-local"),
        ("127.0.0.1", "is loopback"),
        ("126.0.0.1-127.0.0.1", "contains 127.0.0.0/8"),
        ("169.254.10.1", "is link-local"),
        ("224.0.0.5", "is multicast"),
        ("255.255.255.255", "is the broadcast"),
        ("::", "is unspecified"),
        ("::/0", "contains ::/128"),
        ("::1", "is loopback"),
        ("fe80::1", "is link-local"),
        ("ff02::1", "is multicast"),
        ("::ffff:10.0.0.1", "write it as IPv4"),
    ],
)
def test_value_that_is_dangerous_is_refused(raw: str, reason: str) -> None:
    [target] = targets_of_entry(raw, "destinations", settings())
    assert target.facts is not None and reason in target.facts["unsupported"]


ADDRESSES = st.ip_addresses(v=4) | st.ip_addresses(v=6)


@given(ADDRESSES, st.integers(0, 128))
def test_value_network_object_and_back_is_the_same(one: Any, bits: int) -> None:
    value = parse_value(str(ipaddress.ip_network((one, min(bits, one.max_prefixlen)), strict=False)))
    assert object_value(object_body(value)) == value.text


@given(st.tuples(ADDRESSES, ADDRESSES).filter(lambda pair: pair[0].version == pair[1].version))
def test_value_range_object_and_back_is_the_same(ends: Any) -> None:
    first, last = sorted(ends)
    value = parse_value(f"{first}-{last}")
    assert (value.first, value.last) == (first, last)
    assert object_value(object_body(value)) == value.text == parse_value(value.text).text


@pytest.mark.parametrize(
    "row",
    [
        {"type": "geography", "country": "XX"},
        {"type": "iprange", "start-ip": "10.1.2.3"},
        {"type": "ipmask", "subnet": ""},
        {"type": "fqdn", "fqdn": "*.bad.example"},
        {},
    ],
)
def test_object_of_another_kind_has_no_value(row: dict[str, Any]) -> None:
    assert object_value(row) == ""


def test_object_of_var_has_the_value_of_its_address() -> None:
    assert object_value({"type": "iprange", "start-ip": "10.1.2.3", "end-ip": "10.1.2.3"}) == "10.1.2.3"


def test_object_name_has_no_slash_and_is_never_too_long() -> None:
    assert object_name("vectra-", "192.0.2.0/24") == "vectra-192.0.2.0_24"
    long_ones = [object_name("p" * 30, f"{'a' * 60}.{'b' * 60}.{end}") for end in ("example", "invalid")]
    assert len(set(long_ones)) == 2 and {len(name) for name in long_ones} == {79}


# ---- elements


def test_targets_of_each_kind_say_where() -> None:
    assert elements(Host("1", ip="10.0.0.1")) == ["10.0.0.1 in Internal-Block"]
    assert elements(Host("1", ip="10.0.0.1"), block_mode="quarantine") == ["10.0.0.1 on the quarantine list"]
    assert elements(Detection("9", ("198.51.100.7",), ("bad.example",)), block_domains="true") == [
        "198.51.100.7 in External-Block",
        "bad.example in External-Block",
    ]
    assert elements(Destinations("x", ("192.0.2.9/24",)), static_group="Static") == ["192.0.2.0/24 in Static"]


@pytest.mark.parametrize(
    ("entity", "status"),
    [(Host("1", name="pc"), "not_found"), (Detection("9"), "not_found"), (Account("7", "jane"), "unsupported")],
)
def test_targets_none_says_why(entity: Any, status: str) -> None:
    with pytest.raises(TargetError) as caught:
        elements(entity)
    assert caught.value.status == status and caught.value.reason


@pytest.mark.parametrize("url", ["https://10.0.0.1:8443", "https://[2001:db8::1]"])
def test_targets_address_of_the_url_is_the_firewall_itself(url: str) -> None:
    own = "10.0.0.0/24" if "10." in url else "2001:db8::/64"
    [target] = targets_of_entry(own, "destinations", settings(url=url, external_group_ipv6="six"))
    assert target.element == own and target.facts is not None and "itself" in target.facts["unsupported"]


def test_spot_of_a_first_look_counts_the_bare_name_and_of_an_own_record_does_not() -> None:
    element = "10.1.2.3 in Internal-Block"
    both = ("vectra-10.1.2.3", "10.1.2.3")
    changes: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"phase": "new"}, both),
        ({"phase": "releasing", "adopted": True}, both),
        ({"phase": "blocked"}, both[:1]),
    ]
    for change, names in changes:
        spot = spot_of(element, record(**change), settings())
        assert spot is not None and (spot.group, spot.names, spot.own) == ("Internal-Block", names, True)


@pytest.mark.parametrize(
    ("kind", "group"), [("host", "Internal-Block"), ("detection", "External-Block"), ("destinations", "Static")]
)
def test_spot_of_a_bare_element_is_in_the_group_of_its_kind(kind: str, group: str) -> None:
    spot = spot_of("10.1.2.3", record(kind), settings(static_group="Static"))
    assert spot is not None and (spot.group, spot.names, spot.own) == (group, ("10.1.2.3",), False)


@pytest.mark.parametrize("element", ["", "nobody", "10.1.2.3 on ice", "nobody in Internal-Block", "2001:db8::1"])
def test_spot_of_a_text_that_is_none(element: str) -> None:
    assert spot_of(element, record(), settings()) is None
    driver = FortiGateDriver(Scripted(), settings())
    assert driver.state(element, record()).state == "gone"
    assert driver.unblock(element, record()).status == "already"
    assert driver.block(Target(element), record()).status == "unsupported"


def test_spot_of_a_domain_finds_its_family_without_facts() -> None:
    made = settings(external_group_ipv6="External6")
    for group, family in (("External6", 6), ("External-Block", 4)):
        spot = spot_of(f"bad.example in {group}", record("detection"), made)
        assert spot is not None and (spot.family, spot.group_table) == (
            family,
            "addrgrp6" if family == 6 else "addrgrp",
        )


# ---- client


def test_client_encodes_names_and_reads_members_once() -> None:
    client = Scripted(answer(200, sample("addrgrp")))
    spot = Spot(parse_value("10.1.2.3"), "a/b c?")
    for _ in range(2):
        assert client.members(spot) == ("placeholder", "vectra-10.1.2.3")
    assert client.asked == [("GET", "/api/v2/cmdb/firewall/addrgrp/a%2Fb%20c%3F", None)]


def test_client_reads_anew_after_an_order() -> None:
    spot = Spot(parse_value("10.1.2.3"), "g")
    client = Scripted(*[answer(200, sample("addrgrp"))] * 3)
    client.members(spot)
    client.remove_member(spot, "vectra-10.1.2.3")
    client.members(spot)
    assert [method for method, _, _ in client.asked] == ["GET", "DELETE", "GET"]


def test_client_quarantine_list_is_read_in_any_spelling() -> None:
    assert Scripted(answer(200, sample("banned"))).bans() == {"10.1.2.3": 1_800_000_000, "2001:db8::77": 1_800_000_100}


@pytest.mark.parametrize(
    ("reply", "told", "uncertain"),
    [
        (answer(401, b"<html>"), r"refused the API token \(HTTP 401\)", False),
        (answer(403, b"<html>"), r"access profile, the trusted hosts and the VDOM \(root\)", False),
        (answer(404, b"<html>"), "without a reply of the FortiOS API", False),
        (answer(424, {"status": "error", "error": -651, "cli_error": "a\n\nb"}), r"HTTP 424, error -651\): a b", False),
        (answer(429, {}), "answered HTTP 429", False),
        (answer(500, sample("in_use")), r"HTTP 500, error -23\): The entry is used by other 1 entries", False),
        (answer(500, {"status": "error"}), "answered HTTP 500", True),
        (answer(503, b""), "answered HTTP 503", True),
        (answer(200, b"{"), "not JSON", True),
        (answer(200, {"status": "error", "error": True}), r"HTTP 200, error 0", False),
        (answer(302, b""), "without a reply of the FortiOS API", False),
        (requests.ConnectionError("reset by peer"), r"did not answer \(ConnectionError\)", True),
    ],
)
def test_order_without_success_tells_what_is_known(reply: Any, told: str, uncertain: bool) -> None:
    with pytest.raises(ProductError, match=told) as caught:
        Scripted(reply).delete_object(Spot(parse_value("10.1.2.3"), "g"), "vectra-10.1.2.3")
    assert caught.value.uncertain is uncertain and "made-up-token" not in str(caught.value)


def test_interface_addresses_of_both_families() -> None:
    rows: list[dict[str, Any]] = [
        {"ip": "10.0.0.1 255.255.255.0", "ipv6": {"ip6-address": "2001:db8::1/64"}},
        {"ip": "0.0.0.0 0.0.0.0"},
        {},
    ]
    assert interface_addresses(rows) == ["10.0.0.1", "2001:db8::1", "0.0.0.0"]


# ---- driver


def test_block_accepted_and_not_shown_is_no_success() -> None:
    good, empty = answer(200, {"status": "success"}), answer(200, {"status": "success", "results": [{"member": []}]})
    client = Scripted(empty, answer(200, {"status": "success", "results": []}), answer(200, OWN_OBJECT), good, empty)
    with pytest.raises(ProductError, match="does not show it there"):
        FortiGateDriver(client, settings()).block(
            Target("10.1.2.3 in Internal-Block", HOST_FACTS), record(facts=HOST_FACTS)
        )
    assert client.answers == []


def test_ban_accepted_and_not_shown_is_no_success() -> None:
    good, none = answer(200, {"status": "success"}), answer(200, {"status": "success", "results": []})
    client = Scripted(none, answer(200, {"status": "success", "results": []}), good, none)
    with pytest.raises(ProductError, match="does not show it there"):
        FortiGateDriver(client, settings()).block(Target("10.1.2.3 on the quarantine list"), record())


def test_release_accepted_and_still_shown_is_no_success() -> None:
    shown, good = answer(200, sample("banned")), answer(200, {"status": "success"})
    with pytest.raises(ProductError, match="still shows it"):
        FortiGateDriver(Scripted(shown, good, shown), settings()).unblock("10.1.2.3 on the quarantine list", record())
    group, row = answer(200, sample("addrgrp")), answer(200, OWN_OBJECT)
    with pytest.raises(ProductError, match="still shows it"):
        FortiGateDriver(Scripted(group, row, good, group), settings()).unblock(
            "10.1.2.3 in g", record(phase="releasing")
        )


@pytest.mark.parametrize(
    ("ours", "theirs", "another"), [(5, 5, False), (5, 6, True), (0, 6, False), (5, 0, False), (None, 6, False)]
)
def test_ban_of_another_is_told_by_its_time(ours: int | None, theirs: int, another: bool) -> None:
    kept = {} if ours is None else {"created": ours}
    assert is_anothers_ban(theirs, record(restore=kept)) is another
