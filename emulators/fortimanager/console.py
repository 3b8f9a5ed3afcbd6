"""What an operator does by hand: seed devices and packages, change and install what he likes, hold a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.fortimanager.adoms import Adoms
from emulators.fortimanager.codes import Failed
from emulators.fortimanager.packages import ADDRESS_FIELDS, Packages
from emulators.fortimanager.sessions import Sessions
from emulators.fortimanager.tables import TABLES, object_from
from emulators.fortimanager.tasks import Tasks
from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, OBJECT, TEXT, Field, json_object, text_list

NAMED = {"adom": Field(TEXT), "name": Field(TEXT)}
SEED = {"adoms": Field(LIST, required=False), "devices": Field(LIST, required=False),
        "packages": Field(LIST, required=False), "objects": Field(LIST, required=False)}  # fmt: skip
ADOM = {"name": Field(TEXT), "workspace_mode": Field(INTEGER, required=False, choices=(0, 1))}
DEVICE = {**NAMED, "os": Field(TEXT, required=False), "vdoms": Field(LIST, required=False)}
PACKAGE = {**NAMED, "scope": Field(LIST), "policies": Field(LIST), "installed": Field(BOOLEAN, required=False)}
TARGET = {"name": Field(TEXT), "vdom": Field(TEXT)}
POLICY = {
    "policyid": Field(INTEGER),
    "name": Field(TEXT, required=False),
    "status": Field(TEXT, required=False, choices=("enable", "disable")),
    "action": Field(TEXT, required=False, choices=("deny", "accept")),
    **{name: Field(LIST, required=False) for name in ADDRESS_FIELDS},
}
WRITE = {"adom": Field(TEXT), "table": Field(TEXT, choices=tuple(TABLES)), "data": Field(OBJECT)}
EDITS: dict[str, dict[str, Field]] = {
    "lock": {"adom": Field(TEXT), "user": Field(TEXT, nullable=True)},
    "device": {"name": Field(TEXT), "reachable": Field(BOOLEAN, required=False), "os": Field(TEXT, required=False),
               "vdom": Field(TEXT, required=False), "status": Field(TEXT, required=False)},
    "object": WRITE,
    "delete_object": {"adom": Field(TEXT), "table": Field(TEXT, choices=tuple(TABLES)), "name": Field(TEXT)},
    "members": {"adom": Field(TEXT), "table": Field(TEXT, choices=("addrgrp", "addrgrp6")), "group": Field(TEXT),
                "add": Field(LIST, required=False), "remove": Field(LIST, required=False)},
    "install": {"adom": Field(TEXT), "pkg": Field(TEXT)},
    "tasks": {"hold": Field(BOOLEAN)},
    "workspace_mode": {"mode": Field(TEXT)},
    "restart": {},
}  # fmt: skip


class Console:
    """Seeds and edits; the caller makes each of them whole or not at all."""

    def __init__(self, adoms: Adoms, packages: Packages, tasks: Tasks, sessions: Sessions) -> None:
        self._adoms = adoms
        self._packages = packages
        self._tasks = tasks
        self._sessions = sessions
        self._edits: dict[str, Callable[[dict[str, Any]], None]] = {
            "lock": lambda change: adoms.force_lock(change["adom"], change["user"]),
            "device": self._device,
            "object": self._object,
            "delete_object": lambda change: self._write(change["adom"], change["table"], change["name"], None),
            "members": self._members,
            "install": self._install,
            "tasks": self._hold,
            "workspace_mode": lambda change: adoms.settings.put("workspace_mode", change["mode"]),
            "restart": lambda change: sessions.end_all(),
        }

    def seed(self, payload: Any) -> None:
        """Put ADOMs, objects, devices and packages there. Raises Refused(400)."""
        found = json_object(payload, SEED, "seed")
        for item in found.get("adoms", ()):
            adom = json_object(item, ADOM, "adoms[]")
            number = len(self._adoms.adoms) + 100
            self._adoms.adoms.put(adom["name"], {"oid": number, "workspace_mode": adom.get("workspace_mode", 0)})
        for item in found.get("objects", ()):
            self._object(json_object(item, WRITE, "objects[]"))
        for item in found.get("devices", ()):
            self._new_device(json_object(item, DEVICE, "devices[]"))
        for item in found.get("packages", ()):
            self._new_package(json_object(item, PACKAGE, "packages[]"))

    def edit(self, payload: Any) -> None:
        """One edit, or a list of them: `{"<what>": {...}}`. Raises Refused(400)."""
        for change in payload if isinstance(payload, list) else [payload]:
            if not isinstance(change, dict) or len(change) != 1 or not change.keys() <= EDITS.keys():
                raise Refused(400, f"an edit is one of {', '.join(EDITS)}, not {change!r}")
            [(what, fields)] = change.items()
            self._edits[what](json_object(fields, EDITS[what], what))

    def _new_device(self, device: dict[str, Any]) -> None:
        vdoms = text_list(device.get("vdoms", ["root"]), "vdoms")
        places = {vdom: {"pkg": "", "status": "", "config": None} for vdom in vdoms}
        self._packages.devices.put(
            device["name"],
            {"adom": device["adom"], "os": device.get("os", "7.4"), "reachable": True, "vdoms": places},
        )

    def _new_package(self, package: dict[str, Any]) -> None:
        scope = [json_object(item, TARGET, "scope[]") for item in package["scope"]]
        policies = [
            {"status": "enable", "action": "deny", **json_object(item, POLICY, "policies[]")}
            for item in package["policies"]
        ]
        adom, path = package["adom"], package["name"]
        number = len(self._packages.of(adom)) + 5000
        self._packages.put(adom, path, {"oid": number, "scope": scope, "policies": policies, "rendering": None})
        self._packages.saved(adom)
        for target in scope:
            if package.get("installed", True):
                config = self._packages.rendering(adom, path)
                self._packages.set_place(target["name"], target["vdom"], pkg=path, status="installed", config=config)

    def _device(self, change: dict[str, Any]) -> None:
        name = change["name"]
        device = self._packages.devices.get(name)
        if device is None:
            raise Refused(400, f"no device {name}")
        self._packages.devices.put(
            name, {**device, **{key: change[key] for key in ("os", "reachable") if key in change}}
        )
        if "status" in change:
            self._packages.set_place(name, change.get("vdom", "root"), status=change["status"])

    def _object(self, change: dict[str, Any]) -> None:
        table = TABLES[change["table"]]
        try:
            made = object_from(table, change["data"])
        except Failed as failed:
            raise Refused(400, failed.message) from None
        self._write(change["adom"], change["table"], made["name"], made)

    def _members(self, change: dict[str, Any]) -> None:
        group = self._adoms.rows(change["adom"], change["table"]).get(change["group"])
        if group is None:
            raise Refused(400, f"no group {change['group']}")
        gone = change.get("remove", [])
        members = [name for name in dict.fromkeys([*group["member"], *change.get("add", [])]) if name not in gone]
        self._write(change["adom"], change["table"], change["group"], {**group, "member": members})

    def _write(self, adom: str, table: str, name: str, document: dict[str, Any] | None) -> None:
        self._adoms.put_saved(adom, table, name, document)
        self._packages.saved(adom)

    def _install(self, change: dict[str, Any]) -> None:
        adom, path = change["adom"], change["pkg"]
        config = self._packages.rendering(adom, path)
        for name, vdom in self._packages.targets(adom, path, None):
            self._packages.set_place(name, vdom, pkg=path, status="installed", config=config)

    def _hold(self, change: dict[str, Any]) -> None:
        self._adoms.settings.put("hold_tasks", change["hold"])
        if not change["hold"]:
            self._tasks.advance(all_of_them=True)
