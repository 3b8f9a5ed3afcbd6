"""What a chaos run counts and prints."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from Tests.chaos.book import Wrong

SHOWN = 10


@dataclass
class Figures:
    """The outcome of a chaos run; it went well when nothing is `lost`, `differing` or `echoed`.

    `faults` counts what was really done, by kind, `survived` those of them after which a later look found both sides
    as they must be; `undecided` are fields where a race left two outcomes legal.
    """

    seed: int
    cycles: int = 0
    quiet_cycles: int = 0
    indicators: int = 0
    rules: int = 0
    edits: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    survived: int = 0
    kills: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    whole_runs: int = 0
    requests: int = 0
    by_status: dict[str, int] = field(default_factory=dict)
    records_sent: int = 0
    switched_off: int = 0
    looks: int = 0
    decided_by_a_race: int = 0
    set_aside: int = 0
    echoed: int = 0
    lost: int = 0
    differing: int = 0
    seconds: float = 0.0
    peak_mb: int = 0
    wrong: list[Wrong] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Are both sides as they must be?"""
        return not (self.lost or self.differing or self.echoed)

    def as_json(self) -> dict[str, Any]:
        """Everything as plain objects."""
        return {**vars(self), "wrong": list(map(asdict, self.wrong)), "good": self.good}

    def table(self) -> str:
        """For people."""
        edits = {side: sum(n for what, n in self.edits.items() if what.startswith(side)) for side in ("xsoar", "xdr")}
        lines = [
            ("seed", self.seed),
            ("cycles", f"{self.cycles:,} and {self.quiet_cycles} quiet ones"),
            ("indicators in XSOAR", f"{self.indicators:,}"),
            ("IOCs in Cortex XDR", f"{self.rules:,}"),
            ("edits in XSOAR", f"{edits['xsoar']:,}"),
            ("edits in Cortex XDR", f"{edits['xdr']:,}"),
            ("faults injected", f"{sum(self.faults.values()):,}"),
            *((f"  {kind}", f"{count:,}") for kind, count in sorted(self.faults.items())),
            ("faults survived", f"{self.survived:,}"),
            ("kills", f"{self.kills:,}"),
            ("runs", ", ".join(f"{count:,} {status}" for status, count in sorted(self.runs.items()))),
            ("runs that got to their end", f"{self.whole_runs:,}"),
            ("requests", f"{self.requests:,}"),
            *((f"  answered {status}", f"{count:,}") for status, count in sorted(self.by_status.items())),
            ("records sent", f"{self.records_sent:,}"),
            ("IOCs switched off by the policy", f"{self.switched_off:,}"),
            ("looks at touched indicators", f"{self.looks:,}"),
            ("decided by a race", f"{self.decided_by_a_race:,}"),
            ("set aside", f"{self.set_aside:,}"),
            ("sent by the last quiet cycle", f"{self.echoed:,}"),
            ("lost", f"{self.lost:,}"),
            ("differing", f"{self.differing:,}"),
            ("peak memory of a run", f"{self.peak_mb:,} MB"),
            ("seconds", f"{self.seconds:,.0f}"),
        ]
        return "\n".join([*(f"{name:<36} {value:>24}" for name, value in lines), *map(told, self.wrong[:SHOWN])])


def told(wrong: Wrong) -> str:
    """A fault for people."""
    expected = "\n".join(f"    or {xsoar}\n       {xdr}" for xsoar, xdr in wrong.expected[:6])
    history = "\n".join(f"      {line}" for line in wrong.history)
    held = f"  XSOAR has {wrong.xsoar}\n  XDR has   {wrong.xdr}"
    return f"\n{wrong.kind}: {wrong.value} in cycle {wrong.cycle}\n{held}\n  expected\n{expected}\n{history}"
