"""`warroom instance`: configured integrations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.output import print_json, print_pairs, print_rows
from warroom.content import Integration
from warroom.engine import Host, UsageError
from warroom.engine.house import health_setting
from warroom.engine.instances import read_pairs
from warroom.engine.secrets import Backend, variable_name
from warroom.store import Instance

_PLACES = {
    "keyring": "stored in the system keyring",
    "file": "stored in the encrypted secrets file",
    "plaintext": "stored in plain text",
    "none": "not stored",
}


@click.group()
def instance() -> None:
    """Configured integrations.

    Example: warroom instance list
    """


@instance.command("add")
@click.argument("brand")
@click.option("--name", metavar="N", help="Name of the instance. Default: BRAND_instance_1 and so on.")
@click.option(
    "-p",
    "--param",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="A parameter: KEY=VALUE, KEY=@FILE, KEY=env:VARIABLE, or KEY alone to be asked for a secret.",
)
@click.option("--no-store-secrets", is_flag=True, help="Keep no secret: look it up or ask for it at each run.")
@click.option("--plaintext", is_flag=True, help="Keep secrets unprotected in the home's database.")
@pass_app
def add(
    app: App, brand: str, name: str | None, pairs: tuple[str, ...], no_store_secrets: bool, plaintext: bool
) -> None:
    """Adds an instance of BRAND: an integration's id, name or display, or a pack with one integration.

    Example: warroom instance add CortexXDRIOC -p url=https://xdr.example.com -p apikey_creds=@key
    """
    if no_store_secrets and plaintext:
        raise UsageError("--no-store-secrets and --plaintext exclude each other")
    backend: Backend = "none" if no_store_secrets else "plaintext" if plaintext else "auto"
    with app.open() as host:
        integration = host.instances.find_integration(brand)
        given = split_pairs(pairs)
        if app.ask is not None and not no_store_secrets:
            given |= dict.fromkeys(_missing_secrets(app, integration, name, given))
        plain, secrets = read_pairs(integration, given, app.environ, app.ask)
        added = host.add_instance(brand, name, plain, secrets, backend)
    click.echo(f"added instance {added.name} ({added.brand})")


@instance.command("set")
@click.argument("name", metavar="N")
@click.option(
    "-p",
    "--param",
    "pairs",
    multiple=True,
    required=True,
    metavar="KEY=VALUE",
    help="A parameter, in the forms of `instance add`. KEY= empties it.",
)
@pass_app
def change(app: App, name: str, pairs: tuple[str, ...]) -> None:
    """Changes parameters of an instance, its secrets among them; its state stays.

    Example: warroom instance set CortexXDRIOC_instance_1 -p "query=reputation:Bad and type:Domain"
    """
    with app.open() as host:
        integration = host.instances.find_integration(host.instances.get(name).brand)
        plain, secrets = read_pairs(integration, split_pairs(pairs), app.environ, app.ask)
        host.instances.change(name, plain, secrets)
    click.echo(f"changed {', '.join(sorted([*plain, *secrets]))} of {name}")


@instance.command("list")
@json_option
@pass_app
def list_instances(app: App, as_json: bool) -> None:
    """Lists the instances.

    Example: warroom instance list --json
    """
    with app.open() as host:
        instances = host.store.instances.list()
    if as_json:
        names = ("name", "brand", "enabled", "created")
        print_json([{name: getattr(item, name) for name in names} for item in instances])
        return
    rows = [(item.name, item.brand, "enabled" if item.enabled else "disabled", item.created) for item in instances]
    print_rows(app.terminal, ("Name", "Brand", "State", "Created"), rows)


@instance.command("show")
@click.argument("name", metavar="N")
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """Shows one instance with its parameters; of secrets only where they come from.

    Example: warroom instance show CortexXDRIOC_instance_1
    """
    with app.open() as host:
        found = host.instances.get(name)
        secrets = _secrets(app, host, found)
        health = host.store.settings.get(health_setting(found.id))
    head = {"name": found.name, "brand": found.brand, "enabled": found.enabled, "created": found.created}
    if as_json:
        print_json({**head, "id": found.id, "params": found.params, "secrets": secrets, "health": health})
        return
    print_pairs(app.terminal, {**head, **found.params, **secrets, **({"health": health} if health else {})})


@instance.command("test")
@click.argument("name", metavar="N")
@json_option
@pass_app
def test(app: App, name: str, as_json: bool) -> None:
    """Runs the integration's own test; exit code 1 when it does not answer ok.

    Example: warroom instance test CortexXDRIOC_instance_1
    """
    with app.open() as host:
        result = host.test_instance(name)
    if as_json:
        print_json({"instance": name, "status": result.status, "error": result.error})
    else:
        click.echo("ok" if result.status == "ok" else f"{name}: {result.error}", err=result.status != "ok")
    if result.status != "ok":
        click.get_current_context().exit(1)


@instance.command("enable")
@click.argument("name", metavar="N")
@pass_app
def enable(app: App, name: str) -> None:
    """Lets an instance take part in commands and fetches.

    Example: warroom instance enable CortexXDRIOC_instance_1
    """
    with app.open() as host:
        host.instances.enable(name, True)
    click.echo(f"{name} is enabled")


@instance.command("disable")
@click.argument("name", metavar="N")
@pass_app
def disable(app: App, name: str) -> None:
    """Takes an instance out of commands and fetches; its state stays.

    Example: warroom instance disable CortexXDRIOC_instance_1
    """
    with app.open() as host:
        host.instances.enable(name, False)
    click.echo(f"{name} is disabled")


@instance.command("remove")
@click.argument("name", metavar="N")
@pass_app
def remove(app: App, name: str) -> None:
    """Removes an instance, its secrets, context and last run; indicators and entries stay.

    Example: warroom instance remove CortexXDRIOC_instance_1
    """
    with app.open() as host:
        host.instances.remove(name)
    click.echo(f"removed {name}")


def split_pairs(pairs: tuple[str, ...]) -> dict[str, str | None]:
    """`KEY=VALUE` texts by key, None for a key alone. Raises UsageError for an empty or repeated key."""
    found: dict[str, str | None] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not key.strip():
            raise UsageError("a parameter is KEY=VALUE, and KEY is missing")
        if key in found:
            raise UsageError(f"parameter {key} is given twice")
        found[key] = value if sign else None
    return found


def _missing_secrets(
    app: App, integration: Integration, name: str | None, given: Mapping[str, str | None]
) -> list[str]:
    return [
        parameter.name
        for parameter in integration.parameters
        if parameter.secret
        and parameter.required
        and parameter.name not in given
        and (name is None or variable_name(name, parameter.name) not in app.environ)
    ]


def _secrets(app: App, host: Host, found: Instance) -> dict[str, str]:
    places: dict[str, str] = {}
    for name in _secret_names(host, found):
        reference: Mapping[str, Any] | None = found.secrets.get(name)
        variable = variable_name(found.name, name)
        if variable in app.environ:
            places[name] = f"from {variable}"
        elif reference is not None:
            where = reference.get("env") or reference.get("path")
            places[name] = _PLACES[reference["backend"]] + (f", read from {where}" if where else "")
    return places


def _secret_names(host: Host, found: Instance) -> list[str]:
    try:
        integration = host.catalog.integration(found.brand)
    except LookupError:  # the pack may be gone while its instance is still there
        return list(found.secrets)
    return [parameter.name for parameter in integration.parameters if parameter.secret]
