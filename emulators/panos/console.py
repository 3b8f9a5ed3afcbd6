"""What the side door does: registrations put there from outside, and what an administrator does at the devices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, NUMBER, TEXT, Field, json_object
from emulators.panos.access import Access
from emulators.panos.addresses import registrable
from emulators.panos.devices import Devices
from emulators.panos.options import ROLES
from emulators.panos.registry import Change, Place, Registry

_REGISTERED = {
    "ip": Field(TEXT),
    "tag": Field(TEXT),
    "serial": Field(TEXT, required=False),
    "vsys": Field(TEXT, required=False),
    "persistent": Field(BOOLEAN, required=False),
    "timeout": Field(INTEGER, required=False),
}
_DEVICE = {
    "device": Field(TEXT),
    "connected": Field(BOOLEAN, required=False),
    "version": Field(TEXT, required=False),
}
_SETTINGS = {"capacity": Field(INTEGER), "register_delay": Field(NUMBER)}
_NEWEST = "99.0"


class Console:
    """Seeds and edits of one emulator. Everything raises Refused(400) for a payload that is wrong."""

    def __init__(
        self, registry: Registry, devices: Devices, access: Access, setting: Callable[[str, Any], None]
    ) -> None:
        self._registry = registry
        self._devices = devices
        self._access = access
        self._setting = setting

    def seed(self, payload: object) -> None:
        """`{"registered": [{"ip", "tag", "serial"?, "vsys"?, "persistent"?, "timeout"?}]}`."""
        body = json_object(payload, {"registered": Field(LIST)})
        for given in body["registered"]:
            self._change(given, "register")

    def edit(self, payload: object) -> int:
        """One edit or a list of them; gives their number."""
        edits = payload if isinstance(payload, list) else [payload]
        for one in edits:
            self._edit_one(one)
        return len(edits)

    def _edit_one(self, payload: object) -> None:
        if not isinstance(payload, dict) or not payload:
            raise Refused(400, "an edit is an object")
        name = next(iter(payload))
        if name == "device":
            self._edit_device(payload)
            return
        handlers: dict[str, Callable[[Any], None]] = {
            "register": lambda value: self._change(value, "register"),
            "unregister": lambda value: self._change(value, "unregister"),
            "clear": lambda value: self._registry.clear(self._devices.get(value).serial),
            "reboot": lambda value: self._registry.restart(self._devices.get(value).serial),
            "role": self._access.set_role,
            "expire_keys": lambda value: self._access.expire_all(),
            "settle": lambda value: self._registry.settle(everything=True),
            **{key: partial(self._setting, key) for key in _SETTINGS},
        }
        fields = {
            **{key: Field((dict,), required=False) for key in ("register", "unregister")},
            **{key: Field(TEXT, required=False) for key in ("clear", "reboot")},
            "role": Field(TEXT, required=False, choices=ROLES),
            **{key: Field(BOOLEAN, required=False) for key in ("expire_keys", "settle")},
            **{key: Field(field.types, required=False) for key, field in _SETTINGS.items()},
        }
        for key, value in json_object(payload, fields, "edit").items():
            handlers[key](value)

    def _edit_device(self, payload: dict[str, Any]) -> None:
        body = json_object(payload, _DEVICE, "edit")
        self._devices.change(body["device"], **{key: value for key, value in body.items() if key != "device"})

    def _change(self, given: object, action: str) -> None:
        body = json_object(given, _REGISTERED, action)
        device = self._devices.get(body.get("serial", self._devices.front.serial))
        default = device.vsys[0] if device.vsys else ""
        place = Place(device.serial, body.get("vsys", default))
        if place.vsys not in (*device.vsys, default):
            raise Refused(400, f"{device.serial} has no {place.vsys!r}")
        try:
            address = registrable(body["ip"], _NEWEST, networks6=True)
        except ValueError as error:
            raise Refused(400, f"{action}.ip is {body['ip']!r}: {error}") from None
        change = Change(action, address, body["tag"], body.get("persistent", True), body.get("timeout", 0))
        self._registry.order(place, [change], 0)
