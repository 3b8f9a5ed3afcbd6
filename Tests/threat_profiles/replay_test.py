"""Real articles through feed, job and store, which refuses every tenth write: nothing is lost, nothing comes twice."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.articles import Item, articles, profiles, slices
from demo.profiles_compare import compare
from Tests.threat_profiles.world import World, world

OVERLAP, MOST_TRIES = 20, 5
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pymispgalaxies") is None, reason="the extra demo is not installed"
)


@dataclass
class Refusals:
    """Every tenth write to the indicators fails; a batch of a feed by turns before and after it was stored."""

    writes: int = 0
    failed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def around(self, name: str, write: Callable[..., Any], *, lose_reply: bool) -> Callable[..., Any]:
        def refused(*args: Any, **options: Any) -> Any:
            self.writes += 1
            if self.writes % 10:
                return write(*args, **options)
            self.failed += 1
            kind = "reply lost" if lose_reply and self.failed % 2 else "not stored"
            self.kinds[f"{name} {kind}"] += 1
            if kind == "reply lost":
                write(*args, **options)
            raise ValueError("the store is not available")

        return refused


def replay(made: World, shown: Sequence[list[Item]], refusals: Refusals) -> None:
    """Shows one slice after the other, split between two sources; feed and job run until both went well."""
    indicators: Any = made.host.store.indicators
    indicators.apply = refusals.around("feed", indicators.apply, lose_reply=True)
    indicators.edit = refusals.around("profile", indicators.edit, lose_reply=False)
    for items in shown:
        made.settings("rss", items=items[::2])
        made.settings("atom", items=items[1::2])
        until_well(lambda: made.fetch().status)
        until_well(lambda: made.update().status)


def until_well(run: Callable[[], str]) -> None:
    assert any(run() in ("ok", "done") for _ in range(MOST_TRIES)), "it never went well"


def check(made: World, items: Sequence[Item]) -> int:
    """Each article stands on each record that it names, once; gives the number of rows."""
    related = made.host.store.relationships.search(size=100_000)
    found = compare(items, made.reports().values(), made.actors(), related)
    assert found.problems == []
    return found.rows


def run_through(folder: Path, items: list[Item], count: int) -> tuple[World, Refusals, int]:
    with world(folder, {"rss": {"kind": "rss"}, "atom": {"kind": "atom"}}) as made:
        made.profiles(profiles())
        refusals = Refusals()
        replay(made, list(slices(items, count, OVERLAP)), refusals)
        rows = check(made, items)
        before = made.all_rows()
        until_well(lambda: made.fetch().status)
        until_well(lambda: made.update().status)
        assert made.all_rows() == before
        return made, refusals, rows


def test_replay_of_a_part_puts_each_article_on_each_right_record_once(tmp_path: Path) -> None:
    _, refusals, rows = run_through(tmp_path, articles()[-160:], 2)
    assert refusals.failed >= 15 and rows >= 15, (refusals, rows)


@pytest.mark.long
@pytest.mark.slow
def test_replay_of_all_articles_puts_each_on_each_right_record_once(tmp_path: Path) -> None:
    items = articles()
    assert len(items) == 4_428
    _, refusals, rows = run_through(tmp_path, items, 40)
    assert refusals.failed >= 400 and refusals.kinds["feed reply lost"] and rows >= 900, (refusals, rows)
