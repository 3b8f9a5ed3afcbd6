"""Calls of the REST API: when they are repeated, when not, and where the key goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from Tests.profiles_rest.world import Start
from warroom.engine.xsoar import Client, Timing, XsoarError, connection_of

SEARCH = "/indicators/search"


@contextmanager
def door(status: int, headers: dict[str, str], body: bytes = b"") -> Iterator[tuple[str, list[str]]]:
    """A server with one answer; its address, and the paths that were asked."""
    asked: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def client(url: str, waited: list[float], **more: str) -> Client:
    return Client(connection_of({"url": url, **more}), "key-of-the-tests", Timing(waited.append, lambda: 0.0), {})


def test_call_redirect_is_not_followed() -> None:
    with (
        door(200, {}, b"{}") as (other, asked),
        door(307, {"Location": f"{other}/x"}) as (url, _),
        pytest.raises(XsoarError, match="status 307"),
    ):
        client(url, []).call("POST", SEARCH, {"query": ""})

    assert asked == []


def test_call_wish_to_wait_for_too_long_is_told_and_not_obeyed() -> None:
    waited: list[float] = []
    with door(429, {"Retry-After": "4000"}) as (url, asked), pytest.raises(XsoarError, match="asks to wait 4000 s"):
        client(url, waited).call("POST", SEARCH, {"query": ""})

    assert (waited, len(asked)) == ([], 1)


def test_call_waits_grow_and_end(start: Start) -> None:
    world = start()
    world.fault(kind="status", status=503)

    with pytest.raises(XsoarError, match=r"status 503: .* \(6 tries\)"):
        world.client().call("POST", SEARCH, {"query": ""})

    assert world.waited == [0.375, 0.75, 1.5, 3.0, 6.0]


@pytest.mark.parametrize("kind", ["torn", "reset"])
def test_call_broken_answer_is_asked_for_again(start: Start, kind: str) -> None:
    world = start(api_key_type="advanced")
    world.fault(kind=kind, when="after", count=2)

    assert world.client().call("POST", SEARCH, {"query": ""})["total"] == 1


def test_call_that_must_not_be_carried_out_twice_is_repeated_only_when_it_was_turned_away(start: Start) -> None:
    world = start()
    world.fault(kind="status", status=429, count=2)
    assert world.client().call("POST", SEARCH, {"query": ""}, twice=False)["total"] == 1

    world.fault(kind="status", status=502, count=1)
    with pytest.raises(XsoarError, match="502"):
        world.client().call("POST", SEARCH, {"query": ""}, twice=False)


def test_call_web_page_in_place_of_an_answer_tries_the_other_prefix_and_is_told() -> None:
    page = door(200, {"Content-Type": "text/html"}, b"<!doctype html><p>hello")
    with page as (url, asked), pytest.raises(XsoarError, match="web page"):
        client(url, [], key_id="1").call("POST", SEARCH, {"query": ""})

    assert asked == ["/xsoar/public/v1/indicators/search", "/xsoar/indicators/search"]


def test_call_does_not_read_the_variables_of_the_library(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    world = start(generation="6")
    monkeypatch.setenv("DEMISTO_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DEMISTO_API_KEY_ID", "9")
    monkeypatch.setenv("DEMISTO_HTTP_HEADERS", "x-other=1")

    assert world.client().call("POST", SEARCH, {"query": ""})["total"] == 1
