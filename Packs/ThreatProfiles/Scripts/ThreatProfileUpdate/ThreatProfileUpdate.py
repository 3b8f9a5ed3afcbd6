"""Puts articles on the records of the threat actors and malware that they name.

In this order: what a run is told, what became of it, the pure steps, the steps with effects, and `main`, the only place
that touches `demisto`.

Names are read from the records at each run, and a record is read again right before it is written, so nothing is
remembered between runs that could be lost or grow old. A run that is repeated, in part or as a whole, changes nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ParametersApiModule import *
from ThreatProfilesApiModule import *

UPDATE, ARTICLE = "ThreatProfile.Update", "ThreatProfile.Article"
FIELDS = (PUBLICATIONS, NOTES)
LAST_SEEN, TAGS = "lastseenbysource", "tags"
# How long a record that was just made may stay unknown to the search: so many pauses.
LOOK_UPS = 5
NOT_CREATED = re.compile(r"not created|exclu", re.IGNORECASE)


@dataclass(frozen=True)
class Options:
    """What one run is told. `names` and `query` say who is watched; `articles` and `report_query` what is new."""

    names: tuple[str, ...] = ()
    query: str = ""
    articles: tuple[Mapping[str, Any], ...] = ()
    report_query: str = ""
    types: tuple[str, ...] = PROFILE_TYPES
    search_field: str = "aliases"
    create_missing: bool = False
    create_type: str = PROFILE_TYPES[0]
    field: str = PUBLICATIONS
    max_rows: int = MAX_ROWS
    match: bool = True
    match_description: bool = False
    stop: tuple[str, ...] = ()
    ambiguous: str = "all"
    processed_tag: str = ""
    dry_run: bool = False


@dataclass
class Update:
    """What became of one name. status: created, updated, unchanged, missing, ambiguous, failed."""

    name: str
    id: str = ""
    status: str = "unchanged"
    added: int = 0
    reason: str = ""


@dataclass
class Item:
    """One article; `report` is the record it came from. status: done (also when nothing was named), failed."""

    article: Mapping[str, Any]
    report: Mapping[str, Any] | None = None
    matched: list[str] = field(default_factory=list)
    ambiguous: bool = False
    status: str = "done"


@dataclass
class Target:
    """A watched name: its record, or None as long as there is none, and the articles that name it."""

    update: Update
    record: Mapping[str, Any] | None = None
    items: list[Item] = field(default_factory=list)

    @property
    def watched(self) -> Watched:
        """The names to look for: those of the record, or the one that was asked for."""
        if self.record is None:
            return Watched("", "", self.update.name)
        return watched_of(self.record)


# ---- pure


def items_of(report: Mapping[str, Any], *, with_description: bool) -> list[Item]:
    """The articles of a record of type Report: one for each row of its publications, at least one.

    The text of the article's page counts where the feed was told to fetch it.
    """
    fields = report.get("CustomFields") or {}
    texts = (fields.get("description") if with_description else "", fields.get(ARTICLE_TEXT))
    text = " | ".join(str(one) for one in texts if one)
    value = str(report.get("value") or "")
    rows = [row for row in fields.get(PUBLICATIONS) or [] if isinstance(row, Mapping)] or [{}]
    dated = fields.get("firstseenbysource") or report.get("firstSeen")
    return [
        Item(
            {
                "title": row.get("title") or value,
                "link": row.get("link") or "",
                "source": row.get("source") or "",
                "timestamp": iso_time(row.get("timestamp")) or iso_time(dated),
                "text": text,
            },
            report,
        )
        for row in rows
    ]


def fields_to_write(record: Mapping[str, Any], target: Target, options: Options) -> tuple[dict[str, Any], int]:
    """The fields that put the target's articles on its record, and how many rows are new; ({}, 0) without new ones.

    An article that the record has in the other field, from a time with another layout, is not new.
    """
    own = record.get("CustomFields") or {}
    to_row, other = (row_of, NOTES) if options.field == PUBLICATIONS else (note_of, PUBLICATIONS)
    there = {row_link(row) for row in own.get(other) or ()} - {""}
    new = [to_row(item.article) for item in target.items if row_link(row_of(item.article)) not in there]
    rows, added = merged_rows(own.get(options.field), new, options.max_rows)
    if not added:
        return {}, 0
    fields: dict[str, Any] = {options.field: rows}
    newest = max(iso_time(item.article.get("timestamp")) for item in target.items)
    if newest > iso_time(own.get(LAST_SEEN)):
        fields[LAST_SEEN] = newest
    return fields, added


def assign(targets: Sequence[Target], items: Iterable[Item], options: Options) -> None:
    """Gives each article to the targets that it names; to all of them, when the caller has matched already."""
    by_place = [
        Watched(str(place), "", target.watched.value, target.watched.aliases) for place, target in enumerate(targets)
    ]
    matcher = Matcher(by_place, options.stop, options.ambiguous)
    for item in items:
        hits = matcher.find(article_text(item.article)) if options.match else []
        places = [int(hit.watched_id) for hit in hits] if options.match else range(len(targets))
        item.ambiguous = any(hit.ambiguous for hit in hits)
        for place in places:
            item.matched.append(targets[place].update.name)
            targets[place].items.append(item)


# ---- with effects


def resolve(server: ProfileServer, options: Options) -> list[Target]:
    """The watched names, each record once. A name that cannot be looked up is failed; a refused query is raised."""
    targets = [resolve_name(server, name, options) for name in dict.fromkeys(options.names)]
    if options.query:
        targets += [
            Target(Update(str(found.get("value")), str(found.get("id"))), found)
            for found in server.records(options.query)
        ]
    once: dict[str, Target] = {}
    for target in targets:
        once.setdefault(target.update.id or f"name {target.update.name.casefold()}", target)
    return list(once.values())


def resolve_name(server: ProfileServer, name: str, options: Options) -> Target:
    """The one record of a name; without one it is missing, with several it is ambiguous and none is changed."""
    try:
        found = server.named(name, options.types, options.search_field)
    except (DemistoException, ValueError) as error:
        return Target(Update(name, status="failed", reason=f"the search failed: {error}"))
    if len(found) == 1:
        return Target(Update(name, str(found[0].get("id"))), found[0])
    if found:
        which = ", ".join(f"{record.get('value')} ({record.get('id')})" for record in found)
        return Target(Update(name, status="ambiguous", reason=f"{len(found)} records have this name: {which}"))
    return Target(Update(name, status="missing", reason="no record has this name"))


def write(server: ProfileServer, target: Target, options: Options) -> None:
    """Puts the target's articles on its record; what fails is its status and that of its articles."""
    update = target.update
    try:
        if update.status == "missing" and options.create_missing and target.items:
            create(server, target, options)
        if target.record is not None and target.items:
            add_rows(server, target, options)
    except (DemistoException, ValueError) as error:
        update.status, update.reason = "failed", str(error)
    if update.status == "failed":
        for item in target.items:
            item.status = "failed"


def create(server: ProfileServer, target: Target, options: Options) -> None:
    """Makes the record of a missing name. One on the exclusion list stays missing, with the reason."""
    update = target.update
    record: Mapping[str, Any] = {"id": "", "value": update.name, "indicator_type": options.create_type}
    if not options.dry_run:
        told = server.execute("createNewIndicator", {"value": update.name, "type": options.create_type})
        if isinstance(told, Mapping) and told.get("id"):
            record = told
        elif NOT_CREATED.search(str(told)):
            update.reason = f"the server did not create it, it may be on the exclusion list: {told}"
            return
        else:
            record = appeared(server, record)
    target.record, update.id = record, str(record.get("id") or "")
    update.status, update.reason = "created", ""


def appeared(server: ProfileServer, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record that was just made, once the search knows it; without its id when that takes too long."""
    name = str(record["value"])
    for attempt in range(1, LOOK_UPS + 1):
        for found in server.records(f"value:{quoted(name)}"):
            if str(found.get("value")).casefold() == name.casefold():
                return found
        server.pause(attempt)
    return record


def add_rows(server: ProfileServer, target: Target, options: Options) -> None:
    """One write for all articles of a record, and none when it has them all."""
    update, added = target.update, [0]
    created = update.status == "created"

    def fields_for(record: Mapping[str, Any]) -> dict[str, Any]:
        fields, added[0] = fields_to_write(record, target, options)
        return {**fields, options.search_field: [update.name]} if created and fields else fields

    if target.record is not None:
        server.change(target.record, fields_for, options.dry_run)
    update.added = added[0]
    if not created:
        update.status = "updated" if added[0] else "unchanged"


def tag_reports(server: ProfileServer, items: Sequence[Item], options: Options) -> list[str]:
    """Tags the Reports of which every article is where it belongs; gives back what failed, by which they stay open."""
    failed = {str(item.report.get("id")) for item in items if item.report and item.status == "failed"}
    reports = {str(item.report.get("id")): item.report for item in items if item.report}
    problems = []

    def with_tag(record: Mapping[str, Any]) -> dict[str, Any]:
        tags = argToList((record.get("CustomFields") or {}).get(TAGS))
        return {} if options.processed_tag in tags else {TAGS: [*tags, options.processed_tag]}

    for key in reports.keys() - failed if options.processed_tag else ():
        try:
            server.change(reports[key], with_tag, options.dry_run)
        except (DemistoException, ValueError) as error:
            problems.append(f"{reports[key].get('value')}: not tagged: {error}")
    return problems


def run(server: ProfileServer, options: Options) -> tuple[list[Update], list[Item], list[str]]:
    """(what became of each name, of each article, further problems). Raises when nothing could be read at all."""
    items = [Item(article) for article in options.articles]
    if options.report_query:
        found = server.records(options.report_query)
        items += [item for report in found for item in items_of(report, with_description=options.match_description)]
    targets = resolve(server, options) if items else []
    assign(targets, items, options)
    if any(target.update.status == "failed" for target in targets):
        # The aliases of what could not be looked up are not known, so any article may be about it.
        for item in items:
            item.status = "failed"
    for target in targets:
        write(server, target, options)
    return [target.update for target in targets], items, tag_reports(server, items, options)


# ---- the command


def articles_from_arg(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The argument `articles`: an article or a list of them, as JSON text or from the context. Raises ValueError."""
    try:
        found = json.loads(value) if isinstance(value, str) and value.strip() else value or []
    except ValueError as error:
        raise ValueError(f"Argument 'articles' is not JSON: {error}.") from None
    articles = found if isinstance(found, list) else [found]
    for number, article in enumerate(articles, 1):
        if not isinstance(article, Mapping) or not (article.get("title") or article.get("link")):
            raise ValueError(f"Argument 'articles': number {number} has neither title nor link.")
    return tuple(articles)


def options_from_args(args: Mapping[str, Any]) -> Options:
    """The arguments, checked. Raises ValueError naming argument and value."""
    options = Options(
        names=tuple(str(name).strip() for name in argToList(args.get("names")) if str(name).strip()),
        query=text_param(args, "query"),
        articles=articles_from_arg(args.get("articles")),
        report_query=text_param(args, "report_query"),
        types=tuple(argToList(args.get("type"))) or PROFILE_TYPES,
        search_field=text_param(args, "search_field") or "aliases",
        create_missing=flag_param(args, "create_missing"),
        create_type=text_param(args, "create_type") or PROFILE_TYPES[0],
        field=choice_param(args, "field", "field for the articles", FIELDS),
        max_rows=whole_param(args, "max_rows", "rows to keep", MAX_ROWS, 1, 10_000),
        match=flag_param(args, "match", default=True),
        match_description=flag_param(args, "match_description"),
        stop=tuple(str(phrase) for phrase in argToList(args.get("stop"))),
        ambiguous=choice_param(args, "ambiguous", "names of several records", ("all", "skip")),
        processed_tag=text_param(args, "processed_tag"),
        dry_run=flag_param(args, "dry_run"),
    )
    if not options.names and not options.query:
        raise ValueError("Give 'names' or 'query', so that it is known whose records are meant.")
    if not options.articles and not options.report_query and "articles" not in args:
        raise ValueError("Give 'articles' or 'report_query', so that there is something to add.")
    return options


def results(
    updates: Sequence[Update], items: Sequence[Item], problems: Sequence[str], *, dry_run: bool
) -> list[CommandResults]:
    """Names and articles, for the war room and for the context."""
    told = [update for update in updates if update.status != "unchanged"]
    which = " (dry run, nothing was changed)" if dry_run else ""
    heading = f"Threat profiles{which}: {len(items)} articles, {len(updates)} names"
    table = tableToMarkdown(
        heading, [asdict(update) for update in told], headers=["name", "id", "status", "added", "reason"]
    )
    outputs = [{**asdict(update), "dry_run": dry_run} for update in updates]
    articles = [
        {
            "title": item.article.get("title"),
            "link": item.article.get("link"),
            "report": (item.report or {}).get("value", ""),
            "matched": item.matched,
            "ambiguous": item.ambiguous,
            "status": item.status,
        }
        for item in items
    ]
    readable = "\n".join([table, *(f"- {problem}" for problem in problems)])
    return [
        CommandResults(outputs_prefix=UPDATE, outputs_key_field="name", outputs=outputs, readable_output=readable),
        CommandResults(
            outputs_prefix=ARTICLE,
            outputs_key_field=["link", "title"],
            outputs=articles,
            readable_output=f"{sum(bool(item.matched) for item in items)} of {len(items)} articles name somebody.",
        ),
    ]


def main() -> None:
    """Run once. An error entry means wrong arguments, a query that is refused, or that every name failed."""
    try:
        options = options_from_args(demisto.args())
        updates, items, problems = run(profile_server(), options)
        return_results(results(updates, items, problems, dry_run=options.dry_run))
        if updates and all(update.status == "failed" for update in updates):
            raise DemistoException(f"every name failed; the first: {updates[0].reason}")
    except Exception as error:
        return_error(f"threat-profile-update: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
