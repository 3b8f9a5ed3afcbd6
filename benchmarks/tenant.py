"""A home with one instance, and the emulated tenant that it syncs with, for measuring whole runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from benchmarks.values import SYNC_QUERY, fill
from emulators.kit.xdrkeys import signature
from warroom.engine import Host
from warroom.engine.host import DATABASE
from warroom.engine.secrets import variable_name
from warroom.store import Store

ROOT = Path(__file__).resolve().parent.parent
BRAND = "CortexXDRIOC"
PAGE = 4_000
SERVER_LIMIT_SECONDS = 180
MOST_RUNS = 50
INSERT = "indicators/tim_insert_jsons/"
CHANGES = "indicators/get_changes"


@dataclass(frozen=True)
class Tenant:
    """A running emulator, seen from outside the integration."""

    url: str
    admin: str
    key_id: str
    key: str
    session: requests.Session = field(default_factory=requests.Session)

    def post(self, path: str, body: bytes, number: int) -> bytes:
        """A signed request with nothing around it; `number` makes its nonce."""
        stamp = str(int(time.time() * 1000))
        nonce = f"{number:064d}"
        headers = {
            "x-xdr-auth-id": self.key_id, "x-xdr-nonce": nonce, "x-xdr-timestamp": stamp, "x-iocs-source": "xsoar",
            "Authorization": signature(self.key, nonce, stamp), "Content-Type": "application/json",
        }  # fmt: skip
        reply = self.session.post(f"{self.url}/public_api/v1/{path}", data=body, headers=headers, timeout=120)
        reply.raise_for_status()
        return reply.content

    def admin_get(self, name: str) -> dict[str, Any]:
        """GET at the side door."""
        reply = self.session.get(f"{self.admin}/{name}", timeout=120)
        reply.raise_for_status()
        return dict(reply.json())

    def admin_post(self, name: str, payload: object) -> dict[str, Any]:
        """POST at the side door."""
        reply = self.session.post(f"{self.admin}/{name}", json=payload, timeout=120)
        reply.raise_for_status()
        return dict(reply.json())

    def rules(self) -> int:
        """Living rules."""
        return int(self.admin_get("count")["rules"])


@contextmanager
def tenant(rate: float = 0) -> Iterator[Tenant]:
    """An emulator in a process of its own that accepts `rate` requests per second, 0 for no limit."""
    argv = [sys.executable, "-m", "emulators.cortex_xdr", "--rate", f"{rate:g}"]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the emulator did not start")
        ready = json.loads(line)
        yield Tenant(ready["url"], ready["admin"], ready["api_key_id"], ready["api_key"])
    finally:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()


@dataclass(frozen=True)
class Runs:
    """What it took until a first sync was complete, or until one fetch ended. `failed` runs ended with an error."""

    count: int
    seconds: float
    peak_mb: float
    failed: int = 0


@dataclass
class Ground:
    """A home whose store grows from benchmark to benchmark, so that nothing is generated twice."""

    home: Path
    size: int = 0
    instances: int = 0

    def grow(self, size: int) -> None:
        """At least `size` indicators in the store."""
        if size > self.size:
            with self.store() as store:
                fill(store, self.size, size, lambda done: say(f"{done:,} indicators generated", over=True))
            self.size = size
            say("")

    def store(self) -> Store:
        """The store of the home, opened for direct use."""
        return Store.open(self.home / DATABASE)

    def instance(self, to: Tenant, params: Mapping[str, str]) -> Instance:
        """A new instance that points to the tenant, with default parameters but for `params`."""
        self.instances += 1
        name = f"bench-{self.instances}"
        secrets = {"apikey_id_creds": to.key_id, "apikey_creds": to.key}
        environ = {variable_name(name, parameter): secret for parameter, secret in secrets.items()}
        given = {"url": to.url, "severity": "high", "query": SYNC_QUERY, **params}
        with self._host(environ) as host:
            host.add_instance(BRAND, name, given, {}, "none")
        return Instance(self, name, environ)

    def host(self, environ: Mapping[str, str]) -> Host:
        """The home, opened for runs."""
        return self._host(environ)

    def _host(self, environ: Mapping[str, str]) -> Host:
        return Host.open(self.home, content=[ROOT / "Packs"], environ={"PATH": "/usr/bin:/bin", **environ})


@dataclass(frozen=True)
class Instance:
    """One instance in a ground."""

    ground: Ground
    name: str
    environ: Mapping[str, str]

    def fetch(self) -> Runs:
        """One fetch. Raises RuntimeError when it fails."""
        runs = self.attempt()
        if runs.failed:
            raise RuntimeError(f"{self.name}: the fetch failed")
        return runs

    def attempt(self) -> Runs:
        """One fetch, which may fail."""
        with self.ground.host(self.environ) as host:
            result = host.fetch(self.name, timeout_seconds=SERVER_LIMIT_SECONDS)
        if result.status != "ok":
            say(f"{self.name}: the fetch ended with {result.status}: {result.error}")
        return Runs(1, result.duration_seconds, result.max_rss_bytes / 1e6, int(result.status != "ok"))

    def first_sync(self) -> Runs:
        """Fetches until the first sync is complete. Raises RuntimeError when that takes more than 50 runs."""
        runs: list[Runs] = []
        while not runs or self.bulk_is_open():
            if len(runs) >= MOST_RUNS:
                raise RuntimeError(f"{self.name}: the first sync is not complete after {MOST_RUNS} runs")
            runs.append(self.attempt())
        failed = sum(run.failed for run in runs)
        return Runs(len(runs), sum(run.seconds for run in runs), max(run.peak_mb for run in runs), failed)

    def bulk_is_open(self) -> bool:
        """Is the first sync still under way?"""
        with self.ground.store() as store:
            found = store.instances.get(self.name)
            assert found is not None, "the instance was added before"
            context = store.contexts.read(found.id).context
        return bool((json.loads(context.get("state", "{}")).get("bulk") or {"open": True})["open"])


def pages(store: Store, fields: Sequence[str]) -> Iterator[list[bytes]]:
    """The pages of a first sync, as the store gives them."""
    query, after = f"expirationStatus:active and ({SYNC_QUERY})", None
    while True:
        page = store.indicators.search(
            query, size=PAGE, sort=[("modified", False), ("id", False)], search_after=after, populate_fields=fields
        )
        if page.iocs:
            yield page.iocs
        if len(page.iocs) < PAGE:
            return
        after = page.search_after


def say(text: str, *, over: bool = False) -> None:
    """How far the benchmarks are, on stderr; `over` writes over the same line on a terminal and is silent elsewhere."""
    if not over:
        print(text, file=sys.stderr, flush=True)
    elif sys.stderr.isatty():
        print(f"\r{text}", end="", file=sys.stderr, flush=True)
