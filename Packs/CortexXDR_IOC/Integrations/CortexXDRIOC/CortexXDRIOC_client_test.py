"""The calls of the API, what their replies may look like, requests that XDR refuses whole, and replies of any size."""

import io
import json
import sys
import tempfile
from array import array
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from CortexXDRIOC import (
    ChangeSpool,
    Delivery,
    PagePlan,
    XDRBadRequestError,
    XDRConfigError,
    XDRRetryError,
    json_rows,
    read_text,
    row_time,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import Api, Clock


@pytest.fixture
def api() -> Api:
    return Api(Clock().timing(), source_headers={"x-iocs-source": "xsoar"})


def plan(count: int, **more: Any) -> PagePlan:
    records = [{"indicator": f"v{number}", "type": "IP"} for number in range(count)]
    return PagePlan(records, more.get("enable", []), [], {}, 0)


# ---- calls


def test_insert_asks_for_the_list_of_rejects_and_names_its_source(api: Api) -> None:
    assert api.insert([{"indicator": "a"}]).errors == []
    (seen,) = api.seen
    assert seen["full_url"] == "https://api-tenant.example/public_api/v1/indicators/tim_insert_jsons/"
    assert json.loads(seen["data"]) == {"request_data": [{"indicator": "a"}], "validate": True}
    assert seen["headers"]["x-iocs-source"] == "xsoar"


@pytest.mark.parametrize(
    ("reply", "errors"),
    [
        ({"success": True, "validation_errors": [{"indicator": "a", "error": "no"}]}, [("a", "no")]),
        ({"success": True, "validation_errors": []}, []),
        ({"success": True, "validation_errors": None}, []),
        ({"success": True}, []),
        ({"success": True, "validation_errors": [None, "odd", {"indicator": "a", "error": None}]}, [("a", "None")]),
        ({"success": True, "validation_errors": [{"error": "no"}]}, [("(unnamed)", "no")]),
        ({"success": True, "validation_errors": 5}, []),
        ({"success": True, "validation_errors": {"a": "no"}}, []),
        ({}, []),
        (None, []),
        (True, []),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_insert_takes_every_shape_of_reply(api: Api, reply: Any, errors: list[Any], wrapped: bool) -> None:
    api.answers["tim_insert_jsons"] = [(200, {"reply": reply} if wrapped else reply)]
    assert api.insert([{"indicator": "a"}]).errors == errors


@pytest.mark.parametrize("wrapped", [True, False])
def test_success_that_is_false_is_a_failure_of_every_call(api: Api, wrapped: bool) -> None:
    reply = {"success": False, "error": "database is read-only"}
    for path in ("tim_insert_jsons", "enable_iocs", "disable_iocs", "sync_tim_iocs"):
        api.answers[path] = [(200, {"reply": reply} if wrapped else reply)]
    calls = [
        lambda: api.insert([]),
        lambda: api.set_status(["a"], enabled=True),
        lambda: api.set_status(["a"], enabled=False),
        lambda: api.upload("indicators/sync_tim_iocs/", lambda out: None),
    ]
    for call in calls:
        with pytest.raises(XDRRetryError, match="database is read-only"):
            call()


@pytest.mark.parametrize(("enabled", "path"), [(True, "enable_iocs"), (False, "disable_iocs")])
def test_status_is_set_by_value(api: Api, enabled: bool, path: str) -> None:
    api.set_status(["a", "b"], enabled)
    (seen,) = api.seen
    assert seen["full_url"].endswith(f"/indicators/{path}")
    assert json.loads(seen["data"]) == {"request_data": ["a", "b"]}


def test_upload_is_one_file_part_sent_again_whole_after_a_failure(api: Api) -> None:
    api.answers["sync_tim_iocs"] = [(500, {}), (200, {"reply": {"success": True}})]
    written: list[int] = []

    def write(out: Any) -> None:
        written.append(out.write(b'{"indicator": "a"}\n'))

    api.upload("indicators/sync_tim_iocs/", write)
    first, second = api.seen
    assert first["data"] == second["data"] and len(written) == 1
    boundary = first["headers"]["Content-Type"].removeprefix("multipart/form-data; boundary=")
    assert (
        first["data"]
        == (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="iocs.json"\r\n'
            'Content-Type: application/json\r\n\r\n{"indicator": "a"}\n\r\n'
            f"--{boundary}--\r\n"
        ).encode()
    )


def test_changes_are_asked_for_since_a_moment_and_come_in_order(api: Api) -> None:
    rows = [{"RULE_INDICATOR": str(moment), "RULE_MODIFY_TIME": moment} for moment in (5, 1, 3)]
    api.answers["get_changes"] = [(200, {"reply": rows})]
    spool = api.changes(1)
    assert [row["RULE_MODIFY_TIME"] for window in spool.windows() for row in window] == [1, 3, 5]
    spool.close()
    assert json.loads(api.seen[0]["data"]) == {"request_data": {"last_update_ts": 1}}


@pytest.mark.parametrize("torn", [b'{"reply": [{"a": 1}', b"<html>", b"", b'{"reply": {"error": 1}}'])
def test_changes_that_break_off_are_asked_for_again_and_then_fail(api: Api, torn: bytes) -> None:
    api.answers["get_changes"] = [(200, torn), (200, {"reply": []})]
    api.changes(1).close()
    assert len(api.seen) == 2
    api.answers["get_changes"] = [(200, torn)]
    with pytest.raises(XDRRetryError, match="broke off"):
        api.changes(1)


# ---- requests that XDR refuses whole


def test_delivery_cuts_what_is_too_large_and_remembers_what_fits(api: Api) -> None:
    def answer(path: str, limit: int = 3) -> None:
        request, kept = api._http_request, api.answers

        def limited(method: str, **more: Any) -> requests.Response:
            count = len(json.loads(more["data"])["request_data"])
            kept[path] = [(413, {"reply": {"err_msg": "too large"}}) if count > limit else (200, {"success": True})]
            return request(method, **more)

        api._http_request = limited  # type: ignore[method-assign]

    answer("tim_insert_jsons")
    delivery = Delivery(api, 16)
    assert delivery.send(plan(16)) == []
    assert delivery.largest == 2
    taken = [records for records in api.records() if len(records) <= 3]
    assert [record["indicator"] for records in taken for record in records] == [f"v{n}" for n in range(16)]
    before = len(api.seen)
    delivery.send(plan(4))
    assert len(api.seen) == before + 2


def bad_records(api: Api, *bad: str) -> None:
    """XDR answers 400 to every request that holds one of these."""
    request = api._http_request

    def picky(method: str, **more: Any) -> requests.Response:
        values = {record["indicator"] for record in json.loads(more["data"])["request_data"]}
        status = 400 if values & set(bad) else 200
        api.answers["tim_insert_jsons"] = [(status, {"reply": {"success": True, "err_msg": "mismatch"}})]
        return request(method, **more)

    api._http_request = picky  # type: ignore[method-assign]


@pytest.mark.parametrize("bad", [["v0"], ["v7"], ["v3", "v4"], ["v0", "v7"]])
def test_delivery_finds_the_records_for_which_a_whole_request_is_refused(api: Api, bad: list[str]) -> None:
    bad_records(api, *bad)
    refused = Delivery(api).send(plan(8))
    assert [(value, kind) for value, kind, _ in refused] == [(value, "IP") for value in bad]
    assert all("mismatch" in reason for _, _, reason in refused)
    good = {
        r["indicator"] for records in api.records() for r in records if not {x["indicator"] for x in records} & {*bad}
    }
    assert good == {f"v{n}" for n in range(8)} - set(bad)


@pytest.mark.parametrize("count", [2, 5, 4000])
def test_delivery_to_an_api_that_refuses_everything_gives_up_instead_of_setting_all_aside(api: Api, count: int) -> None:
    api.answers["tim_insert_jsons"] = [(400, {"reply": {"err_msg": "no such format"}})]
    with pytest.raises(XDRBadRequestError, match="no such format"):
        Delivery(api).send(plan(count))
    assert len(api.seen) <= 200


def test_delivery_enables_after_the_insert_and_only_what_was_taken(api: Api) -> None:
    errors = [{"indicator": "V1", "error": "no"}]
    api.answers["tim_insert_jsons"] = [(200, {"reply": {"success": True, "validation_errors": errors}})]
    assert Delivery(api).send(plan(3, enable=["v1", "v2"])) == [("v1", "IP", "no")]
    assert [one["full_url"].rpartition("/")[2] for one in api.seen] == ["", "enable_iocs"]
    assert json.loads(api.seen[1]["data"]) == {"request_data": ["v2"]}


def test_delivery_of_nothing_asks_nothing(api: Api) -> None:
    assert Delivery(api).send(plan(0)) == []
    assert not api.seen


def test_refused_key_stops_a_delivery_at_once(api: Api) -> None:
    api.answers["tim_insert_jsons"] = [(403, {"reply": {"err_msg": "forbidden"}})]
    with pytest.raises(XDRConfigError):
        Delivery(api, 2).send(plan(8))
    assert len(api.seen) == 1


# ---- replies of any size


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
ROWS = st.lists(st.fixed_dictionaries({"RULE_MODIFY_TIME": st.integers(0, 9), "RULE_COMMENT": TEXT}), max_size=25)


def spool_of(rows: list[Any], **more: Any) -> ChangeSpool:
    body = io.BytesIO(json.dumps({"reply": rows}, **more).encode())
    return ChangeSpool(body, array("q", (row_time(row) for row in json_rows(body))))


@hypothesis_settings(max_examples=150, deadline=None)
@given(rows=ROWS, size=st.integers(1, 30))
def test_windows_are_complete_in_order_and_keep_equal_times_together(rows: list[dict[str, Any]], size: int) -> None:
    windows = list(spool_of(rows).windows(size))
    given_out = [row for window in windows for row in window]
    times = [row["RULE_MODIFY_TIME"] for row in given_out]
    assert times == sorted(times)
    assert sorted(map(json.dumps, given_out)) == sorted(map(json.dumps, rows))
    for earlier, later in pairwise(windows):
        assert earlier[-1]["RULE_MODIFY_TIME"] < later[0]["RULE_MODIFY_TIME"]
    for window in windows:
        largest = max(times.count(row["RULE_MODIFY_TIME"]) for row in window)
        assert 0 < len(window) < size + largest


@hypothesis_settings(max_examples=150, deadline=None)
@given(rows=ROWS, chunk=st.integers(11, 40), ascii_only=st.booleans(), indent=st.sampled_from([None, 1]))
def test_rows_are_read_whole_whatever_the_pieces(
    rows: list[dict[str, Any]], chunk: int, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(rows, ensure_ascii=ascii_only, indent=indent)
    for body in (text, f'{{"reply":{text}}}'):
        assert list(json_rows(io.BytesIO(body.encode()), chunk)) == rows


@given(text=st.text(st.characters(codec="utf-8")), chunk=st.integers(1, 9))
def test_text_in_pieces_is_the_text(text: str, chunk: int) -> None:
    assert "".join(read_text(io.BytesIO(text.encode()), chunk)) == text


def test_body_torn_at_any_byte_is_an_error() -> None:
    rows = [{"RULE_COMMENT": 'quote " bracket ] brace } é € 𝄞', "n": 12.5}, {"list": [1, {"a": None}]}]
    body = json.dumps({"reply": rows}, ensure_ascii=False).encode()
    assert list(json_rows(io.BytesIO(body))) == rows
    for cut in range(body.rindex(b"]")):
        with pytest.raises(ValueError, match=r"list of IOCs|utf-8"):
            list(json_rows(io.BytesIO(body[:cut]), 16))


@pytest.mark.parametrize("body", [b"null", b'{"reply": null}', b'{"error": "x"}', b"5", b"\xff\xfe[", b'"[]"'])
def test_body_that_is_no_list_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"list of IOCs|utf-8"):
        list(json_rows(io.BytesIO(body)))


def test_what_is_no_row_in_the_list_is_left_out() -> None:
    assert list(json_rows(io.BytesIO(b'[1, "text", null, [], {"a": 1}, true]'))) == [{"a": 1}]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(5, 5), (5.9, 5), (None, 0), ("5", 0), (-1, 0), (10**30, 0), (float("nan"), 0), (float("inf"), 0), ([], 0)],
)
def test_time_of_a_row_is_a_number_or_the_beginning(value: Any, wanted: int) -> None:
    assert row_time({"RULE_MODIFY_TIME": value}) == wanted
    assert row_time({}) == 0


def test_received_reply_lies_on_disk_and_is_closed_when_it_is_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    real = tempfile.TemporaryFile

    def recorded(*args: Any, **more: Any) -> Any:
        opened.append(real(*args, **more))
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", recorded)
    for body in (b'[{"RULE_MODIFY_TIME": 1}, {"RULE_MODIFY_TIME": 2}]', b'[{"RULE_MODIFY_TIME": 1}, '):
        response = requests.Response()
        response.raw = io.BytesIO(body)
        try:
            spool = ChangeSpool.receive(response)
        except ValueError:
            assert opened[-1].closed
            continue
        assert opened[-1] is spool.body and not spool.body.closed
        next(spool.windows(1))
        spool.close()
    assert all(file.closed for file in opened) and len(opened) == 4


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize(("ids", "deleted"), [([42], True), ([], False)])
def test_delete_names_one_value_and_tells_whether_it_was_there(
    api: Api, ids: list[int], deleted: bool, wrapped: bool
) -> None:
    reply = {"objects_count": len(ids), "objects": ids}
    api.answers["delete"] = [(200, {"reply": reply} if wrapped else reply)]
    assert api.delete("bad.example") is deleted
    wanted = {"filters": [{"field": "indicator", "operator": "EQ", "value": "bad.example"}]}
    assert json.loads(api.seen[0]["data"]) == {"request_data": wanted}


def test_delete_without_a_list_in_the_reply_is_not_taken_for_done(api: Api) -> None:
    api.answers["delete"] = [(200, {"reply": True})]
    with pytest.raises(XDRRetryError, match="without a list of objects"):
        api.delete("bad.example")


def test_delete_on_a_tenant_without_the_call_says_so(api: Api) -> None:
    api.answers["delete"] = [(404, {"reply": {"err_msg": "no such thing"}})]
    with pytest.raises(XDRConfigError, match="does not offer the call indicators/delete"):
        api.delete("bad.example")
