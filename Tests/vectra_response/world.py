"""An emulated brain and the integration that decides from it, on one clock."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from emulators.vectra import Vectra, running

# Pack code is found on the search path that the root conftest.py builds, where mypy does not look.
pack: Any = importlib.import_module("VectraAutomatedResponse")

START = 1_800_000_000.0
EVERY_FORM: tuple[dict[str, Any], ...] = (
    {"api_version": "2.5", "auth": "token"},
    {"api_version": "2.5"},
    {"api_version": "3.3"},
    {"api_version": "3.4", "rux_forms": "entity", "groups_reply": "bare", "group_members": "asked"},
    {"api_version": "3.5", "account_uid": "hide", "tag_refusal_status": 400},
)


@dataclass
class Clock:
    """Seconds since the epoch, moved by hand and by whoever sleeps."""

    seconds: float = START
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass
class World:
    """A brain, an instance of the integration, and drivers that do what they are told (`edr_1`)."""

    vectra: Vectra
    clock: Clock
    params: dict[str, Any]
    context: dict[str, Any] = field(default_factory=dict)
    version: int = 0

    def write(self, context: Mapping[str, Any], version: Any) -> None:
        if version != self.version:
            raise ValueError("stale version")
        self.context, self.version = dict(context), self.version + 1

    def run(self, command: str, **args: Any) -> Any:
        """The outputs of one command, run as a process of its own would."""
        port = pack.ContextPort(lambda: {"context": dict(self.context), "version": self.version}, self.write)
        timing = pack.HttpTiming(self.clock.now, self.clock.now, self.clock.sleep, lambda: 0.0)
        brain = pack.new_brain(pack.settings_from_params(self.params), port, timing, "brain_1")
        result = pack.run_command(command, brain, args)
        return getattr(result, "outputs", result)

    def plan(self, **args: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.run("vectra-response-plan", **args)
        return found

    def cycle(self) -> dict[str, Any]:
        """Plan, intent, drivers, outcome, end. Gives back the plan."""
        plan = self.plan()
        self.record("intent", plan["decisions"], [])
        for decision in plan["decisions"]:
            self.record("outcome", [decision], [self.row(decision)])
        self.record("end", [], [])
        return plan

    def record(self, stage: str, decisions: list[Any], outcomes: list[Any]) -> Any:
        texts = {"decisions": json.dumps(decisions), "outcomes": json.dumps(outcomes)}
        return self.run("vectra-response-cycle-record", stage=stage, **texts)

    def row(self, decision: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "action": decision["action"],
            "brain": "brain_1",
            "entity": decision["key"],
            "brand": "TestResponse",
            "instance": "edr_1",
            "element": f"{decision['key']}/a@b",
            "status": "applied",
            "contained": decision["action"] == "block",
            "reason": "",
            "reference": "",
            "time": int(self.clock.now()),
        }

    def edit(self, *edits: dict[str, Any]) -> None:
        self.vectra.state.edit(list(edits))

    def tags(self, kind: str, number: int) -> list[str]:
        found: list[str] = self.vectra.brain.tags.of(kind, [number]).get(number, [])
        return found

    def notes(self, kind: str, number: int) -> list[str]:
        return [str(note["note"]) for note in self.vectra.brain.notes.list(kind, number)]


@contextmanager
def world(options: Mapping[str, Any], seed: Mapping[str, Any], **params: Any) -> Iterator[World]:
    """A brain with these options and objects, and an instance with these parameters."""
    clock = Clock()
    with running(clock=clock.now, **options) as vectra:
        vectra.state.seed(dict(seed))
        login: dict[str, Any] = {"token_creds": {"identifier": "", "password": vectra.token}}
        if not vectra.token:
            login = {"client_creds": {"identifier": vectra.client_id, "password": vectra.client_secret}}
        given = {"url": vectra.url, "api_version": options["api_version"], "requests_per_second": "100"}
        yield World(vectra, clock, {**given, **login, **params})
