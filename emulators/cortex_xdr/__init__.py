"""Stateful emulator of the Cortex XDR public API. `python -m emulators.cortex_xdr` runs it as a process."""

from emulators.cortex_xdr.emulator import CortexXdr, main, running
from emulators.cortex_xdr.options import XdrOptions

__all__ = ["CortexXdr", "XdrOptions", "main", "running"]
