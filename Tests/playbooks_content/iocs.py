"""A home whose one instance talks to an emulated tenant, and runs of the playbooks of the pack CortexXDR_IOC on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emulators.cortex_xdr import CortexXdr
from emulators.kit import Fault
from Tests.world import INSTANCE, PACKS, add_instance, deliver, in_xdr, open_home, samples, tenant
from warroom.engine import Host
from warroom.engine.playbooks import PlaybookRun
from warroom.engine.playbooks.answers import from_mapping

COUNT = 40
PREFIX = "Cortex XDR IOC - "


@dataclass(frozen=True)
class Place:
    """Both sides, and what a test asks of them."""

    host: Host
    emulator: CortexXdr

    def run(self, name: str, answers: Mapping[str, Any] | None = None, **inputs: Any) -> PlaybookRun:
        """Runs a playbook of the pack; `answers` by name of a task. Without them a question lets it wait."""
        catalog = self.host.catalog
        given = None if answers is None else from_mapping(answers, catalog.playbooks)
        return self.host.run_playbook(PREFIX + name, inputs, answers=given)

    def rule(self, value: str) -> dict[str, Any]:
        """What the tenant holds of a value; empty for nothing."""
        return in_xdr(self.emulator, deleted=False).get(value, {})

    def status(self, value: str) -> str:
        return str(self.rule(value).get("RULE_STATUS", ""))

    def break_down(self, path: str, **fault: Any) -> None:
        """Let every call of this path fail from now on."""
        self.emulator.faults.add(Fault.parse({"path": path, "kind": "status", "status": 403, **fault}))

    def configure(self, **params: str) -> None:
        instance = self.host.instances.get(INSTANCE)
        self.host.store.instances.update(replace(instance, params={**instance.params, **params}))


@contextmanager
def place(folder: Path, *, synced: bool = True, count: int = COUNT, **options: Any) -> Iterator[Place]:
    """Two sides in step, or before the first sync; `options` are those of the tenant."""
    with tenant(**options) as emulator, open_home(folder / "home", PACKS) as host:
        deliver(host, samples(count))
        add_instance(host, emulator.url)
        if synced:
            assert host.fetch(INSTANCE).status == "ok"
        yield Place(host, emulator)


def told(run: PlaybookRun) -> str:
    """Everything that was printed, asked or failed, in order."""
    words = [str(event.got.get("value") or event.got.get("message") or event.error) for event in run.events]
    return "\n".join([*words, *(asked.text for asked in run.asked), run.error])


def names(run: PlaybookRun) -> list[str]:
    """The names of the tasks that ran."""
    return [event.name for event in run.events if event.status != "skipped"]
