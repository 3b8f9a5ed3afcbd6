"""What a static list of destinations has, what a change of it would bring, and what is contained of it: read only.

The list is an XSOAR list with one address, network, range or domain per line; `#` starts a comment. Whether an entry
may be blocked is decided by the brains, which are asked for a dry run with the changed text.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ResponseHouseApiModule import *

EMPTY_TEXT = "# no entries"
NO_SUCH_LIST = ("not found", "no list", "does not exist")


@dataclass(frozen=True)
class Change:
    """What to do with the list of this name: entries to `add`, with the `comment` beside them, and to `remove`."""

    name: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True)
class Answer:
    """What one brain says to a text: refused lines by number, entries it would block and release, errors, and what it
    has on record for the list.
    """

    brain: str
    refused: Mapping[int, str] = field(default_factory=dict)
    blocks: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    contained: frozenset[str] = frozenset()
    failures: tuple[str, ...] = ()
    held: str = ""


def change_from_args(args: Mapping[str, Any]) -> Change:
    """The arguments, checked. Raises ValueError naming argument and value."""
    name = str(args.get("list_name") or "").strip()
    if not name:
        raise ValueError("Argument 'list_name' is empty.")
    add, remove = words(args, "add"), words(args, "remove")
    both = sorted(set(add) & set(remove))
    if both:
        raise ValueError(f"Arguments 'add' and 'remove' both have {', '.join(both)}.")
    bad = [entry for entry in (*add, *remove) if "#" in entry or "\n" in entry]
    if bad:
        raise ValueError(f"{', '.join(map(repr, bad))}: an entry is one address, network, range or domain.")
    return Change(name, add, remove, one_line(args.get("comment")).replace("#", ""))


# ---- pure: the text of a list


def entry_of(line: str) -> str:
    """The entry of a line, without its comment."""
    return line.partition("#")[0].strip().strip(",")


def entries_in(text: str) -> list[str]:
    return [entry for entry in map(entry_of, text.splitlines()) if entry]


def changed_text(text: str, change: Change) -> str:
    """The list after the change. Lines that are not concerned stay as they are, comments included."""
    gone, there = {entry.lower() for entry in change.remove}, {entry.lower() for entry in entries_in(text)}
    kept = [line for line in text.splitlines() if entry_of(line).lower() not in gone or not entry_of(line)]
    fresh = [entry for entry in dict.fromkeys(change.add) if entry.lower() not in there]
    remark = f"  # {change.comment}" if change.comment else ""
    # A list cannot be written without any text.
    return "\n".join([*kept, *(f"{entry}{remark}" for entry in fresh)]) or EMPTY_TEXT


# ---- the steps with effects: reading only


def read_list(house: House, name: str) -> tuple[str, bool]:
    """Text of the list, and whether it is there. Raises CommandFailed when that cannot be said."""
    try:
        return list_text(run(house, "getList", {"listName": name})), True
    except CommandFailed as error:
        if any(words_of_it in str(error).lower() for words_of_it in NO_SUCH_LIST):
            return "", False
        raise


def ask(house: House, brain: str, name: str, text: str) -> Answer:
    """What a brain would do with this text; why it cannot say is among its errors."""
    asked = {"dry_run": "true", "list": name, "destinations": text, "drivers": json.dumps(driver_list(house))}
    try:
        plans = context_items(ask_brain(house, brain, "vectra-response-plan", asked), "VectraResponse.Plan")
        status = ask_brain(house, brain, "vectra-response-status", {"keys": f"destinations:{name}"})
    except CommandFailed as error:
        return Answer(brain, errors=(str(error),))
    stated = context_items(status, "VectraResponse.Status")
    return answer_of(brain, name, plans[0] if plans else {}, stated[0] if stated else {}, house.now())


def answer_of(brain: str, name: str, plan: Mapping[str, Any], status: Mapping[str, Any], now: float) -> Answer:
    """A plan and a status in the terms of the list."""
    key, start = f"destinations:{name}", f"Static list {name!r}"
    decisions = [item for item in plan.get("decisions") or [] if item.get("key") == key]
    said = [str(text) for text in plan.get("warnings") or [] if str(text).startswith(start)]
    refused = {
        int(found[1]): found[2]
        for found in map(re.compile(r".*?, line (\d+): (?:'[^']*' )?(.*)", re.S).fullmatch, said)
        if found
    }
    rows = [row for row in status.get("elements") or [] if row.get("key") == key]
    held: Mapping[str, Any] = next((h for h in status.get("held") or [] if h.get("key") == key), {})
    lasts = bool(held) and (not held.get("until") or held["until"] > now)
    return Answer(
        brain,
        refused,
        entries_of_decisions(decisions, "block"),
        entries_of_decisions(decisions, "unblock"),
        tuple(sorted({name for item in decisions for name in item.get("asked") or []})),
        tuple(text for text in said if ", line " not in text),
        tuple(str(text) for text in plan.get("errors") or [] if str(text).startswith(start)),
        frozenset(str(row.get("element")) for row in rows if row.get("contained")),
        tuple(f"{row.get('instance')}: {row.get('reason')}" for row in rows if row.get("status") == "failed"),
        f"{brain}: {held.get('why')}" if lasts else "",
    )


def entries_of_decisions(decisions: Sequence[Mapping[str, Any]], action: str) -> tuple[str, ...]:
    chosen = [item for item in decisions if item.get("action") == action]
    return tuple(
        sorted({str(entry) for item in chosen for entry in (item.get("args") or {}).get("destinations") or []})
    )


def preview(house: House, change: Change) -> dict[str, Any]:
    """What the list is and what the change would bring. Raises ValueError when there is no brain."""
    brains = instances_of(house, BRAIN_BRAND)
    if not brains:
        raise ValueError(f"There is no enabled instance of {BRAIN_BRAND}; add one per Vectra brain.")
    try:
        text, exists = read_list(house, change.name)
    except CommandFailed as error:
        return preview_of(change, "", "", True, [Answer("", errors=(f"List {change.name!r}: {error}",))])
    wished = changed_text(text, change)
    answers = [ask(house, brain, change.name, wished) for brain in brains]
    refused = refused_entries(wished, answers)
    denied = bool(set(refused) & set(change.add))
    if denied:
        # What would be refused never gets onto the list, so the preview is made anew without it.
        change = Change(change.name, tuple(e for e in change.add if e not in refused), change.remove, change.comment)
        wished = changed_text(text, change)
        answers = [ask(house, brain, change.name, wished) for brain in brains]
    return preview_of(change, text, wished, exists, answers, refused, denied)


def refused_entries(text: str, answers: Iterable[Answer]) -> dict[str, str]:
    """Entry -> why one of the brains would not block it."""
    lines = text.splitlines()
    return {entry_of(lines[n - 1]): why for answer in answers for n, why in answer.refused.items() if n <= len(lines)}


def preview_of(
    change: Change,
    old: str,
    new: str,
    exists: bool,
    answers: Sequence[Answer],
    refused: Mapping[str, str] | None = None,
    denied: bool = False,
) -> dict[str, Any]:
    """The object for the context. verdict: possible, nothing (the list and the products say so already), refused
    (nothing was left of what to add), error.
    """
    there, entries = {entry.lower() for entry in entries_in(old)}, entries_in(new)
    refusals = {**refused_entries(new, answers), **(refused or {})}
    contained = set(answers[0].contained).union(*(answer.contained for answer in answers))
    fresh = [entry for entry in change.add if entry.lower() not in there]
    removed = [entry for entry in change.remove if entry.lower() in there]
    blocks, releases = (sorted({e for a in answers for e in getattr(a, name)}) for name in ("blocks", "releases"))
    errors = [f"{answer.brain}: {text}".lstrip(": ") for answer in answers for text in answer.errors]
    found = {
        "list": change.name,
        "exists": exists,
        "entries": entries,
        "add": fresh,
        "remove": removed,
        "unknown": [entry for entry in change.remove if entry.lower() not in there],
        "refused": [f"{entry}: {why}" for entry, why in refusals.items()],
        "text": new,
        "blocks": blocks,
        "releases": releases,
        "products": sorted({name for answer in answers for name in answer.products}),
        "contained": sorted(contained),
        "waiting": [entry for entry in entries if entry.lower() not in contained and entry not in refusals],
        "held": [answer.held for answer in answers if answer.held],
        "failures": [text for answer in answers for text in answer.failures],
        "warnings": [f"{answer.brain}: {text}" for answer in answers for text in answer.warnings],
        "errors": errors,
    }
    # A list that becomes empty releases nothing by itself; that needs a release of the whole list.
    last = bool(removed) and not [entry for entry in entries if entry not in refusals]
    return {**found, "last": last, "verdict": verdict(found, last, denied), "card": card(found)}


def verdict(found: Mapping[str, Any], last: bool, denied: bool) -> str:
    if found["errors"] and not last:
        return "error"
    if any(found[name] for name in ("add", "remove", "blocks", "releases")):
        return "possible"
    return "refused" if denied else "nothing"


LINES = (
    ("To be added", "add"),
    ("To be removed", "remove"),
    ("Not on the list", "unknown"),
    ("Refused", "refused"),
    ("Would be blocked", "blocks"),
    ("Would be released", "releases"),
    ("Products that would act", "products"),
    ("Contained now", "contained"),
    ("Not contained yet", "waiting"),
    ("Kept free by a person", "held"),
    ("Failed", "failures"),
    ("Warnings", "warnings"),
    ("Errors", "errors"),
)


def card(found: Mapping[str, Any]) -> str:
    """The preview as markdown: one line per fact."""
    there = f"{len(found['entries'])} entries" if found["exists"] else "there is no such list yet"
    lines = [f"### List {found['list']}: {there}"]
    for label, name in LINES:
        if found[name]:
            lines.append(f"- {label}: {', '.join(found[name])}")
    return "\n".join(lines)


def main() -> None:
    """Look, and tell. What cannot be read is a verdict; an error entry means wrong arguments."""
    try:
        found = preview(house_of(), change_from_args(demisto.args()))
        return_results(
            CommandResults(
                outputs_prefix="VectraResponse.Destinations",
                outputs=found,
                readable_output=str(found["card"]),
                replace_existing=True,
            )
        )
    except Exception as error:
        return_error(f"VectraResponseDestinations: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
