"""The commands of the driver interface, as they stand in every driver's yml and README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import yaml

KINDS = ("host", "account", "detection", "destinations")
Command = Mapping[str, Any]


class _Dumper(yaml.SafeDumper):
    """Writes what is the same twice, twice: the yml is read by people."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def interface() -> list[Command]:
    """All commands, in the order in which a yml has them."""
    text = (resources.files("warroom.cli.scaffolding.driver") / "commands.yml").read_text(encoding="utf-8")
    commands: list[Command] = yaml.safe_load(text)
    return commands


def commands_for(kinds: Sequence[str], *, groom: bool = True) -> list[Command]:
    """The commands of a driver that blocks these kinds of entities. Grooming is for hosts only."""
    names = {f"vectra-{action}-{kind}" for kind in kinds for action in ("block", "unblock")}
    names |= {"vectra-response-reconcile"} | ({"vectra-groom-host"} if groom and "host" in kinds else set())
    return [command for command in interface() if command["name"] in names]


def as_yml(commands: Sequence[Command], indent: int = 2) -> str:
    """The list of commands as it stands in a yml, each line indented."""
    text = yaml.dump(list(commands), Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)
    return "".join(" " * indent + line for line in text.splitlines(keepends=True))


def as_markdown(commands: Sequence[Command]) -> str:
    """The sections of the commands as they stand in a README."""
    return "\n".join(_section(command) for command in commands)


def _section(command: Command) -> str:
    lines = [f"### {command['name']}", "", str(command["description"]), ""]
    if command["arguments"]:
        lines += ["| **Argument Name** | **Description** | **Required** |", "| --- | --- | --- |"]
        lines += [f"| {argument['name']} | {argument['description']} | Optional |" for argument in command["arguments"]]
        lines.append("")
    lines += ["| **Path** | **Type** | **Description** |", "| --- | --- | --- |"]
    lines += [f"| {row['contextPath']} | {row['type']} | {row['description']} |" for row in command["outputs"]]
    return "\n".join([*lines, ""])
