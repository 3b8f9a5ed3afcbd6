"""How well and how fast names of actors are found, measured on links whose actors are known.

Nothing but the link is given, so what its path does not say cannot be found: that bounds the recall. Precision is
right pairs of link and actor among those found, recall among those known. The floor of the time is to split the same
texts into words; the floor of the number of names is a tenth of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from benchmarks import pack
from benchmarks.galaxies import Actor, actors, labels
from benchmarks.mapping import cpu_seconds
from benchmarks.store import Line

ROUNDS = 5
MODULE = "ThreatProfilesApiModule"


@dataclass(frozen=True)
class Score:
    """Pairs of link and actor: found rightly, found wrongly, known."""

    right: int
    wrong: int
    known: int

    @property
    def precision(self) -> float:
        """Right among found."""
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        """Right among known."""
        return self.right / max(self.known, 1)


def measure(links: int | None = None, rounds: int = ROUNDS) -> list[Line]:
    """Precision and recall by the rule for shared names, and the time for the first `links` links, all by default."""
    module, watched = pack.module(MODULE), actors()
    known = dict(list(labels(watched).items())[:links])
    lines = []
    for ambiguous in ("all", "skip"):
        score = scored(matcher_of(module, watched, ambiguous), module, known)
        told, goal = f"match, shared names {ambiguous}", ambiguous == "all"
        lines += [
            Line(f"{told}: precision", score.right, score.right + score.wrong, "pairs", score.precision, ">= 0.90"),
            Line(f"{told}: recall", score.right, score.known, "pairs", score.recall, ">= 0.45" if goal else ""),
        ]
    matcher = matcher_of(module, watched)
    most = findable(matcher, module, watched, known)
    right = scored(matcher, module, known).right
    lines.append(Line("match, pairs whose link holds a name", right, most, "pairs", right / max(most, 1), ">= 0.95"))
    return [*lines, *times(module, watched, list(known), rounds)]


def matcher_of(module: ModuleType, watched: Sequence[Actor], ambiguous: str = "all") -> Any:
    """A matcher for the names of these actors."""
    records = [module.Watched(actor.id, "Threat Actor", actor.value, actor.synonyms) for actor in watched]
    return module.Matcher(records, ambiguous=ambiguous)


def scored(matcher: Any, module: ModuleType, known: Mapping[str, set[str]]) -> Score:
    """What the matcher finds in links, compared with what is known of them."""
    right = wrong = 0
    for link, ids in known.items():
        found = {hit.watched_id for hit in matcher.find(module.article_text({"link": link}))}
        right += len(found & ids)
        wrong += len(found - ids)
    return Score(right, wrong, sum(map(len, known.values())))


def findable(matcher: Any, module: ModuleType, watched: Sequence[Actor], known: Mapping[str, set[str]]) -> int:
    """The pairs that could be found at all: those that are, and those whose link has the letters of a name somewhere.

    Names of three characters or fewer are left out, as their letters stand in many words.
    """
    keys = {actor.id: [module.name_key(name) for name in (actor.value, *actor.synonyms)] for actor in watched}
    count = 0
    for link, ids in known.items():
        text = module.article_text({"link": link})
        letters, found = module.name_key(text), {hit.watched_id for hit in matcher.find(text)}
        count += sum(one in found or any(len(key) > 3 and key in letters for key in keys[one]) for one in ids)
    return count


def times(module: ModuleType, watched: Sequence[Actor], links: Sequence[str], rounds: int) -> list[Line]:
    """CPU time for all links with the making of the matcher, and of matching alone with ten times the names."""
    texts = [module.article_text({"link": link}) for link in links]
    more = [
        Actor(f"{actor.id}-{copy}", f"{actor.value} {copy}x", tuple(f"{name} {copy}x" for name in actor.synonyms), ())
        for actor in watched
        for copy in range(9)
    ]
    few, many = matcher_of(module, watched), matcher_of(module, [*watched, *more])

    def best(call: Any) -> float:
        return min(cpu_seconds(call) for _ in range(rounds)) * 1_000

    whole = best(lambda: find_all(matcher_of(module, watched), texts))
    words = best(lambda: [re.findall(r"\w+", text) for text in texts])
    with_few, with_many = best(lambda: find_all(few, texts)), best(lambda: find_all(many, texts))
    return [
        Line(f"match {len(links):,} links, matcher made", whole, words, "ms CPU", whole / words, "< 2,000 ms"),
        Line("match, ten times the names", with_many, with_few, "ms CPU", with_many / with_few, "<= 1.5"),
    ]


def find_all(matcher: Any, texts: Sequence[str]) -> None:
    """Finds in every text."""
    for text in texts:
        matcher.find(text)
