"""The Meraki emulator put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from emulators import kit
from emulators.kit import Call, Emulator, Observer, Refused, Reply, Route, serving
from emulators.meraki.access import Budgets
from emulators.meraki.calls import BASE
from emulators.meraki.clients import ClientCalls
from emulators.meraki.dashboard import Dashboard
from emulators.meraki.errors import error_reply
from emulators.meraki.options import MerakiOptions
from emulators.meraki.organizations import OrganizationCalls
from emulators.meraki.state import MerakiState
from emulators.meraki.switches import SwitchCalls


class Meraki(Emulator[MerakiState, MerakiOptions]):
    """One cloud with any number of organisations, and one API key."""

    name: ClassVar[str] = "meraki"
    vendor_headers: ClassVar[frozenset[str]] = frozenset({"x-cisco-meraki-api-key"})

    def __init__(
        self,
        options: MerakiOptions,
        *,
        clock: Callable[[], float] = time.time,
        observer: Observer | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens the state, takes or makes the key, binds the port. Raises BadOption."""
        super().__init__(options, clock=clock, observer=observer, monotonic=monotonic)
        self._key = self.state.access.key(options.api_key)
        self._budgets = self._new_budgets()

    @property
    def dashboard(self) -> Dashboard:
        """The objects of this moment; a reset replaces them."""
        return self.state.dashboard

    def open_state(self, *, fresh: bool) -> MerakiState:
        """The dashboard from `options.state`, or an empty one in memory."""
        return MerakiState(self.options, self.clock.now, fresh=fresh)

    def routes(self) -> Sequence[Route]:
        """All calls."""
        return [route for area in (OrganizationCalls, ClientCalls, SwitchCalls) for route in area(self).routes()]

    def authenticate(self, call: Call) -> None:
        """Raises Refused: 401 without the key, 429 when the organisation of the call has no requests left."""
        if not call.path.startswith(f"{BASE}/"):
            raise Refused(404)
        with self.lock:
            self.state.access.check(call)
            organization = self.dashboard.organization_of(call.arguments)
            if organization:
                self._budgets.take(organization, self.options.retry_after)

    def error(self, refused: Refused) -> Reply:
        """The vendor's error shape."""
        return error_reply(refused)

    def credentials(self) -> dict[str, str]:
        """The API key."""
        return {"api_key": self._key}

    def key_expired(self) -> Refused:
        """A key that was revoked looks like a wrong one."""
        return Refused(401, "Invalid API key")

    def forget(self) -> None:
        """The key stays and is written into the new state; all budgets are full again."""
        self.state.access.key(self._key)
        self._budgets = self._new_budgets()

    def _new_budgets(self) -> Budgets:
        return Budgets(self.options.organization_rate, self.options.organization_burst, self._monotonic)


@contextmanager
def running(
    *,
    clock: Callable[[], float] = time.time,
    observer: Observer | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    **options: Any,
) -> Iterator[Meraki]:
    """An emulator that serves inside this process for as long as the block lasts.

    `options` are the fields of MerakiOptions, named as on the command line (`--policy-limit` is `policy_limit`);
    `api_key` is the key itself here. Raises BadOption.
    """
    with serving(Meraki(MerakiOptions(**options), clock=clock, observer=observer, monotonic=monotonic)) as emulator:
        yield emulator


def main(argv: Sequence[str] | None = None) -> int:
    """The command line, `python -m emulators.meraki`; returns the exit status. See `kit.main`."""
    return kit.main(Meraki, MerakiOptions, "emulators.meraki", argv)
