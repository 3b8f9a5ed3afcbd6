"""`warroom scaffold`: files to start new content from."""

from __future__ import annotations

from pathlib import Path

import click

from warroom.cli.scaffolding.files import Names, driver_files
from warroom.engine import UsageError

NEEDED = (
    "Packs/ApiModules/Scripts/ResponseDriverApiModule",
    "Packs/VectraAutomatedResponse",
    "Tests/conformance/drivers",
)


@click.group()
def scaffold() -> None:
    """Writes files to start new content from.

    Example: warroom scaffold driver AcmeFirewall
    """


@scaffold.command("driver")
@click.argument("name")
@click.option("--product", default="", help="How the product is called for people. Default: NAME in words.")
@click.option(
    "--repository",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The checkout that gets the files. Default: the current folder.",
)
def driver(name: str, product: str, repository: Path) -> None:
    """Writes a driver of the Vectra response that works against an emulator of its own: a product with a block list.

    NAME is the product in CamelCase. Nothing is overwritten. docs/adding-a-driver.md says how to go on.

    Example: warroom scaffold driver AcmeFirewall --product "Acme Firewall"
    """
    try:
        names = Names.of(name, product)
    except ValueError as error:
        raise UsageError(str(error)) from None
    for folder in NEEDED:
        if not (repository / folder).is_dir():
            raise UsageError(f"{repository.absolute()} is no checkout of this repository: {folder} is missing")
    files = driver_files(names)
    if there := [str(path) for path in files if (repository / path).exists()]:
        raise UsageError(f"{there[0]} is there already; nothing was written")
    for path, content in files.items():
        target = repository / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        click.echo(str(path))
    click.echo(_next_steps(names))


def _next_steps(names: Names) -> str:
    return (
        f"\nThe driver works against its emulator, and both speak a made-up API. Go on with docs/adding-a-driver.md:\n"
        f"  1. make emulators/{names.snake} answer as the vendor documents it\n"
        f"  2. write the client, `targets` and the settings of {names.brand}\n"
        f"  3. say in Tests/conformance/drivers/{names.brand}.py what the product cannot get into\n"
        f"Try it: python -m pytest Tests/conformance emulators/{names.snake} -k '{names.brand} or {names.snake}'"
    )
