"""`python -m benchmarks [NAME ...] [--size N,N,N] [--json FILE] [--quick]`"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import mapping, match, scale, store, sync
from benchmarks.store import Line, table
from benchmarks.tenant import PAGE, Ground, say

NAMES = ("store", "mapping", "match", "first-sync", "slow-tenant", "scale", "incremental", "inbound")
FOLLOWING = ("incremental", "inbound")


@dataclass(frozen=True)
class Sizes:
    """How much each benchmark takes."""

    sync: tuple[int, ...] = (40_000, 200_000, 800_000)
    in_store: int = 200_000
    mapped: int = 40_000
    mapping_rounds: int = mapping.ROUNDS
    inbound: int = 10_000
    links: int | None = None
    match_rounds: int = match.ROUNDS
    steps: int = 20_000


QUICK = Sizes(
    sync=(200, 400), in_store=400, mapped=200, mapping_rounds=1, inbound=50, links=200, match_rounds=1, steps=400
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measures what was asked for, prints a table, and writes JSON when wanted."""
    options = _options(argv)
    names = tuple(name for name in NAMES if not options.names or name in options.names)
    sizes = QUICK if options.quick else Sizes(sync=options.size) if options.size else Sizes()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        lines = []
        print(table([]), flush=True)
        for line in measure(Path(folder), names, sizes):
            lines.append(line)
            print(table([line]).splitlines()[1], flush=True)
    if options.json:
        found = {"machine": machine(), "lines": [asdict(line) for line in lines]}
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(folder: Path, names: Sequence[str], sizes: Sizes) -> Iterator[Line]:
    """All lines, in the order of NAMES, each as soon as it is known."""
    ground = Ground(folder / "home")
    for name in names:
        if name not in FOLLOWING:
            say(name)
        if name == "store":
            (folder / "store").mkdir()
            page = min(PAGE, sizes.in_store // 2)
            yield from store.measure(folder / "store", sizes.in_store, min(5_000, sizes.in_store), page)
        elif name == "mapping":
            yield from mapping.measure(ground, sizes.mapped, sizes.mapping_rounds)
        elif name == "match":
            yield from match.measure(sizes.links, sizes.match_rounds)
        elif name == "first-sync":
            yield from sync.first_sync(ground, sizes.sync)
        elif name == "slow-tenant":
            yield from sync.slow_tenant(ground, sizes.sync)
        elif name == "scale":
            (folder / "scale").mkdir()
            yield from scale.measure(Ground(folder / "scale" / "home"), sizes.steps)
    following = [name for name in FOLLOWING if name in names]
    if following:
        yield from sync.following(ground, sizes.sync, sizes.inbound, following)


def machine() -> dict[str, object]:
    """What the numbers were measured on."""
    return {"python": platform.python_version(), "system": platform.system(), "cpus": os.cpu_count()}


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description="Ratios against floors of the same run.")
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--size", type=_sizes, metavar="N,N", help="sizes of the first sync, smallest first")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE as JSON")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    return parser.parse_args(argv)


def _name(text: str) -> str:
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(NAMES)}")
    return text


def _sizes(text: str) -> tuple[int, ...]:
    found = tuple(sorted(int(part.replace("_", "")) for part in text.split(",")))
    if not found or found[0] < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of positive numbers")
    return found


if __name__ == "__main__":
    sys.exit(main())
