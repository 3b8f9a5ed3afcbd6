"""Tests for `warroom.store.records`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from warroom.store import Entry, Instance, StaleVersion, Store, StoreError, VersionedContext

XDR = Instance("id-1", "xdr", "CortexXDRIOC", params={"url": "x", "n": 1}, secrets={"apikey": {"kind": "keyring"}})


def entry(number: int, **more: Any) -> Entry:
    contents = [{"Type": 1, "Contents": f"é {number}"}]
    first = Entry(f"e{number}", "2024-03-09T16:00:00Z", "xdr", "B", "!x", {"a": 1}, "ok", 0.5, contents)
    return replace(first, **more)


# --- contexts ---


def test_context_never_written_is_empty_with_version_0(store: Store) -> None:
    assert store.contexts.read("id-1") == VersionedContext({}, 0)


def test_context_write_moves_the_version(store: Store) -> None:
    assert store.contexts.write("id-1", {"a": "1"}, 0) == 1
    assert store.contexts.write("id-1", {"b": {"n": 2**70}}, 1) == 2
    assert store.contexts.read("id-1") == VersionedContext({"b": {"n": 2**70}}, 2)


def test_context_stale_write_changes_nothing(store: Store) -> None:
    store.contexts.write("id-1", {"a": "1"})
    for version in (0, 2, -2):
        with pytest.raises(StaleVersion, match=f"version {version} is stale, stored is 1"):
            store.contexts.write("id-1", {"a": "2"}, version)
    assert store.contexts.read("id-1") == VersionedContext({"a": "1"}, 1)
    assert issubclass(StaleVersion, ValueError)


def test_context_minus_one_overwrites(store: Store) -> None:
    store.contexts.write("id-1", {"a": "1"}, 0)
    assert store.contexts.write("id-1", {"a": "2"}, -1) == 2


@pytest.mark.parametrize("content", [{"a": object()}, {"a": float("nan")}])
def test_context_that_is_not_json_is_refused_by_name(store: Store, content: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="context of id-1"):
        store.contexts.write("id-1", content)
    assert store.contexts.read("id-1").version == 0


def test_last_runs_are_kept_by_instance_and_kind(store: Store) -> None:
    store.last_runs.write("id-1", {"ts": "1"})
    store.last_runs.write("id-1", {"ts": "2"}, kind="mirror")
    assert store.last_runs.read("id-1") == {"ts": "1"}
    assert store.last_runs.read("id-1", kind="mirror") == {"ts": "2"}
    assert store.last_runs.read("id-2") == {}


# --- instances ---


def test_instance_comes_back_as_given(store: Store) -> None:
    added = store.instances.add(XDR)
    assert added == replace(XDR, created="2024-03-09T16:00:00.000000Z")
    assert store.instances.get("XDR") == added and store.instances.list() == [added]


def test_instance_name_or_id_taken_is_refused(store: Store) -> None:
    store.instances.add(XDR)
    store.instances.add(replace(XDR, id="id-2", name="other"))
    for taken in (replace(XDR, id="id-3", name="Xdr"), replace(XDR, name="third")):
        with pytest.raises(StoreError, match="already an instance"):
            store.instances.add(taken)
    with pytest.raises(StoreError, match="already an instance 'xdr'"):
        store.instances.update(replace(XDR, id="id-2"))


def test_instance_update_keeps_created(store: Store) -> None:
    created = store.instances.add(XDR).created
    store.instances.update(replace(XDR, enabled=False, params={}, created="else"))
    assert store.instances.get("xdr") == replace(XDR, enabled=False, params={}, created=created)
    with pytest.raises(StoreError, match="no instance 'ghost'"):
        store.instances.update(replace(XDR, id="id-9", name="ghost"))


def test_instance_remove_takes_its_state_along(store: Store) -> None:
    store.instances.add(XDR)
    store.contexts.write("id-1", {"a": "1"})
    store.last_runs.write("id-1", {"ts": "1"})
    assert store.instances.remove("xdr") and not store.instances.remove("xdr")
    assert store.contexts.read("id-1").version == 0 and store.last_runs.read("id-1") == {}


# --- war room, lists, settings, incidents ---


def test_entries_last_gives_the_newest_in_order(store: Store) -> None:
    for number in range(5):
        store.entries.add(entry(number))
    assert store.entries.last(2) == [entry(3), entry(4)]
    assert store.entries.last(0) == [] and len(store.entries.last(10_000_000)) == 5
    assert store.entries.get("e1") == entry(1) and store.entries.get("e9") is None


def test_entries_taken_id_is_refused(store: Store) -> None:
    store.entries.add(entry(1))
    with pytest.raises(StoreError, match="'e1'"):
        store.entries.add(entry(1))


def test_lists_hold_text(store: Store) -> None:
    store.lists.set("a", "x\ny")
    store.lists.set("a", "z")
    assert (store.lists.get("a"), store.lists.get("b"), store.lists.list()) == ("z", None, ["a"])
    assert store.lists.remove("a") and not store.lists.remove("a")


def test_settings_hold_json(store: Store) -> None:
    store.settings.set("paths", ["a", {"b": None}])
    assert store.settings.get("paths") == ["a", {"b": None}]
    assert (store.settings.get("none"), store.settings.get("none", 7)) == (None, 7)


def test_incidents_get_ids_and_can_be_changed(store: Store) -> None:
    created = store.incidents.create([{"name": "one", "severity": 2}, {"name": "two", "id": "99"}], "xdr")
    assert [(one["id"], one["name"], one["sourceInstance"]) for one in created] == [
        ("1", "one", "xdr"),
        ("2", "two", "xdr"),
    ]
    changed = store.incidents.update("1", {"severity": 3, "id": "7"})
    assert (changed["severity"], changed["id"]) == (3, "1") and store.incidents.get("1") == changed
    assert [one["id"] for one in store.incidents.list()] == ["2", "1"]
    assert [one["id"] for one in store.incidents.list(size=1, page=1)] == ["1"]
    assert store.incidents.get("x") is None


def test_incidents_without_name_are_refused_together(store: Store) -> None:
    with pytest.raises(StoreError, match="name"):
        store.incidents.create([{"name": "one"}, {}], "xdr")
    assert store.incidents.list() == []
    with pytest.raises(StoreError, match="no incident '5'"):
        store.incidents.update("5", {})


def test_atomic_joins_parts_of_the_store(store: Store) -> None:
    def fail() -> None:
        with store.atomic():
            store.contexts.write("id-1", {"a": "1"})
            store.lists.set("a", "x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.contexts.read("id-1").version == 0 and store.lists.get("a") is None
