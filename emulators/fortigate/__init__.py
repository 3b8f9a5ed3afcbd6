"""Stateful emulator of the FortiOS REST API of one FortiGate. `python -m emulators.fortigate` runs it as a process."""

from emulators.fortigate.emulator import FortiGate, main, running
from emulators.fortigate.options import FortiGateOptions

__all__ = ["FortiGate", "FortiGateOptions", "main", "running"]
