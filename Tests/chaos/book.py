"""Keeps the stories of every indicator that somebody touched, and holds them against what both sides really have."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from emulators.cortex_xdr import CortexXdr
from emulators.cortex_xdr.indicators.rows import StoredRule
from emulators.cortex_xdr.indicators.values import SEVERITIES, STATUSES
from Tests.chaos import model
from Tests.chaos.model import DELETED, ENABLED, NEVER, Content, Stories, Story, Xsoar
from warroom.core.dates import to_micros
from warroom.store import Store

Edit = Callable[[Story], Story | None]
HISTORY = 40
LOST, DIFFERING, IMPOSSIBLE = "lost", "differing", "impossible"


@dataclass(frozen=True)
class Wrong:
    """An indicator of which the rule does not hold. `kind` is `lost` when a side lacks it altogether."""

    cycle: int
    value: str
    kind: str
    xsoar: Content | None
    xdr: Content | None
    expected: list[tuple[Content | None, Content | None]]
    history: list[str]


@dataclass
class Book:
    """The model's memory.

    `first` gives the number and first words of a value that the feed brought; below `certain` all numbers are in XDR.
    """

    store: Store
    emulator: CortexXdr
    first: Callable[[int], Content]
    now_ms: Callable[[], int]
    removal: bool = False
    cycle: int = 0
    running: bool = False
    certain: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    stories: dict[str, Stories] = field(default_factory=dict)
    feeds: dict[str, Content] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    wrong: list[Wrong] = field(default_factory=list)
    histories: dict[str, deque[str]] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    # -- what people do

    def edited(self, value: str, what: str, change: Edit) -> None:
        """Somebody does `change`, at once after this; it may come in the middle of a run."""
        with self.lock:
            stories = self.known(value)
            if self.running:
                stories = model.under_way(stories, self.now_ms())
            after = frozenset(story for story in map(change, stories) if story is not None)
            self.tell(value, ("during the run: " if self.running else "") + what)
            if not after:
                self.fail(value, IMPOSSIBLE, stories)
            self.stories[value] = after
            self.open.add(value)

    def feed(self, value: str) -> Content | None:
        """What the feed said last, None when it never did."""
        if value not in self.feeds and value in self.numbers:
            return self.first(self.numbers[value])
        return self.feeds.get(value)

    def feed_said(self, value: str, content: Content) -> None:
        """The feed says this from now on."""
        self.feeds[value] = content

    def known(self, value: str) -> Stories:
        """The stories so far; the first look at an indicator takes what XDR has of it as far as that may be."""
        if value not in self.stories:
            number = self.numbers.get(value)
            self.stories[value] = frozenset([Story(None, None)]) if number is None else self.begun(value, number)
        return self.stories[value]

    def begun(self, value: str, number: int) -> Stories:
        """An indicator that nobody but the feed touched."""
        words = self.first(number)
        sent = Story(Xsoar(words, feed=words, touched=False), words.put(status=ENABLED), ours=True)
        if number < self.certain:
            return frozenset([sent])
        unsent = Story(Xsoar(words, feed=words), None, waiting=True)
        unnoted = sent._replace(xsoar=Xsoar(words, feed=words))
        return model.seen(frozenset([sent, unnoted, unsent]), *self.actual(value))

    def tell(self, value: str, what: str) -> None:
        """Remember for the report of a fault."""
        self.histories.setdefault(value, deque(maxlen=HISTORY)).append(f"{self.cycle}: {what}")

    # -- runs

    def begin(self) -> None:
        """A run begins."""
        self.running = True

    def end(self, whole: bool, told: str, blind: bool = False) -> None:
        """The run is over. Lets it pass in all stories and keeps those that fit what is there now."""
        self.running = False
        move = model.whole_run if whole else partial(model.broken_run, blind=blind)
        for value in sorted(self.open - self.given_up):
            after = move(self.stories[value], self.now_ms(), self.removal)
            self.tell(value, f"run {told}")
            self.compare(value, after)
            if whole and model.settled(self.stories[value], self.now_ms(), self.removal):
                self.open.discard(value)

    def compare(self, value: str, stories: Stories) -> None:
        """Keep the stories that fit; there must be one."""
        xsoar, xdr = self.actual(value)
        fitting = model.seen(stories, xsoar, xdr)
        if fitting:
            self.stories[value] = fitting
            return
        if value in self.given_up:
            return
        wanted = {(story.xsoar is None, story.xdr is None) for story in stories}
        missing = (xsoar is None, xdr is None) not in wanted
        self.fail(value, LOST if missing else DIFFERING, stories)

    def fail(self, value: str, kind: str, stories: Stories) -> None:
        """Note what is wrong, once for an indicator: what follows from it says nothing more."""
        if value in self.given_up:
            return
        self.given_up.add(value)
        expected = {(story.xsoar.now if story.xsoar else None, story.xdr) for story in stories}
        history = list(self.histories.get(value, ()))
        self.wrong.append(Wrong(self.cycle, value, kind, *self.actual(value), sorted(expected, key=str), history))

    # -- what is there

    def actual(self, value: str) -> tuple[Content | None, Content | None]:
        """What XSOAR and XDR hold of a value."""
        doc = self.store.indicators.get(value)
        with self.emulator.lock:
            rule = self.emulator.rules.get(value)
        return self.xsoar_content(doc) if doc else None, self.xdr_content(rule) if rule else None

    @staticmethod
    def xsoar_content(doc: dict[str, Any]) -> Content:
        """A document of the store."""
        fields = doc["CustomFields"]
        expires = to_micros(doc["expiration"])
        return Content(
            str(fields.get("sourceoriginalseverity") or "").upper(),
            str(fields.get("description") or ""),
            NEVER if expires is None or doc["expiration"].startswith("0001") else expires // 1000,
            str(fields.get("xdriocstatus") or "").upper(),
            doc["score"],
        )

    @staticmethod
    def xdr_content(rule: StoredRule) -> Content:
        """A rule of the tenant, deleted ones included."""
        return Content(
            SEVERITIES[rule.severity],
            rule.comment or "",
            NEVER if rule.expires_ms is None else rule.expires_ms,
            DELETED if rule.deleted else STATUSES[rule.status or 0],
            rule.reputation,
        )

    @staticmethod
    def kind(value: str) -> str:
        """XSOAR's type of a value of the chaos run."""
        if value.endswith(".example"):
            return "Domain"
        return "IP" if "." in value else "File"
