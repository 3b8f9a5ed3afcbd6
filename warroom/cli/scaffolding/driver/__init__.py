"""Templates of a driver, and the commands of the driver interface."""
