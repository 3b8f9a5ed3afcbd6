"""Articles on records: once each, on the right ones, whatever fails in between."""

import json
from collections.abc import Mapping
from typing import Any

import demistomock as demisto
import pytest
import ThreatProfileUpdate
from CommonServerPython import DemistoException
from ThreatProfilesApiModule_server_test import FakeServer, actor, refuse
from ThreatProfileUpdate import Item, Options, Update, items_of, options_from_args, run

DAY = "2024-01-{:02}T00:00:00Z"


def article(number: int, title: str) -> dict[str, Any]:
    link = f"https://news.example/{number}"
    return {"title": title, "link": link, "source": "News", "timestamp": DAY.format(number)}


def report(key: str, title: str, **fields: Any) -> dict[str, Any]:
    return {"id": key, "value": title, "indicator_type": "Report", "CustomFields": fields}


TURLA = actor("1", "Turla", "Snake", "Venomous Bear")
APT1 = actor("2", "APT1", kind="Intrusion Set")
APT10 = actor("3", "APT10", "Stone Panda", kind="Intrusion Set")
TURLA_NEWS, APT10_NEWS = article(1, "Turla is back"), article(2, "Stone Panda, APT10 and a bank")


def updated(fake: FakeServer, **options: Any) -> tuple[list[Update], list[Item], list[str]]:
    server = ThreatProfileUpdate.ProfileServer(fake.search, fake.execute, fake.pauses.append)
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    return run(server, Options(**given))


def states(updates: list[Update]) -> dict[str, str]:
    return {update.name: update.status for update in updates}


def links(fake: FakeServer, key: str) -> list[str]:
    return [row["link"] for row in fake.fields(key).get("publications") or []]


def test_run_articles_go_to_the_records_that_they_name() -> None:
    fake = FakeServer(TURLA, APT1, APT10)
    updates, items, problems = updated(fake, query='type:"Threat Actor"', names=["APT1", "APT10"],
                                       articles=[TURLA_NEWS, APT10_NEWS])  # fmt: skip
    assert states(updates) == {"APT1": "unchanged", "APT10": "updated", "Turla": "updated"}
    assert fake.fields("1")["publications"] == [TURLA_NEWS]
    assert [item.matched for item in items] == [["Turla"], ["APT10"]]
    assert (links(fake, "2"), links(fake, "3"), problems) == ([], ["https://news.example/2"], [])


def test_run_check_1_same_article_in_one_run_and_in_two_is_one_row() -> None:
    fake = FakeServer(TURLA)
    again = {**TURLA_NEWS, "link": "https://NEWS.example/1/?utm_source=x", "title": "Snake and Venomous Bear: Turla"}
    assert updated(fake, names=["Turla", "Snake"], articles=[TURLA_NEWS, again])[0] == [
        Update("Turla", "1", "updated", 1)
    ]
    assert updated(fake, names=["Snake"], articles=[again])[0] == [Update("Snake", "1", "unchanged", 0)]
    assert links(fake, "1") == ["https://news.example/1"] and fake.written == ["Turla"]


@pytest.mark.parametrize("fields", [None, {}, {"publications": None}])
def test_run_check_3_record_without_rows_works(fields: Any) -> None:
    fake = FakeServer({**TURLA, "CustomFields": fields})
    assert states(updated(fake, names=["Turla"], articles=[TURLA_NEWS])[0]) == {"Turla": "updated"}


def test_run_check_3_record_with_500_rows_keeps_the_newest() -> None:
    old = [{"link": f"https://old.example/{n}", "timestamp": "2020-01-01T00:00:00Z"} for n in range(500)]
    fake = FakeServer(actor("1", "Turla", publications=old))
    assert updated(fake, names=["Turla"], articles=[TURLA_NEWS])[0][0].added == 1
    assert (len(links(fake, "1")), links(fake, "1")[0]) == (500, "https://news.example/1")


def test_run_check_3_conflict_is_merged_and_none_is_lost() -> None:
    fake = FakeServer(TURLA)
    other = {"link": "https://other.example/1", "timestamp": DAY.format(9)}
    fake.before_write = refuse(1, lambda: fake.stored["1"]["CustomFields"].update(publications=[other], note="kept"))
    assert states(updated(fake, names=["Turla"], articles=[TURLA_NEWS])[0]) == {"Turla": "updated"}
    assert links(fake, "1") == ["https://other.example/1", "https://news.example/1"]
    assert fake.fields("1")["note"] == "kept" and fake.fields("1")["aliases"] == ["Snake", "Venomous Bear"]


def test_run_check_4_failed_write_leaves_the_report_open_and_the_next_run_delivers() -> None:
    news = report("r1", "Turla is back", publications=[TURLA_NEWS])
    quiet = report("r2", "Nobody is named")
    fake = FakeServer(TURLA, news, quiet)

    def refuse_turla(command: str, args: Mapping[str, Any]) -> None:
        if args["value"] == "Turla":
            raise DemistoException("server down")

    fake.before_write = refuse_turla
    given: dict[str, Any] = {"names": ["Turla"], "report_query": "type:Report", "processed_tag": "processed"}
    updates, items, _ = updated(fake, **given)
    assert (updates[0].status, updates[0].reason) == ("failed", "server down")
    assert [item.status for item in items] == ["failed", "done"]
    assert "tags" not in fake.fields("r1") and fake.fields("r2")["tags"] == ["processed"]
    fake.before_write = lambda command, args: None
    assert states(updated(fake, **given)[0]) == {"Turla": "updated"}
    assert links(fake, "1") == ["https://news.example/1"] and fake.fields("r1")["tags"] == ["processed"]
    assert fake.fields("1")["aliases"] == ["Snake", "Venomous Bear"]


def test_run_check_4_name_that_cannot_be_looked_up_keeps_every_report_open() -> None:
    fake = FakeServer(TURLA, APT10, report("r1", "Venomous Bear", publications=[TURLA_NEWS]))

    def down(query: str) -> None:
        if '"Turla"' in query:
            raise ValueError("search is down")

    fake.before_search = down
    updates, items, _ = updated(fake, names=["Turla", "APT10"], report_query="type:Report", processed_tag="processed")
    assert states(updates) == {"Turla": "failed", "APT10": "unchanged"}
    assert items[0].status == "failed" and fake.commands == []


def test_run_one_name_that_fails_does_not_stop_the_others() -> None:
    fake = FakeServer(TURLA, APT10)

    def refuse_turla(command: str, args: Mapping[str, Any]) -> None:
        if args["value"] == "Turla":
            raise ValueError("refused")

    fake.before_write = refuse_turla
    updates = updated(fake, names=["Turla", "APT10"], articles=[TURLA_NEWS, APT10_NEWS])[0]
    assert states(updates) == {"Turla": "failed", "APT10": "updated"}


def test_run_tag_that_cannot_be_set_is_told() -> None:
    fake = FakeServer(TURLA, report("r1", "Nobody is named"))
    fake.before_write = refuse(9)
    problems = updated(fake, names=["Turla"], report_query="type:Report", processed_tag="done")[2]
    assert problems == ["Nobody is named: not tagged: version conflict (409)"]


def test_run_tag_joins_the_tags_of_a_report() -> None:
    fake = FakeServer(TURLA, report("r1", "Nobody", tags=["news"]), report("r2", "None", tags=["done"]))
    updated(fake, names=["Turla"], report_query="type:Report", processed_tag="done")
    assert fake.fields("r1")["tags"] == ["news", "done"] and fake.written == ["Nobody"]


def test_run_check_7_name_with_quotes_finds_only_that_name() -> None:
    name = 'Bear" or type:"Threat Actor'
    fake = FakeServer(TURLA, actor("9", name))
    updates = updated(fake, names=[name], articles=[article(1, name)], match=False)[0]
    assert updates == [Update(name, "9", "updated", 1)]
    assert links(fake, "1") == []


def test_run_name_of_several_records_changes_none_and_tells_their_ids() -> None:
    fake = FakeServer(actor("1", "Turla", "Krypton"), actor("2", "Uroburos", "KRYPTON"))
    [update] = updated(fake, names=["Krypton"], articles=[article(1, "Krypton")])[0]
    assert (update.status, update.reason) == ("ambiguous", "2 records have this name: Turla (1), Uroburos (2)")
    assert fake.commands == []


def test_run_record_of_another_type_is_not_the_name() -> None:
    fake = FakeServer(actor("1", "Mirai", kind="Campaign"))
    assert states(updated(fake, names=["Mirai"], articles=[article(1, "Mirai")])[0]) == {"Mirai": "missing"}


def test_run_shared_alias_puts_the_article_on_all_or_none_by_setting() -> None:
    records = actor("1", "Turla", "Krypton"), actor("2", "Uroburos", "Krypton")
    for ambiguous, count in (("all", 1), ("skip", 0)):
        fake = FakeServer(*records)
        _, [item], _ = updated(
            fake, query='type:"Threat Actor"', articles=[article(1, "Krypton attacks")], ambiguous=ambiguous
        )
        assert [len(links(fake, key)) for key in "12"] == [count, count]
        assert item.ambiguous is (ambiguous == "all")


# ---- records that are missing


def test_run_missing_record_is_reported_and_made_only_by_setting() -> None:
    fake = FakeServer()
    assert updated(fake, names=["Turla"], articles=[TURLA_NEWS])[0] == [
        Update("Turla", "", "missing", 0, "no record has this name")
    ]
    assert updated(fake, names=["Turla"], articles=[TURLA_NEWS], create_missing=True)[0] == [
        Update("Turla", "new-0", "created", 1)
    ]
    assert fake.stored["new-0"]["indicator_type"] == "Threat Actor"
    assert fake.fields("new-0") == {
        "publications": [TURLA_NEWS], "aliases": ["Turla"], "lastseenbysource": DAY.format(1),
    }  # fmt: skip


def test_run_missing_record_that_nobody_writes_about_is_not_made() -> None:
    fake = FakeServer()
    updated(fake, names=["Turla"], articles=[APT10_NEWS], create_missing=True)
    assert fake.commands == []


@pytest.mark.parametrize("lag", [2, 99])
def test_run_search_that_lags_makes_no_twins(lag: int) -> None:
    fake = FakeServer()
    fake.lag = lag
    news = [article(number, "Turla") for number in (1, 2, 3)]
    [update] = updated(fake, names=["Turla", "TURLA"], articles=news, create_missing=True)[0]
    assert (update.status, update.added, len(fake.stored), len(links(fake, "new-0"))) == ("created", 3, 1, 3)


def test_run_name_on_the_exclusion_list_stays_missing_with_the_reason() -> None:
    fake = FakeServer()
    fake.excluded = {"Turla"}
    [update] = updated(fake, names=["Turla"], articles=[TURLA_NEWS], create_missing=True)[0]
    assert update.status == "missing" and "exclusion list" in update.reason
    assert fake.written == []


# ---- settings


def test_run_dry_run_tells_everything_and_changes_nothing() -> None:
    fake = FakeServer(TURLA, report("r1", "Turla", publications=[TURLA_NEWS]))
    options: dict[str, Any] = {"names": ["Turla", "Sandworm"], "report_query": "type:Report", "dry_run": True}
    updates = updated(fake, **options, articles=[article(3, "Sandworm")], create_missing=True, processed_tag="x")[0]
    assert states(updates) == {"Turla": "updated", "Sandworm": "created"}
    assert fake.commands == []


def test_run_community_notes_keep_the_old_layout() -> None:
    old = {"notes": "Turla is back: https://news.example/1", "timestamp": "2024-01-01T00:00:00Z"}
    fake = FakeServer(actor("1", "Turla", communitynotes=[old]))
    updated(fake, names=["Turla"], articles=[TURLA_NEWS, article(2, "Turla")], field="communitynotes")
    assert fake.fields("1")["communitynotes"] == [
        {"notes": "Turla: https://news.example/2", "timestamp": DAY.format(2)}, old,
    ]  # fmt: skip


@pytest.mark.parametrize(("before", "now"), [("publications", "communitynotes"), ("communitynotes", "publications")])
def test_run_other_layout_adds_only_what_is_in_neither(before: str, now: str) -> None:
    fake = FakeServer(TURLA)
    updated(fake, names=["Turla"], articles=[TURLA_NEWS], field=before)
    kept = fake.fields("1")[before]
    assert updated(fake, names=["Turla"], articles=[TURLA_NEWS], field=now)[0] == [Update("Turla", "1", "unchanged", 0)]
    updated(fake, names=["Turla"], articles=[TURLA_NEWS, article(2, "Turla")], field=now)
    assert fake.fields("1")[before] == kept and len(fake.fields("1")[now]) == 1


@pytest.mark.parametrize(("before", "after"), [(DAY.format(9), DAY.format(9)), (None, DAY.format(1))])
def test_run_last_seen_moves_forward_only(before: Any, after: str) -> None:
    fake = FakeServer(actor("1", "Turla", lastseenbysource=before))
    updated(fake, names=["Turla"], articles=[TURLA_NEWS])
    assert fake.fields("1")["lastseenbysource"] == after


def test_run_without_matching_every_article_goes_to_every_name() -> None:
    fake = FakeServer(TURLA, APT10)
    updated(fake, names=["Turla", "APT10"], articles=[article(1, "Nobody")], match=False)
    assert links(fake, "1") == links(fake, "3") == ["https://news.example/1"]


def test_run_name_in_another_field_is_found_there() -> None:
    fake = FakeServer(actor("1", "Turla", nickname=["Team 9"]))
    assert states(updated(fake, names=["Team 9"], articles=[article(1, "Turla")], search_field="nickname")[0]) == {
        "Team 9": "updated"
    }


def test_run_without_articles_reads_no_record() -> None:
    fake = FakeServer(TURLA)
    assert updated(fake, names=["Turla"]) == ([], [], [])
    assert fake.queries == []


def test_items_of_report_each_row_is_an_article_and_none_makes_one_of_its_value() -> None:
    rows = [TURLA_NEWS, {**TURLA_NEWS, "link": "https://b.example/1"}, "odd"]
    both = items_of(report("r", "Same title", publications=rows, description="text"), with_description=True)
    assert [(item.article["link"], item.article["text"]) for item in both] == [
        ("https://news.example/1", "text"), ("https://b.example/1", "text"),
    ]  # fmt: skip
    [item] = items_of(report("r", "Title", firstseenbysource="2024-01-01", description="x"), with_description=False)
    assert item.article == {
        "title": "Title", "link": "", "source": "", "timestamp": "2024-01-01T00:00:00Z", "text": "",
    }  # fmt: skip


def test_items_of_report_text_of_the_page_counts_without_being_asked_for() -> None:
    fake = FakeServer(TURLA, report("r1", "Nobody", publications=[article(1, "Nobody")], threatnewstext="by Turla"))
    updated(fake, names=["Turla"], report_query="type:Report")
    assert links(fake, "1") == ["https://news.example/1"]
    [item] = items_of(report("r", "T", description="about", threatnewstext="text"), with_description=True)
    assert item.article["text"] == "about | text"


# ---- the command


def test_options_from_args_texts_of_the_war_room_are_read() -> None:
    options = options_from_args(
        {
            "names": "Turla, APT1", "articles": json.dumps(TURLA_NEWS), "type": "Malware", "create_missing": "true",
            "field": "communitynotes", "max_rows": "7", "match": "false", "stop": "Cobalt Mining", "ambiguous": "skip",
            "processed_tag": "done", "dry_run": "yes", "search_field": "", "report_query": "type:Report",
        }
    )  # fmt: skip
    assert options == Options(
        ("Turla", "APT1"), "", (TURLA_NEWS,), "type:Report", ("Malware",), "aliases", True, "Threat Actor",
        "communitynotes", 7, False, False, ("Cobalt Mining",), "skip", "done", True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"articles": "[]"}, "Give 'names' or 'query'"),
        ({"names": "Turla"}, "Give 'articles' or 'report_query'"),
        ({"names": "Turla", "articles": "{"}, "'articles' is not JSON"),
        ({"names": "Turla", "articles": '[{"title": "a"}, {"source": "b"}]'}, "number 2 has neither title nor link"),
        ({"names": "Turla", "articles": "[]", "max_rows": "0"}, "'max_rows'.*'0' is not between 1"),
        ({"names": "Turla", "articles": "[]", "ambiguous": "some"}, "'ambiguous'.*'some' is not one of all, skip"),
    ],
)
def test_options_from_args_wrong_ones_are_named(args: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        options_from_args(args)


def main_on(fake: FakeServer, monkeypatch: pytest.MonkeyPatch, args: dict[str, Any]) -> list[Any]:
    monkeypatch.setattr(demisto, "args", lambda: args)
    monkeypatch.setattr(demisto, "searchIndicators", fake.search)
    told: list[Any] = []
    monkeypatch.setattr(demisto, "results", told.append)

    def execute(command: str, given: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"Type": 1, "Contents": fake.execute(command, given)}]

    monkeypatch.setattr(demisto, "executeCommand", execute)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    ThreatProfileUpdate.main()
    return told


def test_main_tells_names_and_articles(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeServer(TURLA)
    told = main_on(fake, monkeypatch, {"names": "Turla", "articles": [TURLA_NEWS]})
    names, articles = (next(iter(entry["EntryContext"].values())) for entry in told)
    assert names == [
        {"name": "Turla", "id": "1", "status": "updated", "added": 1, "reason": "", "dry_run": False}
    ]  # fmt: skip
    assert (articles[0]["matched"], articles[0]["status"], articles[0]["report"]) == (["Turla"], "done", "")
    assert "1 articles, 1 names" in told[0]["HumanReadable"]


def test_main_every_name_failed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeServer(TURLA)
    fake.before_write = refuse(9)
    with pytest.raises(SystemExit):
        main_on(fake, monkeypatch, {"names": "Turla", "articles": [TURLA_NEWS]})


def test_main_refused_query_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(query: str) -> None:
        raise ValueError("no such field")

    fake = FakeServer()
    fake.before_search = refused
    with pytest.raises(SystemExit):
        main_on(fake, monkeypatch, {"query": "odd:", "articles": [TURLA_NEWS]})
