"""Writes what is known of threat actors and malware as Markdown: names, dates, description, techniques and news."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ParametersApiModule import *
from ThreatProfilesApiModule import *

REPORT = "ThreatProfile.Report"
FILE_NAME = "threat-profiles.md"


@dataclass(frozen=True)
class Options:
    """What a report is about. `since` is the oldest date of the news as ISO 8601 text, empty for all."""

    names: tuple[str, ...] = ()
    query: str = ""
    types: tuple[str, ...] = PROFILE_TYPES
    since: str = ""
    max_articles: int = 50
    technique_field: str = "mitreattacktechnique"
    file: bool = False


@dataclass(frozen=True)
class Page:
    """The report on one record."""

    name: str
    id: str
    articles: int
    markdown: str


# ---- pure


def plain(text: Any) -> str:
    """A text that stays what it is inside Markdown: one line, and no character that begins a form."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(str(text or "").split()))


def articles_of(record: Mapping[str, Any], options: Options) -> list[Mapping[str, Any]]:
    """The rows of both fields since the date, newest first, an article in both once; those without a date are last."""
    fields = record.get("CustomFields") or {}
    once: dict[str, Mapping[str, Any]] = {}
    for row in [*(fields.get(PUBLICATIONS) or []), *(fields.get(NOTES) or [])]:
        if isinstance(row, Mapping) and iso_time(row.get("timestamp")) >= options.since:
            once.setdefault(row_key(row), row)
    return sorted(once.values(), key=lambda row: iso_time(row.get("timestamp")), reverse=True)


def line_of(row: Mapping[str, Any]) -> str:
    """One article: date, title with its link when it has one, source."""
    link = canonical_link(str(row.get("link") or "")).replace("(", "%28").replace(")", "%29")
    title = plain(row.get("title") or row.get("notes") or row.get("link"))
    date = iso_time(row.get("timestamp"))[:10] or "no date"
    source = f" ({plain(row['source'])})" if row.get("source") else ""
    return f"- {date}: {f'[{title}]({link})' if link else title}{source}"


def page_of(record: Mapping[str, Any], options: Options) -> Page:
    """The report on a record; parts that it does not have are left out."""
    fields, watched = record.get("CustomFields") or {}, watched_of(record)
    found = articles_of(record, options)
    facts = {
        "Type": watched.type,
        "Also known as": ", ".join(watched.names[1:]),
        "First seen": iso_time(fields.get("firstseenbysource"))[:10],
        "Last seen": iso_time(fields.get("lastseenbysource"))[:10],
        "Techniques": ", ".join(str(one) for one in argToList(fields.get(options.technique_field))),
    }
    lines = [f"## {plain(watched.value)}", "", *(f"- {title}: {plain(text)}" for title, text in facts.items() if text)]
    if fields.get("description"):
        lines += ["", plain(fields["description"])]
    if found:
        lines += ["", "### News", "", *(line_of(row) for row in found[: options.max_articles])]
    if len(found) > options.max_articles:
        lines.append(f"- and {len(found) - options.max_articles} more")
    return Page(watched.value, watched.id, len(found), "\n".join(lines))


# ---- with effects


def run(server: ProfileServer, options: Options) -> tuple[list[Page], list[str]]:
    """(a page for each record, names without one). Records of one name are all shown. Raises when a search fails."""
    records: dict[str, Mapping[str, Any]] = {}
    missing = []
    for name in options.names:
        found = server.named(name, options.types)
        records.update({str(record.get("id")): record for record in found})
        if not found:
            missing.append(name)
    if options.query:
        records.update({str(record.get("id")): record for record in server.records(options.query)})
    return [page_of(record, options) for record in records.values()], missing


# ---- the command


def options_from_args(args: Mapping[str, Any], now: datetime) -> Options:
    """The arguments, checked. Raises ValueError naming argument and value."""
    days = whole_param(args, "days", "days of news", 0, 0, 36_500)
    options = Options(
        names=tuple(str(name).strip() for name in argToList(args.get("names")) if str(name).strip()),
        query=text_param(args, "query"),
        types=tuple(argToList(args.get("type"))) or PROFILE_TYPES,
        since=iso_time(now - timedelta(days=days)) if days else "",
        max_articles=whole_param(args, "max_articles", "articles of a record", 50, 0, 10_000),
        technique_field=text_param(args, "technique_field") or Options.technique_field,
        file=flag_param(args, "file"),
    )
    if not options.names and not options.query:
        raise ValueError("Give 'names' or 'query', so that it is known whose profiles are meant.")
    return options


def results(pages: Sequence[Page], missing: Sequence[str], options: Options) -> list[Any]:
    """The report for the war room and the context, and as a file when it was asked for."""
    text = "\n\n".join(["# Threat profiles", *(page.markdown for page in pages)])
    told = [text, *(f"No record has the name {plain(name)}." for name in missing)]
    found: list[Any] = [
        CommandResults(
            outputs_prefix=REPORT,
            outputs_key_field="id",
            outputs=[
                {"name": page.name, "id": page.id, "articles": page.articles, "markdown": page.markdown}
                for page in pages
            ],
            readable_output="\n\n".join(told),
        )
    ]
    return [*found, fileResult(FILE_NAME, text)] if options.file else found


def main() -> None:
    """Write the report. An error entry means wrong arguments, or that the server could not be searched."""
    try:
        options = options_from_args(demisto.args(), datetime.now(timezone.utc))
        pages, missing = run(profile_server(), options)
        return_results(results(pages, missing, options))
    except Exception as error:
        return_error(f"threat-profile-report: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
