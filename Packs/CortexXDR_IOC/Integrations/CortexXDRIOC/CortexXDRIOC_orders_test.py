"""What a person orders beside the sync: delete, look before a fetch, go back, try again."""

import copy
import csv
import sys
from pathlib import Path
from typing import Any

import pytest
from CortexXDRIOC import (
    REJECTS_KEPT,
    ChangeSpool,
    DemistoException,
    EntryType,
    FileSpot,
    SupersededError,
    XDRBadRequestError,
    XDRConfigError,
    instant_ns,
    run_command,
)

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import Api, Killed, World, busy


def run(world: World, command: str, budget: float = 1000, **args: Any) -> Any:
    return run_command(command, world.sync(budget), args, lambda: pytest.fail("no file was wanted"))


def fetch(world: World, times: int = 1) -> None:
    for _ in range(times):
        world.clock.advance(600)
        run(world, "fetch-indicators")


def synced(count: int = 5, **params: Any) -> World:
    world = World(**params)
    world.add_many(count)
    run(world, "fetch-indicators")
    world.clock.advance(600)
    return world


def everything(world: World) -> Any:
    """Both sides and the state of the sync."""
    return copy.deepcopy((world.xsoar.docs, world.xsoar.context, world.xdr.rules))


def status_field(world: World, value: str) -> Any:
    return world.xsoar.by_value(value)["CustomFields"].get("xdriocstatus")


# ---- delete


@pytest.mark.parametrize("shows_own", [False, True])
def test_deleted_ioc_is_gone_and_not_sent_again_until_somebody_changes_it(shows_own: bool) -> None:
    world = synced(shows_own=shows_own)
    world.xsoar.feed("10.0.0.1", note="touched")
    (result,) = run(world, "xdr-iocs-delete", indicator="10.0.0.1")
    (row,) = result.outputs
    assert (row["status"], row["in_xsoar"], row["severity"], row["source"]) == ("deleted", True, "HIGH", "XSOAR TIM")
    assert world.xdr.rules["10.0.0.1"]["deleted"] and status_field(world, "10.0.0.1") == "deleted"
    world.xsoar.feed("10.0.0.1", note="touched again")
    fetch(world, 2)
    assert world.xdr.rules["10.0.0.1"]["deleted"] and status_field(world, "10.0.0.1") == "deleted"
    world.xsoar.feed("10.0.0.1", expiration="2028-01-01T00:00:00Z")
    fetch(world)
    assert not world.xdr.rules["10.0.0.1"].get("deleted") and status_field(world, "10.0.0.1") == "enabled"


def test_delete_takes_rules_of_any_source_and_tells_what_is_not_there() -> None:
    world = synced()
    world.xdr.operate("Operator.example", "DOMAIN_NAME", comment="by hand")
    (result,) = run(world, "xdr-iocs-delete", indicator="Operator.example, nowhere.example,10.0.0.2,10.0.0.2")
    assert [(row["indicator"], row["status"], row["in_xsoar"]) for row in result.outputs] == [
        ("Operator.example", "deleted", False),
        ("nowhere.example", "not_found", False),
        ("10.0.0.2", "deleted", True),
    ]
    assert result.outputs[0]["comment"] == "by hand"
    assert "2 of 3 deleted in Cortex XDR, 1 not found there" in result.readable_output
    assert [value for name, value in world.xdr.requests if name == "delete"].count("10.0.0.2") == 1
    assert result.to_context()["IndicatorTimeline"] == [
        {"Value": "10.0.0.2", "Category": "Integration Update", "Message": "Deleted in Cortex XDR by command"}
    ]


def test_delete_finds_a_rule_that_xdr_holds_in_lower_case() -> None:
    world = synced()
    world.xdr.operate("upper.example", "DOMAIN_NAME")
    (result,) = run(world, "xdr-iocs-delete", indicator="UPPER.example")
    assert result.outputs[0]["status"] == "deleted" and world.xdr.rules["upper.example"]["deleted"]


def test_delete_of_an_indicator_that_xdr_lacks_keeps_it_from_being_sent() -> None:
    world = World()
    world.add_many(3)
    world.xsoar.add("::1", "IPv6")
    (result,) = run(world, "xdr-iocs-delete", indicator="10.0.0.1,::1")
    assert [row["status"] for row in result.outputs] == ["not_found", "not_found"]
    fetch(world, 2)
    assert set(world.xdr.rules) == {"10.0.0.0", "10.0.0.2"}
    assert status_field(world, "10.0.0.1") == status_field(world, "::1") == "deleted"


def test_delete_of_a_hand_edited_indicator_stays_although_its_field_stays() -> None:
    world = synced()
    world.xsoar.edit("10.0.0.1", xdriocstatus="enabled")
    fetch(world)
    run(world, "xdr-iocs-delete", indicator="10.0.0.1")
    fetch(world, 2)
    assert world.xdr.rules["10.0.0.1"]["deleted"]


def test_delete_that_fails_in_the_middle_tells_what_was_done_and_is_an_error() -> None:
    world = synced(max_requests_in_flight="1")
    delete = world.xdr.delete

    def failing(value: str) -> bool:
        if value == "10.0.0.2":
            raise busy("Cortex XDR answered 502")
        return delete(value)

    world.xdr.delete = failing  # type: ignore[method-assign]
    results, error = run(world, "xdr-iocs-delete", indicator="10.0.0.1,10.0.0.2,10.0.0.3")
    assert [row["status"] for row in results.outputs] == ["deleted", "failed", "failed"]
    assert "not tried" in results.outputs[2]["reason"]
    assert error.entry_type == EntryType.ERROR and "2 of 3 were not deleted: 10.0.0.2: " in error.readable_output
    assert "502" in error.readable_output
    assert (status_field(world, "10.0.0.1"), status_field(world, "10.0.0.2")) == ("deleted", None)
    world.xdr.delete = delete  # type: ignore[method-assign]
    (again,) = run(world, "xdr-iocs-delete", indicator="10.0.0.1,10.0.0.2,10.0.0.3")
    assert [row["status"] for row in again.outputs] == ["not_found", "deleted", "deleted"]


def test_delete_that_gets_nowhere_is_an_error_and_changes_nothing() -> None:
    world = synced()
    before = everything(world)

    def refusing(value: str) -> bool:
        raise XDRConfigError("the role of the API key", 403)

    world.xdr.delete = refusing  # type: ignore[method-assign]
    with pytest.raises(DemistoException, match=r"Nothing was deleted.*role of the API key"):
        run(world, "xdr-iocs-delete", indicator="10.0.0.1")
    with pytest.raises(ValueError, match="'indicator'"):
        run(world, "xdr-iocs-delete", indicator=" ")
    assert everything(world) == before


def test_delete_out_of_time_leaves_the_rest_for_the_next_call() -> None:
    world = synced(max_requests_in_flight="1")
    delete = world.xdr.delete
    world.xdr.delete = lambda value: (world.clock.sleep(60), delete(value))[1] or True  # type: ignore[func-returns-value, method-assign]
    results, error = run(world, "xdr-iocs-delete", budget=100, indicator="10.0.0.1,10.0.0.2,10.0.0.3")
    assert [row["status"] for row in results.outputs] == ["deleted", "deleted", "failed"]
    assert "time of this command" in error.readable_output


def test_delete_takes_the_value_off_the_list_of_rejects() -> None:
    world = synced()
    world.xdr.refuses["10.0.0.1"] = "no"
    world.xsoar.feed("10.0.0.1", expiration="2028-01-01T00:00:00Z")
    fetch(world)
    assert "10.0.0.1" in world.xsoar.state()["rejects"]
    run(world, "xdr-iocs-delete", indicator="10.0.0.1")
    assert not world.xsoar.state()["rejects"]


def test_killed_delete_is_completed_by_the_same_command() -> None:
    kills = 0
    for step in range(100):
        world = synced(3)
        world.wire.kill_at = world.wire.calls + step
        try:
            run(world, "xdr-iocs-delete", indicator="10.0.0.1,10.0.0.2")
        except Killed:
            kills += 1
        else:
            break
        world.wire.kill_at = None
        run(world, "xdr-iocs-delete", indicator="10.0.0.1,10.0.0.2")
        fetch(world, 2)
        assert [value for value, rule in world.xdr.rules.items() if not rule.get("deleted")] == ["10.0.0.0"]
        assert status_field(world, "10.0.0.1") == status_field(world, "10.0.0.2") == "deleted"
    assert kills > 5


@pytest.mark.parametrize("word", ["enable", "disable"])
def test_status_commands_leave_a_line_on_what_xsoar_knows(word: str) -> None:
    world = synced()
    entry = run(world, f"xdr-iocs-{word}", indicator="10.0.0.1,nowhere.example").to_context()
    assert entry["IndicatorTimeline"] == [
        {
            "Value": "10.0.0.1",
            "Category": "Integration Update",
            "Message": f"{word.capitalize()}d in Cortex XDR by command",
        }
    ]


@pytest.mark.parametrize("remembers", [False, True])
@pytest.mark.parametrize(("word", "field"), [("disable", "enabled"), ("enable", "disabled")])
def test_status_command_holds_against_a_field_that_was_set_by_hand_before(
    word: str, field: str, remembers: bool
) -> None:
    world = synced()
    if remembers:
        world.xdr.operate("10.0.0.1", comment="x")
        fetch(world)
    world.xsoar.edit("10.0.0.1", xdriocstatus=field)
    fetch(world)
    result = run(world, f"xdr-iocs-{word}", indicator="10.0.0.1,10.0.0.2")
    assert result.readable_output.endswith("set by hand and stays as it is on: 10.0.0.1")
    fetch(world)
    world.xsoar.feed("10.0.0.1", expiration="2029-01-01T00:00:00Z")
    fetch(world, 2)
    assert world.xdr.rules["10.0.0.1"]["status"] == f"{word.upper()}D"
    assert world.xdr.rules["10.0.0.1"]["expiration_date"] > 0
    other = "disabled" if field == "enabled" else "enabled"
    world.xsoar.edit("10.0.0.1", xdriocstatus=other)
    world.xsoar.edit("10.0.0.1", xdriocstatus=field)
    run(world, "xdr-iocs-delete", indicator="10.0.0.1")
    fetch(world, 2)
    assert world.xdr.rules["10.0.0.1"]["deleted"]


def test_delete_of_an_instance_with_a_label_stays_in_its_tenant() -> None:
    world = synced(source_label="a")
    run(world, "xdr-iocs-delete", indicator="10.0.0.1")
    fetch(world, 2)
    fields = world.xsoar.by_value("10.0.0.1")["CustomFields"]
    assert world.xdr.rules["10.0.0.1"]["deleted"]
    assert fields["xdrioctenants"] == ["a: deleted"] and fields.get("xdriocstatus") is None
    run(world, "xdr-iocs-push", indicator="10.0.0.1", severity="low")
    fetch(world, 2)
    assert world.xdr.rules["10.0.0.1"]["severity"] == "LOW" and not world.xdr.rules["10.0.0.1"].get("deleted")
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdrioctenants"] == ["a: enabled"]


def test_delete_by_sha1_deletes_the_hash_under_which_the_file_was_sent() -> None:
    world, best = synced(), "ab" * 32
    world.xsoar.add("cd" * 20, "File", CustomFields={"sha256": best})
    fetch(world)
    assert best in world.xdr.rules
    (result,) = run(world, "xdr-iocs-delete", indicator="cd" * 20)
    assert [(row["indicator"], row["status"], row["in_xsoar"]) for row in result.outputs] == [
        ("cd" * 20, "deleted", True)
    ]
    fetch(world, 2)
    assert world.xdr.rules[best]["deleted"] and status_field(world, "cd" * 20) == "deleted"


# ---- what a fetch would bring


def test_get_indicators_shows_what_the_fetch_then_brings_and_changes_nothing() -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", severity="LOW", comment="noisy")
    world.xdr.operate("new.example", "DOMAIN_NAME", reputation="BAD", expiration_date=1893456000000)
    world.xdr.operate("c:/x.exe", "PATH")
    world.xdr.operate("10.0.0.2", deleted=True)
    before = everything(world)
    result = run(world, "xdr-iocs-get-indicators")
    assert everything(world) == before
    rows = {row["value"]: row for row in result.outputs}
    assert list(rows) == ["10.0.0.1", "new.example", "10.0.0.2"]
    assert (rows["10.0.0.1"]["severity"], rows["10.0.0.1"]["comment"], rows["10.0.0.1"]["score"]) == ("LOW", "noisy", 0)
    assert (rows["new.example"]["expiration"], rows["new.example"]["score"]) == ("2030-01-01T00:00:00Z", 3)
    assert rows["10.0.0.2"]["status"] == "DELETED"
    assert "bring 3 indicators" in result.readable_output and "1 would be set aside" in result.readable_output
    created = len(world.xsoar.created)
    fetch(world)
    assert {item["value"] for item in world.xsoar.created[created:]} == set(rows)
    assert run(world, "xdr-iocs-get-indicators").outputs == []


def test_get_indicators_shows_the_first_and_counts_all() -> None:
    world = synced()
    for number in range(9):
        world.clock.advance(1)
        world.xdr.operate(f"203.0.113.{number}")
    result = run(world, "xdr-iocs-get-indicators", limit="2")
    assert [row["value"] for row in result.outputs] == ["203.0.113.0", "203.0.113.1"]
    assert "bring 9 indicators from Cortex XDR, 2 shown" in result.readable_output


def test_get_indicators_since_looks_behind_the_position() -> None:
    world = synced()
    world.xdr.operate("new.example", "DOMAIN_NAME")
    fetch(world)
    world.xdr.operate("10.0.0.1", comment="later")
    fetch(world)
    world.xsoar.docs = {key: doc for key, doc in world.xsoar.docs.items() if doc["value"] != "new.example"}
    assert run(world, "xdr-iocs-get-indicators").outputs == []
    (row,) = run(world, "xdr-iocs-get-indicators", since="1 day ago").outputs
    assert row["value"] == "new.example"


def test_get_indicators_out_of_time_says_what_it_did_not_look_at() -> None:
    world = synced()
    for number in range(9):
        world.clock.advance(1)
        world.xdr.operate(f"203.0.113.{number}")
    assert "0 were looked at" in run(world, "xdr-iocs-get-indicators", budget=-1).readable_output


@pytest.mark.parametrize("args", [{"limit": "0"}, {"limit": "10001"}, {"since": "soon"}, {"limit": "many"}])
def test_get_indicators_refuses_bad_arguments_by_name(args: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(args))):
        run(synced(), "xdr-iocs-get-indicators", **args)


def test_length_of_a_reply_is_its_number_of_rows() -> None:
    api = Api(World().clock.timing())
    api.answers["get_changes"] = [(200, {"reply": [{"RULE_INDICATOR": "a", "RULE_MODIFY_TIME": n} for n in range(3)]})]
    spool: ChangeSpool = api.changes(0)
    assert len(spool) == 3
    spool.close()


# ---- reset


def test_reset_without_confirm_tells_and_changes_nothing() -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", comment="x")
    fetch(world, 2)
    before = everything(world)
    old = {"to": "2025-12-31T00:00:00Z", "direction": "inbound"}
    calls: list[dict[str, Any]] = [{"to": "1 day ago"}, old, {"anew": "true"}]
    for args in calls:
        result = run(world, "xdr-iocs-reset", **args)
        assert "Nothing was changed" in result.readable_output and "confirm=true`" in result.readable_output
        assert not any(row["done"] for row in result.outputs)
    assert everything(world) == before
    out, back = run(world, "xdr-iocs-reset", to="1 day ago").outputs
    assert (out["direction"], out["again"], back["direction"], back["again"]) == ("outbound", 5, "inbound", 1)


def test_reset_to_a_time_sends_and_reads_again_from_there_on() -> None:
    world = synced(4)
    middle = world.clock.iso()
    world.clock.advance(60)
    world.xsoar.add("10.9.9.1")
    world.xdr.operate("new.example", "DOMAIN_NAME")
    fetch(world, 3)
    world.xsoar.docs = {key: doc for key, doc in world.xsoar.docs.items() if doc["value"] != "new.example"}
    del world.xdr.rules["10.9.9.1"], world.xdr.rules["10.0.0.0"]
    result = run(world, "xdr-iocs-reset", to=middle, confirm="true")
    assert all(row["done"] for row in result.outputs)
    assert set(world.xsoar.state()["through"].values()) == {middle[:19] + "Z"}
    outputs = run(world, "xdr-iocs-status").outputs
    assert (outputs["in_sync"], outputs["reason"]) == (False, "set back")
    fetch(world, 2)
    assert run(world, "xdr-iocs-status").outputs["in_sync"]
    assert "10.9.9.1" in world.xdr.rules and "10.0.0.0" not in world.xdr.rules
    assert world.xsoar.by_value("new.example")
    again = len(world.xdr.inserted())
    fetch(world)
    assert len(world.xdr.inserted()) == again


@pytest.mark.parametrize("direction", ["outbound", "inbound"])
def test_reset_of_one_direction_leaves_the_other(direction: str) -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", comment="x")
    fetch(world, 2)
    before = world.xsoar.state()
    (row,) = run(world, "xdr-iocs-reset", to="2026-01-01", direction=direction, confirm="true").outputs
    after = world.xsoar.state()
    assert row["direction"] == direction
    assert (before["inbound"] == after["inbound"]) == (direction == "outbound")
    assert (before["fresh"] == after["fresh"]) == (direction == "inbound")


def test_reset_never_moves_a_position_forward() -> None:
    world = synced()
    before = world.xsoar.context
    for direction in ("both", "outbound"):
        result = run(world, "xdr-iocs-reset", to=world.clock.iso(), direction=direction, confirm="true")
        assert {row["goes_back_to"] for row in result.outputs if row["direction"] == "outbound"} == {"stays"}
    state = world.xsoar.state()
    assert state["fresh"] == {**state["fresh"], "edge": state["fresh"]["edge"]}
    assert "Nothing to go back" in result.readable_output
    assert world.xsoar.context == before


def test_reset_before_the_first_fetch_has_nothing_to_send_again() -> None:
    world = World()
    out, back = run(world, "xdr-iocs-reset", to="3 days ago", confirm="true").outputs
    assert (out["position"], out["goes_back_to"], out["done"]) == ("not begun", "stays", False)
    assert back["done"]
    world.add_many(3)
    fetch(world)
    assert len(world.xdr.rules) == 3


def test_reset_anew_sends_everything_again() -> None:
    world = synced(9)
    world.xdr.rules.clear()
    before = world.xsoar.state()["inbound"]
    (row,) = run(world, "xdr-iocs-reset", anew="true", confirm="true").outputs
    assert (row["again"], row["done"], row["goes_back_to"]) == (9, True, "the start")
    assert world.xsoar.state()["inbound"] == before
    fetch(world)
    assert len(world.xdr.rules) == 9


def test_reset_during_an_open_first_sync_loses_nothing() -> None:
    world = World(max_requests_in_flight="1")
    world.add_many(20)
    insert = world.xdr.insert

    def slow(records: Any) -> Any:
        world.clock.advance(50)
        return insert(records)

    world.xdr.insert = slow  # type: ignore[method-assign]
    run(world, "fetch-indicators", budget=100)
    assert world.xsoar.state()["bulk"]["open"]
    run(world, "xdr-iocs-reset", to="2026-01-01T00:00:05Z", confirm="true")
    for _ in range(20):
        run(world, "fetch-indicators", budget=200)
    assert len(world.xdr.rules) == 20 and not world.xsoar.state()["bulk"]["open"]


@pytest.mark.parametrize("way", ["inbound", "outbound"])
def test_reset_supersedes_a_run_that_is_under_way(way: str) -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", comment="x")
    fetch(world, 2)
    world.xdr.operate("10.0.0.2", comment="y")
    world.xsoar.add("10.9.9.9")
    old = world.sync()
    name = "create" if way == "inbound" else "set_status"
    if way == "inbound":
        create = world.xsoar.create

        def meddling(items: list[dict[str, Any]]) -> None:
            create(items)
            run(world, "xdr-iocs-reset", to="2026-01-01", confirm="true")

        old = world.sync()
        object.__setattr__(old.server, name, meddling)
        with pytest.raises(SupersededError):
            old.pull()
    else:
        epoch = world.xsoar.state()["epoch"]
        run(world, "xdr-iocs-reset", to="2026-01-01", confirm="true")
        with pytest.raises(SupersededError):
            old.push_fresh(epoch)
    state = world.xsoar.state()
    assert state["inbound"]["ts"] == instant_ns("2026-01-01T00:00:00Z") // 10**6
    assert state["fresh"]["edge"] == "2026-01-01T00:00:00Z"
    fetch(world, 2)
    assert "10.9.9.9" in world.xdr.rules


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({}, "either 'to'"),
        ({"to": "1 day ago", "anew": "true"}, "either 'to'"),
        ({"to": "tomorrow"}, "'to': 'tomorrow'"),
        ({"to": "2030-01-01"}, "'to': '2030-01-01' lies in the future"),
        ({"to": "1 day ago", "direction": "up"}, "'direction': 'up'"),
        ({"anew": "true", "direction": "inbound"}, "'direction': 'anew'"),
    ],
)
def test_reset_with_bad_arguments_changes_nothing(args: dict[str, Any], text: str) -> None:
    world = synced()
    before = everything(world)
    with pytest.raises(ValueError, match=text):
        run(world, "xdr-iocs-reset", confirm="true", **args)
    assert everything(world) == before


# ---- rejects


def with_rejects(world: World) -> World:
    """Two that cannot be mapped, one that XDR refuses, two from XDR."""
    world.xsoar.add("::1", "IPv6")
    world.xsoar.add("::2", "IPv6")
    world.xsoar.add("10.8.8.8")
    world.xdr.refuses["10.8.8.8"] = "no such net"
    world.xdr.operate("c:/x.exe", "PATH")
    world.xdr.operate("odd.example", "DOMAIN_NAME", severity="ODD")
    fetch(world)
    return world


@pytest.mark.parametrize(
    ("args", "values"),
    [
        ({"reason": "ipV6"}, {"::1", "::2"}),
        ({"direction": "from XDR"}, {"c:/x.exe", "odd.example"}),
        ({"indicator": "::1,10.8.8.8,other.example"}, {"::1", "10.8.8.8"}),
        ({"indicator": "::1", "direction": "from XDR"}, set()),
        ({}, {"::1", "::2", "10.8.8.8", "c:/x.exe", "odd.example"}),
    ],
)
def test_rejects_are_chosen_alike_in_list_file_and_retry(
    tmp_path: Path, args: dict[str, Any], values: set[str]
) -> None:
    world = with_rejects(synced())
    result = run(world, "xdr-iocs-rejects", **args)
    assert {row["indicator"] for row in result.outputs} == values
    spot = FileSpot(str(tmp_path / "file"), lambda name: {"File": name})
    _, text = run_command("xdr-iocs-rejects", world.sync(), {**args, "file": "true"}, lambda: spot)
    rows = list(csv.DictReader((tmp_path / "file").read_text(encoding="utf-8").splitlines()))
    assert {row["indicator"] for row in rows} == values and text.startswith(f"{len(values)} records")
    assert {row["indicator"] for row in run(world, "xdr-iocs-rejects", retry="true", **args).outputs} == values


def test_rejects_with_an_unknown_direction_say_so() -> None:
    with pytest.raises(ValueError, match="'direction': 'outbound'"):
        run(synced(), "xdr-iocs-rejects", direction="outbound")


def test_retry_tells_what_became_of_each_and_keeps_what_stays_aside() -> None:
    world = with_rejects(synced())
    world.xsoar.add("10.8.8.9", "IPv6")
    world.xsoar.add("10.8.8.10", "IPv6")
    world.xdr.operate("gone.example", "DOMAIN_NAME", severity="ODD")
    fetch(world)
    world.xdr.refuses.clear()
    world.xdr.operate("odd.example", severity="LOW")
    world.xdr.rules.pop("gone.example")
    world.xsoar.by_value("::2")["score"] = 1
    world.xsoar.by_value("10.8.8.9")["indicator_type"] = "IP"
    world.xsoar.docs = {key: doc for key, doc in world.xsoar.docs.items() if doc["value"] != "10.8.8.10"}
    before = world.xsoar.state()
    result = run(world, "xdr-iocs-rejects", retry="true")
    assert {row["indicator"]: row["outcome"] for row in result.outputs} == {
        "::1": "still set aside",
        "::2": "outside",
        "10.8.8.8": "pushed",
        "10.8.8.9": "pushed",
        "10.8.8.10": "gone",
        "c:/x.exe": "still set aside",
        "odd.example": "taken",
        "gone.example": "gone",
    }
    assert "10.8.8.8" in world.xdr.rules and world.xsoar.by_value("odd.example")
    after = world.xsoar.state()
    assert set(after["rejects"]) == {"::1", "c:/x.exe"}
    assert all(after[name] == before[name] for name in ("fresh", "bulk", "inbound", "epoch"))
    assert "Tried again: " in result.readable_output and "2 still set aside" in result.readable_output


def test_retry_of_what_has_no_news_takes_it_off_the_list() -> None:
    world = with_rejects(synced())
    world.xdr.operate("odd.example", severity="LOW")
    fetch(world)
    world.xdr.operate("10.8.8.8", comment="made by hand")
    fetch(world)
    assert run(world, "xdr-iocs-rejects", retry="true", indicator="10.8.8.8").outputs == []
    assert "nothing is set aside" in run(world, "xdr-iocs-rejects", retry="true", indicator="x").readable_output


def test_retry_of_records_that_xdr_refuses_as_a_whole_keeps_each_aside() -> None:
    world = with_rejects(synced())
    world.xsoar.add("10.8.8.7")
    world.xdr.refuses["10.8.8.7"] = "no"
    fetch(world)

    def refusing(records: Any) -> Any:
        raise XDRBadRequestError("Cortex XDR answered 400: mismatch", 400)

    world.xdr.insert = refusing  # type: ignore[method-assign]
    rows = run(world, "xdr-iocs-rejects", retry="true", indicator="10.8.8.7,10.8.8.8").outputs
    assert {row["outcome"] for row in rows} == {"still set aside"}
    assert all("400" in row["reason"] for row in rows)
    assert {"10.8.8.7", "10.8.8.8"} <= world.xsoar.state()["rejects"].keys()


def test_full_list_drops_what_can_be_found_anew_first_and_the_file_is_complete(tmp_path: Path) -> None:
    world = with_rejects(synced(request_size="4000"))
    count = REJECTS_KEPT + 5
    for number in range(count):
        world.xsoar.add(f"::f:{number:x}", "IPv6")
    fetch(world)
    state = world.xsoar.state()
    assert len(state["rejects"]) == REJECTS_KEPT and state["rejects_lost"] == 0
    assert {"10.8.8.8", "c:/x.exe", "odd.example"} <= state["rejects"].keys()
    spot = FileSpot(str(tmp_path / "file"), lambda name: {"File": name})
    _, text = run_command("xdr-iocs-rejects", world.sync(), {"file": "true"}, lambda: spot)
    rows = list(csv.DictReader((tmp_path / "file").read_text(encoding="utf-8").splitlines()))
    assert len({row["indicator"] for row in rows}) == len(rows) == count + 5
    assert text == f"{count + 5} records are set aside."


def test_rejects_that_nobody_finds_anew_are_counted_when_they_are_dropped(tmp_path: Path) -> None:
    world = synced(request_size="4000")
    for number in range(REJECTS_KEPT + 7):
        value = f"10.{number // 250 + 100}.0.{number % 250}"
        world.xsoar.add(value)
        world.xdr.refuses[value] = "no"
    fetch(world)
    assert world.xsoar.state()["rejects_lost"] == 7
    assert "7 older ones that were refused" in run(world, "xdr-iocs-rejects").readable_output
    spot = FileSpot(str(tmp_path / "file"), lambda name: {"File": name})
    assert "7 older ones" in run_command("xdr-iocs-rejects", world.sync(), {"file": "true"}, lambda: spot)[1]
