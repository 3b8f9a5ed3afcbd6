"""`warroom content`: where packs are read from."""

from __future__ import annotations

from pathlib import Path

import click

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.output import print_json, print_rows
from warroom.core.findings import Finding
from warroom.engine import HomeMissing, UsageError
from warroom.engine.content_check import check_content


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
    counts = (
        (len(found.integrations), "integrations"), (len(found.scripts), "scripts"),
        (len(found.playbooks), "playbooks"), (len(found.jobs), "jobs"),
    )  # fmt: skip
    # The first two are always told, for they are what most packs hold.
    told = ", ".join(f"{count} {name}" for index, (count, name) in enumerate(counts) if count or index < 2)
    click.echo(f"added {path.absolute()}: {told}")
    for problem in found.problems:
        click.echo(f"left out: {problem.reason}", err=True)


@content.command("check")
@click.argument("paths", type=click.Path(path_type=Path, exists=True), nargs=-1, metavar="[PATH]...")
@json_option
@pass_app
def check(app: App, paths: tuple[Path, ...], as_json: bool) -> None:
    """Checks playbooks and jobs for what the SDK cannot see: names, arguments, branches and paths that lead nowhere.

    Looks at the paths given, else at those of the home, else at ./Packs; runs nothing. What lies in the other paths of
    the home may be called. Ends with 1 when there is an error; warnings do not count.

    Example: warroom content check Packs/MyPack
    """
    own = _home_paths(app)
    looked_at = list(paths) or own
    if not looked_at:
        raise UsageError("there is nothing to check: give a path, or start where a Packs folder is")
    found = check_content(looked_at, own)
    errors = sum(finding.level == "error" for finding in found)
    if as_json:
        print_json({"errors": errors, "warnings": len(found) - errors, "findings": [_told(item) for item in found]})
    else:
        for item in found:
            click.echo(f"{item.level}: {item.where}: {item.what}; {item.mend}\n  {item.file}  [{item.code}]")
        shown = ", ".join(str(path) for path in looked_at)
        click.echo(f"{errors} errors, {len(found) - errors} warnings in {shown}")
    if errors:
        click.get_current_context().exit(1)


def _home_paths(app: App) -> list[Path]:
    """The content paths of the home; ./Packs where there is no home, which a check does not need."""
    try:
        with app.open() as host:
            return [path for path in host.paths if path.exists()]
    except HomeMissing:
        return [path for path in [Path("Packs").absolute()] if path.exists()]


def _told(item: Finding) -> dict[str, str]:
    return {
        "level": item.level, "code": item.code, "item": item.item, "task": item.task, "task_name": item.task_name,
        "what": item.what, "mend": item.mend, "file": str(item.file),
    }  # fmt: skip


@content.command("list")
@json_option
@pass_app
def list_content(app: App, as_json: bool) -> None:
    """Lists integrations, scripts, playbooks and jobs, and the files that could not be read.

    Example: warroom content list --json
    """
    with app.open() as host:
        catalog, paths = host.catalog, host.paths
    rows = [("integration", item.id, item.pack, str(item.file)) for item in catalog.integrations]
    rows += [("script", item.name, item.pack, str(item.file)) for item in catalog.scripts]
    rows += [("playbook", item.name, item.pack, str(item.file)) for item in catalog.playbooks]
    rows += [("job", item.name, item.pack, str(item.file)) for item in catalog.jobs]
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
