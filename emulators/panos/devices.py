"""The devices: the one at the address, and behind a Panorama the firewalls that it manages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from emulators.kit import Database, Refused
from emulators.panos.messages import BAD_REQUEST, NOT_FOUND, refuse
from emulators.panos.options import FIREWALL_SERIAL, PANORAMA_SERIAL, PanosOptions, names
from emulators.panos.registry import Place


@dataclass(frozen=True)
class Device:
    """One device. `connected`: Panorama reaches it; the device at the address always is."""

    serial: str
    hostname: str
    model: str
    version: str
    address: str
    vsys: tuple[str, ...]
    connected: bool = True

    @property
    def is_panorama(self) -> bool:
        return self.model == "Panorama"


class Devices:
    """All devices, kept in the state; made from the options when the state has none."""

    def __init__(self, database: Database, options: PanosOptions) -> None:
        self._kept = database.collection("devices")
        self._front = PANORAMA_SERIAL if options.device == "panorama" else FIREWALL_SERIAL
        if self._kept.get(self._front) is None:
            for device in _made(options):
                self.put(device)

    @property
    def front(self) -> Device:
        """The device at the address."""
        return self.get(self._front)

    def get(self, serial: str) -> Device:
        """Raises Refused(400) for a serial number that is not there."""
        found = self._kept.get(serial)
        if found is None:
            raise Refused(
                400, f"there is no device {serial!r}; there are {', '.join(one.serial for one in self.all())}"
            )
        return Device(**{**found, "vsys": tuple(found["vsys"])})

    def put(self, device: Device) -> None:
        """Write or replace one device."""
        self._kept.put(device.serial, vars(device))

    def change(self, serial: str, **fields: object) -> None:
        """Replace fields of one device. Raises Refused(400)."""
        self.put(replace(self.get(serial), **fields))  # type: ignore[arg-type]

    def all(self) -> Iterator[Device]:
        """All devices in order of serial number."""
        return (self.get(serial) for serial, _ in list(self._kept.items()))

    def asked(self, target: str, vsys: str) -> tuple[Device, Place]:
        """The device and the place that a call is for. Raises Refused as the API does."""
        device = self._targeted(target)
        if vsys and vsys not in device.vsys:
            raise refuse(BAD_REQUEST, f"Invalid vsys {vsys}")
        return device, Place(device.serial, vsys or (device.vsys[0] if device.vsys else ""))

    def _targeted(self, target: str) -> Device:
        if not target:
            return self.front
        if not self.front.is_panorama:
            raise refuse(BAD_REQUEST, "target is for Panorama only")
        if self._kept.get(target) is None or target == self._front:
            raise refuse(NOT_FOUND, f"{target} is not a managed device")
        device = self.get(target)
        if not device.connected:
            raise refuse(NOT_FOUND, f"{target} not connected")
        return device


def _made(options: PanosOptions) -> Iterator[Device]:
    vsys = names(options.vsys)
    if options.device == "firewall":
        yield Device(FIREWALL_SERIAL, "fw-1", "PA-VM", options.version, "192.0.2.1", vsys)
        return
    yield Device(PANORAMA_SERIAL, "panorama", "Panorama", options.version, "192.0.2.250", ())
    unreachable = names(options.unreachable)
    for number, serial in enumerate(names(options.firewalls), 1):
        address = f"192.0.2.{number}"
        yield Device(serial, f"fw-{number}", "PA-VM", options.version, address, vsys, serial not in unreachable)
