"""`make demo`: three stories through the real command line, against emulated products."""
