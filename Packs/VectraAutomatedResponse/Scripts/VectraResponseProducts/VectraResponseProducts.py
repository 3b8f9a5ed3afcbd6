"""Which enabled driver instances can carry out a command of the driver interface."""

from collections.abc import Mapping, Sequence
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ResponseHouseApiModule import *

DEFAULT_COMMAND = "vectra-block-host"


def products(drivers: Sequence[Mapping[str, Any]], commands: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each driver that has at least one of the commands, by name; all of its commands of the interface.

    Raises ValueError for a command that is none of the driver interface.
    """
    wrong = [name for name in commands if name not in DRIVER_INTERFACE]
    if wrong:
        raise ValueError(f"Argument 'command': {', '.join(wrong)} is no command of the driver interface.")
    return [
        {
            "instance": driver["instance"],
            "brand": driver["brand"],
            "product": str(driver["brand"]).removesuffix("Response"),
            "commands": list(driver["commands"]),
        }
        for driver in drivers
        if set(commands) & set(driver["commands"])
    ]


def product_results(rows: Sequence[Mapping[str, Any]], commands: Sequence[str]) -> CommandResults:
    """The rows for the war room and, in place of earlier ones, for the context."""
    title = f"Products for {', '.join(commands)}"
    return CommandResults(
        outputs_prefix="VectraResponse.Product",
        outputs=list(rows),
        readable_output=tableToMarkdown(title, list(rows), headers=["instance", "product", "commands"]),
        replace_existing=True,
    )


def main() -> None:
    """List the products. An error entry means wrong arguments."""
    try:
        commands = words(demisto.args(), "command") or (DEFAULT_COMMAND,)
        return_results(product_results(products(driver_list(house_of()), commands), commands))
    except Exception as error:
        return_error(f"VectraResponseProducts: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
