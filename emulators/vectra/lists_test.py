"""Lists and single objects over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from emulators.vectra.conftest import RUX, VERSIONS, Client, Start, host, starting

OLD_DETECTION_NAMES = {"category", "c_score", "t_score", "targets_key_asset"}


def seeded(client: Client) -> Client:
    """Three hosts, two accounts, four detections, groups of all types."""
    client.seed(
        hosts=[
            host(
                id=41, threat=74, certainty=81, urgency_score=87, last_source="10.20.3.7",
                tags=["VAR Host Blocked", "x"],
                host_artifact_set=[{"type": "mac", "value": "02:00:5E:10:00:07", "source": "dhcp", "siem": False}],
                ldap={"dns_hostname": ["fin-lap-07.corp.test"]}, note="<b> & 'x'",
            ),
            host("lab-1", id=42, threat=80, certainty=20, urgency_score=40, tags=["lab-host"], state="inactive"),
            host("lab-2", id=43, threat=10, certainty=90, urgency_score=87, last_detection_timestamp="2020-01-01"),
        ],
        accounts=[
            {"id": 41, "name": "O365:jane@corp.test", "threat": 90, "certainty": 90, "urgency_score": 60, "tags": ["x"],
             "ldap": {"email": "jane@corp.test"}},
            {"name": "svc-backup@corp.test"},
        ],
        detections=[
            {"id": 9001, "detection_type": "Hidden HTTPS Tunnel", "detection_category": "command", "src_host": 41,
             "threat": 60, "certainty": 70, "summary": {"dst_ips": ["203.0.113.9"]}, "tags": ["block me"]},
            {"detection_type": "Port Scan", "detection_category": "reconnaissance", "src_host": 42, "state": "fixed"},
            {"detection_type": "Port Scan", "detection_category": "reconnaissance", "src_account": 41,
             "is_triaged": True, "last_timestamp": "2020-01-01T00:00:00Z"},
            {"detection_type": "Port Scan", "detection_category": "reconnaissance", "state": "inactive"},
        ],
        groups=[
            {"id": 5, "type": "host", "name": "NoBlock", "members": [41, 42]},
            {"id": 6, "type": "account", "name": "NoBlock", "members": ["svc-backup@corp.test"]},
            {"id": 7, "type": "ip", "name": "NoBlock-old", "members": ["203.0.113.9"]},
            {"id": 8, "type": "domain", "name": "Block", "members": ["bad.example"], "regex": ".*bad.*"},
        ],
    )  # fmt: skip
    return client


@pytest.fixture(scope="module")
def reader() -> Iterator[Client]:
    """One brain for all tests that only read."""
    with starting() as start:
        yield seeded(start())


@pytest.mark.parametrize(
    ("path", "query", "ids"),
    [
        ("hosts", {}, [41, 42, 43]),
        ("hosts", {"threat_gte": 74}, [41, 42]),
        ("hosts", {"threat_gte": 74, "certainty_gte": 81}, [41]),
        ("hosts", {"tags": "lab"}, [42]),
        ("hosts", {"tags": "var host, LAB-h"}, [41, 42]),
        ("hosts", {"tags": "nothing"}, []),
        ("hosts", {"state": "inactive"}, [42]),
        ("hosts", {"last_source": "10.20.3.7"}, [41]),
        ("hosts", {"last_source": "10.20.3"}, []),
        ("hosts", {"mac_address": "02:00:5e:10:00:07"}, [41]),
        ("hosts", {"mac_address": "02:00:5e"}, []),
        ("hosts", {"min_id": 42, "max_id": 42}, [42]),
        ("hosts", {"last_detection_timestamp_gte": "2026-01-01T00:00:00Z"}, [41, 42]),
        ("hosts", {"ordering": "-threat"}, [42, 41, 43]),
        ("accounts", {"tags": "x"}, [41]),
        ("accounts", {"uid": "corp.test"}, [41, 42]),
        ("detections", {"detection_type": "Port Scan", "state": "active"}, [9003]),
        ("detections", {"detection_category": "command"}, [9001]),
        ("detections", {"tags": "block"}, [9001]),
        ("detections", {"host_id": 41}, [9001]),
        ("detections", {"src_account": 41}, [9003]),
        ("detections", {"is_triaged": "True"}, [9003]),
        ("detections", {"last_timestamp_gte": "2025-01-01"}, [9001, 9002, 9004]),
        ("detections", {"id": "9001, 9004,7"}, [9001, 9004]),
        ("detections", {"threat_gte": 60, "certainty_gte": 70}, [9001]),
        ("entities", {"type": "account"}, [41, 42]),
        ("entities", {"type": "host", "ordering": "-urgency_score"}, [41, 43, 42]),
        ("entities", {"is_prioritized": "true"}, [41, 43, 41]),
        ("entities", {"tags": "x"}, [41, 41]),
        ("entities", {"name": "LAB"}, [42, 43]),
        ("entities", {"last_detection_timestamp_gte": "2026-01-01", "type": "host"}, [41, 42]),
        ("groups", {"type": "host"}, [5]),
        ("groups", {"name": "noblock"}, [5, 6, 7]),
        ("groups", {"host_ids": "42,77"}, [5]),
        ("groups", {"account_names": "svc-backup@corp.test"}, [6]),
        ("groups", {"is_regex": "true"}, [8]),
    ],
)
def test_list_with_parameters_has_exactly_what_matches(reader: Client, path: str, query: Any, ids: list[int]) -> None:
    assert reader.ids(path, **query) == ids
    assert reader.get(path, **query)["count"] == len(ids)


def test_tags_exact_by_option_is_no_substring_match(vectra: Start) -> None:
    client = seeded(vectra(tags_match="exact", uid_match="exact"))
    assert client.ids("hosts", tags="lab,x") == [41]
    assert client.ids("accounts", uid="jane@corp.test") == [41]
    assert client.ids("accounts", uid="corp.test") == []


def test_qux_accounts_take_scores_and_old_names(vectra: Start) -> None:
    client = seeded(vectra("2.5"))
    assert client.ids("accounts", threat_gte=90, certainty_gte=90) == [41]
    assert client.ids("hosts", t_score_gte=74, c_score_gte=81) == [41]
    assert client.call("GET", "detections", id="1").status_code == 422


@pytest.mark.parametrize("version", VERSIONS)
def test_detection_fields_follow_the_version(vectra: Start, version: str) -> None:
    client = seeded(vectra(version))
    detection = client.get("detections/9001")
    old = version in ("2.5", "3.3")
    assert detection.keys() & OLD_DETECTION_NAMES == (OLD_DETECTION_NAMES if old else set())
    assert detection["src_host"]["id"] == 41 and detection["src_host"]["groups"][0]["name"] == "NoBlock"
    assert (detection["src_account"], detection["threat"]) == (None, 60)
    assert client.get("detections", fields="detection_category,threat")["results"][0].keys() == {
        "detection_category",
        "threat",
    }
    assert client.call("GET", "detections", fields="category").status_code == (200 if old else 422)


def test_detection_closed_is_shown_as_such_from_35_on(vectra: Start) -> None:
    newest, older = seeded(vectra("3.5")), seeded(vectra("3.4"))
    assert newest.get("detections/9002")["state"] == "closed" and older.get("detections/9002")["state"] == "fixed"
    assert newest.ids("detections", state="closed") == newest.ids("detections", state="fixed") == [9002]
    assert newest.ids("detections", state="open") == [9001, 9003, 9004]
    assert older.call("GET", "detections", state="closed").status_code == 422


def test_host_item_has_all_names_and_what_hangs_on_it(vectra: Start) -> None:
    client = seeded(vectra("2.5"))
    item = client.get("hosts/41")
    assert (item["last_source"], item["ip"], item["severity"]) == ("10.20.3.7", "10.20.3.7", "Critical")
    assert {"key_asset", "is_key_asset", "targets_key_asset", "is_targeting_key_asset"} <= item.keys()
    assert item["detection_set"] == [f"{client.emulator.url}/api/v2.5/detections/9001"]
    assert item["groups"] == [{"id": 5, "name": "NoBlock", "type": "host"}]
    assert (item["tags"], item["note"]) == (["VAR Host Blocked", "x"], "&lt;b&gt; &amp; &#x27;x&#x27;")
    assert client.get("hosts")["results"][0] == item
    assert "ldap" not in item and "external" not in item
    with_ldap = client.get("hosts/41", include_ldap="true", fields="id")
    assert with_ldap == {"id": 41, "ldap": {"dns_hostname": ["fin-lap-07.corp.test"]}}
    assert client.get("hosts/41", include_external="true")["external"] is None
    assert client.call("GET", "hosts/44").status_code == 404


def test_account_item_directory_and_uid_follow_the_options(vectra: Start) -> None:
    plain, other = seeded(vectra()), seeded(vectra(account_directory="flat", account_uid="hide"))
    shown, hidden = plain.get("accounts/41"), other.get("accounts/41")
    assert (shown["uid"], shown["ldap"], "email" in shown) == ("jane@corp.test", {"email": "jane@corp.test"}, False)
    assert ("uid" in hidden, hidden["email"], hidden["ldap"]) == (False, "jane@corp.test", {"email": "jane@corp.test"})


@pytest.mark.parametrize("version", RUX)
def test_entity_needs_a_type_and_has_old_names_in_33_only(vectra: Start, version: str) -> None:
    client = seeded(vectra(version))
    old = version == "3.3"
    entity = client.get("entities/41", type="account")
    assert (entity["name"], entity["urgency_score"], entity["is_prioritized"]) == ("O365:jane@corp.test", 60, True)
    assert entity["url"].endswith(f"/api/v{version}/accounts/41")
    assert ("entity_importance" in entity, "entity_type" in entity) == (old, old)
    assert client.call("GET", "entities/41", entity_type="host").status_code == (200 if old else 422)
    assert client.call("GET", "entities/41").status_code == 422
    assert client.call("GET", "entities", fields="id").status_code == (422 if old else 200)


def test_entity_fields_can_be_left_out(vectra: Start) -> None:
    client = seeded(vectra())
    item = client.get("entities", exclude_fields="tags,url", type="host")["results"][0]
    assert {"tags", "url"}.isdisjoint(item) and item["id"] == 41
    assert client.get("entities", fields="id,tags", type="host")["results"][0] == {
        "id": 41,
        "tags": ["VAR Host Blocked", "x"],
    }


def test_pages_walked_by_next_give_everything_once(vectra: Start) -> None:
    client = vectra()
    client.seed(generate={"hosts": 25})
    url, seen = f"{client.emulator.url}/api/v3.4/hosts?page_size=10&ordering=-threat", []
    pages = []
    while url:
        page = client.http.get(url).json()
        pages.append(page)
        seen += [item["id"] for item in page["results"]]
        url = page["next"]
    assert (sorted(seen), len(pages), pages[0]["previous"]) == (list(range(1, 26)), 3, None)
    assert pages[2]["previous"].endswith("page=2") and pages[0]["count"] == 25


@pytest.mark.parametrize("page", ["4", "0", "-1", "x"])
def test_page_that_does_not_exist_is_404(vectra: Start, page: str) -> None:
    client = vectra()
    client.seed(generate={"hosts": 25})
    reply = client.call("GET", "hosts", page=page, page_size=10)
    assert (reply.status_code, reply.json()) == (404, {"detail": "Invalid page."})


def test_page_size_default_is_50_and_first_page_may_be_empty(vectra: Start) -> None:
    client = vectra()
    assert client.get("hosts", page=1) == {"count": 0, "next": None, "previous": None, "results": []}
    client.seed(generate={"hosts": 51})
    assert len(client.ids("hosts")) == 50


def test_group_members_have_the_form_of_their_type(vectra: Start) -> None:
    client = seeded(vectra())
    members = {group["id"]: group["members"] for group in client.get("groups")["results"]}
    url = f"{client.emulator.url}/api/v3.4/hosts/41"
    assert members[5][0] == {"id": 41, "name": "fin-lap-07", "is_key_asset": False, "url": url}
    assert (members[6], members[7], members[8]) == (
        [{"uid": "svc-backup@corp.test"}],
        ["203.0.113.9"],
        ["bad.example"],
    )
    assert client.get("groups/6")["name"] == "NoBlock"


def test_group_members_left_out_or_asked_for(vectra: Start) -> None:
    always, asked, older = seeded(vectra()), seeded(vectra(group_members="asked")), seeded(vectra("2.5"))
    assert "members" not in always.get("groups/5", include_members="false")
    assert "members" not in asked.get("groups/5")
    assert len(asked.get("groups", include_members="true")["results"][0]["members"]) == 2
    assert older.call("GET", "groups", include_members="true").status_code == 422
    assert "is_regex" not in older.get("groups/5") and len(older.get("groups/5")["members"]) == 2


def test_groups_bare_by_option_is_one_array_on_rux_only(vectra: Start) -> None:
    bare, qux = seeded(vectra(groups_reply="bare")), seeded(vectra("2.5", groups_reply="bare"))
    assert [group["id"] for group in bare.get("groups", page_size=1)] == [5, 6, 7, 8]
    assert qux.ids("groups") == [5, 6, 7, 8]


def test_scoring_events_are_read_by_checkpoint(vectra: Start) -> None:
    client = seeded(vectra())
    for entity, score in (({"host": 42}, 90), ({"host": 42}, 10), ({"account": 41}, 99), ({"host": 42}, 10)):
        client.admin("edit", {**entity, "urgency_score": score})
    first = client.get("events/entity_scoring", limit=1)
    assert [(event["type"], event["entity_id"], event["urgency_score"]) for event in first["events"]] == [
        ("host", 42, 90)
    ]
    assert (first["remaining_count"], first["next_checkpoint"]) == (1, 2)
    rest = client.get("events/entity_scoring", **{"from": 2})
    assert ([event["urgency_score"] for event in rest["events"]], rest["next_checkpoint"]) == ([99], 4)
    assert client.get("events/entity_scoring", **{"from": 4}) == {
        "events": [],
        "next_checkpoint": 4,
        "remaining_count": 0,
    }
    decreases = client.get("events/entity_scoring", include_score_decreases="true", type="host")
    assert [event["urgency_score"] for event in decreases["events"]] == [90, 10]


def test_lockdown_is_listed_until_its_time_is_over(vectra: Start) -> None:
    client = seeded(vectra())
    client.admin("edit", [{"host": 41, "lockdown_hours": 2}, {"account": 41, "lockdown_hours": 1}])
    assert [lock["entity_name"] for lock in client.get("lockdown", type="host")] == ["fin-lap-07"]
    assert len(client.get("lockdown")) == 2
    client.admin("clock", {"advance": 3600})
    assert [lock["type"] for lock in client.get("lockdown")] == ["host"]
    client.admin("edit", {"host": 41, "lockdown_hours": None})
    assert client.get("lockdown") == []


def test_cost_counts_reads_writes_and_tokens_of_a_cycle(vectra: Start) -> None:
    client = seeded(vectra())
    before = client.emulator.cost()["last"]
    client.sign_in()
    client.get("hosts", page_size=5000)
    client.get("groups")
    client.call("PATCH", "tagging/host/41", {"tags": []})
    cost = client.emulator.cost(before)
    assert (cost["reads"], cost["writes"], cost["tokens"]) == (2, 1, 1)
    assert client.emulator.cost(cost["last"])["reads"] == 0


@pytest.mark.slow
def test_hundred_thousand_hosts_are_seeded_in_seconds_and_read_fast(vectra: Start) -> None:
    # Processor time, of the emulator too: the time on the clock would measure what else this machine does.
    client = vectra()
    started = time.process_time()
    assert client.seed(generate={"hosts": 100_000})["hosts"] == 100_000
    assert time.process_time() - started < 20
    queries = (
        {"page": 20},
        {"tags": "block,VAR Host Blocked"},
        {"threat_gte": 90, "certainty_gte": 90},
        {"min_id": 99_000},
    )
    for query in queries:
        started = time.process_time()
        assert client.get("hosts", page_size=5000, **query)["count"] >= 0
        # Many times what it takes on an idle machine: a scan of objects would still be slower.
        assert time.process_time() - started < 2
