"""Records of any format as feed items for the store. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warroom.core.values import TYPES, check, classify
from warroom.core.verdicts import score_of
from warroom.engine.imports.records import Record

Item = dict[str, Any]
_ALIASES: Mapping[str, str] = {
    "indicator_type": "type", "indicatortype": "type",
    "verdict": "score", "reputation": "score",
    "tag": "tags",
    "expiration": "expirationdate", "expires": "expirationdate", "valid_until": "expirationdate",
    "comment": "comments",
}  # fmt: skip
_TYPE_NAMES: Mapping[str, str] = {
    **{name.lower(): name for name in TYPES},
    "ipv4": "IP", "ip-dst": "IP", "ip-src": "IP", "fqdn": "Domain", "hostname": "Domain", "hash": "File",
    "md5": "File", "sha1": "File", "sha-1": "File", "sha256": "File", "sha-256": "File", "sha512": "File",
    "filehash": "File", "uri": "URL", "email-addr": "Email",
}  # fmt: skip
# What the server's own documents carry beside the fields, so no field can have such a name; the store computes it.
_SERVER_KEYS = frozenset(
    "id version modified timestamp firstseen lastseen sourcebrands sourceinstances aggregatedreliability"
    " moduletofeedmap manuallyeditedfields investigationids manualscore expirationstatus customfields rawjson".split()
)


class NotTaken(ValueError):
    """A record that gives no indicator; the text is the reason."""


@dataclass(frozen=True)
class Defaults:
    """What records that do not say it themselves get. `score` is 0 to 3, None to leave it open."""

    type: str | None = None
    score: int | None = None


def to_item(record: Record, defaults: Defaults) -> Item:
    """The feed item of a record: value un-fanged, type told or recognised and checked, fields by lower-case name.

    Raises NotTaken with the reason.
    """
    if record.reason is not None:
        raise NotTaken(record.reason)
    value = record.data.get("value")
    if not isinstance(value, str) or not value.strip():
        raise NotTaken("value is missing")
    if not value.isascii():
        _require_text(value)
    fields = _fields(record.data) if len(record.data) > 1 else {}
    value, kind = _typed(value, fields.pop("type", None) or defaults.type)
    item: Item = {"value": value, "type": kind}
    score = fields.pop("score", None)
    if score is not None:
        item["score"] = _score(score)
    elif defaults.score is not None:
        item["score"] = defaults.score
    if fields:
        item["fields"] = fields
    return item


def _typed(value: str, given: Any) -> tuple[str, str]:
    told = classify(value)
    if not given:
        if told.type is None:
            raise NotTaken(told.reason)
        return told.value, told.type
    kind = _TYPE_NAMES.get(str(given).strip().lower(), str(given).strip())
    if kind == told.type:
        return told.value, kind
    plain = told.value if kind in TYPES else value.strip()
    reason = check(plain, kind)
    if reason is not None:
        raise NotTaken(reason)
    return plain, kind


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = dict(data.get("CustomFields") or {})
    for key, content in data.items():
        if key == "value" or content is None or content == "" or key == "CustomFields":
            continue
        if key in _SERVER_KEYS:
            continue
        name = _ALIASES.get(key) or "".join(letter for letter in key if letter.isalnum()).lower()
        fields[name] = content
    if "comments" in fields:
        fields["comments"] = _comment(fields["comments"])
    if isinstance(fields.get("tags"), str):
        fields["tags"] = [part.strip() for part in fields["tags"].replace(";", ",").split(",") if part.strip()]
    return {name: content for name, content in fields.items() if name and content not in ("", [])}


def _comment(content: Any) -> str:
    if isinstance(content, list):
        regular = [one for one in content if isinstance(one, dict) and one.get("type") == "IndicatorCommentRegular"]
        return "; ".join(str(one.get("content", "")) for one in regular)
    return str(content)


def _score(given: Any) -> int:
    score = score_of(given)
    if score is None:
        raise NotTaken(f"verdict {given!r} is not unknown, good, suspicious or bad, nor 0 to 3")
    return score


def _require_text(value: str) -> None:
    if any("\udc80" <= letter <= "\udcff" for letter in value):
        raise NotTaken("is not UTF-8 text")
