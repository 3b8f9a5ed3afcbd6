"""The drivers in processes of their own, as users run them: killed for real, in source and in unified form."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from Tests.conformance.discovery import ROOT, DriverFile, find_drivers
from Tests.conformance.product import Product, Subject
from warroom.engine import Host, RunResult

DRIVERS = [driver for driver in find_drivers() if driver.adapter.is_file()]
WRITE = "setIntegrationContext"
OnCall = Callable[[str, str, int], None]


class Real:
    """A driver's product, and an instance of the driver in a home of its own."""

    def __init__(self, driver: DriverFile, product: Product, host: Host) -> None:
        self.driver, self.product, self.host = driver, product, host
        self.kind = driver.kinds[0]
        instance = host.add_instance(driver.name, "it", dict(product.params), dict(product.secrets), "plaintext")
        product.context = lambda: dict(host.store.contexts.read(instance.id).context)
        self.subject: Subject = product.subject(self.kind)

    def run(self, command: str, on_call: OnCall | None = None, /, **args: str) -> RunResult:
        words = " ".join(f"{name}=`{value}`" for name, value in args.items())
        [result] = self.host.run_command(f"!{command} {words}", on_call=on_call)
        return result

    def block(self, on_call: OnCall | None = None) -> RunResult:
        return self.run(f"vectra-block-{self.kind}", on_call, **self.subject.args, brain="one")

    def rows(self, result: RunResult) -> list[dict[str, Any]]:
        assert result.status == "ok", result.error
        return [row for entry in result.entries for rows in (entry.get("EntryContext") or {}).values() for row in rows]

    def settle(self) -> None:
        for _ in range(2):
            self.product.finish()
            self.rows(self.run("vectra-response-reconcile"))


@contextmanager
def real(driver: DriverFile, folder: Path, content: Path) -> Iterator[Real]:
    files = folder / "product"
    files.mkdir()
    environ = {"PATH": os.environ["PATH"]}
    with driver.product()(files) as product, Host.open(folder / "home", content=[content], environ=environ) as host:
        yield Real(driver, product, host)


@pytest.fixture
def content(request: pytest.FixtureRequest, driver: DriverFile) -> Path:
    """Where the driver is read from: the packs, or the file that the build made of it."""
    unified = request.config.getoption("--unified")
    return next((ROOT / unified / driver.name).resolve().glob("*.yml")) if unified else ROOT / "Packs"


def killer(moment: str, number: int) -> OnCall:
    """Ends the child with SIGKILL before or after its n-th write of the context (from 0)."""
    seen = iter(range(100))

    def on_call(phase: str, name: str, pid: int) -> None:
        if name == WRITE and phase == moment and next(seen) == number:
            os.kill(pid, signal.SIGKILL)

    return on_call


@pytest.mark.parametrize("driver", DRIVERS, ids=[driver.name for driver in DRIVERS])
def test_children_block_is_killed_then_released_for_real(driver: DriverFile, tmp_path: Path, content: Path) -> None:
    with real(driver, tmp_path, content) as world:
        # Killed when only the intent may be stored, and when the order is sent but not its outcome.
        assert world.block(killer("after", 0)).status == "killed"
        assert world.block(killer("before", 1)).status in ("killed", "ok")
        assert {row["contained"] for row in world.rows(world.block())} == {True}
        world.settle()
        assert world.product.contained() == world.subject.elements
        unblock = f"vectra-unblock-{world.kind}"
        known = {argument["name"] for argument in driver.commands[unblock]["arguments"]}
        args = {name: value for name, value in world.subject.args.items() if name in known}
        world.rows(world.run(unblock, None, **args, brain="one"))
        world.settle()
        assert world.product.contained() == frozenset()


@pytest.mark.parametrize("driver", DRIVERS, ids=[driver.name for driver in DRIVERS])
def test_children_killed_block_is_finished_by_reconcile_alone(
    driver: DriverFile, tmp_path: Path, content: Path
) -> None:
    with real(driver, tmp_path, content) as world:
        number = 0
        while world.block(killer("before", number)).status == "killed" and not world.product.contained():
            number += 1
        world.settle()
        assert world.product.contained() == world.subject.elements
