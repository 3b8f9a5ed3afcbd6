"""Holds this repository to the rules of its architecture, and proves on small trees that each rule bites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from Tests import architecture

ROOT = Path(__file__).resolve().parents[1]
INTEGRATION = "Packs/One/Integrations/Sync/Sync.py"
ONE = "Packs/ApiModules/Scripts/OneApiModule/OneApiModule.py"
TWO = "Packs/ApiModules/Scripts/TwoApiModule/TwoApiModule.py"


def tree(root: Path, **files: str) -> Path:
    """Writes the files, given as path=text, and returns `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("rule", architecture.RULES, ids=lambda rule: rule.__name__)
def test_repository_every_rule_finds_nothing(rule: Callable[[Path], list[str]]) -> None:
    faults = rule(ROOT)

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "line", "fault"),
    [
        ("warroom/core/a.py", "import warroom.store", "warroom.core must not import warroom.store"),
        ("warroom/core/a.py", "from ..engine import Host", "warroom.core must not import warroom.engine.Host"),
        ("warroom/core/a.py", "from warroom import cli", "warroom.core must not import warroom.cli"),
        ("warroom/store/a.py", "from warroom.content import x", "warroom.store must not import warroom.content.x"),
        ("warroom/content/a.py", "from warroom.runtime import x", "warroom.content must not import warroom.runtime.x"),
        ("warroom/runtime/a/b.py", "from ...store import x", "warroom.runtime must not import warroom.store.x"),
        ("warroom/engine/a.py", "import warroom.cli.main", "warroom.engine must not import warroom.cli.main"),
        ("warroom/cli/a.py", "import emulators", "warroom.cli must not import emulators"),
        ("warroom/cli/a.py", "import emulators.kit", "warroom.cli must not import emulators.kit"),
        ("warroom/cli/a.py", "from Tests import x", "warroom.cli must not import Tests.x"),
        ("emulators/kit/a.py", "import emulators.vectra", "emulators.kit must not import emulators.vectra"),
        ("emulators/vectra/a.py", "from ..other import x", "emulators.vectra must not import emulators.other.x"),
        ("emulators/vectra/a.py", "import warroom.core", "emulators.vectra must not import warroom.core"),
        (INTEGRATION, "import warroom", "Packs must not import warroom"),
        (INTEGRATION, "def f():\n    import emulators.kit", "Packs must not import emulators.kit"),
    ],
)
def test_import_directions_wrong_import_is_found(tmp_path: Path, path: str, line: str, fault: str) -> None:
    tree(tmp_path, **{path: line})

    [found] = architecture.import_directions(tmp_path)

    assert found.startswith(f"{path}:")
    assert found.endswith(fault)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("warroom/cli/a.py", "from warroom.engine import Host"),
        ("warroom/engine/a.py", "from warroom.core.query import x; from warroom.store import Store"),
        ("warroom/store/__init__.py", "from .indicators import x; from ..core import y"),
        ("emulators/vectra/a.py", "from emulators.kit import x; from . import state"),
        ("benchmarks/a.py", "import warroom.core, emulators.vectra, Tests.x"),
        (INTEGRATION, "import json, demistomock"),
    ],
)
def test_import_directions_right_import_passes(tmp_path: Path, path: str, line: str) -> None:
    assert architecture.import_directions(tree(tmp_path, **{path: line})) == []


def test_future_imports_in_pack_is_found(tmp_path: Path) -> None:
    tree(tmp_path, **{INTEGRATION: "from __future__ import annotations"})

    assert architecture.future_imports(tmp_path) == [f"{INTEGRATION}:1: from __future__ cannot stand in pack code"]


def test_api_modules_are_flat_nested_module_is_found(tmp_path: Path) -> None:
    tree(tmp_path, **{ONE: "x = 1\nfrom TwoApiModule import *"})

    assert architecture.api_modules_are_flat(tmp_path) == [f"{ONE}:2: an ApiModule must not import TwoApiModule"]


def test_names_are_unique_two_modules_is_found(tmp_path: Path) -> None:
    tree(tmp_path, **{ONE: "def send(): ...", TWO: "send, receive = 1, 2"})

    assert architecture.names_are_unique(tmp_path) == ["send is defined by OneApiModule and TwoApiModule"]


def test_names_are_unique_private_helper_in_two_modules_is_found(tmp_path: Path) -> None:
    tree(tmp_path, **{ONE: "def _send(): ...", TWO: "class _send: ..."})

    assert architecture.names_are_unique(tmp_path) == ["_send is defined by OneApiModule and TwoApiModule"]


@pytest.mark.parametrize(("imports", "count"), [("from OneApiModule import *\n", 1), ("", 0)])
def test_names_are_unique_integration_redefines_is_found_when_imported(
    tmp_path: Path, imports: str, count: int
) -> None:
    tree(tmp_path, **{ONE: "LIMIT: int = 1", INTEGRATION: f"{imports}LIMIT = 2"})

    assert len(architecture.names_are_unique(tmp_path)) == count


def test_private_names_stay_home_use_of_foreign_helper_is_found(tmp_path: Path) -> None:
    tree(tmp_path, **{ONE: "def _send(): ...", INTEGRATION: "from OneApiModule import *\n_send()"})

    assert architecture.private_names_stay_home(tmp_path) == [f"{INTEGRATION}:2: _send is private to OneApiModule"]


def test_private_names_stay_home_own_helper_passes(tmp_path: Path) -> None:
    tree(tmp_path, **{ONE: "def send(): ...", INTEGRATION: "from OneApiModule import *\ndef _send(): ...\n_send()"})

    assert architecture.private_names_stay_home(tmp_path) == []
