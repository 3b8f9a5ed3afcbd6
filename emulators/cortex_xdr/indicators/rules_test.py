"""What is asked of the table itself: flat memory, many clients at once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from emulators.cortex_xdr.conftest import Client, Start, domain
from emulators.kit import json_lines


def drained(pieces: Iterator[bytes]) -> tuple[int, int]:
    """(bytes, peak of memory in bytes) of reading all pieces one after the other."""
    tracemalloc.start()
    try:
        size = sum(map(len, pieces))
        return size, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("order", ["modified", "random"])
def test_dump_and_changes_take_far_less_memory_than_they_write(xdr: Start, order: str) -> None:
    client = xdr(changes_order=order, own_writes="show")
    client.admin("seed", {"generate": {"count": 12_000}})
    with client.emulator.lock:
        dumped, dump_peak = drained(json_lines(client.emulator.state.dump()))
    assert dumped > 5_000_000 and dump_peak < 2_000_000
    headers = {**client.keys(), "Accept-Encoding": "identity"}
    body = b'{"request_data":{"last_update_ts":0}}'
    url = f"{client.emulator.url}/public_api/v1/indicators/get_changes"
    with client.http.post(url, data=body, headers=headers, stream=True) as reply:
        assert reply.headers["Transfer-Encoding"] == "chunked"
        sent, peak = drained(reply.iter_content(64 * 1024))
    # The server runs in this process, so the peak is that of both sides.
    assert sent > 5_000_000 and peak < 2_000_000


def test_clients_at_once_lose_nothing(xdr: Start) -> None:
    client = xdr()

    def work(worker: int) -> None:
        with requests.Session() as http:
            own = Client(client.emulator, http)
            for number in range(10):
                assert own.insert(domain(f"w{worker}-{number}.example"), domain("shared.example")) == []

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert client.admin("count")["rules"] == 41
    rows = client.dump()
    assert len({row["RULE_ID"] for row in rows.values()}) == 41
    totals = client.admin("requests")["totals"]
    assert (totals["requests"], totals["records"], totals["by_status"]) == (40, 80, {"200": 40})
