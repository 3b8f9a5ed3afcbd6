"""Instances of integrations: made, changed, and turned into what a run needs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from warroom.content import Catalog, Integration, Parameter
from warroom.content.catalog import near
from warroom.content.model import CREDENTIALS
from warroom.engine.errors import SecretError, UsageError
from warroom.engine.house import health_setting
from warroom.engine.parameters import IDENTIFIER, changed_parameters, check_parameters, require_known, secret_in_plain
from warroom.engine.secrets import Backend, Reference, Vault, read_secret_file, variable_name
from warroom.store import Instance, Store


@dataclass(frozen=True)
class SecretInput:
    """A secret as the user gave it. `origin` is where it was read from, so that it can be read there again."""

    value: str | None
    origin: Literal["value", "env", "path", "asked"] = "value"
    place: str = ""


@dataclass(frozen=True)
class RunSettings:
    """What a run of an instance gets: parameters as content sees them, and the secrets among them for masking."""

    params: dict[str, Any]
    secrets: tuple[str, ...]


@dataclass
class Instances:
    """The instances of one home."""

    store: Store
    catalog: Callable[[], Catalog]
    vault: Vault
    clock: Callable[[], float]

    def add(
        self,
        brand: str,
        name: str | None,
        params: Mapping[str, str],
        secrets: Mapping[str, SecretInput],
        wish: Backend,
    ) -> Instance:
        """Checks everything, then stores the instance and its secrets.

        Raises UsageError or SecretError, and then changes nothing.
        """
        integration = self.find_integration(brand)
        name = self._free_name(integration, name)
        given = {key: item.value for key, item in secrets.items() if item.value is not None}
        settings = check_parameters(integration, params, given)
        for key, item in secrets.items():
            require_known(integration, key)
            if item.value == "":
                raise UsageError(f"parameter {key}: the secret is empty")
        backend = self._backend(integration, name, secrets, wish)
        instance_id = str(uuid.uuid4())
        references = self._keep(integration, instance_id, secrets, backend)
        created = datetime.fromtimestamp(self.clock(), tz=timezone.utc).isoformat().replace("+00:00", "Z")
        instance = Instance(
            id=instance_id, name=name, brand=integration.id, enabled=True,
            params=settings.plain, secrets=references, created=created,
        )  # fmt: skip
        try:
            self.store.instances.add(instance)
        except BaseException:
            self.vault.forget(instance_id, references)
            raise
        for key, item in secrets.items():
            if item.origin == "asked" and item.value:
                self.vault.remember(name, key, item.value)
        return instance

    def change(self, name: str, params: Mapping[str, str], secrets: Mapping[str, SecretInput]) -> Instance:
        """Changes parameters and secrets of an instance; its state stays, as on the server. Idempotent.

        A secret is kept where the one before it was. Raises UsageError, and then changes nothing; SecretError when a
        secret could not be stored, and then no parameter is changed.
        """
        instance = self.get(name)
        integration = self.find_integration(instance.brand)
        plain = changed_parameters(integration, instance.params, params)
        for key, item in secrets.items():
            if item.value == "":
                raise UsageError(f"parameter {key}: the secret is empty")
        references = {key: self._kept_again(integration, instance, key, item) for key, item in secrets.items()}
        changed = replace(instance, params=plain, secrets={**instance.secrets, **references})
        self.store.instances.update(changed)
        return changed

    def _kept_again(self, integration: Integration, instance: Instance, key: str, given: SecretInput) -> Reference:
        known = instance.secrets.get(key)
        backend = known["backend"] if known else self.vault.choose("auto")
        if backend == "none" or given.value is None:
            return _unstored(require_known(integration, key), given)
        return self.vault.store(backend, instance.id, key, given.value)

    def get(self, name: str) -> Instance:
        """The instance of this name. Raises UsageError with near names."""
        found = self.store.instances.get(name)
        if found is None:
            known = [instance.name for instance in self.store.instances.list()]
            hint = near(name, known) if known else "; there are none: add one with `warroom instance add BRAND`"
            raise UsageError(f"unknown instance {name!r}{hint}")
        return found

    def remove(self, name: str) -> None:
        """Removes the instance, its secrets, context and last runs. What it delivered stays."""
        instance = self.get(name)
        self.vault.forget(instance.id, instance.secrets)
        self.store.instances.remove(name)
        self.store.settings.set(health_setting(instance.id), None)

    def enable(self, name: str, enabled: bool) -> Instance:
        """Switches an instance on or off. Idempotent."""
        changed = replace(self.get(name), enabled=enabled)
        self.store.instances.update(changed)
        return changed

    def find_integration(self, brand: str) -> Integration:
        """The integration that `brand` names. Raises UsageError with near names."""
        try:
            return self.catalog().integration(brand)
        except LookupError as error:
            raise UsageError(str(error.args[0])) from None

    def run_settings(self, instance: Instance, integration: Integration) -> RunSettings:
        """The parameters with their secrets. Raises SecretError when a stored or needed secret cannot be had."""
        params = dict(instance.params)
        found: list[str] = []
        for parameter in integration.parameters:
            if parameter.secret:
                value = self.vault.find(
                    instance.name, instance.id, parameter.name, instance.secrets.get(parameter.name)
                )
                if value is None and parameter.required:
                    variable = variable_name(instance.name, parameter.name)
                    raise SecretError(
                        f"instance {instance.name}: the secret {parameter.name} is missing; set {variable}"
                    )
                found.extend([value] if value else [])
                _put(params, parameter, value or "")
        return RunSettings(params, tuple(found))

    def _free_name(self, integration: Integration, name: str | None) -> str:
        taken = {instance.name.casefold() for instance in self.store.instances.list()}
        if name is None:
            number = 1
            while f"{integration.id}_instance_{number}".casefold() in taken:
                number += 1
            return f"{integration.id}_instance_{number}"
        if name != name.strip() or not name or "," in name or not name.isprintable():
            raise UsageError(f"instance name {name!r}: use printable text without commas or outer blanks")
        if name.casefold() in taken:
            raise UsageError(f"there is already an instance called {name!r}")
        return name

    def _backend(
        self, integration: Integration, name: str, secrets: Mapping[str, SecretInput], wish: Backend
    ) -> Backend:
        for parameter in integration.parameters:
            given = secrets.get(parameter.name)
            known = given is not None or self.vault.environ.get(variable_name(name, parameter.name))
            if parameter.secret and parameter.required and not known and wish != "none":
                variable = variable_name(name, parameter.name)
                reason = f"parameter {parameter.name} ({parameter.label}) is required"
                raise UsageError(f"{reason}: use -p {parameter.name}=@FILE, env:VARIABLE, or set {variable}")
        return self.vault.choose(wish) if any(item.value is not None for item in secrets.values()) else "none"

    def _keep(
        self, integration: Integration, instance_id: str, secrets: Mapping[str, SecretInput], backend: Backend
    ) -> dict[str, Reference]:
        references: dict[str, Reference] = {}
        try:
            for parameter in integration.parameters:
                given = secrets.get(parameter.name)
                if backend != "none" and given is not None and given.value is not None:
                    references[parameter.name] = self.vault.store(backend, instance_id, parameter.name, given.value)
                elif parameter.secret and (given is not None or not parameter.hidden):
                    references[parameter.name] = _unstored(parameter, given)
        except SecretError:
            self.vault.forget(instance_id, references)
            raise
        return references


def read_pairs(
    integration: Integration,
    pairs: Mapping[str, str | None],
    environ: Mapping[str, str],
    ask: Callable[[str], str] | None,
) -> tuple[dict[str, str], dict[str, SecretInput]]:
    """Parameters as typed (`value`, `@file`, `env:NAME`, None = ask), split into plain ones and secrets.

    Raises UsageError for a secret given in plain, a name that is unknown, and a variable that is not set.
    """
    plain: dict[str, str] = {}
    secrets: dict[str, SecretInput] = {}
    for key, text in pairs.items():
        parameter = require_known(integration, key)
        is_secret = parameter.secret and key == parameter.name
        found = _read(parameter, key, text, environ, ask, is_secret=is_secret)
        if is_secret:
            secrets[key] = found
        else:
            plain[key] = found.value or ""
    return plain, secrets


def _read(
    parameter: Parameter,
    key: str,
    text: str | None,
    environ: Mapping[str, str],
    ask: Callable[[str], str] | None,
    *,
    is_secret: bool,
) -> SecretInput:
    if text is None:
        return _asked(parameter, key, ask, is_secret=is_secret)
    if text.startswith("@"):
        path = Path(text[1:]).expanduser().absolute()
        return SecretInput(read_secret_file(path), "path", str(path))
    if text.startswith("env:"):
        name = text[4:]
        if name not in environ:
            raise UsageError(f"parameter {key}: the environment variable {name} is not set")
        return SecretInput(environ[name], "env", name)
    if is_secret:
        raise UsageError(secret_in_plain(parameter))
    return SecretInput(text)


def _asked(parameter: Parameter, key: str, ask: Callable[[str], str] | None, *, is_secret: bool) -> SecretInput:
    if not is_secret:
        raise UsageError(f"parameter {key}: a value is missing, write {key}=VALUE")
    if ask is None:
        raise UsageError(f"parameter {key}: nobody can be asked without a terminal; use {key}=@FILE or env:VARIABLE")
    return SecretInput(ask(f"{parameter.label} ({key})"), "asked")


def _unstored(parameter: Parameter, given: SecretInput | None) -> Reference:
    reference: Reference = {"backend": "none"}
    if given is not None and given.origin in ("env", "path"):
        reference[given.origin] = given.place
    if given is not None or parameter.required:
        reference["needed"] = True
    return reference


def _put(params: dict[str, Any], parameter: Parameter, secret: str) -> None:
    if parameter.type != CREDENTIALS:
        params[parameter.name] = secret
        return
    identifier = (params.get(parameter.name) or {}).get(IDENTIFIER, "")
    record = {"user": identifier, "password": secret, "name": parameter.name}
    params[parameter.name] = {IDENTIFIER: identifier, "password": secret, "credentials": record}
