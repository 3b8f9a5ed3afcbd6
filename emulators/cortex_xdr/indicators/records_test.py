"""Which records XDR takes."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.cortex_xdr.indicators.operator import generated_rule
from emulators.cortex_xdr.indicators.records import PUBLIC_FORM, TIM_FORM, Reject, Rule, read_records
from emulators.cortex_xdr.indicators.values import fits
from emulators.kit import Refused

NOW_MS = 1_800_000_000_000
GOOD = {"indicator": "bad.example", "type": "DOMAIN_NAME", "severity": "HIGH"}
VENDOR = {"vendor_name": "Feed", "reputation": "BAD", "reliability": "A"}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("IP", "1.2.3.4"),
        ("IP", "255.255.255.255"),
        ("HASH", "a" * 32),
        ("HASH", "AB" * 32),
        ("DOMAIN_NAME", "bad.example"),
        ("DOMAIN_NAME", "xn--e1afmkfd.xn--p1ai"),
        ("DOMAIN_NAME", "_dmarc.Bad-Host.example"),
        ("PATH", "/etc/passwd"),
        ("PATH", r"C:\Windows\Temp\x.exe"),
        ("FILENAME", "evil file.exe"),
        ("MIXED", "anything"),
    ],
)
def test_fits_good_value(kind: str, value: str) -> None:
    assert fits(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("IP", "::1"),
        ("IP", "1.2.3.4/24"),
        ("IP", "1.2.3.256"),
        ("IP", "01.2.3.4"),
        ("IP", "1.2.3.4\n"),
        ("HASH", "a" * 40),
        ("HASH", "g" * 32),
        ("DOMAIN_NAME", "localhost"),
        ("DOMAIN_NAME", "bad.example."),
        ("DOMAIN_NAME", "*.bad.example"),
        ("DOMAIN_NAME", "1.2.3.4"),
        ("DOMAIN_NAME", "-bad.example"),
        ("DOMAIN_NAME", "bad..example"),
        ("DOMAIN_NAME", "a" * 64 + ".example"),
        ("DOMAIN_NAME", "a." * 126 + "example"),
        ("DOMAIN_NAME", "bad.example\n"),
        ("PATH", "https://bad.example/x"),
        ("PATH", "x.exe"),
        ("FILENAME", "a/b"),
        ("FILENAME", ""),
        ("FILENAME", "x" * 256),
        ("MIXED", ""),
    ],
)
def test_fits_wrong_value(kind: str, value: str) -> None:
    assert not fits(kind, value)


@given(st.ip_addresses())
def test_fits_ip_is_every_ipv4_and_no_ipv6(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert fits("IP", str(address)) is (address.version == 4)


@given(st.integers(0, 4_000_000), st.integers(0, 4_000_000))
def test_generated_rules_fit_their_type_and_differ(first: int, second: int) -> None:
    one, two = generated_rule(first), generated_rule(second)
    assert fits(one.type, one.indicator)
    assert (one.indicator == two.indicator) is (first == second)


def test_record_full_becomes_the_rule() -> None:
    record = {
        **GOOD, "reputation": "BAD", "expiration_date": NOW_MS + 1, "reliability": "B", "class": "C2",
        "status": "DISABLED", "comment": ["one", "two"], "vendors": [VENDOR],
    }  # fmt: skip
    wanted = Rule("bad.example", "DOMAIN_NAME", "HIGH", "BAD", "B", "C2", "DISABLED", "one, two", NOW_MS + 1, [VENDOR])
    assert read_records([record], TIM_FORM, NOW_MS) == ([wanted], [])


@pytest.mark.parametrize(("value", "stored"), [(-1, -1), ("Never", -1), (None, None), (NOW_MS + 1, NOW_MS + 1)])
def test_expiration_good_is_stored(value: object, stored: int | None) -> None:
    rules, rejects = read_records([{**GOOD, "expiration_date": value}], TIM_FORM, NOW_MS)
    assert (rules[0].expires_ms, rejects) == (stored, [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "URL"}, "Got type: URL"),
        ({"type": "MIXED"}, "Got type: MIXED"),
        ({"type": "HASH"}, "Got type: HASH, Indicator: bad.example mismatch"),
        ({"severity": "MED"}, "Severity MED is invalid"),
        ({"severity": "UNKNOWN"}, "Severity UNKNOWN is invalid"),
        ({"severity": "high"}, "Severity high is invalid"),
        ({"reputation": "MALICIOUS"}, "Reputation MALICIOUS is invalid"),
        ({"reliability": "A+"}, "Reliability A+ is invalid"),
        ({"reliability": ""}, "Reliability  is invalid"),
        ({"status": "disabled"}, "Status disabled is invalid"),
        ({"class": "x" * 37}, "36 characters"),
        ({"expiration_date": NOW_MS}, f"Expiration time {NOW_MS} is invalid; expiration date cannot be in the past"),
        ({"expiration_date": 0}, "cannot be in the past"),
        ({"expiration_date": -2}, "cannot be in the past"),
        ({"expiration_date": 2**63}, "must be epoch milliseconds or Never"),
        ({"expiration_date": "tomorrow"}, "must be epoch milliseconds or Never"),
        ({"vendors": [{**VENDOR, "vendor_name": ""}]}, "Vendor name"),
        ({"vendors": [VENDOR, {**VENDOR, "reputation": "?"}]}, "Vendor reputation ?"),
        ({"vendors": [{**VENDOR, "reliability": "A - Completely"}]}, "Vendor reliability A - Completely"),
    ],
)
def test_record_with_bad_value_is_rejected_alone(change: dict[str, Any], words: str) -> None:
    other = {**GOOD, "indicator": "other.example"}
    rules, rejects = read_records([{**GOOD, **change}, other], TIM_FORM, NOW_MS)
    assert [rule.indicator for rule in rules] == ["other.example"]
    assert [reject.indicator for reject in rejects] == ["bad.example"] and words in rejects[0].error


def test_record_twice_is_rejected_the_second_time() -> None:
    rules, rejects = read_records([GOOD, {**GOOD, "severity": "LOW"}], TIM_FORM, NOW_MS)
    assert [rule.severity for rule in rules] == ["HIGH"]
    assert rejects == [Reject("bad.example", "Indicator: bad.example appears more than once in the request")]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("bad.example", "must be an object, not text"),
        ({}, "lacks indicator, severity, type"),
        ({"indicator": "a.b", "type": "IP"}, "lacks severity"),
        ({**GOOD, "colour": "red"}, "unknown field 'colour'"),
        ({**GOOD, "indicator": 5}, "indicator must not be number"),
        ({**GOOD, "severity": None}, "severity must not be null"),
        ({**GOOD, "comment": "text"}, "comment must not be text"),
        ({**GOOD, "comment": [1]}, "comment must be a list of texts"),
        ({**GOOD, "class": ["C2"]}, "class must not be list"),
        ({**GOOD, "expiration_date": 1.5}, "expiration_date must not be number"),
        ({**GOOD, "expiration_date": True}, "expiration_date must not be boolean"),
        ({**GOOD, "vendors": VENDOR}, "vendors must not be object"),
        ({**GOOD, "vendors": [{"vendor_name": "x"}]}, "vendors must be a list of objects"),
        ({**GOOD, "vendors": [{**VENDOR, "score": "3"}]}, "vendors must be a list of objects"),
        ({**GOOD, "vendors": [{**VENDOR, "reliability": None}]}, "vendors must be a list of objects"),
    ],
)
def test_record_of_wrong_form_refuses_the_request(record: object, words: str) -> None:
    with pytest.raises(Refused) as caught:
        read_records([GOOD, record], TIM_FORM, NOW_MS)
    assert caught.value.status == 400
    assert words in caught.value.message and "request_data[1]" in caught.value.message


def test_comment_is_text_in_the_public_form() -> None:
    assert read_records([{**GOOD, "comment": "x"}], PUBLIC_FORM, NOW_MS)[0][0].comment == "x"
    with pytest.raises(Refused):
        read_records([{**GOOD, "comment": ["x"]}], PUBLIC_FORM, NOW_MS)
