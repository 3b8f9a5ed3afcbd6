"""Who may call: API keys, how long they live, keygen, and the rights of the administrator's role."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

from emulators.kit import Database
from emulators.panos.messages import FORBIDDEN, INVALID_CREDENTIAL, refuse
from emulators.panos.options import PanosOptions

_RIGHTS = {"full": ("op", "user-id"), "op": ("op",), "user-id": ("user-id",), "none": ()}


class Access:
    """Keys and role, kept in the state; `now` gives seconds since the epoch."""

    def __init__(self, database: Database, options: PanosOptions, now: Callable[[], float]) -> None:
        self._options = options
        self._now = now
        self._settings = database.collection("settings")
        self._keys = database.collection("keys")

    def secret(self, name: str, given: str | None) -> str:
        """The secret `name`: the one given, else the one kept, else a new one; kept from then on."""
        secret = given or self._settings.get(name) or secrets.token_urlsafe(40)
        self._settings.put(name, secret)
        return str(secret)

    def allow(self, key: str) -> None:
        """Make a key good from now on, for its lifetime; one that was made before stays as it is."""
        if self._keys.get(key) is None:
            self._keys.put(key, {"made": self._now(), "expired": False})

    def keygen(self, user: str, password: str) -> str:
        """A new key. Raises Refused (403) for a wrong login."""
        right = hmac.compare_digest(password.encode(), str(self._settings.get("password")).encode())
        if user != self._options.user or not right:
            raise refuse(FORBIDDEN, INVALID_CREDENTIAL, "user or password is wrong")
        key = secrets.token_urlsafe(60)
        self.allow(key)
        return key

    def check(self, key: str) -> None:
        """Raises Refused (403) unless the key is good now."""
        found = self._keys.get(key) if key else None
        if found is None:
            raise refuse(FORBIDDEN, INVALID_CREDENTIAL, "there is no such key")
        lifetime = self._options.key_lifetime * 60
        if found["expired"] or (lifetime and found["made"] + lifetime <= self._now()):
            raise refuse(FORBIDDEN, INVALID_CREDENTIAL, "the key has expired")

    def expire_all(self) -> None:
        """What the administrator's button does: no key made until now is good any more."""
        for key, found in list(self._keys.items()):
            self._keys.put(key, {**found, "expired": True})

    @property
    def role(self) -> str:
        """The rights as they are now: that of the options until an edit changes it."""
        return str(self._settings.get("role") or self._options.role)

    def set_role(self, role: str) -> None:
        """Give the administrator another role."""
        self._settings.put("role", role)

    def check_right(self, kind: str) -> None:
        """Raises Refused (403) unless the role may make calls of this type."""
        if kind not in _RIGHTS[self.role]:
            raise refuse(FORBIDDEN, f"Type [{kind}] not authorized for user role.")
