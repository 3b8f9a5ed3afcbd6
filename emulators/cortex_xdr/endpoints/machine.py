"""How isolation proceeds: which order is taken in which state, and what its end makes of the endpoint. Pure."""

from __future__ import annotations

from dataclasses import dataclass

CONNECTED, DISCONNECTED, LOST, UNINSTALLED = STATUSES = ("CONNECTED", "DISCONNECTED", "LOST", "UNINSTALLED")

UNISOLATED = "AGENT_UNISOLATED"
ISOLATED = "AGENT_ISOLATED"
PENDING_ISOLATION = "AGENT_PENDING_ISOLATION"
PENDING_RELEASE = "AGENT_PENDING_ISOLATION_CANCELLATION"

PENDING, IN_PROGRESS, PENDING_ABORT = "PENDING", "IN_PROGRESS", "PENDING_ABORT"
COMPLETED, ABORTED, CANCELED = "COMPLETED_SUCCESSFULLY", "ABORTED", "CANCELED"
DONE = frozenset({COMPLETED, "COMPLETED_PARTIAL"})
ENDS = DONE | {"FAILED", "TIMEOUT", "EXPIRED", ABORTED, CANCELED, "CANCELLED"}


@dataclass(frozen=True)
class Kind:
    """A kind of order: the `is_isolated` it needs, the one while it waits, and the one that it leads to."""

    name: str
    needs: str
    waits: str
    leads_to: str


ISOLATE = Kind("ISOLATE", UNISOLATED, PENDING_ISOLATION, ISOLATED)
UNISOLATE = Kind("UNISOLATE", ISOLATED, PENDING_RELEASE, UNISOLATED)
KINDS = {kind.name: kind for kind in (ISOLATE, UNISOLATE)}
WAITING = {kind.waits: kind for kind in KINDS.values()}


def accepts(kind: Kind, status: str, is_isolated: str, able: bool) -> bool:
    """Whether the tenant takes this order for an endpoint.

    It looks at what the endpoint is, not at whether its agent is in touch: the order then waits. `able`: agent and
    operating system can be isolated at all.
    """
    return able and status != UNINSTALLED and is_isolated == kind.needs


def next_step(status: str, result: str) -> str:
    """What an order becomes when its agent gets to it: collected, aborted, or ended with the agent's `result`."""
    if status == PENDING:
        return IN_PROGRESS
    return ABORTED if status == PENDING_ABORT else result


def outcome(kind: Kind, end: str) -> str:
    """`is_isolated` of the endpoint after its order ended with `end` (one of ENDS)."""
    return kind.leads_to if end in DONE else kind.needs
