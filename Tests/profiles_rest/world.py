"""An emulated XSOAR server, a home with the packs as they are, and updates of one against the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulators.kit import Fault, LoggedRequest, Observer
from emulators.xsoar import Xsoar, running
from warroom.engine import Host
from warroom.engine.profiles import UpdateResult, Watch, update
from warroom.engine.xsoar import Client, Connection, Timing, XsoarServer, connection_of

PACKS = Path(__file__).resolve().parents[2] / "Packs"
SERVERS: dict[str, dict[str, str]] = {
    "6": {"generation": "6"},
    "8-standard": {"generation": "8", "api_key_type": "standard"},
    "8-advanced": {"generation": "8", "api_key_type": "advanced"},
}
WRITING = ("/indicator/create", "/indicator/edit")
ACTOR = {"value": "Sofacy", "type": "Threat Actor", "fields": {"aliases": ["APT28", "Fancy Bear"]}}


def article(number: int, title: str, **more: str) -> dict[str, str]:
    """An article with a link and a date of its own."""
    day = f"2026-01-{number % 28 + 1:02}T00:00:00Z"
    return {"title": title, "link": f"https://news.example/{number}", "timestamp": day, **more}


@dataclass
class World:
    """A server and a home."""

    server: Xsoar
    host: Host
    waited: list[float] = field(default_factory=list)

    @property
    def connection(self) -> Connection:
        """How the server is reached."""
        kind = self.server.options.api_key_type
        return connection_of({"url": self.server.url, "key_id": self.server.api_key_id, "key_type": kind})

    def client(self, **changes: Any) -> Client:
        """A client that does not really wait."""
        connection = connection_of({**self.connection.as_dict(), **changes})
        return Client(connection, self.server.api_key, Timing(self.waited.append, lambda: 0.5), {})

    def update(
        self, articles: Sequence[Mapping[str, str]], *, write: bool = True, client: Client | None = None, **watch: Any
    ) -> UpdateResult:
        """One run."""
        server = XsoarServer(client or self.client(), write)
        return update(self.host, server, Watch(**{"names": ("APT28",), **watch}), articles)

    def seed(self, *indicators: Mapping[str, Any], excluded: Sequence[str] = ()) -> None:
        """Puts records there."""
        with self.server.lock:
            self.server.state.seed({"indicators": list(indicators), "excluded": list(excluded)})

    def edit(self, value: str, **fields: Any) -> None:
        """What somebody else writes."""
        with self.server.lock:
            self.server.state.edit({"value": value, "fields": fields})

    def fields(self, value: str = "Sofacy") -> dict[str, Any]:
        """The custom fields of a record as they are."""
        with self.server.lock:
            record = self.server.state.with_value(value)
        assert record is not None
        return dict(record["CustomFields"] or {})

    def links(self, value: str = "Sofacy") -> list[str]:
        """The ends of the links on a record, in their order."""
        return [row["link"].rpartition("/")[2] for row in self.fields(value).get("publications") or ()]

    def values(self) -> list[str]:
        """The values of all records."""
        with self.server.lock:
            return sorted(record["value"] for record in self.server.state.records())

    def fault(self, **fault: Any) -> None:
        """Arms a fault."""
        self.server.faults.add(Fault.parse(fault))

    def writes(self) -> list[LoggedRequest]:
        """The requests that asked to change something."""
        return [one for one in self.server.requests.latest(None) if one.path.endswith(WRITING)]


@contextmanager
def world(folder: Path, *, observer: Observer | None = None, **options: Any) -> Iterator[World]:
    """A server and a home in `folder`; `Sofacy`, alias `APT28`, is on the server."""
    with ExitStack() as stack:
        server = stack.enter_context(running(observer=observer, **{"rate": 0, **options}))
        host = stack.enter_context(Host.open(folder / "home", content=[PACKS], environ={"PATH": "/usr/bin:/bin"}))
        made = World(server, host)
        made.seed(ACTOR)
        yield made


Start = Callable[..., World]
