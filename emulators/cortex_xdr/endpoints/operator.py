"""What the side door does to endpoints: seeds, the console's hand, and agents that come and go."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulators.cortex_xdr.endpoints.actions import CONSOLE, Actions
from emulators.cortex_xdr.endpoints.fleet import Fleet
from emulators.cortex_xdr.endpoints.machine import (
    CONNECTED,
    DISCONNECTED,
    ISOLATED,
    LOST,
    PENDING_RELEASE,
    UNINSTALLED,
    UNISOLATED,
    WAITING,
)
from emulators.cortex_xdr.endpoints.records import PLAIN_FORM, Endpoint, generated, read_plain, read_seed
from emulators.kit import Refused
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, OBJECT, TEXT, Field, json_object

_EDIT = {
    **PLAIN_FORM,
    "endpoint_id": Field(TEXT),
    "status": Field(TEXT, required=False),
    "is_isolated": Field(TEXT, required=False),
    "check_in": Field(BOOLEAN, required=False),
    "delete": Field(BOOLEAN, required=False),
    "reinstalled_as": Field(TEXT, required=False),
}
_ACTION_EDIT = {
    "action_id": Field(INTEGER),
    "status": Field(TEXT),
    "endpoint_id": Field(TEXT, required=False),
    "error": Field(TEXT, required=False, nullable=True),
}
SEED = {"endpoints": Field(LIST, required=False), "generate_endpoints": Field(OBJECT, required=False)}


class Console:
    """The side door's work on one tenant. Its methods are all or nothing inside the caller's transaction."""

    def __init__(self, fleet: Fleet, actions: Actions) -> None:
        self._fleet = fleet
        self._actions = actions

    def seed(self, payload: Mapping[str, Any], now_ms: int) -> None:
        """Add the endpoints of `endpoints` and `generate_endpoints`. Raises Refused(400), also for an id that exists.

        One whose isolation or release is pending gets an order from the console.
        """
        json_object(dict(payload), SEED, "seed")
        found = [read_seed(one, now_ms, f"endpoints[{i}]") for i, one in enumerate(payload.get("endpoints", ()))]
        if "generate_endpoints" in payload:
            found += generated(payload["generate_endpoints"], now_ms)
        found = [self._dated(endpoint, now_ms) for endpoint in found]
        try:
            self._fleet.add(found)
        except sqlite3.IntegrityError:
            raise Refused(400, "An endpoint_id is there already, or comes twice; edit changes what is there") from None
        for value, kind in WAITING.items():
            waiting = [endpoint for endpoint in found if endpoint.is_isolated == value]
            if waiting:
                self._actions.place(kind, waiting, CONSOLE)

    @staticmethod
    def _dated(endpoint: Endpoint, now_ms: int) -> Endpoint:
        held = endpoint.is_isolated in (ISOLATED, PENDING_RELEASE) and endpoint.isolated_date is None
        return replace(endpoint, isolated_date=now_ms) if held else endpoint

    def edit(self, payload: Mapping[str, Any]) -> None:
        """One edit of an action or an endpoint. Raises Refused(400), or Refused(404) for what is not there.

        The parts of an endpoint's edit are done in this order: plain fields, is_isolated, check_in, status,
        reinstalled_as, delete.
        """
        if "action_id" in payload:
            self._edit_action(json_object(payload, _ACTION_EDIT, "edit"))
            return
        found = json_object(payload, _EDIT, "edit")
        endpoint_id = found["endpoint_id"]
        plain = read_plain(found, "edit")
        if plain:
            self._fleet.save(replace(self._find(endpoint_id), **plain))
        if "is_isolated" in found:
            self._actions.override(self._find(endpoint_id), found["is_isolated"])
        if found.get("check_in"):
            self._check_in(self._find(endpoint_id))
        self._connect(found)

    def _connect(self, found: Mapping[str, Any]) -> None:
        endpoint = self._find(found["endpoint_id"])
        if "status" in found:
            self._actions.set_connection(endpoint, found["status"])
        if "reinstalled_as" in found:
            self._reinstall(self._find(endpoint.endpoint_id), found["reinstalled_as"])
        if found.get("delete"):
            self._delete(self._find(endpoint.endpoint_id))

    def _find(self, endpoint_id: str) -> Endpoint:
        endpoint = self._fleet.find(endpoint_id)
        if endpoint is None:
            raise Refused(404, f"There is no endpoint '{endpoint_id}'")
        return endpoint

    def _check_in(self, endpoint: Endpoint) -> None:
        if endpoint.endpoint_status == UNINSTALLED:
            raise Refused(400, f"Endpoint '{endpoint.endpoint_id}' has no agent that could check in")
        self._actions.call_in(endpoint)

    def _reinstall(self, endpoint: Endpoint, new_id: str) -> None:
        if not new_id or self._fleet.find(new_id) is not None:
            raise Refused(400, f"edit.reinstalled_as is '{new_id}'; it must be an id that is not in use")
        self._actions.set_connection(endpoint, LOST)
        now = self._actions.now_ms()
        fresh: dict[str, Any] = {"endpoint_status": CONNECTED, "is_isolated": UNISOLATED}
        fresh |= {"isolated_date": None, "deleted_date": None}
        fresh |= dict.fromkeys(("first_seen", "last_seen", "install_date"), now)
        self._fleet.add([replace(endpoint, endpoint_id=new_id, **fresh)])

    def _delete(self, endpoint: Endpoint) -> None:
        if endpoint.endpoint_status == CONNECTED:
            self._actions.set_connection(endpoint, DISCONNECTED)
            endpoint = self._find(endpoint.endpoint_id)
        status, last_seen = endpoint.endpoint_status, endpoint.last_seen
        self._fleet.set_status(endpoint.endpoint_id, status, last_seen, self._actions.now_ms())

    def _edit_action(self, found: Mapping[str, Any]) -> None:
        wanted = found.get("endpoint_id")
        orders = [o for o in self._actions.of(found["action_id"]) if wanted in (None, o.endpoint_id)]
        if not orders:
            raise Refused(404, f"There is no action {found['action_id']} for {wanted or 'any endpoint'}")
        living = [order for order in orders if not order.ended]
        if not living:
            raise Refused(400, f"Action {found['action_id']} has ended: {orders[0].status}")
        for order in living:
            self._actions.set_status(order, found["status"], found.get("error"))
