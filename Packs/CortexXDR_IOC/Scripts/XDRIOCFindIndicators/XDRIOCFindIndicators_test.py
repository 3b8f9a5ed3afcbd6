"""The search of the pack's playbooks: pages, limits, and what it says when the server cannot search."""

from typing import Any

import demistomock as demisto
import pytest
import XDRIOCFindIndicators
from XDRIOCFindIndicators import DemistoException, find, main


class Server:
    """Holds `count` indicators, newest first; the position is a number."""

    def __init__(self, count: int) -> None:
        self.iocs = [{"value": f"v{n}", "indicator_type": "IP", "score": n % 4, "expiration": ""} for n in range(count)]
        self.sizes: list[int] = []

    def search(self, query: str, size: int, sort: Any, searchAfter: int = 0) -> dict[str, Any]:  # noqa: N803
        self.sizes.append(size)
        page = self.iocs[searchAfter : searchAfter + size]
        return {"iocs": page or None, "total": len(self.iocs), "searchAfter": searchAfter + len(page)}


@pytest.mark.parametrize(
    ("count", "limit", "sizes"),
    [(0, "10", [10]), (3, None, [500]), (1_200, "1100", [500, 500, 100]), (500, "1000", [500, 500])],
)
def test_find_reads_pages_until_the_end_or_the_limit(count: int, limit: str | None, sizes: list[int]) -> None:
    server = Server(count)
    outputs: Any = find(server.search, {"query": "type:IP", "limit": limit}).outputs
    taken = min(count, int(limit or 1000))
    assert (outputs["total"], outputs["taken"], outputs["left"]) == (count, taken, count - taken)
    assert [one["value"] for one in outputs["Indicator"]] == [f"v{n}" for n in range(taken)]
    assert server.sizes == sizes


def test_find_rows_say_verdict_expiration_and_status_in_words() -> None:
    ioc = {"value": "a.example", "indicator_type": "Domain", "score": 3, "expiration": "2026-01-01T00:00:00Z"}
    never = {"value": "b.example", "score": None, "expiration": "0001-01-01T00:00:00Z", "CustomFields": None}
    iocs = [{**ioc, "CustomFields": {"xdriocstatus": "disabled"}}, never, {"value": ""}]
    outputs: Any = find(lambda **_: {"iocs": iocs, "total": 3}, {"query": "x"}).outputs
    assert outputs["Indicator"] == [
        {
            "value": "a.example",
            "type": "Domain",
            "verdict": "Bad",
            "expiration": "2026-01-01T00:00:00Z",
            "xdr_status": "disabled",
        },
        {"value": "b.example", "type": None, "verdict": "Unknown", "expiration": "never", "xdr_status": ""},
    ]


@pytest.mark.parametrize("args", [{"query": " "}, {"query": "x", "limit": "0"}, {"query": "x", "limit": "10001"}])
def test_find_argument_that_cannot_be_used_is_named(args: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Argument '"):
        find(Server(1).search, args)


def test_find_search_without_total_is_no_empty_answer() -> None:
    with pytest.raises(DemistoException, match="could not run"):
        find(lambda **_: {}, {"query": "x"})


def test_main_returns_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(XDRIOCFindIndicators, "return_results", shown.append)
    monkeypatch.setattr(demisto, "args", lambda: {"query": "type:IP"})
    monkeypatch.setattr(demisto, "searchIndicators", Server(2).search)
    main()
    assert shown[0].outputs["taken"] == 2
