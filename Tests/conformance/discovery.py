"""The drivers that exist, found by their yml, and their products, found by their name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from Tests.conformance.product import FAULTS, SITUATIONS, Product
from warroom.cli.scaffolding.interface import KINDS
from warroom.content.node import load_yml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent / "drivers"


@dataclass(frozen=True)
class DriverFile:
    """One integration that declares a command of the driver interface."""

    name: str
    yml: dict[str, Any]

    @property
    def commands(self) -> dict[str, dict[str, Any]]:
        """The declared commands by name."""
        return {command["name"]: command for command in self.yml["script"]["commands"]}

    @property
    def kinds(self) -> list[str]:
        """The kinds of entities that it declares to block."""
        return [kind for kind in KINDS if f"vectra-block-{kind}" in self.commands]

    @property
    def adapter(self) -> Path:
        """Where its product has to be."""
        return FOLDER / f"{self.name}.py"

    def product(self) -> Callable[[Path], AbstractContextManager[Product]]:
        """Starts its product. Raises LookupError naming the file that is missing."""
        if not self.adapter.is_file():
            raise LookupError(
                f"{self.name} has no product to be tested against: write {self.adapter.relative_to(ROOT)} "
                "(docs/adding-a-driver.md says how)"
            )
        module = importlib.import_module(f"Tests.conformance.drivers.{self.name}")
        start: Callable[[Path], AbstractContextManager[Product]] = module.product
        return start

    def lacks(self) -> dict[str, str]:
        """What its product cannot get into, and why; empty when the product is missing."""
        if not self.adapter.is_file():
            return {}
        module = importlib.import_module(f"Tests.conformance.drivers.{self.name}")
        found = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Product)]
        return {key: why for kind in found for key, why in kind.lacks.items()}


@cache
def find_drivers(packs: Path = ROOT / "Packs") -> tuple[DriverFile, ...]:
    """All drivers, by name; read once, because every collection asks for them many times."""
    files = [path for path in packs.glob("*/Integrations/*/*.yml") if "name: vectra-block-" in path.read_text("utf-8")]
    drivers = [DriverFile(path.stem, dict(load_yml(path).data)) for path in files]
    return tuple(sorted(drivers, key=lambda driver: driver.name))


def cases(what: str) -> Iterator[tuple[DriverFile, str]]:
    """(driver, kind) for a situation or fault that the driver's product can get into."""
    assert what in (*SITUATIONS, *FAULTS, ""), what
    for driver in find_drivers():
        lacks = driver.lacks()
        if driver.adapter.is_file() and what not in lacks:
            yield from ((driver, kind) for kind in driver.kinds if f"{what}/{kind}" not in lacks)
