"""Several instances on one XSOAR: each keeps what it knows apart, and none undoes what another did."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from CortexXDRIOC import (
    fetch_indicators_command,
    iso_from_ms,
    load_memory,
    owner_label,
    run_command,
    settings_from_params,
    without_owner,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import PARAMS, Clock, FakeXdr, FakeXsoar, World, expires_ms

FIELD = "sourceoriginalseverity"
VALUES = ["10.0.0.0", "10.0.0.1"]
KNOWN = {"override_severity": "false", "xsoar_comments_field": "notes"}


class Hub:
    """One XSOAR, and instances by label, each with a tenant of its own unless `xdr` is given."""

    def __init__(self, *labels: str, shows_own: bool = False, one_tenant: bool = False, **params: Any) -> None:
        self.clock = Clock()
        self.xsoar = FakeXsoar(self.clock)
        self.worlds: dict[str, World] = {}
        shared = FakeXdr(self.clock, None, shows_own)
        for label in labels:
            world = World(source_label=label, **{**KNOWN, **params})
            world.clock, world.xsoar = self.clock, self.xsoar.beside(label)
            world.xdr = shared if one_tenant else FakeXdr(self.clock, None, shows_own)
            world.settings = replace(world.settings, instance=label)
            self.worlds[label] = world
        for value in VALUES:
            self.xsoar.add(value)

    def fetch(self, *labels: str, times: int = 1) -> None:
        for _ in range(times):
            for label in labels or tuple(self.worlds):
                self.clock.advance(200)
                fetch_indicators_command(self.worlds[label].sync())

    def xdr(self, label: str) -> FakeXdr:
        return self.worlds[label].xdr

    def rule(self, label: str, value: str = VALUES[0]) -> dict[str, Any]:
        return self.xdr(label).rules[value]

    def fields(self, value: str = VALUES[0]) -> dict[str, Any]:
        found: dict[str, Any] = self.xsoar.by_value(value)["CustomFields"]
        return found

    def memory(self, label: str, value: str = VALUES[0]) -> dict[str, Any]:
        found = load_memory(self.fields(value), label)
        assert found is not None
        return found

    def run(self, label: str, command: str, **args: Any) -> Any:
        return run_command(command, self.worlds[label].sync(), args, lambda: pytest.fail("no file was wanted"))

    def moved(self) -> tuple[Any, ...]:
        """Changes when anything does."""
        return (*(world.xdr.writes() for world in self.worlds.values()), str(self.xsoar.docs))


@pytest.fixture
def hub() -> Hub:
    made = Hub("a", "b")
    made.fetch()
    return made


# ---- the parameter


@pytest.mark.parametrize("label", ["a,b", "a:b", "a/b", "x" * 33, "ä", "a\nb"])
def test_label_with_other_characters_is_refused_by_name_and_value(label: str) -> None:
    with pytest.raises(ValueError, match=r"'source_label' \(Source Label\)") as caught:
        settings_from_params({**PARAMS, "source_label": label})
    assert repr(label) in str(caught.value)


@pytest.mark.parametrize("label", ["", "a", "EMEA 1", "x.y_z-1", "x" * 32])
def test_label_is_taken_as_it_is(label: str) -> None:
    assert settings_from_params({**PARAMS, "source_label": f" {label} "}).label == label


def test_label_that_changes_starts_the_sync_anew_and_none_leaves_it_alone() -> None:
    plain = settings_from_params(PARAMS)
    marks = {settings_from_params({**PARAMS, "source_label": label}).query_mark for label in ("", "a", "b")}
    assert len(marks) == 3 and plain.query_mark in marks
    world = World()
    world.xsoar.add(VALUES[0])
    fetch_indicators_command(world.sync())
    world.settings = replace(world.settings, label="a")
    fetch_indicators_command(world.sync())
    assert world.xsoar.state()["epoch"] == 2
    assert owner_label(world.xdr.rules[VALUES[0]]["comment"]) == "a"


# ---- what the label is for


def test_every_ioc_names_its_owner_and_xsoar_does_not_see_that(hub: Hub) -> None:
    assert [owner_label(hub.rule(label)["comment"]) for label in "ab"] == ["a", "b"]
    hub.xdr("a").operate(VALUES[0], comment=f"noisy, {hub.rule('a')['comment']}")
    hub.fetch(times=2)
    assert hub.fields()["notes"] == hub.fields()["xdrioccomment"] == "noisy"
    assert hub.rule("b")["comment"] == "noisy, xsoar:b"


def test_owner_that_an_operator_removed_comes_back_with_the_next_news(hub: Hub) -> None:
    hub.xdr("a").operate(VALUES[0], comment="mine")
    hub.fetch(times=2)
    hub.xsoar.feed(VALUES[0], **{FIELD: "low"})
    hub.fetch(times=2)
    assert hub.rule("a")["comment"] == "mine, xsoar:a"
    hub.xsoar.edit(VALUES[0], notes="")
    hub.fetch(times=2)
    assert [hub.rule(label)["comment"] for label in "ab"] == ["xsoar:a", "xsoar:b"]


def test_comment_as_tags_has_the_owner_as_one_of_them() -> None:
    hub = Hub("a", comments_as_tags="true")
    hub.xsoar.feed(VALUES[0], notes="one,two")
    hub.fetch()
    assert hub.rule("a")["comment"] == "one, two, xsoar:a"
    hub.xdr("a").operate(VALUES[0], comment="one, xsoar:a, three")
    hub.fetch()
    assert hub.fields()["notes"] == ["one", "three"]


@pytest.mark.parametrize(("way", "key"), [("disable", "disabled"), ("operator", "disabled"), ("delete", "deleted")])
def test_status_of_one_tenant_stays_there(hub: Hub, way: str, key: str) -> None:
    if way == "operator":
        hub.xdr("a").operate(VALUES[0], status="DISABLED")
    else:
        hub.run("a", f"xdr-iocs-{way}", indicator=VALUES[0])
    hub.fetch(times=3)
    assert hub.rule("b")["status"] == "ENABLED" and not hub.rule("b").get("deleted")
    assert hub.rule("a")["status"] == "DISABLED" or hub.rule("a")["deleted"]
    assert "xdriocstatus" not in hub.fields()
    assert hub.fields()["xdrioctenants"] == [f"a: {key}"]
    hub.xsoar.feed(VALUES[0], **({} if key == "deleted" else {FIELD: "low"}), sightings=1)
    hub.fetch(times=3)
    assert (hub.rule("a")["status"], bool(hub.rule("a").get("deleted"))) == (
        ("DISABLED", False) if key == "disabled" else ("ENABLED", True)
    )
    if key == "disabled":
        assert {hub.rule(label)["severity"] for label in "ab"} == {"LOW"}
        hub.run("b", "xdr-iocs-disable", indicator=VALUES[0])
        hub.run("a", "xdr-iocs-enable", indicator=VALUES[0])
        assert hub.fields()["xdrioctenants"] == ["a: enabled", "b: disabled"]
        hub.fetch(times=2)
        assert [hub.rule(label)["status"] for label in "ab"] == ["ENABLED", "DISABLED"]


def test_status_field_is_a_wish_for_every_tenant(hub: Hub) -> None:
    hub.xdr("a").operate(VALUES[0], status="DISABLED")
    hub.fetch(times=2)
    for wish in ("disabled", "enabled"):
        hub.xsoar.edit(VALUES[0], xdriocstatus=wish)
        hub.fetch(times=2)
        assert [hub.rule(label)["status"] for label in "ab"] == [wish.upper()] * 2
    hub.xdr("b").operate(VALUES[0], status="DISABLED")
    hub.fetch(times=3)
    assert [hub.rule(label)["status"] for label in "ab"] == ["ENABLED", "DISABLED"]
    assert hub.fields()["xdriocstatus"] == "enabled"


def test_ioc_deleted_in_one_tenant_comes_back_there_when_it_changes(hub: Hub) -> None:
    hub.xdr("a").operate(VALUES[0], deleted=True)
    hub.fetch(times=2)
    assert hub.fields()["xdrioctenants"] == ["a: deleted"]
    hub.xsoar.feed(VALUES[0], **{FIELD: "low"})
    hub.fetch(times=2)
    assert not hub.rule("a").get("deleted") and hub.fields()["xdrioctenants"] == ["a: enabled"]


def test_push_by_name_keeps_what_is_disabled_in_this_tenant_only(hub: Hub) -> None:
    hub.xdr("a").operate(VALUES[0], status="DISABLED", severity="LOW")
    hub.fetch(times=2)
    hub.run("a", "xdr-iocs-push", indicator=VALUES[0], severity="critical")
    hub.run("b", "xdr-iocs-push", indicator=VALUES[0])
    hub.fetch(times=2)
    assert (hub.rule("a")["status"], hub.rule("a")["severity"]) == ("DISABLED", "CRITICAL")
    assert (hub.rule("b")["status"], hub.rule("b")["severity"]) == ("ENABLED", "LOW")


def test_push_by_name_says_that_the_ioc_is_disabled_and_so_does_what_follows(hub: Hub) -> None:
    hub.xdr("a").operate(VALUES[0], status="DISABLED", severity="LOW")
    hub.fetch(times=2)
    hub.run("a", "xdr-iocs-push", indicator=VALUES[0])
    assert hub.xdr("a").inserted()[-1]["status"] == "DISABLED"
    hub.xsoar.feed(VALUES[0], **{FIELD: "critical"})
    hub.fetch("a")
    sent = hub.xdr("a").inserted()[-1]
    assert (sent["status"], sent["severity"]) == ("DISABLED", "CRITICAL")


def test_edit_in_one_tenant_reaches_the_others_once_and_stops(hub: Hub) -> None:
    before = hub.xdr("a").writes(), hub.xdr("b").writes()
    hub.xdr("a").operate(VALUES[0], severity="LOW", comment="why", expiration_date=1_900_000_000_000)
    hub.fetch(times=5)
    assert hub.xdr("a").writes() == before[0] and hub.xdr("b").writes() == before[1] + 1
    assert (hub.rule("b")["severity"], without_owner(hub.rule("b")["comment"])) == ("LOW", "why")
    assert hub.rule("b")["expiration_date"] == 1_900_000_000_000 == expires_ms(hub.xsoar.by_value(VALUES[0]))


def test_reason_of_a_disabled_ioc_names_the_tenant_and_stays_when_another_is_enabled(hub: Hub) -> None:
    hub.xdr("a").operate(VALUES[0], status="DISABLED", hits=6000)
    hub.xdr("b").operate(VALUES[0], comment="in force", hits=3)
    hub.fetch(times=2)
    assert hub.fields()["xdriocdisabledreason"].startswith("a: probably by Cortex XDR itself")
    hub.xdr("a").operate(VALUES[0], status="ENABLED")
    hub.fetch()
    assert hub.fields()["xdriocdisabledreason"] == "not disabled"


def test_vote_of_an_instance_is_its_own() -> None:
    hub = Hub("a", "b")
    hub.fetch()
    hub.xdr("a").operate(VALUES[0], reputation="SUSPICIOUS")
    hub.xdr("b").operate(VALUES[0], comment="x")
    hub.fetch(times=2)
    votes = {name: feed["score"] for name, feed in hub.xsoar.by_value(VALUES[0])["moduleToFeedMap"].items()}
    assert votes == {"a": 2, "b": 0}


def only(value: str) -> Callable[[Mapping[str, Any]], bool]:
    """A Sync Query that finds one indicator."""
    return lambda doc: bool(doc["value"] == value)


def test_removal_of_one_instance_leaves_what_the_other_sent() -> None:
    removal: dict[str, Any] = {"removal_policy": "disable", "removal_cap_percent": "100", "removal_interval_hours": "1"}
    hub = Hub("a", "b", one_tenant=True, **removal)
    for label, value in zip("ab", VALUES, strict=True):
        hub.worlds[label].xsoar.matches = only(value)
    hub.fetch(times=12)
    assert [hub.rule("a", value)["status"] for value in VALUES] == ["ENABLED", "ENABLED"]
    hub.xsoar.add("10.9.9.9")
    hub.worlds["a"].xsoar.matches = only("10.9.9.9")
    hub.fetch(times=12)
    assert [hub.rule("a", value)["status"] for value in VALUES] == ["DISABLED", "ENABLED"]


# ---- memories


def test_memory_of_before_labels_is_kept_under_no_label_and_used_by_nobody_else() -> None:
    hub = Hub("", "a")
    old = {"v": 1, "theirs": {"t": 1, "severity": "LOW", "status": "DISABLED"}, "base": {}, "manual": False}
    hub.xsoar.feed(VALUES[0], xdriocstate=json.dumps(old))
    hub.fetch("a")
    assert hub.rule("a")["status"] == "ENABLED"
    hub.xdr("a").operate(VALUES[0], severity="INFO")
    hub.fetch("a")
    noted = json.loads(hub.fields()["xdriocstate"])
    assert (noted["v"], set(noted["of"])) == (2, {"", "a"})
    assert noted["of"][""] == {name: old[name] for name in ("theirs", "base", "manual")}
    assert load_memory(hub.fields(), "b") is None


def interrupt(xsoar: FakeXsoar, at: int, what: Callable[[], None]) -> None:
    """Do something when this instance makes its call number `at`."""
    step, left = xsoar.wire.step, [at]

    def stepped(name: str) -> None:
        step(name)
        left[0] -= 1
        if left[0] == 0:
            what()

    xsoar.wire.step = stepped  # type: ignore[method-assign]


@pytest.mark.parametrize("at", range(1, 26))
def test_two_instances_that_write_at_once_lose_no_memory(at: int) -> None:
    hub = Hub("a", "b")
    hub.fetch()
    for label, severity in (("a", "LOW"), ("b", "MEDIUM")):
        for value in VALUES:
            hub.xdr(label).operate(value, severity=severity, status="DISABLED", comment=f"of {label}")
    interrupt(hub.worlds["a"].xsoar, at, lambda: fetch_indicators_command(hub.worlds["b"].sync()))
    hub.fetch("a")
    hub.fetch(times=3)
    for value in VALUES:
        assert hub.fields(value)["xdrioctenants"] == ["a: disabled", "b: disabled"]
        for label in "ab":
            assert hub.memory(label, value)["theirs"]["status"] == "DISABLED"
            assert hub.rule(label, value)["severity"] == str(hub.fields(value)[FIELD]).upper()
    before = hub.moved()
    hub.fetch(times=2)
    assert hub.moved() == before


def test_what_another_instance_noted_while_this_one_was_thinking_stays() -> None:
    hub = Hub("a", "b")
    hub.fetch()
    for label in "ab":
        hub.xdr(label).operate(VALUES[0], status="DISABLED")
    sync = hub.worlds["a"].sync()
    plan = sync.inbound_plan

    def slowly(rows: Any) -> Any:
        made = plan(rows)
        hub.fetch("b")
        return made

    sync.inbound_plan = slowly  # type: ignore[method-assign]
    fetch_indicators_command(sync)
    assert [hub.memory(label)["theirs"]["status"] for label in "ab"] == ["DISABLED", "DISABLED"]
    assert hub.fields()["xdrioctenants"] == ["a: disabled", "b: disabled"]


def test_instance_that_is_overwritten_by_an_old_copy_finds_it_and_writes_again() -> None:
    hub = Hub("a", "b")
    hub.fetch()
    hub.xdr("a").operate(VALUES[0], status="DISABLED")
    stale = dict(hub.fields())
    create, once = hub.worlds["a"].xsoar.create, [True]

    def overwritten(items: list[dict[str, Any]]) -> None:
        create(items)
        if once:
            once.clear()
            hub.xsoar.by_value(VALUES[0])["CustomFields"] = stale

    hub.worlds["a"].xsoar.create = overwritten  # type: ignore[method-assign]
    hub.fetch("a")
    assert hub.memory("a")["theirs"]["status"] == "DISABLED"


def test_memory_that_was_lost_after_the_look_is_found_by_the_next_run() -> None:
    hub = Hub("a", "b")
    hub.fetch()
    stale = dict(hub.fields())
    for value in VALUES:
        hub.xdr("a").operate(value, status="DISABLED")
        hub.clock.advance(100)
    hub.fetch("a")
    hub.xsoar.by_value(VALUES[0])["CustomFields"] = stale
    hub.fetch("a")
    assert hub.memory("a")["theirs"]["status"] == "DISABLED"
    assert hub.fields()["xdrioctenants"] == ["a: disabled"]
    assert hub.worlds["a"].xsoar.state()["inbound"]["rows"] == 2


# ---- whatever happens, it comes to rest


@st.composite
def events(draw: st.DrawFn, labels: str) -> tuple[Any, ...]:
    """A run of an instance, a change in a tenant, or one in XSOAR."""
    where = draw(st.sampled_from(["fetch", "hub", *labels]))
    if where == "fetch":
        return where, draw(st.sampled_from(labels))
    name = draw(st.sampled_from(["severity", "comment", "status", "expiration", "reputation", "deleted"]))
    contents: dict[str, list[Any]] = {
        "severity": ["low", "medium", "critical"],
        "comment": ["one", "two", "a, b"],
        "status": ["enabled", "disabled"],
        "expiration": [1_900_000_000_000, 1_950_000_000_000],
        "reputation": ["GOOD", "SUSPICIOUS"],
        "deleted": [True],
    }
    return where, draw(st.sampled_from(VALUES)), name, draw(st.sampled_from(contents[name]))


def happen(hub: Hub, event: tuple[Any, ...]) -> None:
    hub.clock.advance(30)
    if event[0] == "fetch":
        hub.fetch(event[1])
        return
    where, value, name, content = event
    # No moment comes twice, see the suite of the sync.
    content = content + int(hub.clock.seconds) * 1000 if name == "expiration" else content
    if where == "hub":
        names = {"severity": FIELD, "comment": "notes", "status": "xdriocstatus"}
        if name == "expiration":
            hub.xsoar.feed(value, expiration=iso_from_ms(content))
        elif name in names:
            hub.xsoar.feed(value, **{names[name]: content})
        return
    rules = hub.xdr(where).rules
    if value in rules and not rules[value].get("deleted"):
        keys = {"expiration": "expiration_date"}
        upper = content.upper() if name in ("severity", "status") else content
        hub.xdr(where).operate(value, **{keys.get(name, name): upper})


def come_to_rest(hub: Hub, rounds: int) -> None:
    """After some rounds nothing moves any more, and not much moved until then."""
    pushed = sum(len(world.xdr.inserted()) for world in hub.worlds.values())
    hub.fetch(times=rounds)
    before = hub.moved()
    hub.fetch(times=2)
    assert hub.moved() == before
    after = sum(len(world.xdr.inserted()) for world in hub.worlds.values())
    assert after - pushed <= len(VALUES) * len(hub.worlds) * rounds


def assert_agree(hub: Hub) -> None:
    for value in VALUES:
        doc, fields = hub.xsoar.by_value(value), hub.fields(value)
        for label in hub.worlds:
            rule, memory = hub.rule(label, value), load_memory(fields, label)
            status = "DELETED" if rule.get("deleted") else rule["status"]
            if memory:
                assert memory["theirs"]["status"] == status
                assert f"{label}: {status.lower()}" in fields["xdrioctenants"]
            else:
                assert not [entry for entry in fields.get("xdrioctenants", ()) if entry.startswith(f"{label}:")]
            if status == "DELETED":
                continue
            assert without_owner(rule["comment"]) == fields.get("notes", "")
            assert rule["severity"] == (fields.get(FIELD) or "high").upper()
            assert rule["expiration_date"] == expires_ms(doc)


@pytest.mark.parametrize("shows_own", [False, True])
@pytest.mark.parametrize("labels", ["ab", "abc"])
@hypothesis_settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_edits_in_several_tenants_settle_and_agree(shows_own: bool, labels: str, data: st.DataObject) -> None:
    hub = Hub(*labels, shows_own=shows_own)
    hub.fetch()
    for event in data.draw(st.lists(events(labels), max_size=14)):
        happen(hub, event)
    come_to_rest(hub, rounds=4)
    assert_agree(hub)


@pytest.mark.parametrize("shows_own", [False, True])
@pytest.mark.parametrize("severities", [("high", "high"), ("high", "low")])
@hypothesis_settings(max_examples=40, deadline=None)
@given(happened=st.lists(events("ab"), max_size=14))
def test_two_instances_on_one_tenant_do_not_fight(
    shows_own: bool, severities: tuple[str, str], happened: list[tuple[Any, ...]]
) -> None:
    """Even with the same Sync Query and different parameters, which the manual advises against."""
    hub = Hub("a", "b", shows_own=shows_own, one_tenant=True, override_severity="true")
    for label, severity in zip("ab", severities, strict=True):
        world = hub.worlds[label]
        world.settings = replace(world.settings, severity=severity.upper())
    hub.fetch()
    for event in happened:
        happen(hub, event)
    come_to_rest(hub, rounds=5)
