"""A home and a tenant as test data: what XSOAR holds, what XDR holds, and what each must hold after a sync.

The expected rows are made from the samples alone, not by the mapping under test.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emulators.cortex_xdr import CortexXdr, running
from emulators.kit import Observer
from warroom.core.indicators import Source
from warroom.engine import Host

ROOT = Path(__file__).resolve().parent.parent
PACKS = ROOT / "Packs"
BRAND = "CortexXDRIOC"
INSTANCE = "main"
KEY, KEY_ID = "made-up-key-of-the-tests", "7"
ENVIRON = {
    "PATH": "/usr/bin:/bin",
    "WARROOM_SECRET__MAIN__APIKEY_CREDS": KEY,
    "WARROOM_SECRET__MAIN__APIKEY_ID_CREDS": KEY_ID,
}
PARAMS = {
    "severity": "high",
    "query": "reputation:Bad",
    "request_size": "400",
    "requests_per_second": "10",
    "feedTags": "",
}
FEED_A = Source("FeedA", "feed a", "a", "A - Completely reliable")
FEED_C = Source("FeedC", "feed c", "c", "C - Fairly reliable")
LATER = "2099-12-31T00:00:00Z"
LATER_MS = 4_102_358_400_000
# Columns of a rule in XDR that hold content; the others are numbers and times of the tenant's own.
CONTENT = (
    "IOC_TYPE", "RULE_SEVERITY", "RULE_STATUS", "RULE_COMMENT", "RULE_SOURCE", "RULE_EXPIRATION_TIME", "REPUTATION",
    "RELIABILITY", "VENDORS", "KLASS", "MARKED_DELETED",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """One indicator of XSOAR, the reason why it is set aside ("" when XDR takes it), and the row XDR must have."""

    value: str
    type: str
    score: int = 3
    fields: dict[str, Any] = field(default_factory=dict)
    feeds: tuple[Source, ...] = (FEED_C,)
    aside: str = ""

    @property
    def item(self) -> dict[str, Any]:
        """As a feed delivers it."""
        return {"value": self.value, "type": self.type, "score": self.score, "fields": self.fields}

    @property
    def row(self) -> Row:
        """What XDR must hold, by CONTENT."""
        verdict = {1: "GOOD", 2: "SUSPICIOUS", 3: "BAD"}[self.score]
        return {
            "IOC_TYPE": {"IP": "IP", "Domain": "DOMAIN_NAME", "File": "HASH"}[self.type],
            "RULE_SEVERITY": "SEV_040_HIGH",
            "RULE_STATUS": "DISABLED" if self.fields.get("xdriocstatus") == "disabled" else "ENABLED",
            "RULE_COMMENT": str(self.fields.get("comments", "")),
            "RULE_SOURCE": "XSOAR TIM",
            "RULE_EXPIRATION_TIME": LATER_MS,
            "REPUTATION": verdict,
            "RELIABILITY": min(feed.reliability[0] for feed in self.feeds),
            "VENDORS": sorted(
                (
                    {"vendor_name": feed.brand, "reputation": verdict, "reliability": feed.reliability[0]}
                    for feed in self.feeds
                ),
                key=lambda vendor: vendor["vendor_name"],
            ),
            "KLASS": (self.fields.get("threattypes") or [{"threatcategory": None}])[0]["threatcategory"],
            "MARKED_DELETED": 0,
        }


def sample(number: int) -> Sample:
    """An indicator that XDR takes, made from its number; the shapes in turn, no value twice."""
    digest = hashlib.sha256(b"sample %d" % number).hexdigest()
    value, kind = [
        (f"198.{18 + number % 2}.{number // 250 % 250}.{number % 250}", "IP"),
        (f"host-{number}.example.com", "Domain"),
        (digest, "File"),
        (digest[:32], "File"),
    ][number % 4]
    fields: dict[str, Any] = {"expirationdate": LATER}
    if number % 3 == 0:
        fields["comments"] = f"seen, {number}; 'quoted' \"twice\" ümlaut"
    if number % 5 == 0:
        fields["threattypes"] = [{"threatcategory": "Malware"}, {"threatcategory": "Worm"}]
    if number % 97 == 0:
        fields["xdriocstatus"] = "disabled"
    return Sample(value, kind, fields=fields, feeds=(FEED_A, FEED_C) if number % 7 == 0 else (FEED_C,))


ASIDE = (
    Sample("http://example.com/path", "URL", aside="no IOC type for URL"),
    Sample("2001:db8::1", "IPv6", aside="no IOC type for IPv6"),
    Sample("da39a3ee5e6b4b0d3255bfef95601890afd80709", "File", aside="not SHA-1"),
    # Well-formed for the integration, refused by the tenant itself.
    Sample("b\u00fccher.example", "Domain", aside="mismatch"),
)
NOT_FOUND = (
    Sample("192.0.2.200", "IP", score=1),
    Sample("192.0.2.201", "IP", fields={"expirationdate": "2020-01-01T00:00:00Z"}),
)


def samples(count: int) -> list[Sample]:
    """What XSOAR holds: `count` that XDR takes, a few that it does not, a few that the Sync Query does not find."""
    return [*map(sample, range(count)), *ASIDE, *NOT_FOUND]


def expected_rows(given: list[Sample]) -> dict[str, Row]:
    """What XDR must hold of these after a sync."""
    return {one.value: one.row for one in given if not one.aside and one not in NOT_FOUND}


def deliver(host: Host, given: list[Sample]) -> None:
    """Puts samples into the store as their feeds would."""
    for source in (FEED_A, FEED_C):
        mine = [one.item for one in given if source in one.feeds]
        result = host.store.indicators.apply(mine, source)
        assert not result.refused, result.refused


def open_home(folder: Path, content: Path = PACKS, clock: Callable[[], float] = time.time) -> Host:
    """The home in `folder`, made when it is not there, with the key in its environment."""
    return Host.open(folder, content=[content], environ=ENVIRON, clock=clock)


def add_instance(host: Host, url: str, **params: str) -> None:
    """The one instance, called `main`."""
    host.add_instance(BRAND, INSTANCE, {"url": url, **PARAMS, **params})


def copy_home(source: Path, target: Path, url: str) -> Path:
    """A copy of a closed home whose instance talks to `url`."""
    shutil.copytree(source, target)
    with open_home(target) as host:
        instance = host.instances.get(INSTANCE)
        host.store.instances.update(replace(instance, params={**instance.params, "url": url}))
    return target


@contextmanager
def tenant(observer: Observer | None = None, **options: Any) -> Iterator[CortexXdr]:
    """An emulated tenant with the key of the tests and no limit on requests."""
    with running(observer=observer, **{"api_key": KEY, "api_key_id": KEY_ID, "rate": 0, **options}) as emulator:
        yield emulator


def in_xdr(emulator: CortexXdr, *, deleted: bool = True) -> dict[str, Row]:
    """The content of every rule by value."""
    with emulator.lock:
        rows = [json.loads(line) for line in emulator.state.dump()]
    found = {row["RULE_INDICATOR"]: {name: row[name] for name in CONTENT} for row in rows}
    for row in found.values():
        row["VENDORS"] = sorted(row["VENDORS"], key=lambda vendor: str(vendor["vendor_name"]))
    return {value: row for value, row in found.items() if deleted or not row["MARKED_DELETED"]}


def in_xsoar(host: Host) -> dict[str, Row]:
    """What XSOAR holds by value, without ids and times of its own."""
    found: dict[str, Row] = {}
    for document in host.store.indicators.iterate(""):
        custom = dict(document["CustomFields"])
        if "xdriocstate" in custom:
            memories = json.loads(custom["xdriocstate"]).get("of", {})
            custom["xdriocstate"] = {
                label: {**memory, "theirs": {**memory.get("theirs", {}), "t": "any"}}
                for label, memory in memories.items()
            }
        kept = {name: document.get(name) for name in ("indicator_type", "score", "manualScore", "sourceBrands")}
        found[document["value"]] = {**kept, "CustomFields": custom}
    return found


def sync_state(host: Host) -> dict[str, Any]:
    """The state that the integration keeps in its context."""
    context = host.store.contexts.read(host.instances.get(INSTANCE).id).context
    return dict(json.loads(context["state"]))


def rejects(host: Host) -> dict[str, tuple[str, str, str]]:
    """(type, direction, reason) by value of what is set aside."""
    listed = sync_state(host)["rejects"]
    return {value: (one["type"], one["direction"], one["reason"]) for value, one in listed.items()}


def inserts(emulator: CortexXdr) -> tuple[int, int]:
    """(requests, records) of inserts that reached the tenant, answered or not."""
    logged = [entry for entry in emulator.requests.latest() if "tim_insert_jsons" in entry.path]
    return len(logged), sum(entry.records for entry in logged)


@dataclass
class Recorder:
    """Collects what it is called with, from any thread."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def server(self, phase: str, name: str, pid: int) -> None:
        """As `on_call` of a run."""
        with self.lock:
            self.calls.append((phase, name))

    def http(self, phase: str, call: Any) -> None:
        """As observer of an emulator."""
        with self.lock:
            self.calls.append((phase, call.path.rstrip("/").rpartition("/")[2]))


@contextmanager
def synced(folder: Path, count: int = 40, content: Path = PACKS, **params: str) -> Iterator[tuple[Host, CortexXdr]]:
    """A fresh home with `count` samples and a fresh tenant, both open; nothing has run yet."""
    with ExitStack() as stack:
        emulator = stack.enter_context(tenant())
        host = stack.enter_context(open_home(folder, content))
        deliver(host, samples(count))
        add_instance(host, emulator.url, **params)
        yield host, emulator
