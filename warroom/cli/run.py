"""`warroom run`, `fetch`, `context` and `entries`: running content and looking at what it left."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Any

import click

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.output import plain_text, print_json, print_markdown, print_pairs, print_rows
from warroom.cli.progress import progress_bar
from warroom.engine import Host, RunResult
from warroom.engine.results import ERROR, FILE_TYPES, LOG, WARNING
from warroom.engine.schedule import fetch_forever


@click.command()
@click.argument("line", metavar="'!command arg=value ...'")
@click.option("--using", metavar="N", help="Run on this instance only (several: comma-separated).")
@json_option
@pass_app
def run(app: App, line: str, using: str | None, as_json: bool) -> None:
    """Runs a command or script as in the war room, on every enabled instance that has it.

    Example: warroom run '!xdr-iocs-push indicator=192.0.2.1' --using main
    """
    with app.open() as host, progress_bar(app.terminal, line.split()[0] if line.split() else "") as show:
        results = host.run_command(line, using=using, on_progress=show)
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        for result in results:
            _print_result(app, result, headed=len(results) > 1)
    if any(result.status != "ok" for result in results):
        click.get_current_context().exit(1)


@click.command()
@click.argument("instance")
@click.option("--loop", is_flag=True, help="Fetch for ever at the instance's interval; SIGTERM and Ctrl-C end it.")
@json_option
@pass_app
def fetch(app: App, instance: str, loop: bool, as_json: bool) -> None:
    """Fetches indicators or incidents of INSTANCE once, or again and again.

    In a loop a signal lets the current run finish; a second one ends it at once. After an error the next run comes
    30 seconds later, then 60 and so on, at most after the interval.

    Example: warroom fetch CortexXDRIOC_instance_1 --loop
    """
    with app.open() as host:
        if loop:
            _loop(app, host, instance, as_json)
            return
        result = _fetch_once(app, host, instance)
        _report(result, as_json)
    if result.status != "ok":
        click.get_current_context().exit(1)


@click.command()
@click.argument("instance")
@json_option
@pass_app
def context(app: App, instance: str, as_json: bool) -> None:
    """Shows the integration context of INSTANCE with its version.

    Example: warroom context CortexXDRIOC_instance_1 --json
    """
    with app.open() as host:
        found = host.store.contexts.read(host.instances.get(instance).id)
    if as_json:
        print_json({"context": found.context, "version": found.version})
    else:
        print_pairs(app.terminal, {"(version)": found.version, **found.context})


@click.command()
@click.option("--last", metavar="N", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@json_option
@pass_app
def entries(app: App, last: int, as_json: bool) -> None:
    """Shows what ran, when, with which result; newest last.

    Example: warroom entries --last 5 --json
    """
    with app.open() as host:
        found = host.store.entries.last(last)
    if as_json:
        print_json([asdict(entry) for entry in found])
        return
    rows = [
        (entry.when[:19], entry.instance, _typed(entry.command, entry.args), entry.status,
         f"{entry.duration_seconds:.1f} s", _first_text(entry.contents))
        for entry in found
    ]  # fmt: skip
    print_rows(app.terminal, ("When", "Instance", "Command", "Status", "Took", "Result"), rows)


def _fetch_once(app: App, host: Host, instance: str) -> RunResult:
    with progress_bar(app.terminal, instance) as show:
        return host.fetch(instance, on_progress=show)


def _loop(app: App, host: Host, instance: str, as_json: bool) -> None:
    def report(result: RunResult, delay: float) -> None:
        _report(result, as_json)
        if not as_json:
            click.echo(f"next run in {delay:g} s", err=True)

    with stop_signals() as stop:
        fetch_forever(
            lambda: _fetch_once(app, host, instance),
            lambda: host.fetch_interval_seconds(instance),
            # A signal during the run must not start a wait.
            lambda seconds: stop.is_set() or stop.wait(seconds),
            report,
        )


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Turns the first SIGTERM or Ctrl-C into an event; a second one raises KeyboardInterrupt."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(result: RunResult, as_json: bool) -> None:
    if as_json:
        print_json(asdict(result))
        return
    for entry in result.entries:
        if entry.get("Type") not in (ERROR, LOG):
            click.echo(f"{result.instance}: {_text(entry)}", err=entry.get("Type") == WARNING)
    if result.status != "ok":
        click.echo(f"{result.instance}: {result.status}: {result.error}", err=True)
    memory = f"{result.max_rss_bytes / 1e6:.0f} MB"
    click.echo(f"{result.instance}: {result.command} {result.status} in {result.duration_seconds:.1f} s, peak {memory}")


def _print_result(app: App, result: RunResult, *, headed: bool) -> None:
    if headed:
        click.echo(f"{result.instance} ({result.brand}): {result.status}")
    for entry in result.entries:
        if entry.get("Type") in (ERROR, WARNING):
            click.echo(_text(entry), err=True)
        elif entry.get("Type") in FILE_TYPES:
            click.echo(f"file {entry.get('File')} (entry {entry.get('ID')})")
        else:
            print_markdown(app.terminal, _text(entry))


def _text(entry: dict[str, Any]) -> str:
    return plain_text(entry.get("HumanReadable") or entry.get("Contents"))


def _first_text(contents: list[dict[str, Any]]) -> str:
    shown = [entry for entry in contents if entry.get("Type") != LOG]
    worst = [entry for entry in shown if entry.get("Type") == ERROR] or shown
    return " ".join(_text(worst[0]).split())[:200] if worst else ""


def _typed(command: str, args: dict[str, Any]) -> str:
    return " ".join([f"!{command}", *(f"{name}={value}" for name, value in args.items())])[:200]
