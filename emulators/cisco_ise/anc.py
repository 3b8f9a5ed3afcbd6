"""Adaptive Network Control: policies, the endpoints that have one, and the sessions that feel it."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from emulators.cisco_ise.options import IseOptions
from emulators.kit import Database, Refused

ACTIONS = ("QUARANTINE", "PORTBOUNCE", "SHUTDOWN", "RE_AUTHENTICATE")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_NAMESPACE = uuid.UUID("6caf3e58-53b3-4bbd-9594-d3678aa08fc1")


class CoaFailed(Exception):
    """The change is stored, but the network device did not take the change of authorisation."""


class Anc:
    """What ISE stores, by MAC in upper case with colons.

    A session carries in `enforced` the policy that it was authorised with; it follows the stored one at a change of
    authorisation or at the next authentication. A MAC has one live session at most.
    """

    def __init__(self, database: Database, options: IseOptions, now: Callable[[], float]) -> None:
        self.policies = database.collection("policies")
        self.endpoints = database.collection("ancendpoints")
        self.sessions = database.collection("sessions")
        self.ended = database.collection("ended")
        self.devices = database.collection("devices")
        self._counters = database.collection("counters")
        self._options = options
        self._now = now

    def put_policy(self, name: str, actions: list[str]) -> None:
        """Make or replace a policy."""
        self.policies.put(name, {"id": str(uuid.uuid5(_NAMESPACE, name)), "name": name, "actions": actions})

    def policy_of(self, mac: str) -> str:
        """The policy that the endpoint has, or empty."""
        found = self.endpoints.get(mac)
        return str(found["policyName"]) if found else ""

    def assign(self, mac: str, policy: str) -> None:
        """Store a policy for an endpoint, in place of any other; its id is new each time it gets its first one."""
        found = self.endpoints.get(mac) or {"id": str(uuid.uuid5(_NAMESPACE, f"{mac} {self._count('endpoints')}"))}
        self.endpoints.put(mac, {**found, "macAddress": mac, "policyName": policy})

    def apply(self, mac: str, policy: str) -> None:
        """The order. Raises ValueError with the title of a refusal, CoaFailed."""
        mac = valid_mac(mac)
        if self.policies.get(policy) is None:
            raise ValueError("Policy is not configured")
        if self.policy_of(mac) == policy:
            raise ValueError("mac address is already associated with this policy")
        if self.policy_of(mac) and self._options.second_policy == "refuse":
            raise ValueError("mac address is already associated with another policy")
        self.assign(mac, policy)
        self.reauthorise(mac)

    def clear(self, mac: str, policy: str | None) -> None:
        """The order. Raises ValueError with the title of a refusal, CoaFailed."""
        mac = valid_mac(mac)
        has = self.policy_of(mac)
        if not has or (policy is not None and policy != has and self._options.clear_policy == "checked"):
            raise ValueError("mac address is not associated with a policy")
        self.endpoints.remove(mac)
        self.reauthorise(mac)

    def reauthorise(self, mac: str) -> None:
        """Change of authorisation of the endpoint's live session, if there is one. Raises CoaFailed."""
        session = self.session_of(mac)
        if session is None:
            return
        device = self.devices.get(session["nas_ip_address"])
        if device is not None and not device["answers"]:
            raise CoaFailed
        policy = self.policies.get(self.policy_of(mac)) or {"actions": []}
        self.sessions.put(session["id"], {**session, "enforced": self.policy_of(mac)})
        if "SHUTDOWN" in policy["actions"]:
            self.disconnect(mac)

    def session_of(self, mac: str) -> dict[str, Any] | None:
        """The live session of a MAC."""
        return next((session for session in self.live() if session["mac"] == mac), None)

    def live(self) -> Iterator[dict[str, Any]]:
        """All live sessions, oldest first."""
        return (session for _, session in self.sessions.items())

    def connect(self, mac: str, **session: Any) -> None:
        """The endpoint authenticates: a new session, with the policy that it has now, in place of an older one."""
        self.disconnect(mac)
        number = f"{self._count('sessions'):012}"
        made = {"id": number, "mac": mac, "started": self._now(), "enforced": self.policy_of(mac), **session}
        self.sessions.put(number, made)

    def disconnect(self, mac: str) -> None:
        """The endpoint's session ends; who had an address last is remembered."""
        session = self.session_of(mac)
        if session is not None:
            self.sessions.remove(session["id"])
            self.ended.put(str(session["ip"]), session)

    def find_address(self, address: str) -> dict[str, Any] | None:
        """The newest live session with this address."""
        wanted = ipaddress.ip_address(address)
        found = [one for one in self.live() if any(wanted == ipaddress.ip_address(ip) for ip in addresses(one))]
        return found[-1] if found else None

    def _count(self, name: str) -> int:
        number = int(self._counters.get(name) or 0) + 1
        self._counters.put(name, number)
        return number


def addresses(session: dict[str, Any]) -> list[str]:
    """All addresses of a session, IPv4 first."""
    return [text for text in (session["ip"], *session["ipv6"]) if text]


def valid_mac(text: str) -> str:
    """A MAC in pairs with colons, in upper case. Raises ValueError with the title that ISE gives."""
    if not _MAC.fullmatch(text):
        raise ValueError("Invalid MAC Address")
    return text.upper()


def seeded_mac(text: str) -> str:
    """A MAC of the side door. Raises Refused(400)."""
    try:
        return valid_mac(text)
    except ValueError:
        raise Refused(400, f"'{text}' is not a MAC in pairs with colons") from None
