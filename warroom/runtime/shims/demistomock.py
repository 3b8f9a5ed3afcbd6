"""The server object in unit tests: functions that a test replaces, and a memory of what the code gave to the server.

    monkeypatch.setattr(demisto, "params", lambda: {"url": "https://localhost"})
    main()
    assert demisto.last_results() == [...]

Functions answer like a server without content: no parameters, no indicators, an empty context. What was set can be
read back, and `reset()` forgets it. In a child process the live object stands in place of this module.

Where the public mock differs from a server, this one follows the server: `getIntegrationContextVersioned` gives
{"context", "version"} and the versioned write refuses an old version; `demistoVersion` is a current version with its
platform; `searchIndicators` gives iocs, total and searchAfter; `getLastRun` is {} until something is set;
`executeCommand` raises ValueError, as for a command that nobody offers; nothing prints, `results` and logs are kept.
"""
# ruff: noqa: A002, N802, N803, N816 (the names are the server's)

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Mapping
from typing import Any


class _Memory:
    """What the code under test gave to the server, and what it may read back."""

    def __init__(self) -> None:
        self.results: list[Any] = []
        self.logs: list[tuple[str, str]] = []
        self.context: dict[str, Any] = {}
        self.version = 0
        self.runs: dict[str, dict[str, Any]] = {}
        self.incidents: list[dict[str, Any]] = []
        self.indicators: list[dict[str, Any]] = []
        self.health: list[tuple[Any, bool]] = []


_memory = _Memory()
callingContext: dict[str, Any] = {
    "integration": True,
    "command": "",
    "args": {},
    "params": {},
    "context": {
        "Inv": {"id": "1"},
        "Incidents": [{}],
        "ParentEntry": {},
        "ExecutionContext": {},
        "IntegrationBrand": "",
        "IntegrationInstance": "",
        "ExecutedCommands": [{"moduleBrand": "", "name": ""}],
    },
}


def reset() -> None:
    """Forgets everything that was given or set."""
    _memory.__init__()  # type: ignore[misc]


def last_results() -> list[Any]:
    """What was given to `results`, in order, as given."""
    return list(_memory.results)


def last_logs() -> list[tuple[str, str]]:
    """(level, text) of everything logged, in order."""
    return list(_memory.logs)


def created_indicators() -> list[dict[str, Any]]:
    """All indicators given to `createIndicators`, in order."""
    return list(_memory.indicators)


def last_health() -> list[tuple[Any, bool]]:
    """(message, is_error) of each `updateModuleHealth`, in order."""
    return list(_memory.health)


def params() -> dict[str, Any]:
    return {}


def args() -> dict[str, Any]:
    return {}


def command() -> str:
    return ""


def get(obj: Any, field: str, defaultParam: Any = None) -> Any:
    for step in field.split("."):
        if not isinstance(obj, Mapping) or step not in obj:
            return defaultParam
        obj = obj[step]
    return obj


def gets(obj: Any, field: str) -> str:
    return str(get(obj, field))


def getArg(arg: str, defaultParam: Any = None) -> Any:
    return get(args(), arg, defaultParam)


def getParam(p: str) -> Any:
    return get(params(), p)


def results(results: Any) -> None:
    _memory.results.append(results)


def credentials(credentials: Any) -> None:
    _memory.results.append(credentials)


def incidents(incidents: list[dict[str, Any]] | None = None) -> Any:
    if incidents is None:
        return callingContext["context"]["Incidents"]
    return results({"Type": 1, "Contents": json.dumps(incidents), "ContentsFormat": "json"})


def incident() -> dict[str, Any]:
    found: dict[str, Any] = incidents()[0]
    return found


def alerts() -> Any:
    return incidents()


def investigation() -> dict[str, Any]:
    return {"id": "1"}


def parentEntry() -> dict[str, Any]:
    return {}


def context() -> dict[str, Any]:
    return {}


def uniqueFile() -> str:
    return str(uuid.uuid4())


def getFilePath(id: str) -> dict[str, str]:
    return {"id": id, "path": "", "name": ""}


def executeCommand(command: str, args: Mapping[str, Any]) -> list[dict[str, Any]]:
    raise ValueError(f"{command}: no integration offers this command; replace demisto.executeCommand in the test")


def getModules() -> dict[str, Any]:
    return {}


def getAllSupportedCommands() -> dict[str, Any]:
    return {}


def setContext(contextPath: str, value: Any) -> None:
    return None


def dt(obj: Any, trnsfrm: str) -> Any:
    from warroom.core.dt import evaluate

    return evaluate(obj, trnsfrm)


def demistoUrls() -> dict[str, str]:
    address = "https://localhost"
    return {"server": address, "warRoom": f"{address}/#/WarRoom", "investigation": f"{address}/#/Details"}


def demistoVersion() -> dict[str, str]:
    return {"version": "8.8.0", "buildNumber": "1", "platform": "xsoar"}


def getLicenseID() -> str:
    return ""


def getLicenseCustomField(key: str) -> str:
    return ""


def getIndexHash() -> str:
    return ""


def integrationInstance() -> str:
    return str(callingContext["context"]["IntegrationInstance"])


def isTimeSensitive() -> bool:
    return False


def getIntegrationContext(refresh: bool = False) -> dict[str, Any]:
    return copy.deepcopy(_memory.context)


def setIntegrationContext(context: Mapping[str, Any]) -> None:
    _memory.context = copy.deepcopy(dict(context))
    _memory.version += 1


def getIntegrationContextVersioned(refresh: bool = False) -> dict[str, Any]:
    return {"context": copy.deepcopy(_memory.context), "version": _memory.version}


def setIntegrationContextVersioned(context: Mapping[str, Any], version: Any = -1, sync: bool = False) -> None:
    if version not in (-1, _memory.version):
        raise ValueError(f"version {version} of the integration context is not the stored one, {_memory.version}")
    setIntegrationContext(context)


def getLastRun() -> dict[str, Any]:
    return copy.deepcopy(_memory.runs.get("fetch", {}))


def setLastRun(obj: Mapping[str, Any]) -> None:
    _memory.runs["fetch"] = copy.deepcopy(dict(obj))


def getLastMirrorRun() -> dict[str, Any]:
    return copy.deepcopy(_memory.runs.get("mirror", {}))


def setLastMirrorRun(obj: Mapping[str, Any]) -> None:
    _memory.runs["mirror"] = copy.deepcopy(dict(obj))


def getAssetsLastRun() -> dict[str, Any]:
    return copy.deepcopy(_memory.runs.get("assets", {}))


def setAssetsLastRun(obj: Mapping[str, Any]) -> None:
    _memory.runs["assets"] = copy.deepcopy(dict(obj))


def createIndicators(indicators_batch: list[dict[str, Any]] | None, noUpdate: bool = False) -> None:
    _memory.indicators.extend(indicators_batch or [])


def searchIndicators(
    fromDate: str = "",
    query: str = "",
    size: int = 100,
    page: int = 0,
    toDate: str = "",
    value: str = "",
    searchAfter: Any = None,
    populateFields: Any = None,
    sort: Any = None,
) -> dict[str, Any]:
    return {"iocs": None, "total": 0, "searchAfter": None}


def searchRelationships(filter: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"total": 0, "data": [], "SearchAfter": None, "SearchBefore": None}


def createIncidents(incidents: list[dict[str, Any]], lastRun: Any = None, userID: Any = None) -> list[dict[str, Any]]:
    _memory.incidents.extend(incidents)
    return list(incidents)


def addEntry(
    id: str,
    entry: Any,
    username: str = "",
    email: str = "",
    footer: str = "",
) -> None:
    _memory.results.append(entry)


def mirrorInvestigation(id: str, mirrorType: str, autoClose: bool = False) -> str:
    return ""


def directMessage(message: str, username: str = "", email: str = "", anyoneCanOpenIncidents: bool = False) -> str:
    return ""


def findUser(username: str = "", email: str = "") -> dict[str, Any]:
    return {}


def handleEntitlementForUser(incidentID: str, guid: str, email: str, content: Any, taskID: str = "") -> None:
    return None


def mapObject(obj: Any, mapper: str, type: str = "") -> Any:
    return obj


def updateModuleHealth(data: Any, is_error: bool = False) -> None:
    _memory.health.append((data, is_error))


def heartbeat(message: str = "") -> None:
    return None


def internalHttpRequest(method: str, uri: str, body: Any = None) -> dict[str, Any]:
    return {"statusCode": 404, "status": "404 Not Found", "body": "", "headers": {}}


def info(msg: Any, *args: Any) -> None:
    _log("info", msg, args)


def debug(msg: Any, *args: Any) -> None:
    _log("debug", msg, args)


def error(msg: Any, *args: Any) -> None:
    _log("error", msg, args)


def log(msg: Any, *args: Any) -> None:
    _log("warroom", msg, args)


def _log(level: str, msg: Any, args: tuple[Any, ...]) -> None:
    _memory.logs.append((level, " ".join(map(str, (msg, *args)))))
