"""The ledger and the order of effects, against a product in memory whose calls can be cut off at any point."""

import copy
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
import requests
from HttpRetryApiModule import HttpRetry, HttpTiming
from hypothesis import given, settings
from hypothesis import strategies as st
from ParametersApiModule import HttpSettings
from ResponseDriverApiModule import *
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

NOW = 1_800_000_000.0


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Fuse:
    """Ends the process at step `left` (counted from 0); None never."""

    left: int | None = None
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Killed


@dataclass
class MemoryLedger:
    """A ledger in memory, written as JSON text like the real one."""

    fuse: Fuse
    text: str = field(default_factory=lambda: json.dumps(new_ledger()))

    def load(self) -> dict[str, Any]:
        return json.loads(self.text)

    def update(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        self.fuse.step()
        # A conflict makes the change run twice; it must be a function of its argument.
        first, ledger = change(self.load()), change(self.load())
        assert first == ledger
        self.text = json.dumps(ledger)
        self.fuse.step()
        return self.load()

    @property
    def elements(self) -> dict[str, Any]:
        return self.load()["elements"]


@dataclass
class Product(Driver):
    """Blocks names. `slow`: orders take effect at `tick`. `refuse`: orders fail. `mute`: they work, unanswered.

    `ours` is what it blocks by order, `others` by somebody else's; `during` runs while an order is on its way.
    """

    fuse: Fuse
    ours: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    queue: dict[str, str] = field(default_factory=dict)
    slow: bool = False
    refuse: bool = False
    mute: bool = False
    down: bool = False
    during: Callable[[], None] | None = None
    orders: list[tuple[str, str]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, list[Target]] = field(default_factory=dict)

    def test(self) -> str:
        return "ok"

    def targets(self, entity: Entity) -> list[Target]:
        if isinstance(entity, Destinations):
            return [Target(entry.lower(), {"written": entry}) for entry in entity.entries]
        if entity.entity_id not in self.names:
            raise TargetError("not_found", f"no endpoint for {entity.entity_id}")
        return self.names[entity.entity_id]

    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        element = target.element
        self.records.append(dict(record))
        if self.queue.get(element) == "block":
            return Outcome("pending", reference="7")
        if element in self.ours | self.others and self.queue.get(element) != "unblock":
            return Outcome("already")
        return self.order("block", element)

    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        self.records.append(dict(record))
        if self.queue.get(element) == "unblock":
            return Outcome("pending", reference="8")
        if element not in self.ours | self.others and self.queue.get(element) != "block":
            return Outcome("already")
        return self.order("unblock", element)

    def order(self, action: str, element: str) -> Outcome:
        self.fuse.step()
        if self.down:
            raise ProductError("no connection")
        if self.refuse:
            raise ProductError("the product refuses")
        during, self.during = self.during, None
        if during is not None:
            during()
        self.orders.append((action, element))
        self.queue[element] = action
        if not self.slow:
            self.tick()
        self.fuse.step()
        if self.mute:
            raise ProductError("no answer", uncertain=True)
        return Outcome("pending" if self.slow else "applied", reference="7")

    def tick(self) -> None:
        for element, action in self.queue.items():
            if action == "block":
                self.ours.add(element)
            else:
                self.ours.discard(element)
                self.others.discard(element)
        self.queue.clear()

    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        if self.down:
            raise ProductError("no connection")
        if element in self.queue:
            return ElementState("blocking" if self.queue[element] == "block" else "releasing")
        return ElementState("blocked" if element in self.ours | self.others else "free")


@dataclass
class World:
    """One instance, its product and its clock."""

    fuse: Fuse = field(default_factory=Fuse)
    time: float = NOW

    def __post_init__(self) -> None:
        self.ledger, self.product = MemoryLedger(self.fuse), Product(self.fuse)
        self.product.names = {name: [Target(name)] for name in ("a", "b")} | {"ab": [Target("a"), Target("b")]}

    @property
    def run(self) -> DriverRun:
        return DriverRun(self.product, self.ledger, lambda: self.time, "Product", "here")

    def block(self, name: str = "a", brain: str = "one") -> list[OutcomeRow]:
        return block_entity(self.run, Host(name), brain)

    def unblock(self, name: str = "a", brain: str = "one", elements: Sequence[str] = ()) -> list[OutcomeRow]:
        return unblock_entity(self.run, Host(name), brain, elements)

    def adopt(self, *elements: str, name: str = "a", brain: str = "one") -> list[OutcomeRow]:
        return unblock_entity(self.run, Host(name), brain, elements, adopt=True)

    def reconcile(self) -> list[OutcomeRow]:
        self.time += max(RETRY_SECONDS)
        return reconcile_all(self.run)

    def settle(self) -> None:
        """Lets the product finish and follows it until nothing is open."""
        for _ in range(3):
            self.product.tick()
            self.reconcile()
        assert unsettled(self.ledger.load(), self.time + max(RETRY_SECONDS)) == []

    def agreed(self) -> set[str]:
        """The elements that are contained by this instance, after checking that product and ledger say the same."""
        claimed = {element for element, record in self.ledger.elements.items() if record["claims"]}
        assert claimed == set(self.ledger.elements) == self.product.ours
        assert all(record["phase"] == "blocked" for record in self.ledger.elements.values())
        return claimed


@pytest.fixture
def world() -> World:
    return World()


def statuses(rows: list[OutcomeRow]) -> list[tuple[str, str, bool]]:
    return [(row.outcome.element, row.outcome.status, row.contained) for row in rows]


# ---- the ordinary way


def test_block_then_again_then_unblock_then_again(world: World) -> None:
    assert statuses(world.block()) == [("a", "applied", True)]
    assert statuses(world.block()) == [("a", "already", True)]
    assert world.product.orders == [("block", "a")]
    assert world.agreed() == {"a"}
    assert statuses(world.unblock()) == [("a", "applied", False)]
    assert statuses(world.unblock()) == [("", "already", False)]
    assert world.product.orders == [("block", "a"), ("unblock", "a")]
    assert world.agreed() == set()


def test_block_unknown_entity_leaves_no_trace(world: World) -> None:
    [row] = world.block("nobody")
    assert (row.outcome.status, row.outcome.reason) == ("not_found", "no endpoint for nobody")
    assert world.ledger.elements == {} and world.product.orders == []


def test_block_driver_without_targets_is_not_found(world: World) -> None:
    world.product.names["none"] = []
    [row] = world.block("none")
    assert (row.outcome.status, row.outcome.reason) == ("not_found", "Product knows nothing to block for this host")


def test_block_element_named_twice_is_ordered_once(world: World) -> None:
    world.product.names["a"] = [Target("a", {"n": 1}), Target("a", {"n": 2})]
    world.product.others = {"a"}
    assert statuses(world.block()) == [("a", "already", False)]
    world.product.others.clear()
    assert statuses(world.block()) == [("a", "applied", True)]
    assert world.ledger.elements["a"]["facts"] == {"n": 1}


def test_block_facts_are_stored_before_the_order_and_come_back(world: World) -> None:
    world.product.names["a"] = [Target("a", {"policy": "before"})]
    world.fuse.left = 2  # the intent is stored, the order is not sent
    with pytest.raises(Killed):
        world.block()
    world.product.names["a"] = [Target("a", {"policy": "changed meanwhile"})]
    world.block()
    world.unblock()
    assert [record["facts"] for record in world.product.records] == [{"policy": "before"}] * 3


def test_block_refused_first_order_leaves_no_trace(world: World) -> None:
    world.product.refuse = True
    assert statuses(world.block()) == [("a", "failed", False)]
    assert world.ledger.elements == {}


def test_block_product_that_cannot_be_asked_gets_no_order(world: World) -> None:
    world.product.down = True
    [row] = world.block()
    assert (row.outcome.status, row.outcome.reason, row.contained) == ("failed", "no connection", False)
    assert world.ledger.elements == {}


def test_unblock_some_elements_leaves_the_others(world: World) -> None:
    world.block("ab")
    assert statuses(world.unblock("ab", elements=["b", "z"])) == [("b", "applied", False), ("z", "already", False)]
    assert world.agreed() == {"a"}


def test_unblock_refused_is_kept_and_repeated_later_each_time(world: World) -> None:
    world.block()
    world.product.refuse = True
    assert statuses(world.unblock()) == [("a", "failed", True)]
    waits = []
    for _ in range(8):
        record = world.ledger.elements["a"]
        waits.append(record["next_try"] - int(world.time))
        assert statuses(reconcile_all(world.run)) == []
        world.time = record["next_try"]
        assert statuses(reconcile_all(world.run)) == [("a", "failed", True)]
    assert waits == [60, 120, 300, 600, 1800, 3600, 3600, 3600]
    world.product.refuse = False
    assert statuses(world.reconcile()) == [("a", "applied", False)]
    assert world.agreed() == set()


def test_reconcile_product_that_cannot_be_asked_is_asked_less_often(world: World) -> None:
    world.product.slow = True
    world.block()
    world.product.down = True
    waits = []
    for _ in range(3):
        assert statuses(reconcile_all(world.run)) == [("a", "pending", True)]
        waits.append(world.ledger.elements["a"]["next_try"] - int(world.time))
        world.time += waits[-1]
    assert waits == [60, 120, 300]
    assert world.ledger.elements["a"]["phase"] == "blocking"
    world.product.down = world.product.slow = False
    world.settle()
    assert world.agreed() == {"a"}


# ---- pending, uncertain


def test_block_pending_is_followed_until_the_product_has_it(world: World) -> None:
    world.product.slow = True
    assert statuses(world.block()) == [("a", "pending", True)]
    assert statuses(world.reconcile()) == [("a", "pending", True)]
    world.product.tick()
    assert statuses(world.reconcile()) == [("a", "applied", True)]
    assert world.reconcile() == []
    assert world.agreed() == {"a"}


def test_block_without_answer_is_pending_and_not_repeated_blindly(world: World) -> None:
    world.product.mute = True
    assert statuses(world.block()) == [("a", "pending", True)]
    world.product.mute = False
    assert statuses(world.reconcile()) == [("a", "applied", True)]
    assert world.product.orders == [("block", "a")]


def test_reconcile_order_that_the_product_lost_is_given_again(world: World) -> None:
    world.product.slow = True
    world.block()
    world.product.queue.clear()
    world.product.slow = False
    assert statuses(world.reconcile()) == [("a", "applied", True)]
    assert world.product.orders == [("block", "a")] * 2


def test_reconcile_own_order_that_took_effect_after_the_look_is_ours(world: World) -> None:
    """The look says free, then the order of before takes effect, then the repeated order says already."""
    world.product.slow = True
    world.block()
    late = dict(world.product.queue)
    world.product.queue.clear()
    look = world.product.state

    def look_then_late(element: str, record: Mapping[str, Any]) -> ElementState:
        seen = look(element, record)
        world.product.queue.update(late)
        world.product.tick()
        return seen

    world.product.state = look_then_late  # type: ignore[method-assign]
    assert statuses(world.reconcile()) == [("a", "applied", True)]
    assert world.agreed() == {"a"}


@pytest.mark.parametrize("repeat", ["block", "reconcile"])
def test_block_refused_after_an_order_that_worked_is_not_forgotten(world: World, repeat: str) -> None:
    """The first order worked and its answer was lost; the second one is refused."""
    world.fuse.left = 3
    with pytest.raises(Killed):
        world.block()
    assert world.product.ours == {"a"}

    def refuse(target: Target, record: Mapping[str, Any]) -> Outcome:
        return Outcome("failed", reason="HTTP 503")

    kept, world.product.block = world.product.block, refuse  # type: ignore[method-assign]
    rows = world.block() if repeat == "block" else world.reconcile()
    assert all(row.contained for row in rows)
    world.product.block = kept  # type: ignore[method-assign]
    world.settle()
    assert world.agreed() == {"a"}
    world.unblock()
    assert world.agreed() == set()


def test_reconcile_element_that_is_gone_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.product.slow = True
    world.block()
    monkeypatch.setattr(world.product, "state", lambda element, record: ElementState("gone", "uninstalled"))
    assert statuses(world.reconcile()) == [("a", "not_found", False)]
    assert world.ledger.elements == {}


# ---- somebody else's


def test_block_someone_elses_is_left_alone(world: World) -> None:
    world.product.others = {"a"}
    assert statuses(world.block()) == [("a", "already", False)]
    assert statuses(world.unblock()) == [("", "already", False)]
    assert statuses(world.unblock(elements=["a"])) == [("a", "already", False)]
    assert world.reconcile() == [] and world.product.others == {"a"} and world.product.orders == []


def test_block_someone_elses_between_look_and_order_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.product.others = {"a"}
    monkeypatch.setattr(world.product, "state", lambda element, record: ElementState("unknown"))
    assert statuses(world.block()) == [("a", "already", False)]
    assert world.ledger.elements == {}


@pytest.mark.parametrize("step", range(6))
def test_block_someone_elses_killed_anywhere_is_never_undone(step: int) -> None:
    world = World(Fuse(step))
    world.product.others = {"a"}
    for attempt in (world.block, world.block, world.unblock, world.reconcile):
        try:
            attempt()
        except Killed:
            continue
    assert world.product.others == {"a"} and world.ledger.elements == {}


# ---- claims


def test_unblock_one_of_two_brains_keeps_the_element(world: World) -> None:
    world.block(brain="one")
    assert statuses(world.block(brain="two")) == [("a", "already", True)]
    [row] = world.unblock(brain="one")
    assert (row.outcome.status, row.contained) == ("applied", False)
    assert row.outcome.reason == "no longer for this, still contained for two/host:a"
    assert world.agreed() == {"a"}
    assert statuses(world.unblock(brain="one")) == [("", "already", False)]
    assert statuses(world.unblock(brain="two")) == [("a", "applied", False)]
    assert world.agreed() == set()


def test_unblock_detection_keeps_what_a_static_list_wants(world: World) -> None:
    world.product.names["9"] = [Target("198.51.100.7")]
    listed = Destinations("bad", ("198.51.100.7",))
    block_entity(world.run, Detection("9", ("198.51.100.7",)), "one")
    block_entity(world.run, listed, "one")
    unblock_entity(world.run, Detection("9"), "one")
    assert world.agreed() == {"198.51.100.7"}
    unblock_entity(world.run, listed, "one", listed.entries)
    assert world.agreed() == set()


def test_unblock_destinations_by_the_spelling_of_the_list(world: World) -> None:
    block_entity(world.run, Destinations("bad", ("Evil.Example", "other.example")), "one")
    rows = unblock_entity(world.run, Destinations("bad", ("Evil.Example",)), "one", ["Evil.Example"])
    assert statuses(rows) == [("evil.example", "applied", False)]
    assert world.agreed() == {"other.example"}


def test_unblock_destinations_that_cannot_be_resolved_is_no_success(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Destinations("bad", ("Evil.Example",))
    block_entity(world.run, listed, "one")

    def fail(entity: Entity) -> list[Target]:
        raise ProductError("no connection")

    monkeypatch.setattr(world.product, "targets", fail)
    other = Destinations("bad", ("EVIL.example",))
    assert statuses(unblock_entity(world.run, other, "one", other.entries)) == [("", "failed", True)]
    assert statuses(unblock_entity(world.run, listed, "one", listed.entries)) == [("evil.example", "applied", False)]


def test_destinations_each_outcome_names_the_entry_that_its_element_stands_for(world: World) -> None:
    listed = Destinations("bad", ("Evil.Example", "Other.Example"))
    rows = block_entity(world.run, listed, "one")
    world.product.ours.discard("other.example")
    rows += reconcile_all(world.run, verify=True)
    rows += unblock_entity(world.run, listed, "one", listed.entries)
    assert [(row.action, row.outcome.element, row.entry) for row in rows] == [
        ("block", "evil.example", "Evil.Example"),
        ("block", "other.example", "Other.Example"),
        ("reconcile", "other.example", "Other.Example"),
        ("unblock", "evil.example", "Evil.Example"),
        ("unblock", "other.example", "Other.Example"),
    ]


def test_command_destinations_rows_tell_the_entry(world: World) -> None:
    [row] = run_one(world, "vectra-block-destinations", destinations="Evil.Example", list="bad", brain="one")
    assert (row["element"], row["entry"]) == ("evil.example", "Evil.Example")


def test_destinations_odd_entry_does_not_keep_the_others_from_being_blocked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def targets(entity: Destinations) -> list[Target]:
        if "odd" in entity.entries:
            raise TargetError("unsupported", "not for this product")
        return [Target(entry.lower()) for entry in entity.entries]

    monkeypatch.setattr(world.product, "targets", targets)
    rows = block_entity(world.run, Destinations("bad", ("odd", "Evil.Example")), "one")
    assert [(row.entry, row.outcome.status) for row in rows] == [("odd", "unsupported"), ("Evil.Example", "applied")]


def test_destinations_product_that_cannot_be_asked_is_asked_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Entity] = []

    def targets(entity: Entity) -> list[Target]:
        asked.append(entity)
        raise ProductError("no connection")

    monkeypatch.setattr(world.product, "targets", targets)
    rows = block_entity(world.run, Destinations("bad", ("a.example", "b.example")), "one")
    assert (statuses(rows), len(asked)) == ([("", "failed", False)], 1)


def test_block_second_claim_refused_is_told_as_held(world: World) -> None:
    """The ledger keeps the claim and will order again, so whoever asked has to know that it is held."""
    world.product.slow = True
    world.block(brain="one")
    world.product.queue.clear()
    world.product.refuse = True
    assert statuses(world.block(brain="two")) == [("a", "failed", True)]
    assert world.ledger.elements["a"]["claims"] == ["one/host:a", "two/host:a"]


def test_reconcile_rows_go_to_every_claim(world: World) -> None:
    world.product.slow = True
    world.block(brain="one")
    world.block(brain="two")
    world.product.tick()
    assert [(row.claim, row.contained) for row in world.reconcile()] == [("one/host:a", True), ("two/host:a", True)]


@pytest.mark.parametrize(
    ("brain", "entity"),
    [("one", "host:41"), ("site/a", "host:41"), ("one", "destinations:a/host:b"), ("", "account:d/u")],
)
def test_claim_parts_survive_slashes(brain: str, entity: str) -> None:
    kind, _, identity = entity.partition(":")
    named: dict[str, Entity] = {
        "host": Host(identity),
        "account": Account(identity, "jane"),
        "destinations": Destinations(identity),
    }
    made = claim_of(brain, named[kind])
    assert claim_parts(made) == (brain or "war-room", entity)


# ---- the desired state turns while an order is under way


def test_unblock_while_the_block_is_pending_ends_free(world: World) -> None:
    world.product.slow = True
    world.block()
    assert statuses(world.unblock()) == [("a", "pending", True)]
    world.settle()
    assert world.agreed() == set()


def test_block_while_the_release_is_pending_ends_blocked(world: World) -> None:
    world.block()
    world.product.slow = True
    world.unblock()
    assert statuses(world.block()) == [("a", "pending", True)]
    world.settle()
    assert world.agreed() == {"a"}


def test_unblock_by_another_run_while_the_block_is_on_its_way_ends_free(world: World) -> None:
    """The release finds nothing blocked yet; the order to block arrives after it."""
    world.product.during = lambda: seen.extend(world.unblock())
    seen: list[OutcomeRow] = []
    assert statuses(world.block()) == [("a", "applied", True)]
    assert statuses(seen) == [("a", "pending", True)]
    assert world.product.ours == {"a"}
    world.settle()
    assert world.agreed() == set()


def test_unblock_by_another_run_and_the_blocking_run_is_killed_ends_free(world: World) -> None:
    def unblock_then_die() -> None:
        world.unblock()
        world.fuse.left = 0

    world.product.during = unblock_then_die
    with pytest.raises(Killed):
        world.block()
    assert world.product.ours == {"a"}
    world.settle()
    assert world.agreed() == set()


def test_release_that_is_over_before_the_block_arrives_ends_free(world: World) -> None:
    """Another run released, followed it, and found nothing left to remember; the order to block arrives after that."""

    def release_and_follow() -> None:
        world.unblock()
        assert statuses(world.reconcile()) == [("a", "applied", False)]

    world.product.during = release_and_follow
    assert statuses(world.block()) == [("a", "applied", True)]
    assert world.product.ours == {"a"}
    world.settle()
    assert world.agreed() == set()


def test_block_by_another_run_while_the_release_is_on_its_way_ends_blocked(world: World) -> None:
    """The block finds it still blocked; the order to release arrives after it."""
    world.block()
    world.product.during = lambda: seen.extend(world.block())
    seen: list[OutcomeRow] = []
    world.unblock()
    assert statuses(seen) == [("a", "applied", True)]
    assert world.product.ours == set()
    world.settle()
    assert world.agreed() == {"a"}


def test_unblock_then_block_by_other_runs_while_a_block_is_on_its_way_ends_blocked(world: World) -> None:

    def twice() -> None:
        world.unblock()
        world.block()

    world.product.during = twice
    world.block()
    world.settle()
    assert world.agreed() == {"a"}


# ---- killed at each step


def steps_of(action: Callable[[World], object], prepare: Callable[[World], object] = lambda world: None) -> int:
    world = World()
    prepare(world)
    before = world.fuse.steps
    action(world)
    return world.fuse.steps - before


def killed_at(step: int, action: Callable[[World], object], prepare: Callable[[World], object], slow: bool) -> World:
    world = World()
    prepare(world)
    world.product.slow = slow
    world.fuse.left = step
    with pytest.raises(Killed):
        action(world)
    return world


CRASHES = {
    "block": (lambda world: world.block("ab"), lambda world: None, {"a", "b"}),
    "block for a second brain": (lambda world: world.block("ab", "two"), lambda world: world.block(), {"a", "b"}),
    "unblock": (lambda world: world.unblock("ab"), lambda world: world.block("ab"), set()),
    "groom": (
        lambda world: groom_entity(world.run, Host("x"), "one"),
        lambda world: (
            world.product.names.update(x=[Target("a")]),
            world.block("x"),
            world.product.names.update(x=[Target("b")]),
        ),
        {"b"},
    ),
}


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    ("name", "step"),
    [(name, step) for name, (act, prepare, _) in CRASHES.items() for step in range(steps_of(act, prepare))],
)
def test_killed_at_any_step_then_run_again_agrees(name: str, step: int, slow: bool) -> None:
    action, prepare, wanted = CRASHES[name]
    world = killed_at(step, action, prepare, slow)
    action(world)
    world.settle()
    assert world.agreed() == wanted


@pytest.mark.parametrize("step", range(steps_of(*CRASHES["block"][:2])))
def test_killed_while_blocking_then_reconciled_alone_agrees(step: int) -> None:
    world = killed_at(step, *CRASHES["block"][:2], slow=False)
    world.settle()
    assert world.agreed() in ({"a", "b"}, set())
    assert world.agreed() == ({"a", "b"} if step else set())


@pytest.mark.parametrize("step", range(steps_of(*CRASHES["block"][:2])))
def test_killed_while_blocking_then_released_is_free(step: int) -> None:
    world = killed_at(step, *CRASHES["block"][:2], slow=False)
    world.unblock("ab")
    world.settle()
    assert world.agreed() == set()


@pytest.mark.parametrize("step", range(steps_of(*CRASHES["unblock"][:2])))
def test_killed_while_releasing_then_blocked_again_is_blocked(step: int) -> None:
    world = killed_at(step, *CRASHES["unblock"][:2], slow=False)
    world.block("ab")
    world.settle()
    assert world.agreed() == {"a", "b"}


@dataclass(frozen=True)
class Step:
    """One thing that happens; `kill` ends the process at that step of it, after which it is run again."""

    action: str
    name: str
    brain: str
    slow: bool
    mute: bool
    kill: int | None


STEPS = st.builds(
    Step,
    st.sampled_from(["block", "unblock", "reconcile", "tick", "groom"]),
    st.sampled_from(["a", "b", "ab"]),
    st.sampled_from(["one", "two"]),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 9),
)


def take(world: World, step: Step) -> None:
    if step.action in ("block", "unblock"):
        getattr(world, step.action)(step.name, step.brain)
    elif step.action == "groom":
        groom_entity(world.run, Host(step.name), step.brain)
    elif step.action == "tick":
        world.product.tick()
    else:
        world.reconcile()


def wished(wanted: set[tuple[str, str]], step: Step) -> set[tuple[str, str]]:
    """Which brain wants what to be blocked, after one more step."""
    claims = {(step.brain, step.name)}
    return wanted | claims if step.action == "block" else wanted - claims if step.action == "unblock" else wanted


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=14), st.sets(st.sampled_from(["a", "b"])))
def test_any_history_ends_with_product_ledger_and_claims_agreeing(steps: list[Step], others: set[str]) -> None:
    world = World()
    world.product.others = set(others)
    wanted: set[tuple[str, str]] = set()
    for step in steps:
        world.product.slow, world.product.mute = step.slow, step.mute
        world.fuse.left = step.kill
        try:
            take(world, step)
        except Killed:
            take(world, replace(step, kill=None))
        world.fuse.left = None
        wanted = wished(wanted, step)
    world.product.slow = world.product.mute = False
    world.settle()
    expected = {element for _, name in wanted for element in name} - others
    assert world.product.others == others
    assert world.agreed() == expected
    held = {claim for record in world.ledger.elements.values() for claim in record["claims"]}
    assert held <= {f"{brain}/host:{name}" for brain, name in wanted}


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, min_size=2, max_size=8))
def test_any_order_crossed_by_another_ends_as_the_last_wish(steps: list[Step]) -> None:
    """Each step happens while the order of the one before it is on its way to the product."""
    world = World()
    wanted: set[tuple[str, str]] = set()
    for outer, inner in zip(steps[::2], steps[1::2], strict=False):
        crossed: list[Step] = []

        def during(inner: Step = inner, crossed: list[Step] = crossed) -> None:
            crossed.append(inner)
            take(world, inner)

        world.product.during = during
        world.product.slow = outer.slow
        take(world, outer)
        world.product.during = None
        if not crossed:
            take(world, inner)
        for step in (outer, inner):
            claims = {(step.brain, step.name)}
            wanted = (
                wanted | claims if step.action == "block" else wanted - claims if step.action == "unblock" else wanted
            )
    world.product.slow = False
    world.settle()
    assert world.agreed() == {element for _, name in wanted for element in name}


# ---- what another tool blocked


def test_adopt_releases_what_is_named_and_nothing_else(world: World) -> None:
    world.product.others = {"a", "b"}
    assert statuses(world.adopt("a")) == [("a", "applied", False)]
    assert (world.product.others, world.ledger.elements) == ({"b"}, {})
    [record] = world.product.records
    assert (record["adopted"], record["facts"], record["restore"]) == (True, {}, {})


def test_adopt_looks_first_and_orders_nothing_for_what_is_free(world: World) -> None:
    [row] = world.adopt("a")
    assert (row.outcome.status, row.contained, row.outcome.reason != "") == ("already", False, True)
    assert (world.product.orders, world.product.records, world.ledger.elements) == ([], [], {})


@pytest.mark.parametrize("state", ["gone", "unknown", "releasing", "blocking"])
def test_adopt_goes_by_what_the_product_says(world: World, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    world.product.others = {"a"}
    monkeypatch.setattr(world.product, "state", lambda element, record: ElementState(state, "so it says"))
    [row] = world.adopt("a")
    assert (row.outcome.status, row.contained) == (("already", False) if state == "gone" else ("pending", True))
    assert (row.outcome.reason, world.product.orders) == ("so it says", [])
    assert bool(world.ledger.elements) is (state != "gone")


def test_adopt_product_that_cannot_be_asked_gets_no_order_and_is_followed(world: World) -> None:
    world.product.others, world.product.down = {"a"}, True
    [row] = world.adopt("a")
    assert (row.outcome.status, row.outcome.reason, row.contained) == ("failed", "no connection", True)
    assert world.product.orders == []
    world.product.down = False
    assert statuses(world.reconcile()) == [("a", "applied", False)]
    assert (world.product.others, world.ledger.elements) == (set(), {})


def test_adopt_of_what_this_instance_contains_is_an_ordinary_release(world: World) -> None:
    world.block("ab")
    assert statuses(world.adopt("a", "a", name="ab")) == [("a", "applied", False)]
    assert world.agreed() == {"b"}
    assert not any(record["adopted"] for record in [*world.product.records, *world.ledger.elements.values()])


def test_adopt_of_what_another_claim_wants_leaves_it_contained(world: World) -> None:
    world.block("a", "two")
    [row] = world.adopt("a")
    assert (row.outcome.status, row.contained) == ("applied", False)
    assert "still contained for two/host:a" in row.outcome.reason
    assert world.agreed() == {"a"}


def test_adopt_then_blocked_again_while_the_release_is_pending_ends_blocked_by_us(world: World) -> None:
    world.product.others, world.product.slow = {"a"}, True
    assert statuses(world.adopt("a")) == [("a", "pending", True)]
    world.block("a")
    world.settle()
    world.product.slow = False
    world.settle()
    assert world.agreed() == {"a"}
    world.unblock("a")
    assert world.agreed() == set()


def test_adopt_destinations_by_the_spelling_of_the_list(world: World) -> None:
    world.product.others = {"evil.example", "other.example"}
    rows = unblock_entity(world.run, Destinations("l", ("Evil.Example",)), "one", ("Evil.Example",), adopt=True)
    assert statuses(rows) == [("evil.example", "applied", False)]
    assert world.product.others == {"other.example"}


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("step", range(8))
def test_adopt_killed_anywhere_is_finished_by_reconcile_or_the_same_order(step: int, slow: bool) -> None:
    for again in (True, False):
        world = World()
        world.product.others, world.product.slow, world.fuse.left = {"a", "b"}, slow, step
        with suppress(Killed):
            world.adopt("a")
        world.fuse.left = None
        taken = bool(world.ledger.elements) or "a" not in world.product.others
        if again:
            world.adopt("a")
        world.settle()
        assert world.product.others == ({"b"} if again or taken else {"a", "b"})
        assert world.ledger.elements == {}


ADOPTIONS = st.lists(
    st.tuples(
        st.sampled_from(["adopt", "unblock", "reconcile", "tick"]),
        st.sets(st.sampled_from(["a", "b", "c"]), min_size=1).map(sorted),
        st.sampled_from(["one", "two"]),
        st.sampled_from(["", "slow", "mute", "refuse", "down"]),
        st.none() | st.integers(0, 9),
    ),
    max_size=10,
)


@settings(max_examples=150, deadline=None)
@given(ADOPTIONS, st.sets(st.sampled_from(["a", "b", "c"])))
def test_adopt_any_history_frees_just_what_was_named(steps: list[Any], others: set[str]) -> None:
    """Whatever fails or is killed: in the end what was named is free, and all else is as others left it."""
    world = World()
    world.product.others = set(others)
    named: set[str] = set()
    for action, elements, brain, trouble, kill in steps:
        world.product.slow, world.product.mute = trouble == "slow", trouble == "mute"
        world.product.refuse, world.product.down = trouble == "refuse", trouble == "down"
        orders: dict[str, Callable[[], Any]] = {
            "adopt": partial(world.adopt, *elements, brain=brain),
            "unblock": partial(world.unblock, "a", brain, elements),
            "reconcile": world.reconcile,
            "tick": world.product.tick,
        }
        world.fuse.left = kill
        try:
            orders[action]()
        except Killed:
            orders[action]()
        world.fuse.left = None
        named |= set(elements) if action == "adopt" else set()
        assert {element for _, element in world.product.orders} <= named & others
    world.product.slow = world.product.mute = world.product.refuse = world.product.down = False
    world.settle()
    assert (world.product.others, world.ledger.elements) == (others - named, {})


def test_adopt_leaves_a_ledger_that_has_the_element_as_it_was() -> None:
    ledger = with_adoption(new_ledger(), "host", "a", "one/host:41", NOW)
    assert ledger["elements"]["a"]["claims"] == ["one/host:41"] and ledger["elements"]["a"]["phase"] == "blocked"
    assert with_adoption(ledger, "host", "a", "two/host:42", NOW) is ledger


# ---- groom


def groom(world: World, name: str = "x", brain: str = "one") -> list[OutcomeRow]:
    return groom_entity(world.run, Host(name), brain)


def test_groom_follows_the_entity(world: World) -> None:
    world.product.names["x"] = [Target("a"), Target("b")]
    world.block("x")
    world.product.names["x"] = [Target("b"), Target("c")]
    rows = groom(world)
    assert [(row.action, row.outcome.element, row.outcome.status) for row in rows] == [
        ("block", "c", "applied"),
        ("unblock", "a", "applied"),
    ]
    assert world.agreed() == {"b", "c"}
    assert groom(world) == []


def test_groom_puts_back_what_the_product_lost(world: World) -> None:
    world.block("a")
    world.product.ours.clear()
    assert statuses(groom(world, "a")) == [("a", "applied", True)]
    assert world.agreed() == {"a"}


def test_groom_entity_that_is_not_contained_or_being_released_blocks_nothing(world: World) -> None:
    world.product.names["x"] = [Target("a")]
    assert statuses(groom(world)) == [("", "already", False)]
    world.block("x")
    world.product.slow = True
    world.unblock("x")
    world.product.names["x"] = [Target("b")]
    assert statuses(groom(world)) == [("", "already", False)]
    world.settle()
    assert world.agreed() == set()


def test_groom_lookup_that_fails_releases_nothing(world: World) -> None:
    world.block("a")
    del world.product.names["a"]
    assert statuses(groom(world, "a")) == [("", "not_found", True)]
    assert world.agreed() == {"a"}


def test_groom_product_that_cannot_be_asked_changes_nothing(world: World) -> None:
    world.block("a")
    world.product.down = True
    assert groom(world, "a") == []
    assert world.ledger.elements["a"]["phase"] == "blocked"


# ---- verification


def test_verify_puts_back_what_the_product_lost(world: World) -> None:
    world.block("ab")
    world.product.ours.discard("a")
    assert reconcile_all(world.run) == []
    assert statuses(reconcile_all(world.run, verify=True)) == [("a", "applied", True)]
    assert world.agreed() == {"a", "b"}
    assert reconcile_all(world.run, verify=True) == []


def test_verify_product_that_cannot_be_asked_is_not_asked_for_every_element(world: World) -> None:
    names = [f"n{number}" for number in range(10)]
    world.product.names["many"] = [Target(name) for name in names]
    world.block("many")
    looks: list[str] = []

    def state(element: str, record: Mapping[str, Any]) -> ElementState:
        looks.append(element)
        raise ProductError("no connection")

    world.product.state = state  # type: ignore[method-assign]
    assert reconcile_all(world.run, verify=True) == []
    assert len(looks) == LOOKS_THAT_MAY_FAIL
    assert {record["phase"] for record in world.ledger.elements.values()} == {"blocked"}


def test_verify_lost_elements_are_part_of_the_publication(publishing: World) -> None:
    publishing.block("ab")
    publishing.reconcile()
    publishing.product.ours.clear()
    rows = reconcile_all(publishing.run, verify=True)
    assert [status for _, status, _ in statuses(rows)] == ["pending", "pending", "applied", "applied"]
    assert publishing.product.published == 2  # type: ignore[attr-defined]
    assert publishing.agreed() == {"a", "b"}


# ---- publish


class Publishing(Product):
    """Collects orders and makes them effective when it is told to."""

    published = 0
    broken = False

    def publish(self) -> None:
        if self.broken:
            raise ProductError("the commit was refused")
        self.published += 1
        self.tick()


@pytest.fixture
def publishing() -> World:
    world = World()
    world.product = Publishing(world.fuse, slow=True, names=world.product.names)
    return world


def test_publish_is_called_once_for_all_and_only_when_something_is_open(publishing: World) -> None:
    publishing.reconcile()
    publishing.block("ab")
    assert statuses(publishing.reconcile()) == [("a", "applied", True), ("b", "applied", True)]
    publishing.reconcile()
    assert publishing.product.published == 1  # type: ignore[attr-defined]
    assert publishing.agreed() == {"a", "b"}


def test_publish_refused_is_told_to_each_claim_and_tried_later(publishing: World) -> None:
    publishing.product.broken = True  # type: ignore[attr-defined]
    publishing.block("a", "one")
    publishing.block("a", "two")
    rows = publishing.reconcile()
    assert [(row.claim, row.outcome.status, row.contained) for row in rows] == [
        ("one/host:a", "failed", True),
        ("two/host:a", "failed", True),
    ]
    assert reconcile_all(publishing.run) == []
    publishing.product.broken = False  # type: ignore[attr-defined]
    publishing.reconcile()
    assert publishing.agreed() == {"a"}


def test_publish_refused_a_missing_order_is_given_all_the_same(publishing: World) -> None:
    publishing.block("a")
    publishing.reconcile()
    publishing.product.broken = publishing.product.refuse = True  # type: ignore[attr-defined]
    publishing.unblock("a")
    publishing.product.refuse = False
    assert [row.outcome.status for row in publishing.reconcile()] == ["pending"]
    assert publishing.product.queue == {"a": "unblock"}
    assert [row.outcome.reason for row in publishing.reconcile()] == ["the commit was refused"]
    publishing.product.broken = False  # type: ignore[attr-defined]
    publishing.reconcile()
    assert publishing.agreed() == set()


# ---- commands


def run_one(world: World, command: str, **args: Any) -> list[dict[str, Any]]:
    results = driver_command(command, args, world.run)
    assert results.outputs_prefix == "VectraResponse.Outcome"
    return results.outputs


def test_command_host_round_trip_gives_rows_as_described(world: World) -> None:
    [row] = run_one(world, "vectra-block-host", ip="10.0.0.9", host_id="a", brain="one")
    assert row == {
        "action": "block",
        "brain": "one",
        "entity": "host:a",
        "brand": "Product",
        "instance": "here",
        "element": "a",
        "entry": "",
        "status": "applied",
        "contained": True,
        "reason": "",
        "reference": "7",
        "time": int(NOW),
    }
    assert run_one(world, "vectra-groom-host", host_id="a", brain="one") == []
    [row] = run_one(world, "vectra-unblock-host", host_id="a", brain="one", elements='["a"]')
    assert (row["status"], row["contained"]) == ("applied", False)
    assert run_one(world, "vectra-response-reconcile") == []


def test_command_destinations_round_trip(world: World) -> None:
    assert len(run_one(world, "vectra-block-destinations", destinations="A.example,b.example", list="bad")) == 2
    assert world.agreed() == {"a.example", "b.example"}
    run_one(world, "vectra-unblock-destinations", destinations=["A.example", "b.example"], list="bad")
    assert world.agreed() == set()


@pytest.mark.parametrize(
    ("command", "args", "told"),
    [
        ("vectra-block-host", {"ip": "10.0.0.256"}, "Argument 'ip': '10.0.0.256' is not an IP address."),
        ("vectra-block-host", {}, "Give at least one of the arguments 'ip', 'host_name' and 'host_id'."),
        ("vectra-block-account", {"account": " "}, "Argument 'account' is empty."),
        ("vectra-block-detection", {"dst_ips": "x"}, "Argument 'dst_ips': 'x' is not an IP address."),
        (
            "vectra-block-detection",
            {},
            "Give at least one of the arguments 'dst_ips', 'dst_domains' and 'detection_id'.",
        ),
        ("vectra-block-destinations", {}, "Argument 'destinations' is empty."),
    ],
)
def test_command_wrong_argument_is_named_and_nothing_happens(
    world: World, command: str, args: dict[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        driver_command(command, args, world.run)
    assert world.fuse.steps == 0


def test_command_adopt_is_passed_on_and_needs_elements(world: World) -> None:
    world.product.others = {"ep-1"}
    args = {"host_id": "41", "brain": "one", "elements": "ep-1"}
    assert run_one(world, "vectra-unblock-host", **args)[0]["reason"] == "not contained by this instance"
    assert run_one(world, "vectra-unblock-host", **args, adopt="false")[0]["status"] == "already"
    [row] = run_one(world, "vectra-unblock-host", **args, adopt="true")
    assert (row["element"], row["status"], row["entity"], row["contained"]) == ("ep-1", "applied", "host:41", False)
    with pytest.raises(ValueError, match="Argument 'adopt': name what to take over in the argument 'elements'"):
        run_one(world, "vectra-unblock-host", host_id="41", adopt="true")
    with pytest.raises(ValueError, match="Argument 'adopt': 'maybe' is neither true nor false"):
        run_one(world, "vectra-unblock-host", **args, adopt="maybe")


def test_command_unknown_is_refused(world: World) -> None:
    with pytest.raises(NotImplementedError, match="'vectra-block-moon' is not a command"):
        driver_command("vectra-block-moon", {}, world.run)


def test_entities_from_args_have_every_field() -> None:
    host = host_from_args(
        {"ip": " 10.0.0.1 ", "host_name": "pc", "mac": "aa:bb,cc:dd", "previous_ips": ["10.0.0.2"], "vm_uuid": "u"}
    )
    assert (host.entity_id, host.ip, host.macs, host.vm_uuid) == ("10.0.0.1", "10.0.0.1", ("aa:bb", "cc:dd"), "u")
    account = account_from_args({"account": "O365:x", "account_id": 7, "sam": "x", "context": "c"})
    assert account == Account("7", "O365:x", "", "x", "", "c")
    detection = detection_from_args({"dst_ips": "2001:DB8::1,192.0.2.1", "dst_domains": "x.example"})
    assert detection.dst_ips == ("2001:db8::1", "192.0.2.1")
    assert (
        detection.entity_id
        == detection_from_args({"dst_ips": "192.0.2.1,2001:db8::1", "dst_domains": "x.example"}).entity_id
    )


def test_ledger_changes_leave_the_old_ledger_as_it_was() -> None:
    ledger = with_block_intent(new_ledger(), "host", [Target("a")], "one/host:a", NOW)
    before = copy.deepcopy(ledger)
    with_release_intent(ledger, "a", "one/host:a")
    with_block_intent(ledger, "host", [Target("a"), Target("b")], "two/host:a", NOW)
    assert ledger == before
    assert with_release_intent(ledger, "unknown", "one/host:a") is ledger


# ---- the client

ORDER = {"order": True}
READ = {"order": False}


def reply(status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> requests.Response:
    made = requests.Response()
    made.status_code, made._content, made.headers = status, body, requests.structures.CaseInsensitiveDict(headers or {})
    return made


def unconnected() -> Exception:
    error = requests.ConnectionError(
        type("Refused", (), {"reason": NewConnectionError(HTTPConnection("product.example"), "refused")})()
    )
    return DemistoException("no connection", error)


class Client(ProductClient):
    """Answers from a list; its pauses take no time."""

    def __init__(self, *answers: Any) -> None:
        self.slept: list[float] = []
        timing = HttpTiming(lambda: NOW, lambda: 0.0, self.slept.append, lambda: 0.0)
        http = HttpSettings("https://product.example", verify=True, proxy=False, timeout=7, tries=3, rate=1000)
        super().__init__("Product", http, HttpRetry.of(http, timing))
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def _http_request(self, *where: Any, **options: Any) -> Any:
        self.asked.append(options)
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def test_client_success_is_parsed_and_redirects_are_not_followed() -> None:
    client = Client(reply(200, b'{"a": 1}'), reply(204, b""))
    assert client.call("GET", "/x", params={"q": "1"}) == {"a": 1}
    assert client.call("PUT", "/x", **ORDER) == {}
    assert client.timeout == 7
    assert client.asked[0]["allow_redirects"] is False and client.asked[0]["params"] == {"q": "1"}


@pytest.mark.parametrize(
    "busy", [reply(503), reply(429, headers={"Retry-After": "9"}), reply(200, b"{torn"), unconnected()]
)
def test_client_reading_is_repeated(busy: Any) -> None:
    assert Client(busy, reply(200, b'{"a": 1}')).call("GET", "/x") == {"a": 1}


@pytest.mark.parametrize(
    ("answer", "calls", "uncertain"),
    [
        (reply(500), 1, True),
        (reply(200, b"{torn"), 1, True),
        (DemistoException("x", requests.ReadTimeout("slow")), 1, True),
        (requests.ReadTimeout("slow"), 1, True),
        (reply(429), 3, False),
        (unconnected(), 3, False),
        (DemistoException("x", requests.ConnectTimeout("slow")), 3, False),
        (reply(400), 1, False),
        (reply(302), 1, False),
        (DemistoException("x", requests.exceptions.SSLError("bad")), 1, False),
        (DemistoException("x", requests.exceptions.ProxyError("bad")), 1, False),
    ],
)
def test_client_order_is_repeated_only_when_it_was_not_begun(answer: Any, calls: int, uncertain: bool) -> None:
    client = Client(answer, answer, answer)
    with pytest.raises(ProductError) as told:
        client.call("POST", "/x", **ORDER)
    assert (len(client.asked), told.value.uncertain) == (calls, uncertain)


def test_client_failed_reading_is_never_uncertain() -> None:
    with pytest.raises(ProductError, match=r"Product answered HTTP 503 \(3 tries failed") as told:
        Client(*[reply(503)] * 3).call("GET", "/x", **READ)
    assert told.value.uncertain is False


@pytest.mark.parametrize(("status", "said"), [(401, "refused the login"), (403, "rights"), (404, "HTTP 404")])
def test_client_refusal_says_what_to_do(status: int, said: str) -> None:
    with pytest.raises(ProductError, match=said):
        Client(reply(status)).call("GET", "/x")


def test_answer_is_that_of_the_test_button_or_of_the_command(world: World) -> None:
    run = world.run
    assert driver_answer("test-module", {}, run) == "ok"
    answer = driver_answer("vectra-response-reconcile", {}, run)
    assert isinstance(answer, CommandResults) and answer.outputs == []
    with pytest.raises(NotImplementedError):
        driver_answer("vectra-block-moon", {}, run)


# ---- what of an entity is blocked by address or name


@pytest.mark.parametrize(
    ("entity", "texts"),
    [
        (Host("1", ip="10.0.0.1"), ("10.0.0.1",)),
        (Detection("9", ("198.51.100.7",), ("bad.example",)), ("198.51.100.7", "bad.example")),
        (Destinations("static", ("192.0.2.0/24",)), ("192.0.2.0/24",)),
    ],
)
def test_texts_to_block_are_as_vectra_has_them(entity: Entity, texts: tuple[str, ...]) -> None:
    assert texts_to_block(entity, "Acme") == texts


@pytest.mark.parametrize(
    ("entity", "status", "told"),
    [
        (Host("1", name="pc"), "not_found", "no address for this host"),
        (Detection("9"), "not_found", "no address for this detection"),
        (Account("7", "jane"), "unsupported", "Acme blocks addresses and domains, not an account"),
    ],
)
def test_texts_to_block_none_says_why(entity: Entity, status: str, told: str) -> None:
    with pytest.raises(TargetError, match=told) as caught:
        texts_to_block(entity, "Acme")
    assert caught.value.status == status
