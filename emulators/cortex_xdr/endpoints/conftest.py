"""A client of the endpoint calls, over a tenant whose clock stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import requests

from emulators.cortex_xdr.conftest import Client, Start
from emulators.cortex_xdr.endpoints.routes import BASE

ID = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Agents:
    """One tenant, seen by a client of the API and by its operator."""

    client: Client

    def post(self, call: str, body: object) -> requests.Response:
        """POST a JSON body to a call below /public_api/v1/."""
        url = f"{self.client.emulator.url}{BASE}{call}"
        return self.client.http.post(url, data=orjson.dumps(body), headers=self.client.keys(), timeout=10)

    def ask(self, call: str, **data: Any) -> requests.Response:
        """POST `{"request_data": data}`."""
        return self.post(call, {"request_data": data})

    def search(self, *filters: tuple[str, str, Any], **more: Any) -> dict[str, Any]:
        """The reply of get_endpoint for (field, operator, value) filters."""
        listed = [{"field": field, "operator": operator, "value": value} for field, operator, value in filters]
        reply = self.ask("endpoints/get_endpoint", filters=listed, **more)
        assert reply.status_code == 200, reply.text
        return dict(reply.json()["reply"])

    def names(self, *filters: tuple[str, str, Any], **more: Any) -> list[str]:
        """The names of the endpoints that get_endpoint finds."""
        return [row["endpoint_name"] for row in self.search(*filters, **more)["endpoints"]]

    def one(self, endpoint_id: str = ID) -> dict[str, Any]:
        """The record of one endpoint."""
        (row,) = self.search(("endpoint_id_list", "in", [endpoint_id]))["endpoints"]
        return dict(row)

    def state(self, endpoint_id: str = ID) -> str:
        """`is_isolated` of one endpoint."""
        return str(self.one(endpoint_id)["is_isolated"])

    def order(self, call: str, endpoint_id: str = ID) -> int:
        """Isolate or unisolate one endpoint; the id of the action."""
        reply = self.ask(f"endpoints/{call}", endpoint_id=endpoint_id)
        assert reply.status_code == 200, reply.text
        return int(reply.json()["reply"]["action_id"])

    def action(self, action_id: int, endpoint_id: str = ID) -> str:
        """The status of an action for one endpoint."""
        reply = self.ask("actions/get_action_status", group_action_id=action_id)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["reply"]["data"][endpoint_id])

    def seed(self, **endpoint: Any) -> None:
        """Put one endpoint there."""
        record = {"endpoint_id": ID, "endpoint_name": "WS-1", "ip": ["10.1.2.3"], **endpoint}
        self.client.admin("seed", {"endpoints": [record]})

    def edit(self, **change: Any) -> None:
        """The operator's hand; the one endpoint unless an action or another endpoint is named."""
        self.client.admin("edit", change if "action_id" in change else {"endpoint_id": ID, **change})

    def wait(self, seconds: float) -> None:
        """Move the tenant's clock on."""
        self.client.admin("clock", {"advance": seconds})


Tenant = Callable[..., Agents]


@pytest.fixture
def tenant(xdr: Start) -> Tenant:
    """Starts tenants: `tenant(numbers="number")`. Agents call in every 10 seconds and work for 2."""
    return lambda **options: Agents(xdr(**options))
