"""Endpoints of a Cortex XDR tenant: looking them up, isolating and releasing them."""
