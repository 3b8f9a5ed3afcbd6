"""What a built-in command is, and what it works with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from warroom.content import Argument, Command
from warroom.engine.errors import ServerError
from warroom.engine.investigation import Investigation
from warroom.engine.results import NOTE, text_entry
from warroom.store import Store

Args = Mapping[str, Any]
Entries = list[dict[str, Any]]


@dataclass(frozen=True)
class Desk:
    """The house as one built-in command sees it. `run` gives a command to the war room and returns its entries."""

    store: Store
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    modules: Callable[[], Mapping[str, Mapping[str, str]]]
    run: Callable[[str, Args], Entries]
    investigation: Investigation | None = None

    def of_incident(self, name: str) -> Investigation:
        """The incident at work. Raises ServerError outside a playbook."""
        if self.investigation is None:
            raise ServerError(f"!{name} works on an incident, and there is one only while a playbook runs")
        return self.investigation


@dataclass(frozen=True)
class Builtin:
    """One command of the host: its declaration, and what it does with arguments that are already checked.

    The action returns entries, or a text that becomes one, and raises ValueError when it refuses. What it writes to
    the store is written whole or not at all, unless it is `lasting`: then it waits, or runs other commands.
    """

    command: Command
    action: Callable[[Desk, Args], Entries | str]
    lasting: bool = False

    def run(self, desk: Desk, args: Args) -> Entries:
        """The entries of the command. Raises ValueError when it refuses."""
        with nullcontext() if self.lasting else desk.store.atomic():
            given = self.action(desk, args)
        return [text_entry(NOTE, given)] if isinstance(given, str) else given


def builtin(
    name: str,
    description: str,
    action: Callable[[Desk, Args], Entries | str],
    *arguments: Argument,
    further: bool = False,
    lasting: bool = False,
    outputs: tuple[str, ...] = (),
) -> Builtin:
    """A command with its arguments; `further` ones are allowed where they name fields. `outputs`: paths it may set."""
    return Builtin(Command(name, arguments, description, outputs=outputs, any_argument=further), action, lasting)


def note(text: str, context: Mapping[str, Any] | None = None, contents: Any = None) -> dict[str, Any]:
    """A note entry with what it puts into the context."""
    data = text if contents is None else contents
    kind = "text" if contents is None else "json"
    entry = {"Type": NOTE, "ContentsFormat": kind, "Contents": data, "HumanReadable": text}
    return {**entry, "EntryContext": dict(context)} if context else entry


def texts(value: Any) -> list[str]:
    """A list, its JSON text, or a text with commas, as a list of texts; empty for nothing."""
    if value is None or value == "":
        return []
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError):
            value = json.loads(value)
    items = value if isinstance(value, list) else str(value).split(",")
    return [text for item in items if (text := str(item).strip())]


def custom_fields(args: Args) -> Mapping[str, Any]:
    """The object in `customFields`, which may come as JSON text. Raises ServerError when it is something else."""
    given = args.get("customFields") or {}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = None
    if not isinstance(given, Mapping):
        raise ServerError("customFields must be an object")
    return given


def flag(args: Args, name: str, *, default: bool = False) -> bool:
    """A switch that reads true, yes or a boolean."""
    value = args.get(name)
    return default if value is None or value == "" else str(value).strip().casefold() in {"true", "yes", "1"}
