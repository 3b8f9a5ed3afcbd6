"""The calls of `/public_api/v1/endpoints/`, the action status and the health check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import orjson

from emulators.cortex_xdr.endpoints.actions import PUBLIC_API, Actions
from emulators.cortex_xdr.endpoints.filters import Condition, Search, read_filters, read_search
from emulators.cortex_xdr.endpoints.fleet import Fleet
from emulators.cortex_xdr.endpoints.machine import ISOLATE, UNISOLATE, Kind, accepts
from emulators.cortex_xdr.endpoints.records import Endpoint, short_row, shown
from emulators.cortex_xdr.options import XdrOptions
from emulators.kit import Call, Refused, Reply, Route, json_list
from emulators.kit.strict import INTEGER, LIST, OBJECT, TEXT, Field, json_object

BASE = "/public_api/v1/"
MOST_ISOLATED = 1_000

_BODY = {"request_data": Field(OBJECT)}
_ORDER = {
    "endpoint_id": Field(TEXT, required=False),
    "filters": Field(LIST, required=False),
    "incident_id": Field(TEXT, required=False),
}
_WRONG_STATE = (
    "An error occurred while processing XDR public API - No endpoint was found for creating the requested action"
)


class Tenant(Protocol):
    """Where the calls find what they work on."""

    @property
    def fleet(self) -> Fleet: ...

    @property
    def actions(self) -> Actions: ...

    @property
    def options(self) -> XdrOptions: ...


class EndpointCalls:
    """Handlers of the endpoint calls of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """All endpoint calls; each is served with and without its trailing slash."""
        calls = {
            "endpoints/get_endpoint/": self._get_endpoint,
            "endpoints/get_endpoints/": self._get_endpoints,
            "endpoints/isolate/": lambda call: self._order(call, ISOLATE),
            "endpoints/unisolate/": lambda call: self._order(call, UNISOLATE),
            "actions/get_action_status/": self._action_status,
        }
        health = Route("GET", f"{BASE}healthcheck/", self._health, body="none")
        return [*(Route("POST", BASE + name, handler) for name, handler in calls.items()), health]

    def _begin(self, *roles: str) -> None:
        """Raises Refused(403) unless the key has one of these roles; then lets pass what time has brought."""
        if self._tenant.options.endpoint_role not in roles:
            raise Refused(403, note=f"the key has the endpoint role {self._tenant.options.endpoint_role}")
        self._tenant.actions.settle()

    def _health(self, call: Call) -> Reply:
        return Reply.json({"status": "available"})

    def _get_endpoint(self, call: Call) -> Reply:
        self._begin("isolate", "view")
        data = json_object(call.json(), _BODY)["request_data"]
        search = read_search(data, exact_names=self._exact_names)
        rows = [shown(endpoint) for endpoint in self._tenant.fleet.search(search)]
        call.records = len(rows)
        total = self._tenant.fleet.total(search.conditions)
        return Reply.json({"reply": {"total_count": total, "result_count": len(rows), "endpoints": rows}})

    @property
    def _exact_names(self) -> bool:
        return self._tenant.options.hostname_match == "exact"

    def _get_endpoints(self, call: Call) -> Reply:
        self._begin("isolate", "view")
        body = json_object(call.json(), {"request_data": Field(OBJECT, required=False)})
        json_object(body.get("request_data", {}), {}, "request_data")
        return Reply.stream(json_list(b'{"reply":[', self._short_rows(call), b"]}"))

    def _short_rows(self, call: Call) -> Iterator[bytes]:
        for endpoint in self._tenant.fleet.all():
            call.records += 1
            yield orjson.dumps(short_row(endpoint))

    def _order(self, call: Call, kind: Kind) -> Reply:
        self._begin("isolate")
        data = json_object(json_object(call.json(), _BODY)["request_data"], _ORDER, "request_data")
        named = self._named(data, kind)
        taken = [e for e in named if accepts(kind, e.endpoint_status, e.is_isolated, e.able)]
        if not taken or (len(taken) < len(named) and self._tenant.options.bulk == "refuse"):
            raise Refused(500, _WRONG_STATE, extra=f"can't create group action id for {kind.name}")
        action_id = self._tenant.actions.place(kind, taken, PUBLIC_API, data.get("incident_id"))
        call.records = len(taken)
        return Reply.json({"reply": self._order_reply(action_id, len(taken))})

    def _named(self, data: dict[str, Any], kind: Kind) -> Sequence[Endpoint]:
        if ("endpoint_id" in data) == ("filters" in data):
            raise Refused(400, "request_data must have either endpoint_id or filters")
        if "filters" in data and not data["filters"]:
            raise Refused(400, "request_data.filters must not be empty")
        conditions: tuple[Condition, ...] = (Condition("endpoint_id = ?", (data.get("endpoint_id"),)),)
        if "filters" in data:
            upper = kind is UNISOLATE
            conditions = read_filters(data["filters"], exact_names=self._exact_names, upper_case_in=upper)
        named = self._tenant.fleet.search(Search(conditions, end=MOST_ISOLATED + 1))
        if len(named) > MOST_ISOLATED:
            raise Refused(400, f"The filters match more than {MOST_ISOLATED} endpoints")
        return named

    def _order_reply(self, action_id: int, count: int) -> object:
        options = self._tenant.options
        number = str if options.numbers == "text" else int
        if options.order_reply == "bare":
            return number(action_id)
        return {options.order_reply: number(action_id), "status": number(1), "endpoints_count": number(count)}

    def _action_status(self, call: Call) -> Reply:
        self._begin("isolate", "view")
        data = json_object(call.json(), _BODY)["request_data"]
        action_id = json_object(data, {"group_action_id": Field(INTEGER)}, "request_data")["group_action_id"]
        orders = self._tenant.actions.of(action_id)
        if not orders:
            raise Refused(500, extra=f"group action id {action_id} was not found")
        call.records = len(orders)
        reply: dict[str, Any] = {"data": {order.endpoint_id: order.status for order in orders}}
        reasons = {order.endpoint_id: {"errorDescription": order.error} for order in orders if order.error}
        if reasons or self._tenant.options.error_reasons == "null":
            reply["errorReasons"] = reasons or None
        return Reply.json({"reply": reply})
