"""One instance of a driver, run in this process as the server would: `main` with parameters, arguments and context."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from Tests.conformance.discovery import DriverFile
from Tests.conformance.product import Product, Subject

CREDENTIALS = 9
LONGEST_BACK_OFF_SECONDS = 3600
Row = dict[str, Any]


class Killed(BaseException):
    """The process ends here; no `except Exception` sees it."""


@dataclass
class Instance:
    """Runs commands. `kill_at` ends the process around the n-th write of the context: (n from 0, before or after)."""

    driver: DriverFile
    product: Product
    monkeypatch: pytest.MonkeyPatch
    kill_at: tuple[int, str] | None = None
    writes: int = 0
    late_seconds: float = 0.0
    shown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.demisto = importlib.import_module("demistomock")
        self.module = importlib.import_module(self.driver.name)
        self.demisto.reset()
        self.product.context = self.context
        real_time, real_write = time.time, self.demisto.setIntegrationContextVersioned
        self.monkeypatch.setattr(time, "time", lambda: real_time() + self.late_seconds)

        def write(context: Mapping[str, Any], version: Any = -1, sync: bool = False) -> None:
            number, self.writes = self.writes, self.writes + 1
            self._killed_here(number, "before")
            real_write(context, version, sync)
            self._killed_here(number, "after")

        self.monkeypatch.setattr(self.demisto, "setIntegrationContextVersioned", write)
        self.monkeypatch.setattr(self.demisto, "integrationInstance", lambda: "instance")

    def _killed_here(self, number: int, moment: str) -> None:
        if self.kill_at == (number, moment):
            self.kill_at = None
            raise Killed

    def context(self) -> dict[str, Any]:
        """The integration context."""
        found: dict[str, Any] = self.demisto.getIntegrationContextVersioned()["context"]
        return found

    @property
    def elements(self) -> dict[str, Any]:
        """The records of the ledger."""
        found: dict[str, Any] = json.loads(self.context().get("state") or '{"elements": {}}')["elements"]
        return found

    def entry(self, command: str, args: Mapping[str, str]) -> Any:
        """What one run returned."""
        self.writes = 0
        before = len(self.demisto.last_results())
        for name, value in (("command", command), ("args", dict(args)), ("params", self.params())):
            self.monkeypatch.setattr(self.demisto, name, lambda value=value: value)
        with suppress(SystemExit):  # return_error ends the run after its entry
            self.module.main()
        [result] = self.demisto.last_results()[before:]
        self.check_secrets(result)
        return result

    def run(self, command: str, **args: str) -> list[Row]:
        """The outcomes of one command. Fails for an error entry."""
        result = self.entry(command, args)
        assert isinstance(result, dict) and result.get("EntryContext") is not None, result
        return [row for rows in result["EntryContext"].values() for row in rows]

    def params(self) -> dict[str, Any]:
        """The parameters as the server gives them: defaults of the yml, those of the product, its secrets."""
        given, secrets = self.product.params, self.product.secrets
        made: dict[str, Any] = {}
        for parameter in self.driver.yml["configuration"]:
            name = parameter["name"]
            if parameter["type"] == CREDENTIALS:
                made[name] = {"identifier": given.get(f"{name}.identifier", ""), "password": secrets.get(name, "")}
            else:
                made[name] = secrets.get(name) or given.get(name, parameter.get("defaultvalue", ""))
        return made

    def check_secrets(self, result: Any) -> None:
        """Fails when a secret shows up anywhere."""
        seen = json.dumps([result, self.demisto.last_logs(), self.context()], default=str)
        for name, secret in self.product.secrets.items():
            assert secret not in seen, f"the secret {name} shows up in a result, a log or the context"

    def block(self, kind: str, subject: Subject, brain: str = "one") -> list[Row]:
        """Block the subject."""
        return self.run(f"vectra-block-{kind}", **subject.args, brain=brain, reason="conformance")

    def unblock(self, kind: str, subject: Subject, brain: str = "one") -> list[Row]:
        """Release the subject, by the arguments that the unblock command has."""
        return self.run(f"vectra-unblock-{kind}", **self.unblock_args(kind, subject), brain=brain)

    def adopt(self, kind: str, subject: Subject, brain: str = "one") -> list[Row]:
        """Release the subject's elements, which another tool blocked."""
        args = self.unblock_args(kind, subject)
        if kind != "destinations":
            args["elements"] = ",".join(sorted(subject.elements))
        return self.run(f"vectra-unblock-{kind}", **args, brain=brain, adopt="true")

    def unblock_args(self, kind: str, subject: Subject) -> dict[str, str]:
        """What the unblock command takes of the arguments of the block command."""
        known = {argument["name"] for argument in self.driver.commands[f"vectra-unblock-{kind}"]["arguments"]}
        return {name: value for name, value in subject.args.items() if name in known}

    def reconcile(self) -> list[Row]:
        """Follow what is open, after any back-off is over."""
        self.late_seconds += LONGEST_BACK_OFF_SECONDS
        return self.run("vectra-response-reconcile")

    def verify(self) -> list[Row]:
        """Follow what is open, and look at what is settled."""
        self.late_seconds += LONGEST_BACK_OFF_SECONDS
        return self.run("vectra-response-reconcile", verify="true")

    def settle(self) -> None:
        """Let the product finish and follow it; fails when something is open after that."""
        for _ in range(4):
            self.product.finish()
            self.reconcile()
        open_ones = {name: record for name, record in self.elements.items() if record["phase"] != "blocked"}
        assert not open_ones, open_ones

    def agrees_on(self, wanted: frozenset[str]) -> None:
        """Fails unless ledger and product both contain just these elements."""
        assert set(self.elements) == wanted
        assert self.product.contained() == wanted
