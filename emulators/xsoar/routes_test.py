"""Search, create and edit over real HTTP: what is answered, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.xsoar.conftest import NOW, Start

GOOD_ROW = {"title": "T", "link": "https://a.example/1", "timestamp": "2026-01-02T00:00:00Z"}


def test_create_gives_a_whole_record_and_search_finds_it(server: Start) -> None:
    client = server()
    made = client.make("FIN7", aliases=["Carbanak"])

    assert (made["version"], made["firstSeenEntryID"], made["lastReputationRun"]) == (1, "API", "0001-01-01T00:00:00Z")
    assert client.values('aliases:"carbanak"') == ["FIN7"]
    assert client.good("/indicators/search", {"query": "value:nobody"}) == {"iocObjects": None, "total": 0}


def test_edit_needs_the_latest_version_and_minus_one_forces(server: Start) -> None:
    client = server()
    made = client.make("FIN7")

    edited = client.good("/indicator/edit", {**made, "CustomFields": {"description": "x"}})
    assert (edited["version"], edited["CustomFields"]) == (2, {"description": "x"})
    assert "not the latest" in client.detail("/indicator/edit", made, 409)
    assert client.good("/indicator/edit", {**made, "version": -1})["version"] == 3
    assert "does not exist" in client.detail("/indicator/edit", {**made, "id": "99"}, 404)


@pytest.mark.parametrize(
    ("left_out", "fields"), [("kept", {"aliases": ["A"], "description": "d"}), ("cleared", {"description": "d"})]
)
def test_edit_fields_that_are_left_out(server: Start, left_out: str, fields: dict[str, Any]) -> None:
    client = server(left_out=left_out)
    made = client.make("FIN7", aliases=["A"])

    edited = client.good("/indicator/edit", {**made, "CustomFields": {"description": "d"}})

    assert edited["CustomFields"] == fields


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"color": "red"}, "unknown names: color"),
        ({"CustomFields": {"Aliases": []}}, "unknown names: Aliases"),
        ({"CustomFields": {"aliases": "A"}}, "list of texts"),
        ({"CustomFields": {"publications": [{**GOOD_ROW, "timestamp": "yesterday"}]}}, "no date: 'yesterday'"),
        ({"CustomFields": {"publications": [{**GOOD_ROW, "notes": "x"}]}}, "unknown names: notes"),
        ({"CustomFields": {"publications": [GOOD_ROW] * 5000}}, "larger than"),
        ({"CustomFields": {"lastseenbysource": ""}}, "is no date"),
        ({"value": " "}, "is empty"),
        ({"version": "1"}, "must be number"),
    ],
)
def test_edit_of_what_is_not_known_is_refused_and_changes_nothing(
    server: Start, change: dict[str, Any], told: str
) -> None:
    client = server()
    made = client.make("FIN7")

    assert told in client.detail("/indicator/edit", {**made, **change})
    assert client.good("/indicators/search", {"query": ""})["iocObjects"][0]["version"] == 1


def test_create_is_wrapped_and_edit_is_not(server: Start) -> None:
    client = server()
    assert "lacks the field 'indicator'" in client.detail("/indicator/create", {})
    assert "unknown names: indicator" in client.detail("/indicator/edit", {"indicator": {}})
    assert "lacks the field 'id'" in client.detail("/indicator/edit", {"value": "x", "indicator_type": "Malware"})


@pytest.mark.parametrize(("existing", "status"), [("returned", 200), ("refused", 400)])
def test_create_of_an_existing_value(server: Start, existing: str, status: int) -> None:
    client = server(existing=existing)
    made = client.make("FIN7")

    reply = client.post("/indicator/create", {"indicator": {"value": "fin7", "indicator_type": "Campaign"}})

    assert reply.status_code == status
    assert status == 400 or reply.json()["id"] == made["id"]
    assert client.values() == ["FIN7"]


@pytest.mark.parametrize(
    ("excluded", "status", "body"), [("text", 200, "not created"), ("null", 200, "null"), ("refused", 400, "exclusion")]
)
def test_create_of_an_excluded_value(server: Start, excluded: str, status: int, body: str) -> None:
    client = server(excluded=excluded)
    client.emulator.state.seed({"excluded": ["FIN7"]})

    reply = client.post("/indicator/create", {"indicator": {"value": "fin7", "indicator_type": "Malware"}})

    assert reply.status_code == status and body in reply.text
    assert client.values() == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["A", "B", "C d"]),
        ("type:Malware", ["A"]),
        ('type:"Threat Actor" or value:a', ["A", "B"]),
        ('(value:"c d" or value:b) and -type:"Threat Actor"', ["C d"]),
        ("not type:Malware value:b", ["B"]),
        ('value:"C \\"d"', []),
        ("tags:x", ["C d"]),
    ],
)
def test_search_queries(server: Start, query: str, found: list[str]) -> None:
    client = server()
    client.make("A")
    client.make("B", "Threat Actor")
    client.make("C d", "Campaign", tags=["x"])

    assert client.values(query) == found


@pytest.mark.parametrize(
    "query", ["value:", "(value:a", "value:a)", "value:a or", "color:red", "value:a*", "just words", 'value:"open']
)
def test_search_query_that_is_not_modelled_is_refused(server: Start, query: str) -> None:
    assert "query" in server().detail("/indicators/search", {"query": query})


def test_search_pages_by_place_and_by_number(server: Start) -> None:
    client = server()
    for name in ("A", "B", "C"):
        client.make(name)
    first = client.good("/indicators/search", {"size": 2})["iocObjects"]

    assert client.values(size=2, searchAfter=first[-1]["sortValues"]) == ["C"]
    assert client.values(size=2, page=1) == ["C"]
    assert "searchAfter" in client.detail("/indicators/search", {"size": 1000, "page": 10})


def test_search_by_number_only_has_no_places(server: Start) -> None:
    client = server(paging="number")
    client.make("A")
    found = client.good("/indicators/search", {"searchAfter": ["9"]})["iocObjects"]

    assert [one["sortValues"] for one in found] == [None]


@pytest.mark.parametrize("lagging", ["new", "all"])
def test_search_knows_new_records_late(server: Start, lagging: str) -> None:
    client = server(index_lag=10, lagging=lagging)
    client.emulator.state.seed({"indicators": [{"value": "Old", "type": "Malware"}]})
    client.make("New")
    old = client.good("/indicators/search", {"query": "value:Old"})["iocObjects"][0]
    client.good("/indicator/edit", {**old, "comment": "changed"})

    seen = client.good("/indicators/search", {})["iocObjects"]
    assert [(one["value"], one["comment"]) for one in seen] == [("Old", "" if lagging == "all" else "changed")]
    client.emulator.clock.set(NOW + 11)
    assert client.values() == ["New", "Old"]
    assert client.good("/indicators/search", {"query": "value:Old"})["iocObjects"][0]["comment"] == "changed"


@pytest.mark.parametrize(("role", "search", "create"), [("write", 200, 200), ("read", 200, 403), ("none", 403, 403)])
def test_role_of_the_key(server: Start, role: str, search: int, create: int) -> None:
    client = server(role=role)

    assert client.post("/indicators/search", {}).status_code == search
    reply = client.post("/indicator/create", {"indicator": {"value": "x", "indicator_type": "Malware"}})
    assert reply.status_code == create


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"generation": "6"}, {"Authorization": "wrong"}),
        ({}, {"Authorization": "wrong"}),
        ({}, {"x-xdr-auth-id": "2"}),
        ({}, {"x-xdr-nonce": "0" * 64}),
        ({"api_key_type": "advanced"}, {"x-xdr-timestamp": "1"}),
        ({"api_key_type": "advanced"}, {"x-xdr-nonce": "short"}),
    ],
)
def test_key_that_is_not_right_is_401(server: Start, options: dict[str, str], wrong: dict[str, str]) -> None:
    client = server(**options)

    assert client.post("/indicators/search", {}).status_code == 200
    reply = client.post("/indicators/search", {}, **wrong)
    assert (reply.status_code, reply.json()["title"]) == (401, "Unauthorized")


def test_advanced_signature_is_good_once(server: Start) -> None:
    client = server(api_key_type="advanced")
    headers = client.signed()

    assert client.post("/indicators/search", {}, **headers).status_code == 200
    assert client.post("/indicators/search", {}, **headers).status_code == 401


@pytest.mark.parametrize(
    ("options", "path", "status"),
    [
        ({"generation": "6"}, "/about", 200),
        ({"generation": "6"}, "/xsoar/about", 404),
        ({}, "/xsoar/public/v1/about", 200),
        ({}, "/xsoar/about", 200),
        ({}, "/about", 404),
        ({"prefix": "plain"}, "/xsoar/public/v1/about", 404),
    ],
)
def test_prefix_of_the_paths(server: Start, options: dict[str, str], path: str, status: int) -> None:
    client = server(**options)
    reply = client.http.get(client.emulator.url + path, headers=client.signed(), timeout=5)
    assert reply.status_code == status


def test_side_door_edit_moves_the_version_and_refuses_nonsense(server: Start) -> None:
    client = server()
    client.make("FIN7", aliases=["A"])
    door = f"{client.emulator.admin}/edit"

    assert client.http.post(door, json={"value": "FIN7", "fields": {"description": "d"}}, timeout=5).ok
    record = client.good("/indicators/search", {})["iocObjects"][0]
    assert (record["version"], record["CustomFields"]) == (2, {"aliases": ["A"], "description": "d"})
    assert client.http.post(door, json={"value": "FIN7", "fields": {"x": 1}}, timeout=5).status_code == 400
    assert client.http.post(door, json={"delete": "FIN7"}, timeout=5).json() == {"indicators": 0, "excluded": 0}
