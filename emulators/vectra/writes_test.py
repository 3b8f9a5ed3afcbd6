"""Tags and notes over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from emulators.vectra.conftest import NOW, VERSIONS, Client, Start, host, starting
from emulators.vectra.marks import refused_tags
from emulators.vectra.moments import moment

FAILURE = {"status": "failure", "message": "Invalid field(s) found"}


def seeded(client: Client) -> Client:
    """One host, account and detection of each id, with tags on the host."""
    client.seed(
        hosts=[host(id=1, tags=["a", "kept/odd"]), host(id=2)],
        accounts=[{"id": 1, "name": "jane"}],
        detections=[{"id": 1, "detection_type": "Port Scan", "detection_category": "reconnaissance", "src_host": 1}],
    )
    return client


@pytest.fixture(scope="module")
def kept() -> Iterator[Client]:
    """One brain for all tests whose requests are refused."""
    with starting() as start:
        yield seeded(start())


@pytest.mark.parametrize("version", VERSIONS)
def test_tags_written_replace_what_was_there(vectra: Start, version: str) -> None:
    client = seeded(vectra(version))
    for kind in ("host", "account", "detection"):
        check_replaced(client, kind)


def check_replaced(client: Client, kind: str) -> None:
    """Write tags of object 1, find it by them, clear them."""
    reply = client.call("PATCH", f"tagging/{kind}/1", {"tags": ["x", "VAR ID:PAN Client:10.0.0.1", "x"]})
    assert reply.json() == {"status": "success", "tag_id": "1", "tags": ["x", "VAR ID:PAN Client:10.0.0.1"]}
    assert client.tags(f"{kind}/1") == client.get(f"{kind}s/1")["tags"] == ["x", "VAR ID:PAN Client:10.0.0.1"]
    assert client.ids(f"{kind}s", tags="PAN") == [1]
    assert client.call("PATCH", f"tagging/{kind}/1", {"tags": []}).json()["tags"] == []
    assert client.ids(f"{kind}s", tags="x") == []


REFUSED = ["a/b", "jane@corp", "a=b", "a+b", "a\\b", "a,b", "ü", "", "x" * 256, "a\n"]


@pytest.mark.parametrize("status", [200, 400])
def test_tags_with_refused_characters_change_nothing(vectra: Start, status: int) -> None:
    client = seeded(vectra(tag_refusal_status=status))
    for tag in REFUSED:
        reply = client.call("PATCH", "tagging/host/1", {"tags": ["good", tag]})
        assert (reply.status_code, reply.json()) == (status, {**FAILURE, "invalid_tags": [tag]})
    assert client.tags("host/1") == ["a", "kept/odd"]


def test_tag_length_follows_the_option() -> None:
    assert refused_tags(["abc", "abcd"], 3) == ["abcd"]
    assert refused_tags(["x" * 10_000], 0) == []


@pytest.mark.parametrize("body", [{}, {"tags": "x"}, {"tags": [1]}, {"tags": [], "more": 1}, [], "x"])
def test_tags_body_wrong_is_400(kept: Client, body: Any) -> None:
    reply = kept.call("PATCH", "tagging/host/1", body)
    assert (reply.status_code, reply.json()["_meta"]["level"]) == (400, "error")
    assert kept.tags("host/1") == ["a", "kept/odd"]


def test_tags_of_what_does_not_exist_are_404(vectra: Start) -> None:
    client = seeded(vectra())
    assert client.call("GET", "tagging/host/9").status_code == 404
    assert client.call("PATCH", "tagging/host/9", {"tags": []}).status_code == 404


def test_entity_form_and_host_form_share_the_tags(vectra: Start) -> None:
    client = seeded(vectra())
    client.call("PATCH", "tagging/entity/1", {"tags": ["e"]}, type="account").raise_for_status()
    assert client.tags("account/1") == client.tags("entity/1", type="account") == ["e"]
    assert client.tags("entity/1", type="host") == ["a", "kept/odd"]
    assert client.call("GET", "tagging/entity/1").status_code == 422
    assert client.call("GET", "tagging/entity/1", entity_type="host").status_code == 422
    assert seeded(vectra("3.3")).tags("entity/1", entity_type="host") == ["a", "kept/odd"]


def test_forms_entity_only_by_option(vectra: Start) -> None:
    client = seeded(vectra(rux_forms="entity"))
    for path in ("tagging/host/1", "tagging/account/1", "hosts/1/notes", "accounts/1/notes"):
        assert client.call("GET", path).status_code == 404
    assert client.tags("entity/1", type="host") == ["a", "kept/odd"]
    assert client.get("entities/1/notes", type="host") == client.get("detections/1/notes") == []
    assert client.get("hosts/1")["id"] == 1


def test_bulk_on_qux_adds_and_removes_one_tag_and_leaves_the_others(vectra: Start) -> None:
    client = seeded(vectra("2.5"))
    body = {"objectIds": [1, 2], "tag": "new"}
    for _ in range(2):
        assert client.call("POST", "tagging/host", body).json() == {"status": "success"}
    assert (client.tags("host/1"), client.tags("host/2")) == (["a", "kept/odd", "new"], ["new"])
    assert client.call("DELETE", "tagging/host", body).json() == {"status": "success"}
    assert (client.tags("host/1"), client.tags("host/2")) == (["a", "kept/odd"], [])


def test_bulk_wrong_changes_nothing(vectra: Start) -> None:
    client = seeded(vectra("2.5"))
    assert client.call("POST", "tagging/host", {"objectIds": [1, 9], "tag": "new"}).status_code == 404
    assert client.call("POST", "tagging/host", {"objectIds": [], "tag": "new"}).status_code == 400
    assert client.call("POST", "tagging/host", {"objectIds": ["1"], "tag": "new"}).status_code == 400
    assert client.call("POST", "tagging/host", {"objectIds": [1], "tag": "a/b"}).json()["invalid_tags"] == ["a/b"]
    assert client.tags("host/1") == ["a", "kept/odd"]


@pytest.mark.parametrize(
    ("version", "path", "query"),
    [
        ("2.5", "hosts/1/notes", {}),
        ("2.5", "accounts/1/notes", {}),
        ("3.4", "detections/1/notes", {}),
        ("3.4", "entities/1/notes", {"type": "account"}),
    ],
)
def test_notes_are_added_changed_and_deleted(vectra: Start, version: str, path: str, query: dict[str, str]) -> None:
    client = seeded(vectra(version))
    added = client.call("POST", path, {"note": "VAR: <1>"}, **query)
    assert (added.status_code, added.json()["note"], added.json()["date_created"]) == (
        201,
        "VAR: &lt;1&gt;",
        moment(NOW),
    )
    (listed,) = client.get(path, **query)
    assert listed == added.json() and (listed["created_by"], listed["modified_by"]) == ("warroom", None)
    changed = client.call("PATCH", f"{path}/{listed['id']}", {"note": "2"}, **query).json()
    assert (changed["note"], changed["modified_by"], changed["date_modified"]) == ("2", "warroom", moment(NOW))
    removed = client.call("DELETE", f"{path}/{listed['id']}", **query)
    assert (removed.status_code, removed.content, client.get(path, **query)) == (204, b"", [])
    assert client.call("DELETE", f"{path}/{listed['id']}", **query).status_code == 404
    assert client.call("PATCH", f"{path}/{listed['id']}", {"note": "2"}, **query).status_code == 404


def test_notes_of_entity_and_host_are_the_same_and_of_account_are_not(vectra: Start) -> None:
    client = seeded(vectra())
    client.call("POST", "hosts/1/notes", {"note": "n"}).raise_for_status()
    assert [note["note"] for note in client.get("entities/1/notes", type="host")] == ["n"]
    assert client.get("accounts/1/notes") == []


@pytest.mark.parametrize("body", [{}, {"note": ""}, {"note": 1}, {"note": "x", "by": "me"}, {"note": "x" * 8_001}])
def test_note_wrong_is_400(kept: Client, body: Any) -> None:
    assert kept.call("POST", "hosts/1/notes", body).status_code == 400
    assert kept.call("POST", "hosts/9/notes", {"note": "x"}).status_code == 404
    assert kept.get("hosts/1/notes") == []


def test_write_applied_before_the_reply_is_lost(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("faults", {"kind": "status", "status": 503, "when": "after", "method": "PATCH", "count": 1})
    assert client.call("PATCH", "tagging/host/1", {"tags": ["x"]}).status_code == 503
    assert client.tags("host/1") == ["x"]
