"""What a person must know before he contains or releases something, and what has become of it: read only.

The entity is looked up on the brains, by id or by address; then its brain is asked what it has on record, and what it
would do if the entity carried the block tag. All of it becomes one object and one text for the analyst.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ResponseHouseApiModule import *

REVIEW = "VectraResponse.Review"
KINDS_OF_ENTITY = ("host", "account", "detection")
# The argument by which a list command finds an entity that is not named by its id.
ADDRESS_ARGS = {"host": "ip", "account": "uid"}
# A person may end these himself; everything else that holds an entity back protects it.
ENDED_BY_A_PERSON = ("released by command", "carries the unblock tag")
UNDER_WAY = ("pending", "intended")


@dataclass(frozen=True)
class Wanted:
    """What to look at: an entity by `number`, or by `address` (IP of a host, uid of an account). Empty brain: all.

    `brief`: only what is on record, not what would be possible.
    """

    kind: str
    number: str
    address: str
    brain: str
    brief: bool = False


def wanted_from_args(args: Mapping[str, Any]) -> Wanted:
    """The arguments, checked. Raises ValueError naming argument and value."""
    kind, number = str(args.get("type") or "").strip(), str(args.get("id") or "").strip()
    if kind not in KINDS_OF_ENTITY:
        raise ValueError(f"Argument 'type': {kind!r} is not one of {', '.join(KINDS_OF_ENTITY)}.")
    if ":" in number:
        given, _, number = number.partition(":")
        if given != kind:
            raise ValueError(f"Argument 'id': {given}:{number} is no {kind}.")
    address, brain = (str(args.get(name) or "").strip() for name in ("address", "brain"))
    # An address is given on purpose, an id may come from the incident.
    address = address if kind in ADDRESS_ARGS else ""
    if not number and not address:
        raise ValueError("Give the argument 'id', or 'address' for a host or an account.")
    return Wanted(kind, "" if address else number, address, brain, flag(args, "brief"))


# ---- the steps with effects: reading only


def brains_for(house: House, wanted: Wanted) -> list[str]:
    """The brain that was named, or all enabled ones. Raises ValueError when there is none or it is unknown."""
    enabled = instances_of(house, BRAIN_BRAND)
    if wanted.brain and wanted.brain not in enabled:
        raise ValueError(f"Argument 'brain': no enabled instance of {BRAIN_BRAND} is called {wanted.brain}.")
    if not enabled:
        raise ValueError(f"There is no enabled instance of {BRAIN_BRAND}; add one per Vectra brain.")
    return [wanted.brain] if wanted.brain else enabled


def find(house: House, wanted: Wanted) -> tuple[list[tuple[str, dict[str, Any]]], list[str]]:
    """(brain, entity) of everything that fits, and why brains could not be asked."""
    found, errors = [], []
    query = {"id": wanted.number} if wanted.number else {ADDRESS_ARGS[wanted.kind]: wanted.address}
    for brain in brains_for(house, wanted):
        try:
            entries = ask_brain(house, brain, f"vectra-{wanted.kind}-list", query)
        except CommandFailed as error:
            errors.append(f"{brain}: {error}")
            continue
        rows = context_items(entries, f"VectraResponse.{wanted.kind.capitalize()}")
        found += [(brain, row) for row in rows if fits(wanted, row)]
    return found, errors


def fits(wanted: Wanted, row: Mapping[str, Any]) -> bool:
    """Vectra may answer with more than what was asked for; an account is found by whatever uid it has."""
    if wanted.number:
        return str(row.get("id")) == wanted.number
    return wanted.kind == "account" or row.get("ip") == wanted.address


def review(house: House, wanted: Wanted) -> dict[str, Any]:
    """Everything about the entity as one object. Raises ValueError only for wrong arguments."""
    found, errors = find(house, wanted)
    if len(found) == 1:
        return review_of(house, wanted, *found[0])
    blank = blank_review(wanted, able(house, wanted.kind))
    if found:
        names = [
            f"{row.get('name') or row.get('type')} ({wanted.kind}:{row.get('id')}) on {brain}" for brain, row in found
        ]
        why = f"Several entities fit: {', '.join(names)}. Name the brain and the id."
        return {**blank, "verdict": "ambiguous", "why": why}
    if errors:
        return {**blank, "verdict": "unreadable", "why": f"Vectra could not be asked: {'; '.join(errors)}"}
    if wanted.address and blank["products"]:
        return {**blank, "verdict": "unknown", "why": "Vectra does not know it."}
    why = "Vectra does not know it" + (", and no enabled driver could contain it." if wanted.address else ".")
    return {**blank, "verdict": "not_possible", "why": why}


def review_of(house: House, wanted: Wanted, brain: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The review of an entity that one brain knows. What cannot be read is its verdict, never left out."""
    key = f"{wanted.kind}:{row['id']}"
    known = {**blank_review(wanted, []), **facts_of(wanted.kind, key, brain, row)}
    try:
        status = first(ask_brain(house, brain, "vectra-response-status", {"keys": key}), "VectraResponse.Status")
        known |= record_of(key, status)
        if wanted.brief:
            return known
        asked = {"tagged": key, "drivers": json.dumps(driver_list(house))}
        plan = first(ask_brain(house, brain, "vectra-response-plan", asked), "VectraResponse.Plan")
        detections = detections_of(house, brain, wanted.kind, str(row["id"]))
    except CommandFailed as error:
        return {**known, "verdict": "unreadable", "why": f"Vectra could not be asked: {brain}: {error}"}
    return {**known, **tags_in(wanted.kind, plan), "detections": detections, **verdict_of(key, known, plan)}


def detections_of(house: House, brain: str, kind: str, number: str) -> list[str]:
    """The active detections of a host, in words."""
    if kind != "host":
        return []
    entries = ask_brain(house, brain, "vectra-detection-list", {"host_id": number, "state": "active"})
    rows = context_items(entries, "VectraResponse.Detection")
    return [f"{row.get('type')} ({row.get('id')}), {row.get('threat')} and {row.get('certainty')}" for row in rows]


def able(house: House, kind: str) -> list[str]:
    """The driver instances that can contain this kind of entity."""
    return [driver["instance"] for driver in driver_list(house) if f"vectra-block-{kind}" in driver["commands"]]


# ---- pure


def first(entries: Sequence[Mapping[str, Any]], prefix: str) -> dict[str, Any]:
    """The one answer of a brain. Raises CommandFailed when there is none."""
    found = context_items(entries, prefix)
    if not found:
        raise CommandFailed(f"it gave no {prefix}")
    return found[0]


def blank_review(wanted: Wanted, products: Sequence[str]) -> dict[str, Any]:
    """A review of something that no brain knows."""
    return {
        "key": f"{wanted.kind}:{wanted.number or wanted.address}",
        "type": wanted.kind,
        "id": wanted.number,
        "name": wanted.address or wanted.number,
        "address": wanted.address,
        "brain": wanted.brain,
        "known": False,
        "verdict": "",
        "state": "free",
        "why": "",
        "reasons": [],
        "products": list(products),
        "holding": [],
        "failures": [],
        "tags": [],
        "detections": [],
        "kept_free": False,
        "block_tag": "",
        "unblock_tag": "",
    }


def facts_of(kind: str, key: str, brain: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """What Vectra says of an entity, under names that all kinds share."""
    names = (
        "threat",
        "certainty",
        "urgency",
        "key_asset",
        "last_seen",
        "src_host",
        "src_account",
        "dst_ips",
        "dst_domains",
    )
    facts = {name: row[name] for name in names if row.get(name) not in (None, "", [])}
    return {
        **facts,
        "key": key,
        "id": str(row["id"]),
        "name": str(row.get("name") or f"{row.get('type') or kind} {row['id']}"),
        "address": str(row.get("ip") or "") if kind == "host" else str(row.get("name") or ""),
        "brain": brain,
        "known": True,
        "tags": list(row.get("tags") or []),
    }


def record_of(key: str, status: Mapping[str, Any]) -> dict[str, Any]:
    """What the brain has on record: state, who holds it, what failed. `ordered` is not confirmed by the product yet."""
    rows = [row for row in status.get("elements") or [] if row.get("key") == key]
    held = [row for row in rows if row.get("contained")]
    states = {str(row.get("status")) for row in held}
    if "releasing" in states:
        state = "releasing"
    elif "applied" in states:
        state = "contained"
    elif held:
        state = "ordered"
    else:
        state = "failed" if rows else "free"
    bad = [row for row in rows if row.get("status") in ("failed", "not_found", "unsupported")]
    return {
        "state": state,
        "holding": [f"{row.get('instance')} ({row.get('element')})" for row in held],
        "failures": [f"{row.get('instance') or 'no driver'}: {row.get('reason') or row.get('status')}" for row in bad],
        "waiting": sum(row.get("status") in UNDER_WAY for row in rows),
    }


def tags_in(kind: str, plan: Mapping[str, Any]) -> dict[str, str]:
    """The tags by which a person asks this brain to contain and to release."""
    tags = (plan.get("tags") or {}).get(kind) or {}
    return {"block_tag": str(tags.get("block") or ""), "unblock_tag": str(tags.get("unblock") or "")}


def verdict_of(key: str, known: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Whether it can be contained now: verdict, why (not), the products that would act.

    contained: it is already, or on its way. possible. released: only once a person's release is ended. not_possible.
    """
    held = next((item["why"] for item in plan.get("held_back") or [] if item.get("key") == key), "")
    decision: Mapping[str, Any] = next((item for item in plan.get("decisions") or [] if item.get("key") == key), {})
    reasons = list(decision.get("reasons") or [])
    products = list(decision.get("asked") or [])
    if known["state"] in ("contained", "ordered") and decision.get("action") != "unblock":
        said = {
            "contained": "It is contained already.",
            "ordered": "It is ordered already; the product has not confirmed it.",
        }
        return {"verdict": "contained", "why": said[known["state"]], "reasons": reasons, "products": products}
    if held.startswith(ENDED_BY_A_PERSON):
        return {"verdict": "released", "kept_free": True, "why": f"It is kept free: {held}."}
    if held:
        return {"verdict": "not_possible", "why": f"It is held back: {held}."}
    if decision.get("action") == "block" and products:
        return {"verdict": "possible", "why": "", "reasons": reasons, "products": products}
    if decision.get("action") == "block":
        return {"verdict": "not_possible", "why": "No enabled driver can contain it.", "reasons": reasons}
    if decision.get("action") == "unblock":
        return {
            "verdict": "not_possible",
            "why": f"It is about to be released: {'; '.join(reasons)}.",
            "reasons": reasons,
        }
    errors = [str(text) for text in plan.get("errors") or [] if str(text).startswith(key)] or plan.get("errors") or []
    return {"verdict": "not_possible", "why": " ".join(map(str, errors)) or "The brain would not contain it."}


# ---- for people

LINES = (
    ("Brain", "brain"),
    ("Address", "address"),
    ("Threat", "threat"),
    ("Certainty", "certainty"),
    ("Urgency", "urgency"),
    ("Key asset", "key_asset"),
    ("Last seen", "last_seen"),
    ("Source host", "src_host"),
    ("Source account", "src_account"),
    ("Destination addresses", "dst_ips"),
    ("Destination domains", "dst_domains"),
    ("Tags", "tags"),
    ("Active detections", "detections"),
    ("Held by", "holding"),
    ("Failed", "failures"),
    ("Reasons in the plan", "reasons"),
    ("Products that would act", "products"),
)


def card(found: Mapping[str, Any]) -> str:
    """The review as markdown: one line per fact, and in the end what is possible."""
    lines = [f"### {who(str(found['key']), str(found['name']))}"]
    for label, name in LINES:
        value = found.get(name)
        if value not in (None, "", []):
            lines.append(f"- {label}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    lines.append(f"- State: {found['state']}")
    lines += [f"- **{found['why']}**"] if found["why"] else []
    return "\n".join(lines)


def looked_at(now: float) -> str:
    return datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def review_results(found: Mapping[str, Any], now: float) -> CommandResults:
    """The review for the war room and, in place of an earlier one, for the context."""
    text = card(found)
    return CommandResults(
        outputs_prefix=REVIEW,
        outputs={**found, "card": text, "at": looked_at(now)},
        readable_output=text,
        replace_existing=True,
    )


def main() -> None:
    """Look, and tell. What cannot be read is a verdict; an error entry means wrong arguments."""
    try:
        house = house_of()
        return_results(review_results(review(house, wanted_from_args(demisto.args())), house.now()))
    except Exception as error:
        return_error(f"VectraResponseReview: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
