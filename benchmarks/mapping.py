"""What it costs to turn indicators into the bytes that Cortex XDR gets.

Floor: `json.dumps` of the finished objects. Both in CPU time of this process, best of several rounds. As in a run, one
page is in memory at a time; parsing it is not part of either time.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import orjson

from benchmarks import pack
from benchmarks.store import Line
from benchmarks.tenant import PAGE, Ground, pages

ROUNDS = 7


def measure(ground: Ground, size: int, rounds: int = ROUNDS) -> list[Line]:
    """One line: mapping and serialisation of a batch, page by page, against serialisation alone."""
    ground.grow(size)
    module = pack.integration()
    batch = load(ground, size, module.POPULATED_FIELDS.split(","))
    spent = [one_round(module, batch) for _ in range(rounds)]
    whole, floor = min(whole for whole, _ in spent), min(floor for _, floor in spent)
    count = sum(map(len, batch))
    return [Line(f"mapping and json of {count:,}", whole * 1_000, floor * 1_000, "ms CPU", whole / floor, "<= 3.0")]


def load(ground: Ground, size: int, fields: list[str]) -> list[list[bytes]]:
    """The newest `size` indicators in pages."""
    batch: list[list[bytes]] = []
    with ground.store() as store:
        for page in pages(store, fields):
            batch.append(page)
            if len(batch) * PAGE >= size:
                break
    return batch


def one_round(module: ModuleType, batch: Sequence[Sequence[bytes]]) -> tuple[float, float]:
    """CPU seconds of mapping with serialisation, and of serialisation alone."""
    now_ms, settings = int(time.time() * 1000), pack.settings(module)
    whole = floor = 0.0
    for page in batch:
        iocs: list[dict[str, Any]] = [orjson.loads(ioc) for ioc in page]
        whole += cpu_seconds(lambda: json.dumps(pack.body(module.plan_page(iocs, settings, now_ms).records)))  # noqa: B023
        finished = pack.body(module.plan_page(iocs, settings, now_ms).records)
        floor += cpu_seconds(lambda: json.dumps(finished))  # noqa: B023 - called before the next turn
    return whole, floor


def cpu_seconds(call: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    # What the step before left behind would be collected at this one's expense.
    gc.collect()
    begin = time.process_time()
    call()
    return time.process_time() - begin
