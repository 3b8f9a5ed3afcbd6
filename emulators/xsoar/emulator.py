"""The Cortex XSOAR emulator put together."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from emulators import kit
from emulators.kit import Call, Emulator, Observer, Refused, Reply, Route, serving
from emulators.kit.xdrkeys import ApiKey, Nonces, check_key
from emulators.xsoar.errors import error_reply
from emulators.xsoar.options import XsoarOptions
from emulators.xsoar.routes import IndicatorCalls
from emulators.xsoar.state import XsoarState


class Xsoar(Emulator[XsoarState, XsoarOptions]):
    """One server with one API key."""

    name: ClassVar[str] = "xsoar"
    vendor_headers: ClassVar[frozenset[str]] = frozenset({"x-xdr-auth-id", "x-xdr-nonce", "x-xdr-timestamp"})

    def __init__(
        self, options: XsoarOptions, *, clock: Callable[[], float] = time.time, observer: Observer | None = None
    ) -> None:
        """Opens the state, takes or makes the key, binds the port. Raises BadOption."""
        super().__init__(options, clock=clock, observer=observer)
        self._key = ApiKey(options.api_key_id, self.state.key(options.api_key), options.api_key_type)
        self._nonces = Nonces()

    @property
    def api_key(self) -> str:
        """The key itself."""
        return self._key.secret

    @property
    def api_key_id(self) -> str:
        """The id that goes with the key; "" for a server that has none."""
        return self._key.id if self.options.generation == "8" else ""

    def open_state(self, *, fresh: bool) -> XsoarState:
        """The server from `options.state`, or a new one in memory."""
        return XsoarState(self.options, self.clock.now, fresh=fresh)

    def routes(self) -> list[Route]:
        """All calls."""
        return IndicatorCalls(self).routes()

    def authenticate(self, call: Call) -> None:
        """Raises Refused(401) unless the request carries the key, in the way of the server and of its type."""
        if self.options.generation == "8":
            with self.lock:
                check_key(call.headers, self._key, self._nonces, self.clock.now_ms())
        elif not hmac.compare_digest(call.headers.get("Authorization", "").encode(), self.api_key.encode()):
            raise Refused(401, note="the key is wrong")

    def error(self, refused: Refused) -> Reply:
        """The error shape of the server."""
        return error_reply(refused)

    def credentials(self) -> dict[str, str]:
        """Key and type of key, and the key's id where there is one."""
        of_key = {"api_key": self.api_key, "api_key_type": self._key.kind}
        return {**({"api_key_id": self.api_key_id} if self.api_key_id else {}), **of_key}

    def key_expired(self) -> Refused:
        """An expired key looks like a wrong one."""
        return Refused(401, note="the key has expired (fault)")

    def forget(self) -> None:
        """Nonces go with the state; the key stays and is written into the new state."""
        self._nonces = Nonces()
        self.state.key(self.api_key)


@contextmanager
def running(
    *, clock: Callable[[], float] = time.time, observer: Observer | None = None, **options: Any
) -> Iterator[Xsoar]:
    """An emulator that serves inside this process for as long as the block lasts.

    `options` are the fields of XsoarOptions, named as on the command line; `api_key` is the key itself here. Raises
    BadOption.
    """
    with serving(Xsoar(XsoarOptions(**options), clock=clock, observer=observer)) as emulator:
        yield emulator


def main(argv: Sequence[str] | None = None) -> int:
    """The command line, `python -m emulators.xsoar`; returns the exit status. See `kit.main`."""
    return kit.main(Xsoar, XsoarOptions, "emulators.xsoar", argv)
