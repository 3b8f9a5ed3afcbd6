"""Who is asking: sessions with a password, which end, and the API key, which does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from emulators.fortimanager.codes import LOGIN_FAIL, NO_PERMISSION, Failed
from emulators.fortimanager.options import FortiManagerOptions
from emulators.kit import Database

PASSWORD = "made-up-password-of-fortimanager"  # noqa: S105 - the key of an emulator
API_KEY = "made-up-key-of-fortimanager"
# Sessions of people and of the API key have numbers of their own, far from those that are counted.
KEY_NUMBER = 1
FIRST_NUMBER = 1000


class Who(NamedTuple):
    """The administrator behind a request. `number` is what a lock is held by (`lock_sid`)."""

    user: str
    number: int


class Sessions:
    """Open sessions by their secret text."""

    def __init__(self, database: Database, options: FortiManagerOptions, now: Callable[[], float]) -> None:
        self._open = database.collection("sessions")
        self._counters = database.collection("counters")
        self._options = options
        self._now = now

    def login(self, user: object, password: object) -> str:
        """A new session. Raises Failed: wrong password, no right to the API, too many sessions."""
        if (user, password) != (self._options.user, PASSWORD):
            raise Failed(LOGIN_FAIL)
        if self._options.rpc_permit == "none":
            raise Failed(NO_PERMISSION)
        if len(self.open_ones()) >= self._options.max_sessions:
            raise Failed(LOGIN_FAIL, "too many sessions")
        number = int(self._counters.get("session") or FIRST_NUMBER) + 1
        self._counters.put("session", number)
        name = f"made-up-session-{number}"
        self._open.put(name, {"user": user, "number": number, "used": self._now()})
        return name

    def logout(self, name: str) -> None:
        """End a session."""
        self._open.remove(name)

    def who(self, session: str, authorization: str) -> Who:
        """The administrator of a request, whose session is used by this. Raises Failed(-11) for everything else."""
        if authorization:
            if authorization != f"Bearer {API_KEY}" or self._options.rpc_permit == "none":
                raise Failed(NO_PERMISSION)
            return Who(self._options.api_user, KEY_NUMBER)
        found = self.open_ones().get(session)
        if found is None:
            raise Failed(NO_PERMISSION)
        self._open.put(session, {**found, "used": self._now()})
        return Who(found["user"], found["number"])

    def open_ones(self) -> dict[str, dict[str, Any]]:
        """Sessions that are open now; those that were idle too long are gone."""
        oldest = self._now() - self._options.idle_seconds
        for name, found in list(self._open.items()):
            if found["used"] < oldest:
                self._open.remove(name)
        return dict(self._open.items())

    def is_open(self, number: int) -> bool:
        """Whether a session with this number is open. The API key's always is."""
        return number == KEY_NUMBER or number in {found["number"] for found in self.open_ones().values()}

    def end_all(self) -> None:
        """End every session, as a restart does."""
        for name in list(self.open_ones()):
            self._open.remove(name)
