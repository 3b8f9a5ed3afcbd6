"""MnT: sessions as XML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from emulators.cisco_ise.conftest import IP, MAC, OTHER_MAC, Start


def test_active_list_and_count(ise: Start) -> None:
    client = ise()
    client.edit(mac=OTHER_MAC, connect={"ip": "10.1.2.30", "ipv6": ["2001:db8::3"]})
    listed = client.session("ActiveList")
    assert listed.get("noOfActiveSession") == "2" == client.session("ActiveCount").findtext("count")
    rows = [(row.findtext("calling_station_id"), row.findtext("framed_ip_address")) for row in listed]
    assert rows == [(MAC, IP), (OTHER_MAC, "10.1.2.30")]
    assert listed[1].findtext("framed_ipv6_address/ipv6_address") == "2001:db8::3"


def test_active_list_of_newer_releases_has_no_ipv4_addresses(ise: Start) -> None:
    assert ise(list_addresses="hide").session("ActiveList")[0].find("framed_ip_address") is None


def test_session_by_address_and_by_mac(ise: Start) -> None:
    client = ise()
    for path in (f"EndPointIPAddress/{IP}", f"MACAddress/{MAC}"):
        found = client.session(path)
        assert (found.tag, found.findtext("calling_station_id"), found.findtext("framed_ip_address")) == (
            "sessionParameters", MAC, IP,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("EndPointIPAddress/10.9.9.9", "Session data is not available for 10.9.9.9."),
        ("EndPointIPAddress/10.1.2", "Invalid IP address"),
        (f"MACAddress/{OTHER_MAC}", "Session data is not available"),
        (f"MACAddress/{MAC.lower()}", "Error in generating XML output."),
    ],
)
def test_session_not_found_is_500_with_a_reason(ise: Start, path: str, said: str) -> None:
    reply = ise().mnt(path)
    told = ElementTree.fromstring(reply.content)
    assert (reply.status_code, told.tag, told.findtext("cpm-code")) == (500, "mnt-rest-result", "34110")
    assert said in str(told.findtext("internal-error-info"))


def test_by_address_newest_session_of_an_address_is_told(ise: Start) -> None:
    client = ise()
    client.edit(mac=OTHER_MAC, connect={"ip": IP})
    assert client.session(f"EndPointIPAddress/{IP}").findtext("calling_station_id") == OTHER_MAC


def test_by_address_lost_and_stale_by_option(ise: Start) -> None:
    assert ise(by_ip="lost").mnt(f"EndPointIPAddress/{IP}").status_code == 500
    client = ise(by_ip="stale")
    client.edit(mac=MAC, disconnect=True)
    client.edit(mac=OTHER_MAC, connect={"ip": IP})
    found = client.session(f"EndPointIPAddress/{IP}")
    assert (found.findtext("calling_station_id"), found.findtext("stopped")) == (MAC, "true")


def test_session_ends_and_another_machine_gets_its_address(ise: Start) -> None:
    client = ise()
    client.edit(mac=MAC, disconnect=True)
    assert client.mnt(f"EndPointIPAddress/{IP}").status_code == 500
    client.edit(mac=OTHER_MAC, connect={"ip": IP})
    assert client.session(f"EndPointIPAddress/{IP}").findtext("calling_station_id") == OTHER_MAC


def test_each_api_has_its_port_unless_there_is_a_gateway(ise: Start) -> None:
    client = ise()
    url = "{}/admin/API/mnt/Session/ActiveCount"
    ask = {"headers": {"Accept": "application/xml"}, "timeout": 5}
    assert client.http.get(url.format(client.emulator.url), **ask).status_code == 404  # type: ignore[arg-type]
    wrong = f"{client.emulator.mnt_url}/ers/config/ancpolicy"
    assert client.http.get(wrong, headers={"Accept": "application/json"}, timeout=5).status_code == 404
    client = ise(gateway="on")
    assert client.http.get(url.format(client.emulator.url), **ask).status_code == 200  # type: ignore[arg-type]
