"""Options of an emulator: one frozen dataclass is both the keyword arguments and the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from emulators.kit.errors import BadOption

_ENDLESS = 1e12

OptionsT = TypeVar("OptionsT", bound="Options")


def option(
    default: Any,
    help_text: str,
    *,
    parse: Callable[[str], Any] = str,
    choices: Sequence[str] | None = None,
    aliases: Sequence[str] = (),
) -> Any:
    """A dataclass field that is also `--its-name` on the command line; `parse` makes its value from the text."""
    return field(default=default, metadata={"help": help_text, "parse": parse, "choices": choices, "aliases": aliases})


@dataclass(frozen=True)
class Options:
    """What every emulator can be told. A vendor's own class adds fields; field `max_body` is option `--max-body`."""

    host: str = option("127.0.0.1", "address to listen on; the side door has no password, so keep it on loopback")
    port: int = option(0, "port to listen on; 0 takes a free one", parse=int)
    state: Path | None = option(None, "file that keeps the state; in memory when not given", parse=Path)  # noqa: RUF009 - a field
    rate: float = option(
        0.0,
        "requests per second that are accepted; 0 is no limit",
        parse=float,
        aliases=("--requests-accepted-per-second",),
    )
    retry_after: float | None = option(None, "seconds for Retry-After of a 429; no header when not given", parse=float)
    max_body: int = option(20_000_000, "largest request body in bytes; 0 is no limit", parse=int)
    latency: float = option(0.0, "seconds that every request waits before it is looked at", parse=float)

    def __post_init__(self) -> None:
        """Raises BadOption that names the option and its value."""
        self.check("port", 0 <= self.port <= 65535, "it must lie between 0 and 65535")
        for name in ("rate", "max_body", "latency"):
            # Not-a-number and infinity parse as numbers, too.
            self.check(name, 0 <= getattr(self, name) < _ENDLESS, "it must be a number that is not negative")
        self.check("retry_after", self.retry_after is None or self.retry_after >= 0, "it must not be negative")
        for spec in fields(self):
            choices = spec.metadata.get("choices")
            value = getattr(self, spec.name)
            self.check(spec.name, choices is None or value in choices, f"it must be one of {', '.join(choices or ())}")

    def check(self, name: str, good: bool, wanted: str) -> None:
        """Raises BadOption with `wanted` unless `good`."""
        if not good:
            raise BadOption(f"{_flag(name)} {getattr(self, name)}: {wanted}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadOption(message)


def parse_options(kind: type[OptionsT], argv: Sequence[str] | None, prog: str) -> OptionsT:
    """Options from the command line (sys.argv when None). Raises BadOption with one clear line.

    `--help` prints and exits, as usual.
    """
    parser = _Parser(prog=prog, allow_abbrev=False, description=(kind.__doc__ or "").splitlines()[0])
    for spec in fields(kind):
        _add(parser, spec)
    return kind(**vars(parser.parse_args(argv)))


def _add(parser: argparse.ArgumentParser, spec: Field[Any]) -> None:
    assert spec.default is not MISSING and "help" in spec.metadata, f"{spec.name} is not made with option()"
    parser.add_argument(
        _flag(spec.name),
        *spec.metadata["aliases"],
        dest=spec.name,
        default=spec.default,
        type=spec.metadata["parse"],
        choices=spec.metadata["choices"],
        metavar=None if spec.metadata["choices"] else "VALUE",
        help=f"{spec.metadata['help']} (default: {spec.default})",
    )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
