"""Pages and their Link header, and the reading of query parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from emulators.kit import Call, Refused, Reply

PAGE_QUERY = frozenset({"perPage", "startingAfter", "endingBefore"})


def page(
    call: Call, url: str, rows: Sequence[tuple[str, Any]], limits: tuple[int, int], default: int
) -> tuple[list[Any], dict[str, str]]:
    """The asked part of `rows`, which are (place, row) in order of place; and the headers that lead on.

    `url` is the address of the call without its query. Raises Refused(400) for a page size outside `limits`.
    """
    size = whole_number(call, "perPage", limits, default)
    given = call.request.args
    if "startingAfter" in given and "endingBefore" in given:
        raise Refused(400, "Only one of 'startingAfter' and 'endingBefore' may be given")
    if "endingBefore" in given:
        shown = [row for row in rows if not given["endingBefore"] or row[0] < given["endingBefore"]][-size:]
    else:
        shown = [row for row in rows if row[0] > given.get("startingAfter", "")][:size]
    return [row for _, row in shown], link_header(call, url, rows, shown, size)


def link_header(
    call: Call, url: str, rows: Sequence[tuple[str, Any]], shown: Sequence[tuple[str, Any]], size: int
) -> dict[str, str]:
    """`first`, `prev`, `next` and `last`, of which there are as many as make sense; without quotes, as the vendor."""
    kept = [(name, value) for name, value in call.request.args.items(multi=True) if name not in PAGE_QUERY]

    def link(name: str, value: str, relation: str) -> str:
        return f"<{url}?{urlencode([*kept, ('perPage', str(size)), (name, value)])}>; rel={relation}"

    links = [link("startingAfter", "", "first")]
    if shown and shown[0][0] > rows[0][0]:
        links.append(link("endingBefore", shown[0][0], "prev"))
    if shown and shown[-1][0] < rows[-1][0]:
        links.append(link("startingAfter", shown[-1][0], "next"))
    return {"Link": ", ".join([*links, link("endingBefore", "", "last")])}


def paged_reply(call: Call, url: str, rows: Sequence[tuple[str, Any]], limits: tuple[int, int], default: int) -> Reply:
    """A page of a plain list."""
    shown, headers = page(call, url, rows, limits, default)
    call.records = len(shown)
    return Reply.json(shown, headers=headers)


def whole_number(call: Call, name: str, limits: tuple[int, int], default: int) -> int:
    """A whole number of the query. Raises Refused(400) outside the limits."""
    text = call.request.args.get(name)
    if text is None:
        return default
    low, high = limits
    if not text.isdecimal() or not low <= int(text) <= high:
        raise Refused(400, f"'{name}' must be an integer between {low} and {high}")
    return int(text)


def words(call: Call, name: str, allowed: Mapping[str, str]) -> frozenset[str]:
    """The values of a list parameter such as `statuses[]`; `allowed` maps small letters to the vendor's spelling."""
    given = call.request.args.getlist(f"{name}[]")
    if any(word.lower() not in allowed for word in given):
        raise Refused(400, f"'{name}' must be one of: {', '.join(allowed.values())}")
    return frozenset(allowed[word.lower()] for word in given)
