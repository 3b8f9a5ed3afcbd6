"""Error bodies and the limits of the front door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from emulators.vectra.conftest import Client, Start, starting


@pytest.mark.parametrize(
    ("message", "status", "body"),
    [
        ("detail: no", 403, {"detail": "no"}),
        ("details: no", 404, {"details": "no"}),
        ("errors: no", 409, {"errors": [{"title": "no"}]}),
        ("meta: no", 422, {"_meta": {"level": "error", "message": "no"}}),
        ("", 403, {"detail": "You do not have permission to perform this action."}),
        ("what: now", 409, {"detail": "what: now"}),
    ],
)
def test_fault_message_picks_the_shape_of_the_body(vectra: Start, message: str, status: int, body: Any) -> None:
    client = vectra()
    client.admin("faults", {"kind": "status", "status": status, "message": message})
    reply = client.call("GET", "hosts")
    assert (reply.status_code, reply.json()) == (status, body)


@pytest.mark.parametrize(
    ("message", "status", "kind", "part"),
    [
        ("text: broken", 500, "text/plain", "broken"),
        ("html: <x>", 500, "text/html", "<h1>&lt;x&gt;</h1>"),
        ("", 502, "text/html", "<h1>Bad Gateway</h1>"),
    ],
)
def test_fault_body_that_is_no_json(vectra: Start, message: str, status: int, kind: str, part: str) -> None:
    client = vectra()
    client.admin("faults", {"kind": "status", "status": status, "message": message})
    reply = client.call("GET", "hosts")
    assert (reply.status_code, reply.headers["Content-Type"], part in reply.text) == (status, kind, True)


def test_rate_exceeded_is_429_with_retry_after(vectra: Start) -> None:
    client = vectra(rate=0.01, retry_after=7.0)
    reply = client.call("GET", "hosts")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "7")
    assert reply.json() == {"detail": "Request was throttled."}


def test_rate_exceeded_without_retry_after_on_request(vectra: Start) -> None:
    client = vectra(rate=0.01, retry_after=None)
    assert "Retry-After" not in client.call("GET", "hosts").headers


@pytest.fixture(scope="module")
def reader() -> Iterator[Client]:
    """One brain for all tests that only read."""
    with starting() as start:
        yield start()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("hosts", {"unknown": "1"}),
        ("hosts", {"page_size": "5001"}),
        ("hosts", {"page_size": "0"}),
        ("hosts", {"page_size": "many"}),
        ("hosts", {"threat_gte": "-1"}),
        ("hosts", {"threat_gte": "9" * 20}),
        ("hosts", {"state": "asleep"}),
        ("hosts", {"tags": ""}),
        ("hosts", {"tags": ["a", "b"]}),
        ("hosts", {"fields": "id,nothing"}),
        ("hosts", {"ordering": "nothing"}),
        ("hosts", {"last_detection_timestamp_gte": "yesterday"}),
        ("hosts", {"t_score_gte": "1"}),
        ("hosts", {"include_ldap": "true"}),
        ("accounts", {"threat_gte": "1"}),
        ("accounts", {"certainty_gte": "1"}),
        ("detections", {"t_score_gte": "1"}),
        ("detections", {"category": "command"}),
        ("detections", {"id": "1,x"}),
        ("entities", {"entity_type": "host"}),
        ("entities", {"is_prioritized": "maybe"}),
        ("groups", {"type": "network"}),
        ("groups", {"fields": "id"}),
        ("events/entity_scoring", {"limit": "1001"}),
    ],
)
def test_parameter_wrong_is_422(reader: Client, path: str, query: dict[str, Any]) -> None:
    reply = reader.call("GET", path, **query)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["title"]


def test_header_unknown_is_400_and_path_unknown_404(vectra: Start) -> None:
    client = vectra()
    assert client.http.get(f"{client.emulator.url}/api/v3.4/hosts", headers={"X-Other": "1"}).status_code == 400
    assert client.call("GET", "nothing").json() == {"detail": "Not found."}
    assert client.call("GET", "hosts/").status_code == 200
    assert client.call("GET", "hosts/99999999999999999999").status_code == 404
    assert client.call("POST", "hosts").status_code == 405


def test_call_of_the_other_product_is_404(vectra: Start) -> None:
    assert vectra("2.5").call("GET", "entities").status_code == 404
    assert vectra("3.4").call("POST", "tagging/host", {"objectIds": [1], "tag": "x"}).status_code == 404
