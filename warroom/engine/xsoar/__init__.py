"""A real Cortex XSOAR server over its REST API, in the place of this house's store."""

from warroom.engine.xsoar.client import Client, Timing, XsoarError
from warroom.engine.xsoar.connection import Connection, connection_of
from warroom.engine.xsoar.server import Change, XsoarServer

__all__ = ["Change", "Client", "Connection", "Timing", "XsoarError", "XsoarServer", "connection_of"]
