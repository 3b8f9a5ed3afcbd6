"""Everything one emulated ISE deployment remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulators.cisco_ise import operator
from emulators.cisco_ise.access import Access
from emulators.cisco_ise.anc import Anc
from emulators.cisco_ise.options import IseOptions
from emulators.kit import Database

DEFAULT_POLICY = "Quarantine"


class IseState:
    """Accounts, policies, endpoints with a policy, sessions, and the switches of the deployment."""

    def __init__(self, options: IseOptions, now: Callable[[], float], *, fresh: bool) -> None:
        """Opens `options.state`, or memory. Raises BadOption when the file cannot be used."""
        self._database = Database(options.state, "cisco_ise", fresh=fresh)
        self.options = options
        self.switches = self._database.collection("switches")
        self.access = Access(self._database, options, now)
        self.anc = Anc(self._database, options, now)
        if not self.switches.get("made"):
            self.switches.put("made", True)
            self.anc.put_policy(DEFAULT_POLICY, ["QUARANTINE"])

    @property
    def ers_on(self) -> bool:
        """Is the ERS API switched on?"""
        return self.switches.get("ers") != "off"

    @property
    def csrf(self) -> bool:
        """Does ERS ask for a CSRF token?"""
        return (self.switches.get("csrf") or self.options.csrf) == "on"

    def dump(self) -> Iterator[bytes]:
        """See `operator.dump`."""
        return map(orjson.dumps, operator.dump(self))

    def count(self) -> dict[str, Any]:
        """How much there is of each kind."""
        return operator.count(self)

    def seed(self, payload: Any) -> dict[str, Any]:
        """See `operator.seed`."""
        with self._database.transaction():
            return operator.seed(self, payload)

    def edit(self, payload: Any) -> dict[str, Any]:
        """See `operator.edit`."""
        with self._database.transaction():
            return operator.edit(self, payload)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
