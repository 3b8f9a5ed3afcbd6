"""The one place where the parameters of an instance are read: each is checked once, and a wrong one is named.

Every function takes the parameters as the server gives them (a boolean may be text, a number is text, a parameter that
was never set is absent) and raises ValueError with the id of the parameter, its title, the value and what is allowed.
The value of a secret is never shown.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import demistomock as demisto  # noqa: F401
from CommonServerPython import *


def text_param(params: Mapping[str, Any], name: str, default: str = "") -> str:
    """A text; the default stands in only for a parameter that was never set, so that empty switches off."""
    value = params.get(name)
    return default if value is None else str(value).strip()


def needed_param(params: Mapping[str, Any], name: str, title: str, default: str = "") -> str:
    """A text that must not be empty; the default also stands in for an empty one."""
    text = text_param(params, name) or default
    if not text:
        raise ValueError(f"Parameter '{name}' ({title}) is empty.")
    return text


def lines_param(params: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Entries by line or comma, or of a list, each once; `#` at the start or after a blank begins a comment."""
    raw = params.get(name) or ""
    parts = raw if isinstance(raw, list) else re.split(r"[\n,]", re.sub(r"(^|\s)#.*", "", str(raw), flags=re.MULTILINE))
    return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))


def choice_param(params: Mapping[str, Any], name: str, title: str, allowed: Sequence[str], default: str = "") -> str:
    """One of the allowed words, in small or capital letters; empty is the default, which is the first unless given."""
    value = text_param(params, name) or default or allowed[0]
    for word in allowed:
        if word.casefold() == value.casefold():
            return word
    raise ValueError(f"Parameter '{name}' ({title}): {value!r} is not one of {', '.join(allowed)}.")


def flag_param(params: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """Yes or no; empty is the default."""
    value = params.get(name)
    try:
        return default if value in (None, "") else argToBoolean(value)
    except ValueError:
        raise ValueError(f"Parameter '{name}': {value!r} is neither true nor false.") from None


def number_param(params: Mapping[str, Any], name: str, title: str, default: float, low: float, high: float) -> float:
    """A number from `low` to `high`; empty is the default."""
    raw = params.get(name)
    if raw in (None, ""):
        return default
    try:
        number = float(str(raw))
    except ValueError:
        raise ValueError(f"Parameter '{name}' ({title}): {raw!r} is not a number.") from None
    if not low <= number <= high:
        raise ValueError(
            f"Parameter '{name}' ({title}): {raw!r} is not between {plain_number(low)} and {plain_number(high)}."
        )
    return number


def plain_number(number: float) -> str:
    """A number as people write it: 2592000 and 0.1, not 2.592e+06."""
    return str(int(number) if float(number).is_integer() else number)


def whole_param(params: Mapping[str, Any], name: str, title: str, default: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`; empty is the default."""
    number = number_param(params, name, title, default, low, high)
    if number != int(number):
        raise ValueError(f"Parameter '{name}' ({title}): {params.get(name)!r} is not a whole number.")
    return int(number)


def url_param(params: Mapping[str, Any], name: str = "url", title: str = "Server URL") -> str:
    """The address of a server, `https://name[:port][/path]`, without the slash at its end.

    Neither a login nor a query may stand in it: an address is shown in messages. A comma is no part of it: one server.
    """
    url = text_param(params, name).rstrip("/")
    if not re.fullmatch(r"https?://[^/\s?#@,]+(/[^\s?#@,]*)?", url):
        shown = repr(url) if "@" not in url else "it has a login in it, and"
        raise ValueError(f"Parameter '{name}' ({title}): {shown} is not an address such as https://server.example.com.")
    return url


def secret_param(
    params: Mapping[str, Any], name: str, title: str, part: str = "password", required: bool = True
) -> str:
    """A key, a token or an id, `part` (`password` or `identifier`) of a credentials parameter. Not for passwords.

    A blank, a line break or a character outside ASCII in it was picked up while copying, and is told here.
    """
    secret = password_param(params, name, title, part, required)
    if secret and (not secret.isascii() or not secret.isprintable() or " " in secret):
        raise ValueError(
            f"Parameter '{name}' ({title}) has a blank, a line break or another character that none has. Copy it again."
        )
    return secret


def password_param(
    params: Mapping[str, Any], name: str, title: str, part: str = "password", required: bool = True
) -> str:
    """What a person types, `part` (`password` or `identifier`) of a credentials parameter; any character may be in it.

    Blanks at both ends are taken off.
    """
    value = params.get(name)
    secret = str((value if isinstance(value, dict) else {}).get(part) or "").strip()
    if required and not secret:
        raise ValueError(f"Parameter '{name}' ({title}) is empty.")
    return secret


@dataclass(frozen=True)
class HttpSettings:
    """How a server is asked: its address, whether its certificate is checked, and whether by the system's proxy.

    `timeout` is in seconds for each request, `tries` how often one is sent at most, `rate` how many may start in a
    second.
    """

    url: str
    verify: bool
    proxy: bool
    timeout: float
    tries: int
    rate: float


def http_params(
    params: Mapping[str, Any], *, url: str = "", rate: float, tries: int = 3, longest_timeout: float = 600
) -> HttpSettings:
    """The parameters `url`, `insecure`, `proxy`, `timeout`, `tries` and `requests_per_second`, each checked.

    `url` stands in for the parameter where an integration makes more of it; `rate` and `tries` are defaults.
    """
    return HttpSettings(
        url=url or url_param(params),
        verify=not flag_param(params, "insecure"),
        proxy=flag_param(params, "proxy"),
        timeout=number_param(params, "timeout", "Time limit of a request (seconds)", 30, 0.1, longest_timeout),
        tries=whole_param(params, "tries", "Tries of a request", tries, 1, 10),
        rate=number_param(params, "requests_per_second", "Requests per second", rate, 0.1, 1000),
    )
