"""The shapes that a pack declares: integrations with parameters and commands, scripts with arguments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TEXT, NUMBER, ENCRYPTED, BOOLEAN, CREDENTIALS, LONG_TEXT = 0, 1, 4, 8, 9, 12
INCIDENT_TYPE, LONG_ENCRYPTED, SINGLE_SELECT, MULTI_SELECT = 13, 14, 15, 16
EXPIRATION_POLICY, REPUTATION, INTERVAL = 17, 18, 19
SECRET_TYPES = frozenset({ENCRYPTED, CREDENTIALS, LONG_ENCRYPTED})


@dataclass(frozen=True)
class Parameter:
    """One setting of an integration instance.

    `type` is the number of the yml; `default` is its text form, "" when there is none; `options` is empty
    when every text is allowed. `hidden` says whether XSOAR leaves it out of its form.
    """

    name: str
    display: str
    type: int
    default: str = ""
    required: bool = False
    hidden: bool = False
    options: tuple[str, ...] = ()
    help: str = ""
    section: str = ""
    advanced: bool = False
    display_password: str = ""
    hidden_username: bool = False
    hidden_password: bool = False

    @property
    def secret(self) -> bool:
        """True when the value, or its password part, must never be shown."""
        return self.type in SECRET_TYPES and not (self.type == CREDENTIALS and self.hidden_password)

    @property
    def label(self) -> str:
        """The text that a person knows the parameter by."""
        return self.display or self.display_password or self.name


@dataclass(frozen=True)
class Argument:
    """One argument of a command or script. `default_value` is None when the yml gives none."""

    name: str
    required: bool = False
    is_default: bool = False
    is_array: bool = False
    secret: bool = False
    predefined: tuple[str, ...] = ()
    default_value: str | None = None
    description: str = ""


@dataclass(frozen=True)
class Command:
    """One war room command as its yml declares it. `outputs` are the context paths that it may set.

    `any_argument`: further arguments name fields of an incident or an indicator. `harmful`: its yml says that it acts.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    description: str = ""
    deprecated: bool = False
    outputs: tuple[str, ...] = ()
    any_argument: bool = False
    harmful: bool = False


@dataclass(frozen=True)
class Code:
    """Python code to run: `path` in source form, `source` when the yml carries the code; exactly one is set.

    `python_path` are the folders of the shared modules that source form imports by name.
    """

    module: str
    path: Path | None = None
    source: str | None = None
    python_path: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Integration:
    """One integration. `id` is the brand under which its commands run."""

    id: str
    name: str
    display: str
    pack: str
    file: Path
    code: Code
    parameters: tuple[Parameter, ...] = ()
    commands: tuple[Command, ...] = ()
    sections: tuple[str, ...] = ()
    category: str = ""
    feed: bool = False
    is_fetch: bool = False
    long_running: bool = False

    def command(self, name: str) -> Command | None:
        """The declared command of this name, or None."""
        return next((command for command in self.commands if command.name == name), None)

    def parameter(self, name: str) -> Parameter | None:
        """The declared parameter of this name, or None."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


@dataclass(frozen=True)
class Script:
    """One automation. `timeout_seconds` is None when the yml leaves it to the server; `tags` say where it is offered
    (filter, transformer, condition, ...)."""

    id: str
    name: str
    pack: str
    file: Path
    code: Code
    arguments: tuple[Argument, ...] = ()
    description: str = ""
    timeout_seconds: float | None = None
    outputs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    deprecated: bool = False

    @property
    def command(self) -> Command:
        """The script seen as a war room command."""
        return Command(self.name, self.arguments, self.description, self.deprecated, self.outputs)
