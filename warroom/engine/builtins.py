"""The war room's own commands, those that need no integration: lists, indicators, Print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from warroom.content.model import Argument, Command
from warroom.core.indicators import Source
from warroom.core.values import classify
from warroom.engine.errors import ServerError
from warroom.engine.results import NOTE, text_entry
from warroom.store import Store

Args = Mapping[str, Any]
Entries = list[dict[str, Any]]
_BY_HAND = Source("Manual", "Manual", "manual", "A++ - Reputation script")


def _command(name: str, description: str, *arguments: Argument) -> Command:
    return Command(name, arguments, description)


_LIST_NAME = Argument("listName", required=True, is_default=True)
_LIST_DATA = Argument("listData", required=True)
_VALUE = Argument("value", required=True, is_default=True)

COMMANDS: tuple[Command, ...] = (
    _command("Print", "Prints a text.", _VALUE),
    _command("getList", "Gives the text of a list.", _LIST_NAME),
    _command("createList", "Makes a list or replaces its text.", _LIST_NAME, _LIST_DATA),
    _command("setList", "Replaces the text of a list.", _LIST_NAME, _LIST_DATA),
    _command("addToList", "Appends to a list, with a comma.", _LIST_NAME, _LIST_DATA),
    _command("removeFromList", "Takes items out of a comma-separated list.", _LIST_NAME, _LIST_DATA),
    _command("createNewIndicator", "Makes an indicator by hand.", _VALUE, Argument("type"), Argument("verdict")),
)


@dataclass(frozen=True)
class Builtins:
    """Runs the commands of `COMMANDS` on a store."""

    store: Store

    def run(self, name: str, args: Args) -> Entries:
        """The entries of one command whose arguments are already checked. Raises ValueError when it is refused."""
        actions: Mapping[str, Callable[[Args], str]] = {
            "Print": lambda given: str(given["value"]),
            "getList": self._get,
            "createList": self._set,
            "setList": self._set,
            "addToList": self._add,
            "removeFromList": self._remove,
            "createNewIndicator": self._indicator,
        }
        return [text_entry(NOTE, actions[name](args))]

    def _get(self, args: Args) -> str:
        text = self.store.lists.get(args["listName"])
        if text is None:
            raise ServerError(f"there is no list {args['listName']!r}")
        return str(text)

    def _set(self, args: Args) -> str:
        self.store.lists.set(args["listName"], str(args["listData"]))
        return f"Done: list {args['listName']} was updated"

    def _add(self, args: Args) -> str:
        old = self._get(args)
        self.store.lists.set(args["listName"], f"{old},{args['listData']}" if old else str(args["listData"]))
        return f"Done: list {args['listName']} was updated"

    def _remove(self, args: Args) -> str:
        gone = {item.strip() for item in str(args["listData"]).split(",")}
        kept = [item for item in self._get(args).split(",") if item.strip() not in gone]
        self.store.lists.set(args["listName"], ",".join(kept))
        return f"Done: list {args['listName']} was updated"

    def _indicator(self, args: Args) -> str:
        told = classify(str(args["value"]))
        value, kind = told.value, args.get("type") or told.type
        if kind is None:
            raise ServerError(f"the type of {value!r} cannot be told ({told.reason}); give type=")
        result = self.store.indicators.apply([{"value": value, "type": kind}], _BY_HAND)
        if result.refused:
            raise ServerError(f"{value}: {result.refused[0].reason}")
        if result.excluded:
            raise ServerError(f"{value} is on the exclusion list")
        if args.get("verdict"):
            self.store.indicators.edit(value, {"verdict": args["verdict"]})
        return f"Indicator {value} ({kind}) is known"
