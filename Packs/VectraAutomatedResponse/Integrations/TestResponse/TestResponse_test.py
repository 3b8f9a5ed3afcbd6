"""The pretended product, and the whole integration as the server calls it."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import demistomock as demisto
import pytest
import TestResponse
from TestResponse import *


def run_main(
    monkeypatch: pytest.MonkeyPatch, command: str, settings: dict[str, Any] | None = None, /, **args: Any
) -> Any:
    """One call as the server makes it; gives what the integration returned."""
    before = len(demisto.last_results())
    monkeypatch.setattr(demisto, "command", lambda: command)
    monkeypatch.setattr(demisto, "params", lambda: settings or {})
    monkeypatch.setattr(demisto, "args", lambda: args)
    monkeypatch.setattr(demisto, "integrationInstance", lambda: "tester")
    with suppress(SystemExit):  # return_error ends the run after its entry
        TestResponse.main()
    [result] = demisto.last_results()[before:]
    return result


def rows(result: Any) -> list[tuple[str, str, bool]]:
    [outcomes] = result["EntryContext"].values()
    return [(row["element"], row["status"], row["contained"]) for row in outcomes]


def test_main_block_unblock_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, dict[str, str], list[str]]] = [
        ("host", {"ip": "10.0.0.1", "host_id": "41"}, ["10.0.0.1"]),
        ("account", {"account": "O365:x@example.com", "sam": "x"}, ["x"]),
        ("detection", {"dst_ips": "198.51.100.7", "dst_domains": "bad.example"}, ["198.51.100.7", "bad.example"]),
        ("destinations", {"destinations": "192.0.2.0/24"}, ["192.0.2.0/24"]),
    ]
    for kind, args, elements in calls:
        assert rows(run_main(monkeypatch, f"vectra-block-{kind}", **args)) == [(e, "applied", True) for e in elements]
    assert rows(run_main(monkeypatch, "vectra-groom-host", ip="10.0.0.2", host_id="41")) == [
        ("10.0.0.2", "applied", True),
        ("10.0.0.1", "applied", False),
    ]
    for kind, args, elements in calls[1:]:
        assert rows(run_main(monkeypatch, f"vectra-unblock-{kind}", **args)) == [
            (e, "applied", False) for e in elements
        ]


def test_main_block_gives_the_whole_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    case = json.loads((Path(__file__).parent / "test_data" / "block_host.json").read_text())
    result = run_main(monkeypatch, "vectra-block-host", **case["args"])
    [[row]] = result["EntryContext"].values()
    assert row.pop("time") > 0
    assert row == case["outcome"]


def test_main_test_module_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_main(monkeypatch, "test-module") == "ok"
    told = run_main(monkeypatch, "test-module", {"unreachable": "true"})
    assert told["Contents"].startswith("test-module: The test product cannot be reached")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("outcome_block", "applied,exploded", "'exploded' is unknown, use some of applied, pending, failed"),
        ("outcome_unblock", "x", "'x' is unknown"),
        ("state_sequence", "truth,happy", "'happy' is unknown, use some of truth, blocked"),
        ("looks_until_done", "many", "'many' is not a number"),
        ("delay_seconds", "601", "'601' is not between 0 and 600"),
    ],
)
def test_settings_wrong_value_is_named(name: str, value: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"Parameter '?{name}'?.*: {told}"):
        settings_from_params({name: value})


def driver(**params: Any) -> TestDriver:
    store: dict[str, Any] = {"context": {"kept": "by others"}, "version": 0}

    def write(context: dict[str, Any], version: Any) -> None:
        assert version == store["version"]
        assert context["kept"] == "by others"
        store.update(context=context, version=version + 1)

    port = product_port(ContextPort(lambda: dict(store), write))
    product = VersionedState(port, 1, new_product, lambda attempt: None)
    return TestDriver(settings_from_params(params), product, lambda seconds: None)


def truth(made: TestDriver, element: str) -> str:
    return made.truth(made.product.load(), element)


def test_outcomes_are_used_up_one_by_one_and_the_last_stays() -> None:
    made = driver(outcome_block="not_found,applied")
    assert [made.block(Target(name), {}).status for name in "abc"] == ["not_found", "applied", "applied"]
    assert [truth(made, name) for name in "abc"] == ["free", "blocked", "blocked"]
    assert made.product.load()["log"] == ["block a: not_found", "block b: applied", "block c: applied"]


@pytest.mark.parametrize(
    ("outcome", "uncertain", "after"),
    [("failed", False, "free"), ("lost", True, "free"), ("answer_lost", True, "blocked")],
)
def test_outcome_without_answer_does_what_it_says(outcome: str, uncertain: bool, after: str) -> None:
    made = driver(outcome_block=outcome)
    with pytest.raises(ProductError) as caught:
        made.block(Target("a"), {})
    assert (caught.value.uncertain, truth(made, "a")) == (uncertain, after)


@pytest.mark.parametrize(("outcome", "end"), [("pending", "blocked"), ("given_up", "free")])
def test_outcome_later_needs_looks(outcome: str, end: str) -> None:
    made = driver(outcome_block=outcome, looks_until_done="2")
    assert made.block(Target("a"), {}).status == "pending"
    assert [made.state("a", {}).state for _ in range(4)] == ["blocking", "blocking", end, end]


def test_states_shown_replace_the_truth() -> None:
    made = driver(state_sequence="unknown,gone,truth")
    assert [made.state("a", {}).state for _ in range(4)] == ["unknown", "gone", "free", "free"]


def test_others_block_is_seen_and_can_be_undone_by_mistake() -> None:
    made = driver(blocked_by_others="10.*")
    assert made.block(Target("10.0.0.1"), {}).status == "already"
    assert made.unblock("10.0.0.1", {}).status == "applied"
    assert truth(made, "10.0.0.1") == "free"


def test_targets_known_and_ambiguous_are_patterns() -> None:
    made = driver(known="10.1.*,pc-*", ambiguous="PC-2")
    assert made.targets(Host("1", ip="10.1.2.3")) == [Target("10.1.2.3")]
    with pytest.raises(TargetError, match=r"10\.2\.2\.3 is not known here") as caught:
        made.targets(Host("1", ip="10.2.2.3"))
    assert caught.value.status == "not_found"
    with pytest.raises(TargetError, match="pc-2 fits several elements") as caught:
        made.targets(Host("1", name="pc-2"))
    assert caught.value.status == "failed"


def test_order_takes_its_time() -> None:
    slept: list[float] = []
    made = driver(delay_seconds="2.5")
    made.sleep = slept.append
    made.block(Target("a"), {})
    assert slept == [2.5]
