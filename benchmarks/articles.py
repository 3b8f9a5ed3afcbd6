"""Real articles in the order in which they appeared, and the profiles of real actors.

From the MISP galaxy (CC0 1.0 or BSD-2-Clause): the references are those of Tidal Cyber, the actors those of MISP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.galaxies import actors, cluster

Item = dict[str, str]


def articles() -> list[Item]:
    """All references with an address, a title and a date, oldest first, as items of a news source.

    The address of one of them is misspelt, and so is no link.
    """
    found = [entry["meta"] for entry in cluster("tidal-references")]
    return sorted(
        (
            {"title": meta["title"], "link": link, "guid": link, "published": meta["date_published"]}
            for meta in found
            for link in (meta.get("refs") or [])[:1]
            if link.startswith("http") and meta.get("title") and meta.get("date_published")
        ),
        key=lambda item: item["published"],
    )


def profiles() -> list[dict[str, Any]]:
    """All actors as records of type Threat Actor."""
    return [{"value": one.value, "type": "Threat Actor", "aliases": one.synonyms} for one in actors()]


def slices(items: Sequence[Item], count: int, overlap: int) -> Iterator[list[Item]]:
    """What a source shows, one look after the other: its new items, and before them some that it showed already."""
    size = -(-len(items) // count)
    for start in range(0, len(items), size):
        yield list(items[max(0, start - overlap) : start + size])
