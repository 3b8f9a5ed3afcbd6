"""What a source of news is, read strictly from JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, NUMBER, TEXT, Field, json_object

KINDS = ("rss", "atom", "page", "article")
BREAKS = ("", "cut", "ampersand", "unclosed", "not-xml")
REDIRECTS = (301, 302, 303, 307, 308)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_ITEM = {name: Field(TEXT, required=False) for name in ("title", "link", "guid", "published", "summary")}
_SOURCE = {
    "kind": Field(TEXT, required=False, choices=KINDS),
    "title": Field(TEXT, required=False),
    "text": Field(TEXT, required=False),
    "items": Field(LIST, required=False),
    "window": Field(INTEGER, required=False),
    "broken": Field(TEXT, required=False, choices=BREAKS),
    "redirect": Field(TEXT, required=False),
    "redirect_status": Field(INTEGER, required=False, choices=REDIRECTS),
    "padding": Field(INTEGER, required=False),
    "drip_seconds": Field(NUMBER, required=False),
    "conditional": Field(BOOLEAN, required=False),
}
_DEFAULTS: Mapping[str, Any] = {
    "kind": "rss",
    "title": "",
    "text": "",
    "items": [],
    "window": None,
    "broken": "",
    "redirect": "",
    "redirect_status": 302,
    "padding": 0,
    "drip_seconds": 0,
    "conditional": True,
}


def checked_name(name: str) -> str:
    """`name` when it can be part of an address. Raises Refused(400)."""
    if not _NAME.fullmatch(name):
        raise Refused(400, f"source '{name}': small letters, digits, '.', '_' and '-' make a name")
    return name


def new_source(value: object, where: str) -> dict[str, Any]:
    """A source with every setting, from those that were given. Raises Refused(400)."""
    return changed_source(_DEFAULTS, value, where)


def changed_source(source: Mapping[str, Any], value: object, where: str) -> dict[str, Any]:
    """The source with some settings replaced. Raises Refused(400)."""
    given = json_object(value, _SOURCE, where)
    for name in ("window", "padding", "drip_seconds"):
        if given.get(name, 0) < 0:
            raise Refused(400, f"{where}.{name} must not be negative")
    items = {"items": checked_items(given["items"], f"{where}.items")} if "items" in given else {}
    return {**source, **given, **items}


def checked_items(value: object, where: str) -> list[dict[str, str]]:
    """Items, each with any of title, link, guid, published (ISO with a zone) and summary. Raises Refused(400)."""
    if not isinstance(value, list):
        raise Refused(400, f"{where} must be a list")
    return [_item(item, f"{where}[{place}]") for place, item in enumerate(value)]


def _item(value: object, where: str) -> dict[str, str]:
    item: dict[str, str] = json_object(value, _ITEM, where)
    if "published" in item:
        moment(item["published"], where)
    return item


def moment(text: str, where: str = "published") -> datetime:
    """A time with a zone. Raises Refused(400)."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Refused(400, f"{where}: '{text}' is not a time such as 2025-01-31T08:00:00Z") from None
    if found.tzinfo is None:
        raise Refused(400, f"{where}: '{text}' has no zone")
    return found
