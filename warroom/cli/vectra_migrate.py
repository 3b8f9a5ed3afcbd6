"""`warroom vectra migrate`: the configuration of VAR as instances."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

import click
from keyring.errors import KeyringError

from warroom.cli.app import App, pass_app
from warroom.cli.vectra_setup import INTERVAL_SETTING, LIST_SETTING
from warroom.engine import EngineError, Host, UsageError
from warroom.engine.instances import SecretInput
from warroom.engine.parameters import IDENTIFIER, check_parameters
from warroom.engine.secrets import Backend, variable_name
from warroom.engine.vectra.var_clients import CONFIG_FILES
from warroom.engine.vectra.var_config import VarConfig, read_var_config
from warroom.engine.vectra.var_mapping import Migration, migrate
from warroom.engine.vectra.var_proposal import Proposal, VarSecret

LOCAL_TIME = Path("/etc/localtime")


@click.command("migrate")
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--third-party-dir",
    "clients_folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of VAR's clients with their settings. Default: third_party_clients beside CONFIG.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--no-store-secrets", is_flag=True, help="Keep no secret: ask again at each run.")
@pass_app
def migrate_command(app: App, config: Path, clients_folder: Path | None, dry_run: bool, no_store_secrets: bool) -> None:
    """Turns the configuration file of VAR into instances, and says line by line what became of it.

    The file is read, never run. Instances that are there already stay as they are. Secrets come from where VAR had
    them (environment, keyring), else they are asked for.

    Example: warroom vectra migrate /opt/var/config.py --dry-run
    """
    folder = clients_folder or config.absolute().parent / "third_party_clients"
    found = migrate(read_config(config), read_clients(folder), local_zone(app.environ, LOCAL_TIME), shutil.which)
    for note in found.notes:
        click.echo(note.line())
    with app.open() as host:
        mover = Mover(app, host, "none" if no_store_secrets else "auto", dry_run=dry_run)
        missing = [proposal.name for proposal in found.proposals if not mover.move(proposal)]
        mover.keep_runner(found, config.absolute().parent)
    click.echo("Next: warroom vectra run --dry-run; then take over what VAR has blocked: `!vectra-response-import`")
    if missing:
        click.echo(f"not added: {', '.join(missing)}", err=True)
        click.get_current_context().exit(1)


@dataclass(frozen=True)
class Mover:
    """Adds what a migration proposes."""

    app: App
    host: Host
    backend: Backend
    dry_run: bool

    def move(self, proposal: Proposal) -> bool:
        """Adds one instance unless it is there. False when it could not be added; the reason is printed then."""
        label = f"instance {proposal.name} ({proposal.brand})"
        try:
            click.echo(f"{label}: {self.settle(proposal)}")
        except EngineError as error:
            click.echo(f"{label}: {error}", err=True)
            return False
        return True

    def settle(self, proposal: Proposal) -> str:
        """Adds the instance unless it is there, and says what became of it. Raises EngineError."""
        existing = self.host.store.instances.get(proposal.name)
        if existing is not None:
            return f"is there already; {self.differences(proposal, existing.params)}"
        self.check(proposal)
        if self.dry_run:
            return f"would be added; {self.secrets_told(proposal)}"
        self.add(proposal)
        return f"added; {self.secrets_told(proposal)}"

    def check(self, proposal: Proposal) -> None:
        """Raises UsageError when the parameters are not what the integration takes."""
        identity = dict.fromkeys(proposal.identity, "x")
        check_parameters(self.host.instances.find_integration(proposal.brand), {**proposal.params, **identity}, {})

    def add(self, proposal: Proposal) -> None:
        """Adds the instance with the secrets that can be had. Raises UsageError or SecretError."""
        identity = {name: self.must_find(proposal, name, secret) for name, secret in proposal.identity.items()}
        secrets = {name: self.find(proposal, name, secret) for name, secret in proposal.secrets.items()}
        given = {name: SecretInput(value, "asked") for name, value in secrets.items() if value}
        backend: Backend = self.backend if given else "none"
        self.host.add_instance(proposal.brand, proposal.name, {**proposal.params, **identity}, given, backend)

    def must_find(self, proposal: Proposal, name: str, secret: VarSecret) -> str:
        """A value without which the instance makes no sense. Raises UsageError when it is nowhere."""
        value = self.find(proposal, name, secret)
        if not value:
            raise UsageError(f"{name} was not found; run this at a terminal, or set the variable {secret.variable}")
        return value

    def find(self, proposal: Proposal, name: str, secret: VarSecret) -> str:
        """The secret from the file, from VAR's variable or keyring, else from a person; "" when it is nowhere."""
        known = secret.value or self.app.environ.get(secret.variable) or self.from_keyring(secret)
        if known or self.app.ask is None or variable_name(proposal.name, name) in self.app.environ:
            return known or ""
        return self.app.ask(f"{name} of {proposal.name} (VAR: {secret.key})")

    def from_keyring(self, secret: VarSecret) -> str:
        """What VAR left in the keyring of the system; "" when there is none."""
        ring = self.host.instances.vault.system()
        try:
            return (ring.get_password(secret.service, secret.key) if ring else None) or ""
        except KeyringError:
            return ""

    def secrets_told(self, proposal: Proposal) -> str:
        """By which variables the secrets of an instance can come."""
        names = [variable_name(proposal.name, name) for name in proposal.secrets]
        return f"its secrets are taken first from {', '.join(names)}" if names else "it needs no secret"

    def differences(self, proposal: Proposal, params: Mapping[str, object]) -> str:
        """In what the existing instance differs from the file; what a person changed since is not undone."""
        plain = {name: value for name, value in proposal.params.items() if not name.endswith(f".{IDENTIFIER}")}
        settings = check_parameters(self.host.instances.find_integration(proposal.brand), plain, {}).plain
        names = sorted(name for name in plain if params.get(name) != settings.get(name))
        return f"it stays as it is, and differs in {', '.join(names)}" if names else "nothing to do"

    def keep_runner(self, found: Migration, folder: Path) -> None:
        """Keeps interval and list for `vectra run`."""
        path = (folder / found.list_file).absolute() if found.list_file else None
        if path is not None and not path.is_file():
            click.echo(f"list of static destinations {path}: is not there; it is not taken over")
            path = None
        if self.dry_run:
            return
        if found.interval_minutes is not None:
            self.host.store.settings.set(INTERVAL_SETTING, found.interval_minutes)
        if path is not None:
            self.host.store.settings.set(LIST_SETTING, str(path))


def read_config(path: Path) -> VarConfig:
    """The settings in a file. Raises UsageError when it cannot be read."""
    try:
        return read_var_config(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} cannot be read: it is not UTF-8 text") from error


def read_clients(folder: Path) -> dict[str, VarConfig]:
    """The settings of the clients that have a driver here, as far as their files are there."""
    files = {name: folder / name / file for name, file in CONFIG_FILES.items()}
    return {name: read_config(file) for name, file in files.items() if file.is_file()}


def local_zone(environ: Mapping[str, str], localtime: Path) -> str:
    """The name of this machine's time zone, such as Europe/Zurich; "" when it cannot be told."""
    named = environ.get("TZ", "").removeprefix(":")
    if named:
        return named if named in available_timezones() else ""
    real = os.path.realpath(localtime)
    _, found, name = real.partition("/zoneinfo/")
    return name if found else ""
