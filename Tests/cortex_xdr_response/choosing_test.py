"""Which endpoint is the host: looked up by address, then by name, checked by MAC and name."""

from __future__ import annotations

from typing import Any

import pytest

from Tests.cortex_xdr_response.world import ID, IP, MAC, NAME, World, world

OTHER, THIRD = "b" * 32, "c" * 32


def chosen(here: World, **args: Any) -> str:
    """The endpoint that a block isolated, or why none was."""
    row = here.command("vectra-block-host", host_id="41", **args)[0]
    return str(row["element"] or row["reason"])


@pytest.mark.parametrize(
    "args",
    [
        {"host_name": NAME, "mac": MAC},
        {"host_name": "ws-1.corp.example", "mac": ""},
        {"host_name": "IP-10.1.2.3", "fqdn": "WS-1.corp.example"},
        {"host_name": "IP-10.1.2.3", "mac": "00-50-56-AA-BB-CC"},
        {"host_name": "other", "mac": "0050.56aa.bbcc"},
        {"host_name": NAME, "mac": "00:00:00:00:00:01"},
        # Nothing that could be compared.
        {"host_name": "IP-10.1.2.3", "mac": ""},
        {"host_name": "", "mac": "00:00:00:00:00:00"},
    ],
)
def test_one_agent_is_taken_when_name_or_mac_agrees_or_nothing_can_be_compared(args: dict[str, str]) -> None:
    with world() as here:
        here.seed()
        assert chosen(here, ip=IP, **args) == ID


@pytest.mark.parametrize(
    "args", [{"host_name": "other", "mac": "00:00:00:00:00:01"}, {"host_name": "other"}, {"mac": "00:00:00:00:00:01"}]
)
def test_one_agent_that_does_not_agree_is_refused_and_named(args: dict[str, str]) -> None:
    with world() as here:
        here.seed()
        row = here.one("vectra-block-host", ip=IP, **args)
        assert (row["status"], row["contained"], here.orders) == ("failed", False, (0, 0))
        for text in (IP, NAME, ID, "CONNECTED", "last seen 2027-01-15"):
            assert text in row["reason"]


@pytest.mark.parametrize("field", ["ip", "mac_address"])
@pytest.mark.parametrize("form", [None, "bare", []])
def test_addresses_may_be_null_one_text_or_a_list(field: str, form: Any) -> None:
    with world() as here:
        here.seed(**{field: {"ip": IP, "mac_address": MAC}[field] if form == "bare" else form})
        assert chosen(here, ip=IP, host_name=NAME, mac=MAC) == ID


@pytest.mark.parametrize("match", ["ignore-case", "exact"])
@pytest.mark.parametrize("name", ["WS-1", "ws-1", "ws-1.corp.example", "Ws-1.corp.example"])
def test_name_finds_what_the_address_does_not(match: str, name: str) -> None:
    with world(hostname_match=match) as here:
        here.seed()
        assert chosen(here, ip="10.9.9.9", host_name=name) == ID
        assert here.calls("get_endpoint") >= 2


def test_full_name_in_the_tenant_is_found_by_its_full_name() -> None:
    with world(hostname_match="exact") as here:
        here.seed(endpoint_name="ws-1.corp.example")
        assert chosen(here, host_name="WS-1", fqdn="ws-1.corp.example") == ID


@pytest.mark.parametrize(
    "args", [{"ip": "10.9.9.9"}, {"ip": "10.9.9.9", "host_name": "IP-10.9.9.9"}, {"host_name": "x"}]
)
def test_no_agent_is_quietly_not_found(args: dict[str, str]) -> None:
    with world() as here:
        here.seed()
        row = here.one("vectra-block-host", host_id="41", **args)
        assert (row["status"], row["contained"], here.records) == ("not_found", False, {})


def test_nothing_to_look_for_asks_for_nothing() -> None:
    with world() as here:
        here.seed()
        assert here.one("vectra-block-host", host_id="41", host_name="IP-10.1.2.3")["status"] == "not_found"
        assert here.calls("get_endpoint") == 0


def test_earlier_addresses_are_not_used() -> None:
    with world() as here:
        here.seed()
        args = {"ip": "10.9.9.9", "previous_ips": IP}
        assert here.one("vectra-block-host", host_id="41", **args)["status"] == "not_found"


# ---- several


def test_several_the_one_that_agrees_is_taken() -> None:
    with world() as here:
        here.seed(endpoint_id=OTHER, endpoint_name="WS-2", mac_address=["00:00:00:00:00:02"])
        here.seed()
        assert chosen(here, ip=IP, host_name=NAME) == ID


def test_several_uninstalled_ones_do_not_count() -> None:
    with world() as here:
        here.seed(endpoint_id=OTHER, endpoint_status="UNINSTALLED")
        here.seed(endpoint_status="LOST")
        assert chosen(here, ip=IP, host_name=NAME) == ID


def test_several_of_one_reinstalled_machine_the_connected_one_is_taken() -> None:
    with world() as here:
        here.seed()
        here.edit(reinstalled_as=OTHER)
        assert chosen(here, ip=IP, host_name=NAME, mac=MAC) == OTHER


@pytest.mark.parametrize("status", ["CONNECTED", "LOST"])
def test_several_that_agree_alike_are_refused_and_listed(status: str) -> None:
    with world() as here:
        for endpoint_id in (ID, OTHER):
            here.seed(endpoint_id=endpoint_id, endpoint_status=status)
        row = here.block()
        assert (row["status"], row["contained"], here.orders) == ("failed", False, (0, 0))
        assert ID in row["reason"] and OTHER in row["reason"]


def test_several_of_which_none_agrees_are_refused_even_if_one_is_connected() -> None:
    with world() as here:
        here.seed(endpoint_name="WS-8", endpoint_status="LOST")
        here.seed(endpoint_id=OTHER, endpoint_name="WS-9")
        row = here.one("vectra-block-host", ip=IP, host_name=NAME)
        assert (row["status"], here.orders) == ("failed", (0, 0))
        assert "WS-8" in row["reason"] and "WS-9" in row["reason"]


def test_several_without_anything_to_compare_are_refused() -> None:
    with world() as here:
        here.seed(endpoint_status="LOST")
        here.seed(endpoint_id=OTHER)
        assert here.one("vectra-block-host", ip=IP)["status"] == "failed"


def test_several_all_uninstalled_are_refused() -> None:
    with world() as here:
        for endpoint_id in (ID, OTHER):
            here.seed(endpoint_id=endpoint_id, endpoint_status="UNINSTALLED")
        row = here.block()
        assert row["status"] == "failed"
        assert "uninstalled" in row["reason"]


def test_many_agents_on_one_address_are_read_page_by_page_and_listed_shortly() -> None:
    with world() as here:
        endpoints = [{"endpoint_id": f"{n:032x}", "endpoint_name": f"vdi-{n}", "ip": [IP]} for n in range(250)]
        here.emulator.state.seed({"endpoints": endpoints})
        assert chosen(here, ip=IP, host_name="vdi-249") == f"{249:032x}"
        refused = here.one("vectra-block-host", ip=IP, host_name="desktop")
        assert "and 240 more" in refused["reason"]
        # Three pages each, and a look before the order, at the order and after it.
        assert here.calls("get_endpoint") == 3 + 3 + 3


def test_release_goes_by_endpoint_whatever_the_address_is_then() -> None:
    with world({"poll": "30"}) as here:
        here.seed()
        here.block()
        here.edit(ip=["10.7.7.7"])
        here.seed(endpoint_id=OTHER)
        assert here.unblock()["element"] == ID
        assert (here.truth(), here.truth(OTHER)) == ("AGENT_UNISOLATED", "AGENT_UNISOLATED")
