"""How `warroom profiles` reaches the server: options, stored settings, the key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import click

from warroom.cli.app import App, pass_app
from warroom.cli.progress import progress_bar
from warroom.engine import Host, SecretError, UsageError
from warroom.engine.profiles import OldConfig
from warroom.engine.profiles.settings import KEY, OWNER, Settings, read_settings, write_settings
from warroom.engine.secrets import Backend, variable_name
from warroom.engine.xsoar import Client, Connection, XsoarServer
from warroom.engine.xsoar.connection import KEY_TYPES

# The variables that other tools of this vendor know.
URL_VARIABLE, KEY_VARIABLE, ID_VARIABLE = "DEMISTO_BASE_URL", "DEMISTO_API_KEY", "DEMISTO_API_KEY_ID"
CONNECTION_OPTIONS = ("url", "key_id", "key_type", "prefix", "insecure", "ca_file", "timeout_seconds")
Command = TypeVar("Command", bound=Callable[..., Any])


def connection_options(command: Command) -> Command:
    """The options that say where the server is. Each is None when it is not given."""
    for option in reversed((
        click.option("--url", metavar="URL", help=f"Of the server. Default: {URL_VARIABLE}, else as configured."),
        click.option("--key-id", metavar="ID", help=f"Of the key (XSOAR 8). Default: {ID_VARIABLE} or as configured."),
        click.option("--key-type", type=click.Choice(KEY_TYPES), help="Kind of the key. Default: standard."),
        click.option("--prefix", metavar="PATH", help="Before the paths of the API. Default: as the version has it."),
        click.option("--insecure/--secure", default=None, help="Do not check the certificate of the server."),
        click.option("--ca-file", metavar="FILE", help="Certificates to trust, in place of those of this machine."),
        click.option("--timeout", "timeout_seconds", metavar="SECONDS", type=float, help="For an answer. Default: 60."),
    )):  # fmt: skip
        command = option(command)
    return command


def given_connection(app: App, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line, else the environment, says of the server."""
    found = {name: options[name] for name in CONNECTION_OPTIONS}
    if found["url"] is None and (url := app.environ.get(URL_VARIABLE)):
        found["url"] = url
        # An id without its address may be that of another server.
        found["key_id"] = found["key_id"] or app.environ.get(ID_VARIABLE)
    return found


@contextmanager
def reached(
    app: App, options: Mapping[str, Any], *, write: bool, url: str = ""
) -> Iterator[tuple[Host, Settings, XsoarServer]]:
    """The home, its settings, and the server of this call; `url` where neither options nor the environment say it.

    Raises UsageError before anything is asked.
    """
    with app.open() as host:
        settings = read_settings(host.store)
        given = given_connection(app, options)
        connection = settings.connect({**given, "url": given["url"] or url or None})
        if connection.insecure:
            click.echo("the certificate of the server is not checked", err=True)
        key = find_key(app, host, settings, connection)
        client = Client(connection, key, environ=app.environ)
        with progress_bar(app.terminal, "profiles") as progress:
            yield host, settings, XsoarServer(client, write, progress)


def find_key(app: App, host: Host, settings: Settings, connection: Connection) -> str:
    """The key: from the environment, as stored for this server, or from a person. Raises UsageError or SecretError."""
    # A stored key goes to the server that it was stored for, and to no other.
    known = settings.key if connection.url == settings.connection.get("url") else None
    found = app.environ.get(variable_name(OWNER, KEY)) or app.environ.get(KEY_VARIABLE)
    found = found or host.instances.vault.find(OWNER, OWNER, KEY, known)
    if not found and app.ask is not None:
        found = app.ask(f"API key for {connection.url}")
    if not found:
        raise UsageError(f"no API key is known for {connection.url}: set {variable_name(OWNER, KEY)}")
    return checked_key(found)


def checked_key(key: str) -> str:
    """The key without blanks around it. Raises UsageError for one that no request can carry."""
    key = key.strip()
    if not key.isascii() or not key.isprintable() or not key:
        raise UsageError("the API key has characters that a key cannot have")
    return key


def store_connection(app: App, host: Host, connection: Connection, key: str, backend: Backend) -> None:
    """Keeps the server for the next calls, and the key where keys are kept. Raises SecretError."""
    vault = host.instances.vault
    settings = read_settings(host.store)
    chosen: Backend = vault.choose(backend) if key else "none"
    reference = vault.store(chosen, OWNER, KEY, key)
    write_settings(host.store, replace(settings, connection=connection.as_dict(), key=reference))


def take_over(
    app: App, host: Host, old: OldConfig, options: Mapping[str, Any], backend: Backend, *, dry_run: bool
) -> str:
    """Stores what an old configuration says; tells what becomes of its key. Raises UsageError before it stores."""
    settings = read_settings(host.store)
    given = given_connection(app, options)
    url = given["url"] or old.url or settings.connection.get("url")
    connection = settings.connect({**given, "url": url}) if url else None
    key = checked_key(old.key) if old.key else ""
    variable = variable_name(OWNER, KEY)
    if not key and backend != "none" and connection is not None and _keeps_key(settings, connection):
        if not dry_run:
            write_settings(host.store, replace(settings, watch=old.watch, connection=connection.as_dict()))
        return "left out: it is empty; the key that is stored for this server stays"
    if dry_run:
        return f"would be taken; {variable} is looked at first" if key else f"to do: it is empty: set {variable}"
    write_settings(host.store, replace(settings, watch=old.watch))
    if connection is None:
        return f"to do: no server is known yet; set {variable} or run `warroom profiles configure`"
    try:
        store_connection(app, host, connection, key, backend)
    except SecretError as error:
        store_connection(app, host, connection, "", "none")
        return f"to do: set {variable} ({error})"
    if not key or backend == "none":
        return f"to do: it is not kept: set {variable}"
    return f"taken: it is kept; take it out of the file. {variable} is looked at first"


def _keeps_key(settings: Settings, connection: Connection) -> bool:
    stored = settings.key is not None and settings.key["backend"] != "none"
    return stored and settings.connection.get("url") == connection.url


@click.command("configure")
@connection_options
@click.option("--no-store-secrets", is_flag=True, help="Keep no key: look it up or ask for it at each run.")
@pass_app
def configure_command(app: App, /, no_store_secrets: bool, **options: Any) -> None:
    """Keeps the address of the server, and the API key in the keyring, for the next commands.

    The key comes from the environment or is asked for; it is never an option. Nothing is sent.

    Example: warroom profiles configure --url https://api-xsoar.example.com --key-id 7
    """
    with app.open() as host:
        settings = read_settings(host.store)
        connection = settings.connect(given_connection(app, options))
        key = "" if no_store_secrets else find_key(app, host, settings, connection)
        store_connection(app, host, connection, key, "none" if no_store_secrets else "auto")
    click.echo(f"server: {connection.url} ({'XSOAR 8' if connection.key_id else 'XSOAR 6'}, {connection.key_type} key)")
    click.echo("Next: warroom profiles test")
