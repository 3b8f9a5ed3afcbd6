import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from CommonServerPython import DemistoException
from NewsSourceApiModule import NewsBusyError, NewsDocument, NewsItem, NewsPages, NewsSource
from ThreatNewsFeed import (
    LINKS_KEPT,
    Article,
    ContextPort,
    Matcher,
    Run,
    Server,
    Settings,
    VersionedState,
    Watched,
    articles_of,
    check_sources,
    first_state,
    marked_title,
    named_articles,
    quoted,
    report_of,
    report_title,
    run_command,
    settings_from_params,
    sort_items,
    watch_query,
    with_links,
    with_profiles,
)

NOW = 1_750_000_000.0
NOW_ISO = "2025-06-15T15:06:40Z"
BLOG, SITE = NewsSource("https://blog.example/rss"), NewsSource("https://site.example/rss", "Site", "AMBER")
PARAMS = {"sources": f"{BLOG.url}\n{SITE.url} name=Site tlp=AMBER", "first_fetch": ""}
ACTOR = Watched("7", "Threat Actor", "Sofacy", ("APT28", "Fancy Bear"))
RECORD = {
    "id": "7",
    "value": "Sofacy",
    "indicator_type": "Threat Actor",
    "CustomFields": {"aliases": ["APT28", "Fancy Bear"]},
}


def rss(*titles: str) -> bytes:
    items = "".join(f"<item><title>{title}</title><link>https://a.example/{title}</link></item>" for title in titles)
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{items}</channel></rss>'.encode()


def item(title: str = "T", link: str = "https://a.example/1", **more: str) -> NewsItem:
    return NewsItem(link, title, **more)


def article(title: str, link: str = "https://a.example/1") -> Article:
    return Article(item(title, link), BLOG, link, NOW_ISO)


@dataclass
class World:
    """A server and sources. `documents` by address are bytes, a document, or what is raised."""

    documents: dict[str, Any] = field(default_factory=dict)
    profiles: list[dict[str, Any]] = field(default_factory=lambda: [RECORD])
    reports: list[dict[str, Any]] = field(default_factory=list)
    refuse: Callable[[list[dict[str, Any]]], bool] = lambda batch: False
    lose_reply: Callable[[list[dict[str, Any]]], bool] = lambda batch: False
    context: dict[str, Any] = field(default_factory=dict)
    marks: list[tuple[str, str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    pages_read: list[str] = field(default_factory=list)
    seconds: float = 100.0

    def search(self, **options: Any) -> dict[str, Any]:
        self.queries.append(options["query"])
        asked = options["query"].casefold()
        titled = [report for report in self.reports if quoted(report["value"].casefold()) in asked]
        found = titled if asked.startswith("value:") else self.profiles
        return {"iocs": found or None, "searchAfter": None}

    def create(self, batch: list[dict[str, Any]]) -> None:
        if self.refuse(batch):
            raise ValueError("the server is down")
        for made in batch:
            record = {
                **made,
                "indicator_type": made["type"],
                "CustomFields": made["fields"],
                "sourceBrands": ["ThreatNewsFeed"],
            }
            self.reports = [kept for kept in self.reports if kept["value"] != made["value"]] + [record]
        if self.lose_reply(batch):
            raise ValueError("the reply was lost")

    def read(self, source: NewsSource, etag: str, last_modified: str) -> NewsDocument:
        self.marks.append((source.url, etag, last_modified))
        found = self.documents.get(source.url, rss())
        if isinstance(found, Exception):
            raise found
        if isinstance(found, NewsDocument):
            return found
        return NewsDocument(source.url, found, "text/xml", f'"{len(found)}"')

    def run(self, **params: Any) -> Run:
        port = ContextPort(
            lambda: {"context": dict(self.context), "version": 1}, lambda context, version: self.context.update(context)
        )
        state = VersionedState(port, 1, first_state, lambda attempt: None)
        settings = settings_from_params({**PARAMS, **params})
        server = Server(self.search, self.create, state)
        pages = NewsPages(self.read_page, lambda: self.seconds, settings.max_pages) if settings.fetch_text else None
        return Run(settings, server, self.read, lambda: NOW, lambda: self.seconds, pages)

    def read_page(self, url: str, own: bool, seconds: float) -> NewsDocument:
        self.pages_read.append(url)
        found = self.documents[url]
        if isinstance(found, Exception):
            raise found
        return NewsDocument(url, found, "text/html")

    def memory(self, source: NewsSource) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(self.context["state"])["sources"].get(source.url, {})
        return kept

    def titles(self) -> list[str]:
        return sorted(report["value"] for report in self.reports)


# ---- settings


def test_settings_defaults_are_those_of_the_yml() -> None:
    settings = settings_from_params({"sources": BLOG.url})
    assert (settings.first_fetch, settings.max_articles, settings.ambiguous) == ("30 days", 500, "all")
    assert settings.relate and settings.verify and not settings.only_matched
    assert (settings.limits.total_seconds, settings.limits.max_bytes) == (30, 5_000_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sources", "nothing"),
        ("first_fetch", "soonish"),
        ("max_articles", "0"),
        ("ambiguous_names", "guess"),
        ("own_networks", "home"),
        ("tlp_color", "BLUE"),
        ("max_kilobytes", "x"),
    ],
)
def test_settings_wrong_value_is_told_with_its_parameter(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}'"):
        settings_from_params({**PARAMS, name: value})


def test_watch_query_of_names_holds_whatever_characters_they_have() -> None:
    settings = settings_from_params({**PARAMS, "watch_query": "type:Malware", "profile_names": 'a" or value:*'})
    assert watch_query(settings) == r'(type:Malware) and (value:"a\" or value:*" or aliases:"a\" or value:*")'


# ---- what is new


def test_sort_items_lets_old_articles_go_only_the_first_time() -> None:
    items = [
        item("old", "https://a.example/1", published="2025-01-01T00:00:00Z"),
        item("undated", "https://a.example/2"),
    ]
    first = sort_items(items, None, "2025-02-01T00:00:00Z", 10)
    assert [one.title for one in first.fresh] == ["undated"]
    assert len(first.seen) == 2 and first.complete
    later = sort_items(items, {"seen": []}, "2025-02-01T00:00:00Z", 10)
    assert [one.title for one in later.fresh] == ["old", "undated"]


def test_sort_items_knows_an_article_by_its_guid_though_title_and_link_change() -> None:
    seen = sort_items([item("a", "https://a.example/1", guid="g")], {}, "", 10).seen
    assert sort_items([item("b", "https://a.example/2", guid="g")], {"seen": seen}, "", 10).fresh == ()


def test_sort_items_beyond_the_room_stay_new() -> None:
    items = [item(str(n), f"https://a.example/{n}") for n in range(3)]
    first = sort_items(items, {}, "", 2)
    assert ([one.title for one in first.fresh], first.complete) == (["0", "1"], False)
    rest = sort_items(items, {"seen": first.seen}, "", 2)
    assert ([one.title for one in rest.fresh], rest.complete) == (["2"], True)


def test_articles_have_each_link_once_and_no_date_in_the_future() -> None:
    items = [
        item("a", "https://A.example/1/?utm_source=x", published="2999-01-01T00:00:00Z"),
        item("b", "https://a.example/1#x"),
        item("c", "https://a.example/2"),
    ]
    found = articles_of(items, BLOG, NOW_ISO)
    assert [(one.link, one.timestamp) for one in found] == [
        ("https://a.example/1", NOW_ISO),
        ("https://a.example/2", NOW_ISO),
    ]


def test_article_without_title_has_the_words_of_its_link() -> None:
    assert article("", "https://a.example/2025/apt28-is-back.html").title == "apt28 is back"
    assert article("", "https://a.example").title == "https://a.example"


# ---- Reports


@pytest.mark.parametrize(
    ("title", "value"),
    [("A, B,C", "A B C"), ('a|b "c"', 'a|b "c"'), ("x " * 200, "x " * 150 + "..."), ("x" * 400, "x" * 300 + " ...")],
)
def test_report_title_has_no_comma_and_is_not_endless(title: str, value: str) -> None:
    assert report_title(title) == value


def test_same_title_of_another_article_is_marked() -> None:
    first, second = article("Weekly, news"), article("weekly news", "https://a.example/2")
    named, known = named_articles([first, second], [])
    assert ([value for value, _ in named], known) == (["Weekly news", marked_title(second)], 0)


def test_title_of_a_foreign_report_is_marked_and_an_own_report_is_known() -> None:
    one = article("News")
    row = {"publications": [{"link": "https://a.example/9"}]}
    foreign = {"value": "NEWS", "indicator_type": "Report", "CustomFields": row, "sourceBrands": ["RSS Feed"]}
    assert named_articles([one], [foreign]) == ([(marked_title(one), one)], 0)
    rows = {"publications": [{"link": one.link + "/"}]}
    own = {"value": "News", "indicator_type": "Report", "CustomFields": rows, "sourceBrands": ["ThreatNewsFeed"]}
    assert named_articles([one], [own]) == ([], 1)
    theirs = {**own, "sourceBrands": ["RSS Feed"]}
    assert named_articles([one], [theirs]) == ([("News", one)], 0)


def test_title_that_is_the_name_of_a_profile_is_marked_though_the_profile_has_the_article() -> None:
    one = article("Sofacy")
    profile = {**RECORD, "CustomFields": {"publications": [{"link": one.link}]}, "sourceBrands": ["ThreatNewsFeed"]}
    assert named_articles([one], [profile]) == ([(marked_title(one), one)], 0)


@pytest.mark.parametrize("record", [{"value": "News"}, {"value": "News", "CustomFields": None}])
def test_report_without_rows_owns_its_title(record: Mapping[str, Any]) -> None:
    assert [value for value, _ in named_articles([article("News")], [record])[0]] != ["News"]


def settings(**changes: Any) -> Settings:
    return replace(settings_from_params(PARAMS), **changes)


def test_report_has_one_row_the_source_tlp_and_its_relations() -> None:
    made = replace(article("APT28, again"), source=SITE, profiles=(ACTOR,))
    report = report_of("APT28 again", made, settings(tags=("news",), tlp="GREEN"))
    assert report["fields"] == {
        "publications": [{"link": made.link, "title": "APT28, again", "source": "Site", "timestamp": NOW_ISO}],
        "description": "APT28, again",
        "firstseenbysource": NOW_ISO,
        "reportedby": "Site",
        "tags": ["news"],
        "trafficlightprotocol": "AMBER",
    }
    (relation,) = report["relationships"]
    assert (relation["name"], relation["entityA"], relation["entityB"]) == ("related-to", "APT28 again", "Sofacy")
    assert relation["entityBType"] == "Threat Actor"
    assert "relationships" not in report_of("APT28 again", made, settings(relate=False))


def test_profiles_are_found_in_title_and_link_and_in_the_summary_when_wanted() -> None:
    texts = [
        Article(item("APT 28"), BLOG, "https://a.example/1", NOW_ISO),
        Article(item("x"), BLOG, "https://a.example/fancy-bear", NOW_ISO),
        Article(item("x", summary="by Sofacy"), BLOG, "https://a.example/2", NOW_ISO),
        Article(item("APT281"), BLOG, "https://a.example/3", NOW_ISO),
    ]
    found = with_profiles(texts, Matcher([ACTOR]))
    assert [bool(one.profiles) for one in found] == [True, True, False, False]
    found = with_profiles(texts, Matcher([ACTOR]), summaries=True)
    assert [bool(one.profiles) for one in found] == [True, True, True, False]


# ---- a run


def test_fetch_twice_reports_each_article_once() -> None:
    world = World({BLOG.url: rss("one", "two"), SITE.url: rss("two", "three")})
    world.run().fetch()
    assert world.titles() == ["one", "three", "two"]
    before = list(world.reports)
    world.run().fetch()
    assert world.reports == before
    assert world.marks[-1][1] != ""


def test_fetch_article_of_another_source_under_another_title_is_no_second_report() -> None:
    again = rss("two").replace(b"https://a.example/two", b"https://A.example/one/?utm_source=x")
    world = World({BLOG.url: rss("one"), SITE.url: again})
    world.run().fetch()
    assert world.titles() == ["one"]
    world.documents[SITE.url] = again.replace(b"two", b"three")
    world.run().fetch()
    assert world.titles() == ["one"]


def test_fetch_report_whose_reply_was_lost_is_found_under_the_title_of_another_source() -> None:
    again = rss("two").replace(b"https://a.example/two", b"https://a.example/one")
    world = World({BLOG.url: rss("one", "three"), SITE.url: again})
    world.lose_reply = lambda batch: batch[0]["value"] == "three"
    with pytest.raises(DemistoException, match="the reply was lost"):
        world.run().fetch()
    assert world.titles() == ["one", "three"]
    world.lose_reply = lambda batch: False
    world.run().fetch()
    assert world.titles() == ["one", "three"] and not json.loads(world.context["state"])["uncertain"]


def test_fetch_links_of_refused_reports_are_not_remembered() -> None:
    world = World({BLOG.url: rss("one"), SITE.url: rss("one")})
    world.refuse = lambda batch: True
    with pytest.raises(DemistoException):
        world.run().fetch()
    world.refuse = lambda batch: False
    world.run().fetch()
    assert world.titles() == ["one"]


def test_links_remembered_are_the_newest() -> None:
    links = [f"https://a.example/{number}" for number in range(LINKS_KEPT + 1)]
    kept = with_links([], links[:2])
    assert kept == with_links(kept, links[:1]) and len(kept) == 2
    assert with_links([], links) == with_links([], links[1:]) and len(with_links([], links)) == LINKS_KEPT


def test_fetch_refused_report_is_not_remembered_and_comes_again() -> None:
    world = World({BLOG.url: rss("one"), SITE.url: rss("two")})
    world.refuse = lambda batch: batch[0]["value"] == "one"
    with pytest.raises(DemistoException, match=r"^blog\.example: the server is down$"):
        world.run().fetch()
    assert world.titles() == ["two"] and "seen" not in world.memory(BLOG)
    world.refuse = lambda batch: False
    world.run().fetch()
    assert world.titles() == ["one", "two"]


def test_fetch_broken_source_stops_no_other_and_is_noted() -> None:
    world = World({BLOG.url: NewsBusyError("does not answer"), SITE.url: rss("two")})
    with pytest.raises(DemistoException, match="does not answer"):
        world.run().fetch()
    assert world.titles() == ["two"]
    assert world.memory(BLOG)["error"] == "does not answer"


def test_fetch_error_of_a_known_source_keeps_what_is_remembered() -> None:
    world = World({BLOG.url: rss("one")})
    world.run().fetch()
    before = world.memory(BLOG)
    world.documents[BLOG.url] = NewsBusyError("away")
    with pytest.raises(DemistoException):
        world.run().fetch()
    assert world.memory(BLOG) == {**before, "error": "away"}


def test_fetch_unchanged_source_makes_nothing_and_clears_the_error() -> None:
    world = World({BLOG.url: NewsBusyError("away")})
    with pytest.raises(DemistoException):
        world.run().fetch()
    world.documents[BLOG.url] = NewsDocument(BLOG.url, unchanged=True)
    world.run().fetch()
    assert world.memory(BLOG)["error"] == "" and world.reports == []


def test_fetch_cut_document_is_asked_for_again_as_a_whole() -> None:
    whole = rss("one", "two", "three")
    world = World({BLOG.url: whole[:-80]})
    world.run().fetch()
    assert world.memory(BLOG)["etag"] == "" and world.memory(BLOG)["error"]
    world.documents[BLOG.url] = whole
    world.run().fetch()
    assert world.titles() == ["one", "three", "two"]


def test_fetch_takes_no_more_than_its_room_and_goes_on_next_time() -> None:
    world = World({BLOG.url: rss("c", "b", "a"), SITE.url: rss("d")})
    world.run(max_articles="2").fetch()
    assert world.titles() == ["a", "b"] and world.memory(BLOG)["etag"] == ""
    world.run(max_articles="2").fetch()
    assert world.titles() == ["a", "b", "c", "d"]


def test_fetch_without_time_leaves_the_sources_to_the_next_run() -> None:
    world = World({BLOG.url: rss("one")}, seconds=0)
    assert world.run().fetch() == "2 sources wait for the next run"
    assert world.marks == []


def test_fetch_source_that_waited_longest_is_first() -> None:
    world = World()
    state = {"sources": {BLOG.url: {"checked": "2025-02-01"}, SITE.url: {"checked": "2025-01-01"}}, "v": 1}
    world.context["state"] = json.dumps(state)
    world.run().fetch()
    assert [url for url, _, _ in world.marks] == [SITE.url, BLOG.url]


def test_fetch_forgets_sources_that_are_gone() -> None:
    world = World()
    world.run().fetch()
    world.run(sources=SITE.url).fetch()
    assert world.memory(BLOG) == {} and world.memory(SITE) != {}


def test_fetch_only_matched_leaves_out_the_others() -> None:
    world = World({BLOG.url: rss("APT28 is back", "Nothing to see")})
    world.run(only_matched="true").fetch()
    assert world.titles() == ["APT28 is back"]


def test_fetch_server_that_does_not_answer_remembers_nothing() -> None:
    world = World({BLOG.url: rss("one")})

    def down(**options: Any) -> Any:
        raise ValueError("search is down")

    run = world.run()
    with pytest.raises(DemistoException, match=r"blog\.example: search is down"):
        replace(run, server=replace(run.server, search=down)).fetch()
    assert "seen" not in world.memory(BLOG) and world.reports == []


def test_fetch_without_anything_new_does_not_look_for_profiles() -> None:
    world = World({BLOG.url: NewsDocument(BLOG.url, unchanged=True)})
    world.run().fetch()
    assert world.queries == []


def test_fetch_without_relationships_does_not_look_for_profiles() -> None:
    world = World({BLOG.url: rss("APT28")})
    world.run(create_relationships="false").fetch()
    assert all(query.startswith("value:") for query in world.queries)


# ---- the texts of articles


def world_with_pages(**pages: Any) -> World:
    texts = {f"https://a.example/{name}": page for name, page in pages.items()}
    return World({BLOG.url: rss(*pages), SITE.url: rss(), **texts})


def test_fetch_text_is_kept_and_matched_and_read_once() -> None:
    world = world_with_pages(one=b"<html><p>Now by Fancy Bear", two=b"<html><p>Nobody")
    world.run(fetch_text="true").fetch()
    fields = {report["value"]: report["fields"] for report in world.reports}
    assert fields["one"]["threatnewstext"] == "Now by Fancy Bear"
    related = [bool(report.get("relationships")) for report in sorted(world.reports, key=lambda one: one["value"])]
    assert related == [True, False]
    world.run(fetch_text="true").fetch()
    assert sorted(world.pages_read) == ["https://a.example/one", "https://a.example/two"]


def test_fetch_text_is_off_by_default() -> None:
    world = world_with_pages(one=b"<html><p>Fancy Bear")
    world.run().fetch()
    assert world.pages_read == [] and "threatnewstext" not in world.reports[0]["fields"]


def test_fetch_text_page_that_fails_costs_no_article_and_is_told() -> None:
    world = world_with_pages(one=NewsBusyError("status 500"), two=b"<html><p>Text")
    world.run(fetch_text="true").fetch()
    assert world.titles() == ["one", "two"]
    reports = {report["value"]: report for report in world.reports}
    assert (
        reports["one"]["rawJSON"]["text_problem"] == "status 500" and "threatnewstext" not in reports["one"]["fields"]
    )
    assert "text_problem" not in reports["two"]["rawJSON"]
    [row, _] = run_command("threat-news-status", world.run(), {}).outputs
    assert (row["without_text"], row["text_error"], row["error"]) == (1, "status 500", "")


def test_fetch_text_articles_beyond_the_pages_of_a_run_come_with_the_next() -> None:
    world = world_with_pages(c=b"<html>c", b=b"<html>b", a=b"<html>a")
    assert "1 sources wait for the next run" in world.run(fetch_text="true", max_pages="2").fetch()
    assert world.titles() == ["a", "b"]
    world.run(fetch_text="true", max_pages="2").fetch()
    assert [report["fields"]["threatnewstext"] for report in world.reports] == ["a", "b", "c"]


def test_fetch_text_only_matched_counts_the_text() -> None:
    world = world_with_pages(one=b"<html><p>by APT-28", two=b"<html><p>Nobody")
    world.run(fetch_text="true", only_matched="true").fetch()
    assert world.titles() == ["one"]


def test_get_indicators_reads_the_pages_of_what_it_shows() -> None:
    world = world_with_pages(one=b"<html><p>by APT-28", two=b"<html><p>Nobody")
    shown = run_command("threat-news-get-indicators", world.run(fetch_text="true"), {"limit": "1"})
    assert len(shown.outputs) == len(world.pages_read) == 1


# ---- commands


def test_check_tells_each_source_when_one_fails() -> None:
    world = World({BLOG.url: rss("one"), SITE.url: NewsBusyError("away")})
    with pytest.raises(DemistoException) as error:
        check_sources(world.run())
    assert str(error.value) == "blog.example: feed, 1 articles, newest not dated\nSite: away"
    world.documents[SITE.url] = rss()
    assert run_command("test-module", world.run(), {}) == "ok"


def test_get_indicators_shows_and_keeps_nothing() -> None:
    world = World({BLOG.url: rss("APT28 again", "other"), SITE.url: rss("third")})
    shown = run_command("threat-news-get-indicators", world.run(), {"source": "Site"})
    assert [row["title"] for row in shown.outputs] == ["third"]
    shown = run_command("threat-news-get-indicators", world.run(), {"limit": "5"})
    assert {row["title"]: row["profiles"] for row in shown.outputs}["APT28 again"] == ["Sofacy"]
    assert world.context == {} and world.reports == []


def test_match_tells_hits_and_why_not() -> None:
    world = World(profiles=[RECORD, {"id": "8", "value": "SEA", "indicator_type": "Malware", "CustomFields": None}])
    shown = run_command("threat-news-match", world.run(), {"text": "Apt-28 at sea"})
    assert [(row["name"], row["hit"], row["profile"]) for row in shown.outputs] == [
        ("Apt-28", True, "Sofacy"),
        ("sea", False, ""),
    ]
    assert all(row["why"] for row in shown.outputs)
    with pytest.raises(ValueError, match="Give a text or a link"):
        run_command("threat-news-match", world.run(), {})


def test_status_shows_every_source() -> None:
    world = World({BLOG.url: rss("one"), SITE.url: NewsBusyError("away")})
    with pytest.raises(DemistoException):
        world.run().fetch()
    rows = run_command("threat-news-status", world.run(), {}).outputs
    assert [(row["source"], row["items"], row["remembered"], row["error"]) for row in rows] == [
        ("blog.example", 1, 1, ""),
        ("Site", None, 0, "away"),
    ]


def test_unknown_command_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="'x'"):
        run_command("x", World().run(), {})
