"""The side door: seeds and edits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from emulators.vectra.conftest import Client, Start, host, starting

COUNTS = {"hosts": 30, "accounts": 20, "detections": 40, "groups": 8}


def seeded(client: Client) -> Client:
    """A host with a detection, in a group; an account in another."""
    client.seed(
        hosts=[host(id=1, last_source="10.0.0.1", urgency_score=20, tags=["a"]), host("b", id=2)],
        accounts=[{"id": 1, "name": "O365:jane"}],
        detections=[{"id": 1, "detection_type": "Port Scan", "detection_category": "reconnaissance", "src_host": 1}],
        groups=[
            {"id": 1, "type": "host", "name": "NoBlock", "members": [1]},
            {"id": 2, "type": "account", "name": "NoBlock", "members": ["jane"]},
        ],
    )
    return client


@pytest.fixture(scope="module")
def kept() -> Iterator[Client]:
    """One brain for all tests whose requests are refused."""
    with starting() as start:
        yield seeded(start())


def test_generate_is_the_same_each_time_and_hangs_together(vectra: Start) -> None:
    first, second = vectra(), vectra("2.5")
    assert first.seed(generate=COUNTS).items() >= COUNTS.items()
    second.seed(generate=COUNTS)
    for kind in ("host", "account", "detection", "group"):
        assert first.dump(kind) == second.dump(kind)
    for detection in first.get("detections", page_size=50)["results"]:
        assert (detection["src_host"] is None) != (detection["src_account"] is None)
    members = [group["members"] for group in first.get("groups", type="account")["results"]]
    assert all(first.ids("accounts", uid=member["uid"]) for group in members for member in group)


def test_generate_after_objects_is_refused_and_seed_is_whole_or_nothing(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("seed", {"generate": {"hosts": 1}}, 400)
    client.admin("seed", {"hosts": [host("new"), host("other", id=1)]}, 400)
    assert client.admin("count")["hosts"] == 2


@pytest.mark.parametrize(
    "payload",
    [
        {"hosts": [{}]},
        {"hosts": [host(colour="red")]},
        {"hosts": [host(threat=100)]},
        {"hosts": [host(urgency_score=101)]},
        {"hosts": [host(last_seen="today")]},
        {"hosts": [host(id=0)]},
        {"detections": [{"detection_type": "x", "detection_category": "y", "src_host": 9}]},
        {"detections": [{"detection_type": "x", "detection_category": "y", "src_host": 1, "src_account": 1}]},
        {"groups": [{"type": "host", "name": "g", "members": [9]}]},
        {"groups": [{"type": "ip", "name": "g", "members": [9]}]},
        {"generate": {"hosts": -1}},
        {"users": []},
    ],
)
def test_seed_wrong_is_400(kept: Client, payload: Any) -> None:
    before = kept.admin("count")
    assert kept.admin("seed", payload, 400)["error"]
    assert kept.admin("count") == before


def test_edit_scores_raises_them_and_follows_with_priority(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("edit", {"host": 1, "threat": 90, "certainty": 80, "urgency_score": 85})
    assert client.ids("hosts", threat_gte=90, certainty_gte=80) == client.ids("entities", is_prioritized="true") == [1]
    client.admin("edit", {"host": 1, "urgency_score": 10, "is_prioritized": True})
    assert client.ids("entities", is_prioritized="true") == [1]


def test_edit_tags_adds_and_removes_as_an_analyst(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("edit", {"host": 1, "add_tags": ["vectra_host_block", "any/thing"], "remove_tags": ["a"]})
    assert client.tags("host/1") == ["vectra_host_block", "any/thing"]
    client.admin("edit", [{"host": 1, "tags": ["only"]}, {"detection": 1, "add_tags": ["d"], "note": "seen"}])
    assert (client.tags("host/1"), client.tags("detection/1")) == (["only"], ["d"])
    assert client.get("detections/1/notes")[0]["created_by"] == "analyst"


def test_edit_moves_the_address_and_the_time_of_modification(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("clock", {"advance": 100})
    client.sign_in()
    client.admin("edit", {"host": 1, "last_source": "10.0.0.2"})
    item = client.get("hosts/1")
    assert (item["ip"], item["previous_ips"]) == ("10.0.0.2", ["10.0.0.1"])
    assert client.ids("hosts", last_source="10.0.0.1") == []
    assert client.ids("entities", last_modified_timestamp_gte="2027-01-15T08:01:00Z") == [1]


def test_edit_closes_detections_in_both_words(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("edit", {"detection": 1, "state": "closed"})
    assert client.ids("detections", state="fixed") == [1]
    client.admin("edit", {"detection": 1, "state": "active", "is_triaged": True, "src_account": 1})
    detection = client.get("detections/1")
    assert (detection["is_triaged"], detection["src_host"], detection["src_account"]["id"]) == (True, None, 1)


def test_edit_groups_renames_moves_members_and_deletes(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("edit", {"group": 1, "name": "NoBlock-old", "add_members": [2], "remove_members": [1]})
    group = client.get("groups/1")
    assert (group["name"], [member["id"] for member in group["members"]]) == ("NoBlock-old", [2])
    client.admin("edit", {"group": 1, "members": []})
    assert client.get("groups/1")["members"] == []
    client.admin("edit", {"group": 1, "delete": True})
    assert client.ids("groups") == [2]


def test_edit_delete_takes_all_that_hangs_on_the_entity(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("edit", [{"host": 1, "note": "n", "lockdown_hours": 1}, {"host": 1, "delete": True}])
    assert client.call("GET", "hosts/1").status_code == 404
    assert client.ids("detections") == [] and client.get("groups/1")["members"] == []
    counts = client.admin("count")
    assert (counts["tags"], counts["notes"], counts["lockdowns"], counts["accounts"]) == (0, 0, 0, 1)


def test_edit_uid_follows_into_the_groups(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("edit", {"account": 1, "uid": "jane.doe"})
    assert client.get("groups/2")["members"] == [{"uid": "jane.doe"}]


@pytest.mark.parametrize(
    ("edit", "status"),
    [
        ({"host": 9, "threat": 1}, 404),
        ({"group": 9, "delete": True}, 404),
        ({"host": 1, "colour": "red"}, 400),
        ({"host": 1, "threat": 100}, 400),
        ({"host": 1, "account": 1}, 400),
        ({"group": 1, "add_members": [9]}, 400),
        ({"tokens": "mine"}, 400),
        ("host", 400),
    ],
)
def test_edit_wrong_is_refused_and_undoes_its_list(kept: Client, edit: Any, status: int) -> None:
    kept.admin("edit", [{"host": 2, "threat": 50}, edit], status)
    assert kept.get("hosts/2")["threat"] == 0


def test_dump_has_every_object_with_its_kind(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("edit", {"host": 1, "lockdown_hours": 1})
    lines = client.http.get(f"{client.emulator.admin}/dump").text.splitlines()
    assert len(lines) == 7
    assert client.dump("group")[1]["members"] == [1] and client.dump("host")[1]["tags"] == ["a"]
