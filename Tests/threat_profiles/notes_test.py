"""The old layout on the host: articles as community notes, beside what the old tool and people wrote there."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from Tests.threat_profiles.world import PLAYBOOK, World, world
from warroom.engine.host import DATABASE
from warroom.engine.jobs import Scheduler
from warroom.engine.jobs.house import find_job, job_house, set_job

TAG = "threat-profiles-processed"
NOTES, PUBLICATIONS = "communitynotes", "publications"
FIRST = {"title": "APT28 is back", "link": "https://news.example/1?utm_source=rss", "published": "2025-01-01T08:00:00Z"}
SECOND = {"title": "Fancy Bear, again", "link": "https://news.example/2", "published": "2025-02-01T08:00:00Z"}
FIRST_NOTE = {"notes": "APT28 is back: https://news.example/1", "timestamp": "2025-01-01T08:00:00Z"}
SECOND_NOTE = {"notes": "Fancy Bear, again: https://news.example/2", "timestamp": "2025-02-01T08:00:00Z"}
# As the old tool wrote them: the time of its run, without a zone; and each article again at each run.
OLD = [
    {"notes": "APT28 is back: https://news.example/1", "timestamp": "2025-01-05T09:07:19.636426"},
    {"notes": "APT28 is back: https://news.example/1", "timestamp": "2025-01-06T09:07:19.636426"},
]


def run(made: World, field: str = NOTES) -> None:
    assert made.fetch().status == "ok"
    assert made.update(field=field).status == "done"


def again(made: World, field: str) -> None:
    """Takes every Report once more."""
    query = "type:Report and sourceBrands:ThreatNewsFeed"
    assert made.update(field=field, report_query=query).status == "done"


def fields(made: World, name: str = "Sofacy") -> dict[str, Any]:
    [record] = [doc for doc in made.actors() if doc["value"] == name]
    return record["CustomFields"] or {}


def with_notes(made: World, rows: list[Any]) -> None:
    made.profiles()
    made.host.store.indicators.edit("Sofacy", {NOTES: rows})


def test_notes_have_title_link_and_time_newest_first_and_again_changes_nothing(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [FIRST, SECOND]}}) as made:
        made.profiles()
        run(made)
        assert fields(made)[NOTES] == [SECOND_NOTE, FIRST_NOTE]
        assert PUBLICATIONS not in fields(made) and NOTES not in fields(made, "Turla")
        before = made.actors()
        run(made)
        again(made, NOTES)
        assert made.actors() == before


def test_notes_of_the_old_tool_and_of_people_stay_and_are_not_doubled(tmp_path: Path) -> None:
    person = {
        "notes": "Ask Kim about these: see https://news.example/2 for the story",
        "timestamp": "2024-01-01T00:00:00Z",
    }
    with world(tmp_path, {"blog": {"items": [FIRST]}}) as made:
        with_notes(made, [*OLD, person])
        run(made)
        assert fields(made)[NOTES] == [*OLD, person]
        made.publish("blog", {**SECOND, "link": "https://news.example/3"})
        run(made)
        third = {**SECOND_NOTE, "notes": "Fancy Bear, again: https://news.example/3"}
        assert fields(made)[NOTES] == [third, OLD[1], OLD[0], person]


@pytest.mark.parametrize("field", [NOTES, PUBLICATIONS])
def test_record_with_null_custom_fields_check_3_gets_its_article(tmp_path: Path, field: str) -> None:
    with world(tmp_path, {"blog": {"items": [{**FIRST, "title": "Sofacy is back"}]}}) as made:
        made.profiles()
        [place] = [doc["id"] for doc in made.actors() if doc["value"] == "Sofacy"]
        with sqlite3.connect(tmp_path / "home" / DATABASE) as database:
            [(text,)] = database.execute("select doc from indicators where seq = ?", (int(place),)).fetchall()
            doc = json.dumps({**json.loads(text), "CustomFields": None}).encode()
            database.execute("update indicators set doc = ? where seq = ?", (doc, int(place)))
        database.close()
        [record] = [doc for doc in made.actors() if doc["value"] == "Sofacy"]
        assert record["CustomFields"] is None
        run(made, field)
        assert len(fields(made)[field]) == 1


@pytest.mark.parametrize("field", [NOTES, PUBLICATIONS])
def test_record_with_500_rows_check_3_keeps_the_newest(tmp_path: Path, field: str) -> None:
    old = [
        {"notes": f"T: https://old.example/{n}", "timestamp": f"2020-01-01T00:00:{n % 60:02}Z"}
        if field == NOTES
        else {"link": f"https://old.example/{n}", "title": "T", "timestamp": f"2020-01-01T00:00:{n % 60:02}Z"}
        for n in range(500)
    ]
    with world(tmp_path, {"blog": {"items": [FIRST]}}) as made:
        made.profiles()
        made.host.store.indicators.edit("Sofacy", {field: old})
        run(made, field)
        rows = fields(made)[field]
        assert len(rows) == 500 and "news.example/1" in json.dumps(rows[0])
        assert sum(row in old for row in rows) == 499
        before = made.actors()
        again(made, field)
        assert made.actors() == before


@pytest.mark.parametrize(("before", "after"), [(NOTES, PUBLICATIONS), (PUBLICATIONS, NOTES)])
def test_switch_of_the_layout_doubles_nothing_and_new_articles_go_to_the_new_field(
    tmp_path: Path, before: str, after: str
) -> None:
    with world(tmp_path, {"blog": {"items": [FIRST]}}) as made:
        made.profiles()
        run(made, before)
        kept = fields(made)[before]
        again(made, after)
        assert fields(made)[before] == kept and not fields(made).get(after)
        made.publish("blog", SECOND)
        run(made, after)
        assert fields(made)[before] == kept and len(kept) == len(fields(made)[after]) == 1
        again(made, before)
        assert fields(made)[before] == kept and len(fields(made)[after]) == 1


def test_notes_the_job_may_be_set_to_the_old_layout_for_good(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [FIRST]}}) as made:
        made.profiles()
        assert made.fetch().status == "ok"
        set_job(made.host, find_job(made.host, PLAYBOOK), None, {"field": NOTES})
        watch = Scheduler(job_house(made.host), made.host.catalog.jobs, lambda work: work(), lambda note: None)
        assert watch.run_now(find_job(made.host, PLAYBOOK), {}).status == "done"
        assert fields(made)[NOTES] == [FIRST_NOTE]
