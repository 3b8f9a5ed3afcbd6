from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from warroom.engine.results import Progress
from warroom.engine.services import ContextCalls, IndicatorCalls, ProgressFilter, Services, parse_progress
from warroom.engine.sources import source_of
from warroom.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.db") as store:
        yield store


@pytest.fixture
def indicators(store: Store) -> IndicatorCalls:
    return IndicatorCalls(store, source_of("Tiny", "main", "id", {}))


def ask(services: Services, name: str, **args: Any) -> Any:
    return orjson.loads(services.answer(name, args))


def test_search_reply_holds_the_stored_bytes_as_they_are(store: Store, indicators: IndicatorCalls) -> None:
    batch = [{"value": f"192.0.2.{number}", "type": "IP"} for number in range(3)]
    indicators.create({"indicators": batch})
    page = store.indicators.search("type:IP", size=2, sort=[("modified", True), ("id", True)])
    args = {"query": "type:IP", "size": 2, "sort": [{"field": "modified", "asc": True}, {"field": "id", "asc": True}]}
    reply = indicators.search(args)
    assert reply.startswith(b'{"iocs":[' + page.iocs[0] + b"," + page.iocs[1] + b'],"total":3,"searchAfter":')
    rest = orjson.loads(indicators.search({**args, "searchAfter": orjson.loads(reply)["searchAfter"]}))
    assert [item["value"] for item in rest["iocs"]] == ["192.0.2.2"]


def test_search_populate_fields_is_a_comma_separated_text(indicators: IndicatorCalls) -> None:
    indicators.create({"indicators": [{"value": "192.0.2.1", "type": "IP"}]})
    [found] = orjson.loads(indicators.search({"populateFields": "value, score"}))["iocs"]
    assert {"value", "score"} <= set(found) and "comments" not in found


def test_create_without_news_changes_nothing(store: Store, indicators: IndicatorCalls) -> None:
    indicators.create({"indicators": [{"value": "192.0.2.1", "type": "IP"}], "noUpdate": True})
    assert store.indicators.count() == 0 and indicators.warning() is None


def test_create_many_refused_items_are_counted_and_the_first_shown(indicators: IndicatorCalls) -> None:
    for _ in range(2):
        indicators.create({"indicators": [{"value": "", "type": "IP"}] * 15})
    lines = str(indicators.warning()).splitlines()
    assert lines[0] == "30 indicators were refused:" and lines[-1] == "and 10 more" and len(lines) == 22


def test_answer_refusals_are_replies_not_exceptions(indicators: IndicatorCalls) -> None:
    services = Services.of(indicators)
    assert ask(services, "searchIndicators", query="type:(")["ok"] is False
    assert ask(services, "nonsense") == {"ok": False, "error": "nonsense is not offered by this host"}
    assert "the arguments are not understood" in ask(services, "searchIndicators", sort=[{"asc": True}])["error"]
    assert "takes a list" in ask(services, "createIndicators", indicators={"value": "x"})["error"]


def test_context_stale_version_is_refused_and_the_stored_one_stays(store: Store) -> None:
    services = Services.of(ContextCalls(store, "id", fetching=False, testing=False))
    assert ask(services, "setIntegrationContext", value={"a": "1"}, version=-1)["ok"]
    assert ask(services, "getIntegrationContextVersioned")["result"] == {"context": {"a": "1"}, "version": 1}
    assert ask(services, "setIntegrationContext", value={"a": "2"}, version=1)["ok"]
    assert "stale" in ask(services, "setIntegrationContext", value={"a": "3"}, version=1)["error"]
    assert ask(services, "getIntegrationContext")["result"] == {"a": "2"}
    assert "must be an object" in ask(services, "setIntegrationContext", value=[])["error"]


@pytest.mark.parametrize("name", ["LastRun", "LastMirrorRun", "AssetsLastRun"])
def test_last_run_is_seen_by_the_run_that_set_it_and_left_to_the_caller(store: Store, name: str) -> None:
    state = ContextCalls(store, "id", fetching=True, testing=False)
    services = Services.of(state)
    assert ask(services, f"get{name}")["result"] == {}
    ask(services, f"set{name}", value={"n": "1"})
    assert ask(services, f"get{name}")["result"] == {"n": "1"}
    assert list(state.pending_last_runs.values()) == [{"n": "1"}]
    assert store.last_runs.read("id") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"label": "a", "done": 1, "total": 2, "unit": "u"}', Progress("a", 1, 2, "u")),
        ('{"done": 1}', Progress("", 1, None, "")),
        ('{"done": "1"}', None),
        ("nonsense", None),
        (None, None),
        ({"done": 1}, None),
    ],
)
def test_parse_progress_only_its_own_text_counts(text: object, expected: Progress | None) -> None:
    assert parse_progress(text) == expected


def test_progress_filter_content_s_own_progress_hides_counted_calls() -> None:
    told: list[str] = []
    progress = ProgressFilter(lambda report: told.append(report.label))
    progress.from_calls(Progress("calls", 1, None, ""))
    progress.from_content(Progress("own", 1, None, ""))
    progress.from_calls(Progress("calls", 2, None, ""))
    assert told == ["calls", "own"]
