"""The Vectra response without a server: cycles at a fixed period, one at a time, and the way from VAR."""

from warroom.engine.vectra.cycle import CycleOptions, CycleResult, DestinationList, next_start, read_list, run_cycle
from warroom.engine.vectra.lock import AnotherRun, single_run

__all__ = [
    "AnotherRun",
    "CycleOptions",
    "CycleResult",
    "DestinationList",
    "next_start",
    "read_list",
    "run_cycle",
    "single_run",
]
