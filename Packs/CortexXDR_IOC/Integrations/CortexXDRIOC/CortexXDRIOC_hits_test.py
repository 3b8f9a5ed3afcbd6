"""What Cortex XDR says of hits: to the fields of an indicator, and never back."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from CortexXDRIOC import NOT_DISABLED, run_command

sys.path.append(str(Path(__file__).parent))
from CortexXDRIOC_fakes_test import Api, FakeXdr, World


def run(world: World, command: str, client: Any = None, **args: Any) -> Any:
    return run_command(command, world.sync(client=client), args, lambda: pytest.fail("no file was wanted"))


def fetch(world: World) -> None:
    run(world, "fetch-indicators")
    world.clock.advance(600)


def synced(count: int = 3, shows_own: bool = False, **params: Any) -> World:
    world = World(shows_own, **params)
    world.add_many(count)
    fetch(world)
    fetch(world)
    return world


def fields(world: World, value: str = "10.0.0.1") -> dict[str, Any]:
    return dict(world.xsoar.by_value(value)["CustomFields"])


@pytest.mark.parametrize("shows_own", [False, True])
def test_hits_alone_change_the_field_only_and_nothing_is_sent(shows_own: bool) -> None:
    world = synced(shows_own=shows_own)
    before, writes = world.xsoar.by_value("10.0.0.1"), world.xdr.writes()
    before = {name: content for name, content in before.items() if name not in ("modified", "moduleToFeedMap")}
    for hits in (3, 3, 8):
        world.xdr.operate("10.0.0.1", hits=hits)
        fetch(world)
        fetch(world)
    after = dict(world.xsoar.by_value("10.0.0.1"))
    custom = after["CustomFields"]
    assert custom.pop("xdriochits") == 8 and json.loads(custom.pop("xdriocstate"))
    assert {name: after[name] for name in before} == before
    assert world.xdr.writes() == writes


def test_hits_that_were_read_once_are_not_written_again_by_the_look_back() -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", hits=3)
    fetch(world)
    created = len(world.xsoar.created)
    for _ in range(3):
        fetch(world)
    assert len(world.xsoar.created) == created


def test_hits_after_a_memory_exists_leave_what_it_says_alone() -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", comment="noisy", severity="LOW")
    fetch(world)
    memory = json.loads(fields(world)["xdriocstate"])["of"][""]
    world.xdr.operate("10.0.0.1", hits=12)
    fetch(world)
    after = json.loads(fields(world)["xdriocstate"])["of"][""]
    assert fields(world)["xdriochits"] == after["theirs"]["hits"] == 12
    assert {**memory["theirs"], "hits": 12} == {**after["theirs"], "t": memory["theirs"]["t"]}
    assert memory["base"] == after["base"]


def test_unsent_change_in_xsoar_goes_out_although_hits_came_in() -> None:
    world = synced()
    world.xsoar.edit("10.0.0.1", comments="from here")
    world.xdr.operate("10.0.0.1", hits=2)
    fetch(world)
    assert world.xdr.rules["10.0.0.1"]["comment"] == "from here" and fields(world)["xdriochits"] == 2
    world.xsoar.edit("10.0.0.1", comments="again")
    fetch(world)
    assert world.xdr.rules["10.0.0.1"]["comment"] == "again"


@pytest.mark.parametrize(
    ("hits", "words"),
    [
        (5000, "probably by Cortex XDR itself"),
        (4999, "by an operator or Cortex XDR itself"),
        (0, "by an operator or Cortex XDR itself"),
    ],
)
def test_disabled_by_nobody_of_us_tells_why_and_enabled_again_takes_it_back(hits: int, words: str) -> None:
    world = synced()
    world.xdr.operate("10.0.0.1", hits=hits, status="DISABLED", comment="too noisy")
    fetch(world)
    reason = fields(world)["xdriocdisabledreason"]
    assert reason.startswith(words) and f"{hits:,} hits" in reason and len(reason) < 250
    assert ("too noisy" in reason) == (hits < 5000)
    world.xdr.operate("10.0.0.1", hits=hits + 1)
    fetch(world)
    assert fields(world)["xdriocdisabledreason"] == reason
    world.xdr.operate("10.0.0.1", status="ENABLED")
    fetch(world)
    assert fields(world)["xdriocdisabledreason"] == NOT_DISABLED


@pytest.mark.parametrize("shows_own", [False, True])
def test_disabled_from_xsoar_has_no_reason(shows_own: bool) -> None:
    world = synced(shows_own=shows_own)
    run(world, "xdr-iocs-disable", indicator="10.0.0.1")
    world.xsoar.edit("10.0.0.2", xdriocstatus="disabled")
    fetch(world)
    world.xdr.operate("10.0.0.1", hits=5)
    world.xdr.operate("10.0.0.2", hits=5)
    fetch(world)
    for value in ("10.0.0.1", "10.0.0.2"):
        assert world.xdr.rules[value]["status"] == "DISABLED"
        assert "xdriocdisabledreason" not in fields(world, value) and fields(world, value)["xdriochits"] == 5


def test_command_reads_back_those_named_and_notes_it_without_an_echo() -> None:
    world = synced()
    world.xdr.rules["10.0.0.1"] |= {"hits": 7}
    world.xdr.operate("only-there.example", "DOMAIN_NAME", hits=1)
    result = run(world, "xdr-iocs-hits", indicator="10.0.0.1,10.0.0.2,only-there.example,nowhere.example")
    rows = {row["indicator"]: (row["hits"], row["more"], row["in_xsoar"]) for row in result.outputs}
    assert rows == {"10.0.0.1": (7, 7, True), "10.0.0.2": (0, 0, True), "only-there.example": (1, 1, False)}
    assert [row["hits"] for row in result.outputs] == [7, 1, 0]
    assert "Not in Cortex XDR: nowhere.example" in result.readable_output
    assert result.to_context()["IndicatorTimeline"] == [
        {
            "Value": "10.0.0.1",
            "Category": "Integration Update",
            "Message": "Cortex XDR found it 7 times more, 7 hits in all",
        }
    ]
    assert fields(world)["xdriochits"] == 7 and "xdriochits" not in fields(world, "10.0.0.2")
    sent = len(world.xdr.inserted())
    fetch(world)
    assert len(world.xdr.inserted()) == sent
    again = run(world, "xdr-iocs-hits", indicator="10.0.0.1")
    assert again.outputs[0]["more"] == 0 and again.indicators_timeline is None


def test_command_for_a_record_that_differs_lets_the_next_fetch_send_it() -> None:
    world = synced()
    world.xdr.rules["10.0.0.1"] |= {"hits": 7}
    world.xsoar.edit("10.0.0.1", comments="unsent")
    run(world, "xdr-iocs-hits", indicator="10.0.0.1")
    fetch(world)
    assert (world.xdr.rules["10.0.0.1"]["comment"], fields(world)["xdriochits"]) == ("unsent", 7)


def test_command_without_names_lists_those_with_hits_by_limit_or_page() -> None:
    world = synced(9)
    for number in range(6):
        world.xdr.rules[f"10.0.0.{number}"] |= {"hits": number + 1}

    def shown(**args: Any) -> list[str]:
        return [row["indicator"] for row in run(world, "xdr-iocs-hits", **args).outputs]

    assert shown() == [f"10.0.0.{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert shown(limit="2") == ["10.0.0.1", "10.0.0.0"]
    assert shown(page="2", page_size="4") == ["10.0.0.5", "10.0.0.4"]
    assert shown(page="9", page_size="4") == []
    for name, value in (("limit", "0"), ("limit", "1001"), ("page", "0"), ("page_size", "-1")):
        with pytest.raises(ValueError, match=rf"'{name}': {value}"):
            shown(**{name: value})


def test_command_on_a_tenant_that_does_not_list_by_hits_reads_back_what_xsoar_knows() -> None:
    world = World()
    world.xsoar.add("10.0.0.1", CustomFields={"xdriochits": 2})
    world.xsoar.matches = lambda doc: bool(doc["CustomFields"].get("xdriochits"))
    api = Api(world.clock.timing())
    rule = {
        "indicator": "10.0.0.1",
        "type": "IP",
        "severity": "SEV_040_HIGH",
        "status": "ENABLED",
        "number_of_issues": 5,
    }
    api.answers["get"] = [(400, {"reply": {"err_msg": "unknown field"}}), (200, {"reply": {"objects": [rule]}})]
    result = run(world, "xdr-iocs-hits", api)
    assert [(row["hits"], row["more"]) for row in result.outputs] == [(5, 3)]
    assert "does not list IOCs by their hits" in result.readable_output
    assert any("xdriochits" in asked["query"] for asked in world.xsoar.searches)


def test_command_shows_an_object_that_it_cannot_read_and_writes_nothing() -> None:
    world = synced()
    api = Api(world.clock.timing())
    rule = {"indicator": "10.0.0.1", "type": "IP", "severity": "SEV_999", "status": "ENABLED", "number_of_issues": 5}
    api.answers["get"] = [(200, {"reply": {"objects": [rule]}})]
    assert run(world, "xdr-iocs-hits", api, indicator="10.0.0.1").outputs[0]["hits"] == 5
    assert "xdriochits" not in fields(world)


def test_command_without_anything_says_so() -> None:
    world = synced()
    assert run(world, "xdr-iocs-hits").readable_output == "Cortex XDR reports no hits."
    assert run(world, "xdr-iocs-hits", indicator="nowhere.example").readable_output == "Cortex XDR holds none of them."


def test_hits_of_several_tenants_are_added_up_and_no_instance_undoes_the_others() -> None:
    world = synced(source_label="eu")
    eu, us = (world.settings, world.xdr), (World(source_label="us").settings, FakeXdr(world.clock, world.wire))
    contexts: dict[str, Any] = {}

    def fetch_of(side: tuple[Any, FakeXdr]) -> None:
        world.settings, world.xdr = side
        label = world.settings.label
        (world.xsoar.context, world.xsoar.version), kept = contexts.get(label, ({}, 0)), world.xsoar
        fetch(world)
        contexts[label] = (kept.context, kept.version)

    contexts["eu"] = (world.xsoar.context, world.xsoar.version)
    for side in (us, us, eu):
        fetch_of(side)
    eu[1].operate("10.0.0.1", hits=12)
    us[1].operate("10.0.0.1", hits=3)
    for side in (eu, us, eu, us):
        fetch_of(side)
    assert fields(world)["xdriochits"] == 15
    us[1].operate("10.0.0.1", hits=5)
    created = len(world.xsoar.created)
    for side in (us, eu, us, eu):
        fetch_of(side)
    assert fields(world)["xdriochits"] == 17 and len(world.xsoar.created) == created + 1


def test_outputs_are_those_of_the_yml() -> None:
    world = synced()
    manifest = yaml.safe_load((Path(__file__).parent / "CortexXDRIOC.yml").read_text(encoding="utf-8"))
    (command,) = [one for one in manifest["script"]["commands"] if one["name"] == "xdr-iocs-hits"]
    (row,) = run(world, "xdr-iocs-hits", indicator="10.0.0.1").outputs
    assert {f"CortexXDRIOC.Hit.{name}" for name in row} == {output["contextPath"] for output in command["outputs"]}
