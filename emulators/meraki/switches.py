"""The ports of switches."""

from __future__ import annotations

from collections.abc import Sequence

from emulators.kit import Call, Refused, Reply, Route
from emulators.kit.strict import BOOLEAN, LIST, TEXT, Field, json_object
from emulators.meraki.calls import BASE, Area
from emulators.meraki.dashboard import Document
from emulators.meraki.moments import WINDOW_QUERY, window_start

_SETTINGS = {
    "enabled": Field(BOOLEAN, required=False),
    "name": Field(TEXT, required=False, nullable=True),
    "tags": Field(LIST, required=False),
    "poeEnabled": Field(BOOLEAN, required=False),
}


class SwitchCalls(Area):
    """Calls below a switch."""

    def routes(self) -> Sequence[Route]:
        """All of them."""
        ports = f"{BASE}/devices/<serial>/switch/ports"
        return [
            Route("GET", f"{ports}/statuses", self._statuses, "none", WINDOW_QUERY),
            Route("GET", f"{ports}/<port>", self._port, "none"),
            Route("PUT", f"{ports}/<port>", self._set_port),
        ]

    def _statuses(self, call: Call) -> Reply:
        serial = self.device(call.arguments["serial"])["serial"]
        start = window_start(call, self.dashboard.now())
        return Reply.json([self._status(port, start) for port in self.dashboard.ports(serial)])

    def _status(self, port: Document, start: float) -> Document:
        connected = any(one["status"] == "Online" for one in self.dashboard.on_port(port, 0.0)) or port["isUplink"]
        status = "Disabled" if not port["enabled"] else "Connected" if connected else "Disconnected"
        told = {"portId": port["portId"], "enabled": port["enabled"], "status": status, "isUplink": port["isUplink"]}
        counts: dict[str, Document] = {"omit": {}, "null": {"clientCount": None}}
        count = counts.get(self.options.client_count, {"clientCount": self.dashboard.client_count(port, start)})
        return {**told, **count, "errors": [], "warnings": [], "speed": "1 Gbps", "duplex": "full"}

    def _found(self, call: Call) -> Document:
        serial = self.device(call.arguments["serial"])["serial"]
        return self.dashboard.port(serial, call.arguments["port"])

    def _port(self, call: Call) -> Reply:
        return Reply.json(port_row(self._found(call)))

    def _set_port(self, call: Call) -> Reply:
        port = self._found(call)
        self.access.check_write()
        change = json_object(call.json(), _SETTINGS)
        if not change:
            raise Refused(400, "At least one setting of the port must be given")
        with self._served.state.transaction():
            self.dashboard.put_port({**port, **change})
        return Reply.json(port_row({**port, **change}))


def port_row(port: Document) -> Document:
    """The settings of a port as they are told."""
    told = {name: port[name] for name in ("portId", "name", "tags", "enabled", "poeEnabled")}
    rest = {"type": "access", "vlan": 1, "voiceVlan": None, "allowedVlans": "all", "isolationEnabled": False}
    return {**told, **rest, "rstpEnabled": True, "stpGuard": "disabled", "linkNegotiation": "Auto negotiate"}
