"""The Cisco ISE emulator put together: ERS on one port, MnT on another one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from emulators import kit
from emulators.cisco_ise.ers import BASE as ERS
from emulators.cisco_ise.ers import ErsCalls
from emulators.cisco_ise.mnt import BASE as MNT
from emulators.cisco_ise.mnt import MntCalls
from emulators.cisco_ise.options import IseOptions
from emulators.cisco_ise.replies import error_reply
from emulators.cisco_ise.state import IseState
from emulators.kit import BadOption, Call, Emulator, Observer, Refused, Reply, Route, serving
from emulators.kit.wire import Answer, Listener

_ON_MNT_PORT = "cisco_ise.mnt_port"


class CiscoIse(Emulator[IseState, IseOptions]):
    """One deployment: an administration node with ERS, a monitoring node with MnT."""

    name: ClassVar[str] = "cisco_ise"
    vendor_headers: ClassVar[frozenset[str]] = frozenset({"x-csrf-token", "ers-media-type"})

    def __init__(
        self, options: IseOptions, *, clock: Callable[[], float] = time.time, observer: Observer | None = None
    ) -> None:
        """Opens the state, makes the first account, binds both ports. Raises BadOption."""
        super().__init__(options, clock=clock, observer=observer)
        try:
            self._mnt = Listener(options.host, options.mnt_port, self._answer_mnt)
        except BadOption:
            self.state.close()
            raise
        self.mnt_url = self._mnt.url
        self._first_password = self.password

    @property
    def ise(self) -> IseState:
        """The state at this moment; a reset replaces it."""
        return self.state

    @property
    def username(self) -> str:
        """The name of the account that is there from the start."""
        return self.options.username

    @property
    def password(self) -> str:
        """Its password."""
        return self.state.access.password(self.options.username)

    def open_state(self, *, fresh: bool) -> IseState:
        """The deployment from `options.state`, or a new one in memory."""
        return IseState(self.options, self.clock.now, fresh=fresh)

    def routes(self) -> list[Route]:
        """The calls of both APIs; each is refused on the other's port."""
        return ErsCalls(self).routes() + MntCalls(self).routes()

    def start(self) -> None:
        """Serve both ports from now on."""
        super().start()
        self._mnt.start()

    def stop(self) -> None:
        """Stop serving and close the state."""
        self._mnt.stop()
        super().stop()

    def authenticate(self, call: Call) -> None:
        """Raises Refused unless this port serves the call, and the login may do it.

        Raises ConnectionResetError while ERS is switched off: nobody listens on its port then.
        """
        is_mnt = call.path.startswith("/admin/")
        on_mnt_port = bool(call.request.environ.get(_ON_MNT_PORT))
        if is_mnt is not on_mnt_port and not (is_mnt and self.options.gateway == "on"):
            raise Refused(404, note="not on this port")
        with self.lock:
            if is_mnt:
                self._admit_mnt(call)
            else:
                self._admit_ers(call)

    def error(self, refused: Refused) -> Reply:
        """JSON, XML or a page, by who refuses."""
        return error_reply(refused)

    def credentials(self) -> dict[str, str]:
        """The second address and the login."""
        return {"mnt_url": self.mnt_url, "username": self.username, "password": self.password}

    def key_expired(self) -> Refused:
        """A password that is past its end looks like a wrong one."""
        return Refused(401, note="the password has expired (fault)")

    def forget(self) -> None:
        """The first account keeps its password, so that clients need no new configuration."""
        self.state.access.put_first(self.options, self._first_password)

    def _answer_mnt(self, environ: dict[str, Any]) -> Answer:
        return self.answer({**environ, _ON_MNT_PORT: True})

    def _admit_mnt(self, call: Call) -> None:
        self.state.access.check_mnt(self.state.access.sign_in(call))
        if call.path.startswith(MNT) and call.request.accept_mimetypes["application/xml"] <= 0:
            raise Refused(406, note="MnT answers in XML")

    def _admit_ers(self, call: Call) -> None:
        if not self.state.ers_on:
            raise ConnectionResetError("ERS is switched off")
        account = self.state.access.sign_in(call)
        write = call.method != "GET"
        self.state.access.check_ers(account, write=write)
        if write and self.state.csrf:
            self.state.access.check_token(call)
        if not call.path.startswith(ERS):
            return
        if "application/json" not in call.headers.get("Accept", ""):
            raise Refused(406, note="XML is not modelled: ask for application/json by name")
        if write and call.request.mimetype != "application/json":
            raise Refused(415, note="XML is not modelled: send application/json")


@contextmanager
def running(
    *, clock: Callable[[], float] = time.time, observer: Observer | None = None, **options: Any
) -> Iterator[CiscoIse]:
    """An emulator that serves inside this process for as long as the block lasts.

    `options` are the fields of IseOptions, named as on the command line; `password` is the password itself here.
    Raises BadOption.
    """
    with serving(CiscoIse(IseOptions(**options), clock=clock, observer=observer)) as emulator:
        yield emulator


def main(argv: Sequence[str] | None = None) -> int:
    """The command line, `python -m emulators.cisco_ise`; returns the exit status. See `kit.main`."""
    return kit.main(CiscoIse, IseOptions, "emulators.cisco_ise", argv)
