"""Adds to profiles what other records know of the same actor or malware: aliases, a description, techniques.

In this order: what a run is told, what became of it, the pure steps, the steps with effects, and `main`, the only place
that touches `demisto`. Nothing is ever taken away or written over, so a run may be repeated.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ParametersApiModule import *
from ThreatProfilesApiModule import *

ENRICH = "ThreatProfile.Enrich"
PROFILES = 'type:"Threat Actor"'
SOURCES = 'type:"Intrusion Set" or type:"Malware"'
PARTS = ("aliases", "description", "techniques")
TECHNIQUE_TYPE = "Attack Pattern"


@dataclass(frozen=True)
class Options:
    """What one run is told: whom to enrich, from whom, and with what."""

    query: str = PROFILES
    source_query: str = SOURCES
    parts: tuple[str, ...] = PARTS
    technique_field: str = "mitreattacktechnique"
    dry_run: bool = False


@dataclass
class Enriched:
    """What became of one profile. status: updated, unchanged, failed. `sources` are the values of other records."""

    name: str
    id: str
    sources: list[str]
    status: str = "unchanged"
    aliases: list[str] = field(default_factory=list)
    techniques: list[str] = field(default_factory=list)
    description: bool = False
    reason: str = ""


# ---- pure


def owners_of(profiles: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Key of a name -> ids of the profiles that have it."""
    owners: dict[str, set[str]] = defaultdict(set)
    for profile in profiles:
        for name in watched_of(profile).names:
            owners[name_key(name)].add(str(profile.get("id")))
    return dict(owners)


def paired(
    profiles: Sequence[Mapping[str, Any]], sources: Iterable[Mapping[str, Any]]
) -> dict[str, list[Mapping[str, Any]]]:
    """Id of a profile -> the other records about the same one.

    They share a name; a record that shares names with several profiles is nobody's. Malware is paired with malware,
    people with people.
    """
    owners, by_id = owners_of(profiles), {str(one.get("id")): one for one in profiles}
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for source in sources:
        ids = {key for name in watched_of(source).names for key in owners.get(name_key(name), ())}
        ids = {key for key in ids if _is_malware(by_id[key]) == _is_malware(source)} - {str(source.get("id"))}
        if len(ids) == 1 and str(source.get("id")) not in by_id:
            found[ids.pop()].append(source)
    return dict(found)


def _is_malware(record: Mapping[str, Any]) -> bool:
    return str(record.get("indicator_type")).casefold() == "malware"


def added(old: Any, new: Iterable[str], is_free: Callable[[str], bool] = lambda name: True) -> list[str]:
    """What of `new` is not in `old` under any way to write it, each once."""
    known = {name_key(str(name)) for name in argToList(old)}
    fresh: dict[str, str] = {}
    for name in new:
        key = name_key(name)
        if key and key not in known and is_free(name):
            fresh.setdefault(key, name)
    return list(fresh.values())


def fields_to_add(
    profile: Mapping[str, Any],
    sources: Sequence[Mapping[str, Any]],
    techniques: Sequence[str],
    owners: Mapping[str, set[str]],
    options: Options,
) -> dict[str, Any]:
    """The fields of a profile that grow, whole; a name of another profile is not made an alias of this one."""
    own, fields = profile.get("CustomFields") or {}, dict[str, Any]()

    def is_free(name: str) -> bool:
        return owners.get(name_key(name), set()) <= {str(profile.get("id"))}

    if "aliases" in options.parts:
        names = [name for source in sources for name in watched_of(source).names]
        if more := added([*watched_of(profile).names], names, is_free):
            fields["aliases"] = [*argToList(own.get("aliases")), *more]
    texts = [str((source.get("CustomFields") or {}).get("description") or "").strip() for source in sources]
    if "description" in options.parts and not str(own.get("description") or "").strip() and any(texts):
        fields["description"] = next(filter(None, texts))
    if "techniques" in options.parts and (more := added(own.get(options.technique_field), techniques)):
        fields[options.technique_field] = [*argToList(own.get(options.technique_field)), *more]
    return fields


def techniques_of(source: Mapping[str, Any], relationships: Iterable[Mapping[str, Any]], field_name: str) -> list[str]:
    """Techniques that a record has in its field, and those it is related to."""
    value = str(source.get("value")).casefold()
    found = [str(one) for one in argToList((source.get("CustomFields") or {}).get(field_name))]
    for one in relationships:
        if one.get("entityBType") == TECHNIQUE_TYPE and str(one.get("entityA")).casefold() == value:
            found.append(str(one.get("entityB")))
    return list(dict.fromkeys(found))


# ---- with effects


@dataclass(frozen=True)
class Knowledge:
    """The server, and the relationships of a record by its value."""

    server: ProfileServer
    relationships: Callable[[str], Sequence[Mapping[str, Any]]]


def run(knowledge: Knowledge, options: Options) -> list[Enriched]:
    """What became of each profile that another record is about. A query that is refused is raised."""
    profiles = list(knowledge.server.records(options.query))
    pairs = paired(profiles, knowledge.server.records(options.source_query))
    owners = owners_of(profiles)
    return [
        enrich(knowledge, one, pairs[key], owners, options) for one in profiles if (key := str(one.get("id"))) in pairs
    ]


def enrich(
    knowledge: Knowledge,
    profile: Mapping[str, Any],
    sources: Sequence[Mapping[str, Any]],
    owners: Mapping[str, set[str]],
    options: Options,
) -> Enriched:
    """Adds to one profile; what fails is told and stops nobody else."""
    told = Enriched(str(profile.get("value")), str(profile.get("id")), [str(one.get("value")) for one in sources])

    def fields_for(record: Mapping[str, Any]) -> dict[str, Any]:
        fields = fields_to_add(record, sources, techniques, owners, options)
        own = record.get("CustomFields") or {}
        told.aliases = fields.get("aliases", [])[len(argToList(own.get("aliases"))) :]
        old_techniques = argToList(own.get(options.technique_field))
        told.techniques = fields.get(options.technique_field, [])[len(old_techniques) :]
        told.description = "description" in fields
        return fields

    try:
        techniques = related_techniques(knowledge, sources, options) if "techniques" in options.parts else []
        if knowledge.server.change(profile, fields_for, options.dry_run):
            told.status = "updated"
    except (DemistoException, ValueError) as error:
        told = Enriched(told.name, told.id, told.sources, "failed", reason=str(error))
    return told


def related_techniques(knowledge: Knowledge, sources: Sequence[Mapping[str, Any]], options: Options) -> list[str]:
    """The techniques of all these records."""
    return [
        technique
        for source in sources
        for technique in techniques_of(source, knowledge.relationships(str(source["value"])), options.technique_field)
    ]


def relationships_of(value: str) -> Sequence[Mapping[str, Any]]:
    """All relationships that begin or end at this value."""
    found: list[Mapping[str, Any]] = []
    while True:
        reply = demisto.searchRelationships({"entities": [value], "size": 200, "page": len(found) // 200})
        page = reply.get("data") or []
        found += page
        if len(page) < 200:
            return found


# ---- the command


def options_from_args(args: Mapping[str, Any]) -> Options:
    """The arguments, checked. Raises ValueError naming argument and value."""
    parts = tuple(argToList(args.get("fields"))) or PARTS
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"Argument 'fields': {part!r} is not one of {', '.join(PARTS)}.")
    return Options(
        text_param(args, "query") or PROFILES,
        text_param(args, "source_query") or SOURCES,
        parts,
        text_param(args, "technique_field") or Options.technique_field,
        flag_param(args, "dry_run"),
    )


def results(enriched: Sequence[Enriched], *, dry_run: bool) -> CommandResults:
    """What was added, for the war room and for the context."""
    which = " (dry run, nothing was changed)" if dry_run else ""
    rows = [asdict(one) for one in enriched if one.status != "unchanged"]
    title = f"Threat profiles enriched{which}: {len(rows)} of {len(enriched)} that other records are about"
    headers = ["name", "sources", "status", "aliases", "description", "techniques", "reason"]
    return CommandResults(
        outputs_prefix=ENRICH,
        outputs_key_field="id",
        outputs=[{**asdict(one), "dry_run": dry_run} for one in enriched],
        readable_output=tableToMarkdown(title, rows, headers=headers),
    )


def main() -> None:
    """Run once. An error entry means wrong arguments, a query that is refused, or that every profile failed."""
    try:
        options = options_from_args(demisto.args())
        enriched = run(Knowledge(profile_server(), relationships_of), options)
        return_results(results(enriched, dry_run=options.dry_run))
        if enriched and all(one.status == "failed" for one in enriched):
            raise DemistoException(f"every profile failed; the first: {enriched[0].reason}")
    except Exception as error:
        return_error(f"threat-profile-enrich: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
