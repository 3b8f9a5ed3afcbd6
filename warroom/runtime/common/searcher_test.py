from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from warroom.runtime.common.searcher import IndicatorsSearcher

Serve = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> Serve:
    """Makes the server give these pages in turn; returns the list of calls."""

    def pages(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []

        def search(**kwargs: Any) -> dict[str, Any]:
            calls.append(kwargs)
            return answers[len(calls) - 1]

        monkeypatch.setattr(demisto, "searchIndicators", search)
        return calls

    return pages


def page(count: int, after: list[str] | None, total: int | None = 5) -> dict[str, Any]:
    return {"iocs": [{"value": n} for n in range(count)] or None, "total": total, "searchAfter": after}


def sizes(searcher: IndicatorsSearcher) -> list[int]:
    return [len(found["iocs"]) for found in searcher]


def test_search_last_page_with_search_after_costs_another_call(serve: Serve) -> None:
    calls = serve([page(2, ["2"]), page(2, ["4"]), page(1, ["5"]), page(0, None)])
    assert sizes(IndicatorsSearcher(size=2, query="type:IP")) == [2, 2, 1]
    assert calls == [
        {"query": "type:IP", "size": 2},
        {"query": "type:IP", "size": 2, "searchAfter": ["2"]},
        {"query": "type:IP", "size": 2, "searchAfter": ["4"]},
        {"query": "type:IP", "size": 2, "searchAfter": ["5"]},
    ]


def test_search_last_page_without_search_after_ends_the_walk(serve: Serve) -> None:
    calls = serve([page(2, ["2"]), page(1, None)])
    assert sizes(IndicatorsSearcher(size=2)) == [2, 1]
    assert len(calls) == 2


def test_search_limit_never_trims_and_grows(serve: Serve) -> None:
    calls = serve([page(2, ["2"]), page(2, ["4"]), page(1, ["5"])])
    searcher = IndicatorsSearcher(size=2, limit=3)
    assert sizes(searcher) == [2, 2]
    assert searcher.limit == 4
    assert len(calls) == 2


def test_search_total_of_none_ends_the_run(serve: Serve) -> None:
    serve([page(1, None, total=None)])
    with pytest.raises(SystemExit):
        sizes(IndicatorsSearcher())


def test_search_without_hits_gives_nothing(serve: Serve) -> None:
    calls = serve([page(0, None, total=0)])
    searcher = IndicatorsSearcher()
    assert sizes(searcher) == []
    assert searcher.total == 0
    assert len(calls) == 1


def test_search_after_resumes_a_walk_and_is_told(serve: Serve) -> None:
    calls = serve([page(1, ["7"]), page(0, None)])
    searcher = IndicatorsSearcher(search_after=["6"], page=3)
    assert next(searcher)["searchAfter"] == searcher.search_after == ["7"]
    assert calls == [{"size": 100, "searchAfter": ["6"]}]


def test_search_sort_is_sent_to_servers_that_know_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, demisto: Any
) -> None:
    rule = {"field": "modified", "asc": True}
    calls = serve([page(1, None), page(1, None)])
    sizes(IndicatorsSearcher(sort=[rule], filter_fields="value"))
    monkeypatch.setattr(demisto, "demistoVersion", lambda: {"version": "6.5.0", "buildNumber": "1"})
    sizes(IndicatorsSearcher(sort=[rule], page=2))
    assert calls == [{"size": 100, "sort": [rule], "populateFields": "value"}, {"size": 100, "page": 2}]
