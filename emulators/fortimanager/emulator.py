"""The FortiManager emulator put together.

What is known from where, and what is not modelled, stands in README.md of this folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, ClassVar

from emulators import kit
from emulators.fortimanager.codes import BAD_PARAMETER, INVALID_URL, NO_PERMISSION, Failed
from emulators.fortimanager.options import FortiManagerOptions
from emulators.fortimanager.rpc import Envelope, Part, envelope_from, refusal, reply, result
from emulators.fortimanager.sessions import API_KEY, PASSWORD, Who
from emulators.fortimanager.state import FortiManagerState
from emulators.kit import Call, Emulator, Observer, Refused, Reply, Route, serving

LOGIN, LOGOUT = ("sys", "login", "user"), ("sys", "logout")


class FortiManager(Emulator[FortiManagerState, FortiManagerOptions]):
    """One FortiManager with its FortiGates. All calls go to one path, and all answers but faults are HTTP 200."""

    name: ClassVar[str] = "fortimanager"

    def open_state(self, *, fresh: bool) -> FortiManagerState:
        """The state from `options.state`, or a new one in memory."""
        return FortiManagerState(self.options, self.clock.now, fresh=fresh)

    def routes(self) -> list[Route]:
        """The one path."""
        return [Route("POST", "/jsonrpc", self._answer)]

    def authenticate(self, call: Call) -> None:
        """Nothing here: a login is a call like any other, so the handler asks who it is."""

    def error(self, refused: Refused) -> Reply:
        """What is wrong with the call is an answer of the API; what is wrong with the transport is a page."""
        if refused.status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST):
            code = refused.extra if isinstance(refused.extra, int) else BAD_PARAMETER[0]
            return reply(None, [refusal("", code, refused.message or BAD_PARAMETER[1])])
        page = f"<html><body><h1>{refused.status}</h1>{refused.message}</body></html>"
        return Reply(refused.status, page.encode(), {"Content-Type": "text/html"})

    def credentials(self) -> dict[str, str]:
        """User and password, and the key of the API user."""
        return {"user": self.options.user, "password": PASSWORD, "api_key": API_KEY}

    def key_expired(self) -> Refused:
        """An ended session cannot be told from a missing right."""
        return Refused(200, NO_PERMISSION[1], extra=NO_PERMISSION[0])

    def _answer(self, call: Call) -> Reply:
        envelope = envelope_from(call.json())
        call.records = len(envelope.parts)
        call.note = "; ".join(f"{part.method} {part.url}" for part in envelope.parts)
        with self.state.database.transaction():
            self.state.tasks.advance()
            if envelope.parts[0].path in (LOGIN, LOGOUT):
                return self._session_call(envelope)
            try:
                who = self.state.sessions.who(envelope.session, call.headers.get("Authorization", ""))
            except Failed as failed:
                return reply(envelope.id, [refusal(envelope.parts[0].url, failed.code, failed.message)])
            return reply(envelope.id, [self._one(part, who) for part in envelope.parts])

    def _one(self, part: Part, who: Who) -> dict[str, Any]:
        try:
            return result(part, self.state.calls.call(part, who))
        except Failed as failed:
            return refusal(part.url, failed.code, failed.message)

    def _session_call(self, envelope: Envelope) -> Reply:
        part, sessions = envelope.parts[0], self.state.sessions
        try:
            if part.method != "exec" or len(envelope.parts) > 1:
                raise Failed(INVALID_URL)
            if part.path == LOGOUT:
                self.state.adoms.release_of(sessions.who(envelope.session, "").number)
                sessions.logout(envelope.session)
                return reply(envelope.id, [result(part)])
            data = part.mapping()
            if data.keys() != {"user", "passwd"}:
                raise Failed(BAD_PARAMETER, "user and passwd")
            return reply(envelope.id, [result(part)], sessions.login(data["user"], data["passwd"]))
        except Failed as failed:
            return reply(envelope.id, [refusal(part.url, failed.code, failed.message)])


@contextmanager
def running(
    *, clock: Callable[[], float] = time.time, observer: Observer | None = None, **options: Any
) -> Iterator[FortiManager]:
    """An emulator that serves inside this process for as long as the block lasts.

    `options` are the fields of FortiManagerOptions, named as on the command line. Raises BadOption.
    """
    with serving(FortiManager(FortiManagerOptions(**options), clock=clock, observer=observer)) as emulator:
        yield emulator


def main(argv: Sequence[str] | None = None) -> int:
    """The command line, `python -m emulators.fortimanager`; returns the exit status. See `kit.main`."""
    return kit.main(FortiManager, FortiManagerOptions, "emulators.fortimanager", argv)
