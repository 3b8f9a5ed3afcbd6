"""The Vectra emulator put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from emulators import kit
from emulators.kit import Call, Emulator, Observer, Refused, Reply, Route, serving
from emulators.kit.strict import known_headers, known_names
from emulators.vectra.brain import Brain
from emulators.vectra.errors import error_reply
from emulators.vectra.lists import GroupCalls, ListCalls
from emulators.vectra.options import VectraOptions
from emulators.vectra.state import VectraState
from emulators.vectra.writes import NoteCalls, TagCalls

_FORM = "form"
_FORM_TYPE = "application/x-www-form-urlencoded"


class Vectra(Emulator[VectraState, VectraOptions]):
    """One brain, asked with one API version and one kind of credentials."""

    name: ClassVar[str] = "vectra"

    def __init__(
        self, options: VectraOptions, *, clock: Callable[[], float] = time.time, observer: Observer | None = None
    ) -> None:
        """Opens the state, takes or makes the secret, binds the port. Raises BadOption."""
        super().__init__(options, clock=clock, observer=observer)
        self._secret_name = "token" if options.auth == "token" else "client_secret"
        self._secret = self.state.access.secret(self._secret_name, getattr(options, self._secret_name))

    @property
    def brain(self) -> Brain:
        """What stands in the brain at this moment; a reset replaces it."""
        return self.state.brain

    @property
    def client_id(self) -> str:
        """The id of the API client; empty with a personal token."""
        return self.options.client_id if self.options.auth == "oauth" else ""

    @property
    def client_secret(self) -> str:
        """The secret of the API client; empty with a personal token."""
        return self._secret if self.options.auth == "oauth" else ""

    @property
    def token(self) -> str:
        """The personal token; empty with an API client."""
        return self._secret if self.options.auth == "token" else ""

    def cost(self, after: int = 0) -> dict[str, int]:
        """How many requests with a number above `after` were `reads`, `writes`, `tokens`; and the `last` number.

        Counts answered and failed ones alike, among those the log keeps (10,000).
        """
        count = {"reads": 0, "writes": 0, "tokens": 0, "last": after}
        for request in self.requests.latest():
            if request.number > after:
                count["last"] = max(count["last"], request.number)
                reads = "reads" if request.method == "GET" else "writes"
                count["tokens" if self._is_token_call(request.path) else reads] += 1
        return count

    def open_state(self, *, fresh: bool) -> VectraState:
        """The brain from `options.state`, or a new one in memory."""
        return VectraState(self.options, self.clock.now, fresh=fresh)

    def routes(self) -> list[Route]:
        """The calls of the offered version."""
        routes = [route for area in (ListCalls, GroupCalls, TagCalls, NoteCalls) for route in area(self).routes()]
        if self.options.auth == "oauth":
            routes.append(Route("POST", self.options.version.token_path, self._issue, _FORM))
        return routes

    def authenticate(self, call: Call) -> None:
        """Raises Refused: 404 outside the offered version, 401 without a good token. The token call checks itself."""
        if self._is_token_call(call.path):
            return
        if not call.path.startswith(self.options.version.base + "/"):
            raise Refused(404)
        with self.lock:
            self.state.access.check(call.headers.get("Authorization", ""))

    def _issue(self, call: Call) -> Reply:
        return self.state.access.issue(call)

    def _is_token_call(self, path: str) -> bool:
        return path.rstrip("/") == self.options.version.token_path

    def _check_form(self, call: Call, route: Route) -> None:
        """As in the kit, except for two of Vectra's ways: 422 for parameters, and the token call takes a form."""
        try:
            known_names(call.request.args.keys(), route.query, "query string")
        except Refused as refused:
            raise Refused(422, refused.message, extra=refused.extra) from None
        if route.body != _FORM:
            super()._check_form(call, route)
            return
        known_headers(call.headers.keys(), self.vendor_headers)
        if call.request.mimetype != _FORM_TYPE:
            raise Refused(400, f"Content-Type is '{call.request.mimetype}'; it must be {_FORM_TYPE}")

    def error(self, refused: Refused) -> Reply:
        """One of the error shapes; see `error_reply`."""
        return error_reply(refused, rux=self.options.version.rux)

    def credentials(self) -> dict[str, str]:
        """The version, and the token or the API client."""
        options = self.options
        who = {"token": self._secret}
        if options.auth == "oauth":
            who = {"client_id": options.client_id, "client_secret": self._secret}
        return {"api_version": options.api_version, "auth": options.auth, **who}

    def forget(self) -> None:
        """The secret stays and is written into the new state; tokens are gone with the old one."""
        self.state.access.secret(self._secret_name, self._secret)


@contextmanager
def running(
    *, clock: Callable[[], float] = time.time, observer: Observer | None = None, **options: Any
) -> Iterator[Vectra]:
    """An emulator that serves inside this process for as long as the block lasts.

    `options` are the fields of VectraOptions, named as on the command line (`--api-version` is `api_version`);
    `token` and `client_secret` are the secrets themselves here. Raises BadOption.
    """
    with serving(Vectra(VectraOptions(**options), clock=clock, observer=observer)) as emulator:
        yield emulator


def main(argv: Sequence[str] | None = None) -> int:
    """The command line, `python -m emulators.vectra`; returns the exit status. See `kit.main`."""
    return kit.main(Vectra, VectraOptions, "emulators.vectra", argv)
