"""Indicator rules (IOCs) of a Cortex XDR tenant."""
