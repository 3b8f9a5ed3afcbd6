"""Who may import whom, and the rules for pack code that ends up in one namespace. Read from the syntax; nothing is run.

Each rule takes the root of a repository and returns one line per fault, naming file and line; an empty list is well.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

# Room of the house -> rooms it may import besides itself. What is not named here may import everything.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "warroom.core": frozenset(),
    "warroom.store": frozenset({"warroom.core"}),
    "warroom.content": frozenset({"warroom.core"}),
    "warroom.runtime": frozenset({"warroom.core"}),
    "warroom.engine": frozenset({"warroom.core", "warroom.store", "warroom.content", "warroom.runtime"}),
    "warroom.cli": frozenset({"warroom.core", "warroom.store", "warroom.content", "warroom.runtime", "warroom.engine"}),
    "emulators.kit": frozenset(),
    "Packs": frozenset(),
}
# Every other emulator.
EMULATOR_MAY_IMPORT = frozenset({"emulators.kit"})
TOP_LEVEL = ("warroom", "emulators", "Packs", "Tests", "demo", "benchmarks", "tools")
# Packages with rooms inside. Importing such a package as a whole is free to its own rooms.
SPLIT = frozenset({"warroom", "emulators"})


def room(module: str) -> str:
    """The part of the house that a dotted module name lies in; "" when it is not of the house."""
    first, *rest = module.split(".")
    if first not in TOP_LEVEL:
        return ""
    return ".".join([first, *rest[:1]]) if first in SPLIT else first


def import_directions(root: Path) -> list[str]:
    """Imports against the directions."""
    faults = []
    for path in _sources(root):
        own = room(_module(path.relative_to(root)))
        allowed = _allowed(own)
        if allowed is None:
            continue
        for line, module in _imports(path, root):
            if _is_forbidden(own, room(module), allowed):
                faults.append(f"{path.relative_to(root)}:{line}: {own} must not import {module}")
    return faults


def _is_forbidden(own: str, target: str, allowed: frozenset[str]) -> bool:
    if target in SPLIT:
        return own.partition(".")[0] != target
    return bool(target) and target != own and target not in allowed


def _allowed(own: str) -> frozenset[str] | None:
    if own.startswith("emulators.") and own not in MAY_IMPORT:
        return EMULATOR_MAY_IMPORT
    return MAY_IMPORT.get(own)


def _sources(root: Path) -> Iterator[Path]:
    for folder in TOP_LEVEL:
        yield from sorted((root / folder).rglob("*.py"))


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of everything imported, inside functions too; `from a import b` gives a.b."""
    package = _module(path.relative_to(root)).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _pack_code(root: Path) -> list[Path]:
    """Python files of packs, without their tests."""
    files = (path for kind in ("Integrations", "Scripts") for path in root.glob(f"Packs/*/{kind}/*/*.py"))
    return sorted(path for path in files if path.stem == path.parent.name)


def _api_modules(root: Path) -> dict[str, Path]:
    return {path.stem: path for path in _pack_code(root) if path.stem.endswith("ApiModule")}


def future_imports(root: Path) -> list[str]:
    """`from __future__` in pack code: the build puts lines in front of it, where it is a syntax error."""
    return [
        f"{path.relative_to(root)}:{line}: from __future__ cannot stand in pack code"
        for path in _pack_code(root)
        for line, module in _imports(path, root)
        if module.startswith("__future__")
    ]


def api_modules_are_flat(root: Path) -> list[str]:
    """ApiModules that import an ApiModule: it would be pasted twice, and its classes would exist twice."""
    return [
        f"{path.relative_to(root)}:{line}: an ApiModule must not import {module.partition('.')[0]}"
        for path in _api_modules(root).values()
        for line, module in _imports(path, root)
        if module.partition(".")[0].endswith("ApiModule")
    ]


def names_are_unique(root: Path) -> list[str]:
    """Names defined by two ApiModules, or by an ApiModule and an integration that imports it."""
    faults = []
    owners: dict[str, list[str]] = defaultdict(list)
    for module, path in _api_modules(root).items():
        for name in sorted(_defined(_tree(path))):
            owners[name].append(module)
    faults += [f"{name} is defined by {' and '.join(modules)}" for name, modules in owners.items() if len(modules) > 1]
    for path in _pack_code(root):
        imported = _star_imported(path, root)
        for name in sorted(_defined(_tree(path)) & owners.keys()):
            if owners[name][0] in imported:
                faults.append(f"{path.relative_to(root)}: {name} is also defined by {owners[name][0]}")
    return faults


def private_names_stay_home(root: Path) -> list[str]:
    """Uses of a `_name` that only an imported ApiModule defines: seen after the build, not in a unit test."""
    modules = _api_modules(root)
    faults = []
    for path in _pack_code(root):
        tree = _tree(path)
        foreign = {
            name: module
            for module in _star_imported(path, root) & modules.keys()
            for name in _defined(_tree(modules[module]))
            if name.startswith("_")
        }
        unknown = foreign.keys() - _defined(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in unknown:
                faults.append(f"{path.relative_to(root)}:{node.lineno}: {node.id} is private to {foreign[node.id]}")
    return faults


def _star_imported(path: Path, root: Path) -> set[str]:
    return {module.removesuffix(".*") for _, module in _imports(path, root) if module.endswith(".*")}


def _defined(tree: ast.Module) -> set[str]:
    """Names that the top level of a file defines; imported ones are not among them."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return names


RULES: tuple[Callable[[Path], list[str]], ...] = (
    import_directions,
    future_imports,
    api_modules_are_flat,
    names_are_unique,
    private_names_stay_home,
)
