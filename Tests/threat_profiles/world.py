"""An emulated news site, a home with the packs as they are, and what the store holds of articles and profiles."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulators.news import News, running
from warroom.core.indicators import Source
from warroom.engine import Host, RunResult

PACKS = Path(__file__).resolve().parents[2] / "Packs"
PLAYBOOK = "Threat Profiles - Update from News"
FEED, INSTANCE = "ThreatNewsFeed", "news"
ATTACK = Source("MITRE ATT&CK", "attack", "attack-1", "A - Completely reliable")
PARAMS = {"own_networks": "127.0.0.0/8", "first_fetch": ""}
PROFILES = [
    {"value": "Sofacy", "type": "Threat Actor", "aliases": ["APT28", "Fancy Bear"]},
    {"value": "Turla", "type": "Intrusion Set", "aliases": ["Venomous Bear"]},
    {"value": "Conti", "type": "Malware", "aliases": []},
]


@dataclass
class World:
    """A home whose feed reads the sources of one site."""

    host: Host
    site: News
    params: dict[str, str] = field(default_factory=dict)

    def configure(self, source: str, options: str = "") -> None:
        """Makes the instance, with one source; for worlds that were started without."""
        params = {**self.params, "sources": f"{self.site.address(source)} name={source} {options}"}
        self.host.add_instance(FEED, INSTANCE, params)

    def fetch(self) -> RunResult:
        """One run of the feed."""
        return self.host.fetch(INSTANCE)

    def update(self, **inputs: str) -> Any:
        """One run of the job's playbook."""
        host: Any = self.host
        return host.run_playbook(PLAYBOOK, inputs)

    def command(self, line: str) -> RunResult:
        """One command of the feed."""
        (result,) = self.host.run_command(line)
        return result

    def outputs(self, line: str) -> list[dict[str, Any]]:
        """What a command puts into the context."""
        result = self.command(line)
        assert result.status == "ok", result.error
        found = [value for entry in result.entries for value in (entry.get("EntryContext") or {}).values()]
        return [row for value in found for row in (value if isinstance(value, list) else [value])]

    def publish(self, source: str, *items: Mapping[str, str]) -> None:
        """A site shows new articles."""
        with self.site.lock:
            self.site.state.edit({"publish": {"source": source, "items": list(items)}})

    def settings(self, source: str, **settings: Any) -> None:
        """A site changes."""
        with self.site.lock:
            self.site.state.edit({"sources": {source: settings}})

    def profiles(self, records: Sequence[Mapping[str, Any]] = PROFILES) -> None:
        """Records of actors and malware, as another feed brings them."""
        items = [
            {"value": one["value"], "type": one["type"], "fields": {"aliases": list(one["aliases"])}} for one in records
        ]
        self.host.store.indicators.apply(items, ATTACK)

    def reports(self) -> dict[str, dict[str, Any]]:
        """Reports by value."""
        return {doc["value"]: doc for doc in self.host.store.indicators.iterate("type:Report")}

    def actors(self) -> list[dict[str, Any]]:
        """The records of actors and malware."""
        return list(self.host.store.indicators.iterate('type:"Threat Actor" or type:"Intrusion Set" or type:Malware'))

    def all_rows(self) -> dict[str, Any]:
        """The publications of every record."""
        return {doc["value"]: doc["CustomFields"].get("publications") for doc in self.host.store.indicators.iterate("")}

    def related(self) -> set[tuple[str, str, str]]:
        """(report, type of the profile, profile) of every relationship."""
        found = self.host.store.relationships.search(size=100_000)
        return {(one["entityA"], one["entityBType"], one["entityB"]) for one in found}

    def asked(self) -> list[int]:
        """The statuses of all replies of the site so far."""
        return [request.status for request in self.site.requests.latest(None)]

    def memory(self, source: str) -> dict[str, Any]:
        """What the feed remembers of a source."""
        context = self.host.store.contexts.read(self.host.instances.get(INSTANCE).id).context
        kept: dict[str, Any] = json.loads(context["state"])["sources"].get(self.site.address(source), {})
        return kept


@contextmanager
def world(folder: Path, sources: Mapping[str, Any], *, configured: bool = True, **params: Any) -> Iterator[World]:
    """A home in `folder` and a site with these sources, all of them in the instance, if `configured`."""
    with ExitStack() as stack:
        host = stack.enter_context(Host.open(folder / "home", content=[PACKS], environ={"PATH": os.environ["PATH"]}))
        made = World(host, stack.enter_context(running()))
        with made.site.lock:
            made.site.state.seed({"sources": dict(sources)})
        lines = "\n".join(f"{made.site.address(name)} name={name}" for name in sources)
        made.params = {**PARAMS, **params}
        if configured:
            host.add_instance(FEED, INSTANCE, {"sources": lines, **made.params})
        yield made
