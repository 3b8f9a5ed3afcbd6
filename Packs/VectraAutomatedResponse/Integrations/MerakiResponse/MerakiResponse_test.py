"""What can be told without a server; against one, the conformance suite and Tests/meraki_response test this driver."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import demistomock as demisto
import MerakiResponse
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from MerakiResponse import (
    BLOCKED,
    BY_POLICY,
    BY_PORT,
    DAY_SECONDS,
    NORMAL,
    Account,
    Element,
    Finder,
    Host,
    HttpTiming,
    MerakiClient,
    MerakiDriver,
    MissingError,
    Policy,
    ProductError,
    Sighting,
    Target,
    TargetError,
    element_of,
    former_policy,
    host_macs,
    ip_filter,
    new_record,
    newest_of_each,
    policy_of,
    seconds_of,
    settings_from_params,
    sighting_of,
    sightings_of,
)

DATA = Path(__file__).parent / "test_data"
KEY = "made-up-key"
MAC = "00:11:22:33:44:55"
PARAMS = {"credentials": {"password": KEY}, "tries": "1", "requests_per_second": "1000"}
NOW = 1_800_000_000.0
ROWS = json.loads((DATA / "clients.json").read_text(encoding="utf-8"))
SEARCH = json.loads((DATA / "clients_search.json").read_text(encoding="utf-8"))


def answer(status: int, body: Any, **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    made.headers.update(headers)
    return made


class Scripted(MerakiClient):
    """Answers from a list, and keeps what was asked."""

    def __init__(self, *answers: Any, **params: str) -> None:
        timing = HttpTiming(now=lambda: NOW, monotonic=lambda: 0.0, sleep=lambda seconds: None)
        super().__init__(settings_from_params({**PARAMS, **params}), timing)
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []

    def exchange(self, method: str, path: str, request: Mapping[str, Any]) -> requests.Response:
        self.asked.append((method, path, request.get("json_data") or request.get("params")))
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise self.unanswered(found)
        assert isinstance(found, requests.Response)
        return found


def driver(client: Scripted, **params: str) -> MerakiDriver:
    return MerakiDriver(client, settings_from_params({**PARAMS, **params}))


def record(**facts: Any) -> dict[str, Any]:
    return new_record("host", facts, 0)


def sighting(**change: Any) -> Sighting:
    one = Sighting("N_1", "k1", MAC, frozenset({"10.1.1.1"}), "Online", NOW, "Wireless", "Office", "", "")
    return one._replace(**change)


# ---- settings


def test_settings_defaults_are_the_safe_ones() -> None:
    settings = settings_from_params({"credentials": {"password": KEY}})
    assert settings.http.url == "https://api.meraki.com/api/v1" and settings.http.verify and not settings.http.proxy
    assert (settings.ports, settings.several_macs, settings.several_ips, settings.inactive) == (
        False,
        True,
        False,
        True,
    )
    assert (settings.organizations, settings.networks, settings.group) == ((), (), "")
    assert (settings.lookback, settings.http.rate, settings.http.tries) == (7 * DAY_SECONDS, 5, 4)


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        ("https://api.meraki.cn", "https://api.meraki.cn/api/v1"),
        ("https://api.meraki.ca/api/v1/", "https://api.meraki.ca/api/v1"),
        ("", "https://api.meraki.com/api/v1"),
    ],
)
def test_settings_url_of_a_region_is_completed(given_url: str, url: str) -> None:
    assert settings_from_params({**PARAMS, "url": given_url}).http.url == url


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "api.meraki.com"}, r"'url' \(Server URL\): 'api.meraki.com' is not an address"),
        ({"credentials": {}}, r"'credentials' \(API Key\) is empty"),
        ({"lookback_days": "32"}, r"'lookback_days' .*: '32' is not between 0.1 and 31"),
        ({"allow_port_shutdown": "perhaps"}, r"'allow_port_shutdown': 'perhaps' is neither"),
        ({"block_multiple_ip": "some"}, r"'block_multiple_ip': 'some' is neither"),
        ({"timeout": "soon"}, r"'timeout' .*: 'soon' is not a number"),
        ({"tries": "0"}, r"'tries' .*: '0' is not between 1 and 10"),
    ],
)
def test_settings_wrong_value_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"Parameter {told}"):
        settings_from_params({**PARAMS, **change})


# ---- elements


@pytest.mark.parametrize(
    ("text", "element"),
    [
        ("WLAN:k1:N_1", Element(BY_POLICY, "k1", "N_1")),
        ("WLAN:k1:N_1:Normal", Element(BY_POLICY, "k1", "N_1", policy="Normal")),
        ("WLAN:k1:N_1:Group policy", Element(BY_POLICY, "k1", "N_1", policy="Group policy")),
        ("LAN:k7:Q2SW-0001:7", Element(BY_PORT, "k7", "Q2SW-0001", "7")),
        ("LAN:k7:Q2SW-0001:1_C9300-NM-8X_1", Element(BY_PORT, "k7", "Q2SW-0001", "1_C9300-NM-8X_1")),
        ("LAN:k7:Q2SW-0001:1:2/3", Element(BY_PORT, "k7", "Q2SW-0001", "1:2/3")),
        ("LAN:k7:Q2SW-0001:1%3A2%2F3", Element(BY_PORT, "k7", "Q2SW-0001", "1:2/3")),
    ],
)
def test_defect_element_with_blank_or_separator_is_understood_in_both_spellings(text: str, element: Element) -> None:
    assert element_of(text) == element


@pytest.mark.parametrize(
    "text",
    [
        "",
        "WLAN",
        "WLAN:k1",
        "LAN:k1:Q2",
        "WLAN::N_1",
        "WLAN:..:N_1",
        "LAN:k1:..:7",
        "LAN:k1:%2e%2e:7",
        "MAC:k1:N_1",
        "k1",
    ],
)
def test_element_that_names_nothing_is_none_and_gone(text: str) -> None:
    client = Scripted()
    assert element_of(text) is None
    assert driver(client).state(text, record()).state == "gone"
    assert driver(client).unblock(text, record()).status == driver(client).block(Target(text), record()).status
    assert client.asked == []


@given(st.tuples(*[st.text(min_size=1).filter(lambda part: part.strip() == part and part not in (".", ".."))] * 3))
def test_element_own_spelling_survives_any_text(parts: tuple[str, str, str]) -> None:
    for element in (Element(BY_PORT, *parts), Element(BY_POLICY, *parts[:2])):
        assert element_of(element.text()) == element
        assert "," not in element.text() and " " not in element.text()


def test_element_goes_into_addresses_only_quoted() -> None:
    client = Scripted(answer(200, {"devicePolicy": "Normal"}))
    driver(client).state("WLAN:../../k1?x:N_1#y", record(set=BLOCKED.body()))
    assert client.asked == [("GET", "/networks/N_1%23y/clients/..%2F..%2Fk1%3Fx/policy", None)]


# ---- replies


def test_sightings_of_a_search_have_time_and_network_and_not_the_connection() -> None:
    first, second = sightings_of(SEARCH, MAC)
    assert (first.network, first.client, first.mac, first.seen) == ("N_1", "k74272e", MAC, 1_799_990_000)
    assert (second.network, second.status, second.connection, second.serial) == ("N_2", "Online", "", "")


@pytest.mark.parametrize("reply", [{}, [], None, {"mac": "00:11:22:33:44:66", "records": [{}]}, {"records": "none"}])
def test_sightings_of_an_empty_or_other_reply_are_none(reply: Any) -> None:
    assert sightings_of(reply, MAC) == []


def test_sighting_of_a_list_row_has_all_its_addresses_in_the_usual_spelling() -> None:
    one = sighting_of("N_1", ROWS[0])
    assert one.ips == {"10.1.1.1", "2001:db8::1"} and one.seen == 1_799_996_400
    assert (one.connection, one.serial, one.switchport) == ("Wired", "Q2SW-0001", "1_C9300-NM-8X_1")


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        (1_800_000_000, NOW),
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15T08:00:00.123456Z", NOW),
        ("", 0),
        (None, 0),
        ("yesterday", 0),
    ],
)
def test_defect_times_are_utc_whatever_their_form(raw: Any, seconds: float) -> None:
    assert seconds_of(raw) == seconds


def test_host_macs_are_each_once() -> None:
    assert host_macs(Host("41", macs=("0011.2233.4455", MAC.upper(), "00:00:00:00:00:00"))) == [MAC]


def test_ip_filter_of_ipv6_is_only_what_every_spelling_has() -> None:
    assert ip_filter("2001:db8::1") == {"ip6": "2001"} and ip_filter("10.1.1.1") == {"ip": "10.1.1.1"}


@pytest.mark.parametrize(
    ("reply", "policy"),
    [
        ({"devicePolicy": "Normal"}, NORMAL),
        ({"devicePolicy": "blocked", "groupPolicyId": None}, BLOCKED),
        ({"devicePolicy": "Allowed"}, Policy("Whitelisted")),
        ({"devicePolicy": "Group policy", "groupPolicyId": "101"}, Policy("Group policy", "101")),
        ({"devicePolicy": "Different policies by SSID"}, Policy("Different policies by SSID")),
    ],
)
def test_policy_of_a_reply(reply: dict[str, Any], policy: Policy) -> None:
    assert policy_of(reply) == policy == policy_of(policy.body())


def test_policy_of_a_reply_without_one_is_an_error() -> None:
    with pytest.raises(ProductError, match="which policy"):
        policy_of({"mac": MAC})


# ---- which clients


def test_newest_of_each_client_wins_and_nameless_ones_are_left_out() -> None:
    old, new = sighting(seen=1.0), sighting(seen=2.0, network="N_2")
    other = sighting(mac="00:11:22:33:44:66", client="k2")
    assert newest_of_each([new, old, other, sighting(client="", mac="x")]) == [new, other]
    same = [sighting(network="N_2", status="Offline"), sighting(network="N_1")]
    assert newest_of_each(same) == newest_of_each(reversed(same)) == [sighting(network="N_1")]


@pytest.mark.parametrize("ip", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "169.254.1.1", "::", "fe80::1", "255.255.255.255"])
def test_targets_of_an_address_that_no_host_has_are_unsupported(ip: str) -> None:
    client = Scripted()
    with pytest.raises(TargetError, match="not the address of a host") as caught:
        driver(client).targets(Host("41", ip=ip))
    assert caught.value.status == "unsupported" and client.asked == []


def test_targets_of_an_account_are_unsupported() -> None:
    with pytest.raises(TargetError, match="hosts only") as caught:
        driver(Scripted()).targets(Account("7", "jane"))
    assert caught.value.status == "unsupported"


def test_finder_too_many_networks_for_a_command_are_refused_with_the_way_out() -> None:
    rows = [{"id": f"N_{number}", "productTypes": ["wireless"]} for number in range(300)]
    client = Scripted(answer(200, [{"id": "1"}]), answer(200, rows))
    finder = Finder(client, settings_from_params({**PARAMS, "requests_per_second": "1"}))
    with pytest.raises(ProductError, match=r"300 networks takes longer .* 'network_ids'"):
        finder.by_ip("10.1.1.1")
    assert len(client.asked) == 2


@pytest.mark.parametrize(
    ("change", "way"),
    [
        ({}, "policy"),
        ({"connection": ""}, "policy"),
        ({"connection": "", "switchport": "7"}, "unsupported"),
        ({"ssid": ""}, "unsupported"),
        ({"connection": "Wired"}, "unsupported"),
        ({"connection": "Wired", "ssid": "", "switchport": "7", "serial": "Q2"}, "port"),
        ({"connection": "Wired", "ssid": "", "switchport": "7"}, "failed"),
        ({"connection": "Wired", "ssid": ""}, "network"),
        ({"connection": "", "ssid": ""}, "unsupported"),
    ],
)
def test_target_goes_by_the_way_a_client_is_connected(change: dict[str, str], way: str) -> None:
    policy, off = answer(200, {"devicePolicy": "Normal"}), answer(200, {"enabled": False})
    replies = {"policy": [policy], "port": [off], "network": [answer(200, {"productTypes": ["appliance"]}), policy]}
    client = Scripted(*replies.get(way, []))
    found = driver(client).target(sighting(**change))
    if isinstance(found, Target):
        assert found.element == ("LAN:k1:Q2:7" if way == "port" else "WLAN:k1:N_1")
    else:
        assert found.status == way
    assert client.answers == []


def test_target_wired_without_switch_and_mx_is_unsupported() -> None:
    client = Scripted(answer(200, {"productTypes": ["switch", "wireless"]}))
    found = driver(client).target(sighting(connection="Wired", ssid=""))
    assert not isinstance(found, Target) and "neither a port of a switch nor an MX" in found.reason


# ---- orders


@pytest.mark.parametrize(
    ("text", "former"),
    [("WLAN:k1:N_1", NORMAL), ("WLAN:k1:N_1:Normal", NORMAL), ("WLAN:k1:N_1:Whitelisted", Policy("Whitelisted"))],
)
def test_former_policy_of_an_adopted_element_is_what_var_wrote(text: str, former: Policy) -> None:
    element = element_of(text)
    assert element is not None and former_policy(element, record()) == former


def test_former_policy_of_a_group_that_var_did_not_name_asks_for_a_hand() -> None:
    element = element_of("WLAN:k1:N_1:Group policy")
    assert element is not None
    with pytest.raises(ProductError, match="by hand"):
        former_policy(element, record())


@pytest.mark.parametrize(
    ("reply", "told", "uncertain"),
    [
        (answer(400, {"errors": ["no more policies."]}), r"refused \(HTTP 400\): no more policies\.$", False),
        (answer(400, b"[]"), r"refused \(HTTP 400\): without a reason", False),
        (answer(401, {}), "API key is wrong", False),
        (answer(403, {"errors": None}), "full access", False),
        (answer(404, {"errors": ["Not found"]}), "may not see it", False),
        (answer(308, b"", Location="https://n1.meraki.com/api/v1/x?key"), r"another address \(n1.meraki.com\)", False),
        (answer(429, {}), "answered HTTP 429", False),
        (answer(502, b"<html>"), "answered HTTP 502", True),
        (answer(200, b'{"devicePol'), "not JSON", True),
        (requests.ConnectionError("reset by peer"), r"did not answer \(ConnectionError\)", True),
    ],
)
def test_order_without_success_tells_what_is_known(reply: Any, told: str, uncertain: bool) -> None:
    with pytest.raises(ProductError, match=told) as caught:
        Scripted(reply).set_policy("N_1", "k1", BLOCKED)
    assert caught.value.uncertain is uncertain and KEY not in str(caught.value)
    assert isinstance(caught.value, MissingError) is (getattr(reply, "status_code", 0) == 404)


def test_block_that_is_not_read_back_is_pending() -> None:
    normal, blocked = answer(200, {"devicePolicy": "Normal"}), answer(200, {"devicePolicy": "Blocked"})
    facts = record(former=NORMAL.body(), set=BLOCKED.body())
    client = Scripted(normal, blocked, normal)
    outcome = driver(client).block(Target("WLAN:k1:N_1"), facts)
    assert outcome.status == "pending" and "Blocked is ordered, Normal is shown" in outcome.reason
    client = Scripted(normal, blocked, answer(500, {}))
    with pytest.raises(ProductError, match="accepted; the look after it failed") as caught:
        driver(client).block(Target("WLAN:k1:N_1"), facts)
    assert caught.value.uncertain


def test_port_that_does_not_say_whether_it_is_on_is_an_error() -> None:
    with pytest.raises(ProductError, match="did not say whether port 7"):
        driver(Scripted(answer(200, {"portId": "7"}))).state("LAN:k7:Q2:7", record())


@pytest.mark.parametrize("reply", [{}, "x", None])
def test_pages_reply_that_is_no_list_is_an_error(reply: Any) -> None:
    with pytest.raises(ProductError, match="no list"):
        Scripted(answer(200, reply)).organizations()


def test_defect_pages_are_followed_by_their_link_and_the_key_stays_at_its_server() -> None:
    link = "<https://elsewhere.example/api/v1/other?perPage=3&startingAfter=k9>; rel=next"
    client = Scripted(answer(200, [{"id": "1"}], Link=link), answer(200, [{"id": "2"}]))
    assert [row["id"] for row in client.organizations()] == ["1", "2"]
    assert client.asked[1] == ("GET", "/organizations", {"perPage": "3", "startingAfter": "k9"})


def test_pages_that_lead_to_themselves_end_as_an_error() -> None:
    link = "<https://api.example/organizations?startingAfter=k9>; rel=next"
    client = Scripted(*[answer(200, [{"id": "1"}], Link=link) for _ in range(3)])
    with pytest.raises(ProductError, match="same page again"):
        client.organizations()


# ---- main


def test_main_error_is_an_error_entry_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(demisto, "command", lambda: "vectra-block-host")
    monkeypatch.setattr(demisto, "params", lambda: {**PARAMS, "tries": "many"})
    monkeypatch.setattr(MerakiResponse, "return_error", lambda text, error: told.append(text))
    MerakiResponse.main()
    [text] = told
    assert text.startswith("vectra-block-host: Parameter 'tries'") and KEY not in text
