"""Hosts that are killed, several at once, and children that use too much: nothing is lost and nothing is left over."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulators.cortex_xdr import CortexXdr
from Tests.terminal import Shell
from Tests.world import (
    INSTANCE,
    add_instance,
    deliver,
    expected_rows,
    in_xdr,
    inserts,
    open_home,
    rejects,
    sample,
    samples,
    sync_state,
    synced,
    tenant,
)
from warroom.content.testing import PYTHON, write_pack
from warroom.engine import Host

COUNT, SIZE = 600, 100
# Told by its time from what other tests have sleeping on this machine.
ORPHAN = ["sleep", str(100_000 + os.getpid())]
MISDEEDS = f"""\
    elif what == "memory":
        hold = [bytearray(1 << 20) for _ in range(8192)]
    elif what == "orphan":
        import subprocess
        subprocess.Popen({ORPHAN})
        time.sleep(60)
    elif what == "error":"""


def gone(process: psutil.Process, seconds: float = 10) -> bool:
    """Whether the process ends in time."""
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [1, 4])
def test_host_killed_in_a_run_leaves_no_child_and_the_next_one_goes_on(
    tmp_path: Path, moment: str, number: int
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    children: list[psutil.Process] = []
    seen = 0

    def kill(phase: str, call: Any) -> None:
        nonlocal seen
        if "tim_insert" not in call.path or phase != moment or not started:
            return
        seen += 1
        if seen == number:
            children.extend(psutil.Process(started[0].pid).children(recursive=True))
            started[0].kill()

    with tenant(kill) as emulator:
        with open_home(tmp_path / "home") as host:
            deliver(host, samples(COUNT))
            add_instance(host, emulator.url, request_size=str(SIZE))
        shell = Shell(tmp_path / "home")
        started.append(shell.start("fetch", INSTANCE))
        out, _ = started[0].communicate(timeout=60)
        assert started[0].returncode == -9 and out == b""
        assert len(children) == 1 and gone(children[0])
        shell.good("fetch", INSTANCE)
        with open_home(tmp_path / "home") as host:
            assert in_xdr(emulator) == expected_rows(samples(COUNT))
            assert len(rejects(host)) == 4
        requests, records = inserts(emulator)
        assert records <= COUNT + 1 + 3 * SIZE
        shell.good("fetch", INSTANCE)
        assert inserts(emulator) == (requests, records)


@pytest.mark.slow
def test_two_fetches_and_a_push_at_once_do_no_harm(tmp_path: Path) -> None:
    fetching = threading.Event()
    with tenant(lambda phase, call: fetching.set()) as emulator:
        with open_home(tmp_path / "home") as host:
            deliver(host, samples(COUNT))
            add_instance(host, emulator.url, request_size=str(SIZE))
        seed(emulator)
        shell = Shell(tmp_path / "home")
        values = ",".join(sample(number).value for number in range(100, 110))
        running = [shell.start("fetch", INSTANCE, "--json"), shell.start("fetch", INSTANCE, "--json")]
        # A push that came before the first sync would send what XSOAR holds over the edit by hand.
        assert fetching.wait(60)
        running += [
            shell.start("run", f"!xdr-iocs-push indicator={values}", "--json"),
            shell.start("run", "!xdr-iocs-push", "--json"),
        ]
        for process in running:
            out, err = process.communicate(timeout=60)
            assert (process.returncode, err) == (0, b""), (out, err)
        assert json.loads(shell.good("fetch", INSTANCE, "--json"))["status"] == "ok"
        settled = inserts(emulator)
        shell.good("fetch", INSTANCE)
        assert inserts(emulator) == settled
        wanted = {value: row for value, row in expected_rows(samples(COUNT)).items() if value != sample(0).value}
        held = in_xdr(emulator)
        theirs = held.pop(sample(0).value)
        assert held == wanted
        assert (theirs["RULE_SEVERITY"], theirs["RULE_COMMENT"]) == ("SEV_020_LOW", "by hand")
        with open_home(tmp_path / "home") as host:
            assert len(rejects(host)) == 4
            found = host.store.indicators.get(sample(0).value)
            assert found is not None and found["CustomFields"]["xdrioccomment"] == "by hand"
            assert len(host.store.entries.last(100)) == 6
            assert sync_state(host)["bulk"]["open"] is False


def seed(emulator: CortexXdr) -> None:
    record = {"indicator": sample(0).value, "type": "IP", "severity": "HIGH", "reputation": "BAD"}
    with emulator.lock:
        emulator.state.seed({"indicators": [record], "source": "operator", "own": False})
        emulator.state.edit({"indicator": sample(0).value, "severity": "LOW", "comment": "by hand"})


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Host]:
    """A host with a small pack that can be told to misbehave."""
    folder = write_pack(tmp_path / "Packs")
    next(folder.rglob("Tiny.py")).write_text(PYTHON.replace('    elif what == "error":', MISDEEDS, 1))
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"], environ={"PATH": "/usr/bin:/bin"}) as host:
        host.add_instance(
            "Tiny",
            "tiny",
            {"url": "http://tiny", "apikey_creds.identifier": "me"},
            {"apikey_creds": "secret-of-tests"},
            store_secrets="plaintext",
        )
        yield host


def test_child_that_sleeps_is_killed_at_its_limit_and_the_entry_says_so(tiny: Host) -> None:
    before = time.monotonic()
    result = tiny.run_command("!tiny-do what=sleep", timeout_seconds=0.6)[0]
    assert time.monotonic() - before < 5
    assert (result.status, result.error) == ("timeout", "tiny-do was stopped: it reached the time limit of 0.6 seconds")
    last = tiny.store.entries.last(1)[0]
    assert last.status == "timeout" and last.contents[-1]["Contents"] == result.error


def test_child_with_children_leaves_none_of_them(tiny: Host) -> None:
    result = tiny.run_command("!tiny-do what=orphan", timeout_seconds=0.8)[0]
    assert result.status == "timeout"
    deadline = time.monotonic() + 5
    while left := [process.pid for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ORPHAN]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_child_that_takes_too_much_memory_is_stopped_and_told_apart(tiny: Host) -> None:
    result = tiny.run_command("!tiny-do what=memory", timeout_seconds=60)[0]
    assert (result.status, result.error) == ("killed", "tiny-do was stopped: it reached the memory limit of 1024 MB")
    assert result.max_rss_bytes < 1200 * 1024 * 1024
    assert tiny.run_command("!tiny-do what=context")[0].status == "ok"


def test_fetch_within_256_megabytes(tmp_path: Path) -> None:
    with synced(tmp_path / "home", 4_000, request_size="4000") as (host, _):
        result = host.fetch(INSTANCE)
        assert result.status == "ok" and 0 < result.max_rss_bytes < 256 * 1024 * 1024
