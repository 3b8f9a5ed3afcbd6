"""Finds indicators by a query, newest change first, with the few fields that a decision about Cortex XDR needs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import demistomock as demisto
from CommonServerPython import *

NEWEST_FIRST = [{"field": "modified", "asc": False}, {"field": "id", "asc": False}]
PAGE = 500
MOST = 10_000
VERDICTS = {1: "Good", 2: "Suspicious", 3: "Bad"}


def pages(search: Callable[..., dict[str, Any]], query: str, limit: int) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """(indicators, how many there are in all) page by page, until `limit` were read.

    Raises DemistoException when the server could not search.
    """
    after, read = None, 0
    while read < limit:
        size = min(PAGE, limit - read)
        more: dict[str, Any] = {"searchAfter": after} if after else {}
        reply = search(query=query, size=size, sort=NEWEST_FIRST, **more)
        if reply.get("total") is None:
            raise DemistoException(f"XSOAR could not run the search {query!r}: it gave no total.")
        found = reply.get("iocs") or []
        yield found, int(reply["total"])
        after, read = reply.get("searchAfter"), read + len(found)
        if len(found) < size or not after:
            return


def row(ioc: Mapping[str, Any]) -> dict[str, Any]:
    """One indicator as it goes into the context."""
    expiration = str(ioc.get("expiration") or "")
    return {
        "value": ioc.get("value"),
        "type": ioc.get("indicator_type"),
        "verdict": VERDICTS.get(int(ioc.get("score") or 0), "Unknown"),
        "expiration": "never" if not expiration or expiration.startswith("0001") else expiration,
        "xdr_status": (ioc.get("CustomFields") or {}).get("xdriocstatus") or "",
    }


def find(search: Callable[..., dict[str, Any]], args: Mapping[str, Any]) -> CommandResults:
    """Run the query and give back at most `limit` indicators, and whether there are more.

    Raises ValueError for an argument that cannot be used.
    """
    query, limit = str(args.get("query") or "").strip(), arg_to_number(args.get("limit"))
    limit = 1000 if limit is None else limit
    if not query:
        raise ValueError("Argument 'query' is empty; it decides which indicators are found.")
    if not 1 <= limit <= MOST:
        raise ValueError(f"Argument 'limit': {limit} is not from 1 to {MOST}.")
    rows: list[dict[str, Any]] = []
    total = 0
    for found, count in pages(search, query, limit):
        rows += [row(ioc) for ioc in found if ioc.get("value")]
        total = max(total, count)
    title = f"{total} indicators found" + (f", the {len(rows)} changed last are taken" if total > len(rows) else "")
    return CommandResults(
        outputs_prefix="XDRIOC.Found",
        outputs={
            "query": query,
            "total": total,
            "taken": len(rows),
            "left": max(0, total - len(rows)),
            "Indicator": rows,
        },
        readable_output=tableToMarkdown(
            title, rows[:50], headers=["value", "type", "verdict", "expiration", "xdr_status"]
        ),
        replace_existing=True,
    )


def main() -> None:
    """Read the arguments, search, return what was found."""
    try:
        return_results(find(demisto.searchIndicators, demisto.args()))
    except Exception as error:
        return_error(f"XDRIOCFindIndicators: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
