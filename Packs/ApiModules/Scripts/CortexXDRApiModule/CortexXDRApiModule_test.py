"""The client over a real socket, with time standing still: `sleep` only moves the clock."""

import gzip
import hashlib
import io
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
import requests
from CortexXDRApiModule import (
    XDR_NONCE_ALPHABET,
    XDRBadRequestError,
    XDRClient,
    XDRConfigError,
    XDRError,
    XDRKey,
    XDRLostReplyError,
    XDRPausedError,
    XDRRefusedError,
    XDRRetryError,
    XDRTooLargeError,
    xdr_base_url,
    xdr_connection_failure,
)
from HttpRetryApiModule import HttpRetry, HttpRetryPolicy, HttpTiming

SECRET = "Very-Secret-Key-0123456789"
NOW = 1_700_000_000.25


class Reply(NamedTuple):
    """What the server answers; `cut` bytes of the body are announced but not sent, `delay` in real seconds."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    cut: int = 0
    delay: float = 0


class Seen(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Vendor(ThreadingHTTPServer):
    """Answers from a list, in the end always the same; remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[Reply] = []
        self.last = Reply(200, {"reply": "fine"})
        self.seen: list[Seen] = []
        self.accepts: str | None = None
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    server: Vendor

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        seen = Seen(self.path, dict(self.headers.items()), body)
        self.server.seen.append(seen)
        reply = self.server.replies.pop(0) if self.server.replies else self.server.last
        kind = "advanced" if "x-xdr-nonce" in seen.headers else "standard"
        if self.server.accepts not in (None, kind):
            reply = Reply(401, {"reply": {"err_msg": "Public API request unauthorized"}})
        time.sleep(reply.delay)
        self.answer(reply)

    def answer(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - reply.cut])

    def log_message(self, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def timing(self) -> HttpTiming:
        return HttpTiming(lambda: NOW + self.seconds, lambda: self.seconds, self.sleep, lambda: 0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(vendor: Vendor, clock: Clock, key_type: str = "advanced", **more: Any) -> XDRClient:
    retry = HttpRetry(more.pop("rate", 1e9), more.pop("policy", None), clock.timing(), more.pop("deadline", None))
    return XDRClient(vendor.url, XDRKey("7", SECRET, key_type), retry, **more)


# ---- keys


def test_advanced_key_signs_key_nonce_and_time(vendor: Vendor, clock: Clock) -> None:
    assert client(vendor, clock, source_headers={"x-iocs-source": "xsoar"}).post("indicators/x", [1]) == "fine"
    (seen,) = vendor.seen
    nonce, stamp = seen.headers["x-xdr-nonce"], seen.headers["x-xdr-timestamp"]
    assert seen.headers["Authorization"] == hashlib.sha256(f"{SECRET}{nonce}{stamp}".encode()).hexdigest()
    assert (stamp, seen.headers["x-xdr-auth-id"], seen.headers["x-iocs-source"]) == ("1700000000250", "7", "xsoar")
    assert len(nonce) == 64 and set(nonce) <= set(XDR_NONCE_ALPHABET)
    assert (seen.path, seen.headers["Content-Type"]) == ("/public_api/v1/indicators/x", "application/json")
    assert json.loads(seen.body) == {"request_data": [1]}
    assert "gzip" in seen.headers["Accept-Encoding"]
    assert SECRET not in str(seen)


def test_each_try_is_signed_anew(vendor: Vendor, clock: Clock) -> None:
    vendor.replies = [Reply(500), Reply(503)]
    client(vendor, clock).post("x", None)
    stamps = [int(seen.headers["x-xdr-timestamp"]) for seen in vendor.seen]
    assert len({seen.headers["x-xdr-nonce"] for seen in vendor.seen}) == 3
    assert stamps == sorted(set(stamps))


def test_standard_key_is_sent_itself_without_a_signature(vendor: Vendor, clock: Clock) -> None:
    client(vendor, clock, "standard").post("x", None)
    headers = vendor.seen[0].headers
    assert (headers["Authorization"], headers["x-xdr-auth-id"]) == (SECRET, "7")
    assert "x-xdr-nonce" not in headers and "x-xdr-timestamp" not in headers


@pytest.mark.parametrize(("first", "works"), [("advanced", "standard"), ("standard", "advanced")])
def test_detection_goes_on_with_the_other_kind_of_key(vendor: Vendor, clock: Clock, first: str, works: str) -> None:
    vendor.accepts = works
    made = client(vendor, clock, first, detect_key_type=True)
    for _ in range(3):
        assert made.post("x", None) == "fine"
    assert made.key.key_type == works
    assert len(vendor.seen) == 4


def test_detection_that_finds_no_kind_says_so_once(vendor: Vendor, clock: Clock) -> None:
    vendor.last = Reply(401, {"reply": {"err_msg": "unauthorized"}})
    made = client(vendor, clock, detect_key_type=True)
    with pytest.raises(XDRConfigError, match=r"401.*key") as caught:
        made.post("x", None)
    assert (caught.value.status, len(vendor.seen)) == (401, 2)


def test_detection_by_many_threads_at_once_ends_at_the_right_kind_in_all(vendor: Vendor, clock: Clock) -> None:
    vendor.accepts = "standard"
    made = client(vendor, clock, detect_key_type=True)
    answers: list[Any] = []
    ready = threading.Barrier(6)

    def call() -> None:
        ready.wait()
        answers.append(made.post("x", None))

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["fine"] * 6
    assert made.key.key_type == "standard"


def test_without_detection_a_401_is_not_tried_again(vendor: Vendor, clock: Clock) -> None:
    vendor.accepts = "standard"
    with pytest.raises(XDRConfigError):
        client(vendor, clock).post("x", None)
    assert len(vendor.seen) == 1


def test_401_after_the_kind_is_known_does_not_switch(vendor: Vendor, clock: Clock) -> None:
    made = client(vendor, clock, detect_key_type=True)
    made.post("x", None)
    vendor.last = Reply(401)
    with pytest.raises(XDRConfigError):
        made.post("x", None)
    assert (made.key.key_type, len(vendor.seen)) == ("advanced", 2)


# ---- replies


@pytest.mark.parametrize(
    ("body", "wanted"),
    [({"reply": [1]}, [1]), ([1], [1]), ({"reply": None}, None), ({"objects": []}, {"objects": []}), (5, 5)],
)
def test_replies_are_given_without_their_wrapping(vendor: Vendor, clock: Clock, body: Any, wanted: Any) -> None:
    vendor.last = Reply(200, body)
    assert client(vendor, clock).post("x", None) == wanted


def test_replies_may_be_packed(vendor: Vendor, clock: Clock) -> None:
    body = gzip.compress(json.dumps({"reply": "x" * 1000}).encode())
    vendor.last = Reply(200, body, (("Content-Encoding", "gzip"),))
    assert client(vendor, clock).post("x", None) == "x" * 1000


@pytest.mark.parametrize(
    "torn",
    [Reply(200, {"reply": "long" * 10}, cut=5), Reply(200, b"<html>"), Reply(200, b""), Reply(200, b'{"reply": [')],
)
def test_replies_that_break_off_are_asked_for_again(vendor: Vendor, clock: Clock, torn: Reply) -> None:
    vendor.replies = [torn]
    assert client(vendor, clock).post("x", None) == "fine"
    assert len(vendor.seen) == 2


def test_own_reader_gets_the_reply_and_its_failure_counts_as_a_torn_body(vendor: Vendor, clock: Clock) -> None:
    results: list[Any] = [ValueError("torn"), requests.ConnectionError("reset"), "made"]

    def read(response: requests.Response) -> Any:
        assert response.json() == {"reply": "fine"}
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    assert client(vendor, clock).call("x", b"{}", read=read) == "made"
    assert len(vendor.seen) == 3


def test_body_from_a_file_is_opened_for_each_try_and_closed(vendor: Vendor, clock: Clock) -> None:
    vendor.replies = [Reply(500)]
    opened: list[io.BytesIO] = []

    def body() -> io.BytesIO:
        opened.append(io.BytesIO(b"content"))
        return opened[-1]

    client(vendor, clock).call("x", body, "multipart/form-data; boundary=b")
    assert [seen.body for seen in vendor.seen] == [b"content"] * 2
    assert vendor.seen[0].headers["Content-Type"] == "multipart/form-data; boundary=b"
    assert all(file.closed for file in opened)


# ---- failures


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (401, XDRConfigError, "API key"),
        (402, XDRConfigError, "licence"),
        (403, XDRConfigError, "role"),
        (404, XDRConfigError, "address"),
        (413, XDRTooLargeError, "413"),
        (400, XDRBadRequestError, "400"),
        (422, XDRBadRequestError, "422"),
    ],
)
def test_failures_that_waiting_does_not_mend_are_told_at_once(
    vendor: Vendor, clock: Clock, status: int, kind: type[XDRError], hint: str
) -> None:
    vendor.last = Reply(status, {"reply": {"err_code": status, "err_msg": "what", "err_extra": "and why"}})
    with pytest.raises(kind, match=hint) as caught:
        client(vendor, clock).post("indicators/x", None)
    assert "what: and why" in str(caught.value) and "indicators/x" in str(caught.value)
    assert (caught.value.status, len(vendor.seen), clock.slept) == (status, 1, [])


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_failures_that_pass_are_tried_again(vendor: Vendor, clock: Clock, status: int) -> None:
    vendor.replies = [Reply(status)] * 5
    assert client(vendor, clock).post("x", None) == "fine"
    assert len(vendor.seen) == 6
    vendor.last = Reply(status, {"reply": {"err_msg": "busy"}})
    with pytest.raises(XDRRetryError, match=f"{status}.*busy.*6 tries") as caught:
        client(vendor, clock).post("x", None)
    assert (caught.value.status, len(vendor.seen)) == (status, 12)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"message": "plain"}, "plain"),
        ({"reply": "text"}, "text"),
        (["odd"], "odd"),
        (b"<html>\n  gateway </html>", "<html> gateway </html>"),
        (b"x" * 5000, "x" * 300),
        (b"", ""),
    ],
)
def test_reasons_are_found_wherever_they_stand(vendor: Vendor, clock: Clock, body: Any, wanted: str) -> None:
    vendor.last = Reply(400, body)
    with pytest.raises(XDRBadRequestError) as caught:
        client(vendor, clock).post("x", None)
    assert wanted in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(vendor: Vendor, clock: Clock, status: int) -> None:
    vendor.replies = [Reply(status, None, (("Retry-After", "17"),))]
    client(vendor, clock).post("x", None)
    assert clock.seconds >= 17


def test_no_wait_is_started_that_would_end_after_the_deadline(vendor: Vendor, clock: Clock) -> None:
    vendor.last = Reply(503, None, (("Retry-After", "60"),))
    with pytest.raises(XDRRetryError, match="time for this run") as caught:
        client(vendor, clock, deadline=100.0).post("x", None)
    assert not isinstance(caught.value, XDRPausedError)
    assert clock.seconds <= 100
    assert len(vendor.seen) == 2


def test_limit_of_the_tenant_until_the_deadline_is_told_from_an_outage(vendor: Vendor, clock: Clock) -> None:
    vendor.last = Reply(429, None, (("Retry-After", "60"),))
    with pytest.raises(XDRPausedError, match="time for this run"):
        client(vendor, clock, deadline=100.0).post("x", None)


@pytest.mark.parametrize(
    ("deadline", "seconds"), [(None, 120), (1000.0, 120), (110.0, 120), (50.0, 70), (0.0, 20), (-5.0, 20)]
)
def test_time_for_one_request_near_the_deadline_is_short(
    vendor: Vendor, clock: Clock, deadline: float | None, seconds: float
) -> None:
    assert client(vendor, clock, deadline=deadline).time_for_one_request() == seconds


def test_silence_is_a_failure_that_passes(vendor: Vendor, clock: Clock) -> None:
    vendor.replies = [Reply(200, {"reply": 1}, delay=0.15)]
    assert client(vendor, clock, timeout_seconds=0.05).post("x", None) == "fine"
    assert len(vendor.seen) == 2


def test_nobody_there_is_a_failure_that_passes(vendor: Vendor, clock: Clock) -> None:
    made = client(vendor, clock, policy=HttpRetryPolicy(attempts=2))
    made._base_url = "http://127.0.0.1:1"
    with pytest.raises(
        XDRRetryError, match=r"did not answer http://127\.0\.0\.1:1/public_api/v1/x .*check the server URL"
    ):
        made.post("x", None)
    assert len(clock.slept) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.exceptions.SSLError("bad certificate"), XDRConfigError),
        (requests.exceptions.ProxyError("refused"), XDRConfigError),
        (requests.exceptions.InvalidURL("odd"), XDRConfigError),
        (requests.exceptions.ReadTimeout("slow"), XDRRetryError),
        (requests.exceptions.ConnectTimeout("slow"), XDRRetryError),
        (requests.exceptions.ChunkedEncodingError("torn"), XDRRetryError),
        (ConnectionResetError("reset"), XDRRetryError),
    ],
)
def test_requests_without_a_reply_are_sorted_by_who_can_mend_it(error: Exception, kind: type[XDRError]) -> None:
    assert type(xdr_connection_failure("x", error)) is kind
    wrapped = Exception("wrapped")
    wrapped.exception = error  # type: ignore[attr-defined]
    assert type(xdr_connection_failure("x", wrapped)) is kind


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 500])
@pytest.mark.parametrize("key_type", ["standard", "advanced"])
def test_secret_is_in_no_text_even_when_the_server_echoes_it(
    vendor: Vendor, clock: Clock, status: int, key_type: str
) -> None:
    vendor.last = Reply(status, f"you sent Authorization: {SECRET}".encode())
    made = client(vendor, clock, key_type, policy=HttpRetryPolicy(attempts=2))
    with pytest.raises(XDRError) as caught:
        made.post("x", None)
    seen: BaseException | None = caught.value
    while seen is not None:
        assert SECRET not in repr(seen) + str(seen)
        seen = seen.__cause__
    assert SECRET not in repr(made.key) + str(made.key)


# ---- calls that are sent once


def test_once_500_is_an_answer_and_not_repeated(vendor: Vendor, clock: Clock) -> None:
    vendor.last = Reply(500, {"reply": {"err_code": 500, "err_msg": "No endpoint was found", "err_extra": "ISOLATE"}})
    with pytest.raises(XDRRefusedError, match="No endpoint was found: ISOLATE") as caught:
        client(vendor, clock).post("x", None, once=True)
    assert (caught.value.status, len(vendor.seen), clock.slept) == (500, 1, [])


@pytest.mark.parametrize(
    "lost",
    [
        Reply(408), Reply(502), Reply(503), Reply(504), Reply(599),
        Reply(200, {"reply": "long" * 10}, cut=5), Reply(200, b"<html>"), Reply(200, {"reply": 1}, delay=0.15),
    ],
)  # fmt: skip
def test_once_call_without_a_usable_answer_is_lost_and_not_repeated(vendor: Vendor, clock: Clock, lost: Reply) -> None:
    vendor.replies = [lost]
    with pytest.raises(XDRLostReplyError, match="not known"):
        client(vendor, clock, timeout_seconds=0.05).post("x", None, once=True)
    assert (len(vendor.seen), clock.slept) == (1, [])


@pytest.mark.parametrize("status", [425, 429])
def test_once_call_that_was_turned_away_is_repeated(vendor: Vendor, clock: Clock, status: int) -> None:
    vendor.replies = [Reply(status)] * 2
    assert client(vendor, clock).post("x", None, once=True) == "fine"
    vendor.last = Reply(status)
    with pytest.raises(XDRRetryError):
        client(vendor, clock, policy=HttpRetryPolicy(attempts=2)).post("x", None, once=True)
    assert len(vendor.seen) == 5


def test_once_call_with_the_wrong_kind_of_key_goes_on_with_the_other(vendor: Vendor, clock: Clock) -> None:
    vendor.accepts = "standard"
    assert client(vendor, clock, detect_key_type=True).post("x", None, once=True) == "fine"


def test_once_call_that_never_got_through_is_repeated(vendor: Vendor, clock: Clock) -> None:
    made = client(vendor, clock, policy=HttpRetryPolicy(attempts=3))
    made._base_url = "http://127.0.0.1:1"
    with pytest.raises(XDRRetryError):
        made.post("x", None, once=True)
    assert len(clock.slept) == 2


@pytest.mark.parametrize(("status", "kind"), [(400, XDRBadRequestError), (403, XDRConfigError)])
def test_once_call_that_a_person_must_mend_says_so(
    vendor: Vendor, clock: Clock, status: int, kind: type[XDRError]
) -> None:
    vendor.last = Reply(status)
    with pytest.raises(kind):
        client(vendor, clock).post("x", None, once=True)
    assert len(vendor.seen) == 1


# ---- pace


def test_429_slows_all_down_and_success_brings_the_rate_back(vendor: Vendor, clock: Clock) -> None:
    made = client(vendor, clock, rate=8.0)
    vendor.replies = [Reply(429)] * 2
    made.post("x", None)
    assert 5 < made.retry.pacer.allowed < 6
    for _ in range(30):
        made.post("x", None)
    assert made.retry.pacer.allowed == 8


# ---- address


@pytest.mark.parametrize(
    "url",
    [
        "https://api-t.example", " https://api-t.example/ ", "https://api-t.example/public_api/v1",
        "https://api-t.example/public_api/v1/", "https://api-t.example/xsoar",
    ],
)  # fmt: skip
def test_address_is_cleaned(url: str) -> None:
    assert xdr_base_url(url) == "https://api-t.example"


@pytest.mark.parametrize(
    "url", ["", None, "api-t.example", "ftp://x", "https://", "https://a b", "https://t.example/x/y"]
)
def test_address_that_is_none_is_refused_by_name(url: Any) -> None:
    with pytest.raises(ValueError, match="'url'"):
        xdr_base_url(url)
