"""The war room's own commands and scripts, those that need no integration. They win over a pack's of the same name."""

from __future__ import annotations

from collections.abc import Mapping

from warroom.content import Command
from warroom.engine.builtins import conditions, context, incidents, indicators, lists, times
from warroom.engine.builtins.desk import Args, Builtin, Desk, Entries

__all__ = ["BUILTINS", "COMMANDS", "Args", "Builtin", "Desk", "Entries"]

BUILTINS: Mapping[str, Builtin] = {
    item.command.name: item
    for module in (context, lists, conditions, times, incidents, indicators)
    for item in module.COMMANDS
}
COMMANDS: tuple[Command, ...] = tuple(item.command for item in BUILTINS.values())
