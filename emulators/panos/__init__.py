"""Stateful emulator of the PAN-OS XML API (firewall, Panorama). `python -m emulators.panos` runs it as a process."""

from emulators.panos.emulator import Panos, main, running
from emulators.panos.options import PanosOptions

__all__ = ["Panos", "PanosOptions", "main", "running"]
