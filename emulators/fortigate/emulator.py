"""The FortiGate emulator put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, ClassVar

from emulators import kit
from emulators.fortigate.calls import Calls
from emulators.fortigate.options import FortiGateOptions
from emulators.fortigate.state import FortiGateState
from emulators.kit import Call, Emulator, Observer, Refused, Reply, Route, serving

PAGE = "<!DOCTYPE HTML><html><head><title>{0} {1}</title></head><body><h1>{1}</h1></body></html>"


class FortiGate(Emulator[FortiGateState, FortiGateOptions]):
    """One FortiGate with its VDOMs and one API administrator."""

    name: ClassVar[str] = "fortigate"

    def __init__(
        self, options: FortiGateOptions, *, clock: Callable[[], float] = time.time, observer: Observer | None = None
    ) -> None:
        """Opens the state, takes or makes the token, binds the port. Raises BadOption."""
        super().__init__(options, clock=clock, observer=observer)
        self.token = self.state.access.token(options.token)

    def open_state(self, *, fresh: bool) -> FortiGateState:
        """The device from `options.state`, or a new one in memory."""
        return FortiGateState(self.options, self.clock.now, fresh=fresh)

    def routes(self) -> list[Route]:
        """All calls."""
        return Calls(self.options, lambda: self.state).routes()

    def authenticate(self, call: Call) -> None:
        """Raises Refused(401 or 403); see `Access.check`."""
        with self.lock:
            self.state.access.check(call)

    def error(self, refused: Refused) -> Reply:
        """What the web server in front of the API answers: a page. The API's own refusals are JSON, see `Calls`."""
        words = HTTPStatus(refused.status).phrase
        return Reply(refused.status, PAGE.format(refused.status, words).encode(), {"Content-Type": "text/html"})

    def credentials(self) -> dict[str, str]:
        """The token."""
        return {"token": self.token}

    def forget(self) -> None:
        """The token stays and is written into the new state."""
        self.state.access.token(self.token)


@contextmanager
def running(
    *, clock: Callable[[], float] = time.time, observer: Observer | None = None, **options: Any
) -> Iterator[FortiGate]:
    """An emulator that serves inside this process for as long as the block lasts.

    `options` are the fields of FortiGateOptions, named as on the command line; `token` is the token itself here.
    Raises BadOption.
    """
    with serving(FortiGate(FortiGateOptions(**options), clock=clock, observer=observer)) as emulator:
        yield emulator


def main(argv: Sequence[str] | None = None) -> int:
    """The command line, `python -m emulators.fortigate`; returns the exit status. See `kit.main`."""
    return kit.main(FortiGate, FortiGateOptions, "emulators.fortigate", argv)
