"""The driver interface: what a product must be able to do so that Vectra's decisions can be carried out on it.

A product is one integration. Its file has settings, a client, a `Driver` with a handful of short methods, and a `main`
that builds a `DriverRun` and calls `driver_command`. Everything that all products have in common is here: the entities,
the arguments and outputs of the commands, the ledger of what this instance contains and for whom, and the order of
effects.

The ledger
----------
One record per element (an address, an endpoint id, a MAC ...), kept in the versioned context of the driver's instance:

    element -> {kind, claims, dropped, entries, phase, ordered_before, confirmed, reference, restore, facts, since,
                tries, next_try, reason, adopted}

`claims` are the reasons why the element is contained, as `brain/entity` texts: two brains, or a detection and a static
list, may want the same address, and it is released only when no claim is left; `dropped` are claims that were given up.
`entries` has for a claim of a static list the entry that the element stands for, as the list has it.
`phase` is where the element is:

    blocking -> blocked -> releasing -> (record removed)

`blocking` is written before the product is called and `releasing` before it is asked to let go, so that a crash in
between is found and followed by the next reconcile. Before the first order for an element the product is asked whether
it is blocked already: what someone else blocked gets no record, and is never undone. A record therefore means that this
instance did, or was about to do, the blocking. `confirmed`: the product was seen to block it. `facts` were read
before the order and are stored with the intent; `restore` came with the answer to an order.

Desired state wins: an element with a claim should be blocked, one without should be free. `reconcile` looks at every
record that is not settled, asks the driver for the element's real state, and repeats the order that is missing until
both agree. With `verify` it also looks at what is settled, so that what a reboot or a clean-up took away is put back. A
record is removed only when the product let go, or a look at it found nothing left to release.

What another tool blocked before can be released too when the caller vouches for it: `adopt=true` with the `elements` of
an unblock command. An element that is not in the ledger then gets a record, marked `adopted`, in the same write that
gives its claim up; the product is looked at, and the release is ordered only for what it blocks. Such a record has
neither `facts` nor `restore`.
"""

import ipaddress
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import demistomock as demisto  # noqa: F401
import requests
from CommonServerPython import *

OUTCOME_STATUSES = ("applied", "pending", "already", "not_found", "failed", "unsupported")
ELEMENT_STATES = ("blocked", "blocking", "releasing", "free", "gone", "unknown")
DRIVER_STATE_VERSION = 1
RETRY_SECONDS = (60, 120, 300, 600, 1800, 3600)
LOOKS_THAT_MAY_FAIL = 3


@dataclass(frozen=True)
class Host:
    """A host as Vectra knows it.

    `ip` is the last seen address; `name` may be synthetic (`IP-10.0.0.1`); `macs` in any spelling.
    """

    entity_id: str
    ip: str = ""
    name: str = ""
    fqdn: str = ""
    macs: tuple[str, ...] = ()
    previous_ips: tuple[str, ...] = ()
    vm_name: str = ""
    vm_uuid: str = ""
    aws_id: str = ""
    last_seen: str = ""

    kind = "host"


@dataclass(frozen=True)
class Account:
    """An account.

    `sam` is the login without domain or source, `upn` the user principal name where known, `context` free text.
    """

    entity_id: str
    name: str
    display_name: str = ""
    sam: str = ""
    upn: str = ""
    context: str = ""

    kind = "account"


@dataclass(frozen=True)
class Detection:
    """The external destinations of a detection: public addresses and domains."""

    entity_id: str
    dst_ips: tuple[str, ...] = ()
    dst_domains: tuple[str, ...] = ()
    detection_type: str = ""
    src_ip: str = ""

    kind = "detection"


@dataclass(frozen=True)
class Destinations:
    """Entries of a static list: addresses, networks, ranges and domains. `entity_id` is the name of the list."""

    entity_id: str
    entries: tuple[str, ...] = ()

    kind = "destinations"


Entity = Host | Account | Detection | Destinations


class Outcome(NamedTuple):
    """What became of one element. Accepted is not done: an order that the product queued is `pending`.

    status: applied (done and seen), pending (ordered, not done yet), already (nothing to do), not_found (the product
    does not know the entity), failed (`reason` says why; tried again), unsupported (the product cannot do this to this
    entity).
    element: what the product was told to block, an opaque text; empty when there was none.
    reference: how the product names the order (an action id, a job), for people who look there.
    restore: what `unblock` needs from the product's answer; None leaves the stored one. What was read before the order
    belongs into `Target.facts`, which a crash cannot lose.
    """

    status: str
    element: str = ""
    reason: str = ""
    reference: str = ""
    restore: dict[str, Any] | None = None


class Target(NamedTuple):
    """One element to block for an entity, with facts that the driver wants to see again when it undoes it.

    The facts are stored before the order, once for the life of the record: the place for what was there before (a
    policy, a port state). `entry` is filled in by this module: the entry of a static list that the element stands for.
    """

    element: str
    facts: Mapping[str, Any] | None = None
    entry: str = ""


class ElementState(NamedTuple):
    """What the product says of an element now: one of ELEMENT_STATES, and what a person should know about it.

    blocked, free: settled. blocking, releasing: an order is under way in the product. gone: the product does not know
    the element any more. unknown: it could not be told; nothing is done, and it is looked at again.
    """

    state: str
    reason: str = ""


class TargetError(Exception):
    """The targets of an entity cannot be determined.

    `status` is the outcome that the user gets: not_found, failed or unsupported.
    """

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class ProductError(Exception):
    """The product refused or could not be reached. The text is for the user: what to do, and never a secret.

    `uncertain`: the order was sent and no answer came, so it may have been carried out. It is then not repeated
    blindly: the element counts as pending and the next reconcile looks at its real state.
    """

    def __init__(self, reason: str, uncertain: bool = False) -> None:
        super().__init__(reason)
        self.uncertain = uncertain


class Driver(ABC):
    """One product. Methods may raise ProductError for what the product refuses, and only that.

    All orders must be safe to repeat: after a crash the same order comes again for the same element.
    """

    @abstractmethod
    def test(self) -> str:
        """Check address, login and rights without changing anything. Gives `ok`, or what is missing."""

    @abstractmethod
    def targets(self, entity: Entity) -> list[Target]:
        """The elements to block for an entity, by reading only. Raises TargetError when there are none."""

    @abstractmethod
    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        """Order the block of one element. `already` when the product has it blocked; `record` is the ledger's.

        Whether an `already` is this instance's own work is found out by the caller.
        """

    @abstractmethod
    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        """Order the release of one element that this instance blocked, restoring what was there before.

        `record` has `facts` and `restore`, both empty when another tool blocked it (`adopted`). `already` only when the
        product neither blocks it nor is about to: while an order to block is still under way in the product, cancel it
        or answer `pending`.
        """

    @abstractmethod
    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        """What the product says of this element now, by reading only.

        Also asked before the first order for an element; its record has the phase `new` then and is not stored.
        """

    def publish(self) -> None:  # noqa: B027 - most products need none
        """Make changes effective that the product collects (commit, install).

        Called once per reconcile when something is not settled, however many elements that is. A driver that overrides
        this answers `pending` to `block` and `unblock`, and `blocked` or `free` to `state` only after the change is in
        force. A publication that takes longer than a command may go on after it: the next call follows the one that is
        under way in the product instead of starting another, and until its end `state` answers `blocking` or
        `releasing`. Raises ProductError when it failed, which fails every element that is not settled.
        """


class LedgerStore(Protocol):
    """Where the ledger is kept; `VersionedState` of the VersionedStateApiModule is one."""

    def load(self) -> dict[str, Any]:
        """The stored ledger, `{"elements": {...}}`."""

    def update(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        """Store `change(newest ledger)` and give it back; `change` may run more than once."""


@dataclass(frozen=True)
class DriverRun:
    """What a command needs: the driver, its ledger, the clock (epoch seconds), the names of brand and instance."""

    driver: Driver
    ledger: LedgerStore
    now: Callable[[], float]
    brand: str
    instance: str


class OutcomeRow(NamedTuple):
    """An outcome with the question it answers.

    `contained`: does the ledger hold the element for this claim from now on? It then is contained, is about to be, or
    its release is not finished. `entry`: of a static list, what the element stands for there.
    """

    action: str
    claim: str
    outcome: Outcome
    contained: bool
    entry: str = ""


# ---- pure functions: the ledger


def new_ledger() -> dict[str, Any]:
    """The ledger of an instance that has blocked nothing."""
    return {"elements": {}}


def claim_of(brain: str, entity: Entity) -> str:
    """Why an element is contained, as one text: which brain (or `war-room`) wants which entity."""
    return f"{brain or 'war-room'}/{entity.kind}:{entity.entity_id}"


def claim_parts(claim: str) -> tuple[str, str]:
    """Brain and entity of a claim; both may contain a slash."""
    found = re.fullmatch(r"(.*?)/((?:host|account|detection|destinations):.*)", claim, re.DOTALL)
    return (found[1], found[2]) if found else ("", claim)


def with_record(ledger: dict[str, Any], element: str, record: Mapping[str, Any] | None) -> dict[str, Any]:
    """The ledger with one record replaced, or removed by None."""
    elements = {name: entry for name, entry in ledger["elements"].items() if name != element}
    return {**ledger, "elements": elements if record is None else {**elements, element: dict(record)}}


def new_record(kind: str, facts: Mapping[str, Any] | None, now: float) -> dict[str, Any]:
    """The record of an element that was never ordered."""
    return {
        "kind": kind,
        "claims": [],
        "dropped": [],
        "entries": {},
        "phase": "new",
        "ordered_before": False,
        "confirmed": False,
        "reference": "",
        "restore": {},
        "facts": dict(facts or {}),
        "since": int(now),
        "tries": 0,
        "next_try": 0,
        "reason": "",
        "adopted": False,
    }


def with_block_intent(
    ledger: dict[str, Any], kind: str, targets: Sequence[Target], claim: str, now: float
) -> dict[str, Any]:
    """The ledger before the product is called: each target has the claim and, unless blocked, the phase `blocking`."""
    for target in targets:
        record = ledger["elements"].get(target.element) or new_record(kind, target.facts, now)
        blocked = record["phase"] == "blocked"
        change = {
            "phase": "blocked" if blocked else "blocking",
            "confirmed": blocked,
            "ordered_before": record["phase"] != "new",
            "claims": sorted({*record["claims"], claim}),
            "dropped": [name for name in record["dropped"] if name != claim],
            "entries": {**record.get("entries", {}), **({claim: target.entry} if target.entry else {})},
        }
        ledger = with_record(ledger, target.element, {**record, **change})
    return ledger


def with_adoption(ledger: dict[str, Any], kind: str, element: str, claim: str, now: float) -> dict[str, Any]:
    """The ledger that has an element of another tool as blocked for this claim. What it has already stays as it is."""
    if element in ledger["elements"]:
        return ledger
    taken = {"claims": [claim], "phase": "blocked", "ordered_before": True, "adopted": True}
    return with_record(ledger, element, {**new_record(kind, None, now), **taken})


def entry_of(record: Mapping[str, Any] | None, claim: str) -> str:
    """The entry of a static list that an element stands for; empty when it is none, or not known."""
    return str((record or {}).get("entries", {}).get(claim, ""))


def with_release_intent(ledger: dict[str, Any], element: str, claim: str) -> dict[str, Any]:
    """The ledger before the product is asked to let go: without the claim; when none is left, phase `releasing`."""
    record = ledger["elements"].get(element)
    return ledger if record is None else with_record(ledger, element, without_claims(record, [claim]))


def without_claims(record: Mapping[str, Any], given_up: Sequence[str]) -> dict[str, Any]:
    """The record after claims were given up."""
    claims = [name for name in record["claims"] if name not in given_up]
    phase = record["phase"] if claims else "releasing"
    return {**record, "claims": claims, "dropped": sorted({*record["dropped"], *given_up}), "phase": phase}


def holds(record: Mapping[str, Any] | None, claim: str) -> bool:
    """Is the element of this record contained for the claim, or its release for it not finished?"""
    if record is None:
        return False
    return claim in record["claims"] or (not record["claims"] and claim in record["dropped"])


def after_block(record: Mapping[str, Any], outcome: Outcome, now: float) -> dict[str, Any] | None:
    """The record after an order to block; None when nothing is left to remember.

    `already` means that somebody else blocked it: not ours, so never undone. A refusal of a first order leaves nothing
    behind either; who asked for the block asks again. After an earlier order both are something else: what the product
    has blocked is its work, and in spite of a refusal it may have worked. A claim that was given up while the order was
    under way makes it one to release.
    """
    wanted, again = bool(record["claims"]), record["ordered_before"]
    if outcome.status == "applied" or (outcome.status == "already" and again):
        return {**with_try(record, outcome, "blocked" if wanted else "releasing", now), "confirmed": True}
    if outcome.status == "pending" or (outcome.status == "failed" and again):
        return with_try(record, outcome, "blocking" if wanted else "releasing", now)
    return None


def after_repeated_block(record: Mapping[str, Any], outcome: Outcome, now: float) -> dict[str, Any] | None:
    """The record after a block that reconcile ordered again: a claim that failed is kept and tried later."""
    return after_block({**record, "ordered_before": True}, outcome, now)


def after_release(record: Mapping[str, Any], outcome: Outcome, now: float) -> dict[str, Any] | None:
    """The record after an order to release: gone when it is done, else kept and followed until it is.

    When somebody claimed the element while the order was under way, it is one to block again.
    """
    if record["claims"]:
        return with_try(record, outcome, "blocking", now)
    if outcome.status in ("applied", "already", "not_found"):
        return None
    return with_try(record, outcome, "releasing", now)


def after_look(record: Mapping[str, Any], outcome: Outcome, now: float) -> dict[str, Any] | None:
    """The record after a look that asked for no order."""
    return with_try(record, outcome, str(record["phase"]), now)


def after_failed_look(record: Mapping[str, Any], outcome: Outcome, now: float) -> dict[str, Any] | None:
    """The record after the product could not be asked; it is asked less often while that lasts."""
    return with_try(record, outcome._replace(status="failed"), str(record["phase"]), now)


def with_try(record: Mapping[str, Any], outcome: Outcome, phase: str, now: float) -> dict[str, Any]:
    """The record after one more try; a failed one waits longer each time."""
    failed = outcome.status in ("failed", "unsupported")
    tries = record["tries"] + 1 if failed else 0
    pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS)) - 1] if failed else 0
    return {
        **record,
        "phase": phase,
        "reference": outcome.reference or record["reference"],
        "restore": record["restore"] if outcome.restore is None else outcome.restore,
        "tries": tries,
        "next_try": int(now + pause),
        "reason": outcome.reason,
    }


def claimed_elements(ledger: Mapping[str, Any], claim: str) -> list[str]:
    """Elements that are contained for this claim, and those whose release for it is not finished."""
    return [element for element, record in ledger["elements"].items() if holds(record, claim)]


def unsettled(ledger: Mapping[str, Any], now: float) -> list[str]:
    """Elements whose desired and real state may differ and whose next look is due, oldest first."""
    due = [
        (record["since"], element)
        for element, record in ledger["elements"].items()
        if record["phase"] != "blocked" and record["next_try"] <= now
    ]
    return [element for _, element in sorted(due)]


def next_order(wanted: bool, state: str) -> str:
    """What desired and real state ask for: block, unblock, wait, settled, or forget (nothing is left to do)."""
    table = {
        (True, "blocked"): "settled",
        (True, "free"): "block",
        (True, "gone"): "forget",
        (False, "blocked"): "unblock",
        (False, "free"): "forget",
        (False, "gone"): "forget",
    }
    return table.get((wanted, state), "wait")


# ---- steps: the order of effects is intent, order, outcome

AfterOrder = Callable[[Mapping[str, Any], Outcome, float], dict[str, Any] | None]


def ordered(action: Callable[[], Outcome], element: str) -> Outcome:
    """Carry out one order; a refusal becomes a failed outcome, a missing answer a pending one."""
    try:
        outcome = action()
    except ProductError as error:
        return Outcome("pending" if error.uncertain else "failed", element, str(error))
    return outcome._replace(element=element)


def own_work(outcome: Outcome, record: Mapping[str, Any] | None) -> Outcome:
    """The outcome as it is told: what the product has blocked already, and the ledger keeps, an order of ours did."""
    return outcome._replace(status="applied") if outcome.status == "already" and record is not None else outcome


def store_after(
    run: DriverRun, element: str, outcome: Outcome, after: AfterOrder, lost: Mapping[str, Any] | None = None
) -> Mapping[str, Any] | None:
    """Keep the outcome of an order in the ledger, and give back the record as it is now.

    `lost` stands in for a record that another run removed while the order was under way.
    """
    now = run.now()

    def change(ledger: dict[str, Any]) -> dict[str, Any]:
        record = ledger["elements"].get(element) or lost
        return ledger if record is None else with_record(ledger, element, after(record, outcome, now))

    kept: Mapping[str, Any] | None = run.ledger.update(change)["elements"].get(element)
    return kept


def targets_of(run: DriverRun, entity: Entity) -> tuple[list[Target], list[tuple[str, Outcome]]]:
    """The targets of an entity, each element once, and for what has none its entry and the outcome that tells why.

    The entries of a static list are asked for one by one: an odd one does not keep the others from being blocked, and
    each element is known to stand for its entry. A product that cannot be asked is not asked for the rest.
    """
    if not isinstance(entity, Destinations):
        found = targets_or_reason(run, entity)
        return ([], [("", found)]) if isinstance(found, Outcome) else (found, [])
    targets: dict[str, Target] = {}
    failures: list[tuple[str, Outcome]] = []
    for entry in entity.entries:
        try:
            found = targets_or_reason(run, Destinations(entity.entity_id, (entry,)), raises=True)
        except ProductError as error:
            return list(targets.values()), [*failures, ("", Outcome("failed", "", str(error)))]
        if isinstance(found, Outcome):
            failures.append((entry, found))
            continue
        for target in found:
            targets.setdefault(target.element, target._replace(entry=entry))
    return list(targets.values()), failures


def targets_or_reason(run: DriverRun, entity: Entity, raises: bool = False) -> list[Target] | Outcome:
    """The targets, or the outcome that tells why there are none; `raises` lets ProductError through."""
    try:
        targets = run.driver.targets(entity)
    except TargetError as error:
        return Outcome(error.status, "", error.reason)
    except ProductError as error:
        if raises:
            raise
        return Outcome("failed", "", str(error))
    unique = list({target.element: target for target in reversed(targets)}.values())[::-1]
    return unique or Outcome("not_found", "", f"{run.brand} knows nothing to block for this {entity.kind}")


def block_entity(run: DriverRun, entity: Entity, brain: str) -> list[OutcomeRow]:
    """Block every element of an entity. Repeating it is harmless: what this instance contains already is `already`."""
    claim = claim_of(brain, entity)
    targets, failures = targets_of(run, entity)
    rows = [OutcomeRow("block", claim, outcome, False, entry) for entry, outcome in failures]
    return rows + block_targets(run, entity.kind, targets, claim)


def block_targets(run: DriverRun, kind: str, targets: Sequence[Target], claim: str) -> list[OutcomeRow]:
    """Look at what is new, record the intent for all that is left to do, then order one after the other."""
    known, now = run.ledger.load()["elements"], run.now()
    looks = {item.element: first_look(run, kind, item) for item in targets if item.element not in known}
    entries = {item.element: item.entry for item in targets}
    rows = [
        OutcomeRow("block", claim, outcome, False, entries[element])
        for element, outcome in looks.items()
        if outcome is not None
    ]
    to_order = [target for target in targets if looks.get(target.element) is None]
    if not to_order:
        return rows
    ledger = run.ledger.update(lambda newest: with_block_intent(newest, kind, to_order, claim, now))
    return rows + [block_one(run, target, ledger["elements"][target.element], claim) for target in to_order]


def first_look(run: DriverRun, kind: str, target: Target) -> Outcome | None:
    """What forbids the first order for an element: it is blocked by someone else, or nobody can say. None: nothing."""
    try:
        seen = run.driver.state(target.element, new_record(kind, target.facts, run.now()))
    except ProductError as error:
        return Outcome("failed", target.element, str(error))
    if seen.state == "blocked":
        return Outcome("already", target.element, seen.reason or "blocked by someone else, so it is left alone")
    return None


def block_one(run: DriverRun, target: Target, record: Mapping[str, Any], claim: str) -> OutcomeRow:
    if record["phase"] == "blocked":
        known = Outcome("already", target.element, "contained by this instance", str(record["reference"]))
        return OutcomeRow("block", claim, known, True, target.entry)
    outcome = ordered(lambda: run.driver.block(target, record), target.element)
    # Gone from the ledger meanwhile: somebody gave the claim up, so what this order did is to be released.
    kept = store_after(run, target.element, outcome, after_block, lost=without_claims(record, record["claims"]))
    return OutcomeRow("block", claim, own_work(outcome, kept), holds(kept, claim), target.entry)


def unblock_entity(
    run: DriverRun, entity: Entity, brain: str, elements: Sequence[str] = (), adopt: bool = False
) -> list[OutcomeRow]:
    """Release what this instance contains for an entity: the given elements, or all.

    Never touches what others blocked, except for given elements when `adopt` says that they are ours to release.
    Entries of a static list may be given as they were written in it.
    """
    claim, ledger = claim_of(brain, entity), run.ledger.load()
    own = claimed_elements(ledger, claim)
    if not isinstance(entity, Destinations):
        return unblock_elements(run, entity.kind, claim, own, elements, adopt)
    held = {element: entry_of(ledger["elements"][element], claim) or element for element in own}
    named = [element for element, entry in held.items() if {entry, element} & set(elements)]
    others = tuple(entry for entry in elements if entry not in own and entry not in held.values())
    targets, failures = targets_of(run, Destinations(entity.entity_id, others)) if others else ([], [])
    rows = [OutcomeRow("unblock", claim, outcome, bool(own), entry) for entry, outcome in failures]
    named += [target.element for target in targets if target.element not in named]
    if named or not rows:
        rows += unblock_elements(run, entity.kind, claim, own, named, adopt)
    return rows


def unblock_elements(
    run: DriverRun, kind: str, claim: str, own: Sequence[str], elements: Sequence[str], adopt: bool
) -> list[OutcomeRow]:
    """Release those of a claim's own elements that are given, or all; others only when they are to be adopted."""
    rows = [unblock_one(run, element, claim) for element in own if not elements or element in elements]
    others = [element for element in dict.fromkeys(elements) if element not in own]
    rows += [unblock_one(run, element, claim, kind) if adopt else not_ours(claim, element) for element in others]
    return rows or [not_ours(claim, "")]


def not_ours(claim: str, element: str) -> OutcomeRow:
    return OutcomeRow("unblock", claim, Outcome("already", element, "not contained by this instance"), contained=False)


def unblock_one(run: DriverRun, element: str, claim: str, adopt_kind: str = "") -> OutcomeRow:
    """Give up the claim on one element, and release it when no other is left.

    `adopt_kind`: the kind of entity for which an element that is not in the ledger is taken over before that.
    """
    now = run.now()

    def change(newest: dict[str, Any]) -> dict[str, Any]:
        taken = with_adoption(newest, adopt_kind, element, claim, now) if adopt_kind else newest
        return with_release_intent(taken, element, claim)

    ledger = run.ledger.update(change)
    record = ledger["elements"].get(element)
    if record is None:
        return not_ours(claim, element)
    if record["claims"]:
        reason = f"no longer for this, still contained for {', '.join(record['claims'])}"
        return OutcomeRow("unblock", claim, Outcome("applied", element, reason), False, entry_of(record, claim))
    outcome = adopted_look(run, element, record) or release_order(run, element, record)
    kept = store_after(run, element, outcome, after_release)
    return OutcomeRow("unblock", claim, outcome, holds(kept, claim), entry_of(record, claim))


def release_order(run: DriverRun, element: str, record: Mapping[str, Any]) -> Outcome:
    outcome = ordered(lambda: run.driver.unblock(element, record), element)
    if outcome.status == "already" and not record["confirmed"]:
        # The order to block may still be on its way, from a run that is not over or was cut off.
        return outcome._replace(status="pending", reason="not blocked now; looked at once more to be sure")
    return outcome


def adopted_look(run: DriverRun, element: str, record: Mapping[str, Any]) -> Outcome | None:
    """What makes an order to release an adopted element needless or too early. None: nothing, or it is not adopted."""
    if not record.get("adopted") or record["confirmed"]:
        return None
    try:
        seen = run.driver.state(element, record)
    except ProductError as error:
        return Outcome("failed", element, str(error))
    order = next_order(False, seen.state)
    if order == "forget":
        return Outcome("already", element, seen.reason or "the product does not block it, so nothing was ordered")
    return Outcome("pending", element, seen.reason) if order == "wait" else None


def groom_entity(run: DriverRun, entity: Entity, brain: str) -> list[OutcomeRow]:
    """Bring a contained entity up to date: block what it gained or the product lost, release what it no longer has."""
    claim, elements = claim_of(brain, entity), run.ledger.load()["elements"]
    have = [element for element, record in elements.items() if claim in record["claims"]]
    if not have:
        return [not_ours(claim, "")._replace(action="groom")]
    targets, failures = targets_of(run, entity)
    if failures:
        return [OutcomeRow("groom", claim, outcome, contained=True) for _, outcome in failures]
    wanted = {target.element for target in targets}
    missing = [target for target in targets if target.element not in have or vanished(run, target.element)]
    rows = block_targets(run, entity.kind, missing, claim)
    return rows + [unblock_one(run, element, claim) for element in have if element not in wanted]


def vanished(run: DriverRun, element: str) -> bool:
    """Did the product lose a blocked element? Then its record says so from now on, and it may be blocked again."""
    record = run.ledger.load()["elements"].get(element)
    if record is None or record["phase"] != "blocked":
        return record is None
    try:
        return found_lost(run, element, record)
    except ProductError:
        return False


def found_lost(run: DriverRun, element: str, record: Mapping[str, Any]) -> bool:
    """`vanished` for an element that its record calls blocked. Raises ProductError when the product cannot be asked."""
    lost = run.driver.state(element, record).state in ("free", "gone")
    if lost:
        store_after(
            run, element, Outcome("pending", element), lambda kept, seen, now: with_try(kept, seen, "blocking", now)
        )
    return lost


def lost_elements(run: DriverRun) -> list[str]:
    """What is blocked by the ledger and not by the product: a reboot, a clean-up, a time limit, a person.

    A product that cannot be asked is not asked for each of its elements; the next verification begins anew.
    """
    lost, failures = [], 0
    for element, record in run.ledger.load()["elements"].items():
        if record["phase"] != "blocked":
            continue
        try:
            lost += [element] if found_lost(run, element, record) else []
        except ProductError:
            failures += 1
            if failures == LOOKS_THAT_MAY_FAIL:
                break
    return lost


def reconcile_all(run: DriverRun, verify: bool = False) -> list[OutcomeRow]:
    """Follow every element that is not settled until reality agrees with the claims.

    `verify` looks at what is settled, too, and puts back what the product lost; before the publication, so that it is
    part of it. Gives a row for each claim of each element that was looked at and is, or was, not settled.
    """
    put_back = [row for element in (lost_elements(run) if verify else ()) for row in reconcile_one(run, element)]
    due = unsettled(run.ledger.load(), run.now())
    unpublished = published(run) if due else ""
    return put_back + [row for element in due for row in reconcile_one(run, element, unpublished)]


def published(run: DriverRun) -> str:
    """Why the changes that the product collects could not be made effective; empty when they could, or need not be."""
    if type(run.driver).publish is Driver.publish:
        return ""
    try:
        run.driver.publish()
    except ProductError as error:
        return str(error)
    return ""


def reconcile_one(run: DriverRun, element: str, unpublished: str = "") -> list[OutcomeRow]:
    """Look at one element and give the order that is missing.

    `unpublished` says why a publication failed. What waits for it has failed with it; an order that is still missing is
    given all the same, to be part of the next one.
    """
    record = run.ledger.load()["elements"].get(element)
    if record is None:
        return []
    try:
        seen = run.driver.state(element, record)
    except ProductError as error:
        unseen = Outcome("pending", element, str(error), str(record["reference"]))
        return reconciled(run, element, unseen, after_failed_look)
    if unpublished and next_order(bool(record["claims"]), seen.state) == "wait":
        return reconciled(run, element, Outcome("failed", element, unpublished), after_look)
    return reconciled(run, element, *follow(run, element, record, seen))


def reconciled(run: DriverRun, element: str, outcome: Outcome, after: AfterOrder) -> list[OutcomeRow]:
    """Keep the outcome of a look, and tell it to everyone who has or had a claim."""
    before = run.ledger.load()["elements"].get(element)
    kept = store_after(run, element, outcome, after)
    record = kept or before or {"claims": [], "dropped": []}
    claims = record["claims"] or record["dropped"]
    return [OutcomeRow("reconcile", claim, outcome, holds(kept, claim), entry_of(record, claim)) for claim in claims]


def follow(run: DriverRun, element: str, record: Mapping[str, Any], seen: ElementState) -> tuple[Outcome, AfterOrder]:
    """Do what desired and real state of one element ask for; gives the outcome and how to keep it."""
    wanted = bool(record["claims"])
    order = next_order(wanted, seen.state)
    after: AfterOrder = after_repeated_block if wanted else after_release
    if order == "wait":
        return Outcome("pending", element, seen.reason, str(record["reference"])), after_look
    if order == "block":
        target = Target(element, record["facts"])
        return own_work(ordered(lambda: run.driver.block(target, record), element), record), after
    if order == "unblock":
        return ordered(lambda: run.driver.unblock(element, record), element), after
    gone = order == "forget" and wanted
    return Outcome("not_found" if gone else "applied", element, seen.reason), after


# ---- pure functions: what of an entity is blocked by address or name


def texts_to_block(entity: Entity, product: str) -> tuple[str, ...]:
    """The addresses, networks, ranges and domains of an entity, as Vectra or the list spells them.

    Raises TargetError: Vectra knows none (not_found), or it is not a thing with addresses (unsupported).
    """
    if isinstance(entity, Account):
        raise TargetError("unsupported", f"{product} blocks addresses and domains, not an {entity.kind}.")
    if isinstance(entity, Host):
        found: tuple[str, ...] = (entity.ip,) if entity.ip else ()
    elif isinstance(entity, Detection):
        found = (*entity.dst_ips, *entity.dst_domains)
    else:
        found = entity.entries
    if not found:
        raise TargetError("not_found", f"Vectra knows no address for this {entity.kind}.")
    return found


# ---- client: the HTTP calls of a product


class ProductBusyError(DemistoException):
    """The product was busy or unreachable; the same call may succeed later.

    `status` is the HTTP status, 0 when there was no reply. `retry_after` is what the product asked for, in seconds, or
    None. `unsent`: there was not even a connection.
    """

    def __init__(self, message: str, status: int = 0, retry_after: float | None = None, unsent: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.unsent = unsent


class ProductClient(BaseClient):
    """HTTP calls with a time-out each, paced and repeated by the one retry loop. A vendor's client is a subclass.

    Reading is repeated while the product is busy. An order is repeated only when the product certainly did not begin
    it; when nobody knows, it ends as `ProductError(uncertain=True)`. What a vendor does otherwise it says by `is_busy`,
    `read` and `refusal`.

    Args:
        product: the name that messages use.
        http: an `HttpSettings` of the ParametersApiModule; of it `url`, `verify`, `proxy` and `timeout` count here.
        retry: an `HttpRetry` of the HttpRetryApiModule.
        headers, auth: sent with each request, as `requests` takes them.
    """

    def __init__(
        self,
        product: str,
        http: Any,
        retry: Any,
        *,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
    ) -> None:
        super().__init__(
            http.url, http.verify, http.proxy, headers=dict(headers or {}), auth=auth, timeout=http.timeout
        )
        self.product = product
        self.retry = retry

    def call(self, method: str, path: str, *, order: bool = False, **request: Any) -> Any:
        """One call, and what `read` makes of its reply.

        Args:
            path: below the address; quoted by the caller.
            order: the call changes something in the product.
            request: `json_data`, `data`, `params` or `headers`, as `BaseClient._http_request` takes them.

        Raises:
            ProductError: refused, or not answered; `uncertain` for an order that may have been carried out.
        """
        try:
            return self.retry.run(
                lambda: self.one_try(method, path, request), ProductBusyError, once=lost_order if order else None
            )
        except ProductBusyError as error:
            raise ProductError(str(error)) from error

    def one_try(self, method: str, path: str, request: Mapping[str, Any]) -> Any:
        self.retry.pacer.wait()
        response = self.exchange(method, path, request)
        if self.is_busy(response):
            wait = self.retry.seconds_asked(response.headers.get("Retry-After"))
            raise ProductBusyError(f"{self.product} answered HTTP {response.status_code}", response.status_code, wait)
        return self.read(response)

    def exchange(self, method: str, path: str, request: Mapping[str, Any]) -> requests.Response:
        """One request and its reply, whatever its status. Raises ProductBusyError, or ProductError for settings."""
        try:
            return self._http_request(
                method, path, resp_type="response", ok_codes=tuple(range(100, 600)), allow_redirects=False, **request
            )
        except (DemistoException, requests.RequestException) as error:
            raise self.unanswered(error) from error

    def unanswered(self, error: Exception) -> Exception:
        """Sort a request without a reply: certificates and proxies need the user, all else may pass."""
        cause = getattr(error, "exception", None) or error
        if isinstance(cause, requests.exceptions.SSLError):
            return ProductError(f"The certificate of {self.product} could not be verified. Check the address.")
        if isinstance(cause, requests.exceptions.ProxyError):
            return ProductError("The proxy refused the connection. Check the system proxy settings.")
        if isinstance(cause, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
            return ProductError(f"The address of {self.product} cannot be used. Check it.")
        return ProductBusyError(f"{self.product} did not answer ({type(cause).__name__})", unsent=was_never_sent(cause))

    def is_busy(self, response: requests.Response) -> bool:
        """May the same call succeed later? A product with replies of its own under these statuses overrides it."""
        return bool(self.retry.repeatable(response.status_code))

    def read(self, response: requests.Response) -> Any:
        """The parsed JSON of a success. Raises ProductBusyError for a torn reply, and what `refusal` gives."""
        if not 200 <= response.status_code < 300:
            raise self.refusal(response)
        try:
            return response.json() if response.content else {}
        except ValueError:
            raise ProductBusyError(f"{self.product} answered with something that is not JSON") from None

    def refusal(self, response: requests.Response) -> ProductError:
        """The exception for a reply that is no success; its text says what to do, and never a secret."""
        status = response.status_code
        hints = {401: ": it refused the login. Check it", 403: ": the login has not the rights that this needs"}
        return ProductError(f"{self.product} answered HTTP {status}{hints.get(status, '')}.")


def was_never_sent(error: Exception) -> bool:
    """True when no connection was made. All other broken connections may have carried the request there."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    refused = type(reason).__name__ == "NewConnectionError"
    return isinstance(error, requests.exceptions.ConnectTimeout) or refused


def lost_order(error: ProductBusyError) -> ProductError:
    """What a failed try means for an order that is sent once."""
    return ProductError(f"{error}; whether it was carried out is looked at again", uncertain=True)


# ---- commands


def texts(raw: Any) -> tuple[str, ...]:
    return tuple(str(item).strip() for item in argToList(raw) if str(item).strip())


def address(raw: Any, name: str = "ip") -> str:
    """One IP address in its usual spelling, or empty. Raises ValueError naming the argument and the value."""
    text = str(raw or "").strip()
    if not text:
        return ""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"Argument '{name}': {text!r} is not an IP address.") from None


def host_from_args(args: Mapping[str, Any]) -> Host:
    ip, name = address(args.get("ip")), str(args.get("host_name") or "").strip()
    identity = str(args.get("host_id") or ip or name)
    if not identity:
        raise ValueError("Give at least one of the arguments 'ip', 'host_name' and 'host_id'.")
    rest = {key: str(args.get(key) or "") for key in ("fqdn", "vm_name", "vm_uuid", "aws_id", "last_seen")}
    return Host(identity, ip, name, macs=texts(args.get("mac")), previous_ips=texts(args.get("previous_ips")), **rest)


def account_from_args(args: Mapping[str, Any]) -> Account:
    name = str(args.get("account") or "").strip()
    identity = str(args.get("account_id") or name)
    if not identity:
        raise ValueError("Argument 'account' is empty.")
    return Account(identity, name, *(str(args.get(key) or "") for key in ("display_name", "sam", "upn", "context")))


def detection_from_args(args: Mapping[str, Any]) -> Detection:
    ips = tuple(address(ip, "dst_ips") for ip in texts(args.get("dst_ips")))
    domains = texts(args.get("dst_domains"))
    identity = str(args.get("detection_id") or ",".join(sorted({*ips, *domains})))
    if not identity:
        raise ValueError("Give at least one of the arguments 'dst_ips', 'dst_domains' and 'detection_id'.")
    return Detection(
        identity, ips, domains, str(args.get("detection_type") or ""), address(args.get("src_ip"), "src_ip")
    )


def destinations_from_args(args: Mapping[str, Any]) -> Destinations:
    entries = texts(args.get("destinations"))
    if not entries:
        raise ValueError("Argument 'destinations' is empty.")
    return Destinations(str(args.get("list") or "war-room"), entries)


def flag_from_args(args: Mapping[str, Any], name: str) -> bool:
    raw = args.get(name)
    try:
        return argToBoolean(raw) if raw not in (None, "") else False
    except ValueError:
        raise ValueError(f"Argument '{name}': {raw!r} is neither true nor false.") from None


def adopt_from_args(args: Mapping[str, Any], elements: Sequence[str]) -> bool:
    """Whether elements that are not in the ledger are to be released, too. They have to be named for that."""
    adopt = flag_from_args(args, "adopt")
    if adopt and not elements:
        raise ValueError("Argument 'adopt': name what to take over in the argument 'elements'.")
    return adopt


ENTITY_READERS: dict[str, Callable[[Mapping[str, Any]], Entity]] = {
    "host": host_from_args,
    "account": account_from_args,
    "detection": detection_from_args,
    "destinations": destinations_from_args,
}
DRIVER_COMMANDS = (
    "vectra-block-host",
    "vectra-unblock-host",
    "vectra-groom-host",
    "vectra-block-account",
    "vectra-unblock-account",
    "vectra-block-detection",
    "vectra-unblock-detection",
    "vectra-block-destinations",
    "vectra-unblock-destinations",
    "vectra-response-reconcile",
)


def driver_command(command: str, args: Mapping[str, Any], run: DriverRun) -> CommandResults:
    """Carry out one command of the driver interface.

    Raises:
        ValueError: an argument is wrong; nothing was done.
        NotImplementedError: not a command of the interface.
    """
    if command not in DRIVER_COMMANDS:
        raise NotImplementedError(f"{command!r} is not a command of the driver interface.")
    if command == "vectra-response-reconcile":
        return outcome_results(run, reconcile_all(run, flag_from_args(args, "verify")), "reconcile")
    _, action, kind = command.split("-")
    entity, brain = ENTITY_READERS[kind](args), str(args.get("brain") or "")
    if action == "block":
        rows = block_entity(run, entity, brain)
    elif action == "groom":
        rows = groom_entity(run, entity, brain)
    else:
        given = entity.entries if isinstance(entity, Destinations) else texts(args.get("elements"))
        rows = unblock_entity(run, entity, brain, given, adopt_from_args(args, given))
    return outcome_results(run, rows, f"{action} {kind}")


def driver_answer(command: str, args: Mapping[str, Any], run: DriverRun) -> str | CommandResults:
    """What `main` returns: that of the Test button, or of a command of the interface.

    Raises what `driver_command` raises, and ProductError when the test fails.
    """
    return run.driver.test() if command == "test-module" else driver_command(command, args, run)


def outcome_results(run: DriverRun, rows: Sequence[OutcomeRow], title: str) -> CommandResults:
    """The outcomes for the war room and, under `VectraResponse.Outcome`, for the script that asked."""
    outputs = [outcome_output(run, row) for row in rows]
    headers = ["action", "entity", "element", "status", "reason", "reference"]
    return CommandResults(
        outputs_prefix="VectraResponse.Outcome",
        outputs_key_field=["instance", "brain", "entity", "element"],
        outputs=outputs,
        readable_output=tableToMarkdown(f"{run.instance or run.brand}: {title}", outputs, headers=headers),
    )


def outcome_output(run: DriverRun, row: OutcomeRow) -> dict[str, Any]:
    brain, entity = claim_parts(row.claim)
    return {
        "action": row.action,
        "brain": brain,
        "entity": entity,
        "brand": run.brand,
        "instance": run.instance,
        "element": row.outcome.element,
        "entry": row.entry,
        "status": row.outcome.status,
        "contained": row.contained,
        "reason": row.outcome.reason,
        "reference": row.outcome.reference,
        "time": int(run.now()),
    }
