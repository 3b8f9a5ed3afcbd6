import gzip
import io
import ipaddress
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests
from NewsSourceApiModule import (
    NEWS_PAGE_FAILURES,
    NEWS_TEXT_BYTES,
    NewsBusyError,
    NewsDocument,
    NewsItem,
    NewsLimits,
    NewsPages,
    NewsReader,
    NewsSource,
    NewsSourceError,
    news_address_allowed,
    news_article_text,
    news_content,
    news_networks,
    news_session,
    news_sources,
    news_text,
)

BLOG = NewsSource("https://blog.example/rss")
RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Blog</title>{}</channel></rss>"""
PUBLIC = "93.184.216.34"


class Response:
    """What `get` gives: a status, headers, a body, in a block."""

    def __init__(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.status_code = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.raw = io.BytesIO(body)

    def __enter__(self) -> "Response":
        return self

    def __exit__(self, *error: object) -> None:
        self.raw.close()


class Site:
    """Answers by address, and what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {f"https://{name}.example/rss": answer for name, answer in answers.items()}
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    def get(self, url: str, **options: Any) -> Any:
        self.asked.append((url, options["headers"]))
        answer = self.answers[url]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def reader(self, resolve: Callable[[str], Sequence[str]] = lambda host: [PUBLIC], **limits: Any) -> NewsReader:
        ticks = iter(range(1_000))
        return NewsReader(self.get, (), NewsLimits(**limits), lambda: next(ticks), resolve)


def feed(*items: str, content_type: str = "") -> NewsDocument:
    return NewsDocument(BLOG.url, RSS.format("".join(f"<item>{item}</item>" for item in items)).encode(), content_type)


# ---- sources


def test_sources_are_read_line_by_line_with_their_options() -> None:
    text = """
    https://blog.example/rss name="Dark Reading" tlp=green
    # https://off.example/rss
    https://site.example/news?a=1,2 kind=page prefix=https://site.example/news/
    https://blog.example/rss
    """
    assert news_sources(text, "Sources") == (
        NewsSource("https://blog.example/rss", "Dark Reading", "GREEN"),
        NewsSource("https://site.example/news?a=1,2", kind="page", prefix="https://site.example/news/"),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is no source"),
        ("ftp://blog.example/rss", "line 1: 'ftp://blog.example/rss' is not an address"),
        ("https://user:pw@blog.example/", "is not an address"),
        ("https://blog.example/ colour=red", "'colour=red' is not one of"),
        ("https://blog.example/ name", "'name' is not one of"),
        ("https://blog.example/ kind=gopher", "kind=gopher is not one of auto, feed, page"),
        ("https://blog.example/ tlp=blue", "tlp=BLUE is not one of RED"),
        ('https://blog.example/ name="x', "No closing quotation"),
    ],
)
def test_sources_wrong_line_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match="Sources") as error:
        news_sources(text, "Sources")
    assert told in str(error.value)


def test_label_is_the_name_else_the_host() -> None:
    assert (NewsSource("https://a.example/x", "A").label, BLOG.label) == ("A", "blog.example")


# ---- addresses


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "::1", "fe80::1%eth0", "::ffff:127.0.0.1", "fc00::1",
     "0.0.0.0", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_internal_address_is_allowed_only_in_own_networks(address: str) -> None:
    assert not news_address_allowed(address, ())
    ip = ipaddress.ip_address(address.partition("%")[0])
    network = getattr(ip, "ipv4_mapped", None) or ip
    assert news_address_allowed(address, news_networks([str(network)], "Networks"))


def test_internet_address_is_allowed() -> None:
    assert news_address_allowed(PUBLIC, ()) and news_address_allowed("2606:4700::1111", ())


def test_network_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="Networks: 'here' is not a network"):
        news_networks(["here"], "Networks")


# ---- fetching


def test_read_sends_the_marks_and_takes_the_new_ones() -> None:
    site = Site(blog=Response(200, b"body", Content_Type="text/xml", ETag='"2"', Last_Modified="today"))
    document = site.reader().read(BLOG, '"1"', "yesterday")
    assert site.asked == [(BLOG.url, {"If-None-Match": '"1"', "If-Modified-Since": "yesterday"})]
    assert document == NewsDocument(BLOG.url, b"body", "text/xml", '"2"', "today")


def test_read_without_marks_sends_none_and_304_is_unchanged() -> None:
    site = Site(blog=Response(304))
    assert site.reader().read(BLOG).unchanged
    assert site.asked == [(BLOG.url, {})]


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_read_decompresses(encoding: str) -> None:
    site = Site(blog=Response(200, gzip.compress(b"body" * 100), Content_Encoding=encoding))
    assert site.reader().read(BLOG).body == b"body" * 100


def test_read_stops_at_the_size_that_counts_after_decompression() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(NewsSourceError, match="larger than 1000000 bytes"):
        Site(blog=Response(200, bomb, Content_Encoding="gzip")).reader(max_bytes=1_000_000).read(BLOG)
    with pytest.raises(NewsSourceError, match="larger than 10 bytes"):
        Site(blog=Response(200, bytes(11))).reader(max_bytes=10).read(BLOG)
    assert Site(blog=Response(200, bytes(10))).reader(max_bytes=10).read(BLOG).body == bytes(10)


def test_read_stops_when_the_body_takes_too_long() -> None:
    class Slow(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return super().read1(1)

    response = Response(200)
    response.raw = Slow(b"x" * 100)
    with pytest.raises(NewsSourceError, match="takes longer than 5 seconds") as error:
        Site(blog=response).reader(total_seconds=5).read(BLOG)
    assert not isinstance(error.value, NewsBusyError)


def test_read_that_waits_until_its_time_is_over_is_too_slow_and_not_busy() -> None:
    class Stuck(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            raise TimeoutError("timed out")

    response = Response(200)
    response.raw = Stuck()
    for answer in (requests.exceptions.ReadTimeout("timed out"), response):
        with pytest.raises(NewsSourceError, match="takes longer than 2 seconds") as error:
            Site(blog=answer).reader(total_seconds=2).read(BLOG)
        assert not isinstance(error.value, NewsBusyError)
        with pytest.raises(NewsBusyError):
            Site(blog=answer).reader(total_seconds=99).read(BLOG)


def test_read_body_that_ends_too_early_is_busy() -> None:
    with pytest.raises(NewsBusyError, match="broke off after 3 bytes"):
        Site(blog=Response(200, b"abc", Content_Length="4")).reader().read(BLOG)


def test_read_body_that_is_not_compressed_as_told_is_an_error() -> None:
    with pytest.raises(NewsSourceError, match="cannot be decompressed"):
        Site(blog=Response(200, b"plain", Content_Encoding="gzip")).reader().read(BLOG)


@pytest.mark.parametrize(("status", "after", "asked"), [(503, "7", 7.0), (429, None, None), (500, "soon", None)])
def test_read_busy_status_may_be_repeated(status: int, after: str | None, asked: float | None) -> None:
    with pytest.raises(NewsBusyError) as error:
        Site(blog=Response(status, Retry_After=after or "")).reader().read(BLOG)
    assert (error.value.status, error.value.retry_after) == (status, asked)


@pytest.mark.parametrize("status", [404, 403, 410, 204])
def test_read_other_status_is_final(status: int) -> None:
    with pytest.raises(NewsSourceError, match=f"status {status}") as error:
        Site(blog=Response(status)).reader().read(BLOG)
    assert not isinstance(error.value, NewsBusyError)


def test_read_without_connection_is_busy_and_a_wrong_address_final() -> None:
    with pytest.raises(NewsBusyError, match="does not answer: refused"):
        Site(blog=requests.exceptions.ConnectionError(ConnectionRefusedError("refused"))).reader().read(BLOG)
    with pytest.raises(NewsSourceError, match="cannot be asked") as error:
        Site(blog=requests.exceptions.InvalidURL("bad")).reader().read(BLOG)
    assert not isinstance(error.value, NewsBusyError)


def test_read_follows_redirects_to_other_sites() -> None:
    site = Site(
        blog=Response(301, Location="https://mid.example/rss"),
        mid=Response(302, Location="//end.example/rss"),
        end=Response(200, b"body"),
    )
    assert site.reader().read(BLOG).url == "https://end.example/rss"


def test_read_redirect_to_an_internal_address_is_refused_and_not_asked() -> None:
    site = Site(blog=Response(302, Location="https://inside.example/rss"), inside=Response(200, b"secret"))
    where = {"blog.example": [PUBLIC], "inside.example": [PUBLIC, "10.0.0.7"]}
    with pytest.raises(NewsSourceError, match=r"inside.example is at 10.0.0.7, an internal address"):
        site.reader(lambda host: where[host]).read(BLOG)
    assert [url for url, _ in site.asked] == [BLOG.url]


@pytest.mark.parametrize("location", ["", "file:///etc/passwd", "javascript:alert(1)"])
def test_read_redirect_to_something_else_is_refused(location: str) -> None:
    with pytest.raises(NewsSourceError, match="no web address"):
        Site(blog=Response(302, Location=location)).reader().read(BLOG)


def test_read_redirect_circle_ends() -> None:
    with pytest.raises(NewsSourceError, match="more than 5 times"):
        Site(blog=Response(302, Location=BLOG.url)).reader().read(BLOG)


def test_read_redirects_share_the_time_of_one_source() -> None:
    site = Site(blog=Response(302, Location="/rss"))
    with pytest.raises(NewsSourceError, match=r"blog\.example/rss takes longer than 2 seconds"):
        site.reader(total_seconds=2).read(BLOG)
    assert len(site.asked) < 3


@contextmanager
def loopback() -> Iterator[tuple[str, list[str]]]:
    """(address, paths asked) of a real server."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"body")

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/rss", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("known", [["127.0.0.1"], []], ids=["looked up", "a name that changed its mind"])
def test_session_sends_nothing_to_an_internal_address(known: list[str]) -> None:
    with loopback() as (url, asked), news_session((), True) as session:
        reader = NewsReader(session.get, (), NewsLimits(), resolve=lambda host: known)
        with pytest.raises(NewsSourceError, match=r"127\.0\.0\.1, an internal address"):
            reader.read(NewsSource(url))
        assert asked == []


def test_session_reads_from_own_networks() -> None:
    networks = news_networks(["127.0.0.0/8"], "Networks")
    with loopback() as (url, _), news_session(networks, True) as session:
        assert NewsReader(session.get, networks).read(NewsSource(url)).body == b"body"


# ---- reading


def test_content_of_a_feed_is_oldest_first_and_plain() -> None:
    content = news_content(
        feed(
            "<title>New &amp; <![CDATA[<b>bold</b>]]></title><link>https://a.example/2</link>"
            '<guid isPermaLink="false">g2</guid><pubDate>Wed, 01 Jan 2025 09:00:00 +0100</pubDate>'
            "<description>&lt;p&gt;A&amp;amp;B&lt;/p&gt;</description>",
            '<title>Old | with, all "of" it</title><link>1</link>',
        ),
        BLOG,
    )
    assert content.items == (
        NewsItem("https://blog.example/1", 'Old | with, all "of" it', "", "", ""),
        NewsItem("https://a.example/2", "New & bold", "g2", "2025-01-01T08:00:00Z", "A&B"),
    )


def test_content_item_without_link_is_counted_and_costs_no_other() -> None:
    content = news_content(feed("<title>No link</title>", "<link>https://a.example/1</link>", "<guid>x</guid>"), BLOG)
    assert ([item.link for item in content.items], content.without_link) == (["https://a.example/1"], 2)


def test_content_guid_that_is_a_link_stands_in() -> None:
    content = news_content(feed("<title>T</title><guid>https://a.example/1</guid>"), BLOG)
    assert [item.link for item in content.items] == ["https://a.example/1"]


@pytest.mark.parametrize("date", ["yesterday", "Wed, 32 Jan 2025 09:00:00 GMT", ""])
def test_content_item_with_a_date_that_is_none_is_kept(date: str) -> None:
    content = news_content(feed(f"<link>https://a.example/1</link><pubDate>{date}</pubDate>"), BLOG)
    assert [item.published for item in content.items] == [""]


def test_content_of_other_scripts_is_kept() -> None:
    content = news_content(feed("<title>Новости об APT28 — 新闻</title><link>https://a.example/1</link>"), BLOG)
    assert content.items[0].title == "Новости об APT28 — 新闻"


@pytest.mark.parametrize("how", [lambda text: text[:-40], lambda text: text.replace(b"</title>", b" & x</title>")])
def test_content_of_a_broken_feed_has_what_can_be_read_and_says_so(how: Callable[[bytes], bytes]) -> None:
    whole = feed(*(f"<title>T{n}</title><link>https://a.example/{n}</link>" for n in range(5)))
    content = news_content(NewsDocument(BLOG.url, how(whole.body)), BLOG)
    assert len(content.items) >= 4 and content.problem


@pytest.mark.parametrize("cut", ["<title>T3</ti", "example/3", "<link>https://a.example/3</link>"])
@pytest.mark.parametrize("kind", ["item", "x:entry"])
def test_content_of_a_cut_feed_has_no_half_item(kind: str, cut: str) -> None:
    whole = feed(*(f"<title>T{n}</title><link>https://a.example/{n}</link>" for n in range(5))).body.decode()
    half = whole[: whole.index(cut) + len(cut)]
    if kind != "item":
        half = half.replace("item>", "x:entry>").replace("<rss", '<rss xmlns:x="http://www.w3.org/2005/Atom"')
    content = news_content(NewsDocument(BLOG.url, half.encode()), BLOG)
    assert [item.link for item in content.items] == [f"https://a.example/{n}" for n in (2, 1, 0)]
    assert content.problem


def test_content_wrong_content_type_alone_is_no_problem() -> None:
    content = news_content(feed("<link>https://a.example/1</link>", content_type="text/html; charset=utf-8"), BLOG)
    assert (content.kind, len(content.items), content.problem) == ("feed", 1, "")


def test_content_that_names_a_file_is_not_opened() -> None:
    with pytest.raises(NewsSourceError, match="not a feed"):
        news_content(NewsDocument(BLOG.url, __file__.encode()), BLOG)


def test_content_entities_of_a_document_type_do_not_grow() -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    body = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{levels}]>' + RSS.format(
        "<item><title>&l8;</title><link>https://a.example/1</link></item>"
    ).removeprefix('<?xml version="1.0"?>')
    content = news_content(NewsDocument(BLOG.url, body.encode()), BLOG)
    assert all(len(item.title) < 10_000 for item in content.items)


PAGE = b"""<!doctype html><html><body><nav><a href="/about">About this very nice site</a></nav><main>
<a href="/2025/one?x=1#top"><h2>APT28 is back <i>again</i></h2><p>and a teaser</p></a>
<a>No address here at all</a><a href="/2025/one?x=1">More</a>
<a href="https://other.example/x">Somebody else wrote this today</a>
<a href="/login">Sign in</a><a href="http://[bad">Broken address of an article</a>
<a href="/2025/two">Second article of the day</a></main></body></html>"""


def test_content_of_a_page_is_its_headlines() -> None:
    content = news_content(NewsDocument("https://site.example/news", PAGE, "text/html"), BLOG)
    assert content.items == (
        NewsItem("https://site.example/2025/two", "Second article of the day"),
        NewsItem("https://site.example/2025/one?x=1", "APT28 is back again"),
    )
    assert (content.kind, content.without_link) == ("page", 1)


def test_content_of_a_page_with_prefix_is_the_links_that_begin_so() -> None:
    source = NewsSource("https://site.example/", kind="page", prefix="https://other.example/")
    content = news_content(NewsDocument("https://site.example/", PAGE, "text/html"), source)
    assert [item.title for item in content.items] == ["Somebody else wrote this today"]


def test_content_of_another_kind_than_asked_for_is_an_error() -> None:
    page = NewsDocument("https://site.example/", PAGE, "text/html")
    with pytest.raises(NewsSourceError, match="is text/html and not a feed"):
        news_content(page, NewsSource("https://site.example/", kind="feed"))
    with pytest.raises(NewsSourceError, match="is text/plain and not a page"):
        news_content(NewsDocument("https://x.example/", b"text", "text/plain"), NewsSource("https://x", kind="page"))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (None, ""),
        ("plain", "plain"),
        ("a\n\tb\x00c", "a b c"),
        ("<b>a</b>b", "a b"),
        ("Q&amp;A &lt;x&gt;", "Q&A <x>"),
        ("https://a.example/<b>", "https://a.example/"),
        ("./file & more", "./file & more"),
    ],
)
def test_text_is_plain_and_on_one_line(markup: Any, text: str) -> None:
    assert news_text(markup) == text


# ---- the pages of articles


ARTICLE = """<!doctype html><html><head><title>Site</title><style>p {{}}</style></head><body><nav>All news</nav>
<article>A teaser</article><article><h1>Title</h1><script>run()</script><p>By &amp; about {0}.</p><aside>Buy</aside>
</article><footer>Imprint</footer></body></html>"""


def page(body: str, content_type: str = "text/html; charset=utf-8", encoding: str = "utf-8") -> NewsDocument:
    return NewsDocument("https://a.example/1", body.encode(encoding), content_type)


def test_article_text_is_that_of_the_article_alone() -> None:
    assert news_article_text(page(ARTICLE.format("APT28"))) == "Title By & about APT28."
    assert news_article_text(page("<html><body><nav>All</nav><main>Main</main>x</body></html>")) == "Main"
    assert news_article_text(page("<html><p>Only this")) == "Only this"


@pytest.mark.parametrize("encoding", ["windows-1251", "utf-8", "koi8-r"])
def test_article_text_has_the_encoding_of_its_header(encoding: str) -> None:
    document = page(ARTICLE.format("Новости"), f"text/html; charset={encoding}", encoding)
    assert "Новости" in news_article_text(document)


def test_article_text_is_cut_at_a_whole_character() -> None:
    text = news_article_text(page(f"<html><p>{'я' * 60_000}"))
    assert text == "я" * (NEWS_TEXT_BYTES // 2)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (page("%PDF-1.7", "application/pdf"), "is application/pdf and not a page"),
        (page("<html><script>x()</script>"), "has no text"),
        (page("", ""), "is a document and not a page"),
    ],
)
def test_article_text_of_something_else_is_an_error(document: NewsDocument, told: str) -> None:
    with pytest.raises(NewsSourceError, match=told):
        news_article_text(document)


class Pages:
    """Pages by address; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {f"https://{name}.example/1": answer for name, answer in answers.items()}
        self.asked: list[tuple[str, bool, float]] = []

    def read(self, url: str, own: bool, seconds: float) -> NewsDocument:
        self.asked.append((url, own, seconds))
        answer = self.answers[url]
        if isinstance(answer, Exception):
            raise answer
        return page(answer)


def test_pages_only_those_on_the_host_of_their_source_may_be_in_own_networks() -> None:
    site = Pages(blog="<html>here", other="<html>there")
    pages = NewsPages(site.read, lambda: 100.0, 9)
    assert [pages.text(f"https://{host}.example/1", BLOG) for host in ("blog", "other")] == [
        ("here", ""),
        ("there", ""),
    ]
    assert [own for _, own, _ in site.asked] == [True, False]


def test_pages_are_bounded_in_number_and_time() -> None:
    site = Pages(blog="<html>here")
    seconds = [3.0, 0.0, 99.0, 99.0]
    pages = NewsPages(site.read, lambda: seconds.pop(0), 2)
    texts = [pages.text("https://blog.example/1", BLOG)[0] for _ in range(4)]
    assert texts == ["here", "", "here", ""]
    assert [asked for _, _, asked in site.asked] == [3.0, 10.0]


def test_pages_of_a_host_that_fails_again_and_again_are_given_up() -> None:
    site = Pages(bad=NewsSourceError("status 500"), good="<html>here", odd=RecursionError())
    pages = NewsPages(site.read, lambda: 100.0, 99)
    told = [pages.text("https://bad.example/1", BLOG) for _ in range(NEWS_PAGE_FAILURES + 1)]
    assert told[0] == ("", "status 500") and "is not asked again" in told[-1][1]
    assert len(site.asked) == NEWS_PAGE_FAILURES
    assert pages.text("https://odd.example/1", BLOG) == ("", "RecursionError")
    assert pages.text("https://good.example/1", BLOG) == ("here", "")
