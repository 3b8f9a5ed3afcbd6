"""What the tests of drivers share: an instance in this process, on a clock of its own, that can be killed anywhere."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

START = 1_800_000_000.0
Row = dict[str, Any]


@dataclass
class Clock:
    """Seconds since the epoch, moved by hand and by whoever sleeps; `meanwhile` runs with each longer sleep."""

    seconds: float = START
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if seconds >= 0.1:
            self.slept.append(seconds)
            self.meanwhile()

    def timing(self) -> Any:
        """An HttpTiming whose jitter is always 0."""
        # Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
        module: Any = importlib.import_module("HttpRetryApiModule")
        return module.HttpTiming(self.now, self.now, self.sleep, lambda: 0.0)


class Killed(BaseException):
    """The process ended here, and nothing after this was done."""


@dataclass
class Killer:
    """Ends a command at its nth effect: before or after each request and each write of the context."""

    left: int | None = None

    def effect(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed

    @contextmanager
    def watching(self, owner: Any, method: str) -> Iterator[None]:
        """Each call of this method of a class is two effects while this lasts: before and after it."""
        original = getattr(owner, method)

        def watched(*args: Any) -> Any:
            self.effect()
            reply = original(*args)
            self.effect()
            return reply

        with patch.object(owner, method, watched):
            yield


@dataclass
class Context:
    """The versioned integration context of an instance."""

    effect: Callable[[], None] = lambda: None
    stored: dict[str, Any] = field(default_factory=dict)
    version: int = 0

    def write(self, context: Mapping[str, Any], version: Any) -> None:
        self.effect()
        if version != self.version:
            raise ValueError("stale version")
        self.stored, self.version = dict(context), self.version + 1
        self.effect()

    def port(self) -> Any:
        module: Any = importlib.import_module("VersionedStateApiModule")
        return module.ContextPort(lambda: {"context": dict(self.stored), "version": self.version}, self.write)

    @property
    def records(self) -> dict[str, Row]:
        """The ledger by element."""
        return dict(json.loads(self.stored["state"])["elements"]) if "state" in self.stored else {}


@dataclass
class DriverWorld:
    """One instance of a driver whose module is `pack`; each command begins anew from parameters and context."""

    pack: Any
    host: Mapping[str, Any]
    clock: Clock
    params: dict[str, Any]
    killer: Killer
    context: Context

    def run(self, name: str, args: Mapping[str, Any]) -> Any:
        settings = self.pack.settings_from_params(self.params)
        return self.pack.run_command(name, args, settings, self.context.port(), self.clock.timing(), "it")

    def command(self, name: str, **args: Any) -> list[Row]:
        """Run one command of the instance; gives the rows of VectraResponse.Outcome."""
        rows: list[Row] = self.run(name, args).outputs
        return rows

    def test(self) -> str:
        """What the Test button shows."""
        return str(self.run("test-module", {}))

    def killed(self, effects: int, name: str, **args: Any) -> bool:
        """Run a command that is killed after so many effects; False when it came to its end before that."""
        self.killer.left = effects
        try:
            self.command(name, **args)
        except Killed:
            return True
        finally:
            self.killer.left = None
        return False

    def one(self, name: str, **args: Any) -> Row:
        (row,) = self.command(name, **args)
        return row

    def block(self, **args: Any) -> Row:
        return self.one("vectra-block-host", **{**self.host, **args})

    def unblock(self, **args: Any) -> Row:
        return self.one("vectra-unblock-host", **{"host_id": "41", "brain": "brain-1", **args})

    def reconcile(self, **args: Any) -> list[Row]:
        return self.command("vectra-response-reconcile", **args)

    @property
    def records(self) -> dict[str, Row]:
        """The ledger by element."""
        return self.context.records
