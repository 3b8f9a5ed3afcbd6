"""How close the store comes to bare SQLite: taking in, paging, looking up, counting.

Each line names a floor that was measured in the same run on the same machine, and the ratio to it. The floor of
writing is `executemany` of the same documents into a table without any index; the floor of paging is a sequential
select of as many documents from that table.

    python -m benchmarks.store [--size 200000] [--batch 5000] [--page 4000] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from warroom.core.dates import from_micros
from warroom.store import Source, Store

SYNC_FIELDS = (
    "value", "indicator_type", "score", "expiration", "modified",
    "aggregatedReliability", "moduleToFeedMap", "comments", "id", "CustomFields",
)  # fmt: skip
SOURCE = Source("Benchmark", "benchmark", "benchmark-1", "A - Completely reliable", tags=("benchmark",))
LOOKED_UP = 200
MAX_PAGES = 60


@dataclass(frozen=True)
class Line:
    """One measurement. `unit` applies to `measured` and `floor`; `ratio` is how many times the floor it costs."""

    name: str
    measured: float
    floor: float
    unit: str
    ratio: float
    limit: str = ""


def items(random_source: random.Random, start: int, count: int) -> list[dict[str, Any]]:
    """Feed items as an importer makes them: values without any order, a few fields each."""
    return [
        {
            "value": f"{random_source.getrandbits(128):032x}",
            "type": random_source.choice(("File", "Domain", "IP", "URL")),
            "score": random_source.choice((3, 3, 3, 1)),
            "fields": {"tags": ["a", "b"], "description": f"record {number}"},
            "rawJSON": {"line": number},
        }
        for number in range(start, start + count)
    ]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call took, and its result."""
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def take_in(store: Store, size: int, batch: int) -> Iterator[float]:
    """Seconds of each batch."""
    random_source = random.Random(7)
    for start in range(0, size, batch):
        some = items(random_source, start, min(batch, size - start))
        yield timed(lambda: store.indicators.apply(some, SOURCE))[0]  # noqa: B023 - called before the next turn


def floor_of_writing(raw: sqlite3.Connection, store: Store, batch: int) -> float:
    """Seconds to write the same documents, batch by batch, into a bare table."""
    spent, after = 0.0, None
    while True:
        page = store.indicators.search(size=batch, search_after=after)
        if not page.iocs:
            return spent
        after = page.search_after
        rows = [(ioc,) for ioc in page.iocs]
        spent += timed(lambda: _write(raw, rows))[0]  # noqa: B023 - called before the next turn


def _write(raw: sqlite3.Connection, rows: list[tuple[bytes]]) -> None:
    raw.execute("begin immediate")
    raw.executemany("insert into documents (doc) values (?)", rows)
    raw.execute("commit")


def open_raw(path: Path) -> sqlite3.Connection:
    """A bare table in a file with the settings of the store."""
    raw = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "pragma journal_mode = wal",
        "pragma synchronous = normal",
        "pragma wal_autocheckpoint = 64000",
        "pragma cache_size = -65536",
        "create table documents (seq integer primary key, doc blob)",
    ):
        raw.execute(statement)
    return raw


def floor_of_paging(raw: sqlite3.Connection, size: int, page: int) -> float:
    """Median seconds of a sequential page."""
    statement = "select seq, doc from documents where seq > ? order by seq limit ?"
    starts = range(0, max(1, size - page), max(page, size // MAX_PAGES))
    return statistics.median(timed(lambda: raw.execute(statement, (start, page)).fetchall())[0] for start in starts)  # noqa: B023


def walk(store: Store, query: str, *, ascending: bool, page: int, fields: tuple[str, ...] | None = None) -> list[float]:
    """Seconds of each page of a whole walk."""
    spent: list[float] = []
    after = None
    while True:
        seconds, found = timed(
            lambda: store.indicators.search(
                query,
                size=page,
                sort=[("modified", ascending), ("id", ascending)],
                search_after=after,  # noqa: B023 - called before the next turn
                populate_fields=fields,
            )
        )
        if not found.iocs:
            return spent
        spent.append(seconds)
        after = found.search_after


def look_up(store: Store, size: int) -> float:
    """Median seconds of a query that names 200 values."""
    place = [str(size // 2)]
    iocs = store.indicators.search(size=LOOKED_UP, search_after=place, populate_fields=["value"]).iocs
    query = " or ".join(f'value:"{json.loads(ioc)["value"]}"' for ioc in iocs)
    sort = [("modified", True)]
    return statistics.median(
        timed(lambda: store.indicators.search(query, size=LOOKED_UP, sort=sort))[0] for _ in range(7)
    )


def floor_of_look_up(raw: sqlite3.Connection, size: int) -> float:
    """Median seconds to select as many documents by number."""
    numbers = json.dumps(random.Random(7).sample(range(1, size + 1), min(size, LOOKED_UP)))
    statement = "select doc from documents where seq in (select value from json_each(?))"
    return statistics.median(timed(lambda: raw.execute(statement, (numbers,)).fetchall())[0] for _ in range(7))


def peak_megabytes() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def measure(folder: Path, size: int, batch: int, page: int) -> list[Line]:
    """All lines, in the order of the table."""
    at_start = peak_megabytes()
    with Store.open(folder / "store.db") as store, closing(open_raw(folder / "raw.db")) as raw:
        batches = list(take_in(store, size, batch))
        again = timed(lambda: store.indicators.apply(items(random.Random(7), 0, min(batch, size)), SOURCE))[0]
        writing = size / floor_of_writing(raw, store, batch)
        lines = [
            rate("new indicators", size / sum(batches), writing, ">= 25,000/s"),
            rate("new indicators, last tenth", _last_tenth(size, batches), writing),
            rate("the same again", min(batch, size) / again, writing),
        ]
        lines += pages(store, raw, size, page)
        lines.append(cost(f"query of {LOOKED_UP} values", look_up(store, size), floor_of_look_up(raw, size), "< 20 ms"))
    peak = peak_megabytes()
    return [*lines, Line("peak memory (floor: at start)", peak, at_start, "MB", peak / at_start)]


def _last_tenth(size: int, batches: list[float]) -> float:
    some = batches[-max(1, len(batches) // 10) :]
    return size / len(batches) * len(some) / sum(some)


def pages(store: Store, raw: sqlite3.Connection, size: int, page: int) -> list[Line]:
    """Lines about sorted pages, with and without a query, both ways."""
    floor = floor_of_paging(raw, size, page)
    until = from_micros(int((time.time() + 3_600) * 1_000_000))
    kinds = "type:File or type:Domain or type:IP"
    query = f"modified:<{until} and (expirationStatus:active AND (reputation:Bad and ({kinds})))"
    lines = []
    for name, text, fields in (
        ("page", "", None),
        ("page of the sync query", query, None),
        ("page of the sync query, its fields", query, SYNC_FIELDS),
    ):
        for direction, ascending in (("up", True), ("down", False)):
            spent = walk(store, text, ascending=ascending, page=page, fields=fields)
            lines.append(cost(f"{name}, {direction}, median", statistics.median(spent), floor, "<= 50 ms"))
            lines.append(cost(f"{name}, {direction}, worst", max(spent), floor))
    return lines


def rate(name: str, measured: float, floor: float, limit: str = "") -> Line:
    """A line about records per second."""
    return Line(name, measured, floor, "per second", floor / measured, limit)


def cost(name: str, measured: float, floor: float, limit: str = "") -> Line:
    """A line about seconds, shown in milliseconds."""
    return Line(name, measured * 1_000, floor * 1_000, "ms", measured / floor, limit)


def table(lines: list[Line]) -> str:
    """The lines for people."""
    rows = [
        f"{line.name:<50} {line.measured:>12,.1f} {line.floor:>12,.1f} {line.unit:<10} {line.ratio:>8.2f}  {line.limit}"
        for line in lines
    ]
    head = f"{'':<50} {'measured':>12} {'floor':>12} {'unit':<10} {'ratio':>8}  wanted"
    return "\n".join([head, *rows])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=200_000, help="indicators in the store")
    parser.add_argument("--batch", type=int, default=5_000, help="items in one call")
    parser.add_argument("--page", type=int, default=4_000, help="documents in one page")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if min(options.size, options.batch, options.page) < 1 or options.size < 2 * options.page:
        parser.error("size must be at least two pages, batch and page at least 1")
    with tempfile.TemporaryDirectory() as folder:
        lines = measure(Path(folder), options.size, options.batch, options.page)
    print(json.dumps([asdict(line) for line in lines], indent=2) if options.json else table(lines))


if __name__ == "__main__":
    main()
