"""A driver without a product: what it answers is set by parameters, and what it blocked is kept in its own context.

For trying out settings, playbooks and the response itself before a real product is connected.
"""

import fnmatch
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ParametersApiModule import *
from ResponseDriverApiModule import *
from VersionedStateApiModule import *

BRAND = "TestResponse"
PRODUCT_KEY = "product"
PRODUCT_VERSION = 1
LOG_LENGTH = 100
# What an order does: carried out; carried out after some looks; refused; an answer without any effect; carried out but
# the answer is lost; lost on the way; accepted and then given up.
ORDER_OUTCOMES = (
    "applied",
    "pending",
    "failed",
    "already",
    "not_found",
    "unsupported",
    "answer_lost",
    "lost",
    "given_up",
)
SHOWN_STATES = ("truth", *ELEMENT_STATES)


# ---- settings


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once.

    Sequences are used up one by one and their last word then stays. `known`, `ambiguous` and `blocked_by_others` hold
    shell patterns or plain values, in lower case.
    """

    outcome_block: tuple[str, ...]
    outcome_unblock: tuple[str, ...]
    state_sequence: tuple[str, ...]
    looks_until_done: int
    known: tuple[str, ...]
    ambiguous: tuple[str, ...]
    blocked_by_others: tuple[str, ...]
    unreachable: bool
    delay_seconds: float


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Check every parameter once. Raises ValueError naming the parameter and the value."""
    return Settings(
        outcome_block=sequence_of(params, "outcome_block", "applied", ORDER_OUTCOMES),
        outcome_unblock=sequence_of(params, "outcome_unblock", "applied", ORDER_OUTCOMES),
        state_sequence=sequence_of(params, "state_sequence", "truth", SHOWN_STATES),
        looks_until_done=whole_param(params, "looks_until_done", "Looks until a pending order is done", 1, 0, 1000),
        known=lower_list(params, "known"),
        ambiguous=lower_list(params, "ambiguous"),
        blocked_by_others=lower_list(params, "blocked_by_others"),
        unreachable=flag_param(params, "unreachable"),
        delay_seconds=number_param(params, "delay_seconds", "Seconds that an order takes", 0, 0, 600),
    )


def sequence_of(params: Mapping[str, Any], name: str, default: str, words: Sequence[str]) -> tuple[str, ...]:
    given = lower_list(params, name) or (default,)
    for word in given:
        if word not in words:
            raise ValueError(f"Parameter {name}: {word!r} is unknown, use some of {', '.join(words)}.")
    return given


def lower_list(params: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in texts(params.get(name)))


# ---- the pretended product: values in, values out


def new_product() -> dict[str, Any]:
    """A product that has blocked nothing.

    `blocked` are elements; `queue` maps an element to {action, looks, works} that is not done yet; `freed` are elements
    that were released; `orders` and `looks` count what was asked; `log` holds the last orders.
    """
    return {"blocked": [], "freed": [], "queue": {}, "orders": {"block": 0, "unblock": 0}, "looks": 0, "log": []}


def is_blocked(product: Mapping[str, Any], others: Sequence[str], element: str) -> bool:
    """Whether the product blocks the element now, by our order or somebody else's."""
    return element in product["blocked"] or (matches(element, others) and element not in product["freed"])


def with_effect(product: Mapping[str, Any], element: str, action: str) -> dict[str, Any]:
    """The product after an order took effect."""
    queue = {name: order for name, order in product["queue"].items() if name != element}
    blocked = [name for name in product["blocked"] if name != element]
    freed = [name for name in product["freed"] if name != element]
    if action == "block":
        return {**product, "queue": queue, "blocked": sorted([*blocked, element]), "freed": freed}
    return {**product, "queue": queue, "blocked": blocked, "freed": sorted([*freed, element])}


def with_order(product: Mapping[str, Any], element: str, action: str, outcome: str) -> dict[str, Any]:
    """The product after it got an order, of which `outcome` says what becomes of it."""
    counted = {**product["orders"], action: product["orders"][action] + 1}
    log = [*product["log"], f"{action} {element}: {outcome}"][-LOG_LENGTH:]
    product = {**product, "orders": counted, "log": log}
    if outcome in ("applied", "answer_lost"):
        return with_effect(product, element, action)
    if outcome in ("pending", "given_up"):
        order = {"action": action, "looks": 0, "works": outcome == "pending"}
        return {**product, "queue": {**product["queue"], element: order}}
    return product


def with_look(product: Mapping[str, Any], element: str, needed: int) -> dict[str, Any]:
    """The product after it was asked for an element; what is queued is done at the look after `needed` others."""
    product = {**product, "looks": product["looks"] + 1}
    order = product["queue"].get(element)
    if order is None:
        return product
    if order["looks"] < needed:
        return {**product, "queue": {**product["queue"], element: {**order, "looks": order["looks"] + 1}}}
    if order["works"]:
        return with_effect(product, element, order["action"])
    return {**product, "queue": {name: other for name, other in product["queue"].items() if name != element}}


def matches(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(text.lower(), pattern) for pattern in patterns)


def nth(words: Sequence[str], number: int) -> str:
    """The word for call `number`, counted from 0; the last one stays."""
    return words[min(number, len(words) - 1)]


def names_of(entity: Entity) -> tuple[str, ...]:
    """What an entity is called here, each of which is an element."""
    if isinstance(entity, Host):
        return ((entity.ip or entity.name),) if entity.ip or entity.name else ()
    if isinstance(entity, Account):
        return ((entity.sam or entity.name),) if entity.sam or entity.name else ()
    return (*entity.dst_ips, *entity.dst_domains) if isinstance(entity, Detection) else entity.entries


# ---- client: the product in the context of the instance


def product_port(port: ContextPort) -> ContextPort:
    """A port whose state is the pretended product, next to the ledger in the same context."""

    def read() -> dict[str, Any]:
        stored = port.read()
        whole = dict(stored.get("context") or {})
        return {"context": {VERSIONED_STATE_KEY: whole.get(PRODUCT_KEY)}, "version": (whole, stored.get("version"))}

    def write(context: dict[str, Any], version: Any) -> None:
        whole, number = version
        port.write({**whole, PRODUCT_KEY: context[VERSIONED_STATE_KEY]}, number)

    return ContextPort(read, write)


# ---- driver


class TestDriver(Driver):
    """Does what the parameters say."""

    __test__ = False

    def __init__(self, settings: Settings, product: VersionedState, sleep: Callable[[float], None]) -> None:
        self.settings = settings
        self.product = product
        self.sleep = sleep

    def test(self) -> str:
        """`ok`, unless the product is set to be unreachable."""
        self.reach()
        return "ok"

    def targets(self, entity: Entity) -> list[Target]:
        """One element for each name. Raises TargetError for what is not known or set to be ambiguous."""
        self.reach()
        names = names_of(entity)
        found = [name for name in names if not self.settings.known or matches(name, self.settings.known)]
        if not found:
            raise TargetError("not_found", f"{' and '.join(names) or entity.entity_id} is not known here.")
        if unclear := [name for name in found if matches(name, self.settings.ambiguous)]:
            raise TargetError("failed", f"{' and '.join(unclear)} fits several elements, so nothing is blocked.")
        return [Target(name) for name in found]

    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        """Order a block, which does what `outcome_block` says."""
        return self.order("block", target.element, self.settings.outcome_block)

    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        """Order a release, which does what `outcome_unblock` says."""
        return self.order("unblock", element, self.settings.outcome_unblock)

    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        """The truth, or what `state_sequence` says instead."""
        self.reach()
        product = self.product.update(lambda newest: with_look(newest, element, self.settings.looks_until_done))
        shown = nth(self.settings.state_sequence, product["looks"] - 1)
        return ElementState(self.truth(product, element) if shown == "truth" else shown)

    def truth(self, product: Mapping[str, Any], element: str) -> str:
        order = product["queue"].get(element)
        if order is not None:
            return "blocking" if order["action"] == "block" else "releasing"
        return "blocked" if is_blocked(product, self.settings.blocked_by_others, element) else "free"

    def order(self, action: str, element: str, outcomes: Sequence[str]) -> Outcome:
        self.reach()
        if self.settings.delay_seconds:
            self.sleep(self.settings.delay_seconds)
        product = self.product.load()
        if self.truth(product, element) == {"block": "blocked", "unblock": "free"}[action]:
            return Outcome("already")
        number = product["orders"][action]
        outcome = nth(outcomes, number)
        self.product.update(lambda newest: with_order(newest, element, action, outcome))
        return told(outcome, f"{action}-{number + 1}")

    def reach(self) -> None:
        if self.settings.unreachable:
            raise ProductError("The test product cannot be reached: the parameter 'Cannot be reached' is set.")


def told(outcome: str, reference: str) -> Outcome:
    """The answer to an order. Raises ProductError for those that have none."""
    if outcome == "failed":
        raise ProductError("The test product refuses, as its parameters say.")
    if outcome in ("answer_lost", "lost"):
        raise ProductError("No answer came to the order.", uncertain=True)
    status = "pending" if outcome == "given_up" else outcome
    return Outcome(
        status, reason="" if status in ("applied", "pending") else "as its parameters say", reference=reference
    )


# ---- main


def new_run(settings: Settings, port: ContextPort, instance: str) -> DriverRun:
    """Put a run together."""

    def pause(attempt: int) -> None:
        time.sleep(0.02 * attempt)

    product = VersionedState(product_port(port), PRODUCT_VERSION, new_product, pause)
    ledger = VersionedState(port, DRIVER_STATE_VERSION, new_ledger, pause)
    return DriverRun(TestDriver(settings, product, time.sleep), ledger, time.time, BRAND, instance)


def main() -> None:
    """Read parameters and arguments, run one command, return its result. Nothing but this touches `demisto`."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        port = ContextPort.of(demisto)
        run = new_run(settings_from_params(demisto.params()), port, demisto.integrationInstance())
        return_results(driver_answer(command, demisto.args(), run))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
