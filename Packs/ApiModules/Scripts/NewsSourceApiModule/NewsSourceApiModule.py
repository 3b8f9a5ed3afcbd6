"""Reads news sources: RSS and Atom feeds, front pages of sites, and the pages of articles.

In this order: what a source is, how its document is fetched, how articles are read from it, and the texts of their
pages. Only `NewsReader` has effects.
"""

import http.client
import io
import ipaddress
import re
import shlex
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urljoin as news_urljoin
from urllib.parse import urlsplit

import demistomock as demisto  # noqa: F401
import feedparser
import requests
import urllib3
from bs4 import BeautifulSoup
from CommonServerPython import *

NEWS_KINDS = ("auto", "feed", "page")
NEWS_TLP = ("", "RED", "AMBER", "AMBER+STRICT", "GREEN", "WHITE", "CLEAR")
NEWS_REDIRECTS = frozenset({301, 302, 303, 307, 308})
NEWS_MOST_REDIRECTS = 5
NEWS_BUSY = frozenset({408, 425, 429})
NEWS_PIECE = 64 * 1024
# Sites turn away what does not say who it is.
NEWS_AGENT = "Mozilla/5.0 (compatible; ThreatNewsFeed/1.0)"
# A link on a page whose text is shorter is a menu, not a headline.
NEWS_HEADLINE_WORDS = 4
# With all its other fields a record must stay below the size that servers take.
NEWS_TEXT_BYTES = 45_000
NEWS_PAGE_SECONDS = 10.0
NEWS_PAGE_BYTES = 2_000_000
# A host of which so many pages in a row could not be read is not asked again in a run.
NEWS_PAGE_FAILURES = 3
NEWS_NO_TEXT = ("script", "style", "noscript", "template", "svg", "iframe", "nav", "aside", "footer", "form", "button")


class NewsSourceError(DemistoException):
    """A source that cannot be read as it is; trying again at once is no use."""


class NewsBusyError(NewsSourceError):
    """The source did not answer, or not now; the same request may succeed later. Made to be repeated by `HttpRetry`."""

    def __init__(self, message: str, status: int = 0, retry_after: float | None = None, unsent: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.unsent = unsent


@dataclass(frozen=True)
class NewsSource:
    """One source. `prefix`: on a page, only links that begin with it are articles."""

    url: str
    name: str = ""
    tlp: str = ""
    kind: str = "auto"
    prefix: str = ""

    @property
    def label(self) -> str:
        """What people call it: its name, else its host."""
        return self.name or urlsplit(self.url).hostname or self.url


def news_sources(text: str, title: str) -> tuple[NewsSource, ...]:
    """Sources, one per line: an address, then `name=`, `tlp=`, `kind=` or `prefix=`. Empty lines and `#` are skipped.

    Raises ValueError that names the parameter `title`, the line and what is wrong.
    """
    found: dict[str, NewsSource] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.strip().startswith("#"):
            try:
                source = _source_of_line(line)
            except ValueError as error:
                raise ValueError(f"{title}, line {number}: {error}") from None
            found.setdefault(source.url, source)
    if not found:
        raise ValueError(f"{title}: there is no source. Give one address per line.")
    return tuple(found.values())


def _source_of_line(line: str) -> NewsSource:
    url, *options = shlex.split(line)
    if not re.fullmatch(r"https?://[^/\s?#@]+([/?#]\S*)?", url):
        raise ValueError(f"{url!r} is not an address such as https://news.example.com/rss")
    given: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if name not in ("name", "tlp", "kind", "prefix") or not equals:
            raise ValueError(f"{option!r} is not one of name=, tlp=, kind=, prefix=")
        given[name] = value
    given["tlp"] = given.get("tlp", "").upper()
    for name, allowed in (("kind", NEWS_KINDS), ("tlp", NEWS_TLP)):
        if given.get(name, allowed[0]) not in allowed:
            raise ValueError(f"{name}={given[name]} is not one of {', '.join(filter(None, allowed))}")
    return NewsSource(url, **given)


# ---- fetching


@dataclass(frozen=True)
class NewsLimits:
    """What one source may cost: seconds for all of it, seconds without a byte, bytes after decompression."""

    total_seconds: float = 30.0
    idle_seconds: float = 10.0
    max_bytes: int = 5_000_000


@dataclass(frozen=True)
class NewsDocument:
    """What a source sent. `unchanged`: nothing new since `etag` and `last_modified` were sent along."""

    url: str
    body: bytes = b""
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    unchanged: bool = False


def news_networks(texts: Sequence[str], title: str) -> tuple[Any, ...]:
    """Networks from texts such as 10.1.0.0/16. Raises ValueError that names the parameter `title` and the text."""
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise ValueError(f"{title}: {text!r} is not a network such as 10.1.0.0/16.") from None
    return tuple(found)


def news_address_allowed(address: str, networks: Sequence[Any]) -> bool:
    """True for an address of the internet, and for one in `networks`."""
    ip: Any = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return (ip.is_global and not ip.is_multicast) or any(ip in network for network in networks)


class _GuardedAdapter(requests.adapters.HTTPAdapter):
    """Connections that are closed before anything is sent when they ended up at an address that is not allowed."""

    def __init__(self, allowed: Callable[[str], bool]) -> None:
        self._allowed = allowed
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _guarded_pool(urllib3.HTTPConnectionPool, self._allowed),
            "https": _guarded_pool(urllib3.HTTPSConnectionPool, self._allowed),
        }


def _guarded_pool(pool: Any, allowed: Callable[[str], bool]) -> Any:
    def connect(connection: Any) -> Any:
        made = pool.ConnectionCls._new_conn(connection)
        address = made.getpeername()[0]
        if not allowed(address):
            made.close()
            raise NewsSourceError(_refused(connection.host, address))
        return made

    guarded = type("GuardedConnection", (pool.ConnectionCls,), {"_new_conn": connect})
    return type("GuardedPool", (pool,), {"ConnectionCls": guarded})


def _refused(host: str, address: str) -> str:
    return (
        f"{host} is at {address}, an internal address. If that is meant, name its network in the parameter"
        " 'Own networks'."
    )


def news_session(networks: Sequence[Any], verify: bool) -> requests.Session:
    """A session that connects only where it may."""
    session = requests.Session()
    session.verify = verify
    session.headers.update({"User-Agent": NEWS_AGENT, "Accept-Encoding": "gzip, deflate"})
    for scheme in ("http", "https"):
        session.mount(f"{scheme}://", _GuardedAdapter(lambda address: news_address_allowed(address, networks)))
    return session


def news_addresses(host: str) -> list[str]:
    """All addresses of a host name; none when nobody here knows it."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []


@dataclass
class NewsReader:
    """Fetches documents. `get` is `requests.Session.get`; `resolve` gives the addresses of a host."""

    get: Callable[..., Any]
    networks: Sequence[Any] = ()
    limits: NewsLimits = field(default_factory=NewsLimits)
    monotonic: Callable[[], float] = time.monotonic
    resolve: Callable[[str], Sequence[str]] = news_addresses

    def read(self, source: NewsSource, etag: str = "", last_modified: str = "") -> NewsDocument:
        """The document of a source, asked for only if it changed.

        Raises NewsBusyError when another try may help, NewsSourceError for everything else.
        """
        deadline = self.monotonic() + self.limits.total_seconds
        headers = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in headers.items() if value}
        url = source.url
        for _ in range(NEWS_MOST_REDIRECTS + 1):
            self._check(url)
            left = deadline - self.monotonic()
            if left <= 0:
                raise self._too_slow(source.url)
            try:
                with self._asked(url, headers, left) as response:
                    if response.status_code not in NEWS_REDIRECTS:
                        return self._document(url, response, deadline)
                    url = _next(url, response.headers.get("Location"))
            except (requests.exceptions.Timeout, requests.exceptions.ConnectionError) as error:
                if self.monotonic() >= deadline:
                    raise self._too_slow(source.url) from error
                raise NewsBusyError(f"{url} does not answer: {_cause(error)}", unsent=True) from error
            except requests.exceptions.RequestException as error:
                raise NewsSourceError(f"{url} cannot be asked: {_cause(error)}") from error
        raise NewsSourceError(f"{source.url} redirects more than {NEWS_MOST_REDIRECTS} times")

    def _too_slow(self, url: str) -> NewsSourceError:
        # Not worth a second try in this run: it would cost as much again.
        return NewsSourceError(f"{url} takes longer than {self.limits.total_seconds:g} seconds")

    def _asked(self, url: str, headers: Mapping[str, str], seconds: float) -> Any:
        idle = min(self.limits.idle_seconds, seconds)
        return self.get(url, headers=dict(headers), timeout=(idle, idle), stream=True, allow_redirects=False)

    def _check(self, url: str) -> None:
        """Refuses a host that is known to be inside, before it is asked. A name that only a proxy knows passes."""
        host = urlsplit(url).hostname or ""
        for address in self.resolve(host):
            if not news_address_allowed(address, self.networks):
                raise NewsSourceError(_refused(host, address))

    def _document(self, url: str, response: Any, deadline: float) -> NewsDocument:
        status, headers = response.status_code, response.headers
        if status == http.client.NOT_MODIFIED:
            return NewsDocument(url, unchanged=True)
        if status in NEWS_BUSY or status >= 500:
            raise NewsBusyError(f"{url} answers with status {status}", status, _seconds(headers.get("Retry-After")))
        if status != http.client.OK:
            raise NewsSourceError(f"{url} answers with status {status}")
        body = b"".join(self._pieces(url, response, deadline))
        return NewsDocument(
            url, body, headers.get("Content-Type", ""), headers.get("ETag", ""), headers.get("Last-Modified", "")
        )

    def _pieces(self, url: str, response: Any, deadline: float) -> Iterator[bytes]:
        """The body, decompressed here: a few kilobytes may stand for gigabytes, so each step is limited."""
        # Below urllib3, because its `read` waits for a whole piece, however slowly it trickles in.
        raw = getattr(response.raw, "_original_response", None) or response.raw
        packed = response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip", "deflate")
        unpack = _Unpacker(packed, self.limits.max_bytes)
        received = 0
        try:
            while piece := raw.read1(NEWS_PIECE):
                received += len(piece)
                yield unpack(url, piece)
                if self.monotonic() > deadline:
                    raise self._too_slow(url)
        except (OSError, http.client.HTTPException) as error:
            if self.monotonic() >= deadline:
                raise self._too_slow(url) from error
            raise NewsBusyError(f"{url} broke off: {_cause(error)}") from error
        except zlib.error as error:
            raise NewsSourceError(f"{url} sends something that cannot be decompressed") from error
        if received < int(response.headers.get("Content-Length") or 0):
            raise NewsBusyError(f"{url} broke off after {received} bytes")


class _Unpacker:
    """Pieces as they are meant, until there are more than `most` bytes."""

    def __init__(self, packed: bool, most: int) -> None:
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None
        self._most = most
        self._left = most

    def __call__(self, url: str, piece: bytes) -> bytes:
        made = piece if self._stream is None else self._stream.decompress(piece, self._left + 1)
        self._left -= len(made)
        if self._left < 0:
            raise NewsSourceError(f"{url} is larger than {self._most} bytes")
        return made


def _next(url: str, location: str | None) -> str:
    target = news_urljoin(url, location or "")
    if not location or urlsplit(target).scheme not in ("http", "https"):
        raise NewsSourceError(f"{url} redirects to {location!r}, which is no web address")
    return target


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None


def _cause(error: BaseException) -> str:
    """The innermost reason in a few words; what urllib3 wraps around it names objects, not facts."""
    inner: Any = error
    while reason := getattr(inner, "reason", None) or next((a for a in inner.args if isinstance(a, Exception)), None):
        if not isinstance(reason, BaseException):
            break
        inner = reason
    return str(inner).rpartition(">: ")[2] or type(inner).__name__


# ---- reading


@dataclass(frozen=True)
class NewsItem:
    """One article as its source tells it; all but `link` may be empty. `published` is ISO UTC, texts are plain."""

    link: str
    title: str
    guid: str = ""
    published: str = ""
    summary: str = ""


@dataclass(frozen=True)
class NewsContent:
    """The articles of a document, oldest first when it has the newest first, and what could not be read of it."""

    kind: str
    items: tuple[NewsItem, ...]
    without_link: int = 0
    problem: str = ""


def news_content(document: NewsDocument, source: NewsSource) -> NewsContent:
    """The articles of a document. Raises NewsSourceError when it is neither a feed nor a page, or not as asked for."""
    # As a stream: a text would be taken for an address or the name of a file.
    parsed = feedparser.parse(io.BytesIO(document.body), response_headers={"content-type": document.content_type})
    if source.kind != "page" and parsed.get("version"):
        return _feed_content(parsed, document)
    if source.kind != "feed" and _is_page(document):
        return _page_content(document, source)
    wanted = "a page" if source.kind == "page" else "a feed"
    raise NewsSourceError(f"{document.url} is {document.content_type or 'a document'} and not {wanted}")


def _feed_content(parsed: Any, document: NewsDocument) -> NewsContent:
    # Of an item in which the document ends, even the link may be a half one.
    entries = parsed.entries[:-1] if _ends_in_item(document.body) else parsed.entries
    items = [_feed_item(entry, document.url) for entry in entries]
    problem = str(parsed.get("bozo_exception", "broken")) if parsed.get("bozo") and _is_broken(parsed) else ""
    kept = tuple(item for item in reversed(items) if item.link)
    return NewsContent("feed", kept, len(items) - len(kept), problem)


def _ends_in_item(body: bytes) -> bool:
    ends = [list(re.finditer(rb"<%s(?:\w+:)?(?:item|entry)[\s>]" % slash, body))[-1:] for slash in (b"", b"/")]
    begun, closed = (found[0].start() if found else -1 for found in ends)
    return begun > closed


def _is_broken(parsed: Any) -> bool:
    """Not for a mere remark, such as an encoding that the header does not name."""
    return not isinstance(
        parsed.get("bozo_exception"), feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType
    )


def _feed_item(entry: Any, base: str) -> NewsItem:
    return NewsItem(
        _item_link(entry, base),
        news_text(entry.get("title")),
        str(entry.get("id") or "").strip(),
        # Asked of the plain dict: feedparser would take one for the other, with a warning.
        _parsed_time(dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")),
        news_text(entry.get("summary")),
    )


def _item_link(entry: Any, base: str) -> str:
    """The link of an item, else its id when that is a whole address: many ids are just numbers."""
    link, own_id = str(entry.get("link") or "").strip(), str(entry.get("id") or "").strip()
    if link and link != own_id:
        return _joined_link(base, link)
    return own_id if _is_web(own_id) else ""


def _is_web(url: Any) -> bool:
    return isinstance(url, str) and bool(re.match(r"https?://[^/\s]", url.strip(), re.IGNORECASE))


def _parsed_time(parsed: Any) -> str:
    try:
        year, month, day, hour, minute, second = parsed[:6]
        found = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=timezone.utc)
    except (TypeError, ValueError):
        return ""
    return found.strftime("%Y-%m-%dT%H:%M:%SZ") if year >= 1000 else ""


def news_text(markup: Any) -> str:
    """Plain text on one line, without tags, entities and control characters."""
    text = str(markup or "")
    if "<" in text or "&" in text:
        # With a tag in front it is never mistaken for an address or a file.
        text = BeautifulSoup(f"<p>{text}", "html.parser").get_text(" ")
    return _one_line(text)


def _one_line(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f\ud800-\udfff]+", " ", text).strip()


def _is_page(document: NewsDocument) -> bool:
    start = document.body[:1000].lstrip().lower()
    return "html" in document.content_type.lower() or start.startswith((b"<!doctype html", b"<html"))


def _page_content(document: NewsDocument, source: NewsSource) -> NewsContent:
    soup = BeautifulSoup(document.body, "html.parser")
    found: dict[str, NewsItem] = {}
    without = 0
    for anchor in (soup.find("main") or soup.body or soup).find_all("a"):
        if not anchor.get("href"):
            without += 1
            continue
        link, title = _joined_link(document.url, str(anchor["href"])), _headline(anchor)
        if link and _is_article(link, title, document.url, source.prefix):
            known = found.get(link)
            found[link] = NewsItem(link, max(title, known.title if known else "", key=len))
    return NewsContent("page", tuple(reversed(found.values())), without)


def _joined_link(base: str, href: str) -> str:
    try:
        link = news_urljoin(base, href.strip()).partition("#")[0]
    except ValueError:
        return ""
    return link if _is_web(link) else ""


def _headline(anchor: Any) -> str:
    heading = anchor.find(re.compile(r"^h[1-6]$"))
    return news_text(str(heading or anchor))


def _is_article(link: str, title: str, page: str, prefix: str) -> bool:
    if prefix:
        return link.startswith(prefix) and link != prefix
    here, there = urlsplit(page), urlsplit(link)
    return there.hostname == here.hostname and len(title.split()) >= NEWS_HEADLINE_WORDS


# ---- the pages of articles


def news_article_text(document: NewsDocument) -> str:
    """The text of an article's page on one line, without menus and the like, at most NEWS_TEXT_BYTES long.

    Raises NewsSourceError when it is no page, or one without text.
    """
    if not _is_page(document):
        raise NewsSourceError(f"{document.url} is {document.content_type or 'a document'} and not a page")
    charset = re.search(r"charset=[\"']?([\w-]+)", document.content_type, re.IGNORECASE)
    soup = BeautifulSoup(document.body, "html.parser", from_encoding=charset[1] if charset else None)
    for idle in soup.find_all(NEWS_NO_TEXT):
        idle.extract()
    # Teasers of other articles are marked as articles too; the longest one is that of the page.
    places = soup.find_all("article") or soup.find_all("main") or [soup.body or soup]
    text = max((_one_line(place.get_text(" ")) for place in places), key=len)
    if not text:
        raise NewsSourceError(f"{document.url} has no text")
    return text.encode()[:NEWS_TEXT_BYTES].decode(errors="ignore")


@dataclass
class NewsPages:
    """The texts of the pages of articles, for one run: at most `left` pages, and none once `seconds_left()` is 0.

    Args:
        read: `read(url, own, seconds)` gives a page within that time. With `own` it may lie in the user's own networks.
            That is so for pages on the host of their source only: what else a source links to may be anybody's.
    """

    read: Callable[[str, bool, float], NewsDocument]
    seconds_left: Callable[[], float]
    left: int
    _failures: dict[str, int] = field(default_factory=dict)

    def text(self, link: str, source: NewsSource) -> tuple[str, str]:
        """(text, "") of an article's page, or ("", why there is none). Raises nothing for whatever the page is."""
        host = urlsplit(link).netloc.lower()
        if self._failures.get(host, 0) >= NEWS_PAGE_FAILURES:
            return "", f"{host} failed {NEWS_PAGE_FAILURES} times in a row and is not asked again in this run"
        seconds = min(NEWS_PAGE_SECONDS, self.seconds_left())
        if seconds <= 0 or self.left < 1:
            return "", "the run had no time left for its page"
        self.left -= 1
        try:
            text = news_article_text(self.read(link, host == urlsplit(source.url).netloc.lower(), seconds))
        except Exception as error:  # a page is anybody's, and parsers trip over more than can be named
            self._failures[host] = self._failures.get(host, 0) + 1
            return "", str(error) or type(error).__name__
        self._failures.pop(host, None)
        return text, ""
