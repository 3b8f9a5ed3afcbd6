"""Files that go out under another hash than their value: one IOC, one indicator, whichever way one looks at it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from CortexXDRIOC import FileSpot, fetch_indicators_command, load_memory, run_command
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import World

SHA1, OTHER_SHA1, SHA256, MD5 = "b2" * 20, "b3" * 20, "a1" * 32, "c3" * 16


def fetch(world: World, runs: int = 1) -> None:
    for _ in range(runs):
        world.clock.advance(600)
        fetch_indicators_command(world.sync())


def run(world: World, command: str, spot: FileSpot | None = None, **args: Any) -> Any:
    return run_command(command, world.sync(), args, lambda: spot or pytest.fail("no file was wanted"))


def file_world(**fields: Any) -> World:
    """A File indicator whose value is a SHA-1, with what is known of the file besides; synced."""
    world = World(override_severity="false", xsoar_comments_field="notes")
    world.xsoar.add(SHA1, "File", CustomFields=fields)
    fetch(world)
    return world


def custom(world: World, value: str = SHA1) -> dict[str, Any]:
    fields: dict[str, Any] = world.xsoar.by_value(value)["CustomFields"]
    return fields


# ---- outbound


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"sha256": SHA256, "md5": MD5}, SHA256),
        ({"sha256": SHA256.upper()}, SHA256),
        ({"sha256": "not known", "md5": MD5}, MD5),
        ({"sha256": MD5, "md5": MD5}, MD5),
        ({"md5": [None, MD5]}, MD5),
    ],
)
def test_file_goes_out_under_its_best_hash(fields: dict[str, Any], wanted: str) -> None:
    assert file_world(**fields).xdr.rules.keys() == {wanted}


@pytest.mark.parametrize("fields", [{}, {"sha256": MD5}, {"md5": SHA256}, {"sha256": 5, "md5": None}])
def test_file_without_a_hash_is_set_aside_by_its_own_value(fields: dict[str, Any]) -> None:
    world = file_world(**fields)
    (reject,) = run(world, "xdr-iocs-rejects").outputs
    assert reject["indicator"] == SHA1
    assert "SHA-1" in reject["reason"] and "neither MD5 nor SHA-256 of the file is known" in reject["reason"]
    world.xsoar.feed(SHA1, sha256=SHA256)
    fetch(world)
    assert world.xdr.rules.keys() == {SHA256} and not world.xsoar.state()["rejects"]


@pytest.mark.parametrize("value", [SHA256, MD5])
def test_hash_that_xdr_takes_stays_what_it_is(value: str) -> None:
    world = World()
    world.xsoar.add(value, "File", CustomFields={"sha256": "d4" * 32, "md5": "d5" * 16})
    fetch(world)
    assert world.xdr.rules.keys() == {value}


def test_refusal_of_xdr_is_listed_under_the_value_of_xsoar() -> None:
    world = World()
    world.xdr.refuses[SHA256] = "no room"
    world.xsoar.add(SHA1, "File", CustomFields={"sha256": SHA256})
    fetch(world)
    assert world.xsoar.state()["rejects"][SHA1]["reason"] == "no room"
    assert run(world, "xdr-iocs-push", indicator=SHA1).outputs == [
        {"indicator": SHA1, "status": "rejected", "reason": "no room"}
    ]


def test_files_for_the_vendor_name_the_hash_once(tmp_path: Path) -> None:
    world = file_world(sha256=SHA256)
    world.xsoar.add(OTHER_SHA1, "File", CustomFields={"sha256": SHA256})
    spot = FileSpot(str(tmp_path / "file"), lambda name: {})
    run(world, "xdr-iocs-to-keep-file", spot)
    assert Path(spot.path).read_text() == f"{SHA256}\n"
    run(world, "xdr-iocs-create-sync-file", spot)
    assert [json.loads(line)["indicator"] for line in Path(spot.path).read_text().splitlines()] == [SHA256]


# ---- inbound


def test_change_in_xdr_comes_to_the_file_and_is_not_sent_back() -> None:
    world = file_world(sha256=SHA256)
    world.xdr.operate(SHA256, "HASH", status="DISABLED", comment="noisy")
    writes = world.xdr.writes()
    fetch(world, 3)
    assert len(world.xsoar.docs) == 1 and world.xdr.writes() == writes
    fields = custom(world)
    assert (fields["xdriocstatus"], fields["notes"]) == ("disabled", "noisy")
    memory = load_memory(fields, "")
    assert memory and memory["ioc"] == SHA256
    world.xsoar.edit(SHA1, notes="ours", xdriocstatus="enabled")
    fetch(world)
    assert (world.xdr.rules[SHA256]["comment"], world.xdr.rules[SHA256]["status"]) == ("ours", "ENABLED")


def test_ioc_that_an_operator_added_comes_to_the_file_that_has_the_hash() -> None:
    world = World()
    world.xsoar.add(SHA1, "File", score=0, CustomFields={"sha256": SHA256})
    world.xdr.operate(SHA256, "HASH", comment="seen")
    fetch(world)
    assert [doc["value"] for doc in world.xsoar.docs.values()] == [SHA1]
    assert custom(world)["xdrioccomment"] == "seen"


def test_row_that_cannot_be_read_is_listed_under_the_value_of_xsoar() -> None:
    world = file_world(sha256=SHA256)
    world.xdr.operate(SHA256, "HASH", severity="SEV_777")
    fetch(world)
    assert world.xsoar.state()["rejects"].keys() == {SHA1}
    world.xdr.operate(SHA256, "HASH", severity="LOW")
    fetch(world)
    assert not world.xsoar.state()["rejects"]


def test_ioc_of_the_hash_that_is_not_the_best_is_an_indicator_of_its_own() -> None:
    world = file_world(sha256=SHA256, md5=MD5)
    world.xdr.operate(MD5, "HASH", comment="by hand")
    fetch(world, 2)
    assert {doc["value"] for doc in world.xsoar.docs.values()} == {SHA1, MD5}
    assert "xdriocstate" not in custom(world) and custom(world, MD5)["notes"] == "by hand"


@pytest.mark.parametrize(("status", "sent"), [("DISABLED", True), ("ENABLED", True), ("DELETED", False)])
def test_better_hash_that_becomes_known_goes_out_with_the_status_of_the_old_ioc(status: str, sent: bool) -> None:
    world = file_world(md5=MD5)
    world.xdr.operate(MD5, "HASH", **({"deleted": True} if status == "DELETED" else {"status": status, "comment": "x"}))
    fetch(world)
    world.xsoar.feed(SHA1, sha256=SHA256)
    fetch(world, 3)
    assert (SHA256 in world.xdr.rules) is sent
    if sent:
        assert (world.xdr.rules[SHA256]["status"], world.xdr.rules[SHA256]["comment"]) == (status, "x")
        assert world.xdr.sent()[SHA256] == 1


# ---- several indicators of one file


def test_of_two_files_with_one_hash_the_first_speaks_and_the_other_is_silent() -> None:
    world = World(override_severity="false")
    for value, severity in ((SHA1, "low"), (OTHER_SHA1, "critical")):
        world.xsoar.add(value, "File", CustomFields={"sha256": SHA256, "sourceoriginalseverity": severity})
    fetch(world)
    world.xsoar.feed(OTHER_SHA1, sourceoriginalseverity="medium")
    fetch(world, 2)
    assert (world.xdr.rules[SHA256]["severity"], world.xdr.sent()[SHA256]) == ("LOW", 1)
    assert not world.xsoar.state()["rejects"] and world.xsoar.state()["counts"]["no_news"] >= 2


def test_indicator_with_the_hash_as_value_speaks_if_the_sync_query_finds_it() -> None:
    world = file_world(sha256=SHA256, sourceoriginalseverity="low")
    world.xsoar.add(SHA256, "File", score=0, CustomFields={"sourceoriginalseverity": "critical"})
    fetch(world, 2)
    assert world.xdr.rules[SHA256]["severity"] == "LOW"
    world.xdr.operate(SHA256, "HASH", comment="for the file")
    fetch(world)
    assert custom(world)["notes"] == "for the file" and "notes" not in custom(world, SHA256)
    world.xsoar.feed(SHA256, score=3)
    fetch(world)
    world.xsoar.feed(SHA1, sourceoriginalseverity="medium")
    fetch(world, 2)
    assert world.xdr.rules[SHA256]["severity"] == "CRITICAL"
    world.xdr.operate(SHA256, "HASH", comment="for the hash")
    fetch(world)
    assert custom(world, SHA256)["notes"] == "for the hash"


def test_several_pages_of_files_with_one_hash_have_one_voice() -> None:
    world = World(request_size="1")
    for number in range(5):
        world.xsoar.add(f"{number:040x}", "File", tick=1, CustomFields={"sha256": SHA256, "notes": str(number)})
    fetch(world, 2)
    assert world.xdr.sent()[SHA256] == 1
    assert world.sync().server.lookup([SHA256])[SHA256]["value"] == f"{0:040x}"


# ---- commands and reconciliation


@pytest.mark.parametrize("asked", [SHA1, SHA1.upper(), SHA256, SHA256.upper()])
def test_commands_take_both_values_and_act_on_the_ioc(asked: str) -> None:
    world = file_world(sha256=SHA256)
    (row,) = run(world, "xdr-iocs-disable", indicator=asked).outputs
    assert row == {"indicator": asked, "status": "disabled", "in_xsoar": True}
    assert world.xdr.rules[SHA256]["status"] == "DISABLED" and custom(world)["xdriocstatus"] == "disabled"
    (compared,) = run(world, "xdr-iocs-compare", indicator=asked).outputs
    assert (compared["indicator"], compared["finding"], compared["status"]) == (asked, "equal", "DISABLED")
    del world.xdr.rules[SHA256]
    (pushed,) = run(world, "xdr-iocs-push", indicator=asked).outputs
    assert (pushed["indicator"].lower(), pushed["status"]) == (asked.lower(), "pushed")
    assert world.xdr.rules.keys() == {SHA256}


def test_push_of_a_file_for_which_another_speaks_pushes_that_one() -> None:
    world = file_world(sha256=SHA256, sourceoriginalseverity="low")
    world.xsoar.add(OTHER_SHA1, "File", CustomFields={"sha256": SHA256, "sourceoriginalseverity": "high"})
    assert run(world, "xdr-iocs-push", indicator=f"{OTHER_SHA1},{SHA1}").outputs == [
        {"indicator": OTHER_SHA1, "status": "pushed", "reason": ""},
        {"indicator": SHA1, "status": "pushed", "reason": ""},
    ]
    assert (world.xdr.rules[SHA256]["severity"], world.xdr.sent()[SHA256]) == ("LOW", 2)


def test_push_of_a_file_that_the_sync_query_does_not_find_sends_just_this_one() -> None:
    world = World(override_severity="false")
    world.xsoar.add(SHA256, "File", score=0, CustomFields={"sourceoriginalseverity": "high"})
    world.xsoar.add(SHA1, "File", score=0, CustomFields={"sha256": SHA256, "sourceoriginalseverity": "low"})
    run(world, "xdr-iocs-push", indicator=SHA1)
    assert world.xdr.rules[SHA256]["severity"] == "LOW"


def test_reconcile_finds_nothing_where_both_sides_agree() -> None:
    world = file_world(sha256=SHA256)
    world.xsoar.add(OTHER_SHA1, "File", CustomFields={"sha256": SHA256})
    fetch(world)
    world.clock.advance(100)
    found = run(world, "xdr-iocs-reconcile")[0].outputs
    assert (found["status"], found["whole"], found["Finding"]) == ("done", True, [])
    assert (found["equal"], found["same_ioc"], found["only_in_xdr"], found["outside_query"]) == (1, 1, 0, 0)


def test_reconcile_repairs_a_file_under_its_hash() -> None:
    world = file_world(sha256=SHA256)
    world.xdr.rules.clear()
    world.clock.advance(100)
    found = run(world, "xdr-iocs-reconcile", repair="true")[0].outputs
    assert [(one["indicator"], one["finding"], one["repair"]) for one in found["Finding"]] == [
        (SHA1, "only in XSOAR", "pushed")
    ]
    assert world.xdr.rules.keys() == {SHA256}


def test_reconcile_lets_the_next_indicator_speak_when_the_first_left_the_sync_query() -> None:
    world = file_world(sha256=SHA256, sourceoriginalseverity="low")
    world.xsoar.add(SHA256, "File", CustomFields={"sourceoriginalseverity": "critical"})
    fetch(world)
    world.xsoar.feed(SHA256, score=1)
    fetch(world)
    assert world.xdr.rules[SHA256]["severity"] == "CRITICAL"
    run(world, "xdr-iocs-reconcile", repair="true")
    assert world.xdr.rules[SHA256]["severity"] == "LOW"


@pytest.mark.parametrize("asked", [SHA1, SHA256])
def test_deletion_takes_both_values_and_the_file_stays_deleted(asked: str) -> None:
    world = file_world(sha256=SHA256)
    row = run(world, "xdr-iocs-delete", indicator=asked)[0].outputs[0]
    assert (row["indicator"], row["status"], row["in_xsoar"], row["type"]) == (asked, "deleted", True, "HASH")
    assert world.xdr.rules[SHA256]["deleted"] and custom(world)["xdriocstatus"] == "deleted"
    world.xsoar.feed(SHA1, sightings=5)
    fetch(world, 2)
    assert world.xdr.rules[SHA256]["deleted"]
    world.xsoar.feed(SHA1, sourceoriginalseverity="low")
    fetch(world)
    assert not world.xdr.rules[SHA256].get("deleted")


@pytest.mark.parametrize("asked", [SHA1, SHA256, ""])
def test_hits_of_the_ioc_come_to_the_file(asked: str) -> None:
    world = file_world(sha256=SHA256)
    world.xdr.operate(SHA256, "HASH", hits=12)
    (row,) = run(world, "xdr-iocs-hits", indicator=asked).outputs
    assert (row["indicator"], row["hits"], row["in_xsoar"]) == (SHA1, 12, True)
    assert custom(world)["xdriochits"] == 12
    writes = world.xdr.writes()
    fetch(world, 2)
    assert world.xdr.writes() == writes and len(world.xsoar.docs) == 1


@pytest.mark.parametrize("way", ["to XDR", "from XDR"])
def test_retry_of_a_file_goes_by_its_hash(way: str) -> None:
    world = World(override_severity="false", xsoar_comments_field="notes")
    world.xdr.refuses = {SHA256: "no room"} if way == "to XDR" else {}
    world.xsoar.add(SHA1, "File", CustomFields={"sha256": SHA256})
    fetch(world)
    if way == "from XDR":
        world.xdr.operate(SHA256, "HASH", severity="SEV_777", comment="seen")
        fetch(world)
    assert world.xsoar.state()["rejects"].keys() == {SHA1}
    world.xdr.refuses.clear()
    if way == "from XDR":
        world.xdr.rules[SHA256]["severity"] = "LOW"
    (row,) = run(world, "xdr-iocs-rejects", retry="true").outputs
    assert (row["indicator"], row["outcome"]) == (SHA1, "pushed" if way == "to XDR" else "taken")
    assert not world.xsoar.state()["rejects"] and SHA256 in world.xdr.rules


def test_dry_run_and_push_by_query_count_a_file_once() -> None:
    world = file_world(sha256=SHA256)
    world.xsoar.add(OTHER_SHA1, "File", CustomFields={"sha256": SHA256})
    would = run(world, "xdr-iocs-push", query="type:File", dry_run="true").outputs
    assert (would["looked_at"], would["would_push"], would["without_news"]) == (2, 1, 1)
    pushed = run(world, "xdr-iocs-push", query="type:File").outputs
    assert (pushed["looked_at"], pushed["pushed"]) == (2, 1)


def test_removal_takes_the_ioc_of_the_hash_that_is_no_longer_the_best_and_leaves_what_another_speaks_for() -> None:
    world = World(removal_policy="disable", removal_cap_percent="100", removal_interval_hours="1")
    world.xsoar.add(SHA1, "File", CustomFields={"md5": MD5})
    world.xsoar.add(OTHER_SHA1, "File", CustomFields={"sha256": "e5" * 32})
    world.xsoar.add("e5" * 32, "File")
    fetch(world, 2)
    world.xsoar.feed(SHA1, sha256=SHA256)
    world.xsoar.feed("e5" * 32, score=1)
    fetch(world, 15)
    status = {value: rule["status"] for value, rule in world.xdr.rules.items()}
    assert status == {MD5: "DISABLED", SHA256: "ENABLED", "e5" * 32: "ENABLED"}


# ---- whatever happens, it comes to rest

VALUES = [SHA1, OTHER_SHA1, SHA256]


@st.composite
def events(draw: st.DrawFn) -> tuple[Any, ...]:
    """One thing that happens to the three indicators of the file, to its IOC, or a run."""
    kind = draw(st.sampled_from(["fetch", "add", "score", "severity", "status", "xdr", "hash", "disable", "push"]))
    value = draw(st.sampled_from(VALUES))
    content = draw(st.sampled_from(["low", "medium", "critical"]))
    return kind, value, content, draw(st.booleans())


def happen(world: World, event: tuple[Any, ...]) -> None:
    kind, value, content, flag = event
    world.clock.advance(30)
    known = any(doc["value"] == value for doc in world.xsoar.docs.values())
    if kind == "fetch":
        fetch(world)
    elif kind == "add" and not known:
        fields = {} if value == SHA256 else {"sha256": SHA256, "md5": MD5}
        world.xsoar.add(value, "File", CustomFields={**fields, "sourceoriginalseverity": content})
    elif kind in ("disable", "push"):
        run(world, f"xdr-iocs-{kind}", indicator=value)
    elif kind == "xdr" and SHA256 in world.xdr.rules:
        change = {"severity": content.upper()} if flag else {"status": "DISABLED", "comment": content}
        world.xdr.operate(SHA256, "HASH", **change)
    elif known:
        change = {
            "score": {"score": 3 if flag else 1},
            "severity": {"sourceoriginalseverity": content},
            "status": {"xdriocstatus": "disabled" if flag else "enabled"},
            "hash": {"sha256": SHA256 if flag else ""},
        }.get(kind, {})
        world.xsoar.feed(value, **change)


@pytest.mark.parametrize("shows_own", [False, True])
@hypothesis_settings(max_examples=80, deadline=None)
@given(happened=st.lists(events(), max_size=16))
def test_indicators_of_one_file_do_not_fight(shows_own: bool, happened: list[tuple[Any, ...]]) -> None:
    world = World(shows_own, override_severity="false", xsoar_comments_field="notes")
    world.xsoar.add(SHA1, "File", CustomFields={"sha256": SHA256, "md5": MD5})
    for event in happened:
        happen(world, event)
    fetch(world, 3)
    writes, created, docs = world.xdr.writes(), len(world.xsoar.created), str(world.xsoar.docs)
    fetch(world, 2)
    assert (world.xdr.writes(), len(world.xsoar.created), str(world.xsoar.docs)) == (writes, created, docs)
    assert {doc["value"] for doc in world.xsoar.docs.values()} <= {*VALUES, MD5}
