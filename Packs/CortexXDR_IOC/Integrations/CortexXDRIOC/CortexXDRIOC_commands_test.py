"""The commands, `main`, and the agreement of code, yml and README."""

import ast
import csv
import io
import json
import re
import sys
import zipfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import CortexXDRIOC
import demistomock as demisto
import pytest
import yaml
from CortexXDRIOC import (
    HELD_RUNS,
    REJECTS_KEPT,
    VERSIONED_STATE_KEY,
    DemistoException,
    EntryType,
    FileSpot,
    XDRPausedError,
    load_memory,
    main,
    run_command,
)

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import PARAMS, Api, WarRoom, World, busy

FOLDER = Path(__file__).parent
YML = yaml.safe_load((FOLDER / "CortexXDRIOC.yml").read_text(encoding="utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
COMMANDS = {command["name"]: command for command in YML["script"]["commands"]}


def run(world: World, command: str, client: Any = None, **args: Any) -> Any:
    return run_command(command, world.sync(client=client), args, lambda: pytest.fail("no file was wanted"))


def spot(folder: Path) -> FileSpot:
    return FileSpot(str(folder / "file"), lambda name: {"Type": EntryType.FILE, "File": name})


def synced(count: int = 5, **params: Any) -> World:
    world = World(**params)
    world.add_many(count)
    run(world, "fetch-indicators")
    world.clock.advance(600)
    return world


# ---- push


def test_push_without_values_is_the_outbound_half_of_a_fetch() -> None:
    world = World()
    world.add_many(5)
    world.xsoar.add("::1", "IPv6")
    result = run(world, "xdr-iocs-push")
    assert result.outputs == {"pushed": 5, "rejected": 1, "no_news": 0}
    assert "pushing IOCs to XDR: complete." in result.readable_output
    assert len(world.xdr.rules) == 5 and not any(name == "changes" for name, _ in world.xdr.requests)
    assert run(world, "xdr-iocs-push").outputs == {"pushed": 0, "rejected": 0, "no_news": 0}


def test_push_of_values_tells_for_each_what_became_of_it() -> None:
    world = synced()
    world.xsoar.add("10.6.6.6", score=1)
    world.xsoar.add("::1", "IPv6")
    world.xdr.refuses["10.0.0.1"] = "refused by XDR"
    values = ["10.6.6.6", "10.0.0.1", "::1", "unknown.example", "10.6.6.6"]
    result = run(world, "xdr-iocs-push", indicator=values)
    rows = {row["indicator"]: (row["status"], row["reason"]) for row in result.outputs}
    assert rows["10.6.6.6"] == ("pushed", "")
    assert rows["10.0.0.1"] == ("rejected", "refused by XDR")
    assert rows["::1"][0] == "rejected"
    assert rows["unknown.example"][0] == "not_found"
    assert len(result.outputs) == 4
    assert "1 indicators were not found: unknown.example" in result.readable_output
    assert "10.0.0.1: refused by XDR." in result.readable_output
    assert world.xdr.rules["10.6.6.6"]["reputation"] == "GOOD"
    assert set(world.xsoar.state()["rejects"]) == {"10.0.0.1", "::1"}


def test_push_of_a_value_is_a_persons_word_and_stays() -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", severity="LOW", comment="theirs")
    run(world, "fetch-indicators")
    assert world.xdr.rules["10.0.0.1"]["severity"] == "LOW"
    run(world, "xdr-iocs-push", indicator="10.0.0.1")
    assert world.xdr.rules["10.0.0.1"]["severity"] == "HIGH"
    for _ in range(2):
        world.clock.advance(600)
        run(world, "fetch-indicators")
    assert world.xdr.rules["10.0.0.1"]["severity"] == "HIGH"


def test_push_takes_a_text_of_values_and_odd_characters() -> None:
    world = synced()
    world.xsoar.add('we"ird\\.example', "Domain")
    assert len(run(world, "xdr-iocs-push", indicator="10.0.0.1, 10.0.0.2").outputs) == 2
    (row,) = run(world, "xdr-iocs-push", indicator=['we"ird\\.example']).outputs
    assert row["status"] == "pushed"


# ---- enable and disable


@pytest.mark.parametrize(("word", "status"), [("disable", "DISABLED"), ("enable", "ENABLED")])
def test_status_commands_act_on_both_sides_and_settle(word: str, status: str) -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", comment="remembered", status="DISABLED")
    run(world, "fetch-indicators")
    result = run(world, f"xdr-iocs-{word}", indicator=["10.0.0.1", "10.0.0.2", "only-in-xdr.example"])
    assert result.outputs == [
        {"indicator": "10.0.0.1", "status": f"{word}d", "in_xsoar": True},
        {"indicator": "10.0.0.2", "status": f"{word}d", "in_xsoar": True},
        {"indicator": "only-in-xdr.example", "status": f"{word}d", "in_xsoar": False},
    ]
    assert result.readable_output == f"IOCs command: {word}d indicators='10.0.0.1,10.0.0.2,only-in-xdr.example'"
    for _ in range(2):
        for value in ("10.0.0.1", "10.0.0.2"):
            assert world.xdr.rules[value]["status"] == status
            assert world.xsoar.by_value(value)["CustomFields"]["xdriocstatus"] == f"{word}d"
        world.clock.advance(600)
        run(world, "fetch-indicators")
    memory = load_memory(world.xsoar.by_value("10.0.0.1")["CustomFields"], "")
    assert memory and memory["theirs"]["status"] == status


def test_status_commands_without_a_value_say_so() -> None:
    for word in ("enable", "disable"):
        with pytest.raises(ValueError, match="'indicator'"):
            run(World(), f"xdr-iocs-{word}", indicator="")


# ---- sync and files


def test_sync_uploads_the_whole_set_and_goes_on_from_there() -> None:
    world = World()
    world.add_many(5)
    world.xsoar.add("::1", "IPv6")
    api = Api(world.clock.timing())
    result = run(world, "xdr-iocs-sync", api, firstTime="true")
    assert result.outputs == {"uploaded": 5, "rejected": 1}
    assert "sync with XDR completed." in result.readable_output and "::1" in result.readable_output
    assert api.seen[0]["full_url"].endswith("/indicators/sync_tim_iocs/")
    world.xsoar.add("10.4.4.4")
    run(world, "fetch-indicators")
    assert world.xdr.sent() == {"10.4.4.4": 1}


def test_sync_that_xdr_refuses_moves_nothing() -> None:
    world = synced()
    before = world.xsoar.context
    api = Api(world.clock.timing())
    api.answers["sync_tim_iocs"] = [(500, {"reply": {"err_msg": "down"}})]
    with pytest.raises(Exception, match="down"):
        run(world, "xdr-iocs-sync", api, firstTime="true")
    assert world.xsoar.context == before


def test_sync_of_a_listing_that_ended_early_sends_nothing() -> None:
    world = World()
    world.add_many(5)
    search = world.xsoar.search

    def short(**more: Any) -> dict[str, Any]:
        return {**search(**more), "total": 900}

    world.xsoar.search = short  # type: ignore[method-assign,assignment]
    api = Api(world.clock.timing())
    with pytest.raises(Exception, match="5 of 900"):
        run(world, "xdr-iocs-sync", api)
    assert not api.seen


@pytest.mark.parametrize("zipped", ["false", "true"])
def test_sync_file_holds_one_record_per_line(tmp_path: Path, zipped: str) -> None:
    world = World()
    values = world.add_many(5)
    world.xsoar.add("::1", "IPv6")
    args = {"zip": zipped, "set_time": "false"}
    entry, note = run_command("xdr-iocs-create-sync-file", world.sync(), args, lambda: spot(tmp_path))
    content = (tmp_path / "file").read_bytes()
    if zipped == "true":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read("xdr-sync-file")
    assert entry["File"] == ("xdr-sync-file-zipped.zip" if zipped == "true" else "xdr-sync-file")
    assert sorted(json.loads(line)["indicator"] for line in content.splitlines()) == sorted(values)
    assert "::1" in note
    assert not world.xsoar.context


def test_sync_file_with_set_time_goes_on_as_if_it_had_been_uploaded(tmp_path: Path) -> None:
    world = World()
    world.add_many(5)
    run_command("xdr-iocs-create-sync-file", world.sync(), {"set_time": "true"}, lambda: spot(tmp_path))
    run(world, "fetch-indicators")
    assert not world.xdr.sent()


def test_keep_file_holds_values_and_a_blank_when_there_are_none(tmp_path: Path) -> None:
    world = World()
    (entry,) = run_command("xdr-iocs-to-keep-file", world.sync(), {}, lambda: spot(tmp_path))
    assert ((tmp_path / "file").read_bytes(), entry["File"]) == (b" ", "xdr-ioc-to-keep-file")
    values = world.add_many(3)
    run_command("xdr-iocs-to-keep-file", world.sync(), {}, lambda: spot(tmp_path))
    assert sorted((tmp_path / "file").read_text().split()) == sorted(values)


def test_files_leave_out_what_was_deleted_in_xdr(tmp_path: Path) -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", deleted=True)
    run(world, "fetch-indicators")
    run_command("xdr-iocs-to-keep-file", world.sync(), {}, lambda: spot(tmp_path))
    kept = (tmp_path / "file").read_text().split()
    assert "10.0.0.1" not in kept and "10.0.0.2" in kept


def test_set_sync_time_changes_nothing_and_says_why() -> None:
    world = synced()
    before = world.xsoar.version
    result = run(world, "xdr-iocs-set-sync-time", time="2020-01-01T00:00:00Z")
    assert "deprecated" in result.readable_output and result.entry_type == EntryType.WARNING
    assert world.xsoar.version == before


# ---- status and rejects


def test_status_shows_every_number() -> None:
    world = World()
    assert run(world, "xdr-iocs-status").outputs["phase"] == "not started"
    world.add_many(8)
    world.xsoar.add("::1", "IPv6")
    world.sync().begin()
    assert run(world, "xdr-iocs-status").outputs["phase"] == "first sync"
    run(world, "fetch-indicators")
    world.clock.advance(600)
    world.xdr.operate("10.0.0.1", comment="x")
    run(world, "fetch-indicators")
    outputs = run(world, "xdr-iocs-status").outputs
    assert outputs["phase"] == "following changes"
    assert (outputs["first_sync_done"], outputs["first_sync_total"]) == (9, 9)
    assert (outputs["pushed"], outputs["set_aside_now"], outputs["set_aside_total"]) == (8, 1, 1)
    assert (outputs["changes_from_xdr"], outputs["taken_from_xdr"], outputs["changed_on_both_sides"]) == (1, 1, 0)
    assert (outputs["last_error"], outputs["key_type"]) == ("", "advanced")
    assert outputs["outbound_position"] and outputs["inbound_position"] and outputs["last_outbound"]
    assert run(world, "xdr-iocs-status").outputs["changes_from_xdr"] == 1


def test_failed_run_tells_its_error_and_the_next_good_one_clears_it() -> None:
    world = World()
    world.add_many(2)
    world.xdr.insert_fails = [busy("Cortex XDR answered 502")]
    with pytest.raises(Exception, match="502"):
        run(world, "fetch-indicators")
    assert "502" in run(world, "xdr-iocs-status").outputs["last_error"]
    run(world, "fetch-indicators")
    assert run(world, "xdr-iocs-status").outputs["last_error"] == ""


def test_rejects_are_listed_newest_first_by_limit_or_page() -> None:
    world = World()
    for number in range(7):
        world.xsoar.add(f"::{number}", "IPv6")
        run(world, "fetch-indicators")
    newest = [f"::{number}" for number in range(6, -1, -1)]

    def shown(**args: Any) -> list[str]:
        return [row["indicator"] for row in run(world, "xdr-iocs-rejects", **args).outputs]

    assert shown() == newest
    assert shown(limit="2") == newest[:2]
    assert shown(page="2", page_size="3") == newest[3:6]
    assert shown(page="9", page_size="3") == []
    assert shown(page_size="4") == newest[:4]
    row = run(world, "xdr-iocs-rejects").outputs[0]
    assert row.keys() == {"indicator", "type", "reason", "direction", "when"}
    assert (row["type"], row["direction"]) == ("IPv6", "to XDR") and "IPv6" in row["reason"]
    for name in ("limit", "page", "page_size"):
        with pytest.raises(ValueError, match=name):
            shown(**{name: "0"})


def test_rejected_record_leaves_the_list_when_it_goes_through() -> None:
    world = World(override_severity="false")
    world.xsoar.add("10.0.0.1", CustomFields={"sourceoriginalseverity": "nonsense"})
    run(world, "fetch-indicators")
    assert list(world.xsoar.state()["rejects"]) == ["10.0.0.1"]
    world.xsoar.feed("10.0.0.1", sourceoriginalseverity="low")
    run(world, "fetch-indicators")
    assert world.xsoar.state()["rejects"] == {}


def test_rejected_row_leaves_the_list_when_it_goes_through() -> None:
    world = World()
    world.xdr.operate("Bad.Example", "DOMAIN_NAME", severity="ODD")
    run(world, "fetch-indicators")
    assert list(world.xsoar.state()["rejects"]) == ["Bad.Example"]
    world.clock.advance(1)
    world.xdr.operate("Bad.Example", severity="LOW")
    run(world, "fetch-indicators")
    assert world.xsoar.state()["rejects"] == {}


def test_list_of_rejects_is_bounded_and_counts_what_it_dropped() -> None:
    world = World(request_size="4000")
    for number in range(REJECTS_KEPT + 5):
        world.xsoar.add(f"::{number:x}", "IPv6")
    run(world, "fetch-indicators")
    state = world.xsoar.state()
    assert (len(state["rejects"]), state["rejects_dropped"]) == (REJECTS_KEPT, 5)
    assert "5 older" in run(world, "xdr-iocs-rejects").readable_output


# ---- fetch


def test_unread_changes_of_xdr_are_not_written_over() -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", comment="an operator's word")
    world.xsoar.feed("10.0.0.1", score=3, sighting="seen again")
    world.xdr.changes_fail = [busy("Cortex XDR answered 503 to get_changes")]
    with pytest.raises(Exception, match=r"from Cortex XDR.*503"):
        run(world, "fetch-indicators")
    assert world.xdr.rules["10.0.0.1"]["comment"] == "an operator's word"
    run(world, "fetch-indicators")
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdrioccomment"] == "an operator's word"
    assert world.xdr.rules["10.0.0.1"]["comment"] == "an operator's word"


def test_one_direction_failing_does_not_keep_the_other_from_running_for_ever() -> None:
    world = synced()
    world.xsoar.add("10.4.4.4")
    for number in range(HELD_RUNS + 1):
        assert "10.4.4.4" not in world.xdr.rules, number
        world.xdr.changes_fail = [busy("Cortex XDR answered 503 to get_changes")]
        with pytest.raises(Exception, match=r"from Cortex XDR.*503"):
            run(world, "fetch-indicators")
    assert "10.4.4.4" in world.xdr.rules
    run(world, "fetch-indicators")
    assert world.xsoar.state()["inbound"]["held"] == 0
    world.xdr.operate("10.0.0.1", comment="x")
    world.xsoar.add("10.4.4.5")
    world.xdr.insert_fails = [busy("Cortex XDR answered 503 to insert")]
    with pytest.raises(Exception, match=r"to Cortex XDR.*503"):
        run(world, "fetch-indicators")
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdrioccomment"] == "x"


def test_fetch_without_auto_sync_only_brings_changes() -> None:
    world = World(autoSync="false")
    world.add_many(3)
    world.xdr.operate("203.0.113.1", comment="x")
    for _ in range(2):
        run(world, "fetch-indicators")
    assert world.xdr.writes() == 0
    assert world.xsoar.by_value("203.0.113.1")


def test_flood_from_xdr_leaves_half_of_the_time_to_the_other_direction() -> None:
    world = World()
    world.add_many(3)
    for number in range(60):
        world.xdr.operate(f"203.0.113.{number}")
    create = world.xsoar.create

    def slow(items: list[dict[str, Any]]) -> None:
        world.clock.advance(5)
        create(items)

    world.xsoar.create = slow  # type: ignore[method-assign]
    for _ in range(30):
        run_command("fetch-indicators", world.sync(budget=20), {}, lambda: pytest.fail("no file"))
        assert {"10.0.0.0", "10.0.0.1", "10.0.0.2"} <= world.xdr.rules.keys()
    assert sum(doc["value"].startswith("203.") for doc in world.xsoar.docs.values()) == 60


def test_changes_that_a_run_had_no_time_for_are_not_written_over() -> None:
    world = synced()
    for number in range(12):
        world.xdr.operate(f"203.0.113.{number}")
    world.xdr.operate("10.0.0.1", comment="an operator's word")
    world.xsoar.add("10.4.4.4")
    world.xsoar.feed("10.0.0.1", sighting="seen again")
    create = world.xsoar.create

    def slow(items: list[dict[str, Any]]) -> None:
        world.clock.advance(6)
        create(items)

    world.xsoar.create = slow  # type: ignore[method-assign]
    for _ in range(4):
        run_command("fetch-indicators", world.sync(budget=20), {}, lambda: pytest.fail("no file"))
        assert world.xdr.rules["10.0.0.1"]["comment"] == "an operator's word"
    assert "10.4.4.4" in world.xdr.rules
    assert world.xsoar.by_value("10.0.0.1")["CustomFields"]["xdrioccomment"] == "an operator's word"


# ---- main


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world behind `demisto` and the real client."""
    world = World()
    api = Api(world.clock.timing())
    world.room = WarRoom(partial(monkeypatch.setattr, demisto))  # type: ignore[attr-defined]
    monkeypatch.setattr(demisto, "params", lambda: {**PARAMS, "extensive_logs": "false"})
    monkeypatch.setattr(demisto, "args", dict)
    monkeypatch.setattr(demisto, "searchIndicators", world.xsoar.search)
    monkeypatch.setattr(demisto, "createIndicators", world.xsoar.create)
    monkeypatch.setattr(
        CortexXDRIOC.IndicatorClient, "_http_request", lambda self, method, **more: _ask(api, method, more)
    )
    world.api = api  # type: ignore[attr-defined]
    return world


def _ask(api: Api, method: str, more: dict[str, Any]) -> Any:
    return Api._http_request(api, method, **more)


def room_of(world: World) -> WarRoom:
    room: WarRoom = world.room  # type: ignore[attr-defined]
    return room


def call(server: World, monkeypatch: pytest.MonkeyPatch, command: str, **args: Any) -> list[Any]:
    monkeypatch.setattr(demisto, "command", lambda: command)
    monkeypatch.setattr(demisto, "args", lambda: args)
    before = len(room_of(server).results)
    main()
    return room_of(server).results[before:]


@pytest.mark.parametrize("command", ["xdr-iocs-status", "xdr-iocs-push", "test-module", "fetch-indicators"])
def test_main_runs_a_command_and_returns_its_result(server: World, monkeypatch: Any, command: str) -> None:
    server.add_many(2)
    results = call(server, monkeypatch, command)
    assert len(results) == (0 if command == "fetch-indicators" else 1)
    if command == "test-module":
        assert results == ["ok"]


@pytest.mark.parametrize("command", ["xdr-iocs-create-sync-file", "xdr-iocs-to-keep-file"])
def test_main_returns_files_as_file_entries(
    server: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    server.add_many(2)
    (entry,) = call(server, monkeypatch, command, zip="false", set_time="false")
    entry = entry[0] if isinstance(entry, list) else entry
    assert entry["Type"] == EntryType.FILE
    assert (tmp_path / f"1_{entry['FileID']}").read_bytes()


def test_main_turns_a_failure_into_an_error_entry_without_the_secret(
    server: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.api.answers["tim_insert_jsons"] = [(403, {"reply": {"err_msg": "secret-of-the-key is refused"}})]  # type: ignore[attr-defined]
    server.add_many(1)
    with pytest.raises(SystemExit):
        call(server, monkeypatch, "xdr-iocs-push", indicator="10.0.0.0")
    text = json.dumps(room_of(server).results[-1])
    assert "403" in text and "role" in text and "secret-of-the-key" not in text
    assert "secret-of-the-key" not in json.dumps(room_of(server).logs)


def test_main_with_an_unknown_command_says_so(server: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        call(server, monkeypatch, "xdr-iocs-nonsense")
    assert "xdr-iocs-nonsense" in json.dumps(room_of(server).results[-1])


def test_main_remembers_the_kind_of_key_that_worked(server: World, monkeypatch: pytest.MonkeyPatch) -> None:
    api: Api = server.api  # type: ignore[attr-defined]
    api.answers["get_changes"] = [(401, {}), (200, {"reply": []})]
    call(server, monkeypatch, "fetch-indicators")
    context = room_of(server).context
    assert json.loads(context[VERSIONED_STATE_KEY])["key_type"] == "standard"
    api.seen.clear()
    call(server, monkeypatch, "fetch-indicators")
    assert all("x-xdr-nonce" not in one["headers"] for one in api.seen)


@pytest.mark.parametrize("delivers", [True, False])
def test_run_that_ends_at_the_limit_of_the_tenant_fails_only_when_it_got_nowhere(delivers: bool) -> None:
    world = World(request_size="2", max_requests_in_flight="1")
    world.add_many(6)
    insert, sent = world.xdr.insert, []

    def limited(records: Any) -> Any:
        sent.append(records)
        if not delivers or len(sent) > 1:
            raise XDRPausedError("Cortex XDR answered 429", 429)
        return insert(records)

    world.xdr.insert = limited  # type: ignore[method-assign]
    with nullcontext() if delivers else pytest.raises(DemistoException, match="429"):
        run(world, "fetch-indicators")
    assert len(world.xdr.rules) == (2 if delivers else 0)
    world.xdr.insert = insert  # type: ignore[method-assign]
    run(world, "fetch-indicators")
    assert len(world.xdr.rules) == 6


def test_rejects_file_has_every_record_however_many_there_are(tmp_path: Path) -> None:
    world = World()
    world.add_many(3)
    for number in range(REJECTS_KEPT + 20):
        world.xsoar.add(f"::{number:x}", "IPv6")
    world.xdr.refuses = {"10.0.0.1": "XDR does not want it"}
    run(world, "xdr-iocs-push")
    assert len(run(world, "xdr-iocs-rejects").outputs) == 50
    entry, text = run_command("xdr-iocs-rejects", world.sync(), {"file": "true"}, lambda: spot(tmp_path))
    rows = list(csv.DictReader((tmp_path / "file").read_text(encoding="utf-8").splitlines()))
    assert entry["File"] == "xdr-iocs-rejects.csv"
    assert text == f"{len(rows)} records are set aside."
    reasons = {row["indicator"]: row["reason"] for row in rows}
    assert len(reasons) == len(rows) == REJECTS_KEPT + 21
    assert reasons["10.0.0.1"] == "XDR does not want it"
    assert "IPv6" in reasons["::0"]


# ---- agreement of code, yml and README


def test_every_command_of_the_yml_is_dispatched_and_no_other() -> None:
    tree = ast.parse(Path(CortexXDRIOC.__file__).read_text(encoding="utf-8"))
    (function,) = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "run_command"]
    keys = {
        key.value
        for node in ast.walk(function)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert keys == {*COMMANDS, "test-module", "fetch-indicators"}


def test_every_argument_of_the_yml_is_read_and_every_one_that_is_read_is_in_the_yml() -> None:
    code = Path(CortexXDRIOC.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r"args\.get\([\"'](\w+)", code)) | {"limit", "page", "page_size"}
    declared = {argument["name"] for command in COMMANDS.values() for argument in command.get("arguments") or []}
    assert declared == read


def test_every_parameter_of_the_yml_is_read_here_or_by_the_server() -> None:
    code = Path(CortexXDRIOC.__file__).read_text(encoding="utf-8")
    by_server = {f"feed{name}" for name in ("Reputation", "Reliability", "Incremental", "BypassExclusionList")}
    by_server |= {"feedExpirationPolicy", "feedExpirationInterval"}
    for parameter in YML["configuration"]:
        name = parameter["name"].removesuffix("_creds")
        assert name in by_server or f'"{name}"' in code, name


@pytest.mark.parametrize("name", ["severity", "api_key_type"])
def test_choices_of_the_yml_are_those_of_the_code(name: str) -> None:
    (parameter,) = [parameter for parameter in YML["configuration"] if parameter["name"] == name]
    for option in parameter["options"]:
        assert CortexXDRIOC.settings_from_params({**PARAMS, name: option})


def test_defaults_of_the_yml_are_those_of_the_code() -> None:
    given = {p["name"]: p["defaultvalue"] for p in YML["configuration"] if "defaultvalue" in p}
    given |= {name: PARAMS[name] for name in ("query", "feedTags")}
    assert CortexXDRIOC.settings_from_params({**PARAMS, **given}) == CortexXDRIOC.settings_from_params(PARAMS)


def outputs_of(name: str) -> set[str]:
    return {output["contextPath"] for output in COMMANDS[name].get("outputs") or []}


def given_by(result: Any) -> set[str]:
    return paths_of(result.outputs_prefix, result.outputs)


def paths_of(prefix: str, content: Any) -> set[str]:
    """The context paths of outputs, those in tables within them included."""
    rows = [row for row in (content if isinstance(content, list) else [content]) if isinstance(row, dict)]
    below = {path for row in rows for key, value in row.items() for path in paths_of(f"{prefix}.{key}", value)}
    return below or {prefix}


def test_outputs_of_every_command_are_those_of_the_yml() -> None:
    world = synced()
    world.xdr.changes_fail = [busy()]
    with pytest.raises(DemistoException):
        run(world, "fetch-indicators")
    world.xsoar.add("::1", "IPv6")
    calls: tuple[dict[str, str], ...] = ({}, {"indicator": "10.0.0.1"}, {"query": "type:IP"}, {"dry_run": "true"})
    world.clock.advance(1)
    world.xsoar.add("10.9.9.9")
    world.xsoar.add("::2", "IPv6")
    push = [given_by(run(world, "xdr-iocs-push", **args)) for args in reversed(calls)]
    assert set().union(*push) == outputs_of("xdr-iocs-push")
    for command, args in (
        ("xdr-iocs-enable", {"indicator": "10.0.0.1"}),
        ("xdr-iocs-disable", {"indicator": "10.0.0.1"}),
        ("xdr-iocs-status", {}),
        ("xdr-iocs-reset", {"to": "2026-01-01"}),
    ):
        given = given_by(run(world, command, **args))
        wanted = {path for path in outputs_of(command) if path[:5] != "File."}
        # An empty list stands for the paths of its rows.
        empty = {path for path in given - wanted if any(one.startswith(f"{path}.") for one in wanted)}
        assert given - empty == {path for path in wanted if path.rpartition(".")[0] not in empty}
    retry = [given_by(run(world, "xdr-iocs-rejects", retry=word)) for word in ("false", "true")]
    assert set().union(*retry) == {path for path in outputs_of("xdr-iocs-rejects") if path[:5] != "File."}
    assert given_by(run(world, "xdr-iocs-delete", indicator="10.0.0.1")[0]) == outputs_of("xdr-iocs-delete")
    world.xdr.operate("10.0.0.2", comment="x")
    assert given_by(run(world, "xdr-iocs-get-indicators")) == outputs_of("xdr-iocs-get-indicators")
    sync = run(world, "xdr-iocs-sync", Api(world.clock.timing()), firstTime="true")
    assert given_by(sync) == outputs_of("xdr-iocs-sync")


def test_readme_names_every_parameter_command_argument_and_output() -> None:
    for parameter in YML["configuration"]:
        title = parameter["display"] or parameter.get("displaypassword") or ""
        assert parameter.get("hidden") or title.partition(" (")[0] in README, title
    for name, command in COMMANDS.items():
        section = README.partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert section, name
        if "are those of `xdr-iocs-enable`" in section:
            continue
        for argument in command.get("arguments") or []:
            assert f"| {argument['name']} |" in section, (name, argument["name"])
        for path in outputs_of(name):
            assert path in section or f"`{path.rpartition('.')[2]}`" in section or path.startswith("File."), path


def test_examples_name_commands_of_the_yml() -> None:
    for line in (FOLDER / "command_examples.txt").read_text().splitlines():
        assert line.removeprefix("!").partition(" ")[0] in COMMANDS
