"""Commands on indicators."""

from __future__ import annotations

from typing import Any

from warroom.content import Argument
from warroom.core.indicators import Source
from warroom.core.values import classify
from warroom.engine.builtins.desk import Args, Desk, Entries, builtin, custom_fields, note, texts
from warroom.engine.errors import ServerError

_BY_HAND = Source("Manual", "Manual", "manual", "A++ - Reputation script")
_KNOWN = frozenset({"value", "type", "verdict", "reputation", "score", "customFields", "merge", "indicatorsValues"})
DEFAULT_SIZE = 100


def _create(desk: Desk, args: Args) -> Entries:
    told = classify(str(args["value"]))
    value, kind = told.value, args.get("type") or told.type
    if kind is None:
        raise ServerError(f"the type of {value!r} cannot be told ({told.reason}); give type=")
    result = desk.store.indicators.apply([{"value": value, "type": kind}], _BY_HAND)
    if result.refused:
        raise ServerError(f"{value}: {result.refused[0].reason}")
    if result.excluded:
        raise ServerError(f"{value} is on the exclusion list")
    if changes := _changes(args):
        desk.store.indicators.edit(value, changes)
    if desk.investigation is not None:
        desk.store.indicators.link(value, desk.investigation.id)
    doc = desk.store.indicators.get(value)
    created = {"value": value, "type": kind, "id": doc["id"] if doc else ""}
    return [note(f"Indicator {value} ({kind}) is known", {"CreatedIndicator": created})]


def _changes(args: Args) -> dict[str, Any]:
    """The edits that arguments ask for: verdict, and every field by its name."""
    custom = custom_fields(args)
    verdict = next((args[name] for name in ("verdict", "reputation", "score") if args.get(name)), None)
    fields = {name.casefold(): value for name, value in {**args, **custom}.items() if name not in _KNOWN}
    return {**({"verdict": verdict} if verdict else {}), **fields}


def _set(desk: Desk, args: Args) -> str:
    changes = {**_changes(args), **({"type": args["type"]} if args.get("type") else {})}
    if not changes:
        raise ServerError("no field was given")
    # A single value is taken as it is: names of actors and titles of reports have commas in them.
    value = str(args.get("value") or "").strip()
    values = [value] if value else texts(args.get("indicatorsValues"))
    if not values:
        raise ServerError("no indicator was given")
    for value in values:
        desk.store.indicators.edit(value, changes)
    return f"Set {', '.join(changes)} on {len(values)} indicators"


def _find(desk: Desk, args: Args) -> Entries:
    size = str(args.get("size") or DEFAULT_SIZE)
    if not size.isdecimal():
        raise ServerError(f"size must be a whole number, not {size!r}")
    found: list[dict[str, Any]] = []
    for doc in desk.store.indicators.iterate(str(args.get("query") or "")):
        if len(found) == int(size):
            break
        found.append(doc)
    outputs = [
        {key: doc.get(key) for key in ("id", "value", "indicator_type", "score")}
        | {"CustomFields": doc.get("CustomFields")}
        for doc in found
    ]
    return [note(f"Found {len(found)} indicators", {"foundIndicators": outputs} if outputs else None, found)]


def _associate(desk: Desk, args: Args) -> str:
    incident = str(args.get("incidentId") or desk.of_incident("associateIndicatorsToIncident").id)
    values = texts(args.get("indicatorsValues")) or texts(args.get("value"))
    if not values:
        raise ServerError("no indicator was given")
    for value in values:
        desk.store.indicators.link(value, incident)
    return f"{len(values)} indicators belong to incident {incident}"


def _delete(desk: Desk, args: Args) -> str:
    values = texts(args["indicatorsValues"])
    gone = sum(desk.store.indicators.delete(value) for value in values)
    return f"{gone} indicator{'s were' if gone != 1 else ' was'} deleted"


_CUSTOM = Argument("customFields")
_TAGS = Argument("tags", is_array=True)
COMMANDS = (
    builtin("createNewIndicator", "Makes an indicator by hand.", _create,
            Argument("value", required=True, is_default=True), Argument("type"), Argument("verdict"), _CUSTOM, _TAGS,
            further=True),
    builtin("setIndicator", "Sets fields of an indicator by hand.", _set,
            Argument("value", required=True, is_default=True), Argument("type"), Argument("verdict"), _CUSTOM, _TAGS,
            further=True),
    builtin("setIndicators", "Sets fields of indicators by hand.", _set,
            Argument("indicatorsValues", required=True, is_default=True, is_array=True), Argument("type"),
            Argument("verdict"), _CUSTOM, _TAGS, further=True),
    builtin("findIndicators", "Finds indicators by a query.", _find, Argument("query", is_default=True),
            Argument("size"), outputs=("foundIndicators",)),
    builtin("associateIndicatorsToIncident", "Notes that indicators belong to an incident.", _associate,
            Argument("indicatorsValues", required=True, is_default=True, is_array=True), Argument("incidentId")),
    builtin("associateIndicatorToIncident", "Notes that an indicator belongs to an incident.", _associate,
            Argument("value", required=True, is_default=True), Argument("incidentId")),
    builtin("deleteIndicators", "Deletes indicators.", _delete,
            Argument("indicatorsValues", required=True, is_default=True, is_array=True)),
)  # fmt: skip
