"""Brings news into XSOAR: one Report for each article, related to the profiles of actors and malware that it names.

In this order: settings, what is remembered of each source, pure functions that make Reports, the run with its effects,
the commands, and `main`, the only place that touches `demisto`.

What a source sent is remembered only after the server took all Reports made of it, source by source. So a run that is
killed, or meets a server that refuses, brings the same articles again; and one broken source stops no other.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from HttpRetryApiModule import *
from NewsSourceApiModule import *
from ParametersApiModule import *
from ThreatProfilesApiModule import *
from VersionedStateApiModule import *

BRAND = "ThreatNewsFeed"
REPORT = "Report"
WATCH_QUERY = 'type:"Threat Actor" or type:"Intrusion Set" or type:Malware'
TITLE_LENGTH = 300
SUMMARY_LENGTH = 10_000
SEEN_KEPT = 300
LINKS_KEPT = 2_000
TITLES_IN_QUERY = 50
CREATE_BATCH = 200
# Pages may take this share of a run's time, so that some is left to report their articles and to read other sources.
PAGES_SHARE = 0.6
STATUS = ("checked", "kind", "items", "without_link", "newest", "error", "without_text", "text_error")
TLP_COLORS = ("", "RED", "AMBER", "GREEN", "WHITE")


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, checked."""

    sources: tuple[NewsSource, ...]
    first_fetch: str
    max_articles: int
    watch_query: str
    profile_names: tuple[str, ...]
    alias_field: str
    stop: tuple[str, ...]
    ambiguous: str
    match_description: bool
    fetch_text: bool
    max_pages: int
    relate: bool
    only_matched: bool
    tags: tuple[str, ...]
    tlp: str
    networks: tuple[Any, ...]
    limits: NewsLimits
    verify: bool
    budget_seconds: float

    @property
    def watches(self) -> bool:
        """Whether articles are matched at all."""
        return self.relate or self.only_matched


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Raises ValueError that names the parameter, its value and what is allowed."""
    first_fetch = text_param(params, "first_fetch", "30 days")
    try:
        arg_to_datetime(first_fetch or None)
    except ValueError:
        told = f"Parameter 'first_fetch' (First fetch time): {first_fetch!r} is no time such as 30 days."
        raise ValueError(told) from None
    return Settings(
        sources=news_sources(text_param(params, "sources"), "Parameter 'sources' (News sources)"),
        first_fetch=first_fetch,
        max_articles=whole_param(params, "max_articles", "Articles per run", 500, 1, 2_000),
        watch_query=text_param(params, "watch_query") or WATCH_QUERY,
        profile_names=lines_param(params, "profile_names"),
        alias_field=text_param(params, "search_field") or "aliases",
        stop=lines_param(params, "stop_names"),
        ambiguous=choice_param(params, "ambiguous_names", "Names of several profiles", ("all", "skip")),
        match_description=flag_param(params, "match_description"),
        fetch_text=flag_param(params, "fetch_text"),
        max_pages=whole_param(params, "max_pages", "Article pages per run", 100, 1, 500),
        relate=flag_param(params, "create_relationships", True),
        only_matched=flag_param(params, "only_matched"),
        tags=lines_param(params, "feedTags"),
        tlp=choice_param(params, "tlp_color", "Traffic Light Protocol Color", TLP_COLORS),
        networks=news_networks(lines_param(params, "own_networks"), "Parameter 'own_networks' (Own networks)"),
        limits=NewsLimits(
            total_seconds=number_param(params, "read_seconds", "Time for one source (seconds)", 30, 1, 120),
            max_bytes=whole_param(params, "max_kilobytes", "Largest document (KB)", 5_000, 1, 50_000) * 1_000,
        ),
        verify=not flag_param(params, "insecure"),
        budget_seconds=number_param(params, "fetch_time_budget_seconds", "Time budget of a run (seconds)", 150, 1, 900),
    )


def watch_query(settings: Settings) -> str:
    """The query for the profiles that are watched: all that the parameter finds, or those of the names given."""
    if not settings.profile_names:
        return settings.watch_query
    field = settings.alias_field
    named = " or ".join(f"value:{quoted(name)} or {field}:{quoted(name)}" for name in settings.profile_names)
    return f"({settings.watch_query}) and ({named})"


# ---- what is remembered of each source


def first_state() -> dict[str, Any]:
    """Nothing is remembered."""
    return {"sources": {}, "links": [], "uncertain": {}}


def seen_key(item: NewsItem) -> str:
    """What an article is remembered by; short, because hundreds of them are kept for each source."""
    return _short(article_key(item.link, item.guid, item.title))


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def with_links(known: Sequence[str], links: Iterable[str]) -> list[str]:
    """What to remember of the links that have Reports, whatever source and title they came with; the newest last."""
    return list(dict.fromkeys([*known, *map(_short, links)]))[-LINKS_KEPT:]


@dataclass(frozen=True)
class Sorted:
    """The articles of one document: to be reported now, and all keys that need no look any more once they are."""

    fresh: tuple[NewsItem, ...]
    seen: tuple[str, ...]
    complete: bool


def sort_items(items: Sequence[NewsItem], memory: Mapping[str, Any] | None, since: str, room: int) -> Sorted:
    """What of a document is new. `memory` None: the first time, when articles from before `since` are let go.

    At most `room` articles are taken, the first ones; then the document is not `complete`, and has to be read again.
    """
    known = set((memory or {}).get("seen") or ())
    fresh: dict[str, NewsItem] = {}
    seen = []
    complete = True
    for item in items:
        key = seen_key(item)
        if key not in known and not (memory is None and item.published and item.published < since):
            if key not in fresh and len(fresh) >= room:
                complete = False
                continue
            fresh.setdefault(key, item)
        seen.append(key)
    return Sorted(tuple(fresh.values()), tuple(dict.fromkeys(seen)), complete)


def remembered(
    memory: Mapping[str, Any] | None, document: NewsDocument, content: NewsContent, found: Sorted, now: str
) -> dict[str, Any]:
    """What to remember of a source once its Reports are stored.

    A document that was cut short or taken in part is asked for again as a whole, so its marks are not kept.
    """
    whole = found.complete and not content.problem
    old = [key for key in (memory or {}).get("seen") or () if key not in set(found.seen)]
    dates = [item.published for item in content.items if item.published]
    return {
        "etag": document.etag if whole else "",
        "last_modified": document.last_modified if whole else "",
        "seen": [*found.seen, *old][: max(SEEN_KEPT, len(found.seen))],
        "newest": max([*dates, str((memory or {}).get("newest") or "")], default=""),
        "checked": now,
        "kind": content.kind,
        "items": len(content.items),
        "without_link": content.without_link,
        "error": content.problem,
    }


# ---- Reports


@dataclass(frozen=True)
class Article:
    """One article on its way into a Report, with the profiles that it names."""

    item: NewsItem
    source: NewsSource
    link: str
    timestamp: str
    profiles: tuple[Watched, ...] = ()
    text: str = ""
    text_problem: str = ""

    @property
    def title(self) -> str:
        """The headline; without one the words of the link, else the link."""
        return self.item.title or slug_text(self.link).rpartition("|")[2].strip() or self.link

    @property
    def data(self) -> dict[str, str]:
        """In the form that the profile functions take."""
        return {
            "link": self.link,
            "title": self.title,
            "source": self.source.label,
            "timestamp": self.timestamp,
        }


def articles_of(items: Iterable[NewsItem], source: NewsSource, now: str) -> list[Article]:
    """The articles of items with a usable link, each link once. One without a date, or from the future, is of now."""
    found: dict[str, Article] = {}
    for item in items:
        if link := canonical_link(item.link):
            found.setdefault(link, Article(item, source, link, min(item.published or now, now)))
    return list(found.values())


def with_profiles(articles: Iterable[Article], matcher: Matcher | None, summaries: bool = False) -> list[Article]:
    """The articles with the profiles that title, link and text name, and with `summaries` the summary; without a
    matcher as they are."""
    if matcher is None:
        return list(articles)
    by_id = {profile.id or profile.value: profile for profile in matcher.watched}

    def named(article: Article) -> tuple[Watched, ...]:
        more = (article.item.summary if summaries else "", article.text)
        text = article_text({**article.data, "text": " | ".join(filter(None, more))})
        return tuple(by_id[hit.watched_id] for hit in matcher.find(text))

    return [replace(article, profiles=named(article)) for article in articles]


def report_title(title: str) -> str:
    """A title as the value of a Report: on one line, of bounded length, and without commas, at which commands split."""
    plain = " ".join(title.replace(",", " ").split())
    return plain if len(plain) <= TITLE_LENGTH else plain[:TITLE_LENGTH].rsplit(" ", 1)[0] + " ..."


def marked_title(article: Article) -> str:
    """The value for an article whose title another one has already."""
    return f"{report_title(article.title)} ({hashlib.sha256(article.link.encode()).hexdigest()[:8]})"


def named_articles(
    articles: Sequence[Article], records: Iterable[Mapping[str, Any]]
) -> tuple[list[tuple[str, Article]], int]:
    """(value of its Report, article) for each article to send, and how many are there already.

    `records` are those that have one of the titles, of any type: some articles are titled just `Packrat`, and a value
    exists once, so without a mark they would be written into the profile. An article gets its title, or the marked one
    when that belongs to another article or to no article.
    """
    owners: dict[str, set[str]] = {}
    ours: set[str] = set()
    for record in records:
        links = record_links(record) if record.get("indicator_type") == REPORT else set()
        owners.setdefault(str(record.get("value")).casefold(), set()).update(links)
        if BRAND in (record.get("sourceBrands") or ()):
            ours |= links
    named, known = [], 0
    for article in articles:
        if article.link in ours:
            known += 1
            continue
        value = report_title(article.title)
        if article.link not in owners.get(value.casefold(), {article.link}):
            value = marked_title(article)
        owners.setdefault(value.casefold(), set()).add(article.link)
        named.append((value, article))
    return named, known


def record_links(record: Mapping[str, Any]) -> set[str]:
    """The canonical links that a Report is about."""
    rows = (record.get("CustomFields") or {}).get("publications") or ()
    return {canonical_link(str(row.get("link") or "")) for row in rows if isinstance(row, Mapping)} - {""}


def title_queries(articles: Sequence[Article], uncertain: Mapping[str, str]) -> Iterable[str]:
    """Queries for the records that have one of the values which these articles might get, or may have got already."""
    values = [value for article in articles for value in (report_title(article.title), marked_title(article))]
    values += [uncertain[key] for key in (_short(article.link) for article in articles) if key in uncertain]
    for start in range(0, len(values), TITLES_IN_QUERY):
        yield " or ".join(f"value:{quoted(value)}" for value in values[start : start + TITLES_IN_QUERY])


def report_of(value: str, article: Article, settings: Settings) -> dict[str, Any]:
    """The indicator of an article, as `createIndicators` takes it."""
    fields = {
        "publications": [row_of(article.data)],
        "description": (article.item.summary or article.title)[:SUMMARY_LENGTH],
        "firstseenbysource": article.timestamp,
        "reportedby": article.source.label,
        "tags": list(settings.tags),
        "trafficlightprotocol": article.source.tlp or settings.tlp,
        ARTICLE_TEXT: article.text,
    }
    relations = [
        EntityRelationship(
            name=EntityRelationship.Relationships.RELATED_TO,
            entity_a=value, entity_a_type=REPORT, entity_b=profile.value, entity_b_type=profile.type,
        ).to_indicator()
        for profile in (article.profiles if settings.relate else ())
    ]  # fmt: skip
    report = {"value": value, "type": REPORT, "fields": {name: field for name, field in fields.items() if field}}
    raw = {
        **article.data,
        "guid": article.item.guid,
        "summary": article.item.summary[:SUMMARY_LENGTH],
        "profiles": [profile.value for profile in article.profiles],
        **({"text_problem": article.text_problem} if article.text_problem else {}),
    }
    return {**report, "rawJSON": raw, **({"relationships": relations} if relations else {})}


# ---- a run


@dataclass(frozen=True)
class Server:
    """What a run needs of the server: search and create indicators, and a place for what is remembered."""

    search: Callable[..., Any]
    create: Callable[[list[dict[str, Any]]], Any]
    state: VersionedState


@dataclass
class Run:
    """One run of a command. `read(source, etag, last_modified)` gives a document, `now` the time in seconds, `pages`
    the texts of articles when they are wanted."""

    settings: Settings
    server: Server
    read: Callable[[NewsSource, str, str], NewsDocument]
    now: Callable[[], float]
    seconds_left: Callable[[], float]
    pages: NewsPages | None = None
    known_matcher: Matcher | None = None

    def now_iso(self) -> str:
        """The time, ISO UTC."""
        return datetime.fromtimestamp(self.now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def since_iso(self) -> str:
        """From when on articles of a new source count; empty for all."""
        if not self.settings.first_fetch:
            return ""
        moment = arg_to_datetime(self.settings.first_fetch)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""

    def matcher(self) -> Matcher:
        """The matcher over the profiles as they are in this run, read when it is first needed.

        Raises ValueError when the server does not answer.
        """
        if self.known_matcher is None:
            records = found_records(self.server.search, watch_query(self.settings))
            self.known_matcher = Matcher(map(watched_of, records), self.settings.stop, self.settings.ambiguous)
        return self.known_matcher

    def fetch(self) -> str:
        """Reads all sources, the one that waited longest first, and gives a summary.

        Raises DemistoException that names each source with a problem, after all the others were served.
        """
        sources = self.server.state.load()["sources"]
        room, lines, problems = self.settings.max_articles, [], []
        waiting = sorted(self.settings.sources, key=lambda source: (sources.get(source.url) or {}).get("checked", ""))
        for place, source in enumerate(waiting):
            # What has no page left waits, too: an article is reported once, and then with its text.
            room = room if self.pages is None else min(room, self.pages.left)
            if room < 1 or self.seconds_left() <= 0:
                lines.append(f"{len(waiting) - place} sources wait for the next run")
                break
            try:
                taken = self._take(source, sources.get(source.url), room)
            except (DemistoException, ValueError) as error:
                problems.append(f"{source.label}: {error}")
                self._note(source, error)
                continue
            room -= taken
            lines.append(f"{source.label}: {taken} articles")
        self._forget()
        if problems:
            raise DemistoException("\n".join(problems))
        return "; ".join(lines)

    def _take(self, source: NewsSource, memory: Mapping[str, Any] | None, room: int) -> int:
        """Reports what is new in a source and then remembers it; gives the number of articles taken."""
        first = memory is None or "seen" not in memory
        known: Mapping[str, Any] = memory or {}
        document = self.read(source, str(known.get("etag") or ""), str(known.get("last_modified") or ""))
        if document.unchanged:
            self._remember(source, {**known, "checked": self.now_iso(), "error": ""})
            return 0
        content = news_content(document, source)
        found = sort_items(content.items, None if first else memory, self.since_iso(), room)
        matcher = self.matcher() if found.fresh and self.settings.watches else None
        reported = set(self.server.state.load().get("links") or ())
        taken = [one for one in articles_of(found.fresh, source, self.now_iso()) if _short(one.link) not in reported]
        articles = with_profiles(self.with_texts(taken), matcher, self.settings.match_description)
        wanted = [one for one in articles if one.profiles or not self.settings.only_matched]
        self._report(wanted)
        kept = remembered(memory, document, content, found, self.now_iso())
        problems = [one.text_problem for one in articles if one.text_problem]
        told = {"without_text": len(problems), "text_error": next(iter(problems), "")[:500]}
        self._remember(source, {**kept, **told}, [one.link for one in wanted])
        return len(found.fresh)

    def with_texts(self, articles: Sequence[Article]) -> list[Article]:
        """The articles with the texts of their pages, if that is wanted; without text where there is none to be had."""
        if self.pages is None:
            return list(articles)
        texts = [self.pages.text(one.item.link, one.source) for one in articles]
        return [replace(one, text=text, text_problem=why) for one, (text, why) in zip(articles, texts, strict=True)]

    def _report(self, articles: Sequence[Article]) -> None:
        """Creates the Reports that are not there yet. Raises ValueError when the server refuses."""
        queries = title_queries(articles, self.server.state.load().get("uncertain") or {})
        records = [record for query in queries for record in found_records(self.server.search, query)]
        named, _ = named_articles(articles, records)
        reports = [report_of(value, article, self.settings) for value, article in named]
        try:
            for some in batch(reports, batch_size=CREATE_BATCH):
                self.server.create(some)
        except (DemistoException, ValueError):
            self._doubt({_short(article.link): value for value, article in named})
            raise

    def _doubt(self, values: Mapping[str, str]) -> None:
        """Remembers Reports that may be stored although the server said no, so that they are looked for by name."""

        def change(state: dict[str, Any]) -> dict[str, Any]:
            doubts = {**(state.get("uncertain") or {}), **values}
            return {**state, "uncertain": dict(list(doubts.items())[-LINKS_KEPT:])}

        self.server.state.update(change)

    def _remember(self, source: NewsSource, memory: Mapping[str, Any], links: Iterable[str] = ()) -> None:
        links = list(links)

        def change(state: dict[str, Any]) -> dict[str, Any]:
            reported = with_links(state.get("links") or (), links)
            settled = {_short(link) for link in links}
            doubts = {key: value for key, value in (state.get("uncertain") or {}).items() if key not in settled}
            sources = {**state["sources"], source.url: dict(memory)}
            return {**state, "sources": sources, "links": reported, "uncertain": doubts}

        self.server.state.update(change)

    def _note(self, source: NewsSource, error: Exception) -> None:
        """Remembers the error of a source, and nothing else of this run."""
        now = self.now_iso()

        def change(state: dict[str, Any]) -> dict[str, Any]:
            memory = {**(state["sources"].get(source.url) or {}), "checked": now, "error": str(error)[:500]}
            return {**state, "sources": {**state["sources"], source.url: memory}}

        self.server.state.update(change)

    def _forget(self) -> None:
        """Drops the memory of sources that are not configured any more."""
        wanted = {source.url for source in self.settings.sources}

        def change(state: dict[str, Any]) -> dict[str, Any]:
            return {**state, "sources": {url: kept for url, kept in state["sources"].items() if url in wanted}}

        if self.server.state.load()["sources"].keys() - wanted:
            self.server.state.update(change)


# ---- commands


def check_sources(run: Run) -> str:
    """Reads each source and counts the profiles. Raises DemistoException with a line for each source if one fails."""
    lines, failed = [], False
    for source in run.settings.sources:
        try:
            content = news_content(run.read(source, "", ""), source)
        except DemistoException as error:
            failed = True
            lines.append(f"{source.label}: {error}")
            continue
        newest = max((item.published for item in content.items), default="")
        lines.append(f"{source.label}: {content.kind}, {len(content.items)} articles, newest {newest or 'not dated'}")
        if content.problem:
            lines[-1] += f", broken ({content.problem})"
    if run.settings.watches:
        run.matcher()
    if failed:
        raise DemistoException("\n".join(lines))
    return "ok"


def get_indicators_command(run: Run, args: Mapping[str, Any]) -> CommandResults:
    """Shows what a fetch would report of the sources as they are now, newest last; nothing is created or remembered."""
    limit = arg_to_number(args.get("limit")) or 10
    matcher = run.matcher() if run.settings.watches else None
    wanted = str(args.get("source") or "").casefold()
    articles: list[Article] = []
    for source in run.settings.sources:
        if not wanted or wanted in (source.label.casefold(), source.url.casefold()):
            content = news_content(run.read(source, "", ""), source)
            articles += articles_of(content.items, source, run.now_iso())
    newest = run.with_texts(sorted(articles, key=lambda one: one.timestamp)[-limit:])
    shown = with_profiles(newest, matcher, run.settings.match_description)
    outputs = [
        {**row_of(article.data), "profiles": [profile.value for profile in article.profiles]} for article in shown
    ]
    return CommandResults(
        outputs_prefix="ThreatNews.Article",
        outputs_key_field="link",
        outputs=outputs,
        readable_output=tableToMarkdown(
            "Articles", outputs, headers=["timestamp", "source", "title", "profiles", "link"], removeNull=True
        ),
    )


def match_command(run: Run, args: Mapping[str, Any]) -> CommandResults:
    """Tells which names stand in a text, or in the words of a link, and why each is a hit or not."""
    text = article_text({"title": args.get("text"), "link": args.get("link")})
    if not text:
        raise ValueError("Give a text or a link with words in it.")
    matcher = run.matcher()
    profiles = {profile.id or profile.value: profile for profile in matcher.watched}
    outputs = []
    for hit in matcher.explain(text):
        profile = profiles.get(hit.watched_id)
        outputs.append(
            {
                "name": hit.name_as_found,
                "hit": profile is not None,
                "profile": profile.value if profile else "",
                "type": profile.type if profile else "",
                "id": profile.id if profile else "",
                "why": hit.why,
                "ambiguous": hit.ambiguous,
            }
        )
    title = f"Names of {len(profiles)} profiles in the text"
    headers = ["name", "hit", "profile", "type", "why"]
    return CommandResults(
        outputs_prefix="ThreatNews.Match",
        outputs=outputs,
        readable_output=tableToMarkdown(title, outputs, headers=headers, removeNull=True),
    )


def status_command(run: Run) -> CommandResults:
    """Shows what is remembered of each source."""
    sources = run.server.state.load()["sources"]
    outputs = []
    for source in run.settings.sources:
        memory = sources.get(source.url) or {}
        told = {name: memory.get(name) for name in STATUS}
        outputs.append({"source": source.label, "url": source.url, **told, "remembered": len(memory.get("seen") or ())})
    headers = ["source", "checked", "kind", "items", "newest", "error", "without_text", "text_error"]
    return CommandResults(
        outputs_prefix="ThreatNews.Source",
        outputs_key_field="url",
        outputs=outputs,
        readable_output=tableToMarkdown("News sources", outputs, headers=headers, removeNull=True),
    )


def run_command(command: str, run: Run, args: Mapping[str, Any]) -> Any:
    """Runs one command; its result, None for a fetch."""
    commands: dict[str, Callable[[], Any]] = {
        "test-module": lambda: check_sources(run),
        "threat-news-get-indicators": lambda: get_indicators_command(run, args),
        "threat-news-match": lambda: match_command(run, args),
        "threat-news-status": lambda: status_command(run),
    }
    if command not in commands:
        raise NotImplementedError(f"Command {command!r} is not one of this integration.")
    return commands[command]()


def new_run(settings: Settings, server: Server, timing: HttpTiming) -> Run:
    """A run over real connections, with the retry loop around each document."""
    retry = HttpRetry(5.0, HttpRetryPolicy(3, 1.0, 10.0), timing, timing.monotonic() + settings.budget_seconds)
    reader = NewsReader(
        news_session(settings.networks, settings.verify).get, settings.networks, settings.limits, timing.monotonic
    )

    def read(source: NewsSource, etag: str, last_modified: str) -> NewsDocument:
        def one_try() -> NewsDocument:
            retry.pacer.wait()
            return reader.read(source, etag, last_modified)

        return retry.run(one_try, NewsBusyError)

    def left() -> float:
        return retry.seconds_left() or 0.0

    pages = new_pages(settings, retry, timing, left) if settings.fetch_text else None
    return Run(settings, server, read, timing.now, left, pages)


def new_pages(settings: Settings, retry: HttpRetry, timing: HttpTiming, left: Callable[[], float]) -> NewsPages:
    """Pages over real connections, each asked for once."""
    gets = {own: news_session(settings.networks if own else (), settings.verify).get for own in (True, False)}

    def read_page(url: str, own: bool, seconds: float) -> NewsDocument:
        retry.pacer.wait()
        limits = NewsLimits(seconds, seconds, min(settings.limits.max_bytes, NEWS_PAGE_BYTES))
        networks = settings.networks if own else ()
        return NewsReader(gets[own], networks, limits, timing.monotonic).read(NewsSource(url))

    kept = settings.budget_seconds * (1 - PAGES_SHARE)
    return NewsPages(read_page, lambda: max(0.0, left() - kept), settings.max_pages)


def main() -> None:
    """Read parameters and arguments, run one command, return its result."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        params = demisto.params()
        handle_proxy("proxy")
        timing = HttpTiming()
        port = ContextPort(
            read=lambda: demisto.getIntegrationContextVersioned(refresh=True),
            write=lambda context, version: demisto.setIntegrationContextVersioned(context, version, sync=True),
        )
        state = VersionedState(port, 1, first_state, lambda attempt: timing.sleep(timing.jitter() * 0.1 * attempt))
        server = Server(demisto.searchIndicators, demisto.createIndicators, state)
        run = new_run(settings_from_params(params), server, timing)
        if command == "fetch-indicators":
            demisto.info(f"{BRAND}: {run.fetch()}")
        else:
            return_results(run_command(command, run, demisto.args()))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
