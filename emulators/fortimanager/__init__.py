"""Stateful emulator of FortiManager's JSON-RPC API. `python -m emulators.fortimanager` runs it as a process."""

from emulators.fortimanager.emulator import FortiManager, main, running
from emulators.fortimanager.options import FortiManagerOptions

__all__ = ["FortiManager", "FortiManagerOptions", "main", "running"]
