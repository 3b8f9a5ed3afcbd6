"""`warroom configure`: an instance made by questions."""

from __future__ import annotations

from collections.abc import Iterator

import click

from warroom.cli.app import App, pass_app
from warroom.content import Integration, Parameter
from warroom.content.model import BOOLEAN, CREDENTIALS
from warroom.engine import UsageError
from warroom.engine.instances import SecretInput
from warroom.engine.parameters import IDENTIFIER, check_value


@click.command()
@click.argument("brand")
@click.option("--name", metavar="N", help="Name of the instance. Default: BRAND_instance_1 and so on.")
@click.option("--no-store-secrets", is_flag=True, help="Keep no secret: ask again at each run.")
@pass_app
def configure(app: App, brand: str, name: str | None, no_store_secrets: bool) -> None:
    """Asks for every parameter of BRAND, checks each at once, adds the instance and tests it.

    Example: warroom configure CortexXDRIOC
    """
    if not app.terminal.reads:
        raise UsageError("configure asks questions and needs a terminal; use `warroom instance add` here")
    with app.open() as host:
        integration = host.instances.find_integration(brand)
        if not no_store_secrets:
            host.instances.vault.choose("auto")
        params, secrets = ask_all(app, integration)
        backend = "none" if no_store_secrets else "auto"
        added = host.add_instance(brand, name, params, secrets, backend)  # type: ignore[arg-type]
        click.echo(f"added instance {added.name} ({added.brand}); testing it")
        result = host.test_instance(added.name)
    if result.status != "ok":
        click.echo(f"the test failed: {result.error}", err=True)
        click.echo(f"the instance is kept; `warroom instance remove {added.name}` takes it away", err=True)
        click.get_current_context().exit(1)
    click.echo("the test answered ok")


def ask_all(app: App, integration: Integration) -> tuple[dict[str, str], dict[str, SecretInput]]:
    """The answers for every visible parameter, section by section, each one checked."""
    params: dict[str, str] = {}
    secrets: dict[str, SecretInput] = {}
    section = None
    for parameter in by_section(integration):
        if parameter.section != section:
            section = parameter.section
            click.echo(f"\n{section}" if section else "")
        _explain(parameter)
        if parameter.type == CREDENTIALS and not parameter.hidden_username:
            label = parameter.display or f"{parameter.label} (user part)"
            params[f"{parameter.name}.{IDENTIFIER}"] = _ask_required(label, parameter.required)
        if parameter.secret:
            value = _ask_secret(app, parameter)
            if value:
                secrets[parameter.name] = SecretInput(value, "asked")
        elif parameter.type != CREDENTIALS:
            params[parameter.name] = _ask_checked(parameter)
    return params, secrets


def by_section(integration: Integration) -> Iterator[Parameter]:
    """Visible parameters: in the order of the sections, inside a section simple ones before advanced ones."""
    order = {section: index for index, section in enumerate(integration.sections)}
    visible = [parameter for parameter in integration.parameters if not parameter.hidden]
    yield from sorted(visible, key=lambda item: (order.get(item.section, len(order)), item.section, item.advanced))


def _explain(parameter: Parameter) -> None:
    if parameter.help:
        click.echo(f"  {parameter.help}")
    if parameter.options:
        click.echo(f"  One of: {', '.join(option for option in parameter.options if option)}")


def _ask_checked(parameter: Parameter) -> str:
    default = parameter.default or ("false" if parameter.type == BOOLEAN else "")
    while True:
        answer = str(click.prompt(parameter.label, default=default, show_default=bool(default))).strip()
        if not answer and not parameter.required:
            return answer
        try:
            if not answer:
                raise UsageError(f"parameter {parameter.name} is required")
            check_value(parameter, answer)
        except UsageError as error:
            click.echo(f"  {error}", err=True)
        else:
            return answer


def _ask_required(label: str, required: bool) -> str:
    while True:
        answer = str(click.prompt(label, default="", show_default=False)).strip()
        if answer or not required:
            return answer
        click.echo(f"  {label} is required", err=True)


def _ask_secret(app: App, parameter: Parameter) -> str:
    ask = app.ask
    assert ask is not None, "configure has checked that a person is there"
    while True:
        answer = ask(parameter.display_password or parameter.label)
        if answer or not parameter.required:
            return answer
        click.echo(f"  {parameter.label} is required", err=True)
