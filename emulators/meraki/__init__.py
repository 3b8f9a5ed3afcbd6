"""Stateful emulator of the Cisco Meraki Dashboard API v1. `python -m emulators.meraki` runs it as a process."""

from emulators.meraki.emulator import Meraki, main, running
from emulators.meraki.options import MerakiOptions

__all__ = ["Meraki", "MerakiOptions", "main", "running"]
