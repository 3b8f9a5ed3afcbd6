"""`warroom vectra`: the Vectra response without a server."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.output import print_json, print_markdown
from warroom.cli.run import stop_signals
from warroom.cli.vectra_migrate import migrate_command
from warroom.cli.vectra_setup import INTERVAL_SETTING, LIST_SETTING, configure_command, response_instances
from warroom.engine import Host, UsageError
from warroom.engine.secrets import variable_name
from warroom.engine.vectra import AnotherRun, CycleOptions, CycleResult, next_start, read_list, run_cycle, single_run

BUSY = 3
EXIT_CODES = {"ok": 0, "error": 1, "busy": BUSY}
DEFAULT_MINUTES = 5


@click.group()
def vectra() -> None:
    """The Vectra automated response without a server.

    Example: warroom vectra run --dry-run
    """


vectra.add_command(configure_command)
vectra.add_command(migrate_command)


@vectra.command("run")
@click.option("--loop", is_flag=True, help="Run a cycle at each interval, until SIGTERM or Ctrl-C.")
@click.option(
    "--groom",
    is_flag=True,
    help="Also follow changed hosts, and put back what a product lost.",
)
@click.option("--dry-run", is_flag=True, help="Name everything that would be done, and do nothing.")
@click.option(
    "--interval",
    metavar="MINUTES",
    type=click.FloatRange(0, 1440, min_open=True),
    help=f"From start to start. Default: what configure or migrate stored, else {DEFAULT_MINUTES}.",
)
@click.option(
    "--list",
    "list_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Static destinations to block. Default: what configure or migrate stored.",
)
@click.option(
    "--no-store-secrets", is_flag=True, help="Use no stored secret: take each from its variable, or ask once."
)
@json_option
@pass_app
def run(
    app: App,
    loop: bool,
    groom: bool,
    dry_run: bool,
    interval: float | None,
    list_file: Path | None,
    no_store_secrets: bool,
    as_json: bool,
) -> None:
    """Runs one cycle over all brains, or one after the other. One run at a time in one home.

    Exit code 0: all is well; 1: a brain or an action failed; 3: another run is going on, nothing was done. A signal
    lets the current cycle finish; a second one ends it at once.

    Example: warroom vectra run --loop --interval 5
    """
    if no_store_secrets:
        app = with_asked_secrets(app)
    with app.open() as host:
        wishes = Wishes(host, app.home, dry_run=dry_run, groom=groom, list_file=list_file)
        minutes = interval or float(host.store.settings.get(INTERVAL_SETTING) or DEFAULT_MINUTES)
        try:
            with single_run(app.home.absolute()), stop_signals() as stop:
                if loop:
                    timer = Timer(time.monotonic, lambda seconds: stop.is_set() or stop.wait(seconds))
                    timer.repeat(60 * minutes, lambda: report(app, wishes.cycle(), as_json=as_json))
                    return
                result = wishes.cycle()
        except AnotherRun as error:
            click.echo(str(error), err=True)
            click.get_current_context().exit(BUSY)
    report(app, result, as_json=as_json)
    click.get_current_context().exit(EXIT_CODES[result.status])


@dataclass(frozen=True)
class Wishes:
    """What the user wants of every cycle of this run."""

    host: Host
    home: Path
    dry_run: bool
    groom: bool
    list_file: Path | None

    def cycle(self) -> CycleResult:
        """One cycle; the list of destinations is read anew."""
        stored = self.host.store.settings.get(LIST_SETTING)
        path = self.list_file or (Path(stored) if stored else None)
        # The lock of the home makes sure that only one run of this owner is alive.
        owner = f"warroom on {socket.gethostname()} in {self.home.absolute()}"
        destinations = read_list(path) if path else None
        return run_cycle(self.host, CycleOptions(owner, self.dry_run, self.groom, destinations))


@dataclass(frozen=True)
class Timer:
    """Repeats at the points of a fixed grid. `wait(seconds)` gives True when it is time to stop."""

    clock: Callable[[], float]
    wait: Callable[[float], bool]

    def repeat(self, period: float, step: Callable[[], object]) -> None:
        """Runs `step` now and then every `period` seconds from start to start, until it is time to stop."""
        first = self.clock()
        step()
        while not self.wait(next_start(first, period, self.clock()) - self.clock()):
            step()


def report(app: App, result: CycleResult, *, as_json: bool) -> None:
    """Prints one cycle."""
    if as_json:
        print_json({"status": result.status, "error": result.error, **result.output})
        return
    if result.text:
        print_markdown(app.terminal, result.text)
    if result.error:
        click.echo(result.error, err=True)


def with_asked_secrets(app: App) -> App:
    """The same call with an environment that holds every secret of the response, so that no stored one is read."""
    with app.open() as host:
        wanted = [
            (instance.name, parameter.name, parameter.label)
            for instance, integration in response_instances(host)
            for parameter in integration.parameters
            if parameter.secret and is_used(instance.secrets.get(parameter.name), required=parameter.required)
        ]
    asked: dict[str, str] = {}
    for name, parameter, label in wanted:
        variable = variable_name(name, parameter)
        if variable in app.environ:
            continue
        if app.ask is None:
            raise UsageError(f"instance {name}: nobody can be asked for {parameter} without a terminal; set {variable}")
        asked[variable] = app.ask(f"{label} of {name}")
    return replace(app, environ={**app.environ, **asked})


def is_used(reference: dict[str, Any] | None, *, required: bool) -> bool:
    """Does the instance have this secret? An optional one that was never given is not asked for."""
    return required or (reference is not None and (reference["backend"] != "none" or bool(reference.get("needed"))))
