"""What was typed, held against what the command declares: arguments and the war room's own modifiers. Pure."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from warroom.content.catalog import near
from warroom.content.model import Argument, Command
from warroom.engine.errors import UsageError

REFUSED_MODIFIERS = frozenset({"auto-extract", "debug-mode", "tags", "reliability-threshold", "mark-as-note"})


@dataclass(frozen=True)
class Modifiers:
    """The arguments that the war room itself understands, beside those of the command.

    Times are seconds. `extend_context` are (context key, path into the contents) pairs; an empty path is all of it.
    """

    using: tuple[str, ...] = ()
    using_brand: str = ""
    timeout_seconds: float | None = None
    retry_count: int = 0
    retry_interval_seconds: float = 30.0
    raw_response: bool = False
    ignore_outputs: bool = False
    extend_context: tuple[tuple[str, str], ...] = ()


NO_MODIFIERS = Modifiers()
MODIFIER_NAMES = (
    "using", "using-brand", "execution-timeout", "retry-count", "retry-interval",
    "raw-response", "ignore-outputs", "extend-context",
)  # fmt: skip


def name_pairs(command: Command, pairs: Sequence[tuple[str | None, str]]) -> dict[str, str]:
    """Arguments by name; a value without a name goes to the command's default argument.

    Raises UsageError for a nameless value that has no place and for an argument given twice.
    """
    default = next((argument.name for argument in command.arguments if argument.is_default), None)
    named: dict[str, str] = {}
    for key, value in pairs:
        name = key if key is not None else default
        if name is None:
            raise UsageError(f"!{command.name}: {value!r} has no argument name, and there is no default argument")
        if name in named:
            hint = "a value with blanks goes between double quotes or backticks"
            raise UsageError(f"!{command.name}: argument {name} is given twice ({hint})")
        named[name] = value
    return named


def split_modifiers(command: Command, args: Mapping[str, object]) -> tuple[dict[str, object], Modifiers]:
    """The arguments without the war room's modifiers, and the modifiers.

    A name that the command declares itself belongs to the command. Raises UsageError for a bad value and for
    modifiers of XSOAR that this host does not know.
    """
    own = {argument.name for argument in command.arguments}
    rest: dict[str, object] = {}
    found: dict[str, str] = {}
    for name, value in args.items():
        if name in own or name not in (*MODIFIER_NAMES, *REFUSED_MODIFIERS):
            rest[name] = value
        elif name in REFUSED_MODIFIERS:
            raise UsageError(f"!{command.name}: {name} is not supported by this host")
        else:
            found[name] = _text(value)
    return rest, _modifiers(command.name, found)


def bind(command: Command, args: Mapping[str, object]) -> dict[str, object]:
    """The arguments as the command's code receives them: checked, with defaults.

    Scalars become text, as on the server; lists stay for `isArray` arguments. Raises UsageError with one line that
    names every unknown, missing or not allowed argument.
    """
    declared = {argument.name: argument for argument in command.arguments}
    bound = {name: _plain(value) for name, value in args.items()}
    for argument in command.arguments:
        if argument.default_value is not None and _empty(bound.get(argument.name)):
            bound[argument.name] = argument.default_value
    unknown = [] if command.any_argument else _unknown(declared, bound)
    complaints = [*unknown, *_missing(command.arguments, bound), *_not_allowed(declared, bound)]
    if complaints:
        raise UsageError(f"!{command.name}: {'; '.join(complaints)}")
    return bound


def rounds(command: Command, args: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """One set of arguments for each run: a list given to an argument that takes no list means one run per item.

    Several such lists are walked side by side; a shorter one stops giving values.
    """
    lists = {
        argument.name: value
        for argument in command.arguments
        if not argument.is_array and isinstance(value := args.get(argument.name), list)
    }
    if not lists:
        yield dict(args)
        return
    for values in itertools.zip_longest(*lists.values()):
        now = {name: value for name, value in zip(lists, values, strict=True) if value is not None}
        yield {**{name: value for name, value in args.items() if name not in lists}, **now}


def masked(command: Command, args: Mapping[str, object]) -> dict[str, object]:
    """The arguments with the values of secret ones replaced, for entries and logs."""
    secret = {argument.name for argument in command.arguments if argument.secret}
    return {name: "******" if name in secret else value for name, value in args.items()}


def secret_values(command: Command, args: Mapping[str, object]) -> list[str]:
    """The values given to secret arguments."""
    return [_text(args[item.name]) for item in command.arguments if item.secret and not _empty(args.get(item.name))]


def _plain(value: object) -> object:
    return value if isinstance(value, (list, dict)) else _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    return "" if value is None else str(value)


def _empty(value: object) -> bool:
    return value is None or value == ""


def _unknown(declared: Mapping[str, Argument], args: Mapping[str, object]) -> list[str]:
    known = [*declared, *MODIFIER_NAMES]
    return [f"unknown argument {name}{near(name, known)}" for name in args if name not in declared]


def _missing(arguments: Sequence[Argument], args: Mapping[str, object]) -> list[str]:
    return [f"argument {item.name} is required" for item in arguments if item.required and _empty(args.get(item.name))]


def _not_allowed(declared: Mapping[str, Argument], args: Mapping[str, object]) -> list[str]:
    complaints = []
    for name, value in args.items():
        argument = declared.get(name)
        if argument is None or not argument.predefined or _empty(value):
            continue
        wrong = [item for item in _items(argument, value) if item not in argument.predefined]
        if wrong:
            allowed = ", ".join(item for item in argument.predefined if item)
            complaints.append(f"argument {name} cannot be {', '.join(wrong)}; allowed: {allowed}")
    return complaints


def _items(argument: Argument, value: object) -> list[str]:
    if isinstance(value, list):
        return [_text(item) for item in value]
    text = _text(value)
    return [item.strip() for item in text.split(",")] if argument.is_array else [text]


def _modifiers(command: str, found: Mapping[str, str]) -> Modifiers:
    result = Modifiers(using_brand=found.get("using-brand", ""))
    if found.get("using"):
        result = replace(result, using=tuple(item.strip() for item in found["using"].split(",") if item.strip()))
    if "execution-timeout" in found:
        result = replace(result, timeout_seconds=_number(command, "execution-timeout", found, minimum=1))
    if "retry-count" in found:
        result = replace(result, retry_count=_number(command, "retry-count", found, minimum=0))
    if "retry-interval" in found:
        result = replace(result, retry_interval_seconds=_number(command, "retry-interval", found, minimum=0))
    return replace(
        result,
        raw_response=_flag(command, "raw-response", found),
        ignore_outputs=_flag(command, "ignore-outputs", found),
        extend_context=_extend(command, found.get("extend-context", "")),
    )


def _number(command: str, name: str, found: Mapping[str, str], *, minimum: int) -> int:
    if not found[name].isdecimal() or int(found[name]) < minimum:
        raise UsageError(f"!{command}: {name} must be a whole number of at least {minimum}, not {found[name]!r}")
    return int(found[name])


def _flag(command: str, name: str, found: Mapping[str, str]) -> bool:
    value = found.get(name, "false").lower()
    if value not in {"true", "false"}:
        raise UsageError(f"!{command}: {name} must be true or false, not {found[name]!r}")
    return value == "true"


def _extend(command: str, text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for piece in filter(None, text.split("::")):
        key, sign, path = piece.partition("=")
        if not sign or not key.strip():
            raise UsageError(f"!{command}: extend-context must be Key=path::Key2=path, not {text!r}")
        pairs.append((key.strip(), path.strip()))
    return tuple(pairs)
