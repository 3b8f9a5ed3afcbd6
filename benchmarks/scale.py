"""What each step of the sync costs, and from it what 4,000,000 indicators cost. Measured and computed lines are apart.

Floor of every line: as many requests at the 10 per second that Cortex XDR grants a tenant. What is near 1 waits for the
tenant, what is far above it for the machine. A measured step includes the start of its process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.store import Line
from benchmarks.sync import FAST
from benchmarks.tenant import Ground, Instance, Tenant, say, tenant
from benchmarks.values import change

TENANT_RATE = 10.0
LARGEST = 4_000_000
CHURN = 0.05
RUNS_A_DAY = 72
DAY_SECONDS = 86_400
FIRST, QUIET, CHANGED = "first sync", "fetch without news", "fetch of changes in XSOAR"
COMPARED, LOOKED = "comparison of both sides", "look for what to remove"


@dataclass(frozen=True)
class Step:
    """One step: so many records took so many requests and seconds."""

    name: str
    records: int
    requests: int
    seconds: float

    @property
    def line(self) -> Line:
        """The measurement."""
        floor = max(self.requests, 1) / TENANT_RATE
        return Line(f"{self.name}, {self.records:,}", self.seconds, floor, "s", self.seconds / floor)

    @property
    def computed(self) -> Line:
        """What was not measured. It takes at least as long as the tenant's limit wants."""
        floor = max(self.requests, 1) / TENANT_RATE
        seconds = max(self.seconds, floor)
        return Line(f"computed: {self.name}, {self.records:,}", seconds / 60, floor / 60, "min", seconds / floor)

    def of(self, records: int) -> Step:
        """The same step for another number of records, by the rule of three."""
        share = records / self.records
        return Step(self.name, records, round(self.requests * share), self.seconds * share)


def measure(ground: Ground, size: int) -> Iterator[Line]:
    """Measured lines of `size` indicators, then computed ones of 4,000,000."""
    steps: dict[str, Step] = {}
    for step in measured(ground, size):
        steps[step.name] = step
        yield step.line
    yield from projection(steps)


def measured(ground: Ground, size: int) -> Iterator[Step]:
    """Every step once, each on what the one before it left."""
    ground.grow(size)
    with tenant() as emulator:
        instance = ground.instance(emulator, FAST)
        counter = Counter(emulator)
        say(f"every step of {ground.size:,}")
        yield counter.step(FIRST, ground.size, instance.first_sync().seconds)
        yield counter.step(QUIET, ground.size, instance.fetch().seconds)
        count = max(1, round(ground.size * CHURN))
        with ground.store() as store:
            change(store, range(count), 1)
        yield counter.step(CHANGED, count, instance.fetch().seconds)
        yield counter.step(COMPARED, ground.size, command(instance, "!xdr-iocs-reconcile", "status"))
        look = "!xdr-iocs-remove policy=disable"
        yield counter.step(LOOKED, ground.size, command(instance, look, "whole"))


@dataclass
class Counter:
    """How many requests the tenant got since the last step."""

    emulator: Tenant
    before: int = 0

    def step(self, name: str, records: int, seconds: float) -> Step:
        """The step that has just ended."""
        total = int(self.emulator.admin_get("requests?last=0")["totals"]["requests"])
        requests, self.before = total - self.before, total
        return Step(name, records, requests, seconds)


def command(instance: Instance, line: str, member: str) -> float:
    """Seconds of a command, repeated until its output says that all was looked at.

    Raises RuntimeError when it fails.
    """
    seconds = 0.0
    while True:
        with instance.ground.host(instance.environ) as host:
            (result,) = host.run_command(f"{line} using={instance.name}")
        if result.status != "ok":
            raise RuntimeError(f"{line}: {result.error}")
        seconds += result.duration_seconds
        outputs = next(iter(result.entries[-1]["EntryContext"].values()))
        if found(outputs, member) in ("done", True):
            return seconds


def found(outputs: object, member: str) -> object:
    """The member of the outputs, which stand under the name of the command's object."""
    if isinstance(outputs, dict) and member not in outputs:
        return next((found(inner, member) for inner in outputs.values() if isinstance(inner, dict)), None)
    return outputs.get(member) if isinstance(outputs, dict) else None


def projection(steps: Mapping[str, Step]) -> Iterator[Line]:
    """What a tenant of 4,000,000 costs, and a day of it with 5 % of them changed."""
    day = a_day(steps)
    for name in (FIRST, COMPARED, LOOKED):
        yield steps[name].of(LARGEST).computed
    yield steps[CHANGED].of(day.records).computed
    yield day.computed
    share = day.requests / (TENANT_RATE * DAY_SECONDS)
    yield Line("computed: share of the tenant's requests of a day", share * 100, 100, "%", share)
    fit = DAY_SECONDS / day.seconds
    yield Line("computed: such tenants, if one run goes at a time", fit, 1, "tenants", 1 / fit)


def a_day(steps: Mapping[str, Step]) -> Step:
    """A fetch every 20 minutes with 5 % changed in all, and one look for what to remove."""
    changed = round(LARGEST * CHURN)
    # The start of a process is in each step already; the changes of a day come in as many fetches.
    parts = [steps[CHANGED].of(changed), steps[LOOKED].of(LARGEST)]
    quiet = steps[QUIET]
    requests = sum(part.requests for part in parts) + RUNS_A_DAY * quiet.requests
    seconds = sum(part.seconds for part in parts) + RUNS_A_DAY * quiet.seconds
    return Step("a day with 5 % changed and one look", changed, requests, seconds)
