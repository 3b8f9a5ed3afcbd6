"""Isolates the endpoints of hosts that Vectra wants contained with Cortex XDR, and releases them again.

In this order: settings, client, pure functions (values in, values out), the driver, and `main`, the only place that
touches `demisto`.

An isolation is an order that Cortex XDR queues for the agent, so it is followed until `is_isolated` shows it. Isolating
what is not free, or releasing what is not isolated, is a 500: the calls are not idempotent. So each step begins with a
look, and `STATE_TABLE` says what to do for each thing that can be seen. One state has no way out by the API: an
isolation that waits for an agent out of touch. It is followed until an operator cancels it or the agent is back.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, NamedTuple

import demistomock as demisto
from AddressesApiModule import *
from CommonServerPython import *
from CortexXDRApiModule import *
from HttpRetryApiModule import *
from ParametersApiModule import *
from ResponseDriverApiModule import *
from VersionedStateApiModule import *

BRAND = "CortexXDRResponse"
PAGE_SIZE = 100
POLL_PAUSE_SECONDS = 3.0
COMMAND_SECONDS = 150
KEY_TYPE_MEMORY = "key_type"
CANDIDATES_SHOWN = 10

ISOLATE, RELEASE = "isolate", "unisolate"
HERE, AWAY, UNINSTALLED = "here", "away", "uninstalled"
UNISOLATED, ISOLATED = "UNISOLATED", "ISOLATED"
PENDING_ISOLATION, PENDING_RELEASE = "PENDING_ISOLATION", "PENDING_ISOLATION_CANCELLATION"
# Seen in generated code only; it cannot mean anything else.
ISOLATION_ALIASES = {"PENDING_UNISOLATION": PENDING_RELEASE}
FAILED_ENDS = frozenset({"FAILED", "TIMEOUT", "EXPIRED", "ABORTED", "CANCELED", "CANCELLED"})
ENDED_BY_OPERATOR = frozenset({"ABORTED", "CANCELED", "CANCELLED"})
WRONG_STATE_TEXTS = ("no endpoint was found", "create group action id")


# ---- settings


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once. Times in seconds.

    `queue_isolate`, `queue_release`: order also what an agent out of touch can only do later. `adopt`: an isolation
    that was there before becomes this instance's own, to be released with the others.
    """

    url: str
    key: XDRKey
    detect_key_type: bool
    queue_isolate: bool
    queue_release: bool
    adopt: bool
    incident_id: str
    poll: float
    timeout: float
    verify: bool
    proxy: bool


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Check every parameter once.

    Raises:
        ValueError: names the parameter by id and title, the value, and what is allowed. Never shows a secret.
    """
    key_type = choice_param(params, "api_key_type", "API Key Type", ("auto", *XDR_KEY_TYPES))
    key_id = secret_param(params, "apikey_id_creds", "API Key ID")
    secret = secret_param(params, "apikey_creds", "API Key")
    offline_isolate = choice_param(params, "offline_isolate", "Isolate agents that are offline", ("skip", "queue"))
    offline_release = choice_param(params, "offline_release", "Release agents that are offline", ("queue", "wait"))
    return Settings(
        url=xdr_base_url(str(params.get("url") or "")),
        key=XDRKey(key_id, secret, "advanced" if key_type == "auto" else key_type),
        detect_key_type=key_type == "auto",
        queue_isolate=offline_isolate == "queue",
        queue_release=offline_release == "queue",
        adopt=flag_param(params, "adopt_existing_isolation"),
        incident_id=str(params.get("incident_id") or "").strip(),
        poll=number_param(params, "poll", "Wait for the agent (seconds)", 10, 0, 120),
        timeout=number_param(params, "timeout", "Timeout of a request (seconds)", 60, 0.1, 600),
        verify=not flag_param(params, "insecure"),
        proxy=flag_param(params, "proxy"),
    )


# ---- client


class Endpoint(NamedTuple):
    """An agent's record. `isolation` is without `AGENT_`; `macs` are bare hexadecimal; `last_seen` is epoch ms."""

    id: str
    name: str
    status: str
    isolation: str
    macs: frozenset[str]
    last_seen: int

    @property
    def contact(self) -> str:
        """HERE, AWAY or UNINSTALLED. A status that nobody knows counts as AWAY: nothing is expected of that agent."""
        return {"CONNECTED": HERE, "UNINSTALLED": UNINSTALLED}.get(self.status, AWAY)


class EndpointClient:
    """The endpoint calls of the Cortex XDR public API. They raise ProductError, and `order` XDRRefusedError, too."""

    def __init__(self, xdr: XDRClient) -> None:
        self.xdr = xdr

    def ping(self) -> None:
        """Ask for one endpoint, whichever. Raises XDRError: address, key, role or licence are not right."""
        self.xdr.post("endpoints/get_endpoint", {"search_from": 0, "search_to": 1})

    def endpoint(self, endpoint_id: str) -> Endpoint | None:
        """The record of one endpoint; None when the tenant has none, or deleted it."""
        found = self.search("endpoint_id_list", [endpoint_id])
        return next((one for one in found if one.id == endpoint_id), None)

    def search(self, field: str, values: Sequence[str]) -> list[Endpoint]:
        """All endpoints with one of these values, latest seen first. None for no values: no filter means everything."""
        found: list[Endpoint] = []
        if not values:
            return found
        start, total = 0, 1
        while start < total:
            data = {
                "search_from": start,
                "search_to": start + PAGE_SIZE,
                "sort": {"field": "last_seen", "keyword": "DESC"},
                "filters": [{"field": field, "operator": "in", "value": list(values)}],
            }
            with product_errors():
                rows, total = endpoint_page(self.xdr.post("endpoints/get_endpoint", data))
            found += rows
            start += PAGE_SIZE
        return found

    def order(self, request: str, endpoint_id: str, incident_id: str) -> str:
        """Order to isolate or unisolate one endpoint; gives the action id, empty when the reply names none.

        Raises:
            XDRRefusedError: 500, the answer to a wrong state.
            ProductError: not ordered, or `uncertain`.
        """
        data = {"endpoint_id": endpoint_id, **({"incident_id": incident_id} if incident_id else {})}
        with product_errors():
            return action_id_of(self.xdr.post(f"endpoints/{request}", data, once=True))

    def action_end(self, action_id: str, endpoint_id: str) -> tuple[str, str]:
        """(status in capitals, error text) of an endpoint's part in an action; empty when it cannot be told."""
        with suppress(XDRError):
            if action_id.isdigit():
                reply = self.xdr.post("actions/get_action_status", {"group_action_id": int(action_id)})
                return action_end_of(reply, endpoint_id)
        return "", ""


@contextmanager
def product_errors() -> Iterator[None]:
    """Turns what the API's client raises into what the driver interface knows."""
    try:
        yield
    except XDRRefusedError:
        raise
    except XDRError as error:
        raise ProductError(str(error), uncertain=isinstance(error, XDRLostReplyError)) from error


# ---- pure functions: replies


def endpoint_page(reply: Any) -> tuple[list[Endpoint], int]:
    """Endpoints and total of a reply of get_endpoint; an empty page is the last one, whatever the total says."""
    rows = reply.get("endpoints") if isinstance(reply, dict) else None
    if not isinstance(rows, list):
        raise ProductError("Cortex XDR answered get_endpoint without a list of endpoints.")
    total = number_of(reply.get("total_count"), len(rows)) if rows else 0
    return [endpoint_from(row) for row in rows if isinstance(row, dict) and row.get("endpoint_id")], total


def endpoint_from(row: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        id=str(row["endpoint_id"]),
        name=str(row.get("endpoint_name") or row["endpoint_id"]),
        status=str(row.get("endpoint_status") or "").upper(),
        isolation=isolation_of(row.get("is_isolated")),
        macs=frozenset(filter(None, map(bare_mac, list_of(row.get("mac_address"))))),
        last_seen=number_of(row.get("last_seen"), 0),
    )


def isolation_of(raw: Any) -> str:
    """`is_isolated` in capitals, without the prefix that some replies leave out."""
    word = str(raw or "").strip().upper().removeprefix("AGENT_")
    return ISOLATION_ALIASES.get(word, word)


def list_of(raw: Any) -> list[str]:
    """A list whose field may also be null or a bare text."""
    if isinstance(raw, list):
        return [str(item) for item in raw if item]
    return [str(raw)] if raw else []


def number_of(raw: Any, default: int) -> int:
    try:
        return int(raw)
    except (TypeError, ValueError):
        return default


def action_id_of(reply: Any) -> str:
    """The id in a reply of isolate or unisolate: `action_id`, `group_action_id` or the bare reply."""
    if isinstance(reply, dict):
        reply = reply.get("action_id") or reply.get("group_action_id")
    return str(reply) if isinstance(reply, str | int) and not isinstance(reply, bool) else ""


def action_end_of(reply: Any, endpoint_id: str) -> tuple[str, str]:
    data = reply.get("data") if isinstance(reply, dict) else None
    status = data.get(endpoint_id) if isinstance(data, dict) else None
    reasons = reply.get("errorReasons") if isinstance(reply, dict) else None
    reason = reasons.get(endpoint_id) if isinstance(reasons, dict) else None
    text = reason.get("errorDescription") if isinstance(reason, dict) else None
    return str(status or "").upper(), str(text or "")


def is_wrong_state(error: XDRRefusedError) -> bool:
    """Is this 500 the one for an endpoint that is not in the state that the order needs?"""
    said = str(error).lower()
    return any(text in said for text in WRONG_STATE_TEXTS)


# ---- pure functions: which endpoint is the host


def is_synthetic(name: str) -> bool:
    """A name that Vectra made from the address (`IP-10.0.0.1`) because it knows none."""
    bare = name[3:] if name.upper().startswith("IP-") else name
    return ip_or_none(bare.replace("_", ":")) is not None


def own_names(host: Host) -> list[str]:
    """The names that Vectra really knows for a host, short or fully qualified."""
    return [name.strip() for name in (host.name, host.fqdn) if name.strip() and not is_synthetic(name.strip())]


def first_label(name: str) -> str:
    return name.partition(".")[0].lower()


def name_spellings(host: Host) -> list[str]:
    """Everything that Cortex XDR may call this host: its filter may mind the case, and holds short or full names."""
    names = own_names(host)
    labels = [name.partition(".")[0] for name in names]
    return list(dict.fromkeys([*names, *labels, *(s.upper() for s in labels), *(s.lower() for s in labels)]))


def agreement(host: Host, endpoint: Endpoint) -> bool | None:
    """Does the endpoint's name or a MAC say that it is this host? None: neither can be compared."""
    labels = {first_label(name) for name in own_names(host)}
    macs = set(filter(None, map(bare_mac, host.macs)))
    compared = [first_label(endpoint.name) in labels] if labels else []
    compared += [bool(macs & endpoint.macs)] if macs and endpoint.macs else []
    return any(compared) if compared else None


def choose_endpoint(host: Host, found: Sequence[Endpoint]) -> Endpoint:
    """The endpoint that is this host.

    Raises:
        TargetError: none is (not_found), or it is not certain which one (failed; the text lists the candidates).
    """
    if not found:
        raise TargetError("not_found", f"Cortex XDR has no agent for {host_words(host)}")
    living = [one for one in found if one.contact != UNINSTALLED]
    if len(found) == 1 or len(living) == 1:
        (only,) = living or found
        if agreement(host, only) is False:
            raise TargetError(
                "failed", refusal("only one agent was found, and neither its name nor a MAC fits", host, [only])
            )
        return only
    if not living:
        raise TargetError("failed", refusal("all of its agents are uninstalled", host, found))
    agreeing = [one for one in living if agreement(host, one)]
    likely = agreeing if len(agreeing) == 1 else [one for one in agreeing if one.contact == HERE]
    if len(likely) != 1:
        raise TargetError("failed", refusal("it is not certain which of these agents it is", host, agreeing or living))
    return likely[0]


def host_words(host: Host) -> str:
    known = [f"address {host.ip}" if host.ip else "", *(f"name {name}" for name in own_names(host))]
    return " and ".join(filter(None, known)) or "a host without address and name"


def refusal(why: str, host: Host, candidates: Sequence[Endpoint]) -> str:
    shown = "; ".join(candidate_words(one) for one in candidates[:CANDIDATES_SHOWN])
    more = f"; and {len(candidates) - CANDIDATES_SHOWN} more" if len(candidates) > CANDIDATES_SHOWN else ""
    return f"{host_words(host)}: {why}, so none was isolated: {shown}{more}"


def candidate_words(endpoint: Endpoint) -> str:
    seen = datetime.fromtimestamp(endpoint.last_seen / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M")
    macs = f", MAC {' '.join(sorted(endpoint.macs))}" if endpoint.macs else ""
    return f"{endpoint.name} (endpoint {endpoint.id}, {endpoint.status or 'no status'}, last seen {seen} UTC{macs})"


# ---- pure functions: what to do in which state


class Row(NamedTuple):
    """What to do in one state, and how it ends when the command cannot or need not go on from there.

    move: `order` (send the call), `queue` (send it when the settings say so for an agent out of touch), `follow` (it is
    under way), `wait` (something else has to end first), `end` (nothing to call).
    ours, theirs: outcome for an element that an order of this instance may have reached, and for any other.
    """

    move: str
    ours: str
    theirs: str
    words: str


ANY_CONTACT = (HERE, AWAY)
STATE_ROWS: tuple[tuple[str, tuple[str, ...], str, Row], ...] = (
    # Requested, the agent's contact, is_isolated.
    (
        ISOLATE,
        (HERE,),
        UNISOLATED,
        Row("order", "pending", "pending", "isolation of {name} is ordered{action}, not seen yet"),
    ),
    (ISOLATE, ANY_CONTACT, ISOLATED, Row("end", "applied", "already", "{name} is isolated")),
    (
        ISOLATE,
        ANY_CONTACT,
        PENDING_ISOLATION,
        Row("follow", "pending", "already", "isolation of {name} is pending{action}; its agent is {status}"),
    ),
    (
        ISOLATE,
        (HERE,),
        PENDING_RELEASE,
        Row("wait", "pending", "failed", "{name} is being released{action}; it can be isolated after that"),
    ),
    (
        ISOLATE,
        (AWAY,),
        UNISOLATED,
        Row("queue", "pending", "failed", "the agent of {name} is {status}, so it was not isolated; tried again later"),
    ),
    (
        ISOLATE,
        (AWAY,),
        PENDING_RELEASE,
        Row(
            "end",
            "pending",
            "failed",
            "{name} is {status} while its release is pending{action}: its agent is released first when it is back, "
            "and can be isolated after that; tried again later",
        ),
    ),
    (RELEASE, ANY_CONTACT, UNISOLATED, Row("end", "already", "already", "{name} is not isolated")),
    (
        RELEASE,
        (HERE,),
        ISOLATED,
        Row("order", "pending", "pending", "release of {name} is ordered{action}, not seen yet"),
    ),
    (
        RELEASE,
        ANY_CONTACT,
        PENDING_RELEASE,
        Row("follow", "pending", "pending", "release of {name} is pending{action}; its agent is {status}"),
    ),
    (
        RELEASE,
        (HERE,),
        PENDING_ISOLATION,
        Row("wait", "pending", "pending", "{name} is being isolated{action}; it is released as soon as that is done"),
    ),
    (
        RELEASE,
        (AWAY,),
        ISOLATED,
        Row("queue", "pending", "pending", "the agent of {name} is {status}; it is released when it is back"),
    ),
    (
        RELEASE,
        (AWAY,),
        PENDING_ISOLATION,
        Row(
            "end",
            "pending",
            "pending",
            "{name} went out of touch ({status}) before its agent isolated it, and no call of Cortex XDR withdraws a "
            "pending isolation. In Cortex XDR open Incident Response > Response > Action Center, find {which} of "
            "endpoint {name} (endpoint id {id}) and cancel it. Otherwise the endpoint is isolated when its agent is "
            "back, and vectra-response-reconcile releases it then",
        ),
    ),
)
STATE_TABLE: dict[tuple[str, str, str], Row] = {
    (request, contact, isolation): row for request, contacts, isolation, row in STATE_ROWS for contact in contacts
}
UNINSTALLED_ROWS = {
    ISOLATE: Row("end", "failed", "failed", "the agent of {name} is uninstalled, so nothing can isolate it"),
    RELEASE: Row(
        "end", "not_found", "not_found", "warning: the agent of {name} is uninstalled; nothing is left to release"
    ),
}
UNKNOWN_ROWS = {
    ISOLATE: Row(
        "end", "failed", "failed", "Cortex XDR calls the isolation of {name} {isolation!r}: unknown, nothing was done"
    ),
    RELEASE: Row(
        "end",
        "failed",
        "failed",
        "Cortex XDR calls the isolation of {name} {isolation!r}: unknown, nothing was done, it stays on record",
    ),
}
GONE_ROWS = {
    ISOLATE: Row("end", "not_found", "not_found", "Cortex XDR does not list endpoint {id} ({name}) any more"),
    RELEASE: Row(
        "end",
        "not_found",
        "not_found",
        "warning: endpoint {id} ({name}) was deleted in Cortex XDR; when its agent calls in within 90 days it comes "
        "back as it was, which may be isolated: release it by hand then",
    ),
}
SEEN_STATES = {UNISOLATED: "free", ISOLATED: "blocked", PENDING_ISOLATION: "blocking", PENDING_RELEASE: "releasing"}
GOALS = {ISOLATE: ISOLATED, RELEASE: UNISOLATED}
HELD = (ISOLATED, PENDING_ISOLATION)


def row_for(request: str, endpoint: Endpoint | None) -> Row:
    """The row of the state table for what is seen; None is an endpoint that the tenant does not list."""
    if endpoint is None:
        return GONE_ROWS[request]
    if endpoint.contact == UNINSTALLED:
        return UNINSTALLED_ROWS[request]
    return STATE_TABLE.get((request, endpoint.contact, endpoint.isolation)) or UNKNOWN_ROWS[request]


def row_words(row: Row, element: str, endpoint: Endpoint | None, reference: str, name: str = "") -> str:
    """The words of a row for this endpoint; `reference` names the last order, `name` stands in for a missing record."""
    shown = endpoint or Endpoint(element, name or "unknown name", "", "", frozenset(), 0)
    order = RELEASE if shown.isolation == PENDING_RELEASE or row is STATE_TABLE[RELEASE, HERE, ISOLATED] else ISOLATE
    action = action_of(reference, order)
    return row.words.format(
        id=shown.id,
        name=shown.name,
        status=shown.status or "without a status",
        isolation=shown.isolation,
        action=f" (action {action})" if action else "",
        which=f"action {action}, the isolation" if action else "the pending isolation",
    )


def reference_of(request: str, action_id: str) -> str:
    """How an order is kept and shown: `isolate 17`, 17 being the action id in Action Center."""
    return f"{request} {action_id}" if action_id else ""


def action_of(reference: str, request: str) -> str:
    """The action id of a reference, when it is one of this kind of order; else empty."""
    kind, _, action_id = reference.partition(" ")
    return action_id if kind == request else ""


# ---- driver


@dataclass
class Walk:
    """One order on its way through the state table.

    `ours`: an order of this instance may have reached the endpoint. `refusal`: the 500 that the order got.
    """

    request: str
    element: str
    reference: str
    ours: bool
    tried: bool
    sent: bool = False
    refusal: str = ""

    def unseen(self, error: ProductError) -> Outcome:
        """The outcome when the endpoint cannot be looked at. What was sent before is not forgotten for that."""
        if self.sent:
            return Outcome("pending", self.element, f"ordered; the look after it failed: {error}", self.reference)
        if self.refusal:
            raise ProductError(f"{self.refusal}; the look after it failed: {error}", uncertain=True) from error
        raise error


class CortexXDRDriver(Driver):
    """Endpoints of one tenant. One instance serves one command: all its waiting together ends after `poll` seconds."""

    def __init__(self, client: EndpointClient, settings: Settings, timing: HttpTiming) -> None:
        self.client = client
        self.settings = settings
        self.timing = timing
        self.give_up_at = timing.monotonic() + settings.poll

    def test(self) -> str:
        """`ok`, or what keeps the key from reading endpoints. The right to isolate shows only when it is used."""
        try:
            self.client.ping()
        except XDRError as error:
            return str(error)
        return "ok"

    def targets(self, entity: Entity) -> list[Target]:
        """The one endpoint that is this host, looked up by address, then by name, and checked by MAC and name."""
        if not isinstance(entity, Host):
            raise TargetError("unsupported", f"Cortex XDR isolates hosts, not a {entity.kind}")
        found = self.client.search("ip_list", [entity.ip] if entity.ip else [])
        found = found or self.client.search("hostname", name_spellings(entity))
        chosen = choose_endpoint(entity, found)
        return [Target(chosen.id, {"name": chosen.name})]

    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        """Isolate by the state table."""
        ours = bool(record["ordered_before"] or record["reference"])
        return self.carry_out(ISOLATE, target.element, record, ours)

    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        """Release by the state table."""
        return self.carry_out(RELEASE, element, record, ours=True)

    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        """What `is_isolated` says, with the words for what is wanted now.

        Before the first order an isolation that is there or on its way is somebody else's, and counts as blocked; one
        that is to be adopted counts as unknown, which lets the order go on and find it.
        """
        endpoint = self.client.endpoint(element)
        request = ISOLATE if record["claims"] or record["phase"] == "new" else RELEASE
        name = str(record["facts"].get("name") or "")
        words = row_words(row_for(request, endpoint), element, endpoint, str(record["reference"]), name)
        if endpoint is None or endpoint.contact == UNINSTALLED:
            return ElementState("gone", words)
        if record["phase"] == "new" and endpoint.isolation in HELD:
            return ElementState("unknown", words) if self.settings.adopt else ElementState("blocked", not_by_us(words))
        return ElementState(SEEN_STATES.get(endpoint.isolation, "unknown"), words)

    def carry_out(self, request: str, element: str, record: Mapping[str, Any], ours: bool) -> Outcome:
        """Look, do what the table says, and look again, until it ends or the waiting is over."""
        walk = Walk(request, element, str(record["reference"]), ours, tried=bool(record["tries"]))
        while True:
            try:
                endpoint = self.client.endpoint(element)
            except ProductError as error:
                return walk.unseen(error)
            outcome = self.step(walk, endpoint, str(record["facts"].get("name") or ""))
            if outcome is not None:
                return outcome

    def step(self, walk: Walk, endpoint: Endpoint | None, name: str) -> Outcome | None:
        """One look further; None when another look is due."""
        row = row_for(walk.request, endpoint)
        if row.move == "order" or (row.move == "queue" and self.may_queue(walk.request)):
            failure = walk.refusal or self.failed_order(walk)
            if failure:
                return Outcome("failed", walk.element, failure, walk.reference)
            if not walk.sent:
                self.send(walk)
                return None
        here = endpoint is not None and endpoint.contact == HERE
        theirs = not walk.ours and row.theirs == "already" and not self.settings.adopt
        if here and row.move != "end" and not theirs and self.wait():
            return None
        return self.ended(walk, row, endpoint, name)

    def may_queue(self, request: str) -> bool:
        return self.settings.queue_isolate if request == ISOLATE else self.settings.queue_release

    def failed_order(self, walk: Walk) -> str:
        """Why the order that is on record had no effect, told once: the next try orders again."""
        action = action_of(walk.reference, walk.request)
        if not action or (walk.tried and not walk.sent):
            return ""
        status, error = self.client.action_end(action, walk.element)
        if status not in FAILED_ENDS:
            return ""
        who = " by an operator" if status in ENDED_BY_OPERATOR else ""
        return f"action {action} ({walk.request}) ended as {status}{who}" + (f": {error}" if error else "")

    def send(self, walk: Walk) -> None:
        try:
            action_id = self.client.order(walk.request, walk.element, self.settings.incident_id)
        except XDRRefusedError as error:
            # Any other 500 than that of a wrong state may come after the order was taken.
            walk.refusal, walk.ours = str(error), walk.ours or not is_wrong_state(error)
            return
        walk.sent = walk.ours = True
        walk.reference = reference_of(walk.request, action_id) or walk.reference

    def wait(self) -> bool:
        """Let some time pass; False when there is none left to wait."""
        left = self.give_up_at - self.timing.monotonic()
        if left <= 0:
            return False
        self.timing.sleep(min(POLL_PAUSE_SECONDS, left))
        return True

    def ended(self, walk: Walk, row: Row, endpoint: Endpoint | None, name: str) -> Outcome:
        adopted = self.settings.adopt and endpoint is not None and endpoint.isolation in HELD
        ours = walk.ours or adopted
        words = row_words(row, walk.element, endpoint, walk.reference, name)
        reached = walk.sent and endpoint is not None and endpoint.isolation == GOALS[walk.request]
        status = "applied" if reached else row.ours if ours else row.theirs
        return Outcome(status, walk.element, words if ours or status != "already" else not_by_us(words), walk.reference)


def not_by_us(words: str) -> str:
    return f"{words}, not by this instance, so it is left alone"


# ---- main


def new_driver(settings: Settings, timing: HttpTiming, known_key_type: str = "") -> CortexXDRDriver:
    """Put a driver together. `known_key_type` is the kind of key that worked before; it spares a refused request."""
    key = replace(settings.key, key_type=known_key_type) if known_key_type in XDR_KEY_TYPES else settings.key
    policy = HttpRetryPolicy(attempts=3, base_seconds=1.0, cap_seconds=10.0)
    xdr = XDRClient(
        settings.url,
        key if settings.detect_key_type else settings.key,
        HttpRetry(policy=policy, timing=timing, deadline=timing.monotonic() + COMMAND_SECONDS),
        verify=settings.verify,
        proxy=settings.proxy,
        timeout_seconds=settings.timeout,
        detect_key_type=settings.detect_key_type,
    )
    return CortexXDRDriver(EndpointClient(xdr), settings, timing)


def run_command(
    command: str, args: Mapping[str, Any], settings: Settings, port: ContextPort, timing: HttpTiming, instance: str
) -> Any:
    """Carry out one command and give back its result for the war room.

    Raises:
        ValueError: an argument is wrong; nothing was done.
        NotImplementedError: not a command of this integration.
    """
    if command == "test-module":
        return new_driver(settings, timing).test()
    ledger = VersionedState(
        port, DRIVER_STATE_VERSION, new_ledger, lambda attempt: timing.sleep(timing.jitter() * 0.1 * attempt)
    )
    known = str((port.read().get("context") or {}).get(KEY_TYPE_MEMORY) or "") if settings.detect_key_type else ""
    driver = new_driver(settings, timing, known)
    results = driver_command(command, args, DriverRun(driver, ledger, timing.now, BRAND, instance))
    xdr = driver.client.xdr
    if settings.detect_key_type and not xdr.detect_key_type and xdr.key.key_type != known:
        ledger.update(lambda newest: newest, **{KEY_TYPE_MEMORY: xdr.key.key_type})
    return results


def main() -> None:
    """Read parameters and arguments, run one command, return its result."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        port = ContextPort.of(demisto)
        timing = HttpTiming(time.time, time.monotonic, time.sleep, random.random)
        settings = settings_from_params(demisto.params())
        instance = demisto.integrationInstance()
        return_results(run_command(command, demisto.args(), settings, port, timing, instance))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
