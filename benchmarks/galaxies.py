"""Threat actors of the MISP galaxy, each with the articles about it: real names, and a labelled set for a matcher.

Read from the installed package pymispgalaxies (extra `demo`); the cluster is CC0 1.0 or BSD-2-Clause, at choice.
"""

from __future__ import annotations

import importlib.util
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = "pymispgalaxies"


@dataclass(frozen=True)
class Actor:
    """One actor: its names, and links to articles that are known to be about it."""

    id: str
    value: str
    synonyms: tuple[str, ...]
    links: tuple[str, ...]


def cluster(name: str) -> list[dict[str, Any]]:
    """The entries of a cluster of the galaxy. Raises FileNotFoundError when the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {PACKAGE} is not installed; it comes with the extra 'demo'")
    path = Path(spec.origin).parent / "data" / "misp-galaxy" / "clusters" / f"{name}.json"
    entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["values"]
    return entries


def actors() -> list[Actor]:
    """All actors, in the order of the cluster."""
    return [
        Actor(
            entry["uuid"],
            entry["value"],
            tuple(entry.get("meta", {}).get("synonyms") or ()),
            tuple(entry.get("meta", {}).get("refs") or ()),
        )
        for entry in cluster("threat-actor")
    ]


def labels(of: Iterable[Actor]) -> dict[str, set[str]]:
    """Link -> ids of the actors that its article is about."""
    found: dict[str, set[str]] = defaultdict(set)
    for actor in of:
        for link in actor.links:
            found[link].add(actor.id)
    return dict(found)
