"""One engine of several on a home: `python -m Tests.end_to_end.engine HOME ACTION...`. It begins at a line on stdin.

An action is `fetch` or a command line. On stdout comes one JSON object: `results`, the versions of the context that
this engine wrote with the cursors in them, and the `conflicts`, writes that were refused because another engine had
written.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from Tests.world import INSTANCE, open_home
from warroom.engine import Host
from warroom.store import StaleVersion

# Between what a run reads and what it writes another engine should get its turn.
PAUSE_SECONDS = 0.05


def cursors(version: int, context: Mapping[str, Any]) -> dict[str, Any]:
    """Where the lanes are in this version of the context."""
    state = json.loads(context["state"])
    bulk, fresh = state["bulk"] or {}, state["fresh"] or {}
    return {
        "version": version,
        "epoch": state["epoch"],
        "done": bulk.get("done", 0),
        "open": bulk.get("open", True),
        "edge": fresh.get("edge") or "",
        "ts": state["inbound"]["ts"],
    }


def watched(host: Host) -> tuple[list[dict[str, Any]], list[int]]:
    """The writes of the context that were taken, and the versions of those that were refused, as they come."""
    taken: list[dict[str, Any]] = []
    refused: list[int] = []
    write: Callable[..., int] = host.store.contexts.write

    def observed(instance_id: str, context: Mapping[str, Any], version: int = -1) -> int:
        try:
            written = write(instance_id, context, version)
        except StaleVersion:
            refused.append(version)
            raise
        taken.append(cursors(written, context))
        return written

    host.store.contexts.write = observed  # type: ignore[method-assign]
    return taken, refused


def main() -> None:
    """Does what it is told, in order."""
    home, *actions = sys.argv[1:]
    lot = random.Random(len(actions))

    def pause(phase: str, name: str, pid: int) -> None:
        if phase == "before" and name == "setIntegrationContext":
            time.sleep(PAUSE_SECONDS * lot.random())

    with open_home(Path(home)) as host:
        taken, refused = watched(host)
        print("ready", flush=True)  # noqa: T201
        sys.stdin.readline()
        results = []
        for action in actions:
            ended = (
                [host.fetch(INSTANCE, on_call=pause)] if action == "fetch" else host.run_command(action, on_call=pause)
            )
            results += [[action, one.status, one.error] for one in ended]
    print(json.dumps({"results": results, "written": taken, "conflicts": len(refused)}))  # noqa: T201


if __name__ == "__main__":
    main()
