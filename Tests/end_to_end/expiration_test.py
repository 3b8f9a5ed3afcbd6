"""What the integration says about an indicator besides its expiration leaves the expiration alone, on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulators.cortex_xdr import CortexXdr
from Tests.world import INSTANCE, LATER_MS, in_xdr, sample, synced
from warroom.engine import Host

VALUE = sample(1).value
Place = tuple[Host, CortexXdr]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with synced(tmp_path / "home", 8) as (host, emulator):
        assert host.fetch(INSTANCE).status == "ok"
        yield host, emulator


def edit(emulator: CortexXdr) -> None:
    with emulator.lock:
        emulator.state.edit({"indicator": VALUE, "comment": "by hand"})


def disable(host: Host, emulator: CortexXdr) -> None:
    assert host.run_command(f"!xdr-iocs-disable indicator={VALUE}")[0].status == "ok"


def disable_and_enable(host: Host, emulator: CortexXdr) -> None:
    disable(host, emulator)
    assert host.run_command(f"!xdr-iocs-enable indicator={VALUE}")[0].status == "ok"


def edit_in_xdr(host: Host, emulator: CortexXdr) -> None:
    edit(emulator)


def edit_on_both_sides(host: Host, emulator: CortexXdr) -> None:
    edit(emulator)
    host.store.indicators.edit(VALUE, {"comments": "ours"})


def edit_in_xdr_and_push(host: Host, emulator: CortexXdr) -> None:
    edit(emulator)
    assert host.fetch(INSTANCE).status == "ok"
    assert host.run_command(f"!xdr-iocs-push indicator={VALUE}")[0].status == "ok"


def delete_in_xdr(host: Host, emulator: CortexXdr) -> None:
    with emulator.lock:
        emulator.state.edit({"indicator": VALUE, "delete": True})


@pytest.mark.parametrize(
    "change", [disable, disable_and_enable, edit_in_xdr, edit_on_both_sides, edit_in_xdr_and_push, delete_in_xdr]
)
def test_change_of_something_else_leaves_the_expiration_alone(
    place: Place, change: Callable[[Host, CortexXdr], None]
) -> None:
    host, emulator = place
    change(host, emulator)
    for _ in range(2):
        assert host.fetch(INSTANCE).status == "ok"
    found = host.store.indicators.get(VALUE)
    assert found is not None and found["expiration"].startswith("2099-12-31T00:00:00")
    assert in_xdr(emulator)[VALUE]["RULE_EXPIRATION_TIME"] == LATER_MS
