"""The packs as plain data: one `Item` per yml or JSON file, and the names that Python code uses."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

# Folder of a pack -> kind. Items of one kind share one space of ids on the server.
KINDS = {
    "Classifiers": "classifier or mapper",
    "Dashboards": "dashboard",
    "IncidentFields": "incident field",
    "IncidentTypes": "incident type",
    "IndicatorFields": "indicator field",
    "IndicatorTypes": "indicator type",
    "Integrations": "integration",
    "Jobs": "job",
    "Layouts": "layout",
    "Lists": "list",
    "Playbooks": "playbook",
    "Scripts": "script",
    "TestPlaybooks": "playbook",
    "Widgets": "widget",
}


@dataclass(frozen=True)
class Item:
    """One content file. `path` is relative to the repository."""

    kind: str
    path: Path
    data: dict[str, Any]
    root: Path

    @property
    def id(self) -> str:
        return str(self.data.get("commonfields", self.data).get("id", ""))

    @property
    def name(self) -> str:
        return str(self.data.get("name", ""))

    @property
    def deprecated(self) -> bool:
        return bool(self.data.get("deprecated", False))

    @property
    def folder(self) -> Path:
        return self.root / self.path.parent

    @property
    def module(self) -> str:
        """Name of the folder, and of the Python module in it."""
        return self.path.parent.name

    @property
    def has_code(self) -> bool:
        return self.kind in {"integration", "script"}

    @property
    def is_api_module(self) -> bool:
        return self.kind == "script" and self.module.endswith("ApiModule")

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed code beside the yml; empty when the file is missing (which is reported on its own)."""
        source = self.folder / f"{self.module}.py"
        return ast.parse(source.read_text(encoding="utf-8") if source.is_file() else "")

    @property
    def commands(self) -> list[dict[str, Any]]:
        script = self.data.get("script")
        return list(script.get("commands") or []) if isinstance(script, dict) else []

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return list(self.data.get("configuration") or [])

    @property
    def tasks(self) -> list[tuple[str, dict[str, Any]]]:
        """(number, inner task) of a playbook."""
        tasks: dict[str, Any] = self.data.get("tasks") or {}
        return [(str(number), body.get("task") or {}) for number, body in tasks.items()]


@dataclass(frozen=True)
class Repository:
    """All content of one repository, by path."""

    items: tuple[Item, ...]

    def of(self, kind: str) -> list[Item]:
        return [item for item in self.items if item.kind == kind]

    @property
    def with_code(self) -> list[Item]:
        return [item for item in self.items if item.has_code]

    @cached_property
    def api_modules(self) -> dict[str, Item]:
        return {item.module: item for item in self.items if item.is_api_module}

    @cached_property
    def commands(self) -> dict[str, bool]:
        """Every integration command -> whether all integrations that have it call it deprecated."""
        found: dict[str, bool] = {}
        for item in self.of("integration"):
            for command in item.commands:
                deprecated = item.deprecated or bool(command.get("deprecated", False))
                found[command["name"]] = found.get(command["name"], True) and deprecated
        return found

    def trees(self, item: Item) -> list[ast.Module]:
        """The code of an item and of the ApiModules it imports."""
        modules = [self.api_modules[name] for name in star_imports(item.tree) if name in self.api_modules]
        return [item.tree, *(module.tree for module in modules)]


def read(root: Path) -> Repository:
    """Reads `root`/Packs. A file that cannot be parsed raises the error of its parser."""
    return Repository(tuple(_items(root)))


def _items(root: Path) -> Iterator[Item]:
    for folder, kind in KINDS.items():
        for pattern in (f"Packs/*/{folder}/*", f"Packs/*/{folder}/*/*"):
            for path in sorted(root.glob(pattern)):
                if path.suffix in {".yml", ".json"} and "test_data" not in path.parts:
                    yield Item(kind, path.relative_to(root), _load(path), root)


def _load(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    data = yaml.safe_load(text) if path.suffix == ".yml" else json.loads(text)
    if not isinstance(data, dict):
        raise TypeError(f"{path}: holds no mapping")
    return data


def star_imports(tree: ast.Module) -> list[str]:
    """Modules that are imported with `*`, in order, repetitions kept."""
    return [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and any(name.name == "*" for name in node.names)
    ]


def words(tree: ast.Module) -> set[str]:
    """Every identifier and every whole string constant of the code."""
    found: set[str] = set()
    for node in ast.walk(tree):
        found |= set(_words(node))
    return found


def _words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield name
        case ast.keyword(arg=str() as name):
            yield name


def built_words(tree: ast.Module) -> list[re.Pattern[str]]:
    """What the f-strings of the code can make: one pattern for each that looks like a name with fixed parts."""
    return [pattern for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) and (pattern := _built(node))]


def _built(node: ast.JoinedStr) -> re.Pattern[str] | None:
    fixed = [str(part.value) if isinstance(part, ast.Constant) else None for part in node.values]
    if not re.fullmatch(r"\w{3,}", "".join(part or "" for part in fixed)):
        return None
    return re.compile("".join(r"\w+" if part is None else re.escape(part) for part in fixed))
