"""Stateful emulator of the Vectra REST API (QUX v2.5, RUX v3.x). `python -m emulators.vectra` runs it as a process."""

from emulators.vectra.emulator import Vectra, main, running
from emulators.vectra.options import VectraOptions

__all__ = ["Vectra", "VectraOptions", "main", "running"]
