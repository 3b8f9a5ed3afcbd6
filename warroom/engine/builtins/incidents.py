"""Commands on incidents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from warroom.content import Argument
from warroom.core.dates import from_micros
from warroom.engine.builtins.desk import Args, Desk, Entries, builtin, custom_fields, note, texts
from warroom.engine.errors import ServerError

# Fields that every incident has; any other name is a custom field.
SYSTEM_FIELDS = frozenset(
    """account activated assignee attachment category closeNotes closeReason closingUserId created dbotMirrorDirection
    dbotMirrorId dbotMirrorInstance dbotMirrorTags details dueDate id investigationId labels linkedIncidents modified
    name notifyTime occurred owner parent phase playbookId rawJSON reminder roles runStatus severity sla sourceBrand
    sourceInstance status type""".split()
)
_BY_FOLDED = {name.casefold(): name for name in SYSTEM_FIELDS}
_FIXED = frozenset({"id", "created", "modified"})
SEVERITIES = {"unknown": 0, "info": 0.5, "informational": 0.5, "low": 1, "medium": 2, "high": 3, "critical": 4}
ACTIVE, CLOSED = 1, 2
PLAYBOOK = "Playbook"


def field_name(name: str) -> str:
    """The key of an incident field: a system field in its own spelling, a custom one in small letters and digits."""
    folded = re.sub(r"[^0-9a-z_]", "", name.casefold())
    return _BY_FOLDED.get(folded, folded)


def changed(incident: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be written to give an incident these fields. Raises ServerError for one that cannot be set."""
    custom: dict[str, Any] = {}
    system: dict[str, Any] = {}
    for name, value in fields.items():
        key = field_name(name)
        if not key or key in _FIXED:
            raise ServerError(f"the field {name} of an incident cannot be set")
        if key == "severity":
            value = severity(value)
        (system if key in SYSTEM_FIELDS else custom)[key] = value
    if custom:
        system["CustomFields"] = {**(incident.get("CustomFields") or {}), **custom}
    return system


def severity(value: Any) -> float:
    """A severity from its word or number, 0 (unknown) to 4 (critical). Raises ServerError for anything else."""
    word = str(value).strip().casefold()
    if word in SEVERITIES:
        return SEVERITIES[word]
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if number not in SEVERITIES.values():
        raise ServerError(f"severity {value!r}: use unknown, info, low, medium, high, critical or 0 to 4")
    return int(number) if number.is_integer() else number


def update(desk: Desk, name: str, fields: Mapping[str, Any]) -> None:
    """Gives fields to the incident at work."""
    at_work = desk.of_incident(name)
    at_work.incident = desk.store.incidents.update(at_work.id, changed(at_work.incident, fields))


def _set(desk: Desk, args: Args) -> str:
    fields = {name: value for name, value in args.items() if name != "customFields"}
    update(desk, "setIncident", {**fields, **custom_fields(args)})
    return f"Incident {desk.of_incident('setIncident').id} was updated: {', '.join(fields) or 'custom fields'}"


def _create(desk: Desk, args: Args) -> Entries:
    fields = {name: value for name, value in args.items() if name not in {"customFields", "name"}}
    doc = {"name": str(args["name"]), "status": 0, **changed({}, {**fields, **custom_fields(args)})}
    [created] = desk.store.incidents.create([doc], PLAYBOOK)
    return [note(f"Created incident {created['id']}", {"CreatedIncidentID": created["id"]}, created)]


def _close(desk: Desk, args: Args) -> str:
    wanted = str(args.get("id") or desk.of_incident("closeInvestigation").id)
    now = from_micros(round(desk.clock() * 1_000_000))
    fields = {
        "status": CLOSED, "closed": now, "closeReason": str(args.get("closeReason") or ""),
        "closeNotes": str(args.get("closeNotes") or ""),
    }  # fmt: skip
    _write(desk, wanted, fields)
    return f"Incident {wanted} is closed"


def _reopen(desk: Desk, args: Args) -> str:
    wanted = str(args.get("id") or desk.of_incident("reopenInvestigation").id)
    _write(desk, wanted, {"status": ACTIVE, "closed": "", "closeReason": "", "closeNotes": ""})
    return f"Incident {wanted} is open again"


def _write(desk: Desk, incident_id: str, fields: Mapping[str, Any]) -> None:
    doc = desk.store.incidents.update(incident_id, fields)
    if desk.investigation is not None and desk.investigation.id == incident_id:
        desk.investigation.incident = doc


def _link(desk: Desk, args: Args) -> str:
    at_work = desk.of_incident("linkIncidents")
    others = texts(args["linkedIncidentIDs"])
    wanted = str(args.get("incidentId") or at_work.id)
    pairs = [(wanted, others), *((other, [wanted]) for other in others)]
    for one, partners in pairs:
        known = list((desk.store.incidents.get(one) or {}).get("linkedIncidents") or [])
        taken_off = args.get("action") == "unlink"
        rest = [item for item in known if item not in partners]
        _write(desk, one, {"linkedIncidents": rest if taken_off else [*rest, *partners]})
    return f"Incident {wanted} and {', '.join(others)}: {args.get('action') or 'link'}"


def _owner(desk: Desk, args: Args) -> str:
    update(desk, "setOwner", {"owner": str(args["owner"])})
    return f"The owner is {args['owner']}"


_CUSTOM = Argument("customFields")
_ID = Argument("id")
COMMANDS = (
    builtin("setIncident", "Sets fields of the incident.", _set, _CUSTOM, further=True),
    builtin("createNewIncident", "Creates an incident.", _create, Argument("name", required=True, is_default=True),
            _CUSTOM, further=True, outputs=("CreatedIncidentID",)),
    builtin("closeInvestigation", "Closes the incident.", _close, _ID, Argument("closeReason"),
            Argument("closeNotes"), Argument("assetid")),
    builtin("reopenInvestigation", "Opens the incident again.", _reopen, _ID),
    builtin("linkIncidents", "Links incidents with each other.", _link,
            Argument("linkedIncidentIDs", required=True, is_array=True), Argument("incidentId"),
            Argument("action", predefined=("link", "unlink"))),
    builtin("setOwner", "Sets the owner of the incident.", _owner, Argument("owner", required=True, is_default=True)),
)  # fmt: skip
