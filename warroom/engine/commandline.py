"""The text of a war room command: `!name key=value other="two words" json=`{"a": 1}``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from warroom.engine.errors import UsageError

_KEY = re.compile(r"([A-Za-z_][\w.\-]*)=")
_NAME = re.compile(r"!\s*([^\s=\"`]+)(?=\s|$)")
_QUOTES = '"`'


@dataclass(frozen=True)
class CommandLine:
    """A command as typed. `pairs` keeps the order; the key is None for a value without a name."""

    name: str
    pairs: tuple[tuple[str | None, str], ...]


def parse_command_line(text: str) -> CommandLine:
    """Splits one typed command.

    Double quotes hold blanks and know `\\"` and `\\\\`; backticks hold everything up to the next backtick
    unchanged. A quote inside a bare word is an ordinary character. Raises UsageError with the place (counted from 1)
    where the text stops making sense.
    """
    match = _NAME.match(text.strip())
    if match is None:
        raise UsageError(f"a war room command starts with ! and a name, as in !ip ip=192.0.2.1; got {text.strip()!r}")
    body = text.strip()
    pairs: list[tuple[str | None, str]] = []
    at = match.end()
    while (at := _skip_blanks(body, at)) < len(body):
        key, at = _key(body, at)
        value, at = _value(body, at)
        pairs.append((key, value))
    return CommandLine(match[1], tuple(pairs))


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _key(text: str, at: int) -> tuple[str | None, int]:
    match = _KEY.match(text, at)
    return (match[1], match.end()) if match else (None, at)


def _value(text: str, at: int) -> tuple[str, int]:
    if at >= len(text) or text[at].isspace():
        return "", at
    if text[at] not in _QUOTES:
        end = at
        while end < len(text) and not text[end].isspace():
            end += 1
        return text[at:end], end
    value, end = _backticks(text, at) if text[at] == "`" else _double_quotes(text, at)
    if end < len(text) and not text[end].isspace():
        raise UsageError(f"a blank is missing after the closing quote at character {end}: {text[at : end + 1]}")
    return value, end


def _backticks(text: str, at: int) -> tuple[str, int]:
    end = text.find("`", at + 1)
    if end < 0:
        raise UsageError(f"the backtick at character {at + 1} is not closed")
    return text[at + 1 : end], end + 1


def _double_quotes(text: str, at: int) -> tuple[str, int]:
    parts: list[str] = []
    index = at + 1
    while index < len(text):
        if text[index] == '"':
            return "".join(parts), index + 1
        if text[index] == "\\" and text[index + 1 : index + 2] in ('"', "\\"):
            index += 1
        parts.append(text[index])
        index += 1
    raise UsageError(f"the double quote at character {at + 1} is not closed")
