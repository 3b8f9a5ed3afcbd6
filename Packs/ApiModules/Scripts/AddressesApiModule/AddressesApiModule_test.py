"""Spellings and refusals, by tables and for any address."""

import ipaddress
from typing import Any

import pytest
from AddressesApiModule import (
    ADDRESS,
    DOMAIN_NAME,
    NETWORK,
    RANGE,
    bare_mac,
    colon_mac,
    ip_or_none,
    never_blocked,
    own_address_in,
    read_blockable,
)
from hypothesis import given
from hypothesis import strategies as st

ADDRESSES = st.ip_addresses(v=4) | st.ip_addresses(v=6)
OWN = ("https://192.0.2.10:8443/api", "2001:db8::5", "https://[2001:db8::7]", "https://fw.example.com", "", "unknown")


@pytest.mark.parametrize(
    ("raw", "kind", "version", "text", "simplest"),
    [
        (" 10.1.2.3 ", ADDRESS, 4, "10.1.2.3", "10.1.2.3"),
        ("10.1.2.3/32", ADDRESS, 4, "10.1.2.3", "10.1.2.3"),
        ("192.0.2.77/24", NETWORK, 4, "192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", NETWORK, 4, "192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.0 - 192.0.2.255", RANGE, 4, "192.0.2.0-192.0.2.255", "192.0.2.0/24"),
        ("192.0.2.5-192.0.2.5", RANGE, 4, "192.0.2.5-192.0.2.5", "192.0.2.5"),
        ("192.0.2.5-192.0.2.9", RANGE, 4, "192.0.2.5-192.0.2.9", "192.0.2.5-192.0.2.9"),
        ("2001:DB8:0::1", ADDRESS, 6, "2001:db8::1", "2001:db8::1"),
        ("2001:db8::1/32", NETWORK, 6, "2001:db8::/32", "2001:db8::/32"),
        ("2001:db8::1-2001:db8::3", RANGE, 6, "2001:db8::1-2001:db8::3", "2001:db8::1-2001:db8::3"),
        ("Bad-Site.Example.", DOMAIN_NAME, 0, "bad-site.example", "bad-site.example"),
        ("_dmarc.a-b.example", DOMAIN_NAME, 0, "_dmarc.a-b.example", "_dmarc.a-b.example"),
    ],
)
def test_blockable_has_one_spelling(raw: str, kind: str, version: int, text: str, simplest: str) -> None:
    found = read_blockable(raw)
    assert (found.kind, found.version, found.text, found.simplest().text) == (kind, version, text, simplest)
    assert read_blockable(found.text) == found and found.simplest().simplest() == found.simplest()


@pytest.mark.parametrize(
    "raw",
    ["", "localhost", "10.1.2", "1.2.3.4.5", "10.1.2.300", "10.1.2.3-", "10.1.2.3-9", "10.1.2.9-10.1.2.3",
     "10.1.2.3-2001:db8::1", "10.1.2.0/33", "fe80::1%eth0", "*.bad.example", "-bad.example", "bad-.example",
     "bad..example", "bad.example/x", "http://bad.example", "a b.example", "../x", "x" * 64 + ".example",
     "a." * 127 + "example"],
)  # fmt: skip
def test_blockable_that_is_none_is_told(raw: str) -> None:
    with pytest.raises(ValueError, match=r"is neither an address, a network, a range nor a domain$|has a zone"):
        read_blockable(raw)


@given(st.text(max_size=40))
def test_blockable_of_any_text_is_one_spelling_or_a_refusal(text: str) -> None:
    try:
        found = read_blockable(text)
    except ValueError:
        return
    assert read_blockable(found.text) == found


@given(st.tuples(ADDRESSES, ADDRESSES).filter(lambda pair: pair[0].version == pair[1].version))
def test_blockable_simplest_of_a_range_has_the_same_ends(ends: Any) -> None:
    first, last = sorted(ends)
    simplest = read_blockable(f"{first}-{last}").simplest()
    assert (simplest.first, simplest.last) == (first, last)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("0.0.0.0", "0.0.0.0 is unspecified"),
        ("0.0.0.0/0", "0.0.0.0/0 contains 0.0.0.0/8, which is unspecified"),
        ("128.0.0.0/1", "128.0.0.0/1 contains 169.254.0.0/16, which is link-local"),
        ("127.0.0.1", "127.0.0.1 is loopback"),
        ("126.0.0.0-128.0.0.0", "126.0.0.0-128.0.0.0 contains 127.0.0.0/8, which is loopback"),
        ("169.254.10.1", "169.254.10.1 is link-local"),
        ("224.0.0.0/8", "224.0.0.0/8 is multicast"),
        ("255.255.255.255", "255.255.255.255 is the broadcast address"),
        ("::", ":: is unspecified"),
        ("::/0", "::/0 contains ::/128, which is unspecified"),
        ("::1", "::1 is loopback"),
        ("fe80::1", "fe80::1 is link-local"),
        ("ff02::1", "ff02::1 is multicast"),
    ],
)
def test_never_blocked_says_why(raw: str, reason: str) -> None:
    assert never_blocked(read_blockable(raw)) == reason


def test_never_blocked_ipv4_in_ipv6_is_told_to_be_written_as_ipv4() -> None:
    assert "write it as IPv4" in never_blocked(read_blockable("::ffff:10.0.0.1"))


@pytest.mark.parametrize("raw", ["10.1.2.3", "198.51.100.0/24", "8.8.8.8", "2001:db8::/32", "bad.example"])
def test_never_blocked_lets_all_else_pass(raw: str) -> None:
    assert never_blocked(read_blockable(raw)) == ""


@given(ADDRESSES, st.integers(0, 128))
def test_never_blocked_holds_for_every_network_around_a_refused_address(address: Any, bits: int) -> None:
    around = read_blockable(str(ipaddress.ip_network((address, min(bits, address.max_prefixlen)), strict=False)))
    if never_blocked(read_blockable(str(address))):
        assert never_blocked(around)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("192.0.2.10", "192.0.2.10 is the address of Acme itself"),
        ("192.0.2.0/24", "192.0.2.0/24 contains 192.0.2.10, the address of Acme itself"),
        ("192.0.2.1-192.0.2.99", "192.0.2.1-192.0.2.99 contains 192.0.2.10, the address of Acme itself"),
        ("2001:db8::5", "2001:db8::5 is the address of Acme itself"),
        ("2001:db8::7", "2001:db8::7 is the address of Acme itself"),
        ("192.0.2.11", ""),
        ("fw.example.com", ""),
    ],
)
def test_own_address_in_says_why(raw: str, reason: str) -> None:
    assert own_address_in(read_blockable(raw), OWN, "Acme") == reason


@pytest.mark.parametrize(("text", "address"), [("2001:DB8::1", "2001:db8::1"), ("10.0.0.0/8", "None"), ("", "None")])
def test_ip_or_none(text: str, address: str) -> None:
    assert str(ip_or_none(text)) == address


@pytest.mark.parametrize(
    "text", ["0050.56AA.bb12", "00-50-56-aa-bb-12", "005056AABB12", " 00:50:56:aa:bb:12 ", "00 50 56 AA BB 12"]
)
def test_mac_every_spelling_is_one(text: str) -> None:
    assert (bare_mac(text), colon_mac(text)) == ("005056aabb12", "00:50:56:aa:bb:12")


@pytest.mark.parametrize(
    "text",
    ["", "none", "not a mac at all", "10.1.2.3", "00:50:56:aa:bb", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
     "01:00:5e:00:00:01", "00:50:56:aa:bb:12" * 2],
)  # fmt: skip
def test_mac_of_no_single_interface_is_none(text: str) -> None:
    assert (bare_mac(text), colon_mac(text)) == ("", "")


@given(st.binary(min_size=6, max_size=6))
def test_mac_own_spelling_stays(raw: bytes) -> None:
    once = colon_mac(raw.hex())
    assert colon_mac(once) == once and bare_mac(once) == bare_mac(raw.hex())


@given(st.text())
def test_mac_of_any_text_is_a_mac_or_empty(text: str) -> None:
    assert colon_mac(text) in ("", colon_mac(colon_mac(text)))
