"""A configuration of VAR, which is a Python file, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warroom.engine.errors import UsageError
from warroom.engine.migration import Note


@dataclass(frozen=True)
class Setting:
    """One setting with its value; not shown, since it may be a secret."""

    name: str
    value: Any
    where: str

    def __repr__(self) -> str:
        return f"Setting({self.name!r}, {self.where!r})"


@dataclass(frozen=True)
class VarConfig:
    """The settings of one file by name, and what in it is no plain setting."""

    settings: dict[str, Setting]
    refused: tuple[Note, ...] = ()


def read_var_config(text: str, name: str) -> VarConfig:
    """The settings of a file. Values must be literals; nothing of the file is run.

    Raises UsageError when the text is no Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise UsageError(f"{name}:{line}: this is no Python file: {getattr(error, 'msg', error)}") from error
    settings: dict[str, Setting] = {}
    refused: list[Note] = []
    for node in tree.body:
        for found in _read(node, f"{name}:{node.lineno}"):
            if isinstance(found, Setting):
                settings[found.name] = found
            else:
                refused.append(found)
    return VarConfig(settings, tuple(refused))


def _read(node: ast.stmt, where: str) -> Iterator[Setting | Note]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a text on its own is a comment
    names = _targets(node)
    value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
    if not names or value is None:
        yield Note("left out", where, type(node).__name__.lower(), "is code; it was not run")
        return
    try:
        literal = ast.literal_eval(value)
    except (ValueError, TypeError, MemoryError, RecursionError):
        yield from (Note("left out", where, name, "is computed; write the value itself") for name in names)
        return
    yield from (Setting(name, literal, where) for name in names)


def _targets(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if len(names) == len(targets) else []
