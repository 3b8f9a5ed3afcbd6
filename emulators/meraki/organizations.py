"""Organisations, their networks, the group policies of a network, and the search for a client by MAC."""

from __future__ import annotations

import re
from collections.abc import Sequence

from emulators.kit import Call, Refused, Reply, Route
from emulators.meraki.access import NOT_FOUND
from emulators.meraki.calls import BASE, Area
from emulators.meraki.dashboard import Document
from emulators.meraki.paging import PAGE_QUERY, page, paged_reply

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


class OrganizationCalls(Area):
    """Reading calls that begin with an organisation."""

    def routes(self) -> Sequence[Route]:
        """All of them."""
        one, network = f"{BASE}/organizations/<organization>", f"{BASE}/networks/<network>"
        return [
            Route("GET", f"{BASE}/organizations", self._list, "none", PAGE_QUERY),
            Route("GET", f"{one}/networks", self._networks, "none", PAGE_QUERY),
            Route("GET", f"{one}/clients/search", self._search, "none", PAGE_QUERY | {"mac"}),
            Route("GET", network, self._network, "none"),
            Route("GET", f"{network}/groupPolicies", self._group_policies, "none"),
            Route("GET", f"{BASE}/devices/<serial>", self._device, "none"),
        ]

    def _list(self, call: Call) -> Reply:
        seen = [one for one in self.dashboard.all("organization") if self.access.sees("organizations", one["id"])]
        rows = [(one["id"], self._organization(one)) for one in seen]
        return paged_reply(call, self.url(call), rows, (3, 9_000), 9_000)

    def _organization(self, one: Document) -> Document:
        region = {"region": {"name": "Europe", "host": {"name": "Emulated"}}}
        url = f"https://dashboard.example.com/o/{one['id']}/manage/organization/overview"
        shown = {"id": one["id"], "name": one["name"], "url": url, "api": {"enabled": one["api"]}}
        return {**shown, "licensing": {"model": "co-term"}, "cloud": region, "management": {"details": []}}

    def _networks(self, call: Call) -> Reply:
        key = self.organization(call.arguments["organization"])["id"]
        seen = [
            (one["id"], network_row(one))
            for one in self.dashboard.all("network")
            if one["organizationId"] == key and self.access.sees("networks", one["id"])
        ]
        return paged_reply(call, self.url(call), seen, (3, 100_000), 1_000)

    def _network(self, call: Call) -> Reply:
        return Reply.json(network_row(self.network(call.arguments["network"])))

    def _device(self, call: Call) -> Reply:
        device = self.device(call.arguments["serial"])
        return Reply.json({**device, "mac": "", "model": "", "tags": [], "notes": "", "lanIp": None, "firmware": ""})

    def _group_policies(self, call: Call) -> Reply:
        key = self.network(call.arguments["network"])["id"]
        groups = [one for one in self.dashboard.all("group_policy") if one["network"] == key]
        return Reply.json([{"groupPolicyId": one["id"], "name": one["name"], "scheduling": None} for one in groups])

    def _search(self, call: Call) -> Reply:
        key = self.organization(call.arguments["organization"])["id"]
        mac = call.request.args.get("mac", "").lower()
        if not _MAC.fullmatch(mac):
            raise Refused(400, "'mac' must be a MAC address such as 00:11:22:33:44:55")
        rows = [(one["network"], one) for one in self.dashboard.all("client") if self._found(one, key, mac)]
        if not rows:
            return self._unknown_mac()
        shown, headers = page(call, self.url(call), rows, (3, 5), 5)
        call.records = len(shown)
        records = [self._record(one) for one in shown]
        body = {"clientId": rows[0][1]["id"], "mac": mac, "manufacturer": "Emulated", "records": records}
        return Reply.json(body, headers=headers)

    def _found(self, client: Document, organization: str, mac: str) -> bool:
        network = self.dashboard.get("network", client["network"])
        same = client["mac"] == mac and network["organizationId"] == organization
        return same and self.access.sees("networks", client["network"])

    def _unknown_mac(self) -> Reply:
        if self.options.unknown_mac == "404":
            raise Refused(404, NOT_FOUND)
        return Reply(204) if self.options.unknown_mac == "204" else Reply.json({})

    def _record(self, client: Document) -> Document:
        """A client in one network. The device is not told, only in the client's own record; times are numbers."""
        told = {name: client[name] for name in ("description", "ip", "ip6", "ssid", "switchport", "status")}
        times = {"firstSeen": int(client["firstSeen"]), "lastSeen": int(client["lastSeen"])}
        rest: Document = dict.fromkeys(("user", "os", "cdp", "lldp", "clientVpnConnections", "wirelessCapabilities"))
        network = network_row(self.dashboard.get("network", client["network"]))
        return {**told, **times, **rest, "vlan": str(client["vlan"]), "smInstalled": False, "network": network}


def network_row(network: Document) -> Document:
    """A network as it is told."""
    url = f"https://dashboard.example.com/{network['id']}/manage/usage/list"
    rest: Document = {
        "timeZone": "UTC",
        "tags": [],
        "enrollmentString": None,
        "notes": None,
        "isBoundToConfigTemplate": False,
    }
    return {**network, "url": url, **rest}
