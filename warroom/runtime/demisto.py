"""The object `demisto` of a child process: every call of content to its server becomes a line to the host."""
# ruff: noqa: A002, N802, N803 (the names are the server's)

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from warroom.runtime.masking import masker
from warroom.runtime.wire import Wire

ERROR = 4
Value = TypeVar("Value")
INTEGRATION, SCRIPT = "an integration", "a script"


class Demisto:
    """What content sees of the server.

    `job` is the first line of the protocol. What the host refuses is raised as ValueError with the host's text, and so
    is a function that the other kind of content has. Values of `job["secrets"]` are replaced in logs and error entries.
    """

    def __init__(self, wire: Wire, job: Mapping[str, Any]) -> None:
        self._wire = wire
        self._server: dict[str, Any] = dict(job.get("server") or {})
        self._urls: dict[str, Any] | None = job.get("urls")
        self._mask = masker(job.get("secrets") or ())
        self.callingContext: dict[str, Any] = {
            "integration": bool(job.get("integration")),
            "command": job.get("command") or "",
            "args": job.get("args") or {},
            "params": job.get("params") or {},
            "context": job.get("context") or {},
        }

    # support_multithreading() of CommonServerPython, the real one too, puts a locked version in place of this method,
    # so everything that reaches the host has to pass through it, and its name must not change.
    def __do(self, cmd: Mapping[str, Any]) -> Any:
        if cmd["type"] == "executeCommand":
            return self._wire.ask(cmd)
        return self._wire.send(cmd)

    def _call(self, name: str, /, **args: Any) -> Any:
        return self.__do({"type": "executeCommand", "command": name, "args": args})

    def _only(self, side: str, name: str) -> None:
        if self.callingContext["integration"] != (side == INTEGRATION):
            raise ValueError(f"demisto.{name}() is available to {side} only")

    # -- what the run started with ---------------------------------------------------------------------------------

    def params(self) -> dict[str, Any]:
        """The instance's parameters; {} in a script."""
        found: dict[str, Any] = self.callingContext["params"]
        return found if self.callingContext["integration"] else {}

    def args(self) -> dict[str, Any]:
        """The arguments of the command."""
        found: dict[str, Any] = self.callingContext["args"]
        return found

    def command(self) -> str:
        """The name of the command, "" in a script."""
        return str(self.callingContext["command"]) if self.callingContext["integration"] else ""

    def getArg(self, arg: str, defaultParam: Any = None) -> Any:
        """One argument, by name or dotted path."""
        return self.get(self.args(), arg, defaultParam)

    def getParam(self, p: str) -> Any:
        """One parameter, by name or dotted path."""
        return self.get(self.params(), p)

    def investigation(self) -> dict[str, Any]:
        """The investigation, as it was at the start."""
        return self._from_context("Inv", {})

    def incidents(self, incidents: Sequence[Mapping[str, Any]] | None = None) -> Any:
        """Integration: hands fetched incidents over. Script: the incidents of the investigation."""
        if incidents is None:
            return self._from_context("Incidents", [])
        self._only(INTEGRATION, "incidents")
        return self.__do({"type": "incidents", "value": list(incidents)})

    def incident(self) -> dict[str, Any]:
        """The first incident of the investigation, {} without one."""
        empty: list[dict[str, Any]] = []
        found = self._from_context("Incidents", empty)
        return found[0] if found else {}

    def alerts(self) -> Any:
        """The same as `incidents()`."""
        return self.incidents()

    def parentEntry(self) -> dict[str, Any]:
        """The entry that started the run."""
        return self._from_context("ParentEntry", {})

    def context(self) -> dict[str, Any]:
        """The context of the investigation, as it was at the start."""
        return self._from_context("ExecutionContext", {})

    def integrationInstance(self) -> str:
        """The name of the instance."""
        return str(self._from_context("IntegrationInstance", ""))

    def isTimeSensitive(self) -> bool:
        """True when a person waits for the answer."""
        return bool(self._from_context("TimeSensitive", False))

    def demistoVersion(self) -> dict[str, Any]:
        """{"version", "buildNumber", "platform"}."""
        return dict(self._server)

    def demistoUrls(self) -> dict[str, Any]:
        """Addresses of the server's pages."""
        return dict(self._call("demistoUrls") if self._urls is None else self._urls)

    def _from_context(self, name: str, default: Value) -> Value:
        found: Value | None = self.callingContext["context"].get(name)
        return found or default

    # -- helpers without the host ----------------------------------------------------------------------------------

    def get(self, obj: Any, field: str, defaultParam: Any = None) -> Any:
        """The value at a dotted path, or the default."""
        for step in field.split("."):
            if not isinstance(obj, Mapping) or step not in obj:
                return defaultParam
            obj = obj[step]
        return obj

    def gets(self, obj: Any, field: str) -> str:
        """The value at a dotted path as text."""
        return str(self.get(obj, field))

    def uniqueFile(self) -> str:
        """A new unique id."""
        return str(uuid.uuid4())

    def dt(self, obj: Any, trnsfrm: str) -> Any:
        """What an expression of the context query language finds, None for nothing. Raises ValueError, see core.dt."""
        # Few scripts use it, and its parser takes a while to load.
        from warroom.core.dt import evaluate

        return evaluate(obj, trnsfrm, now=time.time())

    # -- results and logs ------------------------------------------------------------------------------------------

    def results(self, results: Any) -> None:
        """Gives entries to the user, see `entries_of`. None gives nothing. Raises TypeError for what is not JSON."""
        entries = [self._mask(entry) if entry.get("Type") == ERROR else entry for entry in entries_of(results)]
        if entries:
            self.__do({"type": "result", "results": entries})

    def credentials(self, credentials: Sequence[Mapping[str, Any]]) -> None:
        """Hands fetched credentials over."""
        self._only(INTEGRATION, "credentials")
        self.__do({"type": "credentials", "value": list(credentials)})

    def debug(self, msg: Any, *args: Any) -> None:
        """Writes to the server log, for developers."""
        self._log("debug", msg, args)

    def info(self, msg: Any, *args: Any) -> None:
        """Writes to the server log."""
        self._log("info", msg, args)

    def error(self, msg: Any, *args: Any) -> None:
        """Writes to the server log; the run goes on."""
        self._log("error", msg, args)

    def log(self, msg: Any, *args: Any) -> None:
        """Writes to the war room."""
        self._log("warroom", msg, args)

    def heartbeat(self, message: str = "") -> None:
        """Tells that a long-running command is alive."""
        self._log("debug", "heartbeat", (message,))

    def _log(self, level: str, msg: Any, args: tuple[Any, ...]) -> None:
        text = " ".join(map(str, (msg, *args)))
        self.__do({"type": "log", "level": level, "message": self._mask(text)})

    # -- scripts ---------------------------------------------------------------------------------------------------

    @property
    def executeCommand(self) -> Callable[[str, Mapping[str, Any]], Any]:
        """Runs a war room command and gives its entries. Scripts only: an integration has no such attribute."""
        if self.callingContext["integration"]:
            raise AttributeError("demisto.executeCommand is available to scripts only")

        def execute(command: str, args: Mapping[str, Any]) -> Any:
            return self.__do({"type": "executeCommand", "command": command, "args": dict(args)})

        return execute

    def getModules(self) -> dict[str, Any]:
        """{instance: {"brand", "state", ...}}."""
        self._only(SCRIPT, "getModules")
        return dict(self._call("getModules"))

    def getAllSupportedCommands(self) -> dict[str, Any]:
        """{instance or brand: [{"name", "arguments"}]}."""
        self._only(SCRIPT, "getAllSupportedCommands")
        return dict(self._call("getAllSupportedCommands"))

    def setContext(self, contextPath: str, value: Any) -> Any:
        """Replaces the value at a path of the investigation's context."""
        self._only(SCRIPT, "setContext")
        return self._call("setContext", name=contextPath, value=value)

    # -- state of the instance -------------------------------------------------------------------------------------

    def getIntegrationContext(self, refresh: bool = False) -> dict[str, Any]:
        """The context of the instance; `refresh` reads the database."""
        self._only(INTEGRATION, "getIntegrationContext")
        return self._call("getIntegrationContext", refresh=refresh) or {}

    def setIntegrationContext(self, context: Mapping[str, Any]) -> None:
        """Replaces the context of the instance."""
        self._only(INTEGRATION, "setIntegrationContext")
        self._call("setIntegrationContext", value=context, version=-1, sync=False)

    def getIntegrationContextVersioned(self, refresh: bool = False) -> dict[str, Any]:
        """{"context", "version"}; the version is compared by equality only."""
        self._only(INTEGRATION, "getIntegrationContextVersioned")
        return dict(self._call("getIntegrationContextVersioned", refresh=refresh))

    def setIntegrationContextVersioned(self, context: Mapping[str, Any], version: Any = -1, sync: bool = False) -> None:
        """Replaces the context; -1 without a check, else ValueError when `version` is not the stored one."""
        self._only(INTEGRATION, "setIntegrationContextVersioned")
        self._call("setIntegrationContext", value=context, version=version, sync=sync)

    def getLastRun(self) -> dict[str, Any]:
        """What the last fetch stored; {} in a command that a person gave."""
        return self._get_run("getLastRun")

    def setLastRun(self, obj: Mapping[str, Any]) -> None:
        """What the next fetch shall find; stored when this fetch ends well."""
        self._set_run("setLastRun", obj)

    def getLastMirrorRun(self) -> dict[str, Any]:
        """As `getLastRun`, for mirroring."""
        return self._get_run("getLastMirrorRun")

    def setLastMirrorRun(self, obj: Mapping[str, Any]) -> None:
        """As `setLastRun`, for mirroring."""
        self._set_run("setLastMirrorRun", obj)

    def getAssetsLastRun(self) -> dict[str, Any]:
        """As `getLastRun`, for assets."""
        return self._get_run("getAssetsLastRun")

    def setAssetsLastRun(self, obj: Mapping[str, Any]) -> None:
        """As `setLastRun`, for assets."""
        self._set_run("setAssetsLastRun", obj)

    def _get_run(self, name: str) -> dict[str, Any]:
        self._only(INTEGRATION, name)
        return self._call(name) or {}

    def _set_run(self, name: str, value: Mapping[str, Any]) -> None:
        self._only(INTEGRATION, name)
        self._call(name, value=value)

    # -- indicators, incidents, people -----------------------------------------------------------------------------

    def createIndicators(
        self, indicators_batch: Sequence[Mapping[str, Any]] | None = None, noUpdate: bool = False
    ) -> Any:
        """Hands indicators over. Raises ValueError when the host refuses the batch."""
        self._only(INTEGRATION, "createIndicators")
        return self._call("createIndicators", indicators=indicators_batch or [], noUpdate=noUpdate)

    def searchIndicators(
        self,
        fromDate: Any = "",
        query: str = "",
        size: int = 100,
        page: int = 0,
        toDate: Any = "",
        value: str = "",
        searchAfter: Any = None,
        populateFields: Any = None,
        sort: Any = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """One page: {"iocs": [...] or None, "total", "searchAfter"}. Raises ValueError for a query that is refused."""
        found: dict[str, Any] = self._call(
            "searchIndicators",
            fromDate=fromDate, query=query, size=size, page=page, toDate=toDate, value=value,
            searchAfter=searchAfter, populateFields=populateFields, sort=sort, **kwargs,
        )  # fmt: skip
        return found

    def searchRelationships(self, filter: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """{"total", "data": [...]} of the relationships that the filter asks for."""
        return dict(self._call("searchRelationships", **(filter or {})))

    def createIncidents(
        self, incidents: Sequence[Mapping[str, Any]], lastRun: Any = None, userID: str | None = None
    ) -> list[dict[str, Any]]:
        """Creates incidents at once, from a long-running command. Returns them."""
        self._only(INTEGRATION, "createIncidents")
        return list(self._call("createIncidents", incidents=incidents, lastRun=lastRun, userID=userID))

    def addEntry(self, id: str, entry: Any, username: str = "", email: str = "", footer: str = "") -> None:
        """Adds an entry to an incident."""
        self._call("addEntry", id=id, entry=entry, username=username, email=email, footer=footer)

    def mirrorInvestigation(self, id: str, mirrorType: str, autoClose: bool = False) -> Any:
        """Marks an investigation as mirrored."""
        return self._call("mirrorInvestigation", id=id, mirrorType=mirrorType, autoClose=autoClose)

    def directMessage(
        self, message: str, username: str = "", email: str = "", anyoneCanOpenIncidents: Any = None
    ) -> Any:
        """Passes a message of a chat user on."""
        return self._call(
            "directMessage",
            message=message, username=username, email=email, anyoneCanOpenIncidents=anyoneCanOpenIncidents,
        )  # fmt: skip

    def findUser(self, username: str = "", email: str = "") -> dict[str, Any]:
        """The user of this name or address, {} when unknown."""
        return self._call("findUser", username=username, email=email) or {}

    def handleEntitlementForUser(self, incidentID: str, guid: str, email: str, content: Any, taskID: str = "") -> Any:
        """Passes a user's answer to a question on."""
        return self._call(
            "handleEntitlementForUser", incidentID=incidentID, guid=guid, email=email, content=content, taskID=taskID
        )

    # -- the server ------------------------------------------------------------------------------------------------

    def getFilePath(self, id: str) -> dict[str, Any]:
        """{"id", "path", "name"} of the file of an entry. Raises ValueError when there is none."""
        return dict(self._call("getFilePath", id=id))

    def updateModuleHealth(self, data: Any, is_error: bool = False) -> None:
        """Tells how the instance is doing: a text, or {"eventsPulled": n} and the like."""
        self._only(INTEGRATION, "updateModuleHealth")
        self._call("updateModuleHealth", data=self._mask(data), is_error=is_error)

    def internalHttpRequest(self, method: str, uri: str, body: Any = None) -> dict[str, Any]:
        """Calls the server's own REST interface: {"statusCode", "status", "body", "headers"}."""
        return dict(self._call("internalHttpRequest", method=method, uri=uri, body=body))

    def getLicenseID(self) -> str:
        """The id of the server's licence."""
        return str(self._call("getLicenseID"))

    def getLicenseCustomField(self, key: str) -> Any:
        """One field of the server's licence."""
        return self._call("getLicenseCustomField", key=key)

    def getIndexHash(self) -> str:
        """The hash of the content index."""
        return str(self._call("getIndexHash"))

    def mapObject(self, obj: Any, mapper: str, type: str = "") -> Any:
        """The object, put through a mapper of the server."""
        return self._call("mapObject", obj=obj, mapper=mapper, type=type)


def entries_of(results: Any) -> list[dict[str, Any]]:
    """War room entries for anything that content gives.

    A dict with Contents and ContentsFormat is an entry as it is, another dict the contents of one; a list gives the
    entries of its items; anything else becomes a text. None gives none.
    """
    if results is None:
        return []
    if isinstance(results, (list, tuple)):
        return [entry for item in results for entry in entries_of(item)]
    if isinstance(results, dict):
        is_entry = "Contents" in results and "ContentsFormat" in results
        return [results if is_entry else {"Type": 1, "ContentsFormat": "json", "Contents": results}]
    return [{"Type": 1, "ContentsFormat": "text", "Contents": str(results)}]
