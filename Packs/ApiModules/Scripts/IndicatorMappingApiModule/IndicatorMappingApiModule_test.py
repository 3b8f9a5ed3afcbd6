"""The mapping by itself, without the integration: it needs nothing but values and something with its settings."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IndicatorMappingApiModule import (
    COMPARED,
    RejectedRecordError,
    ioc_value,
    is_owner,
    load_memory,
    mapped,
    memories,
    merged_item,
    outgoing,
    owner_label,
    plan_inbound,
    stand_in_hash,
    was_lost,
    with_memory,
    with_owner,
    with_tenant,
    without_owner,
    xdr_record,
)

NOW = 1_767_225_600_000


@dataclass(frozen=True)
class Mapping:
    severity: str = "HIGH"
    override_severity: bool = True
    severity_field: str = "sourceoriginalseverity"
    comment_field: str = "comments"
    link_prefix: str = ""
    comments_as_tags: bool = False
    tags: tuple[str, ...] = ()
    tlp_color: str = ""
    label: str = ""
    instance: str = ""


IOC = {"id": "1", "value": "bad.example", "indicator_type": "Domain", "score": 3}
ROW = {
    "RULE_INDICATOR": "bad.example",
    "IOC_TYPE": "DOMAIN_NAME",
    "RULE_SEVERITY": "SEV_020_LOW",
    "RULE_STATUS": "DISABLED",
    "RULE_MODIFY_TIME": NOW,
    "RULE_EXPIRATION_TIME": -1,
    "REPUTATION": "BAD",
}


def test_record_of_an_indicator_without_anything_else_has_the_required_keys_only() -> None:
    assert xdr_record(IOC, Mapping(), NOW) == {
        "indicator": "bad.example",
        "type": "DOMAIN_NAME",
        "severity": "HIGH",
        "reputation": "BAD",
        "expiration_date": -1,
    }


def test_record_of_a_url_is_refused_with_its_type() -> None:
    with pytest.raises(RejectedRecordError, match="no IOC type for URL"):
        xdr_record({**IOC, "indicator_type": "URL"}, Mapping(), NOW)


def test_a_change_of_xdr_that_xsoar_took_is_not_sent_back() -> None:
    (item,) = plan_inbound([ROW], {"bad.example": IOC}, Mapping(), NOW).items
    after = {**IOC, "CustomFields": item["fields"]}
    assert not outgoing(after, xdr_record(after, Mapping(), NOW)).news


# ---- files under their best hash

SHA256, SHA1, MD5 = "a1" * 32, "b2" * 20, "c3" * 16


def file(value: Any = SHA1, kind: Any = "File", **fields: Any) -> dict[str, Any]:
    return {"id": "1", "value": value, "indicator_type": kind, "score": 3, "CustomFields": fields}


@pytest.mark.parametrize(
    ("ioc", "wanted"),
    [
        (file(sha256=SHA256, md5=MD5), SHA256),
        (file(md5=MD5), MD5),
        (file(sha256=f" {SHA256.upper()} "), SHA256),
        (file(sha256=[5, SHA256]), SHA256),
        (file("malware.exe", sha256=SHA256), SHA256),
        (file("3:abc:def", md5=MD5), MD5),
        (file("d4" * 64, sha256=SHA256), SHA256),
        (file(SHA1, "File SHA-1", sha256=SHA256), SHA256),
        (file(sha256=MD5, md5=SHA256), ""),
        (file(sha256=SHA1, md5=None), ""),
        (file(sha256={"a": SHA256}), ""),
        (file(SHA256, md5=MD5), ""),
        (file(MD5.upper(), sha256=SHA256), ""),
        (file("bad.example", "Domain", sha256=SHA256), ""),
        (file("3:abc:def", "ssdeep", sha256=SHA256), ""),
        (file(None, sha256=SHA256), ""),
        ({**file(), "CustomFields": None}, ""),
        ({**file(), "CustomFields": "text"}, ""),
        ({}, ""),
    ],
)
def test_hash_stands_in_only_for_a_file_whose_value_xdr_does_not_take(ioc: dict[str, Any], wanted: str) -> None:
    assert stand_in_hash(ioc) == wanted
    assert ioc_value(ioc) == (wanted or str(ioc.get("value") or ""))


def test_record_has_the_hash_and_a_file_without_one_says_what_is_missing() -> None:
    assert xdr_record(file(md5=MD5), Mapping(), NOW)["indicator"] == MD5
    with pytest.raises(RejectedRecordError, match="not SHA-1, and neither MD5 nor SHA-256 of the file is known"):
        xdr_record(file(), Mapping(), NOW)
    with pytest.raises(RejectedRecordError, match=r"plain domain name$"):
        xdr_record(file("nodots", "Domain", sha256=SHA256), Mapping(), NOW)


def test_owner_is_who_is_named_and_without_a_name_everybody() -> None:
    one, other = file(sha256=SHA256), {**file(sha256=SHA256), "id": "2"}
    assert is_owner(one, {}) and is_owner(one, {MD5: other}) and is_owner(one, {SHA256: one})
    assert not is_owner(other, {SHA256: one})
    assert is_owner(file(SHA256), {SHA256: one})


def test_memory_of_another_ioc_makes_the_new_one_news_with_what_the_old_one_had() -> None:
    memory = {"theirs": {"status": "DISABLED", "severity": "LOW"}, "base": dict.fromkeys(COMPARED)}
    ioc = file(sha256=SHA256, md5=MD5, xdriocstate=with_memory({}, "", {**memory, "ioc": MD5}))
    going = mapped(ioc, Mapping(), NOW)
    assert going.news and going.memory and going.memory["ioc"] == SHA256
    assert (going.standing["indicator"], going.standing["status"], going.standing["severity"]) == (
        SHA256, "DISABLED", "LOW",
    )  # fmt: skip
    after = {**ioc, "CustomFields": {**ioc["CustomFields"], "xdriocstate": with_memory({}, "", going.memory)}}
    assert not mapped(after, Mapping(), NOW).news


# ---- several instances

labels = st.text("abAB09 ._-", min_size=0, max_size=32).map(str.strip)
given_labels = labels.filter(bool)
memory_of_one = st.fixed_dictionaries(
    {
        "theirs": st.dictionaries(st.sampled_from(COMPARED), st.sampled_from(["", "x", 5]), max_size=3),
        "base": st.dictionaries(st.sampled_from(COMPARED), st.none() | st.lists(st.integers(), max_size=2), max_size=3),
        "manual": st.booleans(),
    }
)
texts = st.text("ab ,:.xsoar-", max_size=30)


@given(writes=st.lists(st.tuples(labels, st.none() | memory_of_one), max_size=12))
def test_memories_of_labels_never_touch_each_other(writes: list[tuple[str, Any]]) -> None:
    fields: dict[str, Any] = {}
    wanted: dict[str, Any] = {}
    for label, memory in writes:
        fields["xdriocstate"] = with_memory(fields, label, memory)
        wanted = {name: noted for name, noted in wanted.items() if name != label}
        wanted |= {label: memory} if memory is not None else {}
        assert memories(fields) == wanted
        assert {name: load_memory(fields, name) for name in wanted} == wanted
    assert load_memory(fields, "another") is None


@given(label=given_labels, old=memory_of_one, new=memory_of_one)
def test_memory_of_the_first_version_is_that_of_no_label(label: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    fields = {"xdriocstate": json.dumps({"v": 1, **old})}
    assert load_memory(fields, "") == old and load_memory(fields, label) is None
    assert json.loads(with_memory(fields, label, new)) == {"v": 2, "of": {"": old, label: new}}


@pytest.mark.parametrize("odd", ['{"v": 3, "of": {"b": {"new": 1}}}', '{"v": 2, "of": {"b": 5}}'])
def test_memory_of_another_label_that_nobody_can_read_is_kept_as_it_is(odd: str) -> None:
    kept = json.loads(odd)["of"]["b"]
    written = with_memory({"xdriocstate": odd}, "a", {"theirs": {}, "base": {}})
    assert json.loads(written)["of"]["b"] == kept


@given(
    held=st.dictionaries(given_labels, memory_of_one, max_size=3),
    seen=st.dictionaries(given_labels, memory_of_one, max_size=3),
    label=given_labels,
    memory=memory_of_one,
)
def test_item_written_over_a_newer_indicator_changes_the_part_of_its_label_only(
    held: dict[str, Any], seen: dict[str, Any], label: str, memory: dict[str, Any]
) -> None:
    def fields_of(known: dict[str, Any]) -> dict[str, Any]:
        tenants = [f"{name}: enabled" for name in known]
        return {"xdriocstate": json.dumps({"v": 2, "of": known}), "xdrioctenants": tenants, "notes": "held"}

    item_fields = {
        "xdriocstate": with_memory(fields_of(seen), label, memory),
        "xdrioctenants": with_tenant(fields_of(seen)["xdrioctenants"], label, "DISABLED"),
        "notes": "ours",
    }
    current = {"CustomFields": fields_of(held)}
    fields = merged_item({"value": "x", "fields": item_fields}, current, label)["fields"]
    assert memories(fields) == {**held, label: memory}
    others = {f"{name}: enabled" for name in held if name != label}
    assert fields["xdrioctenants"] == sorted({*others, f"{label}: disabled"})
    assert fields["notes"] == "ours"
    assert was_lost({"fields": fields}, current, label) == (held.get(label) != memory)
    assert not was_lost({"fields": fields}, {"CustomFields": fields}, label)


@pytest.mark.parametrize("entries", [None, "", "a: enabled", "a: enabled,b: deleted", ["b: deleted", "a: enabled"]])
def test_status_of_a_tenant_replaces_its_own_entry_only(entries: Any) -> None:
    made = with_tenant(entries, "a", "DISABLED")
    assert made == (["a: disabled", "b: deleted"] if "b:" in str(entries) else ["a: disabled"])
    assert with_tenant(made, "a", "DISABLED") == made


@given(text=texts.filter(lambda text: not owner_label(text)), label=given_labels, tags=st.booleans())
def test_owner_in_a_comment_is_read_back_and_leaves_the_rest_as_it_was(text: str, label: str, tags: bool) -> None:
    settings = Mapping(label=label, comments_as_tags=tags, comment_field="notes")
    record = with_owner({"comment": [text] if text else []}, settings)
    sent = ", ".join(record["comment"])
    assert owner_label(sent) == label
    assert without_owner(sent) == text
    assert without_owner(without_owner(sent)) == without_owner(sent)


@pytest.mark.parametrize(
    ("comment", "label", "rest"),
    [
        ("", "", ""),
        ("note", "", "note"),
        ("xsoar:a", "a", ""),
        ("xsoar:a, note", "a", "note"),
        ("one, xsoar:EMEA 1,two", "EMEA 1", "one,two"),
        ("xsoar:a, xsoar:b", "b", ""),
        ("see xsoar:a", "", "see xsoar:a"),
        ("xsoar:" + "x" * 33, "", "xsoar:" + "x" * 33),
    ],
)
def test_owner_is_a_part_of_its_own_of_a_comment(comment: str, label: str, rest: str) -> None:
    assert (owner_label(comment), without_owner(comment)) == (label, rest)


def test_label_neither_changes_what_is_compared_nor_the_status_field() -> None:
    labelled = Mapping(label="a", instance="one")
    (item,) = plan_inbound([ROW], {"bad.example": IOC}, labelled, NOW).items
    assert item["fields"]["xdrioctenants"] == ["a: disabled"] and "xdriocstatus" not in item["fields"]
    after = {**IOC, "CustomFields": item["fields"]}
    assert not mapped(after, labelled, NOW).news
    assert mapped(after, Mapping(label="b"), NOW).standing["comment"] == ["xsoar:b"]
    assert "status" not in mapped(after, Mapping(label="b"), NOW).standing
