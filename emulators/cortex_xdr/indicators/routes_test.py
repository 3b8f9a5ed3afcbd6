"""Every indicator call over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from emulators.cortex_xdr.conftest import FROM_XSOAR, NOW, NOW_MS, Client, Start, domain
from emulators.cortex_xdr.indicators.routes import BASE

CALLS = [
    *("tim_insert_jsons", "insert_jsons", "insert_csv", "get_changes", "enable_iocs", "disable_iocs"),
    *("sync_tim_iocs", "iocs_to_keep", "get", "insert", "delete"),
]
PUBLIC = "Public API user (key #1)"
VENDORS = [{"vendor_name": "Feed One", "reputation": "BAD", "reliability": "A"}]
OBJECT = {
    "indicator": "bad.example",
    "type": "DOMAIN_NAME",
    "severity": "SEV_030_MEDIUM",
    "expiration_date": None,
    "default_expiration_enabled": True,
    "comment": None,
    "reputation": "BAD",
    "reliability": "B",
}


def edit(client: Client, **change: Any) -> None:
    client.admin("edit", change)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("call", CALLS)
def test_call_is_known_with_and_without_slash_and_only_by_post(xdr: Start, call: str, slash: str) -> None:
    client = xdr()
    assert client.send(call + slash, {"wrong": 1}).status_code == 400
    headers = {**client.keys()}
    assert requests.get(f"{client.emulator.url}{BASE}{call}{slash}", headers=headers, timeout=5).status_code == 405


def test_call_unknown_is_404_in_the_vendors_shape(xdr: Start) -> None:
    reply = xdr().send("insert_everything", {})
    assert (reply.status_code, reply.json()["reply"]["err_code"]) == (404, 404)


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("tim_insert_jsons", {"request_data": [], "validat": True}),
        ("tim_insert_jsons", {"request_data": [], "validate": "true"}),
        ("tim_insert_jsons", {"request_data": {}}),
        ("tim_insert_jsons", {"request_data": [{}]}),
        ("insert_jsons", {"request_data": [domain(comment=["list"])]}),
        ("insert_csv", {"request_data": []}),
        ("get_changes", {"request_data": {}}),
        ("get_changes", {"request_data": {"last_update_ts": "0"}}),
        ("get_changes", {"request_data": {"last_update_ts": 0, "limit": 5}}),
        ("enable_iocs", {"request_data": "1.2.3.4"}),
        ("disable_iocs", {"request_data": [None]}),
        ("get", {"request_data": {"search_from": 0, "search_to": 101}}),
        ("get", {"request_data": {"search_from": -1}}),
        ("get", {"request_data": {"filters": [{"field": "colour", "operator": "EQ", "value": "red"}]}}),
        ("get", {"request_data": {"filters": [{"field": "indicator", "operator": "LIKE", "value": "a"}]}}),
        ("get", {"request_data": {"filters": [{"field": "indicator", "operator": "IN", "value": "a"}]}}),
        ("get", {"request_data": {"filters": [{"field": "indicator", "operator": "EQ", "value": ["a"]}]}}),
        ("get", {"request_data": {"filters": [{"field": "rule_id", "operator": "EQ", "value": "a"}]}}),
        ("get", {"request_data": {"filters": [{"field": "type", "operator": "EQ", "value": "URL"}]}}),
        ("insert", {"request_data": [{**OBJECT, "source": "me"}]}),
        ("insert", {"request_data": [{k: v for k, v in OBJECT.items() if k != "comment"}]}),
        ("delete", {"request_data": {}}),
        ("delete", {"request_data": {"filters": []}}),
    ],
)
def test_call_with_wrong_form_is_400(xdr: Start, call: str, body: dict[str, Any]) -> None:
    reply = xdr().send(call, body)
    assert (reply.status_code, reply.json()["reply"]["err_code"]) == (400, 400)


def test_header_unknown_is_400(xdr: Start) -> None:
    assert xdr().send("get_changes", {"request_data": {"last_update_ts": 0}}, {"x-iocs-sorce": "x"}).status_code == 400


def test_tim_insert_full_record_comes_back_with_all_row_keys(xdr: Start) -> None:
    client = xdr(own_writes="show")
    record = domain(
        reputation="BAD", expiration_date=NOW_MS + 5, reliability="B", status="DISABLED", comment=["seen", "twice"],
        vendors=VENDORS, **{"class": "C2"},
    )  # fmt: skip
    assert client.insert(record) == []
    assert client.changes() == [
        {
            "RULE_ID": 1, "RULE_INDICATOR": "bad.example", "IOC_TYPE": "DOMAIN_NAME", "RULE_INSERT_TIME": NOW_MS,
            "RULE_MODIFY_TIME": NOW_MS, "RULE_SEVERITY": "SEV_040_HIGH", "RULE_STATUS": "DISABLED",
            "RULE_COMMENT": "seen, twice", "RULE_SOURCE": "XSOAR TIM", "RULE_EXPIRATION_TIME": NOW_MS + 5,
            "IS_DEFAULT_TTL": False, "RULE_TTL": -1, "REPUTATION": "BAD", "RELIABILITY": "B", "VENDORS": VENDORS,
            "KLASS": "C2", "NUMBER_OF_HITS": 0, "BS_STATUS": "DONE", "BS_TS": NOW_MS, "BS_RETRIES": 1,
            "MARKED_DELETED": 0,
        }
    ]  # fmt: skip


def test_tim_insert_minimal_record_takes_the_defaults(xdr: Start) -> None:
    client = xdr()
    client.insert(domain())
    row = client.dump()["bad.example"]
    wanted = {
        "RULE_STATUS": "ENABLED", "RULE_COMMENT": "", "RULE_EXPIRATION_TIME": -1, "IS_DEFAULT_TTL": True,
        "REPUTATION": "UNKNOWN", "RELIABILITY": "", "VENDORS": [], "KLASS": None, "own_write": True, "kind": "rule",
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted


def test_tim_insert_rejects_are_listed_only_when_asked(xdr: Start) -> None:
    client = xdr()
    bad = {"indicator": "10.0.0.9", "type": "IP", "severity": "HIGH", "expiration_date": NOW_MS - 1}
    error = f"Expiration time {NOW_MS - 1} is invalid; expiration date cannot be in the past"
    assert client.insert(bad, domain()) == [{"indicator": "10.0.0.9", "error": error}]
    silent = client.send("tim_insert_jsons", {"request_data": [bad]})
    assert silent.json() == {"reply": {"success": True}}
    assert client.living() == {"bad.example"}


def test_tim_insert_without_header_is_recorded_as_public_api(xdr: Start) -> None:
    client = xdr()
    client.insert(domain("a.example"), headers={})
    client.insert(domain("b.example"), headers={"x-iocs-source": "OtherProduct"})
    rows = client.dump()
    assert [rows[v]["RULE_SOURCE"] for v in ("a.example", "b.example")] == [PUBLIC, "OtherProduct"]
    assert not any(row["own_write"] for row in rows.values())


def test_insert_again_leaves_status_and_comment_unless_given(xdr: Start) -> None:
    now = [NOW]
    client = xdr(clock=lambda: now[0])
    client.insert(domain(status="DISABLED", comment=["mine"]))
    now[0] += 10
    client.insert(domain(severity="LOW"))
    row = client.dump()["bad.example"]
    assert (row["RULE_STATUS"], row["RULE_COMMENT"], row["RULE_SEVERITY"]) == ("DISABLED", "mine", "SEV_020_LOW")
    assert (row["RULE_ID"], row["RULE_INSERT_TIME"], row["RULE_MODIFY_TIME"]) == (1, NOW_MS, NOW_MS + 10_000)
    client.insert(domain(status="ENABLED", comment=[""]))
    row = client.dump()["bad.example"]
    assert (row["RULE_STATUS"], row["RULE_COMMENT"]) == ("ENABLED", "")


def test_insert_over_a_deleted_rule_makes_a_new_one(xdr: Start) -> None:
    client = xdr()
    client.insert(domain("first.example"), domain(status="DISABLED", comment=["mine"]))
    edit(client, indicator="bad.example", hits=9)
    edit(client, indicator="bad.example", delete=True)
    assert client.admin("count")["rules"] == 1
    client.insert(domain())
    row = client.dump()["bad.example"]
    assert row["RULE_ID"] > 2
    assert (row["RULE_STATUS"], row["RULE_COMMENT"], row["MARKED_DELETED"]) == ("ENABLED", "", 0)
    assert row["NUMBER_OF_HITS"] == 0
    assert client.admin("count")["rules"] == 2


def test_insert_jsons_and_csv_write_public_rules(xdr: Start) -> None:
    client = xdr()
    body = {"request_data": [domain("a.example", comment="text", vendors=VENDORS)], "validate": True}
    assert client.send("insert_jsons", body, {}).json() == {"reply": {"success": True, "validation_errors": []}}
    text = "indicator,type,severity,comment,vendor.name,vendor.reputation,vendor.reliability\n"
    text += "b.example,DOMAIN_NAME,LOW,noted,Feed One,BAD,A\nnot an ip,IP,LOW,,,,\n"
    reply = client.send("insert_csv", {"request_data": text, "validate": True}, {}).json()["reply"]
    assert reply["validation_errors"] == [
        {"indicator": "not an ip", "error": "Got type: IP, Indicator: not an ip mismatch"}
    ]
    rows = client.dump()
    assert {row["RULE_SOURCE"] for row in rows.values()} == {PUBLIC}
    assert [rows[v]["RULE_COMMENT"] for v in ("a.example", "b.example")] == ["text", "noted"]
    assert [rows[v]["VENDORS"] for v in ("a.example", "b.example")] == [VENDORS, VENDORS]


def test_size_limits_are_413_and_nothing_is_taken(xdr: Start) -> None:
    client = xdr(max_body=300, max_records=2)
    three = [domain(f"{n}.example") for n in "abc"]
    assert client.send("tim_insert_jsons", {"request_data": three}).status_code == 413
    assert client.send("tim_insert_jsons", {"request_data": [domain(comment=["x" * 300])]}).status_code == 413
    assert client.send("disable_iocs", {"request_data": ["a", "b", "c"]}).status_code == 413
    assert client.living() == set()
    assert client.send("tim_insert_jsons", {"request_data": three[:2]}).status_code == 200


def test_rate_over_ten_in_a_second_is_429_for_the_whole_tenant(xdr: Start) -> None:
    client = xdr(rate=10)
    calls = ["get_changes", "enable_iocs"] * 6
    bodies = {"get_changes": {"request_data": {"last_update_ts": 0}}, "enable_iocs": {"request_data": ["a"]}}
    replies = [client.send(call, bodies[call]) for call in calls]
    assert [reply.status_code for reply in replies] == [200] * 10 + [429] * 2
    assert replies[-1].json()["reply"]["err_msg"] == "Too many requests" and "Retry-After" not in replies[-1].headers


def test_tenant_limit_rejects_new_rules_and_takes_updates(xdr: Start) -> None:
    client = xdr(tenant_limit=2)
    assert client.insert(domain("a.example"), domain("b.example")) == []
    errors = client.insert(domain("c.example"), domain("a.example", severity="LOW"))
    assert [error["indicator"] for error in errors] == ["c.example"] and "limit of 2" in errors[0]["error"]
    assert client.dump()["a.example"]["RULE_SEVERITY"] == "SEV_020_LOW"
    edit(client, indicator="a.example", delete=True)
    assert client.insert(domain("c.example")) == []


def test_changes_hide_own_writes_until_someone_else_touches_them(xdr: Start) -> None:
    client = xdr()
    client.insert(domain("own.example"), domain("edited.example"))
    client.insert(domain("other.example"), headers={})
    edit(client, indicator="edited.example", severity="LOW")
    assert {row["RULE_INDICATOR"] for row in client.changes()} == {"edited.example", "other.example"}
    client.insert(domain("edited.example"))
    assert {row["RULE_INDICATOR"] for row in client.changes()} == {"other.example"}


def test_changes_show_own_writes_when_told(xdr: Start) -> None:
    client = xdr(own_writes="show")
    client.insert(domain())
    assert [row["RULE_INDICATOR"] for row in client.changes()] == ["bad.example"]


def test_changes_since_is_inclusive(xdr: Start) -> None:
    client = xdr(own_writes="show")
    client.insert(domain())
    assert [len(client.changes(since)) for since in (NOW_MS - 1, NOW_MS, NOW_MS + 1)] == [1, 1, 0]
    assert client.changes(2**63) == [] and len(client.changes(-5)) == 1


@pytest.mark.parametrize(("mode", "seen"), [("show", [1]), ("hide", [])])
def test_changes_deleted_rules_by_mode(xdr: Start, mode: str, seen: list[int]) -> None:
    client = xdr(deleted=mode)
    client.insert(domain())
    edit(client, indicator="bad.example", delete=True)
    assert [row["MARKED_DELETED"] for row in client.changes()] == seen


def test_changes_order_is_by_time_or_without_meaning(xdr: Start) -> None:
    now = [NOW]
    for order in ("modified", "random"):
        client = xdr(clock=lambda: now[0], changes_order=order, own_writes="show")
        for number in range(30):
            now[0] += 1
            client.insert(domain(f"d{29 - number}.example"))
        times = [row["RULE_MODIFY_TIME"] for row in client.changes(int(now[0] - 9) * 1000)]
        assert len(times) == 10 and (times == sorted(times)) is (order == "modified")


def test_changes_many_rows_are_all_there_once(xdr: Start) -> None:
    client = xdr(own_writes="show")
    client.admin("seed", {"generate": {"count": 4_321}})
    client.admin("seed", {"generate": {"count": 10, "first": 5_000}, "own": False})
    rows = client.changes()
    assert len({row["RULE_ID"] for row in rows}) == len(rows) == 4_331
    assert client.emulator.requests.latest(1)[0].records == 4_331


def test_enable_and_disable_switch_known_rules_and_ignore_the_rest(xdr: Start) -> None:
    now = [NOW]
    client = xdr(clock=lambda: now[0])
    client.insert(domain("a.example"), domain("b.example", status="DISABLED"))
    now[0] += 1
    reply = client.send("disable_iocs", {"request_data": ["a.example", "b.example", "unknown.example"]})
    assert reply.json() == {"reply": {"success": True}}
    rows = client.dump()
    assert [(rows[v]["RULE_STATUS"], rows[v]["RULE_MODIFY_TIME"]) for v in ("a.example", "b.example")] == [
        ("DISABLED", NOW_MS + 1_000),
        ("DISABLED", NOW_MS),
    ]
    client.send("enable_iocs/", {"request_data": ["a.example"]})
    assert client.dump()["a.example"]["RULE_STATUS"] == "ENABLED"
    assert set(rows) == {"a.example", "b.example"}


def test_sync_replaces_just_the_xsoar_set(xdr: Start) -> None:
    client = xdr()
    client.insert(domain("old.example"), domain("kept.example", status="DISABLED"))
    client.insert(domain("public.example"), headers={})
    lines = '{"indicator":"kept.example","type":"DOMAIN_NAME","severity":"LOW"}\n\n'
    lines += '{"indicator":"new.example","type":"DOMAIN_NAME","severity":"LOW"}\n'
    lines += '{"indicator":"not an ip","type":"IP","severity":"LOW"}'
    assert client.upload("sync_tim_iocs", lines).json() == {"reply": {"success": True}}
    assert client.living() == {"kept.example", "new.example", "public.example"}
    rows = client.dump()
    assert (rows["kept.example"]["RULE_STATUS"], rows["kept.example"]["RULE_SEVERITY"]) == ("DISABLED", "SEV_020_LOW")
    assert client.upload("sync_tim_iocs", "").status_code == 200
    assert client.living() == {"public.example"}
    assert client.admin("count")["rules"] == 1


def test_sync_broken_line_changes_nothing(xdr: Start) -> None:
    client = xdr()
    client.insert(domain())
    reply = client.upload("sync_tim_iocs", '{"indicator":"n.example","type":"DOMAIN_NAME","severity":"LOW"}\n{"indi')
    assert reply.status_code == 400 and "line 2" in reply.json()["reply"]["err_msg"]
    assert client.living() == {"bad.example"}
    assert client.insert(domain("after.example")) == []
    assert client.admin("count")["rules"] == 2


def test_keep_deletes_unlisted_xsoar_rules_and_refuses_an_empty_file(xdr: Start) -> None:
    client = xdr()
    client.insert(domain("a.example"), domain("b.example"))
    client.insert(domain("public.example"), headers={})
    assert client.upload("iocs_to_keep", "").status_code == 400
    assert client.upload("iocs_to_keep", "b.example", part="upload").status_code == 400
    assert client.living() == {"a.example", "b.example", "public.example"}
    assert client.upload("iocs_to_keep/", "b.example\nunknown.example\n").json() == {"reply": {"success": True}}
    assert client.living() == {"b.example", "public.example"}
    assert client.upload("iocs_to_keep", " ").status_code == 200
    assert client.living() == {"public.example"}


def test_get_pages_through_filtered_rules(xdr: Start) -> None:
    client = xdr()
    client.insert(*(domain(f"{n:03}.example", severity="LOW" if n % 2 else "HIGH") for n in range(250)))
    filters = [{"field": "severity", "operator": "EQ", "value": "SEV_020_LOW"}]
    pages = [
        client.send("get", {"request_data": {"filters": filters, "search_from": n, "search_to": n + 100}}).json()
        for n in (0, 100)
    ]
    assert [page["objects_count"] for page in pages] == [100, 25]
    found = [row["indicator"] for page in pages for row in page["objects"]]
    assert found == [f"{n:03}.example" for n in range(1, 250, 2)]


@pytest.mark.parametrize(
    ("field", "operator", "value", "found"),
    [
        ("indicator", "IN", ["a.example", "c.example", "none"], ["a.example", "c.example"]),
        ("indicator", "IN", [], []),
        ("indicator", "NEQ", "a.example", ["b.example", "c.example"]),
        ("rule_id", "GTE", 2, ["b.example", "c.example"]),
        ("rule_id", "LTE", 1, ["a.example"]),
        ("status", "EQ", "DISABLED", ["b.example"]),
        ("source", "EQ", "XSOAR TIM", ["a.example", "b.example"]),
        ("type", "EQ", "HASH", []),
        ("reputation", "IN", ["BAD", "GOOD"], ["b.example"]),
        ("expiration_date", "GTE", NOW_MS, ["b.example"]),
        ("creation_time", "LTE", NOW_MS - 1, []),
        ("comment", "EQ", "", ["a.example", "b.example", "c.example"]),
        ("number_of_issues", "GTE", 1, ["b.example"]),
    ],
)
def test_get_filter_selects(xdr: Start, field: str, operator: str, value: object, found: list[str]) -> None:
    client = xdr()
    client.insert(domain("a.example"))
    client.insert(domain("b.example", status="DISABLED", reputation="BAD", expiration_date=NOW_MS + 9))
    client.insert(domain("c.example"), domain("deleted.example"), headers={})
    edit(client, indicator="b.example", hits=3)
    edit(client, indicator="deleted.example", delete=True)
    filters = [{"field": field, "operator": operator, "value": value}]
    reply = client.send("get", {"request_data": {"filters": filters}}).json()
    assert [row["indicator"] for row in reply["objects"]] == found


def test_get_extended_view_has_all_keys_and_the_plain_one_fewer(xdr: Start) -> None:
    client = xdr()
    client.insert(domain(), headers={})
    wanted = {
        "rule_id": 1, "indicator": "bad.example", "type": "DOMAIN_NAME", "severity": "SEV_040_HIGH",
        "expiration_date": -1, "default_expiration_enabled": True, "comment": "", "reputation": "UNKNOWN",
        "reliability": "",
    }  # fmt: skip
    extended = {
        "creation_time": NOW_MS, "modification_time": NOW_MS, "status": "ENABLED", "source": PUBLIC,
        "number_of_issues": 0,
    }  # fmt: skip
    plain = client.send("get", {"request_data": {}}).json()
    assert plain == {"objects_count": 1, "objects_type": "indicator", "objects": [wanted]}
    assert client.send("get", {"request_data": {"extended_view": True}}).json()["objects"] == [{**wanted, **extended}]


def test_insert_object_adds_then_updates_by_id(xdr: Start) -> None:
    client = xdr(object_replies="wrapped")
    added = client.send("insert", {"request_data": [OBJECT]}, {}).json()["reply"]
    assert ([row["id"] for row in added["added_objects"]], added["updated_objects"], added["errors"]) == ([1], [], [])
    update = {**OBJECT, "rule_id": 1, "indicator": "renamed.example", "severity": "SEV_020_LOW", "comment": "x"}
    changed = client.send("insert", {"request_data": [update]}, {}).json()["reply"]
    assert [row["id"] for row in changed["updated_objects"]] == [1]
    (row,) = client.dump().values()
    assert (row["RULE_ID"], row["RULE_INDICATOR"], row["RULE_SEVERITY"]) == (1, "renamed.example", "SEV_020_LOW")


def test_insert_object_for_existing_value_is_400_and_changes_nothing(xdr: Start) -> None:
    client = xdr()
    client.insert(domain())
    new = {**OBJECT, "indicator": "new.example"}
    reply = client.send("insert", {"request_data": [new, OBJECT]})
    assert (reply.status_code, reply.json()["reply"]["err_msg"]) == (400, "IOC indicator exists")
    assert client.living() == {"bad.example"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "IP"}, "mismatch"),
        ({"type": "URL"}, "Got type: URL"),
        ({"severity": "HIGH"}, "Severity HIGH"),
        ({"severity": "SEV_090_UNKNOWN"}, "Severity SEV_090_UNKNOWN"),
        ({"reputation": "?"}, "Reputation"),
        ({"reliability": "G"}, "Reliability"),
        ({"default_expiration_enabled": False, "expiration_date": 5}, "in the past"),
        ({"rule_id": 99}, "no indicator rule with id 99"),
        ({"rule_id": 2**63}, "no indicator rule"),
    ],
)
def test_insert_object_with_bad_value_is_an_error_with_its_index(
    xdr: Start, change: dict[str, Any], words: str
) -> None:
    client = xdr()
    good = {**OBJECT, "indicator": "good.example"}
    reply = client.send("insert", {"request_data": [good, {**OBJECT, **change}]}).json()
    assert [error["index"] for error in reply["errors"]] == [1] and words in reply["errors"][0]["status"]
    assert client.living() == {"good.example"}


def test_delete_marks_rules_and_absent_ones_are_no_error(xdr: Start) -> None:
    client = xdr()
    client.insert(domain("a.example"), domain("b.example"))

    def delete(value: str) -> Any:
        filters = [{"field": "indicator", "operator": "EQ", "value": value}]
        return client.send("delete", {"request_data": {"filters": filters}}, {}).json()

    assert delete("a.example") == {"objects_count": 1, "objects": [1]}
    assert delete("a.example") == {"objects_count": 0, "objects": []}
    assert client.living() == {"b.example"}
    assert [row["MARKED_DELETED"] for row in client.changes()] == [1]


def test_edit_changes_what_it_names_and_shows_up_in_changes(xdr: Start) -> None:
    now = [NOW]
    client = xdr(clock=lambda: now[0])
    client.insert(domain("a.example", comment=["mine"]), domain("b.example"))
    now[0] += 1
    change = {"severity": "UNKNOWN", "status": "DISABLED", "expiration_date": 5, "reputation": "GOOD", "hits": 5000}
    assert client.admin("edit", [{"indicator": "a.example", **change}, {"indicator": "b.example"}]) == {"edited": 2}
    row, other = client.changes()
    assert (row["RULE_SEVERITY"], row["RULE_STATUS"], row["REPUTATION"]) == ("SEV_090_UNKNOWN", "DISABLED", "GOOD")
    assert (row["RULE_EXPIRATION_TIME"], row["NUMBER_OF_HITS"], row["RULE_COMMENT"]) == (5, 5000, "mine")
    assert (other["RULE_MODIFY_TIME"], other["RULE_SEVERITY"]) == (NOW_MS + 1_000, "SEV_040_HIGH")


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        ({"indicator": "none.example"}, 404),
        ({"indicator": "a.example", "severity": "SEV_040_HIGH"}, 400),
        ({"indicator": "a.example", "expiration_date": "soon"}, 400),
        ({"indicator": "a.example", "colour": "red"}, 400),
    ],
)
def test_edit_with_one_wrong_changes_nothing(xdr: Start, bad: dict[str, Any], status: int) -> None:
    client = xdr()
    client.insert(domain("a.example"))
    edits = [{"indicator": "a.example", "comment": "x"}, bad]
    reply = requests.post(f"{client.emulator.admin}/edit", json=edits, timeout=5)
    assert reply.status_code == status
    assert client.dump()["a.example"]["RULE_COMMENT"] == "" and client.changes() == []


def test_seed_puts_rules_under_a_source_and_refuses_bad_ones(xdr: Start) -> None:
    client = xdr()
    assert client.admin("seed", {"indicators": [domain()], "source": "Feed", "own": False}) == {"rules": 1}
    assert client.dump()["bad.example"]["RULE_SOURCE"] == "Feed" and len(client.changes()) == 1
    bad = {"indicators": [domain("new.example"), domain("no domain")]}
    assert requests.post(f"{client.emulator.admin}/seed", json=bad, timeout=5).status_code == 400
    assert client.living() == {"bad.example"}


def test_count_tells_types_statuses_and_sources(xdr: Start) -> None:
    client = xdr()
    client.admin("seed", {"generate": {"count": 10}})
    client.insert(domain("d.example", status="DISABLED"), domain("gone.example"), headers=FROM_XSOAR)
    edit(client, indicator="gone.example", delete=True)
    wanted = {
        "rules": 11,
        "deleted": 1,
        "by_type": {"HASH": 2, "IP": 2, "PATH": 2, "DOMAIN_NAME": 3, "FILENAME": 2},
        "by_status": {"ENABLED": 10, "DISABLED": 1},
        "by_source": {"XSOAR TIM": 11},
    }
    count = client.admin("count")
    assert {name: count[name] for name in wanted} == wanted


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "reset", "when": "before"}])
def test_fault_before_takes_nothing_and_after_takes_all(xdr: Start, fault: dict[str, Any]) -> None:
    client = xdr()
    for when, left in (("before", set()), ("after", {"bad.example"})):
        client.admin("faults", {**fault, "when": when, "path": "*/tim_insert_jsons*", "count": 1})
        try:
            assert client.send("tim_insert_jsons/", {"request_data": [domain()]}).status_code == 500
        except requests.ConnectionError:
            assert fault["kind"] == "reset"
        assert client.living() == left


def test_fault_duplicate_changes_nothing_beyond_the_first(xdr: Start) -> None:
    client = xdr()
    client.admin("faults", {"kind": "duplicate"})
    assert client.insert(domain()) == []
    assert client.upload("sync_tim_iocs", '{"indicator":"n.example","type":"DOMAIN_NAME","severity":"LOW"}').ok
    assert client.living() == {"n.example"}
