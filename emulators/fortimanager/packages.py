"""Policy packages, the devices they are installed on, and whether a device has what its package says now.

A package is rendered into what a device gets: its enabled policies, and every group and address that these use. A
device keeps the rendering that was installed last, so what it enforces can be told at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulators.fortimanager.adoms import SEPARATOR, Adoms
from emulators.fortimanager.codes import INVALID_URL, MISSING, Failed
from emulators.fortimanager.tables import TABLES, value_of
from emulators.kit import Database

ADDRESS_FIELDS = {"srcaddr": 4, "dstaddr": 4, "srcaddr6": 6, "dstaddr6": 6}
# Releases of FortiOS from this one on take a group without members.
EMPTY_GROUPS_FROM = (7, 2)
IN_STEP = ("installed", "imported")


class Packages:
    """Packages by ADOM and path (`folder/name`), devices by name."""

    def __init__(self, database: Database, adoms: Adoms) -> None:
        self._adoms = adoms
        self._packages = database.collection("packages")
        self.devices = database.collection("devices")
        adoms.saved = self.saved

    # ---- packages

    def put(self, adom: str, path: str, document: dict[str, Any]) -> None:
        """Write a package: `scope` (targets) and `policies`."""
        self._packages.put(SEPARATOR.join((adom, path)), document)

    def of(self, adom: str) -> dict[str, dict[str, Any]]:
        """The packages of an ADOM by path."""
        head = adom + SEPARATOR
        return {key[len(head) :]: found for key, found in self._packages.items() if key.startswith(head)}

    def get(self, adom: str, path: str, refusal: tuple[int, str] = MISSING) -> dict[str, Any]:
        """One package. Raises Failed when it is not there."""
        found = self.of(adom).get(path)
        if found is None:
            raise Failed(refusal)
        return found

    def uses(self, adom: str, name: str) -> bool:
        """Whether a policy of the ADOM names this object."""
        return any(
            name in policy.get(field, ())
            for package in self.of(adom).values()
            for policy in package["policies"]
            for field in ADDRESS_FIELDS
        )

    def shown(self, path: str, package: Mapping[str, Any]) -> dict[str, Any]:
        """A package as an answer has it; its targets only when it has any."""
        targets = {"scope member": package["scope"]} if package["scope"] else {}
        return {"name": path.rpartition("/")[2], "oid": package["oid"], "type": "pkg", **targets}

    # ---- what a device gets

    def rendering(self, adom: str, path: str) -> dict[str, Any]:
        """What an installation would put on a device now."""
        policies = [policy for policy in self.get(adom, path)["policies"] if policy["status"] == "enable"]
        used: dict[str, Any] = {"policies": policies, "groups": {}, "addresses": {}}
        for policy in policies:
            for field, version in ADDRESS_FIELDS.items():
                for name in policy.get(field, ()):
                    self._collect(adom, name, version, used)
        return used

    def _collect(self, adom: str, name: str, version: int, used: dict[str, Any]) -> None:
        suffix = "" if version == 4 else "6"
        group = self._adoms.rows(adom, f"addrgrp{suffix}").get(name)
        if group is not None and f"{version}:{name}" not in used["groups"]:
            used["groups"][f"{version}:{name}"] = group["member"]
            for member in group["member"]:
                self._collect(adom, member, version, used)
        address = self._adoms.rows(adom, f"address{suffix}").get(name)
        if address is not None:
            used["addresses"][f"{version}:{name}"] = value_of(TABLES[f"address{suffix}"], address)

    def saved(self, adom: str) -> None:
        """What is saved has changed: devices whose package renders otherwise now are out of step."""
        for path, package in self.of(adom).items():
            rendering = self.rendering(adom, path)
            if rendering == package["rendering"]:
                continue
            self.put(adom, path, {**package, "rendering": rendering})
            for name, vdom, found in self.places(adom):
                if found["pkg"] == path and found["status"] in IN_STEP:
                    self.set_place(name, vdom, status="modified")

    # ---- devices

    def places(self, adom: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """(device, VDOM, what it has) for all devices of an ADOM."""
        for name, device in list(self.devices.items()):
            if device["adom"] == adom:
                for vdom, found in device["vdoms"].items():
                    yield name, vdom, found

    def set_place(self, name: str, vdom: str, **change: Any) -> None:
        """Change what is known of one VDOM of a device."""
        device = self.devices.get(name)
        assert device is not None
        device["vdoms"][vdom].update(change)
        self.devices.put(name, device)

    def status_rows(self, adom: str, path: str = "") -> list[dict[str, Any]]:
        """The status of each device that a package was installed on, of one package or all."""
        if path:
            self.get(adom, path, INVALID_URL)
        return [
            {"dev": name, "vdom": vdom, "pkg": found["pkg"], "status": found["status"]}
            for name, vdom, found in self.places(adom)
            if found["status"] and path in ("", found["pkg"])
        ]

    def targets(self, adom: str, path: str, scope: Sequence[Mapping[str, str]] | None) -> list[tuple[str, str]]:
        """(device, VDOM) of an installation: the package's own targets, or those of them that a scope names."""
        own = [(item["name"], item["vdom"]) for item in self.get(adom, path)["scope"]]
        if scope is None:
            return own
        wanted = [(item["name"], item.get("vdom", "root")) for item in scope]
        if any(item not in own for item in wanted):
            raise Failed(MISSING, "the scope is not among the targets of the package")
        return wanted

    def enforced(self) -> dict[str, dict[str, frozenset[str]]]:
        """The truth: for each `device/vdom` the values that its deny policies have as `source` and `destination`."""
        found = {}
        for name, device in self.devices.items():
            for vdom, place in device["vdoms"].items():
                config = place["config"] or {"policies": [], "groups": {}, "addresses": {}}
                found[f"{name}/{vdom}"] = {side: _values(config, side) for side in ("source", "destination")}
        return found


def _values(config: Mapping[str, Any], side: str) -> frozenset[str]:
    fields = {"srcaddr": 4, "srcaddr6": 6} if side == "source" else {"dstaddr": 4, "dstaddr6": 6}
    return frozenset(
        value
        for policy in config["policies"]
        if policy["action"] == "deny"
        for field, version in fields.items()
        for name in policy.get(field, ())
        for value in _resolved(config, f"{version}:{name}")
    )


def _resolved(config: Mapping[str, Any], key: str) -> Iterator[str]:
    if key in config["addresses"]:
        yield config["addresses"][key]
    version = key.partition(":")[0]
    for member in config["groups"].get(key, ()):
        yield from _resolved(config, f"{version}:{member}")


def refusal_of(device: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Why the copy of a rendering to a device fails; empty when it does not."""
    release = tuple(int(number) for number in device["os"].split(".")[:2])
    empty = [key.partition(":")[2] for key, members in config["groups"].items() if not members]
    if empty and release < EMPTY_GROUPS_FROM:
        return f"Copy device failed. firewall addrgrp {empty[0]}: member cannot be empty"
    return ""
