"""30 known defects of existing software that does this job: none of them may be here."""

import ast
import inspect
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import CortexXDRIOC
import demistomock as demisto
import pytest
from CortexXDRIOC import (
    BATCH_SIZE,
    LOOKUP_SLICE,
    MAX_REQUEST_SIZE,
    VERSIONED_STATE_KEY,
    DemistoException,
    FileSpot,
    RejectedRecordError,
    Settings,
    XDRBadRequestError,
    XDRConfigError,
    XDRRetryError,
    epoch_ms,
    fetch_indicators_command,
    last_comment,
    main,
    outgoing,
    plan_inbound,
    plan_page,
    run_command,
    settings_from_params,
    xdr_expiration,
    xdr_record,
    xdr_type,
)

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import PARAMS, Api, WarRoom, World, busy, settings

FOLDER = Path(__file__).parent
NOW = epoch_ms("2026-01-01T00:00:00Z")


def fetch(world: World, **more: Any) -> None:
    fetch_indicators_command(world.sync(**more))


def run(world: World, command: str, client: Any = None, spot: FileSpot | None = None, **args: Any) -> Any:
    return run_command(command, world.sync(client=client), args, lambda: spot or pytest.fail("no file was wanted"))


def ioc(**more: Any) -> dict[str, Any]:
    return {"id": "7", "value": "1.2.3.4", "indicator_type": "IP", "score": 3, "CustomFields": {}, **more}


def row(**more: Any) -> dict[str, Any]:
    known = {"RULE_INDICATOR": "1.2.3.4", "IOC_TYPE": "IP", "RULE_MODIFY_TIME": NOW, "RULE_STATUS": "ENABLED"}
    return {**known, "RULE_SEVERITY": "SEV_040_HIGH", "REPUTATION": "BAD", "RULE_EXPIRATION_TIME": -1, **more}


@pytest.fixture
def spot(tmp_path: Path) -> FileSpot:
    return FileSpot(str(tmp_path / "file"), lambda name: {"File": name})


def lines(spot: FileSpot) -> list[str]:
    return Path(spot.path).read_text(encoding="utf-8").split("\n")[:-1]


# ---- loss and standstill


def test_defect_01_cursor_is_stored_only_after_the_request_was_accepted() -> None:
    """Ours: the cursor follows each request, in the order in which they were read."""
    world = World(max_requests_in_flight="1")
    world.add_many(12)
    world.xdr.insert_fails = [busy()]
    with pytest.raises(DemistoException):
        fetch(world)
    assert (world.xsoar.state()["bulk"]["done"], world.xsoar.state()["bulk"]["after"]) == (0, None)
    fetch(world)
    world.xsoar.add("10.4.4.4", tick=100)
    edge = world.xsoar.state()["fresh"]["edge"]
    world.xdr.insert_fails = [busy()]
    with pytest.raises(DemistoException):
        fetch(world)
    assert world.xsoar.state()["fresh"]["edge"] == edge
    fetch(world)
    assert world.xdr.rules.keys() == {doc["value"] for doc in world.xsoar.docs.values()}


def test_defect_02_one_bad_record_stops_neither_the_others_nor_the_other_direction() -> None:
    """Ours: it is set aside with its reason, shown by a command, and tried again when it changes."""
    world = World(override_severity="false", xsoar_comments_field="notes")
    bad = {"sourceoriginalseverity": "very high"}
    world.xsoar.add("10.0.0.1", CustomFields=bad)
    world.xsoar.add("10.0.0.2", CustomFields={"notes": ["a", "list"]})
    world.xsoar.add("10.0.0.3", CustomFields=None, comments=None, moduleToFeedMap=None)
    world.xsoar.add("10.0.0.4", CustomFields={"threattypes": [5]}, aggregatedReliability=7)
    world.xsoar.add("10.0.0.5")
    world.xdr.operate("203.0.113.1")
    fetch(world)
    assert {"10.0.0.2", "10.0.0.3", "10.0.0.5"} <= world.xdr.rules.keys()
    assert world.xsoar.by_value("203.0.113.1")
    rejects = {entry["indicator"]: entry["reason"] for entry in run(world, "xdr-iocs-rejects").outputs}
    assert rejects.keys() == {"10.0.0.1", "10.0.0.4"} and "very high" in rejects["10.0.0.1"]
    world.xsoar.feed("10.0.0.1", sourceoriginalseverity="low")
    fetch(world)
    assert world.xdr.rules["10.0.0.1"]["severity"] == "LOW"


def test_defect_03_changes_that_xsoar_did_not_take_come_again() -> None:
    """Ours: the cursor of this direction is stored after the indicators were created; unknown codes are set aside."""
    world = World()
    world.xdr.operate("203.0.113.1", severity="SEV_777")
    world.xdr.operate("203.0.113.2")
    world.xsoar.create_fails = [DemistoException("XSOAR is busy")]
    with pytest.raises(DemistoException, match="XSOAR is busy"):
        fetch(world)
    before = world.xsoar.state()["inbound"]["ts"]
    assert before < world.xdr.rules["203.0.113.1"]["t"]
    fetch(world)
    assert world.xsoar.by_value("203.0.113.2")
    assert "203.0.113.1" in world.xsoar.state()["rejects"]


def test_defect_04_newest_of_an_unsorted_reply_is_its_maximum() -> None:
    world = World()
    times = [NOW + number * 120_000 for number in (3, 9, 1, 5)]
    rows = [row(RULE_INDICATOR=f"203.0.113.{n}", RULE_MODIFY_TIME=moment) for n, moment in enumerate(times)]
    world.sync().take(rows, 0)
    assert world.xsoar.state()["inbound"]["ts"] == max(times)
    api = Api(world.clock.timing())
    api.answers["get_changes"] = [(200, {"reply": rows})]
    world.sync(client=api).pull()
    assert world.xsoar.state()["inbound"]["ts"] == max(times)
    assert len(world.xsoar.docs) == 4


def test_defect_05_files_hold_everything_and_move_no_cursor(spot: FileSpot) -> None:
    world = World()
    values = world.add_many(9)
    fetch(world)
    context = world.xsoar.context
    run(world, "xdr-iocs-create-sync-file", spot=spot, zip="false", set_time="false")
    assert sorted(json.loads(line)["indicator"] for line in lines(spot)) == sorted(values)
    run(world, "xdr-iocs-to-keep-file", spot=spot)
    assert sorted(lines(spot)) == sorted(values)
    assert world.xsoar.context == context


def test_defect_06_every_path_uses_the_sync_query_of_the_parameters(spot: FileSpot) -> None:
    world = World(query="tags:mine and reputation:Bad")
    world.add_many(2)
    run(world, "xdr-iocs-create-sync-file", spot=spot)
    run(world, "xdr-iocs-to-keep-file", spot=spot)
    run(world, "xdr-iocs-sync", Api(world.clock.timing()), firstTime="true")
    fetch(world)
    asked = [search["query"] for search in world.xsoar.searches]
    assert len(asked) > 5
    assert all("(tags:mine and reputation:Bad)" in query for query in asked)


@pytest.mark.parametrize("command", ["xdr-iocs-to-keep-file", "xdr-iocs-create-sync-file"])
def test_defect_07_file_before_the_first_fetch_does_not_keep_the_first_sync_away(spot: FileSpot, command: str) -> None:
    world = World()
    world.add_many(5)
    run(world, command, spot=spot)
    fetch(world)
    assert len(world.xdr.rules) == 5
    assert world.xsoar.state()["bulk"]["done"] == 5


def test_defect_08_page_without_a_position_ends_the_walk() -> None:
    """Ours goes on by time where it can and says so where it cannot."""
    world = World()
    world.add_many(10)
    world.xsoar.gives_position = False
    fetch(world)
    assert len(world.xdr.rules) == 10
    assert len(world.xsoar.searches) < 12
    world.xsoar.docs.clear()
    for number in range(MAX_REQUEST_SIZE + 1):
        world.xsoar.add(f"::{number:x}", "IPv6", tick=0)
    before = len(world.xsoar.searches)
    with pytest.raises(DemistoException, match="listed 4000 of 4001"):
        run(world, "xdr-iocs-to-keep-file", spot=FileSpot(os.devnull, lambda name: {}))
    assert len(world.xsoar.searches) == before + 1


@pytest.mark.parametrize("errors", [{}, {"validation_errors": None}, {"validation_errors": 5}])
def test_defect_09_list_of_rejects_may_be_missing(errors: dict[str, Any]) -> None:
    world = World()
    world.add_many(2)
    api = Api(world.clock.timing())
    api.answers["tim_insert_jsons"] = [(200, {"reply": {"success": True, **errors}})]
    fetch(world, client=api)
    assert run(world, "xdr-iocs-push", api, indicator="10.0.0.0").outputs[0]["status"] == "pushed"
    api.answers["tim_insert_jsons"] = [(200, {"reply": {"success": False, **errors}})]
    with pytest.raises(XDRRetryError):
        run(world, "xdr-iocs-push", api, indicator="10.0.0.0")


def test_defect_09_rejects_of_earlier_requests_are_not_forgotten_when_a_later_one_fails() -> None:
    world = World(max_requests_in_flight="1")
    values = world.add_many(8)
    world.xdr.refuses = {values[-1]: "no"}
    insert = world.xdr.insert
    answers = [insert, None]

    def failing(records: Any) -> Any:
        answer = answers.pop(0)
        if answer is None:
            raise busy()
        return answer(records)

    world.xdr.insert = failing  # type: ignore[method-assign]
    with pytest.raises(DemistoException):
        fetch(world)
    assert world.xsoar.state()["rejects"][values[-1]]["reason"] == "no"


def test_defect_10_overlapping_runs_do_not_overwrite_each_other() -> None:
    """Ours: each change is applied to the newest stored state and written with the version it was read with."""
    world = World(max_requests_in_flight="1")
    world.add_many(12)
    world.xsoar.context, slow = {"other": "kept"}, world.sync()
    insert, once = world.xdr.insert, [True]

    def overtaken(records: Any) -> Any:
        if once:
            once.clear()
            world.xdr.operate("203.0.113.1")
            fetch(world)
        return insert(records)

    world.xdr.insert = overtaken  # type: ignore[method-assign]
    fetch_indicators_command(slow)
    state = world.xsoar.state()
    assert state["inbound"]["ts"] == world.xdr.rules["203.0.113.1"]["t"]
    assert not state["bulk"]["open"] and state["bulk"]["done"] >= 12
    assert world.xsoar.context["other"] == "kept"
    late, edge = world.sync(), state["fresh"]["edge"]

    def change(read: dict[str, Any]) -> dict[str, Any]:
        if read["fresh"]["edge"] == edge:
            world.xsoar.add("10.4.4.4", tick=100)
            fetch(world)
        return {**read, "key_type": "standard"}

    late.state.update(change)
    assert (world.xsoar.state()["key_type"], world.xsoar.state()["fresh"]["edge"] > edge) == ("standard", True)


def test_defect_11_there_is_a_way_to_remove_what_left_the_sync_query() -> None:
    """Ours: a changed query starts the lanes anew, and `xdr-iocs-sync firstTime=true` uploads the whole set, in which
    what expired, was deleted or was judged anew is missing. Nothing is removed on a partial listing.
    """
    world = World()
    world.xsoar.add("10.2.2.2", score=2)
    world.clock.advance(1000)
    world.add_many(3)
    fetch(world)
    world.xsoar.feed("10.0.0.0", score=1)
    del world.xsoar.docs["00003"]
    world.xsoar.edit("10.0.0.2", expiration="2025-01-01T00:00:00Z")
    world.xsoar.matches = lambda doc: doc["score"] >= 2
    wider = World(query="reputation:Bad or reputation:Suspicious")
    wider.xsoar, wider.xdr, wider.clock = world.xsoar, world.xdr, world.clock
    fetch(wider)
    assert "10.2.2.2" in world.xdr.rules
    api = Api(world.clock.timing())
    run(wider, "xdr-iocs-sync", api, firstTime="true")
    body = api.seen[-1]["data"].decode()
    assert "10.2.2.2" in body
    assert not any(gone in body for gone in ("10.0.0.0", "10.0.0.1", "10.0.0.2"))


def test_defect_12_newest_go_first_and_what_is_new_does_not_wait_for_the_first_sync() -> None:
    world = World(max_requests_in_flight="1")
    values = world.add_many(20)
    insert = world.xdr.insert

    def slow(records: Any) -> Any:
        world.clock.advance(6)
        return insert(records)

    world.xdr.insert = slow  # type: ignore[method-assign]
    fetch(world, budget=10)
    assert [record["indicator"] for record in world.xdr.inserted()] == values[:-9:-1]
    world.xsoar.add("10.4.4.4")
    fetch(world, budget=10)
    assert world.xdr.inserted()[8]["indicator"] == "10.4.4.4"
    assert world.xsoar.state()["bulk"]["open"]


# ---- mapping


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("URL", "https://bad.example/x"),
        ("IPv6", "2001:db8::1"),
        ("IP", "2001:db8::1"),
        ("File", "b2" * 20),
        ("CIDR", "10.0.0.0/8"),
        ("Email", "a@bad.example"),
        ("DomainGlob", "*.bad.example"),
        ("ssdeep", "3:a:b"),
    ],
)
def test_defect_13_types_that_xdr_does_not_take_are_not_sent(kind: str, value: str) -> None:
    with pytest.raises(RejectedRecordError):
        xdr_type(kind, value)


def test_defect_14_malformed_record_sends_nothing_and_null_fields_are_harmless() -> None:
    nulls = ioc(CustomFields=None, comments=None, moduleToFeedMap=None, expiration=None, aggregatedReliability=None)
    plan = plan_page([{"id": "9"}, {}, nulls], settings(), NOW)
    assert [record["indicator"] for record in plan.records] == ["1.2.3.4"]
    assert len(plan.rejects) == 2


def test_defect_15_no_comment_erases_nothing_and_the_link_does_not_grow() -> None:
    """Ours: an empty comment is sent only where a person removed one that both sides had."""
    assert "comment" not in xdr_record(ioc(), settings(), NOW)
    linked = settings(xsoar_comments_field="notes,indicator_link")
    current = ioc(CustomFields={"notes": "text"})
    for moment in range(3):
        (comment,) = xdr_record(current, linked, NOW)["comment"]
        assert comment == "text, https://xsoar.example/indicator/7"
        (item,) = plan_inbound([row(RULE_COMMENT=comment, RULE_MODIFY_TIME=NOW + moment)], {}, linked, NOW).items
        current = ioc(CustomFields={"notes": item["fields"]["notes"]})
    as_tags = settings(xsoar_comments_field="tags", comments_as_tags="true")
    assert xdr_record(ioc(CustomFields={"tags": ["a", "b"]}), as_tags, NOW)["comment"] == ["a", "b"]
    assert last_comment("text") == ""


def test_defect_16_rows_become_valid_indicators_or_are_set_aside() -> None:
    """Ours: reliability and vendors stay in the raw data; XSOAR has no field that they could set."""
    rows = [row(IOC_TYPE="PATH", RULE_INDICATOR="C:\\x.exe"), row(IOC_TYPE="FILENAME", RULE_INDICATOR="x.exe")]
    plan = plan_inbound(rows, {}, settings(), NOW)
    assert (len(plan.rejects), plan.items) == (2, [])
    given = row(RULE_SEVERITY="SEV_020_LOW", RULE_EXPIRATION_TIME=None, KLASS="C2", RELIABILITY="B", VENDORS=[{}])
    (item,) = plan_inbound([given], {}, settings(feedTags="one,two"), NOW).items
    fields = item["fields"]
    assert "expirationdate" not in fields and "Never" not in json.dumps(fields)
    assert fields["tags"] == ["one", "two"]
    assert "sourceoriginalseverity" not in fields
    assert fields["threattypes"] == [{"threatcategory": "C2"}]
    assert (item["rawJSON"]["RELIABILITY"], item["rawJSON"]["VENDORS"]) == ("B", [{}])
    (deleted,) = plan_inbound([row(MARKED_DELETED=1)], {"1.2.3.4": ioc()}, settings(), NOW).items
    assert deleted["fields"]["xdriocstatus"] == "deleted"


def test_defect_17_dates_are_read_strictly_and_never_become_never() -> None:
    assert xdr_expiration("2030-01-01T00:00:00", NOW) == epoch_ms("2030-01-01T00:00:00Z")
    for text in ("in 3 days", "tomorrow", "soon", "2030-99-99T00:00:00Z", "2020-01-01T00:00:00Z", 5):
        with pytest.raises(RejectedRecordError):
            xdr_expiration(text, NOW)


def test_defect_17_reading_dates_is_cheap() -> None:
    """Ours: a date costs microseconds, so a batch of 40,000 takes a fraction of a second of a run."""
    for function in (xdr_expiration, epoch_ms, CortexXDRIOC.instant_ns):
        tree = ast.parse(inspect.getsource(function))
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not used & {"dateparser", "parse", "arg_to_datetime", "date_to_timestamp"}


def test_defect_18_status_goes_both_ways_and_the_field_offers_the_words_that_count() -> None:
    field = json.loads((FOLDER.parents[1] / "IndicatorFields" / "indicatorfield-XDR_IOC_Status.json").read_text())
    assert set(field["selectValues"]) == {"", "enabled", "disabled", "deleted"}
    world = World()
    world.add_many(2)
    fetch(world)
    for word in ("disabled", "enabled", "disabled"):
        world.xsoar.edit("10.0.0.1", xdriocstatus=word)
        fetch(world)
        assert world.xdr.rules["10.0.0.1"]["status"] == word.upper()


def test_defect_19_class_fits_and_unknown_is_no_severity() -> None:
    off = settings(override_severity="false")
    for unknown in ("UNKNOWN", "unknown", "SEV_090_UNKNOWN", 0, None, ""):
        made = xdr_record(ioc(CustomFields={"sourceoriginalseverity": unknown, "threattypes": ["x" * 99]}), off, NOW)
        assert (made["severity"], len(made["class"])) == ("HIGH", 36)


# ---- HTTP and operation


def test_defect_20_calls_have_a_timeout_are_repeated_cut_and_explained() -> None:
    world = World()
    values = world.add_many(4)
    api = Api(world.clock.timing())
    api.answers["tim_insert_jsons"] = [(429, {}), (503, {}), (413, {}), (200, {"success": True})]
    session = api._session
    fetch(world, client=api)
    assert all(0 < one["timeout"] <= 180 and one["headers"]["Content-Type"] for one in api.seen)
    assert [len(records) for records in api.records()] == [4, 4, 4, 2, 2]
    assert world.clock.slept and api._session is session
    api.answers["tim_insert_jsons"] = [(403, {"reply": {"err_msg": "said by XDR"}})]
    with pytest.raises(XDRConfigError, match=r"said by XDR.*role"):
        run(world, "xdr-iocs-push", api, indicator=values)


def test_defect_21_missing_key_is_an_error_and_both_kinds_of_key_work() -> None:
    for missing in (None, {}, {"password": ""}, {"password": None}):
        with pytest.raises(ValueError, match="API Key"):
            settings_from_params({**PARAMS, "apikey_creds": missing})
        with pytest.raises(ValueError, match="API Key ID"):
            settings_from_params({**PARAMS, "apikey_id_creds": missing})
    world = World()
    for kind in ("standard", "advanced"):
        api = Api(world.clock.timing(), kind)
        api.insert([])
        assert (api.seen[0]["headers"]["Authorization"] == "secret") is (kind == "standard")


def test_defect_22_requests_are_small_and_failures_do_not_list_the_values() -> None:
    assert settings().request_size == MAX_REQUEST_SIZE == 4000 < BATCH_SIZE
    with pytest.raises(ValueError, match="request_size"):
        settings(request_size="40000")
    world = World(request_size="3")
    values = world.add_many(10)
    world.xdr.insert_fails = [busy()]
    with pytest.raises(DemistoException) as caught:
        fetch(world)
    fetch(world)
    sizes = [len(records) for name, records in world.xdr.requests if name == "insert"]
    assert max(sizes) <= 3
    said = str(caught.value) + "".join(world.xsoar.logs)
    assert not any(value in said for value in values)


def test_defect_23_replies_of_every_order_are_read_and_orders_are_cut() -> None:
    world = World(request_size="2")
    world.add_many(5)
    api = Api(world.clock.timing())
    values = [f"v{number}.example" for number in range(5)]
    run(world, "xdr-iocs-disable", api, indicator=values)
    assert [len(json.loads(one["data"])["request_data"]) for one in api.seen] == [2, 2, 1]
    for path in ("disable_iocs", "enable_iocs", "sync_tim_iocs"):
        api.answers[path] = [(200, {"reply": {"success": False, "error": "not today"}})]
    for command in ("xdr-iocs-disable", "xdr-iocs-enable", "xdr-iocs-sync"):
        with pytest.raises(XDRRetryError, match="not today"):
            run(world, command, api, indicator="a.example", firstTime="true")
    assert not world.xsoar.context


def test_defect_24_files_are_closed_and_never_whole_in_memory(spot: FileSpot, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.add_many(5)
    rows = [row(RULE_INDICATOR=f"203.0.113.{number}") for number in range(5)]
    api = Api(world.clock.timing())
    api.answers["get_changes"] = [(200, {"reply": rows})]
    before = open_files()
    world.sync(client=api).pull()
    run(world, "test-module", api)
    run(world, "xdr-iocs-sync", api, firstTime="true")
    run(world, "xdr-iocs-create-sync-file", api, spot=spot, zip="true")
    monkeypatch.setattr(world.xsoar, "create_fails", [DemistoException("broke off")])
    rows.append(row(RULE_INDICATOR="203.0.113.9"))
    with pytest.raises(DemistoException):
        world.sync(client=api).pull()
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_defect_25_listing_for_the_files_takes_full_pages(spot: FileSpot) -> None:
    world = World(request_size="2")
    world.add_many(9)
    run(world, "xdr-iocs-create-sync-file", spot=spot)
    assert [search["size"] for search in world.xsoar.searches[1:]] == [MAX_REQUEST_SIZE]


def test_defect_26_feed_run_says_nothing_in_the_war_room_and_rejects_can_be_looked_up() -> None:
    world = World()
    values = world.add_many(3)
    world.xdr.refuses = {values[0]: "Expiration time is invalid"}
    assert run(world, "fetch-indicators") is None
    (rejected,) = run(world, "xdr-iocs-rejects").outputs
    assert (rejected["indicator"], rejected["reason"]) == (values[0], "Expiration time is invalid")


def test_defect_27_rows_are_looked_up_together_and_settings_belong_to_their_run() -> None:
    world = World()
    rows = [
        row(RULE_INDICATOR=f"203.0.{n // 250}.{n % 250}", RULE_MODIFY_TIME=NOW + n) for n in range(LOOKUP_SLICE * 2)
    ]
    world.sync().take(rows, 0)
    assert len(world.xsoar.searches) == 2
    with pytest.raises(AttributeError):
        settings().severity = "LOW"  # type: ignore[misc]
    for kind in (Settings, CortexXDRIOC.IndicatorClient, CortexXDRIOC.Sync):
        shared = [name for name, value in vars(kind).items() if isinstance(value, list | set)]
        assert not [name for name in shared if not name.startswith("__")]


@pytest.mark.parametrize(
    ("params", "named"),
    [({"feedFetchInterval": "5"}, "feedFetchInterval"), ({"fetch_time_budget_seconds": "600"}, "fetch_time_budget")],
)
def test_defect_28_test_button_tests_the_numbers(params: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        run(World(**params), "test-module")


def test_defect_28_test_button_tests_reading_writing_and_the_query() -> None:
    """Ours: severity and comment settings are checked before any command runs, the button included."""
    world = World()
    world.add_many(1)
    api = Api(world.clock.timing())
    assert run(world, "test-module", api) == "ok"
    assert api.records() == [[]] and not world.xsoar.context and not world.xsoar.created
    for path in ("get_changes", "tim_insert_jsons"):
        refused = Api(world.clock.timing())
        refused.answers[path] = [(403, {"reply": {"err_msg": "forbidden"}})]
        with pytest.raises(XDRConfigError, match="role"):
            run(world, "test-module", refused)
    empty_is_refused = Api(world.clock.timing())
    empty_is_refused.answers["tim_insert_jsons"] = [(400, {"reply": {"err_msg": "empty list"}})]
    assert run(world, "test-module", empty_is_refused) == "ok"
    world.xsoar.search = _refuse  # type: ignore[method-assign,assignment]
    with pytest.raises(ValueError, match=r"'query'.*reputation:Bad.*syntax error"):
        run(world, "test-module", api)
    for wrong in ({"severity": "urgent"}, {"comments_as_tags": "true"}, {"xsoar_comments_field": "a,b"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            settings(**wrong)


def _refuse(**more: Any) -> dict[str, Any]:
    raise ValueError("syntax error")


def test_defect_29_sync_of_a_synced_instance_says_that_it_changed_nothing() -> None:
    world = World()
    world.add_many(2)
    fetch(world)
    context = world.xsoar.context
    api = Api(world.clock.timing())
    result = run(world, "xdr-iocs-sync", api)
    assert "already synced" in result.readable_output and "firstTime=true" in result.readable_output
    assert world.xsoar.context == context and not api.seen


def test_defect_30_logs_hold_neither_the_context_nor_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours: with extensive logging each record that is set aside is logged once with its reason; nothing else is."""
    world = World()
    values = world.add_many(3)
    world.xsoar.add("::1", "IPv6")
    fetch(world)
    assert not any(value in line for value in [*values, "::1"] for line in world.xsoar.logs)
    wordy = World(extensive_logs="true")
    wordy.xsoar.add("::1", "IPv6")
    fetch(wordy)
    assert sum("::1" in line for line in wordy.xsoar.logs) == 1
    room = WarRoom(partial(monkeypatch.setattr, demisto))
    monkeypatch.setattr(demisto, "params", lambda: PARAMS)
    monkeypatch.setattr(demisto, "command", lambda: "xdr-iocs-status")
    room.context = {VERSIONED_STATE_KEY: world.xsoar.context[VERSIONED_STATE_KEY]}
    main()
    logged = json.dumps(room.logs)
    assert "marks" not in logged and "secret-of-the-key" not in logged


def test_refused_request_of_one_record_is_a_reject_not_a_standstill() -> None:
    """Beside the list: a request that XDR refuses for a single record does not stop the lane."""
    world = World()
    values = world.add_many(4)
    insert = world.xdr.insert

    def picky(records: Any) -> Any:
        if any(record["indicator"] == values[1] for record in records):
            raise XDRBadRequestError("mismatch", 400)
        return insert(records)

    world.xdr.insert = picky  # type: ignore[method-assign]
    fetch(world)
    assert world.xdr.rules.keys() == {*values} - {values[1]}
    assert world.xsoar.state()["rejects"].keys() == {values[1]}
    assert not outgoing(world.xsoar.by_value(values[0]), xdr_record(ioc(), settings(), NOW)).enable
