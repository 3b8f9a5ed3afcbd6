"""Walking through a search of indicators, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from warroom.runtime.common.server import demisto
from warroom.runtime.common.versions import is_demisto_version_ge

__all__ = ["IndicatorsSearcher"]

SORT_VERSION = "6.6.0"


class IndicatorsSearcher:
    """An iterator over whole answers of a search, each {"iocs", "total", "searchAfter"}.

    Behaves as on the server, the surprising parts included: an answer is never trimmed, so `limit` ends the walk only
    between two answers and grows to what came; a last page that brings a searchAfter costs one more call; a total of
    None ends the whole run by SystemExit, which `except Exception` does not catch. `search_after` resumes a walk where
    another one ended. Arguments that are false are not sent, and `sort` only to servers from 6.6.0 on. Raises
    ValueError for a query that the server refuses.
    """

    def __init__(
        self,
        page: int = 0,
        filter_fields: str | None = None,
        from_date: Any = None,
        query: str | None = None,
        size: int = 100,
        to_date: Any = None,
        value: str = "",
        limit: int | None = None,
        sort: Sequence[Mapping[str, Any]] | None = None,
        search_after: Sequence[Any] | None = None,
    ) -> None:
        self._asked = {
            "fromDate": from_date,
            "query": query,
            "size": size,
            "toDate": to_date,
            "value": value,
            "populateFields": filter_fields,
            "sort": sort if sort and is_demisto_version_ge(SORT_VERSION) else None,
        }
        self._page = page
        self._limit = limit
        self._search_after = search_after
        self._total: int | None = None
        self._count = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Begins a new count of `limit`; the walk goes on where it stands."""
        self._total, self._count = None, 0
        return self

    def __next__(self) -> dict[str, Any]:
        if self.is_search_done():
            raise StopIteration
        found = self.search_indicators_by_version(**self._asked)
        count = len(found.get("iocs") or [])
        if not count:
            raise StopIteration
        self._count += count
        if self._limit:
            self._limit = max(self._limit, self._count)
        return found

    def search_indicators_by_version(self, **asked: Any) -> dict[str, Any]:
        """Asks for the page at which the walk stands, and moves on. Raises SystemExit for an answer without a total."""
        place = {"searchAfter": self._search_after} if self._search_after else {"page": self._page}
        arguments = {name: value for name, value in {**asked, **place}.items() if value}
        found: dict[str, Any] = demisto.searchIndicators(**arguments)
        if found.get("total") is None:
            demisto.error(f"searchIndicators gave no total for query {asked.get('query')!r}")
            raise SystemExit(0)
        self._total, self._search_after = found["total"], found.get("searchAfter")
        self._page += 1
        return found

    def is_search_done(self) -> bool:
        """True when the limit is reached or the last answer was the last page."""
        if self._limit and self._count >= self._limit:
            return True
        return self._total is not None and (self._total == 0 or not self._search_after)

    @property
    def page(self) -> int:
        """The number of the next page."""
        return self._page

    @property
    def total(self) -> int | None:
        """The total of the last answer, None before the first."""
        return self._total

    @property
    def limit(self) -> int | None:
        """The limit; the number of indicators that came once it is reached."""
        return self._limit

    @property
    def search_after(self) -> Any:
        """Where the next page begins, None at the start and at the end."""
        return self._search_after
