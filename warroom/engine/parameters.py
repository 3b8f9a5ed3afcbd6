"""Checks the parameters of an instance against what the integration's yml declares. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from warroom.content import model
from warroom.content.catalog import near
from warroom.content.model import Integration, Parameter
from warroom.engine.errors import UsageError

_POLICIES = ("indicatorType", "interval", "never", "suddenDeath")
_REPUTATIONS = ("None", "Good", "Suspicious", "Bad")
IDENTIFIER = "identifier"


@dataclass(frozen=True)
class Settings:
    """The parameters of one instance: `plain` as content receives them, `secrets` by parameter name."""

    plain: dict[str, Any]
    secrets: dict[str, str]


def check_parameters(integration: Integration, params: Mapping[str, str], secrets: Mapping[str, str]) -> Settings:
    """Every parameter checked and converted; defaults filled in, hidden ones too.

    `params` are texts by name, `name.identifier` for the user part of credentials; `secrets` hold the values of
    types 4 and 14 and the password part of type 9. Raises UsageError naming parameter and value. Whether required
    secrets are there is not checked here: they may come later from the environment.
    """
    known = {parameter.name: parameter for parameter in integration.parameters}
    for name in (*params, *secrets):
        require_known(integration, name)
    for name in secrets:
        if not known[name].secret:
            raise UsageError(f"parameter {name} is not a secret: give it as {name}=VALUE")
    plain = {item.name: _given(item, params) for item in integration.parameters if not _only_secret(item)}
    return Settings({name: value for name, value in plain.items() if value is not None}, dict(secrets))


def changed_parameters(integration: Integration, plain: Mapping[str, Any], params: Mapping[str, str]) -> dict[str, Any]:
    """The stored parameters with the given ones in place of theirs, checked as when an instance is added.

    An empty text empties a parameter that is not required. Raises UsageError naming parameter and value.
    """
    owners = {name: require_known(integration, name) for name in params}
    changed = {owner.name: _given(owner, params) for owner in owners.values() if not _only_secret(owner)}
    merged = {**plain, **changed}
    return {name: value for name, value in merged.items() if value is not None}


def require_known(integration: Integration, name: str) -> Parameter:
    """The parameter that `name` or `name.identifier` stands for. Raises UsageError with near names."""
    found = integration.parameter(name)
    if found is not None:
        return found
    owner, _, part = name.rpartition(".")
    found = integration.parameter(owner)
    if found is not None and part == IDENTIFIER and found.type == model.CREDENTIALS:
        return found
    known = [parameter.name for parameter in integration.parameters]
    raise UsageError(f"{integration.id} has no parameter {name}{near(name, known)}")


def check_value(parameter: Parameter, text: str) -> Any:
    """One value as content receives it: bool for checkboxes, list for multi-selects, else text.

    Raises UsageError naming the parameter and the value.
    """
    check = _CHECKS.get(parameter.type)
    return check(parameter, text) if check else text


def _only_secret(parameter: Parameter) -> bool:
    return parameter.type in (model.ENCRYPTED, model.LONG_ENCRYPTED)


def _given(parameter: Parameter, params: Mapping[str, str]) -> Any:
    name = parameter.name
    if parameter.type == model.CREDENTIALS:
        return _credentials(parameter, params)
    text = params.get(name, parameter.default)
    if text == "":
        if parameter.required:
            raise UsageError(f"parameter {name} ({parameter.label}) is required")
        return check_value(parameter, "false") if parameter.type == model.BOOLEAN else _absent(parameter, params)
    return check_value(parameter, text)


def _absent(parameter: Parameter, params: Mapping[str, str]) -> Any:
    if parameter.type == model.MULTI_SELECT:
        return []
    return "" if parameter.name in params else None


def _credentials(parameter: Parameter, params: Mapping[str, str]) -> dict[str, Any]:
    identifier = params.get(f"{parameter.name}.{IDENTIFIER}", "")
    if parameter.name in params:
        if not parameter.hidden_password:
            raise UsageError(secret_in_plain(parameter))
        identifier = params[parameter.name]
    if identifier and parameter.hidden_username:
        raise UsageError(f"parameter {parameter.name} has no user part; {parameter.name}.identifier={identifier}")
    if parameter.required and not identifier and not parameter.hidden_username:
        raise UsageError(f"parameter {parameter.name}.identifier ({parameter.label}, user part) is required")
    return {IDENTIFIER: identifier}


def secret_in_plain(parameter: Parameter) -> str:
    """Why a secret is not taken from the command line, and what to do instead."""
    name = parameter.name
    return (
        f"parameter {name} is secret and its value would stand in the process list: "
        f"use -p {name}=@FILE, -p {name}=env:VARIABLE, or -p {name} to be asked"
    )


def _boolean(parameter: Parameter, text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise UsageError(f"parameter {parameter.name} must be true or false, not {text!r}")
    return text.lower() == "true"


def _number(parameter: Parameter, text: str) -> str:
    try:
        int(text)
    except ValueError:
        raise UsageError(f"parameter {parameter.name} must be a whole number, not {text!r}") from None
    return text.strip()


def _minutes(parameter: Parameter, text: str) -> str:
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"parameter {parameter.name} must be a number of minutes, 1 or more, not {text!r}")
    return text


def _one_of(options: tuple[str, ...]) -> Callable[[Parameter, str], str]:
    def check(parameter: Parameter, text: str) -> str:
        allowed = parameter.options or options
        if allowed and text not in allowed:
            names = ", ".join(item for item in allowed if item)
            raise UsageError(f"parameter {parameter.name} cannot be {text!r}; allowed: {names}")
        return text

    return check


def _several(parameter: Parameter, text: str) -> list[str]:
    # The server lets people type values that are not among the options of a multi-select.
    if text.lstrip().startswith("["):
        try:
            values = json.loads(text)
        except ValueError:
            raise UsageError(f"parameter {parameter.name} is not a valid JSON list: {text!r}") from None
        return [str(value) for value in values]
    return [item.strip() for item in text.split(",") if item.strip()]


_CHECKS: Mapping[int, Callable[[Parameter, str], Any]] = {
    model.NUMBER: _number,
    model.BOOLEAN: _boolean,
    model.SINGLE_SELECT: _one_of(()),
    model.MULTI_SELECT: _several,
    model.EXPIRATION_POLICY: _one_of(_POLICIES),
    model.REPUTATION: _one_of(_REPUTATIONS),
    model.INTERVAL: _minutes,
}
