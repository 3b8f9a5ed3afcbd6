"""What there is to call: commands, scripts and playbooks by name, as the checks of playbooks need to know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from warroom.core.playbook import Playbook, Task

BUILTIN = "Builtin"


@dataclass(frozen=True)
class Slot:
    """One argument that is taken. `needed`: required, with no default. `options` is empty when all is allowed."""

    name: str
    needed: bool = False
    options: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True)
class Callee:
    """A command of the integration `brand`, of the server (brand Builtin), or a script (no brand).

    `anything`: arguments beside the slots name fields of an incident or an indicator.
    """

    name: str
    brand: str = ""
    slots: Mapping[str, Slot] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    deprecated: bool = False
    anything: bool = False

    @property
    def title(self) -> str:
        """How a finding names it."""
        if not self.brand:
            return f"script {self.name}"
        return f"!{self.name}" if self.brand == BUILTIN else f"!{self.name} of {self.brand}"


@dataclass(frozen=True)
class Known:
    """Everything under the paths of a home, and what the host brings along.

    `brands` maps the names of an integration, in lower case, to its id; `modifiers` are the arguments that every
    command takes, `refused` those of XSOAR that the host refuses; `transformers` maps each stock transformer to its
    arguments, `filters` are the stock operators.
    """

    commands: Mapping[str, Sequence[Callee]] = field(default_factory=dict)
    scripts: Mapping[str, Callee] = field(default_factory=dict)
    builtins: Mapping[str, Callee] = field(default_factory=dict)
    playbooks: Sequence[Playbook] = ()
    brands: Mapping[str, str] = field(default_factory=dict)
    modifiers: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    filters: frozenset[str] = frozenset()
    transformers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def playbook(self, name: str) -> Playbook | None:
        """The playbook of this name or id, or None."""
        return next((item for item in self.playbooks if name in (item.name, item.id)), None)

    def callees(self, task: Task) -> list[Callee]:
        """What the task may run, several where integrations share a command; empty when nothing fits.

        A command or script of the server wins over one of a pack that has the same name.
        """
        name, brand = task.script, task.brand
        if brand in ("", BUILTIN) and name in self.builtins:
            return [self.builtins[name]]
        if brand and brand != BUILTIN:
            wanted = self.brands.get(brand.casefold(), brand)
            return [item for item in self.commands.get(name, ()) if item.brand == wanted]
        if not task.is_command and name in self.scripts:
            return [self.scripts[name]]
        found = list(self.commands.get(name, ()))
        return found or ([self.scripts[name]] if name in self.scripts else [])
