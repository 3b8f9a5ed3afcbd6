"""Which runs a war room command means: builtin, script, or one run on each instance that has the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from warroom.content import Catalog, Command, Integration
from warroom.content.catalog import near
from warroom.engine import builtins
from warroom.engine.arguments import NO_MODIFIERS, Modifiers, bind, rounds, split_modifiers
from warroom.engine.errors import Unavailable, UsageError
from warroom.engine.job import Job
from warroom.engine.process import COMMAND_SECONDS, Limits
from warroom.store import Instance, Store

BUILTIN = "Builtin"
FETCH_INDICATORS, FETCH_INCIDENTS, TEST = "fetch-indicators", "fetch-incidents", "test-module"


@dataclass(frozen=True)
class BuiltinCall:
    """A command that the host runs itself, checked."""

    command: Command
    args: dict[str, Any]
    modifiers: Modifiers


@dataclass(frozen=True)
class Dispatcher:
    """Turns names and arguments into jobs. Everything is checked before the first job is given back."""

    store: Store
    catalog: Callable[[], Catalog]

    def command(self, name: str, brand: str = "") -> Command:
        """The declaration that decides how unnamed values are read; the host's own commands win over a pack's.

        The integration `brand` comes first when several have the command. Raises Unavailable with near names.
        """
        if is_builtin(name, brand):
            return builtins.BUILTINS[name].command
        owners = [item for item in self.catalog().integrations if item.command(name) is not None]
        for owner in sorted(owners, key=lambda item: item.id.casefold() != brand.casefold()):
            if (found := owner.command(name)) is not None:
                return found
        script = self.catalog().script(name)
        if script is None:
            raise Unavailable(f"unknown command !{name}{near(name, self._names())}")
        return script.command

    def plan(
        self, name: str, args: Mapping[str, Any], overrides: Modifiers, seconds: float | None
    ) -> list[Job | BuiltinCall]:
        """The runs of one command. `overrides` fill `using` and `using-brand` where the arguments have none.

        Raises UsageError with one line before anything runs.
        """
        brand = overrides.using_brand or str(args.get("using-brand") or "")
        command = self.command(name, brand)
        rest, modifiers = split_modifiers(command, args)
        modifiers = replace(
            modifiers,
            using=modifiers.using or overrides.using,
            using_brand=modifiers.using_brand or overrides.using_brand,
        )
        if is_builtin(name, brand):
            return self._in_house(command, rest, modifiers)
        targets = self._targets(name, modifiers)
        if targets:
            return [job for target in targets for job in self._jobs(name, target, rest, modifiers, seconds)]
        if modifiers.using or modifiers.using_brand:
            raise _no_instance_here(name)
        return self._script_jobs(command, rest, modifiers, seconds)

    def special(self, instance: Instance, integration: Integration, name: str, seconds: float | None) -> Job:
        """The run of a command that is in no yml: a fetch or a test."""
        return Job(
            Command(name), integration.code, "test" if name == TEST else "fetch",
            instance=instance, integration=integration, limits=_limits(seconds, NO_MODIFIERS, None),
        )  # fmt: skip

    def _targets(self, name: str, modifiers: Modifiers) -> list[tuple[Instance, Integration]]:
        owners = {item.id: item for item in self.catalog().integrations if item.command(name) is not None}
        if not owners:
            return []
        instances = self.store.instances.list()
        self._check_using(name, instances, owners, modifiers)
        wanted_brand = modifiers.using_brand.casefold()
        targets = [
            (instance, owners[instance.brand])
            for instance in instances
            if instance.enabled
            and instance.brand in owners
            and (not modifiers.using or instance.name in modifiers.using)
            and (not wanted_brand or instance.brand.casefold() == wanted_brand)
        ]
        if not targets:
            brands = " or ".join(sorted(owners))
            raise Unavailable(f"no enabled instance has !{name}: add one with `warroom instance add {brands}`")
        return targets

    def _check_using(
        self, name: str, instances: Sequence[Instance], owners: Mapping[str, Integration], modifiers: Modifiers
    ) -> None:
        by_name = {instance.name: instance for instance in instances}
        for wanted in modifiers.using:
            instance = by_name.get(wanted)
            if instance is None:
                raise UsageError(f"unknown instance {wanted!r}{near(wanted, by_name)}")
            if instance.brand not in owners:
                raise UsageError(f"instance {wanted} ({instance.brand}) has no command !{name}")
            if not instance.enabled:
                raise UsageError(f"instance {wanted} is disabled; run `warroom instance enable {wanted}`")
        brand = modifiers.using_brand
        if brand and brand.casefold() not in {owner.casefold() for owner in owners}:
            having = ", ".join(sorted(owners))
            raise Unavailable(f"no integration {brand!r} has !{name}; those that have it: {having}")

    def _jobs(
        self,
        name: str,
        target: tuple[Instance, Integration],
        args: Mapping[str, Any],
        modifiers: Modifiers,
        seconds: float | None,
    ) -> list[Job]:
        instance, integration = target
        command = integration.command(name) or Command(name)
        limits = _limits(seconds, modifiers, None)
        return [
            Job(command, integration.code, "command", one, instance, integration, modifiers=modifiers, limits=limits)
            for one in [bind(command, given) for given in rounds(command, args)]
        ]

    def _in_house(self, command: Command, args: Mapping[str, Any], modifiers: Modifiers) -> list[Job | BuiltinCall]:
        if modifiers.using or modifiers.using_brand not in ("", BUILTIN):
            raise _no_instance_here(command.name)
        return [BuiltinCall(command, bind(command, given), modifiers) for given in rounds(command, args)]

    def _script_jobs(
        self, command: Command, args: Mapping[str, Any], modifiers: Modifiers, seconds: float | None
    ) -> list[Job | BuiltinCall]:
        script = self.catalog().script(command.name)
        if script is None:
            raise Unavailable(f"unknown script {command.name!r}")
        limits = _limits(seconds, modifiers, script.timeout_seconds)
        bound = [bind(command, given) for given in rounds(command, args)]
        return [
            Job(command, script.code, "script", one, script=script, modifiers=modifiers, limits=limits) for one in bound
        ]

    def _names(self) -> list[str]:
        catalog = self.catalog()
        of_integrations = [command.name for item in catalog.integrations for command in item.commands]
        return [
            *of_integrations,
            *(script.name for script in catalog.scripts),
            *builtins.BUILTINS,
        ]


def is_builtin(name: str, brand: str) -> bool:
    """Whether the host itself runs the command."""
    return brand in ("", BUILTIN) and name in builtins.BUILTINS


def _limits(seconds: float | None, modifiers: Modifiers, declared: float | None) -> Limits:
    return Limits(timeout_seconds=seconds or modifiers.timeout_seconds or declared or COMMAND_SECONDS)


def _no_instance_here(name: str) -> UsageError:
    return UsageError(f"!{name} runs without an instance; using and using-brand make no sense here")
