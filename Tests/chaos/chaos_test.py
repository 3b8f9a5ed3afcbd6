"""A minute of chaos with every kind of fault, and proof that it would notice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from emulators.kit import Fault
from Tests.chaos.story import Size, made
from Tests.chaos.weather import CALM, INSERT, KINDS, Weather
from Tests.world import PACKS

SHORT = Size(
    indicators=1_500,
    cycles=len(KINDS) + 3,
    xsoar=50,
    xdr=36,
    new=12,
    race=8,
    hot=150,
    request_size=400,
    speed=30.0,
    cap_percent=0.5,
)
SEED = 6


@pytest.mark.slow
def test_chaos_ends_with_both_sides_equal(tmp_path: Path) -> None:
    with made(tmp_path, SHORT, SEED) as chaos:
        figures = chaos.play()
    assert (figures.lost, figures.differing, figures.echoed) == (0, 0, 0), figures.table()
    assert figures.cycles == SHORT.cycles and figures.whole_runs >= SHORT.cycles / 3, figures.table()
    assert figures.kills and figures.survived == sum(figures.faults.values()), figures.table()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sound", "broken"),
    [
        # The position moves before the request was accepted.
        ("        refused = delivered.result()\n", "        refused = []\n"),
        # What XDR took is not noted, so it is sent back or taken for unchanged.
        ("        self.create([item for value, item in plan.notes.items() if value not in values])\n", ""),
        # The position of XDR's changes moves although they were not written.
        ("        self.create(plan.items)\n", "        self.create(plan.items[1:])\n"),
    ],
    ids=["committed before it was delivered", "nothing noted", "one change is dropped"],
)
def test_chaos_notices_a_broken_sync(tmp_path: Path, sound: str, broken: str) -> None:
    content = tmp_path / "Packs"
    shutil.copytree(PACKS, content)
    code = next(content.rglob("CortexXDRIOC.py"))
    text = code.read_text(encoding="utf-8")
    assert text.count(sound) == 1
    code.write_text(text.replace(sound, broken), encoding="utf-8")
    size = Size(indicators=400, cycles=4, xsoar=40, xdr=30, new=5, race=0, hot=60, request_size=100, speed=30.0)
    rain = Weather(("429 storm",), (Fault("status", status=429, path=INSERT),))
    with made(tmp_path, size, SEED, content=content) as chaos:
        chaos.forecast = lambda number: rain if number % 2 else CALM
        figures = chaos.play(stop_at_first=True)
    assert not figures.good, figures.table()
