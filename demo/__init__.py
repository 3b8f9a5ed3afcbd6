"""`make demo`: real indicators to an emulated Cortex XDR and back, through the real command line."""
