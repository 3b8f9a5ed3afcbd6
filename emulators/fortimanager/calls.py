"""Which URL is which call."""

from __future__ import annotations

from typing import Any

from emulators.fortimanager.adoms import Adoms
from emulators.fortimanager.codes import INVALID_URL, NOT_FOR_URL, Failed
from emulators.fortimanager.objects import ObjectCalls
from emulators.fortimanager.options import FortiManagerOptions
from emulators.fortimanager.packages import Packages
from emulators.fortimanager.queries import selected, with_fields
from emulators.fortimanager.rpc import Part
from emulators.fortimanager.sessions import Who
from emulators.fortimanager.tables import shown
from emulators.fortimanager.tasks import Tasks

WORKSPACE = ("lock", "unlock", "commit", "lockinfo", "dirty")


class Calls:
    """Carries out single calls for an administrator who is known."""

    def __init__(self, adoms: Adoms, packages: Packages, tasks: Tasks, options: FortiManagerOptions) -> None:
        self._adoms = adoms
        self._packages = packages
        self._tasks = tasks
        self._objects = ObjectCalls(adoms, packages, options)

    def call(self, part: Part, who: Who) -> Any:
        """The `data` of the answer, None for none. Raises Failed."""
        path = part.path
        if path[:3] == ("pm", "config", "adom") and len(path) > 4:
            return self._config(part, who, path[3], path[4:])
        if path[:3] == ("pm", "pkg", "adom") and part.method == "get" and len(path) > 3:
            return self._package(part, path[3], "/".join(path[4:]))
        if path[:2] == ("dvmdb", "adom") and len(path) > 2:
            return self._dvmdb(part, who, path[2], path[3:])
        if (part.method, path) == ("exec", ("securityconsole", "install", "package")):
            return self._tasks.install(part.mapping(), who)
        if part.method == "get" and path[:2] == ("task", "task"):
            return self._task(part, path[2:])
        if part.method == "get" and path == ("cli", "global", "system", "global"):
            return shown(with_fields({"workspace-mode": self._adoms.mode()}, part.fields), part.verbose)
        if part.method == "get" and path == ("sys", "status"):
            return {"Version": "v7.4.7-build2652 (GA)", "Hostname": "emulator", "Platform Type": "FMG-VM64"}
        raise Failed(INVALID_URL)

    def _config(self, part: Part, who: Who, adom: str, rest: tuple[str, ...]) -> Any:
        self._adoms.adom(adom)
        if rest[:2] == ("obj", "firewall"):
            return self._objects.call(part, who, adom, rest[2:])
        if part.method != "get":
            raise Failed(INVALID_URL)
        if rest == ("_package", "status"):
            return selected(self._packages.status_rows(adom), part) or None
        if rest[:1] == ("pkg",) and rest[-2:] == ("_package", "status"):
            return selected(self._packages.status_rows(adom, "/".join(rest[1:-2])), part) or None
        if rest[:1] == ("pkg",) and rest[-2:] == ("firewall", "policy"):
            policies = self._packages.get(adom, "/".join(rest[1:-2]), INVALID_URL)["policies"]
            return [shown(row, part.verbose) for row in selected(policies, part)]
        raise Failed(INVALID_URL)

    def _package(self, part: Part, adom: str, path: str) -> Any:
        self._adoms.adom(adom)
        if path:
            return self._packages.shown(path, self._packages.get(adom, path))
        return [self._packages.shown(name, package) for name, package in self._packages.of(adom).items()]

    def _dvmdb(self, part: Part, who: Who, adom: str, rest: tuple[str, ...]) -> Any:
        found = self._adoms.adom(adom)
        if not rest and part.method == "get":
            return with_fields({"name": adom, **found}, ("name", "oid", *part.fields) if part.fields else ())
        if len(rest) != 2 or rest[0] != "workspace" or rest[1] not in WORKSPACE:
            raise Failed(INVALID_URL)
        if (part.method == "get") is not (rest[1] in ("lockinfo", "dirty")):
            raise Failed(INVALID_URL)
        return self._workspace(rest[1], adom, who)

    def _workspace(self, action: str, adom: str, who: Who) -> Any:
        if action == "lockinfo":
            return self._lock_info(adom)
        if action == "dirty":
            return {"dirty": int(self._adoms.dirty(adom))}
        return {"lock": self._adoms.lock, "unlock": self._adoms.unlock, "commit": self._adoms.commit}[action](adom, who)

    def _lock_info(self, adom: str) -> list[dict[str, Any]] | None:
        if not self._adoms.shared_by_locks(adom):
            raise Failed(NOT_FOR_URL)
        lock = self._adoms.holder(adom)
        if lock is None:
            return None
        dirty = int(self._adoms.dirty(adom))
        shown_lock = {"lock_user": lock["user"], "lock_time": lock["time"], "lock_sid": lock["number"]}
        return [{**shown_lock, "adom_dirty": dirty, "dirty": dirty, "type": 1}]

    def _task(self, part: Part, rest: tuple[str, ...]) -> Any:
        if rest:
            return shown(self._tasks.get(rest[0]), part.verbose)
        return [shown(row, part.verbose) for row in selected(self._tasks.all(), part)]
