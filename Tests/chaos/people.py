"""What feeds and analysts do in XSOAR, and operators in Cortex XDR: drawn by lot, done for real, told to the model."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.cortex_xdr import CortexXdr
from Tests.chaos import model
from Tests.chaos.book import Book
from Tests.chaos.model import COMMENT, DISABLED, ENABLED, EXPIRES, SEVERITY, STATUS, VERDICT, Content
from Tests.world import FEED_C
from warroom.core.dates import from_micros
from warroom.store import Store

SEVERITIES = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")
REPUTATIONS = ("UNKNOWN", "GOOD", "SUSPICIOUS", "BAD")
EXPIRATIONS = tuple(4_070_908_800_000 + step * 86_400_000 for step in range(8))
LONG_AGO = 1_577_836_800_000
STEP = 5_000
UNSENDABLE_EVERY = 997
Act = Callable[["People", str], None]


def value_of(number: int) -> tuple[str, str]:
    """(value, XSOAR type), no value twice below 2^24; one in `UNSENDABLE_EVERY` is nothing that XDR takes."""
    digest = hashlib.sha256(b"chaos %d" % number).hexdigest()
    if number % UNSENDABLE_EVERY == 500:
        return digest[:40], "File"
    address = ".".join(map(str, ((11 << 24) + number).to_bytes(4, "big")))
    shapes = ((address, "IP"), (f"{digest[:10]}.chaos.example", "Domain"), (digest, "File"), (digest[:32], "File"))
    return shapes[number % len(shapes)]


def sendable(number: int) -> bool:
    """Can XDR take it?"""
    return number % UNSENDABLE_EVERY != 500


def first_words(number: int) -> Content:
    """What the feed says of an indicator when it brings it."""
    comment = f"seen {number}; \"ümlaut\" 'quoted'" if number % 3 else ""
    return Content(
        SEVERITIES[number % 5], comment, EXPIRATIONS[number % 8] if number % 4 else -1, "", 3 - number % 7 // 6
    )


def item(value: str, kind: str, content: Content) -> dict[str, Any]:
    """As a feed delivers it."""
    fields = {"sourceoriginalseverity": content.severity, "expirationdate": iso(content.expires)}
    if content.comment:
        fields["description"] = content.comment
    if content.status:
        fields["xdriocstatus"] = content.status.lower()
    return {"value": value, "type": kind, "score": content.verdict, "fields": fields}


def iso(ms: int | None) -> str:
    """A time as XSOAR takes it."""
    return "never" if ms is None or ms < 0 else from_micros(ms * 1000)


def fill(store: Store, first: int, end: int, tell: Callable[[int], None]) -> None:
    """The indicators of these numbers, as the feed brings them first."""
    for start in range(first, end, STEP):
        numbers = range(start, min(end, start + STEP))
        result = store.indicators.apply([item(*value_of(n), first_words(n)) for n in numbers], FEED_C)
        assert not result.refused, result.refused
        tell(numbers.stop)


@dataclass
class People:
    """Everybody who works on either side.

    `hot` numbers are edited again and again, so that both sides meet there.
    """

    random: random.Random
    store: Store
    emulator: CortexXdr
    book: Book
    count: int
    hot: Sequence[int]
    foreign: int = 0
    words: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    in_xdr_only: list[str] = field(default_factory=list)

    def work(self, xsoar: int, xdr: int, new: int) -> None:
        """So many edits on either side and new indicators, in a random order."""
        self.bring(new)
        plan = [*(["xsoar"] * xsoar), *(["xdr"] * xdr)]
        self.random.shuffle(plan)
        for side in plan:
            acts = XSOAR_ACTS if side == "xsoar" else XDR_ACTS
            (act,) = self.random.choices([act for act, _ in acts], [weight for _, weight in acts])
            act(self, self.some_value())

    def race(self, edits: int) -> None:
        """Edits while a run is under way; nothing is deleted in XSOAR."""
        for _ in range(edits):
            self.random.choice((feed_changes, person_edits, operator_edits, operator_edits, operator_deletes))(
                self, self.some_value()
            )

    def some_value(self) -> str:
        """The value of an indicator, mostly a hot one."""
        lot = self.random.random()
        if lot < 0.08 and self.in_xdr_only:
            return self.random.choice(self.in_xdr_only)
        number = self.random.choice(self.hot) if lot < 0.7 else self.random.randrange(self.count)
        number = number if sendable(number) else number - 1
        value, _ = value_of(number)
        self.book.numbers[value] = number
        return value

    def bring(self, count: int) -> None:
        """The feed brings new indicators; the newest become hot."""
        numbers = range(self.count, self.count + count)
        self.store.indicators.apply([item(*value_of(n), first_words(n)) for n in numbers], FEED_C)
        self.count += count
        self.hot = [*self.hot[count // 4 :], *[number for number in numbers if sendable(number)][: count // 4]]
        self.note("xsoar new", count)

    def is_going(self, value: str) -> bool:
        """With removal: is it, or may it be, switched off? What an operator does then has rules of its own."""
        if not self.book.removal:
            return False
        doc = self.store.indicators.get(value)
        return doc is None or not model.wanted(self.book.xsoar_content(doc), self.book.now_ms())

    def note(self, what: str, count: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + count

    def word(self) -> str:
        """A text that nobody wrote before."""
        self.words += 1
        return f"word {self.words}"

    def changed(self, old: Content, fields: Sequence[str]) -> tuple[str, object]:
        """One of the fields, and another content for it; now and then one that it had before."""
        name = self.random.choice(fields)
        choices: dict[str, Sequence[object]] = {
            SEVERITY: SEVERITIES,
            COMMENT: (self.word(), self.word(), f"word {max(1, self.words - 40)}", "same word"),
            EXPIRES: EXPIRATIONS,
            STATUS: (ENABLED, DISABLED),
            VERDICT: (2, 3),
        }
        return name, self.random.choice([one for one in choices[name] if one != old.get(name)])


# ---- what is done


def feed_changes(people: People, value: str) -> None:
    """The feed says something new and repeats the rest of its record."""
    kind = people.book.kind(value)
    said = people.book.feed(value)
    old = said or Content("HIGH", "", -1, "", 3)
    name, content = people.changed(old, (SEVERITY, COMMENT, EXPIRES, VERDICT, STATUS))
    new = old.put(**{name: content})
    people.book.edited(value, f"feed {name}={content}", lambda story: model.feed_says(story, new))
    people.book.feed_said(value, new)
    people.store.indicators.apply([item(value, kind, new)], FEED_C)
    people.note(f"xsoar feed {name}")


def person_edits(people: People, value: str) -> None:
    """An analyst sets one field."""
    doc = people.store.indicators.get(value)
    if doc is None:
        return
    old = people.book.xsoar_content(doc)
    set_field(people, value, *people.changed(old, (SEVERITY, COMMENT, EXPIRES, STATUS, VERDICT)))


def set_field(people: People, value: str, name: str, content: object) -> None:
    """An analyst sets this field to this."""
    given = {
        SEVERITY: ("sourceoriginalseverity", content),
        COMMENT: ("description", content),
        EXPIRES: ("expiration", iso(content if isinstance(content, int) else None)),
        STATUS: ("xdriocstatus", str(content).lower()),
        VERDICT: ("score", content),
    }[name]
    people.book.edited(value, f"person {name}={content}", lambda story: model.person_says(story, name, content))
    people.store.indicators.edit(value, dict([given]))
    people.note(f"xsoar person {name}")


def person_judges(people: People, value: str) -> None:
    """An analyst clears the indicator, or takes that back."""
    doc = people.store.indicators.get(value)
    if doc is not None:
        set_field(people, value, VERDICT, 3 if doc["score"] == 1 else 1)


def person_expires(people: People, value: str) -> None:
    """An analyst ends the indicator, or lets it live again."""
    doc = people.store.indicators.get(value)
    if doc is not None:
        over = people.book.xsoar_content(doc).expires == LONG_AGO
        set_field(people, value, EXPIRES, people.random.choice(EXPIRATIONS) if over else LONG_AGO)


def person_deletes(people: People, value: str, exclude: bool = False) -> None:
    """An analyst deletes the indicator."""
    if people.store.indicators.get(value) is None:
        return
    told = "excludes" if exclude else "deletes"
    people.book.edited(value, f"person {told}", lambda story: model.xsoar_deletes(story, exclude))
    people.store.indicators.delete(value, exclude=exclude)
    people.note(f"xsoar person {told}")


def person_excludes(people: People, value: str) -> None:
    """An analyst deletes the indicator and keeps feeds from bringing it again."""
    person_deletes(people, value, exclude=True)


def operator_edits(people: People, value: str) -> None:
    """An operator changes one or two fields of a rule."""
    with people.emulator.lock:
        rule = people.emulator.rules.get(value)
        if rule is None or rule.deleted or people.is_going(value):
            return
        old = people.book.xdr_content(rule)
        fields = [SEVERITY, COMMENT, STATUS, EXPIRES]
        changes = dict([people.changed(old, fields) for _ in range(people.random.choice((1, 1, 2)))])
        names = {EXPIRES: "expiration_date"}
        people.book.edited(value, f"operator {changes}", lambda story: model.operator_says(story, changes))
        edit = {names.get(name, name): content for name, content in changes.items()}
        people.emulator.state.edit({"indicator": value, **edit})
    people.note("xdr " + " and ".join(sorted(changes)))


def operator_deletes(people: People, value: str) -> None:
    """An operator deletes a rule."""
    with people.emulator.lock:
        rule = people.emulator.rules.get(value)
        if rule is None or rule.deleted or people.is_going(value):
            return
        gone: dict[str, object] = {STATUS: model.DELETED}
        people.book.edited(value, "operator deletes", lambda story: model.operator_says(story, gone))
        people.emulator.state.edit({"indicator": value, "delete": True})
    people.note("xdr delete")


def operator_adds(people: People, value: str) -> None:
    """An operator makes a rule for a value that XSOAR does not know, or for one that has none in XDR."""
    if people.random.random() < 0.8:
        people.foreign += 1
        value = f"n{people.foreign}.operator.example"
        people.in_xdr_only.append(value)
    with people.emulator.lock:
        rule = people.emulator.rules.get(value)
        if rule is not None and not rule.deleted:
            return
        content = Content(
            people.random.choice(SEVERITIES), people.word(), people.random.choice(EXPIRATIONS), ENABLED, 3
        )
        people.book.edited(value, f"operator adds {content}", lambda story: model.operator_adds(story, content))
        record = {
            "indicator": value, "type": XDR_TYPES[people.book.kind(value)], "severity": content.severity,
            "reputation": "BAD", "reliability": "B", "comment": [content.comment], "expiration_date": content.expires,
        }  # fmt: skip
        people.emulator.state.seed({"indicators": [record], "source": "operator", "own": False})
    people.note("xdr new")


XDR_TYPES = {"IP": "IP", "Domain": "DOMAIN_NAME", "File": "HASH"}
XSOAR_ACTS: tuple[tuple[Act, int], ...] = (
    (feed_changes, 40),
    (person_edits, 30),
    (person_judges, 6),
    (person_expires, 6),
    (person_deletes, 4),
    (person_excludes, 1),
)
XDR_ACTS: tuple[tuple[Act, int], ...] = ((operator_edits, 40), (operator_deletes, 4), (operator_adds, 5))
