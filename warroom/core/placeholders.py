"""Finds `${path}` in texts, and the names that a path is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from warroom.core.dt_path import Mutator, Name, Selector, balanced, steps

_BINDING = re.compile(r"---([\w][\w.\- \[\]:]*)")


def pieces(text: str) -> list[tuple[bool, str]]:
    """The text cut into plain text (False) and paths (True), in order. A `${` that is not closed is plain text."""
    found: list[tuple[bool, str]] = []
    plain, at = "", 0
    while at < len(text):
        end = _closing(text, at + 2) if text.startswith("${", at) else -1
        if end < 0:
            plain, at = plain + text[at], at + 1
            continue
        found.extend([(False, plain)] if plain else [])
        found.append((True, text[at + 2 : end]))
        plain, at = "", end + 1
    return [*found, (False, plain)] if plain else found


def _closing(text: str, start: int) -> int:
    """Where the brace is that closes a path: the first with all brackets and quotes before it closed; -1 for none."""
    end = text.find("}", start)
    while end >= 0 and not balanced(text[start:end]):
        end = text.find("}", end + 1)
    return end


def bare(path: str) -> str:
    """A path without the `${` and `}` that some content puts around it where none are needed."""
    path = path.strip()
    return path[2:-1].strip() if path.startswith("${") and path.endswith("}") else path


def dotted(path: str) -> str:
    """The names of a path, joined by dots: no indexes, selectors and mutators."""
    return ".".join(step.key for step in steps(path) if isinstance(step, Name))


def bound(path: str) -> Iterator[str]:
    """The paths of bindings (`val1---path`) inside of a path, from the root."""
    for step in steps(path):
        if isinstance(step, (Selector, Mutator)):
            yield from (found.strip().rstrip(".") for found in _BINDING.findall(step.source))
