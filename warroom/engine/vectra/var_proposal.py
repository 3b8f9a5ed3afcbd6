"""An instance that a migration proposes, and where its secrets were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class VarSecret:
    """Where VAR kept a secret: in its keyring and environment under service and key, or in a file as `value`."""

    service: str
    key: str
    value: str = field(default="", repr=False)

    @property
    def variable(self) -> str:
        """The environment variable in which VAR looked first."""
        return f"{self.service}_{self.key}"


@dataclass(frozen=True)
class Proposal:
    """An instance to add. `secrets` by parameter; `identity` are user parts of credentials kept with the secrets."""

    brand: str
    name: str
    params: Mapping[str, str]
    secrets: Mapping[str, VarSecret] = field(default_factory=dict)
    identity: Mapping[str, VarSecret] = field(default_factory=dict)
