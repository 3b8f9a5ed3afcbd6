"""How feed items become indicators, and how several sources share one indicator.

Documents are dicts in the shape that `searchIndicators` gives. The functions here are pure: they never
change a document they are given, and take the time as microseconds since 1970 UTC. `id`, `modified` and
`version` are left to the store, which alone knows the order of commits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from warroom.core.dates import MINUTE, NO_DATE, SECOND, from_micros, to_micros
from warroom.core.verdicts import NAMES, reliability_rank, score_of

Document = dict[str, Any]
Kind = Literal["created", "updated", "unchanged"]

TIMELINE_LIMIT = 50
VALUE_LIMIT = 65_536
RELATIONSHIPS_ONLY = "$$DummyIndicator$$"
POLICIES = ("indicatorType", "never", "interval", "suddenDeath")
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
LISTS = frozenset({"tags"})
_VOLATILE = ("fetchTime", "modified")


class RefusedItem(ValueError):
    """An item that cannot become an indicator; the text is the reason."""


@dataclass(frozen=True)
class Source:
    """Who delivers: one integration instance, or the importer.

    `reliability` like "A - Completely reliable"; `feed_reputation` a verdict word used when an item has no
    score; `expiration_policy` one of `POLICIES`; `tags` are added to every item.
    Raises ValueError for an unknown policy or verdict.
    """

    brand: str
    instance: str
    instance_id: str
    reliability: str
    feed_reputation: str = ""
    expiration_policy: str = "indicatorType"
    expiration_interval_minutes: int = 0
    bypass_exclusion: bool = False
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.expiration_policy not in POLICIES:
            raise ValueError(f"expiration policy {self.expiration_policy!r}: use one of {', '.join(POLICIES)}")
        if self.feed_reputation and score_of(self.feed_reputation) is None:
            raise ValueError(f"feed reputation {self.feed_reputation!r}: use Unknown, Good, Suspicious or Bad")


@dataclass(frozen=True)
class Rules:
    """What the server sets for all feeds: minutes to live by lower-case indicator type (absent or 0 = never)."""

    type_minutes: Mapping[str, int] = field(default_factory=dict)


NO_RULES = Rules()


class Item(NamedTuple):
    """A feed item that passed `prepare`. `expiration`: microseconds, `NO_DATE` = never, None = not stated."""

    value: str
    key: str
    type: str
    score: int | None
    fields: Document
    expiration: int | None
    comment: str
    service: str


class Merged(NamedTuple):
    """Outcome of a merge. `doc` is the document to store (the given one when nothing changed)."""

    doc: Document
    changed: bool
    kind: Kind


def identity(value: str) -> str:
    """The text under which an indicator is one and the same: case does not count, except in the path of a URL."""
    value = value.strip()
    scheme, found, rest = value.partition("://")
    if not found:
        return value.lower()
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}"


def prepare(raw: Mapping[str, Any]) -> Item:
    """The checked form of `{"value", "type", "fields"?, "score"?, "service"?, ...}`. Raises RefusedItem."""
    if not isinstance(raw, Mapping):
        raise RefusedItem("the item is not an object")
    value = checked_text(raw, "value", VALUE_LIMIT)
    kind = checked_text(raw, "type", 200)
    fields, expiration, comment = _fields(raw.get("fields"))
    return Item(value, identity(value), kind, _score(raw), fields, expiration, comment, str(raw.get("service") or ""))


def checked_text(raw: Mapping[str, Any], name: str, limit: int) -> str:
    """The text under `name`, without surrounding blanks. Raises RefusedItem when there is none that can be kept."""
    text = raw.get(name)
    if not isinstance(text, str) or not (text := text.strip()):
        raise RefusedItem(f"{name} is missing or not a text")
    if len(text) > limit:
        raise RefusedItem(f"{name} is longer than {limit} characters")
    if not text.isprintable() and _UNFIT.search(text):
        raise RefusedItem(f"{name} holds a control character or half a surrogate pair")
    return text


def _score(raw: Mapping[str, Any]) -> int | None:
    given = raw.get("score")
    if given is None or given == "":
        return None
    score = score_of(given)
    if score is None:
        raise RefusedItem(f"score {given!r} is not 0 to 3")
    return score


def _fields(raw: Any) -> tuple[Document, int | None, str]:
    if not raw:
        return {}, None, ""
    if not isinstance(raw, Mapping):
        raise RefusedItem("fields is not an object")
    fields = {name: content for name, content in raw.items() if content is not None}
    if not all(isinstance(name, str) for name in fields):
        raise RefusedItem("fields has a name that is not a text")
    expiration = _expiration(fields.pop("expirationdate", None))
    comment = fields.pop("comments", "")
    if "tags" in fields:
        fields["tags"] = as_list(fields["tags"])
    return fields, expiration, comment if isinstance(comment, str) else ""


def _expiration(given: Any) -> int | None:
    if given is None or given == "":
        return None
    if isinstance(given, str) and (given.lower() == "never" or given.startswith("0001-")):
        return NO_DATE
    micros = to_micros(given)
    if micros is None:
        raise RefusedItem(f"expirationdate {given!r} is not an ISO date")
    return micros


def as_list(content: Any) -> list[Any]:
    """A multi-value field as list: a text is split at commas, blanks and repetitions go, order stays."""
    parts = (
        content.split(",") if isinstance(content, str) else content if isinstance(content, (list, tuple)) else [content]
    )
    cleaned = (part.strip() if isinstance(part, str) else part for part in parts)
    return union((), (part for part in cleaned if part not in ("", None)))


def union(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    """Both in order, each element once."""
    joined = list(first)
    for one in second:
        if one not in joined:
            joined.append(one)
    return joined


def merge(existing: Document | None, item: Item, source: Source, now: int, rules: Rules = NO_RULES) -> Merged:
    """Takes what `source` says into the indicator.

    Re-applying what the same source said before is "unchanged". The verdict is that of the most reliable
    source that has one (the worst of equals), the expiration that of the most reliable source (the latest
    of equals to report), unless a person set them. A source whose expiration is an interval renews it once
    half of it is over, so that a feed which keeps listing an indicator keeps it alive without moving
    `modified` at every fetch.
    """
    entry = _entry(item, source, now, rules)
    if existing is None:
        return Merged(_created(item, source, entry, now), True, "created")
    feeds: Document = existing.get("moduleToFeedMap") or {}
    before = feeds.get(source.instance_id)
    if before is not None and _same(before, entry, now):
        return Merged(existing, False, "unchanged")
    return Merged(_updated(existing, item, source, entry, now), True, "updated")


def _entry(item: Item, source: Source, now: int, rules: Rules) -> Document:
    expiration, policy, minutes = _expiry(item, source, now, rules)
    stamp = from_micros(now)
    fields = item.fields
    if source.tags:
        fields = {**fields, "tags": union(fields.get("tags", ()), source.tags)}
    entry = {
        "sourceBrand": source.brand,
        "sourceInstance": source.instance,
        "reliability": source.reliability,
        "score": item.score if item.score is not None else score_of(source.feed_reputation) or 0,
        "type": item.type,
        "expiration": from_micros(expiration),
        "expirationPolicy": policy,
        "expirationInterval": minutes,
        "fields": fields,
        "fetchTime": stamp,
        "modified": stamp,
    }
    if item.comment:
        entry["comment"] = item.comment
    if item.service:
        entry["service"] = item.service
    return entry


def _expiry(item: Item, source: Source, now: int, rules: Rules) -> tuple[int, str, int]:
    if item.expiration is not None:
        return item.expiration, "explicit", 0
    policy = source.expiration_policy
    minutes = 0
    if policy == "interval":
        minutes = source.expiration_interval_minutes
    elif policy == "indicatorType":
        minutes = rules.type_minutes.get(item.type.lower(), 0)
    return (now + minutes * MINUTE if minutes > 0 else NO_DATE), policy, max(0, minutes)


def _same(before: Document, after: Document, now: int) -> bool:
    if before.keys() != after.keys():
        return False
    for name, content in after.items():
        if name not in _VOLATILE and name != "expiration" and before[name] != content:
            return False
    return bool(before["expiration"] == after["expiration"]) or _still_fresh(before, after, now)


def _still_fresh(before: Document, after: Document, now: int) -> bool:
    minutes = int(after["expirationInterval"])
    left = (to_micros(before["expiration"]) or 0) - now
    return minutes > 0 and left * 2 >= minutes * MINUTE


def _created(item: Item, source: Source, entry: Document, now: int) -> Document:
    stamp = entry["fetchTime"]
    comments = [timeline(f"Created by {source.brand}", source.brand, stamp)]
    if item.comment:
        comments.append(remark(item.comment, source.brand, stamp))
    return {
        "id": "",
        "value": item.value,
        "indicator_type": item.type,
        "score": entry["score"],
        "expiration": entry["expiration"],
        "expirationStatus": "active",
        "firstSeen": stamp,
        "lastSeen": stamp,
        "modified": "",
        "timestamp": stamp,
        "version": 0,
        "sourceBrands": [source.brand],
        "sourceInstances": [source.instance],
        "aggregatedReliability": source.reliability,
        "manualScore": False,
        "manuallyEditedFields": [],
        "investigationIDs": [],
        "comments": comments,
        "moduleToFeedMap": {source.instance_id: entry},
        "CustomFields": entry["fields"],
    }


def _updated(existing: Document, item: Item, source: Source, entry: Document, now: int) -> Document:
    feeds = dict(existing.get("moduleToFeedMap") or {})
    # A source that reports again becomes the last one, which is what decides between equals.
    feeds.pop(source.instance_id, None)
    feeds[source.instance_id] = entry
    doc = {**existing, "moduleToFeedMap": feeds, "lastSeen": entry["fetchTime"]}
    doc["CustomFields"] = merge_fields(existing.get("CustomFields") or {}, entry["fields"], locked(existing))
    doc = settle(doc)
    comments = existing.get("comments") or []
    if item.comment and not any(known.get("content") == item.comment for known in comments):
        comments = [*comments, remark(item.comment, source.brand, entry["fetchTime"])]
    doc["comments"] = with_timeline(comments, differences(existing, doc), source.brand, now)
    return doc


def locked(doc: Document) -> frozenset[str]:
    """Names of the fields that a person set, which no feed may change."""
    return frozenset(doc.get("manuallyEditedFields") or ())


def merge_fields(old: Document, new: Document, kept: frozenset[str]) -> Document:
    """Custom fields of a document after `new` came in: new content replaces, `tags` are joined, `kept` stay."""
    merged = dict(old)
    for name, content in new.items():
        if name in kept:
            continue
        merged[name] = union(as_list(old.get(name, ())), content) if name in LISTS else content
    return merged


def settle(doc: Document) -> Document:
    """The document with everything that follows from its sources computed anew (verdict, type, expiration, names)."""
    feeds: list[Document] = list((doc.get("moduleToFeedMap") or {}).values())
    if not feeds:
        return doc
    kept = locked(doc)
    settled = dict(doc)
    if not doc.get("manualScore"):
        settled["score"] = _verdict(feeds)
    if "expiration" not in kept:
        settled["expiration"] = _deciding(feeds)["expiration"]
    if "type" not in kept:
        settled["indicator_type"] = max(feeds, key=_rank)["type"]
    settled["aggregatedReliability"] = max(feeds, key=_rank)["reliability"]
    settled["sourceBrands"] = union((), (entry["sourceBrand"] for entry in feeds))
    settled["sourceInstances"] = union((), (entry["sourceInstance"] for entry in feeds))
    return settled


def _rank(entry: Document) -> int:
    return reliability_rank(entry["reliability"])


def _verdict(feeds: list[Document]) -> int:
    scored = [(_rank(entry), int(entry["score"])) for entry in feeds if entry["score"]]
    return max(scored)[1] if scored else 0


def _deciding(feeds: list[Document]) -> Document:
    listed = [entry for entry in feeds if not entry.get("ended")] or feeds
    best = max(map(_rank, listed))
    return [entry for entry in listed if _rank(entry) == best][-1]


def end_source(existing: Document, instance_id: str, now: int) -> Merged:
    """The source no longer lists the indicator: its say about the expiration ends now. Idempotent."""
    feeds = dict(existing.get("moduleToFeedMap") or {})
    entry = feeds.get(instance_id)
    if entry is None or entry.get("ended"):
        return Merged(existing, False, "unchanged")
    stamp = from_micros(now)
    feeds[instance_id] = {**entry, "ended": True, "expiration": stamp, "modified": stamp}
    doc = settle({**existing, "moduleToFeedMap": feeds})
    told = [f"no longer listed by {entry['sourceInstance']}"]
    doc["comments"] = with_timeline(existing.get("comments") or [], told, entry["sourceBrand"], now)
    return Merged(doc, True, "updated")


def differences(before: Document, after: Document) -> list[str]:
    """What a reader of the time line wants to know, one phrase for each difference."""
    told = []
    if before.get("score") != after.get("score"):
        told.append(f"verdict {_name(before)} -> {_name(after)}")
    for name in ("indicator_type", "expiration", "aggregatedReliability", "sourceInstances"):
        if before.get(name) != after.get(name):
            told.append(name)
    old, new = before.get("CustomFields") or {}, after.get("CustomFields") or {}
    told.extend(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))
    return told


def _name(doc: Document) -> str:
    score = score_of(doc.get("score"))
    return NAMES[score or 0]


def with_timeline(comments: list[Document], told: list[str], who: str, now: int) -> list[Document]:
    """The comments plus one time-line entry that names what changed; as they are when nothing did."""
    return with_line(comments, "Changed: " + ", ".join(told), who, now) if told else comments


def with_line(comments: list[Document], content: str, who: str, now: int) -> list[Document]:
    """The comments plus one time-line entry, the oldest time-line entries beyond `TIMELINE_LIMIT` dropped."""
    added = [*comments, timeline(content, who, from_micros(now))]
    surplus = sum(1 for one in added if one.get("type") == "IndicatorCommentTimeLine") - TIMELINE_LIMIT
    kept = []
    for one in added:
        if surplus > 0 and one.get("type") == "IndicatorCommentTimeLine":
            surplus -= 1
        else:
            kept.append(one)
    return kept


def timeline(content: str, who: str, stamp: str) -> Document:
    """A comment that the server writes about a change."""
    return {"type": "IndicatorCommentTimeLine", "content": content, "created": stamp, "source": who}


def remark(content: str, who: str, stamp: str) -> Document:
    """A comment of a source or a person."""
    return {"type": "IndicatorCommentRegular", "content": content, "created": stamp, "source": who}


def now_micros(seconds: float) -> int:
    """Microseconds of a clock that counts seconds since 1970."""
    return int(seconds * SECOND)
