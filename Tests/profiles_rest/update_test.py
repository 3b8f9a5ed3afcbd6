"""Articles on the records of a server over REST: once, whole, and never at somebody else's cost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from emulators.kit import Call
from Tests.profiles_rest.world import SERVERS, Start, World, article
from warroom.engine.xsoar import XsoarError

BACK = article(1, "APT28 is back")
GRID = [{"title": f"Old {number}", "link": f"https://old.example/{number}"} for number in range(500)]


@pytest.mark.parametrize("kind", SERVERS)
def test_update_each_version_and_kind_of_key_writes_rows_and_date(start: Start, kind: str) -> None:
    world = start(**SERVERS[kind])

    result = world.update([BACK, article(2, "Fancy Bear, too"), article(3, "Nobody")])

    assert result.status == "ok", result.error
    assert [(one["name"], one["status"], one["added"]) for one in result.profiles] == [("APT28", "updated", 2)]
    assert world.links() == ["2", "1"]
    assert world.fields()["lastseenbysource"] == "2026-01-03T00:00:00Z"
    assert world.fields()["aliases"] == ["APT28", "Fancy Bear"]
    assert [one.status for one in world.writes()] == [200]


@pytest.mark.parametrize("kind", SERVERS)
def test_update_dry_run_sends_no_writing_request_and_tells_each_row(start: Start, kind: str) -> None:
    world = start(**SERVERS[kind])

    result = world.update([BACK], write=False, names=("APT28", "FIN7"), create_missing=True)

    assert world.writes() == [] and len(world.server.requests) > 0
    assert world.values() == ["Sofacy"] and world.links() == []
    [change] = result.changes
    assert (change.value, change.created, change.before) == (
        "Sofacy",
        False,
        {"publications": None, "lastseenbysource": None},
    )
    assert [row["title"] for row in change.after["publications"]] == ["APT28 is back"]


def test_update_dry_run_of_a_missing_record_tells_that_it_would_be_made(start: Start) -> None:
    world = start()

    result = world.update([article(1, "FIN7 again")], write=False, names=("FIN7",), create_missing=True)

    made, filled = result.changes
    assert (made.value, made.created) == ("FIN7", True)
    assert filled.after["aliases"] == ["FIN7"] and len(filled.after["publications"]) == 1
    assert world.values() == ["Sofacy"] and world.writes() == []


def test_update_same_article_twice_in_one_run_and_in_two_is_one_row(start: Start) -> None:
    world = start()
    twice = [BACK, {**BACK, "link": BACK["link"] + "/?utm_source=feed#top"}, article(1, "APT28 alias Fancy Bear")]

    world.update(twice)
    again = world.update(twice)

    assert world.links() == ["1"]
    assert again.profiles[0]["status"] == "unchanged" and again.changes == []
    assert len(world.writes()) == 1


def test_update_conflict_keeps_what_somebody_else_wrote(start: Start) -> None:
    worlds: list[World] = []

    def before_the_first_edit(phase: str, call: Call) -> None:
        if phase == "before" and call.path.endswith("/indicator/edit") and not worlds[0].links():
            theirs = {"title": "Theirs", "link": "https://news.example/theirs", "timestamp": "2026-01-01T00:00:00Z"}
            worlds[0].edit("Sofacy", publications=[theirs], description="by hand")

    worlds.append(start(observer=before_the_first_edit))
    result = worlds[0].update([BACK])

    assert result.status == "ok", result.profiles
    assert [one.status for one in worlds[0].writes()] == [409, 200]
    assert worlds[0].links() == ["1", "theirs"]
    assert worlds[0].fields()["description"] == "by hand"


def test_update_conflict_that_never_ends_fails_that_name_only_and_next_run_delivers(start: Start) -> None:
    world = start(stale=400)
    world.seed({"value": "Turla", "type": "Malware"})
    articles = [BACK, article(2, "Turla strikes")]
    world.fault(kind="status", status=409, path="*/indicator/edit", count=3)

    first = world.update(articles, names=("APT28", "Turla"))
    assert {one["name"]: one["status"] for one in first.profiles} == {"APT28": "failed", "Turla": "updated"}
    assert first.status == "error"
    second = world.update(articles, names=("APT28", "Turla"))

    assert second.status == "ok"
    assert (world.links("Sofacy"), world.links("Turla")) == (["1"], ["2"])


@pytest.mark.parametrize("left_out", ["kept", "cleared"])
def test_update_leaves_every_other_field_whatever_an_edit_does_with_missing_ones(start: Start, left_out: str) -> None:
    world = start(left_out=left_out)
    world.edit("Sofacy", description="kept", tags=["a"], communitynotes=[{"notes": "by hand"}])
    before = world.fields()

    world.update([BACK])

    after = world.fields()
    assert {name: after[name] for name in before} == before
    assert world.links() == ["1"]


def test_update_record_without_custom_fields_and_one_with_500_rows_are_written(start: Start) -> None:
    world = start()
    full = {"publications": GRID, "aliases": ["Full"]}
    world.seed({"value": "Empty Spider", "type": "Malware", "fields": None})
    world.seed({"value": "Full Spider", "type": "Malware", "fields": full})

    result = world.update(
        [article(1, "Empty Spider"), article(2, "Full Spider")], names=("Empty Spider", "Full Spider")
    )

    assert result.status == "ok", result.profiles
    assert world.links("Empty Spider") == ["1"]
    assert len(world.links("Full Spider")) == 500 and world.links("Full Spider")[0] == "2"
    change = result.changes[1]
    assert len([row for row in change.before["publications"] if row not in change.after["publications"]]) == 1


@pytest.mark.parametrize("name", ['Quote" or type:Malware or value:"x', "Back\\slash", "Tom & (Jerry)", "O'Neil, Inc."])
def test_update_name_with_quotes_or_operators_finds_only_that_record(start: Start, name: str) -> None:
    world = start()
    plain = {"aliases": ["Plain Spider"]}
    world.seed({"value": name, "type": "Threat Actor", "fields": plain}, {"value": "Other", "type": "Malware"})

    result = world.update([article(1, "About Plain Spider today")], names=(name,))

    assert [(one["name"], one["status"]) for one in result.profiles] == [(name, "updated")]
    assert (world.links(name), world.links("Other"), world.links()) == (["1"], [], [])


@pytest.mark.parametrize("lagging", ["new", "all"])
def test_update_index_lag_makes_no_twins_in_one_run_nor_in_the_next(start: Start, lagging: str) -> None:
    world = start(index_lag=3600, lagging=lagging)
    articles = [article(1, "FIN7 one"), article(2, "FIN7 two"), article(3, "FIN7 three")]

    world.update(articles, names=("FIN7", "fin7"), create_missing=True)
    assert world.links("FIN7") == ["3", "2", "1"]
    world.update([*articles, article(4, "FIN7 four")], names=("FIN7",), create_missing=True)
    with world.server.lock:
        world.server.clock.set(world.server.clock.now() + 7200)
    world.update([*articles, article(4, "FIN7 four")], names=("FIN7",), create_missing=True)

    assert world.values() == ["FIN7", "Sofacy"]
    assert world.links("FIN7") == ["4", "3", "2", "1"]
    assert world.fields("FIN7")["aliases"] == ["FIN7"]


@pytest.mark.parametrize("existing", ["returned", "refused"])
def test_update_record_of_another_type_is_not_taken_over_by_a_create(start: Start, existing: str) -> None:
    world = start(existing=existing)
    world.seed({"value": "FIN7", "type": "Campaign", "fields": {"aliases": ["Carbanak"]}})

    result = world.update([article(1, "FIN7 one")], names=("FIN7",), create_missing=True)

    assert result.profiles[0]["status"] == "failed"
    assert "Campaign" in result.profiles[0]["reason"]
    assert world.fields("FIN7") == {"aliases": ["Carbanak"]} and world.writes() == []


@pytest.mark.parametrize("excluded", ["text", "null", "refused"])
def test_update_excluded_name_stays_missing_with_the_reason(start: Start, excluded: str) -> None:
    world = start(excluded=excluded)
    world.seed(excluded=["FIN7"])

    result = world.update([article(1, "FIN7 one")], names=("FIN7",), create_missing=True)

    assert (result.status, result.profiles[0]["status"]) == ("unsettled", "missing")
    assert "exclusion list" in result.profiles[0]["reason"]
    assert world.values() == ["Sofacy"]


def test_update_create_whose_answer_is_lost_is_not_sent_twice_and_next_run_delivers(start: Start) -> None:
    world = start()
    world.fault(kind="reset", when="after", path="*/indicator/create", count=1)

    first = world.update([article(1, "FIN7 one")], names=("FIN7",), create_missing=True)
    second = world.update([article(1, "FIN7 one")], names=("FIN7",), create_missing=True)

    assert first.profiles[0]["status"] == "failed"
    assert second.status == "ok" and world.links("FIN7") == ["1"]
    assert [one.path for one in world.writes()].count("/xsoar/public/v1/indicator/create") == 1


def test_update_edit_whose_answer_is_lost_is_one_row(start: Start) -> None:
    world = start()
    world.fault(kind="reset", when="after", path="*/indicator/edit", count=1)

    result = world.update([BACK])

    assert result.status == "ok", result.profiles
    assert world.links() == ["1"]


def test_update_busy_server_is_asked_again_and_its_wish_to_wait_is_obeyed(start: Start) -> None:
    world = start(api_key_type="advanced")
    world.fault(kind="status", status=429, retry_after=7, path="*/indicators/search", count=2)
    world.fault(kind="status", status=503, path="*/indicator/edit", count=2)

    result = world.update([BACK])

    assert result.status == "ok", result.error
    assert world.waited[:2] == [7.0, 7.0] and all(seconds > 0 for seconds in world.waited)
    assert world.links() == ["1"]


def test_update_server_down_fails_and_next_run_delivers(start: Start) -> None:
    world = start()
    world.fault(kind="status", status=500, count=40)

    down = world.update([BACK], names=("APT28", "One", "Two", "Three", "Four", "Five"))
    asked = len(world.server.requests)
    world.server.faults.clear()
    up = world.update([BACK])

    assert down.status == "error" and {one["status"] for one in down.articles} == {"failed"}
    assert asked == 18, "after three calls of six tries nothing more is asked"
    assert up.status == "ok" and world.links() == ["1"]


def test_update_server_unreachable_tells_so(start: Start) -> None:
    world = start()
    result = world.update([BACK], client=world.client(url="http://127.0.0.1:1"))

    assert result.status == "error"
    assert "no answer" in result.error


def test_update_wrong_key_is_tried_once(start: Start) -> None:
    world = start()
    world.fault(kind="expired_key")

    result = world.update([BACK], names=("APT28", "One", "Two"))

    assert "401" in result.error and len(world.server.requests) == 1


def test_update_key_that_may_only_read_fails_the_name_with_the_reason(start: Start) -> None:
    world = start(role="read")

    result = world.update([BACK])

    assert result.status == "error" and "403" in result.profiles[0]["reason"]
    assert world.links() == []


@pytest.mark.parametrize("prefix", ["public", "plain"])
def test_update_finds_the_prefix_that_the_server_has(start: Start, prefix: str) -> None:
    world = start(prefix=prefix)

    assert world.update([BACK]).status == "ok"
    assert world.links() == ["1"]


@pytest.mark.parametrize("paging", ["after", "number"])
def test_update_by_query_reads_every_page(start: Start, paging: str) -> None:
    world = start(paging=paging)
    world.seed(*({"value": f"Actor{number:03}", "type": "Malware"} for number in range(450)))

    result = world.update([article(1, "Actor449 strikes")], names=(), query="type:Malware")

    assert len(result.profiles) == 450
    assert world.links("Actor449") == ["1"]


def test_update_name_of_several_records_changes_none(start: Start) -> None:
    world = start()
    world.seed({"value": "Pawn Storm", "type": "Intrusion Set", "fields": {"aliases": ["APT28"]}})

    result = world.update([BACK])

    assert (result.status, result.profiles[0]["status"]) == ("unsettled", "ambiguous")
    assert world.writes() == []


def test_update_part_words_of_the_search_do_not_count(start: Start) -> None:
    world = start(part_words="on")
    world.seed({"value": "Bear Trap", "type": "Malware"}, {"value": "Bear", "type": "Threat Actor"})

    result = world.update([article(1, "the Bear group")], names=("Bear",))

    assert result.profiles[0]["status"] == "updated"
    assert (world.links("Bear"), world.links("Bear Trap"), world.links()) == (["1"], [], [])


def test_update_notes_of_the_old_layout(start: Start) -> None:
    world = start()
    old = {"notes": "APT28 is back: https://news.example/1", "timestamp": "2026-01-02T00:00:00Z"}
    world.edit("Sofacy", communitynotes=[old])

    world.update([BACK, article(2, "APT28 | pipes, commas")], field="communitynotes")

    notes = [row["notes"] for row in world.fields()["communitynotes"]]
    assert notes == ["APT28 | pipes, commas: https://news.example/2", old["notes"]]


def test_client_two_at_once_lose_nothing(start: Start) -> None:
    world = start()
    runs: list[Callable[[], object]] = [
        lambda: world.update([article(1, "APT28 one")]),
        lambda: world.update([article(2, "APT28 two")]),
    ]
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(world.links()) == ["1", "2"]


def test_client_web_page_in_place_of_an_answer_is_told(start: Start) -> None:
    world = start(generation="6")

    with pytest.raises(XsoarError, match="status 404"):
        world.client(prefix="/elsewhere").call("POST", "/indicators/search", {"query": ""})
