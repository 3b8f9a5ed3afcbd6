"""Running an emulator: inside a test, or as a process of its own."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from emulators.kit.emulator import Emulator
from emulators.kit.errors import BadOption
from emulators.kit.options import Options, parse_options

EmulatorT = TypeVar("EmulatorT", bound=Emulator[Any, Any])
OptionsT = TypeVar("OptionsT", bound=Options)


@contextmanager
def serving(emulator: EmulatorT) -> Iterator[EmulatorT]:
    """Serves for as long as the block lasts; frees port and state at its end."""
    emulator.start()
    try:
        yield emulator
    finally:
        emulator.stop()


def main(
    make: Callable[[OptionsT], Emulator[Any, Any]],
    kind: type[OptionsT],
    prog: str,
    argv: Sequence[str] | None = None,
) -> int:
    """The command line of an emulator; returns the exit status.

    Prints one JSON line when ready and nothing else on stdout; ends with 0 on SIGTERM or SIGINT. Bad options: one
    line on stderr and 2.
    """
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        emulator = make(parse_options(kind, argv, prog))
    except BadOption as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    with serving(emulator):
        print(json.dumps(emulator.ready()), flush=True)
        ended.wait()
    return 0
