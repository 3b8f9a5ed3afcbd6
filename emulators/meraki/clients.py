"""The clients of a network, and the policy of each."""

from __future__ import annotations

from collections.abc import Sequence

from emulators.kit import Call, Reply, Route
from emulators.kit.strict import TEXT, Field, json_object
from emulators.meraki.calls import BASE, Area
from emulators.meraki.dashboard import Document
from emulators.meraki.moments import WINDOW_QUERY, iso, window_start
from emulators.meraki.paging import PAGE_QUERY, paged_reply, words

# Each matches a part of the value as well as all of it.
_PARTIAL = ("ip", "ip6", "mac", "description")
_LISTS = frozenset({"statuses[]", "recentDeviceConnections[]"})
_POLICY = {"devicePolicy": Field(TEXT), "groupPolicyId": Field(TEXT, required=False, nullable=True)}
_STATUSES = {"online": "Online", "offline": "Offline"}
_CONNECTIONS = {"wired": "Wired", "wireless": "Wireless"}


class ClientCalls(Area):
    """Calls below a network."""

    def routes(self) -> Sequence[Route]:
        """All of them."""
        clients = f"{BASE}/networks/<network>/clients"
        query = PAGE_QUERY | WINDOW_QUERY | _LISTS | frozenset(_PARTIAL)
        return [
            Route("GET", clients, self._list, "none", query),
            Route("GET", f"{clients}/<client>", self._one, "none"),
            Route("GET", f"{clients}/<client>/policy", self._policy, "none"),
            Route("PUT", f"{clients}/<client>/policy", self._set_policy),
        ]

    def _list(self, call: Call) -> Reply:
        key = self.network(call.arguments["network"])["id"]
        start = window_start(call, self.dashboard.now())
        statuses, connections = words(call, "statuses", _STATUSES), words(call, "recentDeviceConnections", _CONNECTIONS)
        rows = [
            (one["id"], self._told(one, as_text=True))
            for one in self.dashboard.clients(key)
            if one["lastSeen"] >= start
            and self._matches(call, one)
            and (not statuses or one["status"] in statuses)
            and (not connections or one["recentDeviceConnection"] in connections)
        ]
        return paged_reply(call, self.url(call), rows, (3, 5_000), 10)

    def _matches(self, call: Call, client: Document) -> bool:
        given = call.request.args
        return all(given[name].lower() in (client[name] or "").lower() for name in _PARTIAL if name in given)

    def _told(self, client: Document, *, as_text: bool) -> Document:
        """A client as a list tells it, with its device; times are texts there, and numbers in the single record."""
        names = ("id", "mac", "description", "ip", "ip6", "ssid", "switchport", "status")
        device = self.dashboard.table("device").get(client["recentDeviceSerial"] or "") or {}
        times = {name: iso(client[name]) if as_text else int(client[name]) for name in ("firstSeen", "lastSeen")}
        return {
            **{name: client[name] for name in names},
            **times,
            **dict.fromkeys(("ip6Local", "user", "os", "notes", "groupPolicy8021x", "pskGroup", "namedVlan")),
            "manufacturer": "Emulated",
            "vlan": str(client["vlan"]),
            "smInstalled": False,
            "recentDeviceSerial": client["recentDeviceSerial"],
            "recentDeviceName": device.get("name"),
            "recentDeviceMac": None,
            "recentDeviceConnection": client["recentDeviceConnection"],
        }

    def _client(self, call: Call) -> Document:
        return self.dashboard.client(self.network(call.arguments["network"])["id"], call.arguments["client"])

    def _one(self, call: Call) -> Reply:
        return Reply.json(self._told(self._client(call), as_text=False))

    def _policy(self, call: Call) -> Reply:
        return self._policy_reply(self._client(call))

    def _policy_reply(self, client: Document) -> Reply:
        policy = self.dashboard.policy(client["network"], client["id"])
        if policy["devicePolicy"] == "Whitelisted":
            policy["devicePolicy"] = self.options.allowed_word
        return Reply.json({"mac": client["mac"], **policy})

    def _set_policy(self, call: Call) -> Reply:
        client = self._client(call)
        self.access.check_write()
        policy = self.dashboard.checked_policy(client["network"], json_object(call.json(), _POLICY))
        self.dashboard.set_policy(client["network"], client["id"], policy, self.options.policy_limit)
        return self._policy_reply(client)
