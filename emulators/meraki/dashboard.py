"""What the dashboard knows: organisations, networks, group policies, switches and their ports, clients, policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from emulators.kit import Collection, Database, Refused
from emulators.meraki.access import NOT_FOUND
from emulators.meraki.moments import DAY_SECONDS

GROUP_POLICY = "Group policy"
NORMAL = "Normal"
POLICIES = {"normal": NORMAL, "blocked": "Blocked", "whitelisted": "Whitelisted", "group policy": GROUP_POLICY}
BY_SSID = "Different policies by SSID"
KINDS = ("organization", "network", "group_policy", "device", "port", "client", "policy")
Document = dict[str, Any]


def place(*parts: str) -> str:
    """The key of what belongs to something else: `network/client`, `serial/port`."""
    return "/".join(parts)


class Dashboard:
    """Documents by kind. Policies are kept apart from clients: they last when the dashboard forgets nothing else."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._tables: dict[str, Collection] = {kind: database.collection(kind) for kind in KINDS}
        self.now = now

    def table(self, kind: str) -> Collection:
        """The documents of a kind."""
        return self._tables[kind]

    def all(self, kind: str) -> Iterator[Document]:
        """All documents of a kind in order of their keys."""
        return (document for _, document in self._tables[kind].items())

    def get(self, kind: str, *parts: str) -> Document:
        """One document. Raises Refused(404)."""
        found: Document | None = self._tables[kind].get(place(*parts))
        if found is None:
            raise Refused(404, NOT_FOUND)
        return found

    def organization_of(self, arguments: Any) -> str:
        """The organisation that a call is about, empty for none; `arguments` are those of its path."""
        if "organization" in arguments:
            return str(arguments["organization"])
        network = arguments.get("network") or (self._tables["device"].get(arguments.get("serial", "")) or {}).get(
            "networkId", ""
        )
        return str((self._tables["network"].get(network) or {}).get("organizationId", ""))

    def client(self, network: str, name: str) -> Document:
        """A client of a network by its key or its MAC. Raises Refused(404)."""
        found = self._tables["client"].get(place(network, name))
        by_mac = (one for one in self.clients(network) if one["mac"] == name.lower())
        client = found or next(by_mac, None)
        if client is None:
            raise Refused(404, NOT_FOUND)
        return dict(client)

    def clients(self, network: str) -> Iterator[Document]:
        """All clients of a network."""
        return (one for one in self.all("client") if one["network"] == network)

    # ---- policies

    def policy(self, network: str, client: str) -> Document:
        """`devicePolicy`, and `groupPolicyId` where there is one."""
        return dict(self._tables["policy"].get(place(network, client)) or {"devicePolicy": NORMAL})

    def set_policy(self, network: str, client: str, policy: Document, limit: int = 0) -> None:
        """Set a policy. Raises Refused(400) when it would be one more than `limit` in its network; 0 is no limit."""
        table, key = self._tables["policy"], place(network, client)
        if policy["devicePolicy"] == NORMAL:
            table.remove(key)
            return
        taken = sum(1 for name, _ in table.items() if name.startswith(f"{network}/") and name != key)
        if limit and taken >= limit:
            raise Refused(400, f"The maximum of {limit} clients with a manually applied policy is reached")
        table.put(key, policy)

    def checked_policy(self, network: str, body: Document) -> Document:
        """A policy as it is stored. Raises Refused(400) for what the vendor would not take."""
        name = POLICIES.get(body["devicePolicy"].lower())
        if name is None:
            raise Refused(400, f"'devicePolicy' must be one of: {', '.join(POLICIES.values())}")
        group = body.get("groupPolicyId")
        if (name == GROUP_POLICY) is (group is None):
            raise Refused(400, "'groupPolicyId' is needed for 'Group policy', and for nothing else")
        if group is not None and self._tables["group_policy"].get(place(network, group)) is None:
            raise Refused(400, f"Group policy {group} does not exist in this network")
        return {"devicePolicy": name, **({} if group is None else {"groupPolicyId": group})}

    # ---- ports

    def ports(self, serial: str) -> list[Document]:
        """The ports of a switch. Raises Refused: 404 for an unknown device, 400 for one that is no switch."""
        if self.get("device", serial)["productType"] != "switch":
            raise Refused(400, "This operation is only supported for switches")
        return [port for port in self.all("port") if port["serial"] == serial]

    def port(self, serial: str, port_id: str) -> Document:
        """One port of a switch. Raises Refused."""
        found = [port for port in self.ports(serial) if port["portId"] == port_id]
        if not found:
            raise Refused(404, NOT_FOUND)
        return found[0]

    def put_port(self, port: Document) -> None:
        """Store a port. Who hangs on one that is shut down loses the link, and has it again when the port is on."""
        self._tables["port"].put(place(port["serial"], port["portId"]), port)
        for client in self.on_port(port, 0.0):
            if not port["enabled"] and client["status"] == "Online":
                self.put_client({**client, "status": "Offline", "cut": True})
            elif port["enabled"] and client["cut"]:
                self.put_client({**client, "status": "Online", "cut": False, "lastSeen": self.now()})

    def on_port(self, port: Document, since: float) -> list[Document]:
        """The clients last seen on a port, and not before `since`."""
        return [
            one
            for one in self.all("client")
            if (one["recentDeviceSerial"], one["switchport"]) == (port["serial"], port["portId"])
            and one["lastSeen"] >= since
        ]

    def client_count(self, port: Document, since: float | None = None) -> int:
        """How many clients were seen on a port, in the last day by default."""
        return len(self.on_port(port, self.now() - DAY_SECONDS if since is None else since))

    def put_client(self, client: Document) -> None:
        """Store a client."""
        self._tables["client"].put(place(client["network"], client["id"]), client)
