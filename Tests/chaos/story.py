"""The chaos run: cycle after cycle people work on both sides, things go wrong, and a run of the sync follows."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emulators.cortex_xdr import CortexXdr
from emulators.kit import Call
from Tests.chaos import model
from Tests.chaos.book import DIFFERING, LOST, Book
from Tests.chaos.clocks import Clocks
from Tests.chaos.figures import Figures
from Tests.chaos.people import People, fill, first_words, sendable, value_of
from Tests.chaos.weather import BUDGET, CALM, KINDS, TIGHT_BUDGET, Storm, Weather, drawn
from Tests.world import INSTANCE, PACKS, add_instance, rejects, sync_state, tenant
from warroom.engine import Host, RunResult

INTERVAL_SECONDS = 20 * 60
QUERY = "(reputation:Bad or reputation:Suspicious) and (type:File or type:Domain or type:IP)"
PARAMS = {
    "query": QUERY,
    "override_severity": "false",
    "xsoar_comments_field": "description",
    "feedReliability": "C - Fairly reliable",
}
QUIET_MOST = 12
DAY_SECONDS = 24 * 3600
# After so many runs in a row that could not read XDR's changes, XSOAR's go out all the same.
MOST_UNREAD = 3
NOTHING: Callable[..., None] = lambda *args: None  # noqa: E731


@dataclass(frozen=True)
class Size:
    """How much of everything: edits are per cycle, `speed` is that of the integration's clock."""

    indicators: int = 200_000
    cycles: int = 200
    xsoar: int = 220
    xdr: int = 140
    new: int = 60
    race: int = 12
    hot: int = 2_000
    request_size: int = 4_000
    speed: float = 10.0
    removal: str = "disable"
    cap_percent: float = 0.1


@dataclass
class Chaos:
    """One chaos run in the making. `tell(what, done, total)` hears how far it is."""

    size: Size
    lot: random.Random
    host: Host
    emulator: CortexXdr
    clocks: Clocks
    book: Book
    people: People
    figures: Figures
    tell: Callable[[str, int, int], None]
    storm: Storm = field(default_factory=lambda: Storm(CALM, lambda: None))
    budget: int = 0
    pending: int = 0
    unread: int = 0
    switched_off: int = 0
    forecast: Callable[[int], Weather] | None = None

    # -- the whole

    def play(self, *, stop_at_first: bool = False) -> Figures:
        """All cycles, the quiet ones, and the look at everything."""
        started = time.monotonic()
        # What was changed before the sync ever began is nobody's news; so it begins, and gets not far.
        self.run(replace(CALM, budget=TIGHT_BUDGET))
        for number in range(self.size.cycles):
            self.tell("cycles", number, self.size.cycles)
            self.cycle(number)
            if stop_at_first and self.book.wrong:
                break
        self.rest()
        self.tell("looking at everything", 0, 1)
        self.look_at_everything()
        self.sum_up()
        self.figures.seconds = time.monotonic() - started
        return self.figures

    def cycle(self, number: int) -> None:
        """People work, the weather turns, a run follows."""
        self.book.cycle = number
        self.clocks.passed += INTERVAL_SECONDS
        size = self.size
        weather = (self.forecast or self.by_lot)(number)
        self.clocks.jumps.update(weather.jumps)
        self.people.work(size.xsoar, size.xdr, size.new)
        self.run(weather)
        self.figures.cycles += 1

    def by_lot(self, number: int) -> Weather:
        """The weather of a cycle: each kind once before it is left to the lot."""
        return drawn(self.lot, self.size.speed, sorted(KINDS)[number] if number < len(KINDS) else "")

    def rest(self) -> None:
        """Runs without edits and faults, until one sends nothing and changes nothing on either side."""
        for number in range(QUIET_MOST):
            self.book.cycle = self.size.cycles + number
            # A whole look through XDR is due once more, so that nothing is left of what is not wanted.
            self.clocks.passed += INTERVAL_SECONDS + (DAY_SECONDS if number == 0 and self.book.removal else 0)
            before = self.figures.records_sent
            result = self.run(CALM)
            assert result.status == "ok", result.error
            self.figures.quiet_cycles += 1
            self.figures.echoed = self.figures.records_sent - before + result.indicators_changed
            if number > 1 and not self.figures.echoed and not self.removing():
                return

    def removing(self) -> bool:
        """Has the removal something left to do?"""
        removal = sync_state(self.host).get("removal") or {}
        run = removal.get("run") or {}
        return bool(self.book.removal and (removal.get("look") or run.get("removed") or run.get("held_back")))

    # -- one run

    def run(self, weather: Weather) -> RunResult:
        """One run in this weather, and what the book makes of it."""
        self.set_out(weather)
        upper = self.people.count
        self.book.begin()
        result = self.host.fetch(INSTANCE, timeout_seconds=weather.limit / self.size.speed, on_call=self.storm.server)
        self.count(weather, result)
        self.emulator.faults.clear()
        self.clocks.jumps = dict.fromkeys(self.clocks.jumps, 0.0)
        whole = self.got_to_its_end(weather, result)
        if whole:
            self.book.certain = upper
            self.figures.whole_runs += 1
        told = f"{result.status}{', whole' if whole else ''}; {', '.join(weather.kinds)}"
        self.unread = self.unread + 1 if "IOC sync from Cortex XDR" in str(result.error) else 0
        blind = self.unread > MOST_UNREAD
        self.book.end(whole, told if result.status == "ok" else f"{told}; {result.error}", blind)
        self.note_survival(weather, whole)
        return result

    def set_out(self, weather: Weather) -> None:
        """Make the weather."""
        self.clocks.set_client()
        if weather.budget != self.budget:
            instance = self.host.instances.get(INSTANCE)
            params = {**instance.params, "fetch_time_budget_seconds": str(weather.budget)}
            self.host.store.instances.update(replace(instance, params=params))
            self.budget = weather.budget
        self.emulator.faults.add(*weather.faults)
        self.storm = Storm(weather, lambda: self.people.race(self.size.race))

    def got_to_its_end(self, weather: Weather, result: RunResult) -> bool:
        """Did the run have all the time it wanted, and does it say that nothing is left to do?"""
        state = sync_state(self.host) if result.status == "ok" else {}
        return bool(
            state
            and not weather.tight
            and result.duration_seconds < BUDGET / self.size.speed / 2
            and not state["bulk"]["open"]
            and not state["last"]["note"]
        )

    def count(self, weather: Weather, result: RunResult) -> None:
        """The figures of a run."""
        figures = self.figures
        figures.runs[result.status] += 1
        figures.peak_mb = max(figures.peak_mb, result.max_rss_bytes >> 20)
        done: Counter[str] = Counter()
        for fault in self.emulator.faults.report():
            name = next(kind for kind in weather.kinds if fault_is(kind, fault))
            done[name] += fault["fired"]
        done.update(kind for kind in weather.kinds if "clock" in kind)
        if self.storm.killed:
            figures.kills += 1
            done.update(kind for kind in weather.kinds if kind.startswith("kill"))
        if self.storm.raced:
            done["edits during the run"] += 1
        done = +done
        figures.faults.update(done)
        self.pending += sum(done.values())

    def note_survival(self, weather: Weather, whole: bool) -> None:
        """Faults count as survived when a run got to its end later and nothing was wrong then."""
        if whole:
            self.figures.survived += 0 if self.book.wrong else self.pending
            self.pending = 0

    def http(self, phase: str, call: Call) -> None:
        """As observer of the tenant."""
        if phase == "after" and "disable_iocs" in call.path:
            self.switched_off += call.records
        if phase == "after" and "tim_insert" in call.path:
            self.figures.records_sent += call.records
        self.storm.http(phase)

    # -- the end

    def look_at_everything(self) -> None:
        """Holds each indicator of either side against what it must be, also those that nobody touched."""
        book = self.book
        here = {doc["value"]: book.xsoar_content(doc) for doc in self.host.store.indicators.iterate("")}
        with self.emulator.lock:
            there = {rule.indicator: book.xdr_content(rule) for rule in self.emulator.rules.all()}
        self.figures.indicators, self.figures.rules = len(here), len(there)
        aside = rejects(self.host)
        self.figures.set_aside = len(aside)
        expected = 0
        for number in range(self.people.count):
            value, _ = value_of(number)
            book.numbers[value] = number
            if value not in book.stories:
                words = first_words(number)
                xdr = words.put(status=model.ENABLED) if sendable(number) else None
                book.stories[value] = frozenset([model.Story(model.Xsoar(words), xdr, ours=True)])
            if not sendable(number) and value not in aside:
                book.tell(value, "is not on the list of what is set aside")
                book.fail(value, LOST, book.stories[value])
        for value in here.keys() | there.keys() | book.stories.keys():
            expected += 1
            stories = book.stories.get(value, frozenset())
            fitting = model.seen(stories, here.get(value), there.get(value))
            if book.removal:
                fitting = frozenset(story for story in fitting if not model.stale(story, book.now_ms()))
            if not fitting:
                sides = {(story.xsoar is None, story.xdr is None) for story in stories}
                missing = (value not in here, value not in there) not in sides
                book.fail(value, LOST if missing else DIFFERING, stories)
            elif all(story.raced for story in fitting):
                self.figures.decided_by_a_race += 1
        self.figures.looks = expected

    def sum_up(self) -> None:
        """What the others counted."""
        figures, totals = self.figures, self.emulator.requests.totals()
        figures.requests, figures.by_status = totals["requests"], totals["by_status"]
        figures.edits.update(self.people.counts)
        figures.switched_off = self.switched_off
        figures.wrong = self.book.wrong
        figures.lost = sum(wrong.kind == LOST for wrong in self.book.wrong)
        figures.differing = len(self.book.wrong) - figures.lost


def fault_is(kind: str, fault: dict[str, Any]) -> bool:
    """Does an armed fault belong to this kind of weather?"""
    name, when, status = fault["kind"], fault["when"], fault["status"]
    known: dict[str, bool] = {
        "429 storm": name == "status" and status == 429,
        "5xx": name == "status" and status >= 500,
        "reset before it was applied": name == "reset" and when == "before",
        "reset after it was applied": name == "reset" and when == "after",
        "torn body": name == "torn",
        "applied twice": name == "duplicate",
        "slower than the time-out": name == "delay",
        "slower than the run's limit": name == "delay",
        "budget used up": name == "delay",
        "expired key": name == "expired_key",
    }
    return known.get(kind, False)


@contextmanager
def made(
    folder: Path,
    size: Size,
    seed: int,
    tell: Callable[[str, int, int], None] = NOTHING,
    content: Path = PACKS,
    **options: Any,
) -> Iterator[Chaos]:
    """A chaos run that is ready to begin: a home with its indicators, and an empty tenant with these options."""
    lot = random.Random(seed)
    clocks = Clocks(folder / "clock", size.speed)
    clocks.set_client()
    with ExitStack() as stack:
        parts: list[Chaos] = []

        def observer(phase: str, call: Call) -> None:
            if parts:
                parts[0].http(phase, call)

        emulator = stack.enter_context(tenant(observer, clock=clocks.xdr, rate=10 * size.speed, **options))
        host = stack.enter_context(
            Host.open(folder / "home", content=[content], environ=clocks.environ, clock=clocks.xsoar)
        )
        fill(host.store, 0, size.indicators, lambda done: tell("indicators", done, size.indicators))
        removal = {"removal_policy": size.removal, "removal_cap_percent": str(size.cap_percent)}
        add_instance(host, emulator.url, request_size=str(size.request_size), **PARAMS, **removal)
        removes = size.removal != "leave"
        book = Book(host.store, emulator, first_words, lambda: int(time.time() * 1000), removal=removes)
        hot = [n for n in lot.sample(range(size.indicators), min(size.hot, size.indicators)) if sendable(n)]
        people = People(lot, host.store, emulator, book, size.indicators, hot)
        chaos = Chaos(size, lot, host, emulator, clocks, book, people, Figures(seed), tell)
        parts.append(chaos)
        yield chaos
