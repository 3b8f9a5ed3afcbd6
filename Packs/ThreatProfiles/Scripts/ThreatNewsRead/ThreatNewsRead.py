"""Reads news sources once and gives their articles. Remembers nothing and creates nothing.

What the feed of this pack does unattended, for people who have other plans with the articles.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from HttpRetryApiModule import *
from NewsSourceApiModule import *
from ParametersApiModule import *
from ThreatProfilesApiModule import *

ARTICLES, READINGS = "ThreatNews.Article", "ThreatNews.Reading"


@dataclass(frozen=True)
class Options:
    """What to read: `sources` from the net, `files` by the ids of their entries."""

    sources: tuple[NewsSource, ...]
    files: tuple[str, ...]
    networks: tuple[Any, ...]
    limits: NewsLimits
    budget_seconds: float


@dataclass
class Reading:
    """What one source gave. `problem` is empty when all of it could be read."""

    source: str
    kind: str = ""
    articles: int = 0
    without_link: int = 0
    problem: str = ""


def options_from_args(args: Mapping[str, Any]) -> Options:
    """The arguments, checked. Raises ValueError naming argument and value."""
    text, files = text_param(args, "sources"), tuple(argToList(args.get("files")))
    if not text and not files:
        raise ValueError("Give 'sources' or 'files', so that there is something to read.")
    return Options(
        news_sources(text, "Argument 'sources'") if text else (),
        files,
        news_networks(lines_param(args, "own_networks"), "Argument 'own_networks'"),
        NewsLimits(total_seconds=number_param(args, "read_seconds", "time for one source", 30, 1, 120)),
        number_param(args, "budget_seconds", "time for all sources", 240, 1, 900),
    )


def article_of(item: NewsItem, label: str, now: str) -> dict[str, str]:
    """An article as threat-profile-update takes it; one without a date gets the time of this run."""
    return {"title": item.title, "link": item.link, "source": label, "timestamp": iso_time(item.published) or now}


def read_all(
    sources: Sequence[tuple[NewsSource, Callable[[], NewsDocument]]], now: str
) -> tuple[list[dict[str, str]], list[Reading]]:
    """The articles of all sources, each link once, and what became of each source. One that fails stops no other."""
    articles: dict[str, dict[str, str]] = {}
    readings = []
    for source, fetch in sources:
        try:
            content = news_content(fetch(), source)
        except (DemistoException, OSError, ValueError) as error:
            readings.append(Reading(source.label, problem=str(error)))
            continue
        for item in content.items:
            key = canonical_link(item.link) or item.link
            articles.setdefault(key, article_of(item, source.label, now))
        readings.append(Reading(source.label, content.kind, len(content.items), content.without_link, content.problem))
    return list(articles.values()), readings


def file_source(entry_id: str) -> tuple[NewsSource, Callable[[], NewsDocument]]:
    """A feed that lies in an entry, and how it is read. Raises ValueError when there is no such entry."""
    found = demisto.getFilePath(entry_id)
    name = str(found.get("name") or entry_id)
    return NewsSource(name, name, kind="feed"), lambda: NewsDocument(name, Path(found["path"]).read_bytes())


def net_source(
    source: NewsSource, reader: NewsReader, retry: HttpRetry
) -> tuple[NewsSource, Callable[[], NewsDocument]]:
    """A source of the net, and how it is read, again when it is busy."""

    def one_try() -> NewsDocument:
        retry.pacer.wait()
        return reader.read(source)

    return source, lambda: retry.run(one_try, NewsBusyError)


def results(articles: Sequence[Mapping[str, str]], readings: Sequence[Reading]) -> list[CommandResults]:
    """Articles and sources, for the war room and for the context."""
    title = f"{len(articles)} articles of {len(readings)} sources"
    sources = [asdict(reading) for reading in readings]
    headers = ["source", "kind", "articles", "without_link", "problem"]
    return [
        CommandResults(
            outputs_prefix=READINGS,
            outputs_key_field="source",
            outputs=sources,
            readable_output=tableToMarkdown(title, sources, headers=headers, removeNull=True),
        ),
        CommandResults(
            outputs_prefix=ARTICLES,
            outputs_key_field="link",
            outputs=list(articles),
            readable_output=tableToMarkdown(
                "Articles", list(articles), headers=["timestamp", "source", "title", "link"]
            ),
        ),
    ]


def main() -> None:
    """Run once. An error entry means wrong arguments, or that no source could be read."""
    try:
        options = options_from_args(demisto.args())
        timing = HttpTiming()
        retry = HttpRetry(5.0, HttpRetryPolicy(3, 1.0, 10.0), timing, timing.monotonic() + options.budget_seconds)
        get = news_session(options.networks, verify=True).get
        reader = NewsReader(get, options.networks, options.limits, timing.monotonic)
        sources = [net_source(source, reader, retry) for source in options.sources]
        sources += [file_source(entry_id) for entry_id in options.files]
        articles, readings = read_all(sources, iso_time(timing.now()))
        return_results(results(articles, readings))
        if not any(reading.kind for reading in readings):
            raise DemistoException("\n".join(f"{reading.source}: {reading.problem}" for reading in readings))
    except Exception as error:
        return_error(f"threat-news-read: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
