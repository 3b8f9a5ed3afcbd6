"""The mapping tables, both directions: values in, values out."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from CortexXDRIOC import (
    IOC_BRAND,
    DemistoException,
    RejectedRecordError,
    epoch_ms,
    expected_base,
    inbound_fields,
    inbound_score,
    instant_ns,
    iso_from_ms,
    last_comment,
    load_memory,
    outgoing,
    own_vote,
    plan_inbound,
    plan_page,
    record_view,
    settings_from_params,
    their_view,
    whole_second,
    xdr_expiration,
    xdr_record,
    xdr_severity,
    xdr_type,
    xdr_vendors,
)

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import PARAMS, settings

NOW = epoch_ms("2026-01-01T00:00:00Z")
SHA256, SHA1, MD5 = "a1" * 32, "b2" * 20, "c3" * 16
LINK = "https://xsoar.example/indicator/7"


def ioc(**more: Any) -> dict[str, Any]:
    known = {"id": "7", "value": "1.2.3.4", "indicator_type": "IP", "score": 3, "modified": "2026-01-01T00:00:00Z"}
    return {**known, **more}


def record(*, params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return xdr_record(ioc(**more), settings(**(params or {})), NOW)


def row(**more: Any) -> dict[str, Any]:
    return {
        "RULE_INDICATOR": "1.2.3.4",
        "IOC_TYPE": "IP",
        "RULE_MODIFY_TIME": NOW,
        "RULE_SEVERITY": "SEV_040_HIGH",
        "RULE_STATUS": "ENABLED",
        "RULE_COMMENT": "",
        "RULE_EXPIRATION_TIME": -1,
        "REPUTATION": "BAD",
        "RELIABILITY": "",
        "VENDORS": [],
        "KLASS": None,
        "MARKED_DELETED": 0,
        **more,
    }


def taken(given: dict[str, Any], current: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    """The one indicator that a row leads to."""
    known = {current["value"].lower(): current} if current else {}
    plan = plan_inbound([given], known, settings(**params), NOW)
    assert not plan.rejects
    (item,) = plan.items
    return item


# ---- parameters


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"severity": "urgent"}, ["'severity'", "'urgent'", "critical"]),
        ({"severity": None}, ["'severity'"]),
        ({"query": " "}, ["'query'"]),
        ({"url": "no address"}, ["'url'", "no address"]),
        ({"xsoar_comments_field": "a,b"}, ["'xsoar_comments_field'", "a, b"]),
        ({"xsoar_comments_field": ["indicator_link", "a", "b"]}, ["'xsoar_comments_field'"]),
        ({"comments_as_tags": True}, ["'comments_as_tags'", "'xsoar_comments_field'"]),
        ({"comments_as_tags": True, "xsoar_comments_field": "indicator_link"}, ["'comments_as_tags'"]),
        ({"api_key_type": "basic"}, ["'api_key_type'", "'basic'"]),
        ({"apikey_creds": None}, ["'apikey_creds'", "API Key"]),
        ({"apikey_id_creds": {}}, ["'apikey_id_creds'", "API Key ID"]),
        ({"apikey_creds": {"password": "two\nlines"}}, ["'apikey_creds'"]),
        ({"apikey_creds": {"password": "curly\u201dquote"}}, ["'apikey_creds'"]),
        ({"request_size": "0"}, ["'request_size'", "'0'", "4000"]),
        ({"request_size": "4001"}, ["'request_size'"]),
        ({"request_size": "many"}, ["'request_size'", "not a number"]),
        ({"request_size": "nan"}, ["'request_size'"]),
        ({"max_requests_in_flight": "9"}, ["'max_requests_in_flight'"]),
        ({"requests_per_second": "11"}, ["'requests_per_second'"]),
        ({"fetch_time_budget_seconds": "5"}, ["'fetch_time_budget_seconds'"]),
    ],
)
def test_settings_with_a_wrong_parameter_name_it_and_what_is_allowed(params: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(ValueError, match=named[0]) as caught:
        settings_from_params({**PARAMS, **params})
    assert all(part in str(caught.value) for part in named)
    assert "lines" not in str(caught.value) and "curly" not in str(caught.value)


def test_settings_from_the_least_have_the_documented_defaults() -> None:
    made = settings()
    assert (made.severity, made.severity_field, made.comment_field) == ("HIGH", "sourceoriginalseverity", "comments")
    assert all((made.override_severity, made.auto_sync, made.feed, made.verify)) and not made.proxy
    assert (made.time_budget, made.request_size, made.in_flight, made.rate) == (150, 4000, 2, 8)
    assert made.fetch_interval_minutes == 20
    assert (made.detect_key_type, made.key.key_type) == (True, "advanced")


@pytest.mark.parametrize(
    ("params", "attribute", "wanted"),
    [
        ({"xsoar_severity_field": "Source Original Severity"}, "severity_field", "sourceoriginalseverity"),
        ({"xsoar_comments_field": ["My Notes"]}, "comment_field", "mynotes"),
        ({"xsoar_comments_field": "indicator_link,notes"}, "comment_field", "notes"),
        ({"xsoar_comments_field": ["indicator_link"]}, "comment_field", "comments"),
        ({"xsoar_comments_field": ""}, "comment_field", "comments"),
        ({"xsoar_comments_field": ["indicator_link"]}, "link_prefix", "https://xsoar.example/indicator/"),
        ({"xsoar_comments_field": ["comments"]}, "link_prefix", ""),
        ({"feedTags": "one, two,,three"}, "tags", ("one", "two", "three")),
        ({"feedTags": None, "tag": "old name"}, "tags", ("old name",)),
        ({"feedTags": ""}, "tags", ()),
        ({"url": "https://api-t.example/public_api/v1/"}, "url", "https://api-t.example"),
        ({"autoSync": "false"}, "auto_sync", False),
        ({"feed": None, "autoSync": None, "override_severity": ""}, "auto_sync", True),
        ({"insecure": True}, "verify", False),
        ({"api_key_type": "standard"}, "detect_key_type", False),
    ],
)
def test_settings_read_each_parameter_as_documented(params: dict[str, Any], attribute: str, wanted: Any) -> None:
    assert getattr(settings(**params), attribute) == wanted


def test_settings_on_the_older_server_link_with_a_hash_in_the_address() -> None:
    params = {**PARAMS, "xsoar_comments_field": "indicator_link"}
    assert (
        settings_from_params(params, "https://old.example/", saas=False).link_prefix
        == "https://old.example/#/indicator/"
    )


def test_settings_take_the_key_from_the_hidden_parameters_of_older_configurations() -> None:
    params = {**PARAMS, "apikey_creds": None, "apikey_id_creds": {"password": ""}, "apikey": "k", "apikey_id": " 9 "}
    key = settings_from_params(params).key
    assert (key.key_id, key.secret) == ("9", "k")


def test_settings_shown_as_text_hide_the_secret() -> None:
    assert "secret-of-the-key" not in repr(settings()) + str(settings().key)


# ---- time and text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:00.123456789Z", 123_456_789),
        ("1970-01-01T00:00:00.1234567899Z", 123_456_789),
        ("1970-01-01T00:00:00,25Z", 250_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00+0100", 0),
        ("1969-12-31T19:00:00.000001-05:00", 1000),
        ("1970-01-01 00:00:02", 2 * 10**9),
        ("1970-01-01T00:00:03z", 3 * 10**9),
        (" 1970-01-01T00:00:04Z ", 4 * 10**9),
    ],
)
def test_instants_are_read_exactly_and_without_a_zone_as_utc(text: str, wanted: int) -> None:
    assert instant_ns(text) == wanted
    assert epoch_ms(text) == wanted // 10**6


@pytest.mark.parametrize(
    "text",
    [
        "", "Never", "tomorrow", "in 3 days", "1700000000000", "2030-13-01T00:00:00Z", "2030-01-32T00:00:00Z",
        "2030-01-01T25:00:00Z", "2030-01-01", "2030-01-01T00:00:00+99:99", "9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+05:00", "20300101T000000Z",
    ],
)  # fmt: skip
def test_instants_that_cannot_be_read_raise_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"'|month|day|hour|offset|timedelta|range"):
        instant_ns(text)


def test_whole_seconds_are_cut_and_the_next_one_given() -> None:
    ns = instant_ns("2026-01-01T00:00:59.999999Z")
    assert whole_second(ns) == "2026-01-01T00:00:59Z"
    assert whole_second(ns, after=True) == "2026-01-01T00:01:00Z"
    assert iso_from_ms(0) == "1970-01-01T00:00:00Z"


# ---- XSOAR -> Cortex XDR


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("File", SHA256, "HASH"),
        ("File", MD5.upper(), "HASH"),
        ("File SHA-256", SHA256, "HASH"),
        ("file md5", MD5, "HASH"),
        ("Domain", "bad.example", "DOMAIN_NAME"),
        ("domain", "xn--bcher-kva.example", "DOMAIN_NAME"),
        ("Domain", "bücher.example", "DOMAIN_NAME"),
        ("FQDN", "a.b.c.example", "DOMAIN_NAME"),
        ("IP", "0.0.0.0", "IP"),
        ("ip", "255.255.255.255", "IP"),
    ],
)
def test_types_that_xdr_takes_are_mapped(kind: str, value: str, wanted: str) -> None:
    assert xdr_type(kind, value) == wanted


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("File", SHA1, "SHA-1"),
        ("File", "d4" * 64, "SHA-512"),
        ("File", "malware.exe", "11 characters"),
        ("File", "g" * 64, "64 characters"),
        ("ssdeep", "3:abc:def", "ssdeep"),
        ("IP", "1.2.3", "IPv4"),
        ("IP", "1.2.3.4.5", "IPv4"),
        ("IP", "1.2.3.256", "IPv4"),
        ("IP", "1.2.3.04", "IPv4"),
        ("IP", "1.2.3.4/32", "IPv4"),
        ("IP", " 1.2.3.4", "IPv4"),
        ("IP", "1.2.3.4\n", "IPv4"),
        ("IP", "1.2.3.٤", "IPv4"),
        ("IP", "::1", "IPv4"),
        ("IPv6", "2001:db8::1", "IPv6"),
        ("CIDR", "10.0.0.0/8", "CIDR"),
        ("DomainGlob", "*.bad.example", "DomainGlob"),
        ("Domain", "*.bad.example", "domain"),
        ("Domain", "https://bad.example/x", "domain"),
        ("Domain", "nodots", "domain"),
        ("Domain", "bad domain.example", "domain"),
        ("URL", "https://bad.example/x", "URL"),
        ("Email", "a@bad.example", "Email"),
        ("CVE", "CVE-2020-1", "CVE"),
        ("", "x", "without a type"),
        (None, "x", "without a type"),
    ],
)
def test_types_and_shapes_that_xdr_does_not_take_are_refused(kind: Any, value: str, reason: str) -> None:
    with pytest.raises(RejectedRecordError, match=reason):
        xdr_type(kind, value)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("info", "INFO"), ("INFORMATIONAL", "INFO"), ("Information", "INFO"), (0.5, "INFO"), ("0.5", "INFO"),
        ("low", "LOW"), (1, "LOW"), ("1.0", "LOW"), ("Medium", "MEDIUM"), ("med", "MEDIUM"), (2.0, "MEDIUM"),
        (" high ", "HIGH"), (3, "HIGH"), ("CRITICAL", "CRITICAL"), ("4", "CRITICAL"), ("SEV_020_LOW", "LOW"),
        ("sev_050_critical", "CRITICAL"), ("", "FALLBACK"), (None, "FALLBACK"), ("unknown", "FALLBACK"),
        (0, "FALLBACK"), ("0.0", "FALLBACK"), ("SEV_090_UNKNOWN", "FALLBACK"), ("None", "FALLBACK"),
    ],
)  # fmt: skip
def test_severities_in_all_spellings_are_mapped(raw: Any, wanted: str) -> None:
    assert xdr_severity(raw, "FALLBACK") == wanted


@pytest.mark.parametrize("raw", ["urgent", 7, -1, ["HIGH"], {"a": 1}, "HIGH LOW", "x" * 1000])
def test_severities_that_mean_nothing_are_refused_with_the_value(raw: Any) -> None:
    with pytest.raises(RejectedRecordError, match="severity") as caught:
        xdr_severity(raw, "LOW")
    assert str(raw)[:20] in str(caught.value) and len(str(caught.value)) < 200


def test_severity_comes_from_the_parameter_when_overridden_else_from_the_field() -> None:
    fields = {"sourceoriginalseverity": "low"}
    assert record(CustomFields=fields)["severity"] == "HIGH"
    off = {"override_severity": "false"}
    assert record(params=off, CustomFields=fields)["severity"] == "LOW"
    assert record(params=off, CustomFields=None)["severity"] == "HIGH"
    other = {**off, "xsoar_severity_field": "My Level"}
    assert record(params=other, CustomFields={"mylevel": 4})["severity"] == "CRITICAL"


@pytest.mark.parametrize(
    ("score", "wanted"), [(1, "GOOD"), (2, "SUSPICIOUS"), (3, "BAD"), (0, "UNKNOWN"), (None, "UNKNOWN")]
)
def test_verdicts_are_mapped(score: Any, wanted: str) -> None:
    assert record(score=score)["reputation"] == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("2030-01-31T12:00:00Z", 1_896_091_200_000),
        ("2030-01-31T12:00:00", 1_896_091_200_000),
        ("2030-01-31T12:00:00.5Z", 1_896_091_200_500),
        ("2030-01-31T13:00:00+01:00", 1_896_091_200_000),
        ("2026-01-01T00:00:00.001Z", NOW + 1),
        ("", -1),
        (None, -1),
        ("0001-01-01T00:00:00Z", -1),
    ],
)
def test_expirations_become_milliseconds(raw: Any, wanted: int) -> None:
    assert xdr_expiration(raw, NOW) == wanted


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("2026-01-01T00:00:00Z", "expired"),
        ("2025-12-31T23:59:59+00:00", "expired"),
        ("1970-01-01T00:00:00Z", "expired"),
        ("Never", "not a date"),
        ("in 3 days", "not a date"),
        ("9999-12-31T23:59:59-05:00", "not a date"),
        (1_896_091_200_000, "not a date"),
        (["2030-01-31T12:00:00Z"], "not a date"),
    ],
)
def test_expirations_in_the_past_or_unreadable_are_refused_never_sent_as_never(raw: Any, reason: str) -> None:
    with pytest.raises(RejectedRecordError, match=reason):
        xdr_expiration(raw, NOW)


@pytest.mark.parametrize(("raw", "wanted"), [("A+ - 3rd party", "A"), ("B - Usually reliable", "B"), ("F", "F")])
def test_reliability_is_its_letter(raw: str, wanted: str) -> None:
    assert record(aggregatedReliability=raw)["reliability"] == wanted


@pytest.mark.parametrize("raw", ["", None])
def test_reliability_that_is_missing_is_left_out(raw: Any) -> None:
    assert "reliability" not in record(aggregatedReliability=raw)


def vendor(name: str, reputation: str, reliability: str) -> dict[str, str]:
    return {"vendor_name": name, "reputation": reputation, "reliability": reliability}


@pytest.mark.parametrize(
    ("feeds", "wanted"),
    [
        ({"i": {"sourceBrand": "One", "score": 3, "reliability": "B - Usually"}}, [vendor("One", "BAD", "B")]),
        ({"i": {"score": 1}}, [vendor("i", "GOOD", "F")]),
        ({"i": {"sourceBrand": "", "score": None, "reliability": ""}}, [vendor("i", "UNKNOWN", "F")]),
        (
            {"i": {"sourceBrand": "One", "score": 2, "reliability": "C"}, "j": {"sourceBrand": "One", "score": 3}},
            [vendor("One", "BAD", "C")],
        ),
        (
            {"i": {"sourceBrand": "One", "score": 3}, "j": {"sourceBrand": "One", "score": 1, "reliability": "A++"}},
            [vendor("One", "BAD", "A")],
        ),
        (
            {"i": {"sourceBrand": "Two", "score": 3}, "j": {"sourceBrand": "One", "score": 0}},
            [vendor("Two", "BAD", "F"), vendor("One", "UNKNOWN", "F")],
        ),
        ({"i": {"sourceBrand": IOC_BRAND, "score": 3}}, []),
        ({"i": None, "j": {"sourceBrand": "One", "score": 3}}, [vendor("One", "BAD", "F")]),
        ({}, []),
    ],
)
def test_vendors_are_one_per_brand_without_our_own(feeds: dict[str, Any], wanted: list[dict[str, str]]) -> None:
    assert xdr_vendors(feeds) == wanted
    assert record(moduleToFeedMap=feeds).get("vendors", []) == wanted


def remark(text: Any, kind: str = "IndicatorCommentRegular") -> dict[str, Any]:
    return {"type": kind, "content": text}


@pytest.mark.parametrize(
    ("comments", "wanted"),
    [
        (None, ""),
        ([], ""),
        ([remark("first"), remark("last")], "last"),
        ([remark("mine"), remark("Created", "IndicatorCommentTimeLine")], "mine"),
        ([remark("Created", "IndicatorCommentTimeLine")], ""),
        ([remark(None)], ""),
        (["text", None, remark("kept")], "kept"),
        ([remark("kept"), None, 5], "kept"),
    ],
)
def test_last_comment_is_the_newest_that_a_person_wrote(comments: Any, wanted: str) -> None:
    assert last_comment(comments) == wanted
    assert record(comments=comments).get("comment", [""]) == [wanted]


@pytest.mark.parametrize(
    ("field", "as_tags", "content", "wanted"),
    [
        ("notes", False, "text, with comma", ["text, with comma"]),
        ("notes", False, "", None),
        ("notes", False, None, None),
        ("notes", False, ["a", "b"], ["a, b"]),
        ("notes", False, 5, ["5"]),
        ("notes", True, "a, b,,c ", ["a", "b", "c"]),
        ("notes", True, ["a", " b "], ["a", "b"]),
        ("notes", True, [], None),
        ("tags", True, ["a", "b"], ["a", "b"]),
        ("tags", False, ["a", "b"], ["a, b"]),
        ("notes,indicator_link", False, "text", [f"text, {LINK}"]),
        ("notes,indicator_link", False, None, [LINK]),
        ("notes,indicator_link", True, "a,b", ["a", "b", LINK]),
    ],
)
def test_comments_from_a_field_follow_the_table(field: str, as_tags: bool, content: Any, wanted: Any) -> None:
    params = {"xsoar_comments_field": field, "comments_as_tags": as_tags}
    name = field.split(",")[0]
    assert record(params=params, CustomFields={name: content}).get("comment") == wanted


def test_comment_with_the_link_only_joins_the_last_comment_and_the_link() -> None:
    params = {"xsoar_comments_field": "indicator_link"}
    assert record(params=params, comments=[remark("note")])["comment"] == [f"note, {LINK}"]
    assert record(params=params, comments=None)["comment"] == [LINK]


@pytest.mark.parametrize(
    ("threat_types", "wanted"),
    [
        ([{"threatcategory": "Malware"}, {"threatcategory": "Other"}], "Malware"),
        ({"threatcategory": "Malware"}, "Malware"),
        (["Malware", "Other"], "Malware"),
        ("Malware", "Malware"),
        ([{"threatcategory": "x" * 50}], "x" * 36),
        ([{"threatcategory": None}], None),
        ([{}], None),
        ([None], None),
        ([], None),
        (None, None),
    ],
)
def test_class_is_the_first_threat_category_cut_to_36_characters(threat_types: Any, wanted: str | None) -> None:
    assert record(CustomFields={"threattypes": threat_types}).get("class") == wanted


@pytest.mark.parametrize(
    ("status", "sent", "enable"),
    [
        ("disabled", "DISABLED", False),
        ("enabled", None, True),
        ("", None, False),
        (None, None, False),
        ("deleted", None, False),
    ],
)
def test_status_goes_out_as_disabled_or_as_a_call_to_enable(status: Any, sent: str | None, enable: bool) -> None:
    plan = plan_page([ioc(CustomFields={"xdriocstatus": status})], settings(), NOW)
    assert plan.records[0].get("status") == sent
    assert plan.enable == (["1.2.3.4"] if enable else [])


@pytest.mark.parametrize("name", ["CustomFields", "comments", "moduleToFeedMap", "aggregatedReliability", "expiration"])
def test_fields_that_are_null_are_as_if_absent(name: str) -> None:
    assert record(**{name: None}) == record()


@pytest.mark.parametrize("value", [None, "", 5])
def test_records_without_a_value_are_refused(value: Any) -> None:
    with pytest.raises(RejectedRecordError, match="no value"):
        record(value=value)


def test_record_has_exactly_what_the_api_takes() -> None:
    made = record(
        aggregatedReliability="A - Completely",
        moduleToFeedMap={"i": {"sourceBrand": "One", "score": 3}},
        comments=[remark("note")],
        CustomFields={"threattypes": [{"threatcategory": "C2"}], "xdriocstatus": "disabled", "other": 1},
    )
    assert made == {
        "indicator": "1.2.3.4",
        "type": "IP",
        "severity": "HIGH",
        "reputation": "BAD",
        "expiration_date": -1,
        "reliability": "A",
        "vendors": [vendor("One", "BAD", "F")],
        "comment": ["note"],
        "class": "C2",
        "status": "DISABLED",
    }


ODD = [
    {"CustomFields": "text"},
    {"CustomFields": ["list"]},
    {"moduleToFeedMap": "text"},
    {"moduleToFeedMap": {"i": {"reliability": 5}}},
    {"aggregatedReliability": 5},
    {"comments": 5},
    {"score": [3]},
    {"expiration": "9999-12-31T23:59:59-05:00"},
    {"value": ["list"]},
]


@pytest.mark.parametrize("odd", ODD)
def test_one_odd_record_is_set_aside_and_the_others_go(odd: dict[str, Any]) -> None:
    plan = plan_page([ioc(**odd), ioc(value="5.6.7.8")], settings(), NOW)
    assert [made["indicator"] for made in plan.records][-1] == "5.6.7.8"
    assert len(plan.records) + len(plan.rejects) == 2
    assert all(reason for _, _, reason in plan.rejects)


# ---- Cortex XDR -> XSOAR


@pytest.mark.parametrize(("kind", "wanted"), [("DOMAIN_NAME", "Domain"), ("HASH", "File"), ("IP", "IP")])
def test_row_types_are_mapped(kind: str, wanted: str) -> None:
    assert taken(row(IOC_TYPE=kind))["type"] == wanted


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"IOC_TYPE": "PATH"}, "PATH"),
        ({"IOC_TYPE": "FILENAME"}, "FILENAME"),
        ({"IOC_TYPE": None}, "IOC_TYPE"),
        ({"RULE_INDICATOR": None}, "RULE_INDICATOR"),
        ({"RULE_INDICATOR": ""}, "RULE_INDICATOR"),
        ({"RULE_SEVERITY": "SEV_999_HUGE"}, "SEV_999_HUGE"),
        ({"RULE_SEVERITY": 17}, "17"),
        ({"RULE_STATUS": "PAUSED"}, "PAUSED"),
        ({"RULE_EXPIRATION_TIME": 10**18}, "RULE_EXPIRATION_TIME"),
    ],
)
def test_rows_that_cannot_be_read_are_set_aside_with_the_reason(wrong: dict[str, Any], reason: str) -> None:
    rows = [row(**wrong), row(RULE_INDICATOR="5.6.7.8")]
    plan = plan_inbound(rows, {}, settings(), NOW)
    assert [item["value"] for item in plan.items] == ["5.6.7.8"]
    ((_, _, text),) = plan.rejects
    assert reason in text


@pytest.mark.parametrize("odd", ODD[:-1])
def test_rows_whose_indicator_is_odd_in_xsoar_do_not_stop_the_others(odd: dict[str, Any]) -> None:
    rows = [row(RULE_COMMENT="new"), row(RULE_INDICATOR="5.6.7.8")]
    plan = plan_inbound(rows, {"1.2.3.4": ioc(**odd)}, settings(), NOW)
    assert "5.6.7.8" in [item["value"] for item in plan.items]
    assert len(plan.items) + len(plan.rejects) == 2


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("SEV_010_INFO", "INFO"), ("SEV_020_LOW", "LOW"), ("SEV_030_MEDIUM", "MEDIUM"), ("SEV_040_HIGH", "HIGH"),
        ("SEV_050_CRITICAL", "CRITICAL"), ("SEV_090_UNKNOWN", None), (None, None), ("", None),
    ],
)  # fmt: skip
def test_row_severity_goes_to_its_field_unless_overridden(code: Any, wanted: str | None) -> None:
    fields = taken(row(RULE_SEVERITY=code), override_severity="false")["fields"]
    assert fields.get("sourceoriginalseverity") == wanted
    assert "sourceoriginalseverity" not in taken(row(RULE_SEVERITY=code))["fields"]


@pytest.mark.parametrize(
    ("expiration", "wanted"),
    [(1_896_091_200_000, "2030-01-31T12:00:00Z"), (-1, None), (0, None), (None, None), ("Never", None)],
)
def test_row_expiration_is_a_date_or_nothing(expiration: Any, wanted: str | None) -> None:
    assert taken(row(RULE_EXPIRATION_TIME=expiration))["fields"].get("expirationdate") == wanted


@pytest.mark.parametrize(
    ("status", "deleted", "wanted"),
    [("ENABLED", 0, "enabled"), ("disabled", 0, "disabled"), (None, 0, None), ("ENABLED", 1, "deleted")],
)
def test_row_status_is_kept_in_its_field(status: Any, deleted: int, wanted: str | None) -> None:
    item = taken(row(RULE_STATUS=status, MARKED_DELETED=deleted, RULE_COMMENT="x"), ioc())
    assert item["fields"].get("xdriocstatus") == wanted


def test_row_of_a_deleted_ioc_that_xsoar_does_not_know_tells_nothing() -> None:
    plan = plan_inbound([row(MARKED_DELETED=1)], {}, settings(), NOW)
    assert (plan.items, plan.rejects, plan.unchanged) == ([], [], 1)


@pytest.mark.parametrize(
    ("field", "as_tags", "comment", "wanted"),
    [
        ("comments", False, "note", {"xdrioccomment": "note"}),
        ("notes", False, "one, two", {"xdrioccomment": "one, two", "notes": "one, two"}),
        ("notes", False, "one,two", {"xdrioccomment": "one,two", "notes": "one,two"}),
        ("notes", True, "one, two,,three ", {"notes": ["one", "two", "three"]}),
        ("notes,indicator_link", False, f"note, {LINK}", {"xdrioccomment": "note", "notes": "note"}),
        ("notes,indicator_link", False, f"{LINK}, note", {"notes": "note"}),
        ("notes,indicator_link", False, LINK, {}),
        ("notes,indicator_link", True, f"one,{LINK},two", {"notes": ["one", "two"]}),
        ("tags", True, "one,two,Cortex XDR", {"tags": ["one", "two", "Cortex XDR"]}),
        ("tags", False, "one,two", {"tags": ["one", "two", "Cortex XDR"]}),
        ("notes", False, "", {}),
        ("notes", False, None, {}),
        ("notes", False, ["one", "two"], {"notes": "one, two"}),
    ],
)
def test_row_comment_goes_back_without_the_link(
    field: str, as_tags: bool, comment: Any, wanted: dict[str, Any]
) -> None:
    params: dict[str, Any] = {"xsoar_comments_field": field, "comments_as_tags": as_tags}
    fields = taken(row(RULE_COMMENT=comment), **params)["fields"]
    assert {name: fields.get(name) for name in wanted} == wanted
    if not wanted:
        assert "notes" not in fields and "xdrioccomment" not in fields


def test_comment_with_the_link_survives_many_round_trips_unchanged() -> None:
    params = {"xsoar_comments_field": "notes,indicator_link"}
    current = ioc(CustomFields={"notes": "first, second"})
    for moment in range(5):
        (comment,) = xdr_record(current, settings(**params), NOW)["comment"]
        assert comment == f"first, second, {LINK}"
        item = taken(row(RULE_COMMENT=comment, RULE_MODIFY_TIME=NOW + moment), ioc(), **params)
        current = ioc(CustomFields={"notes": item["fields"]["notes"]})


@pytest.mark.parametrize(
    ("tags", "wanted"), [("Cortex XDR", ["Cortex XDR"]), ("one, two", ["one", "two"]), ("", None), (None, None)]
)
def test_tags_are_split_at_commas(tags: Any, wanted: Any) -> None:
    assert taken(row(), feedTags=tags)["fields"].get("tags") == wanted


def test_traffic_light_color_is_set_only_when_chosen() -> None:
    assert taken(row(), tlp_color="AMBER")["fields"]["trafficlightprotocol"] == "AMBER"
    assert "trafficlightprotocol" not in taken(row())["fields"]


def test_row_class_fills_empty_threat_types_only() -> None:
    wanted = [{"threatcategory": "C2"}]
    assert taken(row(KLASS="C2"))["fields"]["threattypes"] == wanted
    assert taken(row(KLASS="C2"), ioc(CustomFields={}))["fields"]["threattypes"] == wanted
    known = ioc(CustomFields={"threattypes": [{"threatcategory": "Malware"}]})
    assert "threattypes" not in taken(row(KLASS="C2", RULE_COMMENT="x"), known)["fields"]


def test_row_is_kept_whole_as_raw_data_beside_the_indicator() -> None:
    given = row(NUMBER_OF_HITS=3)
    assert taken(given)["rawJSON"] == given


@pytest.mark.parametrize(
    ("theirs", "ours", "last", "wanted"),
    [
        ("BAD", 3, 0, 0), ("BAD", 3, 3, 3), ("GOOD", 3, 0, 1), ("GOOD", 3, 3, 1), ("UNKNOWN", 0, 3, 3),
        ("SUSPICIOUS", 3, 0, 2), ("BAD", 2, 2, 3), ("UNKNOWN", 3, 3, 0), (None, 3, 0, 0), ("WEIRD", 0, 0, 0),
        ("BAD", None, 0, 3), ("UNKNOWN", None, 2, 2),
    ],
)  # fmt: skip
def test_verdict_is_our_vote_unless_it_only_repeats_xsoar(theirs: Any, ours: Any, last: int, wanted: int) -> None:
    feeds = {"x": {"sourceBrand": "Other", "score": 3}, "i": {"sourceBrand": IOC_BRAND, "score": last}}
    current = ioc(score=ours, moduleToFeedMap=feeds)
    view = their_view(row(REPUTATION=theirs))
    assert inbound_score(view, current, settings()) == wanted


def test_verdict_of_an_indicator_that_xsoar_does_not_know_is_theirs() -> None:
    assert inbound_score(their_view(row(REPUTATION="SUSPICIOUS")), None, settings()) == 2


@pytest.mark.parametrize("feeds", [None, {}, {"i": None}, {"i": {"sourceBrand": IOC_BRAND, "score": None}}])
def test_own_vote_without_one_is_nothing(feeds: Any) -> None:
    assert own_vote(ioc(moduleToFeedMap=feeds), settings()) == 0
    assert own_vote(None, settings()) == 0


def test_of_several_rows_for_one_value_the_last_change_counts_whatever_the_order_and_case() -> None:
    rows = [
        row(RULE_INDICATOR="BAD.example", IOC_TYPE="DOMAIN_NAME", RULE_MODIFY_TIME=NOW + 2, RULE_COMMENT="new"),
        row(RULE_INDICATOR="bad.example", IOC_TYPE="DOMAIN_NAME", RULE_MODIFY_TIME=NOW + 1, RULE_COMMENT="old"),
    ]
    plan = plan_inbound(rows, {}, settings(), NOW)
    assert [item["fields"]["xdrioccomment"] for item in plan.items] == ["new"]


# ---- the memory of the other side


def remembered(item: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The indicator as XSOAR holds it after it took `item`."""
    fields = {**((before or {}).get("CustomFields") or {}), **item["fields"]}
    expiration = fields.pop("expirationdate", None) or (before or {}).get("expiration")
    return ioc(**{**(before or {}), "CustomFields": fields, "expiration": expiration})


def test_what_xdr_changed_is_not_sent_back() -> None:
    changes = {"RULE_SEVERITY": "SEV_020_LOW", "RULE_COMMENT": "why", "RULE_STATUS": "DISABLED"}
    given = row(**changes, RULE_EXPIRATION_TIME=NOW + 10**9)
    for params in ({}, {"override_severity": "false", "xsoar_comments_field": "notes"}):
        current = remembered(taken(given, ioc(), **params), ioc())
        assert not outgoing(current, xdr_record(current, settings(**params), NOW)).news


def test_what_xsoar_changed_after_goes_and_the_rest_stays_as_xdr_has_it() -> None:
    current = remembered(taken(row(RULE_SEVERITY="SEV_020_LOW", RULE_COMMENT="theirs"), ioc()), ioc())
    current["comments"] = [remark("ours")]
    going = outgoing(current, xdr_record(current, settings(), NOW))
    assert going.news
    assert (going.standing["comment"], going.standing["severity"]) == (["ours"], "LOW")


def test_comment_that_a_person_removes_is_erased_in_xdr() -> None:
    params = {"xsoar_comments_field": "notes"}
    current = remembered(taken(row(RULE_COMMENT="both"), ioc(), **params), ioc())
    current["CustomFields"]["notes"] = ""
    going = outgoing(current, xdr_record(current, settings(**params), NOW))
    assert going.news and going.standing["comment"] == [""]


def test_row_that_was_taken_before_tells_nothing() -> None:
    given = row(RULE_COMMENT="why")
    current = remembered(taken(given, ioc()), ioc())
    plan = plan_inbound([given], {"1.2.3.4": current}, settings(), NOW)
    assert (plan.items, plan.unchanged) == ([], 1)


@pytest.mark.parametrize(
    "change",
    [
        {"RULE_COMMENT": "why"}, {"RULE_SEVERITY": "SEV_010_INFO"}, {"RULE_STATUS": "DISABLED"}, {"MARKED_DELETED": 1},
        {"RULE_EXPIRATION_TIME": NOW + 10**9}, {"REPUTATION": "GOOD"}, {"KLASS": "C2"},
    ],
)  # fmt: skip
def test_each_single_change_in_xdr_reaches_xsoar(change: dict[str, Any]) -> None:
    assert taken(row(**change), ioc())["fields"]["xdriocstate"]


def test_ioc_that_was_enabled_in_xdr_is_enabled_in_xsoar() -> None:
    item = taken(row(RULE_STATUS="ENABLED"), ioc(CustomFields={"xdriocstatus": "disabled"}))
    assert item["fields"]["xdriocstatus"] == "enabled"


def test_row_that_says_what_xsoar_would_send_tells_nothing() -> None:
    known = ioc(aggregatedReliability="B", comments=[remark("note")], CustomFields={"xdriocstatus": "disabled"})
    given = row(RULE_COMMENT="note", RULE_STATUS="DISABLED", RELIABILITY="B")
    plan = plan_inbound([given], {"1.2.3.4": known}, settings(), NOW)
    assert (plan.items, plan.unchanged) == ([], 1)


DAMAGED = [
    '{"v": 2, "theirs": {}}',
    '{"v": 2, "of": 5}',
    '{"v": 2, "of": {"": 5}}',
    '{"v": 1, "theirs": 5}',
    '{"v": 1, "theirs": {}, "base": {"status": 5}}',
]


@pytest.mark.parametrize("text", [None, "", "no json", "5", "[]", "{}", 5, *DAMAGED])
def test_memory_that_is_damaged_counts_as_none(text: Any) -> None:
    assert load_memory({"xdriocstate": text}, "") is None


def test_memory_without_a_base_does_not_stop_the_record() -> None:
    damaged = ioc(CustomFields={"xdriocstate": json.dumps({"v": 1, "theirs": {}})})
    plan = plan_page([damaged], settings(), NOW)
    assert len(plan.records) + len(plan.rejects) == 1


def test_views_of_both_sides_are_comparable() -> None:
    view = their_view(row(RULE_COMMENT="a", KLASS="C2", RELIABILITY="B"))
    made = record(comments=[remark("a")], CustomFields={"threattypes": "C2"}, aggregatedReliability="B - x")
    same = {name: value for name, value in record_view(made).items() if name != "status"}
    assert {name: view[name] for name in same} == same


def test_field_that_a_person_locked_stays_and_counts_as_expected() -> None:
    known = ioc(CustomFields={"notes": "locked"}, manuallyEditedFields=["notes"])
    params = {"xsoar_comments_field": "notes"}
    item = taken(row(RULE_COMMENT="theirs"), known, **params)
    current = {**known, "CustomFields": {**item["fields"], "notes": "locked"}}
    assert not outgoing(current, xdr_record(current, settings(**params), NOW)).news


def test_base_of_an_indicator_that_cannot_be_sent_is_empty() -> None:
    known = ioc(expiration="some day")
    view = their_view(row())
    item = {"value": "1.2.3.4", "type": "IP", "score": 0, "fields": inbound_fields(view, known, settings())}
    assert expected_base(item, view, known, settings(), NOW) == {}


def test_errors_of_this_pack_are_errors_of_the_server() -> None:
    assert not issubclass(RejectedRecordError, DemistoException)
    assert issubclass(RejectedRecordError, ValueError)
