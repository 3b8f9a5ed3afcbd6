"""What a side door can put there, and what administrators and the devices themselves do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, NUMBER, OBJECT, TEXT, Field, json_object
from emulators.meraki.access import FULL, READ_ONLY, Access
from emulators.meraki.dashboard import BY_SSID, NORMAL, Dashboard, Document, place

_PRODUCTS = ("appliance", "camera", "cellularGateway", "sensor", "switch", "systemsManager", "wireless")
_OPTIONAL_TEXT = Field(TEXT, required=False, nullable=True)
ORGANIZATION = {"id": Field(TEXT), "name": _OPTIONAL_TEXT, "api": Field(BOOLEAN, required=False)}
NETWORK = {
    "id": Field(TEXT),
    "organization": Field(TEXT),
    "name": _OPTIONAL_TEXT,
    "products": Field(LIST, required=False),
}
GROUP = {"network": Field(TEXT), "id": Field(TEXT), "name": Field(TEXT)}
DEVICE = {
    "serial": Field(TEXT),
    "network": Field(TEXT),
    "product": Field(TEXT, choices=_PRODUCTS),
    "name": _OPTIONAL_TEXT,
    "ports": Field(LIST, required=False),
}
PORT = {
    "id": Field(TEXT),
    "enabled": Field(BOOLEAN, required=False),
    "uplink": Field(BOOLEAN, required=False),
    "name": _OPTIONAL_TEXT,
}
CLIENT = {
    "network": Field(TEXT),
    "id": Field(TEXT),
    "mac": Field(TEXT),
    **dict.fromkeys(("ip", "ip6", "description", "ssid", "switchport", "serial"), _OPTIONAL_TEXT),
    "connection": Field(TEXT, required=False, nullable=True, choices=("Wired", "Wireless", None)),
    "status": Field(TEXT, required=False, choices=("Online", "Offline")),
    "seen_ago": Field(NUMBER, required=False),
    "vlan": Field(INTEGER, required=False),
}
SEED = {name: Field(LIST, required=False) for name in ("organizations", "networks", "groups", "devices", "clients")}
KEY = {
    "access": Field(TEXT, required=False, choices=(FULL, READ_ONLY)),
    "organizations": Field(LIST, required=False, nullable=True),
    "networks": Field(LIST, required=False, nullable=True),
}
POLICY = {"network": Field(TEXT), "client": Field(TEXT), "devicePolicy": Field(TEXT), "groupPolicyId": _OPTIONAL_TEXT}
PORT_EDIT = {"serial": Field(TEXT), "id": Field(TEXT), "enabled": Field(BOOLEAN, required=False),
             "uplink": Field(BOOLEAN, required=False)}  # fmt: skip
CLIENT_EDIT = {name: Field(field.types, name in ("network", "id"), field.nullable, field.choices)
               for name, field in {**CLIENT, "remove": Field(BOOLEAN)}.items()}  # fmt: skip
REMOVE = {"kind": Field(TEXT, choices=("organization", "network", "group_policy", "device")), "key": Field(TEXT)}
EDIT = {name: Field(OBJECT, required=False) for name in ("key", "policy", "port", "client", "organization", "remove")}
EDIT["forget"] = Field(TEXT, required=False)
_CLIENT_NAMES = {"serial": "recentDeviceSerial", "connection": "recentDeviceConnection"}


class Operator:
    """Seeds and edits; all or nothing, which the caller's transaction sees to."""

    def __init__(self, dashboard: Dashboard, access: Access) -> None:
        self._dashboard = dashboard
        self._access = access

    def seed(self, payload: Any) -> None:
        """Put objects there as if they had always been. Raises Refused(400)."""
        body = json_object(payload, SEED)
        makers: tuple[tuple[str, Callable[[Any], None]], ...] = (
            ("organizations", self._organization),
            ("networks", self._network),
            ("groups", self._group),
            ("devices", self._device),
            ("clients", self._client),
        )
        for name, make in makers:
            for item in body.get(name, []):
                make(item)

    def edit(self, payload: Any) -> None:
        """One or several things that happen, in the order of EDIT. Raises Refused."""
        body = json_object(payload, EDIT)
        if "key" in body:
            self._access.set_rights(json_object(body["key"], KEY, "key"))
        if "policy" in body:
            self._set_policy(json_object(body["policy"], POLICY, "policy"))
        if "port" in body:
            self._edit_port(json_object(body["port"], PORT_EDIT, "port"))
        if "client" in body:
            self._edit_client(json_object(body["client"], CLIENT_EDIT, "client"))
        if "organization" in body:
            self._organization(body["organization"])
        if "remove" in body:
            gone = json_object(body["remove"], REMOVE, "remove")
            self._dashboard.table(gone["kind"]).remove(gone["key"])
        if "forget" in body:
            self._forget(body["forget"])

    def _organization(self, item: Any) -> None:
        given = json_object(item, ORGANIZATION, "organization")
        shown = {"id": given["id"], "name": given.get("name") or f"Organisation {given['id']}"}
        self._dashboard.table("organization").put(given["id"], {**shown, "api": given.get("api", True)})

    def _network(self, item: Any) -> None:
        given = json_object(item, NETWORK, "network")
        self._dashboard.get("organization", given["organization"])
        products = given.get("products") or ["appliance", "switch", "wireless"]
        if not set(products) <= set(_PRODUCTS):
            raise Refused(400, f"network.products must be among {', '.join(_PRODUCTS)}")
        network = {
            "id": given["id"],
            "organizationId": given["organization"],
            "name": given.get("name") or f"Network {given['id']}",
            "productTypes": sorted(products),
        }
        self._dashboard.table("network").put(given["id"], network)

    def _group(self, item: Any) -> None:
        given = json_object(item, GROUP, "group")
        self._dashboard.get("network", given["network"])
        self._dashboard.table("group_policy").put(place(given["network"], given["id"]), given)

    def _device(self, item: Any) -> None:
        given = json_object(item, DEVICE, "device")
        self._dashboard.get("network", given["network"])
        device = {
            "serial": given["serial"],
            "networkId": given["network"],
            "productType": given["product"],
            "name": given.get("name") or given["serial"],
        }
        self._dashboard.table("device").put(given["serial"], device)
        for port in given.get("ports", []):
            made = json_object(port, PORT, "port")
            shown = {"serial": given["serial"], "portId": made["id"], "name": made.get("name"), "tags": []}
            settings = {"enabled": made.get("enabled", True), "isUplink": made.get("uplink", False), "poeEnabled": True}
            self._dashboard.put_port({**shown, **settings})

    def _client(self, item: Any) -> None:
        given = json_object(item, CLIENT, "client")
        self._dashboard.get("network", given["network"])
        new = {
            "mac": "",
            **dict.fromkeys(("ip", "ip6", "description", "ssid", "switchport", "recentDeviceSerial")),
            "recentDeviceConnection": None,
            "status": "Online",
            "cut": False,
            "vlan": 1,
            "firstSeen": self._dashboard.now() - 100 * 86_400,
            "lastSeen": self._dashboard.now(),
        }
        self._dashboard.put_client({**new, **self._shown(given)})

    def _shown(self, given: Document) -> Document:
        """The fields of a client as they are stored."""
        fields = {_CLIENT_NAMES.get(name, name): value for name, value in given.items() if name != "seen_ago"}
        if "mac" in fields:
            fields["mac"] = fields["mac"].lower()
        if "seen_ago" in given:
            fields["lastSeen"] = self._dashboard.now() - given["seen_ago"]
        return fields

    def _edit_client(self, change: Document) -> None:
        client = self._dashboard.client(change["network"], change["id"])
        if change.pop("remove", False):
            self._dashboard.table("client").remove(place(client["network"], client["id"]))
            self._dashboard.table("policy").remove(place(client["network"], client["id"]))
            return
        self._dashboard.put_client({**client, **self._shown(change)})

    def _set_policy(self, given: Document) -> None:
        """As in the console, where a client can also have a policy for each SSID."""
        client = self._dashboard.client(given["network"], given["client"])
        asked = {name: value for name, value in given.items() if name not in ("network", "client") and value}
        by_ssid = {"devicePolicy": BY_SSID}
        policy = by_ssid if asked == by_ssid else self._dashboard.checked_policy(given["network"], asked)
        self._dashboard.set_policy(given["network"], client["id"], policy)

    def _edit_port(self, given: Document) -> None:
        port = self._dashboard.port(given["serial"], given["id"])
        uplink = given.get("uplink", port["isUplink"])
        self._dashboard.put_port({**port, "enabled": given.get("enabled", port["enabled"]), "isUplink": uplink})

    def _forget(self, network: str) -> None:
        """A network starts anew: no policy is set by hand any more, and all ports of its switches are on."""
        for client in list(self._dashboard.clients(network)):
            self._dashboard.set_policy(network, client["id"], {"devicePolicy": NORMAL})
        for device in list(self._dashboard.all("device")):
            if device["networkId"] == network and device["productType"] == "switch":
                for port in self._dashboard.ports(device["serial"]):
                    self._dashboard.put_port({**port, "enabled": True})
