"""The Cisco ISE driver against the emulated deployment over real HTTP."""
