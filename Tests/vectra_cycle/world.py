"""Emulated brains, a home with the packs as they are, and what must agree: record, ledger of the drivers, tags."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulators.vectra import Vectra, running
from warroom.engine import Host
from warroom.engine.vectra import CycleOptions, CycleResult, run_cycle

PACKS = Path(__file__).resolve().parents[2] / "Packs"
BRAIN, DRIVER = "VectraAutomatedResponse", "TestResponse"
PARAMS = {
    "requests_per_second": "100",
    "host_score": "70 and 70",
    "minimum_block_minutes": "0",
    "score_hysteresis": "0",
    "account_no_block_group": "",
}
GROUPS = [{"id": 1, "type": "host", "name": "NoBlock", "members": [43]}]
HOSTS = [
    {"id": 41, "name": "fin-lap-07", "last_source": "10.20.3.7", "threat": 80, "certainty": 80, "tags": ["finance"]},
    {"id": 42, "name": "dev-lap-01", "last_source": "10.20.3.8", "threat": 10, "certainty": 10, "tags": []},
    {"id": 43, "name": "dc-01", "last_source": "10.20.3.9", "threat": 99, "certainty": 99, "tags": []},
]


@dataclass
class World:
    """Brains by instance name, and the home."""

    host: Host
    home: Path
    brains: dict[str, Vectra] = field(default_factory=dict)

    def cycle(self, **options: Any) -> CycleResult:
        """One cycle, as `warroom vectra run` does it."""
        return run_cycle(self.host, CycleOptions(**{"owner": "test", **options}))

    def edit(self, brain: str, host: int, **changes: Any) -> None:
        """What an analyst or Vectra itself changes on a host."""
        emulator = self.brains[brain]
        with emulator.lock:
            emulator.state.edit({"host": host, **changes})

    def tags(self, brain: str, host: int) -> list[str]:
        """The tags of a host, in order."""
        emulator = self.brains[brain]
        with emulator.lock:
            return sorted(emulator.brain.tags.of("host", [host]).get(host, []))

    def state(self, instance: str) -> dict[str, Any]:
        """What an instance keeps."""
        context = self.host.store.contexts.read(self.host.instances.get(instance).id).context
        kept: dict[str, Any] = json.loads(context.get("state") or "{}")
        return kept

    def contained(self, driver: str) -> dict[str, list[str]]:
        """Elements that a driver contains, with the claims on each."""
        elements: Mapping[str, Any] = self.state(driver).get("elements") or {}
        return {name: record["claims"] for name, record in elements.items() if record["phase"] == "blocked"}

    def recorded(self, brain: str) -> dict[str, dict[str, list[str]]]:
        """Entity -> driver -> elements that the record of a brain has as contained."""
        return {
            key: {
                driver: sorted(name for name, element in elements.items() if element["contained"])
                for driver, elements in record["elements"].items()
            }
            for key, record in self.state(brain)["entities"].items()
            if any(element["contained"] for found in record["elements"].values() for element in found.values())
        }

    def agree(self) -> None:
        """Record, ledgers and tags say the same, and nothing is left open."""
        tag_of = importlib.import_module(BRAIN).element_tag
        for name in self.brains:
            wanted = self.recorded(name)
            intents = {key: record["intent"] for key, record in self.state(name)["entities"].items()}
            assert not any(intents.values()), intents
            assert self.state(name)["lease"] == {}
            for host in (41, 42, 43):
                ours = {tag for tag in self.tags(name, host) if tag.startswith("VAR")}
                elements = wanted.get(f"host:{host}", {})
                tags = {tag_of(driver, element) for driver, found in elements.items() for element in found}
                assert ours == (tags | {"VAR Host Blocked"} if tags else set())
            for key, elements in wanted.items():
                for driver, found in elements.items():
                    for element in found:
                        assert f"{name}/{key}" in self.contained(driver)[element]


@contextmanager
def world(folder: Path, brains: tuple[str, ...] = ("brain-a",), drivers: tuple[str, ...] = ("edr",)) -> Iterator[World]:
    """A home in `folder` with these brains, all seeded alike, and these test drivers."""
    with ExitStack() as stack:
        environ = {"PATH": os.environ["PATH"]}
        host = stack.enter_context(Host.open(folder / "home", content=[PACKS], environ=environ))
        made = World(host, folder / "home")
        for name in brains:
            emulator = stack.enter_context(running(api_version="2.5", auth="token"))
            with emulator.lock:
                emulator.state.seed({"hosts": HOSTS, "groups": GROUPS})
            made.brains[name] = emulator
            host.add_instance(
                BRAIN, name, {**PARAMS, "url": emulator.url}, {"token_creds": emulator.token}, "plaintext"
            )
        for name in drivers:
            host.add_instance(DRIVER, name)
        yield made
