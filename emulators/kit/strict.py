"""Strict reading of what a client sent: what is not known to be accepted is refused.

A driver that works against a lenient fake proves nothing. So an unknown field, an unknown header, or a value of
the wrong JSON type is an error here, reported as `Refused` with the status the vendor uses (400 unless told).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from emulators.kit.errors import Refused

TEXT: tuple[type, ...] = (str,)
INTEGER: tuple[type, ...] = (int,)
NUMBER: tuple[type, ...] = (int, float)
BOOLEAN: tuple[type, ...] = (bool,)
LIST: tuple[type, ...] = (list,)
OBJECT: tuple[type, ...] = (dict,)

# What HTTP libraries and proxies send by themselves; no vendor refuses these.
COMMON_HEADERS = frozenset(
    "accept accept-charset accept-encoding accept-language authorization cache-control connection content-length"
    " content-type cookie date expect forwarded host keep-alive origin pragma proxy-connection referer te"
    " traceparent tracestate transfer-encoding user-agent via x-forwarded-for x-forwarded-host x-forwarded-proto"
    " x-request-id".split()
)


@dataclass(frozen=True)
class Field:
    """One field of a JSON object: the JSON types it may have, and whether it may be missing, null, or is limited."""

    types: tuple[type, ...]
    required: bool = True
    nullable: bool = False
    choices: Collection[object] | None = None


def json_body(body: bytes) -> Any:
    """The parsed JSON of a request body. Raises Refused(400) when it is not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "The request body is not valid JSON", extra=str(error)) from None


def json_object(value: object, fields: Mapping[str, Field], where: str = "request body") -> dict[str, Any]:
    """`value` when it is an object with exactly the given fields; `where` names it in the error.

    Raises Refused(400) for anything else: not an object, an unknown field, a missing one, a wrong type or value.
    """
    if not isinstance(value, dict):
        raise Refused(400, f"{where} must be an object, not {type_name(value)}")
    known_names(value, fields, where)
    for name, field in fields.items():
        if name in value:
            _check_value(value[name], field, f"{where}.{name}")
        elif field.required:
            raise Refused(400, f"{where} lacks the field '{name}'")
    return value


def known_names(names: Iterable[str], known: Collection[str], where: str) -> None:
    """Raises Refused(400) that lists the names which are not known, in order of name."""
    unknown = sorted(name for name in names if name not in known)
    if unknown:
        names_known = ", ".join(sorted(known))
        raise Refused(400, f"{where} has unknown names: {', '.join(unknown)}", extra=f"known: {names_known}")


def known_headers(names: Iterable[str], vendor: Collection[str]) -> None:
    """Raises Refused(400) for a header that is neither common HTTP nor one of `vendor` (lower case)."""
    known_names((n for n in map(str.lower, names) if n not in COMMON_HEADERS), vendor, "request headers")


def text_list(value: object, where: str) -> list[str]:
    """`value` when it is a list of texts. Raises Refused(400) otherwise."""
    if not isinstance(value, list) or not all(type(item) is str for item in value):
        raise Refused(400, f"{where} must be a list of texts")
    return value


def type_name(value: object) -> str:
    """The JSON name of a value's type, for error texts."""
    names = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "text", list: "list"}
    return names.get(type(value), "object")


def _check_value(value: object, field: Field, where: str) -> None:
    if value is None and field.nullable:
        return
    # `type() in` and not isinstance: true is not a number in JSON.
    if type(value) not in field.types:
        wanted = " or ".join(dict.fromkeys(type_name(kind()) for kind in field.types))
        raise Refused(400, f"{where} must be {wanted}, not {type_name(value)}")
    if field.choices is not None and value not in field.choices:
        raise Refused(400, f"{where} is {value!r}; it must be one of {', '.join(map(str, field.choices))}")
