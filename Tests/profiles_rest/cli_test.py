"""`warroom profiles` as a person or a script uses it, against an emulated server and emulated news sites."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from emulators import news, xsoar
from emulators.kit import Fault
from Tests.profiles_rest.world import ACTOR, PACKS, SERVERS
from Tests.terminal import Shell

KEY_VARIABLE = "WARROOM_SECRET__XSOAR__API_KEY"
KEY = "made-up-key-of-an-xsoar-server"
ITEMS = [
    {"title": "APT28 is back", "link": "https://news.example/1", "published": "2026-01-02T00:00:00Z"},
    {"title": "Weather", "link": "https://news.example/2", "published": "2026-01-03T00:00:00Z"},
]


@dataclass
class Desk:
    """A home with the packs, a server, and a site with the feed `blog`."""

    shell: Shell
    server: xsoar.Xsoar
    site: news.News
    folder: Path

    @property
    def where(self) -> tuple[str, ...]:
        """The options that lead to the server."""
        own = ("--key-id", self.server.api_key_id) if self.server.api_key_id else ()
        return ("--url", self.server.url, "--key-type", self.server.options.api_key_type, *own)

    @property
    def feed(self) -> tuple[str, ...]:
        """The options that lead to the feed."""
        return ("--feed", self.site.address("blog"), "--own-network", "127.0.0.0/8")

    def file(self, name: str, text: str) -> str:
        """A file, and its path."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)

    def rows(self) -> list[dict[str, str]]:
        """The publications of the actor."""
        with self.server.lock:
            record = self.server.state.with_value("Sofacy")
        assert record is not None
        return list(record["CustomFields"].get("publications") or ())

    def writes(self) -> int:
        """How many requests asked to change something."""
        return sum("/indicator/" in one.path for one in self.server.requests.latest(None))


Start = Callable[..., Desk]


def fault(**given: Any) -> Fault:
    """A status fault."""
    return Fault("status", **given)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Start]:
    """`desk(generation="6")` gives a desk whose environment holds the key."""
    with ExitStack() as stack:

        def start(**options: Any) -> Desk:
            server = stack.enter_context(xsoar.running(**{"rate": 0, "api_key": KEY, **options}))
            site = stack.enter_context(news.running())
            with server.lock, site.lock:
                server.state.seed({"indicators": [ACTOR]})
                site.state.seed({"sources": {"blog": {"items": ITEMS}}})
            shell = Shell(tmp_path / "home", {"PATH": "/usr/bin:/bin", KEY_VARIABLE: KEY})
            shell.good("init")
            shell.good("content", "add", str(PACKS))
            return Desk(shell, server, site, tmp_path)

        yield start


@pytest.mark.parametrize("kind", SERVERS)
def test_update_from_feed_and_file_dry_then_written_then_unchanged(desk: Start, kind: str) -> None:
    made = desk(**SERVERS[kind])
    table = made.file("news.csv", 'title,link,date\n"Fancy Bear, again",https://news.example/3,2026-01-04\n')
    command = ("profiles", "update", *made.where, *made.feed, "--articles", table, "--name", "APT28")

    told = made.shell.good(*command)
    assert "+ publications: 2026-01-02T00:00:00Z | APT28 is back | https://news.example/1" in told
    assert "nothing was, because --write is not given" in told
    assert made.rows() == [] and made.writes() == 0

    written = made.shell.json(*command, "--write")
    assert written["status"] == "ok" and written["dry_run"] is False
    assert [row["title"] for row in made.rows()] == ["Fancy Bear, again", "APT28 is back"]
    assert made.rows()[1]["source"] == "127.0.0.1"

    again = made.shell.json(*command, "--write")
    assert (again["changes"], made.writes()) == ([], 1)


def test_update_feed_that_fails_is_told_and_the_others_are_delivered(desk: Start) -> None:
    made = desk()
    gone = ("--feed", made.site.address("gone"))

    ended = made.shell.run("profiles", "update", *made.where, *made.feed, *gone, "--name", "APT28", "--write")

    assert ended.returncode == 1
    assert "status 404" in ended.stderr
    assert len(made.rows()) == 1


def test_update_feed_in_a_file_and_filters(desk: Start) -> None:
    made = desk()
    items = "".join(
        f"<item><title>APT28 {name}</title><link>https://a.example/{name}</link></item>"
        for name in ("one", "sponsored")
    )
    feed = made.file("feed.xml", f'<rss version="2.0"><channel>{items}</channel></rss>')

    found = made.shell.json(
        "profiles", "update", *made.where, "--feed", feed, "--name", "APT28", "--skip", "SPONSORED", "--write"
    )

    assert found["left_out"] == 1
    assert [row["link"] for row in made.rows()] == ["https://a.example/one"]


def test_update_down_server_exits_1_and_the_next_run_delivers(desk: Start) -> None:
    made = desk()
    # A refusal is not worth another try, so the test need not wait.
    made.server.faults.add(fault(status=403))
    command = ("profiles", "update", *made.where, *made.feed, "--name", "APT28", "--write")

    ended = made.shell.run(*command)
    made.server.faults.clear()

    assert ended.returncode == 1
    assert made.shell.json(*command)["status"] == "ok" and len(made.rows()) == 1


def test_update_missing_name_exits_3(desk: Start) -> None:
    made = desk()

    ended = made.shell.run("profiles", "update", *made.where, *made.feed, "--name", "Nobody")

    assert ended.returncode == 3
    assert "Nobody\tmissing" in ended.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("update", "--name", "x"), "which articles"),
        (("update", "--feed", "nowhere.xml", "--name", "x"), "neither a file nor an address"),
        (("update", "--articles", "nowhere.csv", "--name", "x"), "cannot be read"),
        (("test", "--url", "ftp://x"), "no address of a server"),
        (("test", "--url", "https://me:secret@x"), "must not hold a name"),
        (("test", "--ca-file", "nowhere.pem"), "no file of certificates"),
    ],
)
def test_bad_use_is_one_line_and_exit_code_2(desk: Start, words: tuple[str, ...], told: str) -> None:
    made = desk()
    where = () if "--url" in words else made.where

    ended = made.shell.run("profiles", words[0], *where, *words[1:])

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert told in ended.stderr and "secret@" not in ended.stderr
    assert len(made.server.requests) == 0


@pytest.mark.parametrize("kind", SERVERS)
def test_test_tells_version_and_rights(desk: Start, kind: str) -> None:
    made = desk(**SERVERS[kind])

    found = made.shell.json("profiles", "test", *made.where)

    assert found["version"].startswith(kind[0]) and found["may_read"] and found["profiles"] == 1
    assert made.writes() == 0


def test_test_key_without_rights_and_wrong_key(desk: Start) -> None:
    made = desk(role="none")
    other = replace(made.shell, environ={**made.shell.environ, KEY_VARIABLE: "wrong-key-wrong-key"})

    refused = made.shell.run("profiles", "test", *made.where, "--json")
    unknown = other.run("profiles", "test", *made.where, "--json")

    assert (refused.returncode, unknown.returncode) == (1, 1)
    assert "403" in json.loads(refused.stdout)["error"] and "401" in json.loads(unknown.stdout)["error"]


def test_configure_stores_the_server_and_the_key_goes_to_no_other(desk: Start) -> None:
    made = desk(api_key_type="advanced")
    made.shell.good("profiles", "configure", *made.where, "--no-store-secrets")
    assert made.shell.json("profiles", "test")["may_read"]

    phrase = {"PATH": "/usr/bin:/bin", "WARROOM_KEYRING_PASSPHRASE": "phrase of the tests"}
    replace(made.shell, environ={**phrase, KEY_VARIABLE: KEY}).good("profiles", "configure", *made.where)
    bare = replace(made.shell, environ=phrase)
    assert bare.json("profiles", "test")["may_read"]
    elsewhere = bare.run("profiles", "test", "--url", "http://127.0.0.1:9")
    assert elsewhere.returncode == 2 and "no API key is known" in elsewhere.stderr


def test_key_is_in_no_output_and_no_file(desk: Start) -> None:
    made = desk()
    made.server.faults.add(fault(status=500, message=f"no such key {KEY}", count=1))
    outputs = [
        made.shell.run("profiles", "update", *made.where, *made.feed, "--name", "APT28", "--write", *more)
        for more in ((), ("--json",))
    ]
    made.server.faults.add(fault(status=403, message=f"no such key {KEY}"))
    outputs.append(made.shell.run("profiles", "test", *made.where))

    assert "no such key ******" in outputs[-1].stdout
    assert not any(KEY in ended.stdout + ended.stderr for ended in outputs)
    assert not any(KEY.encode() in path.read_bytes() for path in made.folder.rglob("*") if path.is_file())


def test_audit_tells_findings(desk: Start) -> None:
    made = desk()
    with made.server.lock:
        made.server.state.seed(
            {"indicators": [{"value": "Pawn Storm", "type": "Malware", "fields": {"aliases": ["APT28"]}}]}
        )

    found = made.shell.json("profiles", "audit", *made.where, "--finding", "shared_alias")

    assert [(one["kind"], one["name"]) for one in found["findings"]] == [("shared_alias", "APT28")]
    assert made.writes() == 0


def test_certificate_is_checked_unless_told_otherwise(tmp_path: Path) -> None:
    # A certificate that nobody trusts must stop the request before the key is sent.
    seen: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.headers["Authorization"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"iocObjects": null, "total": 7}')

        def do_GET(self) -> None:
            self.send_response(404)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Silent."""

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with HTTPServer(("127.0.0.1", 0), Door) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        shell = Shell(tmp_path / "home", {"PATH": "/usr/bin:/bin", KEY_VARIABLE: KEY})
        shell.good("init")
        where = ("profiles", "test", "--url", f"https://localhost:{server.server_port}", "--timeout", "5")
        untrusted = shell.run(*where)
        assert (untrusted.returncode, seen) == (1, [])
        assert "certificate" in untrusted.stdout
        told = shell.run(*where, "--insecure")
        trusted = shell.run(*where, "--ca-file", str(tmp_path / "ca.pem"))
        server.shutdown()
    assert "profiles\t7" in trusted.stdout and trusted.stderr == ""
    assert "profiles\t7" in told.stdout and "is not checked" in told.stderr and "Warning" not in told.stderr
