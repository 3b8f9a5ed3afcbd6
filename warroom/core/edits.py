"""What a person changes on an indicator by hand, and how it outlasts the feeds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.core.dates import NEVER, from_micros, span
from warroom.core.indicators import (
    LISTS,
    Document,
    Merged,
    as_list,
    checked_text,
    differences,
    remark,
    settle,
    union,
    with_timeline,
)
from warroom.core.verdicts import score_of

_EDITABLE = "score, verdict, reputation, type, expiration, expirationStatus, comments, manualScore, custom fields"
_FIXED = frozenset(
    "id value modified timestamp firstSeen lastSeen version sourceBrands sourceInstances aggregatedReliability"
    " moduleToFeedMap manuallyEditedFields investigationIDs CustomFields".split()
)


def edit(existing: Document, changes: Mapping[str, Any], now: int, user: str = "") -> Merged:
    """A person's edit. Each field named in `changes` sticks: feeds no longer change it.

    `score`/`verdict`/`reputation` word or 0..3; `manualScore: False` gives the verdict back to the sources;
    `expiration` ISO, relative or "never"; `expirationStatus` "expired" (now) or "active" (never);
    `comments` appends a comment; any other name is a custom field (None removes it).
    Raises ValueError naming field and value.
    """
    doc = {**existing, "CustomFields": dict(existing.get("CustomFields") or {})}
    for name, content in changes.items():
        if name in _FIXED:
            raise ValueError(f"{name} cannot be edited; editable are {_EDITABLE}")
        _change(doc, name, content, now, user)
    doc = settle(doc)
    if doc == existing:
        return Merged(existing, False, "unchanged")
    doc["comments"] = with_timeline(doc.get("comments") or [], differences(existing, doc), user or "person", now)
    return Merged(doc, True, "updated")


def _change(doc: Document, name: str, content: Any, now: int, user: str) -> None:
    if name in ("score", "verdict", "reputation"):
        doc["score"], doc["manualScore"] = _edited_score(name, content), True
        _lock(doc, "score")
    elif name == "manualScore":
        doc["manualScore"] = bool(content)
        doc["manuallyEditedFields"] = [one for one in doc["manuallyEditedFields"] if one != "score" or content]
    elif name in ("type", "indicator_type"):
        doc["indicator_type"] = checked_text({"type": content}, "type", 200)
        _lock(doc, "type")
    elif name in ("expiration", "expirationStatus"):
        doc["expiration"] = _edited_expiration(name, content, now)
        _lock(doc, "expiration")
    elif name == "comments":
        doc["comments"] = [*(doc.get("comments") or []), {**remark(str(content), "", from_micros(now)), "user": user}]
    else:
        _change_custom(doc, name, content)


def _lock(doc: Document, name: str) -> None:
    doc["manuallyEditedFields"] = union(doc.get("manuallyEditedFields") or (), [name])


def _edited_score(name: str, content: Any) -> int:
    score = score_of(content)
    if score is None:
        raise ValueError(f"{name} {content!r}: use Unknown, Good, Suspicious, Bad or 0 to 3")
    return score


def _edited_expiration(name: str, content: Any, now: int) -> str:
    word = str(content).strip()
    if name == "expirationStatus":
        if word not in ("active", "expired"):
            raise ValueError(f"expirationStatus {content!r}: use active or expired")
        return NEVER if word == "active" else from_micros(now)
    if word.lower() == "never" or word.startswith("0001-"):
        return NEVER
    named = span(word, now)
    if named is None:
        raise ValueError(f'expiration {content!r} is not a date; use never, 2024-01-31T10:00:00Z or "2 days from now"')
    return from_micros(named[0])


def _change_custom(doc: Document, name: str, content: Any) -> None:
    if content is None:
        doc["CustomFields"].pop(name, None)
    else:
        doc["CustomFields"][name] = as_list(content) if name in LISTS else content
    _lock(doc, name)
