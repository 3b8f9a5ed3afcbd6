"""A source as the document that its readers get. Pure."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from email.utils import format_datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from emulators.news.sources import moment

ATOM = "http://www.w3.org/2005/Atom"
CONTENT_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "page": "text/html; charset=utf-8",
    "article": "text/html; charset=utf-8",
}
Item = Mapping[str, str]


def document(source: Mapping[str, Any], window: int) -> bytes:
    """The document with the newest items, newest first; `window` 0 is all of them."""
    items = list(reversed(source["items"]))
    shown = items[:window] if window else items
    if source["kind"] == "article":
        made = _article(source["title"], source["text"])
    else:
        made = _MAKERS[source["kind"]](source["title"], shown)
    return _broken(_padded(made, source["padding"]), source["broken"])


def _rss(title: str, items: Sequence[Item]) -> bytes:
    root = Element("rss", version="2.0")
    channel = SubElement(root, "channel")
    SubElement(channel, "title").text = title
    for item in items:
        entry = SubElement(channel, "item")
        for name, tag in (("title", "title"), ("link", "link"), ("summary", "description")):
            if name in item:
                SubElement(entry, tag).text = item[name]
        if "guid" in item:
            SubElement(entry, "guid", isPermaLink="false").text = item["guid"]
        if "published" in item:
            SubElement(entry, "pubDate").text = format_datetime(moment(item["published"]))
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _atom(title: str, items: Sequence[Item]) -> bytes:
    root = Element("feed", xmlns=ATOM)
    SubElement(root, "title").text = title
    for item in items:
        entry = SubElement(root, "entry")
        for name, tag in (("title", "title"), ("guid", "id"), ("summary", "summary"), ("published", "published")):
            if name in item:
                SubElement(entry, tag).text = item[name]
        if "link" in item:
            SubElement(entry, "link", rel="alternate", href=item["link"])
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _page(title: str, items: Sequence[Item]) -> bytes:
    """A front page: a menu that is no news, then the articles. An item without link is an anchor without one."""
    lines = [
        f"<!doctype html><html><head><title>{html.escape(title)}</title></head><body>",
        '<nav><a href="/">Home</a><a href="/about">About us</a></nav><main>',
    ]
    for item in items:
        href = f' href="{html.escape(item["link"])}"' if "link" in item else ""
        lines.append(f"<article><a{href}><h2>{html.escape(item.get('title', ''))}</h2></a></article>")
    return "\n".join([*lines, "</main></body></html>"]).encode()


def _article(title: str, text: str) -> bytes:
    """The page of one article, amid what such pages have besides."""
    heading = html.escape(title)
    return "\n".join([
        f"<!doctype html><html><head><title>{heading}</title><script>track()</script></head><body>",
        '<nav><a href="/">Home</a> <a href="/about">About us</a></nav><main>',
        "<article><h2>Another story</h2></article>",
        f"<article><h1>{heading}</h1><p>{html.escape(text)}</p><aside>Subscribe</aside></article>",
        "</main><footer>Imprint</footer></body></html>",
    ]).encode()  # fmt: skip


_MAKERS: Mapping[str, Callable[[str, Sequence[Item]], bytes]] = {"rss": _rss, "atom": _atom, "page": _page}


def _padded(made: bytes, padding: int) -> bytes:
    return made + b"<!--" + b" " * padding + b"-->" if padding else made


def _broken(made: bytes, how: str) -> bytes:
    if how == "cut":
        return made[: len(made) // 2]
    if how == "ampersand":
        return made.replace(b"&amp;", b"&").replace(b"</title>", b" & more</title>")
    if how == "unclosed":
        return made.replace(b"</title>", b"<b></title>")
    return b"Service temporarily unavailable" if how == "not-xml" else made
