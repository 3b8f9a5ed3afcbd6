"""What it costs to turn indicators into the bytes that Cortex XDR gets.

Floor: `json.dumps` of the finished objects. Both in CPU time of this process, best of several rounds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
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
    now_ms = int(time.time() * 1000)
    finished = [pack.body(pack.records(module, page, now_ms)) for page in batch]
    whole = best(rounds, lambda: [json.dumps(pack.body(pack.records(module, page, now_ms))) for page in batch])
    floor = best(rounds, lambda: [json.dumps(one) for one in finished])
    count = sum(map(len, batch))
    return [Line(f"mapping and json of {count:,}", whole * 1_000, floor * 1_000, "ms CPU", whole / floor, "<= 3.0")]


def load(ground: Ground, size: int, fields: list[str]) -> list[list[dict[str, Any]]]:
    """The newest `size` indicators in pages, parsed as the child process parses them."""
    batch: list[list[dict[str, Any]]] = []
    with ground.store() as store:
        for page in pages(store, fields):
            batch.append([orjson.loads(ioc) for ioc in page])
            if len(batch) * PAGE >= size:
                break
    return batch


def best(rounds: int, call: Callable[[], object]) -> float:
    """The least CPU seconds of `rounds` calls."""
    spent = []
    for _ in range(rounds):
        begin = time.process_time()
        call()
        spent.append(time.process_time() - begin)
    return min(spent)
