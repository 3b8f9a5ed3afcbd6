"""What can be told without a server; the conformance suite and Tests/cisco_ise_response test the driver against one."""

import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from CiscoISEResponse import *

DATA = Path(__file__).parent / "test_data"
SECRET = "made-up-password"
PARAMS = {
    "url": "https://ise.example.com/",
    "credentials": {"identifier": "vectra", "password": SECRET},
    "tries": "1",
}
MAC, OTHER, DOCK = "00:50:56:AA:BB:12", "00:50:56:AA:BB:01", "00:50:56:AA:BB:0D"
ASKED = Found((), True, "Cisco ISE shows no session")
UNASKED = Found((), False, "the account may not look up sessions")


def settings(**change: str) -> Settings:
    return settings_from_params({**PARAMS, **change})


def answer(status: int, body: bytes = b"", **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = body
    made.headers.update(headers)
    return made


def refused(status: int, title: str) -> requests.Response:
    return answer(status, json.dumps({"ERSResponse": {"messages": [{"title": title}]}}).encode())


class Scripted(ErsClient):
    """A client whose requests are answered from a list."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(settings(), HttpRetry(1000, policy=HttpRetryPolicy(attempts=1)))
        self.answers = list(answers)

    def exchange(self, method: str, path: str, request: Mapping[str, Any]) -> requests.Response:
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        made: requests.Response = found
        return made


# ---- settings


def test_settings_defaults_are_those_of_the_vendor() -> None:
    made = settings()
    assert (made.http.url, made.mnt_url) == ("https://ise.example.com:9060", "https://ise.example.com")
    assert (made.policy, made.use_csrf, made.http.verify) == ("Quarantine", False, True)
    assert (made.mnt_lookup, made.use_vectra_macs, made.block_all_macs) == (True, True, False)


def test_settings_nodes_and_ports_are_put_together() -> None:
    made = settings(url="https://[2001:db8::1]", ers_port="443", mnt_url="https://mnt.example.com:8443")
    assert (made.http.url, made.mnt_url) == ("https://[2001:db8::1]:443", "https://mnt.example.com:8443")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "ise.example.com"}, r"'url' \(Administration node\): 'ise.example.com' is not an address"),
        ({"url": "https://ise.example.com:9060"}, r"'url' .* must be https://<node> alone; the port is 'ers_port'"),
        ({"url": "https://ise.example.com/ers"}, r"'url' .* must be https://<node> alone"),
        ({"mnt_url": "mnt"}, r"'mnt_url' \(Monitoring node\): 'mnt' is not an address"),
        ({"ers_port": "0"}, r"'ers_port' \(Port of ERS\): '0' is not between 1 and 65535"),
        ({"credentials": {"identifier": "vectra"}}, r"'credentials' \(Account\) is empty"),
        ({"credentials": {"password": SECRET}}, r"'credentials' \(Account\) is empty"),
        ({"timeout": "soon"}, r"'timeout' .*: 'soon' is not a number"),
        ({"tries": "11"}, r"'tries' .*: '11' is not between 1 and 10"),
        ({"use_csrf": "perhaps"}, r"'use_csrf': 'perhaps' is neither true nor false"),
    ],
)
def test_settings_wrong_value_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"Parameter {told}") as caught:
        settings(**change)
    assert SECRET not in str(caught.value)


# ---- MACs and addresses


@pytest.mark.parametrize(
    "text",
    ["00:50:56:aa:bb:12", "00-50-56-AA-BB-12", "0050.56aa.bb12", "005056AABB12", " 00:50:56:AA:BB:12 "],
)
def test_mac_every_spelling_is_one(text: str) -> None:
    assert mac_of(text) == MAC


def test_defect_two_spellings_of_one_mac_are_one_operation() -> None:
    assert macs_of(["00:50:56:aa:bb:12", "0050.56AA.BB12", "printer", OTHER]) == (MAC, OTHER)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "127.0.0.1",
        "224.0.0.5",
        "169.254.1.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "ff02::1",
        "192.0.2.10",
    ],
)
def test_address_that_no_host_has_is_unsupported(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        usable_ip(text, settings(url="https://192.0.2.10"))
    assert caught.value.status == "unsupported" and text in caught.value.reason


def test_address_of_a_host_or_none() -> None:
    assert usable_ip("10.1.2.3", settings()) == ipaddress.ip_address("10.1.2.3")
    assert usable_ip("", settings()) is None


# ---- XML


def test_list_rows_are_sessions() -> None:
    found = [session_from(row) for row in XmlRows().read((DATA / "active_list.xml").read_bytes()).rows]
    assert [one.mac for one in found] == [MAC, OTHER, "", "00:50:56:AA:BB:03"]
    assert found[1].has(ipaddress.ip_address("2001:db8::1")) and not found[3].addresses


def test_defect_address_is_compared_whole_not_as_a_part_of_a_text() -> None:
    rows = XmlRows().read((DATA / "active_list.xml").read_bytes()).rows
    wanted = ipaddress.ip_address("10.0.0.1")
    assert [one.mac for one in map(session_from, rows) if one.has(wanted)] == [OTHER]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_defect_list_of_any_length_is_read(number: int) -> None:
    row = "<activeSession><calling_station_id>005056AABB12</calling_station_id></activeSession>"
    document = f'<activeList noOfActiveSession="{number}">{row * number}</activeList>'
    found = XmlRows().read(document.encode())
    assert (found.root, [session_from(one).mac for one in found.rows]) == ("activeList", [MAC] * number)


def test_details_of_a_session_that_is_over_have_no_address_now() -> None:
    document = (DATA / "session.xml").read_bytes()
    address = ipaddress.ip_address("10.0.0.12")
    [live] = map(session_from, XmlRows().read(document).rows)
    [over] = map(session_from, XmlRows().read(document.replace(b">false</stopped>", b">true</stopped>")).rows)
    assert (live.mac, live.has(address), over.has(address)) == (MAC, True, False)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>sign in",
        b"<activeList><activeSession></activeList>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><activeList>&b;</activeList>',
        b'<!DOCTYPE activeList SYSTEM "file:///etc/passwd"><activeList/>',
    ],
)
def test_document_torn_or_with_a_type_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"no XML|document type"):
        XmlRows().read(document)


def test_reason_of_mnt_is_found() -> None:
    said = mnt_reason(answer(500, (DATA / "no_session.xml").read_bytes()))
    assert said.endswith("Session data is not available for 10.0.0.12.")
    assert mnt_reason(answer(500, b"<html></html>")) == mnt_reason(answer(500, b"no xml")) == ""


# ---- which MAC


@pytest.mark.parametrize(
    ("found", "known", "change", "chosen"),
    [
        ((MAC,), (), {}, (MAC,)),
        ((MAC,), (OTHER,), {}, (MAC,)),
        ((MAC,), (OTHER, MAC), {"block_all_macs": "true"}, (MAC, OTHER)),
        ((MAC, OTHER), (OTHER, DOCK), {}, (OTHER,)),
        ((), (MAC,), {}, (MAC,)),
        ((), (MAC, DOCK), {"block_all_macs": "true"}, (MAC, DOCK)),
    ],
)
def test_choose_macs(found: Any, known: Any, change: dict[str, str], chosen: tuple[str, ...]) -> None:
    given_ = Found(found, True, "a session")
    assert tuple(one.mac for one in choose_macs(given_, known, settings(**change), False)) == chosen


@pytest.mark.parametrize(
    ("found", "known", "change", "status", "told"),
    [
        (ASKED, (), {}, "not_found", "knows no MAC"),
        (UNASKED, (), {}, "failed", "may not look up sessions, and Vectra knows no MAC"),
        (ASKED, (MAC,), {"use_vectra_macs": "false"}, "not_found", "does not permit"),
        (UNASKED, (MAC,), {"use_vectra_macs": "false"}, "failed", "does not permit"),
        (ASKED, (MAC, DOCK), {}, "failed", "dock"),
        (Found((MAC, OTHER), True, ""), (), {}, "failed", "several endpoints"),
        (Found((MAC, OTHER), True, ""), (MAC, OTHER), {}, "failed", "several endpoints"),
    ],
)
def test_choose_macs_nobody_can_say_which(
    found: Found, known: Any, change: dict[str, str], status: str, told: str
) -> None:
    with pytest.raises(TargetError, match=told) as caught:
        choose_macs(found, known, settings(**change), False)
    assert caught.value.status == status


def test_choose_macs_grooming_without_a_session_chooses_nothing() -> None:
    for found in (ASKED, UNASKED):
        with pytest.raises(TargetError, match="stays as it is"):
            choose_macs(found, (MAC,), settings(), True)
    alone = choose_macs(UNASKED, (MAC,), settings(mnt_lookup="false"), True)
    assert [one.mac for one in alone] == [MAC]


# ---- answers of ERS


@pytest.mark.parametrize("status", [400, 500])
def test_defect_already_and_not_associated_are_no_failures(status: int) -> None:
    for name, title in (
        ("apply", "mac address is already associated with this policy"),
        ("clear", "mac address is not associated with a policy"),
    ):
        assert Scripted(refused(status, title)).order(name, MAC, "Quarantine") == title


@pytest.mark.parametrize(
    ("reply", "told", "uncertain"),
    [
        (answer(401, b"<html>401</html>"), r"refused the account at ERS.*\(HTTP 401\)", False),
        (answer(403, b"<html>403</html>"), r"group ERS Admin.*use_csrf.*\(HTTP 403\)", False),
        (answer(415, b"<html>415</html>"), r"media type \(HTTP 415\)", False),
        (refused(500, "Policy is not configured"), r"refused: Policy is not configured \(HTTP 500\)", False),
        (refused(400, "Something odd"), r"refused: Something odd \(HTTP 400\)", False),
        (refused(500, "Something odd"), r"refused: Something odd \(HTTP 500\)", True),
        (answer(500, b"<html>500</html>"), "answered HTTP 500; whether it was carried out", True),
        (answer(200, b"{torn"), "not JSON; whether it was carried out", True),
        (ProductBusyError("Cisco ISE did not answer (ReadTimeout)"), "ReadTimeout.*looked at again", True),
        (ProductBusyError("Cisco ISE did not answer", unsent=True), "did not answer", False),
    ],
)
def test_defect_order_without_success_tells_what_is_known(reply: Any, told: str, uncertain: bool) -> None:
    with pytest.raises(ProductError, match=told) as caught:
        Scripted(reply).order("apply", MAC, "Quarantine")
    assert caught.value.uncertain is uncertain


def test_title_of_a_refusal_is_read() -> None:
    assert ers_title(answer(500, (DATA / "refusal.json").read_bytes())).startswith("mac address is already")
    for body in (b"<html>", b"{}", b'{"ERSResponse": {"messages": []}}', b"[]"):
        assert ers_title(answer(500, body)) == ""


def test_list_that_ends_early_is_read_to_its_end() -> None:
    promised = json.dumps({"SearchResult": {"total": 500, "resources": []}}).encode()
    assert Scripted(answer(200, promised)).assigned(MAC) == ""


def test_list_whose_filter_is_not_obeyed_finds_the_right_one() -> None:
    rows = [{"id": "1", "name": OTHER}, {"id": "2"}, {"id": "3"}]
    listed = answer(200, json.dumps({"SearchResult": {"total": 3, "resources": rows}}).encode())
    other = answer(200, json.dumps({"ErsAncEndpoint": {"macAddress": OTHER, "policyName": "A"}}).encode())
    mine = answer(200, json.dumps({"ErsAncEndpoint": {"macAddress": MAC.lower(), "policyName": "B"}}).encode())
    assert Scripted(listed, other, mine).assigned(MAC) == "B"


def test_endpoint_gone_meanwhile_has_no_policy() -> None:
    listed = answer(200, json.dumps({"SearchResult": {"total": 1, "resources": [{"id": "1"}]}}).encode())
    assert Scripted(listed, answer(404)).assigned(MAC) == ""


# ---- driver


def test_other_entities_are_unsupported() -> None:
    driver = new_driver(settings(), HttpTiming())
    for entity in (Account("7", "jane"), Detection("9", ("198.51.100.7",)), Destinations("static", ("192.0.2.0/24",))):
        with pytest.raises(TargetError) as caught:
            driver.targets(entity)
        assert caught.value.status == "unsupported"


def test_element_that_is_no_mac_is_told_without_a_request() -> None:
    driver = new_driver(settings(), HttpTiming())
    record = new_record("host", None, 0)
    assert driver.block(Target("10.1.2.3"), record).status == "unsupported"
    assert driver.unblock("10.1.2.3/../x", record).status == "not_found"
    assert driver.state("10.1.2.3", record).state == "gone"
