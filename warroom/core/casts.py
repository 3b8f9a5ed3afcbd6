"""What filters and transformers make of a value: one text, one number, a list, a moment; and values as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from warroom.core.dates import to_micros
from warroom.core.expression_errors import ExpressionError, Unsupported

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TOO_LARGE = 1e300
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
# The layouts that Go names: ANSIC, UnixDate, RubyDate, RFC822, RFC822Z, RFC850, RFC1123, RFC1123Z, and plain ones.
_LAYOUTS = (
    "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%d %b %y %H:%M", "%d %b %y %H:%M %z", "%A, %d-%b-%y %H:%M:%S",
    "%A, %d-%b-%y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S %z", "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S %z",
)  # fmt: skip
_YEAR_ONE = -62_135_596_800_000_000  # what the server writes for "no date"
_ZONE_NAME = re.compile(r"\b(?!AM|PM)([A-Z]{3,4})(?= \d{4}$|$)")
_ONLY_PYTHON = re.compile(r"(?<!\\)\(\?(?:<?[=!]|>|P=)|(?<!\\)(?:\\\\)*\\[1-9]")


def text_of(value: Any) -> str:
    """A value written into a text: lists joined by commas, objects as JSON, nothing as an empty text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(text_of(item) for item in value)
    return json_text(value)


def json_text(value: Any) -> str:
    """A value as JSON without blanks; a whole number has no fraction."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) if not _whole(value) else str(int(value))


def _whole(value: Any) -> bool:
    return isinstance(value, float) and value == value // 1 and abs(value) < 2**53


def listed(value: Any) -> list[Any]:
    """A value as list: nothing is an empty one, a single value a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def commas(value: Any) -> list[Any]:
    """A list, or the pieces of a text that commas or JSON divide, without surrounding blanks."""
    if not isinstance(value, str):
        return listed(value)
    text = value.strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            return listed(json.loads(text))
        except ValueError:
            pass
    return [piece.strip() for piece in text.split(",")] if text else []


def alone(value: Any) -> Any:
    """The only item of a list of one; any other value as it is, None for an empty list."""
    if isinstance(value, list) and len(value) < 2:
        return value[0] if value else None
    return value


def as_text(value: Any) -> str:
    """One value as text; nothing is an empty one. Raises ExpressionError for objects and longer lists."""
    value = alone(value)
    if isinstance(value, (list, Mapping)):
        raise ExpressionError(f"a text is needed, not {shown(value)}")
    return text_of(value)


def as_number(value: Any) -> float:
    """One value as number. Raises ExpressionError for what is none."""
    value = alone(value)
    number: float | None = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = plain_number(float(value))
    if number is None or not abs(number) < _TOO_LARGE:
        raise ExpressionError(f"a number is needed, not {shown(value)}")
    return number


def plain_number(number: float) -> float:
    """The number as int where it has no fraction."""
    return int(number) if _whole(number) else number


def as_integer(value: Any) -> int:
    """One value as whole number. Raises ExpressionError for what is none."""
    number = as_number(value)
    if number != int(number) or abs(number) > 2**53:
        raise ExpressionError(f"a whole number is needed, not {shown(value)}")
    return int(number)


def as_boolean(value: Any) -> bool:
    """One value as true or false, a text as well. Raises ExpressionError for what is neither."""
    value = alone(value)
    text = text_of(value)
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ExpressionError(f"true or false is needed, not {shown(value)}")


def as_micros(value: Any) -> int:
    """One value as microseconds since 1970 UTC: ISO 8601 and the layouts that Go names. A date without zone is in UTC.

    Names of zones count as UTC. Raises ExpressionError for what is no date.
    """
    text = as_text(value).strip()
    if text.startswith("0001-01-01"):
        return _YEAR_ONE
    found = to_micros(text)
    if found is not None:
        return found
    plain = _ZONE_NAME.sub("", text).replace("Tues ", "Tue ").replace("Tues,", "Tue,").strip()
    for layout in _LAYOUTS:
        try:
            moment = datetime.strptime(" ".join(plain.split()), layout)  # noqa: DTZ007 - the next line gives it a zone
        except ValueError:
            continue
        return _micros(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))
    raise ExpressionError(f"a date such as 2024-01-31T12:00:00Z is needed, not {shown(value)}")


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def shown(value: Any, width: int = 60) -> str:
    """A value for a person, shortened."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, list) and len(text) > width:
        return f"{text[: width - 1]}… ({len(value)} items)"
    return text if len(text) <= width else f"{text[: width - 1]}…"


def alike(left: Any, right: Any) -> bool:
    """Whether two items are equal: single values by their text, lists and objects by what they hold."""
    simple = not isinstance(left, (list, Mapping)) and not isinstance(right, (list, Mapping))
    return text_of(left) == text_of(right) if simple else bool(left == right)


def key_of(value: Any) -> str:
    """A text that two values share when they are equal; order of keys does not matter."""
    return json.dumps(value, sort_keys=True, default=str)


def go_pattern(text: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """A regular expression of the server. Raises ExpressionError for none, Unsupported for what only others know."""
    if _ONLY_PYTHON.search(text):
        raise Unsupported(f"look-around and back-references in the regular expression {text!r}, as on the server")
    try:
        return re.compile(text.replace(r"\z", r"\Z"), re.IGNORECASE if ignore_case else 0)
    except re.error as error:
        raise ExpressionError(f"{text!r} is no regular expression: {error}") from None
