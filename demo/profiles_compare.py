"""Is every article where it belongs? Says for each what the home must hold, and what it holds too much. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import pack

SHARED = "ThreatProfilesApiModule"
PROCESSED = "threat-profiles-processed"
Record = Mapping[str, Any]
Article = Mapping[str, str]


@dataclass
class Comparison:
    """What a comparison found.

    articles: different ones that the sites showed; `lost` have no Report, `doubled` have several, `unasked` are Reports
    of nothing that was shown, `left_open` Reports that the job did not finish.
    rows: articles on profiles; `missing` are not on a profile that they name, `surplus` on one that they do not name,
    `twice` there more than once, `unrelated` without a relationship from Report to profile.
    """

    articles: int = 0
    reports: int = 0
    rows: int = 0
    profiles: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    left_open: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    unrelated: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """One line for each kind of difference, with its number and the first of them; empty when there is none."""
        kinds = {
            "articles have no report": self.lost,
            "articles have several reports": self.doubled,
            "reports are of no article that was shown": self.unasked,
            "reports were left open": self.left_open,
            "rows are missing": self.missing,
            "rows are on a profile that the article does not name": self.surplus,
            "rows are there twice": self.twice,
            "reports are not related to their profile": self.unrelated,
        }
        return [f"{len(found)} {kind}, such as {found[0]}" for kind, found in kinds.items() if found]


def compare(
    shown: Iterable[Article], reports: Iterable[Record], profiles: Iterable[Record], related: Iterable[Record] | None
) -> Comparison:
    """Compares what sites showed with the records of the home.

    A link that was shown again under another title may be on the profiles of either title, and has to be on those of
    the first. `related` None: relationships are not looked at.
    """
    shared: Any = pack.module(SHARED)
    profiles = list(profiles)
    matcher = shared.Matcher([shared.watched_of(record) for record in profiles])
    first: dict[str, set[str]] = {}
    any_title: dict[str, set[str]] = defaultdict(set)
    for article in shown:
        if link := shared.canonical_link(article.get("link", "")):
            named = {hit.watched_id for hit in matcher.find(shared.article_text(article))}
            first.setdefault(link, named)
            any_title[link] |= named
    owners = _reports_by_link(reports)
    rows = {str(record["id"]): Counter(links_of(record)) for record in profiles}
    names = {str(record["id"]): str(record["value"]) for record in profiles}
    found = Comparison(len(first), sum(map(len, owners.values())), sum(map(len, rows.values())))
    found.profiles = sum(map(bool, rows.values()))
    _compare_reports(found, set(first), owners)
    for link, named in first.items():
        for key in named:
            if link not in rows[key]:
                found.missing.append(f"{link} on {names[key]}")
    for key, links in rows.items():
        found.surplus += [f"{link} on {names[key]}" for link in links if key not in any_title.get(link, ())]
        found.twice += [f"{link} on {names[key]}" for link, count in links.items() if count > 1]
    if related is not None:
        _compare_relations(found, first, owners, names, related)
    return found


def _reports_by_link(reports: Iterable[Record]) -> dict[str, list[Record]]:
    owners: dict[str, list[Record]] = defaultdict(list)
    for report in reports:
        for link in links_of(report):
            owners[link].append(report)
    return owners


def _compare_reports(found: Comparison, shown: set[str], owners: Mapping[str, list[Record]]) -> None:
    found.lost = sorted(shown - owners.keys())
    found.unasked = sorted(owners.keys() - shown)
    for link, records in owners.items():
        if len(records) > 1:
            found.doubled.append(link)
        if any(PROCESSED not in (record["CustomFields"].get("tags") or ()) for record in records):
            found.left_open.append(link)


def _compare_relations(
    found: Comparison,
    first: Mapping[str, set[str]],
    owners: Mapping[str, list[Record]],
    names: Mapping[str, str],
    related: Iterable[Record],
) -> None:
    pairs = {(one["entityA"], one["entityB"]) for one in related}
    for link, named in first.items():
        for report in owners.get(link, ()):
            lacking = [names[key] for key in named if (report["value"], names[key]) not in pairs]
            found.unrelated += [f"{report['value']} to {name}" for name in lacking]


def links_of(record: Record) -> list[str]:
    """The links in the publications of a record, in their order."""
    rows = (record.get("CustomFields") or {}).get("publications") or ()
    return [str(row["link"]) for row in rows]


def confirmed(profiles: Iterable[Record], known: Mapping[str, set[str]]) -> tuple[int, int]:
    """(right, all) of the rows whose article has known profiles: `known` gives their values by canonical link."""
    right = judged = 0
    for record in profiles:
        for link in links_of(record):
            judged += link in known
            right += record["value"] in known.get(link, ())
    return right, judged
