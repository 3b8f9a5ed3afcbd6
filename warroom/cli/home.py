"""`warroom init`: the home folder."""

from __future__ import annotations

import click

from warroom.cli.app import App, pass_app
from warroom.engine import Host, UsageError
from warroom.engine.house import SERVER_URL_SETTING


@click.command()
@click.option(
    "--server-url", help="Address that content shows in links (demistoUrls). Default: https://localhost:8443."
)
@pass_app
def init(app: App, server_url: str | None) -> None:
    """Makes the home folder; harmless when it is there already.

    Example: warroom init
    """
    if server_url is not None and not server_url.startswith(("http://", "https://")):
        raise UsageError(f"--server-url must begin with http:// or https://, not {server_url!r}")
    try:
        host = Host.open(app.home, environ=app.environ)
    except OSError as error:
        raise UsageError(f"{app.home} cannot be made a home: {error.strerror}") from error
    with host:
        if server_url is not None:
            host.store.settings.set(SERVER_URL_SETTING, server_url)
    click.echo(f"home: {app.home.absolute()}")
