"""The command line: the group of all commands, and what happens to errors."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType

import click

from warroom.cli import (
    configure,
    content,
    emulator,
    exporting,
    home,
    importing,
    indicator,
    instance,
    job,
    playbook,
    playbook_run,
    profiles,
    run,
    scaffold,
    vectra,
)
from warroom.cli.app import App, Terminal, default_home
from warroom.content import ContentError
from warroom.core.expression_errors import ExpressionError
from warroom.engine import EngineError
from warroom.store import QueryError, StoreError

FAILED, BAD_USE = 1, 2
_TOLD = (EngineError, ContentError, ExpressionError, QueryError, StoreError)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    "home_folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of this home. Default: WARROOM_HOME, else the platform's user data folder.",
)
@click.version_option(package_name="warroom")
@click.pass_context
def cli(context: click.Context, home_folder: Path | None) -> None:
    """Runs Cortex XSOAR content packs on this machine, without an XSOAR server.

    Example: warroom init && warroom content add ./Packs && warroom run '!Print hello'
    """
    if context.obj is None:
        context.obj = App(home_folder or default_home(os.environ), Terminal.real())


for command in (
    home.init, instance.instance, configure.configure, indicator.indicator, run.run, run.fetch, run.context,
    run.entries, emulator.emulator, content.content, playbook.playbook, job.job, vectra.vectra, profiles.profiles,
    scaffold.scaffold,
):  # fmt: skip
    cli.add_command(command)
for command in (playbook_run.run, playbook_run.runs, playbook_run.resume):
    playbook.playbook.add_command(command)
indicator.indicator.add_command(importing.import_command)
indicator.indicator.add_command(exporting.export_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit code: 0 fine, 1 something failed or was refused, 2 bad use."""
    # At its end the interpreter looks through all that was imported, for a tenth of the time of a short command.
    atexit.register(gc.freeze)
    given = list(sys.argv[1:] if argv is None else argv)
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        code = cli.main(given, prog_name="warroom", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return BAD_USE
    except click.ClickException as error:
        return _complain(error.format_message())
    except _TOLD as error:
        return _complain(str(error))
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return FAILED
    except BrokenPipeError:
        # The reader of our output has gone; a later flush at exit would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last line of defence against tracebacks on a terminal
        return _unexpected(error, _home_of(given))
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> None:
    # As Ctrl-C, so that children are ended and temporary folders removed.
    raise KeyboardInterrupt


def _complain(text: str) -> int:
    click.echo("Error: " + " ".join(text.split()), err=True)
    return BAD_USE


def _home_of(argv: Sequence[str]) -> Path:
    for index, word in enumerate(argv):
        if word == "--home" and index + 1 < len(argv):
            return Path(argv[index + 1])
        if word.startswith("--home="):
            return Path(word.partition("=")[2])
    return default_home(os.environ)


def _unexpected(error: Exception, home_folder: Path) -> int:
    told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    try:
        folder = home_folder / "logs"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = folder / f"error-{datetime.now(tz=timezone.utc):%Y%m%dT%H%M%S%f}.log"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        click.echo(f"Error: {told} (unexpected; details in {log})", err=True)
    except OSError as reason:
        click.echo(f"Error: {told} (unexpected; no log could be written: {reason})", err=True)
    return FAILED
