"""Arguments and parameters of commands as Python values."""
# ruff: noqa: N802 (the names are the server's)

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

__all__ = [
    "FALSE_VALUES", "TRUE_VALUES", "argToBoolean", "argToList", "arg_to_datetime", "arg_to_number", "assign_params",
]  # fmt: skip

TRUE_VALUES = ("true", "yes")
FALSE_VALUES = ("false", "no")
# A number above this, the year 2033 in seconds, is taken for milliseconds.
LARGEST_SECONDS = 2_000_000_000
EMPTY_VALUES: tuple[Any, ...] = (None, "", [], {}, ())


def argToList(arg: Any, separator: str = ",", transform: Callable[[Any], Any] | None = None) -> list[Any]:
    """The items of an argument, in order.

    A list stays, a text is read as a JSON list or split and stripped, any other value becomes the only item.
    Everything false, 0 too, gives [].
    """
    items = _items(arg, separator) if arg else []
    return [transform(item) for item in items] if transform else items


def _items(arg: Any, separator: str) -> list[Any]:
    if isinstance(arg, list):
        return arg
    if not isinstance(arg, str):
        return [arg]
    if arg[0] == "[" and arg[-1] == "]":
        try:
            return list(json.loads(arg))
        except ValueError:
            pass
    return [item.strip() for item in arg.split(separator)]


def argToBoolean(value: Any) -> bool:
    """The truth of a bool or of true, yes, false, no in any case. Raises ValueError for everything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in TRUE_VALUES + FALSE_VALUES:
        return value.lower() in TRUE_VALUES
    raise ValueError(f"{value!r} is neither true/yes nor false/no")


def arg_to_number(arg: Any, arg_name: str | None = None, required: bool = False) -> int | None:
    """The whole number in an argument; a fraction in a text is cut off.

    Returns None for None and "". Raises ValueError for these when `required`, and for what is not a number; a float
    object is refused.
    """
    if arg is None or arg == "":
        if required:
            raise _missing(arg_name)
        return None
    if isinstance(arg, int):
        return arg
    if isinstance(arg, str):
        try:
            return int(arg) if arg.isdigit() else int(float(arg))
        except (ValueError, OverflowError):
            pass
    raise _invalid(arg, arg_name, "a number")


def arg_to_datetime(
    arg: Any,
    arg_name: str | None = None,
    is_utc: bool = True,
    required: bool = False,
    settings: dict[str, Any] | None = None,
) -> datetime | None:
    """The point in time that an argument means.

    Digits are the epoch in seconds, or in milliseconds above 2 000 000 000, and give an aware UTC time (local time when
    `is_utc` is False). Texts go to dateparser: "3 days" is that long ago. A text without a zone, and that includes
    relative ones, gives a naive UTC time. Returns None for None. Raises ValueError for None when `required`, and for
    what is not a date.
    """
    if arg is None:
        if required:
            raise _missing(arg_name)
        return None
    if isinstance(arg, (int, float)) or (isinstance(arg, str) and arg.isdigit()):
        return _from_epoch(float(arg), is_utc)
    if isinstance(arg, str) and arg:
        # Reading its language data takes longer than most commands, so only those that need it wait for it.
        import dateparser

        found: datetime | None = dateparser.parse(arg, settings=settings or {"TIMEZONE": "UTC"})  # type: ignore[arg-type,unused-ignore]
        if found is not None:
            return found
    raise _invalid(arg, arg_name, "a date")


def _from_epoch(number: float, is_utc: bool) -> datetime:
    seconds = number / 1000 if number > LARGEST_SECONDS else number
    if is_utc:
        return datetime.fromtimestamp(seconds, timezone.utc)
    return datetime.fromtimestamp(seconds)  # noqa: DTZ006 (local time was asked for)


def _missing(name: str | None) -> ValueError:
    return ValueError(f'Missing "{name}"' if name else "Missing required argument")


def _invalid(value: Any, name: str | None, kind: str) -> ValueError:
    return ValueError(f'"{name}"={value!r} is not {kind}' if name else f"{value!r} is not {kind}")


def assign_params(
    keys_to_ignore: tuple[str, ...] | None = None, values_to_ignore: tuple[Any, ...] | None = None, **kwargs: Any
) -> dict[str, Any]:
    """The keyword arguments without empty ones (None, "", [], {}, ()); 0 and False stay."""
    ignored_keys, ignored_values = keys_to_ignore or (), values_to_ignore or EMPTY_VALUES
    return {key: value for key, value in kwargs.items() if key not in ignored_keys and value not in ignored_values}
