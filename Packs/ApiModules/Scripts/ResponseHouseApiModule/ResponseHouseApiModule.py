"""What the scripts of the Vectra response share: running commands, reading their entries, finding brains and drivers.

Everything that reaches the server is in a `House`, so that tests can build one. A brain is an instance of
VectraAutomatedResponse; a driver is an instance that has commands of the driver interface.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import demistomock as demisto
from CommonServerPython import *

BRAIN_BRAND = "VectraAutomatedResponse"
NOTIFIER_BRAND = "ResponseNotifier"
RESPONSE_KINDS = ("host", "account", "detection", "destinations")
DRIVER_INTERFACE = frozenset(
    f"vectra-{action}-{kind}" for action in ("block", "unblock") for kind in RESPONSE_KINDS
) | {
    "vectra-groom-host",
    "vectra-response-reconcile",
}


@dataclass(frozen=True)
class House:
    """What a cycle may use: commands, the list of instances, the commands of instances or brands, the clock (epoch
    seconds).
    """

    execute: Callable[[str, dict[str, Any]], Any]
    modules: Callable[[], Mapping[str, Mapping[str, Any]]]
    supported: Callable[[], Mapping[str, Sequence[Mapping[str, Any]]]]
    now: Callable[[], float]


def house_of() -> House:
    """The house of the server that runs this script."""
    return House(demisto.executeCommand, demisto.getModules, demisto.getAllSupportedCommands, time.time)


class CommandFailed(Exception):
    """A command could not be run or answered with an error; the text is the server's."""


# ---- replies


def entries_of(reply: Any) -> list[dict[str, Any]]:
    """The entries of a reply, whatever the server gave."""
    items = reply if isinstance(reply, list) else [reply]
    return [item for item in items if isinstance(item, dict)]


def context_items(entries: Iterable[Mapping[str, Any]], prefix: str) -> list[dict[str, Any]]:
    """Everything that entries put under one context path, as a flat list."""
    found: list[dict[str, Any]] = []
    for entry in entries:
        for key, value in (entry.get("EntryContext") or {}).items():
            if key.partition("(")[0] == prefix:
                found += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
    return found


def errors_of(entries: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """(instance, brand, text) of every error entry."""
    return [
        (str(entry.get("ModuleName") or ""), str(entry.get("Brand") or ""), one_line(entry.get("Contents")))
        for entry in entries
        if entry.get("Type") == EntryType.ERROR
    ]


def list_text(entries: Sequence[Mapping[str, Any]]) -> str:
    """The text of a list. Raises CommandFailed when there is none: a missing list is not an empty one."""
    failed = errors_of(entries)
    if failed:
        raise CommandFailed(failed[0][2])
    texts = [entry.get("Contents") for entry in entries]
    if not texts or texts[0] is None:
        raise CommandFailed("the server gave no text")
    return texts[0] if isinstance(texts[0], str) else json.dumps(texts[0])


def one_line(value: Any) -> str:
    """Any text on one line."""
    return " ".join(str(value if value is not None else "").split())


def who(key: str, name: str) -> str:
    kind, _, number = key.partition(":")
    return f"{kind} {name} ({number})" if name and name != number else f"{kind} {number}".strip()


# ---- commands


def run(house: House, command: str, args: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of one command, error entries too. Raises CommandFailed when the server refuses to run it."""
    try:
        return entries_of(house.execute(command, dict(args)))
    except ValueError as error:
        raise CommandFailed(one_line(error)) from error


def ask_brain(house: House, brain: str, command: str, args: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a command of one brain. Raises CommandFailed for an error entry too."""
    entries = run(house, command, {**args, "using": brain})
    failed = errors_of(entries)
    if failed:
        raise CommandFailed(failed[0][2])
    return entries


def instances_of(house: House, brand: str) -> list[str]:
    return sorted(
        name
        for name, module in (house.modules() or {}).items()
        if module.get("brand") == brand and module.get("state") == "active"
    )


def driver_list(house: House) -> list[dict[str, Any]]:
    """The enabled driver instances with the commands of the driver interface that each has."""
    commands = house.supported() or {}
    found = []
    for name, module in sorted((house.modules() or {}).items()):
        offered = {str(item.get("name")) for item in commands.get(name) or commands.get(str(module.get("brand"))) or ()}
        own = sorted(offered & DRIVER_INTERFACE)
        if own and module.get("state") == "active":
            found.append({"instance": name, "brand": str(module.get("brand")), "commands": own})
    return found


def rows_of_brains(
    house: House, command: str, args: Mapping[str, Any], prefix: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """What all enabled brains answer, and why some did not. Raises ValueError when there is no brain."""
    rows: list[dict[str, Any]] = []
    errors = []
    brains = instances_of(house, BRAIN_BRAND)
    if not brains:
        raise ValueError(f"There is no enabled instance of {BRAIN_BRAND}; add one per Vectra brain.")
    for brain in brains:
        try:
            rows += context_items(ask_brain(house, brain, command, args), prefix)
        except CommandFailed as error:
            errors.append(f"{brain}: {error}")
    return rows, errors


def elements_now(house: House) -> list[dict[str, Any]]:
    """What is contained, on its way, or failed now, with its brain. A brain that cannot be asked is left out.

    Raises CommandFailed when none can, so that a number is not taken for nothing.
    """
    statuses, errors = rows_of_brains(house, "vectra-response-status", {}, "VectraResponse.Status")
    if errors and not statuses:
        raise CommandFailed("; ".join(errors))
    return [{"brain": status.get("brain"), **row} for status in statuses for row in status.get("elements") or []]


def chart_of(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Counts as the server draws a pie or a bar, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    colours = ("#00b28f", "#4a6fa5", "#e0a030", "#c0504d", "#8064a2", "#4bacc6", "#9bbb59", "#7f7f7f")
    return [
        {"name": name, "data": [count], "color": colours[number % len(colours)]}
        for number, (name, count) in enumerate(ordered)
    ]


# ---- arguments


def words(args: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(str(word).strip() for word in argToList(args.get(name)) if str(word).strip())


def flag(args: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    try:
        return default if args.get(name) in (None, "") else argToBoolean(args[name])
    except ValueError:
        raise ValueError(f"Argument '{name}' must be true or false, not {args[name]!r}.") from None
