"""Parts that every vendor emulator is made of: server, strictness, faults, clock, request log, side door, state."""

from emulators.kit.clock import Clock
from emulators.kit.emulator import Emulator, Observer
from emulators.kit.errors import BadOption, Refused
from emulators.kit.faults import Fault, FaultPlan
from emulators.kit.messages import Call, Reply, Route, json_lines, json_list
from emulators.kit.options import Options, option
from emulators.kit.requestlog import LoggedRequest, RequestLog
from emulators.kit.run import main, serving
from emulators.kit.storage import Collection, Database

__all__ = [
    "BadOption",
    "Call",
    "Clock",
    "Collection",
    "Database",
    "Emulator",
    "Fault",
    "FaultPlan",
    "LoggedRequest",
    "Observer",
    "Options",
    "Refused",
    "Reply",
    "RequestLog",
    "Route",
    "json_lines",
    "json_list",
    "main",
    "option",
    "serving",
]
