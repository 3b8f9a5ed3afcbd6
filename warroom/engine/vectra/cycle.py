"""One cycle of the Vectra response on a host, and when the next one begins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from warroom.engine.errors import UsageError
from warroom.engine.host import Host

SCRIPT = "VectraResponseCycle"
OUTPUT = "VectraResponse.Cycle"
CycleStatus = Literal["ok", "busy", "error"]


@dataclass(frozen=True)
class DestinationList:
    """The static destinations of a file: its text, or why it could not be read. `name` stands in the records."""

    name: str
    text: str | None = None
    error: str = ""


@dataclass(frozen=True)
class CycleOptions:
    """What one cycle is told. `owner` is the same for all runs of one home, of which one at a time is alive."""

    owner: str
    dry_run: bool = False
    groom: bool = False
    destinations: DestinationList | None = None


@dataclass(frozen=True)
class CycleResult:
    """What a cycle did. `output` is the script's output, empty when it gave none; `text` is for people."""

    status: CycleStatus
    output: dict[str, Any]
    text: str
    error: str | None = None


def read_list(path: Path) -> DestinationList:
    """The list in a file. One that cannot be read is told as such: it must never look like an empty one."""
    try:
        return DestinationList(path.stem, path.read_text(encoding="utf-8"))
    except OSError as error:
        return DestinationList(path.stem, error=f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        return DestinationList(path.stem, error=f"{path}: it is not UTF-8 text")


def cycle_args(options: CycleOptions) -> dict[str, str]:
    """The arguments of the script."""
    args = {
        "owner": options.owner,
        "dry_run": str(options.dry_run).lower(),
        "groom": str(options.groom).lower(),
    }
    found = options.destinations
    if found is None:
        return args
    text = {"destinations_error": found.error} if found.text is None else {"destinations": found.text}
    return {**args, "list_name": found.name, **text}


def run_cycle(host: Host, options: CycleOptions) -> CycleResult:
    """Runs one cycle over all brains of the home. Raises UsageError when the content is not there."""
    if host.catalog.script(SCRIPT) is None:
        raise UsageError(f"the script {SCRIPT} is not among the content; run `warroom content add PATH-TO-Packs`")
    result = host.run_script(SCRIPT, cycle_args(options))
    output = cycle_output(result.entries)
    status: CycleStatus = output["status"] if result.status == "ok" and output else "error"
    text = "\n".join(str(entry.get("HumanReadable") or "") for entry in result.entries if entry.get("HumanReadable"))
    error = result.error if result.status != "ok" else None if output else f"{SCRIPT} gave no result"
    return CycleResult(status, output, text, error)


def cycle_output(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The script's output among the entries, empty when there is none."""
    for entry in entries:
        for key, value in (entry.get("EntryContext") or {}).items():
            if key.partition("(")[0] == OUTPUT:
                found = value[0] if isinstance(value, list) and value else value
                return dict(found) if isinstance(found, Mapping) else {}
    return {}


def next_start(first: float, period: float, now: float) -> float:
    """When the next cycle begins: the first point of the grid `first + n * period` after `now`. Seconds.

    A cycle that takes longer than its period leaves points out; the grid stays where it is.
    """
    passed = math.floor((now - first) / period)
    return first + (passed + 1) * period
