"""Homes and tenants that the crash tests copy, each made once."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from emulators.cortex_xdr import CortexXdr
from Tests.crash.scenario import Scenario
from Tests.world import INSTANCE, add_instance, deliver, open_home, sample, samples, tenant

COUNT = 1_200
THEIRS = [
    # Known in XSOAR, changed by hand in XDR before the first sync.
    *({"indicator": sample(n).value, "severity": "LOW", "comment": f"checked by hand {n}"} for n in range(0, 40, 2)),
    *({"indicator": sample(n).value, "severity": "MEDIUM", "status": "DISABLED"} for n in range(1, 40, 2)),
    # Known in XDR only.
    *({"indicator": f"only-xdr-{n}.example.com", "severity": "CRITICAL"} for n in range(30)),
    {"indicator": "/usr/bin/evil", "comment": "a path"},
    {"indicator": "evil.exe", "comment": "a file name"},
]


def their_record(edit: dict[str, Any]) -> dict[str, Any]:
    """The rule that an operator of XDR makes before editing it."""
    value = edit["indicator"]
    kinds = {"/usr/bin/evil": "PATH", "evil.exe": "FILENAME"}
    known = {sample(n).value: sample(n).row["IOC_TYPE"] for n in range(40)}
    kind = kinds.get(value) or known.get(value, "DOMAIN_NAME")
    record = {"indicator": value, "type": kind, "severity": "HIGH", "reputation": "BAD", "reliability": "B"}
    return {**record, "expiration_date": -1}


def edit_in_xdr(emulator: CortexXdr, edits: list[dict[str, Any]]) -> None:
    """Makes what is missing, as somebody's own rule, and edits it."""
    with emulator.lock:
        emulator.state.seed({"indicators": list(map(their_record, edits)), "source": "operator", "own": False})
        emulator.state.edit(edits)


@pytest.fixture(scope="session")
def before_first_sync(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that never synced, and a tenant in which people have been at work."""
    folder = tmp_path_factory.mktemp("first")
    with ExitStack() as stack:
        emulator = stack.enter_context(tenant(state=folder / "tenant.db"))
        # A run looks once more at what is a minute old. Whether that is so here must not depend on how long tests take.
        host = stack.enter_context(open_home(folder / "home", clock=lambda: time.time() - 3600))
        deliver(host, samples(COUNT))
        add_instance(host, emulator.url, request_size="200")
        edit_in_xdr(emulator, THEIRS)
    return folder


@pytest.fixture(scope="session")
def in_step(before_first_sync: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home and a tenant after the first sync."""
    folder = tmp_path_factory.mktemp("in-step") / "place"
    with Scenario(before_first_sync).place(folder, keep=True) as (host, _):
        result = host.fetch(INSTANCE)
        assert result.status == "ok", result.error
    return folder


@pytest.fixture(scope="session")
def before_second_sync(in_step: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that is in step with its tenant, after which people and feeds worked on both sides."""
    folder = tmp_path_factory.mktemp("second") / "place"
    with Scenario(in_step).place(folder, keep=True) as (host, emulator):
        for number in range(0, 450, 3):
            host.store.indicators.edit(sample(number).value, {"comments": f"XSOAR says {number}"})
        for number in range(1, 40, 4):
            host.store.indicators.edit(sample(number).value, {"xdriocstatus": "enabled"})
        deliver(host, [sample(number) for number in range(COUNT, COUNT + 300)])
        edit_in_xdr(emulator, [{"indicator": f"only-xdr-{n}.example.com", "severity": "LOW"} for n in range(30, 50)])
        with emulator.lock:
            emulator.state.edit(
                [
                    # Every third of these was changed in XSOAR, too.
                    *(
                        {"indicator": sample(n).value, "severity": "INFO", "comment": f"XDR {n}"}
                        for n in range(0, 300, 5)
                    ),
                    *({"indicator": sample(n).value, "delete": True} for n in range(301, 340, 3)),
                    *({"indicator": f"only-xdr-{n}.example.com", "status": "DISABLED"} for n in range(10)),
                ]
            )
    return folder
