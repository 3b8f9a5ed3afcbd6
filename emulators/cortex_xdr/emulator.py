"""The Cortex XDR emulator put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from emulators import kit
from emulators.cortex_xdr.endpoints.actions import Actions
from emulators.cortex_xdr.endpoints.fleet import Fleet
from emulators.cortex_xdr.endpoints.routes import EndpointCalls
from emulators.cortex_xdr.errors import error_reply
from emulators.cortex_xdr.indicators.routes import IndicatorCalls
from emulators.cortex_xdr.indicators.rules import Rules
from emulators.cortex_xdr.options import XdrOptions
from emulators.cortex_xdr.state import XdrState
from emulators.kit import Call, Emulator, Observer, Refused, Reply, Route, serving
from emulators.kit.xdrkeys import ApiKey, Nonces, check_key


class CortexXdr(Emulator[XdrState, XdrOptions]):
    """One tenant with one API key."""

    name: ClassVar[str] = "cortex_xdr"
    vendor_headers: ClassVar[frozenset[str]] = frozenset(
        {"x-xdr-auth-id", "x-xdr-nonce", "x-xdr-timestamp", "x-iocs-source"}
    )

    def __init__(
        self, options: XdrOptions, *, clock: Callable[[], float] = time.time, observer: Observer | None = None
    ) -> None:
        """Opens the state, takes or makes the key, binds the port. Raises BadOption."""
        super().__init__(options, clock=clock, observer=observer)
        self._key = ApiKey(options.api_key_id, self.state.key(options.api_key), options.api_key_type)
        self._nonces = Nonces()

    @property
    def api_key_id(self) -> str:
        """The id that goes with the key."""
        return self._key.id

    @property
    def api_key(self) -> str:
        """The key itself."""
        return self._key.secret

    @property
    def api_key_type(self) -> str:
        """`advanced` or `standard`."""
        return self._key.kind

    @property
    def rules(self) -> Rules:
        """The indicator rules at this moment; a reset replaces them."""
        return self.state.rules

    @property
    def fleet(self) -> Fleet:
        """The endpoints at this moment; a reset replaces them."""
        return self.state.fleet

    @property
    def actions(self) -> Actions:
        """The orders to agents at this moment; a reset replaces them."""
        return self.state.actions

    def now_ms(self) -> int:
        """The tenant's time in epoch milliseconds."""
        return self.clock.now_ms()

    def open_state(self, *, fresh: bool) -> XdrState:
        """The tenant from `options.state`, or a new one in memory."""
        return XdrState(self.options, self.clock.now_ms, fresh=fresh)

    def routes(self) -> list[Route]:
        """All calls, by product area."""
        return IndicatorCalls(self).routes() + EndpointCalls(self).routes()

    def authenticate(self, call: Call) -> None:
        """Raises Refused(401) unless the request is signed with the key, in the way of its type."""
        with self.lock:
            check_key(call.headers, self._key, self._nonces, self.now_ms())

    def error(self, refused: Refused) -> Reply:
        """The error shape of the public API."""
        return error_reply(refused, wrapped=self.options.error_replies == "wrapped")

    def credentials(self) -> dict[str, str]:
        """Key id, key and type of key."""
        return {"api_key_id": self.api_key_id, "api_key": self.api_key, "api_key_type": self.api_key_type}

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
) -> Iterator[CortexXdr]:
    """An emulator that serves inside this process for as long as the block lasts.

    `options` are the fields of XdrOptions, named as on the command line (`--max-body` is `max_body`); `api_key` is
    the key itself here. Raises BadOption.
    """
    with serving(CortexXdr(XdrOptions(**options), clock=clock, observer=observer)) as emulator:
        yield emulator


def main(argv: Sequence[str] | None = None) -> int:
    """The command line, `python -m emulators.cortex_xdr`; returns the exit status. See `kit.main`."""
    return kit.main(CortexXdr, XdrOptions, "emulators.cortex_xdr", argv)
