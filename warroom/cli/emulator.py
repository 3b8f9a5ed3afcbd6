"""`warroom emulator`: the vendor emulators, by name."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

import click

from warroom.content.catalog import near
from warroom.engine import UsageError

_PACKAGE = "emulators"


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
@click.argument("name", required=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def emulator(context: click.Context, name: str | None, options: tuple[str, ...]) -> None:
    """Runs an emulator in this process, the same as python -m emulators.NAME; all options are its own.

    Example: warroom emulator cortex_xdr --port 8080 --state tenant.db
    """
    if name is None or name in {"-h", "--help"}:
        click.echo(context.get_help())
        click.echo(f"\nEmulators: {', '.join(emulator_names()) or 'none installed'}")
        return
    folder_name = name.replace("-", "_")
    known = emulator_names()
    if folder_name not in known:
        raise UsageError(f"unknown emulator {name!r}{near(name, known)} (there are: {', '.join(known) or 'none'})")
    sys.argv = [f"warroom emulator {name}", *options]
    runpy.run_module(f"{_PACKAGE}.{folder_name}", run_name="__main__", alter_sys=True)


def emulator_names() -> list[str]:
    """The emulators that can be run, found by their folders without importing them."""
    spec = importlib.util.find_spec(_PACKAGE)
    roots = list(spec.submodule_search_locations or ()) if spec else []
    return sorted(path.parent.name for root in roots for path in Path(root).glob("*/__main__.py"))
