"""Runs a program of the customer for each element: an argument vector, never a shell.

The program stands in the image or on the engine that the integration runs in. Its exit code is the answer: 0 is done,
anything else is a refusal. It may be called twice for the same element, after a crash or a time-out.
"""

import ipaddress
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ParametersApiModule import *
from ResponseDriverApiModule import *
from VersionedStateApiModule import *

BRAND = "ExternalCallResponse"
ACTIONS = ("block", "unblock", "state")
# What the commands of a kind of entity may ask for; the first name that a template uses decides what it can take.
PLACEHOLDERS = {
    "host": ("ip", "name", "vectra_id"),
    "account": ("account", "context", "vectra_id"),
    "detection": ("ip", "destination", "vectra_id"),
    "destinations": ("ip", "destination", "vectra_id"),
}
MAY_BE_EMPTY = ("context",)
PLACEHOLDER = re.compile(r"\{(\w+)\}")
LONGEST_VALUE = 256
ACCOUNT = re.compile(r"[\w.$\\@ -]+")
DOMAIN = re.compile(r"(?:\*\.)?(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_-]{1,63}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TAKEN_VARIABLES = ("PATH", "LANG", "IFS", "ENV", "BASH_ENV", "PYTHONPATH", "PYTHONSTARTUP")
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BLOCKED_EXIT, FREE_EXIT = 0, 1


# ---- settings


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once.

    `commands` maps (kind, action) to an argument vector with placeholders; what is not there is not supported. `secret`
    is the name and the value of one environment variable, or None. `timeout` is in seconds, `max_output` in bytes.
    """

    commands: Mapping[tuple[str, str], tuple[str, ...]]
    secret: tuple[str, str] | None
    timeout: float
    max_output: int


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Check every parameter once. Raises ValueError naming the parameter and what to do."""
    commands = {}
    for kind in PLACEHOLDERS:
        for action in ACTIONS:
            name = f"{kind}_{action}_cmd"
            if text := str(params.get(name) or "").strip():
                commands[kind, action] = command_from_text(name, text, PLACEHOLDERS[kind])
        for given, needed in (("block", "unblock"), ("unblock", "block"), ("state", "block")):
            if (kind, given) in commands and (kind, needed) not in commands:
                raise ValueError(f"Parameter {kind}_{needed}_cmd is needed, because {kind}_{given}_cmd is set.")
    return Settings(
        commands,
        secret_from_params(params.get("secret_env") or {}),
        number_param(params, "command_timeout", "Time limit of a command (seconds)", 60, 0.1, 3600),
        whole_param(params, "max_output", "Longest output (bytes)", 10_000, 0, 1_000_000),
    )


def command_from_text(name: str, text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The argument vector in a parameter."""
    try:
        words = json.loads(text)
    except ValueError:
        words = None
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        example = json.dumps(["/opt/block.sh", "--", "{" + known[0] + "}"])
        raise ValueError(f"Parameter {name}: give a JSON list of texts, such as {example}.")
    if not words[0].startswith("/") or PLACEHOLDER.search(words[0]):
        raise ValueError(f"Parameter {name}: the program {words[0]!r} must be a whole path and without placeholders.")
    used = [word for text in words for word in PLACEHOLDER.findall(text)]
    if unknown := sorted({word for word in used if word not in known}):
        raise ValueError(f"Parameter {name}: {{{unknown[0]}}} is unknown here, use {braced(known)}.")
    if not set(used) & set(known) - {"context", "vectra_id"} and "vectra_id" not in used:
        raise ValueError(f"Parameter {name}: it names nothing to act on, use {braced(known)}.")
    return tuple(words)


def braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def secret_from_params(credentials: Mapping[str, Any]) -> tuple[str, str] | None:
    name, value = str(credentials.get("identifier") or "").strip(), str(credentials.get("password") or "")
    if not value:
        return None
    if not VARIABLE.fullmatch(name) or name in TAKEN_VARIABLES or name.startswith(("LD_", "DYLD_")):
        raise ValueError(f"Parameter secret_env: {name!r} cannot be the name of the environment variable.")
    if "\0" in value:
        raise ValueError("Parameter secret_env: the value contains a zero byte.")
    return name, value


# ---- pure functions: values and argument vectors


class BadValueError(ValueError):
    """A value that must not be handed to a program; nothing was run."""


def checked_text(name: str, value: str) -> str:
    """A value that is safe as an argument: no option, no control characters, not too long."""
    if not value and name not in MAY_BE_EMPTY:
        raise BadValueError(f"There is no {name} to hand over.")
    if len(value) > LONGEST_VALUE:
        raise BadValueError(f"The {name} is longer than {LONGEST_VALUE} characters.")
    if value.startswith("-"):
        raise BadValueError(f"The {name} {value!r} begins with '-', so it could be taken for an option.")
    if not value.isprintable():
        raise BadValueError(f"The {name} {value!r} contains control characters.")
    return value


def checked_value(name: str, value: str) -> str:
    """The value of one placeholder, after everything that is known of its kind was checked."""
    value = checked_text(name, value)
    if name == "ip" and not is_address(value):
        raise BadValueError(f"{value!r} is no single IP address, and the command takes only {{ip}}.")
    if name == "account" and not ACCOUNT.fullmatch(value):
        raise BadValueError(
            f"The account {value!r} has characters other than letters, digits, blanks and . _ - $ \\ @."
        )
    if name == "destination" and not (DOMAIN.fullmatch(value) or usual_destination(value) == value):
        raise BadValueError(f"{value!r} is neither an address, a network, a range nor a domain.")
    return value


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def usual_destination(text: str) -> str | None:
    """An address, network or range in its usual spelling; a domain in lower case; None for anything else."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    try:
        if dash and is_address(first) and is_address(last):
            return f"{ipaddress.ip_address(first)}-{ipaddress.ip_address(last)}"
        return str(ipaddress.ip_network(text, strict=False) if "/" in text else ipaddress.ip_address(text))
    except ValueError:
        domain = text.rstrip(".").lower()
        return domain if DOMAIN.fullmatch(domain) else None


def argument_vector(template: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """A new list: each placeholder replaced inside its own argument. Raises BadValueError for a value that must not be.

    A value is never looked through for placeholders again, and never becomes two arguments.
    """
    return [PLACEHOLDER.sub(lambda found: checked_value(found[1], values.get(found[1], "")), word) for word in template]


def account_login(account: Account) -> str:
    """The login name: from the directory where Vectra has it, else what stands in the name after ':' and before '@'."""
    return account.sam.strip() or (account.name or account.display_name).rpartition(":")[2].partition("@")[0].strip()


def values_for(kind: str, element: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """What the placeholders stand for. The element is what was recorded, not what Vectra knows today."""
    rest = {name: str(facts.get(name) or "") for name in ("name", "vectra_id", "context")}
    if kind == "account":
        return {**rest, "account": element}
    return {**rest, "ip": element, "destination": element}


def shown_output(raw: bytes, secret: tuple[str, str] | None, longest: int) -> str:
    """What a program wrote, as text for people: untrusted, so without control characters, and without the secret."""
    text = raw.decode("utf-8", "replace")
    if secret is not None:
        text = text.replace(secret[1], "****")
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)[:longest].strip()


# ---- client: one program run


@dataclass(frozen=True)
class Ended:
    """A program that came to its end: its exit code (negative: ended by that signal) and what it wrote."""

    code: int
    output: str

    def told(self) -> str:
        return f"exit code {self.code}" + (f": {self.output}" if self.output else "")


def run_program(arguments: Sequence[str], settings: Settings) -> Ended:
    """Run a program to its end, with nothing of our environment.

    Raises ProductError: it cannot be started; or its time is up, then it was killed with everything that it started,
    and may have done its work (`uncertain`).
    """
    environment = {"PATH": SEARCH_PATH, "LANG": "C.UTF-8", **dict([settings.secret] if settings.secret else [])}
    # A file and not a pipe: what the program leaves running in the background cannot hold us up.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise ProductError(f"{arguments[0]} cannot be started: {error.strerror}.") from None
        try:
            code = process.wait(settings.timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_group(process)
        output.seek(0)
        # A secret that the cut would split is read whole, so that it is recognised.
        length = settings.max_output + len((settings.secret or ("", ""))[1].encode())
        text = shown_output(output.read(length), settings.secret, settings.max_output)
    if code is None:
        wrote = f" It wrote: {text}" if text else ""
        raise ProductError(f"{arguments[0]} was ended after {settings.timeout:g} seconds.{wrote}", uncertain=True)
    return Ended(code, text)


def end_group(process: subprocess.Popen) -> None:
    """Kill a program that still runs, and all that it started."""
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# ---- driver


class ExternalCallDriver(Driver):
    """One program run for each element."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def test(self) -> str:
        """`ok` when every configured program can be run; nothing is run."""
        if not self.settings.commands:
            return "No command is configured, so nothing would ever be done."
        for program in sorted({command[0] for command in self.settings.commands.values()}):
            if not (Path(program).is_file() and os.access(program, os.X_OK)):
                return f"{program} is not there or may not be run, in the image or on the engine of this instance."
        return "ok"

    def targets(self, entity: Entity) -> list[Target]:
        """The values to hand over, with what else a command may ask for."""
        if (entity.kind, "block") not in self.settings.commands:
            raise TargetError(
                "unsupported", f"No command is configured for {entity.kind}: {entity.kind}_block_cmd is empty."
            )
        facts = {"vectra_id": entity.entity_id}
        if isinstance(entity, Host):
            return self.one_target("host", entity.ip, {**facts, "name": entity.name})
        if isinstance(entity, Account):
            return self.one_target("account", account_login(entity), {**facts, "context": entity.context})
        values = (*entity.dst_ips, *entity.dst_domains) if isinstance(entity, Detection) else entity.entries
        return [Target(usual_destination(value) or value, facts) for value in values]

    def one_target(self, kind: str, element: str, facts: Mapping[str, str]) -> list[Target]:
        if not element:
            wanted = "IP address" if kind == "host" else "login name"
            raise TargetError("failed", f"Vectra knows no {wanted} for this {kind}, so no command is run.")
        return [Target(element, facts)]

    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        """Run the block command for the element."""
        return self.call("block", target.element, record)

    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        """Run the unblock command for the recorded element."""
        return self.call("unblock", element, record)

    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        """What the state command says; without one, what was done is trusted and what was cut off is done again."""
        if (record["kind"], "state") not in self.settings.commands:
            done = record["phase"] in ("blocked", "releasing")
            return ElementState("blocked" if done else "free", "no state command is configured")
        try:
            ended = self.run("state", element, record)
        except BadValueError as error:
            return ElementState("unknown", str(error))
        states = {BLOCKED_EXIT: "blocked", FREE_EXIT: "free"}
        return ElementState(states.get(ended.code, "unknown"), "" if ended.code in states else ended.told())

    def call(self, action: str, element: str, record: Mapping[str, Any]) -> Outcome:
        kind = record["kind"]
        if (kind, action) not in self.settings.commands:
            return Outcome("unsupported", reason=f"{kind}_{action}_cmd is empty.")
        try:
            ended = self.run(action, element, record)
        except BadValueError as error:
            return Outcome("unsupported", reason=str(error))
        if ended.code != 0:
            raise ProductError(f"{self.settings.commands[kind, action][0]} ended with {ended.told()}")
        return Outcome("applied", reason=ended.told())

    def run(self, action: str, element: str, record: Mapping[str, Any]) -> Ended:
        kind = record["kind"]
        values = values_for(kind, element, record["facts"])
        return run_program(argument_vector(self.settings.commands[kind, action], values), self.settings)


# ---- main


def main() -> None:
    """Read parameters and arguments, run one command, return its result. Nothing but this touches `demisto`."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        ledger = VersionedState(ContextPort.of(demisto), DRIVER_STATE_VERSION, new_ledger)
        driver = ExternalCallDriver(settings_from_params(demisto.params()))
        run = DriverRun(driver, ledger, time.time, BRAND, demisto.integrationInstance())
        return_results(driver_answer(command, demisto.args(), run))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
