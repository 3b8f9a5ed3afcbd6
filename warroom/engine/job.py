"""What to run: one command of one instance, or one script, with everything already checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from warroom.content import Code, Command, Integration, Script
from warroom.engine.arguments import NO_MODIFIERS, Modifiers
from warroom.engine.process import DEFAULT_LIMITS, Limits
from warroom.engine.results import Progress
from warroom.engine.services import Call
from warroom.engine.session import OnCall
from warroom.store import Instance

Purpose = Literal["command", "fetch", "test", "script"]


class OtherServer(Protocol):
    """A server that answers a script in place of this house: its calls by name, and `run` for war room commands."""

    @property
    def calls(self) -> Mapping[str, Call]:
        """The calls by name."""

    def run(self, name: str, args: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The entries of a war room command. Raises ValueError when it is refused."""


@dataclass(frozen=True)
class Job:
    """One run. `instance` and `integration` are None for scripts, `script` for everything else.

    `server`: what answers the script; None for this house.
    """

    command: Command
    code: Code
    purpose: Purpose
    args: dict[str, Any] = field(default_factory=dict)
    instance: Instance | None = None
    integration: Integration | None = None
    script: Script | None = None
    modifiers: Modifiers = NO_MODIFIERS
    limits: Limits = DEFAULT_LIMITS
    server: OtherServer | None = None

    @property
    def brand(self) -> str:
        """The integration's id, or Scripts."""
        return self.integration.id if self.integration else "Scripts"

    @property
    def instance_name(self) -> str:
        """The instance's name, or the script's."""
        return self.instance.name if self.instance else self.command.name

    @property
    def instance_id(self) -> str:
        """The instance's id, "" for a script."""
        return self.instance.id if self.instance else ""


@dataclass(frozen=True)
class Hooks:
    """What a caller wants to hear during a run; may be called from several threads when a command fans out."""

    on_call: OnCall | None = None
    on_progress: Callable[[Progress], None] | None = None


NO_HOOKS = Hooks()
