"""Emulator of Cisco ISE: the ERS API for ANC, and the MnT API for sessions.

`python -m emulators.cisco_ise` runs it as a process.
"""

from emulators.cisco_ise.emulator import CiscoIse, main, running
from emulators.cisco_ise.options import IseOptions

__all__ = ["CiscoIse", "IseOptions", "main", "running"]
