"""`warroom content`: where packs are read from."""

from __future__ import annotations

from pathlib import Path

import click

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.output import print_json, print_rows


@click.group()
def content() -> None:
    """Where packs are read from: paths added here, else ./Packs.

    Example: warroom content add ./Packs
    """


@content.command("add")
@click.argument("path", type=click.Path(path_type=Path))
@pass_app
def add(app: App, path: Path) -> None:
    """Adds a repository, a Packs folder, a pack, one item's folder, or a unified yml.

    Example: warroom content add integration-CortexXDRIOC.yml
    """
    with app.open() as host:
        found = host.add_content(path)
    click.echo(f"added {path.absolute()}: {len(found.integrations)} integrations, {len(found.scripts)} scripts")
    for problem in found.problems:
        click.echo(f"left out: {problem.reason}", err=True)


@content.command("list")
@json_option
@pass_app
def list_content(app: App, as_json: bool) -> None:
    """Lists integrations and scripts, and the files that could not be read.

    Example: warroom content list --json
    """
    with app.open() as host:
        catalog, paths = host.catalog, host.paths
    rows = [("integration", item.id, item.pack, str(item.file)) for item in catalog.integrations]
    rows += [("script", item.name, item.pack, str(item.file)) for item in catalog.scripts]
    if as_json:
        names = ("kind", "id", "pack", "file")
        items = [dict(zip(names, row, strict=True)) for row in rows]
        problems = [{"file": str(item.file), "reason": item.reason} for item in catalog.problems]
        print_json({"paths": [str(path) for path in paths], "items": items, "problems": problems})
        return
    print_rows(app.terminal, ("Kind", "Id", "Pack", "File"), rows)
    for problem in catalog.problems:
        click.echo(f"left out: {problem.reason}", err=True)


@content.command("remove")
@click.argument("path", type=click.Path(path_type=Path))
@pass_app
def remove(app: App, path: Path) -> None:
    """Takes a path off the list; the files stay.

    Example: warroom content remove ./Packs
    """
    with app.open() as host:
        host.remove_content(path)
    click.echo(f"removed {path.absolute()}")
