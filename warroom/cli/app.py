"""What every command shares: which home, which terminal, and how a host is opened."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
import platformdirs

from warroom.engine import Host

HOME_VARIABLE = "WARROOM_HOME"


@dataclass(frozen=True)
class Terminal:
    """Which of the standard streams a person sits at."""

    reads: bool
    shows: bool
    shows_errors: bool

    @classmethod
    def real(cls) -> Terminal:
        """The streams of this process."""
        return cls(sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty())


@dataclass(frozen=True)
class App:
    """The settings of one call of the program."""

    home: Path
    terminal: Terminal
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def open(self) -> Host:
        """The host of the home. Raises HomeMissing when `warroom init` has not run."""
        return Host.open(self.home, environ=self.environ, ask=self.ask, create=False)

    @property
    def ask(self) -> Callable[[str], str] | None:
        """Asks for a secret without showing it; None where no person is there."""
        return ask_hidden if self.terminal.reads else None


def ask_hidden(question: str) -> str:
    """The answer of a person, typed unseen; the question goes to stderr."""
    return str(click.prompt(question, hide_input=True, default="", show_default=False, err=True))


def default_home(environ: Mapping[str, str]) -> Path:
    """WARROOM_HOME, else the platform's folder for user data."""
    named = environ.get(HOME_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir("warroom", appauthor=False))


pass_app = click.make_pass_decorator(App)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for machines.")
