"""What goes wrong in a cycle, drawn by lot: faults of the tenant, jumps of clocks, kills, tight budgets."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emulators.kit import Fault, Refused

INSERT, CHANGES, ANY = "*tim_insert_jsons*", "*get_changes*", "*"
TIGHT_BUDGET, BUDGET = 10, 600
LIMIT_OVER_BUDGET = 30
# A signature is good for five minutes. Two large jumps are less than the time between two cycles: a vendor's clock that
# runs behind what it has reported already would hide changes from everybody.
SMALL_JUMP, LARGE_JUMP = 200, 500
STORM, LASTING = 40, 4


@dataclass(frozen=True)
class Weather:
    """One cycle's misfortunes. `budget` and `limit` are seconds of the client's clock.

    `kill` and `race`: (side, number, moment) of the step at which the process is killed, or people work.
    """

    kinds: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    jumps: dict[str, float] = field(default_factory=dict)
    kill: tuple[str, int, str] | None = None
    race: tuple[str, int, str] | None = None
    budget: int = BUDGET
    limit: float = BUDGET + LIMIT_OVER_BUDGET

    @property
    def tight(self) -> bool:
        """Is time part of the trouble?"""
        return self.budget < BUDGET


CALM = Weather()


def drawn(lot: random.Random, speed: float, only: str = "") -> Weather:
    """The weather of a cycle: mostly one or two things, sometimes nothing; `only` asks for one kind."""
    if only:
        return _with(CALM, only, lot, speed)
    count = lot.choices((0, 1, 2, 3), (2, 5, 3, 1))[0]
    weather = CALM
    for kind in lot.sample(sorted(KINDS), count):
        weather = _with(weather, kind, lot, speed)
    return weather


def _with(weather: Weather, kind: str, lot: random.Random, speed: float) -> Weather:
    changes = KINDS[kind](lot, speed)
    faults = (*weather.faults, *changes.pop("faults", ()))
    jumps = {**weather.jumps, **changes.pop("jumps", {})}
    return Weather(**{**vars(weather), **changes, "kinds": (*weather.kinds, kind), "faults": faults, "jumps": jumps})


Drawing = Callable[[random.Random, float], dict[str, Any]]


def _somewhere(lot: random.Random) -> dict[str, Any]:
    return {"path": lot.choice((INSERT, INSERT, CHANGES, ANY)), "after": lot.choice((0, 0, 0, 1, 2))}


def _storm(lot: random.Random, speed: float) -> dict[str, Any]:
    count = lot.choice((3, 6, STORM))
    return {
        "faults": [Fault("status", status=429, count=count, retry_after=lot.choice((None, 2, 9)), **_somewhere(lot))]
    }


def _broken(lot: random.Random, speed: float) -> dict[str, Any]:
    status, when = lot.choice((500, 502, 503, 599)), lot.choice(("before", "after"))
    return {"faults": [Fault("status", status=status, when=when, count=_passing(lot), **_somewhere(lot))]}


def _reset_before(lot: random.Random, speed: float) -> dict[str, Any]:
    return {"faults": [Fault("reset", count=_passing(lot), **_somewhere(lot))]}


def _reset_after(lot: random.Random, speed: float) -> dict[str, Any]:
    return {"faults": [Fault("reset", when="after", count=_passing(lot), **_somewhere(lot))]}


def _torn(lot: random.Random, speed: float) -> dict[str, Any]:
    return {"faults": [Fault("torn", count=_passing(lot), **_somewhere(lot))]}


def _twice(lot: random.Random, speed: float) -> dict[str, Any]:
    return {"faults": [Fault("duplicate", count=lot.choice((1, 3)), path=INSERT)]}


def _slow(lot: random.Random, speed: float) -> dict[str, Any]:
    # The time-out of a request is at most the rest of the budget and 20 seconds.
    seconds = (TIGHT_BUDGET + 25) / speed
    fault = Fault("delay", seconds=seconds, when=lot.choice(("before", "after")), count=1, **_somewhere(lot))
    return {"faults": [fault], "budget": TIGHT_BUDGET, "limit": 3 * TIGHT_BUDGET + LIMIT_OVER_BUDGET}


def _over_time(lot: random.Random, speed: float) -> dict[str, Any]:
    fault = Fault("delay", seconds=60 / speed, when=lot.choice(("before", "after")), count=1, **_somewhere(lot))
    return {"faults": [fault], "limit": 45}


def _tight(lot: random.Random, speed: float) -> dict[str, Any]:
    return {"budget": TIGHT_BUDGET, "faults": [Fault("delay", seconds=4 / speed, count=2, path=ANY)]}


def _expired(lot: random.Random, speed: float) -> dict[str, Any]:
    return {"faults": [Fault("expired_key", count=lot.choice((1, 2, None)), after=lot.choice((0, 0, 1, 2)))]}


def _jump(whose: str, kind: str) -> Drawing:
    def draw(lot: random.Random, speed: float) -> dict[str, Any]:
        far = lot.random() < 0.2
        size = lot.uniform(SMALL_JUMP, LARGE_JUMP) if far else lot.uniform(1, SMALL_JUMP / 2)
        return {"jumps": {whose: size if kind == "forward" else -size}}

    return draw


def _kill(side: str) -> Drawing:
    def draw(lot: random.Random, speed: float) -> dict[str, Any]:
        moments = ("before", "after") if side == "call" else ("instead", "before", "after")
        return {"kill": (side, int(lot.triangular(0, 14 if side == "call" else 4, 1)), lot.choice(moments))}

    return draw


def _race(lot: random.Random, speed: float) -> dict[str, Any]:
    side = lot.choice(("call", "call", "request"))
    number = int(lot.triangular(0, 12 if side == "call" else 3, 1))
    return {"race": (side, number, lot.choice(("before", "after")))}


def _passing(lot: random.Random) -> int:
    """How often: mostly few enough to be got over in one run."""
    return lot.choice((1, 2, 3, 3, LASTING, STORM))


KINDS: dict[str, Drawing] = {
    "429 storm": _storm,
    "5xx": _broken,
    "reset before it was applied": _reset_before,
    "reset after it was applied": _reset_after,
    "torn body": _torn,
    "applied twice": _twice,
    "slower than the time-out": _slow,
    "slower than the run's limit": _over_time,
    "budget used up": _tight,
    "expired key": _expired,
    "client clock forward": _jump("client", "forward"),
    "client clock back": _jump("client", "back"),
    "XDR clock forward": _jump("xdr", "forward"),
    "XDR clock back": _jump("xdr", "back"),
    "XSOAR clock forward": _jump("xsoar", "forward"),
    "XSOAR clock back": _jump("xsoar", "back"),
    "kill at a server call": _kill("call"),
    "kill at a request": _kill("request"),
    "edits during the run": _race,
}


@dataclass
class Storm:
    """A weather at work on one run: `server` as `on_call` of the run, `http` as observer of the tenant."""

    weather: Weather
    meanwhile: Callable[[], None]
    pid: int = 0
    killed: bool = False
    raced: bool = False
    steps: Counter[tuple[str, str]] = field(default_factory=Counter)

    def server(self, phase: str, name: str, pid: int) -> None:
        """A call of the process to its server."""
        self.pid = pid
        self._step("call", phase)

    def http(self, phase: str) -> None:
        """A request that the tenant carries out."""
        if phase == "before" and self._due(self.weather.kill, "request", "instead", self.steps["request", "before"]):
            self._kill()
            self.steps["request", "before"] += 1
            raise Refused(503)
        self._step("request", phase)

    def _step(self, side: str, phase: str) -> None:
        number = self.steps[side, phase]
        self.steps[side, phase] += 1
        if not self.raced and self._due(self.weather.race, side, phase, number):
            self.raced = True
            self.meanwhile()
        if self._due(self.weather.kill, side, phase, number):
            self._kill()

    @staticmethod
    def _due(wanted: tuple[str, int, str] | None, side: str, phase: str, number: int) -> bool:
        return wanted is not None and wanted[0] == side and wanted[2] == phase and wanted[1] == number

    def _kill(self) -> None:
        # Process 0 would be this very process and its group.
        if self.pid > 0 and not self.killed:
            self.killed = True
            os.kill(self.pid, signal.SIGKILL)
