"""The clocks of the chaos run: XSOAR's, Cortex XDR's and that of the process that the integration runs in."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from Tests.world import ENVIRON, ROOT

SHIM = Path(__file__).parent / "clock" / "CommonServerPython.py"


@dataclass
class Clocks:
    """Three clocks that agree but for their jumps, all `passed` seconds ahead of this machine's.

    `speed`: how many seconds pass in the integration's process in one real second.
    """

    folder: Path
    speed: float
    passed: float = 0.0
    jumps: dict[str, float] = field(default_factory=lambda: {"xsoar": 0.0, "xdr": 0.0, "client": 0.0})

    def xsoar(self) -> float:
        """The clock of the XSOAR server."""
        return time.time() + self.passed + self.jumps["xsoar"]

    def xdr(self) -> float:
        """The clock of the tenant."""
        return time.time() + self.passed + self.jumps["xdr"]

    def set_client(self) -> None:
        """Lets the next process of the integration live by the client's clock."""
        self.folder.mkdir(exist_ok=True)
        if not (self.folder / SHIM.name).exists():
            shutil.copy(SHIM, self.folder)
        given = os.environ.get("COMMON_SERVER_PYTHON")
        common = Path(given) if given else ROOT / "warroom" / "runtime" / "shims"
        setting = {
            "offset": self.passed + self.jumps["client"],
            "speed": self.speed,
            "common": str(common / SHIM.name),
        }
        (self.folder / "clock.json").write_text(json.dumps(setting), encoding="utf-8")

    @property
    def environ(self) -> dict[str, str]:
        """What the home has to run with."""
        return {**ENVIRON, "COMMON_SERVER_PYTHON": str(self.folder)}
