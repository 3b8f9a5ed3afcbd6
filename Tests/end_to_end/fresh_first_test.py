"""What changes while a first sync is open does not wait for its end, over real HTTP."""

from __future__ import annotations

from pathlib import Path

from emulators.cortex_xdr import CortexXdr
from emulators.kit import Fault
from Tests.world import FEED_C, INSTANCE, LATER, in_xdr, inserts, sample, sync_state, synced
from warroom.engine import Host

COUNT, SIZE = 400, 50


def let_through(emulator: CortexXdr, requests: int) -> None:
    """From now on the tenant takes this many inserts, then it is at its limit for longer than a run lasts."""
    emulator.faults.clear()
    emulator.faults.add(
        Fault("status", path="*tim_insert_jsons*", status=429, after=requests, retry_after=600.0, method="*")
    )


def status(host: Host) -> dict[str, object]:
    (entry,) = host.run_command("!xdr-iocs-status")[0].entries
    return dict(next(iter(entry["EntryContext"].values()))["SyncStatus"])


def test_change_during_an_open_first_sync_is_in_xdr_after_the_next_run_although_the_bulk_is_not_done(
    tmp_path: Path,
) -> None:
    with synced(tmp_path / "home", COUNT, request_size=str(SIZE), max_requests_in_flight="1") as (host, emulator):
        let_through(emulator, 2)
        assert host.fetch(INSTANCE).status == "ok"
        before = sync_state(host)["bulk"]
        assert before["open"] and before["done"] == 2 * SIZE and len(in_xdr(emulator)) < 2 * SIZE + 1
        # Feeds deliver in order, and the bulk goes newest first: this one would be among the last.
        (oldest,) = [value for value in (sample(0).value,) if value not in in_xdr(emulator)]
        host.store.indicators.edit(oldest, {"comments": "changed meanwhile"})
        added = {"value": "new.example.com", "type": "Domain", "score": 3, "fields": {"expirationdate": LATER}}
        host.store.indicators.apply([added], FEED_C)

        let_through(emulator, 1)
        assert host.fetch(INSTANCE).status == "ok"
        after = sync_state(host)["bulk"]
        assert (after["open"], after["done"]) == (True, before["done"])
        held = in_xdr(emulator)
        assert held[oldest]["RULE_COMMENT"] == "changed meanwhile" and "new.example.com" in held
        told = status(host)
        assert (told["in_sync"], told["reason"], told["waiting"]) == (False, "first sync", 0)

        emulator.faults.clear()
        assert host.fetch(INSTANCE).status == "ok"
        assert (len(in_xdr(emulator)), status(host)["in_sync"]) == (COUNT + 1, True)
        records = inserts(emulator)[1]
        assert host.fetch(INSTANCE).status == "ok" and inserts(emulator)[1] == records
