"""Whole runs of the sync: first sync, incremental, inbound, and a tenant that takes two requests per second.

Floors, measured in the same run against the same emulator: *posted* is the same bytes serialised and posted with
nothing in between, *paged* is the same pages searched with nothing done, *received* is the same changes received and
parsed, and their indicators paged. A run includes the start of its process, the floors do not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import orjson

from benchmarks import pack
from benchmarks.store import Line, cost, rate
from benchmarks.tenant import CHANGES, INSERT, PAGE, Ground, Instance, Runs, Tenant, pages, say, tenant
from benchmarks.values import change, value_of

FAST = {"requests_per_second": "10"}
SLOW_RATE = 2.0
INTERVAL_MINUTES = 20
CHANGED_SHARE = 100
MEMORY_LIMIT_MB = 256


@dataclass(frozen=True)
class Floors:
    """Seconds of the floors of a first sync."""

    posted: float
    paged: float


def first_sync(ground: Ground, sizes: Sequence[int]) -> Iterator[Line]:
    """Lines for each size, and how memory grows from the smallest to the largest."""
    peaks: dict[int, float] = {}
    for size in sizes:
        ground.grow(size)
        with tenant() as emulator:
            floors = floors_of(ground, emulator)
            emulator.admin_post("reset", {})
            say(f"first sync of {size:,}")
            runs = ground.instance(emulator, FAST).first_sync()
            _complete(emulator, size)
        peaks[size] = runs.peak_mb
        yield rate(f"first sync of {size:,}, floor posted", size / runs.seconds, size / floors.posted)
        yield rate(f"first sync of {size:,}, floor paged", size / runs.seconds, size / floors.paged)
        yield Line(f"first sync of {size:,}, runs", runs.count, 1, "runs", float(runs.count))
    yield from memory("first sync", peaks)


def memory(name: str, peaks: dict[int, float]) -> list[Line]:
    """Peak memory of each size against the smallest one."""
    least = peaks[min(peaks)]
    wanted = f"<= 1.10, < {MEMORY_LIMIT_MB} MB"
    return [
        Line(f"{name} of {size:,}, peak memory", peak, least, "MB", peak / least, wanted)
        for size, peak in peaks.items()
    ]


def floors_of(ground: Ground, emulator: Tenant) -> Floors:
    """Seconds to post what a first sync sends, and to page what it reads."""
    module = pack.integration()
    fields = module.POPULATED_FIELDS.split(",")
    posted = paged = 0.0
    now_ms = int(time.time() * 1000)
    with ground.store() as store:
        begin = time.perf_counter()
        for number, page in enumerate(pages(store, fields)):
            paged += time.perf_counter() - begin
            posted += post(emulator, module, page, now_ms, number)
            begin = time.perf_counter()
    return Floors(posted, paged + time.perf_counter() - begin)


def post(emulator: Tenant, module: ModuleType, page: Sequence[bytes], now_ms: int, number: int) -> float:
    """Seconds to serialise and post the finished records of a page."""
    found = pack.records(module, [orjson.loads(ioc) for ioc in page], now_ms)
    begin = time.perf_counter()
    emulator.post(INSERT, json.dumps(pack.body(found)).encode(), number)
    return time.perf_counter() - begin


def slow_tenant(ground: Ground, sizes: Sequence[int]) -> Iterator[Line]:
    """The first sync of the largest size with a tenant that accepts two requests per second."""
    ground.grow(max(sizes))
    for name, params in (("default parameters", {}), ("2 requests per second set", {"requests_per_second": "2"})):
        with tenant(SLOW_RATE) as emulator:
            say(f"first sync of {ground.size:,} into a tenant that takes 2 requests per second, {name}")
            runs = ground.instance(emulator, params).first_sync()
            _complete(emulator, ground.size)
            statuses = emulator.admin_get("requests?last=0")["totals"]["by_status"]
        yield from _slow_lines(f"{ground.size:,} at 2/s, {name}", ground.size, runs, statuses)


def _slow_lines(name: str, size: int, runs: Runs, statuses: dict[str, int]) -> list[Line]:
    least = -(-size // PAGE) / SLOW_RATE
    refused = float(statuses.get("429", 0))
    sent = float(sum(statuses.values()))
    return [
        Line(f"{name}, work", runs.seconds, least, "s", runs.seconds / least, f"< {INTERVAL_MINUTES * 60} s"),
        Line(f"{name}, runs", runs.count, 1, "runs", float(runs.count), "1: done within one interval"),
        Line(f"{name}, runs that failed", runs.failed, runs.count, "runs", runs.failed / runs.count, "0"),
        Line(f"{name}, peak memory", runs.peak_mb, MEMORY_LIMIT_MB, "MB", runs.peak_mb / MEMORY_LIMIT_MB, "< 1.0"),
        Line(f"{name}, refused with 429", refused, sent, "requests", refused / sent),
    ]


@contextmanager
def synced(ground: Ground, size: int) -> Iterator[tuple[Tenant, Instance]]:
    """An instance whose first sync is complete."""
    ground.grow(size)
    with tenant() as emulator:
        instance = ground.instance(emulator, FAST)
        instance.first_sync()
        _complete(emulator, ground.size)
        yield emulator, instance


def following(ground: Ground, sizes: Sequence[int], inbound: int, names: Sequence[str]) -> Iterator[Line]:
    """What `names` (incremental, inbound) ask for, after one first sync of the largest size."""
    say(f"first sync of {max(sizes):,}, to go on from")
    with synced(ground, max(sizes)) as (emulator, instance):
        steps: dict[str, Callable[[], list[Line]]] = {
            "incremental": lambda: incremental(ground, emulator, instance),
            "inbound": lambda: from_xdr(ground, emulator, instance, min(inbound, ground.size)),
        }
        for name in names:
            say(name)
            yield from steps[name]()


def incremental(ground: Ground, emulator: Tenant, instance: Instance) -> list[Line]:
    """A fetch after one source said something new about 1 % of the indicators."""
    count = max(1, ground.size // CHANGED_SHARE)
    before = _inserted(emulator)
    with ground.store() as store:
        change(store, range(count), 1)
    runs = instance.fetch()
    sent = _inserted(emulator) - before
    if sent != count:
        raise RuntimeError(f"{count} indicators were changed, {sent} were sent")
    floor = _post_newest(ground, emulator, count)
    name = f"incremental, 1 % of {ground.size:,}"
    return [
        cost(f"{name}, floor posted", runs.seconds, floor),
        rate(f"{name}, rate", count / runs.seconds, count / floor),
        Line(f"{name}, peak memory", runs.peak_mb, MEMORY_LIMIT_MB, "MB", runs.peak_mb / MEMORY_LIMIT_MB, "< 1.0"),
    ]


def _post_newest(ground: Ground, emulator: Tenant, count: int) -> float:
    module, seconds, done = pack.integration(), 0.0, 0
    now_ms = int(time.time() * 1000)
    with ground.store() as store:
        for number, page in enumerate(pages(store, module.POPULATED_FIELDS.split(","))):
            seconds += post(emulator, module, page[: count - done], now_ms, 10**9 + number)
            done += len(page)
            if done >= count:
                break
    return seconds


def from_xdr(ground: Ground, emulator: Tenant, instance: Instance, count: int) -> list[Line]:
    """A fetch after an operator wrote a comment to `count` rules in Cortex XDR."""
    since = int(time.time() * 1000)
    values = [value_of(number)[0] for number in range(ground.size - count, ground.size)]
    emulator.admin_post("edit", [{"indicator": value, "comment": "seen by an operator"} for value in values])
    floor = _receive(ground, emulator, since, count)
    runs = instance.fetch()
    with ground.store() as store:
        taken = store.indicators.count('xdrioccomment:"seen by an operator"')
    if taken != count:
        raise RuntimeError(f"{count} rules were changed in Cortex XDR, {taken} arrived")
    name = f"inbound, {count:,} changes"
    return [
        cost(f"{name}, floor received", runs.seconds, floor),
        rate(f"{name}, rate", count / runs.seconds, count / floor),
        Line(f"{name}, peak memory", runs.peak_mb, MEMORY_LIMIT_MB, "MB", runs.peak_mb / MEMORY_LIMIT_MB, "< 1.0"),
    ]


def _receive(ground: Ground, emulator: Tenant, since_ms: int, count: int) -> float:
    fields = pack.integration().POPULATED_FIELDS.split(",")
    begin = time.perf_counter()
    reply = emulator.post(CHANGES, json.dumps({"request_data": {"last_update_ts": since_ms}}).encode(), 2 * 10**9)
    rows = json.loads(reply)["reply"]
    with ground.store() as store:
        read = 0
        for page in pages(store, fields):
            read += len(page)
            if read >= count:
                break
    seconds = time.perf_counter() - begin
    if len(rows) != count:
        raise RuntimeError(f"{count} rules were changed, the emulator lists {len(rows)}")
    return seconds


def _inserted(emulator: Tenant) -> int:
    logged = emulator.admin_get("requests")["requests"]
    return sum(int(entry["records"]) for entry in logged if entry["path"].endswith(INSERT))


def _complete(emulator: Tenant, size: int) -> None:
    held = emulator.rules()
    if held != size:
        raise RuntimeError(f"Cortex XDR must hold {size:,} indicators after the first sync and holds {held:,}")
