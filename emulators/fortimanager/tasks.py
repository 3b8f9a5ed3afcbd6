"""Installations: queued as tasks, carried out later, one line for each step on each device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.fortimanager.adoms import Adoms
from emulators.fortimanager.codes import BAD_DATA, MISSING, NO_PERMISSION, Failed
from emulators.fortimanager.options import FortiManagerOptions
from emulators.fortimanager.packages import Packages, refusal_of
from emulators.fortimanager.sessions import Who
from emulators.kit import Database
from emulators.kit.strict import LIST, TEXT, Field, json_object

INSTALL = {
    "adom": Field(TEXT),
    "pkg": Field(TEXT),
    "scope": Field(LIST, required=False),
    "flags": Field(LIST, required=False),
    "adom_rev_name": Field(TEXT, required=False),
    "adom_rev_comments": Field(TEXT, required=False),
    "dev_rev_comments": Field(TEXT, required=False),
}
SCOPE = {"name": Field(TEXT), "vdom": Field(TEXT, required=False)}
Line = tuple[str, str, str]


class Tasks:
    """Installation tasks by number. They go on whenever somebody looks, on the emulator's clock."""

    def __init__(
        self,
        database: Database,
        adoms: Adoms,
        packages: Packages,
        options: FortiManagerOptions,
        now: Callable[[], float],
    ) -> None:
        self._tasks = database.collection("tasks")
        self._settings = database.collection("settings")
        self._adoms = adoms
        self._packages = packages
        self._options = options
        self._now = now
        adoms.unlocked = self.unlocked

    def install(self, data: dict[str, Any], who: Who) -> dict[str, int]:
        """Queue an installation; what is wrong with it later is told by its task only. Raises Failed."""
        order = json_object(data, INSTALL, "data")
        scope = [json_object(item, SCOPE, "scope[]") for item in order["scope"]] if "scope" in order else None
        if order.get("flags", ["none"]) != ["none"]:
            raise Failed(BAD_DATA, f"flags {order['flags']}")
        adom = order["adom"]
        self._adoms.adom(adom)
        if self._options.rpc_permit != "read-write":
            raise Failed(NO_PERMISSION)
        targets = self._packages.targets(adom, order["pkg"], scope)
        number = len(self._tasks) + 1
        lock = self._adoms.holder(adom)
        held = not self._adoms.shared_by_locks(adom) or (lock is not None and lock["number"] == who.number)
        task = {"id": number, "adom": adom, "pkg": order["pkg"], "user": who.user, "targets": targets,
                "start": self._now(), "lock_lost": not held, "lines": None}  # fmt: skip
        self._tasks.put(f"{number:08}", task)
        return {"task": number}

    def unlocked(self, adom: str) -> None:
        """The lock of an ADOM was given up: installations that are under way there fail."""
        for key, task in list(self._tasks.items()):
            if task["adom"] == adom and task["lines"] is None:
                self._tasks.put(key, {**task, "lock_lost": True})

    def advance(self, *, all_of_them: bool = False) -> None:
        """Carry out what is due; everything, when asked."""
        for key, task in list(self._tasks.items()):
            due = not self._settings.get("hold_tasks") and self._now() >= task["start"] + self._options.task_seconds
            if task["lines"] is None and (due or all_of_them):
                lines = [line for name, vdom in task["targets"] for line in self._carry_out(task, name, vdom)]
                self._tasks.put(key, {**task, "lines": lines, "end": self._now()})

    def _carry_out(self, task: dict[str, Any], name: str, vdom: str) -> list[Line]:
        copy = f"{name}({vdom})[copy]"
        device = self._packages.devices.get(name)
        if task["lock_lost"]:
            return [(copy, "error", "Copy device failed. no write permission")]
        if device is None or vdom not in device["vdoms"]:
            return [(copy, "error", "the device does not exist")]
        config = self._packages.rendering(task["adom"], task["pkg"])
        reason = refusal_of(device, config)
        if reason:
            return [(copy, "error", reason)]
        if not device["reachable"]:
            return [
                (copy, "done", "Copy to device done"),
                (name, "error", "install failed: the connection to the device is down"),
            ]
        self._packages.set_place(name, vdom, config=config, pkg=task["pkg"], status="installed")
        return [
            (copy, "done", "Installation to real device done"),
            (name, "done", "install and save finished status=OK"),
        ]

    def get(self, number: str) -> dict[str, Any]:
        """One task. Raises Failed."""
        found = self._tasks.get(f"{number:0>8}")
        if found is None:
            raise Failed(MISSING)
        return self._shown(found)

    def all(self) -> list[dict[str, Any]]:
        """All tasks."""
        return [self._shown(task) for _, task in self._tasks.items()]

    def _shown(self, task: dict[str, Any]) -> dict[str, Any]:
        """A task as an answer has it. `err` of a line is 0 also where its `state` is error; `num_err` counts."""
        done = task["lines"] is not None
        lines: list[Line] = task["lines"] or [
            (f"{name}({vdom})[copy]", "running", "") for name, vdom in task["targets"]
        ]
        errors = sum(state == "error" for _, state, _ in lines)
        percent = 100 if done else min(99, self._percent(task))
        return {
            "id": task["id"],
            "adom": self._adoms.adoms.get(task["adom"])["oid"],  # type: ignore[index]
            "title": "Install Package",
            "src": "security console",
            "user": task["user"],
            "start_tm": int(task["start"]),
            "end_tm": int(task.get("end", 0)),
            "percent": percent,
            "tot_percent": percent * len(lines),
            "state": ("error" if errors else "done") if done else "running",
            "num_lines": len(lines),
            "num_done": sum(state == "done" for _, state, _ in lines),
            "num_err": errors,
            "num_warn": 0,
            "line": [
                {"name": name, "detail": detail, "state": state, "err": 0, "percent": percent, "vdom": None}
                for name, state, detail in lines
            ],
        }

    def _percent(self, task: dict[str, Any]) -> int:
        seconds = self._options.task_seconds
        return int(100 * (self._now() - task["start"]) / seconds) if seconds else 50
