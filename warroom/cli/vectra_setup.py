"""`warroom vectra configure`: brains, drivers and notifier by questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from warroom.cli.app import App, pass_app
from warroom.cli.configure import ask_all
from warroom.content import Integration
from warroom.engine import Host, UsageError
from warroom.engine.secrets import Backend
from warroom.store import Instance

BRAIN_BRAND = "VectraAutomatedResponse"
NOTIFIER_BRAND = "ResponseNotifier"
INTERVAL_SETTING = "vectra.interval_minutes"
LIST_SETTING = "vectra.list_file"
DRIVER_PREFIXES = ("vectra-block-", "vectra-unblock-")


@click.command("configure")
@click.option("--no-store-secrets", is_flag=True, help="Keep no secret: ask again at each run.")
@pass_app
def configure_command(app: App, no_store_secrets: bool) -> None:
    """Asks for everything: brains with their rules, drivers, notifications, interval and list; tests each instance.

    What is there already stays and is listed first. Example: warroom vectra configure
    """
    if not app.terminal.reads:
        raise UsageError("configure asks questions and needs a terminal; use `warroom instance add` here")
    backend: Backend = "none" if no_store_secrets else "auto"
    with app.open() as host:
        setup = Setup(app, host, backend)
        setup.show_existing()
        setup.ask_brains()
        setup.ask_drivers()
        setup.ask_notifier()
        setup.ask_runner()
    click.echo("\nNext: warroom vectra run --dry-run")
    if setup.failed:
        click.echo(f"the test failed for {', '.join(setup.failed)}; the instances are kept", err=True)
        click.get_current_context().exit(1)


class Setup:
    """One conversation. `failed` are the names of instances whose test did not answer ok."""

    def __init__(self, app: App, host: Host, backend: Backend) -> None:
        self.app = app
        self.host = host
        self.backend = backend
        self.failed: list[str] = []

    def show_existing(self) -> None:
        """Lists what is configured already."""
        for instance, integration in response_instances(self.host):
            click.echo(f"there is already {instance.name} ({integration.display})")

    def ask_brains(self) -> None:
        """At least one brain, unless there is one."""
        brain = self.host.instances.find_integration(BRAIN_BRAND)
        have = any(integration.id == BRAIN_BRAND for _, integration in response_instances(self.host))
        while not have or click.confirm("\nAdd another Vectra brain?", default=False):
            self.add(brain, "Name of the brain")
            have = True

    def ask_drivers(self) -> None:
        """Any number of drivers, chosen from those that the content has."""
        drivers = driver_integrations(self.host)
        while click.confirm("\nAdd a product that contains hosts, accounts or destinations?", default=False):
            for number, driver in enumerate(drivers, 1):
                click.echo(f"  {number}. {driver.display}")
            number = click.prompt("Which one", type=click.IntRange(1, len(drivers)))
            self.add(drivers[number - 1], "Name of the instance")

    def ask_notifier(self) -> None:
        """Mail and syslog."""
        have = any(integration.id == NOTIFIER_BRAND for _, integration in response_instances(self.host))
        if not have and click.confirm("\nTell people by mail or syslog what was done?", default=False):
            self.add(self.host.instances.find_integration(NOTIFIER_BRAND), "Name of the instance")

    def ask_runner(self) -> None:
        """Interval and list of static destinations, which `vectra run` takes when it is told nothing else."""
        settings = self.host.store.settings
        minutes = click.prompt(
            "\nMinutes from cycle to cycle", type=click.IntRange(1, 1440), default=settings.get(INTERVAL_SETTING) or 5
        )
        settings.set(INTERVAL_SETTING, minutes)
        known = settings.get(LIST_SETTING) or ""
        answer = click.prompt("File with static destinations to block (- for none)", default=known or "-")
        settings.set(LIST_SETTING, None if answer.strip() == "-" else str(Path(answer.strip()).expanduser().absolute()))

    def add(self, integration: Integration, question: str) -> None:
        """Asks for one instance until it is accepted, adds it and tests it."""
        click.echo(f"\n{integration.display}")
        while True:
            name = str(click.prompt(question)).strip()
            params, secrets = ask_all(self.app, integration)
            try:
                added = self.host.add_instance(integration.id, name, params, secrets, self.backend)
                break
            except UsageError as error:
                click.echo(f"  {error}; once more", err=True)
        result = self.host.test_instance(added.name)
        click.echo(f"added {added.name}; the test answered {'ok' if result.status == 'ok' else result.error}")
        self.failed += [] if result.status == "ok" else [added.name]


def driver_integrations(host: Host) -> list[Integration]:
    """The integrations that have a command of the driver interface, by display name."""
    found = [
        item
        for item in host.catalog.integrations
        if any(command.name.startswith(DRIVER_PREFIXES) for command in item.commands)
    ]
    return sorted(found, key=lambda item: item.display.casefold())


def response_instances(host: Host) -> Iterator[tuple[Instance, Integration]]:
    """Enabled instances that take part in the response: brains, drivers, notifiers."""
    brands = {item.id: item for item in driver_integrations(host)}
    brands |= {item.id: item for item in host.catalog.integrations if item.id in (BRAIN_BRAND, NOTIFIER_BRAND)}
    for instance in host.store.instances.list():
        if instance.enabled and instance.brand in brands:
            yield instance, brands[instance.brand]
