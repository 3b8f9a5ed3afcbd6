"""The driver of FortiGate against its emulator over HTTP: defects of older clients, VDOMs, quarantine, objects."""
