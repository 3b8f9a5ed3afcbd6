"""What sets the API versions apart. Pure."""

from __future__ import annotations

from dataclasses import dataclass

VERSIONS = ("2.5", "3.3", "3.4", "3.5")


@dataclass(frozen=True)
class ApiVersion:
    """One version of the API; `name` is one of VERSIONS. 2.5 is QUX (an appliance), 3.x is RUX (the cloud portal)."""

    name: str

    @property
    def base(self) -> str:
        """The path all calls of this version start with, without a slash at its end."""
        return f"/api/v{self.name}"

    @property
    def token_path(self) -> str:
        """The path of the OAuth2 token call."""
        return "/oauth2/token" if self.rux else f"{self.base}/oauth2/token"

    @property
    def rux(self) -> bool:
        """True for 3.x: entities with an urgency, refresh tokens, no bulk tagging."""
        return self.name != "2.5"

    @property
    def old_names(self) -> bool:
        """True while old field names (`c_score`, `category`, `entity_type`) stand beside the new ones."""
        return not self.since("3.4")

    def since(self, name: str) -> bool:
        """True when this version is `name` or later."""
        return VERSIONS.index(self.name) >= VERSIONS.index(name)
