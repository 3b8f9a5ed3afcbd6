"""What each step of the sync costs, and by arithmetic what that means for millions of IOCs.

Measured lines have the request as floor: the same 4,000 finished records posted to the emulator with nothing around, or
for lines per request the bare request. `checked` is a whole first sync beside the sum of its steps: what it takes more
is the way between the processes, and the waiting for each other. Computed lines begin with "computed"; nothing of them
was run. Their floor is what the tenant's limit of requests alone would take, or one of what they count.
"""

from __future__ import annotations

import io
import json
import math
import statistics
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import orjson

from benchmarks import pack
from benchmarks.mapping import cpu_seconds
from benchmarks.store import Line
from benchmarks.tenant import CHANGES, INSERT, PAGE, Ground, Instance, Runs, Tenant, pages, say, tenant
from benchmarks.values import SOURCES, SYNC_QUERY, value_of

MILLIONS = 4_000_000
TENANT_RATE = 10.0
READ_BACK, OVERLAP = 100, 10
CHURN = 0.05
RUN_SECONDS, INTERVAL_SECONDS = 150.0, 20 * 60.0
RUNS_PER_DAY = 24 * 3600 / INTERVAL_SECONDS
MOST_REMOVED = 2_000
SHARE_REMOVED = 0.01
RSS_LIMIT_MB = 256
IN_FLIGHT = 2
CONTEXT_START_MB = 1.0
ROWS, ROUNDS = 4_000, 5
GET = "indicators/get"
DISABLE = "indicators/disable_iocs"


@dataclass(frozen=True)
class Costs:
    """Seconds, but for the memory. Of a page of PAGE records: `search` in XSOAR with parsing, `mapping`, `json`,
    `request`. Of one row from XDR: `row`. Of READ_BACK IOCs: `by_value` and `listed`, the requests; `compare`, holding
    them against XSOAR's; `look`, asking XSOAR which of them it wants; `disable`, switching them off. `start` of a run.
    `context`: to store the context when everything that it keeps is full, `context_mb` its size then. `whole_page`:
    what a page took in a whole first sync.
    """

    search: float
    mapping: float
    json: float
    request: float
    row: float
    by_value: float
    listed: float
    compare: float
    look: float
    disable: float
    start: float
    run_mb: float
    context: float
    context_mb: float
    whole_page: float

    @property
    def steps(self) -> float:
        """What the steps of a page cost on our side."""
        return self.search + self.mapping + self.json


def measure(ground: Ground, size: int, sizes: Sequence[int] = (MILLIONS,), rounds: int = ROUNDS) -> Iterator[Line]:
    """The steps in a store of `size` indicators, a check, and what follows from them for each of `sizes`."""
    ground.grow(size)
    with tenant() as emulator:
        say(f"steps in a store of {size:,}")
        instance = ground.instance(emulator, {"requests_per_second": "10"})
        runs = instance.first_sync()
        costs = costs_of(ground, emulator, instance, rounds, runs)
    yield from measured(costs)
    steps = max(costs.steps, costs.request) * size / PAGE + costs.start * runs.count
    yield Line(f"checked: first sync of {size:,}, floor from its steps", runs.seconds, steps, "s", runs.seconds / steps)
    for number in sizes:
        yield from computed(costs, number)


def measured(costs: Costs) -> list[Line]:
    """The steps as lines."""
    page = {
        "search, a page of XSOAR": costs.search,
        "mapping, a page": costs.mapping,
        "json, a page": costs.json,
        "request, a page (the floor)": costs.request,
        f"inbound, {PAGE:,} rows": costs.row * PAGE,
    }
    hundred = {
        f"request, {READ_BACK} by value (the floor)": costs.by_value,
        f"request, {READ_BACK} of the listing": costs.listed,
        f"compare, {READ_BACK}": costs.compare,
        f"look in XSOAR, {READ_BACK}": costs.look,
        f"request, {READ_BACK} disabled": costs.disable,
    }
    lines = [Line(f"step: {name}", s * 1e3, costs.request * 1e3, "ms", s / costs.request) for name, s in page.items()]
    lines += [
        Line(f"step: {name}", s * 1e3, costs.by_value * 1e3, "ms", s / costs.by_value) for name, s in hundred.items()
    ]
    return [
        *lines,
        Line("step: start of a run", costs.start * 1e3, costs.request * 1e3, "ms", costs.start / costs.request),
        Line("step: context, all lists full", costs.context_mb, CONTEXT_START_MB, "MB", costs.context_mb),
        Line(
            "step: storing that context", costs.context * 1e3, costs.request * 1e3, "ms", costs.context / costs.request
        ),
        Line("step: memory of a run", costs.run_mb, RSS_LIMIT_MB, "MB", costs.run_mb / RSS_LIMIT_MB, "< 1.0"),
    ]


# ---- arithmetic


def computed(costs: Costs, size: int, rate: float = TENANT_RATE) -> Iterator[Line]:
    """What follows for a tenant with `size` IOCs that takes `rate` requests per second."""

    def line(what: str, ours: float, alone: float, unit: str, limit: str = "") -> Line:
        return Line(f"computed: {size:,}, {what}", ours, alone, unit, ours / alone, limit)

    first, by_value = math.ceil(size / PAGE), math.ceil(size / READ_BACK)
    listed, removed = math.ceil(size / (READ_BACK - OVERLAP)), math.ceil(size * SHARE_REMOVED)
    sync = _slower(first, rate, costs.whole_page)
    yield line("first sync", sync, first / rate, "s")
    yield line("first sync, runs", math.ceil(sync / RUN_SECONDS), 1, "runs")
    yield line("a request may take, before it sets the pace", IN_FLIGHT / rate * 1e3, costs.request * 1e3, "ms")
    back = _slower(by_value, rate, costs.compare) + _slower(listed, rate, costs.look)
    yield line("reconcile both ways", back / 60, (by_value + listed) / rate / 60, "min")
    yield line(f"reconcile, calls of {RUN_SECONDS:.0f} s", math.ceil(back / RUN_SECONDS), 1, "calls")
    changed = math.ceil(size * CHURN / RUNS_PER_DAY)
    pushes = math.ceil(changed / PAGE)
    churn = costs.start + _slower(pushes, rate, costs.whole_page) + changed * costs.row
    yield line(
        f"churn {CHURN:.0%} a day on each side, a run", churn, (1 + pushes) / rate, "s", f"< {RUN_SECONDS:.0f} s"
    )
    room = INTERVAL_SECONDS * rate
    yield line("churn, requests of an interval", 1 + pushes, room, "requests", "< 1.0")
    look = _slower(listed, rate, costs.look)
    yield line("removal, a whole look", look / 60, listed / rate / 60, "min")
    yield line("removal, the look in hours of fetches", _hours(look, churn), listed / rate / 3600, "h", "< 24 h")
    yield line(f"removal of {removed:,} by disable, runs", math.ceil(removed / MOST_REMOVED), 1, "runs")
    deleted = min(MOST_REMOVED, (RUN_SECONDS - churn) * rate)
    yield line(f"removal of {removed:,} by delete, runs", math.ceil(removed / deleted), 1, "runs")
    yield line("instances that a core keeps up with", INTERVAL_SECONDS / churn, 1, "instances")
    yield line("instances at once in a GB", 1_000 / costs.run_mb, 1, "instances")
    yield line("instances on one tenant, by its requests", room / (1 + pushes), 1, "instances")


def _slower(requests: int, rate: float, ours: float) -> float:
    """Seconds for so many requests, each with `ours` of work on our side: whoever is slower."""
    return max(requests / rate, requests * ours)


def _hours(sweep: float, churn: float) -> float:
    """Hours until a look is through that uses what each fetch leaves of its time."""
    return math.ceil(sweep / max(RUN_SECONDS - churn, 1.0)) * INTERVAL_SECONDS / 3600


# ---- measuring


def costs_of(ground: Ground, emulator: Tenant, instance: Instance, rounds: int, runs: Runs) -> Costs:
    """Each step by itself, best or median of several rounds."""
    module = pack.integration()
    fields = module.POPULATED_FIELDS.split(",")
    settings, now_ms = pack.settings(module), int(time.time() * 1000)
    search, found = searched(ground, fields)
    iocs: list[dict[str, Any]] = [orjson.loads(ioc) for ioc in found]
    finished = pack.body(pack.records(module, iocs, now_ms))
    full, share = PAGE / max(len(iocs), 1), len(iocs)
    by_value, listed, disable, rules = requests(emulator, iocs, rounds)
    start = min(instance.attempt().seconds for _ in range(2))
    return Costs(
        search=search * full,
        mapping=best(rounds, lambda: module.plan_page(iocs, settings, now_ms)) * full,
        json=best(rounds, lambda: json.dumps(finished)) * full,
        request=median(rounds, lambda n: emulator.post(INSERT, json.dumps(finished).encode(), 3 * 10**9 + n)) * full,
        row=inbound(ground, emulator, module, share, rounds),
        by_value=by_value,
        listed=listed,
        compare=best(rounds, lambda: compared(module, iocs[:READ_BACK], rules, settings, now_ms)),
        look=looked_up(ground, iocs, rounds),
        disable=disable,
        start=start,
        run_mb=runs.peak_mb,
        whole_page=max(runs.seconds - start * runs.count, 1e-3) / math.ceil(ground.size / PAGE),
        **context_costs(ground, module, rounds),
    )


def context_costs(ground: Ground, module: ModuleType, rounds: int) -> dict[str, float]:
    """The context of an instance that keeps as many rejects, marks and removals as it may; a write of all of it."""
    now = int(time.time() * 1000)
    entry = [now, "done", "disable", "judged anew", "HASH", "HIGH", "BAD", "A", now, "c" * 40, "ENABLED", now, None]
    values = [value_of(number)[0] for number in range(module.REMOVALS_KEPT)]
    reject = {"type": "File", "reason": "r" * 80, "when": "2026-01-01T00:00:00Z", "direction": module.TO_XDR}
    marks = [[now * 10**6, "m" * 12]] * module.MARKS_KEPT
    state = module.new_state(now) | {
        "rejects": dict.fromkeys(values[: module.REJECTS_KEPT], reject),
        "fresh": {"edge": "", "after": None, "since": 0, "marks": marks, "done": 0},
    }
    record = {"entries": dict.fromkeys(values, entry), "away": "a" * module.MARK_LENGTH * module.REMOVALS_REMEMBERED}
    context = {"state": json.dumps(state), module.REMOVAL_RECORD_KEY: json.dumps(record)}
    with ground.store() as store:
        seconds = median(rounds, lambda n: store.contexts.write("measured", context))
    return {"context": seconds, "context_mb": sum(map(len, context.values())) / 1e6}


def searched(ground: Ground, fields: list[str]) -> tuple[float, list[bytes]]:
    """Median seconds of a page with its parsing, and the last page that was full (or the only one)."""
    spent, kept = [], list[bytes]()
    with ground.store() as store:
        begin = time.perf_counter()
        for page in pages(store, fields):
            for ioc in page:
                orjson.loads(ioc)
            spent.append(time.perf_counter() - begin)
            kept = page if len(page) == PAGE or not kept else kept
            begin = time.perf_counter()
    return statistics.median(spent), kept


def requests(
    emulator: Tenant, iocs: Sequence[dict[str, Any]], rounds: int
) -> tuple[float, float, float, list[dict[str, Any]]]:
    """Median seconds of the requests about a hundred IOCs: by value, of the listing, to disable; and what was read."""
    values = [ioc["value"] for ioc in iocs[:READ_BACK]]
    wanted = {"extended_view": True, "search_from": 0, "search_to": READ_BACK}
    asked = {**wanted, "filters": [{"field": "indicator", "operator": "IN", "value": values}]}
    middle = emulator.rules() // 2
    place = {**wanted, "search_from": middle, "search_to": middle + READ_BACK}
    rules: list[dict[str, Any]] = json.loads(emulator.post(GET, _data(asked), 4 * 10**9))["objects"]
    by_value = median(rounds, lambda n: json.loads(emulator.post(GET, _data(asked), 4 * 10**9 + 1 + n)))
    listed = median(rounds, lambda n: json.loads(emulator.post(GET, _data(place), 5 * 10**9 + n)))
    disable = median(rounds, lambda n: emulator.post(DISABLE, _data(values), 6 * 10**9 + n))
    return by_value, listed, disable, rules


def inbound(ground: Ground, emulator: Tenant, module: ModuleType, count: int, rounds: int) -> float:
    """Seconds per row that an operator changed: received, parsed, decided, and written into XSOAR."""
    since = int(time.time() * 1000)
    count = min(count, ROWS)
    values = [value_of(number)[0] for number in range(ground.size - count, ground.size)]
    emulator.admin_post("edit", [{"indicator": value, "comment": "seen by an operator"} for value in values])
    settings, now_ms = pack.settings(module), int(time.time() * 1000)
    begin = time.perf_counter()
    reply = emulator.post(CHANGES, _data({"last_update_ts": since}), 7 * 10**9)
    body = io.BytesIO(reply)
    array("q", (module.row_time(row) for row in module.json_rows(body)))
    rows = list(module.json_rows(body))
    with ground.store() as store:
        current: dict[str, dict[str, Any]] = {}
        for start in range(0, len(rows), module.LOOKUP_SLICE):
            current |= _held(store, [row["RULE_INDICATOR"] for row in rows[start : start + module.LOOKUP_SLICE]])
        plan = module.plan_inbound(rows, current, settings, now_ms, None)
        # A source of its own: what the instance itself noted stays as it is.
        store.indicators.apply(plan.items, SOURCES[0])
    return (time.perf_counter() - begin) / max(len(rows), 1)


def _held(store: Any, values: Sequence[str]) -> dict[str, dict[str, Any]]:
    query = " or ".join(f'value:"{value}"' for value in values)
    found = store.indicators.search(query, size=5 * len(values), sort=[("modified", True)]).iocs
    return {doc["value"].lower(): doc for doc in map(orjson.loads, found)}


def compared(
    module: ModuleType, iocs: Sequence[dict[str, Any]], rules: Sequence[dict[str, Any]], settings: Any, now_ms: int
) -> None:
    """A hundred indicators held against what XDR has of them."""
    goings = [(ioc, module.mapped(ioc, settings, now_ms)) for ioc in iocs]
    module.compare(goings, {module.rule_value(rule).lower(): rule for rule in rules}, 0)


def looked_up(ground: Ground, iocs: Sequence[dict[str, Any]], rounds: int) -> float:
    """Median seconds to ask XSOAR which of a hundred values it knows, and which of them the Sync Query finds."""
    values = " or ".join(f'value:"{ioc["value"]}"' for ioc in iocs[:READ_BACK])
    queries = (values, f"expirationStatus:active and ({SYNC_QUERY}) and ({values})")
    with ground.store() as store:
        return median(
            rounds, lambda n: [store.indicators.search(q, size=1_000, sort=[("modified", True)]) for q in queries]
        )


def best(rounds: int, call: Callable[[], object]) -> float:
    """The least CPU seconds of several rounds."""
    return min(cpu_seconds(call) for _ in range(rounds))


def median(rounds: int, call: Callable[[int], object]) -> float:
    """Median wall seconds of several rounds; the call gets the number of its round."""

    def seconds(number: int) -> float:
        begin = time.perf_counter()
        call(number)
        return time.perf_counter() - begin

    return statistics.median([seconds(number) for number in range(rounds)])


def _data(request_data: object) -> bytes:
    return json.dumps({"request_data": request_data}).encode()
