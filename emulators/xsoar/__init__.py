"""Emulator of the indicator calls in the REST API of Cortex XSOAR 6 and 8.

`python -m emulators.xsoar` runs it as a process.
"""

from emulators.xsoar.emulator import Xsoar, main, running
from emulators.xsoar.options import XsoarOptions

__all__ = ["Xsoar", "XsoarOptions", "main", "running"]
