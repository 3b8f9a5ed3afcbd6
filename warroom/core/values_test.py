"""Tests for `warroom.core.values`."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.core.values import TYPES, check, classify, unfang


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("192.0.2.1", "IP"),
        ("192.0.2.0/24", "CIDR"),
        ("2001:db8::1", "IPv6"),
        ("2001:db8::/32", "IPv6CIDR"),
        ("example.com", "Domain"),
        ("EXAMPLE.CO.UK", "Domain"),
        ("example.com.", "Domain"),
        ("münchen.de", "Domain"),
        ("xn--mnchen-3ya.de", "Domain"),
        ("_dmarc.example.com", "Domain"),
        ("*.example.com", "DomainGlob"),
        ("https://example.com/a?b=c", "URL"),
        ("http://[2001:db8::1]:8080/", "URL"),
        ("http://intranet/x", "URL"),
        ("example.com/path", "URL"),
        ("ftp://192.0.2.1", "URL"),
        ("someone@example.com", "Email"),
        ("d41d8cd98f00b204e9800998ecf8427e", "File"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "File"),
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "File"),
        ("a" * 128, "File"),
        ("CVE-2024-12345", "CVE"),
        ("cve-2024-1234", "CVE"),
    ],
)
def test_classify_known_kinds(value: str, kind: str) -> None:
    assert classify(value) == (kind, value, "")


@pytest.mark.parametrize(
    ("fanged", "plain", "kind"),
    [
        ("example[.]com", "example.com", "Domain"),
        ("example(dot)com", "example.com", "Domain"),
        ("hxxps://example[.]com/x", "https://example.com/x", "URL"),
        ("hXXp[://]example.com", "http://example.com", "URL"),
        ("someone[@]example[.]com", "someone@example.com", "Email"),
        ("192[.]0[.]2[.]1", "192.0.2.1", "IP"),
        ("  192.0.2.1 ", "192.0.2.1", "IP"),
    ],
)
def test_classify_fanged_values_come_back_plain(fanged: str, plain: str, kind: str) -> None:
    assert classify(fanged) == (kind, plain, "")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("some words", "neither"),
        ("localhost", "neither"),
        ("999.1.1.1", "IPv4 address"),
        ("192.0.2.0/99", "IPv4 network"),
        ("example.nosuchending", "no public suffix"),
        ("co.uk", "suffix alone"),
        ("-bad-.com", "labels"),
        ("deadbeefdeadbeefdd", "18 characters"),
        ("a@b", "e-mail"),
        ("@example.com", "before @"),
        ("http://a b", "blank"),
        ("http://example.com:99999/", "URL"),
        ("http:///path", "no host"),
    ],
)
def test_classify_others_are_refused_with_a_reason(value: str, reason: str) -> None:
    found = classify(value)
    assert found.type is None
    assert reason in found.reason


@pytest.mark.parametrize(
    ("value", "kind", "reason"),
    [
        ("192.0.2.1", "CIDR", "prefix length"),
        ("example.com", "IP", "IPv4 address"),
        ("2001:db8::1", "IP", "IPv4 address"),
        ("xyz", "File", "other characters"),
        ("example.com", "DomainGlob", "no *"),
        ("nonsense", "ssdeep", "ssdeep"),
        ("nonsense", "CVE", "CVE"),
        ("", "Host", "empty"),
    ],
)
def test_check_value_of_another_kind_gets_a_reason(value: str, kind: str, reason: str) -> None:
    assert reason in (check(value, kind) or "")


@pytest.mark.parametrize(("value", "kind"), [("3:abc:def", "ssdeep"), ("anything", "Host"), ("a\\b", "Registry Key")])
def test_check_free_kinds_accept(value: str, kind: str) -> None:
    assert check(value, kind) is None


@given(st.text(max_size=60))
def test_classify_any_text_gives_a_type_or_a_reason(value: str) -> None:
    found = classify(value)
    assert (found.type in TYPES and not found.reason) or (found.type is None and found.reason)


@given(st.ip_addresses())
def test_classify_every_address_is_one(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert classify(str(address)).type == ("IP" if address.version == 4 else "IPv6")


@given(st.text(max_size=60))
def test_unfang_twice_is_once_for_plain_values(value: str) -> None:
    once = unfang(value)
    if not set(once) & set("[](){}"):
        assert unfang(once) == once
