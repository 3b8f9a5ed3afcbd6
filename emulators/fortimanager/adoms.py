"""The databases of the ADOMs: saved objects, drafts of who holds the lock, and the locks themselves.

While an ADOM is shared by locks (`normal`, or `per-adom` and switched on), only the session that holds its lock may
write. What it writes is a draft that only it sees, and a draft that is not committed before the lock is given up is
gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from emulators.fortimanager.codes import (
    MISSING,
    NO_PERMISSION,
    NO_WORKFLOW_SESSION,
    NO_WRITE,
    NOT_FOR_URL,
    NOT_HOLDER,
    Failed,
)
from emulators.fortimanager.options import FortiManagerOptions
from emulators.fortimanager.sessions import Sessions, Who
from emulators.kit import Database

SEPARATOR = "\n"


class Adoms:
    """Objects by ADOM, table and name; `saved(adom)` is called whenever what is saved has changed."""

    def __init__(
        self, database: Database, options: FortiManagerOptions, sessions: Sessions, now: Callable[[], float]
    ) -> None:
        self.adoms = database.collection("adoms")
        self.settings = database.collection("settings")
        self.locks = database.collection("locks")
        self._objects = database.collection("objects")
        self._drafts = database.collection("drafts")
        self._database = database
        self._options = options
        self._sessions = sessions
        self._now = now
        self.saved: Callable[[str], None] = lambda adom: None
        self.unlocked: Callable[[str], None] = lambda adom: None

    # ---- ADOMs

    def adom(self, name: str) -> dict[str, Any]:
        """What is known of an ADOM. Raises Failed: not there, or no right to it."""
        found: dict[str, Any] | None = self.adoms.get(name)
        if found is not None and not self._options.may_use(name):
            raise Failed(NO_PERMISSION)
        if found is None:
            raise Failed(MISSING)
        return found

    def mode(self) -> str:
        """The workspace mode of the whole FortiManager."""
        return str(self.settings.get("workspace_mode") or self._options.workspace_mode)

    def shared_by_locks(self, name: str) -> bool:
        """Whether this ADOM has to be locked before it is written."""
        mode = self.mode()
        return mode in ("normal", "workflow") or (mode == "per-adom" and self.adom(name)["workspace_mode"] == 1)

    # ---- locks

    def holder(self, name: str) -> dict[str, Any] | None:
        """The lock of an ADOM; one whose session is gone goes with it, and takes the drafts along."""
        lock: dict[str, Any] | None = self.locks.get(name)
        if lock is not None and lock["number"] and not self._sessions.is_open(lock["number"]):
            self._release(name)
            return None
        return lock

    def lock(self, name: str, who: Who) -> None:
        """Take the lock; it may be taken again by who holds it. Raises Failed."""
        self._needs_locks(name)
        holder = self.holder(name)
        if holder is not None and holder["number"] != who.number:
            raise Failed((self._options.locked_code, "Workspace is locked by other user"))
        if holder is None:
            self.locks.put(name, {"number": who.number, "user": who.user, "time": int(self._now())})

    def unlock(self, name: str, who: Who) -> None:
        """Give the lock up; drafts that were not committed are gone. Raises Failed for who does not hold it."""
        self._needs_locks(name)
        self._needs_lock(name, who, NOT_HOLDER)
        self._release(name)

    def commit(self, name: str, who: Who) -> None:
        """Save the drafts. Raises Failed for who does not hold the lock."""
        self._needs_locks(name)
        self._needs_lock(name, who, NOT_HOLDER)
        drafts = list(self._drafts_of(name))
        for key, draft in drafts:
            self._store(key, draft["document"])
            self._drafts.remove(key)
        if drafts:
            self.saved(name)

    def force_lock(self, name: str, user: str | None) -> None:
        """What another administrator does in the console: hold the lock, or (None) end whatever lock there is."""
        self._release(name)
        if user is not None:
            self.locks.put(name, {"number": 0, "user": user, "time": int(self._now())})

    def dirty(self, name: str) -> bool:
        """Whether there are drafts."""
        return any(True for _ in self._drafts_of(name))

    def release_of(self, number: int) -> None:
        """The end of a session: its locks go."""
        for name, lock in list(self.locks.items()):
            if lock["number"] == number:
                self._release(name)

    def _needs_locks(self, name: str) -> None:
        self.adom(name)
        if not self.shared_by_locks(name):
            raise Failed(NOT_FOR_URL)

    def _needs_lock(self, name: str, who: Who, refusal: tuple[int, str]) -> None:
        holder = self.holder(name)
        if holder is None or holder["number"] != who.number:
            raise Failed(refusal)

    def _release(self, name: str) -> None:
        for key, _ in list(self._drafts_of(name)):
            self._drafts.remove(key)
        if self.locks.remove(name):
            self.unlocked(name)

    # ---- objects

    def rows(self, adom: str, table: str, who: Who | None = None) -> dict[str, dict[str, Any]]:
        """The objects of a table by name, as this administrator sees them; None sees what is saved."""
        head = SEPARATOR.join((adom, table, ""))
        found = {key[len(head) :]: value for key, value in self._objects.items() if key.startswith(head)}
        if who is None or not self._sees_drafts(adom, who):
            return found
        for key, draft in self._drafts_of(adom):
            if key.startswith(head):
                found.pop(key[len(head) :], None)
                if draft["document"] is not None:
                    found[key[len(head) :]] = draft["document"]
        return found

    def write(self, adom: str, table: str, name: str, document: dict[str, Any] | None, who: Who) -> None:
        """Put an object there, or (None) take it away. Raises Failed without the right or the lock to do so."""
        self.may_write(adom, who)
        key = SEPARATOR.join((adom, table, name))
        if self.shared_by_locks(adom):
            self._drafts.put(key, {"document": document})
            return
        self._store(key, document)
        self.saved(adom)

    def may_write(self, adom: str, who: Who) -> None:
        """Raises Failed unless this administrator may write into the ADOM now."""
        self.adom(adom)
        if self._options.rpc_permit != "read-write":
            raise Failed(NO_PERMISSION)
        if not self.shared_by_locks(adom):
            return
        self._needs_lock(adom, who, NO_WRITE)
        if self.mode() == "workflow":
            raise Failed(NO_WORKFLOW_SESSION)

    def put_saved(self, adom: str, table: str, name: str, document: dict[str, Any] | None) -> None:
        """As `write`, by an operator whose change is saved at once."""
        self._store(SEPARATOR.join((adom, table, name)), document)

    def dump(self) -> Iterator[dict[str, Any]]:
        """ADOMs, locks, objects and drafts."""
        for name, adom in self.adoms.items():
            yield {"kind": "adom", "name": name, **adom}
        for name, lock in self.locks.items():
            yield {"kind": "lock", "adom": name, **lock}
        for kind, collection in (("object", self._objects), ("draft", self._drafts)):
            for key, document in collection.items():
                adom, table, name = key.split(SEPARATOR)
                yield {"kind": kind, "adom": adom, "table": table, "name": name, "document": document}

    def _sees_drafts(self, adom: str, who: Who) -> bool:
        holder = self.holder(adom)
        return holder is not None and holder["number"] == who.number

    def _drafts_of(self, adom: str) -> Iterator[tuple[str, Any]]:
        return ((key, value) for key, value in self._drafts.items() if key.startswith(adom + SEPARATOR))

    def _store(self, key: str, document: dict[str, Any] | None) -> None:
        if document is None:
            self._objects.remove(key)
        else:
            self._objects.put(key, document)
