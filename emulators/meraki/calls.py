"""What all areas of calls share: the state behind the emulator, and what the key may see of it."""

from __future__ import annotations

from typing import Protocol

from emulators.kit import Call, Refused
from emulators.meraki.access import NOT_FOUND, Access
from emulators.meraki.dashboard import Dashboard, Document
from emulators.meraki.options import MerakiOptions
from emulators.meraki.state import MerakiState

BASE = "/api/v1"


class Served(Protocol):
    """The part of the emulator that calls need."""

    url: str
    options: MerakiOptions

    @property
    def state(self) -> MerakiState:
        """The state of this moment; a reset replaces it."""


class Area:
    """A group of calls. What the key may not see is 404, just as what does not exist."""

    def __init__(self, served: Served) -> None:
        self._served = served

    @property
    def dashboard(self) -> Dashboard:
        """The objects."""
        return self._served.state.dashboard

    @property
    def access(self) -> Access:
        """The rights of the key."""
        return self._served.state.access

    @property
    def options(self) -> MerakiOptions:
        """The options of the emulator."""
        return self._served.options

    def url(self, call: Call) -> str:
        """The address of a call without its query."""
        return f"{self._served.url}{call.path}"

    def organization(self, key: str) -> Document:
        """An organisation that the key sees and whose API is on. Raises Refused(404)."""
        found = self.dashboard.get("organization", key)
        if not found["api"] or not self.access.sees("organizations", key):
            raise Refused(404, NOT_FOUND)
        return found

    def network(self, key: str) -> Document:
        """A network that the key sees. Raises Refused(404)."""
        found = self.dashboard.get("network", key)
        self.organization(found["organizationId"])
        if not self.access.sees("networks", key):
            raise Refused(404, NOT_FOUND)
        return found

    def device(self, serial: str) -> Document:
        """A device that the key sees. Raises Refused(404)."""
        found = self.dashboard.get("device", serial)
        self.network(found["networkId"])
        return found
