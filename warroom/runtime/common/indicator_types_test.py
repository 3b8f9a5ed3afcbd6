from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.runtime.common.indicator_types import (
    FeedIndicatorType,
    auto_detect_indicator_type,
    get_hash_type,
    ip_to_indicator_type,
    is_ip_valid,
    is_ipv6_valid,
)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("192.0.2.0/24", "CIDR"), ("2001:db8::/32", "IPv6CIDR"), ("192.0.2.1", "IP"), ("192[.]0[.]2[.]1", "IP"),
        ("2001:db8::1", "IPv6"), ("CVE-2021-44228", "CVE"), ("d41d8cd98f00b204e9800998ecf8427e", "File"),
        ("a" * 40, "File"), ("a" * 64, "File"), ("a" * 128, "File"), ("a" * 65, None), ("me[@]example.com", "Email"),
        ("http://example.com/a?b=c", "URL"), ("hxxps://example[.]com", "URL"), ("example[.]com", "Domain"),
        ("*.example.com", "DomainGlob"), ("example.co.uk", "Domain"), ("co.uk", None), ("example.notasuffix", None),
        ("999.1.1.1", None), ("plain words", None), ("", None),
    ],
)  # fmt: skip
def test_auto_detect_names_each_type(value: str, kind: str | None) -> None:
    assert auto_detect_indicator_type(value) == kind


@given(st.ip_addresses())
def test_ip_type_of_any_address_follows_its_version(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    expected = "IP" if address.version == 4 else "IPv6"
    assert ip_to_indicator_type(str(address)) == auto_detect_indicator_type(str(address)) == expected


@given(st.text())
def test_auto_detect_any_text_gives_a_known_type_or_none(text: str) -> None:
    kind = auto_detect_indicator_type(text)
    assert kind is None or FeedIndicatorType.is_valid_type(kind)


def test_feed_indicator_type_names_are_those_of_the_server() -> None:
    assert FeedIndicatorType.FQDN == FeedIndicatorType.Domain == "Domain"
    assert FeedIndicatorType.Registry == "Registry Key"
    assert {"ssdeep", "ASN", "Mutex", "X509 Certificate"} < set(FeedIndicatorType.list_all_supported_indicators())
    assert not FeedIndicatorType.is_valid_type("File SHA-256")


def test_addresses_and_hashes_are_told_apart() -> None:
    assert is_ip_valid("192.0.2.1") and not is_ip_valid("::1") and is_ip_valid("::1", accept_v6_ips=True)
    assert is_ipv6_valid("::1") and not is_ipv6_valid("192.0.2.1")
    assert (get_hash_type("a" * 32), get_hash_type("a" * 64), get_hash_type("a")) == ("md5", "sha256", "Unknown")
