"""The client over a real socket: logins, tokens, pages, repeats and every shape of an error."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from HttpRetryApiModule import HttpRetry, HttpRetryPolicy, HttpTiming
from VectraAutomatedResponse import (
    PAGE_SIZE,
    ContextPort,
    Login,
    Token,
    TokenShelf,
    VectraBusyError,
    VectraClient,
    VectraConfigError,
    VectraError,
    VectraNotFoundError,
    VectraRequestError,
    connection_failure,
    new_brain,
    seal,
    settings_from_params,
    unseal,
)
from VectraAutomatedResponse_fakes_test import FakeContext

Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]
SECRET = "made-up-secret"


@dataclass
class Asked:
    method: str
    path: str
    authorization: str
    body: str


@dataclass
class Vectra:
    """A server that answers from a list, or from a function of the request; remembers what it was asked."""

    url: str = ""
    answers: list[Reply] = field(default_factory=list)
    default: Callable[[Asked], Reply] = lambda asked: (200, {"results": [], "next": None})
    asked: list[Asked] = field(default_factory=list)

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self.answers.pop(0) if self.answers else self.default(asked)


def handler_for(vectra: Vectra) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked = Asked(self.command, self.path, self.headers.get("Authorization") or "", body)
            status, content, *more = vectra.reply(asked)
            data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data) if status != 204 else 0))
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - names of the library

        def log_message(self, *args: Any) -> None:
            """Silence."""

    return Handler


@pytest.fixture
def vectra() -> Iterator[Vectra]:
    made = Vectra()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_for(made)) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_760_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def timing(self) -> HttpTiming:
        return HttpTiming(lambda: self.seconds, lambda: self.seconds, self.sleep, lambda: 0.0)


@dataclass
class Shelf:
    text: str = ""

    def shelf(self) -> TokenShelf:
        def store(sealed: str) -> None:
            self.text = sealed

        return TokenShelf(lambda: self.text, store)


def client(vectra: Vectra, clock: Clock | None = None, shelf: Shelf | None = None, **params: Any) -> VectraClient:
    login = {"client_creds": {"identifier": "client", "password": SECRET}}
    if params.pop("personal", False):
        login = {"token_creds": {"identifier": "", "password": "made-up-token"}}
    chosen = settings_from_params({"url": vectra.url, **login, **params})
    timing = (clock or Clock()).timing()
    return VectraClient(chosen, (shelf or Shelf()).shelf(), HttpRetry(100, HttpRetryPolicy(attempts=3), timing))


def token(access: str = "t1", **more: Any) -> Reply:
    return 200, {"access_token": access, "token_type": "Bearer", "expires_in": 3600, **more}


EMPTY: Reply = (200, {"results": [], "next": None})


# ---- login


def test_personal_token_is_sent_as_it_is(vectra: Vectra) -> None:
    client(vectra, personal=True).listing("hosts", {})
    assert vectra.asked[0].authorization == "Token made-up-token" and vectra.asked[0].path.startswith(
        "/api/v2.5/hosts?"
    )


@pytest.mark.parametrize(("version", "path"), [("2.5", "/api/v2.5/oauth2/token"), ("3.4", "/oauth2/token")])
def test_api_client_asks_for_a_token_once(vectra: Vectra, version: str, path: str) -> None:
    vectra.answers = [token(), EMPTY, EMPTY]
    asking = client(vectra, api_version=version)
    asking.listing("hosts", {})
    asking.listing("accounts", {})
    first = vectra.asked[0]
    assert (first.path, first.body) == (path, "grant_type=client_credentials")
    assert first.authorization.startswith("Basic ")
    assert [asked.authorization for asked in vectra.asked[1:]] == ["Bearer t1", "Bearer t1"]
    assert asking.reads == 2


def test_token_is_kept_sealed_and_used_by_the_next_run(vectra: Vectra) -> None:
    vectra.answers, shelf = [token("precious"), EMPTY, EMPTY], Shelf()
    client(vectra, shelf=shelf).listing("hosts", {})
    assert "precious" not in shelf.text and "precious" not in bytes.fromhex(shelf.text).decode("latin-1")
    client(vectra, shelf=shelf).listing("hosts", {})
    assert [asked.method for asked in vectra.asked] == ["POST", "GET", "GET"]


def test_sealed_token_of_another_secret_is_not_read(vectra: Vectra) -> None:
    login, other = Login("", "client", SECRET), Login("", "client", "changed")
    assert unseal(login, seal(login, "text")) == "text"
    for wrong in (seal(other, "text"), "", "zz", "00" * 40):
        with pytest.raises(ValueError, match=r"."):
            unseal(login, wrong)
    vectra.answers = [token(), EMPTY]
    client(vectra, shelf=Shelf(seal(other, json.dumps(Token("old", 9e9))))).listing("hosts", {})
    assert vectra.asked[1].authorization == "Bearer t1"


def test_defect_4_token_is_renewed_when_its_time_is_over(vectra: Vectra) -> None:
    vectra.answers, clock = [token("t1"), EMPTY, token("t2"), EMPTY], Clock()
    asking = client(vectra, clock)
    asking.listing("hosts", {})
    clock.seconds += 3501
    asking.listing("hosts", {})
    assert vectra.asked[-1].authorization == "Bearer t2"


def test_refresh_token_renews_on_the_cloud_and_falls_back_to_the_api_client(vectra: Vectra) -> None:
    refresh = {"refresh_token": "r1", "refresh_expires_in": 99_999}
    denied: Reply = (401, {"detail": "expired"})
    vectra.answers, clock = [token("t1", **refresh), EMPTY, token("t2"), EMPTY, denied, token("t3"), EMPTY], Clock()
    asking = client(vectra, clock, api_version="3.4")
    for _ in range(3):
        asking.listing("hosts", {})
        clock.seconds += 3600
    posts = [asked.body for asked in vectra.asked if asked.method == "POST"]
    ask, again = "grant_type=client_credentials", "grant_type=refresh_token&refresh_token=r1"
    assert posts == [ask, again, again, ask] and vectra.asked[-1].authorization == "Bearer t3"


def test_401_renews_once_and_then_stops(vectra: Vectra) -> None:
    denied: Reply = (401, {"detail": "Invalid token."})
    vectra.answers = [token("t1"), denied, token("t2"), EMPTY]
    client(vectra).listing("hosts", {})
    vectra.asked.clear()
    vectra.answers = [token("t1"), denied, token("t2"), denied]
    with pytest.raises(VectraConfigError, match=r"401 to hosts: Invalid token\. Probably the login"):
        client(vectra).listing("hosts", {})
    assert len(vectra.asked) == 4


def test_401_of_a_personal_token_is_final(vectra: Vectra) -> None:
    vectra.answers = [(401, {"details": "Invalid token."})]
    with pytest.raises(VectraConfigError):
        client(vectra, personal=True).listing("hosts", {})
    assert len(vectra.asked) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {"error": "invalid_client"}), "invalid_client"),
        ((405, {"detail": "no"}, {}), "use that host as server URL"),
        ((302, "", {"Location": "https://other.example.com/"}), "https://other.example.com/"),
        ((200, {"nothing": 1}), "without an access token"),
        ((200, "<html>sign in</html>"), "without an access token"),
    ],
)
def test_defect_32_token_call_that_fails_says_what_to_do(vectra: Vectra, answer: Reply, said: str) -> None:
    vectra.answers = [answer]
    with pytest.raises(VectraConfigError, match=said) as caught:
        client(vectra).listing("hosts", {})
    assert SECRET not in str(caught.value) and len(vectra.asked) == 1


def test_defect_32_token_call_that_is_told_to_wait_waits(vectra: Vectra) -> None:
    vectra.answers, clock = [(429, {"detail": "slow"}, {"Retry-After": "9"}), token(), EMPTY], Clock()
    client(vectra, clock).listing("hosts", {})
    assert sum(clock.slept) >= 9


# ---- reading


def test_listing_walks_pages_by_number_and_never_follows_an_address(vectra: Vectra) -> None:
    vectra.answers = [
        (200, {"results": [{"id": 1}], "next": "http://elsewhere.invalid/?page=2"}),
        (200, {"results": [{"id": 2}], "next": "http://elsewhere.invalid/?page=3"}),
        (404, {"detail": "Invalid page."}),
    ]
    found = client(vectra, personal=True).listing("hosts", {"tags": "a b,c"})
    assert [item["id"] for item in found] == [1, 2]
    assert [asked.path for asked in vectra.asked][:2] == [
        f"/api/v2.5/hosts?page_size={PAGE_SIZE}&tags=a+b%2Cc&page={page}" for page in (1, 2)
    ]


def test_listing_takes_a_bare_array(vectra: Vectra) -> None:
    vectra.answers = [(200, [{"id": 1}, {"id": 2}])]
    assert len(client(vectra, personal=True).groups()) == 2


def test_listing_stops_at_the_first_item_that_is_too_low(vectra: Vectra) -> None:
    items = [{"urgency_score": score} for score in (90, 80, 10)]
    vectra.answers = [(200, {"results": items, "next": "more"})]
    found = client(vectra, personal=True).listing("entities", {}, lambda item: item["urgency_score"] >= 50)
    assert len(found) == 2 and len(vectra.asked) == 1


def test_first_page_that_is_missing_is_an_error_and_no_empty_list(vectra: Vectra) -> None:
    vectra.answers = [(404, {"detail": "Not found."})]
    with pytest.raises(VectraNotFoundError):
        client(vectra, personal=True).listing("entities", {})


def test_listing_something_else_is_an_error(vectra: Vectra) -> None:
    vectra.answers = [(200, {"detail": "odd"})]
    with pytest.raises(VectraRequestError, match="no list"):
        client(vectra, personal=True).listing("hosts", {})


def test_one_that_does_not_exist_is_none(vectra: Vectra) -> None:
    vectra.answers = [(404, {"detail": "Not found."}), (200, {"id": 41})]
    asking = client(vectra, personal=True)
    assert asking.one("detection", "9") is None and asking.one("host", "41") == {"id": 41}
    assert vectra.asked[1].path == "/api/v2.5/hosts/41?include_ldap=true"


@pytest.mark.parametrize(("version", "asked"), [("3.3", False), ("3.4", True), ("3.5", True)])
def test_group_members_are_asked_for_where_that_is_possible(vectra: Vectra, version: str, asked: bool) -> None:
    vectra.answers = [token(), EMPTY]
    client(vectra, api_version=version).groups()
    assert ("include_members=true" in vectra.asked[1].path) == asked


# ---- errors


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "one"}, "one"),
        ({"details": "two"}, "two"),
        ({"errors": [{"title": "three"}]}, "three"),
        ({"_meta": {"level": "error", "message": "four"}}, "four"),
        ("<html><b>five</b></html>", "five"),
        ({"odd": "six"}, "six"),
        (["seven"], "seven"),
        ({"message": "Invalid field(s) found", "invalid_tags": ["a/b"]}, "not accepted: a/b"),
    ],
)
def test_every_error_body_is_understood(vectra: Vectra, body: Any, said: str) -> None:
    vectra.answers = [(422, body)]
    with pytest.raises(VectraRequestError, match=said):
        client(vectra, personal=True).listing("hosts", {})


@pytest.mark.parametrize(
    ("status", "kind"), [(403, VectraConfigError), (409, VectraRequestError), (413, VectraRequestError)]
)
def test_refusals_are_sorted_and_not_repeated(vectra: Vectra, status: int, kind: type[Exception]) -> None:
    vectra.answers = [(status, {"detail": "no"})]
    with pytest.raises(kind):
        client(vectra, personal=True).listing("hosts", {})
    assert len(vectra.asked) == 1


@pytest.mark.parametrize(
    "answer", [(429, {}, {"Retry-After": "7"}), (503, "busy", {"Retry-After": "7"}), (500, ""), (200, "{torn")]
)
def test_busy_answers_are_repeated(vectra: Vectra, answer: Reply) -> None:
    vectra.answers, clock = [answer, EMPTY], Clock()
    assert client(vectra, clock, personal=True).listing("hosts", {}) == []
    assert len(vectra.asked) == 2 and (len(answer) < 3 or sum(clock.slept) >= 7)


def test_busy_for_ever_gives_up(vectra: Vectra) -> None:
    vectra.default = lambda asked: (500, {"detail": "down"})
    with pytest.raises(VectraBusyError, match="3 tries failed"):
        client(vectra, personal=True).listing("hosts", {})


def test_unreachable_brain_is_busy_and_names_what_happened(vectra: Vectra) -> None:
    asking = client(Vectra(url="http://127.0.0.1:1"), personal=True)
    with pytest.raises(VectraBusyError, match="did not answer hosts"):
        asking.listing("hosts", {})


def test_defect_31_certificate_is_verified_unless_told_otherwise(vectra: Vectra) -> None:
    assert client(vectra, personal=True)._verify is True
    error = connection_failure("hosts", requests.exceptions.SSLError("x"), repeat=True)
    assert isinstance(error, VectraConfigError)
    proxy = connection_failure("hosts", requests.exceptions.ProxyError("x"), repeat=True)
    assert isinstance(proxy, VectraConfigError)


# ---- tags and notes


@pytest.mark.parametrize(
    ("version", "kind", "tags", "notes"),
    [
        ("2.5", "host", "/api/v2.5/tagging/host/41", "/api/v2.5/hosts/41/notes"),
        ("2.5", "detection", "/api/v2.5/tagging/detection/41", "/api/v2.5/detections/41/notes"),
        ("3.4", "account", "/api/v3.4/tagging/entity/41?type=account", "/api/v3.4/entities/41/notes?type=account"),
        ("3.5", "detection", "/api/v3.5/tagging/detection/41", "/api/v3.5/detections/41/notes"),
    ],
)
def test_tags_and_notes_have_the_paths_of_their_version(
    vectra: Vectra, version: str, kind: str, tags: str, notes: str
) -> None:
    good: Reply = (200, {"status": "success", "tags": ["x"]})
    vectra.answers = [token(), good, good, (200, []), (201, {"id": 7}), (200, {}), (204, "")]
    asking = client(vectra, api_version=version)
    assert asking.tags(kind, "41") == ["x"]
    asking.set_tags(kind, "41", ["x", "y"])
    assert asking.notes(kind, "41") == []
    assert asking.add_note(kind, "41", "n" * 9000) == {"id": 7}
    asking.change_note(kind, "41", "7", "text")
    asking.remove_note(kind, "41", "7")
    one = notes.replace("/notes", "/notes/7")
    paths = [(asked.method, asked.path) for asked in vectra.asked[1:]]
    wanted = [("GET", tags), ("PATCH", tags), ("GET", notes), ("POST", notes), ("PATCH", one), ("DELETE", one)]
    assert paths == wanted
    assert json.loads(vectra.asked[2].body) == {"tags": ["x", "y"]}
    assert len(json.loads(vectra.asked[4].body)["note"]) == 8000


@pytest.mark.parametrize("status", [200, 400])
def test_refused_tags_are_named_whatever_the_status(vectra: Vectra, status: int) -> None:
    body = {"status": "failure", "message": "Invalid field(s) found", "invalid_tags": ["a/b"]}
    vectra.answers = [(status, body)]
    with pytest.raises(VectraRequestError) as caught:
        client(vectra, personal=True).set_tags("host", "41", ["a/b"])
    assert caught.value.invalid_tags == ("a/b",)


def test_note_whose_answer_is_lost_is_not_written_twice(vectra: Vectra) -> None:
    asking = client(Vectra(url="http://127.0.0.1:1"), personal=True)
    with pytest.raises(VectraError, match="not sent again"):
        asking.add_note("host", "41", "text")
    vectra.answers = [(201, "{torn")]
    with pytest.raises(VectraRequestError, match="no JSON"):
        client(vectra, personal=True).add_note("host", "41", "text")
    assert len(vectra.asked) == 1


# ---- put together


def test_new_brain_keeps_token_and_state_side_by_side(vectra: Vectra) -> None:
    vectra.answers, context = [token("precious"), EMPTY], FakeContext()
    login = {"client_creds": {"identifier": "client", "password": SECRET}}
    brain = new_brain(settings_from_params({"url": vectra.url, **login}), context.port(), Clock().timing(), "brain_1")
    brain.state.update(lambda state: {**state, "stopped": True})
    brain.client.listing("hosts", {})
    assert set(context.context) == {"state", "token"} and brain.state.load()["stopped"] is True
    assert "precious" not in json.dumps(context.context)


def test_token_that_cannot_be_kept_is_used_all_the_same(vectra: Vectra) -> None:
    def refuse(context: dict[str, Any], version: Any) -> None:
        raise ValueError("stale")

    vectra.answers = [token(), EMPTY, token(), EMPTY]
    login = {"client_creds": {"identifier": "client", "password": SECRET}}
    chosen = settings_from_params({"url": vectra.url, **login})
    port = ContextPort(lambda: {"context": {}, "version": 1}, refuse)
    for keep in (True, False):
        brain = new_brain(chosen, port, Clock().timing(), "brain_1", keep_token=keep)
        assert brain.client.listing("hosts", {}) == []
